//! `coze.yaml`: the agents, models and workflows that a server has, and who may use them.

mod abilities;
mod channels;
mod check;
mod identity;
mod library;
mod mcp;
mod models;
mod oauth;
mod place;
pub(crate) mod schema;
mod shortcuts;

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::edge::FaultRule;
use crate::knowledge::{DatasetConfig, EmbeddingsConfig, KnowledgeConfig};
use crate::limits::Limits;
use crate::plan::Plan;
use crate::seed::Seed;
use crate::settings::ModelSettings;
use crate::traffic::TrafficConfig;

pub use abilities::{
    PluginAuth, PluginConfig, PluginUse, ShortcutConfig, ShortcutField, ShortcutFieldKind,
    ShortcutToolConfig, SuggestConfig, SuggestMode,
};
pub use channels::ConnectorConfig;
pub(crate) use channels::is_of_coze;
pub use identity::{EnterpriseConfig, MemberConfig, SpaceConfig, TokenConfig, UserConfig};
pub use library::{AppConfig, FolderConfig, FolderKind, TemplateConfig, VariableConfig};
pub use mcp::{McpConfig, McpUse};
pub(crate) use models::Waits;
pub use models::{CozeConfig, ModelConfig, OfflineConfig, OpenAiConfig, TimeoutsConfig};
pub use oauth::{OAuthAppConfig, OAuthKind};
pub(crate) use place::Misfit;

/// The id of the agent that every server has.
pub const DEMO_BOT_ID: &str = "7500000000000000001";
/// The id of the user that every server has: that of tokens that name no other.
pub(crate) const LOCAL_USER: i64 = 7_500_000_000_000_000_002;
/// The id of the workspace of agents and workflows that name no other.
pub(crate) const LOCAL_SPACE: i64 = 7_500_000_000_000_000_003;

/// How a server is started.
#[derive(Debug, Clone)]
pub struct ServerConfig {
    /// Where it listens; port 0 picks a free one.
    pub address: SocketAddr,
    /// Where it keeps its data; made when missing.
    pub data: PathBuf,
    /// The tokens that are let in; empty lets everybody in, which only loopback may.
    pub tokens: Vec<String>,
    /// The dialect that it speaks.
    pub dialect: Dialect,
    /// How much each user may call; what `coze.yaml` says by default.
    pub plan: Option<Plan>,
    /// Agents, models and workflows.
    pub space: Space,
    /// What strangers may cost.
    pub limits: Limits,
    /// Callers may ask for faults, and the control endpoints are there: for tests.
    pub faults: bool,
    /// What chance follows where a fault is not certain; that of `coze.yaml` by default.
    pub fault_seed: Option<u64>,
    /// A ready-made space that is there besides.
    pub seed: Option<Seed>,
    /// Stands in front of another server instead of answering by itself.
    pub traffic: Option<TrafficConfig>,
    /// Reads `coze.yaml` again when it, or a file that it names, has changed.
    pub watch: bool,
    /// What was answered survives the loss of power. Only a test may do without.
    pub durable: bool,
}

impl ServerConfig {
    /// A server on a free loopback port that speaks the documented dialect and lets everybody in.
    #[must_use]
    pub fn new(data: impl Into<PathBuf>) -> Self {
        Self {
            address: (IpAddr::V4(Ipv4Addr::LOCALHOST), 0).into(),
            data: data.into(),
            tokens: Vec::new(),
            dialect: Dialect::Coze,
            plan: None,
            space: Space::default(),
            limits: Limits::default(),
            faults: false,
            fault_seed: None,
            seed: None,
            traffic: None,
            watch: false,
            durable: true,
        }
    }
}

/// The two dialects of the API.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Dialect {
    /// The documented one, which the official SDKs speak.
    #[default]
    Coze,
    /// The one that the coze-api skill document shows.
    Skill,
}

