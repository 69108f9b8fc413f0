//! Whether the parts of a `coze.yaml` fit together.

use std::collections::BTreeSet;

use super::place::Misfit;
use super::{ModelConfig, Space};

impl Space {
    /// Every name that is used must be there, and no id twice.
    pub(super) fn check(&self) -> Result<(), Misfit> {
        self.check_identity()?;
        self.check_apps()?;
        self.check_connectors()?;
        let mut seen = BTreeSet::new();
        for (index, bot) in self.bots.iter().enumerate() {
            if !seen.insert(bot.id.as_str()) {
                let why = format!("bots: the id {} stands twice", bot.id);
                return Err(Misfit::new(format!("bots[{index}].id"), why));
            }
            self.space_or_local(bot.space.as_deref()).map_err(|why| {
                let why = format!("bots: {}: {why}", bot.name);
                Misfit::new(format!("bots[{index}].space"), why)
            })?;
            let model = bot.model.as_deref().unwrap_or("offline");
            if model != "offline" && !self.models.contains_key(model) {
                let known: Vec<_> = self.models.keys().map(String::as_str).collect();
                let known = match known.is_empty() {
                    true => "none".to_owned(),
                    false => known.join(", "),
                };
                let why = format!(
                    "bots: {}: the model {model:?} is not under `models` (there: {known})",
                    bot.name
                );
                return Err(Misfit::new(format!("bots[{index}].model"), why));
            }
            for (at, used) in bot.plugins.iter().enumerate() {
                let found = self.plugins.iter().find(|it| it.id == used.id);
                let why = match found {
                    None => "is not under `plugins`",
                    Some(it) if self.differ(it.space.as_deref(), bot.space.as_deref()) => {
                        "belongs to another workspace"
                    }
                    Some(_) => continue,
                };
                let why = format!("bots: {}: the plugin {} {why}", bot.name, used.id);
                return Err(Misfit::new(format!("bots[{index}].plugins[{at}]"), why));
            }
            for (at, workflow) in bot.workflows.iter().enumerate() {
                let found = self.workflows.iter().find(|it| it.id == *workflow);
                let why = match found {
                    None => "is not under `workflows`",
                    Some(it) if self.differ(it.space.as_deref(), bot.space.as_deref()) => {
                        "belongs to another workspace"
                    }
                    Some(_) => continue,
                };
                let why = format!("bots: {}: the workflow {workflow} {why}", bot.name);
                return Err(Misfit::new(format!("bots[{index}].workflows[{at}]"), why));
            }
        }
        let mut seen = BTreeSet::new();
        for (index, workflow) in self.workflows.iter().enumerate() {
            if !seen.insert(workflow.id.as_str()) {
                let why = format!("workflows: the id {} stands twice", workflow.id);
                return Err(Misfit::new(format!("workflows[{index}].id"), why));
            }
            self.space_or_local(workflow.space.as_deref())
                .map_err(|why| {
                    let why = format!("workflows: {}: {why}", workflow.name);
                    Misfit::new(format!("workflows[{index}].space"), why)
                })?;
        }
        let mut seen = BTreeSet::new();
        for (index, plugin) in self.plugins.iter().enumerate() {
            if !seen.insert(plugin.id.as_str()) {
                let why = format!("plugins: the id {} stands twice", plugin.id);
                return Err(Misfit::new(format!("plugins[{index}].id"), why));
            }
        }
        self.check_models()?;
        self.check_mcp()?;
        self.check_shortcuts()?;
        self.check_library()?;
        for (index, rule) in self.faults.iter().enumerate() {
            if let Some((key, why)) = rule.problem() {
                let why = format!("faults: {key}: {why}");
                return Err(Misfit::new(format!("faults[{index}].{key}"), why));
            }
        }
        crate::knowledge::check(self)
    }

    /// What a model can do its agents want, and it is waited for.
    fn check_models(&self) -> Result<(), Misfit> {
        for (name, model) in &self.models {
            let timeouts = match model {
                ModelConfig::Offline(_) => continue,
                ModelConfig::OpenAi(it) => &it.timeouts,
                ModelConfig::Coze(it) => &it.timeouts,
            };
            if let Some(key) = timeouts.zero() {
                let why = format!("models: {name}: timeouts: {key}: it must be at least 1");
                return Err(Misfit::new(format!("models.{name}.timeouts.{key}"), why));
            }
        }
        for (index, bot) in self.bots.iter().enumerate() {
            let model = bot.model.as_ref().and_then(|it| self.models.get(it));
            if !matches!(model, Some(ModelConfig::Coze(_))) {
                continue;
            }
            let tools = [
                ("tools", !bot.tools.is_empty()),
                ("workflows", !bot.workflows.is_empty()),
                ("plugins", !bot.plugins.is_empty()),
                ("mcp", !bot.mcp.is_empty()),
                ("knowledge", bot.knowledge.is_tool()),
            ];
            if let Some((key, _)) = tools.into_iter().find(|(_, some)| *some) {
                let why = format!(
                    "bots: {}: {key}: a model of the provider coze is an agent with tools of its \
                     own, and takes no others",
                    bot.name
                );
                return Err(Misfit::new(format!("bots[{index}].{key}"), why));
            }
        }
        Ok(())
    }
}
