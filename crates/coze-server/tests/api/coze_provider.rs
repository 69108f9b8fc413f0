//! A model that is an agent of another Coze server: what goes there, what comes back, what goes
//! wrong. The other side is a server of this crate.

use coze_server::{BotConfig, ScriptRule, TestServer, TestServerBuilder, ToolConfig};
use serde_json::{Value, json};

use crate::harness::{Api, Setup, client, frames, names, text, within};
use crate::space::streamed;

/// The agent on this side is called as those of the other tests are.
const FRONT: &str = "7500000000000000101";

fn yaml(upstream: &str, more: &str) -> String {
    // The token is any variable that is always there under cargo.
    format!(
        "bots: [ {{ id: {FRONT}, name: Front, prompt: \"Be brief.\", model: far }} ]\n\
         models: {{ far: {{ provider: coze, base_url: {upstream:?}, bot_id: 7500000000000000001, \
         token_env: CARGO_MANIFEST_DIR{more} }} }}\n"
    )
}

async fn front(upstream: &TestServer, more: &str) -> Api {
    Setup::with(&yaml(upstream.url(), more)).start().await
}

async fn start(builder: TestServerBuilder) -> TestServer {
    within(builder.start()).await.unwrap()
}

fn rule(pattern: &str) -> ScriptRule {
    ScriptRule {
        pattern: pattern.to_owned(),
        ..ScriptRule::default()
    }
}

/// How often the other side was called so.
async fn calls(upstream: &TestServer, endpoint: &str) -> u64 {
    let url = format!("{}/metrics", upstream.url());
    let text = client()
        .get(url)
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    let of_it = text.lines().filter(|it| {
        it.starts_with("coze_requests_total") && it.contains(&format!("\"{endpoint}\""))
    });
    of_it
        .map(|it| it.rsplit(' ').next().unwrap().parse::<u64>().unwrap())
        .sum()
}

async fn failure(api: &Api) -> (i64, String) {
    let chat = api.ask(&api.conversation().await, "hello").await;
    assert_eq!(chat["status"], "failed", "{chat}");
    let error = &chat["last_error"];
    (error["code"].as_i64().unwrap(), text(&error["msg"]))
}

#[tokio::test]
async fn a_turn_streams_with_reasoning_suggestions_and_usage() {
    let script = ScriptRule {
        reasoning: vec!["hm ".into(), "so".into()],
        deltas: vec!["你".into(), "好".into()],
        follow_ups: vec!["And you?".into()],
        ..rule("hello")
    };
    let upstream = start(TestServer::builder().script([script])).await;
    let api = front(&upstream, "").await;
    let stream = api.stream("/v3/chat", streamed("hello")).await;
    let frames = frames(&stream);
    let of = |name: &str| {
        let found = frames.iter().filter(move |it| it.0 == name);
        found.map(|it| it.1.clone()).collect::<Vec<Value>>()
    };
    let deltas = of("conversation.message.delta");
    assert_eq!(deltas[0]["reasoning_content"], "hm ");
    assert_eq!(deltas[1]["reasoning_content"], "so");
    assert_eq!(
        (&deltas[2]["content"], &deltas[3]["content"]),
        (&json!("你"), &json!("好"))
    );
    assert_eq!(deltas.len(), 4);
    let whole = of("conversation.message.completed");
    let whole: Vec<_> = whole
        .iter()
        .map(|it| (&it["type"], &it["content"]))
        .collect();
    assert_eq!(whole[0], (&json!("answer"), &json!("你好")));
    assert_eq!(whole[1].0, "verbose");
    assert_eq!(whole[2], (&json!("follow_up"), &json!("And you?")));
    let usage = &of("conversation.chat.completed")[0]["usage"];
    assert!(usage["input_count"].as_i64().unwrap() > 0, "{usage}");
    assert_eq!(names(&stream).last().unwrap(), "done");
    // One chat there, which was not cancelled.
    assert_eq!(calls(&upstream, "StartChat").await, 1);
    assert_eq!(calls(&upstream, "CancelChat").await, 0);
}

#[tokio::test]
async fn the_conversation_and_its_images_travel() {
    let upstream = start(TestServer::builder()).await;
    let api = front(&upstream, "").await;
    let conversation = api.conversation().await;
    api.answer(&conversation, "my name is Ada").await;
    let said = api.answer(&conversation, "What did I say?").await;
    assert_eq!(said, "You said before: \"my name is Ada\".");

    let part = reqwest::multipart::Part::bytes(b"\x89PNG".to_vec()).file_name("a.png");
    let form = reqwest::multipart::Form::new().part("file", part);
    let upload = api
        .request(reqwest::Method::POST, "/v1/files/upload")
        .multipart(form);
    let file = text(&api.send(upload).await.data()["id"]);
    let items = json!([
        {"type": "text", "text": "look at these"}, {"type": "image", "file_id": file},
        {"type": "image", "file_url": "https://files.example.com/b.png"},
    ]);
    let mut body = crate::space::chat("");
    body["additional_messages"][0]["content"] = items.to_string().into();
    body["additional_messages"][0]["content_type"] = "object_string".into();
    let path = format!("/v3/chat?conversation_id={conversation}");
    let chat = api.post(&path, body).await.data().clone();
    let chat = api.ended(&conversation, &text(&chat["id"])).await;
    assert_eq!(chat["status"], "completed", "{chat}");
    let messages = api.messages(&chat).await;
    let answer = text(&messages[0]["content"]);
    assert!(answer.contains("2 image"), "{answer}");
    assert_eq!(calls(&upstream, "UploadFile").await, 1);
}

