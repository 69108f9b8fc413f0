//! Apps: workflows, data and pages that belong together; called projects in some places.

use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use crate::bots::BotVariable;
use crate::collaboration::AddCollaboratorBody;
use crate::endpoint::endpoints;
use crate::paging::numbered;
use crate::workflows::PublishStatus;
use crate::{Data, Empty, Id, Timestamp, de};

endpoints! { "apps";
    /// Lists the apps of a workspace.
    ///
    /// Source: <https://www.coze.cn/open/docs/developer_guides/published_apps_list>
    ListApps = GET "/v1/apps" () "listApp" {
        query: ListAppsQuery, body: None Empty, reply: Data<AppList>
    }

    /// Reads an app as last published.
    ///
    /// Only the open-source server and the vendor's chat SDK know it. An app that is not published
    /// to the channel is answered with `null`, which reads as an error. Its source:
    /// <https://github.com/coze-dev/coze-studio>
    RetrieveApp = GET "/v1/apps/{app_id}" (app_id) "" {
        query: RetrieveAppQuery, body: None Empty, reply: Data<App>
    }

    /// Lets a member of the workspace edit an app.
    ///
    /// Source: <https://www.coze.cn/open/docs/developer_guides/add_app_collaborator>
    AddAppCollaborator = POST "/v1/apps/{app_id}/collaborators" (app_id) "Project.addCollaborator" {
        query: Empty, body: Json AddCollaboratorBody, reply: Empty
    }

    /// Takes the right to edit an app away from a user.
    ///
    /// Workflows, plugins and other things they made in it go to its owner. Source:
    /// <https://www.coze.cn/open/docs/developer_guides/remove_app_collaborator>
    RemoveAppCollaborator = DELETE "/v1/apps/{app_id}/collaborators/{user_id}" (app_id, user_id)
        "Project.removeCollaborator" {
        query: Empty, body: None Empty, reply: Empty
    }
}

numbered! {
    ListApps by page_num, 20;
    |page| page.data.items => SimpleApp;
    total page.data.total
}

/// Query of [`ListApps`].
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListAppsQuery {
    /// The workspace; required.
    pub workspace_id: Id,
    /// The published ones by default.
    pub publish_status: Option<PublishStatus>,
    /// Only those published to this channel; `1024` (API) by default.
    pub connector_id: Option<Id>,
    /// From 1. The Python SDK calls it `page_index`.
    #[serde(default, alias = "page_index", deserialize_with = "de::int_opt")]
    pub page_num: Option<i64>,
    /// 20 by default.
    #[serde(default, deserialize_with = "de::int_opt")]
    pub page_size: Option<i64>,
}

/// Payload of [`ListApps`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppList {
    /// The apps of this page.
    #[serde(default, deserialize_with = "de::null_default")]
    pub items: Vec<SimpleApp>,
    /// How many there are on all pages.
    #[serde(default, deserialize_with = "de::int")]
    pub total: i64,
}

/// An app in a list.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SimpleApp {
    /// The id.
    pub id: Id,
    /// The name.
    #[serde(default, deserialize_with = "de::null_default")]
    pub name: String,
    /// What it is for.
    #[serde(default, deserialize_with = "de::null_default")]
    pub description: String,
    /// The picture.
    #[serde(default, deserialize_with = "de::null_default")]
    pub icon_url: String,
    /// It is published.
    #[serde(default, deserialize_with = "de::null_default")]
    pub is_published: bool,
    /// Who owns it.
    #[serde(default, deserialize_with = "de::null_default")]
    pub owner_user_id: Id,
    /// When it was last changed, in seconds.
    #[serde(default)]
    pub updated_at: Timestamp,
    /// When it was last published, in seconds; missing when it never was.
    pub published_at: Option<Timestamp>,
    /// The folder it lies in.
    pub folder_id: Option<Id>,
}

/// Query of [`RetrieveApp`].
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RetrieveAppQuery {
    /// The channel that it is published to.
    pub connector_id: Option<Id>,
}

/// An app.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct App {
    /// The id.
    pub app_id: Id,
    /// The published version.
    pub version: Option<String>,
    /// The name.
    #[serde(default, deserialize_with = "de::null_default")]
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
    /// The picture.
    #[serde(default, deserialize_with = "de::null_default")]
    pub icon_url: String,
    /// Its variables.
    pub variables: Option<Vec<BotVariable>>,
}
