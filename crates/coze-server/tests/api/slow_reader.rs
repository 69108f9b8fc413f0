//! A reader that takes nothing must hold up nobody but itself.

use std::fmt::Write;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::harness::{Api, Setup, text, within};
use crate::space::{streamed, yaml};

/// More than the sockets of both sides can hold.
const PIECES: usize = 12_000;

async fn with_flood() -> Api {
    let piece = "x".repeat(1000);
    let mut yaml = yaml();
    let at = yaml.find("      - match: \"^hello$\"").unwrap();
    let mut rule = String::new();
    writeln!(
        rule,
        "      - match: \"flood\"\n        deltas: [\"{piece}\"]\n        repeat: {PIECES}"
    )
    .unwrap();
    yaml.insert_str(at, &rule);
    Setup::with(&yaml).start().await
}

/// Asks for a stream, reads its first events and then takes nothing more. Gives the chat's id.
async fn begin(api: &Api, conversation: &str) -> (TcpStream, String) {
    let mut connection = within(TcpStream::connect(api.host())).await.unwrap();
    let body = streamed("flood").to_string();
    let request = format!(
        "POST /v3/chat?conversation_id={conversation} HTTP/1.1\r\nhost: x\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    within(connection.write_all(request.as_bytes()))
        .await
        .unwrap();
    let mut seen = Vec::new();
    let chat = loop {
        let mut some = [0; 512];
        let length = within(connection.read(&mut some)).await.unwrap();
        seen.extend_from_slice(&some[..length]);
        let text = String::from_utf8_lossy(&seen);
        if let Some((_, rest)) = text.split_once("data:{\"id\":\"") {
            break rest[..19].to_owned();
        }
    };
    // Long enough for everything between the two to fill up.
    tokio::time::sleep(Duration::from_millis(250)).await;
    (connection, chat)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn others_are_answered_meanwhile_and_its_chat_ends_when_it_leaves() {
    let api = with_flood().await;
    let conversation = api.conversation().await;
    let (connection, chat) = begin(&api, &conversation).await;
    for _ in 0..3 {
        let begun = Instant::now();
        let other = api.conversation().await;
        assert_eq!(api.answer(&other, "hello").await, "Hi there");
        assert!(
            begun.elapsed() < Duration::from_secs(2),
            "{:?}",
            begun.elapsed()
        );
    }
    // It really is held up, and so it waits.
    let state = api.retrieve(&conversation, &chat).await;
    assert_eq!(state.data()["status"], "in_progress");
    drop(connection);
    let state = api.ended(&conversation, &chat).await;
    assert_eq!(state["status"], "completed");
    let answer = text(&api.messages(&state).await[0]["content"]);
    assert_eq!(answer.len(), 1000 * PIECES);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn its_chat_can_be_cancelled() {
    let api = with_flood().await;
    let conversation = api.conversation().await;
    let (_connection, chat) = begin(&api, &conversation).await;
    api.cancel(&conversation, &chat).await.data();
    assert_eq!(api.answer(&conversation, "hello").await, "Hi there");
}
