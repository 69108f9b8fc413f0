//! The stream of one chat.

use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use coze_types::Id;
use coze_types::chat::{Chat, ChatQuery, ChatStatus, Usage};
use coze_types::chat_event::{ChatEvent, ChatFailure, DoneData};
use futures_util::Stream;

use crate::cancel::CancelOnDrop;
use crate::client::Coze;
use crate::error::{ChatFailed, Error, Result};
use crate::guard::Turn;
use crate::missing::{missing, told};
use crate::recover::{Fetch, Plan, Recover, Recovery, Unrecovered, fetch};
use crate::reply::{Assembly, Reply, is_answer};
use crate::stream::EventStream;
use crate::stream_error::{StreamError, StreamFailure};
use crate::telemetry::TurnTrace;
use crate::time::Instant;

/// The events of a chat or of a chatflow, as they arrive.
///
/// Read it event by event ([`next`](Self::next), or the [`Stream`] trait), as text
/// ([`next_text`](Self::next_text)), or [`collect`](Self::collect) the rest.
///
/// A failure is never an event that could be overlooked: a chat that fails or is cancelled yields
/// [`Error::Chat`], an error event [`Error::Stream`].
///
/// A stream that breaks (it is cut, the connection fails or falls silent, an event does not fit or
/// is too large) is *recovered* where the chat's history is saved: the chat is polled until it
/// ends, and what was missing follows as events of this stream, up to the last one. The rest of a
/// message comes as one delta. [`recovery`](Self::recovery) tells of it; speech and the page that
/// shows the run of a chatflow cannot be recovered. Where recovery is not possible, or turned
/// [`Off`](Recover::Off), the stream yields what broke, with the reason
/// ([`StreamFailure::unrecovered`]) and with what had arrived ([`Error::partial`]). After an
/// error comes `None`, except after a [`StreamError::Decode`] that was not recovered.
///
/// Dropping it before its end closes the connection and cancels the chat, in the background and
/// for at most 5 seconds; [`detach`](Self::detach) lets the chat go on. After an error the chat is
/// left alone, because its answer may still be fetched with
/// [`Coze::poll_chat`](crate::Coze::poll_chat).
#[derive(Debug)]
#[must_use = "dropping the stream cancels the chat"]
pub struct ChatStream {
    coze: Coze,
    events: EventStream<ChatEvent>,
    /// In a box: streams are handed on, and it is large.
    assembly: Box<Assembly>,
    cancel: CancelOnDrop,
    plan: Plan,
    trace: TurnTrace,
    state: State,
    /// An event has told how the chat ended.
    ended: bool,
}

/// Where the events come from.
enum State {
    /// From the connection.
    Live,
    /// From nowhere: the connection broke, and the chat is waited for.
    Fetching(Box<Broken>, Fetch),
    /// From what was saved; then comes the failure, if not all could be recovered.
    Replaying(std::vec::IntoIter<ChatEvent>, Option<Box<StreamFailure>>),
    /// There are no more.
    Over,
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Live => "Live",
            Self::Fetching(..) => "Fetching",
            Self::Replaying(..) => "Replaying",
            Self::Over => "Over",
        })
    }
}

/// A stream that broke.
struct Broken {
    failure: Box<StreamFailure>,
    at: Instant,
}

impl ChatStream {
    pub(crate) fn new(
        turn: Turn,
        events: EventStream<ChatEvent>,
        plan: Plan,
        trace: TurnTrace,
    ) -> Self {
        let mut assembly = Box::<Assembly>::default();
        assembly.reply.log_id = events.log_id().map(Into::into);
        Self {
            coze: turn.coze().clone(),
            cancel: CancelOnDrop::new(turn),
            events,
            assembly,
            plan,
            trace,
            state: State::Live,
            ended: false,
        }
    }

    /// The chat is known before any event tells it.
    pub(crate) fn of(mut self, chat: ChatQuery) -> Self {
        self.assembly.reply.chat.conversation_id = chat.conversation_id;
        self.assembly.reply.chat.id = chat.chat_id;
        self.arm();
        self
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
        while let Some(event) = self.next().await {
            match event {
                Ok(_) => {}
                // A reply holds no speech.
                Err(error) if lacks_speech(&error) => break,
                Err(Error::Stream(mut failure)) => {
                    let partial = || std::mem::take(&mut self.assembly.reply);
                    failure.partial.get_or_insert_with(partial);
                    return Err(Error::Stream(failure));
                }
                Err(error) => return Err(error),
            }
        }
        Ok(std::mem::take(&mut self.assembly.reply))
    }

