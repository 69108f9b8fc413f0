//! Puts the users, workspaces and enterprises of `coze.yaml` into the store.
//!
//! Who is a member only because the file says so is no member any more when the file stops saying
//! so. What was made through the API stays, and so do users and workspaces that the file no longer
//! names: things belong to them.

use std::sync::Arc;

use crate::app::App;
use crate::config::Space;
use crate::fail::Fail;
use crate::ids::Ids;
use crate::store::{OrganizationRecord, SpaceRecord, StoreError, Unit, UserRecord, number};

/// Why the file does not fit to what is in the store.
#[derive(Debug, thiserror::Error)]
pub(crate) enum InstallError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("{0}")]
    Conflict(String),
}

impl From<InstallError> for Fail {
    fn from(error: InstallError) -> Self {
        match error {
            InstallError::Store(error) => error.into(),
            InstallError::Conflict(why) => Fail::new(4000, why),
        }
    }
}

/// Does it, and lets the new state of things be seen.
pub(crate) async fn install(app: &App, file: &Arc<Space>) -> Result<(), InstallError> {
    let (worker, space) = (app.clone(), Arc::clone(file));
    let now = app.now();
    app.db
        .write(move |unit| put(unit, &worker.ids, &space, now))
        .await?;
    app.directory.forget_all();
    Ok(())
}

fn put(unit: &dyn Unit, ids: &Ids, file: &Space, now: i64) -> Result<(), InstallError> {
    unit.forget_file_members()?;
    for user in &file.users {
        let record = UserRecord {
            id: number(&user.id),
            user_name: user.name.clone(),
            nick_name: user.nick_name.clone().unwrap_or_else(|| user.name.clone()),
            avatar_url: user.avatar_url.clone(),
        };
        if let Some(other) = unit.other_user_named(record.id, &user.name)? {
            return Err(InstallError::Conflict(format!(
                "users: {}: the data folder has this name for the user {other} already",
                user.name
            )));
        }
        unit.put_user(&record, now)?;
        personal_space(unit, ids, &record, now)?;
    }
    for enterprise in &file.enterprises {
        let name = enterprise.name.as_ref().unwrap_or(&enterprise.id);
        unit.put_enterprise(&enterprise.id, name, enterprise.seats, now)?;
        let organization = match unit.default_organization(&enterprise.id)? {
            Some(it) => it.id,
            None => {
                let new = OrganizationRecord {
                    id: ids.next(),
                    enterprise: enterprise.id.clone(),
                    name: name.clone(),
                    is_default: true,
                    ..OrganizationRecord::default()
                };
                unit.put_organization(&new, now)?;
                new.id
            }
        };
        for member in &enterprise.members {
            let user = file.user(&member.user).map_err(InstallError::Conflict)?;
            let (role, there) = if member.admin {
                ("enterprise_admin", "organization_super_admin")
            } else {
                ("enterprise_member", "organization_member")
            };
            unit.put_enterprise_member(&enterprise.id, user, role, now)?;
            unit.mark_enterprise_member(&enterprise.id, user)?;
            unit.put_organization_member(organization, user, there, now)?;
        }
    }
    for space in &file.spaces {
        let owner = space.owner.as_deref().unwrap_or("local");
        let owner = file.user(owner).map_err(InstallError::Conflict)?;
        let (enterprise, organization) = match &space.enterprise {
            Some(id) => (
                id.clone(),
                unit.default_organization(id)?.map_or(0, |it| it.id),
            ),
            None => (String::new(), 0),
        };
        let before = unit.space(number(&space.id))?;
        let record = SpaceRecord {
            id: number(&space.id),
            name: space.name.clone(),
            description: space.description.clone(),
            icon_url: before
                .as_ref()
                .map(|it| it.icon_url.clone())
                .unwrap_or_default(),
            kind: "team".to_owned(),
            owner,
            enterprise,
            organization,
        };
        unit.put_space(&record, now)?;
        if let Some(before) = before.filter(|it| it.owner != owner) {
            unit.remove_space_member(record.id, before.owner)?;
        }
        let members = space.members.iter().map(|member| {
            let role = if member.admin { "admin" } else { "member" };
            file.user(&member.user).map(|user| (user, role))
        });
        for member in members.chain([Ok((owner, "owner"))]) {
            let (user, role) = member.map_err(InstallError::Conflict)?;
            unit.put_space_member(record.id, user, role, now)?;
            unit.mark_file_member(record.id, user)?;
        }
    }
    Ok(())
}

/// Every user has a workspace of their own.
fn personal_space(
    unit: &dyn Unit,
    ids: &Ids,
    user: &UserRecord,
    now: i64,
) -> Result<(), StoreError> {
    let memberships = unit.memberships(user.id)?;
    if memberships.iter().any(|it| it.kind == "personal") {
        return Ok(());
    }
    let space = SpaceRecord {
        id: ids.next(),
        name: format!("{}'s space", user.nick_name),
        kind: "personal".to_owned(),
        owner: user.id,
        ..SpaceRecord::default()
    };
    unit.put_space(&space, now)?;
    unit.put_space_member(space.id, user.id, "owner", now)
}
