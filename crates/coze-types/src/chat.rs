//! Chats: one run of an agent over a conversation.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use serde_with::skip_serializing_none;

use crate::chat_event::ChatEvent;
use crate::endpoint::endpoints;
use crate::messages::{EnterMessage, Message};
use crate::open_enum::open_enum;
use crate::sse::Framing;
use crate::{Data, Empty, Id, Timestamp, de};

endpoints! { "chat";
    /// Starts a chat: the agent answers the last message.
    ///
    /// Without `stream` the reply comes at once, with status `in_progress`; poll it with
    /// [`RetrieveChat`]. With `stream` the reply is a stream of [`ChatEvent`]s. Errors: 4000
    /// (parameters), 4015 (agent not published), 4016 (another chat runs in the conversation).
    /// Source: <https://www.coze.cn/open/docs/developer_guides/chat_v3>
    StartChat = POST "/v3/chat" () "chat" {
        query: StartChatQuery, body: Json StartChatBody, reply: Data<Chat>,
        stream: OnRequest ChatEvent, Framing::Compact, |row| row.body.stream = Some(true),
    }

    /// Reads the state of a chat; at most once a second per chat is advised.
    ///
    /// Only for chats whose history is saved. Source:
    /// <https://www.coze.cn/open/docs/developer_guides/retrieve_chat>
    RetrieveChat = GET "/v3/chat/retrieve" () "getChat" {
        query: ChatQuery, body: None Empty, reply: Data<Chat>
    }

    /// Lists what a chat produced: answers, tool calls, notes; not the user's question.
    ///
    /// Source: <https://www.coze.cn/open/docs/developer_guides/list_chat_messages>
    ListChatMessages = GET "/v3/chat/message/list" () "chat + listMessage" {
        query: ChatQuery, body: None Empty, reply: Data<Vec<Message>>
    }

    /// Cancels a chat that is created or in progress.
    ///
    /// An open stream of it goes on, and the full answer is billed; question and answer do not
    /// become context. Errors: 4104 when the chat is in any other state. Source:
    /// <https://www.coze.cn/open/docs/developer_guides/chat_cancel>
    CancelChat = POST "/v3/chat/cancel" () "cancelChat" {
        query: Empty, body: Json CancelChatBody, reply: Data<Chat>
    }

    /// Hands the results of local tools to a chat that waits for them, all at once.
    ///
    /// Errors: 5000 when the chat's history is not saved. Source:
    /// <https://www.coze.cn/open/docs/developer_guides/chat_submit_tool_outputs>
    SubmitToolOutputs = POST "/v3/chat/submit_tool_outputs" () "submitToolChat" {
        query: ChatQuery, body: Json SubmitToolOutputsBody, reply: Data<Chat>,
        stream: OnRequest ChatEvent, Framing::Compact, |row| row.body.stream = Some(true),
    }
}

open_enum! {
    /// The state of a chat.
    ChatStatus {
        /// Accepted.
        Created = "created",
        /// Running.
        InProgress = "in_progress",
        /// Done.
        Completed = "completed",
        /// Ended by an error; see `last_error`.
        Failed = "failed",
        /// Waits for tool outputs or for a reply.
        RequiresAction = "requires_action" | "required_action",
        /// Ended by the caller. The open-source server spells it with two l.
        Canceled = "canceled" | "cancelled",
    }
}

impl ChatStatus {
    /// True when polling can stop: nothing changes any more unless the caller acts.
    #[must_use]
    pub fn is_terminal(&self) -> bool {
        match self {
            Self::Completed | Self::Failed | Self::RequiresAction | Self::Canceled => true,
            Self::Created | Self::InProgress => false,
            // States of the open-source server.
            Self::Other(name) => matches!(name.as_str(), "expired" | "deleted"),
        }
    }

    /// True for the states in which a chat is over without a whole answer.
    #[must_use]
    pub fn is_failure(&self) -> bool {
        self.is_terminal() && !matches!(self, Self::Completed | Self::RequiresAction)
    }
}

/// A chat.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Chat {
    /// The id, which other calls name `chat_id`.
    pub id: Id,
    /// The conversation.
    pub conversation_id: Id,
    /// The agent; missing in streams of chatflows.
    pub bot_id: Option<Id>,
    /// When it began, in seconds.
    pub created_at: Option<Timestamp>,
    /// When it ended, in seconds. Some servers fill it before, so it says nothing about the state.
    pub completed_at: Option<Timestamp>,
    /// When it failed, in seconds.
    pub failed_at: Option<Timestamp>,
    /// Pairs given by the caller.
    pub meta_data: Option<BTreeMap<String, String>>,
    /// Why it failed; null or code 0 when it did not.
    pub last_error: Option<ChatError>,
    /// The state.
    pub status: ChatStatus,
    /// What the agent waits for. Use [`Chat::pending`]: some servers send an empty one.
    pub required_action: Option<RequiredAction>,
    /// Tokens; zero until the end.
    pub usage: Option<Usage>,
    /// The context section.
    pub section_id: Option<Id>,
    /// The ids that the stored additional messages got.
    pub inserted_additional_messages: Option<Vec<InsertedMessage>>,
    /// The run of a chatflow; open-source server only.
    pub execute_id: Option<Id>,
}

impl Chat {
    /// The tool calls or questions that the agent waits for.
    #[must_use]
    pub fn pending(&self) -> &[ToolCall] {
        let outputs = self
            .required_action
            .as_ref()
            .and_then(|it| it.submit_tool_outputs.as_ref());
        outputs.map_or(&[], |it| &it.tool_calls)
    }

