//! The stream of one workflow run.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use coze_types::chat::Usage;
use coze_types::workflow_event::{
    WorkflowEvent, WorkflowEventData, WorkflowInterrupt, WorkflowMessage,
};
use coze_types::{Id, Streams};
use futures_util::Stream;

use crate::client::Coze;
use crate::error::{Error, Result};
use crate::history::{self, run_of_event, run_of_page};
use crate::run::{NodeText, RunInterrupt, RunOutcome, RunResult};
use crate::run_error::BrokenRun;
use crate::run_options::{Origin, Patience, RunBy};
use crate::stream::EventStream;
use crate::stream_error::{StreamError, StreamFailure};
use crate::time::timeout_at;
use crate::transport::Waited;

/// The events of a workflow run, as they arrive.
///
/// A run that fails yields [`StreamError::Event`], a stream that is cut
/// [`StreamError::Truncated`]; nothing follows either, and what had arrived is in
/// [`StreamFailure::said`](crate::StreamFailure). Dropping it closes the connection; the run goes
/// on, because there is no call that could stop it.
#[derive(Debug)]
pub struct WorkflowStream {
    coze: Coze,
    origin: Origin,
    patience: Patience,
    events: EventStream<WorkflowEvent>,
    nodes: Vec<Node>,
    interrupt: Option<WorkflowInterrupt>,
    usage: Option<Usage>,
    debug_url: Option<String>,
    over: bool,
}

/// What a node has said so far.
#[derive(Debug)]
struct Node {
    said: NodeText,
    execution: Option<String>,
    whole: bool,
}

impl WorkflowStream {
    pub(crate) async fn open<E: Streams<Event = WorkflowEvent>>(
        coze: Coze,
        row: E,
        origin: Origin,
        patience: Patience,
    ) -> Result<Self> {
        let events = patience.within::<E, _>(&coze, coze.stream(row)).await?;
        Ok(Self {
            coze,
            origin,
            patience,
            events,
            nodes: Vec::new(),
            interrupt: None,
            usage: None,
            debug_url: None,
            over: false,
        })
    }

    /// The next event; `None` after the last. It can be dropped while it waits without losing
    /// anything.
    pub async fn next(&mut self) -> Option<Result<WorkflowEvent>> {
        poll_fn(|cx| Pin::new(&mut *self).poll_next(cx)).await
    }

    /// Reads the rest, and puts everything together, what was read before included. When the
    /// stream breaks and the id of the run is known, the result is read from its history.
    ///
    /// # Errors
    /// As the stream's, when its history cannot help: what had arrived is in
    /// [`StreamFailure::said`], and [`StreamFailure::run`] tells how to find the run.
    /// [`Error::Run`] when the history says that the run failed.
    pub async fn collect(mut self) -> Result<RunOutcome> {
        let read = match self.patience.deadline {
            None => self.read().await,
            Some(deadline) => match timeout_at(deadline.at, self.read()).await {
                Ok(read) => read,
                Err(_) => {
                    let late = self.events.frames().late(Waited::Total(deadline.after));
                    Err(self.complete(late))
                }
            },
        };
        match read {
            Ok(()) => Ok(self.outcome()),
            Err(Error::Stream(failure)) => self.recover(failure).await,
            Err(error) => Err(error),
        }
    }

    /// Reads to the end, also behind an event that does not fit: the id of the run may follow.
    async fn read(&mut self) -> Result<()> {
        let mut misfit = None;
        while let Some(event) = self.next().await {
            let Err(error) = event else { continue };
            if !matches!(&error, Error::Stream(it) if matches!(it.kind, StreamError::Decode { .. }))
            {
                return Err(error);
            }
            misfit.get_or_insert(error);
        }
        match misfit {
            None => Ok(()),
            Some(error) => Err(self.complete(error)),
        }
    }

    /// What the events have told.
    fn outcome(self) -> RunOutcome {
        let log_id = self.events.log_id().map(Into::into);
        let execute_id = self.execute_id();
        let messages: Vec<_> = self.nodes.into_iter().map(|node| node.said).collect();
        if let Some(interrupt) = self.interrupt {
            return RunOutcome::Interrupted(Box::new(RunInterrupt {
                workflow_id: self.origin.workflow,
                interrupt: interrupt.interrupt_data,
                node_title: interrupt.node_title.into(),
                messages,
                execute_id,
                debug_url: self.debug_url,
                log_id,
                run_by: RunBy::Stream,
            }));
        }
        // Servers that do not tell the types of nodes still let the end speak last.
        let end = messages
            .iter()
            .rfind(|said| said.node_type.as_deref() == Some("End"))
            .or_else(|| messages.last().filter(|last| last.node_type.is_none()));
        RunOutcome::Done(Box::new(RunResult {
            data: end.map(|said| said.text.clone()).unwrap_or_default(),
            messages,
            execute_id,
            debug_url: self.debug_url,
            usage: self.usage,
            log_id,
            ..Default::default()
        }))
    }

