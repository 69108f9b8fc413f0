//! The agents and workflows that most tests use.

use std::path::Path;

use serde_json::{Value, json};

use crate::canvas::{Canvas, END, START, reference, typed_reference};

/// How the ids that the tests choose begin; those that a server makes begin otherwise.
pub(crate) const OWN_IDS: &str = "750000000000000";

pub(crate) const DEMO_BOT: &str = "7500000000000000001";
pub(crate) const SCRIPTED_BOT: &str = "7500000000000000101";
pub(crate) const PERSONA_BOT: &str = "7500000000000000102";
pub(crate) const SHOP_BOT: &str = "7500000000000000103";

pub(crate) const GREET: &str = "7500000000000000201";
pub(crate) const TRIP: &str = "7500000000000000202";
pub(crate) const BROKEN: &str = "7500000000000000203";
pub(crate) const ASK_MODEL: &str = "7500000000000000204";
pub(crate) const CHATFLOW: &str = "7500000000000000205";
pub(crate) const CHATFLOW_TRIP: &str = "7500000000000000206";
pub(crate) const COUNT: &str = "7500000000000000207";
pub(crate) const FOUR_QUESTIONS: &str = "7500000000000000208";
pub(crate) const REPORT: &str = "7500000000000000210";

/// The `coze.yaml`.
pub(crate) fn yaml() -> String {
    YAML.to_owned()
}

const YAML: &str = r#"
bots:
  - id: "7500000000000000101"
    name: Scripted
    prompt: "You follow a script."
    model: scripted
    tools:
      - name: get_weather
        description: weather of a city
        parameters: { type: object, properties: { city: { type: string } }, required: [city] }
      - name: get_time
  - id: "7500000000000000102"
    name: Persona
    prompt: "You are {{ name }} of {{ place }}.{% if mood == 'happy' %} Smile.{% endif %}"
  - id: "7500000000000000103"
    name: Shop
    description: sells things
    model: scripted
    opening: "Welcome"
    suggestions: ["What do you sell?"]
    workflows: ["7500000000000000201", "7500000000000000202", "7500000000000000203"]
models:
  scripted:
    provider: offline
    script:
      - match: "^hello$"
        deltas: ["Hi", " there"]
      - match: "both tools"
        tool_calls:
          - { name: get_weather, arguments: { city: "Oslo" } }
          - { name: get_time }
        then: "{{ tool_outputs[0] }} at {{ tool_outputs[1] }}"
      - match: "look first"
        deltas: ["Let me see."]
        tool_calls: [ { name: get_weather, arguments: { city: "Oslo" } } ]
        then: "Sun: {{ tool_outputs[0] }}"
      - match: "weather"
        tool_calls: [ { name: get_weather, arguments: { city: "Oslo" } } ]
        then: "It is {{ tool_outputs[0] }}"
      - match: "greet Ada"
        tool_calls: [ { name: greet, arguments: { name: "Ada" } } ]
        then: "greet said {{ tool_outputs[0] }}"
      - match: "greet nobody"
        tool_calls: [ { name: greet, arguments: {} } ]
        then: "greet said {{ tool_outputs[0] }}"
      - match: "use broken"
        tool_calls: [ { name: broken } ]
        then: "broken said {{ tool_outputs[0] }}"
      - match: "use trip"
        tool_calls: [ { name: trip, arguments: { name: "Ada" } } ]
        then: "trip said {{ tool_outputs[0] }}"
      - match: "use nothing"
        tool_calls: [ { name: no_such_tool } ]
        then: "it said {{ tool_outputs[0] }}"
      - match: "slow"
        deltas: ["one ", "two ", "three"]
        delay_ms: 100
      - match: "half then hang"
        deltas: ["half ", "whole"]
        repeat: 500
        delay_ms: 100
      - match: "hang"
        deltas: ["never"]
        delay_ms: 60000
      - match: "half then fail"
        deltas: ["half "]
        error: { code: 4013, msg: "no more today" }
      - match: "fail"
        error: { code: 5000, msg: "scripted failure" }
      - match: "think"
        reasoning: ["first ", "then"]
        deltas: ["42"]
        follow_ups: ["Why 42?", "Sure?"]
      - match: "separators"
        deltas: ["a\u2028b", "\u2029c\u0085d", "line\nfeed\r\n\"quoted\" \\ \u0001"]
      - match: "silent"
        deltas: []
workflows:
  - { id: "7500000000000000201", name: greet, file: greet.json, description: greets }
  - { id: "7500000000000000202", name: trip, file: trip.json }
  - { id: "7500000000000000203", name: broken, file: broken.json }
  - { id: "7500000000000000204", name: ask_model, file: ask_model.json }
  - { id: "7500000000000000205", name: chatflow, file: chatflow.json }
  - { id: "7500000000000000206", name: chatflow_trip, file: chatflow_trip.json }
  - { id: "7500000000000000207", name: count, file: count.json }
  - { id: "7500000000000000208", name: four_questions, file: four_questions.json }
  - { id: "7500000000000000210", name: report, file: report.json }
"#;

