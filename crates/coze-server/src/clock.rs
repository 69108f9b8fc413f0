//! The time of the server, which tests may move forward.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::HeaderValue;

/// The clock of one server: that of the system, and how far it was moved. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub(crate) struct Clock {
    ahead: Arc<AtomicI64>,
}

impl Clock {
    /// Unix seconds.
    pub(crate) fn now(&self) -> i64 {
        system().saturating_add(self.ahead())
    }

    /// The date for the head of an answer, when it is not that of the system, which every answer
    /// has: clients that compare clocks are to see this one.
    pub(crate) fn date(&self) -> Option<HeaderValue> {
        if self.ahead() == 0 {
            return None;
        }
        let now = u64::try_from(self.now()).ok()?;
        let date = httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs(now));
        HeaderValue::from_str(&date).ok()
    }

    /// Moves it forward; it never goes back, because what has happened stays in the past.
    /// Says how far it is ahead of the system now.
    pub(crate) fn advance(&self, seconds: u64) -> i64 {
        let seconds = i64::try_from(seconds).unwrap_or(FARTHEST);
        let moved = |ahead: i64| ahead.saturating_add(seconds).min(FARTHEST);
        let update = self
            .ahead
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |it| Some(moved(it)));
        // The closure always answers, so the update cannot fail.
        moved(update.unwrap_or_else(|it| it))
    }

    /// Lets it go as the system's again.
    pub(crate) fn reset(&self) {
        self.ahead.store(0, Ordering::Relaxed);
    }

    /// How many seconds it is ahead of the system.
    pub(crate) fn ahead(&self) -> i64 {
        self.ahead.load(Ordering::Relaxed)
    }
}

/// A thousand years: what is computed from the time still fits everywhere.
const FARTHEST: i64 = 1_000 * 365 * 86_400;

/// Unix seconds by the clock of the machine.
fn system() -> i64 {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(now.as_secs()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_goes_forward_and_no_farther_than_a_date_can_be_written() {
        let clock = Clock::default();
        let (before, same) = (clock.now(), clock.clone());
        assert_eq!(clock.advance(3600), 3600);
        assert!((3600..3610).contains(&(same.now() - before)));
        assert_eq!(clock.advance(u64::MAX), FARTHEST);
        assert_eq!(same.ahead(), FARTHEST);
        assert!(clock.date().unwrap().to_str().unwrap().contains(" GMT"));
        clock.reset();
        assert_eq!(clock.date(), None);
    }
}
