//! Streams that are written in every way that the format allows, and in sizes that nobody expects.

use coze_api::types::chat::StartChat;
use coze_api::{ChatEvent, Coze, Error};

use crate::server::{CREATED, DONE, STREAM, Server, Step, chat, delta, soon, stream, whole_chat};
use crate::shown::{shown, watch};

/// The text of a chat's deltas, and how many events there were; `Err` behind them.
pub(crate) async fn text(coze: &Coze) -> (String, usize, Option<Error>) {
    let mut stream = soon(coze.stream(StartChat::default())).await.unwrap();
    let (mut text, mut events) = (String::new(), 0);
    while let Some(event) = soon(stream.next()).await {
        match event {
            Ok(event) => {
                events += 1;
                if let ChatEvent::Delta(delta) = event {
                    text += &delta.content;
                }
            }
            Err(error) => {
                shown(&error);
                assert!(soon(stream.next()).await.is_none(), "behind {error:?}");
                return (text, events, Some(error));
            }
        }
    }
    (text, events, None)
}

/// Reads a stream that must be whole.
async fn whole(steps: Vec<Step>) -> (String, usize) {
    watch();
    let server = Server::always(steps).await;
    let (text, events, error) = text(&server.coze()).await;
    assert!(error.is_none(), "{error:?}");
    (text, events)
}

#[tokio::test]
async fn every_line_end_is_one() {
    let compact = whole_chat();
    for end in ["\r", "\r\n", "\n"] {
        let body = compact.replace('\n', end);
        let expected = ("你好！".to_owned(), 9);
        assert_eq!(whole(stream(body.as_bytes())).await, expected, "{end:?}");
        // Piece by piece, and without an end of the body: the last line end must do.
        let steps = vec![
            Step::Send(STREAM.into()),
            Step::Trickle(body.into()),
            Step::Hold,
        ];
        assert_eq!(whole(steps).await, expected, "{end:?}");
    }
}

#[tokio::test]
async fn lines_that_say_nothing_change_nothing() {
    let noise = ": ping\nid: 7\nretry: 3000\nid\nretry: soon\nunknown: x\nnothing\n";
    let body: String = whole_chat()
        .split_inclusive("\n\n")
        .flat_map(|frame| {
            let (event, data) = frame.split_once('\n').unwrap();
            [noise, event, "\n", noise, data, noise, "\n", noise, "\n"]
        })
        .collect();
    // A comment alone is not an event, wherever it stands.
    let body = format!("\u{feff}:\n\n{body}");
    let read = whole(stream(body.as_bytes())).await;
    assert_eq!(read, ("你好！".to_owned(), 9));
}

#[tokio::test]
async fn empty_lines_are_no_events() {
    for end in ["\n", "\r\n", "\r"] {
        let empty = "\n".repeat(10_000);
        let body: String = whole_chat()
            .split_inclusive("\n\n")
            .flat_map(|frame| [empty.as_str(), frame])
            .collect();
        let body = body.replace('\n', end);
        let read = whole(stream(body.as_bytes())).await;
        assert_eq!(read, ("你好！".to_owned(), 9), "{end:?}");
    }
}

#[tokio::test]
async fn what_other_readers_take_for_line_ends_is_text() {
    let odd = "a\u{2028}b\u{2029}c\u{85}d\u{b}e\u{c}f\u{1c}g\u{1d}h\u{1e}i\u{a0}j\u{feff}k";
    // Control characters are escaped in sound JSON; the others may stand as they are.
    let raw: String = odd
        .chars()
        .map(|char| match u32::from(char) {
            code @ 0..32 => format!("\\u{code:04x}"),
            _ => char.to_string(),
        })
        .collect();
    let body = [CREATED, &delta(&raw), &chat("completed"), DONE].concat();
    for steps in [
        stream(body.as_bytes()),
        vec![
            Step::Send(STREAM.into()),
            Step::Trickle(body.clone().into()),
            Step::Close,
        ],
    ] {
        assert_eq!(whole(steps).await, (odd.to_owned(), 4));
    }
}

#[tokio::test]
async fn an_event_of_20_mb_is_one_event() {
    let long = "好".repeat(20_000_000 / 3);
    let body = [
        CREATED,
        &delta("a"),
        &delta(&long),
        &delta("z"),
        &chat("completed"),
        DONE,
    ];
    let (text, events) = whole(stream(body.concat().as_bytes())).await;
    assert_eq!(events, 6);
    assert_eq!(text.len(), long.len() + 2);
    assert!(text == format!("a{long}z"));
}

#[tokio::test]
async fn a_delta_of_8_mib_costs_as_much_as_its_length() {
    let long = "x".repeat(8 << 20);
    let body = [CREATED, &delta(&long), &chat("completed"), DONE].concat();
    // Thousands of pieces: whoever looks at the whole line for each of them is not done soon.
    let mut steps = vec![Step::Send(
        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
            .into(),
    )];
    for piece in body.as_bytes().chunks(1024) {
        let piece = [format!("{:x}\r\n", piece.len()).as_bytes(), piece, b"\r\n"].concat();
        steps.push(Step::Send(piece));
    }
    steps.push(Step::Send("0\r\n\r\n".into()));
    let (text, events) = whole(steps).await;
    assert_eq!((text.len(), events), (long.len(), 4));
    assert!(text == long);
}
