//! Every row is served, and every answer has its log id.

use std::collections::HashSet;

use coze_types::endpoint::BodyKind;
use insta::assert_snapshot;
use reqwest::Method;
use serde_json::json;

use crate::harness::{Api, Setup, raw, within};
use crate::space::{GREET, run, streamed};

/// The rows that this server leaves out: a name is on a line that does not end like a reason.
fn not_served() -> HashSet<&'static str> {
    let list = include_str!("../../not_served.txt");
    let lines = list
        .lines()
        .filter(|line| !line.starts_with('#') && !line.ends_with(':'));
    lines.flat_map(str::split_whitespace).collect()
}

#[tokio::test]
async fn every_row_is_served() {
    let api = Api::start().await;
    let not_served = not_served();
    let mut count = 0;
    for row in coze_types::endpoints() {
        let path = row.path.replace(['{', '}'], "");
        let method: Method = row.method.as_str().parse().unwrap();
        let request = api.request(method, &path);
        let request = match row.body {
            BodyKind::Json => request.json(&json!({})),
            BodyKind::None | BodyKind::Multipart => request,
        };
        count += 1;
        // Logging in has no envelope: pages for browsers, and bare JSON.
        if row.path.starts_with("/api/permission/oauth2/") {
            let http = within(request.send()).await.unwrap().status().as_u16();
            assert!(
                ![404, 405, 500, 501].contains(&http),
                "{}: {http}",
                row.name
            );
            assert!(!not_served.contains(row.name), "{}", row.name);
            continue;
        }
        // A refusal, a reply: `send` checks that it is the JSON of this server.
        let reply = api.send(request).await;
        // The others say why they are not, instead of being unknown.
        let served = !reply.msg().starts_with("this server does not answer ");
        assert!(
            ![405, 501].contains(&reply.http) && reply.code() != 404,
            "{}",
            reply.text
        );
        assert_eq!(
            served,
            !not_served.contains(row.name),
            "{}: {}",
            row.name,
            reply.text
        );
    }
    assert!(count >= 33, "{count}");
}

#[tokio::test]
async fn a_chat_is_retrieved_by_get_and_by_post() {
    let api = Api::start().await;
    let chat = api.ask(&api.conversation().await, "hello").await;
    let path = format!(
        "/v3/chat/retrieve?conversation_id={}&chat_id={}",
        chat["conversation_id"].as_str().unwrap(),
        chat["id"].as_str().unwrap()
    );
    let by_post = api.send(api.request(Method::POST, &path)).await;
    assert_eq!(by_post.data(), api.get(&path).await.data());
}

#[tokio::test]
async fn a_message_is_retrieved_by_get_and_by_post() {
    let api = Api::start().await;
    let conversation = api.conversation().await;
    let message = json!({"role": "user", "content": "hello", "content_type": "text"});
    let path = format!("/v1/conversation/message/create?conversation_id={conversation}");
    let made = api.post(&path, message).await;
    let path = format!(
        "/v1/conversation/message/retrieve?conversation_id={conversation}&message_id={}",
        made.data()["id"].as_str().unwrap()
    );
    let by_post = api.send(api.request(Method::POST, &path)).await;
    assert_eq!(by_post.data(), api.get(&path).await.data());
    // The Node SDK posts an empty object.
    assert_eq!(api.post(&path, json!({})).await.data(), by_post.data());
}

#[tokio::test]
async fn every_call_has_a_log_id_of_its_own() {
    let api = Api::start().await;
    let mut seen = HashSet::new();
    for _ in 0..5 {
        // `send` compares the header with `detail.logid`.
        seen.insert(api.get("/v1/users/me").await.log_id);
        seen.insert(api.get("/nowhere").await.log_id);
        seen.insert(api.post_bytes("/v3/chat", "{").await.log_id);
        seen.insert(
            api.post("/v1/workflow/run", run(GREET, &json!({})))
                .await
                .log_id,
        );
    }
    assert_eq!(seen.len(), 20);
    for path in ["/v3/chat", "/v1/workflow/stream_run"] {
        let body = match path {
            "/v3/chat" => streamed("hello"),
            _ => run(GREET, &json!({"name": "Ada"})),
        };
        let request = api.request(Method::POST, path).json(&body);
        let response = within(request.send()).await.unwrap();
        let log_id = response.headers()["x-tt-logid"]
            .to_str()
            .unwrap()
            .to_owned();
        assert!(seen.insert(log_id));
    }
    for log_id in seen {
        let (time, rest) = log_id.split_at(10);
        assert!(
            time.bytes().all(|it| it.is_ascii_digit()) && rest.len() == 16,
            "{log_id}"
        );
    }
}

