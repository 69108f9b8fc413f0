//! A stream of typed events.

use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use coze_types::StreamEvent;
use futures_util::Stream;
use serde::de::IgnoredAny;

use crate::error::Result;
use crate::frames::{Found, Frames};
use crate::stream_error::StreamError;

/// The events of a streaming call, as they come: a [`Stream`], and [`next`](Self::next) for those
/// who do not want the trait.
///
/// It ends after the last event. A stream that ends before it yields
/// [`StreamError::Truncated`] once, then `None`. After any error but [`StreamError::Decode`]
/// nothing follows. Nothing is recovered: that is what [`ChatStream`](crate::ChatStream) is for.
/// Dropping it closes its connection.
pub struct EventStream<E: StreamEvent> {
    frames: Box<Frames>,
    memory: E::Memory,
}

impl<E: StreamEvent> fmt::Debug for EventStream<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventStream")
            .field("endpoint", &self.frames.head().endpoint)
            .field("events", &self.frames.events())
            .field("bytes", &self.frames.bytes())
            .finish_non_exhaustive()
    }
}

impl<E: StreamEvent> EventStream<E> {
    pub(crate) fn new(frames: Box<Frames>) -> Self {
        Self {
            frames,
            memory: E::Memory::default(),
        }
    }

    /// The log id of the call.
    #[must_use]
    pub fn log_id(&self) -> Option<&str> {
        self.frames.head().log_id.as_deref()
    }

    /// The HTTP status.
    #[must_use]
    pub fn http_status(&self) -> u16 {
        self.frames.head().status
    }

    /// How many events have been read.
    #[must_use]
    pub fn events(&self) -> u64 {
        self.frames.events()
    }

    /// How many bytes have been read.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.frames.bytes()
    }

    /// The data of the event that was given last, as it came: also what no type knows. In the
    /// dialect of the skill it holds the event's name, too. `None` before the first event, and
    /// after one without data.
    #[must_use]
    pub fn raw(&self) -> Option<&[u8]> {
        self.frames.raw()
    }

    /// True when nothing will follow.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.frames.is_over()
    }

    /// Closes the connection; `None` follows.
    pub fn close(&mut self) {
        self.frames.close();
    }

    pub(crate) fn frames(&self) -> &Frames {
        &self.frames
    }

    /// The next event; `None` after the last.
    ///
    /// It can be dropped while it waits (in a `select!`, say) without losing anything.
    pub async fn next(&mut self) -> Option<Result<E>> {
        poll_fn(|cx| Pin::new(&mut *self).poll_next(cx)).await
    }
}

impl<E: StreamEvent> Stream for EventStream<E> {
    type Item = Result<E>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Self { frames, memory } = &mut *self;
        let is_rest = match ready!(frames.poll_frame(cx, |bytes| E::recall(bytes, memory))) {
            None => return Poll::Ready(None),
            Some(Err(error)) => return Poll::Ready(Some(Err(error))),
            Some(Ok(Found::Recalled(event))) => {
                frames.after(event.progress());
                return Poll::Ready(Some(Ok(event)));
            }
            Some(Ok(Found::Whole)) => false,
            Some(Ok(Found::Rest)) => true,
        };
        let frame = frames.frame();
        // Without a name it is of the dialect that puts the name into the data, and it is cut.
        if is_rest && frame.event.is_none() && !is_whole(frame.data) {
            return Poll::Ready(frames.end());
        }
        Poll::Ready(Some(match E::read(&frame, memory) {
            Ok(event) => {
                frames.after(event.progress());
                Ok(event)
            }
            // What was cut need not fit.
            Err(_) if is_rest => return Poll::Ready(frames.end()),
            Err(error) => {
                let event = frame.event.as_deref().unwrap_or("message").to_owned();
                let data = Bytes::copy_from_slice(frame.data.unwrap_or_default());
                let head = frames.head();
                Err(frames.failure(StreamError::Decode {
                    event,
                    at: error.at.to_string(),
                    reason: head.redact(error.source.to_string()),
                    data: head.body(data),
                }))
            }
        }))
    }
}

/// True for JSON that is not cut, and for the bare end mark.
fn is_whole(data: Option<&[u8]>) -> bool {
    let data = data.unwrap_or_default();
    data.trim_ascii() == b"[DONE]" || serde_json::from_slice::<IgnoredAny>(data).is_ok()
}