/// What `coze.yaml` holds.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Space {
    /// Tokens that are let in.
    #[serde(default, alias = "token")]
    pub tokens: Vec<TokenConfig>,
    /// The users, besides the local one.
    #[serde(default)]
    pub users: Vec<UserConfig>,
    /// The workspaces, besides the local one.
    #[serde(default)]
    pub spaces: Vec<SpaceConfig>,
    /// The enterprises.
    #[serde(default)]
    pub enterprises: Vec<EnterpriseConfig>,
    /// The apps that users may log in to.
    #[serde(default)]
    pub oauth_apps: Vec<OAuthAppConfig>,
    /// The channels that agents can be published to, besides those of Coze.
    #[serde(default)]
    pub connectors: Vec<ConnectorConfig>,
    /// How much each user may call; without limits by default.
    pub plan: Option<Plan>,
    /// The agents.
    #[serde(default)]
    pub bots: Vec<BotConfig>,
    /// The models by name, besides the built-in `offline`.
    #[serde(default)]
    pub models: BTreeMap<String, ModelConfig>,
    /// The workflows.
    #[serde(default)]
    pub workflows: Vec<WorkflowConfig>,
    /// The plugins.
    #[serde(default)]
    pub plugins: Vec<PluginConfig>,
    /// The MCP servers by name.
    #[serde(default)]
    pub mcp: BTreeMap<String, McpConfig>,
    /// MCP servers may be programs that are started here.
    #[serde(default)]
    pub allow_commands: bool,
    /// The apps.
    #[serde(default)]
    pub apps: Vec<AppConfig>,
    /// The folders of the workspace.
    #[serde(default)]
    pub folders: Vec<FolderConfig>,
    /// The templates.
    #[serde(default)]
    pub templates: Vec<TemplateConfig>,
    /// Folders of documents that become datasets.
    #[serde(default)]
    pub datasets: Vec<DatasetConfig>,
    /// The endpoint that makes vectors of texts; without one, documents are found by their words.
    pub embeddings: Option<EmbeddingsConfig>,
    /// Web pages and tools may be on this machine and in private networks.
    #[serde(default)]
    pub allow_private_networks: bool,
    /// What goes wrong on purpose, and when.
    #[serde(default)]
    pub faults: Vec<FaultRule>,
    /// What chance follows where a fault is not certain.
    #[serde(default)]
    pub fault_seed: u64,
    /// Workflow files are looked for beside this folder's `coze.yaml`.
    #[serde(skip)]
    pub folder: PathBuf,
    /// Where it was read.
    #[serde(skip)]
    pub(crate) source: Source,
}

/// The text that a space was read from, to name places in it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Source {
    path: PathBuf,
    text: String,
    /// It is a file, which may be read again.
    pub(crate) file: bool,
}

/// An agent.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BotConfig {
    /// Digits; quote it, YAML would read a number.
    #[serde(deserialize_with = "id")]
    #[schemars(schema_with = "schema::id")]
    pub id: String,
    /// The name.
    pub name: String,
    /// What it is for.
    #[serde(default)]
    pub description: String,
    /// The system prompt, a Jinja template over the chat's custom variables.
    #[serde(default)]
    pub prompt: String,
    /// The name of a model; `offline` by default.
    pub model: Option<String>,
    /// How the model is to answer.
    #[serde(default)]
    pub settings: ModelSettings,
    /// What it says first.
    #[serde(default)]
    pub opening: String,
    /// What it suggests to ask first.
    #[serde(default)]
    pub suggestions: Vec<String>,
    /// Tools that the caller carries out.
    #[serde(default)]
    pub tools: Vec<ToolConfig>,
    /// Ids of workflows that it may call.
    #[serde(default, deserialize_with = "ids")]
    #[schemars(schema_with = "schema::ids")]
    pub workflows: Vec<String>,
    /// Plugins that it may use.
    #[serde(default)]
    pub plugins: Vec<PluginUse>,
    /// MCP servers whose tools it may use.
    #[serde(default)]
    pub mcp: Vec<McpUse>,
    /// Questions and calls that are ready to be sent.
    #[serde(default)]
    pub shortcuts: Vec<ShortcutConfig>,
    /// Whether it suggests what to ask next; without it, it does not.
    pub suggest_reply: Option<SuggestConfig>,
    /// What it looks up before it answers.
    #[serde(default)]
    pub knowledge: KnowledgeConfig,
    /// Name or id of its workspace; the local one by default.
    pub space: Option<String>,
    /// What it remembers of each of its users.
    #[serde(default)]
    pub variables: Vec<VariableConfig>,
}

/// A tool that the caller carries out.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ToolConfig {
    /// The name.
    pub name: String,
    /// What it is for.
    #[serde(default)]
    pub description: String,
    /// Its parameters, as JSON Schema.
    #[serde(default = "no_parameters")]
    pub parameters: Value,
}

fn no_parameters() -> Value {
    serde_json::json!({"type": "object", "properties": {}})
}

/// A workflow.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WorkflowConfig {
    /// Digits; quote it, YAML would read a number.
    #[serde(deserialize_with = "id")]
    #[schemars(schema_with = "schema::id")]
    pub id: String,
    /// The name; also the name of the tool that an agent calls.
    pub name: String,
    /// What it is for.
    #[serde(default)]
    pub description: String,
    /// The canvas, as JSON.
    pub file: PathBuf,
    /// Name or id of its workspace; the local one by default.
    pub space: Option<String>,
}

