//! A server under load, in a process of its own.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};

use anyhow::{Context, Result};

use crate::events;
use crate::process::clean;
use crate::scenarios::Plan;
use crate::usage;

/// The agent that follows a script.
pub(super) const BOT: &str = "7500000000000000101";

/// `cozectl serve`; killed when dropped.
pub(super) struct Served {
    child: Child,
    pub(super) base: String,
    pub(super) data: PathBuf,
}

impl Served {
    /// Starts it on the data folder of that name, which may have been used before.
    pub(super) fn start(plan: &Plan, name: &str) -> Result<Self> {
        Self::with(plan, name, &config(plan.paced_deltas))
    }

    /// The folder that a server of that name runs in.
    pub(super) fn home(plan: &Plan, name: &str) -> Result<PathBuf> {
        plan.folder(&format!("{name}-home"))
    }

    /// The same with another `coze.yaml`.
    pub(super) fn with(plan: &Plan, name: &str, config: &str) -> Result<Self> {
        let home = Self::home(plan, name)?;
        let data = plan.folder(&format!("{name}-data"))?;
        fs::write(home.join("coze.yaml"), config)?;
        let mut command = clean(plan.cozectl()?, &home);
        command
            .args(["serve", "--port", "0", "--config", "coze.yaml", "--data"])
            .arg(&data)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let mut child = command.spawn().context("cozectl serve does not start")?;
        let mut line = String::new();
        if let Some(out) = child.stdout.take() {
            BufReader::new(out).read_line(&mut line)?;
        }
        let mut served = Self {
            child,
            base: String::new(),
            data,
        };
        let base = line.trim().strip_prefix("listening on ");
        base.with_context(|| format!("cozectl serve printed {line:?}"))?
            .clone_into(&mut served.base);
        Ok(served)
    }

    /// The process.
    pub(super) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Resident memory now and at most, in bytes.
    pub(super) fn memory(&self) -> Option<u64> {
        usage::memory_of(self.id(), "VmRSS:")
    }

    pub(super) fn peak_memory(&self) -> Option<u64> {
        usage::memory_of(self.id(), "VmHWM:")
    }

    pub(super) fn database(&self) -> PathBuf {
        self.data.join("coze.db")
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A script that says so many pieces 5 ms apart, one that waits, and one that answers at once.
fn config(deltas: usize) -> String {
    let pieces: Vec<String> = (0..deltas)
        .map(|index| serde_json::Value::from(events::piece(index)).to_string())
        .collect();
    format!(
        "bots:\n  - {{ id: \"{BOT}\", name: Bench, model: scripted }}\n\
         models:\n  scripted:\n    provider: offline\n    script:\n\
         \x20     - {{ match: paced, delay_ms: 5, deltas: [{}] }}\n\
         \x20     - {{ match: wait, delay_ms: 3600000, deltas: [never] }}\n\
         \x20     - {{ match: \"\", deltas: [Hello] }}\n",
        pieces.join(", ")
    )
}

/// Removes what a run left, so that the next begins anew.
pub(super) fn remove(path: &Path) {
    let _ = fs::remove_dir_all(path);
}
