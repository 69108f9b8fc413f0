//! The time of the server, which tests may move forward.

use std::sync::atomic::{AtomicI64, Ordering};

/// The clock of one server: that of the system, and how far it was moved.
#[derive(Debug, Default)]
pub(crate) struct Clock {
    ahead: AtomicI64,
}

impl Clock {
    /// Unix seconds.
    pub(crate) fn now(&self) -> i64 {
        crate::ids::now().saturating_add(self.ahead.load(Ordering::Relaxed))
    }
}
