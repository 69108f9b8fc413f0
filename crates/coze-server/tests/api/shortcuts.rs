//! Shortcuts of an agent: what they ask, the tools that they call, and what is refused.

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::harness::{Api, Setup, frames, text};
use crate::space;

const YAML: &str = r#"
bots:
  - id: "7500000000000000101"
    name: Handy
    workflows: ["7500000000000000201"]
    shortcuts:
      - id: "7500000000000000801"
        name: Weather
        command: /weather
        description: the weather of a city
        query_template: "{{ city }} 的天气，单位 {{ unit }}"
        components:
          - { name: city, description: where }
          - { name: unit, type: select, options: [celsius, fahrenheit], default_value: celsius }
      - id: "7500000000000000802"
        name: Greet
        query_template: "Greet {{ who }}"
        components: [ { name: who, tool_parameter: name } ]
        tool: { workflow: "7500000000000000201" }
      - id: "7500000000000000803"
        name: Hello
        query_template: Hello
        components: [ { name: secret, is_hide: true, default_value: x } ]
      - id: "7500000000000000804"
        name: Look
        query_template: What is this?
        components: [ { name: photo, type: file } ]
workflows:
  - { id: "7500000000000000201", name: greet, file: greet.json }
"#;

async fn start() -> Api {
    Setup::with(YAML).start().await
}

fn item(text: &str) -> String {
    json!([{"type": "text", "text": text}]).to_string()
}

/// A chat of nothing but a shortcut.
fn body(id: &str, parameters: &Value) -> Value {
    let mut body = space::chat("");
    body.as_object_mut().unwrap().remove("additional_messages");
    body["shortcut_command"] = json!({"command_id": id, "parameters": parameters});
    body
}

