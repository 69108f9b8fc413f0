//! Templates: agents of the store to start from.

use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use crate::endpoint::endpoints;
use crate::open_enum::open_enum;
use crate::{Data, Empty, Id, de};

endpoints! { "templates";
    /// Copies a template into a workspace.
    ///
    /// It has no page of its own; the official SDKs are the source:
    /// <https://www.coze.cn/open/docs/developer_guides/coze_api_overview>
    DuplicateTemplate = POST "/v1/templates/{template_id}/duplicate" (template_id) "" {
        query: Empty, body: Json DuplicateTemplateBody, reply: Data<DuplicatedTemplate>
    }
}

/// Body of [`DuplicateTemplate`].
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DuplicateTemplateBody {
    /// The workspace that gets the copy.
    pub workspace_id: Id,
    /// The name of the copy; that of the template by default.
    pub name: Option<String>,
}

open_enum! {
    /// What a template is a template of.
    TemplateEntityType {
        /// An agent.
        Agent = "agent",
    }
}

/// Payload of [`DuplicateTemplate`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DuplicatedTemplate {
    /// The copy.
    pub entity_id: Id,
    /// What it is.
    #[serde(default, deserialize_with = "de::null_default")]
    pub entity_type: TemplateEntityType,
}
