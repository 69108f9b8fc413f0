//! Streams that nobody reads to their end.

use std::time::Duration;

use coze_api::{ChatEvent, Coze};
use serde_json::json as value;

use crate::server::{
    CREATED, Request, STREAM, Server, Step, chat, delta, json, stream, whole_chat,
};

const CANCEL: &str = "POST /v3/chat/cancel";
const CANCELED: &str =
    r#"{"code":0,"msg":"","data":{"id":"222","conversation_id":"111","status":"canceled"}}"#;

/// A server that begins to talk and then is silent, until the client hangs up.
async fn silent(begin: String) -> Server {
    Server::start(move |request: &Request| {
        if request.line.starts_with(CANCEL) {
            return json(CANCELED);
        }
        let bytes = [STREAM, &begin].concat();
        vec![Step::Send(bytes.into()), Step::Hold]
    })
    .await
}

async fn begin(coze: &Coze) -> coze_api::ChatStream {
    let chat = coze.chat("333").message("x");
    let mut stream = chat.stream().await.unwrap();
    let first = stream.next().await.unwrap().unwrap();
    assert!(matches!(first, ChatEvent::Created(_)), "{first:?}");
    stream
}

/// What would have been sent by now has been sent.
async fn settle() {
    tokio::time::sleep(Duration::from_millis(200)).await;
}

#[tokio::test]
async fn a_dropped_stream_hangs_up_and_cancels() {
    let server = silent([CREATED, &delta("你")].concat()).await;
    let coze = server.coze();
    let stream = begin(&coze).await;
    assert_eq!(stream.conversation_id().unwrap(), &"111");
    assert_eq!(stream.chat_id().unwrap(), &"222");
    drop(stream);
    server.wait_for_hang_up().await;
    let cancel = server.wait_for(CANCEL).await;
    let expected = value!({"conversation_id": "111", "chat_id": "222"});
    assert_eq!(cancel.json(), expected);
    settle().await;
    assert_eq!(server.count(CANCEL), 1);
}

#[tokio::test]
async fn a_dropped_future_cancels_too() {
    let server = silent(CREATED.to_owned()).await;
    let coze = server.coze();
    let reply = coze.chat("333").message("x").reply();
    let waiting = tokio::time::timeout(Duration::from_millis(300), reply);
    assert!(waiting.await.is_err());
    server.wait_for_hang_up().await;
    server.wait_for(CANCEL).await;
}

#[tokio::test]
async fn cancelling_says_what_became_of_the_chat() {
    let server = silent(CREATED.to_owned()).await;
    let coze = server.coze();
    let chat = begin(&coze).await.cancel().await.unwrap();
    assert_eq!(chat.unwrap().status.as_str(), "canceled");
    server.wait_for_hang_up().await;
    settle().await;
    assert_eq!(server.count(CANCEL), 1, "cancelled twice");
}

