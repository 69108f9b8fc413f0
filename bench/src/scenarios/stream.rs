//! One chat of 100,000 deltas.

use anyhow::{Result, ensure};

use super::{Pairs, Plan, beside, megabytes, seconds};
use crate::events;
use crate::figures::{Figure, Target};
use crate::process::Server;

/// Speed, time on the CPU, memory.
const TARGETS: [Target; 3] = [
    Target::RatioAtLeast(0.6),
    Target::RatioAtMost(2.5),
    Target::AtMost(12.0),
];

/// Names of the figures of one pace, in the order of the targets.
type Names = [&'static str; 3];

/// As fast as the client can read: here the client is what limits.
const BURST: Names = [
    "stream, one chunk per event: speed",
    "stream, one chunk per event: CPU",
    "stream, one chunk per event: memory",
];

/// The same, with a time in each delta that differs from the one before: nothing repeats. Streams
/// of the service are not like that, so there is no target; it shows what whole parsing costs.
const VARIED: Names = [
    "stream, no two deltas alike: speed",
    "stream, no two deltas alike: CPU",
    "stream, no two deltas alike: memory",
];

/// As models do it: the server writes event by event.
const SINGLE: Names = [
    "stream, one write per event: speed",
    "stream, one write per event: CPU",
    "stream, one write per event: memory",
];

/// Measures.
pub(crate) fn run(plan: &Plan, server: &Server) -> Result<Vec<Figure>> {
    let mut figures = Vec::new();
    for (pace, names) in [("single", SINGLE), ("burst", BURST), ("varied", VARIED)] {
        figures.extend(measure(plan, server, pace, names)?);
    }
    Ok(figures)
}

fn measure(plan: &Plan, server: &Server, pace: &str, names: Names) -> Result<Vec<Figure>> {
    let base = server.base(pace, plan.deltas);
    let pairs = Pairs::take(plan.rounds, "stream", &base, plan.deltas)?;
    let (events, text) = (events::events(plan.deltas), events::answer(plan.deltas));
    for sample in &pairs.sdk {
        ensure!(sample.events == Some(events), "the SDK lost an event");
        ensure!(sample.bytes == text.len(), "the SDK lost text");
    }
    let body = events::Stream::chat(plan.deltas, pace == "varied").body;
    for sample in &pairs.raw {
        ensure!(sample.bytes == body, "raw lost bytes");
    }
    let events = super::float(u64::try_from(events)?);
    let speed = pairs.each(|it| Some(events / seconds(it.wall)));
    let cpu = pairs.each(|it| it.cpu.map(|nanos| seconds(nanos) * 1e3));
    let memory = pairs.each(|it| it.memory.map(megabytes));
    let judged = pace != "varied";
    let [at_speed, at_cpu, at_memory] = TARGETS.map(|it| judged.then_some(it));
    let [speed_name, cpu_name, memory_name] = names;
    let figures = [
        beside(speed_name, "events/s", speed, at_speed),
        beside(cpu_name, "ms", cpu, at_cpu),
        beside(memory_name, "MB", memory, at_memory),
    ];
    Ok(figures.into_iter().flatten().collect())
}
