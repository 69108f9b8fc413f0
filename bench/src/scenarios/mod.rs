//! What is measured. A further scenario is a further module with a function that returns figures.

mod cli;
mod creates;
mod load;
mod rounds;
mod serve;
mod size;
mod stream;
mod streams;

use std::cell::OnceCell;
use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use clap::ValueEnum;

use crate::figures::Report;
use crate::peers::Peer;
use crate::process::Server;

/// The scenarios, in the order in which they run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Scenario {
    /// One chat of 100,000 deltas
    Stream,
    /// 1,000 chats at the same time, 200 deltas each, 5 ms apart
    Streams,
    /// 2,000 chats one after the other, not streaming
    Creates,
    /// `cozectl chat` from its start to the first delta
    Cli,
    /// `cozectl serve` from its start until it is ready
    Serve,
    /// The server: 1,000 chats at the same time, 200 deltas each, 5 ms apart
    ServerStreams,
    /// The server: with nothing to do, and with 5,000 open streams
    ServerIdle,
    /// The server: chats created, retrieved, listed; 200,000 calls
    ServerCalls,
    /// The server: pages of 1,000,000 messages
    ServerPages,
    /// The server: passages for a question, from 10,000 chunks
    Knowledge,
    /// The size of `cozectl`
    Size,
}

/// How much is measured.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) smoke: bool,
    /// Of the stream and of the creates.
    pub(crate) rounds: u32,
    pub(crate) deltas: usize,
    /// Chats at the same time.
    pub(crate) streams: usize,
    /// Of each of them.
    pub(crate) paced_deltas: usize,
    pub(crate) creates: usize,
    pub(crate) cli_runs: u32,
    pub(crate) serve_runs: u32,
    /// Rounds of what the server is put through.
    pub(crate) load_rounds: u32,
    pub(crate) idle_streams: usize,
    /// Chats of a round, three calls each, and the calls after which memory must not have grown.
    pub(crate) load_chats: usize,
    pub(crate) growth_calls: usize,
    pub(crate) stored_messages: usize,
    pub(crate) chunks: usize,
    cozectl: PathBuf,
    /// For homes and data, on the same disk as the build.
    pub(crate) scratch: tempfile::TempDir,
    peers: OnceCell<Vec<(Peer, Option<String>)>>,
}

impl Plan {
    /// The plan of a whole or of a small run.
    pub(crate) fn new(smoke: bool, rounds: u32, cozectl: Option<PathBuf>) -> Result<Self> {
        let this = std::env::current_exe()?;
        let folder = this.parent().context("this program is in no folder")?;
        let name = format!("cozectl{}", std::env::consts::EXE_SUFFIX);
        Ok(Self {
            smoke,
            rounds: if smoke { 1 } else { rounds },
            deltas: if smoke { 2_000 } else { 100_000 },
            streams: if smoke { 20 } else { 1_000 },
            paced_deltas: if smoke { 20 } else { 200 },
            creates: if smoke { 50 } else { 2_000 },
            cli_runs: if smoke { 3 } else { 41 },
            serve_runs: if smoke { 2 } else { 21 },
            load_rounds: if smoke { 1 } else { 3 },
            idle_streams: if smoke { 50 } else { 5_000 },
            load_chats: if smoke { 100 } else { 5_000 },
            growth_calls: if smoke { 300 } else { 200_000 },
            stored_messages: if smoke { 5_000 } else { 1_000_000 },
            chunks: if smoke { 500 } else { 10_000 },
            cozectl: match cozectl {
                // The programs run in a folder of their own.
                Some(path) => std::path::absolute(path)?,
                None => folder.join(name),
            },
            scratch: tempfile::Builder::new()
                .prefix("bench-")
                .tempdir_in(folder)?,
            peers: OnceCell::new(),
        })
    }

    /// The vendor's SDKs, and why one cannot be measured.
    pub(crate) fn peers(&self) -> &[(Peer, Option<String>)] {
        let look = || Peer::ALL.map(|peer| (peer, peer.missing())).into();
        self.peers.get_or_init(look)
    }

    /// The program that is measured.
    pub(crate) fn cozectl(&self) -> Result<&PathBuf> {
        let path = &self.cozectl;
        ensure!(
            path.exists(),
            "{} is missing: run `cargo build --release -p cozectl` first",
            path.display()
        );
        Ok(path)
    }

    /// A new empty folder.
    pub(crate) fn folder(&self, name: &str) -> Result<PathBuf> {
        let path = self.scratch.path().join(name);
        fs::create_dir_all(&path)?;
        Ok(path)
    }
}

/// Measures.
pub(crate) fn run(plan: &Plan, only: &[Scenario]) -> Result<Report> {
    let mut report = Report::new(plan.smoke);
    let server = Server::start()?;
    for scenario in Scenario::value_variants() {
        if !only.is_empty() && !only.contains(scenario) {
            continue;
        }
        eprintln!("{scenario:?} …");
        report.extend(match scenario {
            Scenario::Stream => stream::run(plan, &server)?,
            Scenario::Streams => streams::run(plan, &server)?,
            Scenario::Creates => creates::run(plan, &server)?,
            Scenario::Cli => cli::run(plan, &server)?,
            Scenario::Serve => serve::run(plan)?,
            Scenario::ServerStreams => load::paced(plan, &server)?,
            Scenario::ServerIdle => load::idle(plan)?,
            Scenario::ServerCalls => load::calls(plan)?,
            Scenario::ServerPages => load::pages(plan)?,
            Scenario::Knowledge => load::knowledge(plan, &server)?,
            Scenario::Size => size::run(plan)?,
        });
    }
    Ok(report)
}

/// Counts and times as the table shows them; none comes near the limits of a float.
#[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
fn float(number: u64) -> f64 {
    number as f64
}

fn seconds(nanos: u64) -> f64 {
    float(nanos) / 1e9
}

fn millis(time: std::time::Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

fn megabytes(bytes: u64) -> f64 {
    float(bytes) / 1e6
}
