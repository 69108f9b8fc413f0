//! Notices that a stream has fallen silent, or takes too long.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep_until};

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
    deadline: Option<(Instant, Duration)>,
    heard: bool,
    quiet_ticks: u32,
    timer: Option<(Pin<Box<Sleep>>, Waker)>,
}

impl Watch {
    pub(crate) fn new(idle: Duration, deadline: Option<(Instant, Duration)>) -> Self {
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

    pub(crate) fn deadline(&self) -> Option<(Instant, Duration)> {
        self.deadline
    }

    pub(crate) fn stop(&mut self) {
        self.timer = None;
    }

    /// To be asked when the stream has nothing; ready when it is to be given up.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Waited> {
        if let Some((timer, waker)) = &self.timer
            && waker.will_wake(cx.waker())
            && !timer.is_elapsed()
        {
            // It is set, and knows whom to wake.
            return Poll::Pending;
        }
        let (idle, deadline) = (self.idle, self.deadline);
        let (timer, waker) = self.timer.get_or_insert_with(|| {
            let next = next_tick(Instant::now(), idle, deadline);
            (Box::pin(sleep_until(next)), cx.waker().clone())
        });
        waker.clone_from(cx.waker());
        while timer.as_mut().poll(cx).is_ready() {
            let now = Instant::now();
            if let Some((at, total)) = self.deadline
                && at <= now
            {
                return Poll::Ready(Waited::Total(total));
            }
            self.quiet_ticks = if self.heard { 0 } else { self.quiet_ticks + 1 };
            self.heard = false;
            if self.quiet_ticks >= TICKS {
                return Poll::Ready(Waited::Silence(self.idle));
            }
            timer.as_mut().reset(next_tick(now, idle, deadline));
        }
        Poll::Pending
    }
}

fn next_tick(now: Instant, idle: Duration, deadline: Option<(Instant, Duration)>) -> Instant {
    let tick = now + idle / TICKS;
    deadline.map_or(tick, |(at, _)| tick.min(at))
}
