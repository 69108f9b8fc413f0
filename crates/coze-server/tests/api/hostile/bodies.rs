//! Bodies: too large, too deep, packed.

use std::io::Write;
use std::time::{Duration, Instant};

use serde_json::json;

use super::{Wire, is_well, refusal, sent};
use crate::harness::{Api, Setup};
use crate::space::{GREET, SCRIPTED_BOT, message, run};

const MEGABYTE: usize = 1024 * 1024;

/// Rows that take a body.
const PATHS: [&str; 5] = [
    "/v3/chat",
    "/v1/conversation/create",
    "/v1/conversation/message/create?conversation_id=1",
    "/v1/workflow/run",
    "/v1/workflow/stream_run",
];

#[tokio::test]
async fn a_hundred_megabytes_are_refused_before_they_are_sent() {
    let api = Api::start().await;
    for path in PATHS {
        for more in ["", "expect: 100-continue\r\n"] {
            let mut wire = Wire::open(&api).await;
            let head = format!("POST {path} HTTP/1.1\r\nhost: x\r\n{more}");
            wire.send(format!("{head}content-length: {}\r\n\r\n", 100 * MEGABYTE))
                .await;
            // Not one byte of the body has been sent, and none is asked for.
            let answer = wire.until("\"code\":").await;
            assert_eq!(refusal(answer), (413, 4000), "{path}: {answer}");
            assert!(!answer.contains("100 Continue"), "{answer}");
        }
    }
    let upload = "POST /v1/files/upload HTTP/1.1\r\nhost: x\r\n\
                  content-type: multipart/form-data; boundary=b\r\ncontent-length: 600000000\r\n\r\n";
    let mut wire = Wire::open(&api).await;
    wire.send(upload).await;
    let answer = wire.until("\"code\":").await;
    assert_eq!(refusal(answer), (413, 4302), "{answer}");
    is_well(&api).await;
}

/// Whoever sends everything before it reads must get to see the refusal, not a reset.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_sends_a_hundred_megabytes_all_the_same_is_told() {
    let api = Api::start().await;
    for _ in 0..3 {
        let reply = api.post_bytes("/v3/chat", vec![b' '; 100 * MEGABYTE]).await;
        assert_eq!((reply.http, reply.code()), (413, 4000), "{}", reply.text);
    }
    // And whoever has no token, too.
    let api = Setup::new().tokens(&["right"]).start().await;
    let request = reqwest::Client::builder().no_proxy().tls_certs_only([]);
    let request = request
        .build()
        .unwrap()
        .post(format!("{}/v3/chat", api.url()));
    let body = vec![b' '; 50 * MEGABYTE];
    let reply = api.send(request.bearer_auth("wrong").body(body)).await;
    assert_eq!((reply.http, reply.code()), (401, 4100), "{}", reply.text);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn chunks_without_end_are_cut_off() {
    let api = Api::start().await;
    let mut wire = Wire::open(&api).await;
    wire.send("POST /v3/chat HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n")
        .await;
    let chunk = format!("100000\r\n{}\r\n", " ".repeat(MEGABYTE));
    let begun = Instant::now();
    while wire.try_send(chunk.as_bytes()).await {
        assert!(begun.elapsed() < Duration::from_secs(9), "it is still read");
    }
    let answer = wire.rest().await;
    // The answer came when 20 MB were there; the connection was closed when it did not end.
    assert_eq!(refusal(&answer), (413, 4000), "{answer}");
}

#[tokio::test]
async fn what_is_packed_is_not_unpacked() {
    let api = Api::start().await;
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    packer.write_all(&vec![b' '; 50 * MEGABYTE]).unwrap();
    let packed = packer.finish().unwrap();
    for path in ["/v3/chat", "/v1/files/upload"] {
        for coding in ["gzip", "br", "deflate", "gzip, gzip", "x"] {
            let request = api.request(reqwest::Method::POST, path);
            let request = request.header("content-encoding", coding);
            let reply = api.send(request.body(packed.clone())).await;
            assert_eq!((reply.http, reply.code()), (415, 4000), "{}", reply.text);
            assert!(reply.msg().contains("content-encoding"), "{}", reply.text);
        }
    }
    let request = api.request(reqwest::Method::POST, "/v1/conversation/create");
    let request = request.header("content-encoding", "identity").body("{}");
    api.send(request).await.data();
}

