//! Reading a delta by what is new in it.
//!
//! The deltas of an answer are the same bytes but for one string: ids, role and types repeat. A
//! reader that remembers the bytes around that string need only read the string.

use std::ops::Range;

use crate::chat_event::ChatEvent;
use crate::messages::Message;
use crate::status::{DecodeError, decode};

/// What a reader remembers of the last delta.
///
/// It changes how fast a delta is read, never what is read: it is used only for a delta whose
/// bytes are equal outside of one string.
#[derive(Debug, Default)]
pub struct DeltaMemory {
    last: Option<Last>,
    /// Deltas in a row that were not like the one before them.
    misses: u32,
}

#[derive(Debug)]
struct Last {
    /// Everything up to the quote that opens the string.
    head: Vec<u8>,
    /// Everything from the quote that closes it.
    tail: Vec<u8>,
    /// The delta, with the string empty.
    message: Box<Message>,
    field: Field,
    /// It stood in one line.
    one_line: bool,
}

/// Where the new text of a delta stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Field {
    Content,
    Reasoning,
}

impl Field {
    fn key(self) -> &'static [u8] {
        match self {
            Self::Content => b"\"content\":\"",
            Self::Reasoning => b"\"reasoning_content\":\"",
        }
    }

    fn of(self, message: &mut Message) -> &mut String {
        match self {
            Self::Content => &mut message.content,
            Self::Reasoning => message.reasoning_content.get_or_insert_default(),
        }
    }
}

/// After so many misses in a row, remembering costs more than it brings.
const PATIENCE: u32 = 16;

impl DeltaMemory {
    /// Reads the data of a delta.
    #[inline]
    pub(crate) fn read(&mut self, data: &[u8]) -> Result<Box<Message>, DecodeError> {
        if let Some(message) = self.last.as_ref().and_then(|last| last.read(data)) {
            self.misses = 0;
            return Ok(message);
        }
        self.learn(data)
    }

    /// Reads bytes that are one whole frame with a delta like the last one, and tells where its data
    /// stands. Most chunks of a connection are that, and nothing need be looked for in them.
    #[inline]
    pub(crate) fn recall(&mut self, bytes: &[u8]) -> Option<(Box<Message>, Range<usize>)> {
        let last = self.last.as_ref().filter(|last| last.one_line)?;
        let data = data_of_delta(bytes)?;
        // No line can end within: not in what was one line, nor in a JSON string.
        let message = last.read(bytes.get(data.clone())?)?;
        self.misses = 0;
        Some((message, data))
    }

    /// Reads a delta that is not like the last one, and remembers it.
    #[inline(never)]
    fn learn(&mut self, data: &[u8]) -> Result<Box<Message>, DecodeError> {
        let message: Box<Message> = decode(data)?;
        if self.misses < PATIENCE {
            self.misses += 1;
            self.last = Last::new(data, &message);
        }
        Ok(message)
    }
}

impl Last {
    fn new(data: &[u8], message: &Message) -> Option<Self> {
        let reasons = message
            .reasoning_content
            .as_ref()
            .is_some_and(|text| !text.is_empty());
        let field = if reasons && message.content.is_empty() {
            Field::Reasoning
        } else {
            Field::Content
        };
        let mut keys = memchr::memmem::find_iter(data, field.key());
        let open = keys.next()? + field.key().len();
        // A quote inside a string is escaped, so the key is a key; that it is the message's own
        // follows from there being one such key and one object.
        let one_key = keys.next().is_none();
        let one_object = memchr::memchr_iter(b'{', data).count() == 1;
        let close = open + string_length(data.get(open..)?)?;
        if !one_key || !one_object {
            return None;
        }
        let mut message = Box::new(message.clone());
        field.of(&mut message).clear();
        let (head, tail) = (data.get(..open)?.to_vec(), data.get(close..)?.to_vec());
        Some(Self {
            head,
            tail,
            message,
            field,
            one_line: memchr::memchr2(b'\n', b'\r', data).is_none(),
        })
    }

