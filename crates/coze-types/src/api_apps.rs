//! Callback apps: they receive the events that Coze pushes to an address of one's own.

use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use crate::endpoint::endpoints;
use crate::open_enum::open_enum;
use crate::paging::{Page, Paged};
use crate::{Data, Empty, Id, Secret, de};

endpoints! { "api_apps";
    /// Creates a callback app.
    ///
    /// Its address is set with [`UpdateApiApp`], its events with [`SubscribeApiAppEvents`].
    /// Source: <https://www.coze.cn/open/docs/developer_guides/create_callback_app>
    CreateApiApp = POST "/v1/api_apps" () "createApiApp" {
        query: Empty, body: Json CreateApiAppBody, reply: Data<ApiApp>
    }

    /// Lists the callback apps.
    ///
    /// Source: <https://www.coze.cn/open/docs/developer_guides/list_callback_app>
    ListApiApps = GET "/v1/api_apps" () "listApiApp" {
        query: ListApiAppsQuery, body: None Empty, reply: Data<ApiAppList>
    }

    /// Changes the name or the address of a callback app.
    ///
    /// A new address is probed first: it gets a POST with a `challenge`, which it has to send back
    /// unchanged within 3 seconds.
    /// Source: <https://www.coze.cn/open/docs/developer_guides/update_callback_app>
    UpdateApiApp = PUT "/v1/api_apps/{api_app_id}" (api_app_id) "updateApiApp" {
        query: Empty, body: Json UpdateApiAppBody, reply: Empty
    }

    /// Removes a callback app; nothing is pushed to it any more.
    ///
    /// Source: <https://www.coze.cn/open/docs/developer_guides/delete_callback_app>
    DeleteApiApp = DELETE "/v1/api_apps/{api_app_id}" (api_app_id) "deleteApiApp" {
        query: Empty, body: None Empty, reply: Empty
    }

    /// Subscribes a callback app to events.
    ///
    /// Source: <https://www.coze.cn/open/docs/developer_guides/subscribe_callback_message>
    SubscribeApiAppEvents = POST "/v1/api_apps/{api_app_id}/events" (api_app_id) "subscribeApiAppEvent" {
        query: Empty, body: Json ApiAppEventsBody, reply: Empty
    }

    /// Lists the events that a callback app is subscribed to.
    ///
    /// Source: <https://www.coze.cn/open/docs/developer_guides/list_subscribed_callback_message>
    ListApiAppEvents = GET "/v1/api_apps/{api_app_id}/events" (api_app_id) "listApiApp" {
        query: ListApiAppEventsQuery, body: None Empty, reply: Data<ApiAppEventList>
    }

    /// Ends the subscription of a callback app to events. The body goes with a DELETE.
    ///
    /// Source: <https://www.coze.cn/open/docs/developer_guides/unsubscribe_callback_message>
    UnsubscribeApiAppEvents = DELETE "/v1/api_apps/{api_app_id}/events" (api_app_id) "unsubscribeApiAppEvent" {
        query: Empty, body: Json ApiAppEventsBody, reply: Empty
    }
}

impl Paged for ListApiApps {
    type Item = ApiApp;
    fn prepare(&mut self) {
        self.query.page_size.get_or_insert(50);
    }
    fn turn(&mut self, page: Self::Reply) -> Page<ApiApp> {
        let (list, token) = (page.data, &mut self.query.page_token);
        Page::by_token(token, list.items, list.has_more, list.next_page_token)
    }
}

impl Paged for ListApiAppEvents {
    type Item = ApiAppEvent;
    fn prepare(&mut self) {
        self.query.page_size.get_or_insert(50);
    }
    fn turn(&mut self, page: Self::Reply) -> Page<ApiAppEvent> {
        let (list, token) = (page.data, &mut self.query.page_token);
        Page::by_token(token, list.items, list.has_more, list.next_page_token)
    }
}

open_enum! {
    /// What a callback app hears.
    ApiAppType {
        /// What happens in the account.
        Normal = "normal",
        /// What happens in a channel.
        Connector = "connector",
    }
}

