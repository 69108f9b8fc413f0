//! Running workflows.

use coze_types::runs::{RetrieveRunHistory, RunHistory};
use coze_types::workflows::{
    ChatWorkflow, Parameters, ResumeWorkflow, ResumeWorkflowBody, RunWorkflow, RunWorkflowBody,
    StreamResumeWorkflow, StreamRunWorkflow,
};
use coze_types::{Empty, Id};
use serde_json::Map;

use crate::chatflow::ChatflowRequest;
use crate::client::Coze;
use crate::error::{Error, Result};
use crate::poll::PollOptions;
use crate::run::RunOutcome;
use crate::setters::workflow_setters;
use crate::workflow_stream::WorkflowStream;

impl Coze {
    /// Begins a run of a workflow.
    ///
    /// ```no_run
    /// # async fn run(coze: coze_api::Coze) -> coze_api::Result<()> {
    /// let outcome = coze.workflow("74…").parameter("city", "杭州").run().await?;
    /// println!("{}", outcome.text());
    /// # Ok(())
    /// # }
    /// ```
    pub fn workflow(&self, workflow: impl Into<Id>) -> WorkflowRequest {
        WorkflowRequest {
            coze: self.clone(),
            body: RunWorkflowBody {
                workflow_id: workflow.into(),
                ..Default::default()
            },
        }
    }

    /// Reads the state and the result of a run.
    ///
    /// # Errors
    /// Those of [`send`](Self::send); [`Error::Invalid`] when the server knows no such run.
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
        let id = row.execute_id.clone();
        let mut runs = self.send(row).await?.into_inner().data;
        match runs.is_empty() {
            false => Ok(runs.swap_remove(0)),
            true => Err(Error::Invalid(format!("the server knows no run {id}"))),
        }
    }
}

/// A run of a workflow, while it is put together; see [`Coze::workflow`].
#[derive(Debug, Clone)]
#[must_use = "nothing is sent until `run`, `stream` or `start` is called"]
pub struct WorkflowRequest {
    coze: Coze,
    body: RunWorkflowBody,
}

impl WorkflowRequest {
    workflow_setters!(body);

    /// The body, for what has no method of its own.
    pub fn body_mut(&mut self) -> &mut RunWorkflowBody {
        &mut self.body
    }

    /// Runs it and waits for its result. The service gives up after 90 seconds without an answer:
    /// [`stream`](Self::stream) what may take longer.
    ///
    /// # Errors
    /// Those of [`Coze::send`].
    pub async fn run(self) -> Result<RunOutcome> {
        let workflow = self.body.workflow_id.clone();
        let row = RunWorkflow {
            query: Empty {},
            body: self.body,
        };
        let response = self.coze.send(row).await?;
        Ok(RunOutcome::of_result(workflow, response))
    }

    /// Runs it and streams what it says.
    ///
    /// # Errors
    /// Those of [`Coze::stream`].
    pub async fn stream(self) -> Result<WorkflowStream> {
        let workflow = self.body.workflow_id.clone();
        let row = StreamRunWorkflow {
            query: Empty {},
            body: self.body,
        };
        let events = self.coze.stream(row).await?;
        Ok(WorkflowStream::new(workflow, events))
    }

    /// Starts it in the background, for up to 24 hours, and returns the id of the run for
    /// [`wait`](Self::wait). Needs a paid plan at the hosted service.
    ///
    /// # Errors
    /// Those of [`Coze::send`]; [`Error::Invalid`] when the server gives no id.
    pub async fn start(mut self) -> Result<Id> {
        self.body.is_async = Some(true);
        let row = RunWorkflow {
            query: Empty {},
            body: self.body,
        };
        let result = self.coze.send(row).await?.into_inner();
        result.execute_id.ok_or_else(|| {
            Error::Invalid("the server started no run in the background: it gave no id".into())
        })
    }

    /// Waits for a run in the background, asking for its history again and again.
    ///
    /// # Errors
    /// [`Error::Run`] for a run that failed or was cancelled; [`Error::Timeout`] with the run as
    /// it was last seen, which goes on; those of [`Coze::send`].
    pub async fn wait(
        &self,
        execute_id: impl Into<Id>,
        options: PollOptions,
    ) -> Result<RunOutcome> {
        let (workflow, run) = (&self.body.workflow_id, execute_id.into());
        crate::run::wait(&self.coze, workflow, &run, options).await
    }

    /// Goes on with an interrupted run: `event_id` and `kind` of its
    /// [`InterruptData`](coze_types::workflows::InterruptData), and the answer, as text or as JSON
    /// text. See also [`RunInterrupt::resume`](crate::RunInterrupt::resume).
    pub fn resume(
        self,
        event_id: impl Into<String>,
        kind: i64,
        answer: impl Into<String>,
    ) -> ResumeRequest {
        ResumeRequest {
            coze: self.coze,
            body: ResumeWorkflowBody {
                workflow_id: self.body.workflow_id,
                event_id: event_id.into(),
                interrupt_type: kind,
                resume_data: answer.into(),
                connector_id: self.body.connector_id,
                ..Default::default()
            },
        }
    }

    /// Talks to it, if it is a chatflow. What was set up to here is kept.
    pub fn chat(self) -> ChatflowRequest {
        let mut row = ChatWorkflow::default();
        row.body.workflow_id = self.body.workflow_id;
        // The field must be there, even when it is empty.
        row.body.parameters = Some(self.body.parameters.unwrap_or(Parameters(Map::new())));
        row.body.bot_id = self.body.bot_id;
        row.body.app_id = self.body.app_id;
        row.body.ext = self.body.ext;
        row.body.workflow_version = self.body.workflow_version;
        row.body.connector_id = self.body.connector_id;
        ChatflowRequest::new(self.coze, row)
    }
}

/// The answer to an interrupted run, ready to be sent.
#[derive(Debug, Clone)]
#[must_use = "nothing is sent until `run` or `stream` is called"]
pub struct ResumeRequest {
    coze: Coze,
    body: ResumeWorkflowBody,
}

impl ResumeRequest {
    /// The body, for what has no method of its own.
    pub fn body_mut(&mut self) -> &mut ResumeWorkflowBody {
        &mut self.body
    }

    /// Goes on and waits for the result; for runs that [`WorkflowRequest::run`] began.
    ///
    /// # Errors
    /// Those of [`Coze::send`].
    pub async fn run(self) -> Result<RunOutcome> {
        let workflow = self.body.workflow_id.clone();
        let row = ResumeWorkflow {
            query: Empty {},
            body: self.body,
        };
        let response = self.coze.send(row).await?;
        Ok(RunOutcome::of_result(workflow, response))
    }

    /// Goes on and streams the rest; at most three times per run.
    ///
    /// # Errors
    /// Those of [`Coze::stream`].
    pub async fn stream(self) -> Result<WorkflowStream> {
        let workflow = self.body.workflow_id.clone();
        let row = StreamResumeWorkflow {
            query: Empty {},
            body: self.body,
        };
        let events = self.coze.stream(row).await?;
        Ok(WorkflowStream::new(workflow, events))
    }
}
