//! Workspaces: where agents, workflows and apps live, and who works there.

use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use crate::endpoint::endpoints;
use crate::open_enum::open_enum;
use crate::paging::numbered;
use crate::{Data, Empty, Id, de};

endpoints! { "workspaces";
    /// Lists the workspaces that a user has made or joined.
    ///
    /// Source: <https://www.coze.cn/open/docs/developer_guides/list_workspace>
    ListWorkspaces = GET "/v1/workspaces" () "listWorkspace" {
        query: ListWorkspacesQuery, body: None Empty, reply: Data<WorkspaceList>
    }

    /// Creates a workspace.
    ///
    /// Source: <https://www.coze.cn/open/docs/developer_guides/create_workspace>
    CreateWorkspace = POST "/v1/workspaces" () "createWorkspace" {
        query: Empty, body: Json CreateWorkspaceBody, reply: Data<CreatedWorkspace>
    }

    /// Changes name and description of a workspace.
    ///
    /// Error: 4014 (the text breaks the rules of content). Source:
    /// <https://www.coze.cn/open/docs/developer_guides/update_workspace_info>
    UpdateWorkspace = PUT "/v1/workspaces/{workspace_id}" (workspace_id) "Workspace.update" {
        query: Empty, body: Json UpdateWorkspaceBody, reply: Empty
    }

    /// Lists the members of a workspace.
    ///
    /// Source: <https://www.coze.cn/open/docs/developer_guides/list_space_member>
    ListWorkspaceMembers = GET "/v1/workspaces/{workspace_id}/members" (workspace_id) "readMember" {
        query: ListWorkspaceMembersQuery, body: None Empty, reply: Data<WorkspaceMemberList>
    }

    /// Adds members to a workspace, up to 20 at once.
    ///
    /// Enterprise plans add them at once; personal plans invite them, and they join when they
    /// accept. The reply says what became of each. Source:
    /// <https://www.coze.cn/open/docs/developer_guides/add_space_member>
    AddWorkspaceMembers = POST "/v1/workspaces/{workspace_id}/members" (workspace_id) "addMember" {
        query: Empty, body: Json AddWorkspaceMembersBody, reply: Data<AddedWorkspaceMembers>
    }

    /// Removes members from a workspace, up to 5 at once; its owner cannot be removed.
    ///
    /// One of the few DELETE calls with a body. The reply says what became of each. Source:
    /// <https://www.coze.cn/open/docs/developer_guides/remove_space_member>
    RemoveWorkspaceMembers = DELETE "/v1/workspaces/{workspace_id}/members" (workspace_id)
        "removeMember" {
        query: Empty, body: Json RemoveWorkspaceMembersBody, reply: Data<RemovedWorkspaceMembers>
    }
}

numbered! {
    ListWorkspaces by page_num, 50;
    |page| page.data.workspaces => Workspace;
    total page.data.total_count
}

numbered! {
    ListWorkspaceMembers by page_num, 50;
    |page| page.data.items => WorkspaceMember;
    total page.data.total_count
}

/// Query of [`ListWorkspaces`].
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListWorkspacesQuery {
    /// From 1.
    #[serde(default, deserialize_with = "de::int_opt")]
    pub page_num: Option<i64>,
    /// Up to 50; 20 by default.
    #[serde(default, deserialize_with = "de::int_opt")]
    pub page_size: Option<i64>,
    /// Only those of this enterprise; enterprise plans only, and not together with `user_id`.
    pub enterprise_id: Option<Id>,
    /// Those of this user instead of the token's; together with `coze_account_id` only.
    pub user_id: Option<Id>,
    /// The organization, or for personal plans the user; together with `user_id` only.
    pub coze_account_id: Option<Id>,
}

/// Payload of [`ListWorkspaces`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkspaceList {
    /// The workspaces of this page.
    #[serde(default, deserialize_with = "de::null_default")]
    pub workspaces: Vec<Workspace>,
    /// How many there are on all pages.
    #[serde(default, deserialize_with = "de::int")]
    pub total_count: i64,
}

open_enum! {
    /// What a user may do in a workspace.
    WorkspaceRole {
        /// Works in it.
        Member = "member",
        /// Manages it.
        Admin = "admin",
        /// Owns it; nobody can be made owner by a call.
        Owner = "owner",
    }
}

open_enum! {
    /// The kind of a workspace.
    WorkspaceType {
        /// Of one person.
        Personal = "personal",
        /// Of a team.
        Team = "team",
    }
}

open_enum! {
    /// Whether a user belongs to a workspace.
    JoinedStatus {
        /// They do.
        Joined = "joined",
    }
}

