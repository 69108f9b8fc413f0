//! The queue in front of the limits.
//!
//! Nothing is spawned: whoever waits at the head drives the clock, and wakes the next when it
//! leaves. A start is noted in the moment in which its caller takes it, so a caller that is slow to
//! wake, or goes away, spends nothing.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use std::time::Duration;

use super::reached::{Limit, LimitReached};
use super::{Limits, MINUTE};
use crate::time::Instant;

/// How long a used-up day, or a pause, is waited for when nothing else was asked for.
const PATIENCE: Duration = MINUTE;

pub(super) struct Queue {
    limits: Limits,
    /// How many starts must be remembered: the largest of the limits.
    memory: usize,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The last starts, oldest first. All windows look at this one list: the start that must have
    /// left a window of `n` before the next call is the `n`th from the end.
    starts: VecDeque<Instant>,
    /// Only counted where it is limited.
    under_way: u32,
    pause: Option<Instant>,
    /// Who waits, in the order of their tickets.
    waiting: BTreeMap<u64, Option<Waker>>,
    tickets: u64,
}

/// What became of a caller that came.
pub(super) enum Entry<'a> {
    /// It may start at once.
    Started,
    /// It has to wait.
    Waits(Place<'a>),
}

/// How a waiting caller stands.
pub(super) enum Step {
    /// It may start, and has left the queue.
    Started,
    /// It is the next, and to ask again at this time.
    Due(Instant),
    /// It is woken when that changes.
    Behind,
}

impl Queue {
    pub(super) fn new(limits: Limits) -> Self {
        Self {
            limits,
            memory: limits.windows().map(|it| it.1).max().unwrap_or(0),
            state: Mutex::default(),
        }
    }

    pub(super) fn limits(&self) -> &Limits {
        &self.limits
    }

    pub(super) fn waiting(&self) -> usize {
        self.lock().waiting.len()
    }

    pub(super) fn enter(&self, now: Instant) -> Result<Entry<'_>, LimitReached> {
        let mut state = self.lock();
        if self.obstacle(&state).is_none() {
            self.start(&mut state);
            return Ok(Entry::Started);
        }
        let ahead = state.waiting.len();
        if let Some((at, limit)) = self.due(&state, ahead, now)
            && self.is_too_late(at, limit, now, now)
        {
            return Err(LimitReached::new(limit, at - now, ahead));
        }
        let ticket = state.tickets;
        state.tickets += 1;
        state.waiting.insert(ticket, None);
        Ok(Entry::Waits(Place {
            queue: self,
            ticket,
            arrived: now,
        }))
    }

    pub(super) fn try_start(&self) -> Result<(), LimitReached> {
        let mut state = self.lock();
        match self.obstacle(&state) {
            Some(reached) => Err(reached),
            None => {
                self.start(&mut state);
                Ok(())
            }
        }
    }

    pub(super) fn pause(&self, time: Duration) {
        let end = Instant::now() + time;
        let mut state = self.lock();
        // The head finds out when its clock wakes it.
        state.pause = state.pause.max(Some(end));
    }

    /// A call that was counted as under way is over.
    pub(super) fn finished(&self) {
        let mut state = self.lock();
        state.under_way = state.under_way.saturating_sub(1);
        wake_first(state);
    }

    /// True when it would be the same to begin with a new one.
    pub(super) fn is_idle(&self) -> bool {
        let state = self.lock();
        let now = Instant::now();
        let last = state.starts.back();
        let longest = self.limits.windows().map(|it| it.2).max();
        let forgotten = last.is_none_or(|last| longest.is_none_or(|it| *last + it <= now));
        forgotten && state.waiting.is_empty() && state.pause.is_none_or(|end| end <= now)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing in here panics half-way, so what another thread left behind is whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What keeps a caller that comes now from starting.
    fn obstacle(&self, state: &State) -> Option<LimitReached> {
        let ahead = state.waiting.len();
        let now = Instant::now();
        if let Some((at, limit)) = self.due(state, ahead, now) {
            return Some(LimitReached::new(limit, at - now, ahead));
        }
        if let Some(full) = self.full(state) {
            return Some(LimitReached::new(full, Duration::ZERO, ahead));
        }
        (ahead > 0).then(|| LimitReached::new(Limit::Order, Duration::ZERO, ahead))
    }

    fn full(&self, state: &State) -> Option<Limit> {
        let most = self.limits.concurrent?.get();
        (state.under_way >= most).then_some(Limit::Concurrent(most))
    }

    /// When a caller behind so many others may start, as far as the clock is concerned, and which
    /// limit says so; `None` when that is now.
    fn due(&self, state: &State, ahead: usize, now: Instant) -> Option<(Instant, Limit)> {
        let windows = self.limits.windows().filter_map(|(limit, calls, length)| {
            let oldest = (state.starts.len() + ahead % calls).checked_sub(calls);
            let free = oldest.map_or(now, |at| state.starts[at] + length);
            // Those ahead fill the window this often before.
            let rounds = u32::try_from(ahead / calls).unwrap_or(u32::MAX);
            let at = free.max(now) + length * rounds;
            (at > now).then_some((at, limit))
        });
        let pause = state.pause.filter(|end| *end > now);
        windows
            .chain(pause.map(|end| (end, Limit::Pause)))
            .max_by_key(|(at, _)| *at)
    }

    fn is_too_late(&self, at: Instant, limit: Limit, arrived: Instant, now: Instant) -> bool {
        match self.limits.max_wait {
            Some(time) => at - arrived > time,
            None => matches!(limit, Limit::Day(_) | Limit::Pause) && at - now > PATIENCE,
        }
    }

    fn start(&self, state: &mut State) {
        if self.memory > 0 {
            if state.starts.len() == self.memory {
                state.starts.pop_front();
            }
            state.starts.push_back(Instant::now());
        }
        if self.limits.concurrent.is_some() {
            state.under_way += 1;
        }
    }
}

