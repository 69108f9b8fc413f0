//! Faults that were asked for, as the other side of a real socket sees them.

use std::io::ErrorKind;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::harness::{Api, Setup, frames, names, text, within};
use crate::space::{SCRIPTED_BOT, message, streamed};

async fn faulty() -> Api {
    let mut setup = Setup::new();
    setup.config.faults = true;
    setup.start().await
}

/// What came back on a connection, and how it ended.
struct Seen {
    head: String,
    body: Vec<u8>,
    /// The body came to its end.
    whole: bool,
    ended: Option<ErrorKind>,
}

impl Seen {
    fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

async fn call(api: &Api, path: &str, body: &Value, fault: &str) -> Seen {
    call_for(api, path, body, fault, Duration::from_secs(10)).await
}

/// Reads for that long at most.
async fn call_for(api: &Api, path: &str, body: &Value, fault: &str, time: Duration) -> Seen {
    let body = body.to_string();
    let request = format!(
        "POST {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: application/json\r\n\
         x-coze-fault: {fault}\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut connection = within(TcpStream::connect(api.host())).await.unwrap();
    within(connection.write_all(request.as_bytes()))
        .await
        .unwrap();
    let mut all = Vec::new();
    let read = tokio::time::timeout(time, connection.read_to_end(&mut all)).await;
    let ended = match read {
        Ok(Ok(_)) => None,
        Ok(Err(error)) => Some(error.kind()),
        Err(_) => Some(ErrorKind::TimedOut),
    };
    let at = all.windows(4).position(|it| it == b"\r\n\r\n");
    let (head, rest) = match at {
        Some(at) => (&all[..at], &all[at + 4..]),
        None => (&all[..], &[][..]),
    };
    let head = String::from_utf8(head.to_vec()).unwrap().to_lowercase();
    let (body, whole) = if head.contains("transfer-encoding: chunked") {
        unchunked(rest)
    } else {
        let length = head.split("content-length: ").nth(1);
        let length = length.and_then(|it| it.lines().next()?.parse().ok());
        (rest.to_vec(), length == Some(rest.len()))
    };
    Seen {
        head,
        body,
        whole,
        ended,
    }
}

fn unchunked(mut rest: &[u8]) -> (Vec<u8>, bool) {
    let mut body = Vec::new();
    loop {
        let Some(at) = rest.windows(2).position(|it| it == b"\r\n") else {
            return (body, false);
        };
        let size = std::str::from_utf8(&rest[..at]).unwrap();
        let size = usize::from_str_radix(size, 16).unwrap();
        rest = &rest[at + 2..];
        if size == 0 {
            return (body, true);
        }
        let end = size.min(rest.len());
        body.extend_from_slice(&rest[..end]);
        if rest.len() < size + 2 {
            return (body, false);
        }
        rest = &rest[size + 2..];
    }
}

async fn chat(api: &Api, fault: &str) -> Seen {
    call(api, "/v3/chat", &streamed("hello"), fault).await
}

const CREATE: &str = "/v1/conversation/create";

#[tokio::test]
async fn nothing_happens_unless_the_server_allows_it() {
    let api = Api::start().await;
    let seen = call(&api, CREATE, &json!({}), "code=4013").await;
    let answer: Value = serde_json::from_slice(&seen.body).unwrap();
    assert_eq!(answer["code"], 0);
    assert!(!seen.head.contains("x-coze-fault"), "{}", seen.head);
    let reply = api.get("/_local/faults").await;
    assert_eq!(
        reply.refusal(),
        "404 404 the control endpoints are off; start the server with --faults to have them"
    );
}

#[tokio::test]
async fn an_answer_can_be_replaced() {
    let api = faulty().await;
    let seen = call(&api, CREATE, &json!({}), "code=4013; msg=too fast").await;
    let answer: Value = serde_json::from_slice(&seen.body).unwrap();
    assert_eq!(
        (&answer["code"], &answer["msg"]),
        (&json!(4013), &json!("too fast"))
    );
    assert!(seen.head.starts_with("http/1.1 200"), "{}", seen.head);
    assert!(
        seen.head.contains("x-coze-fault: code=4013; msg=too fast"),
        "{}",
        seen.head
    );

    let seen = call(&api, CREATE, &json!({}), "status=429; retry_after=7").await;
    let answer: Value = serde_json::from_slice(&seen.body).unwrap();
    assert!(seen.head.starts_with("http/1.1 429"), "{}", seen.head);
    assert!(seen.head.contains("retry-after: 7"), "{}", seen.head);
    assert_eq!(answer["code"], 4013);
    assert_eq!(
        answer["msg"],
        "this failure was asked for: status=429; retry_after=7"
    );

    let seen = call(&api, CREATE, &json!({}), "status=502; page").await;
    assert!(
        seen.head.contains("content-type: text/html"),
        "{}",
        seen.head
    );
    assert!(
        seen.text().contains("<h1>502 Bad Gateway</h1>"),
        "{}",
        seen.text()
    );

    let list = api.get("/v1/conversations?bot_id=0&page_num=1").await;
    let none = json!([]);
    let made = list.json["data"]["conversations"].as_array();
    assert_eq!(
        made.map_or(0, Vec::len),
        0,
        "{none}: a refused call was carried out"
    );
}

#[tokio::test]
async fn a_call_can_be_carried_out_and_its_answer_lost() {
    let api = faulty().await;
    let conversation = api.conversation().await;
    let path = format!("/v1/conversation/message/create?conversation_id={conversation}");
    for (fault, expected) in [("status=503; done", 1), ("reset; done", 2), ("cut", 2)] {
        let body = json!({"role": "user", "content": fault, "content_type": "text"});
        let seen = call(&api, &path, &body, fault).await;
        assert_eq!(api.contents(&conversation).await.len(), expected, "{fault}");
        let answered = seen.head.starts_with("http/1.1 503");
        assert_eq!(answered, fault.starts_with("status"), "{}", seen.head);
    }
}

#[tokio::test]
async fn a_slip_in_the_header_is_told() {
    let api = faulty().await;
    let seen = call(&api, CREATE, &json!({}), "cut; afer=3").await;
    assert!(seen.head.starts_with("http/1.1 400"), "{}", seen.head);
    let expected = "Request parameter error: the header X-Coze-Fault: cut knows no \\\"afer\\\"";
    assert!(seen.text().contains(expected), "{}", seen.text());
}

#[tokio::test]
async fn connections_end_without_an_answer() {
    let api = faulty().await;
    let seen = call(&api, CREATE, &json!({}), "cut").await;
    assert_eq!((seen.head.as_str(), seen.ended), ("", None));
    let seen = call(&api, CREATE, &json!({}), "reset").await;
    assert_eq!(
        (seen.head.as_str(), seen.ended),
        ("", Some(ErrorKind::ConnectionReset))
    );
    // The next one on a new connection is served.
    api.conversation().await;
}

#[tokio::test]
async fn streams_end_behind_as_many_events_as_asked_for() {
    let api = faulty().await;
    let whole = chat(&api, "delay=1").await;
    assert!(whole.whole && whole.ended.is_none());
    let all = frames(&whole.text()).len();
    for after in 0..all {
        let seen = chat(&api, &format!("cut; after={after}")).await;
        assert!(!seen.whole, "{after}");
        assert_eq!(seen.ended, None, "{after}");
        let events = seen.text().matches("\n\n").count();
        assert_eq!(events, after, "{}", seen.text());

        let seen = chat(&api, &format!("reset; after={after}")).await;
        assert_eq!(seen.ended, Some(ErrorKind::ConnectionReset), "{after}");
        let events = seen.text().matches("\n\n").count();
        assert_eq!(events, after, "{}", seen.text());

        let seen = chat(&api, &format!("end; after={after}")).await;
        assert!(seen.whole, "{after}");
        assert_eq!(seen.text().matches("\n\n").count(), after);
    }
    // There are not so many.
    let seen = chat(&api, "cut; after=99").await;
    assert!(seen.whole);
    assert_eq!(frames(&seen.text()).len(), all);
}

#[tokio::test]
async fn streams_end_inside_of_events_and_characters() {
    let api = faulty().await;
    let seen = chat(&api, "cut; after=1; mid=event").await;
    let received = seen.text();
    let (first, rest) = received.split_once("\n\n").unwrap();
    assert!(
        first.starts_with("event:conversation.chat.created"),
        "{first}"
    );
    assert!(
        rest.starts_with("event:conversation.chat.in_progress"),
        "{rest}"
    );
    assert!(!rest.contains("\n\n") && !seen.whole, "{rest}");

    // The built-in agent answers in Chinese.
    let body = json!({"bot_id": crate::space::DEMO_BOT, "user_id": "u", "stream": true,
        "additional_messages": [message("你好，请介绍一下自己")]});
    let seen = call(&api, "/v3/chat", &body, "reset; after=2; mid=character").await;
    assert!(std::str::from_utf8(&seen.body).is_err(), "{}", seen.text());
    assert_eq!(seen.ended, Some(ErrorKind::ConnectionReset));
    assert_eq!(seen.text().matches("\n\n").count(), 2);
}

#[tokio::test]
async fn events_are_spoilt_and_repeated() {
    let api = faulty().await;
    let seen = chat(&api, "malformed; after=2").await;
    assert!(seen.whole);
    let received = seen.text();
    let third = received.split("\n\n").nth(2).unwrap();
    let (name, data) = third.split_once("\ndata:").unwrap();
    assert_eq!(name, "event:conversation.message.delta");
    assert!(serde_json::from_str::<Value>(data).is_err(), "{data}");

    let seen = chat(&api, "duplicate; after=2, duplicate; after=3").await;
    let deltas: Vec<String> = frames(&seen.text())
        .into_iter()
        .filter(|it| it.0 == "conversation.message.delta")
        .map(|it| text(&it.1["content"]))
        .collect();
    assert_eq!(deltas, ["Hi", "Hi", " there", " there"]);

    // An answer that is no stream is one event.
    let seen = call(&api, CREATE, &json!({}), "malformed").await;
    assert!(seen.whole && serde_json::from_slice::<Value>(&seen.body).is_err());
    let seen = call(&api, CREATE, &json!({}), "cut; mid=event").await;
    assert!(!seen.whole && !seen.body.is_empty(), "{}", seen.head);
    assert!(seen.head.contains("content-length"), "{}", seen.head);
}

#[tokio::test]
async fn answers_are_late_slow_and_stuck() {
    let api = faulty().await;
    let begun = Instant::now();
    let seen = call(&api, CREATE, &json!({}), "delay=150ms").await;
    assert!(seen.whole && begun.elapsed() >= Duration::from_millis(150));

    let begun = Instant::now();
    let seen = chat(&api, "stall=150ms; after=2").await;
    assert!(seen.whole && begun.elapsed() >= Duration::from_millis(150));
    let plain = chat(&api, "delay=1").await;
    assert_eq!(names(&seen.text()), names(&plain.text()));

    let seen = call_for(
        &api,
        "/v3/chat",
        &streamed("hello"),
        "stall; after=2",
        Duration::from_millis(300),
    )
    .await;
    assert_eq!(seen.ended, Some(ErrorKind::TimedOut));
    assert_eq!(seen.text().matches("\n\n").count(), 2);

    let begun = Instant::now();
    let seen = call(&api, CREATE, &json!({}), "drip=20; pause=5ms").await;
    assert!(seen.whole);
    let pieces = u32::try_from(seen.body.len().div_ceil(20)).unwrap();
    assert!(begun.elapsed() >= Duration::from_millis(5) * pieces);
    let _: Value = serde_json::from_slice(&seen.body).unwrap();
}

#[tokio::test]
async fn a_stalled_stream_does_not_hold_up_the_stop() {
    let api = faulty().await;
    let body = streamed("hello").to_string();
    let request = format!(
        "POST /v3/chat HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n\
         x-coze-fault: stall; after=2\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut connection = within(TcpStream::connect(api.host())).await.unwrap();
    connection.write_all(request.as_bytes()).await.unwrap();
    let mut some = [0; 64];
    within(connection.read(&mut some)).await.unwrap();
    let (server, _folder) = api.server();
    let begun = Instant::now();
    within(server.stop()).await;
    assert!(
        begun.elapsed() < Duration::from_secs(3),
        "{:?}",
        begun.elapsed()
    );
}

const RULES: &str = "
fault_seed: 7
faults:
  - { fault: code=4013, row: StartChat, count: 2 }
  - { fault: status=503, path: /v1/bots/*, probability: 0.5 }
  - { fault: code=5000, method: put, skip: 1, count: 1 }
";

#[tokio::test]
async fn rules_of_the_file_decide() {
    let pattern = || async {
        let yaml = format!("{}{RULES}", crate::space::yaml());
        let api = Setup::with(&yaml).start().await;
        let mut pattern = String::new();
        for _ in 0..24 {
            let reply = api.get(&format!("/v1/bots/{SCRIPTED_BOT}")).await;
            pattern.push(if reply.http == 503 { 'x' } else { '.' });
        }
        (api, pattern)
    };
    let (api, once) = pattern().await;
    let (_other, again) = pattern().await;
    assert_eq!(once, again);
    assert!(once.contains('x') && once.contains('.'), "{once}");

    let conversation = api.conversation().await;
    for expected in [4013, 4013, 0] {
        assert_eq!(api.create(&conversation, "hello").await.code(), expected);
    }
    let rename = || {
        let path = format!("/v1/conversations/{conversation}");
        let body = json!({"name": "x"});
        let api = &api;
        async move { api.put(&path, body).await.code() }
    };
    assert_eq!(
        [rename().await, rename().await, rename().await],
        [0, 5000, 0]
    );
}
