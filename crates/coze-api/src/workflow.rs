//! Running workflows.

use coze_types::workflows::{
    ChatWorkflow, Parameters, ResumeWorkflowBody, RunWorkflow, RunWorkflowBody, StreamRunWorkflow,
};
use coze_types::{Empty, Id};
use serde_json::Map;

use crate::chatflow::ChatflowRequest;
use crate::client::Coze;
use crate::error::{Error, Result};
use crate::history;
use crate::poll::{Beat, PollOptions};
use crate::resume::ResumeRequest;
use crate::run::RunOutcome;
use crate::run_options::{Origin, Patience, RunBy, RunOptions};
use crate::setters::{over_client, run_setters, workflow_setters};
use crate::stream_error::StreamError;
use crate::telemetry;
use crate::transport::Waited;
use crate::waiting;
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
        WorkflowRequest::new(self.clone(), workflow)
    }
}

/// A run of a workflow, while it is put together; see [`Coze::workflow`].
#[derive(Debug, Clone)]
#[must_use = "nothing is sent until `run`, `stream` or `start` is called"]
pub struct WorkflowRequest<C = Coze> {
    coze: C,
    body: RunWorkflowBody,
    options: RunOptions,
}

over_client!(WorkflowRequest { body, options });

impl<C> WorkflowRequest<C> {
    pub(crate) fn new(coze: C, workflow: impl Into<Id>) -> Self {
        Self {
            coze,
            body: RunWorkflowBody {
                workflow_id: workflow.into(),
                ..Default::default()
            },
            options: RunOptions::default(),
        }
    }

    workflow_setters!(body);
    run_setters!();

    /// Lets [`run`](Self::run) begin the workflow once more, in the background, when its stream
    /// broke and its result cannot be read: for workflows that may run twice. False by default.
    pub fn may_run_twice(mut self, may: bool) -> Self {
        self.options.may_run_twice = may;
        self
    }

    /// The body, for what has no method of its own.
    pub fn body_mut(&mut self) -> &mut RunWorkflowBody {
        &mut self.body
    }

    /// Goes on with an interrupted run: `event_id` and `kind` of its
    /// [`InterruptData`](coze_types::workflows::InterruptData), and the answer, as text or as JSON
    /// text. A run that was not begun by a stream needs to be told so with
    /// [`run_by`](ResumeRequest::run_by); [`RunInterrupt::resume`](crate::RunInterrupt::resume)
    /// knows.
    pub fn resume(
        self,
        event_id: impl Into<String>,
        kind: i64,
        answer: impl Into<String>,
    ) -> ResumeRequest<C> {
        let event_id = event_id.into();
        ResumeRequest {
            coze: self.coze,
            run: history::run_of_event(&event_id),
            options: self.options,
            body: ResumeWorkflowBody {
                workflow_id: self.body.workflow_id,
                event_id,
                interrupt_type: kind,
                resume_data: answer.into(),
                connector_id: self.body.connector_id,
                ..Default::default()
            },
        }
    }

