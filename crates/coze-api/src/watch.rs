//! Notices that a stream has fallen silent, or takes too long.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use crate::deadline::Deadline;
use crate::time::{Instant, Sleep, sleep_until};
use crate::transport::Waited;

/// So many ticks without a sign of life are silence.
const TICKS: u32 = 4;

/// A clock beside a stream.
///
/// Asking for the time, or setting a timer anew, at each event would cost as much as reading the
/// event. So one timer ticks four times within the allowed silence, and each tick asks only
/// whether anything was heard since the last one. Silence is noticed at most a quarter late.
pub(crate) struct Watch {
    idle: Duration,
    deadline: Option<Deadline>,
    heard: bool,
    quiet_ticks: u32,
    timer: Option<Timer>,
}

struct Timer {
    sleep: Pin<Box<Sleep>>,
    wakes: Wakes,
}

/// Whom the timer wakes.
///
/// [`Waker::will_wake`] is asked of two wakers, and a clone may differ from what it was cloned of in
/// the address of its table of functions, although the tables are alike: it would say no at each
/// event. So what is compared is what we were polled with, then and now.
struct Wakes {
    /// Data and table of the one we were polled with. While its clone is kept, and shares its data,
    /// nobody else can have the same.
    polled_with: Option<(usize, usize)>,
    _clone: Waker,
}

impl Wakes {
    fn new(waker: &Waker) -> Self {
        let clone = waker.clone();
        Self {
            polled_with: (clone.data() == waker.data()).then(|| Self::identity(waker)),
            _clone: clone,
        }
    }

    fn identity(waker: &Waker) -> (usize, usize) {
        (
            waker.data().addr(),
            std::ptr::from_ref(waker.vtable()).addr(),
        )
    }

    fn is(&self, waker: &Waker) -> bool {
        self.polled_with == Some(Self::identity(waker))
    }
}

impl Watch {
    pub(crate) fn new(idle: Duration, deadline: Option<Deadline>) -> Self {
        Self {
            idle,
            deadline,
            heard: false,
            quiet_ticks: 0,
            timer: None,
        }
    }

    /// Bytes have arrived.
    pub(crate) fn heard(&mut self) {
        self.heard = true;
    }

    pub(crate) fn deadline(&self) -> Option<Deadline> {
        self.deadline
    }

    pub(crate) fn stop(&mut self) {
        self.timer = None;
    }

    /// To be asked when the stream has nothing; ready when it is to be given up.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Waited> {
        if let Some(timer) = &self.timer
            && timer.wakes.is(cx.waker())
            && !timer.sleep.is_elapsed()
        {
            // It is set, and knows whom to wake.
            return Poll::Pending;
        }
        let (idle, deadline) = (self.idle, self.deadline);
        let timer = self.timer.get_or_insert_with(|| Timer {
            sleep: Box::pin(sleep_until(next_tick(Instant::now(), idle, deadline))),
            wakes: Wakes::new(cx.waker()),
        });
        timer.wakes = Wakes::new(cx.waker());
        while timer.sleep.as_mut().poll(cx).is_ready() {
            let now = Instant::now();
            if let Some(total) = self.deadline
                && total.at <= now
            {
                return Poll::Ready(Waited::Total(total.after));
            }
            self.quiet_ticks = if self.heard { 0 } else { self.quiet_ticks + 1 };
            self.heard = false;
            if self.quiet_ticks >= TICKS {
                return Poll::Ready(Waited::Silence(self.idle));
            }
            timer.sleep.as_mut().reset(next_tick(now, idle, deadline));
        }
        Poll::Pending
    }
}

fn next_tick(now: Instant, idle: Duration, deadline: Option<Deadline>) -> Instant {
    let tick = now + idle / TICKS;
    deadline.map_or(tick, |total| tick.min(total.at))
}
