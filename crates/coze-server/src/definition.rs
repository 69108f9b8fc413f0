//! What an agent is, in the words of the API: how drafts and versions are stored, and how agents
//! are shown. An agent of `coze.yaml` has one as well, made from its entry.

use coze_types::Id;
use coze_types::bots::{
    BotVariable, KnowledgeConfig, ModelInfoConfig, OnboardingInfo, PluginToolId, PromptInfo,
    SuggestReplyInfo, SuggestReplyMode, UpdateBotBody, VariableChannel, VariableType,
};
use serde::{Deserialize, Serialize};

use crate::config::{
    BotConfig, McpUse, PluginUse, ShortcutConfig, SuggestConfig, SuggestMode, ToolConfig,
    VariableConfig,
};
use crate::settings::ModelSettings;

/// What an agent is.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Definition {
    pub(crate) name: String,
    pub(crate) description: String,
    /// An uploaded file.
    pub(crate) icon: Option<Id>,
    pub(crate) prompt: PromptInfo,
    pub(crate) onboarding: OnboardingInfo,
    pub(crate) knowledge: KnowledgeConfig,
    pub(crate) plugins: Vec<PluginToolId>,
    pub(crate) workflows: Vec<Id>,
    pub(crate) model: Option<ModelInfoConfig>,
    pub(crate) suggest_reply: SuggestReplyInfo,
    /// Only agents of `coze.yaml`, and copies of them, have variables and tools of the caller.
    pub(crate) variables: Vec<BotVariable>,
    pub(crate) tools: Vec<ToolConfig>,
    /// Plugins as `coze.yaml` names them, which may be all tools of one.
    pub(crate) plugin_uses: Vec<PluginUse>,
    /// Only agents of `coze.yaml`, and copies of them, have these.
    pub(crate) mcp: Vec<McpUse>,
    pub(crate) shortcuts: Vec<ShortcutConfig>,
}

impl Definition {
    /// That of an agent of `coze.yaml`.
    pub(crate) fn of(config: &BotConfig) -> Self {
        let model = config.model.as_deref().unwrap_or("offline");
        Self {
            name: config.name.clone(),
            description: config.description.clone(),
            prompt: PromptInfo {
                prompt: Some(config.prompt.clone()),
                ..PromptInfo::default()
            },
            onboarding: OnboardingInfo {
                prologue: Some(config.opening.clone()),
                suggested_questions: Some(config.suggestions.clone()),
                ..OnboardingInfo::default()
            },
            workflows: config
                .workflows
                .iter()
                .map(|it| it.as_str().into())
                .collect(),
            knowledge: config.knowledge.to_api(),
            model: Some(config.settings.to_api(model)),
            variables: config.variables.iter().map(wire_variable).collect(),
            tools: config.tools.clone(),
            plugin_uses: config.plugins.clone(),
            mcp: config.mcp.clone(),
            shortcuts: config.shortcuts.clone(),
            suggest_reply: suggest_reply(config.suggest_reply.as_ref()),
            ..Self::default()
        }
    }

    /// What a chat runs on.
    pub(crate) fn config(&self, id: i64) -> BotConfig {
        BotConfig {
            id: id.to_string(),
            name: self.name.clone(),
            description: self.description.clone(),
            prompt: self.prompt_text(),
            model: self
                .model
                .as_ref()
                .map(|it| it.model_id.as_str().to_owned()),
            settings: self
                .model
                .as_ref()
                .map(ModelSettings::of_api)
                .unwrap_or_default(),
            opening: self.onboarding.prologue.clone().unwrap_or_default(),
            suggestions: self
                .onboarding
                .suggested_questions
                .clone()
                .unwrap_or_default(),
            tools: self.tools.clone(),
            space: None,
            workflows: self
                .workflows
                .iter()
                .map(|it| it.as_str().to_owned())
                .collect(),
            plugins: self.plugin_uses(),
            mcp: self.mcp.clone(),
            shortcuts: self.shortcuts.clone(),
            // It is read where it is: in the words of the API.
            suggest_reply: None,
            variables: self.variables.iter().map(config_variable).collect(),
            knowledge: crate::knowledge::KnowledgeConfig::of_api(&self.knowledge),
        }
    }

