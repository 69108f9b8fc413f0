//! What is measured. A further scenario is a further module with a function that returns figures.

mod cli;
mod creates;
mod serve;
mod size;
mod stream;

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use clap::ValueEnum;

use crate::clients::Sample;
use crate::figures::{Figure, Report};
use crate::process::{Server, client};

/// The scenarios, in the order in which they run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Scenario {
    /// One chat of 100,000 deltas
    Stream,
    /// 2,000 chats one after the other, not streaming
    Creates,
    /// `cozectl chat` from its start to the first delta
    Cli,
    /// `cozectl serve` from its start until it is ready
    Serve,
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
    pub(crate) creates: usize,
    pub(crate) cli_runs: u32,
    pub(crate) serve_runs: u32,
    cozectl: PathBuf,
    /// For homes and data, on the same disk as the build.
    pub(crate) scratch: tempfile::TempDir,
}

impl Plan {
    /// The plan of a whole or of a small run.
    pub(crate) fn new(smoke: bool, rounds: u32, cozectl: Option<PathBuf>) -> Result<Self> {
        let this = std::env::current_exe()?;
        let folder = this.parent().context("this program is in no folder")?;
        let name = format!("cozectl{}", std::env::consts::EXE_SUFFIX);
        let (rounds, deltas, creates, cli_runs, serve_runs) = if smoke {
            (1, 2_000, 50, 3, 2)
        } else {
            (rounds, 100_000, 2_000, 41, 21)
        };
        Ok(Self {
            smoke,
            rounds,
            deltas,
            creates,
            cli_runs,
            serve_runs,
            cozectl: match cozectl {
                // The programs run in a folder of their own.
                Some(path) => std::path::absolute(path)?,
                None => folder.join(name),
            },
            scratch: tempfile::Builder::new()
                .prefix("bench-")
                .tempdir_in(folder)?,
        })
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
            Scenario::Creates => creates::run(plan, &server)?,
            Scenario::Cli => cli::run(plan, &server)?,
            Scenario::Serve => serve::run(plan)?,
            Scenario::Size => size::run(plan)?,
        });
    }
    Ok(report)
}

/// Samples of raw and of the SDK, taken in turn.
#[derive(Debug, Default)]
struct Pairs {
    raw: Vec<Sample>,
    sdk: Vec<Sample>,
}

impl Pairs {
    fn take(rounds: u32, task: &str, base: &str, count: usize) -> Result<Self> {
        let mut pairs = Self::default();
        for round in 0..rounds {
            // Who goes first changes, so that neither always finds the machine as the other left it.
            if round % 2 == 0 {
                pairs.raw.push(client("raw", task, base, count)?);
                pairs.sdk.push(client("sdk", task, base, count)?);
            } else {
                pairs.sdk.push(client("sdk", task, base, count)?);
                pairs.raw.push(client("raw", task, base, count)?);
            }
        }
        Ok(pairs)
    }

    /// A value of each sample: the SDK's, then raw's. `None` where the system does not tell it.
    fn each(&self, value: impl Fn(&Sample) -> Option<f64>) -> Option<(Vec<f64>, Vec<f64>)> {
        let all = |samples: &[Sample]| samples.iter().map(&value).collect::<Option<Vec<_>>>();
        Some((all(&self.sdk)?, all(&self.raw)?))
    }
}

/// Puts a figure beside raw's, if there is one.
fn beside(
    name: &'static str,
    unit: &'static str,
    values: Option<(Vec<f64>, Vec<f64>)>,
    target: Option<crate::figures::Target>,
) -> Option<Figure> {
    values.map(|(sdk, raw)| Figure::beside(name, unit, sdk, raw, target))
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
