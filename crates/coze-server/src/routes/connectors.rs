//! Channels: adding them to workspaces, devices, and reviews of the agents that are published there.

use coze_types::Empty;
use coze_types::connectors::{
    AuditStatus, BindConnectorConfigs, InstallConnector, ReviewConnectorBot,
};

use super::bots;
use crate::app::App;
use crate::call::Call;
use crate::channel;
use crate::config::is_of_coze;
use crate::fail::Fail;
use crate::store::{Channel, DeviceRecord, number};
use crate::validate;

pub(crate) async fn install(app: App, call: Call<InstallConnector>) -> Result<Empty, Fail> {
    let (id, body, user) = (call.row.connector_id, call.row.body, call.user);
    let space = user.space("workspace_id", &body.workspace_id)?;
    if !is_of_coze(&id) && !app.configured().connectors.contains_key(id.as_str()) {
        return Err(Fail::not_found("channel", id));
    }
    let now = app.now();
    app.db
        .write(move |unit| {
            unit.install_connector(space, &id, user.user(), now)?;
            Ok::<_, Fail>(Empty {})
        })
        .await
}

pub(crate) async fn bind(app: App, call: Call<BindConnectorConfigs>) -> Result<Empty, Fail> {
    let (id, body, user) = (call.row.connector_id, call.row.body, call.user);
    let configured = app.configured();
    let Some(connector) = configured.connectors.get(id.as_str()) else {
        if is_of_coze(&id) {
            let why = format!("{id} is a channel of Coze, which has no devices");
            return Err(Fail::invalid("connector_id", why));
        }
        return Err(Fail::not_found("channel", id));
    };
    if body.configs.is_empty() {
        return Err(Fail::invalid("configs", "it is required"));
    }
    let mut devices = Vec::new();
    for (index, config) in body.configs.into_iter().enumerate() {
        let field = format!("configs[{index}]");
        validate::required(&format!("{field}.key"), &config.key)?;
        if config.enums.is_empty() {
            return Err(Fail::invalid(format!("{field}.enums"), "it is required"));
        }
        for (at, device) in config.enums.into_iter().enumerate() {
            let field = format!("{field}.enums[{at}]");
            validate::required(&format!("{field}.label"), &device.label)?;
            validate::required(&format!("{field}.value"), &device.value)?;
            devices.push(DeviceRecord {
                key: config.key.clone(),
                value: device.value,
                label: device.label,
            });
        }
    }
    let wanted = body.user_id.filter(|id| !id.is_unset());
    let bound = wanted.as_ref().map_or(user.user(), |id| number(id));
    if bound != user.user() && connector.owner != user.user() {
        let why = "only a token of the channel may bind devices for another user";
        return Err(Fail::new(4101, why));
    }
    app.db
        .write(move |unit| {
            if unit.user(bound)?.is_none() {
                return Err(Fail::not_found("user", wanted.unwrap_or_default()));
            }
            for device in &devices {
                unit.bind_device(&id, bound, device)?;
            }
            Ok(Empty {})
        })
        .await
}

pub(crate) async fn review(app: App, call: Call<ReviewConnectorBot>) -> Result<Empty, Fail> {
    let (row, user) = (call.row, call.user);
    let configured = app.configured();
    let connector = channel::own(&configured.connectors, &user, &row.connector_id)?;
    let Some(status) = row.body.audit_status else {
        return Err(Fail::invalid("audit_status", "it is required"));
    };
    if !AuditStatus::KNOWN.contains(&status) {
        let why = format!(
            "{} is none of 1 (under review), 2 (approved), 3 (refused)",
            status.value()
        );
        return Err(Fail::invalid("audit_status", why));
    }
    let reason = row.body.reason.unwrap_or_default();
    if status == AuditStatus::Rejected {
        validate::required("reason", reason.trim())?;
    }
    validate::at_most("reason", &reason, bots::REASON)?;
    bots::of_store(&app, &row.bot_id)?;
    let (connector, bot) = (connector.id.clone(), number(&row.bot_id));
    app.db
        .write(move |unit| {
            if unit.bot(bot)?.is_none() {
                return Err(Fail::not_found("bot", row.bot_id));
            }
            let found = unit.bot_channel(bot, &connector)?;
            let Some(found) = found.filter(Channel::stands) else {
                return Err(bots::absent(unit, bot, &connector)?);
            };
            unit.review_bot(bot, &connector, found.version, status.value(), &reason)?;
            Ok(Empty {})
        })
        .await
}
