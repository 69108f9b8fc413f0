//! Connections in a browser: it looks after them itself, and shows nothing of them.
//!
//! The names are those of the native `reuse`, but there are no habits to be known here, so no call
//! ever leaves a trail.

use std::convert::Infallible;
use std::sync::Arc;

/// Never there.
#[derive(Debug)]
pub(crate) struct Habits(Infallible);

impl Habits {
    pub(crate) fn begin() -> Option<Self> {
        None
    }

    pub(crate) fn trail(&self) -> Option<Arc<Trail>> {
        match self.0 {}
    }

    pub(crate) fn kept(&self) {
        match self.0 {}
    }

    pub(crate) fn closed(&self) {
        match self.0 {}
    }
}

/// Shows nothing.
#[derive(Debug, Default)]
pub(crate) struct Trail {}

impl Trail {
    pub(crate) fn is_fresh(&self) -> bool {
        true
    }

    pub(crate) fn is_young(&self) -> bool {
        false
    }

    pub(crate) fn hand_over(&self) {}

    pub(crate) fn was_handed(&self) -> bool {
        true
    }
}

pub(crate) async fn followed<T>(_: Arc<Trail>, sending: impl Future<Output = T>) -> T {
    sending.await
}

pub(crate) fn in_steps(
    request: reqwest::RequestBuilder,
    _: &Arc<Trail>,
    _only_once: bool,
) -> reqwest::Result<reqwest::RequestBuilder> {
    Ok(request)
}
