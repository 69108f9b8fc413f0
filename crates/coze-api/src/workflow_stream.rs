//! The stream of one workflow run.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use coze_types::Id;
use coze_types::chat::Usage;
use coze_types::workflow_event::{
    WorkflowEvent, WorkflowEventData, WorkflowInterrupt, WorkflowMessage,
};
use futures_util::Stream;

use crate::error::{Error, Result, StreamError};
use crate::recover::Unrecovered;
use crate::run::{NodeText, RunInterrupt, RunOutcome, RunResult};
use crate::stream::EventStream;

/// The events of a workflow run, as they arrive.
///
/// A run that fails yields [`StreamError::Event`], a stream that is cut
/// [`StreamError::Truncated`]; nothing follows either, and what had arrived is in
/// [`StreamFailure::said`](crate::StreamFailure). Dropping it closes the connection; the run goes
/// on, because there is no call that could stop it.
#[derive(Debug)]
pub struct WorkflowStream {
    workflow: Id,
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
    pub(crate) fn new(workflow: Id, events: EventStream<WorkflowEvent>) -> Self {
        Self {
            workflow,
            events,
            nodes: Vec::new(),
            interrupt: None,
            usage: None,
            debug_url: None,
            over: false,
        }
    }

    /// The next event; `None` after the last. It can be dropped while it waits without losing
    /// anything.
    pub async fn next(&mut self) -> Option<Result<WorkflowEvent>> {
        poll_fn(|cx| Pin::new(&mut *self).poll_next(cx)).await
    }

    /// Reads the rest, and puts everything together, what was read before included.
    ///
    /// # Errors
    /// As the stream's. What had arrived is in [`StreamFailure::said`](crate::StreamFailure).
    pub async fn collect(mut self) -> Result<RunOutcome> {
        while let Some(event) = self.next().await {
            if let Err(Error::Stream(mut failure)) = event {
                // Here nobody reads on.
                failure.said = self.so_far().cloned().collect();
                return Err(Error::Stream(failure));
            }
            event?;
        }
        let log_id = self.events.log_id().map(Into::into);
        if let Some(interrupt) = self.interrupt {
            return Ok(RunOutcome::Interrupted(Box::new(RunInterrupt {
                workflow_id: self.workflow,
                interrupt: interrupt.interrupt_data,
                node_title: interrupt.node_title.into(),
                messages: self.nodes.into_iter().map(|node| node.said).collect(),
                execute_id: None,
                debug_url: interrupt.debug_url.or(self.debug_url),
                log_id,
            })));
        }
        let messages: Vec<_> = self.nodes.into_iter().map(|node| node.said).collect();
        // Servers that do not tell the types of nodes still let the end speak last.
        let end = messages
            .iter()
            .rfind(|said| said.node_type.as_deref() == Some("End"))
            .or(messages.last());
        Ok(RunOutcome::Done(Box::new(RunResult {
            data: end.map(|said| said.text.clone()).unwrap_or_default(),
            messages,
            execute_id: None,
            debug_url: self.debug_url,
            usage: self.usage,
            log_id,
        })))
    }

    /// What each node has said so far.
    pub fn so_far(&self) -> impl Iterator<Item = &NodeText> {
        self.nodes.iter().map(|node| &node.said)
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

    fn judge(&mut self, event: WorkflowEvent) -> Result<WorkflowEvent> {
        match &event.data {
            WorkflowEventData::Message(message) => self.message(message),
            WorkflowEventData::Interrupt(interrupt) => {
                self.interrupt = Some(interrupt.as_ref().clone());
            }
            WorkflowEventData::Done(done) => {
                if done.debug_url.is_some() {
                    self.debug_url.clone_from(&done.debug_url);
                }
            }
            WorkflowEventData::Error(error) => {
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
            if !matches!(failure.kind, StreamError::Event { .. }) {
                failure.unrecovered = Some(Unrecovered::Workflow);
            }
        }
        Poll::Ready(Some(result))
    }
}