    #[inline]
    fn read(&self, data: &[u8]) -> Option<Box<Message>> {
        let string = data
            .strip_prefix(self.head.as_slice())?
            .strip_suffix(self.tail.as_slice())?;
        let text = match plain(string) {
            Some(text) => text.to_owned(),
            None => {
                // With the two quotes around it; anything but one whole string is refused here.
                let quoted = data.get(self.head.len() - 1..=self.head.len() + string.len())?;
                serde_json::from_slice(quoted).ok()?
            }
        };
        // Cloned from box to box, it is not moved from the stack.
        let mut message = self.message.clone();
        *self.field.of(&mut message) = text;
        Some(message)
    }
}

/// Where the data of a delta stands, in bytes that are one frame with one line of data. They may
/// still be something else if a line ends within.
#[inline]
fn data_of_delta(bytes: &[u8]) -> Option<Range<usize>> {
    // A space behind a colon is no part of the value.
    let value = |line: &'_ [u8]| usize::from(line.first() == Some(&b' '));
    let event = bytes.strip_prefix(b"event:")?;
    let data = event
        .get(value(event)..)?
        .strip_prefix(ChatEvent::DELTA.as_bytes())?
        .strip_prefix(b"\ndata:")?;
    let begin = bytes.len() - data.len() + value(data);
    let end = begin + bytes.get(begin..)?.strip_suffix(b"\n\n")?.len();
    Some(begin..end)
}

/// The text of a JSON string that holds no escape, quote or control character.
fn plain(string: &[u8]) -> Option<&str> {
    let special = |byte: &u8| matches!(byte, b'"' | b'\\' | 0..=0x1f);
    if string.iter().any(special) {
        return None;
    }
    std::str::from_utf8(string).ok()
}

