//! Whether a call that failed is sent again, and when.

use std::time::Duration;

use coze_types::catalogue::Retry as Advice;

use crate::call::Call;
use crate::error::Error;
use crate::time::Instant;

/// How often, and for how long, a failed call is sent again.
///
/// What is sent again is what can be without doing anything twice: calls that the server refused
/// or never saw, and reads. A chat, a run or a write that may have begun is not, unless the caller
/// asks for it with [`Coze::resending`](crate::Coze::resending).
///
/// ```no_run
/// # fn run() -> coze_api::Result<()> {
/// use std::time::Duration;
/// use coze_api::{Coze, RetryPolicy};
///
/// let patient = RetryPolicy { attempts: 8, budget: Duration::from_secs(300), ..Default::default() };
/// let coze = Coze::builder().token("pat_…").retry(patient).build()?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryPolicy {
    /// How often a call is sent at most, the first time included: 4. With 1 nothing is repeated.
    pub attempts: u32,
    /// The first wait: 500 ms. Each further one is twice as long, and each is cut by up to a half
    /// at random, so that clients that failed together do not come back together.
    pub first_delay: Duration,
    /// The longest wait of our own choosing: 10 s. A server that asks for more by `Retry-After` is
    /// obeyed.
    pub max_delay: Duration,
    /// How long a call is repeated at most, counted from its beginning: 60 s. A wait that would
    /// pass this end is not begun; the error then says what the server asked for.
    pub budget: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            attempts: 4,
            first_delay: Duration::from_millis(500),
            max_delay: Duration::from_secs(10),
            budget: Duration::from_secs(60),
        }
    }
}

impl RetryPolicy {
    /// Nothing is ever repeated.
    #[must_use]
    pub fn none() -> Self {
        Self {
            attempts: 1,
            ..Self::default()
        }
    }
}

/// The attempts of one call.
pub(crate) struct Attempts {
    policy: RetryPolicy,
    begin: Instant,
    /// How many were made.
    pub(crate) made: u32,
    /// How many of them hit a connection that the server had already closed.
    stale: u32,
    /// One of them was refused because of its token.
    pub(crate) renewed: bool,
}

/// A connection that was closed before the call could reach the server is no fault of the server:
/// such attempts are repeated at once and are not counted, but not without end.
const MAX_STALE: u32 = 8;

impl Attempts {
    pub(crate) fn new(policy: RetryPolicy) -> Self {
        Self {
            policy,
            begin: Instant::now(),
            made: 0,
            stale: 0,
            renewed: false,
        }
    }

    /// After a failure: how long to wait before the next attempt; `None` to give up.
    pub(crate) fn next(&mut self, call: &Call, error: &Error, resend: bool) -> Option<Duration> {
        if !call.payload.is_whole() {
            return None;
        }
        if let Error::Transport(lost) = error
            && lost.is_stale()
            && self.stale < MAX_STALE
            && self.policy.attempts > 1
        {
            self.stale += 1;
            return Some(Duration::ZERO);
        }
        if self.made - self.stale >= self.policy.attempts {
            return None;
        }
        // The login has made attempts of its own.
        if matches!(error, Error::Auth(_)) {
            return None;
        }
        // A signed login is valid once, so it is sent again only if nobody can have seen it.
        let once = call.credential.is_some();
        if once && !matches!(error, Error::Transport(_)) {
            return None;
        }
        if !is_worth_repeating(error) {
            return None;
        }
        if error.may_have_begun() && (once || (!call.is_read && !resend)) {
            return None;
        }
        let wait = match error.retry_after() {
            Some(asked) => asked,
            None => self.back_off(),
        };
        // A server may ask for any number of seconds.
        let end = self.begin.elapsed().saturating_add(wait);
        (end <= self.policy.budget).then_some(wait)
    }

    fn back_off(&self) -> Duration {
        let doublings = (self.made - self.stale).saturating_sub(1).min(16);
        let full = self.policy.first_delay.saturating_mul(1 << doublings);
        jittered(full.min(self.policy.max_delay))
    }
}

/// Half of a wait up to the whole of it, so that programs that were refused together do not come
/// back together.
pub(crate) fn jittered(wait: Duration) -> Duration {
    wait / 2 + (wait / 2).mul_f64(chance())
}

/// A number from 0 to 1.
#[cfg(not(target_family = "wasm"))]
fn chance() -> f64 {
    use std::hash::{BuildHasher, RandomState};
    // Each `RandomState` is seeded anew; nothing better is needed to spread clients.
    f64::from(RandomState::new().hash_one(0) as u32) / f64::from(u32::MAX)
}

/// A number from 0 to 1.
#[cfg(target_family = "wasm")]
fn chance() -> f64 {
    js_sys::Math::random()
}

/// Whether the same call may succeed a moment later. An occupied conversation does not count: how
/// long it stays so depends on the chat in it.
fn is_worth_repeating(error: &Error) -> bool {
    let after_chat = error
        .explain()
        .is_some_and(|entry| entry.retry == Advice::AfterChat);
    error.is_retryable() && !after_chat
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn waits_grow_and_stay_within_their_limits() {
        let policy = RetryPolicy::default();
        for made in 1..40 {
            let attempts = Attempts {
                made,
                ..Attempts::new(policy)
            };
            let full = (policy.first_delay * 2_u32.pow((made - 1).min(10))).min(policy.max_delay);
            let wait = attempts.back_off();
            assert!(wait >= full / 2 && wait <= full, "{made}: {wait:?}");
        }
    }
}
