//! The programs that are measured, each a process of its own.
//!
//! `client raw|sdk stream|create|first BASE COUNT` does one thing and prints one line of JSON, a
//! [`Sample`]. A client in any other language that prints the same line can stand beside them.

use std::io::Write;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use coze_api::{ChatEvent, Coze};
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, USER_AGENT};
use serde::{Deserialize, Serialize};

use crate::{events, usage};

/// What one run of a client was like.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Sample {
    /// From before the first request to after the last byte, in nanoseconds.
    pub(crate) wall: u64,
    /// Time on the CPU in between, in nanoseconds.
    pub(crate) cpu: Option<u64>,
    /// The most memory that was ever resident, in bytes.
    pub(crate) memory: Option<u64>,
    /// Typed events or replies; raw counts none.
    pub(crate) events: Option<usize>,
    /// Bytes of the bodies; the SDK counts those of the answers' text.
    pub(crate) bytes: usize,
}

/// Runs one client.
pub(crate) fn main(arguments: &[String]) -> Result<()> {
    let [client, task, base, count] = arguments else {
        bail!("usage: client raw|sdk stream|create|first BASE COUNT");
    };
    let count = count.parse()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        match (client.as_str(), task.as_str()) {
            ("raw", "stream") => raw_stream(base).await,
            ("raw", "create") => raw_create(base, count).await,
            ("raw", "first") => raw_first(base).await,
            ("sdk", "stream") => sdk_stream(base).await,
            ("sdk", "create") => sdk_create(base, count).await,
            _ => bail!("no client {client} {task}"),
        }
    })
}

/// A measurement under way.
struct Meter {
    cpu: Option<u64>,
    start: Instant,
}

impl Meter {
    fn start() -> Self {
        Self {
            cpu: usage::cpu(),
            start: Instant::now(),
        }
    }

    fn stop(self, events: Option<usize>, bytes: usize) -> Result<()> {
        let wall = self.start.elapsed();
        let cpu = usage::cpu().zip(self.cpu);
        let sample = Sample {
            wall: u64::try_from(wall.as_nanos())?,
            cpu: cpu.map(|(after, before)| after - before),
            memory: usage::peak_memory(),
            events,
            bytes,
        };
        println!("{}", serde_json::to_string(&sample)?);
        Ok(())
    }
}

/// The same HTTP client that the SDK sets up for an address such as this one.
fn raw_client() -> Result<reqwest::Client> {
    let builder = reqwest::Client::builder()
        .connect_timeout(Duration::from_secs(5))
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .no_proxy()
        .tls_certs_only([])
        .tcp_nodelay(true);
    Ok(builder.build()?)
}

async fn raw_send(client: &reqwest::Client, base: &str, stream: bool) -> Result<reqwest::Response> {
    let response = client
        .post(format!("{base}/v3/chat"))
        .header(USER_AGENT, "raw")
        .header(AUTHORIZATION, "Bearer pat_bench")
        .header(CONTENT_TYPE, "application/json")
        .body(events::request(stream))
        .send()
        .await?;
    ensure!(response.status().is_success(), "{}", response.status());
    Ok(response)
}

async fn raw_stream(base: &str) -> Result<()> {
    let client = raw_client()?;
    let meter = Meter::start();
    let mut response = raw_send(&client, base, true).await?;
    let mut bytes = 0;
    while let Some(chunk) = response.chunk().await? {
        bytes += chunk.len();
    }
    meter.stop(None, bytes)
}

async fn raw_create(base: &str, count: usize) -> Result<()> {
    let client = raw_client()?;
    let meter = Meter::start();
    let mut bytes = 0;
    for _ in 0..count {
        bytes += raw_send(&client, base, false).await?.bytes().await?.len();
    }
    meter.stop(None, bytes)
}

/// The lower bound of a command line: starts, asks, prints the first bytes that come.
async fn raw_first(base: &str) -> Result<()> {
    let mut response = raw_send(&raw_client()?, base, true).await?;
    let chunk = response.chunk().await?.context("nothing came")?;
    let mut out = std::io::stdout();
    out.write_all(&chunk)?;
    out.flush()?;
    Ok(())
}

fn coze(base: &str) -> Result<Coze> {
    Ok(Coze::builder().base_url(base).token("pat_bench").build()?)
}

async fn sdk_stream(base: &str) -> Result<()> {
    let coze = coze(base)?;
    let meter = Meter::start();
    let chat = coze.chat(events::BOT).user("bench").message("hi");
    let mut stream = chat.stream().await?;
    let (mut events, mut bytes) = (0, 0);
    while let Some(event) = stream.next().await {
        events += 1;
        if let ChatEvent::Delta(message) = event? {
            bytes += message.content.len();
        }
    }
    meter.stop(Some(events), bytes)
}

async fn sdk_create(base: &str, count: usize) -> Result<()> {
    let coze = coze(base)?;
    let meter = Meter::start();
    let (mut events, mut bytes) = (0, 0);
    for _ in 0..count {
        let chat = coze.chat(events::BOT).user("bench").message("hi");
        let chat = chat.start().await?;
        events += usize::from(!chat.id.is_unset());
        bytes += chat.id.len();
    }
    meter.stop(Some(events), bytes)
}
