//! Streams that end too early, of chats that cannot be fetched. Text may be missing, so it must be
//! said, once.

use coze_api::{Error, Recover, StreamError};

use crate::server::{
    CREATED, DONE, STREAM, Server, Step, chat, delta, message, stream, whole_chat,
};

/// Reads a stream as a chat; the text so far and the error that ended it.
async fn cut(steps: Vec<Step>) -> (String, Option<Error>) {
    let server = Server::always(steps).await;
    let chat = server.coze().chat("333").message("x").recover(Recover::Off);
    let mut stream = chat.stream().await.unwrap();
    let (mut text, mut error) = (String::new(), None);
    while let Some(piece) = stream.next_text().await {
        assert!(error.is_none(), "something follows {error:?}");
        match piece {
            Ok(piece) => text += &piece,
            Err(failure) => error = Some(failure),
        }
    }
    assert!(stream.next_text().await.is_none());
    (text, error)
}

#[tokio::test]
async fn a_stream_cut_after_any_event_is_truncated() {
    let whole = whole_chat();
    let frames: Vec<_> = whole.split_inclusive("\n\n").collect();
    for kept in 0..frames.len() {
        let body = frames[..kept].concat();
        let (text, error) = cut(stream(body.as_bytes())).await;
        assert!(error.unwrap().is_truncated(), "after {kept} events");
        assert_eq!(text, ["", "你好", "你好！"][kept.clamp(2, 4) - 2]);
    }
    let (text, error) = cut(stream(whole.as_bytes())).await;
    assert!(error.is_none(), "{error:?}");
    assert_eq!(text, "你好！");
}

#[tokio::test]
async fn a_stream_cut_within_an_event_is_truncated() {
    let whole = [CREATED, &delta("你"), &delta("好")].concat();
    let character = whole.rfind('好').unwrap();
    let end = whole.len();
    // Within the character, after it, before and after the brace that ends the data.
    for (length, expected) in [
        (character + 1, "你"),
        (character + 3, "你"),
        (end - 3, "你"),
        // The data is whole from here on, though its frame is not.
        (end - 2, "你好"),
        (end - 1, "你好"),
    ] {
        let (text, error) = cut(stream(&whole.as_bytes()[..length])).await;
        assert!(error.unwrap().is_truncated(), "at {length} of {end}");
        assert_eq!(text, expected, "at {length} of {end}");
    }
}

#[tokio::test]
async fn what_is_known_comes_with_the_error() {
    let body = [CREATED, &delta("你")].concat();
    let (_, error) = cut(stream(body.as_bytes())).await;
    let Some(Error::Stream(failure)) = error else {
        panic!("{error:?}")
    };
    assert!(matches!(failure.kind, StreamError::Truncated));
    assert_eq!(failure.endpoint, "StartChat");
    assert_eq!(failure.conversation_id.as_deref(), Some("111"));
    assert_eq!(failure.chat_id.as_deref(), Some("222"));
    assert_eq!(failure.log_id.as_deref(), Some("LOG1"));
    assert_eq!((failure.events, failure.bytes), (2, body.len() as u64));
}

#[tokio::test]
async fn collecting_loses_nothing_either() {
    let body = [CREATED, &delta("你"), &delta("好")].concat();
    let server = Server::always(stream(body.as_bytes())).await;
    // What is not a chat is sent for the chat, too.
    let error = server.coze().chat("333").message("x").reply().await;
    let error = error.unwrap_err();
    assert!(error.is_truncated());
    assert_eq!(error.partial().unwrap().text(), "你好");
    assert_eq!(error.partial().unwrap().chat_id(), &"222");
}

#[tokio::test]
async fn a_chunked_body_without_its_end_is_truncated() {
    let head =
        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
    let body = [CREATED, &delta("你")].concat();
    let chunk = format!("{head}{:x}\r\n{body}\r\n", body.len());
    let (text, error) = cut(vec![Step::Send(chunk.into()), Step::Close]).await;
    assert!(error.unwrap().is_truncated());
    assert_eq!(text, "你");
}

#[tokio::test]
async fn a_reset_is_told_as_such() {
    let body = [STREAM, CREATED, &delta("你")].concat();
    let (text, error) = cut(vec![Step::Send(body.into()), Step::Pause(100), Step::Reset]).await;
    let Some(Error::Stream(failure)) = error else {
        panic!("{error:?}")
    };
    assert!(
        matches!(failure.kind, StreamError::Transport(_)),
        "{failure:?}"
    );
    assert_eq!(failure.chat_id.as_deref(), Some("222"));
    assert_eq!(text, "你");
}

#[tokio::test]
async fn the_last_event_needs_no_end() {
    let body = [CREATED, &delta("你"), DONE.trim_end()].concat();
    let (text, error) = cut(stream(body.as_bytes())).await;
    assert!(error.is_none(), "{error:?}");
    assert_eq!(text, "你");
}

#[tokio::test]
async fn after_a_failure_the_stream_may_end() {
    // Whatever follows the failure is not read.
    let more = [&delta("更多"), DONE].concat();
    for end in ["", DONE, "event:done\nda", &more] {
        let body = [CREATED, &delta("你"), &chat("failed"), end].concat();
        let (text, error) = cut(stream(body.as_bytes())).await;
        let Some(Error::Chat(failed)) = error else {
            panic!("{error:?}")
        };
        assert_eq!((text.as_str(), failed.reply.text().as_ref()), ("你", "你"));
    }
}

#[tokio::test]
async fn text_that_no_delta_brought_is_not_lost() {
    let body = [
        CREATED,
        &delta("你"),
        &message("444", "answer", "你好"),
        &message("445", "answer", "再见"),
        &chat("completed"),
        DONE,
    ]
    .concat();
    let (text, error) = cut(stream(body.as_bytes())).await;
    assert!(error.is_none(), "{error:?}");
    assert_eq!(text, "你好再见");
}