/// A workspace.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Workspace {
    /// The id.
    pub id: Id,
    /// The name.
    #[serde(default, deserialize_with = "de::null_default")]
    pub name: String,
    /// The picture.
    #[serde(default, deserialize_with = "de::null_default")]
    pub icon_url: String,
    /// What it is for.
    pub description: Option<String>,
    /// What the user may do in it.
    #[serde(default, deserialize_with = "de::null_default")]
    pub role_type: WorkspaceRole,
    /// The kind.
    #[serde(default, deserialize_with = "de::null_default")]
    pub workspace_type: WorkspaceType,
    /// The enterprise; `""` for personal ones.
    #[serde(default, deserialize_with = "de::null_default")]
    pub enterprise_id: Id,
    /// Who owns it.
    pub owner_uid: Option<Id>,
    /// Who manages it.
    pub admin_uids: Option<Vec<Id>>,
    /// Whether the user belongs to it.
    pub joined_status: Option<JoinedStatus>,
}

/// Body of [`CreateWorkspace`].
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreateWorkspaceBody {
    /// Up to 50 characters.
    pub name: String,
    /// Up to 2,000 characters.
    pub description: String,
    /// The picture: an uploaded file, which is then kept for ever.
    pub icon_file_id: Option<Id>,
    /// The organization that it is made in; the token's own account by default.
    pub coze_account_id: Option<Id>,
    /// Its owner, a member of the organization; the token's owner by default.
    pub owner_uid: Option<Id>,
}

/// Payload of [`CreateWorkspace`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreatedWorkspace {
    /// The new workspace.
    pub id: Id,
}

/// Body of [`UpdateWorkspace`]; what is missing or empty stays as it is.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UpdateWorkspaceBody {
    /// Up to 50 characters.
    pub name: Option<String>,
    /// Up to 2,000 characters.
    pub description: Option<String>,
}

/// Query of [`ListWorkspaceMembers`].
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListWorkspaceMembersQuery {
    /// From 1.
    #[serde(default, deserialize_with = "de::int_opt")]
    pub page_num: Option<i64>,
    /// 1 to 50; 20 by default.
    #[serde(default, deserialize_with = "de::int_opt")]
    pub page_size: Option<i64>,
}

/// Payload of [`ListWorkspaceMembers`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkspaceMemberList {
    /// The members of this page.
    #[serde(default, deserialize_with = "de::null_default")]
    pub items: Vec<WorkspaceMember>,
    /// How many there are on all pages.
    #[serde(default, deserialize_with = "de::int")]
    pub total_count: i64,
}

/// A member of a workspace.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkspaceMember {
    /// The user.
    pub user_id: Id,
    /// What they may do.
    #[serde(default, deserialize_with = "de::null_default")]
    pub role_type: WorkspaceRole,
    /// The shown name.
    #[serde(default, deserialize_with = "de::null_default")]
    pub user_nickname: String,
    /// The unique name.
    #[serde(default, deserialize_with = "de::null_default")]
    pub user_unique_name: String,
    /// The picture.
    pub avatar_url: Option<String>,
}

/// Body of [`AddWorkspaceMembers`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddWorkspaceMembersBody {
    /// Up to 20.
    #[serde(default, deserialize_with = "de::null_default")]
    pub users: Vec<NewWorkspaceMember>,
}

/// A member to add.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewWorkspaceMember {
    /// The user.
    pub user_id: Id,
    /// What they may do: `admin` or `member`.
    pub role_type: WorkspaceRole,
}

/// Payload of [`AddWorkspaceMembers`]: what became of each user.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddedWorkspaceMembers {
    /// Added; enterprise plans.
    #[serde(default, deserialize_with = "de::null_default")]
    pub added_success_user_ids: Vec<Id>,
    /// Invited; personal plans.
    #[serde(default, deserialize_with = "de::null_default")]
    pub invited_success_user_ids: Vec<Id>,
    /// There is no such user.
    #[serde(default, deserialize_with = "de::null_default")]
    pub not_exist_user_ids: Vec<Id>,
    /// Members already.
    #[serde(default, deserialize_with = "de::null_default")]
    pub already_joined_user_ids: Vec<Id>,
    /// Invited before, and yet to accept.
    #[serde(default, deserialize_with = "de::null_default")]
    pub already_invited_user_ids: Vec<Id>,
}

/// Body of [`RemoveWorkspaceMembers`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RemoveWorkspaceMembersBody {
    /// Up to 5.
    #[serde(default, deserialize_with = "de::null_default")]
    pub user_ids: Vec<Id>,
}

/// Payload of [`RemoveWorkspaceMembers`]: what became of each user.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RemovedWorkspaceMembers {
    /// Removed.
    #[serde(default, deserialize_with = "de::null_default")]
    pub removed_success_user_ids: Vec<Id>,
    /// Were no members.
    #[serde(default, deserialize_with = "de::null_default")]
    pub not_in_workspace_user_ids: Vec<Id>,
    /// Own the workspace, so they stay.
    #[serde(default, deserialize_with = "de::null_default")]
    pub owner_not_support_remove_user_ids: Vec<Id>,
}
