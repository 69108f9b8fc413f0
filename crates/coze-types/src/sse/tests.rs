//! The decoder over whole, split and spoilt streams.

use super::*;

type Owned = (Option<String>, Option<String>, Option<String>);

fn owned(frame: &Frame<'_>) -> Owned {
    let data = frame
        .data
        .map(|data| String::from_utf8_lossy(data).into_owned());
    (
        frame.id.as_ref().map(ToString::to_string),
        frame.event.as_ref().map(ToString::to_string),
        data,
    )
}

fn frames(chunks: &[&[u8]]) -> Vec<Owned> {
    let mut decoder = Decoder::new();
    let mut seen = Vec::new();
    for chunk in chunks {
        decoder.push(chunk);
        while decoder.advance().unwrap() {
            seen.push(owned(&decoder.frame()));
        }
    }
    if decoder.finish() {
        seen.push(owned(&decoder.frame()));
    }
    seen
}

/// Whole, byte by byte and cut in two at every place: the frames must be the same.
fn check(stream: &str, expected: &[(Option<&str>, Option<&str>, Option<&str>)]) {
    let expected: Vec<Owned> = expected
        .iter()
        .map(|(a, b, c)| (a.map(Into::into), b.map(Into::into), c.map(Into::into)))
        .collect();
    let bytes = stream.as_bytes();
    assert_eq!(frames(&[bytes]), expected, "whole: {stream:?}");
    let single: Vec<&[u8]> = bytes.chunks(1).collect();
    assert_eq!(frames(&single), expected, "byte by byte: {stream:?}");
    for cut in 0..bytes.len() {
        let (head, tail) = bytes.split_at(cut);
        assert_eq!(frames(&[head, tail]), expected, "cut at {cut}: {stream:?}");
    }
}

#[test]
fn line_ends() {
    let expected = [(None, Some("a"), Some("1")), (None, Some("b"), Some("2"))];
    check("event:a\ndata:1\n\nevent:b\ndata:2\n\n", &expected);
    check(
        "event:a\r\ndata:1\r\n\r\nevent:b\r\ndata:2\r\n\r\n",
        &expected,
    );
    check("event:a\rdata:1\r\revent:b\rdata:2\r\r", &expected);
    check("event:a\rdata:1\r\n\revent:b\ndata:2\r\r\n", &expected);
}

#[test]
fn what_official_readers_cannot_read_is_read_all_the_same() {
    check(
        "\u{feff}: hello\nretry: 3\nid: 7\ndata: {\ndata: }\nevent: x\n\n\n\n:\n\n",
        &[(Some("7"), Some("x"), Some("{\n}"))],
    );
    check(
        "data:a\ndata\ndata:  b\n\n",
        &[(None, None, Some("a\n\n b"))],
    );
    check("event:x\n\n", &[(None, Some("x"), None)]);
}

#[test]
fn line_separators_of_unicode_end_no_line() {
    check(
        "data:a\u{2028}b\u{85}c\u{b}d\n\n",
        &[(None, None, Some("a\u{2028}b\u{85}c\u{b}d"))],
    );
}

#[test]
fn the_last_frame_may_lack_its_end() {
    check("event:error\ndata:{}", &[(None, Some("error"), Some("{}"))]);
    check("event:error\n", &[]);
    check("data:1\n\nevent:er", &[(None, None, Some("1"))]);
}

#[test]
fn a_name_behind_the_data_is_no_beginning() {
    let (name, other) = (Some("conv"), Some("on(v"));
    check(
        "event:conv\ndata:1\nevent:on(v\n\nevent:conv\ndata:2\n\n",
        &[(None, other, Some("1")), (None, name, Some("2"))],
    );
}

#[test]
fn empty_lines_cost_nothing_and_hold_nothing() {
    let mut decoder = Decoder::new();
    decoder.push("\n".repeat(10_000).as_bytes());
    assert!(!decoder.advance().unwrap());
    assert!(!decoder.has_rest());
    decoder.push(b"data:1\n");
    assert!(!decoder.advance().unwrap());
    assert!(decoder.has_rest());
}

