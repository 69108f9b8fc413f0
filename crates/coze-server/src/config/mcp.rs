//! MCP servers of a `coze.yaml`, whose tools agents may use.

use std::collections::BTreeMap;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::place::Misfit;
use super::{PluginAuth, Space};

/// An MCP server: a program that is started (`command`), or an address (`url`).
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct McpConfig {
    /// The program and its arguments; it is talked to over its standard input and output. Needs
    /// `allow_commands: true`.
    pub command: Option<Vec<String>>,
    /// Environment variables of the program; no place for secrets.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    /// Names of environment variables of the server that the program gets too, such as its key. It
    /// gets no others but `PATH`, `HOME` and their like.
    #[serde(default)]
    pub pass_env: Vec<String>,
    /// Where the program starts; the folder of `coze.yaml` by default.
    pub folder: Option<PathBuf>,
    /// The address, which is talked to over streamable HTTP.
    pub url: Option<String>,
    /// The key that goes with each call, in a header.
    pub auth: Option<PluginAuth>,
    /// Headers that go with each call; no place for secrets.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// Seconds that a call of a tool may take; 30 by default.
    #[schemars(range(min = 1))]
    pub timeout_s: Option<u64>,
    /// Seconds from the start of the server to the list of its tools; 30 by default.
    #[schemars(range(min = 1))]
    pub start_timeout_s: Option<u64>,
    /// Whether chats fail when it cannot be used; otherwise they go on without its tools.
    #[serde(default = "yes")]
    pub required: bool,
    /// Name or id of its workspace; the local one by default.
    pub space: Option<String>,
}

fn yes() -> bool {
    true
}

/// An MCP server that an agent uses: its name, or `{server, tools}`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(from = "McpForm")]
pub struct McpUse {
    /// Its name under `mcp`.
    pub server: String,
    /// Names of its tools; all by default.
    pub tools: Option<Vec<String>>,
}

/// The two ways to name an MCP server.
#[derive(Deserialize, JsonSchema)]
#[serde(
    untagged,
    expecting = "expected the name of an MCP server, or {server, tools}"
)]
enum McpForm {
    Name(String),
    Tools(McpTools),
}

/// An MCP server and some of its tools.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct McpTools {
    /// Its name under `mcp`.
    server: String,
    /// Names of its tools; all by default.
    tools: Option<Vec<String>>,
}

impl From<McpForm> for McpUse {
    fn from(form: McpForm) -> Self {
        let (server, tools) = match form {
            McpForm::Name(server) => (server, None),
            McpForm::Tools(McpTools { server, tools }) => (server, tools),
        };
        Self { server, tools }
    }
}

impl McpConfig {
    /// What cannot be, with the key that says it.
    fn problem(&self, commands: bool) -> Option<(&'static str, String)> {
        let say = |key, why: &str| Some((key, why.to_owned()));
        match (&self.command, &self.url) {
            (None, None) => return say("", "it needs a `command` or a `url`"),
            (Some(_), Some(_)) => {
                return say("url", "it has a `command` already; give one of them");
            }
            (Some(command), None) => {
                if command.first().is_none_or(String::is_empty) {
                    return say("command", "it names no program");
                }
                if !commands {
                    let why = "it starts a program; set `allow_commands: true` if it may";
                    return say("command", why);
                }
                if self.auth.is_some() {
                    return say("auth", "a program takes its key by `pass_env`");
                }
                if !self.headers.is_empty() {
                    return say("headers", "only a `url` has headers");
                }
            }
            (None, Some(url)) => {
                let parsed = reqwest::Url::parse(url);
                if !parsed.is_ok_and(|it| matches!(it.scheme(), "http" | "https")) {
                    let why = format!("{url:?} is no http:// or https:// address");
                    return Some(("url", why));
                }
                if self.auth.as_ref().is_some_and(|it| it.query.is_some()) {
                    return say(
                        "auth",
                        "an MCP server takes its key in a header, not in `query`",
                    );
                }
                if !self.env.is_empty() {
                    return say("env", "only a `command` has an environment");
                }
                if !self.pass_env.is_empty() {
                    return say("pass_env", "only a `command` has an environment");
                }
                if self.folder.is_some() {
                    return say("folder", "only a `command` starts in a folder");
                }
            }
        }
        for (name, value) in &self.headers {
            let name = name.parse::<http::HeaderName>();
            if name.is_err() || value.parse::<http::HeaderValue>().is_err() {
                return say("headers", "one of them is no header that can be sent");
            }
        }
        match (self.timeout_s, self.start_timeout_s) {
            (Some(0), _) => say("timeout_s", "it must be at least 1"),
            (_, Some(0)) => say("start_timeout_s", "it must be at least 1"),
            _ => None,
        }
    }
}

impl Space {
    /// The MCP servers are complete, and agents use those that there are.
    pub(super) fn check_mcp(&self) -> Result<(), Misfit> {
        for (name, config) in &self.mcp {
            if let Some((key, why)) = config.problem(self.allow_commands) {
                let misfit = Misfit::new(key, why);
                return Err(misfit.inside(&format!("mcp.{name}"), &format!("mcp: {name}")));
            }
            self.space_or_local(config.space.as_deref())
                .map_err(|why| {
                    Misfit::new(format!("mcp.{name}.space"), format!("mcp: {name}: {why}"))
                })?;
        }
        for (index, bot) in self.bots.iter().enumerate() {
            for (at, used) in bot.mcp.iter().enumerate() {
                let why = match self.mcp.get(&used.server) {
                    None => "is not under `mcp`",
                    Some(it) if self.differ(it.space.as_deref(), bot.space.as_deref()) => {
                        "belongs to another workspace"
                    }
                    Some(_) => continue,
                };
                let why = format!("bots: {}: the MCP server {:?} {why}", bot.name, used.server);
                return Err(Misfit::new(format!("bots[{index}].mcp[{at}]"), why));
            }
        }
        Ok(())
    }
}
