//! The decoder of server-sent events against the standard, read literally.

use coze_types::sse::Decoder;

use crate::{chunks, head};

/// A frame, owned.
#[derive(Debug, Default, PartialEq, Eq)]
struct Frame {
    id: Option<String>,
    event: Option<String>,
    data: Option<Vec<u8>>,
}

/// The decoder yields the same frames however the bytes are cut, and they are those of a reader
/// that does what the standard says, line by line, with everything in memory.
///
/// # Panics
/// When that does not hold.
pub fn sse(bytes: &[u8]) {
    let (lengths, stream) = head::<4>(bytes);
    let expected = literally(stream);
    assert_eq!(decoded([stream]), expected, "in one piece");
    assert_eq!(decoded(chunks(&lengths, stream)), expected, "in pieces");
    limited(stream);
}

fn decoded<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Vec<Frame> {
    let mut decoder = Decoder::new();
    let mut frames = Vec::new();
    let mut take = |decoder: &Decoder| {
        let frame = decoder.frame();
        frames.push(Frame {
            id: frame.id.map(std::borrow::Cow::into_owned),
            event: frame.event.map(std::borrow::Cow::into_owned),
            data: frame.data.map(<[u8]>::to_vec),
        });
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
    frames
}

/// The standard's algorithm, with the decoder's three differences: a frame with a name but no data
/// counts, an id belongs to its frame alone, and a last frame without an empty line behind it is
/// kept if it has data, because the client judges it. Text is read with replacement.
fn literally(stream: &[u8]) -> Vec<Frame> {
    let stream = stream.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(stream);
    let mut frames = Vec::new();
    let mut frame = Frame::default();
    for line in lines(stream) {
        if line.is_empty() {
            let done = std::mem::take(&mut frame);
            if done.event.is_some() || done.data.is_some() {
                frames.push(done);
            }
            continue;
        }
        let colon = line.iter().position(|byte| *byte == b':');
        let (name, value) = match colon {
            Some(at) => (&line[..at], &line[at + 1..]),
            None => (line, &line[line.len()..]),
        };
        let value = value.strip_prefix(b" ").unwrap_or(value);
        let text = || String::from_utf8_lossy(value).into_owned();
        match name {
            b"id" => frame.id = Some(text()),
            b"event" => frame.event = Some(text()),
            b"data" => match &mut frame.data {
                Some(data) => {
                    data.push(b'\n');
                    data.extend_from_slice(value);
                }
                None => frame.data = Some(value.to_vec()),
            },
            _ => {}
        }
    }
    if frame.data.is_some() {
        frames.push(frame);
    }
    frames
}

/// The lines, which end in LF, CR or both; the last one may have no end.
fn lines(mut stream: &[u8]) -> Vec<&[u8]> {
    let mut lines = Vec::new();
    while !stream.is_empty() {
        let Some(at) = stream.iter().position(|byte| matches!(byte, b'\r' | b'\n')) else {
            lines.push(stream);
            break;
        };
        let (line, end) = stream.split_at(at);
        lines.push(line);
        let length = if end.starts_with(b"\r\n") { 2 } else { 1 };
        stream = &end[length..];
    }
    lines
}

/// A decoder with a limit gives up, and never holds more than the limit and one piece.
fn limited(stream: &[u8]) {
    const LIMIT: usize = 64;
    const PIECE: usize = 16;
    let mut decoder = Decoder::with_limit(LIMIT);
    for piece in stream.chunks(PIECE) {
        decoder.push(piece);
        loop {
            match decoder.advance() {
                Ok(true) => {
                    let length = decoder.frame().data.unwrap_or_default().len();
                    assert!(length <= LIMIT + PIECE, "{length}");
                }
                Ok(false) => break,
                Err(_) => return,
            }
        }
    }
}
