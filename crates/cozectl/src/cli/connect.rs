//! Which server to talk to.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// How a server is reached.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Server")]
pub(crate) struct ConnectArgs {
    /// Access token; COZE_API_TOKEN or COZE_PAT_TOKEN is safer, other users can read arguments. A
    /// server on a loopback address seldom needs one
    #[arg(long)]
    pub(crate) token: Option<String>,
    /// Address of the server, instead of COZE_API_BASE; may have a path
    #[arg(long, value_name = "URL", conflicts_with = "region")]
    pub(crate) base: Option<String>,
    /// The hosted service to use, instead of COZE_API_BASE
    #[arg(long)]
    pub(crate) region: Option<RegionArg>,
}

/// The hosted services.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum RegionArg {
    /// api.coze.cn
    Cn,
    /// api.coze.com
    Com,
}

/// A server inside this process.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Server")]
pub(crate) struct LocalArgs {
    /// Run the server inside this process: needs no account and no key
    #[arg(long, conflicts_with_all = ["token", "base", "region"])]
    pub(crate) local: bool,
    /// Agents, models and workflows of the local server; ./coze.yaml if it exists
    #[arg(long, value_name = "FILE", requires = "local")]
    pub(crate) config: Option<PathBuf>,
    /// Where the local server keeps its data; the user's data directory by default
    #[arg(long, value_name = "DIR", requires = "local")]
    pub(crate) local_data: Option<PathBuf>,
}
