//! Enterprises, their organizations, and the people of both.

use coze_types::enterprises::{
    AddEnterpriseMembers, CreateOrganization, CreatedOrganization, EnterpriseRole,
    ListOrganizations, Organization, OrganizationList, RemoveEnterpriseMember,
    UpdateEnterpriseMember,
};
use coze_types::organizations::{
    AddOrganizationMembers, ListOrganizationMembers, OrganizationMember, OrganizationMemberList,
    OrganizationRole, PeopleType, RemoveOrganizationMember, UpdateOrganization,
    UpdateOrganizationMember,
};
use coze_types::{Data, Empty, MaybeData, Timestamp};

use crate::app::App;
use crate::call::Call;
use crate::caller::Caller;
use crate::fail::Fail;
use crate::store::{OrganizationRecord, Unit, number};
use crate::validate;

const NAME_LIMIT: usize = 30;
const DESCRIPTION_LIMIT: usize = 100;
/// There is no room for more members.
const FULL: i64 = 777_074_011;
pub(super) const ADMIN: &str = "enterprise_admin";
const SUPER_ADMIN: &str = "organization_super_admin";

/// What the caller is in the enterprise of that id.
pub(super) fn enterprise(unit: &dyn Unit, caller: &Caller, id: &str) -> Result<String, Fail> {
    validate::required("enterprise_id", id)?;
    if unit.enterprise(id)?.is_none() {
        return Err(Fail::not_found("enterprise", id));
    }
    if caller.limits().enterprise.as_deref() == Some(id) {
        return Ok(ADMIN.to_owned());
    }
    let role = unit.enterprise_role(id, caller.user())?;
    role.ok_or_else(|| {
        let why = format!("the token's user is no member of the enterprise {id}");
        Fail::new(4101, why)
    })
}

/// The caller manages the enterprise of that id.
fn administrated(unit: &dyn Unit, caller: &Caller, id: &str) -> Result<(), Fail> {
    if enterprise(unit, caller, id)? == ADMIN {
        return Ok(());
    }
    let why = format!("the token's user is no administrator of the enterprise {id}");
    Err(Fail::new(4101, why))
}

/// The organization of that id, for somebody who belongs to it or manages its enterprise.
pub(super) fn organization(
    unit: &dyn Unit,
    caller: &Caller,
    id: &str,
) -> Result<OrganizationRecord, Fail> {
    validate::required("organization_id", id)?;
    let found = unit.organization(number(id))?;
    let found = found.ok_or_else(|| Fail::not_found("organization", id))?;
    if unit.organization_role(found.id, caller.user())?.is_some()
        || administrated(unit, caller, &found.enterprise).is_ok()
    {
        return Ok(found);
    }
    let why = format!("the token's user is no member of the organization {id}");
    Err(Fail::new(4101, why))
}

/// The caller manages the organization.
pub(super) fn managed(
    unit: &dyn Unit,
    caller: &Caller,
    organization: &OrganizationRecord,
) -> Result<(), Fail> {
    let role = unit.organization_role(organization.id, caller.user())?;
    if matches!(role.as_deref(), Some(SUPER_ADMIN | "organization_admin"))
        || administrated(unit, caller, &organization.enterprise).is_ok()
    {
        return Ok(());
    }
    let id = organization.id;
    let why = format!("the token's user is no administrator of the organization {id}");
    Err(Fail::new(4101, why))
}

fn enterprise_role(field: &str, role: &EnterpriseRole) -> Result<(), Fail> {
    if let EnterpriseRole::Other(other) = role {
        let why = format!("{other:?} is neither \"enterprise_admin\" nor \"enterprise_member\"");
        return Err(Fail::invalid(field, why));
    }
    Ok(())
}

