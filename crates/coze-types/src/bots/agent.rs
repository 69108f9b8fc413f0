//! What an agent is: its prompt, model, tools, knowledge and looks.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_with::skip_serializing_none;

use crate::open_enum::{open_enum, open_int_enum};
use crate::{Id, Timestamp, de};

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
    #[serde(default, deserialize_with = "de::null_default")]
    pub name: String,
    /// What it is for.
    #[serde(default, deserialize_with = "de::null_default")]
    pub description: String,
    /// The picture.
    #[serde(default, deserialize_with = "de::null_default")]
    pub icon_url: String,
    /// When it was made, in seconds.
    #[serde(default)]
    pub create_time: Timestamp,
    /// When it was last changed, in seconds.
    #[serde(default)]
    pub update_time: Timestamp,
    /// The version: a number of milliseconds, as text.
    #[serde(default, deserialize_with = "de::null_default")]
    pub version: String,
    /// The prompt.
    pub prompt_info: Option<PromptInfo>,
    /// The opening.
    pub onboarding_info: Option<OnboardingInfo>,
    /// What drives it.
    #[serde(default, deserialize_with = "de::null_default")]
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
    /// How the user talks to it unless another way is chosen.
    pub default_user_input_type: Option<UserInputType>,
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
    /// Up to 20,000 characters; not allowed when prefix caching is on.
    pub prompt: Option<String>,
    /// Whether the prompt is one text or two; must be `prefix` when prefix caching is on.
    pub prompt_mode: Option<PromptMode>,
    /// The two parts of a prompt in `prefix` mode.
    pub prefix_prompt_info: Option<PrefixPromptInfo>,
}

open_enum! {
    /// How a prompt is made up.
    PromptMode {
        /// One text; the default.
        Standard = "standard",
        /// A part that is cached and a part that changes.
        Prefix = "prefix",
    }
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
    /// Up to 300 characters. `{{user_name}}` in it is left to the caller to fill in.
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
    /// The form of its answers.
    pub response_format: Option<ResponseFormat>,
    /// Against repeated topics.
    pub presence_penalty: Option<f64>,
    /// Against repeated words.
    pub frequency_penalty: Option<f64>,
    /// Keeps the prompt secret.
    pub sp_anti_leak: Option<bool>,
    /// Tells the model the time.
    pub sp_current_time: Option<bool>,
    /// Whether beginnings of prompts are cached.
    pub cache_type: Option<CacheType>,
    /// How the model is called.
    pub api_mode: Option<ApiMode>,
    /// Further settings, as [`ModelParameters`](super::ModelParameters) names them.
    pub parameters: Option<Value>,
}

open_enum! {
    /// The form of a model's answers.
    ResponseFormat {
        /// Plain text.
        Text = "text",
        /// Markdown.
        Markdown = "markdown",
        /// JSON.
        Json = "json",
    }
}

open_enum! {
    /// Whether beginnings of prompts are cached; for paid plans, and for some models only.
    CacheType {
        /// They are not; the default.
        Closed = "closed",
        /// They are.
        Prefix = "prefix",
    }
}

open_enum! {
    /// How a model is called.
    ApiMode {
        /// With the history in each request; the default.
        Chat = "chat_api",
        /// With a context that the service keeps; some models only.
        Responses = "responses_api",
    }
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
    #[serde(default, deserialize_with = "de::null_default")]
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
    /// How it is sent.
    pub send_type: Option<ShortcutSendType>,
    /// The card, as text.
    pub card_schema: Option<String>,
}

open_enum! {
    /// How a shortcut is sent.
    ShortcutSendType {
        /// As a question.
        Query = "query",
        /// From a panel of fields.
        Panel = "panel",
    }
}

/// A field of a shortcut.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ShortcutComponent {
    /// The name.
    pub name: Option<String>,
    /// What it is for.
    pub description: Option<String>,
    /// What is filled in.
    #[serde(rename = "type")]
    pub kind: Option<ShortcutComponentType>,
    /// The parameter of the tool that it fills.
    pub tool_parameter: Option<String>,
    /// Its default.
    pub default_value: Option<String>,
    /// It is not shown.
    pub is_hide: Option<bool>,
    /// What can be chosen.
    pub options: Option<Vec<String>>,
}

open_enum! {
    /// What is filled into a field of a shortcut.
    ShortcutComponentType {
        /// Text.
        Text = "text",
        /// One of several options.
        Select = "select",
        /// A file.
        File = "file",
    }
}

/// The tool of a shortcut.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ShortcutTool {
    /// The name.
    pub name: Option<String>,
    /// What it is.
    #[serde(rename = "type")]
    pub kind: Option<ShortcutToolType>,
    /// Open-source server only.
    pub plugin_id: Option<Id>,
    /// Open-source server only.
    pub plugin_api_name: Option<String>,
    /// Open-source server only.
    pub workflow_id: Option<Id>,
    /// Open-source server only.
    pub params: Option<Value>,
}

open_enum! {
    /// What the tool of a shortcut is.
    ShortcutToolType {
        /// A workflow.
        Workflow = "workflow",
        /// An operation of a plugin.
        Plugin = "plugin",
    }
}

/// Whether an agent suggests what to ask next.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct SuggestReplyInfo {
    /// Whether it does.
    pub reply_mode: Option<SuggestReplyMode>,
    /// The prompt that makes suggestions; needed by, and only for, `customized`.
    pub customized_prompt: Option<String>,
}

open_enum! {
    /// Whether an agent suggests what to ask next.
    SuggestReplyMode {
        /// Up to three questions after each answer.
        Enable = "enable",
        /// None.
        Disable = "disable",
        /// Questions made by a prompt of one's own.
        Customized = "customized",
    }
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

open_enum! {
    /// Where the value of a variable comes from.
    VariableChannel {
        /// The agent, its user or the API.
        Custom = "custom",
        /// The platform.
        System = "system",
        /// The user's place.
        Location = "location",
        /// Feishu.
        Feishu = "feishu",
        /// The app that the agent belongs to.
        App = "app",
    }
}

/// A variable of an agent or an app.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct BotVariable {
    /// The name.
    pub keyword: String,
    /// Its default.
    #[serde(default, deserialize_with = "de::null_default")]
    pub default_value: String,
    /// The kind; SDKs need it though one table of the reference lacks it.
    #[serde(default, deserialize_with = "de::null_default")]
    pub variable_type: VariableType,
    /// Where its value comes from.
    pub channel: Option<VariableChannel>,
    /// What it is for.
    pub description: Option<String>,
    /// It is in use.
    pub enable: Option<bool>,
    /// The prompt may use it.
    pub prompt_enable: Option<bool>,
}

open_enum! {
    /// How a user talks to an agent.
    UserInputType {
        /// By typing.
        Text = "text",
        /// By voice messages.
        Voice = "voice",
        /// By a call.
        Call = "call",
    }
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
