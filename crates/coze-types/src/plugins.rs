//! Plugins: those of the store, and their tools.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use serde_with::skip_serializing_none;

use crate::endpoint::endpoints;
use crate::open_enum::open_enum;
use crate::paging::numbered;
use crate::{Data, Empty, Id, Secret, Timestamp, de};

endpoints! { "plugins";
    /// Lists the paid plugins of the store.
    ///
    /// Source: <https://www.coze.cn/open/docs/developer_guides/list_plugin>
    ListStorePlugins = GET "/v1/stores/plugins" () "" {
        query: ListStorePluginsQuery, body: None Empty, reply: Data<StorePluginList>
    }

    /// Lists the categories of the store.
    ///
    /// Source: <https://www.coze.cn/open/docs/developer_guides/list_plugin_category>
    ListStoreCategories = GET "/v1/stores/categories" () "" {
        query: ListStoreCategoriesQuery, body: None Empty, reply: Data<StoreCategoryList>
    }

    /// Reads up to 20 plugins.
    ///
    /// Of the store and of one's own, by their id and not by that of the product.
    /// Source: <https://www.coze.cn/open/docs/developer_guides/batch_get_plugins_info>
    RetrievePlugins = GET "/v1/plugins/mget" () "Plugin.getPlugin" {
        query: RetrievePluginsQuery, body: None Empty, reply: Data<PluginList>
    }

    /// Reads a plugin.
    ///
    /// Of the store or of one's own, by its id and not by that of the product.
    /// Source: <https://www.coze.cn/open/docs/developer_guides/get_plugin>
    RetrievePlugin = GET "/v1/plugins/{plugin_id}" (plugin_id) "Plugin.getPlugin" {
        query: Empty, body: None Empty, reply: Data<Plugin>
    }

    /// Calls a tool of a paid plugin.
    ///
    /// Source: <https://www.coze.cn/open/docs/developer_guides/call_plugin_tool>
    CallPluginTool = POST "/v1/plugins/{plugin_id}/tools/call" (plugin_id) "Plugin.callTool" {
        query: Empty, body: Json CallPluginToolBody, reply: Data<PluginToolResult>
    }
}

numbered! {
    ListStorePlugins by page_num, 100;
    |page| page.data.items => StorePlugin;
    has_more page.data.has_more
}

numbered! {
    ListStoreCategories by page_num, 100;
    |page| page.data.items => StoreCategory;
    has_more page.data.has_more
}

open_enum! {
    /// What the store offers.
    StoreEntity {
        /// Plugins.
        Plugin = "plugin",
    }
}

open_enum! {
    /// The order of the plugins of the store.
    StoreOrder {
        /// What is used most comes first.
        Heat = "heat",
        /// What is newest comes first.
        Newest = "newest",
        /// What fits the keyword best comes first.
        Relevance = "relative",
    }
}

open_enum! {
    /// Whether a plugin costs something.
    PaidType {
        /// It does.
        Paid = "paid",
    }
}

/// Query of [`ListStorePlugins`].
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListStorePluginsQuery {
    /// Searches for it, also where it fits only in part.
    pub keyword: Option<String>,
    /// True: those of the vendor; false: those of others. All by default.
    pub is_official: Option<bool>,
    /// All categories by default.
    #[serde(default, deserialize_with = "de::list_opt")]
    pub category_ids: Option<Vec<Id>>,
    /// The order.
    pub sort_type: Option<StoreOrder>,
    /// From 1.
    #[serde(default, deserialize_with = "de::int_opt")]
    pub page_num: Option<i64>,
    /// Up to 100; 20 by default.
    #[serde(default, deserialize_with = "de::int_opt")]
    pub page_size: Option<i64>,
}

/// Payload of [`ListStorePlugins`].
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct StorePluginList {
    /// The plugins of this page.
    #[serde(default, deserialize_with = "de::null_default")]
    pub items: Vec<StorePlugin>,
    /// There is a next page.
    #[serde(default, deserialize_with = "de::null_default")]
    pub has_more: bool,
}

/// A plugin of the store.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct StorePlugin {
    /// What it is.
    pub metainfo: Option<StoreProduct>,
    /// How it is used.
    pub plugin_info: Option<StorePluginStats>,
}

/// A product of the store.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoreProduct {
    /// What kind of thing it is.
    pub entity_type: Option<StoreEntity>,
    /// The id of the thing itself, which other calls take.
    pub entity_id: Option<Id>,
    /// The version of the thing.
    #[serde(default, deserialize_with = "de::text_opt")]
    pub entity_version: Option<String>,
    /// The id of the product.
    pub product_id: Option<Id>,
    /// Where the product is shown; known from the open-source server only.
    pub product_url: Option<String>,
    /// The name.
    pub name: Option<String>,
    /// What it is for.
    pub description: Option<String>,
    /// The picture.
    pub icon_url: Option<String>,
    /// Whether it costs something.
    pub paid_type: Option<PaidType>,
    /// It is one of the vendor.
    pub is_official: Option<bool>,
    /// When it came into the store, in seconds.
    pub listed_at: Option<Timestamp>,
    /// The category.
    pub category: Option<StoreCategory>,
    /// Who made it.
    pub user_info: Option<StoreUser>,
}

