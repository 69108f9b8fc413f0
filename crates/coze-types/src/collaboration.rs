//! Collaboration: who besides its owner may edit an agent, a workflow or an app.

use serde::{Deserialize, Serialize};

use crate::open_enum::open_enum;
use crate::{Id, de};

open_enum! {
    /// Who may edit something.
    CollaborationMode {
        /// Its owner.
        Single = "single",
        /// Its owner and the collaborators that are added.
        Collaboration = "collaboration",
    }
}

/// Body of the rows that set the collaboration mode.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CollaborationModeBody {
    /// Who may edit it.
    pub collaboration_mode: CollaborationMode,
}

/// Body of the rows that add a collaborator.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddCollaboratorBody {
    /// Exactly one, although it is a list.
    #[serde(default, deserialize_with = "de::null_default")]
    pub collaborators: Vec<Collaborator>,
}

/// A user who may edit something.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Collaborator {
    /// The user; a member of the workspace.
    pub user_id: Id,
}