/// A caller's place in the queue; dropping it gives it up.
pub(super) struct Place<'a> {
    queue: &'a Queue,
    ticket: u64,
    arrived: Instant,
}

impl Place<'_> {
    pub(super) fn poll(&self, waker: &Waker) -> Result<Step, LimitReached> {
        let queue = self.queue;
        let mut state = queue.lock();
        let first = state.waiting.first_key_value();
        let is_first = first.is_none_or(|(ticket, _)| *ticket == self.ticket);
        if is_first && queue.full(&state).is_none() {
            let now = Instant::now();
            match queue.due(&state, 0, now) {
                None => {
                    queue.start(&mut state);
                    self.leave(state);
                    return Ok(Step::Started);
                }
                Some((at, limit)) if queue.is_too_late(at, limit, self.arrived, now) => {
                    self.leave(state);
                    return Err(LimitReached::new(limit, at - now, 0));
                }
                Some((at, _)) => {
                    self.wait(&mut state, waker);
                    return Ok(Step::Due(at));
                }
            }
        }
        self.wait(&mut state, waker);
        Ok(Step::Behind)
    }

    /// What it is that has taken too long.
    pub(super) fn reached(&self) -> LimitReached {
        let state = self.queue.lock();
        let now = Instant::now();
        let ahead = state.waiting.range(..self.ticket).count();
        if let Some((at, limit)) = self.queue.due(&state, ahead, now) {
            return LimitReached::new(limit, at - now, ahead);
        }
        let limit = self.queue.full(&state).unwrap_or(Limit::Order);
        LimitReached::new(limit, Duration::ZERO, ahead)
    }

    fn wait(&self, state: &mut State, waker: &Waker) {
        if let Some(kept) = state.waiting.get_mut(&self.ticket) {
            match kept {
                Some(kept) => kept.clone_from(waker),
                None => *kept = Some(waker.clone()),
            }
        }
    }

    fn leave(&self, mut state: MutexGuard<'_, State>) {
        let was_first = state.waiting.first_key_value();
        let was_first = was_first.is_some_and(|(ticket, _)| *ticket == self.ticket);
        state.waiting.remove(&self.ticket);
        if was_first {
            wake_first(state);
        }
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        // Does nothing when it has left already.
        self.leave(self.queue.lock());
    }
}

/// Tells the head of the queue to look again.
fn wake_first(mut state: MutexGuard<'_, State>) {
    let mut first = state.waiting.first_entry();
    let waker = first.as_mut().and_then(|it| it.get_mut().take());
    // A waker is foreign code: it must not find the lock taken.
    drop(state);
    if let Some(waker) = waker {
        waker.wake();
    }
}
