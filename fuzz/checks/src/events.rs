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
}

/// Each event as text, or why there is none.
fn read<'a, E: StreamEvent>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Vec<String> {
    let mut decoder = Decoder::new();
    let mut memory = E::Memory::default();
    let mut seen = Vec::new();
    let mut take = |decoder: &Decoder| {
        let frame = decoder.frame();
        let remembering = E::read(&frame, &mut memory);
        let alone = E::from_frame(&frame);
        match (remembering, alone) {
            (Ok(event), Ok(alone)) => {
                let text = format!("{event:?}");
                assert_eq!(text, format!("{alone:?}"), "memory changes what is read");
                written(&event);
                seen.push(text);
            }
            (Err(error), Err(alone)) => {
                assert_eq!(error.at, alone.at);
                seen.push(error.to_string());
            }
            (remembering, alone) => panic!("memory matters: {remembering:?}, {alone:?}"),
        }
    };
    for piece in pieces {
        decoder.push(piece);
        while matches!(decoder.advance(), Ok(true)) {
            take(&decoder);
        }
    }
    if decoder.finish() {
        take(&decoder);
    }
    seen
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
