//! How an agent is made, changed, published and taken back.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use serde_with::skip_serializing_none;

use super::{ApiMode, CacheType, OnboardingInfo, PromptInfo, ResponseFormat, SuggestReplyInfo};
use crate::open_enum::{open_enum, open_int_enum};
use crate::workflows::{Creator, PublishStatus};
use crate::{Id, Timestamp, de};

/// Body of [`CreateBot`](super::CreateBot).
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct CreateBotBody {
    /// The workspace it belongs to.
    pub space_id: Id,
    /// 1 to 20 characters.
    pub name: String,
    /// Up to 500 characters; empty by default.
    pub description: Option<String>,
    /// Its picture: an uploaded file, which is then kept for ever. One is chosen by default.
    pub icon_file_id: Option<Id>,
    /// The prompt.
    pub prompt_info: Option<PromptInfo>,
    /// The opening: [`prologue`](OnboardingInfo::prologue) and
    /// [`suggested_questions`](OnboardingInfo::suggested_questions) only.
    pub onboarding_info: Option<OnboardingInfo>,
    /// The tools of plugins that it may call.
    pub plugin_id_list: Option<PluginIdList>,
    /// The workflows that it may run.
    pub workflow_id_list: Option<WorkflowIdList>,
    /// The model.
    pub model_info_config: Option<ModelInfoConfig>,
    /// Whether it suggests what to ask next.
    pub suggest_reply_info: Option<SuggestReplyInfo>,
}

/// Payload of [`CreateBot`](super::CreateBot).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreatedBot {
    /// The new agent.
    pub bot_id: Id,
}

/// Body of [`UpdateBot`](super::UpdateBot).
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct UpdateBotBody {
    /// The agent.
    pub bot_id: Id,
    /// 1 to 20 characters.
    pub name: Option<String>,
    /// Up to 500 characters.
    pub description: Option<String>,
    /// Its picture: an uploaded file, which is then kept for ever.
    pub icon_file_id: Option<Id>,
    /// The prompt.
    pub prompt_info: Option<PromptInfo>,
    /// The opening: [`prologue`](OnboardingInfo::prologue) and
    /// [`suggested_questions`](OnboardingInfo::suggested_questions) only.
    pub onboarding_info: Option<OnboardingInfo>,
    /// The knowledge that it may look things up in; replaces what it had.
    pub knowledge: Option<KnowledgeConfig>,
    /// The tools of plugins that it may call.
    pub plugin_id_list: Option<PluginIdList>,
    /// The workflows that it may run.
    pub workflow_id_list: Option<WorkflowIdList>,
    /// The model.
    pub model_info_config: Option<ModelInfoConfig>,
    /// Whether it suggests what to ask next.
    pub suggest_reply_info: Option<SuggestReplyInfo>,
}

/// The knowledge of an agent.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct KnowledgeConfig {
    /// Up to 150 datasets, those of Volcano excepted.
    pub dataset_ids: Option<Vec<Id>>,
    /// True, the default: looked up in every turn. False: when the prompt says so.
    pub auto_call: Option<bool>,
    /// How it is looked up.
    pub search_strategy: Option<SearchStrategy>,
}

open_int_enum! {
    /// How knowledge is looked up.
    SearchStrategy {
        /// By meaning; the default.
        Semantic = 0,
        /// By meaning and by words.
        Hybrid = 1,
        /// By words.
        FullText = 20,
    }
}

/// The tools of plugins that an agent may call.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PluginIdList {
    /// The tools.
    pub id_list: Option<Vec<PluginToolId>>,
}

/// A tool of a plugin.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PluginToolId {
    /// The plugin.
    pub plugin_id: Id,
    /// Its tool.
    pub api_id: Id,
}

/// The workflows that an agent may run.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkflowIdList {
    /// The workflows.
    pub ids: Option<Vec<WorkflowId>>,
}

/// A workflow that an agent may run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkflowId {
    /// The workflow.
    pub id: Id,
}

/// The model of an agent. Which settings it takes, and in which range, differs from model to model.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ModelInfoConfig {
    /// The model, as the page of the workspace's models names it.
    pub model_id: Id,
    /// Candidates per token: the fewer, the more predictable.
    #[serde(default, deserialize_with = "de::int_opt")]
    pub top_k: Option<i64>,
    /// Share of probability that candidates are taken from: the smaller, the more predictable.
    pub top_p: Option<f64>,
    /// Spread: the smaller, the more predictable.
    pub temperature: Option<f64>,
    /// Longest answer, in tokens.
    #[serde(default, deserialize_with = "de::int_opt")]
    pub max_tokens: Option<i64>,
    /// How many earlier turns the model sees.
    #[serde(default, deserialize_with = "de::int_opt")]
    pub context_round: Option<i64>,
    /// The form of its answers.
    pub response_format: Option<ResponseFormat>,
    /// Against repeated topics.
    pub presence_penalty: Option<f64>,
    /// Against repeated words.
    pub frequency_penalty: Option<f64>,
    /// Keeps the prompt secret; false by default.
    pub sp_anti_leak: Option<bool>,
    /// Tells the model the time; false by default.
    pub sp_current_time: Option<bool>,
    /// Whether beginnings of prompts are cached, when `api_mode` is `chat_api`.
    pub cache_type: Option<CacheType>,
    /// How the model is called.
    pub api_mode: Option<ApiMode>,
    /// Further settings.
    pub parameters: Option<ModelParameters>,
}

