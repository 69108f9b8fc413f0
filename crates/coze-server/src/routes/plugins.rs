//! Plugins: the store shows those of `coze.yaml`, and their tools can be called.

use std::sync::Arc;

use coze_types::plugins::{
    CallPluginTool, ListStoreCategories, ListStorePlugins, Plugin as Shown, PluginList,
    PluginTool as ShownTool, PluginToolResult, RetrievePlugin, RetrievePlugins, StoreCategory,
    StoreCategoryList, StoreEntity, StoreOrder, StorePlugin, StorePluginList, StorePluginStats,
    StoreProduct, StoreUser,
};
use coze_types::{Data, Id, Timestamp};
use serde_json::Value;

use crate::app::App;
use crate::call::Call;
use crate::caller::{Caller, Owned};
use crate::config::LOCAL_USER;
use crate::fail::Fail;
use crate::plugins::{CallError, Plugin, category_id};
use crate::validate;

/// Plugins of one request.
const MANY: usize = 20;

/// The plugins that a caller sees, in the order of their ids.
fn visible(app: &App, caller: &Caller) -> Vec<Arc<Plugin>> {
    let configured = app.configured();
    let plugins = configured.plugins.values();
    plugins
        .filter(|it| caller.sees(it.space))
        .cloned()
        .collect()
}

fn find(app: &App, caller: &Caller, id: &Id) -> Result<Arc<Plugin>, Fail> {
    let found = app.configured().plugins.get(id.as_str()).cloned();
    let found = found.map(|it| Owned {
        space: it.space,
        it,
    });
    caller.open("plugin", id, found)
}

pub(crate) async fn store(
    app: App,
    call: Call<ListStorePlugins>,
) -> Result<Data<StorePluginList>, Fail> {
    let query = call.row.query;
    let (page, size) = validate::page(query.page_num, query.page_size, 20, 100)?;
    if let Some(StoreOrder::Other(other)) = &query.sort_type {
        let why = format!("{:?} is none of heat, newest, relative", other.as_str());
        return Err(Fail::invalid("sort_type", why));
    }
    let keyword = query.keyword.unwrap_or_default().to_lowercase();
    let mut plugins = visible(&app, &call.user);
    plugins.retain(|it| {
        let categories = query.category_ids.as_ref();
        let in_category = categories.is_none_or(|ids| {
            let id = Id::from(category_id(&it.category));
            ids.is_empty() || ids.contains(&id)
        });
        // None of them is the vendor's.
        in_category && query.is_official != Some(true) && fit(it, &keyword).is_some()
    });
    if query.sort_type == Some(StoreOrder::Relevance) {
        plugins.sort_by_key(|it| fit(it, &keyword));
    }
    let (items, has_more) = cut(plugins, page, size);
    let items = items.iter().map(|it| product(&app, it)).collect();
    Ok(Data {
        data: StorePluginList { items, has_more },
    })
}

/// How well a plugin fits a keyword, the best first; not at all is nothing.
fn fit(plugin: &Plugin, keyword: &str) -> Option<usize> {
    let name = plugin.name.to_lowercase();
    let texts = [name == keyword, name.contains(keyword)];
    let described = plugin.description.to_lowercase().contains(keyword);
    let tools = plugin.tools.iter();
    let mut names = tools.map(|tool| tool.name.to_lowercase());
    let of_tool = names.any(|name| name.contains(keyword));
    let fits = texts.into_iter().chain([described, of_tool]);
    fits.enumerate().find(|(_, fits)| *fits).map(|(at, _)| at)
}

/// A page of a list, and whether another one follows.
fn cut<T>(items: Vec<T>, page: usize, size: usize) -> (Vec<T>, bool) {
    let begin = page.saturating_mul(size);
    let has_more = items.len() > begin.saturating_add(size);
    (items.into_iter().skip(begin).take(size).collect(), has_more)
}

pub(crate) async fn categories(
    app: App,
    call: Call<ListStoreCategories>,
) -> Result<Data<StoreCategoryList>, Fail> {
    let query = call.row.query;
    if query.entity_type != StoreEntity::Plugin {
        let why = format!("{:?} is not \"plugin\"", query.entity_type.as_str());
        return Err(Fail::invalid("entity_type", why));
    }
    let (page, size) = validate::page(query.page_num, query.page_size, 20, 100)?;
    let plugins = visible(&app, &call.user);
    let names: std::collections::BTreeSet<&str> = plugins
        .iter()
        .map(|it| it.category.as_str())
        .filter(|name| !name.is_empty())
        .collect();
    let categories = names.into_iter().map(category).collect();
    let (items, has_more) = cut(categories, page, size);
    Ok(Data {
        data: StoreCategoryList { items, has_more },
    })
}