pub(crate) async fn add_to_enterprise(
    app: App,
    call: Call<AddEnterpriseMembers>,
) -> Result<Empty, Fail> {
    let (id, users, caller) = (call.row.enterprise_id, call.row.body.users, call.user);
    let [user] = users.as_slice() else {
        let why = format!("there are {}; exactly one is allowed", users.len());
        return Err(Fail::invalid("users", why));
    };
    validate::required("users[0].user_id", &user.user_id)?;
    enterprise_role("users[0].role", &user.role)?;
    let (user, now) = (user.clone(), app.now());
    app.db
        .write(move |unit| {
            administrated(unit, &caller, &id)?;
            let member = number(&user.user_id);
            if unit.user(member)?.is_none() {
                return Err(Fail::not_found("user", user.user_id));
            }
            if unit.enterprise_role(&id, member)?.is_some() {
                let why =
                    format!("{member} is a member already; UpdateEnterpriseMember changes roles");
                return Err(Fail::invalid("users[0].user_id", why));
            }
            let seats = unit.enterprise(&id)?.flatten().map(i64::from);
            let taken = unit.count_enterprise(&id, None)?;
            if seats.is_some_and(|seats| seats <= taken) {
                let why = format!("the enterprise {id} has no room for more members");
                return Err(Fail::new(FULL, why));
            }
            unit.put_enterprise_member(&id, member, user.role.as_str(), now)?;
            Ok(Empty {})
        })
        .await
}

/// What a member is, who must be one.
fn member_role(unit: &dyn Unit, enterprise: &str, user: &str) -> Result<String, Fail> {
    let role = unit.enterprise_role(enterprise, number(user))?;
    role.ok_or_else(|| Fail::not_found("enterprise member", user))
}

/// Somebody has to be left who manages it.
fn not_the_last_admin(unit: &dyn Unit, enterprise: &str, role: &str) -> Result<(), Fail> {
    if role != ADMIN || unit.count_enterprise(enterprise, Some(ADMIN))? > 1 {
        return Ok(());
    }
    let why = "this is the last administrator of the enterprise";
    Err(Fail::invalid("user_id", why))
}

pub(crate) async fn update_enterprise_member(
    app: App,
    call: Call<UpdateEnterpriseMember>,
) -> Result<Empty, Fail> {
    let (id, user, role) = (call.row.enterprise_id, call.row.user_id, call.row.body.role);
    enterprise_role("role", &role)?;
    let (caller, now) = (call.user, app.now());
    app.db
        .write(move |unit| {
            administrated(unit, &caller, &id)?;
            let before = member_role(unit, &id, &user)?;
            if role != EnterpriseRole::Admin {
                not_the_last_admin(unit, &id, &before)?;
            }
            unit.put_enterprise_member(&id, number(&user), role.as_str(), now)?;
            Ok::<_, Fail>(Empty {})
        })
        .await
}

pub(crate) async fn remove_from_enterprise(
    app: App,
    call: Call<RemoveEnterpriseMember>,
) -> Result<Empty, Fail> {
    let (id, user) = (call.row.enterprise_id, call.row.user_id);
    let (receiver, caller) = (call.row.body.receiver_user_id, call.user);
    validate::required("receiver_user_id", &receiver)?;
    let now = app.now();
    app.db
        .write(move |unit| {
            administrated(unit, &caller, &id)?;
            let before = member_role(unit, &id, &user)?;
            not_the_last_admin(unit, &id, &before)?;
            let role = unit.enterprise_role(&id, number(&receiver))?;
            if receiver == user || role.as_deref() != Some(ADMIN) {
                let why = format!("{receiver} is no other administrator of the enterprise");
                return Err(Fail::invalid("receiver_user_id", why));
            }
            hand_over(unit, &id, None, (number(&user), number(&receiver)), now)?;
            unit.remove_enterprise_member(&id, number(&user))?;
            Ok(Empty {})
        })
        .await?;
    app.directory.forget_all();
    Ok(Empty {})
}

/// The workspaces of somebody who leaves go, with all that is in them, to somebody who stays.
fn hand_over(
    unit: &dyn Unit,
    enterprise: &str,
    organization: Option<i64>,
    (from, to): (i64, i64),
    now: i64,
) -> Result<(), Fail> {
    for id in unit.owned_spaces(enterprise, organization, from)? {
        if let Some(mut space) = unit.space(id)? {
            space.owner = to;
            unit.put_space(&space, now)?;
            unit.put_space_member(id, to, "owner", now)?;
        }
    }
    unit.leave_spaces(enterprise, organization, from)?;
    Ok(())
}

