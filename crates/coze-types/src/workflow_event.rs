//! The events of a workflow stream (reference, section 6.4).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;
use smol_str::SmolStr;

use crate::chat::Usage;
use crate::chat_event::raw;
use crate::sse::{Frame, Framing};
use crate::status::{DecodeError, decode};
use crate::stream::{Progress, StreamEvent, decode_end, named};
use crate::workflows::InterruptData;
use crate::{Empty, de};

/// One event of a workflow stream.
#[derive(Debug, Clone, PartialEq)]
pub struct WorkflowEvent {
    /// Counts from 0 and begins again at each resume; a gap means that events were lost.
    pub id: u64,
    /// What happened.
    pub data: WorkflowEventData,
}

/// What happened in a workflow.
#[derive(Debug, Clone, PartialEq)]
pub enum WorkflowEventData {
    /// A node said something.
    Message(Box<WorkflowMessage>),
    /// The run waits for an answer; the stream ends.
    Interrupt(Box<WorkflowInterrupt>),
    /// The run failed; the last event.
    Error(WorkflowError),
    /// The run is done; the last event.
    Done(WorkflowDone),
    /// Nothing happened for a while.
    Ping,
    /// An event that this version does not know, kept as it came.
    Unknown {
        /// Its name.
        event: SmolStr,
        /// Its data.
        data: String,
    },
}

/// What a node said: a piece of its message.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct WorkflowMessage {
    /// The piece. The end node says its results as JSON text.
    #[serde(default, deserialize_with = "de::null_default")]
    pub content: String,
    /// `text`.
    pub content_type: Option<String>,
    /// It is the last piece of the node's message.
    #[serde(default, deserialize_with = "de::null_default")]
    pub node_is_finish: bool,
    /// Counts the node's pieces from 0; text.
    #[serde(default, deserialize_with = "de::null_default")]
    pub node_seq_id: SmolStr,
    /// The node's title; may be `""`.
    #[serde(default, deserialize_with = "de::null_default")]
    pub node_title: SmolStr,
    /// The node.
    pub node_id: Option<SmolStr>,
    /// The node's type, such as `End`.
    pub node_type: Option<SmolStr>,
    /// This execution of the node.
    pub node_execute_uuid: Option<SmolStr>,
    /// More about it.
    pub ext: Option<BTreeMap<String, String>>,
    /// Tokens.
    pub usage: Option<Usage>,
    /// All tokens.
    #[serde(default, deserialize_with = "de::int_opt")]
    pub token: Option<i64>,
    /// Reserved.
    #[serde(default, deserialize_with = "de::text_opt")]
    pub cost: Option<String>,
}

/// The run waits for an answer.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct WorkflowInterrupt {
    /// What it asks.
    pub interrupt_data: InterruptData,
    /// The title of the node that asks; the open-source server leaves it out.
    #[serde(default, deserialize_with = "de::null_default")]
    pub node_title: SmolStr,
    /// The page that shows the run; open-source server only.
    pub debug_url: Option<String>,
}

/// The run failed.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkflowError {
    /// The code.
    #[serde(default, deserialize_with = "de::int")]
    pub error_code: i64,
    /// The text.
    #[serde(default, deserialize_with = "de::null_default")]
    pub error_message: String,
    /// The page that shows the run; valid for 7 days.
    pub debug_url: Option<String>,
}

/// The run is done.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkflowDone {
    /// The page that shows the run; valid for 7 days.
    pub debug_url: Option<String>,
}

impl WorkflowEventData {
    /// The name of the event on the wire.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Message(_) => "Message",
            Self::Interrupt(_) => "Interrupt",
            Self::Error(_) => "Error",
            Self::Done(_) => "Done",
            Self::Ping => "PING",
            Self::Unknown { event, .. } => event,
        }
    }
}

impl StreamEvent for WorkflowEvent {
    type Memory = ();

    fn read(frame: &Frame<'_>, (): &mut ()) -> Result<Self, DecodeError> {
        let (event, data) = named(frame);
        let data = match event.as_ref() {
            "Message" => WorkflowEventData::Message(decode(&data)?),
            "Interrupt" => WorkflowEventData::Interrupt(decode(&data)?),
            "Error" => WorkflowEventData::Error(decode_end(&data)?),
            "Done" => WorkflowEventData::Done(decode_end(&data)?),
            "PING" => WorkflowEventData::Ping,
            // The open-source server's own failure in the middle of a stream: plain text.
            "error" => WorkflowEventData::Error(decode(&data).unwrap_or_else(|_| WorkflowError {
                error_code: 5000,
                error_message: String::from_utf8_lossy(&data).into_owned(),
                debug_url: None,
            })),
            _ => WorkflowEventData::Unknown {
                event: event.as_ref().into(),
                data: String::from_utf8_lossy(&data).into_owned(),
            },
        };
        let id = frame
            .id
            .as_ref()
            .and_then(|id| id.trim().parse().ok())
            .unwrap_or_default();
        Ok(Self { id, data })
    }

    fn write(&self, framing: Framing, out: &mut Vec<u8>) -> Result<(), serde_json::Error> {
        let name = self.data.name();
        match &self.data {
            WorkflowEventData::Message(message) => framing.write(out, self.id, name, message),
            WorkflowEventData::Interrupt(interrupt) => framing.write(out, self.id, name, interrupt),
            WorkflowEventData::Error(error) => framing.write(out, self.id, name, error),
            WorkflowEventData::Done(done) => framing.write(out, self.id, name, done),
            WorkflowEventData::Ping => framing.write(out, self.id, name, &Empty {}),
            WorkflowEventData::Unknown { data, .. } => {
                framing.write(out, self.id, name, &raw(data)?)
            }
        }
    }

    fn progress(&self) -> Progress {
        match self.data {
            WorkflowEventData::Done(_) => Progress::Ended,
            // A `Done` may follow either of them.
            WorkflowEventData::Interrupt(_) | WorkflowEventData::Error(_) => Progress::MayEnd,
            _ => Progress::Going,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sse::Decoder;

    #[test]
    fn a_failure_told_as_text_is_kept() {
        let mut decoder = Decoder::new();
        decoder.push(b"id: 3\nevent: error\ndata: out of paper\n\n");
        assert!(decoder.advance().unwrap());
        let event = WorkflowEvent::from_frame(&decoder.frame()).unwrap();
        let WorkflowEventData::Error(error) = event.data else {
            panic!("{event:?}")
        };
        assert_eq!(
            (event.id, error.error_message.as_str()),
            (3, "out of paper")
        );
    }
}