pub(crate) fn write_workflows(folder: &Path) {
    let canvases = [
        ("greet", greet()),
        ("trip", trip()),
        ("broken", broken()),
        ("ask_model", ask_model("scripted")),
        ("chatflow", chatflow()),
        ("chatflow_trip", chatflow_trip()),
        ("count", count()),
        ("four_questions", four_questions()),
        ("report", report()),
        ("noted_trip", noted_trip()),
    ];
    for (name, canvas) in canvases {
        std::fs::write(folder.join(format!("{name}.json")), canvas.json()).unwrap();
    }
}

fn greet() -> Canvas {
    let name = reference(START, "name");
    Canvas::default()
        .start(&[("name", "string")])
        .text(
            "110001",
            "Greeting",
            "Hello {{String1}}!",
            &[("String1", name)],
        )
        .end(&[("output", reference("110001", "output"))])
        .chain(&[START, "110001", END])
}

fn trip() -> Canvas {
    let (name, city) = (
        reference(START, "name"),
        reference("110001", "USER_RESPONSE"),
    );
    Canvas::default()
        .start(&[("name", "string")])
        .question(
            "110001",
            "Ask the city",
            "Which city, {{name}}?",
            &[("name", name.clone())],
        )
        .text(
            "110002",
            "Ticket",
            "{{String1}} goes to {{String2}}",
            &[("String1", name), ("String2", city)],
        )
        .end(&[("output", reference("110002", "output"))])
        .chain(&[START, "110001", "110002", END])
}

fn broken() -> Canvas {
    Canvas::default()
        .start(&[])
        .plugin("110001", "Mystery")
        .end(&[("output", reference("110001", "output"))])
        .chain(&[START, "110001", END])
}

fn ask_model(model: &str) -> Canvas {
    Canvas::default()
        .start(&[("input", "string")])
        .llm(
            "110001",
            "Model",
            model,
            ("input", reference(START, "input")),
        )
        .answer(
            "Answer: {{output}}",
            true,
            &[("output", reference("110001", "output"))],
        )
        .chain(&[START, "110001", END])
}

fn chatflow() -> Canvas {
    Canvas::default()
        .chatflow_start()
        .llm(
            "110001",
            "Model",
            "scripted",
            ("input", reference(START, "USER_INPUT")),
        )
        .answer(
            "{{output}}",
            true,
            &[("output", reference("110001", "output"))],
        )
        .chain(&[START, "110001", END])
}

fn chatflow_trip() -> Canvas {
    let said = reference(START, "USER_INPUT");
    Canvas::default()
        .chatflow_start()
        .question(
            "110001",
            "Ask the city",
            "Which city after {{said}}?",
            &[("said", said)],
        )
        .answer(
            "Going to {{city}}",
            false,
            &[("city", reference("110001", "USER_RESPONSE"))],
        )
        .chain(&[START, "110001", END])
}

fn count() -> Canvas {
    let number = typed_reference(START, "number", "integer");
    Canvas::default()
        .start(&[("number", "integer"), ("flag", "boolean")])
        .text(
            "110001",
            "Count",
            "{{String1}} pieces",
            &[("String1", number)],
        )
        .end(&[("output", reference("110001", "output"))])
        .chain(&[START, "110001", END])
}

fn four_questions() -> Canvas {
    let ids = ["110001", "110002", "110003", "110004"];
    let mut canvas = Canvas::default().start(&[]);
    for (index, id) in ids.iter().enumerate() {
        canvas = canvas.question(id, "Ask", &format!("Question {}?", index + 1), &[]);
    }
    canvas
        .end(&[("output", reference("110004", "USER_RESPONSE"))])
        .chain(&[START, "110001", "110002", "110003", "110004", END])
}

fn report() -> Canvas {
    let topic = reference(START, "topic");
    Canvas::default()
        .start(&[("topic", "string")])
        .output(
            "110001",
            "Progress note",
            "Working on {{topic}}",
            &[("topic", topic.clone())],
        )
        .text(
            "110002",
            "Report",
            "Report about {{String1}}",
            &[("String1", topic)],
        )
        .end(&[("output", reference("110002", "output"))])
        .chain(&[START, "110001", "110002", END])
}

/// Says something, then asks.
fn noted_trip() -> Canvas {
    Canvas::default()
        .start(&[])
        .output("110001", "Note", "Looking around", &[])
        .question("110002", "Ask the city", "Which city?", &[])
        .end(&[("output", reference("110002", "USER_RESPONSE"))])
        .chain(&[START, "110001", "110002", END])
}

/// A message of a user.
pub(crate) fn message(content: &str) -> Value {
    json!({"role": "user", "type": "question", "content": content, "content_type": "text"})
}

/// The body of a chat with the scripted agent.
pub(crate) fn chat(content: &str) -> Value {
    chat_with(SCRIPTED_BOT, content)
}

pub(crate) fn chat_with(bot: &str, content: &str) -> Value {
    json!({"bot_id": bot, "user_id": "ada", "additional_messages": [message(content)]})
}

/// The same as a stream.
pub(crate) fn streamed(content: &str) -> Value {
    let mut body = chat(content);
    body["stream"] = true.into();
    body
}

/// The body of a workflow run.
pub(crate) fn run(workflow: &str, parameters: &Value) -> Value {
    json!({"workflow_id": workflow, "parameters": parameters})
}
