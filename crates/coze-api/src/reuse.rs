//! Connections that are used again, and may have been closed by the server in between.
//!
//! A server may close a kept connection at any moment, also in the very moment in which the next
//! call is written to it. Such a call fails although nothing is wrong, and sending it again is safe
//! only if the server cannot have seen it. Two signs show that:
//!
//! - The connection was lost before the body of the call was handed over. A call on a kept
//!   connection is therefore written in two steps, its head first, while the server has not yet
//!   proven that it keeps connections. Between the two steps there is a wait as long as nothing is
//!   known of the server, then only a look at what the system has heard of the connection.
//! - The connection was *reset* at once: a system does that when data arrives for which nobody is
//!   there. A reset that comes later may be that of a server which had read the call.
//!
//! An orderly end behind a whole call proves nothing, so that is an error like others.

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::time::Instant;
use tower_layer::Layer;
use tower_service::Service;

/// So many calls over kept connections show that a server keeps them.
const ENOUGH: u32 = 16;
/// How long the body waits behind its head, before the first kept connection has carried an answer.
/// A server that has answered and closes does both within a fraction of this time.
const PAUSE: Duration = Duration::from_millis(2);
/// For a body of which nothing can be sent twice: the connection must prove better that it lives.
const LONG_PAUSE: Duration = Duration::from_millis(50);
/// The way to a server and back takes less than this.
const AT_ONCE: Duration = Duration::from_millis(500);

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

    /// The trail of an attempt that is to be written in two steps; `None` where that is not needed.
    pub(crate) fn trail(&self) -> Option<Arc<Trail>> {
        let kept = self.kept.load(Ordering::Relaxed);
        (kept < ENOUGH).then(|| Arc::new(Trail::new(kept > 0)))
    }

    /// A call was answered over a kept connection.
    pub(crate) fn kept(&self) {
        self.kept.fetch_add(1, Ordering::Relaxed);
    }

    /// A kept connection turned out to be closed, or may have been: all has to be shown again.
    pub(crate) fn closed(&self) {
        self.kept.store(0, Ordering::Relaxed);
    }
}

/// What happened to one attempt on its way out.
#[derive(Debug, Default)]
pub(crate) struct Trail {
    /// A connection was made for it.
    fresh: AtomicBool,
    /// When its body was handed over.
    handed: OnceLock<Instant>,
    /// The server has kept a connection before, so a look is enough.
    kept_before: bool,
}

impl Trail {
    fn new(kept_before: bool) -> Self {
        Self {
            kept_before,
            ..Self::default()
        }
    }

    pub(crate) fn is_fresh(&self) -> bool {
        self.fresh.load(Ordering::Relaxed)
    }

    /// The whole call is about to be written.
    pub(crate) fn hand_over(&self) {
        self.handed.get_or_init(Instant::now);
    }

    pub(crate) fn was_handed(&self) -> bool {
        self.handed.get().is_some()
    }

    /// A server can hardly have read the call, let alone begun with it.
    pub(crate) fn is_young(&self) -> bool {
        self.handed.get().is_none_or(|at| at.elapsed() < AT_ONCE)
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

/// A request whose body is written behind its head, if its connection is a kept one.
pub(crate) fn in_steps(
    request: reqwest::RequestBuilder,
    trail: &Arc<Trail>,
    only_once: bool,
) -> reqwest::Result<reqwest::RequestBuilder> {
    let (client, request) = request.build_split();
    let mut request = request?;
    if let Some(body) = request.body_mut().take() {
        let step = match (only_once, trail.kept_before) {
            (true, _) => Step::Wait(LONG_PAUSE),
            (false, false) => Step::Wait(PAUSE),
            (false, true) => Step::Look,
        };
        let body = SecondStep {
            body,
            trail: Arc::clone(trail),
            step,
            pause: None,
        };
        *request.body_mut() = Some(reqwest::Body::wrap(body));
    }
    Ok(reqwest::RequestBuilder::from_parts(client, request))
}

/// What lies between the head and the body of a call.
#[derive(Debug, Clone, Copy)]
enum Step {
    /// What the server does now can still arrive.
    Wait(Duration),
    /// What has arrived is heard of.
    Look,
}

impl Step {
    async fn take(self) {
        match self {
            Self::Wait(time) => tokio::time::sleep(time).await,
            // The runtime asks the system for news before it goes on with what has yielded.
            Self::Look => {
                tokio::task::yield_now().await;
                tokio::task::yield_now().await;
            }
        }
    }
}

/// A body that lets its head go ahead on a kept connection.
struct SecondStep {
    body: reqwest::Body,
    trail: Arc<Trail>,
    step: Step,
    pause: Option<Pin<Box<dyn Future<Output = ()> + Send + Sync>>>,
}

impl Body for SecondStep {
    type Data = Bytes;
    type Error = reqwest::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        if !self.trail.was_handed() {
            if !self.trail.is_fresh() {
                let step = self.step;
                let pause = self.pause.get_or_insert_with(|| Box::pin(step.take()));
                ready!(pause.as_mut().poll(cx));
            }
            self.trail.hand_over();
        }
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
