//! Organizations: parts of an enterprise, with members of their own.

use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use crate::endpoint::endpoints;
use crate::open_enum::open_enum;
use crate::paging::numbered;
use crate::{Data, Empty, Id, Timestamp, de};

endpoints! { "organizations";
    /// Changes the name or the description of an organization.
    ///
    /// Source: <https://www.coze.cn/open/docs/developer_guides/update_organization_info>
    UpdateOrganization = PUT "/v1/organizations/{organization_id}" (organization_id) "Account.updateOrganization" {
        query: Empty, body: Json UpdateOrganizationBody, reply: Empty
    }

    /// Lists the members of an organization.
    ///
    /// Source: <https://www.coze.cn/open/docs/developer_guides/list_organization_people>
    ListOrganizationMembers = GET "/v1/organizations/{organization_id}/members" (organization_id) "Account.listOrganizationPeople" {
        query: ListOrganizationMembersQuery, body: None Empty, reply: Data<OrganizationMemberList>
    }

    /// Adds members to an organization.
    ///
    /// Source: <https://www.coze.cn/open/docs/developer_guides/add_organization_people>
    AddOrganizationMembers = POST "/v1/organizations/{organization_id}/members" (organization_id) "batchAddOrganizationPeople" {
        query: Empty, body: Json AddOrganizationMembersBody, reply: Empty
    }

    /// Changes the role of a member of an organization.
    ///
    /// Source: <https://www.coze.cn/open/docs/developer_guides/update_organization_people>
    UpdateOrganizationMember = PUT "/v1/organizations/{organization_id}/members/{user_id}" (organization_id, user_id) "updateOrganizationPeople" {
        query: Empty, body: Json UpdateOrganizationMemberBody, reply: Empty
    }

    /// Removes a member from an organization; what the member owns goes to somebody else.
    ///
    /// The body goes with a DELETE.
    /// Source: <https://www.coze.cn/open/docs/developer_guides/remove_organization_member>
    RemoveOrganizationMember = DELETE "/v1/organizations/{organization_id}/members/{user_id}" (organization_id, user_id) "Account.removeOrganizationPeople" {
        query: Empty, body: Json RemoveOrganizationMemberBody, reply: Empty
    }
}

numbered! {
    ListOrganizationMembers by page_num, 50;
    |page| page.data.items => OrganizationMember;
    total page.data.total_count
}

open_enum! {
    /// What a member may do in an organization.
    OrganizationRole {
        /// Uses what is there.
        Member = "organization_member",
        /// Manages the organization.
        Admin = "organization_admin",
        /// Owns the organization.
        SuperAdmin = "organization_super_admin",
        /// Is a guest. It can be given when somebody is added, and not later.
        Guest = "organization_guest",
    }
}

open_enum! {
    /// What somebody is in the enterprise.
    PeopleType {
        /// Belongs to the enterprise.
        Employee = "employee",
        /// Is a guest.
        Guest = "guest",
    }
}

/// Body of [`UpdateOrganization`]; what is missing or empty stays as it is.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UpdateOrganizationBody {
    /// Up to 30 characters.
    pub name: Option<String>,
    /// Up to 100 characters.
    pub description: Option<String>,
}

/// Query of [`ListOrganizationMembers`].
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListOrganizationMembersQuery {
    /// From 1.
    #[serde(default, deserialize_with = "de::int_opt")]
    pub page_num: Option<i64>,
    /// Up to 50; 20 by default.
    #[serde(default, deserialize_with = "de::int_opt")]
    pub page_size: Option<i64>,
}

/// Payload of [`ListOrganizationMembers`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrganizationMemberList {
    /// The members of this page.
    #[serde(default, deserialize_with = "de::null_default")]
    pub items: Vec<OrganizationMember>,
    /// How many there are on all pages.
    #[serde(default, deserialize_with = "de::int")]
    pub total_count: i64,
}

/// A member of an organization.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrganizationMember {
    /// The user.
    pub user_id: Id,
    /// The shown name.
    pub user_nickname: Option<String>,
    /// The unique name.
    pub user_unique_name: Option<String>,
    /// The picture.
    pub avatar_url: Option<String>,
    /// False once the account behind it was removed.
    pub is_valid: Option<bool>,
    /// When the user joined, in seconds.
    pub created_at: Option<Timestamp>,
    /// What the user is in the enterprise.
    pub people_type: Option<PeopleType>,
    /// What the user may do in the organization.
    pub organization_role_type: Option<OrganizationRole>,
}

/// Body of [`AddOrganizationMembers`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddOrganizationMembersBody {
    /// Who is added.
    pub organization_people: Vec<NewOrganizationMember>,
}

/// A user who is added to an organization.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewOrganizationMember {
    /// The user.
    pub user_id: Id,
    /// What the user may do.
    pub organization_role_type: OrganizationRole,
}

/// Body of [`UpdateOrganizationMember`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UpdateOrganizationMemberBody {
    /// What the member may do from now on; not [`OrganizationRole::Guest`].
    pub organization_role_type: OrganizationRole,
}

/// Body of [`RemoveOrganizationMember`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RemoveOrganizationMemberBody {
    /// Who gets the workspaces, agents and workflows: a super administrator of the organization.
    pub receiver_user_id: Id,
}
