//! Connections that are used again, and may have been closed by the server in between.
//!
//! A server may close a kept connection at any moment, also in the very moment in which the next
//! call is written to it. Such a call fails although nothing is wrong, and sending it again is safe
//! only if the server cannot have seen it. Two signs show that:
//!
//! - The connection was lost before the body of the call was handed over. A call on a kept
//!   connection is therefore written in two steps, its head first, while the server has not yet
//!   proven that it keeps connections.
//! - The connection was *reset*: a system does that when data arrives for which nobody is there.
//!
//! An orderly end behind a whole call proves nothing, so that is an error like others.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tower_layer::Layer;
use tower_service::Service;

/// So many calls over kept connections show that a server keeps them.
const ENOUGH: u32 = 8;
/// How long the body waits behind its head. A server that has answered and closes does both within
/// a fraction of this time.
const PAUSE: Duration = Duration::from_millis(2);

/// What a client knows of how its server treats connections.
#[derive(Debug, Default)]
pub(crate) struct Habits {
    kept: AtomicU32,
}

impl Habits {
    /// Of a client that is new.
    pub(crate) fn begin() -> Option<Self> {
        Some(Self::default())
    }

    /// Whether calls are to be written in two steps.
    pub(crate) fn are_unknown(&self) -> bool {
        self.kept.load(Ordering::Relaxed) < ENOUGH
    }

    /// A call was answered over a kept connection.
    pub(crate) fn kept(&self) {
        self.kept.fetch_add(1, Ordering::Relaxed);
    }

    /// A kept connection turned out to be closed.
    pub(crate) fn closed(&self) {
        self.kept.store(0, Ordering::Relaxed);
    }
}

/// What happened to one attempt on its way out.
#[derive(Debug, Default)]
pub(crate) struct Trail {
    /// A connection was made for it.
    fresh: AtomicBool,
    /// Its body was handed over.
    handed: AtomicBool,
}

impl Trail {
    pub(crate) fn is_fresh(&self) -> bool {
        self.fresh.load(Ordering::Relaxed)
    }

    /// The whole call is about to be written.
    pub(crate) fn hand_over(&self) {
        self.handed.store(true, Ordering::Relaxed);
    }

    pub(crate) fn was_handed(&self) -> bool {
        self.handed.load(Ordering::Relaxed)
    }
}

tokio::task_local! {
    /// The attempt that the present task sends.
    static PRESENT: Arc<Trail>;
}

/// Sends an attempt so that its trail is kept.
pub(crate) async fn followed<T>(trail: Arc<Trail>, sending: impl Future<Output = T>) -> T {
    PRESENT.scope(trail, sending).await
}

/// Notes on the trail of the present attempt that a connection is made for it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NoteConnections;

impl<S> Layer<S> for NoteConnections {
    type Service = Noted<S>;
    fn layer(&self, inner: S) -> Noted<S> {
        Noted(inner)
    }
}

/// See [`NoteConnections`].
#[derive(Debug, Clone)]
pub(crate) struct Noted<S>(S);

impl<S: Service<R>, R> Service<R> for Noted<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, to: R) -> S::Future {
        // Connections that nobody waits for are made outside of any attempt.
        let _ = PRESENT.try_with(|trail| trail.fresh.store(true, Ordering::Relaxed));
        self.0.call(to)
    }
}

/// A body that lets its head go ahead on a kept connection.
struct SecondStep {
    bytes: Option<Bytes>,
    trail: Arc<Trail>,
    pause: Option<Pin<Box<tokio::time::Sleep>>>,
}

impl SecondStep {
    fn new(bytes: Bytes, trail: Arc<Trail>) -> Self {
        Self {
            bytes: Some(bytes),
            trail,
            pause: None,
        }
    }
}

/// A body of bytes; with a trail, one that is written behind its head.
pub(crate) fn body(bytes: &Bytes, trail: Option<&Arc<Trail>>) -> reqwest::Body {
    match trail {
        None => bytes.clone().into(),
        Some(trail) => reqwest::Body::wrap(SecondStep::new(bytes.clone(), Arc::clone(trail))),
    }
}

impl Body for SecondStep {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        if self.bytes.is_some() && !self.trail.is_fresh() {
            let pause = self
                .pause
                .get_or_insert_with(|| Box::pin(tokio::time::sleep(PAUSE)));
            ready!(pause.as_mut().poll(cx));
        }
        let bytes = self.bytes.take();
        self.trail.hand_over();
        Poll::Ready(bytes.map(|bytes| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.bytes.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.bytes.as_ref().map_or(0, |bytes| bytes.len() as u64))
    }
}
