//! The parts of a form, read piece by piece.
//!
//! The reader of forms takes from a body whatever is there, and keeps what it cannot make sense of
//! yet. So it is fed one piece at a time, and no more than [`AHEAD`] before something comes out.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};

use axum::body::{Body, Bytes};
use axum::extract::multipart::{Field, MultipartError};
use axum::extract::{FromRequest, Multipart, Request};
use hyper::body::{Frame, SizeHint};

use crate::fail::{Fail, caused_by};
use crate::listen::TooSlow;

/// The parts of a form at most.
const MOST: usize = 64;
/// Bytes that may be read without an end of a part's head in sight.
const AHEAD: usize = 64 * 1024;

/// A form under way.
pub(crate) struct Parts {
    parts: Multipart,
    count: usize,
    ahead: Arc<AtomicUsize>,
}

/// A part of a form.
pub(crate) struct Part<'a> {
    field: Field<'a>,
    ahead: Arc<AtomicUsize>,
}

impl Parts {
    pub(crate) async fn read(request: Request) -> Result<Self, Fail> {
        let ahead = Arc::new(AtomicUsize::new(0));
        let fed = Arc::clone(&ahead);
        let request = request.map(|body| {
            Body::new(Feed {
                body,
                ahead: fed,
                paused: false,
            })
        });
        match Multipart::from_request(request, &()).await {
            Ok(parts) => Ok(Self {
                parts,
                count: 0,
                ahead,
            }),
            Err(why) => {
                let why = format!("it must be multipart/form-data ({why})");
                Err(Fail::invalid("body", why))
            }
        }
    }

    /// The next part. What was not read of the one before should have been
    /// [skipped](Part::skip).
    pub(crate) async fn next(&mut self) -> Result<Option<Part<'_>>, Fail> {
        let Some(field) = self.parts.next_field().await.map_err(|it| broken(&it))? else {
            return Ok(None);
        };
        self.ahead.store(0, Ordering::Relaxed);
        self.count += 1;
        if self.count > MOST {
            let why = format!("the form has more than {MOST} parts");
            return Err(Fail::invalid("body", why));
        }
        let ahead = Arc::clone(&self.ahead);
        Ok(Some(Part { field, ahead }))
    }
}

impl Part<'_> {
    pub(crate) fn name(&self) -> Option<&str> {
        self.field.name()
    }

    pub(crate) fn media_type(&self) -> Option<&str> {
        self.field.content_type()
    }

    pub(crate) fn file_name(&self) -> Option<&str> {
        self.field.file_name()
    }

    /// The next piece of its content.
    pub(crate) async fn chunk(&mut self) -> Result<Option<Bytes>, Fail> {
        let chunk = self.field.chunk().await.map_err(|it| broken(&it))?;
        self.ahead.store(0, Ordering::Relaxed);
        Ok(chunk)
    }

    /// Reads to its end.
    pub(crate) async fn skip(mut self) -> Result<(), Fail> {
        while self.chunk().await?.is_some() {}
        Ok(())
    }
}

#[derive(Debug, thiserror::Error)]
#[error("the head of a part is larger than 64 KB")]
struct HeadTooLarge;

fn broken(error: &MultipartError) -> Fail {
    if caused_by::<TooSlow>(error) {
        return Fail::invalid("body", TooSlow).with_http(408);
    }
    if caused_by::<HeadTooLarge>(error) {
        return Fail::invalid("body", HeadTooLarge).with_http(413);
    }
    let text = error.body_text();
    Fail::new(4304, format!("the upload did not arrive whole: {text}"))
}

/// Hands a body on piece by piece.
struct Feed {
    body: Body,
    /// What was handed on since something came of it.
    ahead: Arc<AtomicUsize>,
    /// The reader has had a piece and should look at it first.
    paused: bool,
}

impl hyper::body::Body for Feed {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        if std::mem::take(&mut self.paused) {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        if self.ahead.load(Ordering::Relaxed) > AHEAD {
            return Poll::Ready(Some(Err(axum::Error::new(HeadTooLarge))));
        }
        let frame = ready!(Pin::new(&mut self.body).poll_frame(context));
        if let Some(Ok(frame)) = &frame {
            let length = frame.data_ref().map_or(0, Bytes::len);
            self.ahead.fetch_add(length, Ordering::Relaxed);
            self.paused = true;
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
