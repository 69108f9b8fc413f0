//! The body of a request as it comes: it has to keep moving, and a refusal can be read.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::{Body, Frame, Incoming as Received, SizeHint};
use tokio::runtime::Handle;
use tokio::time::{Instant, Sleep, sleep_until, timeout};

use crate::limits::Limits;

/// How long the rest of a body is read that nobody wants any more.
const LINGER: Duration = Duration::from_secs(5);

/// A body that came more slowly than the limits allow.
#[derive(Debug, thiserror::Error)]
#[error("it came too slowly")]
pub(crate) struct TooSlow;

/// The body of a request.
pub(super) struct Incoming {
    /// Taken when it has ended.
    body: Option<Received>,
    received: u64,
    begun: Instant,
    grace: Duration,
    rate: u64,
    /// When it is looked at again whether enough came; set while something is waited for.
    check: Option<Pin<Box<Sleep>>>,
    /// Nobody has wanted it so far, and its sender waits until somebody does.
    held_back: bool,
}

impl Incoming {
    pub(super) fn new(body: Received, limits: &Limits, asks_first: bool) -> Self {
        Self {
            body: Some(body),
            received: 0,
            begun: Instant::now(),
            grace: limits.body,
            rate: limits.body_rate.max(1),
            check: None,
            held_back: asks_first,
        }
    }

    /// When the next byte is due.
    fn due(&self) -> Instant {
        self.begun + self.grace + Duration::from_secs(self.received / self.rate)
    }

    /// Ready when the body is late.
    fn poll_late(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let due = self.due();
        let check = self.check.get_or_insert_with(|| Box::pin(sleep_until(due)));
        loop {
            ready!(check.as_mut().poll(context));
            if Instant::now() >= due {
                return Poll::Ready(());
            }
            // Bytes have come since it was set.
            check.as_mut().reset(due);
        }
    }
}

impl Body for Incoming {
    type Data = Bytes;
    type Error = Box<dyn std::error::Error + Send + Sync>;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        self.held_back = false;
        let Some(body) = &mut self.body else {
            return Poll::Ready(None);
        };
        match Pin::new(body).poll_frame(context) {
            Poll::Ready(Some(Ok(frame))) => {
                self.received += frame.data_ref().map_or(0, |data| data.len() as u64);
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(Some(Err(error))) => {
                self.body = None;
                Poll::Ready(Some(Err(error.into())))
            }
            Poll::Ready(None) => {
                self.body = None;
                Poll::Ready(None)
            }
            Poll::Pending => {
                ready!(self.poll_late(context));
                // Not to be read on: it is the slow one that would be waited for.
                self.body = None;
                Poll::Ready(Some(Err(TooSlow.into())))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Received::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        let body = self.body.as_ref();
        body.map_or_else(|| SizeHint::with_exact(0), Received::size_hint)
    }
}

/// A connection that is closed while its peer still sends is reset, and the peer may never read
/// why it was refused. So what is left is read, and dropped, for a moment.
impl Drop for Incoming {
    fn drop(&mut self) {
        let Some(mut body) = self.body.take() else {
            return;
        };
        if self.held_back || body.is_end_stream() {
            return;
        }
        // Without a runtime the connection has ended, too.
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(timeout(LINGER, async move {
                while let Some(Ok(_)) = body.frame().await {}
            }));
        }
    }
}
