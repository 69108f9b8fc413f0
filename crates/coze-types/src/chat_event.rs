//! The events of a chat stream (reference, section 3.7).

use std::borrow::Cow;
use std::ops::Range;

use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;
use smol_str::SmolStr;

use crate::chat::{Chat, ChatError};
use crate::delta::DeltaMemory;
use crate::messages::Message;
use crate::sse::{Frame, Framing};
use crate::status::{DecodeError, decode};
use crate::stream::{Progress, StreamEvent, decode_end, named};

/// One event of a chat stream.
///
/// What events carry is boxed: an event passes through several hands, and is moved by each.
#[derive(Debug, Clone, PartialEq)]
pub enum ChatEvent {
    /// The chat was accepted; the first event.
    Created(Box<Chat>),
    /// The agent works.
    InProgress(Box<Chat>),
    /// A piece of an answer, in `content` or in `reasoning_content`.
    Delta(Box<Message>),
    /// A message is whole. Tool calls, notes and suggestions come only so.
    MessageCompleted(Box<Message>),
    /// A piece of speech: base64 in `content`. May come after [`Completed`](Self::Completed).
    AudioDelta(Box<Message>),
    /// The chat is done; with the final usage.
    Completed(Box<Chat>),
    /// The chat failed.
    Failed(Box<ChatFailure>),
    /// The agent waits for tool outputs; the stream ends.
    RequiresAction(Box<Chat>),
    /// The chat was cancelled.
    Canceled(Box<Chat>),
    /// The stream failed; the last event.
    Error(StreamError),
    /// The stream is whole; the last event.
    Done(DoneData),
    /// An event that this version does not know, kept as it came.
    Unknown {
        /// Its name.
        event: SmolStr,
        /// Its data.
        data: String,
    },
}

/// The data of `conversation.chat.failed`: a chat, or only an error.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
#[expect(
    clippy::large_enum_variant,
    reason = "it is boxed where it is used, in `ChatEvent`"
)]
pub enum ChatFailure {
    /// The usual form: the chat with its `last_error`.
    Chat(Chat),
    /// The form that the documentation also shows, with the code as number or text.
    Error(StreamError),
}

impl ChatFailure {
    /// Why the chat failed, in whichever form it was told.
    #[must_use]
    pub fn error(&self) -> ChatError {
        match self {
            Self::Chat(chat) => chat.last_error.clone().unwrap_or_default(),
            Self::Error(error) => ChatError {
                code: error.code,
                msg: error.msg.clone(),
            },
        }
    }
}

/// The data of `error`.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StreamError {
    /// The code; some servers send it as text, some send none.
    #[serde(default, deserialize_with = "crate::de::int")]
    pub code: i64,
    /// The text.
    #[serde(default, deserialize_with = "crate::de::null_default")]
    pub msg: String,
    /// The page that shows the failed run of a chatflow.
    pub debug_url: Option<String>,
}

/// The data of `done`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DoneData {
    /// Chatflows name the page that shows the run; valid for 7 days.
    pub debug_url: Option<String>,
}

impl Serialize for DoneData {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.debug_url {
            // With the quotes: some readers parse it as JSON.
            None => serializer.serialize_str("[DONE]"),
            Some(url) => {
                use serde::ser::SerializeMap;
                let mut map = serializer.serialize_map(Some(1))?;
                map.serialize_entry("debug_url", url)?;
                map.end()
            }
        }
    }
}

impl DoneData {
    /// Reads `"[DONE]"`, `[DONE]`, nothing, `{}` and `{"debug_url": …}`.
    fn read(data: &[u8]) -> Result<Self, DecodeError> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Data {
            Object { debug_url: Option<String> },
            // A text other than "[DONE]", or anything else, would change nothing.
            Other(serde::de::IgnoredAny),
        }
        if matches!(data.trim_ascii(), b"\"[DONE]\"" | b"[DONE]" | b"") {
            return Ok(Self::default());
        }
        Ok(match decode(data)? {
            Data::Object { debug_url } => Self { debug_url },
            Data::Other(_) => Self::default(),
        })
    }
}

impl ChatEvent {
    /// The name of [`Delta`](Self::Delta) on the wire, for writers that borrow the message.
    pub const DELTA: &'static str = "conversation.message.delta";

