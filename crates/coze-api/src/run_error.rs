//! Workflow runs that went wrong.

use std::fmt;

use coze_types::Id;
use coze_types::runs::RunHistory;

use crate::error::{Error, LogId, OneLine};
use crate::run::NodeText;

/// The run behind a workflow stream that broke or failed: how to find it.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct BrokenRun {
    /// The workflow.
    pub workflow_id: Id,
    /// The run, if the stream had told it. With it the result can be read later, with
    /// [`WorkflowRequest::wait`](crate::WorkflowRequest::wait).
    pub execute_id: Option<Id>,
    /// The page that shows the run, if the stream had told it; valid for 7 days.
    pub debug_url: Option<String>,
    /// Why the result could not be read from the run's history, when that was tried.
    pub history: Option<Box<Error>>,
}

impl fmt::Display for BrokenRun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let workflow = &self.workflow_id;
        match (&self.execute_id, &self.history) {
            (None, _) => write!(
                f,
                "the run of workflow {workflow} cannot be followed: its id was not told"
            ),
            (Some(run), None) => write!(f, "it was run {run} of workflow {workflow}"),
            (Some(run), Some(error)) => write!(
                f,
                "it was run {run} of workflow {workflow}, whose history gave no result: {error}"
            ),
        }
    }
}

/// A workflow run that failed or was cancelled.
#[derive(Debug)]
#[non_exhaustive]
pub struct RunFailed {
    /// Why it failed; 0 when the server gave no number.
    pub code: i64,
    /// The server's text; may be empty.
    pub msg: String,
    /// The workflow.
    pub workflow_id: Id,
    /// The run.
    pub history: RunHistory,
    /// What its nodes had said on a stream that broke before.
    pub said: Vec<NodeText>,
}

impl RunFailed {
    pub(crate) fn log_id(&self) -> Option<&str> {
        Some(self.history.logid.as_str()).filter(|id| !id.is_empty())
    }
}

impl fmt::Display for RunFailed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (id, status) = (&self.history.execute_id, &self.history.execute_status);
        let workflow = &self.workflow_id;
        write!(f, "run {id} of workflow {workflow} ended as {status}")?;
        if !self.msg.is_empty() {
            write!(f, ": {}", OneLine(&self.msg))?;
        }
        write!(f, " (code {}{})", self.code, LogId(self.log_id()))
    }
}

impl std::error::Error for RunFailed {}