/// Who made a product of the store.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoreUser {
    /// The user; some servers send a number.
    pub user_id: Option<Id>,
    /// The shown name.
    pub nick_name: Option<String>,
    /// The unique name.
    pub user_name: Option<String>,
    /// The picture.
    pub avatar_url: Option<String>,
}

/// How a plugin of the store is used.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct StorePluginStats {
    /// What it is for, at length.
    pub description: Option<String>,
    /// It can be called at present.
    pub is_call_available: Option<bool>,
    /// How popular it is; more is more.
    #[serde(default, deserialize_with = "de::int_opt")]
    pub heat: Option<i64>,
    /// How often it was called.
    #[serde(default, deserialize_with = "de::int_opt")]
    pub call_count: Option<i64>,
    /// How often it was put into agents and workflows.
    #[serde(default, deserialize_with = "de::int_opt")]
    pub bots_use_count: Option<i64>,
    /// How many agents of the store have it.
    #[serde(default, deserialize_with = "de::int_opt")]
    pub associated_bots_use_count: Option<i64>,
    /// How many users have marked it.
    #[serde(default, deserialize_with = "de::int_opt")]
    pub favorite_count: Option<i64>,
    /// How many tools it has.
    #[serde(default, deserialize_with = "de::int_opt")]
    pub total_tools_count: Option<i64>,
    /// The share of calls that succeed, from 0 to 1.
    pub success_rate: Option<f64>,
    /// How long a call takes on average, in milliseconds.
    pub avg_exec_duration_ms: Option<f64>,
}

/// Query of [`ListStoreCategories`].
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListStoreCategoriesQuery {
    /// What the categories are of; required.
    pub entity_type: StoreEntity,
    /// From 1.
    #[serde(default, deserialize_with = "de::int_opt")]
    pub page_num: Option<i64>,
    /// Up to 100; 20 by default.
    #[serde(default, deserialize_with = "de::int_opt")]
    pub page_size: Option<i64>,
}

/// Payload of [`ListStoreCategories`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoreCategoryList {
    /// The categories of this page.
    #[serde(default, deserialize_with = "de::null_default")]
    pub items: Vec<StoreCategory>,
    /// There is a next page.
    #[serde(default, deserialize_with = "de::null_default")]
    pub has_more: bool,
}

/// A category of the store.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoreCategory {
    /// The id.
    pub id: Option<Id>,
    /// The name.
    pub name: Option<String>,
}

/// Query of [`RetrievePlugins`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RetrievePluginsQuery {
    /// The plugins, up to 20; required.
    #[serde(deserialize_with = "de::list")]
    pub ids: Vec<Id>,
}

/// Payload of [`RetrievePlugins`].
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct PluginList {
    /// The plugins.
    #[serde(default, deserialize_with = "de::null_default")]
    pub items: Vec<Plugin>,
}

/// A plugin with its tools.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Plugin {
    /// The id.
    pub plugin_id: Option<Id>,
    /// The name.
    pub name: Option<String>,
    /// The name that models see.
    pub name_for_model: Option<String>,
    /// What it is for.
    pub description: Option<String>,
    /// The picture.
    pub icon_url: Option<String>,
    /// The settings with which it is an MCP server, as JSON in text. They hold an access token that
    /// is good for one day.
    pub mcp_json: Option<Secret>,
    /// It can be called at present; false where its terms are not accepted yet.
    pub is_call_available: Option<bool>,
    /// When it was made, in seconds.
    pub created_at: Option<Timestamp>,
    /// When it was last changed, in seconds.
    pub updated_at: Option<Timestamp>,
    /// The category; known from the open-source server only.
    pub category: Option<String>,
    /// What it can do.
    #[serde(default, deserialize_with = "de::null_default")]
    pub tools: Vec<PluginTool>,
}

/// A tool of a plugin.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct PluginTool {
    /// The id.
    pub tool_id: Option<Id>,
    /// The name, with which it is called.
    pub name: Option<String>,
    /// What it is for.
    pub description: Option<String>,
    /// The JSON schema of its arguments.
    #[serde(rename = "inputSchema", alias = "input_schema")]
    pub input_schema: Option<Value>,
    /// The JSON schema of its result.
    #[serde(rename = "outputSchema", alias = "output_schema")]
    pub output_schema: Option<Value>,
}

/// Body of [`CallPluginTool`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallPluginToolBody {
    /// The tool.
    pub tool_name: String,
    /// Its arguments, as its schema has them.
    pub arguments: Map<String, Value>,
}

/// Payload of [`CallPluginTool`].
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct PluginToolResult {
    /// What the tool gave back: any JSON.
    #[serde(default)]
    pub result: Value,
}
