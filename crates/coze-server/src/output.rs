//! Where the events of a chat or a run go: to the caller's stream, or nowhere.

use std::time::Duration;

use bytes::Bytes;
use coze_types::StreamEvent;
use coze_types::chat_event::ChatEvent;
use coze_types::messages::Message;
use coze_types::sse::{Framing, Template};
use tokio::sync::mpsc;

/// Frames that may wait for a slow reader before the run waits too.
pub(crate) const QUEUE: usize = 64;
/// How long a run waits for a reader that takes nothing; then it goes on without it.
const PATIENCE: Duration = Duration::from_secs(60);

/// The deltas of one answer: the same message each time, but for its new piece.
pub(crate) struct Deltas {
    message: Message,
    /// With a place for a piece of the answer, and of the reasoning.
    content: Option<Template>,
    reasoning: Option<Template>,
}

/// The caller's end of a stream.
pub(crate) struct Output {
    frames: Option<mpsc::Sender<Bytes>>,
    framing: Framing,
}

impl Output {
    /// An output, and where its frames come out.
    pub(crate) fn stream(framing: Framing) -> (Self, mpsc::Receiver<Bytes>) {
        let (sender, receiver) = mpsc::channel(QUEUE);
        (
            Self {
                frames: Some(sender),
                framing,
            },
            receiver,
        )
    }

    /// Nobody listens; events are dropped.
    pub(crate) fn none() -> Self {
        Self {
            frames: None,
            framing: Framing::Compact,
        }
    }

    pub(crate) async fn send(&mut self, event: &impl StreamEvent) {
        if self.frames.is_none() {
            return;
        }
        let mut frame = Vec::with_capacity(384);
        match event.write(self.framing, &mut frame) {
            Ok(()) => self.push(frame).await,
            Err(error) => tracing::error!(%error, "an event could not be written"),
        }
    }

    /// A delta by itself.
    pub(crate) async fn delta(&mut self, delta: &Message) {
        if self.frames.is_none() {
            return;
        }
        let mut frame = Vec::with_capacity(384);
        // Without the copy that an event takes.
        match self.framing.write(&mut frame, 0, ChatEvent::DELTA, delta) {
            Ok(()) => self.push(frame).await,
            Err(error) => tracing::error!(%error, "an event could not be written"),
        }
    }

    /// The deltas of the answer that begins so.
    pub(crate) fn deltas(&self, mut message: Message) -> Deltas {
        let template = |message: &Message, key| {
            // Without a template each delta is written as a whole.
            Template::new(self.framing, ChatEvent::DELTA, message, key)
                .ok()
                .flatten()
                .filter(|_| self.frames.is_some())
        };
        message.content.clear();
        message.reasoning_content = Some(String::new());
        let reasoning = template(&message, "reasoning_content");
        message.reasoning_content = None;
        Deltas {
            content: template(&message, "content"),
            reasoning,
            message,
        }
    }

    /// A delta with a piece of the answer.
    pub(crate) async fn text(&mut self, deltas: &Deltas, piece: &str) {
        if let Some(template) = &deltas.content {
            return self.fill(template, piece).await;
        }
        let delta = Message {
            content: piece.to_owned(),
            ..deltas.message.clone()
        };
        self.delta(&delta).await;
    }

    /// A delta with a piece of the reasoning.
    pub(crate) async fn reasoning(&mut self, deltas: &Deltas, piece: &str) {
        if let Some(template) = &deltas.reasoning {
            return self.fill(template, piece).await;
        }
        let delta = Message {
            reasoning_content: Some(piece.to_owned()),
            ..deltas.message.clone()
        };
        self.delta(&delta).await;
    }

    async fn fill(&mut self, template: &Template, piece: &str) {
        if self.frames.is_none() {
            return;
        }
        let mut frame = Vec::new();
        match template.write(&mut frame, piece) {
            Ok(()) => self.push(frame).await,
            Err(error) => tracing::error!(%error, "an event could not be written"),
        }
    }

    async fn push(&mut self, frame: Vec<u8>) {
        let Some(frames) = &self.frames else { return };
        // A reader that has gone, or takes nothing, must not hold up the chat: it is saved.
        let frame = match frames.try_send(frame.into()) {
            Ok(()) => return,
            Err(mpsc::error::TrySendError::Closed(_)) => {
                self.frames = None;
                return;
            }
            Err(mpsc::error::TrySendError::Full(frame)) => frame,
        };
        if !matches!(
            tokio::time::timeout(PATIENCE, frames.send(frame)).await,
            Ok(Ok(()))
        ) {
            self.frames = None;
        }
    }
}
