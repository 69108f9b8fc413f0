//! Messages: what stands in a conversation, and the calls that manage it.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize};
use serde_with::skip_serializing_none;

use crate::endpoint::endpoints;
use crate::open_enum::open_enum;
use crate::paging::{Page, Paged};
use crate::{Data, Empty, Id, Timestamp, de};

endpoints! { "messages";
    /// Adds a message to a conversation by hand, without running an agent.
    ///
    /// The message has no `type`. Source:
    /// <https://www.coze.cn/open/docs/developer_guides/create_message>
    CreateMessage = POST "/v1/conversation/message/create" () "createMessage" {
        query: ConversationQuery, body: Json CreateMessageBody, reply: Data<Message>
    }

    /// Lists the messages of a conversation, newest first unless asked otherwise.
    ///
    /// Only questions and answers, unless `include_middle_message` is set. Messages are kept for
    /// 180 days. Source: <https://www.coze.cn/open/docs/developer_guides/list_message>
    ListMessages = POST "/v1/conversation/message/list" () "chat + listMessage" {
        query: ConversationQuery, body: Json ListMessagesBody, reply: MessagePage
    }

    /// Reads one message.
    ///
    /// Source: <https://www.coze.cn/open/docs/developer_guides/retrieve_message>
    RetrieveMessage = GET "/v1/conversation/message/retrieve" () "retrieveMessage" {
        query: MessageQuery, body: None Empty, reply: Data<Message>
    }

    /// Changes content or meta data of a message.
    ///
    /// The reply carries the message under `message`, not `data`. Source:
    /// <https://www.coze.cn/open/docs/developer_guides/modify_message>
    ModifyMessage = POST "/v1/conversation/message/modify" () "modifyMessage" {
        query: MessageQuery, body: Json ModifyMessageBody, reply: ModifiedMessage
    }

    /// Removes a question or an answer; an answer takes its intermediate messages with it.
    ///
    /// The reply is the removed message. Source:
    /// <https://www.coze.cn/open/docs/developer_guides/delete_message>
    DeleteMessage = POST "/v1/conversation/message/delete" () "deleteMessage" {
        query: MessageQuery, body: None Empty, reply: Data<Message>
    }

    /// Rates an answer; only the last rating of a message counts.
    ///
    /// Source: <https://www.coze.cn/open/docs/developer_guides/message_feedback>
    CreateFeedback = POST "/v1/conversations/{conversation_id}/messages/{message_id}/feedback"
        (conversation_id, message_id) "feedback" {
        query: Empty, body: Json FeedbackBody, reply: Empty
    }

    /// Takes the rating of an answer back.
    ///
    /// Source: <https://www.coze.cn/open/docs/developer_guides/delete_message_feedback>
    DeleteFeedback = DELETE "/v1/conversations/{conversation_id}/messages/{message_id}/feedback"
        (conversation_id, message_id) "feedback" {
        query: Empty, body: None Empty, reply: Empty
    }
}

open_enum! {
    /// Who speaks.
    Role {
        /// The person, or the program in their name.
        User = "user",
        /// The agent.
        Assistant = "assistant",
        /// Listed by the coze-api skill alone; never valid on input.
        System = "system",
    }
}

open_enum! {
    /// What a message is for.
    MessageType {
        /// Messages made by hand have no type.
        Unset = "",
        /// What the user said.
        Question = "question",
        /// What the agent said.
        Answer = "answer",
        /// The agent calls a tool; the content is JSON.
        FunctionCall = "function_call",
        /// What a tool returned; the content is JSON.
        ToolResponse = "tool_response",
        /// The older name of [`ToolResponse`](Self::ToolResponse).
        ToolOutput = "tool_output",
        /// A question that the user might ask next.
        FollowUp = "follow_up",
        /// A note of the system, such as `generate_answer_finish`; the content is JSON.
        Verbose = "verbose",
        /// What was found in the agent's knowledge.
        Knowledge = "knowledge",
    }
}

open_enum! {
    /// How `content` is to be read.
    ContentType {
        /// As text.
        Text = "text",
        /// As JSON text of a list of [`ObjectStringItem`].
        ObjectString = "object_string",
        /// As JSON text of a card; never on input.
        Card = "card",
        /// As base64 audio; never on input.
        Audio = "audio",
    }
}

/// A message as servers send it.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Message {
    /// The id.
    #[serde(default, deserialize_with = "de::null_default")]
    pub id: Id,
    /// The conversation that it stands in.
    pub conversation_id: Option<Id>,
    /// The agent; only messages that a chat produced have one.
    pub bot_id: Option<Id>,
    /// Who speaks. Read as the assistant when missing, as in the streams that the coze-api skill
    /// document shows.
    #[serde(default = "assistant", deserialize_with = "role")]
    pub role: Role,
    /// What it is for.
    #[serde(default, deserialize_with = "de::null_default", rename = "type")]
    pub kind: MessageType,
    /// The text; in a delta, the part that is new.
    #[serde(default, deserialize_with = "de::null_default")]
    pub content: String,
    /// How `content` is to be read.
    #[serde(default, deserialize_with = "de::null_default")]
    pub content_type: ContentType,
    /// Pairs given by the caller.
    pub meta_data: Option<BTreeMap<String, String>>,
    /// The chat that produced it.
    pub chat_id: Option<Id>,
    /// The context section; a new one begins at each clearing.
    pub section_id: Option<Id>,
    /// Chain of thought of a reasoning model; in a delta, the part that is new.
    pub reasoning_content: Option<String>,
    /// When it was made, in seconds.
    pub created_at: Option<Timestamp>,
    /// When it was last changed, in seconds.
    pub updated_at: Option<Timestamp>,
}

