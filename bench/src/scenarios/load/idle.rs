//! What a server needs that has nothing to do: alone, and with 5,000 open streams on which nothing
//! happens.

use anyhow::Result;
use tokio::task::JoinSet;

use super::served::{Served, remove};
use super::{block_on, chat};
use crate::figures::{Figure, Target};
use crate::scenarios::{Plan, megabytes};
use crate::usage;
use crate::wire::Wire;

const ALONE: Target = Target::AtMost(40.0);
const STREAMS: Target = Target::AtMost(250.0);
/// Streams that are opened at the same time.
const BATCH: usize = 100;

/// Measures.
pub(crate) fn run(plan: &Plan) -> Result<Vec<Figure>> {
    usage::raise_files();
    let (mut alone, mut streams) = (Vec::new(), Vec::new());
    for index in 0..plan.load_rounds {
        let served = Served::start(plan, &format!("idle-{index}"))?;
        // Both kinds of threads have worked once.
        block_on(async {
            let mut wire = Wire::connect(&served.base).await?;
            wire.call("POST", "/v1/conversation/create", "{}").await?;
            wire.call("GET", "/v1/users/me", "").await
        })?;
        alone.extend(served.memory().map(megabytes));
        block_on(async {
            let open = open(&served.base, plan.idle_streams).await?;
            streams.extend(served.memory().map(megabytes));
            drop(open);
            Ok(())
        })?;
        let data = served.data.clone();
        drop(served);
        remove(&data);
    }
    let figure = |name, values: Vec<f64>, target| {
        (!values.is_empty()).then(|| Figure::alone(name, "MB", values, Some(target)))
    };
    let alone = figure("server, idle: memory", alone, ALONE);
    let streams = figure("server, 5,000 idle streams: memory", streams, STREAMS);
    Ok(alone.into_iter().chain(streams).collect())
}

async fn open(base: &str, count: usize) -> Result<Vec<Wire>> {
    let mut open = Vec::new();
    while open.len() < count {
        let mut tasks = JoinSet::new();
        for _ in 0..BATCH.min(count - open.len()) {
            let base = base.to_owned();
            tasks.spawn(async move {
                let mut wire = Wire::connect(&base).await?;
                wire.open("/v3/chat", &chat("wait", true)).await?;
                anyhow::Ok(wire)
            });
        }
        while let Some(wire) = tasks.join_next().await {
            open.push(wire??);
        }
    }
    Ok(open)
}
