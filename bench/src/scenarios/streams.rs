//! 1,000 chats at the same time, in one process.

use anyhow::Result;

use super::rounds::{Race, Rounds};
use super::{Plan, megabytes, seconds};
use crate::clients::Sample;
use crate::events::{self, Deltas, Stream};
use crate::figures::{Figure, Target};
use crate::process::{Server, Task};

const TIME: Target = Target::RatioAtMost(1.2);
const CPU: Target = Target::RatioAtMost(2.0);
const MEMORY: Target = Target::AtMost(100.0);
const LAG: Target = Target::RatioAtMost(1.5);

/// Measures.
pub(crate) fn run(plan: &Plan, server: &Server) -> Result<Vec<Figure>> {
    let task = Task {
        name: "streams",
        base: server.base("paced", plan.paced_deltas),
        count: plan.streams,
    };
    let race = Race {
        rounds: plan.rounds,
        peer_task: Some(task.clone()),
        task,
    };
    let mut rounds = Rounds::take(plan, &race)?;
    let events = events::events(plan.paced_deltas) * plan.streams;
    let text = events::text_length(plan.paced_deltas, Deltas::Stamped) * plan.streams;
    let body = Stream::chat(plan.paced_deltas, Deltas::Stamped).body * plan.streams;
    rounds.check(events, text, body)?;
    rounds.check_peers(text);

    let time = |it: &Sample| Some(seconds(it.wall));
    let cpu = |it: &Sample| it.cpu.map(seconds);
    let memory = |it: &Sample| it.memory.map(megabytes);
    let lag = |it: &Sample| it.lag.map(|nanos| seconds(nanos) * 1e3);
    let mut figures = Vec::new();
    figures.extend(rounds.beside_raw("streams: time", "s", &time, Some(TIME)));
    figures.extend(rounds.beside_raw("streams: CPU", "s", &cpu, Some(CPU)));
    figures.extend(rounds.beside_raw("streams: memory", "MB", &memory, Some(MEMORY)));
    figures.extend(rounds.beside_raw("streams: p99 of the lag", "ms", &lag, Some(LAG)));
    let under_way = |it: &Sample| it.lag_under_way.map(|nanos| seconds(nanos) * 1e3);
    let name = "streams: p99 of the lag, from the 50th delta on";
    figures.extend(rounds.beside_raw(name, "ms", &under_way, None));
    let no_target = |_| None;
    figures.extend(rounds.beside_peers("streams: time", "s", &time, no_target));
    figures.extend(rounds.beside_peers("streams: CPU", "s", &cpu, no_target));
    figures.extend(rounds.beside_peers("streams: memory", "MB", &memory, no_target));
    figures.extend(rounds.beside_peers("streams: p99 of the lag", "ms", &lag, no_target));
    Ok(figures)
}
