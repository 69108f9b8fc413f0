//! 2,000 chats one after the other, not streaming.

use anyhow::{Result, ensure};

use super::{Pairs, Plan, beside, float, seconds};
use crate::events;
use crate::figures::{Figure, Target};
use crate::process::Server;

const SPEED: Target = Target::RatioAtLeast(0.6);

/// Measures.
pub(crate) fn run(plan: &Plan, server: &Server) -> Result<Vec<Figure>> {
    let count = plan.creates;
    // A call is two processes waking each other, which a shared machine does at very different
    // speeds from one moment to the next, so there are more rounds than of the streams.
    let pairs = Pairs::take(plan.rounds * 3, "create", &server.base("burst", 0), count)?;
    for sample in &pairs.sdk {
        ensure!(sample.events == Some(count), "the SDK lost a reply");
    }
    let body = events::create_reply().len();
    for sample in &pairs.raw {
        ensure!(sample.bytes == body * count, "raw lost bytes");
    }
    let calls = float(u64::try_from(count)?);
    let speed = pairs.each(|it| Some(calls / seconds(it.wall)));
    let cpu = pairs.each(|it| it.cpu.map(|nanos| seconds(nanos) * 1e6 / calls));
    let figures = [
        beside("creates: speed", "calls/s", speed, Some(SPEED)),
        beside("creates: CPU per call", "µs", cpu, None),
    ];
    Ok(figures.into_iter().flatten().collect())
}
