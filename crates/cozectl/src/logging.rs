//! Logs, on stderr, as `COZE_LOG` asks for.

use std::env;
use std::io;

use tracing_subscriber::EnvFilter;

/// A filter without the library that speaks MCP, which logs content, unless the filter names it:
/// what stands behind counts more.
fn quiet(filter: &str) -> String {
    format!("rmcp=off,{filter}")
}

/// Starts logging when `COZE_LOG` is set, or else at the level that a command has by default.
pub(crate) fn start(default: Option<&str>) {
    let asked = env::var("COZE_LOG")
        .ok()
        .filter(|value| !value.trim().is_empty());
    let Some(filter) = asked.as_deref().or(default) else {
        return;
    };
    // Whoever gets no logs because of a typo would look for them in vain.
    let filter =
        EnvFilter::try_new(quiet(filter)).unwrap_or_else(|_| EnvFilter::new(quiet("warn")));
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(false);
    // Somebody else may have set up logging; then that stands.
    let _ = match env::var("COZE_LOG_FORMAT").as_deref() {
        Ok("json") => lines.json().flatten_event(true).try_init(),
        _ => lines.try_init(),
    };
}
