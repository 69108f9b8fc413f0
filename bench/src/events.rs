//! The bytes that the in-memory server sends, rendered before anything is measured.

use std::fmt::Write;

use memchr::memmem;
use serde_json::Value;

/// The agent of all chats.
pub(crate) const BOT: &str = "7379462189365198898";
/// The chat of all answers.
pub(crate) const CHAT: &str = "7382159487131697202";
const CONVERSATION: &str = "7381473525342978089";
const MESSAGE: &str = "7382159494123470858";
const SECTION: &str = "7381473525342994473";

/// What the deltas say in turn: of the size that models send, with a character that JSON escapes
/// here and there.
const PIECES: [&str; 16] = [
    "你好",
    "，",
    "我是",
    "一个",
    "智能",
    "助手",
    "。",
    "\n\n",
    "Rust",
    " is",
    " a",
    " \"systems\"",
    " language",
    "，",
    "可以",
    "帮你",
];

/// The text of delta number `index`.
pub(crate) fn piece(index: usize) -> &'static str {
    PIECES[index % PIECES.len()]
}

/// The whole answer of a stream of `deltas` deltas.
pub(crate) fn answer(deltas: usize) -> String {
    (0..deltas).map(piece).collect()
}

/// The length of the text of a stream, times included, in bytes.
pub(crate) fn text_length(deltas: usize, differ: Deltas) -> usize {
    let stamps = match differ {
        Deltas::Alike | Deltas::Varied => 0,
        Deltas::Stamped => deltas * STAMP.len(),
    };
    answer(deltas).len() + stamps
}

/// How the deltas of a stream differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Deltas {
    /// In their text alone, as the service sends them.
    Alike,
    /// Each also has a time of its own.
    Varied,
    /// Each says in front of its text when it was sent; see [`stamp`].
    Stamped,
}

/// As many digits tell when a delta was sent; these stand in their place before that.
const STAMP: &str = "00000000000000000000";

/// Where the text of a delta begins, in its event.
fn text_at(event: &[u8]) -> Option<usize> {
    const BEFORE: &[u8] = br#""content":""#;
    memmem::find(event, BEFORE).map(|at| at + BEFORE.len())
}

/// Writes the time into the event of a stamped delta; other events stay as they are.
pub(crate) fn stamp(event: &mut [u8], now: u64) {
    let stamp = text_at(event).and_then(|at| event.get_mut(at..at + STAMP.len()));
    if let Some(stamp) = stamp.filter(|it| *it == STAMP.as_bytes()) {
        stamp.copy_from_slice(format!("{now:020}").as_bytes());
    }
}

/// When a delta was sent, by its text.
pub(crate) fn sent_at(text: &[u8]) -> Option<u64> {
    let stamp = text.get(..STAMP.len())?;
    std::str::from_utf8(stamp).ok()?.parse().ok()
}

/// When a delta was sent, by its event as it came. `None` for other events, and for a piece of one.
pub(crate) fn event_sent_at(event: &[u8]) -> Option<u64> {
    sent_at(event.get(text_at(event)?..)?)
}

/// The body of a stream, in HTTP chunks.
#[derive(Debug)]
pub(crate) struct Stream {
    /// All chunks, and the last one that ends the body.
    pub(crate) bytes: Vec<u8>,
    /// Where each chunk ends; the end of the body belongs to the last one.
    ends: Vec<usize>,
    /// The length of the body without what chunks add to it.
    pub(crate) body: usize,
}

