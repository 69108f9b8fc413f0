//! The command line: structs that clap fills, and their help texts. No behaviour.

mod api;
mod backup;
mod chat;
mod connect;
mod serve;
mod workflow;

use clap::{Parser, Subcommand, ValueEnum};

pub(crate) use api::ApiArgs;
pub(crate) use backup::{BackupArgs, RestoreArgs};
pub(crate) use chat::ChatArgs;
pub(crate) use connect::{ConnectArgs, LocalArgs, RegionArg};
pub(crate) use serve::{DialectArg, SeedArg, ServeArgs};
pub(crate) use workflow::{
    InputArgs, ResumeArgs, RunArgs, StreamArgs, WorkflowArgs, WorkflowCommand,
};

const AFTER: &str = "\
Examples:
  cozectl chat --local \"你好，请介绍一下自己\"      no account, no key, no server needed
  COZE_API_TOKEN=… COZE_BOT_ID=… cozectl chat hello
  cozectl workflow run 7400000000000000001 -p city=杭州
  cozectl api GET /v1/bots -f workspace_id=7300000000000000001
  cozectl serve --port 8787

Environment:
  COZE_API_TOKEN, COZE_PAT_TOKEN   access token
  COZE_API_BASE                    address of the server
  COZE_BOT_ID                      the agent to talk to
  COZE_LOG                         log filter, such as `debug`; logs go to stderr
  COZE_LOG_FORMAT                  `json` for logs that programs read, one object a line
  NO_COLOR                         no colours

Exit codes:
  0 done · 1 the server said no · 2 bad usage · 3 unreachable or not understood · 130 interrupted";

/// Talk to Coze (扣子) agents, run workflows, or run the same API on your own machine.
#[derive(Debug, Parser)]
#[command(name = "cozectl", version, after_help = AFTER, arg_required_else_help = true)]
#[command(disable_help_subcommand = true)]
pub(crate) struct Cli {
    /// Language of messages; LC_ALL, LC_MESSAGES and LANG decide otherwise
    #[arg(
        long,
        global = true,
        value_name = "LANGUAGE",
        help_heading = "Global options"
    )]
    pub(crate) lang: Option<Lang>,
    /// Print nothing but data and errors
    #[arg(short, long, global = true, help_heading = "Global options")]
    pub(crate) quiet: bool,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// The languages of messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Lang {
    /// English
    En,
    /// 中文
    Zh,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Chat(Box<ChatArgs>),
    Workflow(WorkflowArgs),
    Api(ApiArgs),
    Serve(Box<ServeArgs>),
    Backup(BackupArgs),
    Restore(RestoreArgs),
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        super::Cli::command().debug_assert();
    }
}
