//! Agents that ask an OpenAI-compatible provider: what is sent, what is understood, what goes wrong.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::harness::{Api, frames, place, text, within};
use crate::peer::{Peer, Step, stream};
use crate::space::streamed;

const STOP: &str = r#"{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#;
const DONE: &str = "[DONE]";

fn said(text: &str) -> String {
    json!({"choices": [{"index": 0, "delta": {"content": text}}]}).to_string()
}

/// Starts a chat and gives its last state and its answers.
async fn ask(api: &Api) -> (Value, Vec<String>) {
    let chat = api.ask(&api.conversation().await, "hello").await;
    let messages = api.messages(&chat).await;
    let answers = messages
        .as_array()
        .unwrap()
        .iter()
        .filter(|it| it["type"] == "answer");
    (
        chat.clone(),
        answers.map(|it| text(&it["content"])).collect(),
    )
}

#[tokio::test]
async fn a_turn_with_all_that_is_sent_and_understood() {
    let peer = Peer::start().await;
    // Its key is in an environment variable that is always there under cargo.
    let key = std::env::var("CARGO_MANIFEST_DIR").unwrap();
    let api = peer.api(", api_key_env: CARGO_MANIFEST_DIR").await;
    let think = r#"{"choices":[{"index":0,"delta":{"role":"assistant","content":null,"reasoning_content":"hm"}}]}"#;
    let usage =
        r#"{"choices":[],"usage":{"prompt_tokens":11,"completion_tokens":5,"total_tokens":16}}"#;
    peer.chunks(&[think, &said("你"), &said("好"), STOP, usage, DONE]);
    let stream = api.stream("/v3/chat", streamed("hello")).await;
    let frames = frames(&stream);
    let deltas: Vec<_> = frames
        .iter()
        .filter(|it| it.0 == "conversation.message.delta")
        .collect();
    assert_eq!(deltas[0].1["reasoning_content"], "hm");
    assert_eq!(
        (&deltas[1].1["content"], &deltas[2].1["content"]),
        (&json!("你"), &json!("好"))
    );
    let completed = frames
        .iter()
        .find(|it| it.0 == "conversation.chat.completed")
        .unwrap();
    assert_eq!(
        completed.1["usage"],
        json!({"token_count": 16, "output_count": 5, "input_count": 11})
    );
    let (head, body) = peer.calls().remove(0);
    assert!(
        head.starts_with("POST /v1/chat/completions HTTP/1.1\r\n"),
        "{head}"
    );
    assert!(
        head.to_lowercase()
            .contains(&format!("authorization: bearer {key}").to_lowercase()),
        "{head}"
    );
    assert_eq!(
        body,
        json!({
            "model": "gpt-test",
            "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "hello"}],
            "stream": true, "stream_options": {"include_usage": true}, "temperature": 0.5, "max_tokens": 99,
            "tools": [
                {"type": "function", "function": {"name": "get_weather", "description": "weather",
                    "parameters": {"type": "object", "properties": {}}}},
                {"type": "function", "function": {"name": "get_time", "description": "",
                    "parameters": {"type": "object", "properties": {}}}},
            ],
        })
    );
}