    /// The name of [`AudioDelta`](Self::AudioDelta) on the wire.
    pub const AUDIO_DELTA: &'static str = "conversation.audio.delta";

    /// The name of the event on the wire.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Created(_) => "conversation.chat.created",
            Self::InProgress(_) => "conversation.chat.in_progress",
            Self::Delta(_) => Self::DELTA,
            Self::MessageCompleted(_) => "conversation.message.completed",
            Self::AudioDelta(_) => Self::AUDIO_DELTA,
            Self::Completed(_) => "conversation.chat.completed",
            Self::Failed(_) => "conversation.chat.failed",
            Self::RequiresAction(_) => "conversation.chat.requires_action",
            Self::Canceled(_) => "conversation.chat.canceled",
            Self::Error(_) => "error",
            Self::Done(_) => "done",
            Self::Unknown { event, .. } => event,
        }
    }

    /// The chat that the event carries.
    #[must_use]
    pub fn chat(&self) -> Option<&Chat> {
        match self {
            Self::Created(chat)
            | Self::InProgress(chat)
            | Self::Completed(chat)
            | Self::RequiresAction(chat)
            | Self::Canceled(chat) => Some(chat),
            Self::Failed(failure) => match failure.as_ref() {
                ChatFailure::Chat(chat) => Some(chat),
                ChatFailure::Error(_) => None,
            },
            _ => None,
        }
    }

    /// The message, or the piece of one, that the event carries.
    #[must_use]
    pub fn message(&self) -> Option<&Message> {
        match self {
            Self::Delta(message) | Self::MessageCompleted(message) | Self::AudioDelta(message) => {
                Some(message)
            }
            _ => None,
        }
    }

    /// Reads what is no delta.
    #[inline(never)]
    fn read_other(event: &str, data: &[u8]) -> Result<Self, DecodeError> {
        Ok(match event {
            "conversation.message.completed" => Self::MessageCompleted(decode(data)?),
            Self::AUDIO_DELTA => Self::AudioDelta(decode(data)?),
            "conversation.chat.created" => Self::Created(decode(data)?),
            "conversation.chat.in_progress" => Self::InProgress(decode(data)?),
            "conversation.chat.completed" => Self::Completed(decode(data)?),
            "conversation.chat.failed" => Self::Failed(Box::new(failure(data)?)),
            "conversation.chat.requires_action" | "conversation.chat.required_action" => {
                Self::RequiresAction(decode(data)?)
            }
            "conversation.chat.canceled" | "conversation.chat.cancelled" => {
                Self::Canceled(decode(data)?)
            }
            "error" => Self::Error(decode_end(data)?),
            "done" | "conversation.stream.done" => Self::Done(DoneData::read(data)?),
            // Proxies in front of some servers drop the name of the last event.
            "message" if data.trim_ascii() == b"[DONE]" => Self::Done(DoneData::default()),
            _ => Self::Unknown {
                event: event.into(),
                data: String::from_utf8_lossy(data).into_owned(),
            },
        })
    }
}

impl StreamEvent for ChatEvent {
    type Memory = DeltaMemory;

    #[inline]
    fn read(frame: &Frame<'_>, memory: &mut DeltaMemory) -> Result<Self, DecodeError> {
        let (event, data) = named(frame);
        // Nearly all events are deltas, so they have the short way to themselves.
        if event == Self::DELTA {
            return Ok(Self::Delta(memory.read(&data)?));
        }
        Self::read_other(&event, &data)
    }

    #[inline]
    fn recall(bytes: &[u8], memory: &mut DeltaMemory) -> Option<(Self, Range<usize>)> {
        let (message, data) = memory.recall(bytes)?;
        Some((Self::Delta(message), data))
    }

    fn write(&self, framing: Framing, out: &mut Vec<u8>) -> Result<(), serde_json::Error> {
        let name = self.name();
        match self {
            Self::Created(chat)
            | Self::InProgress(chat)
            | Self::Completed(chat)
            | Self::RequiresAction(chat)
            | Self::Canceled(chat) => framing.write(out, 0, name, chat),
            Self::Failed(failure) => framing.write(out, 0, name, failure),
            Self::Delta(message) | Self::MessageCompleted(message) | Self::AudioDelta(message) => {
                framing.write(out, 0, name, message)
            }
            Self::Error(error) => framing.write(out, 0, name, error),
            Self::Done(done) => framing.write(out, 0, name, done),
            Self::Unknown { data, .. } => framing.write(out, 0, name, &raw(data)?),
        }
    }

