//! Enterprises: their members and their organizations. For the team and enterprise plans.

use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use crate::endpoint::endpoints;
use crate::open_enum::open_enum;
use crate::paging::numbered;
use crate::{Data, Empty, Id, MaybeData, de};

endpoints! { "enterprises";
    /// Adds a member to an enterprise.
    ///
    /// One user for each call, one call at a time. Error: 777074011 (no room for more members).
    /// Source: <https://www.coze.cn/open/docs/developer_guides/add_enterprise_member>
    AddEnterpriseMembers = POST "/v1/enterprises/{enterprise_id}/members" (enterprise_id) "Enterprise.batchAddPeople" {
        query: Empty, body: Json AddEnterpriseMembersBody, reply: Empty
    }

    /// Changes the role of a member of an enterprise.
    ///
    /// Source: <https://www.coze.cn/open/docs/developer_guides/update_enterprise_people>
    UpdateEnterpriseMember = PUT "/v1/enterprises/{enterprise_id}/members/{user_id}" (enterprise_id, user_id) "Enterprise.updatePeople" {
        query: Empty, body: Json UpdateEnterpriseMemberBody, reply: Empty
    }

    /// Removes a member from an enterprise; what the member owns goes to somebody else.
    ///
    /// The body goes with a DELETE.
    /// Source: <https://www.coze.cn/open/docs/developer_guides/remove_enterprise_member>
    RemoveEnterpriseMember = DELETE "/v1/enterprises/{enterprise_id}/members/{user_id}" (enterprise_id, user_id) "Enterprise.removePeople" {
        query: Empty, body: Json RemoveEnterpriseMemberBody, reply: Empty
    }

    /// Creates an organization in an enterprise.
    ///
    /// Source: <https://www.coze.cn/open/docs/developer_guides/create_organization>
    CreateOrganization = POST "/v1/enterprises/{enterprise_id}/organizations" (enterprise_id) "Enterprise.createOrganization" {
        query: Empty, body: Json CreateOrganizationBody, reply: MaybeData<CreatedOrganization>
    }

    /// Lists the organizations of an enterprise.
    ///
    /// Source: <https://www.coze.cn/open/docs/developer_guides/list_organization>
    ListOrganizations = GET "/v1/enterprises/{enterprise_id}/organizations" (enterprise_id) "Enterprise.listOrganization" {
        query: ListOrganizationsQuery, body: None Empty, reply: Data<OrganizationList>
    }
}

numbered! {
    ListOrganizations by page_num, 20;
    |page| page.data.items => Organization;
    total page.data.total_count
}

open_enum! {
    /// What a member may do in an enterprise.
    EnterpriseRole {
        /// Uses what is there.
        Member = "enterprise_member",
        /// Manages the enterprise.
        Admin = "enterprise_admin",
    }
}

/// Body of [`AddEnterpriseMembers`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddEnterpriseMembersBody {
    /// Who is added: exactly one.
    pub users: Vec<EnterpriseMember>,
}

/// A user who is added to an enterprise.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnterpriseMember {
    /// The user.
    pub user_id: Id,
    /// What the user may do.
    pub role: EnterpriseRole,
}

/// Body of [`UpdateEnterpriseMember`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UpdateEnterpriseMemberBody {
    /// What the member may do from now on.
    pub role: EnterpriseRole,
}

/// Body of [`RemoveEnterpriseMember`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RemoveEnterpriseMemberBody {
    /// Who gets the workspaces, agents and workflows: an administrator of the enterprise.
    pub receiver_user_id: Id,
}

/// Body of [`CreateOrganization`].
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreateOrganizationBody {
    /// Up to 30 characters.
    pub name: String,
    /// Who manages it: a member of the enterprise.
    pub super_admin_user_id: Id,
    /// Up to 100 characters; empty by default.
    pub description: Option<String>,
}

/// Payload of [`CreateOrganization`].
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreatedOrganization {
    /// The organization. The documentation has it, the official Python SDK expects nothing.
    pub organization_id: Option<Id>,
}

/// Query of [`ListOrganizations`].
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListOrganizationsQuery {
    /// From 1.
    #[serde(default, deserialize_with = "de::int_opt")]
    pub page_num: Option<i64>,
    /// Up to 20; 20 by default.
    #[serde(default, deserialize_with = "de::int_opt")]
    pub page_size: Option<i64>,
}

/// Payload of [`ListOrganizations`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrganizationList {
    /// The organizations of this page.
    #[serde(default, deserialize_with = "de::null_default")]
    pub items: Vec<Organization>,
    /// How many there are on all pages.
    #[serde(default, deserialize_with = "de::int")]
    pub total_count: i64,
}

/// An organization in a list.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Organization {
    /// The id.
    pub organization_id: Id,
    /// The name.
    pub organization_name: Option<String>,
    /// The picture.
    pub organization_icon_url: Option<String>,
    /// It is the one that every enterprise has.
    pub is_default_organization: Option<bool>,
}