fn assistant() -> Role {
    Role::Assistant
}

fn role<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Role, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_else(assistant))
}

/// A message as a caller gives it to a chat or to a new conversation.
///
/// SDKs send further keys, empty; they are ignored.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct EnterMessage {
    /// Who speaks: `user` or `assistant`.
    pub role: Role,
    /// `question` (the default for the user) or `answer`; tool messages only when history is off.
    #[serde(rename = "type")]
    pub kind: Option<MessageType>,
    /// Text, or JSON text of a list of [`ObjectStringItem`].
    #[serde(default, deserialize_with = "de::null_default")]
    pub content: String,
    /// `text` or `object_string`; required when there is content.
    pub content_type: Option<ContentType>,
    /// At most 16 pairs, keys of 1 to 64 characters, values of 1 to 512.
    pub meta_data: Option<BTreeMap<String, String>>,
    /// The speaker's name; known to the open-source server only.
    pub name: Option<String>,
}

impl EnterMessage {
    /// A question of the user.
    #[must_use]
    pub fn user(text: impl Into<String>) -> Self {
        Self {
            role: Role::User,
            kind: Some(MessageType::Question),
            content: text.into(),
            content_type: Some(ContentType::Text),
            ..Self::default()
        }
    }

    /// An earlier answer of the agent.
    #[must_use]
    pub fn assistant(text: impl Into<String>) -> Self {
        Self {
            role: Role::Assistant,
            kind: Some(MessageType::Answer),
            content: text.into(),
            content_type: Some(ContentType::Text),
            ..Self::default()
        }
    }

    /// A question made of text, images and files.
    ///
    /// At most one item may be text, and text needs at least one file or image beside it; files
    /// without any text need a plain text message next to them.
    #[must_use]
    pub fn user_objects(items: &[ObjectStringItem]) -> Self {
        Self {
            role: Role::User,
            kind: Some(MessageType::Question),
            content: serde_json::to_string(items).unwrap_or_default(),
            content_type: Some(ContentType::ObjectString),
            ..Self::default()
        }
    }
}

open_enum! {
    /// What an item of an `object_string` is.
    ObjectKind {
        /// Text.
        Text = "text",
        /// A file.
        File = "file",
        /// An image.
        Image = "image",
        /// Recorded speech.
        Audio = "audio",
    }
}

/// An item of the list that the content of an `object_string` message holds as JSON text.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObjectStringItem {
    /// What it is.
    #[serde(rename = "type")]
    pub kind: ObjectKind,
    /// The text, when it is text.
    pub text: Option<String>,
    /// The uploaded file, of the same account.
    pub file_id: Option<Id>,
    /// A public URL instead of an uploaded file.
    pub file_url: Option<String>,
    /// The file's name; only in replies of the open-source server.
    pub name: Option<String>,
    /// The file's size in bytes; only in replies of the open-source server.
    #[serde(default, deserialize_with = "de::int_opt")]
    pub size: Option<i64>,
}

impl ObjectStringItem {
    /// Text.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        Self {
            kind: ObjectKind::Text,
            text: Some(text.into()),
            ..Self::default()
        }
    }

    /// An uploaded image.
    #[must_use]
    pub fn image(file_id: impl Into<Id>) -> Self {
        Self {
            kind: ObjectKind::Image,
            file_id: Some(file_id.into()),
            ..Self::default()
        }
    }

    /// An image at a public URL.
    #[must_use]
    pub fn image_url(url: impl Into<String>) -> Self {
        Self {
            kind: ObjectKind::Image,
            file_url: Some(url.into()),
            ..Self::default()
        }
    }

    /// An uploaded file.
    #[must_use]
    pub fn file(file_id: impl Into<Id>) -> Self {
        Self {
            kind: ObjectKind::File,
            file_id: Some(file_id.into()),
            ..Self::default()
        }
    }

    /// A file at a public URL.
    #[must_use]
    pub fn file_url(url: impl Into<String>) -> Self {
        Self {
            kind: ObjectKind::File,
            file_url: Some(url.into()),
            ..Self::default()
        }
    }

    /// Uploaded speech.
    #[must_use]
    pub fn audio(file_id: impl Into<Id>) -> Self {
        Self {
            kind: ObjectKind::Audio,
            file_id: Some(file_id.into()),
            ..Self::default()
        }
    }
}

