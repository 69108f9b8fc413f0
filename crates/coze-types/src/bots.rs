//! Bots: the agents that a workspace has.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_with::skip_serializing_none;

use crate::endpoint::endpoints;
use crate::open_enum::{open_enum, open_int_enum};
use crate::paging::numbered;
use crate::workflows::PublishStatus;
use crate::{Data, Empty, Id, Timestamp, de};

endpoints! { "bots";
    /// Lists the agents of a workspace.
    ///
    /// Source: <https://www.coze.cn/open/docs/developer_guides/bots_list_draft_published>
    ListBots = GET "/v1/bots" () "listBot" {
        query: ListBotsQuery, body: None Empty, reply: Data<BotList>
    }

    /// Reads everything about an agent.
    ///
    /// Source: <https://www.coze.cn/open/docs/developer_guides/get_metadata_draft_published>
    RetrieveBot = GET "/v1/bots/{bot_id}" (bot_id) "getMetadata" {
        query: RetrieveBotQuery, body: None Empty, reply: Data<Bot>
    }

    /// Lists the agents that a workspace has published to the API channel.
    ///
    /// Deprecated by the vendor in favour of [`ListBots`], but the Python SDK still calls it.
    /// Source: <https://www.coze.cn/open/docs/developer_guides/published_bots_list>
    ListPublishedBots = GET "/v1/space/published_bots_list" () "getPublishedBot" {
        query: ListPublishedBotsQuery, body: None Empty, reply: Data<PublishedBotList>
    }

    /// Reads everything about an agent as last published.
    ///
    /// Deprecated by the vendor in favour of [`RetrieveBot`], but the Python SDK still calls it.
    /// Source: <https://www.coze.cn/open/docs/developer_guides/get_metadata>
    RetrieveOnlineBot = GET "/v1/bot/get_online_info" () "getMetadata" {
        query: RetrieveOnlineBotQuery, body: None Empty, reply: Data<Bot>
    }
}

numbered! {
    ListPublishedBots by page_index, 20;
    |page| page.data.space_bots => PublishedBot;
    total page.data.total
}

numbered! {
    ListBots by page_num, 20;
    |page| page.data.items => SimpleBot;
    total page.data.total
}

/// Query of [`ListPublishedBots`].
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ListPublishedBotsQuery {
    /// The workspace; required.
    pub space_id: Id,
    /// From 1.
    #[serde(default, deserialize_with = "de::int_opt")]
    pub page_index: Option<i64>,
    /// 20 by default.
    #[serde(default, deserialize_with = "de::int_opt")]
    pub page_size: Option<i64>,
}

/// Payload of [`ListPublishedBots`].
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct PublishedBotList {
    /// The agents of this page, newest first.
    #[serde(default, deserialize_with = "de::null_default")]
    pub space_bots: Vec<PublishedBot>,
    /// How many there are on all pages.
    #[serde(default, deserialize_with = "de::int")]
    pub total: i64,
}

/// A published agent.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct PublishedBot {
    /// The id.
    pub bot_id: Id,
    /// The name.
    #[serde(default)]
    pub bot_name: String,
    /// What it is for.
    #[serde(default)]
    pub description: String,
    /// The picture.
    #[serde(default)]
    pub icon_url: String,
    /// When it was published: seconds, as text.
    #[serde(default, deserialize_with = "de::null_default")]
    pub publish_time: String,
}

/// Query of [`RetrieveOnlineBot`].
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct RetrieveOnlineBotQuery {
    /// The agent; required.
    pub bot_id: Id,
    /// Open-source server only.
    pub connector_id: Option<Id>,
    /// Open-source server only.
    pub version: Option<String>,
}

/// Query of [`ListBots`].
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ListBotsQuery {
    /// The workspace; required.
    pub workspace_id: Id,
    /// The published ones by default.
    pub publish_status: Option<PublishStatus>,
    /// `1024` (API) by default.
    pub connector_id: Option<Id>,
    /// From 1. The Python SDK calls it `page_index`.
    #[serde(default, alias = "page_index", deserialize_with = "de::int_opt")]
    pub page_num: Option<i64>,
    /// 20 by default.
    #[serde(default, deserialize_with = "de::int_opt")]
    pub page_size: Option<i64>,
}

