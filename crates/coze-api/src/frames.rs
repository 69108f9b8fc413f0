//! Frames of a streaming answer, without their types.
//!
//! Nothing is spawned and nothing is copied but the bytes into the decoder: whoever polls the
//! stream drives the connection, and dropping it closes the connection.

use std::ops::Range;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use coze_types::sse::{Decoder, Frame};
use coze_types::stream::Progress;

use crate::deadline::Deadline;
use crate::error::Error;
use crate::exchange::{Opened, is_document};
use crate::incoming::Incoming;
use crate::limit::Permit;
use crate::observe::{Observer, StreamEnd};
use crate::response::{Head, RawResponse};
use crate::stream_error::{StreamError, StreamFailure};
use crate::time::Instant;
use crate::transport::{TransportError, Waited, is_early_end};
use crate::watch::Watch;

/// A frame that [`Frames::poll_frame`] has moved to.
pub(crate) enum Found<T> {
    /// A whole frame.
    Whole,
    /// A whole frame that was recalled, and what was read from it.
    Recalled(T),
    /// The last one, without an empty line behind it: it may be cut anywhere.
    Rest,
}

pub(crate) struct Frames {
    head: Head,
    url: String,
    /// `None` once it has ended.
    body: Option<Incoming>,
    begin: Option<Bytes>,
    decoder: Decoder,
    /// The frame that was found last, if it was recalled, and where its data stands.
    recalled: Option<(Bytes, Range<usize>)>,
    /// Where the stream stands after the last event.
    progress: Progress,
    /// The last item was given out.
    over: bool,
    /// A document that came instead of a stream, in spite of its type.
    document: Option<Vec<u8>>,
    watch: Watch,
    /// The stream's place among the calls under way.
    permit: Option<Permit>,
    bytes: u64,
    events: u64,
    observed: Option<Box<Observed>>,
}

/// For whoever counts.
struct Observed {
    observer: Arc<dyn Observer>,
    begin: Instant,
    first_event: Option<Duration>,
}

impl Frames {
    pub(crate) fn new(
        opened: Opened,
        (idle, observer): (Duration, Option<Arc<dyn Observer>>),
        begin: Option<Bytes>,
    ) -> Self {
        Self {
            head: opened.head,
            url: opened.url,
            body: Some(opened.response),
            begin,
            decoder: Decoder::new(),
            recalled: None,
            progress: Progress::Going,
            over: false,
            document: None,
            watch: Watch::new(idle, opened.deadline),
            permit: opened.permit,
            bytes: 0,
            events: 0,
            observed: observer.map(|observer| {
                Box::new(Observed {
                    observer,
                    begin: Instant::now(),
                    first_event: None,
                })
            }),
        }
    }

    pub(crate) fn head(&self) -> &Head {
        &self.head
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(crate) fn events(&self) -> u64 {
        self.events
    }

    /// When the whole call must be done.
    pub(crate) fn deadline(&self) -> Option<Deadline> {
        self.watch.deadline()
    }

    /// The data of the frame that was found last; `None` once another one is looked for.
    pub(crate) fn raw(&self) -> Option<&[u8]> {
        match &self.recalled {
            Some((frame, data)) => frame.get(data.clone()),
            None => self.decoder.current()?.data,
        }
    }

    /// The frame that was found last, unless it was recalled.
    pub(crate) fn frame(&self) -> Frame<'_> {
        self.decoder.frame()
    }

    /// True when no frame will follow.
    pub(crate) fn is_over(&self) -> bool {
        self.over
    }

    /// Moves to the next frame; `None` at the end.
    ///
    /// A chunk that begins a frame is first shown to `recall`; what that knows is not decoded.
    pub(crate) fn poll_frame<T>(
        &mut self,
        cx: &mut Context<'_>,
        mut recall: impl FnMut(&[u8]) -> Option<(T, Range<usize>)>,
    ) -> Poll<Option<Result<Found<T>, Error>>> {
        if self.over {
            return Poll::Ready(None);
        }
        self.recalled = None;
        loop {
            let Some(body) = &mut self.body else {
                return Poll::Ready(self.end());
            };
            match self.decoder.advance() {
                Ok(true) => return Poll::Ready(Some(Ok(Found::Whole))),
                Ok(false) => {}
                Err(error) => {
                    let limit = error.limit;
                    return self.fail(StreamError::FrameTooLong { limit });
                }
            }
            let chunk = match self.begin.take() {
                Some(begin) => Some(Ok(begin)),
                None => match poll_chunk(body, cx) {
                    Poll::Ready(chunk) => chunk,
                    Poll::Pending => match self.watch.poll(cx) {
                        Poll::Ready(waited) => {
                            let endpoint = self.head.endpoint.clone();
                            let error = TransportError::timeout(endpoint, &self.url, waited);
                            return self.fail(StreamError::Transport(error));
                        }
                        Poll::Pending => return Poll::Pending,
                    },
                },
            };
            match chunk {
                Some(Ok(chunk)) => {
                    if let Some(event) = self.take(chunk, &mut recall) {
                        return Poll::Ready(Some(Ok(Found::Recalled(event))));
                    }
                }
                Some(Err(error)) if !self.may_end() && !is_early_end(&error) => {
                    let endpoint = self.head.endpoint.clone();
                    let error = TransportError::new(endpoint, &self.url, error);
                    return self.fail(StreamError::Transport(error));
                }
                Some(Err(_)) | None => {
                    self.body = None;
                    if self.document.is_none() && self.decoder.finish() {
                        return Poll::Ready(Some(Ok(Found::Rest)));
                    }
                }
            }
        }
    }