    /// Talks to it, if it is a chatflow. What was set up to here is kept.
    ///
    /// ```no_run
    /// # async fn run(coze: coze_api::Coze) -> coze_api::Result<()> {
    /// let flow = coze.workflow("74…").parameter("name", "小明").chat();
    /// let reply = flow.user("me").message("你好").reply().await?;
    /// println!("{}", reply.text());
    /// # Ok(())
    /// # }
    /// ```
    pub fn chat(self) -> ChatflowRequest<C> {
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

impl WorkflowRequest {
    /// Runs it and waits for its result, streaming underneath, so that the 90 seconds after which
    /// the service cuts a plain call do not matter. [`run_by`](Self::run_by) chooses another way,
    /// [`deadline`](Self::deadline) says for how long.
    ///
    /// A stream that breaks is not the end: when it had told the id of the run, the result is
    /// read from the run's history ([`RunResult::is_recovered`](crate::RunResult::is_recovered)).
    /// Where there is no streaming endpoint (HTTP 404, 405 or 501), the workflow is run in the
    /// background instead, and where that is not allowed (code 6003), by the plain call. Nothing
    /// is run twice, unless [`may_run_twice`](Self::may_run_twice) allows it.
    ///
    /// Dropping the future closes the connection; the run goes on, because there is no call that
    /// could stop it.
    ///
    /// # Errors
    /// Those of [`Coze::stream`] before it begins. [`Error::Stream`] for a
    /// run that fails, and for a stream that breaks for good or outlasts the deadline:
    /// [`StreamFailure::said`](crate::StreamFailure::said) has what had arrived,
    /// [`StreamFailure::run`](crate::StreamFailure::run) how to find the run. Of the other ways:
    /// those of [`Coze::send`] and of [`wait`](Self::wait).
    pub async fn run(self) -> Result<RunOutcome> {
        let workflow = self.body.workflow_id.clone();
        telemetry::run(&workflow, self.run_once()).await
    }

    async fn run_once(self) -> Result<RunOutcome> {
        let patience = self.options.begin();
        match self.options.by {
            Some(by @ (RunBy::Plain | RunBy::Async)) => self.waited(by, patience).await,
            by => {
                let stream = self.clone().open(patience).await;
                let has_begun = stream.is_ok();
                let result = match stream {
                    Ok(stream) => stream.collect().await,
                    Err(error) => Err(error),
                };
                let again = |error: &Error| match has_begun {
                    true => self.options.may_run_twice && is_lost(error) && !patience.is_over(),
                    false => by.is_none() && is_no_endpoint(error),
                };
                match result {
                    Err(error) if again(&error) => self.unstreamed(patience).await,
                    result => result,
                }
            }
        }
    }

    /// Runs it and streams what it says.
    ///
    /// ```no_run
    /// # async fn run(coze: coze_api::Coze) -> coze_api::Result<()> {
    /// use coze_api::WorkflowEventData;
    ///
    /// let mut events = coze.workflow("74…").parameter("city", "杭州").stream().await?;
    /// while let Some(event) = events.next().await {
    ///     if let WorkflowEventData::Message(said) = event?.data {
    ///         println!("[{}] {}", said.node_title, said.content);
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Those of [`Coze::stream`].
    pub async fn stream(self) -> Result<WorkflowStream> {
        let patience = self.options.begin();
        self.open(patience).await
    }

    async fn open(self, patience: Patience) -> Result<WorkflowStream> {
        let origin = Origin {
            workflow: self.body.workflow_id.clone(),
            ..Default::default()
        };
        let row = StreamRunWorkflow {
            query: Empty {},
            body: self.body,
        };
        WorkflowStream::open(self.coze, row, origin, patience).await
    }

    /// In the background, or else with the plain call: a refused run has not begun.
    async fn unstreamed(self, patience: Patience) -> Result<RunOutcome> {
        tracing::debug!("the workflow is run without a stream");
        match self.clone().waited(RunBy::Async, patience).await {
            Err(error) if error.code() == Some(NEEDS_PAID_PLAN) => {
                self.waited(RunBy::Plain, patience).await
            }
            result => result,
        }
    }

    async fn waited(self, by: RunBy, patience: Patience) -> Result<RunOutcome> {
        let origin = Origin {
            workflow: self.body.workflow_id.clone(),
            ..Default::default()
        };
        let mut body = self.body;
        body.is_async = (by == RunBy::Async).then_some(true);
        let row = RunWorkflow {
            query: Empty {},
            body,
        };
        waiting::call(&self.coze, row, by, &origin, patience).await
    }

    /// Starts it in the background, for up to 24 hours, and returns the id of the run for
    /// [`wait`](Self::wait). Needs a paid plan at the hosted service.
    ///
    /// ```no_run
    /// # async fn run(coze: coze_api::Coze) -> coze_api::Result<()> {
    /// use coze_api::PollOptions;
    ///
    /// let flow = coze.workflow("74…").parameter("city", "杭州");
    /// let run = flow.clone().start().await?;
    /// // Some time later, or in another program:
    /// let outcome = flow.wait(run, PollOptions::default()).await?;
    /// println!("{}", outcome.text());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Those of [`Coze::send`]; [`Error::Decode`] when the server gives no
    /// id.
    pub async fn start(mut self) -> Result<Id> {
        self.body.is_async = Some(true);
        let row = RunWorkflow {
            query: Empty {},
            body: self.body,
        };
        waiting::start(&self.coze, row).await
    }

    /// Waits for a run in the background, asking for its history again and again.
    ///
    /// # Errors
    /// [`Error::Run`] for a run that failed or was cancelled;
    /// [`Error::Timeout`] with the run as it was last seen, which goes on;
    /// those of [`Coze::send`].
    pub async fn wait(
        &self,
        execute_id: impl Into<Id>,
        options: PollOptions,
    ) -> Result<RunOutcome> {
        let (workflow, run) = (&self.body.workflow_id, execute_id.into());
        history::wait(&self.coze, workflow, &run, Beat::new(options), None).await
    }
}

/// Background runs are for paying users.
const NEEDS_PAID_PLAN: i64 = 6003;

/// True when the server has no such endpoint: whatever the call was to begin has not begun.
fn is_no_endpoint(error: &Error) -> bool {
    match error {
        Error::Http(error) => matches!(error.http, 404 | 405 | 501),
        // Servers that wrap the HTTP status. A code of the catalogue speaks of the workflow.
        Error::Api(error) => matches!(error.code, 404 | 405 | 501),
        _ => false,
    }
}

/// True when a stream broke for good and nobody knows how its run ends.
fn is_lost(error: &Error) -> bool {
    let Error::Stream(failure) = error else {
        return false;
    };
    match &failure.kind {
        StreamError::Event { .. } => false,
        StreamError::Transport(error) => !matches!(error.waited, Some(Waited::Total(_))),
        _ => true,
    }
}
