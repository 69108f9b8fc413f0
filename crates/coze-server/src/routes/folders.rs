//! Folders of the workspace, as `coze.yaml` has them.

use coze_types::folders::{Folder, FolderList, FolderType, ListFolders, RetrieveFolder};
use coze_types::{Data, Id};

use crate::app::App;
use crate::call::Call;
use crate::caller::Owned;
use crate::config::{FolderConfig, FolderKind, LOCAL_SPACE, LOCAL_USER};
use crate::fail::Fail;
use crate::validate;

pub(crate) async fn list(app: App, call: Call<ListFolders>) -> Result<Data<FolderList>, Fail> {
    let query = call.row.query;
    let space = call.user.space("workspace_id", &query.workspace_id)?;
    validate::known("folder_type", &query.folder_type, FolderType::KNOWN)?;
    let (page, size) = validate::page(query.page_num, query.page_size, 20, 50)?;
    let configured = app.configured();
    let all = &configured.library.folders;
    let parent = query.parent_folder_id.filter(|id| !id.is_unset());
    if let Some(parent) = &parent
        && (space != LOCAL_SPACE || !all.iter().any(|it| it.id == parent.as_str()))
    {
        return Err(Fail::not_found("folder", parent));
    }
    let parent = parent.as_deref();
    let wanted = |it: &&FolderConfig| {
        space == LOCAL_SPACE
            && it.parent.as_deref() == parent
            && wire_type(it.r#type) == query.folder_type
    };
    let found: Vec<&FolderConfig> = all.iter().filter(wanted).collect();
    let mut rest = found.iter().skip(page.saturating_mul(size));
    let items = rest.by_ref().take(size).map(|it| Folder {
        children_count: Some(children(all, &it.id)),
        ..wire(it)
    });
    let items = items.collect();
    Ok(Data {
        data: FolderList {
            items,
            total_count: i64::try_from(found.len()).unwrap_or(i64::MAX),
            has_more: Some(rest.next().is_some()),
        },
    })
}

fn children(all: &[FolderConfig], id: &str) -> i64 {
    let inside = all.iter().filter(|it| it.parent.as_deref() == Some(id));
    i64::try_from(inside.count()).unwrap_or(i64::MAX)
}

pub(crate) async fn retrieve(app: App, call: Call<RetrieveFolder>) -> Result<Data<Folder>, Fail> {
    let id = &call.row.folder_id;
    let configured = app.configured();
    let mut folders = configured.library.folders.iter();
    let found = folders.find(|it| it.id == id.as_str()).map(wire);
    let found = found.map(|it| Owned {
        space: LOCAL_SPACE,
        it,
    });
    Ok(Data {
        data: call.user.open("folder", id, found)?,
    })
}

fn wire_type(kind: FolderKind) -> FolderType {
    match kind {
        FolderKind::Development => FolderType::Development,
        FolderKind::Library => FolderType::Library,
    }
}

fn wire(it: &FolderConfig) -> Folder {
    Folder {
        id: it.id.as_str().into(),
        name: it.name.clone(),
        description: it.description.clone(),
        workspace_id: LOCAL_SPACE.into(),
        creator_user_id: LOCAL_USER.into(),
        folder_type: wire_type(it.r#type),
        parent_folder_id: it.parent.as_deref().map(Id::from),
        children_count: None,
    }
}
