//! What agents can do besides talking, as `coze.yaml` has it: plugins, MCP servers, suggestions,
//! shortcuts.

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
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
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
