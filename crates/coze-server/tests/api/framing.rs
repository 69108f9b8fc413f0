//! What the official readers of streams need: they are no full readers of server-sent events.

use crate::harness::{Api, Setup, frames, raw};
use crate::space::{self, CHATFLOW, GREET, TRIP, message, run, streamed};
use serde_json::{Value, json};

/// One event is these fields in this order, each once, and an empty line.
#[track_caller]
fn check(stream: &str, fields: &[&str]) {
    assert!(stream.ends_with("\n\n"), "{stream:?}");
    assert!(!stream.contains('\r'), "{stream:?}");
    for separator in ['\u{85}', '\u{2028}', '\u{2029}'] {
        assert!(!stream.contains(separator), "{stream:?}");
    }
    for frame in stream.strip_suffix("\n\n").unwrap().split("\n\n") {
        let lines: Vec<&str> = frame.split('\n').collect();
        assert_eq!(lines.len(), fields.len(), "{frame:?}");
        for (line, field) in lines.iter().zip(fields) {
            let value = line
                .strip_prefix(field)
                .unwrap_or_else(|| panic!("{frame:?}"));
            assert_eq!(value, value.trim(), "{frame:?}");
            assert!(!value.is_empty(), "{frame:?}");
        }
        let data = lines
            .last()
            .unwrap()
            .strip_prefix(fields.last().unwrap())
            .unwrap();
        serde_json::from_str::<Value>(data).unwrap();
    }
}

#[tokio::test]
async fn every_stream_in_the_documented_dialect() {
    let api = Api::start().await;
    for text in [
        "hello",
        "think",
        "weather",
        "fail",
        "half then fail",
        "separators",
        "silent",
    ] {
        check(
            &api.stream("/v3/chat", streamed(text)).await,
            &["event:", "data:"],
        );
    }
    for (workflow, parameters) in [
        (GREET, json!({"name": "a\u{2028}b\u{85}"})),
        (TRIP, json!({"name": "Ada"})),
        (GREET, json!({})),
    ] {
        let stream = api
            .stream("/v1/workflow/stream_run", run(workflow, &parameters))
            .await;
        check(&stream, &["id: ", "event: ", "data: "]);
        for (number, line) in stream
            .lines()
            .filter(|it| it.starts_with("id: "))
            .enumerate()
        {
            assert_eq!(line, format!("id: {number}"));
        }
    }
    for said in ["hello", "separators", "fail"] {
        let body = json!({"workflow_id": CHATFLOW, "additional_messages": [message(said)]});
        check(
            &api.stream("/v1/workflows/chat", body).await,
            &["event: ", "data: "],
        );
    }
}

#[tokio::test]
async fn every_stream_in_the_dialect_of_the_skill() {
    let api = Setup::new().skill().start().await;
    for text in ["hello", "weather", "fail", "separators"] {
        check(&api.stream("/v3/chat", streamed(text)).await, &["data:"]);
    }
    let body = run(TRIP, &json!({"name": "Ada"}));
    check(
        &api.stream("/v1/workflow/stream_run", body).await,
        &["data:"],
    );
    let body = json!({"workflow_id": CHATFLOW, "additional_messages": [message("hello")]});
    check(&api.stream("/v1/workflows/chat", body).await, &["data:"]);
}

#[tokio::test]
async fn separators_are_escaped_and_mean_the_same() {
    let api = Api::start().await;
    let stream = api.stream("/v3/chat", streamed("separators")).await;
    assert!(stream.contains(r"a\u2028b"), "{stream}");
    assert!(stream.contains(r"\u2029c\u0085d"), "{stream}");
    let deltas: String = frames(&stream)
        .iter()
        .filter(|(event, _)| event == "conversation.message.delta")
        .map(|(_, data)| data["content"].as_str().unwrap())
        .collect();
    assert_eq!(
        deltas,
        "a\u{2028}b\u{2029}c\u{85}dline\nfeed\r\n\"quoted\" \\ \u{1}"
    );
}

#[tokio::test]
async fn the_connection_ends_with_the_stream() {
    let api = Api::start().await;
    let body = streamed("hello").to_string();
    let request = format!(
        "POST /v3/chat HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n\
         connection: close\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    // `raw` reads until the server closes.
    let answer = raw(api.host(), request.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    // The last frame, the end of its chunk and the last chunk: no byte more.
    assert!(
        answer.ends_with("event:done\ndata:\"[DONE]\"\n\n\r\n0\r\n\r\n"),
        "{answer}"
    );

    // On a connection that stays, the end of the body tells it; the next request is answered.
    let first = request.replace("connection: close\r\n", "");
    let both = format!("{first}GET /v1/users/me HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    let answer = raw(api.host(), both.as_bytes()).await;
    assert_eq!(answer.matches("HTTP/1.1 200 OK").count(), 2, "{answer}");
}

#[tokio::test]
async fn a_stream_is_off_unless_it_is_asked_for() {
    let api = Api::start().await;
    for value in [Value::Null, false.into()] {
        let mut body = space::chat("hello");
        body["stream"] = value;
        assert_eq!(
            api.post("/v3/chat", body).await.data()["status"],
            "in_progress"
        );
    }
}

#[tokio::test]
async fn what_is_refused_before_the_first_event_is_json() {
    let api = Api::start().await;
    let mut body = streamed("hello");
    body["bot_id"] = "1".into();
    // `post` insists on JSON.
    assert_eq!(api.post("/v3/chat", body).await.code(), 4200);
    let reply = api
        .post("/v1/workflow/stream_run", run("1", &json!({})))
        .await;
    assert_eq!(reply.code(), 4200);
    let body = json!({"workflow_id": "1", "additional_messages": [message("x")]});
    assert_eq!(api.post("/v1/workflows/chat", body).await.code(), 4200);
}
