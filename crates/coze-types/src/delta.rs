//! Reading a delta by what is new in it.
//!
//! The deltas of an answer are the same bytes but for one string: ids, role and types repeat. A
//! reader that remembers the bytes around that string need only read the string.

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