/// The length of a JSON string, up to the quote that closes it.
fn string_length(bytes: &[u8]) -> Option<usize> {
    let mut from = 0;
    loop {
        let at = from + memchr::memchr2(b'"', b'\\', bytes.get(from..)?)?;
        match bytes.get(at)? {
            b'"' => return Some(at),
            _ => from = at + 2,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stream::StreamEvent;

    /// With memory and without, everything must be read alike.
    fn check(deltas: &[&str]) -> u32 {
        let mut memory = DeltaMemory::default();
        let mut hits = 0;
        for delta in deltas {
            hits += u32::from(
                memory
                    .last
                    .as_ref()
                    .is_some_and(|last| last.read(delta.as_bytes()).is_some()),
            );
            let read = memory.read(delta.as_bytes());
            let alone: Result<Box<Message>, _> = decode(delta.as_bytes());
            match (read, alone) {
                (Ok(read), Ok(alone)) => assert_eq!(read, alone, "{delta}"),
                (Err(read), Err(alone)) => assert_eq!(read.to_string(), alone.to_string()),
                (read, alone) => panic!("{delta}: {read:?}, but alone {alone:?}"),
            }
        }
        hits
    }

    fn delta(content: &str) -> String {
        format!(
            r#"{{"id":"1","conversation_id":"2","role":"assistant","type":"answer","content":{content},"content_type":"text","chat_id":"3"}}"#
        )
    }

    #[test]
    fn deltas_that_differ_in_their_text_are_read_from_memory() {
        let texts = [
            r#""你""#,
            r#""好""#,
            r#""""#,
            r#""a\"b\\""#,
            r#""\u4f60\n""#,
            r#""{}""#,
        ];
        let deltas: Vec<String> = texts.map(delta).to_vec();
        let deltas: Vec<&str> = deltas.iter().map(String::as_str).collect();
        assert_eq!(check(&deltas), 5);
    }

    #[test]
    fn nothing_else_is_read_from_memory() {
        let other_id = delta(r#""b""#).replace(r#""id":"1""#, r#""id":"9""#);
        let nested = r#"{"meta_data":{"content":"x"},"role":"user","content_type":"text"}"#;
        let nested_other = nested.replace('x', "y");
        let broken = delta(r#""b" "c""#);
        let smuggled = delta(r#""b","role":"user","name":"c""#);
        let control = delta("\"\n\"");
        let twice = r#"{"content":"a","role":"user","content":"b"}"#;
        let first = delta(r#""a""#);
        check(&[
            &first, &other_id, &first, &broken, &first, &smuggled, &first, &control,
        ]);
        check(&[nested, &nested_other, twice, twice]);
        check(&[&first, &first.replace(r#""a""#, "\"\u{1}\""), "{}", "", "x"]);
        check(&[r#"{"content":"a"#, r#"{"content":"\"#, r#"{"content":""#]);
    }

    #[test]
    fn reasoning_is_read_from_memory_too() {
        let reasoning = |text: &str| {
            format!(r#"{{"id":"1","role":"assistant","content":"","reasoning_content":"{text}"}}"#)
        };
        let deltas = [
            reasoning("a"),
            reasoning("b"),
            delta(r#""c""#),
            delta(r#""d""#),
        ];
        let deltas: Vec<&str> = deltas.iter().map(String::as_str).collect();
        assert_eq!(check(&deltas), 2);
    }

    /// What is recalled must be what the decoder finds: one frame, and in it this delta. Tells
    /// whether it was recalled.
    fn recall(first: &str, bytes: &[u8]) -> bool {
        let mut decoder = crate::sse::Decoder::new();
        let mut memory = DeltaMemory::default();
        decoder.push(first.as_bytes());
        assert!(decoder.advance().unwrap());
        ChatEvent::read(&decoder.frame(), &mut memory).unwrap();
        let Some((message, data)) = memory.recall(bytes) else {
            return false;
        };
        assert!(!decoder.advance().unwrap());
        decoder.push(bytes);
        assert!(decoder.advance().unwrap());
        let frame = decoder.frame();
        assert_eq!(frame.data, bytes.get(data));
        let read = ChatEvent::from_frame(&frame).unwrap();
        assert_eq!(read, ChatEvent::Delta(message));
        assert!(!decoder.advance().unwrap() && !decoder.has_rest());
        true
    }

    #[test]
    fn a_frame_is_recalled_if_it_is_one_and_like_the_last() {
        let frame = |delta: &str| format!("event:{}\ndata:{delta}\n\n", ChatEvent::DELTA);
        let (first, second) = (frame(&delta(r#""a""#)), frame(&delta(r#""\"b\"好""#)));
        assert!(recall(&first, second.as_bytes()));
        for (colon, spaced) in [("event:", "event: "), ("data:", "data: ")] {
            assert!(recall(&first, second.replace(colon, spaced).as_bytes()));
            assert!(recall(&first.replace(colon, spaced), second.as_bytes()));
            assert!(!recall(&first, second.replace(colon, "id:").as_bytes()));
            assert!(!recall(
                &first,
                second.replace(colon, &format!("{colon}  ")).as_bytes()
            ));
        }
        let others = [
            second.repeat(2),
            format!("{second}:"),
            format!("\n{second}"),
            format!("id:1\n{second}"),
            second.replace("\n\n", "\n"),
            second.replace("\n\n", "\n:\n\n"),
            second.replace('\n', "\r\n"),
            second.replace('好', "\n"),
            second.replace('好', "\r"),
            second.replace(r#""type":"#, "\n\"type\":"),
            second.replace("delta", "deltas"),
            second.replace("delta\n", "delta\nevent:x\n"),
            second.replace(r#""2""#, r#""9""#),
            String::new(),
        ];
        for other in others {
            assert!(!recall(&first, other.as_bytes()), "{other:?}");
        }
        let (begin, end) = second.split_once('好').unwrap();
        let no_text = [begin.as_bytes(), b"\xff", end.as_bytes()].concat();
        assert!(!recall(&first, &no_text));
        // What stood in two lines shows nothing about the line ends of what looks like it.
        let lines = first.replace(r#","type""#, ",\ndata:\"type\"");
        assert!(!recall(
            &lines,
            second.replace(r#","type""#, ",\n\"type\"").as_bytes()
        ));
    }

    proptest::proptest! {
        #[test]
        fn memory_changes_nothing(texts: Vec<String>, raw: Vec<String>) {
            let quoted = texts.iter().map(|text| serde_json::to_string(text).unwrap_or_default());
            let raw = raw.iter().map(|text| format!("\"{text}\""));
            let deltas: Vec<String> = quoted.chain(raw).map(|text| delta(&text)).collect();
            check(&deltas.iter().map(String::as_str).collect::<Vec<_>>());
        }
    }
}