#[tokio::test]
async fn calls_that_come_in_pieces_and_go_back_with_their_outputs() {
    let peer = Peer::start().await;
    let api = peer.api("").await;
    let piece = |index: usize, rest: Value| {
        let mut call = rest;
        call["index"] = index.into();
        json!({"choices": [{"index": 0, "delta": {"tool_calls": [call]}}]}).to_string()
    };
    peer.chunks(&[
        &said("Let me see."),
        &piece(0, json!({"id": "call_a", "type": "function", "function": {"name": "get_weather", "arguments": ""}})),
        &piece(0, json!({"function": {"arguments": "{\"ci"}})),
        &piece(1, json!({"id": "call_b", "function": {"name": "get_time", "arguments": "{}"}})),
        &piece(0, json!({"function": {"arguments": "ty\":\"Oslo\"}"}})),
        r#"{"choices":[{"index":0,"delta":{},"finish_reason":"tool_calls"}]}"#,
        DONE,
    ]);
    let conversation = api.conversation().await;
    let chat = api.ask(&conversation, "hello").await;
    assert_eq!(
        chat["required_action"]["submit_tool_outputs"]["tool_calls"],
        json!([
            {"id": "call_a", "type": "function", "function": {"name": "get_weather", "arguments": "{\"city\":\"Oslo\"}"}},
            {"id": "call_b", "type": "function", "function": {"name": "get_time", "arguments": "{}"}},
        ])
    );
    peer.chunks(&[&said("Sunny at noon."), STOP, DONE]);
    let path = place(
        "/v3/chat/submit_tool_outputs",
        &conversation,
        &text(&chat["id"]),
    );
    let outputs = json!([{"tool_call_id": "call_b", "output": "noon"}, {"tool_call_id": "call_a", "output": "sun"}]);
    api.post(&path, json!({"tool_outputs": outputs}))
        .await
        .data();
    api.ended(&conversation, &text(&chat["id"])).await;
    assert_eq!(
        api.contents(&conversation).await,
        ["hello", "Let me see.", "Sunny at noon."]
    );
    assert_eq!(
        peer.calls()[1].1["messages"],
        json!([
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "hello"},
            {"role": "assistant", "content": "Let me see.", "tool_calls": [
                {"id": "call_a", "type": "function", "function": {"name": "get_weather", "arguments": "{\"city\":\"Oslo\"}"}},
                {"id": "call_b", "type": "function", "function": {"name": "get_time", "arguments": "{}"}},
            ]},
            {"role": "tool", "tool_call_id": "call_a", "content": "sun"},
            {"role": "tool", "tool_call_id": "call_b", "content": "noon"},
        ])
    );
}

#[tokio::test]
async fn a_stream_in_any_cut_is_the_same_text() {
    let peer = Peer::start().await;
    let api = peer.api("").await;
    let body = stream(&format!(
        ": a comment\r\nretry: 5\r\n\r\ndata: {}\r\n\r\nevent: x\r\ndata: {}\r\n\r\ndata: {STOP}\r\n\r\ndata: {DONE}\r\n\r\n",
        said("你好🌍"),
        said(" end")
    ));
    let pieces = body.as_bytes().chunks(7);
    let steps = pieces.flat_map(|it| {
        [
            Step::Send(it.to_vec()),
            Step::Wait(Duration::from_millis(1)),
        ]
    });
    peer.answer(steps.collect());
    assert_eq!(ask(&api).await.1, ["你好🌍 end"]);
}

