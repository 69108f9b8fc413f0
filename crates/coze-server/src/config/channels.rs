//! The part of `coze.yaml` that says which channels there are besides those of Coze.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Misfit, Space, id, schema};

/// Channels of Coze itself, which belong to nobody here (reference, section 1.13).
const OF_COZE: &[&str] = &[
    "1024", "999", "998", "10000010", "10000011", "10000113", "10000117", "10000120", "10000121",
    "10000122", "10000126", "10000127", "10000128",
];

/// Whether it is the id of a channel of Coze itself.
pub(crate) fn is_of_coze(id: &str) -> bool {
    OF_COZE.contains(&id)
}

/// A channel of one's own.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ConnectorConfig {
    /// Digits; quote it, YAML would read a number.
    #[serde(deserialize_with = "id")]
    #[schemars(schema_with = "schema::id")]
    pub id: String,
    /// The name.
    pub name: String,
    /// Name or id of the user whose tokens speak for the channel; the local user by default.
    pub owner: Option<String>,
}

impl Space {
    /// No id stands twice or is one of Coze's, and the owners are there.
    pub(super) fn check_connectors(&self) -> Result<(), Misfit> {
        let mut seen = BTreeSet::new();
        for (index, it) in self.connectors.iter().enumerate() {
            let at = |key: &str, why: String| {
                let why = format!("connectors: {}: {why}", it.id);
                Err(Misfit::new(format!("connectors[{index}].{key}"), why))
            };
            if !seen.insert(it.id.as_str()) {
                return at("id", "the id stands twice".to_owned());
            }
            if is_of_coze(&it.id) {
                return at("id", "it is the id of a channel of Coze".to_owned());
            }
            if it.name.trim().is_empty() {
                return at("name", "the name is empty".to_owned());
            }
            if let Err(why) = self.user(it.owner.as_deref().unwrap_or("local")) {
                return at("owner", why);
            }
        }
        Ok(())
    }
}
