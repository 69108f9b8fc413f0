//! The limiter against a clock that only the tests move.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use proptest::prelude::*;
use tokio::task::JoinSet;
use tokio::time::{Instant, advance, sleep, sleep_until, timeout};

use super::*;

fn seconds(time: u64) -> Duration {
    Duration::from_secs(time)
}

/// Lets every task run until it waits.
async fn settle() {
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
}

/// Who started when, in order.
#[derive(Clone)]
struct Starts {
    begin: Instant,
    list: Arc<Mutex<Vec<(usize, Duration)>>>,
}

impl Starts {
    fn new() -> Self {
        Self {
            begin: Instant::now(),
            list: Arc::default(),
        }
    }

    fn note(&self, who: usize) {
        self.list.lock().unwrap().push((who, self.begin.elapsed()));
    }

    fn who(&self) -> Vec<usize> {
        self.list.lock().unwrap().iter().map(|it| it.0).collect()
    }

    fn times(&self) -> Vec<Duration> {
        self.list.lock().unwrap().iter().map(|it| it.1).collect()
    }
}

#[tokio::test(start_paused = true)]
async fn without_limits_nobody_waits() {
    let limiter = Limiter::new(Limits::none());
    let permits: Vec<_> = futures_util::future::join_all((0..1000).map(|_| limiter.acquire()))
        .await
        .into_iter()
        .map(Result::unwrap)
        .collect();
    assert_eq!((permits.len(), limiter.waiting()), (1000, 0));
}

