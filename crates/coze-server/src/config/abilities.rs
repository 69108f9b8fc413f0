//! What agents can do besides talking, as `coze.yaml` has it: plugins, MCP servers, suggestions,
//! shortcuts.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Deserializer, Serialize};

use super::id;

/// A plugin: an OpenAPI file, each operation of which is a tool.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PluginConfig {
    /// Digits; quote it, YAML would read a number.
    #[serde(deserialize_with = "id")]
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
}

/// The key of a plugin.
#[derive(Debug, Clone, Default, Deserialize)]
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
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct PluginUse {
    /// The plugin.
    pub id: String,
    /// Names or ids of its tools; all by default.
    pub tools: Option<Vec<String>>,
}

impl<'de> Deserialize<'de> for PluginUse {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Form {
            Id(#[serde(deserialize_with = "id")] String),
            Some(Tools),
        }
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Tools {
            #[serde(deserialize_with = "id")]
            id: String,
            tools: Option<Vec<String>>,
        }
        let form = Form::deserialize(deserializer)
            .map_err(|_| serde::de::Error::custom("expected the id of a plugin, or {id, tools}"))?;
        Ok(match form {
            Form::Id(id) => Self { id, tools: None },
            Form::Some(Tools { id, tools }) => Self { id, tools },
        })
    }
}
