//! Bodies that are compressed, or not as long as they say.

use std::io::Write;
use std::time::Duration;

use coze_api::types::chat::StartChat;
use coze_api::{ChatEvent, Error};
use flate2::Compression;
use flate2::write::GzEncoder;

use crate::framings::text;
use crate::server::{CREATED, Server, Step, delta, json, soon, whole_chat};
use crate::shown::{failure, shown, watch};

const ME: &str = r#"{"code":0,"msg":"","data":{"user_id":"9"}}"#;

fn gzip(pieces: &[&str]) -> Vec<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    let mut packed = Vec::new();
    for piece in pieces {
        encoder.write_all(piece.as_bytes()).unwrap();
        // So that it can be read before the next one is there.
        encoder.flush().unwrap();
        packed.push(std::mem::take(encoder.get_mut()));
    }
    packed.push(encoder.finish().unwrap());
    packed
}

fn brotli(pieces: &[&str]) -> Vec<Vec<u8>> {
    let mut encoder = brotli::CompressorWriter::new(Vec::new(), 4096, 5, 22);
    let mut packed = Vec::new();
    for piece in pieces {
        encoder.write_all(piece.as_bytes()).unwrap();
        encoder.flush().unwrap();
        packed.push(encoder.get_ref().clone());
    }
    packed.push(encoder.into_inner());
    for at in (1..packed.len()).rev() {
        let before = packed[at - 1].len();
        packed[at].drain(..before);
    }
    packed
}

/// A way to pack pieces so that each can be read when it has come; the last one is the end.
type Pack = fn(&[&str]) -> Vec<Vec<u8>>;
const PACKS: [(&str, Pack); 2] = [("gzip", gzip), ("br", brotli)];

fn head(status: &str, kind: &str, encoding: &str) -> Step {
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-encoding: {encoding}\r\n\
         connection: close\r\n\r\n"
    );
    Step::Send(head.into())
}

#[tokio::test]
async fn packed_replies_are_read() {
    watch();
    for (encoding, pack) in PACKS {
        let body = Step::Send(pack(&[ME]).concat());
        let head = head("200 OK", "application/json", encoding);
        let server = Server::always(vec![head, body, Step::Close]).await;
        assert_eq!(server.coze().me().await.unwrap().user_id, "9");
        let accepted = server.requests()[0]
            .header("accept-encoding")
            .map(str::to_owned);
        assert!(accepted.unwrap().contains(encoding));
    }
}

#[tokio::test]
async fn packed_errors_are_read() {
    watch();
    for (encoding, pack) in PACKS {
        let body = Step::Send(pack(&["<html>", "Bad Gateway"]).concat());
        let head = head("502 Bad Gateway", "text/html", encoding);
        let server = Server::always(vec![head, body, Step::Close]).await;
        let error = failure(server.coze().me().await);
        assert!(shown(&error).contains("<html>Bad Gateway"), "{error}");
        let error = failure(server.coze().stream(StartChat::default()).await);
        assert!(shown(&error).contains("<html>Bad Gateway"), "{error}");
    }
}

#[tokio::test]
async fn a_stream_is_not_to_be_packed_and_is_read_if_it_is() {
    watch();
    let chat = whole_chat();
    let pieces: Vec<_> = chat.split_inclusive("\n\n").collect();
    for (encoding, pack) in PACKS {
        let mut steps = vec![head("200 OK", "text/event-stream", encoding)];
        steps.extend(pack(&pieces).into_iter().map(Step::Send));
        steps.push(Step::Close);
        let server = Server::always(steps).await;
        let (text, events, error) = text(&server.coze()).await;
        assert_eq!((text.as_str(), events), ("你好！", 9), "{error:?}");
        assert!(error.is_none(), "{error:?}");
        assert_eq!(
            server.requests()[0].header("accept-encoding"),
            Some("identity")
        );
    }
}

#[tokio::test]
async fn the_events_of_a_packed_stream_are_not_held_back() {
    watch();
    let (first, second) = (CREATED, delta("你"));
    for (encoding, pack) in PACKS {
        let packed = pack(&[first, &second]);
        let server = Server::always(vec![
            head("200 OK", "text/event-stream", encoding),
            Step::Send(packed[0].clone()),
            Step::Send(packed[1].clone()),
            Step::Hold,
        ])
        .await;
        let mut stream = server.coze().stream(StartChat::default()).await.unwrap();
        let mut next = async || soon(stream.next()).await.unwrap().unwrap();
        assert!(matches!(next().await, ChatEvent::Created(_)));
        assert!(matches!(next().await, ChatEvent::Delta(_)));
    }
}

