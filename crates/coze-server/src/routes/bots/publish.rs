//! Agents that go to channels, and leave them.

use std::collections::BTreeMap;

use coze_types::api_apps::ApiAppEventType;
use coze_types::bots::{PublishBot, PublishBotBody, PublishedVersion, UnpublishBot};
use coze_types::{Data, Empty, Id};
use serde_json::{Value, json};

use super::API;
use super::edit::{editable, of_store};
use crate::app::App;
use crate::call::Call;
use crate::callbacks::{self, Event};
use crate::caller::Caller;
use crate::config::is_of_coze;
use crate::configured::Configured;
use crate::fail::Fail;
use crate::ids::Ids;
use crate::store::{Audience, BotRecord, BotVersionRecord, Publication, Unit, number};
use crate::validate;

/// The channel of the Chat SDK.
const CHAT_SDK: &str = "999";
/// The longest reason for taking an agent out of a channel, or for refusing it.
pub(crate) const REASON: usize = 1024;

pub(crate) async fn publish(
    app: App,
    call: Call<PublishBot>,
) -> Result<Data<PublishedVersion>, Fail> {
    let (body, user, now) = (call.row.body, call.user, app.now());
    validate::required("bot_id", &body.bot_id)?;
    of_store(&app, &body.bot_id)?;
    let configured = app.configured();
    let mut channels = channels(&configured, &body)?;
    let worker = app.clone();
    let written = app.db.write(move |unit| {
        let bot = editable(unit, &user, &body.bot_id)?;
        for channel in &mut channels {
            admitted(unit, &configured, &bot, &user, channel)?;
        }
        // Milliseconds in the looks; two in the same second still differ.
        let last = bot.latest.map_or(0, |(version, _)| version);
        let version = BotVersionRecord {
            version: now.saturating_mul(1000).max(last.saturating_add(1)),
            definition: bot.draft,
            creator: user.user(),
            created_at: now,
        };
        unit.publish_bot(bot.id, &version, &channels)?;
        announce(unit, &worker.ids, (bot.space, bot.id), &version, &channels)?;
        let data = PublishedVersion {
            bot_id: body.bot_id,
            version: version.version.to_string(),
        };
        Ok::<_, Fail>(Data { data })
    });
    let published = written.await?;
    app.callbacks.notify_one();
    Ok(published)
}

/// The channel takes agents of that workspace, and what it is told names devices that are bound.
/// Finds out whether it looks at agents first.
fn admitted(
    unit: &dyn Unit,
    configured: &Configured,
    bot: &BotRecord,
    user: &Caller,
    channel: &mut Publication,
) -> Result<(), Fail> {
    let id = channel.connector.as_str();
    if !configured.connectors.contains_key(id) {
        return Ok(());
    }
    if !unit.is_installed(bot.space, id)? {
        let why = format!(
            "the channel {id} is not in the workspace {}: add it with POST \
             /v1/connectors/{id}/install",
            bot.space
        );
        return Err(Fail::invalid("connector_ids", why));
    }
    let told: BTreeMap<String, String> =
        serde_json::from_str(&channel.settings).unwrap_or_default();
    for (key, value) in told {
        let bound = unit.devices(id, user.user(), &key)?;
        if bound.is_empty() {
            continue;
        }
        for device in named_devices(&value) {
            if !bound.contains(&device) {
                let why = format!("{device:?} is no device that is bound under this key");
                return Err(Fail::invalid(format!("connectors.{id}.{key}"), why));
            }
        }
    }
    let audience = Audience::Connector(id);
    let reviewers = unit.subscribers(&ApiAppEventType::BotPublished, audience)?;
    channel.review = !reviewers.is_empty();
    Ok(())
}

/// The devices that a setting names: a text or a list of texts; other settings name none.
fn named_devices(value: &str) -> Vec<String> {
    match serde_json::from_str(value) {
        Ok(Value::String(one)) => vec![one],
        Ok(Value::Array(all)) => {
            let texts = all.into_iter().filter_map(|it| match it {
                Value::String(text) => Some(text),
                _ => None,
            });
            texts.collect()
        }
        _ => Vec::new(),
    }
}