#[tokio::test(start_paused = true)]
async fn first_a_burst_and_then_steadily_in_order() {
    let limiter = Limiter::new(Limits::basic().per_day(0));
    let starts = Starts::new();
    let mut tasks = JoinSet::new();
    for who in 0..70 {
        let (limiter, starts) = (limiter.clone(), starts.clone());
        tasks.spawn(async move {
            let _permit = limiter.acquire().await.unwrap();
            starts.note(who);
        });
    }
    settle().await;
    assert_eq!(limiter.waiting(), 68);
    tasks.join_all().await;
    assert_eq!(starts.who(), (0..70).collect::<Vec<_>>());
    let times = starts.times();
    // Two a second, until the minute has had its 60.
    assert_eq!(times[1], Duration::ZERO);
    assert!((seconds(1)..seconds(2)).contains(&times[2]), "{times:?}");
    assert!((seconds(29)..seconds(30)).contains(&times[59]), "{times:?}");
    assert!((seconds(60)..seconds(61)).contains(&times[60]), "{times:?}");
    assert!((seconds(64)..seconds(65)).contains(&times[69]), "{times:?}");
    assert_eq!(limiter.waiting(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_waiter_in_the_middle_can_go_away() {
    let limiter = Limiter::new(Limits::none().per_second(1));
    drop(limiter.acquire().await.unwrap());
    let starts = Starts::new();
    let mut tasks = JoinSet::new();
    let mut handles = Vec::new();
    for who in 0..6 {
        let (limiter, starts) = (limiter.clone(), starts.clone());
        handles.push(tasks.spawn(async move {
            drop(limiter.acquire().await.unwrap());
            starts.note(who);
        }));
    }
    settle().await;
    // The head, one in the middle and the last.
    for gone in [0, 3, 5] {
        handles[gone].abort();
    }
    settle().await;
    assert_eq!(limiter.waiting(), 3);
    while tasks.join_next().await.is_some() {}
    assert_eq!(starts.who(), [1, 2, 4]);
    // Who goes away costs no turn.
    assert!(starts.times()[2] < seconds(4), "{:?}", starts.times());
    assert_eq!(limiter.waiting(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_timeout_gives_the_place_up() {
    let limiter = Limiter::new(Limits::none().concurrent(1));
    let permit = limiter.acquire().await.unwrap();
    for _ in 0..3 {
        assert!(timeout(seconds(9), limiter.acquire()).await.is_err());
        assert_eq!(limiter.waiting(), 0);
    }
    drop(permit);
    drop(limiter.try_acquire().unwrap());
}

#[tokio::test(start_paused = true)]
async fn nobody_overtakes_the_head() {
    let limiter = Limiter::new(Limits::none().concurrent(1));
    let permit = limiter.acquire().await.unwrap();
    let mut first = Box::pin(limiter.acquire());
    assert!(futures_util::poll!(first.as_mut()).is_pending());
    drop(permit);
    // The head has been woken, and has not run yet.
    let reached = limiter.try_acquire().unwrap_err();
    assert_eq!((reached.limit, reached.ahead), (Limit::Order, 1));
    let starts = Starts::new();
    // The newcomer is asked first, and comes second all the same.
    let late = async {
        drop(limiter.acquire().await.unwrap());
        starts.note(2);
    };
    let first = async {
        drop(first.await.unwrap());
        starts.note(1);
    };
    tokio::join!(late, first);
    assert_eq!(starts.who(), [1, 2]);
}

#[tokio::test(start_paused = true)]
async fn calls_under_way_are_capped() {
    let limiter = Limiter::new(Limits::none().concurrent(3));
    let most = Arc::new(Mutex::new((0, 0)));
    let mut tasks = JoinSet::new();
    for who in 0..20 {
        let (limiter, most) = (limiter.clone(), Arc::clone(&most));
        tasks.spawn(async move {
            let permit = limiter.acquire().await.unwrap();
            {
                let mut most = most.lock().unwrap();
                most.0 += 1;
                most.1 = most.1.max(most.0);
            }
            sleep(Duration::from_millis(10 + who % 7)).await;
            most.lock().unwrap().0 -= 1;
            drop(permit);
        });
    }
    tasks.join_all().await;
    assert_eq!(*most.lock().unwrap(), (0, 3));
    let reached = {
        let _permits = [(); 3].map(|()| limiter.try_acquire().unwrap());
        limiter.try_acquire().unwrap_err()
    };
    assert_eq!(reached.limit, Limit::Concurrent(3));
}

#[tokio::test(start_paused = true)]
async fn a_day_that_is_used_up_says_so_at_once() {
    let limiter = Limiter::new(Limits::none().per_day(3));
    let begin = Instant::now();
    for _ in 0..3 {
        drop(limiter.acquire().await.unwrap());
        advance(seconds(3600)).await;
    }
    let reached = limiter.acquire().await.unwrap_err();
    assert_eq!(begin.elapsed(), seconds(3 * 3600), "it waited");
    assert_eq!(reached.limit, Limit::Day(3));
    assert_eq!(reached.wait, seconds(21 * 3600));
    let text = reached.to_string();
    assert!(text.contains("3 calls a day is used up"), "{text}");
    assert!(text.contains("21 h 0 min"), "{text}");
    // A short rest is waited for, without a word.
    advance(seconds(21 * 3600 - 30)).await;
    drop(limiter.acquire().await.unwrap());
    assert!(limiter.acquire().await.is_err());
}

#[tokio::test(start_paused = true)]
async fn whoever_waits_before_counts_for_the_day_too() {
    let limits = Limits::none().per_second(1).per_day(3);
    let limiter = Limiter::new(limits);
    let mut places: Vec<_> = (0..3).map(|_| Box::pin(limiter.acquire())).collect();
    for place in &mut places {
        let _ = futures_util::poll!(place.as_mut());
    }
    assert_eq!(limiter.waiting(), 2);
    let reached = limiter.acquire().await.unwrap_err();
    assert_eq!((reached.limit, reached.ahead), (Limit::Day(3), 2));
    // One of them gives up, and there is room again.
    places.pop();
    let mut place = Box::pin(limiter.acquire());
    assert!(futures_util::poll!(place.as_mut()).is_pending());
}

#[tokio::test(start_paused = true)]
async fn a_longest_wait_is_kept() {
    let limits = Limits::none()
        .per_minute(1)
        .concurrent(1)
        .max_wait(seconds(90));
    let limiter = Limiter::new(limits);
    let permit = limiter.acquire().await.unwrap();
    let begin = Instant::now();
    // The first has to wait for a minute, and then for the permit, which does not come.
    let (first, second) = tokio::join!(limiter.acquire(), limiter.acquire());
    let first = first.unwrap_err();
    assert_eq!(
        (first.limit, first.wait),
        (Limit::Concurrent(1), Duration::ZERO)
    );
    assert!((seconds(90)..seconds(91)).contains(&begin.elapsed()));
    // The second would have had to wait for two.
    let second = second.unwrap_err();
    assert_eq!(
        (second.limit, second.wait, second.ahead),
        (Limit::Minute(1), seconds(120), 1)
    );
    drop(permit);
    // The day, too, is waited for when that was asked for.
    let limiter = Limiter::new(Limits::none().per_day(1).max_wait(seconds(86_400)));
    drop(limiter.acquire().await.unwrap());
    let begin = Instant::now();
    drop(limiter.acquire().await.unwrap());
    assert!(begin.elapsed() >= seconds(86_400));
    // As long as it takes.
    let limiter = Limiter::new(Limits::none().per_minute(1).max_wait(Duration::MAX));
    drop(limiter.acquire().await.unwrap());
    drop(limiter.acquire().await.unwrap());
}

#[tokio::test(start_paused = true)]
async fn a_pause_holds_everyone_back() {
    let limiter = Limiter::new(Limits::none());
    let begin = Instant::now();
    limiter.pause(seconds(7));
    limiter.pause(seconds(3));
    let reached = limiter.try_acquire().unwrap_err();
    assert_eq!((reached.limit, reached.wait), (Limit::Pause, seconds(7)));
    let waiting = async {
        drop(limiter.acquire().await.unwrap());
        begin.elapsed()
    };
    // It becomes longer while someone waits.
    let longer = async {
        sleep(seconds(5)).await;
        limiter.pause(seconds(5));
    };
    let (time, ()) = tokio::join!(waiting, longer);
    assert!((seconds(10)..seconds(11)).contains(&time), "{time:?}");
    // Nobody sleeps through a long one; no number is too large.
    limiter.pause(Duration::MAX);
    let reached = limiter.acquire().await.unwrap_err();
    assert_eq!((reached.limit, reached.wait), (Limit::Pause, DAY));
}

#[tokio::test(start_paused = true)]
async fn a_long_pause_sends_those_away_who_wait() {
    let limiter = Limiter::new(Limits::none().per_second(1));
    drop(limiter.acquire().await.unwrap());
    let pause = async {
        settle().await;
        assert_eq!(limiter.waiting(), 2);
        limiter.pause(seconds(3600));
    };
    let (one, two, ()) = tokio::join!(limiter.acquire(), limiter.acquire(), pause);
    assert_eq!(one.unwrap_err().limit, Limit::Pause);
    assert_eq!(two.unwrap_err().limit, Limit::Pause);
    assert_eq!(limiter.waiting(), 0);
}

#[tokio::test]
async fn a_thousand_callers_on_many_threads() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(4)
        .enable_time()
        .build()
        .unwrap();
    let limiter = Limiter::new(Limits::none().per_second(600).concurrent(16));
    let mut tasks = JoinSet::new();
    for who in 0..1000_u64 {
        let limiter = limiter.clone();
        tasks.spawn_on(
            async move {
                let patience = if who % 5 == 0 { 1 } else { 60_000 };
                let turn = timeout(Duration::from_millis(patience), limiter.acquire()).await;
                if turn.is_ok() {
                    sleep(Duration::from_millis(who % 3)).await;
                }
                turn.is_ok()
            },
            runtime.handle(),
        );
    }
    let done = timeout(seconds(60), tasks.join_all()).await;
    let served = done.unwrap().into_iter().filter(|it| *it).count();
    assert!((800..=1000).contains(&served), "{served}");
    assert_eq!(limiter.waiting(), 0);
    for _ in 0..16 {
        let permit = timeout(seconds(10), limiter.acquire()).await;
        std::mem::forget(permit.unwrap().unwrap());
    }
    runtime.shutdown_background();
}

/// One caller: when it comes, how long it is willing to wait, and how long its call takes.
type Caller = (u64, u64, u64);

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// No window ever sees more starts than its limit, no more calls are under way than may be,
    /// and who is served is served in order.
    #[test]
    fn no_window_is_ever_exceeded(
        per_second in 0_u32..4,
        per_minute in 0_u32..9,
        concurrent in 0_u32..4,
        pause in prop::option::of((0_u64..60_000, 0_u64..40_000)),
        callers in prop::collection::vec((0_u64..90_000, 0_u64..120_000, 0_u64..5_000), 1..60),
    ) {
        let limits = Limits::none().per_second(per_second).per_minute(per_minute)
            .concurrent(concurrent);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time().start_paused(true).build().unwrap();
        let limiter = Limiter::new(limits);
        let served = runtime.block_on(serve(&limiter, &callers, pause));
        prop_assert_eq!(limiter.waiting(), 0);
        for (limit, calls, length) in limits.windows() {
            for starts in served.windows(calls + 1) {
                let time = starts[calls].1 - starts[0].1;
                prop_assert!(time >= length, "{limit:?}: {} starts in {time:?}", calls + 1);
            }
        }
        let order: Vec<_> = served.iter().map(|it| it.0).collect();
        prop_assert!(order.is_sorted(), "{order:?}");
        if concurrent > 0 {
            for (_, start, _) in &served {
                let under_way = served.iter().filter(|it| it.1 <= *start && *start < it.2).count();
                prop_assert!(under_way <= concurrent as usize);
            }
        }
        if let Some((at, time)) = pause {
            let (at, end) = (Duration::from_millis(at), Duration::from_millis(at + time));
            prop_assert!(served.iter().all(|it| it.1 <= at || it.1 >= end));
        }
        // Where nobody is impatient, all are served.
        if callers.iter().all(|it| it.1 > 100_000) && per_minute == 0 && concurrent == 0 {
            prop_assert_eq!(served.len(), callers.len());
        }
    }
}

/// Callers by the order in which they came, with start and end of their calls.
async fn serve(
    limiter: &Limiter,
    callers: &[Caller],
    pause: Option<(u64, u64)>,
) -> Vec<(usize, Duration, Duration)> {
    let begin = Instant::now();
    let after = move |time| begin + Duration::from_millis(time);
    let mut sorted = callers.to_vec();
    sorted.sort_unstable();
    let mut tasks = JoinSet::new();
    let arrivals = Arc::new(Mutex::new(0_usize));
    for (arrives, patience, takes) in sorted {
        let (limiter, arrivals) = (limiter.clone(), Arc::clone(&arrivals));
        tasks.spawn(async move {
            sleep_until(after(arrives)).await;
            let who = {
                let mut arrivals = arrivals.lock().unwrap();
                *arrivals += 1;
                *arrivals
            };
            let patience = Duration::from_millis(patience);
            let permit = timeout(patience, limiter.acquire()).await.ok()?.ok()?;
            let start = begin.elapsed();
            sleep(Duration::from_millis(takes)).await;
            drop(permit);
            Some((who, start, begin.elapsed()))
        });
    }
    if let Some((at, time)) = pause {
        let limiter = limiter.clone();
        tasks.spawn(async move {
            sleep_until(after(at)).await;
            limiter.pause(Duration::from_millis(time));
            None
        });
    }
    let mut served: Vec<_> = tasks.join_all().await.into_iter().flatten().collect();
    served.sort_by_key(|it| (it.1, it.0));
    served
}