impl Stream {
    /// A chat of so many deltas, one event in one chunk.
    pub(crate) fn chat(deltas: usize, differ: Deltas) -> Self {
        let mut stream = Self {
            bytes: Vec::with_capacity((deltas + 8) * 300),
            ends: Vec::with_capacity(deltas + 8),
            body: 0,
        };
        stream.event("conversation.chat.created", &chat("created"));
        stream.event("conversation.chat.in_progress", &chat("in_progress"));
        for index in 0..deltas {
            let piece = piece(index);
            let mut delta = match differ {
                Deltas::Alike | Deltas::Varied => message("answer", piece),
                Deltas::Stamped => message("answer", &format!("{STAMP}{piece}")),
            };
            if differ == Deltas::Varied && delta.pop().is_some() {
                // Writing to a `String` cannot fail.
                let _ = write!(delta, r#","created_at":{}}}"#, 1_718_792_949 + index);
            }
            stream.event("conversation.message.delta", &delta);
        }
        // The completed message would hold all the text again: one event of megabytes at the end
        // of a bench about small events. So it is short, as a bare end mark.
        stream.event("conversation.message.completed", &message("answer", ""));
        let finish = r#"{"msg_type":"generate_answer_finish","data":"","from_module":null,"from_unit":null}"#;
        stream.event(
            "conversation.message.completed",
            &message("verbose", finish),
        );
        stream.event("conversation.chat.completed", &chat("completed"));
        stream.event("done", "\"[DONE]\"");
        stream.bytes.extend_from_slice(b"0\r\n\r\n");
        if let Some(last) = stream.ends.last_mut() {
            *last = stream.bytes.len();
        }
        stream
    }

    /// The chunks, each with one event.
    pub(crate) fn chunks(&self) -> impl Iterator<Item = &[u8]> {
        let mut start = 0;
        self.ends.iter().map(move |&end| {
            let chunk = self.bytes.get(start..end).unwrap_or_default();
            start = end;
            chunk
        })
    }

    fn event(&mut self, name: &str, data: &str) {
        let event = format!("event:{name}\ndata:{data}\n\n");
        self.body += event.len();
        let chunk = format!("{:x}\r\n{event}\r\n", event.len());
        self.bytes.extend_from_slice(chunk.as_bytes());
        self.ends.push(self.bytes.len());
    }
}

/// How many events a chat of so many deltas has.
pub(crate) const fn events(deltas: usize) -> usize {
    deltas + 6
}

fn message(kind: &str, content: &str) -> String {
    let content = Value::from(content);
    format!(
        r#"{{"id":"{MESSAGE}","conversation_id":"{CONVERSATION}","bot_id":"{BOT}","role":"assistant","type":"{kind}","content":{content},"content_type":"text","chat_id":"{CHAT}","section_id":"{SECTION}"}}"#
    )
}

fn chat(status: &str) -> String {
    format!(
        r#"{{"id":"{CHAT}","conversation_id":"{CONVERSATION}","bot_id":"{BOT}","created_at":1718792949,"completed_at":1718792949,"last_error":{{"code":0,"msg":""}},"status":"{status}","usage":{{"token_count":0,"output_count":0,"input_count":0}},"section_id":"{SECTION}"}}"#
    )
}

/// The body of the reply to a chat that does not stream.
pub(crate) fn create_reply() -> String {
    let chat = chat("in_progress");
    format!(
        r#"{{"data":{chat},"code":0,"msg":"","detail":{{"logid":"20240619181549A1B2C3D4E5F60718293A"}}}}"#
    )
}

/// The body of the request, as the raw programs send it.
pub(crate) fn request(stream: bool) -> String {
    format!(
        r#"{{"bot_id":"{BOT}","user_id":"bench","additional_messages":[{{"role":"user","type":"question","content":"hi","content_type":"text"}}],"stream":{stream}}}"#
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_deltas_have_the_size_of_real_ones() {
        for differ in [Deltas::Alike, Deltas::Varied, Deltas::Stamped] {
            let stream = Stream::chat(100, differ);
            let events = stream.ends.len();
            assert_eq!(events, super::events(100));
            let mean = stream.body / events;
            assert!((230..=320).contains(&mean), "{mean} bytes");
        }
    }

    #[test]
    fn a_delta_says_when_it_was_sent() {
        let stream = Stream::chat(3, Deltas::Stamped);
        let mut times = Vec::new();
        for event in stream.chunks() {
            let mut event = event.to_vec();
            stamp(&mut event, 1_234_567_890_123);
            times.extend(event_sent_at(&event));
        }
        assert_eq!(times, [1_234_567_890_123; 3]);
        assert_eq!(sent_at("你好".as_bytes()), None);
    }

    #[test]
    fn the_chunks_are_whole() {
        let stream = Stream::chat(3, Deltas::Alike);
        let mut rest = stream.bytes.as_slice();
        let mut body = 0;
        loop {
            let line = rest.windows(2).position(|it| it == b"\r\n").unwrap();
            let size = std::str::from_utf8(&rest[..line]).unwrap();
            let size = usize::from_str_radix(size, 16).unwrap();
            let chunk = &rest[line + 2..line + 2 + size];
            rest = &rest[line + 2 + size + 2..];
            body += size;
            if size == 0 {
                break;
            }
            assert!(chunk.ends_with(b"\n\n"));
        }
        assert_eq!((rest.len(), body), (0, stream.body));
    }
}
