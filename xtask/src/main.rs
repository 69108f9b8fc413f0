//! `cargo xtask docs | tidy`

use std::env;
use std::process::ExitCode;

use anyhow::Result;
use xtask::tree::Tree;
use xtask::{CHECKS, generated};

const USAGE: &str = "\
usage: cargo xtask COMMAND

  docs    write the generated documents
  tidy    say what is out of step; `cargo test -p xtask` checks the same";

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match arguments.as_slice() {
        ["docs"] => docs(),
        ["tidy"] => tidy(),
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match done {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn docs() -> Result<ExitCode> {
    let written = generated::write(&Tree::of_workspace()?)?;
    for path in &written {
        println!("written: {path}");
    }
    if written.is_empty() {
        println!("everything is current");
    }
    Ok(ExitCode::SUCCESS)
}

fn tidy() -> Result<ExitCode> {
    let tree = Tree::of_workspace()?;
    let mut count = 0;
    for (name, check) in CHECKS {
        for problem in check(&tree)? {
            println!("{name}: {problem}");
            count += 1;
        }
    }
    if count == 0 {
        println!("tidy");
        return Ok(ExitCode::SUCCESS);
    }
    Ok(ExitCode::FAILURE)
}
