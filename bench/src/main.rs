//! Measures coze-rs beside "raw", programs that only read the bytes and parse nothing, and beside the
//! vendor's own SDKs.
//!
//! Client and server are processes of their own, started from this same binary, so that time on
//! the CPU and memory are those of one client alone. See `README.md` for what is measured and how.

mod clients;
mod events;
mod figures;
mod peers;
mod process;
mod scenarios;
mod server;
mod usage;
mod vectors;
mod wire;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;

use crate::scenarios::{Plan, Scenario};

/// Measure the SDK, the command line and the local server.
///
/// Build what is measured first: `cargo build --release -p cozectl`.
#[derive(Debug, Parser)]
#[command(name = "coze-bench")]
struct Options {
    /// Small counts, for a check that everything works; figures are printed, not judged
    #[arg(long)]
    smoke: bool,
    /// End with exit code 1 when a target is missed
    #[arg(long, conflicts_with = "smoke")]
    strict: bool,
    /// Only these
    #[arg(long, value_enum, value_delimiter = ',')]
    only: Vec<Scenario>,
    /// Rounds of each stream, raw and SDK in turn; the creates get three times as many
    #[arg(long, default_value_t = 11, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// The program that is measured; beside this one by default
    #[arg(long, value_name = "PATH")]
    cozectl: Option<PathBuf>,
    /// Where the figures are written as JSON
    #[arg(long, value_name = "FILE", default_value = "target/bench/results.json")]
    out: PathBuf,
}

fn main() -> ExitCode {
    // The inner programs are timed from their start, so they do not pass the option parser.
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let result = match arguments.split_first() {
        Some((first, _)) if first == "server" => server::main().map(|()| ExitCode::SUCCESS),
        Some((first, rest)) if first == "client" => clients::main(rest).map(|()| ExitCode::SUCCESS),
        _ => measure(&Options::parse()),
    };
    result.unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::FAILURE
    })
}

fn measure(options: &Options) -> Result<ExitCode> {
    let plan = Plan::new(options.smoke, options.rounds, options.cozectl.clone())?;
    let report = scenarios::run(&plan, &options.only)?;
    report.print();
    report.write(&options.out)?;
    println!("\nwritten to {}", options.out.display());
    Ok(if options.strict && report.missed() > 0 {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}
