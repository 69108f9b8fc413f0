//! Server-sent events, both ways.
//!
//! [`Decoder`] is fed bytes as they arrive and lends each frame out of its own buffer: nothing is
//! copied for a frame but the bytes themselves, once. It reads everything that the HTML standard
//! allows (LF, CR and CRLF, comments, `retry:`, a BOM, several `data:` lines, any field order),
//! because real servers differ. [`Framing`] writes, and writes only what the official SDKs can
//! read: they are not full SSE parsers (reference, sections 3.7 and 6.4), so no comment and no
//! field they do not expect may ever be sent.

mod framing;
mod template;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::ops::Range;

pub use framing::Framing;
pub use template::Template;

/// The largest frame that is read by default, in bytes.
pub const DEFAULT_FRAME_LIMIT: usize = 64 * 1024 * 1024;

/// One event as it stands on the wire, lent from a [`Decoder`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame<'a> {
    /// `id:`, if the frame has one.
    pub id: Option<Cow<'a, str>>,
    /// `event:`, if the frame has one.
    pub event: Option<Cow<'a, str>>,
    /// The `data:` lines, joined by LF; `None` when there is none at all.
    pub data: Option<&'a [u8]>,
}

/// A frame grew over the limit of its [`Decoder`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an event of the stream is larger than the limit of {limit} bytes")]
pub struct FrameTooLong {
    /// The limit that was passed, in bytes.
    pub limit: usize,
}

/// Splits a byte stream into frames, whatever the chunks are.
///
/// ```
/// let mut decoder = coze_types::sse::Decoder::new();
/// decoder.push(b"event:done\ndata:\"[DO");
/// assert!(!decoder.advance().unwrap());
/// decoder.push(b"NE]\"\n\n");
/// assert!(decoder.advance().unwrap());
/// let frame = decoder.frame();
/// assert_eq!(frame.event.as_deref(), Some("done"));
/// assert_eq!(frame.data, Some(&b"\"[DONE]\""[..]));
/// ```
#[derive(Debug)]
pub struct Decoder {
    buf: Vec<u8>,
    /// Where the current frame begins; all other positions count from here.
    start: usize,
    /// Where the current line begins.
    line: usize,
    /// Up to where the current line has been searched for its end.
    scanned: usize,
    fields: Fields,
    /// `advance` has said that `fields` is a whole frame, which the next `advance` discards.
    ready: bool,
    /// The last line ended in CR: a LF that follows belongs to that line end.
    skip_lf: bool,
    at_beginning: bool,
    limit: usize,
    known: Known,
    /// The frame that is ready begins as `known` tells.
    is_known: bool,
}

/// How the last frame began. Nearly all frames of a stream begin alike, so that nothing but the end
/// of their data has to be looked for.
#[derive(Debug, Default)]
struct Known {
    /// `event:NAME`, a line end, `data:`: everything before the data. Empty when it was otherwise.
    begin: Vec<u8>,
    name: String,
}

#[derive(Debug, Default)]
struct Fields {
    id: Option<Range<usize>>,
    event: Option<Range<usize>>,
    data: Data,
}

#[derive(Debug, Default)]
enum Data {
    #[default]
    None,
    /// The usual case: one line, lent from the buffer.
    Line(Range<usize>),
    /// Several lines have to be joined, so they are copied.
    Lines(Vec<u8>),
}

impl Default for Decoder {
    fn default() -> Self {
        Self::new()
    }
}

impl Decoder {
    /// A decoder with the default frame limit.
    #[must_use]
    pub fn new() -> Self {
        Self::with_limit(DEFAULT_FRAME_LIMIT)
    }

    /// A decoder that gives up when it holds more than `limit` bytes of a frame that has not ended. A
    /// frame that ends within the piece that passes the limit is still given.
    #[must_use]
    pub fn with_limit(limit: usize) -> Self {
        Self {
            buf: Vec::new(),
            start: 0,
            line: 0,
            scanned: 0,
            fields: Fields::default(),
            ready: false,
            skip_lf: false,
            at_beginning: true,
            limit,
            known: Known::default(),
            is_known: false,
        }
    }

