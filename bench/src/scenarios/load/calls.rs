//! Chats that do not stream: created, retrieved, their messages listed. And what many calls leave in
//! memory.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use anyhow::{Context, Result};
use serde::Deserialize;
use tokio::task::JoinSet;

use super::served::{Served, remove};
use super::{block_on, chat};
use crate::figures::{Figure, Target};
use crate::scenarios::{Plan, float, megabytes};
use crate::wire::Wire;

const SPEED: Target = Target::AtLeast(3_000.0);
/// What the system rounds up, and a buffer or two.
const GROWTH: Target = Target::AtMost(4.0);
/// Callers at the same time, each on its own connection.
const CALLERS: usize = 64;
/// Calls of one chat.
const CALLS: usize = 3;

#[derive(Deserialize)]
struct Reply {
    data: Chat,
}

#[derive(Deserialize)]
struct Chat {
    id: String,
    conversation_id: String,
}

/// Measures.
pub(crate) fn run(plan: &Plan) -> Result<Vec<Figure>> {
    let (mut speeds, mut growth) = (Vec::new(), Vec::new());
    for index in 0..plan.load_rounds {
        let served = Served::start(plan, &format!("calls-{index}"))?;
        // Caches and pools fill up first.
        block_on(chats(&served.base, plan.load_chats / 5))?;
        let begun = Instant::now();
        block_on(chats(&served.base, plan.load_chats))?;
        let calls = float(u64::try_from(plan.load_chats * CALLS)?);
        speeds.push(calls / begun.elapsed().as_secs_f64());
        // Once is enough: it is long.
        if index == 0 {
            let before = served.memory();
            block_on(chats(&served.base, plan.growth_calls / CALLS))?;
            if let Some((before, after)) = before.zip(served.memory()) {
                growth.push(megabytes(after) - megabytes(before));
            }
        }
        let data = served.data.clone();
        drop(served);
        remove(&data);
    }
    let name = "server: create, retrieve, list";
    let mut figures = vec![Figure::alone(name, "calls/s", speeds, Some(SPEED))];
    if !growth.is_empty() {
        let name = "server: memory added by 200,000 calls";
        figures.push(Figure::alone(name, "MB", growth, Some(GROWTH)));
    }
    Ok(figures)
}

async fn chats(base: &str, count: usize) -> Result<()> {
    let taken = Arc::new(AtomicUsize::new(0));
    let mut tasks = JoinSet::new();
    for _ in 0..CALLERS {
        let (base, taken) = (base.to_owned(), Arc::clone(&taken));
        tasks.spawn(async move {
            let mut wire = Wire::connect(&base).await?;
            let body = chat("hi", false);
            while taken.fetch_add(1, Ordering::Relaxed) < count {
                let reply = wire.call("POST", "/v3/chat", &body).await?;
                let reply: Reply = serde_json::from_slice(&reply).context("a chat")?;
                let Chat {
                    id,
                    conversation_id,
                } = reply.data;
                let ids = format!("conversation_id={conversation_id}&chat_id={id}");
                wire.call("GET", &format!("/v3/chat/retrieve?{ids}"), "")
                    .await?;
                wire.call("GET", &format!("/v3/chat/message/list?{ids}"), "")
                    .await?;
            }
            anyhow::Ok(())
        });
    }
    while let Some(done) = tasks.join_next().await {
        done??;
    }
    Ok(())
}
