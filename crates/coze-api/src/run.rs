//! What became of a workflow run.

use std::borrow::Cow;

use bytes::Bytes;
use coze_types::Id;
use coze_types::chat::Usage;
use coze_types::workflows::{InterruptData, WorkflowResult};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::body::Body;
use crate::client::Client;
use crate::error::{DecodeError, Error, Result};
use crate::response::Response;
use crate::resume::ResumeRequest;
use crate::run_options::RunBy;
use crate::workflow::WorkflowRequest;

/// How a run ended: with a result, or with a question.
#[derive(Debug, Clone, PartialEq)]
pub enum RunOutcome {
    /// It is done.
    Done(Box<RunResult>),
    /// It waits for an answer; see [`RunInterrupt::resume`].
    Interrupted(Box<RunInterrupt>),
}

/// The result of a run.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct RunResult {
    /// What the end node gave: JSON text, or plain text.
    pub data: String,
    /// What each node said, when the run was streamed or read from its history.
    pub messages: Vec<NodeText>,
    /// The run.
    pub execute_id: Option<Id>,
    /// The page that shows the run; valid for 7 days.
    pub debug_url: Option<String>,
    /// Tokens.
    pub usage: Option<Usage>,
    /// The log id of the call.
    pub log_id: Option<String>,
    /// The run's history, from which this was read, had cut the result: it is not whole.
    /// [`Coze::node_history`](crate::Coze::node_history) reads whole outputs of output nodes.
    pub is_trimmed: bool,
    /// The stream broke, and the result was read from the run's history.
    pub is_recovered: bool,
}

/// A run that waits for an answer.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct RunInterrupt {
    /// The workflow.
    pub workflow_id: Id,
    /// What it asks.
    pub interrupt: InterruptData,
    /// The title of the node that asks; may be empty.
    pub node_title: String,
    /// What the nodes said before, when the run was streamed. The question is often among it.
    pub messages: Vec<NodeText>,
    /// The run.
    pub execute_id: Option<Id>,
    /// The page that shows the run; valid for 7 days.
    pub debug_url: Option<String>,
    /// The log id of the call.
    pub log_id: Option<String>,
    /// How the run was begun; it must be gone on with likewise.
    pub run_by: RunBy,
}

/// What a node said.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct NodeText {
    /// The node's title; may be empty.
    pub title: String,
    /// The node, where the server tells it.
    pub node_id: Option<String>,
    /// Its type, such as `End`, where the server tells it.
    pub node_type: Option<String>,
    /// The text.
    pub text: String,
}

impl RunOutcome {
    pub(crate) fn of_reply(
        workflow_id: Id,
        run_by: RunBy,
        response: Response<WorkflowResult>,
    ) -> Self {
        let log_id = response.log_id().map(Into::into);
        let result = response.into_inner();
        let debug_url = Some(result.debug_url).filter(|url| !url.is_empty());
        match result.interrupt_data {
            Some(interrupt) => Self::Interrupted(Box::new(RunInterrupt {
                workflow_id,
                interrupt,
                execute_id: result.execute_id,
                debug_url,
                log_id,
                run_by,
                ..Default::default()
            })),
            None => Self::Done(Box::new(RunResult {
                data: result.data.unwrap_or_default(),
                execute_id: result.execute_id,
                debug_url,
                usage: result.usage,
                log_id,
                ..Default::default()
            })),
        }
    }

    /// The result, if it is done.
    #[must_use]
    pub fn done(&self) -> Option<&RunResult> {
        match self {
            Self::Done(result) => Some(result),
            Self::Interrupted(_) => None,
        }
    }

    /// The question, if it waits for an answer.
    #[must_use]
    pub fn interrupt(&self) -> Option<&RunInterrupt> {
        match self {
            Self::Done(_) => None,
            Self::Interrupted(interrupt) => Some(interrupt),
        }
    }