#[test]
fn a_frame_over_the_limit_is_an_error() {
    let mut decoder = Decoder::with_limit(16);
    decoder.push(b"data:12345678901");
    assert!(!decoder.advance().unwrap());
    decoder.push(b"x");
    assert_eq!(decoder.advance(), Err(FrameTooLong { limit: 16 }));
    // What has ended by then is given.
    let mut decoder = Decoder::with_limit(16);
    decoder.push(b"data:12345678901");
    assert!(!decoder.advance().unwrap());
    decoder.push(b"234\n\n");
    assert!(decoder.advance().unwrap());
    assert_eq!(decoder.frame().data, Some(&b"12345678901234"[..]));
}

#[test]
fn a_large_event_in_small_chunks_gives_its_memory_back() {
    let mut decoder = Decoder::new();
    let line = vec![b'x'; 8 << 20];
    decoder.push(b"data:");
    for chunk in line.chunks(1024) {
        decoder.push(chunk);
        assert!(!decoder.advance().unwrap());
    }
    decoder.push(b"\n\n");
    assert!(decoder.advance().unwrap());
    assert_eq!(decoder.frame().data.map(<[u8]>::len), Some(8 << 20));
    assert!(!decoder.advance().unwrap());
    decoder.push(b"data:1\n\n");
    assert!(decoder.advance().unwrap());
    assert!(
        decoder.buf.capacity() <= 1 << 17,
        "{}",
        decoder.buf.capacity()
    );
}

#[test]
fn what_begins_as_the_last_frame_is_read_as_by_itself() {
    let frames_alone = [
        "event:a\ndata:1\n\n",
        "event:a\ndata:2\n\n",
        "event:a\ndata: 3\n\n",
        "event:a\ndata:  4\n\n",
        "event: a\ndata: 5\n\n",
        "event: a\ndata:6\n\n",
        "event: a\ndata:  7\n\n",
        "event:a\ndata:\n\n",
        "event:a\ndata:8\ndata:9\n\n",
        "event:a\ndata:10\nid:1\n\n",
        "event:a\ndata:11\r\n\r\n",
        "event:a\ndata:12\r\r",
        "\n\nevent:a\ndata:13\n\n",
        "event:a\ndata:14\n\r\n",
        "event:\ndata:15\n\n",
        "event:b\ndata:16\n\n",
        "event:ab\ndata:17\n\n",
        ":c\nevent:a\ndata:18\n\n",
        "data:19\n\n",
    ];
    for first in frames_alone {
        for second in frames_alone {
            let stream = [first, second, second].concat();
            let mut expected = frames(&[first.as_bytes()]);
            let second = frames(&[second.as_bytes()]);
            expected.extend([second.clone(), second].concat());
            for cut in 0..stream.len() {
                let (head, tail) = stream.as_bytes().split_at(cut);
                assert_eq!(frames(&[head, tail]), expected, "{stream:?} cut at {cut}");
            }
        }
    }
}

proptest::proptest! {
    #[test]
    fn what_is_written_is_read_back(event in "[a-zA-Z._]{1,20}", text: String, cuts: Vec<u8>) {
        for framing in [Framing::Compact, Framing::Spaced, Framing::Numbered] {
            let mut out = Vec::new();
            framing.write(&mut out, 5, &event, &text).unwrap();
            let mut chunks: Vec<&[u8]> = Vec::new();
            let mut rest: &[u8] = &out;
            for cut in &cuts {
                let (head, tail) = rest.split_at(usize::from(*cut).min(rest.len()));
                chunks.push(head);
                rest = tail;
            }
            chunks.push(rest);
            let seen = frames(&chunks);
            proptest::prop_assert_eq!(seen.len(), 1);
            proptest::prop_assert_eq!(seen[0].1.as_deref(), Some(event.as_str()));
            let read: String = serde_json::from_str(seen[0].2.as_deref().unwrap()).unwrap();
            proptest::prop_assert_eq!(&read, &text);
        }
    }

    #[test]
    fn any_bytes_are_survived(bytes: Vec<u8>, size in 1usize..20) {
        let chunks: Vec<&[u8]> = bytes.chunks(size).collect();
        proptest::prop_assert_eq!(frames(&chunks), frames(&[&bytes]));
    }
}
