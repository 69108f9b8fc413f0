//! What can go wrong with a stream that has begun.

use std::borrow::Cow;
use std::fmt;

use coze_types::Id;

use crate::body::Body;
use crate::error::{LogId, OneLine};
use crate::recover::Unrecovered;
use crate::reply::Reply;
use crate::run::NodeText;
use crate::run_error::BrokenRun;
use crate::transport::{TransportError, Waited};

/// A stream that broke, with what is known about what it streamed.
#[derive(Debug)]
#[non_exhaustive]
pub struct StreamFailure {
    /// What broke.
    pub kind: StreamError,
    /// The endpoint's name, or method and path of a raw call.
    pub endpoint: Cow<'static, str>,
    /// The log id.
    pub log_id: Option<String>,
    /// How many events had arrived; they are with the caller.
    pub events: u64,
    /// How many bytes had arrived.
    pub bytes: u64,
    /// The conversation, once it is known. With it and the chat the answer can be fetched later.
    pub conversation_id: Option<Id>,
    /// The chat, once it is known.
    pub chat_id: Option<Id>,
    /// What the chat had said; not of a stream that can be read on, which goes on collecting.
    pub partial: Option<Reply>,
    /// What the workflow's nodes had said.
    pub said: Vec<NodeText>,
    /// The run, when a workflow was streamed.
    pub run: Option<BrokenRun>,
    /// Why a stream that broke was not recovered; `None` when nothing broke: the server told of
    /// the failure, or the stream can be read on.
    pub unrecovered: Option<Unrecovered>,
}

/// How a stream broke.
#[derive(Debug)]
#[non_exhaustive]
pub enum StreamError {
    /// It ended before its last event: text may be missing.
    Truncated,
    /// The connection failed, or was silent for too long.
    Transport(TransportError),
    /// The server sent an error event.
    Event {
        /// The code; 0 when the server gave none.
        code: i64,
        /// The server's text; may be empty.
        msg: String,
        /// The page that shows the failed run; valid for 7 days.
        debug_url: Option<String>,
    },
    /// An event that does not fit. The stream can be read on.
    Decode {
        /// The event's name.
        event: String,
        /// The path inside its data, `.` for the whole.
        at: String,
        /// What does not fit.
        reason: String,
        /// The data.
        data: Body,
    },
    /// An event is larger than the limit.
    FrameTooLong {
        /// The limit in bytes.
        limit: usize,
    },
}

impl fmt::Display for StreamFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (endpoint, events, bytes) = (&self.endpoint, self.events, self.bytes);
        write!(f, "{endpoint}: ")?;
        match &self.kind {
            StreamError::Truncated => {
                f.write_str("the stream was cut before its last event")?;
            }
            StreamError::Transport(error) => write!(f, "the stream broke: {}", error.cause())?,
            StreamError::Event { code, msg, .. } => {
                let msg = if msg.is_empty() {
                    "no reason given"
                } else {
                    msg
                };
                write!(f, "the stream failed: {} (code {code})", OneLine(msg))?;
            }
            StreamError::Decode {
                event, at, reason, ..
            } => {
                let (event, reason) = (OneLine(event), OneLine(reason));
                write!(f, "event `{event}` does not fit at `{at}`: {reason}")?;
            }
            StreamError::FrameTooLong { limit } => {
                write!(f, "an event is larger than {limit} bytes")?;
            }
        }
        write!(f, " (after {events} events, {bytes} bytes")?;
        if let Some(chat) = &self.chat_id {
            write!(f, ", chat {chat}")?;
        }
        write!(f, "{})", LogId(self.log_id.as_deref()))?;
        match &self.run {
            Some(run) if !matches!(self.kind, StreamError::Event { .. }) => write!(f, "; {run}"),
            _ => match &self.unrecovered {
                None => Ok(()),
                Some(reason) => write!(f, "; not recovered: {reason}"),
            },
        }
    }
}

impl std::error::Error for StreamFailure {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.kind {
            StreamError::Transport(error) => Some(error),
            _ => None,
        }
    }
}

impl StreamFailure {
    /// The timeout of the whole call has passed.
    pub(crate) fn is_total_timeout(&self) -> bool {
        matches!(&self.kind, StreamError::Transport(error)
            if matches!(error.waited, Some(Waited::Total(_))))
    }
}