#[tokio::test]
async fn a_chat_that_was_faster_than_its_cancellation_is_no_error() {
    let server = Server::start(|request: &Request| {
        if request.line.starts_with(CANCEL) {
            return json(r#"{"code":4104,"msg":"it is over"}"#);
        }
        vec![Step::Send([STREAM, CREATED].concat().into()), Step::Hold]
    })
    .await;
    let coze = server.coze();
    assert_eq!(begin(&coze).await.cancel().await.unwrap(), None);
}

#[tokio::test]
async fn nothing_is_cancelled_against_the_callers_will() {
    let server = silent(CREATED.to_owned()).await;
    let coze = server.coze();
    begin(&coze).await.detach();
    drop(begin(&coze).await.cancel_on_drop(false));
    server.wait_for_hang_up().await;
    settle().await;
    assert_eq!(server.count(CANCEL), 0);
}

#[tokio::test]
async fn nothing_is_cancelled_that_is_over() {
    let over = [CREATED, &delta("你"), &chat("completed")].concat();
    for body in [whole_chat(), over, [CREATED, &delta("你")].concat()] {
        let server = Server::start(move |_| stream(body.as_bytes())).await;
        let coze = server.coze();
        let mut stream = begin(&coze).await;
        // To its end, whether that is good or a cut: a cut answer may still be fetched.
        while let Some(Ok(_)) = stream.next().await {}
        drop(stream);
        settle().await;
        assert_eq!(server.count(CANCEL), 0);
    }
}

#[tokio::test]
async fn a_completed_chat_needs_no_cancellation() {
    let server = silent([CREATED, &chat("completed")].concat()).await;
    let mut stream = begin(&server.coze()).await;
    let last = stream.next().await.unwrap().unwrap();
    assert!(matches!(last, ChatEvent::Completed(_)), "{last:?}");
    drop(stream);
    server.wait_for_hang_up().await;
    settle().await;
    assert_eq!(server.count(CANCEL), 0);
}

#[tokio::test]
async fn a_chat_that_has_not_told_its_id_cannot_be_cancelled() {
    let server = silent(String::new()).await;
    let coze = server.coze();
    let stream = coze.chat("333").message("x").stream().await.unwrap();
    assert_eq!(stream.cancel().await.unwrap(), None);
    server.wait_for_hang_up().await;
    assert_eq!(server.count(CANCEL), 0);
}

#[tokio::test]
async fn a_plain_stream_hangs_up_too() {
    let server = silent(CREATED.to_owned()).await;
    let row = coze_api::types::chat::StartChat::default();
    let mut stream = server.coze().stream(row).await.unwrap();
    stream.next().await.unwrap().unwrap();
    drop(stream);
    server.wait_for_hang_up().await;
    settle().await;
    assert_eq!(server.count(CANCEL), 0);
}

#[tokio::test]
async fn a_finished_stream_gives_its_connection_back() {
    let body = whole_chat();
    let head =
        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
    let bytes = format!("{head}{:x}\r\n{body}\r\n0\r\n\r\n", body.len());
    let server = Server::always(vec![Step::Send(bytes.into())]).await;
    let coze = server.coze();
    for _ in 0..3 {
        let reply = coze.chat("333").message("x").reply().await.unwrap();
        assert_eq!(reply.text(), "你好！");
        // The connection is put back by a task of its own.
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let connections: Vec<_> = server.requests().iter().map(|it| it.connection).collect();
    assert_eq!(connections, [0, 0, 0]);
}

#[tokio::test]
async fn the_connection_comes_back_also_when_the_end_is_late_or_not_asked_for() {
    let body = whole_chat();
    let head =
        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
    let begin = format!("{head}{:x}\r\n{body}\r\n", body.len());
    for late in [false, true] {
        let end = "0\r\n\r\n";
        let steps = if late {
            let begin = Step::Send(begin.clone().into());
            vec![begin, Step::Pause(50), Step::Send(end.into())]
        } else {
            vec![Step::Send(format!("{begin}{end}").into())]
        };
        let server = Server::always(steps).await;
        let coze = server.coze();
        for _ in 0..2 {
            let mut stream = coze.chat("333").message("x").stream().await.unwrap();
            while !matches!(stream.next().await, Some(Ok(ChatEvent::Done(_)))) {}
            settle().await;
            if late {
                assert!(stream.next().await.is_none());
            }
            drop(stream);
            settle().await;
        }
        let connections: Vec<_> = server.requests().iter().map(|it| it.connection).collect();
        assert_eq!(connections, [0, 0], "late: {late}");
    }
}

#[tokio::test]
async fn the_end_of_the_body_is_not_waited_for() {
    // The last event has come, and the server keeps the connection.
    let server = silent(whole_chat()).await;
    let coze = server.coze();
    let reply = coze.chat("333").message("x").reply();
    let reply = tokio::time::timeout(Duration::from_secs(5), reply).await;
    assert_eq!(reply.unwrap().unwrap().text(), "你好！");
    server.wait_for_hang_up().await;
}

#[tokio::test]
async fn the_future_of_a_poll_cancels_its_chat() {
    let running =
        r#"{"code":0,"msg":"","data":{"id":"222","conversation_id":"111","status":"in_progress"}}"#;
    let server = Server::start(move |request: &Request| {
        let cancel = request.line.starts_with(CANCEL);
        json(if cancel { CANCELED } else { running })
    })
    .await;
    let coze = server.coze();
    let poll = coze.chat("333").message("x").poll();
    assert!(
        tokio::time::timeout(Duration::from_millis(150), poll)
            .await
            .is_err()
    );
    server.wait_for(CANCEL).await;
}
