//! What agents can do besides talking, as `coze.yaml` has it: plugins, suggestions, shortcuts.

use std::collections::BTreeMap;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{id, schema};

/// A plugin: an OpenAPI file, each operation of which is a tool.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PluginConfig {
    /// Digits; quote it, YAML would read a number.
    #[serde(deserialize_with = "id")]
    #[schemars(schema_with = "schema::id")]
    pub id: String,
    /// The name.
    pub name: String,
    /// What it is for; from the file by default.
    #[serde(default)]
    pub description: String,
    /// The OpenAPI file, as YAML or JSON.
    pub openapi: PathBuf,
    /// Where it is called; the first server of the file by default.
    pub base_url: Option<String>,
    /// The key that goes with each call.
    pub auth: Option<PluginAuth>,
    /// Headers that go with each call; no place for secrets.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// Seconds that a call may take; 30 by default.
    pub timeout_s: Option<u64>,
    /// Its category in the store.
    #[serde(default)]
    pub category: String,
    /// Name or id of its workspace; the local one by default.
    pub space: Option<String>,
}

/// The key of a plugin.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PluginAuth {
    /// The environment variable that holds it.
    pub env: String,
    /// The header that carries it; `Authorization` by default.
    pub header: Option<String>,
    /// The query parameter that carries it, instead of a header.
    pub query: Option<String>,
    /// What stands in front of it; `Bearer ` in `Authorization`, nothing in other headers.
    pub prefix: Option<String>,
}

impl PluginAuth {
    pub(crate) fn prefix(&self) -> &str {
        match (&self.prefix, &self.header) {
            (Some(prefix), _) => prefix,
            (None, None) => "Bearer ",
            (None, Some(_)) => "",
        }
    }
}

/// A plugin that an agent uses: its id, or `{id, tools}`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(from = "PluginForm")]
pub struct PluginUse {
    /// The plugin.
    pub id: String,
    /// Names or ids of its tools; all by default.
    pub tools: Option<Vec<String>>,
}

/// The two ways to name a plugin.
#[derive(Deserialize, JsonSchema)]
#[serde(untagged, expecting = "expected the id of a plugin, or {id, tools}")]
enum PluginForm {
    Id(
        #[serde(deserialize_with = "id")]
        #[schemars(schema_with = "schema::id")]
        String,
    ),
    Tools(PluginTools),
}

/// A plugin and some of its tools.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct PluginTools {
    /// The plugin.
    #[serde(deserialize_with = "id")]
    #[schemars(schema_with = "schema::id")]
    id: String,
    /// Names or ids of its tools; all by default.
    tools: Option<Vec<String>>,
}

impl From<PluginForm> for PluginUse {
    fn from(form: PluginForm) -> Self {
        match form {
            PluginForm::Id(id) => Self { id, tools: None },
            PluginForm::Tools(PluginTools { id, tools }) => Self { id, tools },
        }
    }
}

/// Whether an agent suggests what to ask next, in the words of the API.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SuggestConfig {
    /// `enable`, `disable` or `customized`.
    pub reply_mode: SuggestMode,
    /// The prompt that makes suggestions; needed by, and only for, `customized`.
    pub customized_prompt: Option<String>,
}

/// How an agent suggests what to ask next.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum SuggestMode {
    /// Up to three questions behind each answer.
    Enable,
    /// None.
    #[default]
    Disable,
    /// Up to three questions, made by a prompt of one's own.
    Customized,
}

/// A shortcut of an agent: a question, or the call of a tool, that is ready to be sent.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ShortcutConfig {
    /// Digits; quote it, YAML would read a number.
    #[serde(deserialize_with = "id")]
    #[schemars(schema_with = "schema::id")]
    pub id: String,
    /// What its button says.
    pub name: String,
    /// What the user types, such as `/weather`.
    #[serde(default)]
    pub command: String,
    /// What it is for.
    #[serde(default)]
    pub description: String,
    /// The question that it makes: a Jinja template over its components.
    pub query_template: String,
    /// What the user fills in.
    #[serde(default)]
    pub components: Vec<ShortcutField>,
    /// The tool that it calls, before the model is asked.
    pub tool: Option<ShortcutToolConfig>,
}

/// What the user fills into a shortcut.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ShortcutField {
    /// The name, also in the template and in the `parameters` of a call.
    pub name: String,
    /// What it is for.
    #[serde(default)]
    pub description: String,
    /// What is filled in.
    #[serde(default, rename = "type")]
    pub kind: ShortcutFieldKind,
    /// The parameter of the tool that it fills; its name by default.
    pub tool_parameter: Option<String>,
    /// Taken when a call does not say; without one the field is required.
    pub default_value: Option<String>,
    /// It is not shown: the default is always taken.
    #[serde(default)]
    pub is_hide: bool,
    /// What can be chosen, for `select`.
    #[serde(default)]
    pub options: Vec<String>,
}

/// What is filled into a field of a shortcut.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ShortcutFieldKind {
    /// A text.
    #[default]
    Text,
    /// One of several options.
    Select,
    /// A file or an image.
    File,
}

/// The tool of a shortcut: a workflow of the agent, or a tool of one of its plugins.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ShortcutToolConfig {
    /// The id of a workflow of the agent.
    #[serde(default, deserialize_with = "some_id")]
    #[schemars(schema_with = "schema::some_id")]
    pub workflow: Option<String>,
    /// The id of a plugin of the agent.
    #[serde(default, deserialize_with = "some_id")]
    #[schemars(schema_with = "schema::some_id")]
    pub plugin: Option<String>,
    /// The name of the plugin's tool.
    pub tool: Option<String>,
}

fn some_id<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    id(deserializer).map(Some)
}