/// A `coze.yaml` that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file is not what it should be.
    #[error("{}:{line}:{column}: {message}", path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// From 1.
        line: u64,
        /// From 1.
        column: u64,
        /// What is wrong.
        message: String,
    },
    /// Parts of the file do not fit together.
    #[error("{}: {message}", place(path, *at))]
    Conflict {
        /// The file.
        path: PathBuf,
        /// Line and column, both from 1.
        at: Option<(u64, u64)>,
        /// What is wrong, and where.
        message: String,
    },
}

impl Space {
    /// Reads a `coze.yaml`.
    ///
    /// # Errors
    /// [`ConfigError`], with line and column where the file itself is at fault.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let io = |source| ConfigError::Io {
            path: path.to_owned(),
            source,
        };
        let text = std::fs::read_to_string(path).map_err(io)?;
        let mut space = Self::parse(&text, path)?;
        space.source.file = true;
        Ok(space)
    }

    /// Reads the text of a `coze.yaml`; files that it names are looked for beside `path`.
    ///
    /// # Errors
    /// [`ConfigError`], with line and column.
    pub fn parse(text: &str, path: &Path) -> Result<Self, ConfigError> {
        let mut space: Self = serde_saphyr::from_str(text).map_err(|error| {
            let at = error.location().map(|it| (it.line(), it.column()));
            let (line, column) = at.unwrap_or((1, 1));
            let message = first_line(&error.to_string());
            let exact =
                unknown_key(&message).and_then(|key| place::of_key(text, key, (line, column)));
            let (line, column) = exact.unwrap_or((line, column));
            ConfigError::Syntax {
                path: path.to_owned(),
                line,
                column,
                message,
            }
        })?;
        space.folder = path.parent().map(Path::to_owned).unwrap_or_default();
        space.source = Source {
            path: path.to_owned(),
            text: text.to_owned(),
            file: false,
        };
        space.check().map_err(|misfit| space.misfit(&misfit))?;
        Ok(space)
    }

    /// What does not fit, with its place in the file.
    pub(crate) fn misfit(&self, misfit: &Misfit) -> ConfigError {
        ConfigError::Conflict {
            path: self.source.path.clone(),
            at: place::of(&self.source.text, &misfit.path),
            message: misfit.why.clone(),
        }
    }

    /// The file it was read from, which may be read again.
    pub(crate) fn file(&self) -> Option<&Path> {
        self.source.file.then_some(self.source.path.as_path())
    }

    /// The files that it names.
    pub(crate) fn files(&self) -> impl Iterator<Item = PathBuf> {
        let workflows = self.workflows.iter().map(|it| &it.file);
        let plugins = self.plugins.iter().map(|it| &it.openapi);
        let files = workflows.chain(plugins);
        files.map(|file| self.folder.join(file))
    }

    /// The JSON Schema of a `coze.yaml`, for editors.
    #[must_use]
    pub fn schema() -> Value {
        schema::of_file()
    }
}

/// A file, and line and column where they are known.
fn place(path: &Path, at: Option<(u64, u64)>) -> String {
    match at {
        Some((line, column)) => format!("{}:{line}:{column}", path.display()),
        None => path.display().to_string(),
    }
}

/// The key that an error calls unknown.
fn unknown_key(message: &str) -> Option<&str> {
    let rest = message.strip_prefix("unknown field `")?;
    Some(rest.split_once('`')?.0)
}

/// What is wrong, without the place, which stands in front of it already.
fn first_line(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default().trim();
    let line = line.strip_prefix("error: ").unwrap_or(line);
    match line.split_once(": ") {
        Some((place, rest)) if place.starts_with("line ") => rest.to_owned(),
        _ => line.to_owned(),
    }
}

pub(crate) fn id<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let id = coze_types::Id::deserialize(deserializer)?;
    if id.is_empty() || !id.bytes().all(|byte| byte.is_ascii_digit()) || id.len() > 19 {
        return Err(serde::de::Error::custom(format!(
            "the id {:?} is not a number of at most 19 digits",
            id.as_str()
        )));
    }
    Ok(id.as_str().to_owned())
}

pub(crate) fn ids<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    struct Item(#[serde(deserialize_with = "id")] String);
    Ok(Vec::<Item>::deserialize(deserializer)?
        .into_iter()
        .map(|Item(id)| id)
        .collect())
}
