//! Answering a run that asks.

use coze_types::workflows::{ResumeWorkflow, ResumeWorkflowBody, StreamResumeWorkflow};
use coze_types::{Empty, Id};

use crate::client::Coze;
use crate::error::Result;
use crate::run::RunOutcome;
use crate::run_options::{Origin, Patience, RunBy, RunOptions};
use crate::setters::{over_client, run_setters};
use crate::telemetry;
use crate::waiting;
use crate::workflow_stream::WorkflowStream;

/// The answer to an interrupted run, ready to be sent; made by
/// [`RunInterrupt::resume`](crate::RunInterrupt::resume), or by
/// [`WorkflowRequest::resume`](crate::WorkflowRequest::resume) from stored ids.
#[derive(Debug, Clone)]
#[must_use = "nothing is sent until `run` or `stream` is called"]
pub struct ResumeRequest<C = Coze> {
    pub(crate) coze: C,
    pub(crate) body: ResumeWorkflowBody,
    /// The run, as far as it is known.
    pub(crate) run: Option<Id>,
    pub(crate) options: RunOptions,
}

over_client!(ResumeRequest { body, run, options });

impl<C> ResumeRequest<C> {
    run_setters!();

    /// The body, for what has no method of its own.
    pub fn body_mut(&mut self) -> &mut ResumeWorkflowBody {
        &mut self.body
    }
}

impl ResumeRequest {
    /// Goes on and waits for the result, in the way the run was begun: a streamed run streams on
    /// underneath, others go on with `/v1/workflows/resume`, and one in the background is waited
    /// for by its history.
    ///
    /// # Errors
    /// As [`WorkflowRequest::run`](crate::WorkflowRequest::run). An answer is never sent twice.
    pub async fn run(self) -> Result<RunOutcome> {
        let workflow = self.body.workflow_id.clone();
        telemetry::run(&workflow, self.run_once()).await
    }

    async fn run_once(self) -> Result<RunOutcome> {
        let patience = self.options.begin();
        match self.options.by.unwrap_or_default() {
            RunBy::Stream => self.open(patience).await?.collect().await,
            by @ (RunBy::Plain | RunBy::Async) => {
                let known = Origin {
                    workflow: self.body.workflow_id.clone(),
                    run: self.run,
                    answered: Some(self.body.event_id.clone()),
                };
                let row = ResumeWorkflow {
                    query: Empty {},
                    body: self.body,
                };
                waiting::call(&self.coze, row, by, &known, patience).await
            }
        }
    }

    /// Goes on and streams the rest; at most three times per run. For runs that stream.
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
            run: self.run,
            answered: Some(self.body.event_id.clone()),
        };
        let row = StreamResumeWorkflow {
            query: Empty {},
            body: self.body,
        };
        WorkflowStream::open(self.coze, row, origin, patience).await
    }
}