    /// The plugins, each once with its tools; those that a request names take the place of others.
    fn plugin_uses(&self) -> Vec<PluginUse> {
        let mut uses: Vec<PluginUse> = Vec::new();
        for tool in &self.plugins {
            let (plugin, tool) = (tool.plugin_id.as_str(), tool.api_id.as_str().to_owned());
            match uses.iter_mut().find(|it| it.id == plugin) {
                Some(used) => used.tools.get_or_insert_default().push(tool),
                None => uses.push(PluginUse {
                    id: plugin.to_owned(),
                    tools: Some(vec![tool]),
                }),
            }
        }
        let others = self.plugin_uses.iter();
        let others = others.filter(|it| self.plugins.iter().all(|tool| *tool.plugin_id != *it.id));
        uses.extend(others.cloned().collect::<Vec<_>>());
        uses
    }

    /// The prompt in one piece: where beginnings are cached, it comes in two.
    fn prompt_text(&self) -> String {
        let parts = self.prompt.prefix_prompt_info.as_ref();
        let parts = parts.map(|it| [it.prefix_prompt.as_deref(), it.dynamic_prompt.as_deref()]);
        let parts = parts.unwrap_or_default().into_iter().flatten();
        let parts: Vec<&str> = parts.filter(|part| !part.is_empty()).collect();
        match &self.prompt.prompt {
            Some(prompt) if !prompt.is_empty() || parts.is_empty() => prompt.clone(),
            _ => parts.join("\n"),
        }
    }

    /// Takes over what a request gives; what it leaves out stays as it is.
    pub(crate) fn change(&mut self, body: UpdateBotBody) {
        fn set<T>(field: &mut T, given: Option<T>) {
            if let Some(given) = given {
                *field = given;
            }
        }
        set(&mut self.name, body.name);
        set(&mut self.description, body.description);
        if let Some(icon) = body.icon_file_id.filter(|id| !id.is_unset()) {
            self.icon = Some(icon);
        }
        set(&mut self.prompt, body.prompt_info);
        set(&mut self.onboarding, body.onboarding_info);
        set(&mut self.knowledge, body.knowledge);
        let plugins = body.plugin_id_list.map(|it| it.id_list.unwrap_or_default());
        set(&mut self.plugins, plugins);
        let workflows = body.workflow_id_list.map(|it| it.ids.unwrap_or_default());
        let workflows = workflows.map(|ids| ids.into_iter().map(|it| it.id).collect());
        set(&mut self.workflows, workflows);
        if let Some(model) = body.model_info_config {
            self.model = Some(model);
        }
        set(&mut self.suggest_reply, body.suggest_reply_info);
    }
}

/// Suggestions in the words of the API.
fn suggest_reply(config: Option<&SuggestConfig>) -> SuggestReplyInfo {
    let Some(config) = config else {
        return SuggestReplyInfo::default();
    };
    SuggestReplyInfo {
        reply_mode: Some(match config.reply_mode {
            SuggestMode::Enable => SuggestReplyMode::Enable,
            SuggestMode::Disable => SuggestReplyMode::Disable,
            SuggestMode::Customized => SuggestReplyMode::Customized,
        }),
        customized_prompt: config.customized_prompt.clone(),
    }
}

/// A variable as the API shows it.
pub(crate) fn wire_variable(it: &VariableConfig) -> BotVariable {
    BotVariable {
        keyword: it.name.clone(),
        default_value: it.default.clone(),
        variable_type: VariableType::Kv,
        channel: Some(VariableChannel::Custom),
        description: Some(it.description.clone()),
        enable: Some(it.enable),
        prompt_enable: Some(it.prompt),
    }
}

fn config_variable(it: &BotVariable) -> VariableConfig {
    VariableConfig {
        name: it.keyword.clone(),
        default: it.default_value.clone(),
        description: it.description.clone().unwrap_or_default(),
        enable: it.enable.unwrap_or(true),
        prompt: it.prompt_enable.unwrap_or(true),
    }
}
