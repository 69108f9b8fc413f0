//! Agents: those of `coze.yaml`, which are published as they stand, and those made through the API.

mod check;
mod edit;
mod lists;
mod publish;

use std::sync::Arc;

use coze_types::Data;
use coze_types::bots::{Bot, BotKnowledge, RetrieveBot, RetrieveOnlineBot};

use super::workflows;
use crate::app::App;
use crate::call::Call;
use crate::caller::{Caller, Owned};
use crate::configured::Agent;
use crate::fail::Fail;
use crate::store::{Unit, number};
use crate::validate;

pub(crate) use check::name as check_name;
pub(crate) use edit::{create, insert, of_store, update, versions};
pub(crate) use lists::{list, list_published};
pub(crate) use publish::{REASON, publish, unpublish};

/// The channel of the API.
pub(crate) const API: &str = "1024";

/// Which state of an agent is wanted.
#[derive(Debug, Clone)]
pub(crate) enum Edition {
    /// What can be talked to in a channel: its version there, or an older one by name.
    Online {
        connector: String,
        version: Option<String>,
    },
    /// As it is being edited.
    Draft,
    /// What was published last, in whichever channel.
    Latest,
    /// A version, wherever it was published.
    Version(String),
    /// What was published last, or the draft.
    Any,
}

pub(crate) async fn retrieve(app: App, call: Call<RetrieveBot>) -> Result<Data<Bot>, Fail> {
    let query = call.row.query;
    let edition = match (query.is_published, query.connector_id) {
        (Some(false), _) => Edition::Draft,
        (_, Some(connector)) => online(&connector),
        (_, None) => Edition::Latest,
    };
    let agent = open(&app, &call.user, &call.row.bot_id, &edition).await?;
    Ok(Data {
        data: wire(&app, &agent).await?,
    })
}

pub(crate) async fn retrieve_online(
    app: App,
    call: Call<RetrieveOnlineBot>,
) -> Result<Data<Bot>, Fail> {
    let query = call.row.query;
    let edition = Edition::Online {
        connector: query
            .connector_id
            .map_or(API.into(), |it| it.as_str().to_owned()),
        version: query.version,
    };
    let agent = open(&app, &call.user, &query.bot_id, &edition).await?;
    Ok(Data {
        data: wire(&app, &agent).await?,
    })
}

/// The agent as the API shows it, with the datasets that are there by name.
async fn wire(app: &App, agent: &Agent) -> Result<Bot, Fail> {
    let mut bot = agent.wire();
    let Some(knowledge) = bot.knowledge.take() else {
        return Ok(bot);
    };
    let named = app.db.read(move |unit| {
        let mut named = Vec::new();
        for mut info in knowledge.knowledge_infos {
            if let Some(found) = unit.dataset(number(&info.id))? {
                info.name = found.it.name;
                named.push(info);
            }
        }
        Ok::<_, Fail>(named)
    });
    bot.knowledge = Some(BotKnowledge {
        knowledge_infos: named.await?,
    });
    Ok(bot)
}

/// What can be talked to in a channel.
pub(crate) fn online(connector: &str) -> Edition {
    Edition::Online {
        connector: connector.to_owned(),
        version: None,
    }
}

/// The agent of that id, whatever its state.
pub(crate) async fn find(app: &App, caller: &Caller, id: &str) -> Result<Arc<Agent>, Fail> {
    open(app, caller, id, &Edition::Any).await
}

/// The agent of that id in that state, if the caller may use it.
pub(crate) async fn open(
    app: &App,
    caller: &Caller,
    id: &str,
    edition: &Edition,
) -> Result<Arc<Agent>, Fail> {
    validate::required("bot_id", id)?;
    // Who may not see it learns nothing of its state either.
    let wanted = number(id);
    if !app.configured().bots.contains_key(id) {
        let caller = caller.clone();
        let id = id.to_owned();
        let seen = app
            .db
            .read(move |unit| caller.open("bot", &id, unit.bot(wanted)?));
        seen.await?;
    }
    caller.open("bot", id, load(app, id, edition).await?)
}

