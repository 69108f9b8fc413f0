//! Events of chats and workflows, read from any stream of bytes.

use coze_types::sse::{Decoder, Framing};
use coze_types::{ChatEvent, StreamEvent, WorkflowEvent};
use serde_json::Value;

use crate::{chunks, head};

/// What is read of a frame depends on the frame alone, not on what came before it nor on how the
/// bytes were cut; an event that can be read can be written and reads as the same again.
///
/// # Panics
/// When that does not hold.
pub fn events(bytes: &[u8]) {
    let (lengths, stream) = head::<4>(bytes);
    check::<ChatEvent>(&lengths, stream);
    check::<WorkflowEvent>(&lengths, stream);
}

fn check<E: StreamEvent>(lengths: &[u8], stream: &[u8]) {
    let whole = read::<E>([stream]);
    assert_eq!(read::<E>(chunks(lengths, stream)), whole, "in pieces");
    assert_eq!(read::<E>(paragraphs(stream)), whole, "frame by frame");
}

/// Cuts behind each empty line, where most servers end a chunk.
fn paragraphs(mut bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let end = bytes.windows(2).position(|pair| pair == b"\n\n");
        let (first, rest) = bytes.split_at(end.map_or(bytes.len(), |end| end + 2));
        bytes = rest;
        (!first.is_empty()).then_some(first)
    })
}

/// Each event as text, or why there is none.
fn read<'a, E: StreamEvent>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Vec<String> {
    let mut decoder = Decoder::new();
    let mut memory = E::Memory::default();
    let mut seen = Vec::new();
    for piece in pieces {
        let recalled = match decoder.has_rest() {
            true => None,
            false => E::recall(piece, &mut memory),
        };
        decoder.push(piece);
        if let Some((event, data)) = recalled {
            assert!(
                matches!(decoder.advance(), Ok(true)),
                "what is recalled is a frame"
            );
            assert_eq!(decoder.frame().data, piece.get(data), "recalled data");
            seen.push(take::<E>(&decoder, &mut memory));
            assert_eq!(seen.last(), Some(&format!("{event:?}")), "recalled event");
            assert!(
                !matches!(decoder.advance(), Ok(true)) && !decoder.has_rest(),
                "what is recalled is nothing but a frame"
            );
        }
        while matches!(decoder.advance(), Ok(true)) {
            seen.push(take::<E>(&decoder, &mut memory));
        }
    }
    if decoder.finish() {
        seen.push(take::<E>(&decoder, &mut memory));
    }
    seen
}

fn take<E: StreamEvent>(decoder: &Decoder, memory: &mut E::Memory) -> String {
    let frame = decoder.frame();
    match (E::read(&frame, memory), E::from_frame(&frame)) {
        (Ok(event), Ok(alone)) => {
            let text = format!("{event:?}");
            assert_eq!(text, format!("{alone:?}"), "memory changes what is read");
            written(&event);
            text
        }
        (Err(error), Err(alone)) => {
            assert_eq!(error.at, alone.at);
            error.to_string()
        }
        (remembering, alone) => panic!("memory matters: {remembering:?}, {alone:?}"),
    }
}

fn written<E: StreamEvent>(event: &E) {
    for framing in [Framing::Compact, Framing::Spaced, Framing::Numbered] {
        let once = write(event, framing);
        let mut decoder = Decoder::new();
        decoder.push(&once);
        assert!(
            matches!(decoder.advance(), Ok(true)),
            "a written event is a frame"
        );
        let again = E::from_frame(&decoder.frame())
            .unwrap_or_else(|error| panic!("a written event can be read: {error}: {event:?}"));
        assert_eq!(
            frames(&once),
            frames(&write(&again, framing)),
            "{event:?} became {again:?}"
        );
    }
}

fn write<E: StreamEvent>(event: &E, framing: Framing) -> Vec<u8> {
    let mut out = Vec::new();
    event
        .write(framing, &mut out)
        .unwrap_or_else(|error| panic!("{event:?} cannot be written: {error}"));
    out
}

/// Name and data of each frame; JSON is compared by value.
fn frames(bytes: &[u8]) -> Vec<(Option<String>, Value)> {
    let mut decoder = Decoder::new();
    decoder.push(bytes);
    let mut frames = Vec::new();
    while matches!(decoder.advance(), Ok(true)) {
        let frame = decoder.frame();
        let data = frame.data.unwrap_or_default();
        let data = serde_json::from_slice(data)
            .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(data).into_owned()));
        frames.push((frame.event.map(std::borrow::Cow::into_owned), data));
    }
    frames
}
