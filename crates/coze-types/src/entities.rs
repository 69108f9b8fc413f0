//! Entities: copying agents, apps and workflows, also from one workspace to another.

use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use crate::endpoint::endpoints;
use crate::open_enum::open_enum;
use crate::{Data, Empty, Id, de};

endpoints! { "entities";
    /// Copies an agent, an app or a workflow.
    ///
    /// An agent is copied within its workspace at once, and the reply names the copy. All else
    /// takes a while: the reply names a task, whose end [`RetrieveCopyTask`] tells. Source:
    /// <https://www.coze.cn/open/docs/developer_guides/copy_resource_task>
    CopyEntity = POST "/v1/entities/copy_tasks" () "Bot.duplicate" {
        query: Empty, body: Json CopyEntityBody, reply: Data<CopyStarted>
    }

    /// Reads how far a copy is, and what went wrong.
    ///
    /// Source: <https://www.coze.cn/open/docs/developer_guides/query_resource_copy_execution_result>
    RetrieveCopyTask = GET "/v1/entities/copy_tasks/{task_id}" (task_id) "" {
        query: Empty, body: None Empty, reply: Data<CopyTask>
    }
}

open_enum! {
    /// What an entity is. The first three can be copied; the others are parts of them.
    EntityType {
        /// An agent.
        Bot = "bot",
        /// An app.
        App = "app",
        /// A workflow.
        Workflow = "workflow",
        /// A plugin.
        Plugin = "plugin",
        /// The pages of an app.
        Ui = "ui",
        /// A dataset.
        Knowledge = "knowledge",
        /// A database.
        Database = "database",
        /// A variable.
        Variable = "variable",
        /// A trigger.
        Trigger = "trigger",
        /// A prompt.
        Prompt = "prompt",
        /// A shortcut.
        Shortcut = "shortcut",
    }
}

/// Body of [`CopyEntity`].
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CopyEntityBody {
    /// What is copied.
    pub entity_id: Id,
    /// What it is: `bot`, `app` or `workflow`.
    pub entity_type: EntityType,
    /// The workspace that gets the copy, of the same enterprise or team; its own by default.
    pub to_workspace_id: Option<Id>,
}

/// Payload of [`CopyEntity`]: one of the two.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CopyStarted {
    /// The copy, when it is done.
    pub copied_entity_id: Option<Id>,
    /// The task, when it takes a while.
    pub task_id: Option<Id>,
}

open_enum! {
    /// How far a copy is.
    CopyTaskStatus {
        /// It goes on.
        InProgress = "in_progress",
        /// It is done.
        Successful = "successful",
        /// It failed.
        Failed = "failed",
    }
}

/// A copy that takes a while.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CopyTask {
    /// The task.
    #[serde(default, deserialize_with = "de::null_default")]
    pub task_id: Id,
    /// What is copied.
    #[serde(default, deserialize_with = "de::null_default")]
    pub entity_type: EntityType,
    /// How far it is.
    pub task_status: CopyTaskStatus,
    /// The original.
    pub source_entity_id: Option<Id>,
    /// The copy.
    pub target_entity_id: Option<Id>,
    /// The workspace that gets the copy.
    pub target_workspace_id: Option<Id>,
    /// Why it failed, part by part.
    #[serde(default, deserialize_with = "de::null_default")]
    pub failed_reasons: Vec<CopyFailure>,
}

/// A part that could not be copied.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CopyFailure {
    /// The part.
    #[serde(default, deserialize_with = "de::null_default")]
    pub entity_id: Id,
    /// Its name.
    #[serde(default, deserialize_with = "de::null_default")]
    pub entity_name: String,
    /// What it is.
    #[serde(default, deserialize_with = "de::null_default")]
    pub entity_type: EntityType,
    /// Why.
    #[serde(default, deserialize_with = "de::null_default")]
    pub failed_reason: String,
}