/// Payload of [`ListBots`].
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct BotList {
    /// The agents of this page.
    #[serde(default, deserialize_with = "de::null_default")]
    pub items: Vec<SimpleBot>,
    /// How many there are on all pages.
    #[serde(default, deserialize_with = "de::int")]
    pub total: i64,
}

/// An agent in a list.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct SimpleBot {
    /// The id.
    pub id: Id,
    /// The name.
    #[serde(default)]
    pub name: String,
    /// The picture.
    #[serde(default)]
    pub icon_url: String,
    /// What it is for.
    #[serde(default)]
    pub description: String,
    /// It is published.
    #[serde(default)]
    pub is_published: bool,
    /// When it was last changed, in seconds.
    #[serde(default)]
    pub updated_at: Timestamp,
    /// When it was published, in seconds; missing when it never was.
    pub published_at: Option<Timestamp>,
    /// Who owns it.
    #[serde(default)]
    pub owner_user_id: Id,
    /// The folder it lies in.
    pub folder_id: Option<Id>,
}

/// Query of [`RetrieveBot`].
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct RetrieveBotQuery {
    /// True: as last published; false: as drafted.
    pub is_published: Option<bool>,
    /// Open-source server only.
    pub connector_id: Option<Id>,
}

open_int_enum! {
    /// What drives an agent.
    BotMode {
        /// One model.
        SingleAgent = 0,
        /// Several agents that hand over to each other.
        MultiAgent = 1,
        /// A chatflow.
        Chatflow = 2,
    }
}

/// An agent.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Bot {
    /// The id.
    pub bot_id: Id,
    /// The name.
    #[serde(default)]
    pub name: String,
    /// What it is for.
    #[serde(default)]
    pub description: String,
    /// The picture.
    #[serde(default)]
    pub icon_url: String,
    /// When it was made, in seconds.
    #[serde(default)]
    pub create_time: Timestamp,
    /// When it was last changed, in seconds.
    #[serde(default)]
    pub update_time: Timestamp,
    /// The version: a number of milliseconds, as text.
    #[serde(default)]
    pub version: String,
    /// The prompt.
    pub prompt_info: Option<PromptInfo>,
    /// The opening.
    pub onboarding_info: Option<OnboardingInfo>,
    /// What drives it.
    #[serde(default)]
    pub bot_mode: BotMode,
    /// The plugins.
    pub plugin_info_list: Option<Vec<PluginInfo>>,
    /// The model.
    pub model_info: Option<ModelInfo>,
    /// The knowledge.
    pub knowledge: Option<BotKnowledge>,
    /// The workflows.
    pub workflow_info_list: Option<Vec<WorkflowRef>>,
    /// The shortcuts.
    pub shortcut_commands: Option<Vec<ShortcutCommand>>,
    /// Whether it suggests what to ask next.
    pub suggest_reply_info: Option<SuggestReplyInfo>,
    /// The pictures behind the chat.
    pub background_image_info: Option<BackgroundImageInfo>,
    /// The variables.
    pub variables: Option<Vec<BotVariable>>,
    /// The voices.
    pub voice_info_list: Option<Vec<VoiceInfo>>,
    /// Not described; empty in the official example.
    pub voice_data_list: Option<Vec<Value>>,
    /// `text`, `voice` or `call`.
    pub default_user_input_type: Option<String>,
    /// Sound and picture.
    pub media_config: Option<MediaConfig>,
    /// Who owns it.
    pub owner_user_id: Option<Id>,
    /// The folder it lies in.
    pub folder_id: Option<Id>,
}

/// The prompt of an agent.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct PromptInfo {
    /// Up to 20,000 characters.
    pub prompt: Option<String>,
    /// `standard` (default) or `prefix`.
    pub prompt_mode: Option<String>,
    /// The two parts of a prompt in `prefix` mode.
    pub prefix_prompt_info: Option<PrefixPromptInfo>,
}