#[tokio::test]
async fn they_are_listed_with_the_agent() {
    let api = start().await;
    let bot = api.get("/v1/bots/7500000000000000101").await;
    let shown = bot.data()["shortcut_commands"].as_array().unwrap();
    assert_eq!(shown.len(), 4);
    assert_snapshot!(shown[0].to_string(), @r#"{"id":"7500000000000000801","name":"Weather","command":"/weather","description":"the weather of a city","query_template":"{{ city }} 的天气，单位 {{ unit }}","icon_url":"","components":[{"name":"city","description":"where","type":"text","tool_parameter":"city","default_value":"","is_hide":false},{"name":"unit","description":"","type":"select","tool_parameter":"unit","default_value":"celsius","is_hide":false,"options":["celsius","fahrenheit"]}],"send_type":"panel"}"#);
    assert_eq!(
        shown[1]["tool"],
        json!({"name": "greet", "type": "workflow"})
    );
    assert_eq!(shown[2]["send_type"], "query");
    let demo = api.get("/v1/bots/7500000000000000001").await;
    assert!(demo.data().get("shortcut_commands").is_none());
}

#[tokio::test]
async fn they_make_the_question() {
    let api = start().await;
    for (parameters, expected) in [
        (json!({"city": item("杭州")}), "杭州 的天气，单位 celsius"),
        (
            json!({"city": item("Oslo"), "unit": item("fahrenheit")}),
            "Oslo 的天气，单位 fahrenheit",
        ),
        // As coze-js sends it: the item alone.
        (
            json!({"city": "{\"type\":\"text\",\"text\":\"{{ unit }}\"}"}),
            "{{ unit }} 的天气，单位 celsius",
        ),
    ] {
        let conversation = api.conversation().await;
        let path = format!("/v3/chat?conversation_id={conversation}");
        let reply = api
            .post(&path, body("7500000000000000801", &parameters))
            .await;
        let chat = reply.data();
        assert_eq!(
            chat["inserted_additional_messages"]
                .as_array()
                .unwrap()
                .len(),
            1
        );
        let chat = api.ended(&conversation, &text(&chat["id"])).await;
        assert_eq!(chat["status"], "completed", "{chat}");
        let contents = api.contents(&conversation).await;
        assert_eq!(contents[0], expected);
        assert!(contents[1].contains(expected), "{contents:?}");
    }
    // Behind messages that are given besides.
    let conversation = api.conversation().await;
    let mut both = body("7500000000000000803", &json!({}));
    both["additional_messages"] = json!([space::message("first")]);
    let path = format!("/v3/chat?conversation_id={conversation}");
    let chat = api.post(&path, both).await.data().clone();
    api.ended(&conversation, &text(&chat["id"])).await;
    assert_eq!(api.contents(&conversation).await[..2], ["first", "Hello"]);
}

#[tokio::test]
async fn a_file_becomes_a_part_of_the_question() {
    let api = start().await;
    let photo = json!([{"type": "image", "file_url": "https://files.example.com/a.png"}]);
    let conversation = api.conversation().await;
    let path = format!("/v3/chat?conversation_id={conversation}");
    let asked = body("7500000000000000804", &json!({"photo": photo.to_string()}));
    let chat = api.post(&path, asked).await.data().clone();
    api.ended(&conversation, &text(&chat["id"])).await;
    let question: Value = serde_json::from_str(&api.contents(&conversation).await[0]).unwrap();
    assert_eq!(
        question[0],
        json!({"type": "text", "text": "What is this?"})
    );
    assert_eq!(question[1]["file_url"], "https://files.example.com/a.png");
}

#[tokio::test]
async fn the_tool_is_called_before_the_model_is_asked() {
    let api = start().await;
    let mut asked = body("7500000000000000802", &json!({"who": item("Ada")}));
    asked["stream"] = true.into();
    let stream = api.stream("/v3/chat", asked).await;
    let whole: Vec<Value> = frames(&stream)
        .into_iter()
        .filter(|it| it.0 == "conversation.message.completed")
        .map(|it| it.1)
        .collect();
    let kinds: Vec<String> = whole.iter().map(|it| text(&it["type"])).collect();
    assert_eq!(
        kinds,
        ["function_call", "tool_response", "answer", "verbose"]
    );
    let call: Value = serde_json::from_str(whole[0]["content"].as_str().unwrap()).unwrap();
    assert_eq!(
        (&call["name"], &call["arguments"]),
        (&json!("greet"), &json!({"name": "Ada"}))
    );
    assert!(whole[2]["content"].as_str().unwrap().contains("Hello Ada!"));
}

#[tokio::test]
async fn what_cannot_be_filled_in_is_refused_with_its_field() {
    let api = start().await;
    let weather = "7500000000000000801";
    let file = |it: Value| json!([it]).to_string();
    for (id, parameters, expected) in [
        ("12", json!({}), "shortcut_command.command_id"),
        ("", json!({}), "shortcut_command.command_id"),
        (
            weather,
            json!({}),
            "shortcut_command.parameters.city: it is required",
        ),
        (
            weather,
            json!({"city": item("Oslo"), "town": item("x")}),
            "shortcut_command.parameters.town",
        ),
        (
            weather,
            json!({"city": "Oslo"}),
            "shortcut_command.parameters.city",
        ),
        (
            weather,
            json!({"city": "[]"}),
            "shortcut_command.parameters.city: it must have one item",
        ),
        (
            weather,
            json!({"city": file(json!({"type": "image", "file_url": "https://a"}))}),
            "shortcut_command.parameters.city: it takes text",
        ),
        (
            weather,
            json!({"city": item("Oslo"), "unit": item("kelvin")}),
            "shortcut_command.parameters.unit: \"kelvin\" is none of celsius, fahrenheit",
        ),
        (
            "7500000000000000803",
            json!({"secret": item("y")}),
            "shortcut_command.parameters.secret: it is hidden",
        ),
        (
            "7500000000000000804",
            json!({"photo": item("x")}),
            "shortcut_command.parameters.photo: it takes a file",
        ),
        (
            "7500000000000000804",
            json!({"photo": file(json!({"type": "image"}))}),
            "shortcut_command.parameters.photo: it needs a file_id or a file_url",
        ),
        (
            "7500000000000000804",
            json!({"photo": file(json!({"type": "image", "file_id": "12"}))}),
            "shortcut_command.parameters.photo: the file 12 does not exist",
        ),
    ] {
        let reply = api.post("/v3/chat", body(id, &parameters)).await;
        assert_eq!(reply.code(), 4000, "{expected}: {reply:?}");
        assert!(
            reply.msg().contains(expected),
            "{expected}: {}",
            reply.msg()
        );
    }
    // Nothing of all this made a conversation.
    let list = "/v1/conversations?bot_id=7500000000000000101";
    assert_eq!(api.get(list).await.data()["conversations"], json!([]));
}
