//! Agents that are made and changed through the API, and their versions.

use coze_types::bots::{
    BotVersion, BotVersionList, CreateBot, CreatedBot, ListBotVersions, UpdateBot, UpdateBotBody,
};
use coze_types::workflows::PublishStatus;
use coze_types::{Data, Empty, Id, Timestamp};

use crate::app::App;
use crate::call::Call;
use crate::caller::Caller;
use crate::definition::Definition;
use crate::fail::Fail;
use crate::store::{BotRecord, BotVersionRecord, EntityKind, Unit, number};
use crate::validate;

use super::check;

pub(crate) async fn create(app: App, call: Call<CreateBot>) -> Result<Data<CreatedBot>, Fail> {
    let body = call.row.body;
    let space = call.user.space("space_id", &body.space_id)?;
    let settings = UpdateBotBody {
        bot_id: Id::default(),
        name: Some(body.name),
        description: body.description,
        icon_file_id: body.icon_file_id,
        prompt_info: body.prompt_info,
        onboarding_info: body.onboarding_info,
        knowledge: None,
        plugin_id_list: body.plugin_id_list,
        workflow_id_list: body.workflow_id_list,
        model_info_config: body.model_info_config,
        suggest_reply_info: body.suggest_reply_info,
    };
    check::fields(&app, &call.user, &settings).await?;
    let mut draft = Definition::default();
    draft.change(settings);
    check::whole(&draft)?;
    let bot_id = insert(&app, space, call.user.user(), draft).await?;
    Ok(Data {
        data: CreatedBot { bot_id },
    })
}

/// Puts a new draft into a space.
pub(crate) async fn insert(
    app: &App,
    space: i64,
    owner: i64,
    draft: Definition,
) -> Result<Id, Fail> {
    let (id, now) = (app.ids.next(), app.now());
    let bot = BotRecord {
        id,
        space,
        owner,
        draft,
        changed: true,
        created_at: now,
        updated_at: now,
        ..BotRecord::default()
    };
    let written = app
        .db
        .write(move |unit| Ok::<_, Fail>(unit.insert_bot(&bot)?));
    written.await?;
    Ok(id.into())
}

pub(crate) async fn update(app: App, call: Call<UpdateBot>) -> Result<Empty, Fail> {
    let (body, user, now) = (call.row.body, call.user, app.now());
    validate::required("bot_id", &body.bot_id)?;
    of_store(&app, &body.bot_id)?;
    check::fields(&app, &user, &body).await?;
    let written = app.db.write(move |unit| {
        let mut bot = editable(unit, &user, &body.bot_id)?;
        bot.draft.change(body);
        check::whole(&bot.draft)?;
        bot.changed = true;
        bot.updated_at = now;
        unit.update_bot(&bot)?;
        Ok::<_, Fail>(Empty {})
    });
    written.await
}

pub(crate) async fn versions(
    app: App,
    call: Call<ListBotVersions>,
) -> Result<Data<BotVersionList>, Fail> {
    let (query, id) = (call.row.query, call.row.bot_id);
    let (page, size) = validate::page(query.page_num, query.page_size, 10, 30)?;
    let status = query
        .publish_status
        .unwrap_or(PublishStatus::PublishedOnline);
    let allowed = [
        PublishStatus::PublishedOnline,
        PublishStatus::UnpublishedDraft,
    ];
    validate::known("publish_status", &status, &allowed)?;
    let agent = super::find(&app, &call.user, &id).await?;
    let online = status == PublishStatus::PublishedOnline;
    let skip = page.saturating_mul(size);
    let connector = query.connector_id.filter(|id| !id.is_empty());
    let wanted = number(&id);
    let read = app.db.read(move |unit| {
        let (found, total) = match (agent.profile.stored, online) {
            (true, true) => unit.bot_versions(wanted, connector.as_deref(), size, skip)?,
            (true, false) => whole_page(draft(unit, wanted)?, size, skip),
            (false, true) => whole_page(Some(of_file(&agent)), size, skip),
            (false, false) => whole_page(None, size, skip),
        };
        let shown = skip.saturating_add(found.len());
        let mut items = Vec::new();
        for version in found {
            items.push(wire(unit, &version, status.clone())?);
        }
        let data = BotVersionList {
            items,
            has_more: Some(i64::try_from(shown).unwrap_or(i64::MAX) < total),
            total: Some(total),
        };
        Ok::<_, Fail>(Data { data })
    });
    read.await
}

fn whole_page(
    one: Option<BotVersionRecord>,
    size: usize,
    skip: usize,
) -> (Vec<BotVersionRecord>, i64) {
    let total = i64::from(one.is_some());
    (one.into_iter().skip(skip).take(size).collect(), total)
}

/// The draft, while it is not what was last published.
fn draft(unit: &dyn Unit, bot: i64) -> Result<Option<BotVersionRecord>, Fail> {
    let bot = unit.bot(bot)?.map(|it| it.it).filter(|it| it.changed);
    Ok(bot.map(|bot| BotVersionRecord {
        version: bot.updated_at.saturating_mul(1000),
        definition: bot.draft,
        creator: bot.owner,
        created_at: bot.updated_at,
    }))
}

fn of_file(agent: &crate::configured::Agent) -> BotVersionRecord {
    BotVersionRecord {
        version: number(&agent.profile.version),
        definition: agent.definition.clone(),
        creator: agent.profile.owner,
        created_at: agent.profile.created_at,
    }
}

fn wire(
    unit: &dyn Unit,
    version: &BotVersionRecord,
    status: PublishStatus,
) -> Result<BotVersion, Fail> {
    Ok(BotVersion {
        version: version.version.to_string(),
        changelog: Some(String::new()),
        created_at: Some(Timestamp(version.created_at)),
        publish_status: Some(status),
        creator: Some(crate::routes::workflows::creator(unit, version.creator)?),
        description: Some(String::new()),
        updated_at: Some(Timestamp(version.created_at)),
    })
}

/// Refuses to change what `coze.yaml` says.
pub(crate) fn of_store(app: &App, id: &str) -> Result<(), Fail> {
    if app.configured().bots.contains_key(id) {
        let why = format!("the bot {id} stands in coze.yaml, it is changed there");
        return Err(Fail::invalid("bot_id", why));
    }
    Ok(())
}

/// The agent of that id, if the caller may edit it: it is theirs, or they are a collaborator.
pub(crate) fn editable(unit: &dyn Unit, caller: &Caller, id: &str) -> Result<BotRecord, Fail> {
    let bot = caller.open("bot", id, unit.bot(number(id))?)?;
    let user = caller.user();
    if bot.owner == user || unit.collaborators(EntityKind::Bot, bot.id)?.contains(&user) {
        return Ok(bot);
    }
    let msg = format!(
        "only its owner and its collaborators may edit the bot {id}; the owner adds collaborators \
         with POST /v1/bots/{id}/collaborators"
    );
    Err(Fail::new(4101, msg))
}