    #[inline]
    fn take<T>(
        &mut self,
        chunk: Bytes,
        recall: impl FnOnce(&[u8]) -> Option<(T, Range<usize>)>,
    ) -> Option<T> {
        self.watch.heard();
        if self.bytes == 0 && is_document(&chunk) {
            self.document = Some(Vec::new());
        }
        self.bytes += chunk.len() as u64;
        match &mut self.document {
            None => {
                if !self.decoder.has_rest()
                    && let Some((event, data)) = recall(&chunk)
                {
                    self.recalled = Some((chunk, data));
                    return Some(event);
                }
                self.decoder.push(&chunk);
            }
            // Enough to tell what it is.
            Some(document) if document.len() < 1 << 20 => document.extend_from_slice(&chunk),
            Some(_) => {}
        }
        None
    }

    /// Notes an event that was read from the present frame.
    pub(crate) fn after(&mut self, progress: Progress) {
        self.events += 1;
        if let Some(observed) = &mut self.observed {
            let begin = observed.begin;
            observed.first_event.get_or_insert_with(|| begin.elapsed());
        }
        match progress {
            Progress::Going => {}
            // It stays: a failure that was told is not untold by an event behind it.
            Progress::MayEnd => self.progress = Progress::MayEnd,
            // The end of the body is not waited for. The body is kept, though: while it is, the
            // HTTP client takes its end when that comes, and can use the connection again.
            Progress::Ended => {
                self.progress = Progress::Ended;
                self.over = true;
                self.permit = None;
            }
        }
    }

    fn may_end(&self) -> bool {
        self.progress != Progress::Going
    }

    /// The body has ended, and all whole frames were given out.
    pub(crate) fn end<T>(&mut self) -> Option<Result<T, Error>> {
        self.close();
        if let Some(document) = self.document.take() {
            let (head, body) = (self.head.clone(), document.into());
            return Some(Err(RawResponse { head, body }.not_a_stream()));
        }
        if self.may_end() {
            return None;
        }
        Some(Err(self.failure(StreamError::Truncated)))
    }

    fn fail<T>(&mut self, kind: StreamError) -> Poll<Option<Result<T, Error>>> {
        self.close();
        Poll::Ready(Some(Err(self.failure(kind))))
    }

    /// Ends the stream at once, and with it the connection.
    pub(crate) fn close(&mut self) {
        self.over = true;
        self.body = None;
        self.permit = None;
        self.watch.stop();
    }

    pub(crate) fn failure(&self, kind: StreamError) -> Error {
        StreamFailure {
            kind,
            endpoint: self.head.endpoint.clone(),
            log_id: self.head.log_id.clone(),
            events: self.events,
            bytes: self.bytes,
            conversation_id: None,
            chat_id: None,
            partial: None,
            said: Vec::new(),
            run: None,
            unrecovered: None,
        }
        .into()
    }

    /// Whoever waits for the whole stream waits no longer.
    pub(crate) fn late(&self, waited: Waited) -> Error {
        let endpoint = self.head.endpoint.clone();
        let error = TransportError::timeout(endpoint, &self.url, waited);
        self.failure(StreamError::Transport(error))
    }
}

/// The next piece of a body. The future keeps nothing from one poll to the next, and a stream of
/// pieces would cost more.
#[inline]
fn poll_chunk(body: &mut Incoming, cx: &mut Context<'_>) -> Poll<Option<reqwest::Result<Bytes>>> {
    pin!(body.chunk()).poll(cx).map(Result::transpose)
}

impl Drop for Frames {
    fn drop(&mut self) {
        let Some(observed) = self.observed.take() else {
            return;
        };
        observed.observer.stream(&StreamEnd {
            endpoint: &self.head.endpoint,
            log_id: self.head.log_id.as_deref(),
            events: self.events,
            bytes: self.bytes,
            first_event: observed.first_event,
            elapsed: observed.begin.elapsed(),
            complete: self.over && self.progress != Progress::Going,
        });
    }
}
