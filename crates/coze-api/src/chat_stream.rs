//! The stream of one chat.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use coze_types::Id;
use coze_types::chat::{Chat, ChatStatus, Usage};
use coze_types::chat_event::ChatEvent;
use futures_util::Stream;

use crate::cancel::CancelOnDrop;
use crate::error::{ChatFailed, Error, Result, StreamError};
use crate::guard::Turn;
use crate::reply::{Assembly, Reply, is_answer};
use crate::stream::EventStream;

/// The events of a chat or of a chatflow, as they arrive.
///
/// Read it event by event ([`next`](Self::next), or the [`Stream`] trait), as text
/// ([`next_text`](Self::next_text)), or [`collect`](Self::collect) the rest.
///
/// A failure is never an event that could be overlooked: a chat that fails or is cancelled yields
/// [`Error::Chat`], an error event [`Error::Stream`], a stream that is cut
/// [`StreamError::Truncated`]. After an error, other than [`StreamError::Decode`], comes `None`.
///
/// Dropping it before its end closes the connection and cancels the chat, in the background and
/// for at most 5 seconds; [`detach`](Self::detach) lets the chat go on. After an error the chat is
/// left alone, because its answer may still be fetched with
/// [`Coze::poll_chat`](crate::Coze::poll_chat).
#[derive(Debug)]
#[must_use = "dropping the stream cancels the chat"]
pub struct ChatStream {
    events: EventStream<ChatEvent>,
    assembly: Assembly,
    cancel: CancelOnDrop,
    over: bool,
}

impl ChatStream {
    pub(crate) fn new(turn: Turn, events: EventStream<ChatEvent>) -> Self {
        let mut assembly = Assembly::default();
        assembly.reply.log_id = events.log_id().map(Into::into);
        Self {
            events,
            assembly,
            cancel: CancelOnDrop::new(turn),
            over: false,
        }
    }

    /// The next event; `None` after the last. It can be dropped while it waits without losing
    /// anything.
    pub async fn next(&mut self) -> Option<Result<ChatEvent>> {
        poll_fn(|cx| Pin::new(&mut *self).poll_next(cx)).await
    }

    /// The next piece of an answer, leaving out everything else; `None` after the last.
    ///
    /// An answer that comes whole, without pieces, is one piece.
    pub async fn next_text(&mut self) -> Option<Result<String>> {
        poll_fn(|cx| self.poll_text(cx)).await
    }

    /// The pieces of the answers as a [`Stream`].
    pub fn into_text_stream(self) -> TextStream {
        TextStream(self)
    }

    /// Reads the rest, and puts everything together, what was read before included.
    ///
    /// # Errors
    /// As the stream's. What had arrived is in [`Error::partial`].
    pub async fn collect(mut self) -> Result<Reply> {
        loop {
            match self.next().await {
                Some(Ok(_)) => {}
                Some(Err(Error::Stream(mut failure))) => {
                    failure.partial = Some(std::mem::take(&mut self.assembly.reply));
                    return Err(Error::Stream(failure));
                }
                Some(Err(error)) => return Err(error),
                None => return Ok(std::mem::take(&mut self.assembly.reply)),
            }
        }
    }

    /// Closes the connection and cancels the chat.
    ///
    /// `None` when there was nothing to cancel: the chat is over, or had not begun to stream.
    ///
    /// # Errors
    /// Those of [`Coze::cancel_chat`](crate::Coze::cancel_chat), except that the chat is over.
    pub async fn cancel(self) -> Result<Option<Chat>> {
        let Self { events, cancel, .. } = self;
        drop(events);
        cancel.cancel().await
    }

    /// Whether dropping the stream cancels the chat; it does unless told otherwise.
    pub fn cancel_on_drop(mut self, cancel: bool) -> Self {
        self.cancel.wanted = cancel;
        self
    }

    /// Closes the connection and lets the chat go on.
    pub fn detach(mut self) {
        self.cancel.disarm();
    }

    /// The conversation, once the first event has told it.
    #[must_use]
    pub fn conversation_id(&self) -> Option<&Id> {
        Some(&self.assembly.reply.chat.conversation_id).filter(|id| !id.is_empty())
    }

    /// The chat's id, once the first event has told it.
    #[must_use]
    pub fn chat_id(&self) -> Option<&Id> {
        Some(&self.assembly.reply.chat.id).filter(|id| !id.is_empty())
    }

