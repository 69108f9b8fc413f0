//! Where the events of a chat or a run go: to the caller's stream, or nowhere.

use std::sync::OnceLock;
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
    /// Without a piece.
    message: Message,
    /// With a place for a piece of the answer, and of the reasoning; made for the first of them.
    content: OnceLock<Option<Template>>,
    reasoning: OnceLock<Option<Template>>,
}

impl Deltas {
    /// Those of the answer that begins as this message, without a piece in it.
    pub(crate) fn of(message: Message) -> Self {
        Self {
            message,
            content: OnceLock::new(),
            reasoning: OnceLock::new(),
        }
    }
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

    /// A delta with a piece of the answer.
    pub(crate) async fn text(&mut self, deltas: &Deltas, piece: &str) {
        let delta = |content: &str| Message {
            content: content.to_owned(),
            ..deltas.message.clone()
        };
        self.fill(&deltas.content, "content", delta, piece).await;
    }

    /// A delta with a piece of the reasoning.
    pub(crate) async fn reasoning(&mut self, deltas: &Deltas, piece: &str) {
        let delta = |reasoning: &str| Message {
            reasoning_content: Some(reasoning.to_owned()),
            ..deltas.message.clone()
        };
        self.fill(&deltas.reasoning, "reasoning_content", delta, piece)
            .await;
    }

    async fn fill(
        &mut self,
        template: &OnceLock<Option<Template>>,
        key: &str,
        delta: impl Fn(&str) -> Message,
        piece: &str,
    ) {
        if self.frames.is_none() {
            return;
        }
        let template = template.get_or_init(|| {
            let made = Template::new(self.framing, ChatEvent::DELTA, &delta(""), key);
            made.ok().flatten()
        });
        let Some(template) = template else {
            return self.delta(&delta(piece)).await;
        };
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
