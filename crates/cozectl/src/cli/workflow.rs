//! `cozectl workflow`

use clap::{Args, Subcommand};

use crate::cli::{ConnectArgs, LocalArgs};
use crate::input::{Pair, pair};

const AFTER_RUN: &str = "\
Examples:
  cozectl workflow run 7400000000000000001 -p city=杭州 -p days=3
  cozectl workflow run 7400000000000000001 --params @input.json --json | jq -r .data
  id=$(cozectl workflow run 7400000000000000001 --async)";

const AFTER_STREAM: &str = "\
Examples:
  cozectl workflow stream 7400000000000000001 -p topic=tea
  cozectl workflow stream 7400000000000000001 --params '{\"topic\":\"tea\"}' --json";

const AFTER_RESUME: &str = "\
Examples:
  cozectl workflow resume 7400000000000000001 7404830425073352713/2769808280134765896 --data 杭州
  cozectl workflow resume 7400000000000000001 EVENT_ID --type 5 --data '{\"city\":\"杭州\"}' --no-stream";

/// Run workflows
///
/// A workflow that asks a question ends the command with exit code 1: the question goes to stderr,
/// with the command that answers it. With --json the question is part of the output, and the exit
/// code is 0.
#[derive(Debug, Args)]
#[command(arg_required_else_help = true)]
pub(crate) struct WorkflowArgs {
    #[command(subcommand)]
    pub(crate) command: WorkflowCommand,
}

/// What to do with a workflow.
#[derive(Debug, Subcommand)]
pub(crate) enum WorkflowCommand {
    Run(RunArgs),
    Stream(StreamArgs),
    Resume(ResumeArgs),
}

/// What is common to `run` and `stream`.
#[derive(Debug, Args)]
pub(crate) struct InputArgs {
    /// The workflow
    pub(crate) id: String,
    /// An input, as JSON or else text; whole numbers of more than 15 digits are text; repeatable
    #[arg(short = 'p', long = "param", value_name = "KEY=VALUE", value_parser = pair)]
    pub(crate) parameters: Vec<Pair>,
    /// All inputs as a JSON object: the text itself, @FILE, or `-` for stdin
    #[arg(long, value_name = "JSON", conflicts_with = "parameters")]
    pub(crate) params: Option<String>,
    /// The agent whose data it may use
    #[arg(long, value_name = "ID", conflicts_with = "app")]
    pub(crate) bot: Option<String>,
    /// The app it belongs to
    #[arg(long, value_name = "ID")]
    pub(crate) app: Option<String>,
    /// latitude, longitude or user_id; repeatable
    #[arg(long, value_name = "KEY=VALUE", value_parser = pair)]
    pub(crate) ext: Vec<Pair>,
    /// A version of the workflow; the latest by default
    #[arg(long, value_name = "VERSION")]
    pub(crate) workflow_version: Option<String>,
}

/// Run a workflow and print its result
#[derive(Debug, Args)]
#[command(after_help = AFTER_RUN)]
pub(crate) struct RunArgs {
    #[command(flatten)]
    pub(crate) input: InputArgs,
    /// Start it in the background and print the id of the run
    #[arg(long = "async")]
    pub(crate) background: bool,
    /// Wait for a run in the background
    #[arg(long, requires = "background")]
    pub(crate) wait: bool,
    /// How long to wait
    #[arg(long, value_name = "SECONDS", default_value_t = 600, requires = "wait")]
    pub(crate) deadline: u64,
    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) connect: ConnectArgs,
    #[command(flatten)]
    pub(crate) local: LocalArgs,
}

/// Run a workflow and print what it says as it arrives
#[derive(Debug, Args)]
#[command(after_help = AFTER_STREAM)]
pub(crate) struct StreamArgs {
    #[command(flatten)]
    pub(crate) input: InputArgs,
    /// Print events as NDJSON
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) connect: ConnectArgs,
    #[command(flatten)]
    pub(crate) local: LocalArgs,
}

/// Answer the question of a workflow and go on with it
#[derive(Debug, Args)]
#[command(after_help = AFTER_RESUME)]
pub(crate) struct ResumeArgs {
    /// The workflow
    pub(crate) id: String,
    /// The event that the question came with
    pub(crate) event_id: String,
    /// The answer: text, or JSON text for input nodes and files; `-` reads it from stdin
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    pub(crate) data: String,
    /// The type that the question came with: 2 question node, 5 input node
    #[arg(long = "type", value_name = "NUMBER", default_value_t = 2)]
    pub(crate) kind: i64,
    /// For a question of `workflow run`: wait for the result
    #[arg(long)]
    pub(crate) no_stream: bool,
    /// For a question of `workflow run --async`: go on in the background and wait for the result
    #[arg(long = "async", conflicts_with = "no_stream")]
    pub(crate) background: bool,
    /// Print events as NDJSON; with --no-stream or --async one JSON object
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) connect: ConnectArgs,
    #[command(flatten)]
    pub(crate) local: LocalArgs,
}