pub(crate) async fn create(
    app: App,
    call: Call<CreateOrganization>,
) -> Result<MaybeData<CreatedOrganization>, Fail> {
    let (enterprise, body, caller) = (call.row.enterprise_id, call.row.body, call.user);
    validate::required("name", body.name.trim())?;
    validate::at_most("name", &body.name, NAME_LIMIT)?;
    let description = body.description.unwrap_or_default();
    validate::at_most("description", &description, DESCRIPTION_LIMIT)?;
    validate::required("super_admin_user_id", &body.super_admin_user_id)?;
    let (id, now) = (app.ids.next(), app.now());
    app.db
        .write(move |unit| {
            administrated(unit, &caller, &enterprise)?;
            let admin = number(&body.super_admin_user_id);
            if unit.enterprise_role(&enterprise, admin)?.is_none() {
                let why = format!("{admin} is no member of the enterprise {enterprise}");
                return Err(Fail::invalid("super_admin_user_id", why));
            }
            let organization = OrganizationRecord {
                id,
                enterprise: enterprise.as_str().to_owned(),
                name: body.name,
                description,
                ..OrganizationRecord::default()
            };
            unit.put_organization(&organization, now)?;
            unit.put_organization_member(id, admin, SUPER_ADMIN, now)?;
            Ok(())
        })
        .await?;
    Ok(MaybeData {
        data: CreatedOrganization {
            organization_id: Some(id.into()),
        },
    })
}

pub(crate) async fn list(
    app: App,
    call: Call<ListOrganizations>,
) -> Result<Data<OrganizationList>, Fail> {
    let (id, query, caller) = (call.row.enterprise_id, call.row.query, call.user);
    let (page, size) = validate::page(query.page_num, query.page_size, 20, 20)?;
    app.db
        .read(move |unit| {
            enterprise(unit, &caller, &id)?;
            let (found, total_count) = unit.organizations(&id, page, size)?;
            let items = found.into_iter().map(|it| Organization {
                organization_id: it.id.into(),
                organization_name: Some(it.name),
                organization_icon_url: Some(it.icon_url),
                is_default_organization: Some(it.is_default),
            });
            Ok(Data {
                data: OrganizationList {
                    items: items.collect(),
                    total_count,
                },
            })
        })
        .await
}

pub(crate) async fn update(app: App, call: Call<UpdateOrganization>) -> Result<Empty, Fail> {
    let (id, body, caller) = (call.row.organization_id, call.row.body, call.user);
    let (name, description) =
        validate::names(body.name, body.description, NAME_LIMIT, DESCRIPTION_LIMIT)?;
    let now = app.now();
    app.db
        .write(move |unit| {
            let mut it = organization(unit, &caller, &id)?;
            managed(unit, &caller, &it)?;
            it.name = name.unwrap_or(it.name);
            it.description = description.unwrap_or(it.description);
            unit.put_organization(&it, now)?;
            Ok::<_, Fail>(Empty {})
        })
        .await
}

pub(crate) async fn members(
    app: App,
    call: Call<ListOrganizationMembers>,
) -> Result<Data<OrganizationMemberList>, Fail> {
    let (id, query, caller) = (call.row.organization_id, call.row.query, call.user);
    let (page, size) = validate::page(query.page_num, query.page_size, 20, 50)?;
    app.db
        .read(move |unit| {
            let it = organization(unit, &caller, &id)?;
            let (people, total_count) = unit.organization_members(&it, page, size)?;
            let items = people.into_iter().map(|person| OrganizationMember {
                user_id: person.user.id.into(),
                user_nickname: Some(person.user.nick_name),
                user_unique_name: Some(person.user.user_name),
                avatar_url: Some(person.user.avatar_url),
                is_valid: Some(true),
                created_at: Some(Timestamp(person.joined_at)),
                people_type: Some(if person.employee {
                    PeopleType::Employee
                } else {
                    PeopleType::Guest
                }),
                organization_role_type: Some(person.role.as_str().into()),
            });
            Ok(Data {
                data: OrganizationMemberList {
                    items: items.collect(),
                    total_count,
                },
            })
        })
        .await
}

fn organization_role(field: &str, role: &OrganizationRole, guest: bool) -> Result<(), Fail> {
    let why = match role {
        OrganizationRole::Other(other) => format!(
            "{other:?} is none of organization_super_admin, organization_admin, \
             organization_member{}",
            if guest { ", organization_guest" } else { "" }
        ),
        OrganizationRole::Guest if !guest => "a member cannot be made a guest".to_owned(),
        _ => return Ok(()),
    };
    Err(Fail::invalid(field, why))
}

