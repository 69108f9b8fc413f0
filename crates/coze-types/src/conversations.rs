//! Conversations: the thread that messages and chats belong to.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use crate::endpoint::endpoints;
use crate::messages::{ConversationQuery, EnterMessage};
use crate::open_enum::open_enum;
use crate::paging::numbered;
use crate::{Data, Empty, Id, Timestamp, de};

endpoints! { "conversations";
    /// Creates a conversation, empty or with first messages.
    ///
    /// Source: <https://www.coze.cn/open/docs/developer_guides/create_conversation>
    CreateConversation = POST "/v1/conversation/create" () "createConversation" {
        query: Empty, body: Json CreateConversationBody, reply: Data<Conversation>
    }

    /// Reads a conversation.
    ///
    /// Source: <https://www.coze.cn/open/docs/developer_guides/retrieve_conversation>
    RetrieveConversation = GET "/v1/conversation/retrieve" () "retrieveConversation" {
        query: ConversationQuery, body: None Empty, reply: Data<Conversation>
    }

    /// Lists the conversations of an agent, newest first unless asked otherwise.
    ///
    /// Source: <https://www.coze.cn/open/docs/developer_guides/list_conversations>
    ListConversations = GET "/v1/conversations" () "listConversation" {
        query: ListConversationsQuery, body: None Empty, reply: Data<ConversationList>
    }

    /// Renames a conversation.
    ///
    /// Source: <https://www.coze.cn/open/docs/developer_guides/edit_conversation>
    UpdateConversation = PUT "/v1/conversations/{conversation_id}" (conversation_id) "editConversation" {
        query: Empty, body: Json UpdateConversationBody, reply: Data<Conversation>
    }

    /// Removes a conversation with everything in it.
    ///
    /// Source: <https://www.coze.cn/open/docs/developer_guides/delete_conversation>
    DeleteConversation = DELETE "/v1/conversations/{conversation_id}" (conversation_id) "editConversation" {
        query: Empty, body: None Empty, reply: Empty
    }

    /// Begins a new context section: the agent forgets, the messages stay readable.
    ///
    /// Only the creator may do it. Source:
    /// <https://www.coze.cn/open/docs/developer_guides/clear_conversation_context>
    ClearConversation = POST "/v1/conversations/{conversation_id}/clear" (conversation_id) "editConversation" {
        query: Empty, body: None Empty, reply: Data<Section>
    }
}

numbered! {
    ListConversations by page_num, 50;
    |page| page.data.conversations => Conversation;
    has_more page.data.has_more
}

/// A conversation.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Conversation {
    /// The id.
    pub id: Id,
    /// When it was made, in seconds.
    #[serde(default)]
    pub created_at: Timestamp,
    /// Pairs given by the caller.
    pub meta_data: Option<BTreeMap<String, String>>,
    /// The present context section.
    pub last_section_id: Option<Id>,
    /// Its name, up to 100 characters.
    pub name: Option<String>,
    /// When it was last changed, in seconds.
    pub updated_at: Option<Timestamp>,
    /// Who made it. The open-source server misspells the key.
    #[serde(alias = "creator_d")]
    pub creator_id: Option<Id>,
    /// The channel; `1024` is the API.
    pub connector_id: Option<Id>,
    /// The caller's user; open-source server only.
    pub user_id: Option<String>,
    /// The account; open-source server only.
    pub account_id: Option<Id>,
}

/// Body of [`CreateConversation`]; all of it is optional.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct CreateConversationBody {
    /// Binds the conversation to an agent.
    pub bot_id: Option<Id>,
    /// Up to 100 characters.
    pub name: Option<String>,
    /// Up to 16 first messages.
    pub messages: Option<Vec<EnterMessage>>,
    /// At most 16 pairs.
    pub meta_data: Option<BTreeMap<String, String>>,
    /// `1024` (API) by default.
    pub connector_id: Option<Id>,
    /// The caller's user; open-source server only.
    pub user_id: Option<String>,
    /// Sent by the vendor's chat SDK: the app of a chatflow.
    pub app_id: Option<Id>,
    /// Sent by the vendor's chat SDK: the chatflow.
    pub workflow_id: Option<Id>,
    /// Sent by the vendor's chat SDK: the name to find or make.
    pub conversation_name: Option<String>,
    /// Sent by the vendor's chat SDK: take the one of that name if there is one.
    pub get_or_create: Option<bool>,
    /// Sent by the vendor's chat SDK: use the draft.
    pub draft_mode: Option<bool>,
}

open_enum! {
    /// The order of a conversation list, by time of creation.
    SortOrder {
        /// Newest first.
        Desc = "DESC",
        /// Oldest first.
        Asc = "ASC",
    }
}

/// Query of [`ListConversations`].
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ListConversationsQuery {
    /// The agent; required.
    pub bot_id: Id,
    /// From 1.
    #[serde(default, deserialize_with = "de::int_opt")]
    pub page_num: Option<i64>,
    /// 1 to 50; 50 by default.
    #[serde(default, deserialize_with = "de::int_opt")]
    pub page_size: Option<i64>,
    /// Newest first by default.
    pub sort_order: Option<SortOrder>,
    /// `1024` (API) by default.
    pub connector_id: Option<Id>,
    /// Open-source server only.
    pub sort_field: Option<String>,
    /// Open-source server only.
    pub user_id: Option<String>,
}

/// Payload of [`ListConversations`].
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ConversationList {
    /// The conversations of this page.
    #[serde(default, deserialize_with = "de::null_default")]
    pub conversations: Vec<Conversation>,
    /// There is a next page.
    #[serde(default, deserialize_with = "de::null_default")]
    pub has_more: bool,
}

/// Body of [`UpdateConversation`].
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct UpdateConversationBody {
    /// Up to 100 characters.
    pub name: String,
}

/// Payload of [`ClearConversation`].
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Section {
    /// The new context section.
    pub id: Id,
    /// The conversation.
    pub conversation_id: Id,
}