    #[inline]
    fn progress(&self) -> Progress {
        match self {
            Self::Done(_) | Self::Error(_) => Progress::Ended,
            Self::Failed(_) => Progress::MayEnd,
            _ => Progress::Going,
        }
    }
}

/// Data of an unknown event, to be written as it came; text that is no JSON becomes a string.
pub(crate) fn raw(data: &str) -> Result<Cow<'_, serde_json::value::RawValue>, serde_json::Error> {
    match serde_json::from_str::<&serde_json::value::RawValue>(data) {
        Ok(raw) => Ok(Cow::Borrowed(raw)),
        Err(_) => serde_json::value::to_raw_value(data).map(Cow::Owned),
    }
}

fn failure(data: &[u8]) -> Result<ChatFailure, DecodeError> {
    // Decided by hand: an untagged enum would answer a misfit with "did not match any variant".
    #[derive(Deserialize)]
    struct Probe {
        id: Option<serde::de::IgnoredAny>,
    }
    match decode::<Probe>(data)?.id {
        Some(_) => decode(data).map(ChatFailure::Chat),
        None => decode(data).map(ChatFailure::Error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sse::Decoder;

    fn read(stream: &str) -> Vec<ChatEvent> {
        let mut decoder = Decoder::new();
        decoder.push(stream.as_bytes());
        let mut events = Vec::new();
        while decoder.advance().unwrap() {
            events.push(ChatEvent::from_frame(&decoder.frame()).unwrap());
        }
        events
    }

    #[test]
    fn all_end_marks_are_read() {
        for data in ["\"[DONE]\"", "[DONE]", "", "{}", "null"] {
            let events = read(&format!("event:done\ndata:{data}\n\n"));
            assert_eq!(events, [ChatEvent::Done(DoneData::default())], "{data}");
        }
        let events = read("event: done\ndata: {\"debug_url\":\"u\"}\n\n");
        let done = DoneData {
            debug_url: Some("u".into()),
        };
        assert_eq!(events, [ChatEvent::Done(done)]);
        assert_eq!(read("event:conversation.stream.done\n\n").len(), 1);
        assert_eq!(
            read("data: [DONE]\n\n"),
            [ChatEvent::Done(DoneData::default())]
        );
        assert_eq!(
            read("data:{\"event\":\"done\",\"data\":\"[DONE]\"}\n\n"),
            [ChatEvent::Done(DoneData::default())]
        );
    }

    #[test]
    fn the_dialect_of_the_skill_is_read() {
        let stream = "data:{\"event\":\"conversation.message.delta\",\"data\":\
                      {\"role\":\"assistant\",\"content\":\"你\"}}\n\n";
        let events = read(stream);
        assert_eq!(
            events[0].message().map(|it| it.content.as_str()),
            Some("你")
        );
        // Its document abbreviates the message to its content.
        let stream =
            "data:{\"event\":\"conversation.message.delta\",\"data\":{\"content\":\"你\"}}\n\n";
        assert_eq!(
            read(stream)[0].message().map(|it| it.content.as_str()),
            Some("你")
        );
    }

    #[test]
    fn failures_in_all_forms() {
        let chat = r#"{"id":"1","conversation_id":"2","status":"failed","last_error":{"code":5000,"msg":"m"}}"#;
        for data in [
            chat,
            r#"{"code":5000,"msg":"m"}"#,
            r#"{"code":"5000","msg":"m"}"#,
        ] {
            let events = read(&format!("event:conversation.chat.failed\ndata:{data}\n\n"));
            let ChatEvent::Failed(failure) = &events[0] else {
                panic!("{events:?}")
            };
            assert_eq!(
                failure.error(),
                ChatError {
                    code: 5000,
                    msg: "m".into()
                }
            );
        }
        assert_eq!(
            read("event:error\ndata:{}\n\n"),
            [ChatEvent::Error(StreamError::default())]
        );
    }

    #[test]
    fn unknown_events_go_through_unchanged() {
        let stream = "event:conversation.new\ndata:{\"b\":1,\"a\":[1.0]}\n\n";
        let events = read(stream);
        let mut out = Vec::new();
        events[0].write(Framing::Compact, &mut out).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), stream);
    }
}