#[tokio::test]
async fn json_that_is_deep_is_refused_and_harms_nobody() {
    let api = Api::start().await;
    let depth = 200_000;
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        let deep = format!("{}1{}", open.repeat(depth), close.repeat(depth));
        for path in PATHS {
            // Without an end it is worse for parsers that call themselves.
            let reply = api.post_bytes(path, open.repeat(depth)).await;
            assert_eq!(reply.code(), 4000, "{path}");
            // What nobody reads may be of any depth: it is skipped without a stack.
            for body in [deep.clone(), format!("{{\"nowhere\":{deep}}}")] {
                assert_ne!(api.post_bytes(path, body).await.code(), 5000, "{path}");
            }
        }
        // Where any value is allowed.
        for field in ["parameters", "ext"] {
            for path in ["/v1/workflow/run", "/v1/workflow/stream_run"] {
                let body = format!("{{\"workflow_id\":\"{GREET}\",\"{field}\":{deep}}}");
                let reply = api.post_bytes(path, body).await;
                assert_eq!(reply.code(), 4000, "{path} {field}: {}", reply.text);
            }
        }
        // As text inside of text.
        let mut deep_message = message(&deep);
        deep_message["content_type"] = "object_string".into();
        let body = json!({"bot_id": SCRIPTED_BOT, "user_id": "ada", "additional_messages": [deep_message]});
        assert_eq!(api.post("/v3/chat", body).await.code(), 4000);
        // A parameter that is text stays text.
        let reply = api
            .post("/v1/workflow/run", run(GREET, &json!({"name": deep})))
            .await;
        reply.data();
    }
    is_well(&api).await;
}

#[tokio::test]
async fn json_that_is_no_json() {
    let api = Api::start().await;
    let broken: [&[u8]; 16] = [
        b"{",
        b"}",
        b"[]",
        b"null",
        b"1",
        b"\"text\"",
        b"{\"bot_id\":}",
        b"{\"bot_id\":\"1\",}",
        b"{'bot_id':'1'}",
        b"{\"bot_id\":\"\xff\xfe\"}",
        b"{\"bot_id\":\"\\ud800\"}",
        b"{\"bot_id\":1e999}",
        b"{}{}",
        b"\xef\xbb\xbf\xef\xbb\xbf{}",
        b"\x00",
        b"{\"additional_messages\":{\"0\":{}}}",
    ];
    for body in broken {
        let reply = api.post_bytes("/v3/chat", body).await;
        let shown = String::from_utf8_lossy(body);
        assert_eq!(reply.code(), 4000, "{shown}: {}", reply.text);
    }
    // A key that comes twice is refused or taken once; it never gets past a check.
    let twice = format!(
        "{{\"bot_id\":\"{SCRIPTED_BOT}\",\"user_id\":\"a\",\"user_id\":\"\",\
         \"additional_messages\":[]}}"
    );
    assert_ne!(api.post_bytes("/v3/chat", twice).await.code(), 0);
    is_well(&api).await;
}

/// Very many small things in one body.
#[tokio::test]
async fn bodies_with_very_many_parts() {
    let api = Api::start().await;
    let many: Vec<_> = (0..100_000).map(|_| message("x")).collect();
    let body = json!({"bot_id": SCRIPTED_BOT, "user_id": "a", "additional_messages": many});
    assert_eq!(api.post("/v3/chat", body).await.code(), 4004);
    let pairs: serde_json::Map<_, _> = (0..100_000)
        .map(|it| (format!("k{it}"), json!("v")))
        .collect();
    let body = json!({"meta_data": pairs});
    assert_eq!(api.post("/v1/conversation/create", body).await.code(), 4003);
    let query = "&a=1".repeat(5_000);
    let reply = api.get(&format!("/v1/users/me?x=1{query}")).await;
    reply.data();
    let answer = sent(
        &api,
        "GET /v1/users/me?%00%ff=%ZZ&&&=== HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
    )
    .await;
    assert_eq!(refusal(&answer), (200, 0), "{answer}");
}