pub(crate) async fn add(app: App, call: Call<AddOrganizationMembers>) -> Result<Empty, Fail> {
    let (id, people) = (call.row.organization_id, call.row.body.organization_people);
    if people.is_empty() {
        return Err(Fail::invalid("organization_people", "it is required"));
    }
    for (index, person) in people.iter().enumerate() {
        let field = format!("organization_people[{index}]");
        validate::required(&format!("{field}.user_id"), &person.user_id)?;
        let role = &person.organization_role_type;
        organization_role(&format!("{field}.organization_role_type"), role, true)?;
    }
    let (caller, now) = (call.user, app.now());
    app.db
        .write(move |unit| {
            let it = organization(unit, &caller, &id)?;
            managed(unit, &caller, &it)?;
            for (index, person) in people.iter().enumerate() {
                let at = |why: String| {
                    Fail::invalid(format!("organization_people[{index}].user_id"), why)
                };
                let user = number(&person.user_id);
                if unit.user(user)?.is_none() {
                    return Err(Fail::not_found("user", user));
                }
                let guest = person.organization_role_type == OrganizationRole::Guest;
                if !guest && unit.enterprise_role(&it.enterprise, user)?.is_none() {
                    let enterprise = &it.enterprise;
                    return Err(at(format!(
                        "{user} is no member of the enterprise {enterprise}, so only a guest"
                    )));
                }
                if unit.organization_role(it.id, user)?.is_some() {
                    return Err(at(format!(
                        "{user} is a member already; UpdateOrganizationMember changes roles"
                    )));
                }
                let role = person.organization_role_type.as_str();
                unit.put_organization_member(it.id, user, role, now)?;
            }
            Ok(Empty {})
        })
        .await
}

/// What a member of an organization is, who must be one; somebody has to be left who owns it.
fn person_role(unit: &dyn Unit, organization: i64, user: &str, stays: bool) -> Result<(), Fail> {
    let role = unit.organization_role(organization, number(user))?;
    let role = role.ok_or_else(|| Fail::not_found("organization member", user))?;
    if stays || role != SUPER_ADMIN || unit.count_organization(organization, SUPER_ADMIN)? > 1 {
        return Ok(());
    }
    let why = "this is the last super administrator of the organization";
    Err(Fail::invalid("user_id", why))
}

pub(crate) async fn update_member(
    app: App,
    call: Call<UpdateOrganizationMember>,
) -> Result<Empty, Fail> {
    let (id, user) = (call.row.organization_id, call.row.user_id);
    let (role, caller) = (call.row.body.organization_role_type, call.user);
    organization_role("organization_role_type", &role, false)?;
    let now = app.now();
    app.db
        .write(move |unit| {
            let it = organization(unit, &caller, &id)?;
            managed(unit, &caller, &it)?;
            person_role(unit, it.id, &user, role == OrganizationRole::SuperAdmin)?;
            unit.put_organization_member(it.id, number(&user), role.as_str(), now)?;
            Ok::<_, Fail>(Empty {})
        })
        .await
}

pub(crate) async fn remove(app: App, call: Call<RemoveOrganizationMember>) -> Result<Empty, Fail> {
    let (id, user) = (call.row.organization_id, call.row.user_id);
    let (receiver, caller) = (call.row.body.receiver_user_id, call.user);
    validate::required("receiver_user_id", &receiver)?;
    let now = app.now();
    app.db
        .write(move |unit| {
            let it = organization(unit, &caller, &id)?;
            managed(unit, &caller, &it)?;
            person_role(unit, it.id, &user, false)?;
            let role = unit.organization_role(it.id, number(&receiver))?;
            if receiver == user || role.as_deref() != Some(SUPER_ADMIN) {
                let why = format!("{receiver} is no other super administrator of the organization");
                return Err(Fail::invalid("receiver_user_id", why));
            }
            let people = (number(&user), number(&receiver));
            hand_over(unit, &it.enterprise, Some(it.id), people, now)?;
            unit.remove_organization_member(it.id, number(&user))?;
            Ok(())
        })
        .await?;
    app.directory.forget_all();
    Ok(Empty {})
}