#[tokio::test]
async fn unknown_paths_and_wrong_methods() {
    let api = Api::start().await;
    assert_snapshot!(api.get("/v3/chats").await.refusal(), @"404 404 this server has no endpoint /v3/chats; `cozectl api --list` shows those it has");
    assert_snapshot!(api.get("/").await.refusal(), @"404 404 this server has no endpoint /; `cozectl api --list` shows those it has");
    assert_snapshot!(api.get("/v3/chat/").await.refusal(), @"404 404 this server has no endpoint /v3/chat/; `cozectl api --list` shows those it has");
    assert_snapshot!(api.get("/v3/chat").await.refusal(), @"405 4000 the endpoint /v3/chat does not take GET");
    assert_snapshot!(api.delete("/v1/users/me").await.refusal(), @"405 4000 the endpoint /v1/users/me does not take DELETE");
    // The dialect of the skill has a path more.
    assert_eq!(api.post("/v3/workflows/run", json!({})).await.http, 404);
    let skill = Setup::new().skill().start().await;
    let reply = skill
        .post("/v3/workflows/run", run(GREET, &json!({"name": "Ada"})))
        .await;
    assert_eq!(reply.data()["data"], json!({"output": "Hello Ada!"}));
}

#[tokio::test]
async fn broken_http_harms_nobody() {
    let api = Api::start().await;
    for (request, expected) in [
        (&b"GET / HTTP/1.1\r\nbad header\r\n\r\n"[..], "HTTP/1.1 400"),
        (b"\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03", ""),
        (b"POST /v3/chat HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n", "HTTP/1.1 400"),
        (b"GET /v1/users/me?a=%zz&=&&b HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n", "HTTP/1.1 200"),
        (b"GET /v1/conversation/retrieve?conversation_id=%ff%fe HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n", "HTTP/1.1 200"),
        (b"GET /v1/bots/%2e%2e%2fetc HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n", "HTTP/1.1 200"),
        (b"GET /v1/bots/%00 HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n", "HTTP/1.1 200"),
        // A chunk that is not as long as it says.
        (b"POST /v3/chat HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n", "HTTP/1.1 200"),
    ] {
        let answer = raw(api.host(), request).await;
        let shown = String::from_utf8_lossy(request);
        assert!(answer.starts_with(expected), "{shown}: {answer}");
        api.get("/v1/users/me").await.data();
    }
}

/// The answer that is read after so many bytes of a body were sent, to a call that reads none.
async fn after_sending(api: &Api, size: usize) -> std::io::Result<String> {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let mut socket = tokio::net::TcpStream::connect(api.host()).await?;
    let head = format!(
        "POST /v1/nothing HTTP/1.1\r\nHost: {}\r\nContent-Length: {size}\r\nConnection: close\r\n\r\n",
        api.host()
    );
    socket.write_all(head.as_bytes()).await?;
    // In pieces, so that the refusal could come between them.
    for _ in 0..size / 4096 {
        socket.write_all(&[b'x'; 4096]).await?;
        tokio::task::yield_now().await;
    }
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await?;
    Ok(answer)
}

#[tokio::test]
async fn who_is_refused_while_sending_still_gets_the_answer() {
    let api = Api::start().await;
    for _ in 0..20 {
        let answer = within(after_sending(&api, 512 * 1024)).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 404"), "{answer}");
        assert!(answer.contains("has no endpoint /v1/nothing"), "{answer}");
    }
}