open_enum! {
    /// An event that can be pushed to a callback app.
    ApiAppEventType {
        /// An agent was published.
        BotPublished = "bot.published",
        /// An agent was removed.
        BotDeleted = "bot.deleted",
        /// An agent was withdrawn from a channel.
        BotUnpublished = "bot.unpublished",
        /// Something was used that costs.
        BenefitUsage = "benefit.usage",
        /// Somebody asks for more of a plugin.
        PluginScaleRequested = "benefit.plugin.scale.requested",
        /// What was bought in addition for a plugin has run out.
        PluginScaleExpired = "benefit.plugin.scale.expired",
    }
}

/// A callback app.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiApp {
    /// The id.
    pub id: Id,
    /// What it hears.
    #[serde(default, deserialize_with = "de::null_default")]
    pub app_type: ApiAppType,
    /// What pushed events are signed with; it cannot be changed.
    #[serde(default, deserialize_with = "de::null_default")]
    pub verify_token: Secret,
    /// The name; that of the channel when it belongs to one.
    pub name: Option<String>,
    /// The channel, when it belongs to one.
    pub connector_id: Option<Id>,
    /// Where events are pushed to.
    pub callback_url: Option<String>,
}

/// Body of [`CreateApiApp`].
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreateApiAppBody {
    /// What it shall hear.
    pub app_type: ApiAppType,
    /// Up to 128 characters; required for [`ApiAppType::Normal`], otherwise that of the channel.
    pub name: Option<String>,
    /// The channel; required for [`ApiAppType::Connector`].
    pub connector_id: Option<Id>,
}

/// Query of [`ListApiApps`].
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListApiAppsQuery {
    /// All types by default.
    pub app_type: Option<ApiAppType>,
    /// The page: none for the first, then what the page before it named.
    pub page_token: Option<String>,
    /// 1 to 50; 50 by default.
    #[serde(default, deserialize_with = "de::int_opt")]
    pub page_size: Option<i64>,
}

/// Payload of [`ListApiApps`].
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiAppList {
    /// The apps of this page.
    #[serde(default, deserialize_with = "de::null_default")]
    pub items: Vec<ApiApp>,
    /// There is a next page.
    #[serde(default, deserialize_with = "de::null_default")]
    pub has_more: bool,
    /// The next page.
    pub next_page_token: Option<String>,
}

/// Body of [`UpdateApiApp`]; what is missing stays as it is.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UpdateApiAppBody {
    /// The new name.
    pub name: Option<String>,
    /// The new address; it has to answer the challenge.
    pub callback_url: Option<String>,
}

/// Body of [`SubscribeApiAppEvents`] and [`UnsubscribeApiAppEvents`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiAppEventsBody {
    /// The events.
    pub event_types: Vec<ApiAppEventType>,
}

/// Query of [`ListApiAppEvents`].
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListApiAppEventsQuery {
    /// The page: none for the first, then what the page before it named.
    pub page_token: Option<String>,
    /// 1 to 50; 50 by default.
    #[serde(default, deserialize_with = "de::int_opt")]
    pub page_size: Option<i64>,
}

/// Payload of [`ListApiAppEvents`].
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiAppEventList {
    /// The subscriptions of this page.
    #[serde(default, deserialize_with = "de::null_default")]
    pub items: Vec<ApiAppEvent>,
    /// There is a next page.
    #[serde(default, deserialize_with = "de::null_default")]
    pub has_more: bool,
    /// The next page.
    pub next_page_token: Option<String>,
}

/// An event that a callback app is subscribed to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiAppEvent {
    /// The callback app.
    #[serde(default, deserialize_with = "de::null_default")]
    pub api_app_id: Id,
    /// The name.
    #[serde(default, deserialize_with = "de::null_default")]
    pub name: String,
    /// What it is for.
    #[serde(default, deserialize_with = "de::null_default")]
    pub description: String,
    /// The event.
    #[serde(default, deserialize_with = "de::null_default")]
    pub event_type: ApiAppEventType,
}
