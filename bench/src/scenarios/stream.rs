//! One chat of 100,000 deltas.

use anyhow::Result;

use super::rounds::{Race, Rounds};
use super::{Plan, float, megabytes, seconds};
use crate::clients::Sample;
use crate::events::{self, Deltas, Stream};
use crate::figures::{Figure, Target};
use crate::peers::Peer;
use crate::process::{Server, Task};

const SPEED: Target = Target::RatioAtLeast(0.75);
const CPU: Target = Target::RatioAtMost(2.0);
const MEMORY: Target = Target::AtMost(8.0);

/// How much faster than the vendor's SDKs.
fn speed_beside(peer: Peer) -> Option<Target> {
    Some(Target::RatioAtLeast(match peer {
        Peer::Node => 3.0,
        Peer::Python => 15.0,
    }))
}

/// Measures, at each pace of the server.
pub(crate) fn run(plan: &Plan, server: &Server) -> Result<Vec<Figure>> {
    let mut figures = Vec::new();
    // As models do it: the server writes event by event.
    figures.extend(measure(
        plan,
        server,
        "single",
        "stream, one write per event",
    )?);
    // As fast as the client can read: here the client is what limits.
    figures.extend(measure(
        plan,
        server,
        "burst",
        "stream, one chunk per event",
    )?);
    // The same, with a time in each delta that differs from the one before: nothing repeats.
    // Streams of the service are not like that, so there is no target; it shows what whole parsing
    // costs.
    figures.extend(measure(
        plan,
        server,
        "varied",
        "stream, no two deltas alike",
    )?);
    Ok(figures)
}

fn measure(plan: &Plan, server: &Server, pace: &str, name: &str) -> Result<Vec<Figure>> {
    let task = |deltas| Task {
        name: "stream",
        base: server.base(pace, deltas),
        count: deltas,
    };
    // The strictest of the three is where the vendor's SDKs are beside ours. They get fewer deltas:
    // it is the rates that are compared.
    let peer_deltas = plan.deltas / 5;
    let race = Race {
        rounds: plan.rounds,
        task: task(plan.deltas),
        peer_task: (pace == "burst").then(|| task(peer_deltas)),
    };
    let mut rounds = Rounds::take(plan, &race)?;
    let differ = match pace {
        "varied" => Deltas::Varied,
        _ => Deltas::Alike,
    };
    let text = |deltas| events::text_length(deltas, differ);
    let body = Stream::chat(plan.deltas, differ).body;
    let events = events::events(plan.deltas);
    rounds.check(events, text(plan.deltas), body)?;
    rounds.check_peers(text(peer_deltas));

    let events = |it: &Sample| Some(float(u64::try_from(it.events.unwrap_or(events)).ok()?));
    let speed = |it: &Sample| Some(events(it)? / seconds(it.wall));
    let cpu = |it: &Sample| Some(seconds(it.cpu?) * 1e6 / events(it)?);
    let memory = |it: &Sample| it.memory.map(megabytes);
    let judged = |target| (pace != "varied").then_some(target);
    let [speed_name, cpu_name, memory_name] =
        ["speed", "CPU per event", "memory"].map(|what| format!("{name}: {what}"));
    let mut figures = Vec::new();
    figures.extend(rounds.beside_raw(&speed_name, "events/s", &speed, judged(SPEED)));
    figures.extend(rounds.beside_raw(&cpu_name, "µs", &cpu, judged(CPU)));
    figures.extend(rounds.beside_raw(&memory_name, "MB", &memory, judged(MEMORY)));
    figures.extend(rounds.beside_peers(&speed_name, "events/s", &speed, speed_beside));
    figures.extend(rounds.beside_peers(&cpu_name, "µs", &cpu, |_| None));
    figures.extend(rounds.beside_peers(&memory_name, "MB", &memory, |_| None));
    Ok(figures)
}
