//! 2,000 chats one after the other, not streaming.

use anyhow::Result;

use super::rounds::{Race, Rounds};
use super::{Plan, float, seconds};
use crate::clients::Sample;
use crate::events;
use crate::figures::{Figure, Target};
use crate::process::{Server, Task};

const SPEED: Target = Target::RatioAtLeast(0.75);
/// 40 µs where raw needs 18: as a ratio it holds on any machine.
const CPU: Target = Target::RatioAtMost(40.0 / 18.0);
const CONNECTIONS: Target = Target::AtMost(1.0);

/// Measures.
pub(crate) fn run(plan: &Plan, server: &Server) -> Result<Vec<Figure>> {
    let count = plan.creates;
    let task = Task {
        name: "create",
        base: server.base("burst", 0),
        count,
    };
    let race = Race {
        // A call is two processes waking each other, which a shared machine does at very different
        // speeds from one moment to the next, so there are more rounds than of the streams.
        rounds: plan.rounds * 3,
        peer_task: Some(task.clone()),
        task,
    };
    let mut rounds = Rounds::take(plan, &race)?;
    let (ids, body) = (
        events::CHAT.len() * count,
        events::create_reply().len() * count,
    );
    rounds.check(count, ids, body)?;
    rounds.check_peers(ids);

    let calls = float(u64::try_from(count)?);
    let speed = |it: &Sample| Some(calls / seconds(it.wall));
    let cpu = |it: &Sample| it.cpu.map(|nanos| seconds(nanos) * 1e6 / calls);
    let mut figures = Vec::new();
    figures.extend(rounds.beside_raw("creates: speed", "calls/s", &speed, Some(SPEED)));
    figures.extend(rounds.beside_raw("creates: CPU per call", "µs", &cpu, Some(CPU)));
    figures.push(connections(server, &race.task)?);
    figures.extend(rounds.beside_peers("creates: speed", "calls/s", &speed, |_| None));
    figures.extend(rounds.beside_peers("creates: CPU per call", "µs", &cpu, |_| None));
    Ok(figures)
}

/// A run by itself, because the server counts the connections of all.
fn connections(server: &Server, task: &Task) -> Result<Figure> {
    let before = server.connections()?;
    crate::process::client("sdk", task)?;
    // One of them is that of the question.
    let made = server.connections()? - before - 1;
    let made = float(u64::try_from(made)?);
    let name = "creates: connections";
    Ok(Figure::alone(name, "", vec![made], Some(CONNECTIONS)))
}
