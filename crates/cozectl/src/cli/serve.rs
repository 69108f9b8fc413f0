//! `cozectl serve`

use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;

use clap::{Args, ValueEnum};

const AFTER: &str = "\
Examples:
  cozectl serve
  cozectl serve --port 0 --data ./data --config coze.yaml
  cozectl serve --seed demo
  cozectl serve --record calls --upstream https://api.coze.cn
  cozectl serve --replay calls --replay-speed 0
  cozectl serve --host 0.0.0.0 --token \"$(openssl rand -hex 16)\"
  cozectl chat --base http://127.0.0.1:8787 --bot 7500000000000000001 hello";

/// Run a local server that speaks the Coze API
///
/// Prints one line on stdout when it is ready: `listening on http://127.0.0.1:PORT`. Logs go to
/// stderr, as COZE_LOG asks for. Ctrl-C or a termination signal stops it in order, with exit code
/// 0; a second one stops it at once. A file given with --config is read again when it, or a file that
/// it names, has changed, and on SIGHUP; one that cannot be used changes nothing. Whatever keeps it from starting ends it with exit code 2 when
/// it lies in options or configuration, and 3 when it lies in the machine, as a port in use.
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(crate) struct ServeArgs {
    /// The port; 0 picks a free one
    #[arg(long, default_value_t = 8787)]
    pub(crate) port: u16,
    /// The address to listen on; any but a loopback address needs a token
    #[arg(long, value_name = "IP", default_value = "127.0.0.1", value_parser = host)]
    pub(crate) host: IpAddr,
    /// Where it keeps its data; the user's data directory by default
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// Agents, models and workflows; ./coze.yaml if it exists
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// A ready-made space besides: two agents, two workflows, documents, a conversation
    #[arg(long, value_enum, value_name = "NAME")]
    pub(crate) seed: Option<SeedArg>,
    /// The dialect it speaks
    #[arg(long, value_enum, default_value_t = DialectArg::Coze)]
    pub(crate) dialect: DialectArg,
    /// A token that is let in; without any, everybody is; repeatable
    #[arg(long = "token", value_name = "TOKEN")]
    pub(crate) tokens: Vec<String>,
    /// What each user may call: unlimited, or basic (2 a second, 60 a minute, 3,000 a day, 100 in
    /// all); what the configuration says by default
    #[arg(long, value_name = "PLAN", value_parser = ["basic", "unlimited"])]
    pub(crate) plan: Option<String>,
    /// Print the JSON Schema of coze.yaml, for editors, and end
    #[arg(long, exclusive = true)]
    pub(crate) print_schema: bool,
    /// Write down what passes to the upstream, without secrets, one file for each call
    #[arg(
        long,
        value_name = "DIR",
        requires = "upstream",
        help_heading = "Another server behind this one"
    )]
    pub(crate) record: Option<PathBuf>,
    /// The server that calls are passed on to, such as `https://api.coze.cn`; with --replay, only those
    /// that were not recorded
    #[arg(
        long,
        value_name = "URL",
        help_heading = "Another server behind this one"
    )]
    pub(crate) upstream: Option<String>,
    /// Answer from what was recorded, and refuse what was not
    #[arg(
        long,
        value_name = "DIR",
        help_heading = "Another server behind this one"
    )]
    pub(crate) replay: Option<PathBuf>,
    /// How fast recorded answers come: 1 as they came then, 2 twice as fast, 0 at once
    #[arg(
        long,
        value_name = "FACTOR",
        default_value_t = 1.0,
        help_heading = "Another server behind this one"
    )]
    pub(crate) replay_speed: f64,
    /// For tests: callers may ask for faults, move the clock and begin anew; docs/testing.md says
    /// how
    #[arg(long, help_heading = "Options for tests")]
    pub(crate) faults: bool,
    /// What chance follows in faults; the same number, the same failures
    #[arg(long, value_name = "NUMBER", help_heading = "Options for tests")]
    pub(crate) fault_seed: Option<u64>,
}

/// The ready-made spaces.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum SeedArg {
    /// A bookshop
    Demo,
}

/// The dialects of the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum DialectArg {
    /// As documented, and as the official SDKs speak it
    Coze,
    /// As the coze-api skill document shows it
    Skill,
}

fn host(text: &str) -> Result<IpAddr, String> {
    if text.eq_ignore_ascii_case("localhost") {
        return Ok(Ipv4Addr::LOCALHOST.into());
    }
    let text = text.trim_start_matches('[').trim_end_matches(']');
    text.parse()
        .map_err(|_| "expected an IP address, such as 127.0.0.1 or 0.0.0.0".to_owned())
}
