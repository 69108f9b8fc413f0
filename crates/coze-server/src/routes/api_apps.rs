//! Callback apps, and what they are subscribed to.

use coze_types::api_apps::{
    ApiApp, ApiAppEvent, ApiAppEventList, ApiAppEventType, ApiAppList, ApiAppType, CreateApiApp,
    DeleteApiApp, ListApiAppEvents, ListApiApps, SubscribeApiAppEvents, UnsubscribeApiAppEvents,
    UpdateApiApp,
};
use coze_types::{Data, Empty};

use crate::app::App;
use crate::call::Call;
use crate::callbacks;
use crate::caller::Caller;
use crate::channel;
use crate::crypt::secret;
use crate::fail::Fail;
use crate::store::{ApiAppRecord, Unit, number};
use crate::validate;

const NAME: usize = 128;
const PAGE: i64 = 50;

pub(crate) async fn create(app: App, call: Call<CreateApiApp>) -> Result<Data<ApiApp>, Fail> {
    let (body, user) = (call.row.body, call.user);
    validate::required("app_type", body.app_type.as_str())?;
    validate::known("app_type", &body.app_type, ApiAppType::KNOWN)?;
    let configured = app.configured();
    let (name, connector) = match body.app_type {
        ApiAppType::Connector => {
            let id = body.connector_id.unwrap_or_default();
            validate::required("connector_id", &id)?;
            let found = channel::own(&configured.connectors, &user, &id)?;
            (found.name.clone(), Some(found.id.clone()))
        }
        _ => (body.name.unwrap_or_default(), None),
    };
    validate::required("name", name.trim())?;
    validate::at_most("name", &name, NAME)?;
    let record = ApiAppRecord {
        id: app.ids.next(),
        owner: user.user(),
        kind: body.app_type,
        name,
        connector,
        token: secret("")?,
        url: None,
    };
    app.db
        .write(move |unit| {
            if let Some(connector) = &record.connector
                && let Some(other) = unit.api_app_of(connector)?
            {
                let why = format!("the channel has the callback app {} already", other.id);
                return Err(Fail::invalid("connector_id", why));
            }
            unit.insert_api_app(&record)?;
            Ok(Data { data: wire(record) })
        })
        .await
}

fn wire(it: ApiAppRecord) -> ApiApp {
    ApiApp {
        id: it.id.into(),
        app_type: it.kind,
        verify_token: it.token,
        name: Some(it.name),
        connector_id: it.connector.map(Into::into),
        callback_url: it.url,
    }
}

/// The callback app of that id, which belongs to the caller.
fn own(unit: &dyn Unit, caller: &Caller, id: &str) -> Result<ApiAppRecord, Fail> {
    let found = unit.api_app(number(id))?;
    let found = found.ok_or_else(|| Fail::not_found("callback app", id))?;
    if found.owner == caller.user() {
        return Ok(found);
    }
    let why = format!("the callback app {id} belongs to another user");
    Err(Fail::new(4101, why))
}

pub(crate) async fn list(app: App, call: Call<ListApiApps>) -> Result<Data<ApiAppList>, Fail> {
    let (query, user) = (call.row.query, call.user);
    let kind = query.app_type;
    validate::known_opt("app_type", kind.as_ref(), ApiAppType::KNOWN)?;
    let size = validate::size("page_size", query.page_size, PAGE, PAGE)?;
    let after = validate::id_token("page_token", query.page_token.as_deref())?;
    app.db
        .read(move |unit| {
            let found = unit.api_apps(user.user(), kind.as_ref(), after, size + 1)?;
            let (found, has_more) = validate::cut(found, size);
            let last = found.last().map(|it| it.id.to_string());
            Ok::<_, Fail>(Data {
                data: ApiAppList {
                    items: found.into_iter().map(wire).collect(),
                    has_more,
                    next_page_token: last.filter(|_| has_more),
                },
            })
        })
        .await
}