pub(crate) async fn many(app: App, call: Call<RetrievePlugins>) -> Result<Data<PluginList>, Fail> {
    let ids = call.row.query.ids;
    let ids: Vec<Id> = ids.into_iter().filter(|id| !id.is_empty()).collect();
    if ids.is_empty() {
        return Err(Fail::invalid("ids", "it is required"));
    }
    if ids.len() > MANY {
        let why = format!("there are {}; at most {MANY} are allowed", ids.len());
        return Err(Fail::invalid("ids", why));
    }
    let found = ids.iter().map(|id| find(&app, &call.user, id));
    let found: Vec<_> = found.collect::<Result<_, _>>()?;
    let items = found.iter().map(|it| shown(&app, it)).collect();
    Ok(Data {
        data: PluginList { items },
    })
}

pub(crate) async fn retrieve(app: App, call: Call<RetrievePlugin>) -> Result<Data<Shown>, Fail> {
    let plugin = find(&app, &call.user, &call.row.plugin_id)?;
    Ok(Data {
        data: shown(&app, &plugin),
    })
}

pub(crate) async fn call_tool(
    app: App,
    call: Call<CallPluginTool>,
) -> Result<Data<PluginToolResult>, Fail> {
    let (id, body) = (call.row.plugin_id, call.row.body);
    validate::required("tool_name", &body.tool_name)?;
    let plugin = find(&app, &call.user, &id)?;
    let tool = plugin.tool(&body.tool_name).ok_or_else(|| {
        let names: Vec<&str> = plugin.tools.iter().map(|it| it.name.as_str()).collect();
        let (name, names) = (&body.tool_name, names.join(", "));
        Fail::new(
            4200,
            format!("the plugin {id} has no tool {name:?} (it has: {names})"),
        )
    })?;
    let outbound = app.configured().outbound.clone();
    let result = plugin.call(&outbound, tool, &body.arguments).await;
    let result = result.map_err(|error| match error {
        CallError::Argument { argument, why } => {
            Fail::invalid(format!("arguments.{argument}"), why)
        }
        other => Fail::new(5000, other.to_string()),
    })?;
    Ok(Data {
        data: PluginToolResult { result },
    })
}

fn category(name: &str) -> StoreCategory {
    StoreCategory {
        id: Some(category_id(name).into()),
        name: Some(name.to_owned()),
    }
}

fn product(app: &App, plugin: &Plugin) -> StorePlugin {
    StorePlugin {
        metainfo: Some(StoreProduct {
            entity_type: Some(StoreEntity::Plugin),
            entity_id: Some(plugin.wire_id()),
            product_id: Some(plugin.wire_id()),
            name: Some(plugin.name.clone()),
            description: Some(plugin.description.clone()),
            icon_url: Some(String::new()),
            is_official: Some(false),
            listed_at: Some(Timestamp(app.started_at)),
            category: Some(plugin.category.as_str())
                .filter(|name| !name.is_empty())
                .map(category),
            user_info: Some(StoreUser {
                user_id: Some(LOCAL_USER.into()),
                ..StoreUser::default()
            }),
            ..StoreProduct::default()
        }),
        plugin_info: Some(StorePluginStats {
            description: Some(plugin.description.clone()),
            is_call_available: Some(plugin.is_available()),
            total_tools_count: Some(i64::try_from(plugin.tools.len()).unwrap_or(i64::MAX)),
            ..StorePluginStats::default()
        }),
    }
}

fn shown(app: &App, plugin: &Plugin) -> Shown {
    let tools = plugin.tools.iter().map(|tool| ShownTool {
        tool_id: Some(tool.id.into()),
        name: Some(tool.name.clone()),
        description: Some(tool.description.clone()),
        input_schema: Some(tool.input.clone()),
        output_schema: Some(tool.output.clone()).filter(Value::is_object),
    });
    Shown {
        plugin_id: Some(plugin.wire_id()),
        name: Some(plugin.name.clone()),
        name_for_model: Some(plugin.name_for_model.clone()),
        description: Some(plugin.description.clone()),
        icon_url: Some(String::new()),
        is_call_available: Some(plugin.is_available()),
        created_at: Some(Timestamp(app.started_at)),
        updated_at: Some(Timestamp(app.started_at)),
        category: Some(plugin.category.clone()).filter(|name| !name.is_empty()),
        tools: tools.collect(),
        ..Shown::default()
    }
}
