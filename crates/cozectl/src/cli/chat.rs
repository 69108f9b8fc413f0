//! `cozectl chat`

use clap::Args;

use crate::cli::{ConnectArgs, LocalArgs};
use crate::input::{Pair, pair};

const AFTER: &str = "\
Examples:
  cozectl chat --local \"你好，请介绍一下自己\"
  cozectl chat --session holiday \"Where shall we go?\"      goes on where it was left
  git diff | cozectl chat --bot 7400000000000000001
  cozectl chat --file plan.pdf --file map.png \"What do they say?\"
  cozectl chat --json \"hello\" | jq -r 'select(.event == \"conversation.message.delta\").data.content'
  cozectl chat --json --no-stream \"hello\" | jq -r .text";

/// Talk to an agent; its answer appears as it arrives
///
/// The answer goes to stdout; reasoning, suggestions and errors go to stderr. Without MESSAGE the
/// message is read from stdin; on a terminal a conversation begins, which Ctrl-D ends. Ctrl-C
/// cancels the answer.
///
/// An agent that waits for the output of a tool ends the command with exit code 1, unless --json
/// hands its calls to the caller.
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(crate) struct ChatArgs {
    /// What to say; `-` reads it from stdin
    pub(crate) message: Option<String>,

    /// The agent; COZE_BOT_ID by default, and with --local the built-in one
    #[arg(long, value_name = "ID")]
    pub(crate) bot: Option<String>,
    /// The user for whom the agent keeps memory and variables
    #[arg(long, value_name = "ID", default_value = "cozectl")]
    pub(crate) user: String,
    /// The conversation to go on with
    #[arg(long, value_name = "ID", conflicts_with = "session")]
    pub(crate) conversation: Option<String>,
    /// Go on with the conversation of this name, kept per server and agent
    #[arg(long, value_name = "NAME")]
    pub(crate) session: Option<String>,
    /// Begin the session anew
    #[arg(long, requires = "session")]
    pub(crate) new: bool,

    /// A variable of the agent's prompt; repeatable
    #[arg(long = "var", value_name = "KEY=VALUE", value_parser = pair)]
    pub(crate) variables: Vec<Pair>,
    /// An input of an agent in chatflow mode, as JSON or else text; repeatable
    #[arg(long = "param", value_name = "KEY=VALUE", value_parser = pair)]
    pub(crate) parameters: Vec<Pair>,
    /// A pair kept with the chat; repeatable
    #[arg(long = "meta", value_name = "KEY=VALUE", value_parser = pair)]
    pub(crate) meta: Vec<Pair>,
    /// A file or image to send along: a path, which is uploaded, or a URL; repeatable
    #[arg(long = "file", value_name = "PATH")]
    pub(crate) files: Vec<String>,
    /// Do not keep question and answer in the conversation
    #[arg(long, conflicts_with = "no_stream")]
    pub(crate) no_save: bool,

    /// Wait for the whole answer, by polling
    #[arg(long)]
    pub(crate) no_stream: bool,
    /// Print events as NDJSON; with --no-stream one JSON object
    #[arg(long)]
    pub(crate) json: bool,
    /// Show reasoning on stderr even when that is no terminal
    #[arg(long)]
    pub(crate) reasoning: bool,

    #[command(flatten)]
    pub(crate) connect: ConnectArgs,
    #[command(flatten)]
    pub(crate) local: LocalArgs,
}