/// The two parts of a prompt in `prefix` mode.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct PrefixPromptInfo {
    /// The part that stays the same.
    pub prefix_prompt: Option<String>,
    /// The part that changes.
    pub dynamic_prompt: Option<String>,
}

/// The opening of an agent. An official example spells the keys in PascalCase; both are read.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct OnboardingInfo {
    /// Up to 300 characters.
    #[serde(alias = "Prologue")]
    pub prologue: Option<String>,
    /// Questions of up to 50 characters.
    #[serde(alias = "SuggestedQuestions")]
    pub suggested_questions: Option<Vec<String>>,
    /// How the opening is made.
    #[serde(default, alias = "OnboardingMode", deserialize_with = "de::int_opt")]
    pub onboarding_mode: Option<i64>,
    /// The prompt that makes it.
    #[serde(alias = "CustomizedOnboardingPrompt")]
    pub customized_onboarding_prompt: Option<String>,
    /// Which of the questions are shown.
    #[serde(alias = "SuggestedQuestionsShowMode")]
    pub suggested_questions_show_mode: Option<SuggestedQuestionsShowMode>,
}

open_int_enum! {
    /// Which of the questions of an opening are shown.
    SuggestedQuestionsShowMode {
        /// Some, by chance.
        Random = 0,
        /// All.
        All = 1,
    }
}

/// A plugin of an agent.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct PluginInfo {
    /// The id.
    pub plugin_id: Id,
    /// The name.
    pub name: Option<String>,
    /// What it is for.
    pub description: Option<String>,
    /// The picture.
    pub icon_url: Option<String>,
    /// Its operations.
    pub api_info_list: Option<Vec<PluginApi>>,
}

/// An operation of a plugin.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct PluginApi {
    /// The id.
    pub api_id: Id,
    /// The name.
    pub name: Option<String>,
    /// What it is for.
    pub description: Option<String>,
}

/// The model of an agent.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ModelInfo {
    /// The model.
    pub model_id: Option<Id>,
    /// Its name.
    pub model_name: Option<String>,
    /// Candidates per token.
    #[serde(default, deserialize_with = "de::int_opt")]
    pub top_k: Option<i64>,
    /// Share of probability.
    pub top_p: Option<f64>,
    /// Spread.
    pub temperature: Option<f64>,
    /// Longest answer, in tokens.
    #[serde(default, deserialize_with = "de::int_opt")]
    pub max_tokens: Option<i64>,
    /// Rounds of context.
    #[serde(default, deserialize_with = "de::int_opt")]
    pub context_round: Option<i64>,
    /// `text`, `markdown` or `json`.
    pub response_format: Option<String>,
    /// Against repeated topics.
    pub presence_penalty: Option<f64>,
    /// Against repeated words.
    pub frequency_penalty: Option<f64>,
    /// Keeps the prompt secret.
    pub sp_anti_leak: Option<bool>,
    /// Tells the model the time.
    pub sp_current_time: Option<bool>,
    /// `closed` (default) or `prefix`.
    pub cache_type: Option<String>,
    /// `chat_api` (default) or `responses_api`.
    pub api_mode: Option<String>,
    /// Further settings: `thinking_type`, `caching`, `store`, `caching_expire_time`.
    pub parameters: Option<Value>,
}

/// The knowledge of an agent.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct BotKnowledge {
    /// The datasets.
    #[serde(default, deserialize_with = "de::null_default")]
    pub knowledge_infos: Vec<KnowledgeInfo>,
}

/// A dataset of an agent.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct KnowledgeInfo {
    /// The id.
    pub id: Id,
    /// The name.
    #[serde(default)]
    pub name: String,
}

/// A workflow of an agent.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct WorkflowRef {
    /// The id.
    pub id: Id,
    /// The name.
    pub name: Option<String>,
    /// What it is for.
    pub description: Option<String>,
    /// The picture.
    pub icon_url: Option<String>,
}