    /// The result for people, or the question; see [`RunResult::text`].
    #[must_use]
    pub fn text(&self) -> Cow<'_, str> {
        match self {
            Self::Done(result) => result.text(),
            Self::Interrupted(interrupt) => interrupt.question(),
        }
    }

    /// The result as a value.
    ///
    /// # Errors
    /// [`Error::Invalid`] when the run waits for an answer, [`Error::Decode`] when the result does
    /// not fit.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T> {
        match self {
            Self::Done(result) => result.json(),
            Self::Interrupted(_) => Err(Error::Invalid(
                "the run has no result yet: it waits for an answer".into(),
            )),
        }
    }

    /// The log id of the call.
    #[must_use]
    pub fn log_id(&self) -> Option<&str> {
        match self {
            Self::Done(result) => result.log_id.as_deref(),
            Self::Interrupted(interrupt) => interrupt.log_id.as_deref(),
        }
    }
}

/// The wrapping in which some servers give an end node's text.
#[derive(Deserialize)]
struct EndText {
    #[serde(rename = "content_type")]
    _content_type: i64,
    data: String,
    #[serde(rename = "type_for_model")]
    _type_for_model: i64,
}

impl RunResult {
    /// The result for people: the text of an end node that answers with text, else
    /// [`data`](Self::data).
    #[must_use]
    pub fn text(&self) -> Cow<'_, str> {
        match serde_json::from_str::<EndText>(&self.data) {
            Ok(end) => end.data.into(),
            Err(_) => self.data.as_str().into(),
        }
    }

    /// The result as a value.
    ///
    /// # Errors
    /// [`Error::Decode`] when it does not fit.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T> {
        coze_types::status::decode(self.data.as_bytes()).map_err(|error| {
            Error::from(DecodeError {
                endpoint: "the result of the workflow".into(),
                http: 200,
                at: error.at.to_string(),
                reason: error.source.to_string(),
                content_type: None,
                log_id: self.log_id.clone(),
                body: Body(Bytes::copy_from_slice(self.data.as_bytes())),
            })
        })
    }
}

impl RunInterrupt {
    /// Answers, and goes on with the run in the way it was begun.
    ///
    /// ```no_run
    /// # async fn run(coze: coze_api::Coze) -> coze_api::Result<()> {
    /// let mut outcome = coze.workflow("74…").run().await?;
    /// while let Some(question) = outcome.interrupt() {
    ///     println!("{}", question.question());
    ///     outcome = question.resume(&coze, "杭州").run().await?;
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn resume<C: Client>(&self, coze: &C, answer: impl Into<String>) -> ResumeRequest<C> {
        let interrupt = &self.interrupt;
        let request = WorkflowRequest::new(coze.clone(), &self.workflow_id).run_by(self.run_by);
        let mut request = request.resume(&interrupt.event_id, interrupt.kind, answer);
        if self.execute_id.is_some() {
            request.run.clone_from(&self.execute_id);
        }
        request
    }

    /// The question for people: what the interrupt says, or else what the asking node said.
    #[must_use]
    pub fn question(&self) -> Cow<'_, str> {
        #[derive(Deserialize)]
        struct Asked {
            content: String,
        }
        let data = self.interrupt.data.as_deref().unwrap_or_default();
        if let Ok(asked) = serde_json::from_str::<Asked>(data) {
            return asked.content.into();
        }
        match self.messages.last() {
            Some(said) if data.is_empty() => said.text.as_str().into(),
            _ => data.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrapped_text_is_unwrapped() {
        let result = |data: &str| RunResult {
            data: data.into(),
            ..Default::default()
        };
        let wrapped =
            result(r#"{"content_type":1,"data":"你好","original_result":null,"type_for_model":2}"#);
        assert_eq!(wrapped.text(), "你好");
        assert_eq!(result(r#"{"output":"x"}"#).text(), r#"{"output":"x"}"#);
        let error = result(r#"{"n":"x"}"#).json::<std::collections::BTreeMap<String, i32>>();
        assert!(error.unwrap_err().to_string().contains("`n`"));
    }
}
