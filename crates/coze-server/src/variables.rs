//! What agents and apps remember of their users: values that were set, and defaults.

use std::collections::BTreeMap;

use coze_types::Timestamp;
use coze_types::variables::Variable;

use crate::config::VariableConfig;
use crate::store::{VariableOwner, VariableRecord};

/// How the variables of the system begin; only the system sets them.
pub(crate) const SYSTEM: &str = "sys_";

/// The channel that is meant when none is named.
pub(crate) fn connector(given: Option<&str>) -> &str {
    let given = given.filter(|id| !id.is_empty());
    given.unwrap_or(crate::routes::bots::API)
}

/// The variables that are switched on, in their order, with the values that hold.
pub(crate) fn values(configs: &[VariableConfig], set: &[VariableRecord]) -> Vec<Variable> {
    let enabled = configs.iter().filter(|config| config.enable);
    let value = |config: &VariableConfig| {
        let found = set.iter().find(|it| it.keyword == config.name);
        let at = |time: fn(&VariableRecord) -> i64| Timestamp(found.map_or(0, time));
        Variable {
            keyword: config.name.clone(),
            value: found.map_or(&config.default, |it| &it.value).clone(),
            create_time: at(|it| it.created_at),
            update_time: at(|it| it.updated_at),
        }
    };
    enabled.map(value).collect()
}

/// Those that the prompt may use, under what the chat gives, which wins.
pub(crate) fn for_prompt(
    configs: &[VariableConfig],
    set: &[VariableRecord],
    given: Option<&BTreeMap<String, String>>,
) -> BTreeMap<String, String> {
    let prompt = |name: &str| configs.iter().any(|it| it.name == name && it.prompt);
    let values = values(configs, set).into_iter();
    let values = values.filter(|it| prompt(&it.keyword));
    let mut all: BTreeMap<String, String> = values.map(|it| (it.keyword, it.value)).collect();
    all.extend(
        given
            .into_iter()
            .flatten()
            .map(|(key, value)| (key.clone(), value.clone())),
    );
    all
}

impl VariableOwner {
    /// The user of an agent in a channel.
    pub(crate) fn of_bot(id: &str, given: Option<&str>, user: &str) -> Self {
        Self {
            kind: crate::store::EntityKind::Bot,
            id: id.to_owned(),
            connector: connector(given).to_owned(),
            user: user.to_owned(),
        }
    }
}
