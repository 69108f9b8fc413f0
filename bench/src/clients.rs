//! The programs that are measured, each a process of its own.
//!
//! `client raw|sdk stream|streams|create|first BASE COUNT` does one thing and prints one line of
//! JSON, a [`Sample`]. A client in any other language that prints the same line can stand beside
//! them, as those in `peers/` do.

use std::io::Write;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use coze_api::{ChatEvent, Coze};
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, USER_AGENT};
use serde::{Deserialize, Serialize};
use tokio::task::JoinSet;

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
    /// From when a delta was sent to when it was there, in nanoseconds; 99 of 100 took no longer.
    pub(crate) lag: Option<u64>,
    /// The same without the first deltas of each stream, among which all the streams begin. The
    /// vendor's SDKs do not tell it.
    pub(crate) lag_under_way: Option<u64>,
}

/// So many deltas of a stream are its beginning.
const BEGINNING: usize = 50;

/// Runs one client.
pub(crate) fn main(arguments: &[String]) -> Result<()> {
    let [client, task, base, count] = arguments else {
        bail!("usage: client raw|sdk stream|streams|create|first BASE COUNT");
    };
    let count = count.parse()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        match (client.as_str(), task.as_str()) {
            ("raw", "stream") => raw_stream(base).await,
            ("raw", "streams") => raw_streams(base, count).await,
            ("raw", "create") => raw_create(base, count).await,
            ("raw", "first") => raw_first(base).await,
            ("sdk", "stream") => sdk_stream(base).await,
            ("sdk", "streams") => sdk_streams(base, count).await,
            ("sdk", "create") => sdk_create(base, count).await,
            _ => bail!("no client {client} {task}"),
        }
    })
}

/// What a client has read.
#[derive(Debug, Default)]
struct Read {
    events: Option<usize>,
    bytes: usize,
    lags: Vec<u64>,
    lags_under_way: Vec<u64>,
}

impl Read {
    /// The sum of what streams have read that run at the same time.
    async fn all<F>(streams: impl Iterator<Item = F>) -> Result<Self>
    where
        F: Future<Output = Result<Self>> + Send + 'static,
    {
        let mut tasks: JoinSet<_> = streams.collect();
        let mut all = Self::default();
        while let Some(read) = tasks.join_next().await {
            let read = read??;
            if let Some(events) = read.events {
                *all.events.get_or_insert_default() += events;
            }
            all.bytes += read.bytes;
            let under_way = read.lags.iter().skip(BEGINNING);
            all.lags_under_way.extend(under_way);
            all.lags.extend(read.lags);
        }
        Ok(all)
    }

    fn delivered(&mut self, sent: Option<u64>) {
        let lag = sent.map(|sent| usage::now().saturating_sub(sent));
        self.lags.extend(lag);
    }
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

    fn stop(self, read: &mut Read) -> Result<()> {
        let wall = self.start.elapsed();
        let cpu = usage::cpu().zip(self.cpu);
        let sample = Sample {
            wall: u64::try_from(wall.as_nanos())?,
            cpu: cpu.map(|(after, before)| after - before),
            memory: usage::peak_memory(),
            events: read.events,
            bytes: read.bytes,
            lag: p99(&mut read.lags),
            lag_under_way: p99(&mut read.lags_under_way),
        };
        println!("{}", serde_json::to_string(&sample)?);
        Ok(())
    }
}

fn p99(values: &mut [u64]) -> Option<u64> {
    values.sort_unstable();
    values.get(values.len() * 99 / 100).copied()
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
    let mut read = Read::default();
    while let Some(chunk) = response.chunk().await? {
        read.bytes += chunk.len();
    }
    meter.stop(&mut read)
}

async fn raw_streams(base: &str, count: usize) -> Result<()> {
    let client = raw_client()?;
    let meter = Meter::start();
    let streams = (0..count).map(|_| {
        let (client, base) = (client.clone(), base.to_owned());
        async move {
            let mut response = raw_send(&client, &base, true).await?;
            let mut read = Read::default();
            while let Some(chunk) = response.chunk().await? {
                read.bytes += chunk.len();
                // A chunk is an event, but for the few that were cut in two by the socket's end.
                read.delivered(events::event_sent_at(&chunk));
            }
            Ok(read)
        }
    });
    meter.stop(&mut Read::all(streams).await?)
}

async fn raw_create(base: &str, count: usize) -> Result<()> {
    let client = raw_client()?;
    let meter = Meter::start();
    let mut read = Read::default();
    for _ in 0..count {
        read.bytes += raw_send(&client, base, false).await?.bytes().await?.len();
    }
    meter.stop(&mut read)
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
    meter.stop(&mut Read {
        events: Some(events),
        bytes,
        ..Read::default()
    })
}

async fn sdk_streams(base: &str, count: usize) -> Result<()> {
    let coze = coze(base)?;
    let meter = Meter::start();
    let streams = (0..count).map(|_| {
        let chat = coze.chat(events::BOT).user("bench").message("hi");
        async move {
            let mut stream = chat.stream().await?;
            let mut read = Read::default();
            let mut events = 0;
            while let Some(event) = stream.next().await {
                events += 1;
                if let ChatEvent::Delta(message) = event? {
                    read.bytes += message.content.len();
                    read.delivered(events::sent_at(message.content.as_bytes()));
                }
            }
            read.events = Some(events);
            Ok(read)
        }
    });
    meter.stop(&mut Read::all(streams).await?)
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
    meter.stop(&mut Read {
        events: Some(events),
        bytes,
        ..Read::default()
    })
}