/// A shortcut of an agent.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ShortcutCommand {
    /// The id.
    pub id: Id,
    /// The name.
    pub name: Option<String>,
    /// What the user types.
    pub command: Option<String>,
    /// What it is for.
    pub description: Option<String>,
    /// The question it makes.
    pub query_template: Option<String>,
    /// The picture.
    pub icon_url: Option<String>,
    /// The agent among several.
    pub agent_id: Option<Id>,
    /// The fields to fill in.
    pub components: Option<Vec<ShortcutComponent>>,
    /// The tool it calls.
    pub tool: Option<ShortcutTool>,
    /// `query` or `panel`.
    pub send_type: Option<String>,
    /// The card, as text.
    pub card_schema: Option<String>,
}

/// A field of a shortcut.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ShortcutComponent {
    /// The name.
    pub name: Option<String>,
    /// What it is for.
    pub description: Option<String>,
    /// `text`, `select` or `file`.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// The parameter of the tool that it fills.
    pub tool_parameter: Option<String>,
    /// Its default.
    pub default_value: Option<String>,
    /// It is not shown.
    pub is_hide: Option<bool>,
    /// What can be chosen.
    pub options: Option<Vec<String>>,
}

/// The tool of a shortcut.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ShortcutTool {
    /// The name.
    pub name: Option<String>,
    /// `workflow` or `plugin`.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// Open-source server only.
    pub plugin_id: Option<Id>,
    /// Open-source server only.
    pub plugin_api_name: Option<String>,
    /// Open-source server only.
    pub workflow_id: Option<Id>,
    /// Open-source server only.
    pub params: Option<Value>,
}

/// Whether an agent suggests what to ask next.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct SuggestReplyInfo {
    /// `enable`, `disable` or `customized`.
    pub reply_mode: Option<String>,
    /// The prompt that makes suggestions.
    pub customized_prompt: Option<String>,
}

/// The pictures behind a chat.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct BackgroundImageInfo {
    /// On wide screens.
    pub web_background_image: Option<BackgroundImage>,
    /// On phones.
    pub mobile_background_image: Option<BackgroundImage>,
}

/// A picture behind a chat.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct BackgroundImage {
    /// The picture as shown.
    pub image_url: Option<String>,
    /// The picture as uploaded.
    pub origin_image_url: Option<String>,
    /// Hexadecimal.
    pub theme_color: Option<String>,
    /// Where the picture fades.
    pub gradient_position: Option<GradientPosition>,
    /// Where the picture lies.
    pub canvas_position: Option<CanvasPosition>,
}

/// Where a picture fades.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct GradientPosition {
    /// From the left.
    pub left: Option<f64>,
    /// From the right.
    pub right: Option<f64>,
}

/// Where a picture lies.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct CanvasPosition {
    /// From the top.
    pub top: Option<f64>,
    /// From the left.
    pub left: Option<f64>,
    /// Width.
    pub width: Option<f64>,
    /// Height.
    pub height: Option<f64>,
}

open_enum! {
    /// The kind of a variable.
    VariableType {
        /// One value.
        Kv = "KVVariable",
        /// A list.
        List = "ListVariable",
    }
}

/// A variable of an agent.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct BotVariable {
    /// The name.
    pub keyword: String,
    /// Its default.
    #[serde(default)]
    pub default_value: String,
    /// The kind; SDKs need it though one table of the reference lacks it.
    #[serde(default)]
    pub variable_type: VariableType,
    /// `custom`, `system`, `location`, `feishu` or `app`.
    pub channel: Option<String>,
    /// What it is for.
    pub description: Option<String>,
    /// It is in use.
    pub enable: Option<bool>,
    /// The prompt may use it.
    pub prompt_enable: Option<bool>,
}

/// A voice of an agent.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct VoiceInfo {
    /// The voice.
    pub voice_id: Id,
    /// Its language.
    pub language_code: Option<String>,
}

/// Sound and picture of an agent.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct MediaConfig {
    /// Calls are off.
    pub is_voice_call_closed: Option<bool>,
}
