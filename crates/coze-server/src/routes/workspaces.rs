//! Workspaces and who works in them.

use coze_types::workspaces::{
    AddWorkspaceMembers, AddedWorkspaceMembers, CreateWorkspace, CreatedWorkspace, JoinedStatus,
    ListWorkspaceMembers, ListWorkspaces, ListWorkspacesQuery, RemoveWorkspaceMembers,
    RemovedWorkspaceMembers, UpdateWorkspace, Workspace, WorkspaceList, WorkspaceMember,
    WorkspaceMemberList, WorkspaceRole,
};
use coze_types::{Data, Empty, Id};

use super::organizations;
use crate::app::App;
use crate::call::Call;
use crate::caller::{Caller, Owned};
use crate::fail::Fail;
use crate::store::{SpaceFilter, SpaceRecord, Unit, number};
use crate::validate;

const NAME_LIMIT: usize = 50;
const DESCRIPTION_LIMIT: usize = 2_000;
/// So many are added, and removed, by one call.
const ADD_LIMIT: usize = 20;
const REMOVE_LIMIT: usize = 5;

pub(crate) async fn list(
    app: App,
    call: Call<ListWorkspaces>,
) -> Result<Data<WorkspaceList>, Fail> {
    let (query, caller) = (call.row.query, call.user);
    let (page, size) = validate::page(query.page_num, query.page_size, 20, 50)?;
    app.db
        .read(move |unit| {
            let filter = filter(unit, &caller, &query)?;
            let (spaces, total_count) = unit.spaces(&filter, page, size)?;
            let workspaces = spaces.iter().map(|(it, role)| wire(unit, it, role));
            Ok(Data {
                data: WorkspaceList {
                    workspaces: workspaces.collect::<Result<_, Fail>>()?,
                    total_count,
                },
            })
        })
        .await
}

/// Whose workspaces, and which of them.
fn filter(
    unit: &dyn Unit,
    caller: &Caller,
    query: &ListWorkspacesQuery,
) -> Result<SpaceFilter, Fail> {
    let given = |id: &Option<Id>| id.clone().filter(|id| !id.is_unset());
    let (user, account) = (given(&query.user_id), given(&query.coze_account_id));
    let enterprise = given(&query.enterprise_id);
    let mut filter = SpaceFilter {
        user: caller.user(),
        among: caller.limits().spaces.clone(),
        ..SpaceFilter::default()
    };
    match (user, account, enterprise) {
        (None, None, enterprise) => {
            if let Some(id) = &enterprise {
                organizations::enterprise(unit, caller, id)?;
            }
            filter.enterprise = enterprise.map(|id| id.as_str().to_owned());
        }
        (Some(_), Some(_), Some(_)) => {
            let why = "it cannot go with user_id and coze_account_id";
            return Err(Fail::invalid("enterprise_id", why));
        }
        (Some(user), Some(account), None) if user == account => {
            // For personal plans the account is the user.
            if number(&user) != caller.user() {
                return Err(Fail::denied("user", user));
            }
            filter.enterprise = Some(String::new());
        }
        (Some(user), Some(account), None) => {
            let organization = organizations::organization(unit, caller, &account)?;
            let wanted = number(&user);
            if wanted != caller.user() {
                organizations::managed(unit, caller, &organization)?;
            }
            if unit.organization_role(organization.id, wanted)?.is_none() {
                return Err(Fail::not_found("organization member", user));
            }
            filter.user = wanted;
            filter.organization = Some(organization.id);
        }
        (Some(_), None, _) => {
            return Err(Fail::invalid("coze_account_id", "it must go with user_id"));
        }
        (None, Some(_), _) => {
            return Err(Fail::invalid("user_id", "it must go with coze_account_id"));
        }
    }
    Ok(filter)
}

fn wire(unit: &dyn Unit, it: &SpaceRecord, role: &str) -> Result<Workspace, Fail> {
    let admins = unit.space_people(it.id, "admin")?;
    Ok(Workspace {
        id: it.id.into(),
        name: it.name.clone(),
        icon_url: it.icon_url.clone(),
        description: Some(it.description.clone()),
        role_type: role.into(),
        workspace_type: it.kind.as_str().into(),
        enterprise_id: it.enterprise.as_str().into(),
        owner_uid: Some(it.owner.into()),
        admin_uids: Some(admins.into_iter().map(Into::into).collect()),
        joined_status: Some(JoinedStatus::Joined),
    })
}

