//! `cozectl serve` from its start until it is ready.

use std::net::TcpStream;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};

use super::{Plan, millis};
use crate::figures::{Figure, Target};
use crate::process::{clean, ready};

const TIME: Target = Target::AtMost(60.0);

/// Measures.
pub(crate) fn run(plan: &Plan) -> Result<Vec<Figure>> {
    let home = plan.folder("home")?;
    let old = plan.folder("data-old")?;
    // The first run reads the program from the disk, and makes the old data; it is not counted.
    start(plan, &home, &old)?;
    let (mut new_data, mut old_data) = (Vec::new(), Vec::new());
    for run in 0..plan.serve_runs {
        let new = plan.folder(&format!("data-{run}"))?;
        new_data.push(millis(start(plan, &home, &new)?));
        old_data.push(millis(start(plan, &home, &old)?));
    }
    Ok(vec![
        Figure::alone("cozectl serve: ready, new data", "ms", new_data, Some(TIME)),
        Figure::alone("cozectl serve: ready, old data", "ms", old_data, Some(TIME)),
    ])
}

fn start(plan: &Plan, home: &Path, data: &Path) -> Result<Duration> {
    let mut command = clean(plan.cozectl()?, home);
    command.args(["serve", "--port", "0", "--data"]).arg(data);
    ready(&mut command, |line| {
        let address = line
            .strip_prefix("listening on http://")
            .with_context(|| format!("it printed {line:?}"))?;
        TcpStream::connect(address).context("it says that it listens, and does not")?;
        Ok(())
    })
}