/// Tells callback apps that an agent was published.
fn announce(
    unit: &dyn Unit,
    ids: &Ids,
    (space, bot): (i64, i64),
    version: &BotVersionRecord,
    channels: &[Publication],
) -> Result<(), Fail> {
    let account = unit.space(space)?.map_or(0, |it| it.owner);
    let content = json!({
        "user_id": version.creator,
        "bot_id": bot,
        "bot_name": version.definition.name,
        "description": version.definition.description,
    });
    let reviewed = channels.iter().filter(|it| it.review);
    let connectors = reviewed.map(|it| Audience::Connector(&it.connector));
    for audience in connectors.chain([Audience::Account(account)]) {
        let event = Event {
            kind: ApiAppEventType::BotPublished,
            audience,
            account,
            content: &content,
            reviewed: match audience {
                Audience::Connector(_) => Some((bot, version.version)),
                Audience::Account(_) => None,
            },
        };
        callbacks::queue(unit, ids, version.created_at, &event)?;
    }
    Ok(())
}

/// The channels that a request names, each with what it is told.
fn channels(configured: &Configured, body: &PublishBotBody) -> Result<Vec<Publication>, Fail> {
    if body.connector_ids.is_empty() {
        let why = "it is required: 1024 is the API, 999 the Chat SDK";
        return Err(Fail::invalid("connector_ids", why));
    }
    let api = body.connector_ids.iter().any(|id| id.as_str() == API);
    let settings = body.connectors.clone().unwrap_or_default();
    for (channel, values) in &settings {
        if !body.connector_ids.contains(channel) {
            let why = "the channel is not among connector_ids";
            return Err(Fail::invalid(format!("connectors.{channel}"), why));
        }
        for (key, value) in values {
            if serde_json::from_str::<serde::de::IgnoredAny>(value).is_err() {
                let why = "it is no JSON text";
                return Err(Fail::invalid(format!("connectors.{channel}.{key}"), why));
            }
        }
    }
    let mut channels: BTreeMap<Id, Publication> = BTreeMap::new();
    for (index, id) in body.connector_ids.iter().enumerate() {
        let field = format!("connector_ids[{index}]");
        connector(&field, id)?;
        if !api && !matches!(id.as_str(), API | CHAT_SDK) {
            let why = "a channel of one's own needs 1024 (API) beside it";
            return Err(Fail::invalid(field, why));
        }
        if !matches!(id.as_str(), API | CHAT_SDK)
            && !configured.connectors.contains_key(id.as_str())
        {
            let why = match is_of_coze(id) {
                true => format!("{id} is a channel of Coze that no call publishes to"),
                false => format!("there is no channel {id}; coze.yaml has them under `connectors`"),
            };
            return Err(Fail::invalid(field, why));
        }
        let told = settings.get(id).cloned().unwrap_or_default();
        let told = serde_json::to_string(&told).unwrap_or_default();
        let publication = Publication {
            connector: id.clone(),
            settings: told,
            review: false,
        };
        channels.insert(id.clone(), publication);
    }
    Ok(channels.into_values().collect())
}

/// The id of a channel.
pub(crate) fn connector(field: &str, id: &str) -> Result<(), Fail> {
    validate::required(field, id)?;
    if id.len() > 19 || !id.bytes().all(|it| it.is_ascii_digit()) {
        let why = format!("{id:?} is no id of a channel");
        return Err(Fail::invalid(field, why));
    }
    Ok(())
}

pub(crate) async fn unpublish(app: App, call: Call<UnpublishBot>) -> Result<Empty, Fail> {
    let (bot_id, body, user) = (call.row.bot_id, call.row.body, call.user);
    connector("connector_id", &body.connector_id)?;
    let reason = body.unpublish_reason.unwrap_or_default();
    validate::at_most("unpublish_reason", &reason, REASON)?;
    if body.bot_id.is_some_and(|id| !id.is_unset() && id != bot_id) {
        let why = "it is not the bot of the path";
        return Err(Fail::invalid("bot_id", why));
    }
    of_store(&app, &bot_id)?;
    // A channel may send away what was published to it, whoever made that.
    let configured = app.configured();
    let channel = configured.connectors.get(body.connector_id.as_str());
    let of_channel = channel.is_some_and(|it| it.owner == user.user());
    let written = app.db.write(move |unit| {
        let wanted = number(&bot_id);
        let there = of_channel && unit.bot_channel(wanted, &body.connector_id)?.is_some();
        let bot = match there {
            true => wanted,
            false => editable(unit, &user, &bot_id)?.id,
        };
        if !unit.unpublish_bot(bot, &body.connector_id, &reason)? {
            return Err(super::absent(unit, bot, &body.connector_id)?);
        }
        Ok::<_, Fail>(Empty {})
    });
    written.await
}
