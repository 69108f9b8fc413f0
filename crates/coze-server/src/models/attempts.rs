//! How often a model is asked, and how long it is waited for.
//!
//! A call that breaks before anything of its answer was there is made once more; what somebody may
//! have read is never taken back. A stream that is dropped drops the connection with it.

use std::time::Duration;

use futures_util::stream::BoxStream;
use futures_util::{StreamExt, stream};
use tokio::time::{Instant, sleep, timeout_at};

use super::{ModelError, ModelEvent, ModelStream};

/// Between the two attempts.
const PAUSE: Duration = Duration::from_millis(300);

/// Why an attempt did not bring its answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Broken {
    pub(super) error: ModelError,
    /// The same call may go well in a moment.
    pub(super) again: bool,
}

impl Broken {
    /// Another attempt would end in the same way.
    pub(super) fn for_good(error: ModelError) -> Self {
        Self {
            error,
            again: false,
        }
    }

    /// The connection or the provider broke.
    pub(super) fn for_now(error: ModelError) -> Self {
        Self { error, again: true }
    }
}

/// One attempt: its events, of which an error is the last.
pub(super) type Attempt = BoxStream<'static, Result<ModelEvent, Broken>>;

struct State<F> {
    attempt: F,
    events: Attempt,
    /// Another attempt may be made.
    spare: bool,
    over: bool,
}

/// The answer of a model that is asked by `attempt`: once more if `retry`, within `total` in all.
pub(super) fn ask(
    name: &str,
    attempt: impl Fn() -> Attempt + Send + 'static,
    retry: bool,
    total: Duration,
) -> ModelStream {
    let name = name.to_owned();
    let deadline = Instant::now() + total;
    let state = State {
        events: attempt(),
        attempt,
        spare: retry,
        over: false,
    };
    stream::unfold(state, move |mut state| {
        let name = name.clone();
        async move {
            if state.over {
                return None;
            }
            match timeout_at(deadline, next(&mut state)).await {
                Ok(event) => event.map(|event| (event, state)),
                Err(_) => {
                    state.over = true;
                    // The connection goes at once, not when somebody asks for the next event.
                    state.events = stream::empty().boxed();
                    let msg = format!("the model {name}: its answer took longer than {total:?}");
                    Some((Err(ModelError { code: 5000, msg }), state))
                }
            }
        }
    })
    .boxed()
}

async fn next<F: Fn() -> Attempt>(state: &mut State<F>) -> Option<Result<ModelEvent, ModelError>> {
    loop {
        match state.events.next().await? {
            Ok(event) => {
                state.spare = false;
                return Some(Ok(event));
            }
            Err(broken) if broken.again && state.spare => {
                state.spare = false;
                state.events = stream::empty().boxed();
                tracing::debug!(error = broken.error.msg, "a model is asked once more");
                sleep(PAUSE).await;
                state.events = (state.attempt)();
            }
            Err(broken) => {
                state.over = true;
                state.events = stream::empty().boxed();
                return Some(Err(broken.error));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::{Arc, Mutex};

    use super::*;

    type Event = Result<ModelEvent, Broken>;

    fn text(it: &str) -> ModelEvent {
        ModelEvent::Text(it.to_owned())
    }

    fn error(it: &str) -> ModelError {
        let (code, msg) = (5000, it.to_owned());
        ModelError { code, msg }
    }

    /// What comes of attempts that bring these events, and how many were made.
    async fn check(
        attempts: Vec<Vec<Event>>,
        retry: bool,
    ) -> (Vec<Result<ModelEvent, ModelError>>, usize) {
        let made = Arc::new(AtomicUsize::new(0));
        let (counted, attempts) = (Arc::clone(&made), Mutex::new(attempts.into_iter()));
        let attempt = move || {
            counted.fetch_add(1, Ordering::Relaxed);
            let events = attempts.lock().unwrap().next().unwrap_or_default();
            stream::iter(events).boxed()
        };
        let events = ask("m", attempt, retry, Duration::from_secs(60));
        (events.collect().await, made.load(Ordering::Relaxed))
    }

    #[tokio::test]
    async fn one_more_attempt_and_never_behind_the_first_piece() {
        let now = |it: &str| Err(Broken::for_now(error(it)));
        let (events, made) = check(vec![vec![now("a")], vec![Ok(text("x"))]], true).await;
        assert_eq!((events, made), (vec![Ok(text("x"))], 2));
        let (events, made) = check(vec![vec![now("a")], vec![now("b")], vec![]], true).await;
        assert_eq!((events, made), (vec![Err(error("b"))], 2));
        let (events, made) = check(vec![vec![now("a")]], false).await;
        assert_eq!((events, made), (vec![Err(error("a"))], 1));
        let (events, made) = check(vec![vec![Ok(text("x")), now("a")]], true).await;
        assert_eq!((events, made), (vec![Ok(text("x")), Err(error("a"))], 1));
        let for_good = Err(Broken::for_good(error("a")));
        let (events, made) = check(vec![vec![for_good]], true).await;
        assert_eq!((events, made), (vec![Err(error("a"))], 1));
    }

    #[tokio::test]
    async fn an_answer_that_never_ends_is_cut_off() {
        let attempt = || {
            let pieces = stream::unfold((), |()| async {
                sleep(Duration::from_millis(50)).await;
                Some((Ok(text("x")), ()))
            });
            pieces.boxed()
        };
        let events = ask("m", attempt, true, Duration::from_millis(500));
        let mut events: Vec<_> = events.collect().await;
        let last = events.pop().unwrap().unwrap_err();
        assert_eq!(last.msg, "the model m: its answer took longer than 500ms");
        assert_eq!(events.first(), Some(&Ok(text("x"))));
    }
}
