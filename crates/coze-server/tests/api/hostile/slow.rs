//! Those who hold something up: a connection, a head, a body, an answer.

use std::time::{Duration, Instant};

use super::{SHORT, Wire, is_well, refusal};
use crate::harness::{Api, Setup};
use crate::space::{self, streamed};

/// Limits that a test can wait for.
async fn impatient() -> Api {
    let mut setup = Setup::new();
    let limits = &mut setup.config.limits;
    limits.head = SHORT;
    limits.body = SHORT;
    limits.body_rate = 100;
    setup.start().await
}

const HEAD: &str = "POST /v3/chat HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n";

#[tokio::test]
async fn who_says_nothing_is_sent_away() {
    let api = impatient().await;
    for beginning in [
        "",
        "P",
        "PRI * HTTP/2.0\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ] {
        let mut wire = Wire::open(&api).await;
        wire.send(beginning).await;
        let begun = Instant::now();
        let answer = wire.rest().await;
        assert!(begun.elapsed() >= SHORT / 2, "{beginning:?}: {answer:?}");
        is_well(&api).await;
    }
}

#[tokio::test]
async fn a_head_byte_by_byte_is_cut_off_in_time() {
    let api = impatient().await;
    let mut wire = Wire::open(&api).await;
    wire.send("GET /v1/users/me HTTP/1.1\r\n").await;
    let begun = Instant::now();
    let mut bytes = 0;
    // Each byte comes well in time; the whole does not.
    while wire.try_send(b"a").await {
        bytes += 1;
        assert!(bytes < 200, "it is still listened to");
        tokio::time::sleep(SHORT / 10).await;
    }
    assert!(begun.elapsed() >= SHORT / 2);
    is_well(&api).await;
}

#[tokio::test]
async fn a_connection_that_is_idle_is_closed() {
    let api = impatient().await;
    let mut wire = Wire::open(&api).await;
    for _ in 0..2 {
        wire.send("GET /v1/users/me HTTP/1.1\r\nhost: x\r\n\r\n")
            .await;
        wire.until("\"code\":0").await;
        wire.text.clear();
    }
    assert_eq!(wire.rest().await, "");
}

#[tokio::test]
async fn a_body_that_stands_still_is_refused() {
    let api = impatient().await;
    for length in ["content-length: 100", "transfer-encoding: chunked"] {
        let mut wire = Wire::open(&api).await;
        wire.send(format!("{HEAD}{length}\r\n\r\n5\r\n{{\"a\":"))
            .await;
        let answer = wire.rest().await;
        assert_eq!(refusal(&answer), (408, 4000), "{answer}");
        assert!(answer.contains("body: it came too slowly"), "{answer}");
    }
    is_well(&api).await;
}

#[tokio::test]
async fn a_body_that_trickles_is_refused_and_one_that_is_merely_slow_is_not() {
    let api = impatient().await;
    let mut wire = Wire::open(&api).await;
    wire.send(format!("{HEAD}content-length: 10000\r\n\r\n"))
        .await;
    let begun = Instant::now();
    for _ in 0..200 {
        if !wire.try_send(b" ").await || begun.elapsed() > SHORT * 3 {
            break;
        }
        tokio::time::sleep(SHORT / 10).await;
    }
    let answer = wire.rest().await;
    assert_eq!(refusal(&answer), (408, 4000), "{answer}");

    let body = space::chat("hello").to_string();
    let mut wire = Wire::open(&api).await;
    wire.send(format!(
        "{HEAD}content-length: {}\r\n\r\n",
        body.len() + 400
    ))
    .await;
    // 400 bytes that pay for four seconds, then the rest; it takes four times the grace in all.
    wire.send(" ".repeat(400)).await;
    for piece in body.as_bytes().chunks(body.len() / 10 + 1) {
        tokio::time::sleep(SHORT * 4 / 10).await;
        wire.send(piece).await;
    }
    wire.until("\"code\":0").await;
}

#[tokio::test]
async fn an_upload_that_stands_still_is_refused_and_leaves_nothing() {
    let api = impatient().await;
    let mut wire = Wire::open(&api).await;
    wire.send(
        "POST /v1/files/upload HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\
         content-type: multipart/form-data; boundary=b\r\n\r\n\
         --b\r\ncontent-disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\nsome",
    )
    .await;
    let answer = wire.rest().await;
    assert_eq!(refusal(&answer), (408, 4000), "{answer}");
    let files = std::fs::read_dir(api.folder.path().join("data/files")).unwrap();
    assert_eq!(files.count(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_takes_nothing_of_an_answer_loses_it() {
    let piece = "x".repeat(1000);
    let mut yaml = space::yaml();
    let at = yaml.find("      - match: \"^hello$\"").unwrap();
    let rule =
        format!("      - match: \"flood\"\n        deltas: [\"{piece}\"]\n        repeat: 20000\n");
    yaml.insert_str(at, &rule);
    let mut setup = Setup::with(&yaml);
    setup.config.limits.reader = SHORT;
    let api = setup.start().await;
    let conversation = api.conversation().await;
    let body = streamed("flood").to_string();
    let mut wire = Wire::open(&api).await;
    let path = format!("POST /v3/chat?conversation_id={conversation} HTTP/1.1\r\nhost: x\r\n");
    let head = format!("{path}content-type: application/json\r\n");
    wire.send(format!(
        "{head}content-length: {}\r\n\r\n{body}",
        body.len()
    ))
    .await;
    let begun = wire.until("data:{\"id\":\"").await;
    let (_, rest) = begun.split_once("data:{\"id\":\"").unwrap();
    let chat = rest[..19].to_owned();
    // Nothing is read from here on. The chat goes on without its reader, well before the minute
    // that it would wait for one that is still connected.
    let state = api.ended(&conversation, &chat).await;
    assert_eq!(state["status"], "completed");
    assert!(!wire.rest().await.contains("conversation.chat.completed"));
}

#[tokio::test]
async fn only_so_many_connections_are_taken_and_the_next_one_waits() {
    let mut setup = Setup::new();
    setup.config.limits.connections = 3;
    setup.config.limits.head = SHORT * 4;
    let api = setup.start().await;
    let begun = Instant::now();
    let mut idle = Vec::new();
    for _ in 0..3 {
        idle.push(Wire::open(&api).await);
    }
    // It is answered when the idle ones have been sent away.
    is_well(&api).await;
    assert!(begun.elapsed() >= SHORT * 2, "{:?}", begun.elapsed());
    assert!(begun.elapsed() < Duration::from_secs(8));
}
