//! Flows in the traces, named as OpenTelemetry names what happens with language models.
//!
//! A flow is one span; the attempts of its calls are spans below it. Ids, numbers and names go
//! into it, content only if the client was told to ([`CozeBuilder::trace_content`]).
//!
//! [`CozeBuilder::trace_content`]: crate::CozeBuilder::trace_content

use coze_types::Id;
use coze_types::chat::Chat;
use coze_types::messages::EnterMessage;
use tracing::field::Empty;
use tracing::{Instrument, Span};

use crate::client::Coze;
use crate::error::{Error, Result};
use crate::reply::Reply;
use crate::run::RunOutcome;
use crate::task::MaybeSend;

/// The span of a turn with an agent.
#[derive(Debug, Clone)]
pub(crate) struct TurnTrace {
    span: Span,
    content: bool,
}

impl TurnTrace {
    /// Begins a turn; `None` for a chatflow that names no agent.
    pub(crate) fn begin(coze: &Coze, agent: Option<&Id>, asked: Option<&[EnterMessage]>) -> Self {
        let span = tracing::debug_span!(
            "chat",
            gen_ai.provider.name = "coze",
            gen_ai.operation.name = "chat",
            gen_ai.agent.id = agent.map(Id::as_str),
            gen_ai.conversation.id = Empty,
            gen_ai.response.id = Empty,
            gen_ai.usage.input_tokens = Empty,
            gen_ai.usage.output_tokens = Empty,
            status = Empty,
            recovered = Empty,
            error.type = Empty,
        );
        let content = coze.inner.trace_content;
        if content && !span.is_disabled() {
            let asked = asked.unwrap_or_default().iter();
            let text: Vec<_> = asked.map(|it| it.content.as_str()).collect();
            let text = text.join("\n");
            tracing::debug!(parent: &span, gen_ai.input.messages = text);
        }
        Self { span, content }
    }

    /// Does something within the turn; the turn has failed if that fails.
    pub(crate) fn around<T>(
        &self,
        work: impl Future<Output = Result<T>> + MaybeSend,
    ) -> impl Future<Output = Result<T>> + MaybeSend {
        // It is large, and would be copied into the futures of all callers.
        let work = Box::pin(work.instrument(self.span.clone()));
        async move {
            let result = work.await;
            if let Err(error) = &result {
                self.failed(error);
            }
            result
        }
    }

    /// The chat is known.
    pub(crate) fn named(&self, chat: &Chat) {
        if self.span.is_disabled() {
            return;
        }
        self.span
            .record("gen_ai.conversation.id", chat.conversation_id.as_str());
        self.span.record("gen_ai.response.id", chat.id.as_str());
    }

    /// The chat is over, or has paused.
    pub(crate) fn ended(&self, reply: &Reply) {
        if self.span.is_disabled() {
            return;
        }
        self.named(&reply.chat);
        self.span.record("status", reply.chat.status.as_str());
        if reply.recovery().is_some() {
            self.span.record("recovered", true);
        }
        if let Some(usage) = reply.usage() {
            self.span
                .record("gen_ai.usage.input_tokens", usage.input_count);
            self.span
                .record("gen_ai.usage.output_tokens", usage.output_count);
        }
        if self.content {
            let text = reply.text();
            tracing::debug!(parent: &self.span, gen_ai.output.messages = text.as_ref());
        }
    }

    /// It failed.
    pub(crate) fn failed(&self, error: &Error) {
        if !self.span.is_disabled() {
            self.span.record("error.type", kind(error));
        }
    }

    /// It came back as a whole.
    pub(crate) fn result(&self, result: &Result<Reply>) {
        // `around` has told of a failure.
        if let Ok(reply) = result {
            self.ended(reply);
        }
    }
}

/// Runs a workflow within a span, and tells there what became of it.
pub(crate) async fn run(
    workflow: &Id,
    running: impl Future<Output = Result<RunOutcome>>,
) -> Result<RunOutcome> {
    let span = tracing::debug_span!(
        "workflow",
        gen_ai.provider.name = "coze",
        gen_ai.operation.name = "invoke_workflow",
        gen_ai.workflow.name = workflow.as_str(),
        gen_ai.response.id = Empty,
        gen_ai.usage.input_tokens = Empty,
        gen_ai.usage.output_tokens = Empty,
        interrupted = Empty,
        error.type = Empty,
    );
    // It is large, and would be copied into the futures of all callers.
    let result = Box::pin(running.instrument(span.clone())).await;
    run_ended(&span, &result);
    result
}

fn run_ended(span: &Span, result: &Result<RunOutcome>) {
    if span.is_disabled() {
        return;
    }
    match result {
        Ok(RunOutcome::Done(done)) => {
            if let Some(run) = &done.execute_id {
                span.record("gen_ai.response.id", run.as_str());
            }
            if let Some(usage) = done.usage {
                span.record("gen_ai.usage.input_tokens", usage.input_count);
                span.record("gen_ai.usage.output_tokens", usage.output_count);
            }
        }
        Ok(RunOutcome::Interrupted(interrupt)) => {
            span.record("interrupted", true);
            if let Some(run) = &interrupt.execute_id {
                span.record("gen_ai.response.id", run.as_str());
            }
        }
        Err(error) => {
            span.record("error.type", kind(error));
        }
    }
}

/// A word for an error: few different ones, so that they can be counted.
fn kind(error: &Error) -> &'static str {
    match error {
        Error::Transport(error) => error.kind.as_str(),
        Error::Api(_) => "api",
        Error::Http(_) => "http",
        Error::Decode(_) => "decode",
        Error::Stream(_) => "stream",
        Error::Chat(_) => "chat_failed",
        Error::Run(_) => "run_failed",
        Error::Timeout(_) => "timeout",
        Error::Auth(_) => "auth",
        Error::Limit(_) => "limit",
        Error::Occupied(_) => "occupied",
        Error::Invalid(_) => "invalid",
    }
}