    /// Closes the connection and cancels the chat.
    ///
    /// `None` when there was nothing to cancel: the chat is over, or had not begun to stream.
    ///
    /// # Errors
    /// Those of [`Coze::cancel_chat`](crate::Coze::cancel_chat), except that the chat is over.
    pub async fn cancel(self) -> Result<Option<Chat>> {
        let Self {
            events,
            state,
            cancel,
            ..
        } = self;
        drop((events, state));
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

    /// What was recovered, when the stream broke and what was missing has been fetched. The event
    /// that was given last is a recovered one then, and all that follow.
    #[must_use]
    pub fn recovery(&self) -> Option<&Recovery> {
        self.assembly.reply.recovery()
    }

    /// True while the stream is broken and its chat is waited for.
    #[must_use]
    pub fn is_recovering(&self) -> bool {
        matches!(self.state, State::Fetching(..))
    }

    /// The data of the event that was given last, as it came: also what no type knows. In the
    /// dialect of the skill it holds the event's name, too. `None` before the first event and for
    /// recovered ones.
    #[must_use]
    pub fn raw(&self) -> Option<&[u8]> {
        self.events.raw().filter(|_| self.recovery().is_none())
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
                Some(Err(error)) if lacks_speech(&error) => return Poll::Ready(None),
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
                if !self.ended {
                    self.trace.ended(&self.assembly.reply);
                }
                self.ended = true;
                self.cancel.disarm();
                Ok(())
            }
            // It is not kept anywhere, neither here nor at the server.
            ChatEvent::AudioDelta(_) if !self.plan.speech => {
                self.plan.speech = true;
                self.judge(event)
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
        // Speech may follow the end of the chat, and what is recovered always does: there is nothing
        // to cancel then.
        if !chat.status.is_terminal() && self.recovery().is_none() {
            self.cancel.arm(&chat.conversation_id, &chat.id);
            self.trace.named(chat);
        }
    }

    /// An event that was read from the connection or made from what was saved.
    fn give(&mut self, event: ChatEvent) -> Result<ChatEvent> {
        self.assembly.push(&event);
        self.judge(&event)?;
        Ok(event)
    }

    /// Takes a failure of the connection; `None` when the chat is going to be recovered.
    fn broken(&mut self, error: Error) -> Option<Error> {
        let mut failure = match error {
            Error::Stream(failure) => failure,
            error => return Some(self.last(error)),
        };
        let next = match &failure.kind {
            // Told by the server: nothing broke.
            StreamError::Event { .. } => return Some(self.last(Error::Stream(failure))),
            // The speech that follows would be lost, too.
            StreamError::Decode { event, .. } if event == ChatEvent::AUDIO_DELTA => {
                Err(Unrecovered::Speech)
            }
            _ => self.recover(&failure),
        };
        match next {
            Ok(next) => {
                // Not the failure itself: it may quote what was said.
                let StreamFailure {
                    endpoint,
                    events,
                    bytes,
                    ..
                } = failure.as_ref();
                tracing::debug!(%endpoint, events, bytes, "a stream broke; its chat is recovered");
                self.events.close();
                let at = Instant::now();
                let broken = Box::new(Broken { failure, at });
                match next {
                    Some(fetch) => self.state = State::Fetching(broken, fetch),
                    None => self.replay(Vec::new(), *broken),
                }
                None
            }
            // It can be read on.
            Err(_) if matches!(failure.kind, StreamError::Decode { .. }) => {
                self.cancel.disarm();
                failure.conversation_id = self.conversation_id().cloned();
                failure.chat_id = self.chat_id().cloned();
                Some(Error::Stream(failure))
            }
            Err(reason) => Some(self.unrecovered(failure, reason)),
        }
    }

    /// How to recover: by a chat that has to be waited for, or by nothing but the last event.
    fn recover(&self, failure: &StreamFailure) -> Result<Option<Fetch>, Unrecovered> {
        let Recover::Poll(options) = self.plan.recover else {
            return Err(Unrecovered::Off);
        };
        if self.ended {
            return Ok(None);
        }
        if !self.plan.saved {
            return Err(Unrecovered::NotSaved);
        }
        let Reply { chat, .. } = &self.assembly.reply;
        if chat.id.is_unset() || chat.conversation_id.is_unset() {
            return Err(Unrecovered::UnknownChat);
        }
        let until = self.events.frames().deadline();
        if let Some(total) = until
            && failure.is_total_timeout()
        {
            return Err(Unrecovered::Late(total.after));
        }
        let query = ChatQuery {
            conversation_id: chat.conversation_id.clone(),
            chat_id: chat.id.clone(),
        };
        let (coze, resumed) = (self.coze.clone(), self.plan.resumed.as_ref());
        Ok(Some(fetch(coze, query, options, until, resumed)))
    }

    /// Takes the chat that was waited for.
    fn fetched(
        &mut self,
        fetched: Result<Reply, Unrecovered>,
        broken: Broken,
    ) -> Result<(), Error> {
        // It is over, or cannot be reached.
        self.cancel.disarm();
        let events = fetched.and_then(|reply| self.compare(reply));
        match events {
            Ok(events) => {
                self.replay(events, broken);
                Ok(())
            }
            Err(reason) => Err(self.unrecovered(broken.failure, reason)),
        }
    }

    /// What the stream would still have told of this chat, without its last event.
    fn compare(&self, mut saved: Reply) -> Result<Vec<ChatEvent>, Unrecovered> {
        saved.messages = told(saved.messages);
        let failed = saved.chat.status.is_failure();
        if saved.messages.is_empty() && !failed {
            return Err(Unrecovered::Empty);
        }
        let mut messages = saved.messages.clone();
        if let Some(resumed) = &self.plan.resumed {
            let received = self.assembly.received().map(|(it, _)| it.id.clone());
            match resumed.begin(received, &messages) {
                Some(begin) => drop(messages.drain(..begin)),
                None if failed => messages.clear(),
                None => return Err(Unrecovered::Mixed(Box::new(saved))),
            }
        }
        let mut events = match missing(self.assembly.received(), messages) {
            Some(events) => events,
            // What counts is that it failed.
            None if failed => Vec::new(),
            None => return Err(Unrecovered::Differs(Box::new(saved))),
        };
        let chat = Box::new(saved.chat);
        events.push(match chat.status {
            ChatStatus::Completed => ChatEvent::Completed(chat),
            ChatStatus::RequiresAction => ChatEvent::RequiresAction(chat),
            ChatStatus::Canceled => ChatEvent::Canceled(chat),
            _ => ChatEvent::Failed(Box::new(ChatFailure::Chat(*chat))),
        });
        Ok(events)
    }

    /// Goes on with these events, and with the last one.
    fn replay(&mut self, mut events: Vec<ChatEvent>, broken: Broken) {
        let mut failure = None;
        let mut recovery = Recovery {
            cause: broken.failure.to_string(),
            took: broken.at.elapsed(),
            ..Recovery::of(&events)
        };
        if self.plan.speech {
            let mut lacking = broken.failure;
            lacking.unrecovered = Some(Unrecovered::Speech);
            failure = Some(lacking);
        } else {
            recovery.events += 1;
            events.push(ChatEvent::Done(DoneData::default()));
        }
        self.assembly.reply.recovery = Some(Box::new(recovery));
        self.state = State::Replaying(events.into_iter(), failure);
    }

    fn unrecovered(&mut self, mut failure: Box<StreamFailure>, reason: Unrecovered) -> Error {
        failure.unrecovered = Some(reason);
        self.last(Error::Stream(failure))
    }

    /// Ends with an error, and adds what only the chat knows.
    fn last(&mut self, mut error: Error) -> Error {
        self.state = State::Over;
        self.trace.failed(&error);
        self.events.close();
        self.cancel.disarm();
        if let Error::Stream(failure) = &mut error {
            failure.conversation_id = self.conversation_id().cloned();
            failure.chat_id = self.chat_id().cloned();
            failure.partial = Some(self.assembly.reply.clone());
        }
        error
    }

    #[inline]
    fn poll_live(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<ChatEvent>>> {
        // The event stays where it is: it is large, and moving it costs more than judging it.
        let polled = Pin::new(&mut self.events).poll_next(cx);
        let judged = match &polled {
            Poll::Pending => return Poll::Pending,
            Poll::Ready(None) => {
                self.state = State::Over;
                self.cancel.disarm();
                return Poll::Ready(None);
            }
            Poll::Ready(Some(Ok(event))) => {
                self.assembly.push(event);
                self.judge(event)
            }
            Poll::Ready(Some(Err(_))) => return polled,
        };
        match judged {
            Ok(()) => polled,
            Err(error) => Poll::Ready(Some(Err(error))),
        }
    }
}

/// The failure of a stream whose text is whole.
fn lacks_speech(error: &Error) -> bool {
    matches!(error, Error::Stream(failure)
        if matches!(failure.unrecovered, Some(Unrecovered::Speech)))
}

impl Stream for ChatStream {
    type Item = Result<ChatEvent>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        loop {
            let error = match &mut this.state {
                State::Live => match this.poll_live(cx) {
                    Poll::Ready(Some(Err(error))) => this.broken(error),
                    polled => return polled,
                },
                State::Fetching(_, fetch) => {
                    let fetched = ready!(fetch.as_mut().poll(cx));
                    match std::mem::replace(&mut this.state, State::Over) {
                        State::Fetching(broken, _) => this.fetched(fetched, *broken).err(),
                        _ => None,
                    }
                }
                State::Replaying(events, failure) => match (events.next(), failure.take()) {
                    (Some(event), later) => {
                        *failure = later;
                        match this.give(event) {
                            Ok(event) => return Poll::Ready(Some(Ok(event))),
                            Err(error) => Some(this.last(error)),
                        }
                    }
                    (None, Some(failure)) => Some(this.last(Error::Stream(failure))),
                    (None, None) => {
                        this.state = State::Over;
                        None
                    }
                },
                State::Over => return Poll::Ready(None),
            };
            if let Some(error) = error {
                return Poll::Ready(Some(Err(error)));
            }
        }
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