#[tokio::test]
async fn a_cancelled_chat_is_cancelled_there() {
    let script = ScriptRule {
        deltas: vec!["half ".into(), "whole".into()],
        repeat: Some(500),
        delay_ms: 50,
        ..rule("hello")
    };
    let upstream = start(TestServer::builder().script([script])).await;
    let api = front(&upstream, "").await;
    let conversation = api.conversation().await;
    let path = format!("/v3/chat?conversation_id={conversation}");
    let mut stream = api.open(&path, streamed("hello")).await;
    let (_, chat) = stream.ids().await;
    stream.until("half").await;
    api.cancel(&conversation, &chat).await.data();
    assert!(stream.rest().await.contains("conversation.chat.canceled"));
    within(async {
        while calls(&upstream, "CancelChat").await == 0 {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    })
    .await;
}

#[tokio::test]
async fn what_goes_wrong_there_fails_the_chat_here_and_says_why() {
    let upstream = start(
        TestServer::builder()
            .answer("hello", "there")
            .token("only this"),
    )
    .await;
    let api = front(&upstream, "").await;
    let (code, msg) = failure(&api).await;
    assert_eq!(code, 4012, "{msg}");
    assert!(
        msg.starts_with("the model coze/7500000000000000001: "),
        "{msg}"
    );
    let token = std::env::var("CARGO_MANIFEST_DIR").unwrap();
    assert!(!msg.contains(&token), "{msg}");

    let upstream = start(TestServer::builder().answer("hello", "there")).await;
    for (fault, code, expected) in [
        ("code=4013", 4013, "4013"),
        ("code=4100", 4012, "4100"),
        ("status=404", 4012, "404"),
        ("status=500", 5000, "500"),
        ("cut; after=3", 5000, "cut"),
    ] {
        let id = upstream.fault(fault, |it| it.row("StartChat")).unwrap();
        let api = front(&upstream, ", retry: false").await;
        let (found, msg) = failure(&api).await;
        assert_eq!(found, code, "{fault}: {msg}");
        assert!(msg.contains(expected), "{fault}: {msg}");
        upstream.remove_faults(Some(id));
    }
    let unknown = yaml(upstream.url(), "").replace("bot_id: 7500000000000000001", "bot_id: 12");
    let (code, msg) = failure(&Setup::with(&unknown).start().await).await;
    assert_eq!(code, 4012, "{msg}");

    let unset = yaml(upstream.url(), "").replace("CARGO_MANIFEST_DIR", "COZE_RS_TEST_ABSENT");
    let (code, msg) = failure(&Setup::with(&unset).start().await).await;
    let expected = "the model coze/7500000000000000001: the environment variable COZE_RS_TEST_ABSENT is not set";
    assert_eq!((code, msg.as_str()), (4012, expected));

    let closed = yaml("http://127.0.0.1:1", ", retry: false");
    let (code, msg) = failure(&Setup::with(&closed).start().await).await;
    assert_eq!(code, 5000, "{msg}");
}

#[tokio::test]
async fn an_answer_that_has_not_begun_is_asked_for_once_more() {
    let upstream = start(TestServer::builder().answer("hello", "there")).await;
    let api = front(&upstream, "").await;
    for fault in ["status=503", "cut; after=1"] {
        upstream
            .fault(fault, |it| it.row("StartChat").count(1))
            .unwrap();
        let answer = api.answer(&api.conversation().await, "hello").await;
        assert_eq!(answer, "there", "{fault}");
    }
    upstream
        .fault("status=503", |it| it.row("StartChat").count(2))
        .unwrap();
    let (code, msg) = failure(&api).await;
    assert_eq!(code, 5000, "{msg}");
}

#[tokio::test]
async fn an_agent_there_that_needs_its_caller_cannot_be_used() {
    let script = ScriptRule {
        tool_calls: vec![coze_server::ScriptCall {
            name: "get_weather".into(),
            ..Default::default()
        }],
        ..rule("hello")
    };
    let bot = BotConfig {
        id: "7500000000000000001".into(),
        name: "Needy".into(),
        tools: vec![ToolConfig {
            name: "get_weather".into(),
            parameters: json!({"type": "object"}),
            ..ToolConfig::default()
        }],
        ..BotConfig::default()
    };
    let upstream = start(TestServer::builder().bot(bot).script([script])).await;
    let (code, msg) = failure(&front(&upstream, "").await).await;
    assert_eq!(code, 5000);
    assert!(
        msg.contains("waits for the output of a tool of its caller"),
        "{msg}"
    );
}
