//! What is wrong with a canvas, said to the person who drew it.

use std::fmt;

use serde::Serialize;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// It runs, though perhaps not as its author thinks.
    Warning,
    /// It must be mended before it runs.
    Error,
}

/// One finding about a canvas.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// The node it is about; empty if it is about the canvas as a whole.
    pub node_id: String,
    /// That node's title.
    pub node_title: String,
    /// What is wrong and how to mend it.
    pub message: String,
}

impl Diagnostic {
    /// Must this be mended before the workflow can run?
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

impl fmt::Display for Diagnostic {
    /// `error: node "Ask" (id 123): …`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let severity = if self.is_error() { "error" } else { "warning" };
        if self.node_id.is_empty() {
            write!(f, "{severity}: {}", self.message)
        } else {
            let name = name_of(&self.node_id, &self.node_title);
            write!(f, "{severity}: {name}: {}", self.message)
        }
    }
}

/// How every message of this crate names a node.
pub(crate) fn name_of(id: &str, title: &str) -> String {
    if title.is_empty() {
        format!("node {id}")
    } else {
        format!("node {title:?} (id {id})")
    }
}