pub(crate) async fn update(app: App, call: Call<UpdateApiApp>) -> Result<Empty, Fail> {
    let (id, body, user) = (call.row.api_app_id, call.row.body, call.user);
    // What is empty stays as it is.
    let name = body.name.filter(|it| !it.is_empty());
    let url = body.callback_url.filter(|it| !it.is_empty());
    if let Some(name) = &name {
        validate::required("name", name.trim())?;
        validate::at_most("name", name, NAME)?;
    }
    let (wanted, caller) = (id.clone(), user.clone());
    let found = app.db.read(move |unit| own(unit, &caller, &wanted)).await?;
    if let Some(url) = &url {
        let checked = app.configured().outbound.check(url);
        let checked = checked.map_err(|why| Fail::invalid("callback_url", why))?;
        callbacks::probe(&app, checked, &found.token).await?;
    }
    app.db
        .write(move |unit| {
            let mut it = own(unit, &user, &id)?;
            it.name = name.unwrap_or(it.name);
            it.url = url.or(it.url);
            unit.update_api_app(&it)?;
            Ok::<_, Fail>(Empty {})
        })
        .await
}

pub(crate) async fn delete(app: App, call: Call<DeleteApiApp>) -> Result<Empty, Fail> {
    let (id, user) = (call.row.api_app_id, call.user);
    app.db
        .write(move |unit| {
            let it = own(unit, &user, &id)?;
            unit.delete_api_app(it.id)?;
            Ok::<_, Fail>(Empty {})
        })
        .await
}

/// The events of a request.
fn events(types: &[ApiAppEventType]) -> Result<(), Fail> {
    if types.is_empty() {
        return Err(Fail::invalid("event_types", "it is required"));
    }
    for (index, event) in types.iter().enumerate() {
        let field = format!("event_types[{index}]");
        validate::known(&field, event, ApiAppEventType::KNOWN)?;
    }
    Ok(())
}

pub(crate) async fn subscribe(app: App, call: Call<SubscribeApiAppEvents>) -> Result<Empty, Fail> {
    let (id, types, user) = (call.row.api_app_id, call.row.body.event_types, call.user);
    events(&types)?;
    app.db
        .write(move |unit| {
            let it = own(unit, &user, &id)?;
            for (index, event) in types.iter().enumerate() {
                let of_account = matches!(
                    event,
                    ApiAppEventType::PluginScaleRequested | ApiAppEventType::PluginScaleExpired
                );
                if of_account && it.kind == ApiAppType::Connector {
                    let why = format!("{event} is for callback apps of the type normal only");
                    return Err(Fail::invalid(format!("event_types[{index}]"), why));
                }
                unit.subscribe(it.id, event)?;
            }
            Ok(Empty {})
        })
        .await
}

pub(crate) async fn unsubscribe(
    app: App,
    call: Call<UnsubscribeApiAppEvents>,
) -> Result<Empty, Fail> {
    let (id, types, user) = (call.row.api_app_id, call.row.body.event_types, call.user);
    events(&types)?;
    app.db
        .write(move |unit| {
            let it = own(unit, &user, &id)?;
            for event in &types {
                unit.unsubscribe(it.id, event)?;
            }
            Ok::<_, Fail>(Empty {})
        })
        .await
}

pub(crate) async fn subscriptions(
    app: App,
    call: Call<ListApiAppEvents>,
) -> Result<Data<ApiAppEventList>, Fail> {
    let (id, query, user) = (call.row.api_app_id, call.row.query, call.user);
    let size = validate::size("page_size", query.page_size, PAGE, PAGE)?;
    let after = query.page_token.unwrap_or_default();
    app.db
        .read(move |unit| {
            let it = own(unit, &user, &id)?;
            let known = |event: &ApiAppEventType| event.as_str() == after;
            if !after.is_empty() && !ApiAppEventType::KNOWN.iter().any(known) {
                let why = "it is no token that a list gave";
                return Err(Fail::invalid("page_token", why));
            }
            let found = unit.subscriptions(it.id, &after, size + 1)?;
            let (found, has_more) = validate::cut(found, size);
            let last = found.last().map(|event| event.as_str().to_owned());
            let items = found.into_iter().map(|event_type| ApiAppEvent {
                api_app_id: it.id.into(),
                name: it.name.clone(),
                // The app's, which no call gives one.
                description: String::new(),
                event_type,
            });
            Ok(Data {
                data: ApiAppEventList {
                    items: items.collect(),
                    has_more,
                    next_page_token: last.filter(|_| has_more),
                },
            })
        })
        .await
}