pub(crate) async fn create(
    app: App,
    call: Call<CreateWorkspace>,
) -> Result<Data<CreatedWorkspace>, Fail> {
    let (body, caller) = (call.row.body, call.user);
    validate::required("name", body.name.trim())?;
    validate::at_most("name", &body.name, NAME_LIMIT)?;
    validate::required("description", body.description.trim())?;
    validate::at_most("description", &body.description, DESCRIPTION_LIMIT)?;
    if caller.limits().spaces.is_some() {
        let why = "the token is limited to workspaces, so it cannot make another one";
        return Err(Fail::new(4101, why));
    }
    let (id, now) = (app.ids.next(), app.now());
    let owner = app.db.write(move |unit| {
        if let Some(icon) = body.icon_file_id.filter(|id| !id.is_unset()) {
            caller.open("file", &icon, unit.file(number(&icon))?)?;
        }
        let account = body.coze_account_id.filter(|id| !id.is_unset());
        // For personal plans the account is the user.
        let account = account.filter(|id| number(id) != caller.user());
        let wanted = body.owner_uid.filter(|id| !id.is_unset());
        let wanted = wanted.map_or(caller.user(), |id| number(&id));
        let (enterprise, organization) = match account {
            Some(account) => {
                let it = organizations::organization(unit, &caller, &account)?;
                if unit.organization_role(it.id, wanted)?.is_none() {
                    let why = format!("{wanted} is no member of the organization {account}");
                    return Err(Fail::invalid("owner_uid", why));
                }
                (it.enterprise, it.id)
            }
            None if wanted != caller.user() => {
                let why = "without coze_account_id the token's user owns the workspace";
                return Err(Fail::invalid("owner_uid", why));
            }
            None => (String::new(), 0),
        };
        let space = SpaceRecord {
            id,
            name: body.name,
            description: body.description,
            kind: "team".to_owned(),
            owner: wanted,
            enterprise,
            organization,
            ..SpaceRecord::default()
        };
        unit.put_space(&space, now)?;
        unit.put_space_member(id, wanted, "owner", now)?;
        Ok::<_, Fail>(wanted)
    });
    app.directory.forget(owner.await?);
    Ok(Data {
        data: CreatedWorkspace { id: id.into() },
    })
}

pub(crate) async fn update(app: App, call: Call<UpdateWorkspace>) -> Result<Empty, Fail> {
    let (id, body, caller) = (call.row.workspace_id, call.row.body, call.user);
    let (name, description) =
        validate::names(body.name, body.description, NAME_LIMIT, DESCRIPTION_LIMIT)?;
    let now = app.now();
    app.db
        .write(move |unit| {
            let mut space = managed(unit, &caller, &id)?;
            space.name = name.unwrap_or(space.name);
            space.description = description.unwrap_or(space.description);
            unit.put_space(&space, now)?;
            Ok::<_, Fail>(Empty {})
        })
        .await
}

/// The workspace of that id.
fn find(unit: &dyn Unit, caller: &Caller, id: &str) -> Result<SpaceRecord, Fail> {
    validate::required("workspace_id", id)?;
    let found = unit.space(number(id))?;
    caller.open("workspace", id, found.map(|it| Owned { space: it.id, it }))
}

/// The workspace of that id, for somebody who may change it.
fn managed(unit: &dyn Unit, caller: &Caller, id: &str) -> Result<SpaceRecord, Fail> {
    let space = find(unit, caller, id)?;
    if matches!(caller.role(space.id), Some("owner" | "admin")) {
        return Ok(space);
    }
    let why = format!("the token's user is neither owner nor admin of the workspace {id}");
    Err(Fail::new(4101, why))
}