    /// Takes the next bytes of the stream.
    #[inline]
    pub fn push(&mut self, bytes: &[u8]) {
        // Free the room of frames that are done. Moving the rest only when it is the smaller half
        // keeps the cost linear, however many frames a chunk holds.
        if self.start == self.buf.len() {
            self.buf.clear();
            self.start = 0;
            // One huge event must not keep its memory for the rest of a long stream.
            if self.buf.capacity() > 1 << 20 && bytes.len() < 1 << 18 {
                self.buf.shrink_to(1 << 16);
            }
        } else if self.start > self.buf.len() / 2 {
            self.buf.drain(..self.start);
            self.start = 0;
        }
        self.buf.extend_from_slice(bytes);
    }

    /// Moves to the next whole frame; false when more bytes are needed first.
    ///
    /// # Errors
    /// [`FrameTooLong`] when the frame under way is larger than the limit.
    #[inline]
    pub fn advance(&mut self) -> Result<bool, FrameTooLong> {
        // Often there is nothing, and that need not cost more than to see it.
        if !self.ready && self.start == self.buf.len() {
            return Ok(false);
        }
        self.look()
    }

    fn look(&mut self) -> Result<bool, FrameTooLong> {
        if self.ready {
            self.discard();
        }
        if self.at_beginning && !self.skip_bom() {
            return Ok(false);
        }
        if self.scanned == 0 && self.begins_as_known() {
            self.is_known = true;
            self.ready = true;
            return Ok(true);
        }
        while let Some((line, next)) = self.next_line() {
            self.line = next;
            self.scanned = next;
            if line.is_empty() {
                if self.fields.event.is_some() || !matches!(self.fields.data, Data::None) {
                    self.remember();
                    self.ready = true;
                    return Ok(true);
                }
                self.discard();
            } else {
                self.field(line);
            }
        }
        if self.buf.len() - self.start > self.limit {
            return Err(FrameTooLong { limit: self.limit });
        }
        Ok(false)
    }

    /// At the end of the stream: moves to a last frame that has no empty line behind it.
    ///
    /// Its last line may be cut anywhere, so the caller must check that its data is whole. False
    /// when nothing, or only an `event:` line without data, is left.
    pub fn finish(&mut self) -> bool {
        if self.ready {
            self.discard();
        }
        let rest = self.line..self.buf.len() - self.start;
        if !rest.is_empty() {
            self.line = rest.end;
            self.scanned = rest.end;
            self.field(rest);
        }
        self.ready = !matches!(self.fields.data, Data::None);
        self.ready
    }

