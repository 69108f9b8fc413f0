//! Workflows that an agent calls: what their nodes say goes to the user while they run.

use serde_json::{Value, json};

use crate::canvas::{Canvas, END, START, reference};
use crate::harness::{Api, Setup, frames, text};
use crate::space::{self, streamed};

const YAML: &str = r#"
bots:
  - id: "7500000000000000101"
    name: Runner
    workflows: ["7500000000000000204", "7500000000000000210", "7500000000000000211", "7500000000000000212"]
models:
  scripted:
    provider: offline
    script:
      - { match: "^hello$", deltas: ["Hi", " there"] }
      - { match: hang, deltas: ["begun ", "never"], delay_ms: 100, repeat: 500 }
workflows:
  - { id: "7500000000000000204", name: ask_model, file: ask_model.json }
  - { id: "7500000000000000210", name: report, file: report.json }
  - { id: "7500000000000000211", name: said_then_broken, file: said_then_broken.json }
  - { id: "7500000000000000212", name: says_nothing, file: says_nothing.json }
"#;

async fn start() -> Api {
    let mut setup = Setup::new();
    let broken = Canvas::default()
        .start(&[])
        .output("110001", "Note", "Looking around", &[])
        .plugin("110002", "Mystery")
        .end(&[("output", reference("110002", "output"))])
        .chain(&[START, "110001", "110002", END]);
    setup.write("said_then_broken.json", &broken.json());
    let nothing = Canvas::default()
        .start(&[])
        .answer("", false, &[])
        .chain(&[START, END]);
    setup.write("says_nothing.json", &nothing.json());
    setup.load(YAML);
    setup.start().await
}

/// What a chat says: `+text` for pieces, otherwise the type and the content of whole messages.
async fn told(api: &Api, message: &str) -> Vec<String> {
    let stream = api.stream("/v3/chat", streamed(message)).await;
    let mut told = Vec::new();
    for (name, data) in frames(&stream) {
        match name.as_str() {
            "conversation.message.delta" => told.push(format!("+{}", text(&data["content"]))),
            "conversation.message.completed" => {
                let (kind, content) = (text(&data["type"]), text(&data["content"]));
                let short = match kind.as_str() {
                    "function_call" | "verbose" => String::new(),
                    "tool_response" => {
                        let content: Value = serde_json::from_str(&content).unwrap();
                        text(&content["response_for_model"])
                    }
                    _ => content,
                };
                told.push(format!("{kind} {short}").trim().to_owned());
            }
            _ => {}
        }
    }
    told
}

#[tokio::test]
async fn what_an_output_node_says_comes_before_what_the_tool_gives() {
    let api = start().await;
    let told = told(&api, "report topic=rain").await;
    let result = json!({"output": "Report about rain"}).to_string();
    assert_eq!(
        told[..4],
        [
            "function_call".to_owned(),
            "+Working on rain".to_owned(),
            "answer Working on rain".to_owned(),
            format!("tool_response {result}"),
        ]
    );
    // Then the model answers as ever.
    assert!(told[4].starts_with('+'), "{told:?}");
    assert_eq!(told.last().unwrap(), "verbose");
    assert_eq!(told.iter().filter(|it| it.starts_with("answer")).count(), 2);
}

#[tokio::test]
async fn an_end_that_is_a_text_streams_and_is_the_answer() {
    let api = start().await;
    let told = told(&api, "ask_model input=hello").await;
    assert_eq!(
        told,
        [
            "function_call",
            "+Answer: ",
            "+Hi",
            "+ there",
            "answer Answer: Hi there",
            "tool_response Answer: Hi there",
            "verbose",
        ]
    );
    // It is kept in the conversation, and whoever did not stream finds it too.
    let conversation = api.conversation().await;
    let chat = api.ask(&conversation, "ask_model input=hello").await;
    assert_eq!(chat["status"], "completed", "{chat}");
    let expected = ["ask_model input=hello", "Answer: Hi there"];
    assert_eq!(api.contents(&conversation).await, expected);
}

#[tokio::test]
async fn what_was_said_before_a_failure_stays() {
    let api = start().await;
    let told = told(&api, "said_then_broken").await;
    assert_eq!(
        told[..3],
        ["function_call", "+Looking around", "answer Looking around"]
    );
    assert!(told[3].starts_with("tool_response error: "), "{told:?}");
    assert_eq!(told.last().unwrap(), "verbose");
}

#[tokio::test]
async fn a_text_that_is_empty_leaves_the_answer_to_the_model() {
    let api = start().await;
    let told = told(&api, "says_nothing").await;
    assert_eq!(told[..2], ["function_call", "tool_response"]);
    assert_eq!(told.iter().filter(|it| it.starts_with("answer")).count(), 1);
}

#[tokio::test]
async fn a_cancelled_chat_cancels_the_workflow_that_streams() {
    let api = start().await;
    let conversation = api.conversation().await;
    let path = format!("/v3/chat?conversation_id={conversation}");
    let mut stream = api.open(&path, streamed("ask_model input=hang")).await;
    let (_, chat) = stream.ids().await;
    stream.until("begun").await;
    api.cancel(&conversation, &chat).await.data();
    assert!(stream.rest().await.contains("conversation.chat.canceled"));
    let mut body = space::chat("hello");
    body["stream"] = false.into();
    // The conversation is free again.
    api.post(&path, body).await.data();
}