/// Further settings of a model.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ModelParameters {
    /// Whether it thinks before it answers; some models only.
    pub thinking_type: Option<ThinkingType>,
    /// Whether beginnings of prompts are cached, when `api_mode` is `responses_api`.
    pub caching: Option<Caching>,
    /// Keeps what is said with the service, which caching needs; true by default.
    pub store: Option<bool>,
    /// How long cache and store last, in seconds: up to 259,200 (3 days), which is the default.
    #[serde(default, deserialize_with = "de::int_opt")]
    pub caching_expire_time: Option<i64>,
    /// Settings that this version does not know.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

open_enum! {
    /// Whether a model thinks before it answers.
    ThinkingType {
        /// It does. It then calls no tools: plugins, workflows, variables and databases are out.
        Enabled = "enabled",
        /// It does not.
        Disabled = "disabled",
        /// It decides by the question.
        Auto = "auto",
    }
}

/// Whether beginnings of prompts are cached.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Caching {
    /// Off by default.
    #[serde(rename = "type")]
    pub kind: Option<CachingType>,
}

open_enum! {
    /// Whether something is on.
    CachingType {
        /// Off.
        Disabled = "disabled",
        /// On.
        Enabled = "enabled",
    }
}

/// Body of [`PublishBot`](super::PublishBot).
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct PublishBotBody {
    /// The agent.
    pub bot_id: Id,
    /// The channels: `1024` (API), `999` (Chat SDK), or the ids of one's own.
    #[serde(default, deserialize_with = "de::null_default")]
    pub connector_ids: Vec<Id>,
    /// What a channel of one's own is told: by channel, keys as bound to it and values as JSON
    /// text. The agent has to be published to the API at the same time.
    pub connectors: Option<BTreeMap<Id, BTreeMap<String, String>>>,
}

/// Payload of [`PublishBot`](super::PublishBot).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublishedVersion {
    /// The agent.
    pub bot_id: Id,
    /// Its new version.
    #[serde(default, deserialize_with = "de::text")]
    pub version: String,
}

/// Body of [`UnpublishBot`](super::UnpublishBot).
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnpublishBotBody {
    /// The channel: `1024` (API), `999` (Chat SDK), `10000122` (store), one of the other official
    /// channels, or one's own.
    pub connector_id: Id,
    /// Why, in up to 1,024 characters; shown to those who manage publishing.
    pub unpublish_reason: Option<String>,
    /// Repeated here by the Python SDK.
    pub bot_id: Option<Id>,
}

/// Query of [`ListBotVersions`](super::ListBotVersions).
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ListBotVersionsQuery {
    /// From 1.
    #[serde(default, deserialize_with = "de::int_opt")]
    pub page_num: Option<i64>,
    /// 1 to 30; 10 by default.
    #[serde(default, deserialize_with = "de::int_opt")]
    pub page_size: Option<i64>,
    /// `published_online` (default) or `unpublished_draft`.
    pub publish_status: Option<PublishStatus>,
    /// Only versions published to this channel; all by default.
    pub connector_id: Option<Id>,
}

/// Payload of [`ListBotVersions`](super::ListBotVersions).
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct BotVersionList {
    /// The versions of this page.
    #[serde(default, deserialize_with = "de::null_default")]
    pub items: Vec<BotVersion>,
    /// There is a next page.
    pub has_more: Option<bool>,
    /// How many there are on all pages; read by the Python SDK only.
    #[serde(default, deserialize_with = "de::int_opt")]
    pub total: Option<i64>,
}

/// A version of an agent.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct BotVersion {
    /// Its name.
    #[serde(default, deserialize_with = "de::text")]
    pub version: String,
    /// What changed.
    pub changelog: Option<String>,
    /// When it was made, in seconds.
    #[serde(serialize_with = "crate::id::time_as_text")]
    pub created_at: Option<Timestamp>,
    /// Whether it is published.
    pub publish_status: Option<PublishStatus>,
    /// Who made it.
    pub creator: Option<Creator>,
    /// What changed; read by the Python SDK only.
    pub description: Option<String>,
    /// When it was last changed, in seconds; read by the Python SDK only.
    #[serde(serialize_with = "crate::id::time_as_text")]
    pub updated_at: Option<Timestamp>,
}
