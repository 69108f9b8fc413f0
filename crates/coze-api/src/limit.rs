//! Client-side limits: how many calls may start, and how many may be under way.

mod queue;
mod reached;
mod registry;
#[cfg(test)]
mod tests;

use std::fmt;
use std::future::poll_fn;
use std::num::NonZeroU32;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use http::StatusCode;

pub use self::reached::{Limit, LimitReached};

use self::queue::{Queue, Step};
use crate::call::Call;
use crate::client::Coze;
use crate::deadline::Deadline;
use crate::error::Result;
use crate::response::Head;
use crate::time::{Instant, sleep_until, timeout_at};
use crate::transport::{TransportError, Waited};

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// How many calls may start within a time, and how many may be under way at once.
///
/// A window slides: no second, minute or day, wherever it begins, sees more starts than its limit.
/// Each attempt counts, whether it succeeds or not, because the service counts so too.
///
/// ```
/// use coze_api::Limits;
///
/// let limits = Limits::basic().concurrent(4);
/// assert_eq!(limits.per_minute.unwrap().get(), 60);
/// assert_eq!(Limits::default(), Limits::none());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub struct Limits {
    /// Starts in any second.
    pub per_second: Option<NonZeroU32>,
    /// Starts in any minute.
    pub per_minute: Option<NonZeroU32>,
    /// Starts in any 24 hours.
    pub per_day: Option<NonZeroU32>,
    /// Calls under way; a stream is under way until it ends or is dropped.
    pub concurrent: Option<NonZeroU32>,
    /// The longest wait for a turn. See [`max_wait`](Self::max_wait()).
    pub max_wait: Option<Duration>,
}

impl Limits {
    /// No limits; the default.
    #[must_use]
    pub const fn none() -> Self {
        Self {
            per_second: None,
            per_minute: None,
            per_day: None,
            concurrent: None,
            max_wait: None,
        }
    }

    /// Those of the basic plan as the service's own skill document for its API names them: 2 calls
    /// a second, 60 a minute, 3,000 a day.
    #[must_use]
    pub const fn basic() -> Self {
        Self::none().per_second(2).per_minute(60).per_day(3_000)
    }

    /// Lets so many calls start in any second; 0 lifts the limit.
    #[must_use]
    pub const fn per_second(mut self, calls: u32) -> Self {
        self.per_second = NonZeroU32::new(calls);
        self
    }

    /// Lets so many calls start in any minute; 0 lifts the limit.
    #[must_use]
    pub const fn per_minute(mut self, calls: u32) -> Self {
        self.per_minute = NonZeroU32::new(calls);
        self
    }

    /// Lets so many calls start in any 24 hours; 0 lifts the limit. Each of them is remembered, in
    /// 16 bytes.
    #[must_use]
    pub const fn per_day(mut self, calls: u32) -> Self {
        self.per_day = NonZeroU32::new(calls);
        self
    }

    /// Lets so many calls be under way at once; 0 lifts the limit.
    #[must_use]
    pub const fn concurrent(mut self, calls: u32) -> Self {
        self.concurrent = NonZeroU32::new(calls);
        self
    }

    /// The longest that a call waits for its turn. One that is sure to wait longer is refused at
    /// once, with [`LimitReached`].
    ///
    /// Without it a call waits as long as its caller does, with one exception: where the limit of
    /// a day is used up, or the server has asked for a pause, it waits for a minute at most, so
    /// that no program sleeps for hours without a word.
    #[must_use]
    pub const fn max_wait(mut self, time: Duration) -> Self {
        self.max_wait = Some(time);
        self
    }

    /// The windows that are limited, each with its length, shortest first.
    fn windows(&self) -> impl Iterator<Item = (Limit, usize, Duration)> {
        let all = [
            (self.per_second, SECOND, Limit::Second as fn(u32) -> Limit),
            (self.per_minute, MINUTE, Limit::Minute),
            (self.per_day, DAY, Limit::Day),
        ];
        all.into_iter().filter_map(|(calls, length, name)| {
            let calls = calls?.get();
            Some((name(calls), calls as usize, length))
        })
    }
}

/// Makes callers wait for their turn, strictly in the order in which they came.
///
/// Clones share their state. Clients that are built with the same limits for the same server and
/// token share one limiter by themselves, throughout the process; others are given one with
/// [`CozeBuilder::limiter`](crate::CozeBuilder::limiter).
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), coze_api::LimitReached> {
/// use coze_api::{Limiter, Limits};
///
/// let limiter = Limiter::new(Limits::none().per_second(2).concurrent(1));
/// let permit = limiter.acquire().await?;
/// assert!(limiter.try_acquire().is_err(), "one call is under way");
/// drop(permit);
/// assert!(limiter.try_acquire().is_ok());
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Limiter(Arc<Queue>);

impl fmt::Debug for Limiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Limiter")
            .field("limits", self.limits())
            .field("waiting", &self.waiting())
            .finish_non_exhaustive()
    }
}

