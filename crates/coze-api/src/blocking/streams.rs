//! Streams as iterators.

use std::ops::Deref;

use coze_types::StreamEvent;
use coze_types::chat::Chat;
use futures_util::{Stream, StreamExt};

use super::Coze;
use crate::error::Result;
use crate::reply::Reply;
use crate::run::RunOutcome;

/// The events of a chat or of a chatflow: an iterator. Dropping it before its end cancels the
/// chat, and waits for that; see the [module](super).
pub type ChatStream = Blocking<crate::ChatStream>;
/// The events of a workflow run: an iterator.
pub type WorkflowStream = Blocking<crate::WorkflowStream>;
/// The events of any streaming call: an iterator.
pub type EventStream<E> = Blocking<crate::EventStream<E>>;
/// The items of a list, page after page: an iterator.
pub type Pages<R> = Blocking<crate::Pages<R>>;
/// A body that is read piece by piece.
pub type RawStream = Blocking<crate::RawStream>;
/// An answer that is bytes.
pub type Download = Blocking<crate::Download>;

/// What is read behind a call, by blocking: what is a [`Stream`] in `async` code is an [`Iterator`]
/// here. What it tells about itself ([`conversation_id`](crate::ChatStream::conversation_id),
/// [`usage`](crate::ChatStream::usage), [`total`](crate::Pages::total) …) it tells by the methods of
/// the `async` type, to which it dereferences.
#[derive(Debug)]
#[must_use = "it does nothing until it is read, and dropping the stream of a chat cancels the chat"]
pub struct Blocking<S> {
    /// First, because it is dropped first: that may need the client.
    stream: S,
    coze: Coze,
}

impl<S> Blocking<S> {
    pub(super) fn new(coze: &Coze, stream: S) -> Self {
        Self {
            stream,
            coze: coze.clone(),
        }
    }

    /// Does something with the `async` stream, and waits for it.
    pub(super) fn with<T>(&mut self, work: impl AsyncFnOnce(&mut S) -> Result<T>) -> Result<T> {
        self.coze.driver.wait(work(&mut self.stream))
    }

    /// Ends with it.
    pub(super) fn end<T>(self, work: impl AsyncFnOnce(S) -> Result<T>) -> Result<T> {
        self.coze.driver.wait(work(self.stream))
    }
}

impl<S> Deref for Blocking<S> {
    type Target = S;

    fn deref(&self) -> &S {
        &self.stream
    }
}

impl<T, S: Stream<Item = Result<T>> + Unpin> Iterator for Blocking<S> {
    type Item = Result<T>;

    fn next(&mut self) -> Option<Self::Item> {
        self.with(async |stream| stream.next().await.transpose())
            .transpose()
    }
}

impl Blocking<crate::ChatStream> {
    /// The next piece of an answer, leaving out everything else; `None` after the last.
    pub fn next_text(&mut self) -> Option<Result<String>> {
        self.with(async |stream| stream.next_text().await.transpose())
            .transpose()
    }

    /// The pieces of the answers that are still to come.
    pub fn texts(&mut self) -> impl Iterator<Item = Result<String>> {
        std::iter::from_fn(|| self.next_text())
    }

    /// Reads the rest, and puts everything together, what was read before included: the
    /// [`collect`](crate::ChatStream::collect) of the `async` stream, whose name belongs to
    /// iterators here.
    ///
    /// # Errors
    /// Those of the stream. What had arrived is in [`Error::partial`](crate::Error::partial).
    pub fn reply(self) -> Result<Reply> {
        self.end(async |stream| stream.collect().await)
    }

    /// Closes the connection and cancels the chat; see
    /// [`cancel`](crate::ChatStream::cancel) of the `async` stream.
    ///
    /// # Errors
    /// Those of [`Coze::cancel_chat`], except that the chat is over.
    pub fn cancel(self) -> Result<Option<Chat>> {
        self.end(async |stream| stream.cancel().await)
    }

    /// Whether dropping the stream cancels the chat; it does unless told otherwise.
    pub fn cancel_on_drop(self, cancel: bool) -> Self {
        Self {
            stream: self.stream.cancel_on_drop(cancel),
            coze: self.coze,
        }
    }

    /// Closes the connection and lets the chat go on.
    pub fn detach(self) {
        self.stream.detach();
    }
}

impl Blocking<crate::WorkflowStream> {
    /// Reads the rest, and puts everything together, what was read before included: the
    /// [`collect`](crate::WorkflowStream::collect) of the `async` stream, whose name belongs to
    /// iterators here.
    ///
    /// # Errors
    /// Those of the `async` method.
    pub fn outcome(self) -> Result<RunOutcome> {
        self.end(async |stream| stream.collect().await)
    }
}

impl<E: StreamEvent> Blocking<crate::EventStream<E>> {
    /// Closes the connection; `None` follows.
    pub fn close(&mut self) {
        self.stream.close();
    }
}