#[tokio::test]
async fn a_packed_stream_that_is_cut_or_spoilt_is_an_error() {
    watch();
    for (encoding, pack) in PACKS {
        let packed = pack(&[CREATED, &delta("你"), &delta("好")]);
        let spoilt = vec![0x55; 64];
        let third = packed[2][..packed[2].len() / 2].to_vec();
        for last in [Vec::new(), third, spoilt] {
            let server = Server::always(vec![
                head("200 OK", "text/event-stream", encoding),
                Step::Send(packed[0].clone()),
                Step::Send(packed[1].clone()),
                // What has come is read before what is wrong.
                Step::Pause(100),
                Step::Send(last),
                Step::Close,
            ])
            .await;
            let (text, events, error) = text(&server.coze()).await;
            assert!(matches!(error, Some(Error::Stream(_))), "{error:?}");
            assert!(events >= 2 && text.starts_with('你'), "{events}: {text}");
        }
        // And a reply.
        let whole = pack(&[ME]).concat();
        for body in [whole[..whole.len() / 2].to_vec(), vec![0x55; 64]] {
            let head = head("200 OK", "application/json", encoding);
            let server = Server::always(vec![head, Step::Send(body), Step::Close]).await;
            failure(soon(server.coze().me()).await);
        }
    }
}

/// An answer whose length is not what it says.
fn lying(kind: &str, length: usize, body: &str) -> Step {
    let head =
        format!("HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\n\r\n");
    Step::Send((head + body).into())
}

#[tokio::test]
async fn a_body_that_is_longer_than_it_says_spoils_no_other_call() {
    watch();
    let lie = vec![lying("application/json", ME.len() - 5, ME)];
    let server = Server::in_turn(vec![lie, json(ME)]).await;
    let coze = server.coze();
    let error = failure(soon(coze.me()).await);
    assert!(matches!(error, Error::Decode(_)), "{error:?}");
    assert_eq!(soon(coze.me()).await.unwrap().user_id, "9");
    // Even if the rest looks like an answer.
    let other = json(r#"{"code":0,"msg":"","data":{"user_id":"evil"}}"#);
    let Step::Send(other) = &other[0] else {
        panic!("{other:?}")
    };
    let both = ME.to_owned() + std::str::from_utf8(other).unwrap();
    let lie = vec![lying("application/json", ME.len(), &both)];
    let server = Server::in_turn(vec![lie, json(ME)]).await;
    let coze = server.coze();
    for _ in 0..3 {
        assert_eq!(soon(coze.me()).await.unwrap().user_id, "9");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_body_that_is_shorter_than_it_says_is_an_error() {
    watch();
    let lie = lying("application/json", ME.len() + 5, ME);
    let server = Server::always(vec![lie.clone(), Step::Close]).await;
    let error = failure(soon(server.coze().me()).await);
    assert!(matches!(error, Error::Transport(_)), "{error:?}");
    // The rest never comes.
    let server = Server::always(vec![lie, Step::Hold]).await;
    let patience = Duration::from_millis(150);
    let coze = server
        .builder()
        .first_byte_timeout(patience)
        .retry(coze_api::RetryPolicy::none());
    let error = failure(soon(coze.build().unwrap().me()).await);
    assert!(shown(&error).contains("no answer within 150ms"), "{error}");
}

#[tokio::test]
async fn a_stream_of_the_wrong_length_is_cut_or_whole_but_never_silent() {
    watch();
    let chat = whole_chat();
    // Too short a length cuts it.
    let end = chat.find("event:conversation.message.completed").unwrap();
    let lie = lying("text/event-stream", end + 3, &chat);
    let server = Server::always(vec![lie, Step::Close]).await;
    let (said, events, error) = text(&server.coze()).await;
    assert_eq!((said.as_str(), events), ("你好！", 4));
    assert!(error.unwrap().is_truncated());
    // Too long a one does not matter: the last event is the end.
    for then in [Step::Close, Step::Hold] {
        let lie = lying("text/event-stream", chat.len() + 100, &chat);
        let server = Server::always(vec![lie, then]).await;
        let (said, events, error) = text(&server.coze()).await;
        assert_eq!((said.as_str(), events), ("你好！", 9), "{error:?}");
        assert!(error.is_none(), "{error:?}");
    }
}
