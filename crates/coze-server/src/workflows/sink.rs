//! Who listens to a run.

use coze_types::workflow_event::{
    WorkflowDone, WorkflowError, WorkflowEvent, WorkflowEventData, WorkflowInterrupt,
    WorkflowMessage,
};
use coze_types::workflows::InterruptData;
use coze_workflow::{Interrupt, Message, Outcome};

use super::{api_code, usage_of};
use crate::fail::Fail;
use crate::output::Output;

/// Someone who listens to a run. An error ends the run: what cannot be kept is not told.
pub(crate) trait Sink: Send {
    /// A node said something; `uuid` names its execution.
    fn message(
        &mut self,
        message: &Message,
        uuid: &str,
    ) -> impl Future<Output = Result<(), Fail>> + Send;
    /// The run waits for an answer.
    fn interrupted(
        &mut self,
        interrupt: &Interrupt,
        data: InterruptData,
        debug_url: &str,
    ) -> impl Future<Output = Result<(), Fail>> + Send;
    /// The run is over.
    fn finished(
        &mut self,
        outcome: &Outcome,
        debug_url: &str,
    ) -> impl Future<Output = Result<(), Fail>> + Send;
}

/// Nobody listens.
pub(crate) struct NoSink;

impl Sink for NoSink {
    async fn message(&mut self, _: &Message, _: &str) -> Result<(), Fail> {
        Ok(())
    }
    async fn interrupted(&mut self, _: &Interrupt, _: InterruptData, _: &str) -> Result<(), Fail> {
        Ok(())
    }
    async fn finished(&mut self, _: &Outcome, _: &str) -> Result<(), Fail> {
        Ok(())
    }
}

/// A caller listens, to the events of a workflow stream.
pub(crate) struct EventSink {
    output: Output,
    next_id: u64,
}

impl EventSink {
    pub(crate) fn new(output: Output) -> Self {
        Self { output, next_id: 0 }
    }

    async fn send(&mut self, data: WorkflowEventData) {
        let id = self.next_id;
        self.next_id += 1;
        self.output.send(&WorkflowEvent { id, data }).await;
    }

    /// The server could not go on.
    pub(crate) async fn failed(&mut self, code: i64, message: &str, debug_url: &str) {
        self.send(WorkflowEventData::Error(WorkflowError {
            error_code: code,
            error_message: message.to_owned(),
            debug_url: Some(debug_url.to_owned()),
        }))
        .await;
    }
}

impl Sink for EventSink {
    async fn message(&mut self, message: &Message, uuid: &str) -> Result<(), Fail> {
        let usage = message.usage.as_ref().map(|usage| {
            let count = |tokens: u64| i64::try_from(tokens).unwrap_or(i64::MAX);
            coze_types::chat::Usage {
                token_count: count(usage.total()),
                output_count: count(usage.output),
                input_count: count(usage.input),
            }
        });
        self.send(WorkflowEventData::Message(Box::new(WorkflowMessage {
            content: message.content.clone(),
            content_type: Some(message.content_type.to_string()),
            node_is_finish: message.finished,
            node_seq_id: message.seq.to_string().into(),
            node_title: message.node.title.as_str().into(),
            node_id: Some(message.node.id.as_str().into()),
            node_type: Some(message.node.node_type.display_key().into()),
            node_execute_uuid: Some(uuid.into()),
            token: usage.map(|usage| usage.token_count),
            usage,
            ..WorkflowMessage::default()
        })))
        .await;
        Ok(())
    }

    async fn interrupted(
        &mut self,
        interrupt: &Interrupt,
        data: InterruptData,
        _: &str,
    ) -> Result<(), Fail> {
        self.send(WorkflowEventData::Interrupt(Box::new(WorkflowInterrupt {
            interrupt_data: data,
            node_title: interrupt.node.title.as_str().into(),
            debug_url: None,
        })))
        .await;
        Ok(())
    }

    async fn finished(&mut self, outcome: &Outcome, debug_url: &str) -> Result<(), Fail> {
        let url = debug_url.to_owned();
        match outcome {
            Outcome::Success { .. } => {
                let done = WorkflowDone {
                    debug_url: Some(url),
                };
                self.send(WorkflowEventData::Done(done)).await;
            }
            Outcome::Failed(failure) => {
                self.failed(api_code(failure.code), &failure.to_string(), debug_url)
                    .await;
            }
            Outcome::Cancelled { .. } => {
                let code = coze_workflow::code::CANCELLED;
                self.failed(code, "the run was cancelled", debug_url).await;
            }
        }
        tracing::debug!(tokens = usage_of(outcome).token_count, "a run ended");
        Ok(())
    }
}
