//! Streams that nobody reads to their end.

use std::thread;

use serde_json::json as value;
use tokio::runtime::Builder;

use crate::server::{CREATED, STREAM, Step};
use crate::setup::{CANCEL, CHAT, Server, soon};

#[test]
fn a_drop_returns_when_the_chat_is_cancelled() {
    let server = Server::silent();
    let coze = server.coze();
    let mut chat = coze.chat("333").message("x").stream().unwrap();
    assert_eq!(chat.next_text().unwrap().unwrap(), "你");
    // The client may go first: nobody else keeps anything running.
    drop(coze);
    drop(chat);
    let cancel = server.server.requests().pop().unwrap();
    assert_eq!(cancel.line, CANCEL);
    assert_eq!(
        cancel.json(),
        value!({"conversation_id": "111", "chat_id": "222"})
    );
    server.runtime.block_on(server.server.wait_for_hang_up());
}

#[test]
fn whoever_drops_the_stream_cancels_its_chat() {
    let server = Server::silent();
    let coze = server.coze();
    // The `async` stream, on a thread without any runtime.
    let mut chat = coze
        .wait(async |coze| coze.chat("333").message("x").stream().await)
        .unwrap();
    coze.wait(async |_| chat.next().await.transpose()).unwrap();
    drop(chat);
    assert_eq!(server.lines(), [CHAT, CANCEL]);

    // Left behind by a panic.
    let mut chat = coze.chat("333").message("x").stream().unwrap();
    let left = thread::spawn(move || {
        assert!(chat.next().unwrap().is_err(), "it panics");
    });
    left.join().unwrap_err();
    assert_eq!(server.lines(), [CHAT, CANCEL, CHAT, CANCEL]);
}

#[test]
fn a_cancellation_that_is_never_answered_ends() {
    let server = Server::start(|request| match request.line.as_str() {
        CANCEL => vec![Step::Hold],
        _ => vec![Step::Send([STREAM, CREATED].concat().into()), Step::Hold],
    });
    let coze = server.coze();
    soon(move || {
        let mut chat = coze.chat("333").message("x").stream().unwrap();
        chat.next().unwrap().unwrap();
    });
    assert_eq!(server.server.count(CANCEL), 1);
}

#[test]
fn a_chat_is_left_alone_or_cancelled_as_the_caller_wants() {
    let server = Server::silent();
    let coze = server.coze();
    let begin = || {
        let mut chat = coze.chat("333").message("x").stream().unwrap();
        chat.next().unwrap().unwrap();
        chat
    };
    begin().detach();
    drop(begin().cancel_on_drop(false));
    // Not yet told which chat it is.
    drop(coze.chat("333").message("x").stream().unwrap());
    assert_eq!(server.lines(), [CHAT; 3]);
    let canceled = begin().cancel().unwrap().unwrap();
    assert_eq!(canceled.status.as_str(), "canceled");
    assert_eq!(server.server.count(CANCEL), 1);
}

#[test]
fn a_stream_that_is_dropped_within_async_code_is_cancelled() {
    let server = Server::silent();
    let coze = server.coze();
    let runtime = Builder::new_current_thread().build().unwrap();
    soon(move || {
        runtime.block_on(async move {
            let mut chat = coze.chat("333").message("x").stream().unwrap();
            chat.next().unwrap().unwrap();
        });
    });
    assert_eq!(server.lines(), [CHAT, CANCEL]);
}
