//! Bots: the agents that a workspace has.

mod agent;
mod changes;

use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use crate::collaboration::{AddCollaboratorBody, CollaborationModeBody};
use crate::endpoint::endpoints;
use crate::paging::{Page, Paged, numbered};
use crate::workflows::PublishStatus;
use crate::{Data, Empty, Id, Timestamp, de};

pub use agent::*;
pub use changes::*;

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

    /// Creates an agent: a draft, which others see only after [`PublishBot`].
    ///
    /// Source: <https://www.coze.cn/open/docs/developer_guides/create_bot>
    CreateBot = POST "/v1/bot/create" () "createBot" {
        query: Empty, body: Json CreateBotBody, reply: Data<CreatedBot>
    }

    /// Changes the draft of an agent; what the body leaves out stays as it is.
    ///
    /// It works for agents made by hand as well. Source:
    /// <https://www.coze.cn/open/docs/developer_guides/update_bot>
    UpdateBot = POST "/v1/bot/update" () "edit" {
        query: Empty, body: Json UpdateBotBody, reply: Empty
    }

    /// Publishes an agent to the API, the Chat SDK or channels of one's own.
    ///
    /// Source: <https://www.coze.cn/open/docs/developer_guides/publish_bot>
    PublishBot = POST "/v1/bot/publish" () "publish" {
        query: Empty, body: Json PublishBotBody, reply: Data<PublishedVersion>
    }

    /// Takes an agent out of a channel.
    ///
    /// The token needs `Connector.disconnectBot` as well. Source:
    /// <https://www.coze.cn/open/docs/developer_guides/unpublish_agent>
    UnpublishBot = POST "/v1/bots/{bot_id}/unpublish" (bot_id) "disconnectBot" {
        query: Empty, body: Json UnpublishBotBody, reply: Empty
    }

    /// Lists the versions of an agent.
    ///
    /// Source: <https://www.coze.cn/open/docs/developer_guides/list_bot_versions>
    ListBotVersions = GET "/v1/bots/{bot_id}/versions" (bot_id) "Bot.listVersion" {
        query: ListBotVersionsQuery, body: None Empty, reply: Data<BotVersionList>
    }

    /// Lets several people edit an agent, or its owner alone.
    ///
    /// Before going back to one, all collaborators have to be removed. Source:
    /// <https://www.coze.cn/open/docs/developer_guides/switch_bot_develop_mode>
    SetBotCollaborationMode = POST "/v1/bots/{bot_id}/collaboration_mode" (bot_id)
        "Bot.switchDevelopMode" {
        query: Empty, body: Json CollaborationModeBody, reply: Empty
    }

    /// Lets a member of the workspace edit an agent.
    ///
    /// [`SetBotCollaborationMode`] has to come first. Source:
    /// <https://www.coze.cn/open/docs/developer_guides/add_bot_collaborator>
    AddBotCollaborator = POST "/v1/bots/{bot_id}/collaborators" (bot_id) "Bot.addCollaborator" {
        query: Empty, body: Json AddCollaboratorBody, reply: Empty
    }

    /// Takes the right to edit an agent away from a user.
    ///
    /// Source: <https://www.coze.cn/open/docs/developer_guides/remove_bot_collaborator>
    RemoveBotCollaborator = DELETE "/v1/bots/{bot_id}/collaborators/{user_id}" (bot_id, user_id)
        "Bot.removeCollaborator" {
        query: Empty, body: None Empty, reply: Empty
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

impl Paged for ListBotVersions {
    type Item = BotVersion;
    fn prepare(&mut self) {
        self.query.page_size.get_or_insert(30);
    }
    fn turn(&mut self, page: Self::Reply) -> Page<Self::Item> {
        let (list, query) = (page.data, &mut self.query);
        let page = Page::numbered(&mut query.page_num, query.page_size, list.items);
        // The documents say whether there is more, the Python SDK reads how many there are.
        match (list.has_more, list.total) {
            (Some(more), Some(total)) => page.total(total).has_more(more),
            (Some(more), None) => page.has_more(more),
            (None, Some(total)) => page.total(total),
            (None, None) => page,
        }
    }
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
    #[serde(default, deserialize_with = "de::null_default")]
    pub bot_name: String,
    /// What it is for.
    #[serde(default, deserialize_with = "de::null_default")]
    pub description: String,
    /// The picture.
    #[serde(default, deserialize_with = "de::null_default")]
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
    #[serde(default, deserialize_with = "de::null_default")]
    pub name: String,
    /// The picture.
    #[serde(default, deserialize_with = "de::null_default")]
    pub icon_url: String,
    /// What it is for.
    #[serde(default, deserialize_with = "de::null_default")]
    pub description: String,
    /// It is published.
    #[serde(default, deserialize_with = "de::null_default")]
    pub is_published: bool,
    /// When it was last changed, in seconds.
    #[serde(default)]
    pub updated_at: Timestamp,
    /// When it was published, in seconds; missing when it never was.
    pub published_at: Option<Timestamp>,
    /// Who owns it.
    #[serde(default, deserialize_with = "de::null_default")]
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_go_on_as_either_shape_of_the_list_tells() {
        fn check(has_more: Option<bool>, total: Option<i64>, more: bool) {
            let mut row = ListBotVersions::default();
            row.prepare();
            assert_eq!(row.query.page_size, Some(30));
            let list = BotVersionList {
                items: vec![BotVersion::default()],
                has_more,
                total,
            };
            let page = row.turn(Data { data: list });
            assert_eq!(page.more, more, "{has_more:?}, {total:?}");
            assert_eq!(page.total, total.map(i64::unsigned_abs));
            assert_eq!(row.query.page_num, Some(2));
        }
        check(Some(true), None, true);
        check(Some(false), Some(31), false);
        check(None, Some(31), true);
        check(None, Some(1), false);
        check(None, None, false);
    }
}