    /// How the chat stands, as far as the events have told.
    #[must_use]
    pub fn status(&self) -> &ChatStatus {
        &self.assembly.reply.chat.status
    }

    /// Tokens; complete with the last events.
    #[must_use]
    pub fn usage(&self) -> Option<Usage> {
        self.assembly.reply.chat.usage
    }

    /// What has arrived so far, put together.
    #[must_use]
    pub fn so_far(&self) -> &Reply {
        &self.assembly.reply
    }

    /// The log id of the call.
    #[must_use]
    pub fn log_id(&self) -> Option<&str> {
        self.events.log_id()
    }

    fn poll_text(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<String>>> {
        loop {
            match ready!(Pin::new(&mut *self).poll_next(cx)) {
                None => return Poll::Ready(None),
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                Some(Ok(ChatEvent::Delta(delta))) => {
                    if is_answer(&delta) && !delta.content.is_empty() {
                        return Poll::Ready(Some(Ok(delta.content)));
                    }
                }
                Some(Ok(ChatEvent::MessageCompleted(_))) => {
                    if let Some(text) = self.assembly.unsaid.take() {
                        return Poll::Ready(Some(Ok(text)));
                    }
                }
                Some(Ok(_)) => {}
            }
        }
    }

    /// Judges an event after it was taken in: failures become errors.
    fn judge(&mut self, event: &ChatEvent) -> Result<()> {
        let failed = |code, msg, reply: &Reply| {
            let reply = reply.clone();
            Error::from(ChatFailed { code, msg, reply })
        };
        match event {
            ChatEvent::Failed(failure) => {
                let error = failure.error();
                let msg = self.events.frames().head().redact(error.msg);
                Err(failed(error.code, msg, &self.assembly.reply))
            }
            ChatEvent::Canceled(_) => Err(failed(0, String::new(), &self.assembly.reply)),
            ChatEvent::Error(error) => Err(self.events.frames().failure(StreamError::Event {
                code: error.code,
                msg: self.events.frames().head().redact(error.msg.clone()),
                debug_url: error.debug_url.clone(),
            })),
            ChatEvent::Completed(_) | ChatEvent::RequiresAction(_) | ChatEvent::Done(_) => {
                self.cancel.disarm();
                Ok(())
            }
            _ => {
                if !self.cancel.is_armed() {
                    self.arm();
                }
                Ok(())
            }
        }
    }

    fn arm(&mut self) {
        let chat = &self.assembly.reply.chat;
        // Speech may follow the end of the chat: there is nothing to cancel then.
        if !chat.status.is_terminal() {
            self.cancel.arm(&chat.conversation_id, &chat.id);
        }
    }

    /// Adds what only the chat knows.
    fn complete(&self, error: Error) -> Error {
        match error {
            Error::Stream(mut failure) => {
                failure.conversation_id = self.conversation_id().cloned();
                failure.chat_id = self.chat_id().cloned();
                Error::Stream(failure)
            }
            other => other,
        }
    }
}

impl Stream for ChatStream {
    type Item = Result<ChatEvent>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        if this.over {
            return Poll::Ready(None);
        }
        // The event stays where it is: it is large, and moving it costs more than judging it.
        let polled = Pin::new(&mut this.events).poll_next(cx);
        let judged = match &polled {
            Poll::Pending => return Poll::Pending,
            Poll::Ready(None) => {
                this.over = true;
                this.cancel.disarm();
                return Poll::Ready(None);
            }
            Poll::Ready(Some(Ok(event))) => {
                this.assembly.push(event);
                this.judge(event)
            }
            Poll::Ready(Some(Err(_))) => Ok(()),
        };
        let error = match (judged, polled) {
            (Err(error), _) | (Ok(()), Poll::Ready(Some(Err(error)))) => error,
            (Ok(()), polled) => return polled,
        };
        this.cancel.disarm();
        let readable = matches!(&error, Error::Stream(failure)
            if matches!(failure.kind, StreamError::Decode { .. }));
        if !readable {
            this.over = true;
            this.events.close();
        }
        Poll::Ready(Some(Err(this.complete(error))))
    }
}

/// The pieces of the answers of a [`ChatStream`].
#[derive(Debug)]
#[must_use = "dropping the stream cancels the chat"]
pub struct TextStream(ChatStream);

impl TextStream {
    /// The stream of events, for what is left.
    pub fn into_inner(self) -> ChatStream {
        self.0
    }
}

impl Stream for TextStream {
    type Item = Result<String>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.poll_text(cx)
    }
}
