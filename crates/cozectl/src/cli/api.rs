//! `cozectl api`

use clap::Args;

use crate::cli::{ConnectArgs, LocalArgs};
use crate::input::{Pair, pair};

const AFTER: &str = "\
Examples:
  cozectl api GET /v1/bots -f workspace_id=7300000000000000001
  cozectl api POST /v1/conversation/create -F meta_data='{\"a\":\"b\"}'
  cozectl api POST /v3/chat --query conversation_id=7400000000000000001 --body @chat.json
  cozectl api --list";

/// Make any call and print the body of its answer as it is
///
/// Streams are printed as they arrive. The exit code is 1 when the HTTP status, the code in the
/// body or an event of the stream says no.
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(crate) struct ApiArgs {
    /// GET, POST, PUT or DELETE
    #[arg(required_unless_present = "list", requires = "path")]
    pub(crate) method: Option<String>,
    /// The path, with its ids filled in
    pub(crate) path: Option<String>,
    /// A text: in the query of GET and DELETE, in the JSON body otherwise; repeatable
    #[arg(short = 'f', long = "field", value_name = "KEY=VALUE", value_parser = pair)]
    pub(crate) fields: Vec<Pair>,
    /// The same, but a value that is JSON goes as JSON; whole numbers of more than 15 digits are
    /// text; repeatable
    #[arg(short = 'F', long = "typed-field", value_name = "KEY=VALUE", value_parser = pair)]
    pub(crate) typed: Vec<Pair>,
    /// A pair of the query, whatever the method; repeatable
    #[arg(long, value_name = "KEY=VALUE", value_parser = pair)]
    pub(crate) query: Vec<Pair>,
    /// The JSON body: the text itself, @FILE, or `-` for stdin
    #[arg(long, value_name = "JSON", conflicts_with_all = ["fields", "typed"])]
    pub(crate) body: Option<String>,
    /// List the calls that are known
    #[arg(long, conflicts_with_all = ["method", "fields", "typed", "query", "body"])]
    pub(crate) list: bool,
    #[command(flatten)]
    pub(crate) connect: ConnectArgs,
    #[command(flatten)]
    pub(crate) local: LocalArgs,
}