pub(crate) async fn members(
    app: App,
    call: Call<ListWorkspaceMembers>,
) -> Result<Data<WorkspaceMemberList>, Fail> {
    let (id, query, caller) = (call.row.workspace_id, call.row.query, call.user);
    let (page, size) = validate::page(query.page_num, query.page_size, 20, 50)?;
    app.db
        .read(move |unit| {
            let space = find(unit, &caller, &id)?;
            let (members, total_count) = unit.space_members(space.id, page, size)?;
            let items = members.into_iter().map(|(user, role)| WorkspaceMember {
                user_id: user.id.into(),
                role_type: role.as_str().into(),
                user_nickname: user.nick_name,
                user_unique_name: user.user_name,
                avatar_url: Some(user.avatar_url),
            });
            Ok(Data {
                data: WorkspaceMemberList {
                    items: items.collect(),
                    total_count,
                },
            })
        })
        .await
}

pub(crate) async fn add(
    app: App,
    call: Call<AddWorkspaceMembers>,
) -> Result<Data<AddedWorkspaceMembers>, Fail> {
    let (id, users, caller) = (call.row.workspace_id, call.row.body.users, call.user);
    count("users", users.len(), ADD_LIMIT)?;
    for (index, user) in users.iter().enumerate() {
        validate::required(&format!("users[{index}].user_id"), &user.user_id)?;
        if !matches!(user.role_type, WorkspaceRole::Admin | WorkspaceRole::Member) {
            let why = format!(
                "{:?} is neither \"admin\" nor \"member\"",
                user.role_type.as_str()
            );
            return Err(Fail::invalid(format!("users[{index}].role_type"), why));
        }
    }
    let now = app.now();
    let added = app.db.write(move |unit| {
        let space = managed(unit, &caller, &id)?;
        if space.kind == "personal" {
            let why = "it is the personal workspace of its owner, who shares it with nobody";
            return Err(Fail::invalid("workspace_id", why));
        }
        let mut result = AddedWorkspaceMembers::default();
        for user in users {
            let known = unit.user(number(&user.user_id))?;
            let fits = match &known {
                Some(user) if !space.enterprise.is_empty() => {
                    unit.enterprise_role(&space.enterprise, user.id)?.is_some()
                }
                known => known.is_some(),
            };
            let member = number(&user.user_id);
            let list = if !fits {
                &mut result.not_exist_user_ids
            } else if unit.space_role(space.id, member)?.is_some() {
                &mut result.already_joined_user_ids
            } else {
                unit.put_space_member(space.id, member, user.role_type.as_str(), now)?;
                if space.enterprise.is_empty() {
                    // Nobody is there to accept an invitation, so it is accepted at once.
                    &mut result.invited_success_user_ids
                } else {
                    &mut result.added_success_user_ids
                }
            };
            list.push(user.user_id);
        }
        Ok::<_, Fail>(result)
    });
    let data = added.await?;
    let new = data.added_success_user_ids.iter();
    for user in new.chain(&data.invited_success_user_ids) {
        app.directory.forget(number(user));
    }
    Ok(Data { data })
}

pub(crate) async fn remove(
    app: App,
    call: Call<RemoveWorkspaceMembers>,
) -> Result<Data<RemovedWorkspaceMembers>, Fail> {
    let (id, users, caller) = (call.row.workspace_id, call.row.body.user_ids, call.user);
    count("user_ids", users.len(), REMOVE_LIMIT)?;
    let removed = app.db.write(move |unit| {
        let space = managed(unit, &caller, &id)?;
        let mut result = RemovedWorkspaceMembers::default();
        for user in users {
            let list = if number(&user) == space.owner {
                &mut result.owner_not_support_remove_user_ids
            } else if unit.remove_space_member(space.id, number(&user))? {
                &mut result.removed_success_user_ids
            } else {
                &mut result.not_in_workspace_user_ids
            };
            list.push(user);
        }
        Ok::<_, Fail>(result)
    });
    let data = removed.await?;
    for user in &data.removed_success_user_ids {
        app.directory.forget(number(user));
    }
    Ok(Data { data })
}

fn count(field: &str, there: usize, limit: usize) -> Result<(), Fail> {
    match there {
        0 => Err(Fail::invalid(field, "it is required")),
        there if there > limit => Err(Fail::invalid(
            field,
            format!("there are {there}; at most {limit} are allowed"),
        )),
        _ => Ok(()),
    }
}