    /// Why it failed, unless the error is the "no error" with code 0.
    #[must_use]
    pub fn error(&self) -> Option<&ChatError> {
        self.last_error.as_ref().filter(|error| error.code != 0)
    }
}

/// Why a chat failed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChatError {
    /// The code; 0 means that nothing is wrong.
    #[serde(default, deserialize_with = "de::int")]
    pub code: i64,
    /// The text.
    #[serde(default, deserialize_with = "de::null_default")]
    pub msg: String,
}

/// Tokens.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// All of them.
    #[serde(default, deserialize_with = "de::int")]
    pub token_count: i64,
    /// Those of the answer.
    #[serde(default, deserialize_with = "de::int")]
    pub output_count: i64,
    /// Those of the question and its context.
    #[serde(default, deserialize_with = "de::int")]
    pub input_count: i64,
}

/// The id of a stored additional message.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct InsertedMessage {
    /// The id.
    pub id: Id,
}

open_enum! {
    /// What is required.
    RequiredActionType {
        /// Nothing: the empty action that some servers send.
        None = "",
        /// Outputs of local tools.
        SubmitToolOutputs = "submit_tool_outputs",
    }
}

/// What a chat waits for.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequiredAction {
    /// What is required.
    #[serde(default, deserialize_with = "de::null_default", rename = "type")]
    pub kind: RequiredActionType,
    /// The calls whose outputs are required.
    pub submit_tool_outputs: Option<PendingToolOutputs>,
}

/// The calls whose outputs are required.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PendingToolOutputs {
    /// The calls.
    #[serde(default, deserialize_with = "de::null_default")]
    pub tool_calls: Vec<ToolCall>,
}

open_enum! {
    /// What kind of answer a call waits for.
    ToolCallType {
        /// The output of a local tool.
        Function = "function",
        /// A reply to a question node with options.
        ReplyMessage = "reply_message",
    }
}

/// A call that the caller has to carry out.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolCall {
    /// Opaque and not numeric; goes back as `tool_call_id`.
    pub id: String,
    /// The kind of answer it waits for.
    #[serde(default, deserialize_with = "de::null_default", rename = "type")]
    pub kind: ToolCallType,
    /// The tool.
    pub function: Option<ToolFunction>,
    /// What else is needed; open-source server only.
    pub require_info: Option<RequireInfo>,
}

/// The tool of a [`ToolCall`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolFunction {
    /// Its name.
    pub name: String,
    /// Its arguments, as JSON text.
    #[serde(default, deserialize_with = "de::null_default")]
    pub arguments: String,
}

/// What else a call needs; open-source server only.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequireInfo {
    /// The needed things.
    #[serde(default, deserialize_with = "de::null_default")]
    pub infos: Vec<Value>,
}

/// Query of [`StartChat`].
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StartChatQuery {
    /// The conversation to go on with; a new one is made when missing.
    pub conversation_id: Option<Id>,
}

/// Body of [`StartChat`].
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct StartChatBody {
    /// The agent; it must be published to the API channel.
    pub bot_id: Id,
    /// The caller's user; isolates memory and variables.
    pub user_id: String,
    /// Up to 100; the last one is the question. Required when the conversation is empty.
    pub additional_messages: Option<Vec<EnterMessage>>,
    /// False by default.
    pub stream: Option<bool>,
    /// Fill `{{key}}` in the agent's prompt; keys of letters and underscores.
    pub custom_variables: Option<BTreeMap<String, String>>,
    /// True by default; must be true without `stream` and for local tools.
    pub auto_save_history: Option<bool>,
    /// At most 16 pairs; given back by [`RetrieveChat`].
    pub meta_data: Option<BTreeMap<String, String>>,
    /// `latitude` and `longitude`.
    pub extra_params: Option<BTreeMap<String, String>>,
    /// Uses a shortcut of the agent, which makes the question itself.
    pub shortcut_command: Option<ShortcutCommandDetail>,
    /// Inputs of an agent in chatflow mode.
    pub parameters: Option<Map<String, Value>>,
    /// Asks for cards at question nodes.
    pub enable_card: Option<bool>,
    /// `published_online` (default) or `unpublished_draft`.
    pub publish_status: Option<String>,
    /// The latest by default; not together with `unpublished_draft`.
    pub bot_version: Option<String>,
    /// `1024` (API) by default.
    pub connector_id: Option<Id>,
    /// Open-source server only.
    pub custom_config: Option<Value>,
    /// The conversation in the body: the coze-api skill puts it here; the query wins.
    pub conversation_id: Option<Id>,
}

/// The use of a shortcut.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ShortcutCommandDetail {
    /// The shortcut.
    pub command_id: Id,
    /// Each value is JSON text of a list of object-string items.
    pub parameters: Option<BTreeMap<String, String>>,
}

/// Names a chat in the query.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChatQuery {
    /// The conversation; required.
    pub conversation_id: Id,
    /// The chat; required.
    pub chat_id: Id,
}

/// Body of [`CancelChat`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CancelChatBody {
    /// The conversation.
    pub conversation_id: Id,
    /// The chat.
    pub chat_id: Id,
}

/// Body of [`SubmitToolOutputs`].
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct SubmitToolOutputsBody {
    /// All pending calls at once.
    pub tool_outputs: Vec<ToolOutput>,
    /// False by default.
    pub stream: Option<bool>,
    /// Sent by the Node SDK.
    pub auto_save_history: Option<bool>,
    /// Sent by the Go SDK.
    pub connector_id: Option<Id>,
}

/// The result of one call.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolOutput {
    /// [`ToolCall::id`].
    pub tool_call_id: String,
    /// Text; a file is `{"file":"<file id>"}`.
    pub output: String,
}
