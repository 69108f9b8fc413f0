//! The error of a turn that did not get its conversation.

use std::fmt;
use std::time::Duration;

use coze_types::Id;

use super::Occupied;
use crate::error::{ApiError, OneLine};

/// A turn was not started, because another chat occupies its conversation; see [`Occupied`].
#[derive(Debug)]
#[non_exhaustive]
pub struct ConversationOccupied {
    /// The conversation.
    pub conversation_id: Id,
    /// The chat that occupies it, if that is known.
    pub chat_id: Option<Id>,
    /// What was asked for.
    pub asked: Occupied,
    /// How long it took until the turn was given up.
    pub waited: Duration,
    /// The server's last refusal; `None` when it was not asked, because another turn of the same
    /// client stood before this one.
    pub refusal: Option<Box<ApiError>>,
}

impl fmt::Display for ConversationOccupied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            conversation_id, ..
        } = self;
        let seconds = self.waited.as_secs_f64();
        write!(f, "conversation {conversation_id} is still occupied")?;
        if let Some(chat) = &self.chat_id {
            write!(f, " by chat {chat}")?;
        }
        write!(f, " after {seconds:.1} s")?;
        match (&self.refusal, self.asked, &self.chat_id) {
            (None, ..) => f.write_str(
                ", a turn of this client: read its stream to the end or drop it, or cancel it",
            ),
            (Some(refusal), Occupied::CancelFirst, None) => write!(
                f,
                ": the chat to cancel is not named by the newest messages ({})",
                Refusal(refusal)
            ),
            (Some(refusal), Occupied::CancelFirst, Some(_)) => {
                write!(f, ", although it was cancelled ({})", Refusal(refusal))
            }
            (Some(refusal), ..) => write!(
                f,
                ": wait longer, or cancel what runs there ({})",
                Refusal(refusal)
            ),
        }
    }
}

/// What the server said.
struct Refusal<'a>(&'a ApiError);

impl fmt::Display for Refusal<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ApiError {
            endpoint,
            msg,
            code,
            log_id,
            ..
        } = self.0;
        write!(f, "{endpoint}: {}, code {code}", OneLine(msg))?;
        match log_id {
            Some(id) => write!(f, ", logid {}", OneLine(id)),
            None => Ok(()),
        }
    }
}

impl std::error::Error for ConversationOccupied {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.refusal.as_ref().map(|it| &**it as _)
    }
}
