//! User variables.

use coze_types::variables::{RetrieveVariables, UpdateVariables, VariableList};
use coze_types::{Data, Empty, Id};

use super::{apps, bots};
use crate::app::App;
use crate::call::Call;
use crate::caller::Caller;
use crate::config::VariableConfig;
use crate::fail::Fail;
use crate::store::{EntityKind, VariableOwner};
use crate::validate;
use crate::variables::{SYSTEM, connector, values};

pub(crate) async fn retrieve(
    app: App,
    call: Call<RetrieveVariables>,
) -> Result<Data<VariableList>, Fail> {
    let query = call.row.query;
    validate::required("connector_uid", &query.connector_uid)?;
    let ids = (query.bot_id, query.app_id);
    let (kind, id, configs) = owner(&app, &call.user, ids).await?;
    let owner = VariableOwner {
        kind,
        id,
        connector: connector(query.connector_id.as_deref()).to_owned(),
        user: query.connector_uid,
    };
    let set = app
        .db
        .read(move |unit| Ok::<_, Fail>(unit.variables(&owner)?))
        .await?;
    let mut items = values(&configs, &set);
    if let Some(wanted) = query
        .keywords
        .filter(|it| it.iter().any(|name| !name.is_empty()))
    {
        items.retain(|it| wanted.contains(&it.keyword));
    }
    Ok(Data {
        data: VariableList { items },
    })
}

pub(crate) async fn update(app: App, call: Call<UpdateVariables>) -> Result<Empty, Fail> {
    let (body, now) = (call.row.body, app.now());
    validate::required("connector_uid", &body.connector_uid)?;
    if body.data.is_empty() {
        return Err(Fail::invalid(
            "data",
            "it is required, and may not be empty",
        ));
    }
    let ids = (body.bot_id, body.app_id);
    let (kind, id, configs) = owner(&app, &call.user, ids).await?;
    for (index, value) in body.data.iter().enumerate() {
        let field = format!("data[{index}].keyword");
        let name = &value.keyword;
        validate::required(&field, name)?;
        if name.starts_with(SYSTEM) {
            let why = format!("{name:?} is a variable of the system, which alone sets it");
            return Err(Fail::invalid(field, why));
        }
        let why = match configs.iter().find(|it| it.name == *name) {
            Some(config) if config.enable => continue,
            Some(_) => format!("the variable {name:?} is switched off"),
            None => format!("the {} {id} has no variable {name:?}", kind.as_str()),
        };
        return Err(Fail::invalid(field, why));
    }
    let owner = VariableOwner {
        kind,
        id,
        connector: connector(body.connector_id.as_deref()).to_owned(),
        user: body.connector_uid,
    };
    let written = app.db.write(move |unit| {
        for value in &body.data {
            unit.set_variable(&owner, &value.keyword, &value.value, now)?;
        }
        Ok::<_, Fail>(Empty {})
    });
    written.await
}

/// Whose variables they are, and which ones there are: those of an agent or of an app.
async fn owner(
    app: &App,
    caller: &Caller,
    (bot, of_app): (Option<Id>, Option<Id>),
) -> Result<(EntityKind, String, Vec<VariableConfig>), Fail> {
    let set = |id: Option<Id>| id.filter(|id| !id.is_unset());
    match (set(bot), set(of_app)) {
        (Some(_), Some(_)) => Err(Fail::invalid("app_id", "it cannot go with bot_id")),
        (None, None) => Err(Fail::invalid("bot_id", "it or app_id is required")),
        (Some(bot), None) => {
            let agent = bots::find(app, caller, &bot).await?;
            let variables = agent.config.variables.clone();
            Ok((EntityKind::Bot, bot.as_str().to_owned(), variables))
        }
        (None, Some(id)) => {
            let found = apps::find(app, caller, &id).await?;
            let variables = found.config.variables.clone();
            Ok((EntityKind::App, id.as_str().to_owned(), variables))
        }
    }
}
