//! When to give up.

use std::time::Duration;

use crate::time::Instant;

/// Waits longer than this are as good as for ever, and still within what the clock can count: that
/// of a browser counts milliseconds in 32 bits.
const EVER: Duration = {
    const DAY: u64 = 86_400;
    Duration::from_secs(if cfg!(target_family = "wasm") {
        24 * DAY
    } else {
        100 * 365 * DAY
    })
};

/// A wait that a clock can count.
pub(crate) fn countable(wait: Duration) -> Duration {
    wait.min(EVER)
}

/// A moment at which to give up, and how long that was from the beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Deadline {
    pub(crate) at: Instant,
    pub(crate) after: Duration,
}

impl Deadline {
    /// So long from now.
    pub(crate) fn after(after: Duration) -> Self {
        Self {
            at: Instant::now() + countable(after),
            after,
        }
    }

    /// This one, or another that comes before it.
    pub(crate) fn or_earlier(self, other: Option<Self>) -> Self {
        other.filter(|it| it.at < self.at).unwrap_or(self)
    }

    pub(crate) fn is_over(self) -> bool {
        self.at <= Instant::now()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_wait_is_too_long_for_a_clock() {
        let ever = Deadline::after(Duration::MAX);
        assert_eq!(ever.after, Duration::MAX);
        assert!(!ever.is_over());
        let soon = Deadline::after(Duration::from_secs(1));
        assert_eq!(ever.or_earlier(Some(soon)), soon);
        assert_eq!(soon.or_earlier(Some(ever)), soon);
        assert_eq!(soon.or_earlier(None), soon);
    }
}
