//! Apps: those of `coze.yaml`, and copies of them.

use std::sync::Arc;

use coze_types::apps::{AppList, ListApps, RetrieveApp, SimpleApp};
use coze_types::workflows::PublishStatus;
use coze_types::{Data, Id, Timestamp, apps as wire};

use crate::app::App;
use crate::call::Call;
use crate::caller::{Caller, Owned};
use crate::definition::wire_variable;
use crate::fail::Fail;
use crate::library::AppEntry;
use crate::store::number;
use crate::validate;

pub(crate) async fn list(app: App, call: Call<ListApps>) -> Result<Data<AppList>, Fail> {
    let query = call.row.query;
    let space = call.user.space("workspace_id", &query.workspace_id)?;
    let (page, size) = validate::page(query.page_num, query.page_size, 20, 50)?;
    let status = query
        .publish_status
        .unwrap_or(PublishStatus::PublishedOnline);
    validate::known("publish_status", &status, PublishStatus::KNOWN)?;
    // All count as published as they stand: no call publishes an app.
    let published = matches!(status, PublishStatus::All | PublishStatus::PublishedOnline);
    let configured = app.configured();
    let of_file = configured.library.apps.values();
    let of_file: Vec<_> = of_file
        .filter(|it| published && it.space == space)
        .collect();
    let skip = page.saturating_mul(size);
    let mut items: Vec<SimpleApp> = of_file
        .iter()
        .skip(skip)
        .take(size)
        .map(|entry| summary(entry))
        .collect();
    let mut total = i64::try_from(of_file.len()).unwrap_or(i64::MAX);
    if published {
        let (limit, skip) = (size - items.len(), skip.saturating_sub(of_file.len()));
        let read = app
            .db
            .read(move |unit| Ok::<_, Fail>(unit.apps(space, limit, skip)?));
        let (found, count) = read.await?;
        items.extend(found.into_iter().map(|it| summary(&it.into())));
        total = total.saturating_add(count);
    }
    Ok(Data {
        data: AppList { items, total },
    })
}

fn summary(entry: &AppEntry) -> SimpleApp {
    SimpleApp {
        id: entry.id.into(),
        name: entry.config.name.clone(),
        description: entry.config.description.clone(),
        icon_url: String::new(),
        is_published: true,
        owner_user_id: entry.owner.into(),
        updated_at: Timestamp(entry.created_at),
        published_at: Some(Timestamp(entry.created_at)),
        folder_id: entry.folder.map(Id::from),
    }
}

pub(crate) async fn retrieve(app: App, call: Call<RetrieveApp>) -> Result<Data<wire::App>, Fail> {
    let entry = find(&app, &call.user, &call.row.app_id).await?;
    let config = &entry.config;
    Ok(Data {
        data: wire::App {
            app_id: entry.id.into(),
            version: Some("v0.0.1".to_owned()),
            name: config.name.clone(),
            description: Some(config.description.clone()),
            icon_url: String::new(),
            variables: Some(config.variables.iter().map(wire_variable).collect()),
        },
    })
}

/// The app of that id.
pub(crate) async fn find(app: &App, caller: &Caller, id: &str) -> Result<Arc<AppEntry>, Fail> {
    validate::required("app_id", id)?;
    let of_file = app.configured().library.apps.get(id).cloned();
    let found = match of_file {
        Some(it) => Some(Owned {
            space: it.space,
            it,
        }),
        None => {
            let wanted = number(id);
            let read = app.db.read(move |unit| Ok::<_, Fail>(unit.app(wanted)?));
            read.await?.map(|found| Owned {
                space: found.space,
                it: Arc::new(found.it.into()),
            })
        }
    };
    caller.open("app", id, found)
}