    /// The stream broke: the history of the run may still tell what became of it.
    async fn recover(mut self, mut failure: Box<StreamFailure>) -> Result<RunOutcome> {
        self.events.close();
        let said: Vec<_> = self.nodes.into_iter().map(|node| node.said).collect();
        let is_over = match &failure.kind {
            StreamError::Event { .. } => true,
            StreamError::Transport(error) => matches!(error.waited, Some(Waited::Total(_))),
            _ => false,
        };
        let run = failure.run.as_mut();
        if let (false, Some(broken)) = (is_over, run)
            && let Some(run) = &broken.execute_id
        {
            tracing::debug!(execute_id = %run, "a broken stream is made good from the run's history");
            let Origin {
                workflow, answered, ..
            } = &self.origin;
            let answered = answered.as_deref();
            let beat = self.patience.beat().patient();
            match history::wait(&self.coze, workflow, run, beat, answered).await {
                Ok(outcome) => return Ok(recovered(outcome, said)),
                Err(Error::Run(mut failed)) => {
                    failed.said = said;
                    return Err(Error::Run(failed));
                }
                Err(error) => broken.history = Some(Box::new(error)),
            }
        }
        failure.said = said;
        Err(Error::Stream(failure))
    }

    /// What each node has said so far.
    pub fn so_far(&self) -> impl Iterator<Item = &NodeText> {
        self.nodes.iter().map(|node| &node.said)
    }

    /// The run, once an event has told it; some servers tell it only with the last one. A resumed
    /// run is known from the beginning.
    #[must_use]
    pub fn execute_id(&self) -> Option<Id> {
        let page = || run_of_page(self.debug_url.as_deref()?);
        let asked = || run_of_event(&self.interrupt.as_ref()?.interrupt_data.event_id);
        self.origin.run.clone().or_else(page).or_else(asked)
    }

    /// The page that shows the run, once an event has told it; valid for 7 days.
    #[must_use]
    pub fn debug_url(&self) -> Option<&str> {
        self.debug_url.as_deref()
    }

    /// The data of the event that was given last, as it came: also what no type knows. `None`
    /// before the first event, and after one without data.
    #[must_use]
    pub fn raw(&self) -> Option<&[u8]> {
        self.events.raw()
    }

    /// The log id of the call.
    #[must_use]
    pub fn log_id(&self) -> Option<&str> {
        self.events.log_id()
    }

    fn message(&mut self, message: &WorkflowMessage) {
        if message.usage.is_some() {
            self.usage = message.usage;
        }
        let own = |text: &Option<_>| text.as_ref().map(ToString::to_string);
        let open = self.nodes.iter_mut().rfind(|node| {
            !node.whole
                && node.said.title == message.node_title.as_str()
                && node.said.node_id.as_deref() == message.node_id.as_deref()
                && node.execution.as_deref() == message.node_execute_uuid.as_deref()
        });
        match open {
            Some(node) => {
                node.said.text.push_str(&message.content);
                node.whole = message.node_is_finish;
            }
            None => self.nodes.push(Node {
                said: NodeText {
                    title: message.node_title.to_string(),
                    node_id: own(&message.node_id),
                    node_type: own(&message.node_type),
                    text: message.content.clone(),
                },
                execution: own(&message.node_execute_uuid),
                whole: message.node_is_finish,
            }),
        }
    }

    fn note_page(&mut self, debug_url: Option<&String>) {
        if let Some(url) = debug_url.filter(|url| !url.is_empty()) {
            self.debug_url = Some(url.clone());
        }
    }

    /// Adds what only the run knows.
    fn complete(&self, mut error: Error) -> Error {
        if let Error::Stream(failure) = &mut error {
            failure.run = Some(BrokenRun {
                workflow_id: self.origin.workflow.clone(),
                execute_id: self.execute_id(),
                debug_url: self.debug_url.clone(),
                history: None,
            });
        }
        error
    }

    fn judge(&mut self, event: WorkflowEvent) -> Result<WorkflowEvent> {
        match &event.data {
            WorkflowEventData::Message(message) => self.message(message),
            WorkflowEventData::Interrupt(interrupt) => {
                self.note_page(interrupt.debug_url.as_ref());
                self.interrupt = Some(interrupt.as_ref().clone());
            }
            WorkflowEventData::Done(done) => self.note_page(done.debug_url.as_ref()),
            WorkflowEventData::Error(error) => {
                self.note_page(error.debug_url.as_ref());
                let frames = self.events.frames();
                return Err(frames.failure(StreamError::Event {
                    code: error.error_code,
                    msg: frames.head().redact(error.error_message.clone()),
                    debug_url: error.debug_url.clone(),
                }));
            }
            WorkflowEventData::Ping | WorkflowEventData::Unknown { .. } => {}
        }
        Ok(event)
    }
}

impl Stream for WorkflowStream {
    type Item = Result<WorkflowEvent>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        if this.over {
            return Poll::Ready(None);
        }
        let mut result = match ready!(Pin::new(&mut this.events).poll_next(cx)) {
            None => {
                this.over = true;
                return Poll::Ready(None);
            }
            Some(Ok(event)) => this.judge(event),
            Some(Err(error)) => Err(error),
        };
        if let Err(Error::Stream(failure)) = &mut result
            && !matches!(failure.kind, StreamError::Decode { .. })
        {
            this.over = true;
            this.events.close();
            failure.said = this.nodes.iter().map(|node| node.said.clone()).collect();
        }
        Poll::Ready(Some(result.map_err(|error| this.complete(error))))
    }
}

/// What a history told in place of a stream; it may know less of what the nodes said.
fn recovered(mut outcome: RunOutcome, said: Vec<NodeText>) -> RunOutcome {
    let messages = match &mut outcome {
        RunOutcome::Done(result) => {
            result.is_recovered = true;
            &mut result.messages
        }
        RunOutcome::Interrupted(interrupt) => {
            interrupt.run_by = RunBy::Stream;
            &mut interrupt.messages
        }
    };
    if messages.is_empty() {
        *messages = said;
    }
    outcome
}
