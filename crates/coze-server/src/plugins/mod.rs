//! Plugins: OpenAPI files named in `coze.yaml`, each operation of which is a tool.

mod call;
mod openapi;

use std::path::Path;
use std::time::Duration;

use coze_types::Id;
use serde_json::Value;

use crate::config::{PluginAuth, PluginConfig};
use openapi::Operation;

pub(crate) use call::CallError;
pub(crate) use openapi::identifier;

/// How long a tool may take unless the file says otherwise.
const TIMEOUT: Duration = Duration::from_secs(30);

/// A plugin, ready to be called.
#[derive(Debug)]
pub(crate) struct Plugin {
    pub(crate) id: String,
    /// The workspace that it belongs to.
    pub(crate) space: i64,
    pub(crate) name: String,
    /// The name that models see; tools carry it in front of their own.
    pub(crate) name_for_model: String,
    pub(crate) description: String,
    pub(crate) category: String,
    pub(crate) tools: Vec<PluginTool>,
    base_url: String,
    auth: Option<PluginAuth>,
    headers: Vec<(String, String)>,
    timeout: Duration,
}

/// A tool: an operation of the file.
#[derive(Debug)]
pub(crate) struct PluginTool {
    pub(crate) id: i64,
    pub(crate) name: String,
    pub(crate) description: String,
    /// JSON Schema of the arguments.
    pub(crate) input: Value,
    /// JSON Schema of the result; null when the file does not say.
    pub(crate) output: Value,
    operation: Operation,
}

impl Plugin {
    /// Reads the file of a plugin; the error says what is wrong with it.
    pub(crate) fn load(config: &PluginConfig, space: i64, folder: &Path) -> Result<Self, String> {
        let path = folder.join(&config.openapi);
        let fail = |why: &dyn std::fmt::Display| format!("{}: {why}", path.display());
        let text = std::fs::read_to_string(&path).map_err(|error| fail(&error))?;
        let document = openapi::parse(&text).map_err(|why| fail(&why))?;
        let base_url = config
            .base_url
            .clone()
            .or(document.server)
            .ok_or_else(|| fail(&"it names no server; give a `base_url`"))?;
        let parsed = reqwest::Url::parse(&base_url);
        if !parsed.is_ok_and(|url| matches!(url.scheme(), "http" | "https")) {
            return Err(fail(&format!(
                "the server {base_url:?} is no http:// or https:// address; give a `base_url`"
            )));
        }
        let plugin: i64 = config.id.parse().unwrap_or_default();
        let tools = document.operations.into_iter().map(|it| PluginTool {
            id: stable_id(plugin, &it.name),
            name: it.name.clone(),
            description: it.description.clone(),
            input: it.input_schema(),
            output: it.output.clone(),
            operation: it,
        });
        let name = config.name.clone();
        Ok(Self {
            id: config.id.clone(),
            space,
            name_for_model: match identifier(&name).trim_matches('_') {
                "" => format!("plugin_{}", config.id),
                plain => plain.to_owned(),
            },
            name,
            description: match config.description.is_empty() {
                true => document.description,
                false => config.description.clone(),
            },
            category: config.category.clone(),
            tools: tools.collect(),
            base_url: base_url.trim_end_matches('/').to_owned(),
            auth: config.auth.clone(),
            headers: config.headers.clone().into_iter().collect(),
            timeout: config.timeout_s.map_or(TIMEOUT, Duration::from_secs),
        })
    }

    /// A tool by its name or its id.
    pub(crate) fn tool(&self, name: &str) -> Option<&PluginTool> {
        let id = name.parse().unwrap_or(-1);
        self.tools
            .iter()
            .find(|tool| tool.name == name || tool.id == id)
    }

    /// The name under which models see a tool: unlike those of other plugins.
    pub(crate) fn model_name(&self, tool: &PluginTool) -> String {
        let name = format!("{}-{}", self.name_for_model, tool.name);
        // Models take no longer ones.
        name.chars().take(64).collect()
    }

    /// It can be called: its key is there, where it needs one.
    pub(crate) fn is_available(&self) -> bool {
        let auth = self.auth.as_ref();
        auth.is_none_or(|auth| std::env::var_os(&auth.env).is_some())
    }

    pub(crate) fn wire_id(&self) -> Id {
        self.id.as_str().into()
    }
}

/// The id of a category of the store.
pub(crate) fn category_id(name: &str) -> i64 {
    stable_id(0, name)
}

/// An id that is always the same for the same tool, below those that the server gives out.
pub(crate) fn stable_id(plugin: i64, name: &str) -> i64 {
    let bytes = plugin.to_le_bytes().into_iter().chain(name.bytes());
    // FNV-1a.
    let hash = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    let part = i64::try_from(hash % 1_000_000_000_000_000).unwrap_or(0);
    7_400_000_000_000_000_000 + part
}
