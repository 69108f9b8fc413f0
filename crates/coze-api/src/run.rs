//! What became of a workflow run.

use std::borrow::Cow;

use bytes::Bytes;
use coze_types::Id;
use coze_types::chat::Usage;
use coze_types::runs::{ExecuteStatus, RunHistory};
use coze_types::workflows::{InterruptData, WorkflowResult};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::body::Body;
use crate::client::Coze;
use crate::error::{DecodeError, Error, PollTimeout, Result, RunFailed};
use crate::poll::{Beat, PollOptions};
use crate::response::Response;
use crate::workflow::ResumeRequest;

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
    pub(crate) fn of_result(workflow_id: Id, response: Response<WorkflowResult>) -> Self {
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
                ..Default::default()
            })),
            None => Self::Done(Box::new(RunResult {
                data: result.data.unwrap_or_default(),
                messages: Vec::new(),
                execute_id: result.execute_id,
                debug_url,
                usage: result.usage,
                log_id,
            })),
        }
    }

    fn of_history(workflow_id: Id, history: RunHistory) -> Self {
        let log_id = Some(history.logid).filter(|id| !id.is_empty());
        let debug_url = Some(history.debug_url).filter(|url| !url.is_empty());
        let (data, messages) = outputs(&history.output);
        match history.interrupt_data {
            Some(interrupt) if history.execute_status != ExecuteStatus::Success => {
                Self::Interrupted(Box::new(RunInterrupt {
                    workflow_id,
                    interrupt,
                    node_title: String::new(),
                    messages,
                    execute_id: Some(history.execute_id),
                    debug_url,
                    log_id,
                }))
            }
            _ => Self::Done(Box::new(RunResult {
                data,
                messages,
                execute_id: Some(history.execute_id),
                debug_url,
                usage: history.usage,
                log_id,
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
    /// Answers, and goes on with the run.
    pub fn resume(&self, coze: &Coze, answer: impl Into<String>) -> ResumeRequest {
        let interrupt = &self.interrupt;
        coze.workflow(&self.workflow_id)
            .resume(&interrupt.event_id, interrupt.kind, answer)
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

/// Splits the output of a history: the end's result, and what the output nodes said by title.
fn outputs(output: &str) -> (String, Vec<NodeText>) {
    let text = |value: Value| match value {
        Value::String(text) => text,
        other => other.to_string(),
    };
    let Ok(mut nodes) = serde_json::from_str::<Map<String, Value>>(output) else {
        return (output.to_owned(), Vec::new());
    };
    let Some(end) = nodes.shift_remove("Output") else {
        return (output.to_owned(), Vec::new());
    };
    let messages = nodes.into_iter().map(|(title, value)| NodeText {
        title,
        text: text(value),
        ..Default::default()
    });
    (text(end), messages.collect())
}

/// See [`WorkflowRequest::wait`](crate::WorkflowRequest::wait).
pub(crate) async fn wait(
    coze: &Coze,
    workflow: &Id,
    run: &Id,
    options: PollOptions,
) -> Result<RunOutcome> {
    let mut beat = Beat::new(options);
    let mut last = None;
    while beat.wait().await {
        let Some(history) = beat.forgive(coze.run_history(workflow, run).await)? else {
            continue;
        };
        match history.execute_status {
            ExecuteStatus::Success => return Ok(RunOutcome::of_history(workflow.clone(), history)),
            ExecuteStatus::Fail | ExecuteStatus::Cancel => {
                return Err(Error::from(RunFailed {
                    code: history.error_code.parse().unwrap_or_default(),
                    msg: history.error_message.clone(),
                    history,
                }));
            }
            ExecuteStatus::Running | ExecuteStatus::Other(_) => {
                if history.interrupt_data.is_some() {
                    return Ok(RunOutcome::of_history(workflow.clone(), history));
                }
                last = Some(history);
            }
        }
    }
    Err(Error::from(PollTimeout {
        deadline: options.deadline,
        chat: None,
        run: last,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_output_of_a_history_is_split() {
        let (data, messages) = outputs(r#"{"Output":"{\"a\":1}","消息":"你好"}"#);
        assert_eq!(data, r#"{"a":1}"#);
        assert_eq!(
            (messages[0].title.as_str(), messages[0].text.as_str()),
            ("消息", "你好")
        );
        assert_eq!(outputs("plain").0, "plain");
    }

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
