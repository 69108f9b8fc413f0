//! Logs, on stderr, as `COZE_LOG` asks for.

use std::env;
use std::io;

use tracing_subscriber::EnvFilter;

/// Starts logging when `COZE_LOG` is set, or else at the level that a command has by default.
pub(crate) fn start(default: Option<&str>) {
    let asked = env::var("COZE_LOG")
        .ok()
        .filter(|value| !value.trim().is_empty());
    let Some(filter) = asked.as_deref().or(default) else {
        return;
    };
    // Whoever gets no logs because of a typo would look for them in vain.
    let filter = EnvFilter::try_new(filter).unwrap_or_else(|_| EnvFilter::new("warn"));
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(false)
        .try_init();
}
