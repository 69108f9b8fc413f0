//! `cargo xtask docs | tidy | compatibility`

use std::env;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Result;
use xtask::tree::Tree;
use xtask::{CHECKS, compatibility, generated};

const USAGE: &str = "\
usage: cargo xtask COMMAND

  docs    write the generated documents
  tidy    say what is out of step; `cargo test -p xtask` checks the same
  compatibility [--check] [FOLDER]
          keep what the suites of interop/ have given, and write the table; with --check, say what
          differs from what is kept. They write to target/compatibility unless told otherwise";

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match arguments.as_slice() {
        ["docs"] => docs(),
        ["tidy"] => tidy(),
        ["compatibility", "--check"] => check_compatibility(RESULTS),
        ["compatibility", "--check", folder] => check_compatibility(folder),
        ["compatibility"] => keep_compatibility(RESULTS),
        ["compatibility", folder] => keep_compatibility(folder),
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

/// Where the suites write what they gave.
const RESULTS: &str = "target/compatibility";

fn keep_compatibility(folder: &str) -> Result<ExitCode> {
    compatibility::keep(&Tree::of_workspace()?, Path::new(folder))?;
    docs()
}

fn check_compatibility(folder: &str) -> Result<ExitCode> {
    let problems = compatibility::differences(&Tree::of_workspace()?, Path::new(folder))?;
    for problem in &problems {
        println!("{problem}");
    }
    if problems.is_empty() {
        println!("the table is what the suites gave");
        return Ok(ExitCode::SUCCESS);
    }
    println!("run `cargo xtask compatibility`, and look at what it changes");
    Ok(ExitCode::FAILURE)
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
