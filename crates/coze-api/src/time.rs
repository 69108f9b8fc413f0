//! The clock. Nothing else knows which one the platform has.
//!
//! Natively it is tokio's, which tests can stop; in a browser it is the browser's, under the same
//! names.

use std::time::SystemTime;

#[cfg(not(target_family = "wasm"))]
pub(crate) use tokio::time::{Instant, Sleep, sleep, sleep_until, timeout, timeout_at};
#[cfg(target_family = "wasm")]
pub(crate) use wasmtimer::{
    std::Instant,
    tokio::{Sleep, sleep, sleep_until, timeout, timeout_at},
};

/// What the clock on the wall shows.
#[cfg(not(target_family = "wasm"))]
pub(crate) fn now() -> SystemTime {
    SystemTime::now()
}

/// What the clock on the wall shows.
#[cfg(target_family = "wasm")]
pub(crate) fn now() -> SystemTime {
    use std::time::{Duration, UNIX_EPOCH};
    UNIX_EPOCH + Duration::from_millis(js_sys::Date::now() as u64)
}