    /// The frame that [`advance`](Self::advance) or [`finish`](Self::finish) has moved to.
    #[inline]
    #[must_use]
    pub fn frame(&self) -> Frame<'_> {
        // The check alone is cheaper than the lossy conversion, which is hardly ever needed.
        let text = |range: &Range<usize>| {
            let bytes = self.slice(range);
            std::str::from_utf8(bytes)
                .map_or_else(|_| String::from_utf8_lossy(bytes), Cow::Borrowed)
        };
        Frame {
            id: self.fields.id.as_ref().map(text),
            event: if self.is_known {
                Some(Cow::Borrowed(self.known.name.as_str()))
            } else {
                self.fields.event.as_ref().map(text)
            },
            data: match &self.fields.data {
                Data::None => None,
                Data::Line(range) => Some(self.slice(range)),
                Data::Lines(joined) => Some(joined),
            },
        }
    }

    /// The same frame as long as it is the present one: `None` before the first, and from the
    /// moment on in which another one is looked for without success.
    #[must_use]
    pub fn current(&self) -> Option<Frame<'_>> {
        self.ready.then(|| self.frame())
    }

    /// True when bytes of an unfinished frame are held.
    #[must_use]
    pub fn has_rest(&self) -> bool {
        let begun = self.fields.event.is_some() || !matches!(self.fields.data, Data::None);
        !self.ready && (begun || self.line < self.buf.len() - self.start)
    }

    #[inline]
    fn slice(&self, range: &Range<usize>) -> &[u8] {
        self.buf
            .get(self.start + range.start..self.start + range.end)
            .unwrap_or_default()
    }

    #[inline]
    fn discard(&mut self) {
        self.start += self.line;
        self.scanned -= self.line;
        self.line = 0;
        self.fields = Fields::default();
        self.ready = false;
        self.is_known = false;
    }

    /// Moves to the next frame if it begins as the last one and is whole: `event:` with the same
    /// name, one line of data, an empty line, with LF for line ends. Anything else is left to the
    /// search line by line, which finds the same.
    #[inline]
    fn begins_as_known(&mut self) -> bool {
        let begin = self.known.begin.as_slice();
        let bytes = self.buf.get(self.start..).unwrap_or_default();
        let Some(rest) = bytes.strip_prefix(begin).filter(|_| !begin.is_empty()) else {
            return false;
        };
        // A space behind the colon is no part of the data.
        if self.skip_lf || (rest.first() == Some(&b' ') && begin.last() == Some(&b':')) {
            return false;
        }
        let Some(length) = memchr::memchr2(b'\n', b'\r', rest) else {
            return false;
        };
        if rest.get(length..length + 2) != Some(b"\n\n") {
            return false;
        }
        let data = begin.len()..begin.len() + length;
        self.line = data.end + 2;
        self.scanned = self.line;
        self.fields.data = Data::Line(data);
        true
    }

    /// Notes how the present frame began, for the next one.
    fn remember(&mut self) {
        let (None, Some(event), Data::Line(data)) =
            (&self.fields.id, &self.fields.event, &self.fields.data)
        else {
            return;
        };
        let begin = self.slice(&(0..data.start));
        if begin == self.known.begin {
            return;
        }
        let is_plain = || {
            let lines = begin.strip_prefix(b"event:")?;
            let space = usize::from(lines.first() == Some(&b' '));
            // A later line may have named the event again.
            if event.start != begin.len() - lines.len() + space {
                return None;
            }
            let behind = lines.get(space + event.len()..)?;
            let name = std::str::from_utf8(self.slice(event)).ok()?;
            matches!(behind, b"\ndata:" | b"\ndata: ").then(|| name.to_owned())
        };
        if let Some(name) = is_plain() {
            self.known = Known {
                begin: begin.to_vec(),
                name,
            };
        }
    }

    /// False while it cannot be told yet whether the stream begins with a BOM.
    fn skip_bom(&mut self) -> bool {
        const BOM: &[u8] = "\u{feff}".as_bytes();
        if self.buf.len() < BOM.len() && BOM.starts_with(&self.buf) {
            return false;
        }
        if self.buf.starts_with(BOM) {
            self.start = BOM.len();
        }
        self.at_beginning = false;
        true
    }

    /// The next line without its end, and where the line after it begins.
    #[inline]
    fn next_line(&mut self) -> Option<(Range<usize>, usize)> {
        let bytes = self.buf.get(self.start..).unwrap_or_default();
        if self.skip_lf {
            match bytes.get(self.line) {
                None => return None,
                Some(b'\n') => {
                    self.line += 1;
                    self.scanned = self.line;
                }
                Some(_) => {}
            }
            self.skip_lf = false;
        }
        let rest = bytes.get(self.scanned..).unwrap_or_default();
        let Some(length) = memchr::memchr2(b'\n', b'\r', rest) else {
            self.scanned = bytes.len();
            return None;
        };
        let end = self.scanned + length;
        self.skip_lf = bytes.get(end) == Some(&b'\r');
        Some((self.line..end, end + 1))
    }

    #[inline]
    fn field(&mut self, line: Range<usize>) {
        let bytes = self.slice(&line);
        let colon = memchr::memchr(b':', bytes);
        let name = bytes
            .get(..colon.unwrap_or(bytes.len()))
            .unwrap_or_default();
        let value = match colon {
            None => line.end..line.end,
            Some(colon) if bytes.get(colon + 1) == Some(&b' ') => line.start + colon + 2..line.end,
            Some(colon) => line.start + colon + 1..line.end,
        };
        match name {
            b"data" => match std::mem::take(&mut self.fields.data) {
                Data::None => self.fields.data = Data::Line(value),
                Data::Line(first) => {
                    let lines = [self.slice(&first), self.slice(&value)].join(&b'\n');
                    self.fields.data = Data::Lines(lines);
                }
                Data::Lines(mut lines) => {
                    lines.push(b'\n');
                    lines.extend_from_slice(self.slice(&value));
                    self.fields.data = Data::Lines(lines);
                }
            },
            b"event" => self.fields.event = Some(value),
            b"id" => self.fields.id = Some(value),
            // `retry`, comments (an empty name) and names of the future say nothing to us.
            _ => {}
        }
    }
}
