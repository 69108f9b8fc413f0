//! What the commands do.

mod api;
mod backup;
mod chat;
mod repl;
mod serve;
mod server;
mod turn;
mod workflow;

use std::future::Future;
use std::io;

use tokio::runtime::{Builder, Runtime};

use crate::cli::Command;
use crate::error::{Failure, Result};
use crate::exit::ExitStatus;
use crate::language::say;
use crate::logging;
use crate::printer::Printer;

/// Runs a command.
pub(crate) fn run(command: Command, printer: &mut Printer) -> Result<ExitStatus> {
    let default = matches!(command, Command::Serve(_)).then_some("warn");
    logging::start(default);
    match command {
        Command::Chat(args) => chat::run(&args, printer),
        Command::Workflow(args) => workflow::run(&args.command, printer),
        Command::Api(args) => api::run(&args, printer),
        Command::Serve(args) => serve::run(*args, printer),
        Command::Backup(args) => backup::backup(&args, printer),
        Command::Restore(args) => backup::restore(&args, printer),
    }
}

/// Threads that a command needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Threads {
    /// A client is one task; starting threads would only cost time.
    One,
    /// A server has work for several.
    Many,
}

/// Runs the asynchronous part of a command to its end.
fn block_on<T>(threads: Threads, work: impl Future<Output = Result<T>>) -> Result<T> {
    let runtime = runtime(threads).map_err(|error| {
        Failure::said(
            ExitStatus::Unreachable,
            say!("the program cannot start: {error}", "程序无法启动：{error}"),
        )
    })?;
    let result = runtime.block_on(work);
    // A thread that still waits for a line of stdin must not hold the program back.
    runtime.shutdown_background();
    result
}

fn runtime(threads: Threads) -> io::Result<Runtime> {
    match threads {
        Threads::One => Builder::new_current_thread().enable_all().build(),
        Threads::Many => Builder::new_multi_thread()
            .worker_threads(workers())
            .enable_all()
            .build(),
    }
}

/// Half of the processors, or as many as `TOKIO_WORKER_THREADS` says: the store has threads of its
/// own, and whoever calls a local server runs on the same machine. A reader that is kept waiting for
/// a processor gets its deltas late, however early they were written.
fn workers() -> usize {
    let asked = std::env::var("TOKIO_WORKER_THREADS").ok();
    let asked = asked.and_then(|text| text.trim().parse().ok());
    let half = || std::thread::available_parallelism().map_or(1, |all| all.get().div_ceil(2));
    asked.unwrap_or_else(half).max(1)
}
