//! 1,000 chats at the same time, 200 deltas each, 5 ms apart, beside the in-memory server.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use tokio::task::JoinSet;

use super::served::{Served, remove};
use super::{block_on, chat};
use crate::figures::{Figure, Target};
use crate::process::Server;
use crate::scenarios::{Plan, megabytes, seconds};
use crate::usage;
use crate::wire::Wire;

/// Between two deltas.
const PACE: Duration = Duration::from_millis(5);
const LAG: Target = Target::RatioAtMost(1.5);
const CPU: Target = Target::RatioAtMost(3.0);
const MEMORY: Target = Target::AtMost(200.0);

/// What one round was like.
struct Round {
    /// Of the server, in seconds.
    cpu: Option<f64>,
    /// How late the deltas were, in milliseconds: 99 of 100 were no later; and the latest one.
    p99: f64,
    latest: f64,
}

/// Measures.
pub(crate) fn run(plan: &Plan, server: &Server) -> Result<Vec<Figure>> {
    usage::raise_files();
    let (mut ours, mut memory_only, mut memory) = (Vec::new(), Vec::new(), Vec::new());
    for index in 0..plan.load_rounds {
        let beside = || {
            let base = server.base("paced", plan.paced_deltas);
            round(plan, &base, server.id())
        };
        if index % 2 == 0 {
            memory_only.push(beside()?);
        }
        let name = format!("paced-{index}");
        let served = Served::start(plan, &name)?;
        ours.push(round(plan, &served.base, served.id())?);
        memory.extend(served.peak_memory().map(megabytes));
        let data = served.data.clone();
        drop(served);
        remove(&data);
        if index % 2 == 1 {
            memory_only.push(beside()?);
        }
    }
    let all = |rounds: &[Round], value: fn(&Round) -> f64| rounds.iter().map(value).collect();
    let cpu = |rounds: &[Round]| rounds.iter().map(|it| it.cpu).collect::<Option<Vec<f64>>>();
    let p99 = |rounds: &[Round]| all(rounds, |it| it.p99);
    let mut figures = vec![
        Figure::beside(
            "server, 1,000 streams: p99 of the lag",
            "ms",
            p99(&ours),
            p99(&memory_only),
            Some(LAG),
        ),
        Figure::beside(
            "server, 1,000 streams: latest delta, beside the p99",
            "ms",
            all(&ours, |it| it.latest),
            p99(&memory_only),
            Some(LAG),
        ),
    ];
    if let Some((ours, beside)) = cpu(&ours).zip(cpu(&memory_only)) {
        let name = "server, 1,000 streams: CPU";
        figures.push(Figure::beside(name, "s", ours, beside, Some(CPU)));
    }
    if !memory.is_empty() {
        let name = "server, 1,000 streams: memory";
        figures.push(Figure::alone(name, "MB", memory, Some(MEMORY)));
    }
    Ok(figures)
}

fn round(plan: &Plan, base: &str, process: u32) -> Result<Round> {
    let before = usage::cpu_of(process);
    let mut lags = block_on(streams(base, plan.streams, plan.paced_deltas))?;
    let after = usage::cpu_of(process);
    lags.sort_unstable();
    let millis = |lag: Option<&Duration>| lag.map_or(f64::NAN, |it| it.as_secs_f64() * 1e3);
    Ok(Round {
        cpu: after
            .zip(before)
            .map(|(after, before)| seconds(after - before)),
        p99: millis(lags.get(lags.len() * 99 / 100)),
        latest: millis(lags.last()),
    })
}

/// How late each delta of all streams was.
async fn streams(base: &str, count: usize, deltas: usize) -> Result<Vec<Duration>> {
    let (host, path) = split(base);
    let mut tasks = JoinSet::new();
    for _ in 0..count {
        let (host, path) = (host.clone(), format!("{path}/v3/chat"));
        tasks.spawn(async move {
            let mut wire = Wire::connect(&host).await?;
            wire.deltas(&path, &chat("paced", true)).await
        });
    }
    let mut lags = Vec::with_capacity(count * deltas);
    while let Some(times) = tasks.join_next().await {
        let times = times??;
        ensure!(times.len() == deltas, "{} deltas of {deltas}", times.len());
        lags.extend(late(&times));
    }
    Ok(lags)
}

/// A stream's timetable is that of its delta that was least late: each further one is due 5 ms
/// behind the one before.
fn late(times: &[Instant]) -> Vec<Duration> {
    let due = |index: usize| PACE * u32::try_from(index).unwrap_or(u32::MAX);
    let starts = times.iter().enumerate();
    let starts = starts.filter_map(|(index, time)| time.checked_sub(due(index)));
    let Some(start) = starts.min() else {
        return Vec::new();
    };
    let late =
        |(index, time): (usize, &Instant)| time.saturating_duration_since(start + due(index));
    times.iter().enumerate().map(late).collect()
}

/// `http://host:port` and the path behind it.
fn split(base: &str) -> (String, String) {
    let rest = base.trim_start_matches("http://");
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let path = match path {
        "" => String::new(),
        path => format!("/{path}"),
    };
    (format!("http://{host}"), path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lateness_is_counted_from_the_timetable() {
        let start = Instant::now();
        let at = |ms: u64| start + Duration::from_millis(ms);
        let late = late(&[at(3), at(5), at(17), at(15)]);
        let late: Vec<_> = late.iter().map(Duration::as_millis).collect();
        assert_eq!(late, [3, 0, 7, 0]);
    }
}