impl Limiter {
    /// A limiter that shares nothing with others.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self(Arc::new(Queue::new(limits)))
    }

    /// The limiter of all clients with these limits for this server and token.
    pub(crate) fn shared(limits: Limits, base: &str, token: &str) -> Self {
        registry::shared(limits, base, token)
    }

    /// What it allows.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        self.0.limits()
    }

    /// How many callers wait for their turn.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.0.waiting()
    }

    /// Waits for its turn, behind all who came before. The call counts as started when this
    /// returns, and as under way until the permit is dropped.
    ///
    /// Dropping the future gives the place up and costs no turn.
    ///
    /// # Errors
    /// [`LimitReached`] where the wait would be too long; see [`Limits::max_wait()`]. Without
    /// limits of a day and without a longest wait it only comes after a long
    /// [`pause`](Self::pause).
    pub async fn acquire(&self) -> Result<Permit, LimitReached> {
        let arrived = Instant::now();
        let place = match self.0.enter(arrived)? {
            queue::Entry::Started => return Ok(self.permit()),
            queue::Entry::Waits(place) => place,
        };
        let mut timer = pin!(sleep_until(arrived));
        let turn = poll_fn(|cx| {
            loop {
                match place.poll(cx.waker()) {
                    Ok(Step::Started) => return Poll::Ready(Ok(())),
                    Ok(Step::Due(at)) => {
                        if timer.deadline() != at {
                            timer.as_mut().reset(at);
                        }
                        if timer.as_mut().poll(cx).is_pending() {
                            return Poll::Pending;
                        }
                    }
                    Ok(Step::Behind) => return Poll::Pending,
                    Err(reached) => return Poll::Ready(Err(reached)),
                }
            }
        });
        let max_wait = self.limits().max_wait;
        match max_wait.and_then(|time| arrived.checked_add(time)) {
            None => turn.await?,
            Some(end) => match timeout_at(end, turn).await {
                Ok(started) => started?,
                Err(_) => return Err(place.reached()),
            },
        }
        Ok(self.permit())
    }

    /// Starts a call if that is possible without waiting.
    ///
    /// # Errors
    /// [`LimitReached`] with what stands in the way.
    pub fn try_acquire(&self) -> Result<Permit, LimitReached> {
        self.0.try_start().map(|()| self.permit())
    }

    /// Lets nobody start for so long, because the server asked for it (429 with `Retry-After`).
    /// Clients do this by themselves. At most a day; a pause that ends later stays.
    pub fn pause(&self, time: Duration) {
        self.0.pause(time.min(DAY));
    }

    /// Calls under way are only counted where there is a limit for them.
    fn permit(&self) -> Permit {
        let counted = self.limits().concurrent.is_some();
        Permit(counted.then(|| Arc::clone(&self.0)))
    }
}

/// A call that is under way; see [`Limiter::acquire`]. Dropping it lets the next one start.
#[must_use = "dropping the permit says that the call is over"]
pub struct Permit(Option<Arc<Queue>>);

impl fmt::Debug for Permit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Permit").finish_non_exhaustive()
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if let Some(queue) = &self.0 {
            queue.finished();
        }
    }
}

impl Coze {
    /// The limiter of this client, where it has one: above all, to see how many calls wait.
    #[must_use]
    pub fn limiter(&self) -> Option<&Limiter> {
        self.inner.limiter.as_ref()
    }

    /// Waits for the turn of an attempt. The server's time to answer begins behind that; the
    /// timeout for the whole call includes it. `None` where the client has no limits.
    pub(crate) async fn turn(
        &self,
        call: &Call,
        deadline: Option<Deadline>,
    ) -> Result<Option<Permit>> {
        let Some(limiter) = &self.inner.limiter else {
            return Ok(None);
        };
        let turn = limiter.acquire();
        let turn = match deadline {
            None => turn.await,
            Some(deadline) => timeout_at(deadline.at, turn).await.map_err(|_| {
                let url = self.url_of(call);
                TransportError::timeout(call.endpoint.clone(), &url, Waited::Turn(deadline.after))
            })?,
        };
        Ok(Some(turn.map_err(|reached| LimitReached {
            endpoint: Some(call.endpoint.clone()),
            ..reached
        })?))
    }

    /// Passes on to all who share the limiter that the server asked for a pause.
    pub(crate) fn heed(&self, head: &Head) {
        if head.status == StatusCode::TOO_MANY_REQUESTS
            && let (Some(limiter), Some(time)) = (&self.inner.limiter, head.retry_after)
        {
            limiter.pause(time);
        }
    }
}
