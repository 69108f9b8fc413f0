//! Reading what became of a workflow run, and waiting for it.

use coze_types::runs::{
    ExecuteStatus, NodeOutput, RetrieveNodeHistory, RetrieveRunHistory, RunHistory, RunMode,
};
use coze_types::{Data, Id};
use serde_json::{Map, Value};

use crate::call::Call;
use crate::client::Coze;
use crate::error::{Error, PollTimeout, Result};
use crate::poll::Beat;
use crate::run::{NodeText, RunInterrupt, RunOutcome, RunResult};
use crate::run_error::RunFailed;
use crate::run_options::RunBy;

impl Coze {
    /// Reads the state and the result of a run.
    ///
    /// ```no_run
    /// # async fn run(coze: coze_api::Coze) -> coze_api::Result<()> {
    /// let run = coze.run_history("74…", "88…").await?;
    /// println!("{}: {}", run.execute_status.as_str(), run.output);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Those of [`send`](Self::send); [`Error::Decode`] when the server knows no such run.
    pub async fn run_history(
        &self,
        workflow: impl Into<Id>,
        execute_id: impl Into<Id>,
    ) -> Result<RunHistory> {
        let row = RetrieveRunHistory {
            workflow_id: workflow.into(),
            execute_id: execute_id.into(),
            ..Default::default()
        };
        let (answer, runs) = self
            .receive::<Data<Vec<RunHistory>>>(&Call::encode(&row)?)
            .await?;
        runs.into_inner().data.into_iter().next().ok_or_else(|| {
            let reason = format!("the list is empty: there is no run {}", row.execute_id);
            answer.decode_error("data".into(), reason)
        })
    }

    /// Reads the whole output of an output node of a run:
    /// [`NodeStatus::node_execute_uuid`](coze_types::runs::NodeStatus::node_execute_uuid) of the
    /// run's history names it.
    ///
    /// # Errors
    /// Those of [`send`](Self::send).
    pub async fn node_history(
        &self,
        workflow: impl Into<Id>,
        execute_id: impl Into<Id>,
        node_execute_uuid: impl Into<Id>,
    ) -> Result<NodeOutput> {
        let row = RetrieveNodeHistory {
            workflow_id: workflow.into(),
            execute_id: execute_id.into(),
            node_execute_uuid: node_execute_uuid.into(),
            ..Default::default()
        };
        Ok(self.send(row).await?.into_inner().data)
    }
}

/// Waits for a run to end or to ask. A question that was `answered` may still stand in the history
/// for a moment.
pub(crate) async fn wait(
    coze: &Coze,
    workflow: &Id,
    run: &Id,
    mut beat: Beat,
    answered: Option<&str>,
) -> Result<RunOutcome> {
    let mut last = None;
    while beat.wait().await {
        let Some(history) = beat.look(coze.run_history(workflow, run)).await? else {
            continue;
        };
        match history.execute_status {
            ExecuteStatus::Success => return Ok(outcome(workflow, history)),
            ExecuteStatus::Fail | ExecuteStatus::Cancel => {
                return Err(Error::from(RunFailed {
                    code: history.error_code.parse().unwrap_or_default(),
                    msg: history.error_message.clone(),
                    workflow_id: workflow.clone(),
                    history,
                    said: Vec::new(),
                }));
            }
            ExecuteStatus::Running | ExecuteStatus::Other(_) => {
                let asked = history.interrupt_data.as_ref();
                if asked.is_some_and(|asked| Some(asked.event_id.as_str()) != answered) {
                    return Ok(outcome(workflow, history));
                }
                last = Some(history);
            }
        }
    }
    Err(Error::from(PollTimeout {
        deadline: beat.deadline(),
        chat: None,
        run: last,
        workflow_id: Some(workflow.clone()),
        execute_id: Some(run.clone()),
    }))
}

fn outcome(workflow: &Id, history: RunHistory) -> RunOutcome {
    let log_id = Some(history.logid).filter(|id| !id.is_empty());
    let debug_url = Some(history.debug_url).filter(|url| !url.is_empty());
    let (data, messages) = outputs(&history.output);
    match history.interrupt_data {
        Some(interrupt) if history.execute_status != ExecuteStatus::Success => {
            RunOutcome::Interrupted(Box::new(RunInterrupt {
                workflow_id: workflow.clone(),
                interrupt,
                node_title: String::new(),
                messages,
                execute_id: Some(history.execute_id),
                debug_url,
                log_id,
                run_by: match history.run_mode {
                    RunMode::Stream => RunBy::Stream,
                    RunMode::Async => RunBy::Async,
                    _ => RunBy::Plain,
                },
            }))
        }
        _ => RunOutcome::Done(Box::new(RunResult {
            data,
            messages,
            execute_id: Some(history.execute_id),
            debug_url,
            usage: history.usage,
            log_id,
            is_trimmed: history.is_output_trimmed == Some(true),
            is_recovered: false,
        })),
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

/// The run that a page shows: `…?execute_id=ID` at the hosted service, `…/run_histories/ID` at a
/// server that shows the history itself.
pub(crate) fn run_of_page(url: &str) -> Option<Id> {
    let url = reqwest::Url::parse(url).ok()?;
    let named = url.query_pairs().find(|(key, _)| key == "execute_id");
    let id = match named {
        Some((_, id)) => Id::from(id.into_owned()),
        None => {
            let mut segments = url.path_segments()?;
            segments.find(|segment| *segment == "run_histories")?;
            Id::from(segments.next()?)
        }
    };
    // It goes into paths and texts.
    let is_id = id
        .bytes()
        .all(|it| it.is_ascii_alphanumeric() || b"_-".contains(&it));
    (is_id && !id.is_unset()).then_some(id)
}

/// The run that asks: an event id is `<execute id>/<event id>`.
pub(crate) fn run_of_event(event_id: &str) -> Option<Id> {
    let (run, _) = event_id.split_once('/')?;
    let is_id = !run.is_empty() && run.bytes().all(|byte| byte.is_ascii_digit());
    is_id.then(|| run.into())
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
    fn runs_are_found_in_pages_and_events() {
        for (url, run) in [
            (
                "https://www.coze.cn/work_flow?space_id=1&execute_id=88&workflow_id=74",
                Some("88"),
            ),
            (
                "http://127.0.0.1:1/v1/workflows/74/run_histories/88",
                Some("88"),
            ),
            ("https://www.coze.cn/work_flow?execute_id=", None),
            ("https://www.coze.cn/work_flow?execute_id=8%0A8", None),
            ("https://www.coze.cn/work_flow/74", None),
            ("no page", None),
        ] {
            assert_eq!(run_of_page(url).as_deref(), run, "{url}");
        }
        assert_eq!(run_of_event("88/99").as_deref(), Some("88"));
        for event in ["88", "/99", "a b/99", ""] {
            assert_eq!(run_of_event(event), None, "{event}");
        }
    }
}
