//! Many streams that begin at the same moment.
//!
//! To begin a stream costs as much work as to read a hundred of its events. When a thousand begin at
//! once, the first events of the first ones would wait until all others are under way. So they begin
//! a few at a time, in order, and each lets what has arrived go first.

use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::task::yield_now;

use crate::time::timeout;

/// So many begin at once.
const PLACES: usize = 4;
/// A place may have gone to a stream that nobody polls. Who has seen no other begin for so long goes
/// without a place.
const STANDSTILL: Duration = Duration::from_millis(20);

/// The streams of a client that begin.
#[derive(Debug)]
pub(crate) struct Starts {
    places: Semaphore,
    begun: AtomicU64,
}

impl Default for Starts {
    fn default() -> Self {
        Self {
            places: Semaphore::const_new(PLACES),
            begun: AtomicU64::new(0),
        }
    }
}

impl Starts {
    /// Waits until a stream may begin.
    pub(crate) async fn turn(&self) {
        let place = match self.places.try_acquire() {
            Ok(place) => Some(place),
            // Boxed, because every stream would carry room for it, and few need it.
            Err(_) => Box::pin(self.place()).await,
        };
        // The place is kept until all that is ready has had its turn.
        yield_now().await;
        self.begun.fetch_add(1, Ordering::Relaxed);
        drop(place);
    }

    /// Waits for a place; `None` at a standstill.
    async fn place(&self) -> Option<SemaphorePermit<'_>> {
        let mut place = pin!(self.places.acquire());
        let mut begun = self.begun.load(Ordering::Relaxed);
        loop {
            if let Ok(place) = timeout(STANDSTILL, place.as_mut()).await {
                return place.ok();
            }
            let before = std::mem::replace(&mut begun, self.begun.load(Ordering::Relaxed));
            if before == begun {
                return None;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::AtomicUsize;

    use tokio::task::JoinSet;

    use super::*;

    #[tokio::test]
    async fn others_have_their_turn_while_many_begin() {
        let (starts, begun) = (Arc::new(Starts::default()), Arc::new(AtomicUsize::new(0)));
        let mut tasks = JoinSet::new();
        for _ in 0..1000 {
            let (starts, begun) = (Arc::clone(&starts), Arc::clone(&begun));
            tasks.spawn(async move {
                starts.turn().await;
                begun.fetch_add(1, Ordering::Relaxed);
            });
        }
        let mut seen = vec![0];
        while seen.last() != Some(&1000) {
            yield_now().await;
            seen.push(begun.load(Ordering::Relaxed));
        }
        let most = seen.windows(2).map(|pair| pair[1] - pair[0]).max();
        assert!(most.is_some_and(|most| most <= 100), "{seen:?}");
        tasks.join_all().await;
    }

    #[tokio::test]
    async fn those_that_nobody_polls_keep_no_other_from_its_turn() {
        let starts = Starts::default();
        let mut left = Vec::new();
        for _ in 0..100 {
            let mut turn = Box::pin(starts.turn());
            assert!(futures_util::poll!(turn.as_mut()).is_pending());
            left.push(turn);
        }
        starts.turn().await;
        // They can be gone on with later.
        futures_util::future::join_all(left).await;
    }
}
