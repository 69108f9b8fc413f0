//! Lists of agents: first those of `coze.yaml`, then those made through the API.

use coze_types::bots::{
    BotList, ListBots, ListPublishedBots, PublishedBot, PublishedBotList, SimpleBot,
};
use coze_types::workflows::PublishStatus;
use coze_types::{Data, Id, Timestamp};

use std::sync::Arc;

use crate::app::App;
use crate::call::Call;
use crate::configured::Agent;
use crate::fail::Fail;
use crate::store::{BotFilter, ListedBot};
use crate::validate;

use super::API;

pub(crate) async fn list(app: App, call: Call<ListBots>) -> Result<Data<BotList>, Fail> {
    let query = call.row.query;
    let space = call.user.space("workspace_id", &query.workspace_id)?;
    let (page, size) = validate::page(query.page_num, query.page_size, 20, 50)?;
    let status = query
        .publish_status
        .unwrap_or(PublishStatus::PublishedOnline);
    validate::known("publish_status", &status, PublishStatus::KNOWN)?;
    // Every agent of the file is published, in all channels, and has no newer draft.
    let mut of_file = of_file(&app, space);
    of_file.retain(|_| matches!(status, PublishStatus::PublishedOnline | PublishStatus::All));
    let skip = page.saturating_mul(size);
    let shown: Vec<SimpleBot> = of_file
        .iter()
        .skip(skip)
        .take(size)
        .map(|it| it.summary())
        .collect();
    let connector = query.connector_id.filter(|id| !id.is_empty());
    let filter = BotFilter {
        space,
        status: status.clone(),
        connector: connector.unwrap_or_else(|| API.into()),
        newest: false,
        limit: size - shown.len(),
        skip: skip.saturating_sub(of_file.len()),
    };
    let read = app.db.read(move |unit| Ok::<_, Fail>(unit.bots(&filter)?));
    let (stored, total) = read.await?;
    let stored = stored.into_iter().map(|it| summary(it, &status));
    Ok(Data {
        data: BotList {
            items: shown.into_iter().chain(stored).collect(),
            total: total.saturating_add(count(of_file.len())),
        },
    })
}

fn of_file(app: &App, space: i64) -> Vec<Arc<Agent>> {
    let configured = app.configured();
    let bots = configured.bots.values().filter(|bot| bot.space == space);
    bots.cloned().collect()
}

fn count(length: usize) -> i64 {
    i64::try_from(length).unwrap_or(i64::MAX)
}

fn summary(listed: ListedBot, status: &PublishStatus) -> SimpleBot {
    let ListedBot { bot, published } = listed;
    let at = published.as_ref().map(|(_, at)| *at);
    let shown = match (published, status) {
        (Some((shown, _)), PublishStatus::PublishedOnline) => shown,
        _ => bot.draft,
    };
    SimpleBot {
        id: bot.id.into(),
        name: shown.name,
        description: shown.description,
        is_published: bot.live,
        updated_at: Timestamp(bot.updated_at),
        published_at: at.or(bot.latest.map(|(_, at)| at)).map(Timestamp),
        owner_user_id: bot.owner.into(),
        folder_id: bot.folder.map(Id::from),
        ..SimpleBot::default()
    }
}

pub(crate) async fn list_published(
    app: App,
    call: Call<ListPublishedBots>,
) -> Result<Data<PublishedBotList>, Fail> {
    let query = call.row.query;
    let space = call.user.space("space_id", &query.space_id)?;
    let (page, size) = validate::page(query.page_index, query.page_size, 20, 50)?;
    let skip = page.saturating_mul(size);
    let filter = BotFilter {
        space,
        status: PublishStatus::PublishedOnline,
        connector: API.into(),
        newest: true,
        limit: skip.saturating_add(size),
        skip: 0,
    };
    let read = app.db.read(move |unit| Ok::<_, Fail>(unit.bots(&filter)?));
    let (stored, total) = read.await?;
    let of_file = of_file(&app, space);
    let total = total.saturating_add(count(of_file.len()));
    let stored = stored.into_iter().filter_map(|it| {
        let (shown, at) = it.published?;
        Some((at, it.bot.id.into(), shown.name, shown.description))
    });
    let of_file = of_file.into_iter().map(|agent| {
        let (id, name) = (agent.config.id.as_str().into(), agent.config.name.clone());
        (
            agent.profile.updated_at,
            id,
            name,
            agent.config.description.clone(),
        )
    });
    let mut bots: Vec<(i64, Id, String, String)> = stored.chain(of_file).collect();
    bots.sort_by_key(|(at, ..)| std::cmp::Reverse(*at));
    let bots = bots.into_iter().skip(skip).take(size);
    let space_bots = bots.map(|(at, bot_id, bot_name, description)| PublishedBot {
        bot_id,
        bot_name,
        description,
        icon_url: String::new(),
        publish_time: at.to_string(),
    });
    Ok(Data {
        data: PublishedBotList {
            space_bots: space_bots.collect(),
            total,
        },
    })
}