#[tokio::test]
async fn what_goes_wrong_fails_the_chat_and_says_why() {
    let peer = Peer::start().await;
    let key = std::env::var("CARGO_MANIFEST_DIR").unwrap();
    let api = peer.api(", api_key_env: CARGO_MANIFEST_DIR").await;
    let refusal = |status: &str, body: &str| {
        format!(
            "HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
            body.len()
        )
    };
    let echo = json!({"error": {"message": format!("wrong key {key}")}}).to_string();
    let in_stream = json!({"error": {"message": format!("overloaded, {key}")}}).to_string();
    let data = |text: &str| stream(&format!("data: {text}\n\n"));
    let half = stream(&format!("data: {}\n\n", said("half")));
    let within_a_character = {
        let mut bytes = stream(&format!("data: {}", said("好"))).into_bytes();
        bytes.truncate(bytes.len() - 7);
        bytes
    };
    for (answer, code, expected) in [
        (
            refusal("401 Unauthorized", &echo).into_bytes(),
            4012,
            "the model gpt-test: HTTP 401: wrong key ***",
        ),
        (
            refusal("403 Forbidden", "").into_bytes(),
            4012,
            "the model gpt-test: HTTP 403",
        ),
        (
            refusal("404 Not Found", r#"{"error":"no such model"}"#).into_bytes(),
            4012,
            "HTTP 404: no such model",
        ),
        (
            refusal(
                "429 Too Many Requests",
                r#"{"error":{"message":"slow down"}}"#,
            )
            .into_bytes(),
            4013,
            "HTTP 429: slow down",
        ),
        (
            refusal("500 Internal Server Error", "<html>oops</html>").into_bytes(),
            5000,
            "HTTP 500",
        ),
        // A redirect could carry the key elsewhere.
        (
            refusal("302 Found\r\nlocation: http://127.0.0.1:1/", "").into_bytes(),
            5000,
            "HTTP 302",
        ),
        (
            refusal("200 OK", "<html><body>Sign in</body></html>").into_bytes(),
            5000,
            "its stream ended before the answer was complete",
        ),
        (
            refusal("200 OK", "").into_bytes(),
            5000,
            "its stream ended before the answer was complete",
        ),
        (
            half.into_bytes(),
            5000,
            "its stream ended before the answer was complete",
        ),
        (
            within_a_character,
            5000,
            "its stream ended before the answer was complete",
        ),
        (
            data("{\"choices\":[").into_bytes(),
            5000,
            "its stream is not readable",
        ),
        (data(&in_stream).into_bytes(), 5000, "overloaded, ***"),
        (
            data(DONE).into_bytes(),
            5000,
            "its stream ended before the answer was complete",
        ),
        (
            b"this is no HTTP\r\n\r\n".to_vec(),
            5000,
            "the model gpt-test: ",
        ),
        (Vec::new(), 5000, "the model gpt-test: "),
    ] {
        peer.bytes(answer);
        let (chat, answers) = ask(&api).await;
        assert_eq!(chat["status"], "failed", "{expected}");
        let error = &chat["last_error"];
        assert_eq!(error["code"], code, "{expected}: {error}");
        let msg = error["msg"].as_str().unwrap();
        assert!(msg.contains(expected), "{expected}: {msg}");
        assert!(msg.starts_with("the model gpt-test: "), "{msg}");
        assert!(!msg.contains(&key) && !msg.contains("<html>"), "{msg}");
        assert_eq!(answers, [""; 0]);
    }
}

#[tokio::test]
async fn a_provider_that_falls_silent() {
    let peer = Peer::start().await;
    let api = peer.api("").await;
    let long = Step::Wait(Duration::from_secs(60));
    peer.answer(vec![long]);
    let half = stream(&format!("data: {}\n\n", said("half")));
    peer.answer(vec![
        Step::Send(half.into()),
        Step::Wait(Duration::from_secs(60)),
    ]);
    let begun = Instant::now();
    // Both at once: each takes its second.
    let ((first, _), (second, _)) = futures_util::future::join(ask(&api), ask(&api)).await;
    assert!(
        begun.elapsed() < Duration::from_secs(4),
        "{:?}",
        begun.elapsed()
    );
    let mut told: Vec<_> = [first, second]
        .map(|it| text(&it["last_error"]["msg"]))
        .into();
    told.sort();
    assert_eq!(
        told,
        [
            "the model gpt-test: no answer within 1s",
            "the model gpt-test: silent for 1s"
        ]
    );
}

#[tokio::test]
async fn a_provider_that_is_not_there_and_a_key_that_is_not_set() {
    let peer = Peer::start().await;
    let api = peer
        .api(", api_key_env: COZE_RS_TEST_NO_SUCH_VARIABLE")
        .await;
    let (chat, _) = ask(&api).await;
    assert_eq!(chat["last_error"]["code"], 4012);
    let msg = text(&chat["last_error"]["msg"]);
    assert!(
        msg.contains("COZE_RS_TEST_NO_SUCH_VARIABLE is not set"),
        "{msg}"
    );
    assert!(peer.calls().is_empty());

    let yaml = "bots: [ { id: 7500000000000000101, name: x, model: gone } ]\n\
                models: { gone: { provider: openai, base_url: \"http://127.0.0.1:1/v1\", model: m } }\n";
    let api = crate::harness::Setup::with(yaml).start().await;
    let (chat, _) = ask(&api).await;
    assert_eq!(chat["last_error"]["code"], 5000);
    let msg = text(&chat["last_error"]["msg"]);
    assert!(
        msg.starts_with("the model m: ") && msg.contains("refused"),
        "{msg}"
    );
}

#[tokio::test]
async fn cancelling_hangs_up() {
    let peer = Peer::start().await;
    let api = peer.api_with("").await;
    // In the middle of an answer, and before there is any.
    let half = stream(&format!("data: {}\n\n", said("half")));
    for begin in [half.as_str(), ""] {
        let (gone, hung_up) = tokio::sync::oneshot::channel();
        peer.answer(vec![Step::Send(begin.into()), Step::HangUp(gone)]);
        let conversation = api.conversation().await;
        let path = format!("/v3/chat?conversation_id={conversation}");
        let asked = peer.calls().len();
        let mut stream = api.open(&path, streamed("hello")).await;
        let (_, chat) = stream.ids().await;
        within(async {
            while peer.calls().len() == asked {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        })
        .await;
        if !begin.is_empty() {
            stream.until("half").await;
        }
        api.cancel(&conversation, &chat).await.data();
        within(hung_up).await.unwrap();
        assert!(stream.rest().await.contains("conversation.chat.canceled"));
    }
}

fn refused(status: &str) -> String {
    format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
}

#[tokio::test]
async fn a_call_that_breaks_before_its_answer_is_made_once_more() {
    let peer = Peer::start().await;
    let api = peer.api_with("").await;
    let overloaded = stream("data: {\"error\":{\"message\":\"overloaded\"}}\n\n");
    let nothing = stream(&format!("data: {DONE}\n\n"));
    for broken in [
        refused("500 Internal Server Error"),
        refused("503 Service Unavailable"),
        overloaded,
        nothing,
        // The connection is closed without a word.
        String::new(),
    ] {
        let before = peer.calls().len();
        peer.bytes(broken.clone());
        peer.chunks(&[&said("there"), STOP, DONE]);
        let (chat, answers) = ask(&api).await;
        assert_eq!(chat["status"], "completed", "{broken}: {chat}");
        assert_eq!(answers, ["there"]);
        let calls = peer.calls();
        assert_eq!(calls.len() - before, 2, "{broken}");
        assert_eq!(calls[before].1, calls[before + 1].1);
    }
    // Twice is enough.
    peer.bytes(refused("500 Internal Server Error"));
    peer.bytes(refused("502 Bad Gateway"));
    let (chat, _) = ask(&api).await;
    assert_eq!(chat["last_error"]["msg"], "the model gpt-test: HTTP 502");
}

#[tokio::test]
async fn nothing_is_asked_twice_that_could_be_read_twice_or_never_helps() {
    let peer = Peer::start().await;
    let api = peer.api_with("").await;
    let half = stream(&format!("data: {}\n\n", said("half")));
    let unreadable = stream("data: {\"choices\":[\n\n");
    for (broken, expected) in [
        (half, "its stream ended before the answer was complete"),
        (refused("401 Unauthorized"), "HTTP 401"),
        (refused("429 Too Many Requests"), "HTTP 429"),
        (unreadable, "its stream is not readable"),
    ] {
        let before = peer.calls().len();
        peer.bytes(broken);
        let (chat, _) = ask(&api).await;
        let msg = text(&chat["last_error"]["msg"]);
        assert!(msg.contains(expected), "{expected}: {msg}");
        assert_eq!(peer.calls().len() - before, 1, "{expected}");
    }
}

#[tokio::test]
async fn each_wait_has_its_limit() {
    let peer = Peer::start().await;
    let half = stream(&format!("data: {}\n\n", said("half")));
    for (limit, begin, expected) in [
        ("first_byte_s: 1", "", "no answer within 1s"),
        ("silence_s: 1", half.as_str(), "silent for 1s"),
        (
            "total_s: 1",
            half.as_str(),
            "its answer took longer than 1s",
        ),
    ] {
        let api = peer.api_with(&format!(", timeouts: {{ {limit} }}")).await;
        let long = Step::Wait(Duration::from_secs(60));
        peer.answer(vec![Step::Send(begin.into()), long]);
        let (chat, _) = ask(&api).await;
        let msg = text(&chat["last_error"]["msg"]);
        assert_eq!(msg, format!("the model gpt-test: {expected}"), "{limit}");
    }
}