/// The agent of that id in that state, whoever asks.
pub(crate) async fn load(
    app: &App,
    id: &str,
    edition: &Edition,
) -> Result<Option<Owned<Arc<Agent>>>, Fail> {
    if let Some(agent) = app.configured().bots.get(id) {
        check_version(agent, edition)?;
        return Ok(Some(Owned {
            space: agent.space,
            it: Arc::clone(agent),
        }));
    }
    let (configured, edition, wanted) = (app.configured(), edition.clone(), number(id));
    let found = app.db.read(move |unit| {
        let Some(bot) = unit.bot(wanted)? else {
            return Ok::<_, Fail>(None);
        };
        let bot = bot.it;
        let latest = bot.latest.map(|(version, _)| version);
        let version = match &edition {
            Edition::Draft => None,
            Edition::Any => latest,
            Edition::Latest if bot.live => latest,
            Edition::Latest => return Err(unpublished(wanted, API)),
            Edition::Version(version) => Some(number(version)),
            Edition::Online { connector, version } => {
                let Some(live) = unit.live_version(wanted, connector)? else {
                    return Err(absent(unit, wanted, connector)?);
                };
                let asked = version.as_deref().filter(|it| !it.is_empty());
                Some(asked.map_or(live, number))
            }
        };
        let agent = match version {
            None => {
                let workflows = workflows::of(unit, &configured, &bot.draft.workflows)?;
                Agent::stored(&configured, &bot, &bot.draft, workflows, None)
            }
            Some(version) => {
                let found = unit.bot_version(wanted, version)?;
                let found = found.ok_or_else(|| unknown_version(wanted, &edition))?;
                let version = Some((found.version, found.created_at));
                let workflows = workflows::of(unit, &configured, &found.definition.workflows)?;
                Agent::stored(&configured, &bot, &found.definition, workflows, version)
            }
        };
        Ok(Some(Owned {
            space: agent.space,
            it: Arc::new(agent),
        }))
    });
    found.await
}

/// An agent of `coze.yaml` has the one version that the file gives it.
fn check_version(agent: &Agent, edition: &Edition) -> Result<(), Fail> {
    match edition {
        Edition::Online {
            version: Some(version),
            ..
        } if !version.is_empty() && *version != agent.profile.version => {
            Err(unknown_version(&agent.config.id, edition))
        }
        _ => Ok(()),
    }
}

/// Why an agent cannot be talked to in a channel.
pub(crate) fn absent(unit: &dyn Unit, bot: i64, connector: &str) -> Result<Fail, Fail> {
    let channel = unit.bot_channel(bot, connector)?;
    let msg = match channel.map(|it| (it.audit, it.reason)) {
        Some((1, _)) => format!("the bot {bot} is under review in the channel {connector}"),
        Some((3, reason)) => {
            format!("the bot {bot} was refused in the channel {connector}: {reason}")
        }
        _ => return Ok(unpublished(bot, connector)),
    };
    Ok(Fail::new(4015, msg))
}

fn unpublished(bot: impl std::fmt::Display, connector: &str) -> Fail {
    let channel = match connector {
        API => "the channel Agent As API (1024)".to_owned(),
        other => format!("the channel {other}"),
    };
    let msg = format!(
        "the bot {bot} has not been published to {channel}: publish it with POST /v1/bot/publish, or \
         talk to its draft with publish_status unpublished_draft"
    );
    Fail::new(4015, msg)
}

fn unknown_version(bot: impl std::fmt::Display, edition: &Edition) -> Fail {
    let version = match edition {
        Edition::Online { version, .. } => version.as_deref().unwrap_or_default(),
        Edition::Version(version) => version,
        _ => "",
    };
    let msg = format!(
        "the bot {bot} has no version {version:?}: GET /v1/bots/{bot}/versions lists those it has"
    );
    Fail::new(4200, msg)
}
