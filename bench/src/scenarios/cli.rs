//! `cozectl chat` from its start to the first delta.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Result, ensure};

use super::{Plan, millis};
use crate::events;
use crate::figures::{Figure, Target};
use crate::process::{Server, clean, first_byte};

const TIME: Target = Target::AtMost(12.0);
const RATIO: Target = Target::RatioAtMost(3.0);

/// The answer is short: what is measured is the way to its beginning.
const DELTAS: usize = 16;

/// Measures.
pub(crate) fn run(plan: &Plan, server: &Server) -> Result<Vec<Figure>> {
    let home = plan.folder("home")?;
    let base = server.base("burst", DELTAS);
    let this = std::env::current_exe()?;
    let (mut chats, mut raws) = (Vec::new(), Vec::new());
    // The first run of each reads the program from the disk; it is not counted.
    for run in 0..=plan.cli_runs {
        let mut raw = clean(&this, &home);
        raw.args(["client", "raw", "first", &base, "0"]);
        let raw = time(&mut raw, "event:conversation.chat.created")?;
        let chat = time(
            &mut chat(plan.cozectl()?, &home, &base),
            &events::answer(DELTAS),
        )?;
        if run > 0 {
            raws.push(millis(raw));
            chats.push(millis(chat));
        }
    }
    Ok(vec![
        Figure::alone(
            "cozectl chat: to the first delta",
            "ms",
            chats.clone(),
            Some(TIME),
        ),
        Figure::beside(
            "cozectl chat: the same, beside raw",
            "ms",
            chats,
            raws,
            Some(RATIO),
        ),
    ])
}

fn chat(cozectl: &Path, home: &Path, base: &str) -> Command {
    let mut command = clean(cozectl, home);
    command
        .args(["chat", "hi"])
        .env("COZE_API_BASE", base)
        .env("COZE_API_TOKEN", "pat_bench")
        .env("COZE_BOT_ID", events::BOT);
    command
}

fn time(command: &mut Command, expected: &str) -> Result<Duration> {
    let (time, text) = first_byte(command)?;
    ensure!(
        text.starts_with(expected),
        "{command:?}: it printed {text:?}, not {expected:?}"
    );
    Ok(time)
}
