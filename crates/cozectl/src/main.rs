//! `cozectl`: talk to Coze agents, run workflows, or run the same API on your own machine.
//!
//! `cli` says what can be typed, `cmd` does it, `printer` says where the output goes; `error` and
//! `exit` say how it ends.

mod cli;
mod cmd;
mod dirs;
mod error;
mod exit;
mod input;
mod language;
mod local;
mod logging;
mod printer;
mod profile;
mod session;
mod shell;
mod signals;
mod start_error;

use std::process::ExitCode;

use clap::Parser;

use crate::cli::{Cli, Lang};
use crate::exit::ExitStatus;
use crate::language::Language;
use crate::printer::Printer;

fn main() -> ExitCode {
    // Also what is wrong with an option is said in the language asked for.
    let asked = language::of_arguments(std::env::args_os().skip(1));
    language::set(asked.unwrap_or_else(language::of_environment));
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help that nobody reads is no failure.
            let _ = error.print();
            let done = if error.use_stderr() {
                ExitStatus::Usage
            } else {
                ExitStatus::Done
            };
            return done.into();
        }
    };
    match cli.lang {
        Some(Lang::En) => language::set(Language::En),
        Some(Lang::Zh) => language::set(Language::Zh),
        None => language::set(language::of_environment()),
    }
    let mut printer = Printer::new(cli.quiet);
    let result = cmd::run(cli.command, &mut printer).and_then(|status| {
        printer.flush()?;
        Ok(status)
    });
    match result {
        Ok(status) => status.into(),
        Err(failure) => {
            printer.failure(&failure);
            failure.exit().into()
        }
    }
}
