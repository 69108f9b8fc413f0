//! The limiters that clients share without being told to.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use super::{Limiter, Limits};

/// By server, token and limits. The first two are only there as a hash, whose key nobody knows:
/// no token is kept.
static SHARED: LazyLock<Mutex<Registry>> = LazyLock::new(Mutex::default);

#[derive(Default)]
struct Registry {
    hasher: RandomState,
    limiters: HashMap<(u64, Limits), Limiter>,
    /// At this size it is tidied up.
    full: usize,
}

/// The limiter for this server, token and limits.
pub(super) fn shared(limits: Limits, base: &str, token: &str) -> Limiter {
    let mut registry = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
    registry.get(limits, base, token)
}

impl Registry {
    fn get(&mut self, limits: Limits, base: &str, token: &str) -> Limiter {
        let key = (self.hasher.hash_one((base, token)), limits);
        if let Some(limiter) = self.limiters.get(&key) {
            return limiter.clone();
        }
        if self.limiters.len() >= self.full {
            // What happened today counts also for a client that is built after all others have
            // gone, so a limiter is kept for as long as it remembers a call that counts.
            self.limiters
                .retain(|_, it| Arc::strong_count(&it.0) > 1 || !it.0.is_idle());
            self.full = 2 * self.limiters.len().max(8);
        }
        let limiter = Limiter::new(limits);
        self.limiters.insert(key, limiter.clone());
        limiter
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limit::DAY;

    fn same(one: &Limiter, other: &Limiter) -> bool {
        Arc::ptr_eq(&one.0, &other.0)
    }

    #[test]
    fn server_token_and_limits_make_a_limiter() {
        let basic = Limits::basic();
        let one = shared(basic, "http://a", "pat_test_1");
        assert!(same(&one, &shared(basic, "http://a", "pat_test_1")));
        assert!(!same(&one, &shared(basic, "http://b", "pat_test_1")));
        assert!(!same(&one, &shared(basic, "http://a", "pat_test_2")));
        let more = basic.per_day(4_000);
        assert!(!same(&one, &shared(more, "http://a", "pat_test_1")));
    }

    #[tokio::test(start_paused = true)]
    async fn a_limiter_is_kept_while_its_calls_count_and_no_longer() {
        let mut registry = Registry::default();
        let limits = Limits::none().per_day(1);
        let limiter = registry.get(limits, "http://a", "pat_test");
        drop(limiter.acquire().await.unwrap());
        drop(limiter);
        for client in 0..100 {
            registry.get(limits, "http://a", &client.to_string());
        }
        // The others have done nothing, so most of them are gone.
        assert!(registry.limiters.len() <= 17, "{}", registry.limiters.len());
        let limiter = registry.get(limits, "http://a", "pat_test");
        assert!(limiter.try_acquire().is_err(), "the day was forgotten");
        drop(limiter);
        tokio::time::advance(DAY).await;
        let limiter = registry.get(limits, "http://a", "pat_test");
        assert!(limiter.try_acquire().is_ok());
    }
}
