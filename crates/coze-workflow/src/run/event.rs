//! What happens to a run from outside. The durable events of a run, in order, are its journal.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::path::TaskId;

/// Something happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Event {
    /// A task is finished.
    TaskFinished {
        /// Which.
        task: TaskId,
        /// With what.
        result: TaskResult,
    },
    /// A task failed. With [`code::NODE_TIMEOUT`](crate::code::NODE_TIMEOUT) it is not tried again.
    TaskFailed {
        /// Which.
        task: TaskId,
        /// The number of the error.
        code: i64,
        /// What went wrong.
        message: String,
        /// Some of its text went out with [`Run::text_delta`](crate::Run::text_delta). What somebody
        /// has seen cannot be taken back, so the task is not tried again. The deltas themselves are
        /// not in the journal, therefore this is.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        partial: bool,
    },
    /// A model has produced more text. Not durable: the whole text comes with `TaskFinished`.
    TextDelta {
        /// Which task.
        task: TaskId,
        /// The new text alone.
        text: String,
    },
    /// The user answered the presented interrupt.
    Answered {
        /// The id of the interrupt.
        event_id: String,
        /// The answer.
        data: String,
    },
    /// Somebody cancelled the run.
    Cancelled,
    /// The run has taken too long as a whole.
    TimedOut,
}

impl Event {
    /// Must it be written to the journal before it is applied?
    pub fn is_durable(&self) -> bool {
        !matches!(self, Self::TextDelta { .. })
    }
}

/// What a task produced; the kind matches the kind of the task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum TaskResult {
    /// A model replied.
    Model(ModelReply),
    /// A value, from the tasks whose outputs are computed outside (code, http, plugin, database).
    Value {
        /// The value.
        value: Value,
    },
}

/// The reply of a model.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ModelReply {
    /// The whole text.
    pub text: String,
    /// What the model thought before, if it says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reasoning: Option<String>,
    /// What it cost.
    #[serde(default)]
    pub usage: Usage,
}

/// Tokens.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Tokens read.
    #[serde(default)]
    pub input: u64,
    /// Tokens written.
    #[serde(default)]
    pub output: u64,
}

impl Usage {
    /// Read and written together.
    pub fn total(self) -> u64 {
        self.input.saturating_add(self.output)
    }

    pub(crate) fn add(&mut self, other: Self) {
        self.input = self.input.saturating_add(other.input);
        self.output = self.output.saturating_add(other.output);
    }
}
