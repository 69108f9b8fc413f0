//! The vendor's own SDKs, installed by `peers/install`.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result};

use crate::clients::Sample;
use crate::process::{Task, sample};

/// The Python that has the Python SDK, when it is not the one that `peers/install` made.
const PYTHON: &str = "COZE_BENCH_PYTHON";

/// An SDK of the vendor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Peer {
    Node,
    Python,
}

impl Peer {
    /// All of them.
    pub(crate) const ALL: [Self; 2] = [Self::Node, Self::Python];

    /// The name of the package.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Node => "@coze/api",
            Self::Python => "cozepy",
        }
    }

    const fn version(self) -> &'static str {
        match self {
            Self::Node => "1.3.9",
            Self::Python => "0.20.0",
        }
    }

    fn command(self) -> Command {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("peers");
        match self {
            Self::Node => {
                let mut command = Command::new("node");
                command.arg(folder.join("coze_api_client.mjs"));
                command
            }
            Self::Python => {
                let own = folder.join(".venv/bin/python");
                let python = std::env::var_os(PYTHON).map(PathBuf::from);
                let python = python.or_else(|| own.exists().then_some(own));
                let mut command = Command::new(python.unwrap_or_else(|| "python3".into()));
                // It must leave no compiled files in the source tree.
                command.arg("-B").arg(folder.join("cozepy_client.py"));
                command
            }
        }
    }

    /// Why it cannot be measured; `None` when it can.
    pub(crate) fn missing(self) -> Option<String> {
        const HOW: &str = "run bench/peers/install";
        let output = self.command().stdin(Stdio::null()).output();
        let Some(output) = output.ok().filter(|it| it.status.success()) else {
            return Some(format!("not installed: {HOW}"));
        };
        let found = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        let wanted = self.version();
        (found != wanted).then(|| format!("version {found} instead of {wanted}: {HOW}"))
    }

    /// Does a task.
    pub(crate) fn run(self, task: &Task) -> Result<Sample> {
        sample(self.command(), task).with_context(|| format!("{} {}", self.name(), task.name))
    }
}