/// The content of a `function_call` message.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct FunctionCallContent {
    /// The tool's name.
    pub name: String,
    /// Its arguments.
    #[serde(default)]
    pub arguments: serde_json::Value,
    /// The plugin; a JSON **number** of 19 digits.
    #[serde(default, deserialize_with = "de::int_opt")]
    pub plugin_id: Option<i64>,
    /// The plugin's operation; a JSON **number** of 19 digits.
    #[serde(default, deserialize_with = "de::int_opt")]
    pub api_id: Option<i64>,
    /// The kind of plugin.
    #[serde(default, deserialize_with = "de::int_opt")]
    pub plugin_type: Option<i64>,
    /// What the model thought when it chose the tool.
    pub thought: Option<String>,
}

/// The content of a `tool_response` message.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ToolResponseContent {
    /// How the response is to be read; 1 is text.
    #[serde(default, deserialize_with = "de::int_opt")]
    pub content_type: Option<i64>,
    /// What the model gets to read.
    #[serde(default, deserialize_with = "de::null_default")]
    pub response_for_model: String,
    /// How the model is to read it; 2 is text.
    #[serde(default, deserialize_with = "de::int_opt")]
    pub type_for_model: Option<i64>,
}

/// The content of a `verbose` message.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct VerboseContent {
    /// `generate_answer_finish`, `interrupt`, …
    #[serde(default, deserialize_with = "de::null_default")]
    pub msg_type: String,
    /// `""` or JSON text; servers spell what is inside differently.
    #[serde(default, deserialize_with = "de::null_default")]
    pub data: String,
    /// Always null in captures.
    pub from_module: Option<String>,
    /// Always null in captures.
    pub from_unit: Option<String>,
}

/// Names a conversation in the query.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConversationQuery {
    /// The conversation; required.
    pub conversation_id: Id,
}

/// Names a message in the query.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageQuery {
    /// The conversation; required.
    pub conversation_id: Id,
    /// The message; required.
    pub message_id: Id,
}

/// Body of [`CreateMessage`].
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct CreateMessageBody {
    /// `user` or `assistant`.
    pub role: Role,
    /// The text.
    pub content: String,
    /// `text` or `object_string`.
    pub content_type: ContentType,
    /// At most 16 pairs.
    pub meta_data: Option<BTreeMap<String, String>>,
}

open_enum! {
    /// The order of a message list.
    Order {
        /// Newest first.
        Desc = "desc",
        /// Oldest first.
        Asc = "asc",
    }
}

/// Body of [`ListMessages`]; all of it is optional.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ListMessagesBody {
    /// Newest first by default.
    pub order: Option<Order>,
    /// Only the messages of this chat.
    pub chat_id: Option<Id>,
    /// Only messages before this one; `"0"` is unset.
    pub before_id: Option<Id>,
    /// Only messages after this one; `"0"` is unset.
    pub after_id: Option<Id>,
    /// 1 to 50; 50 by default.
    #[serde(default, deserialize_with = "de::int_opt")]
    pub limit: Option<i64>,
    /// Adds tool calls, tool responses and notes.
    pub include_middle_message: Option<bool>,
    /// Sent by the Go SDK.
    pub bot_id: Option<Id>,
}

/// Reply of [`ListMessages`]: messages and cursors, all at the top level.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct MessagePage {
    /// The messages of this page.
    #[serde(deserialize_with = "de::null_default")]
    pub data: Vec<Message>,
    /// Pass it as `before_id` to go back.
    #[serde(default, deserialize_with = "de::null_default")]
    pub first_id: Id,
    /// Pass it as `after_id` to go on.
    #[serde(default, deserialize_with = "de::null_default")]
    pub last_id: Id,
    /// More follow in the direction asked for.
    #[serde(default, deserialize_with = "de::null_default")]
    pub has_more: bool,
}

impl Paged for ListMessages {
    type Item = Message;
    fn prepare(&mut self) {
        self.body.limit.get_or_insert(50);
    }
    /// Goes on in the order asked for; backwards when the caller has set `before_id`.
    fn turn(&mut self, page: Self::Reply) -> Page<Self::Item> {
        let backwards = self
            .body
            .before_id
            .as_ref()
            .is_some_and(|id| !id.is_unset());
        let (cursor, next) = if backwards {
            (&mut self.body.before_id, page.first_id)
        } else {
            (&mut self.body.after_id, page.last_id)
        };
        Page::by_cursor(cursor, page.data, page.has_more, &next)
    }
}

/// Body of [`ModifyMessage`]: content and meta data must not both be missing.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ModifyMessageBody {
    /// The new text.
    pub content: Option<String>,
    /// How to read it; required with `content`.
    pub content_type: Option<ContentType>,
    /// The new pairs; they replace all old ones.
    pub meta_data: Option<BTreeMap<String, String>>,
}

/// Reply of [`ModifyMessage`].
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ModifiedMessage {
    /// The message as it is now.
    pub message: Message,
}

open_enum! {
    /// A rating.
    FeedbackType {
        /// Good.
        Like = "like",
        /// Bad.
        Unlike = "unlike",
    }
}

/// Body of [`CreateFeedback`].
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct FeedbackBody {
    /// The rating.
    pub feedback_type: FeedbackType,
    /// Up to 10 reasons of up to 30 characters.
    pub reason_types: Option<Vec<String>>,
    /// Up to 250 characters.
    pub comment: Option<String>,
}
