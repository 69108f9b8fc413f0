//! Agents, as `coze.yaml` has them.

use std::sync::Arc;

use coze_types::Data;
use coze_types::bots::{
    Bot, BotList, ListBots, ListPublishedBots, PublishedBot, PublishedBotList, RetrieveBot,
    RetrieveOnlineBot,
};
use coze_types::workflows::PublishStatus;

use crate::app::App;
use crate::call::Call;
use crate::caller::{Caller, Owned};
use crate::configured::Agent;
use crate::fail::Fail;
use crate::validate;

pub(crate) async fn list(app: App, call: Call<ListBots>) -> Result<Data<BotList>, Fail> {
    let query = call.row.query;
    let space = call.user.space("workspace_id", &query.workspace_id)?;
    let (page, size) = validate::page(query.page_num, query.page_size, 20, 50)?;
    // Every agent of the file is published and has no newer draft.
    let published = matches!(
        query.publish_status,
        None | Some(PublishStatus::PublishedOnline | PublishStatus::All)
    );
    let configured = app.configured();
    let bots = configured.bots.values();
    let bots: Vec<_> = bots.filter(|bot| bot.space == space && published).collect();
    let items = bots.iter().skip(page.saturating_mul(size)).take(size);
    let items = items.map(|bot| bot.summary(&app)).collect();
    let total = i64::try_from(bots.len()).unwrap_or(i64::MAX);
    Ok(Data {
        data: BotList { items, total },
    })
}

pub(crate) async fn retrieve(app: App, call: Call<RetrieveBot>) -> Result<Data<Bot>, Fail> {
    Ok(Data {
        data: find(&app, &call.user, &call.row.bot_id).await?.wire(&app),
    })
}

pub(crate) async fn list_published(
    app: App,
    call: Call<ListPublishedBots>,
) -> Result<Data<PublishedBotList>, Fail> {
    let query = call.row.query;
    let space = call.user.space("space_id", &query.space_id)?;
    let (page, size) = validate::page(query.page_index, query.page_size, 20, 50)?;
    let configured = app.configured();
    let bots = configured.bots.values();
    let bots: Vec<_> = bots.filter(|bot| bot.space == space).collect();
    let items = bots.iter().skip(page.saturating_mul(size)).take(size);
    let space_bots = items.map(|bot| PublishedBot {
        bot_id: bot.config.id.as_str().into(),
        bot_name: bot.config.name.clone(),
        description: bot.config.description.clone(),
        icon_url: String::new(),
        publish_time: app.started_at.to_string(),
    });
    let total = i64::try_from(bots.len()).unwrap_or(i64::MAX);
    Ok(Data {
        data: PublishedBotList {
            space_bots: space_bots.collect(),
            total,
        },
    })
}

pub(crate) async fn retrieve_online(
    app: App,
    call: Call<RetrieveOnlineBot>,
) -> Result<Data<Bot>, Fail> {
    Ok(Data {
        data: find(&app, &call.user, &call.row.query.bot_id)
            .await?
            .wire(&app),
    })
}

/// The agent of that id.
pub(crate) async fn find(app: &App, caller: &Caller, id: &str) -> Result<Arc<Agent>, Fail> {
    validate::required("bot_id", id)?;
    let found = app.configured().bots.get(id).cloned();
    let found = found.map(|it| Owned {
        space: it.space,
        it,
    });
    caller.open("bot", id, found)
}
