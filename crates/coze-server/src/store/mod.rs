//! What the server remembers.
//!
//! [`Db`] runs units of work: closures over a [`Unit`], each one transaction. A write has reached
//! the disk when its future is ready; that is what lets the server answer. [`Unit`] is the trait
//! behind which a storage engine stands; SQLite is the one built in.

mod api_apps;
mod apps;
mod backup;
mod bills;
mod bots;
mod chats;
mod chunks;
mod collaborators;
mod connectors;
mod conversations;
mod copies;
mod copy;
mod datasets;
mod documents;
mod enterprises;
mod files;
mod limitations;
mod messages;
mod oauth;
mod page;
mod runs;
mod spaces;
mod sqlite;
mod tokens;
mod usage;
mod users;
mod variables;
mod voiceprints;
mod voices;

use std::path::Path;

use coze_types::chat::Chat;

pub(crate) use api_apps::{ApiAppRecord, ApiApps, Audience, CallbackRecord};
pub(crate) use apps::{AppRecord, Apps};
pub use backup::{Backup, backup, restore};
pub(crate) use bills::{BillRecord, BillTaskFilter, BillTaskRecord, Bills};
pub(crate) use bots::{
    BotFilter, BotRecord, BotVersionRecord, Bots, Channel, ListedBot, Publication,
};
pub(crate) use chats::{ChatRecord, Chats, Turn, TurnCall};
pub(crate) use chunks::{Chunks, FoundChunk, NewChunk};
pub(crate) use collaborators::{Collaborators, EntityKind};
pub(crate) use connectors::{Connectors, DeviceRecord};
pub(crate) use conversations::{Conversations, NamedConversation};
pub(crate) use copies::{Copies, CopyRecord, WorkflowRecord};
pub(crate) use datasets::{DatasetFilter, DatasetRecord, Datasets};
pub(crate) use documents::{DatasetTotals, DocumentFilter, DocumentRecord, Documents};
pub(crate) use enterprises::{Enterprises, OrganizationRecord};
pub(crate) use files::Files;
pub(crate) use limitations::{LimitationFilter, Limitations};
pub(crate) use messages::{MessageFilter, Messages};
pub(crate) use oauth::{Asked, LoginRecord, LoginStage, Logins};
pub(crate) use runs::{NodeOutputRecord, RunRecord, Runs};
pub(crate) use spaces::{SpaceFilter, SpaceRecord, Spaces};
pub(crate) use sqlite::Db;
pub(crate) use tokens::{TokenKind, TokenRecord, Tokens};
pub(crate) use usage::UsageTable;
pub(crate) use users::{Membership, UserRecord, Users};
pub(crate) use variables::{VariableOwner, VariableRecord, Variables};
pub(crate) use voiceprints::{GroupFilter, GroupRecord, PrintRecord, Voiceprints};
pub(crate) use voices::{VoiceRecord, Voices};

/// Why the store could not do its work.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The storage engine failed.
    #[error("the database failed: {0}")]
    Sqlite(#[from] rusqlite::Error),
    /// A transaction did not reach the disk.
    #[error("the database could not be written: {0}")]
    Commit(String),
    /// A column holds what it must not.
    #[error("the database holds what it must not: {0}")]
    Corrupt(#[from] serde_json::Error),
    /// The folder or a file in it cannot be used.
    #[error("{path}: {source}")]
    Io {
        /// The file or folder.
        path: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// The database was written by a newer version.
    #[error(
        "{path} was written by a newer version (schema {found}, this version knows {known}); \
         use that version, or another data folder"
    )]
    TooNew {
        /// The database file.
        path: String,
        /// Its schema version.
        found: i64,
        /// The newest schema version known here.
        known: i64,
    },
    /// Another server uses the same data folder.
    #[error("{path} is in use by another server; stop it, or use another data folder")]
    InUse {
        /// The database file.
        path: String,
    },
    /// A folder that has something in it, where an empty one is wanted.
    #[error("{path} is not empty")]
    NotEmpty {
        /// The folder.
        path: String,
    },
    /// A backup that is not what it should be.
    #[error("{path} is no backup that can be used: {why}")]
    Backup {
        /// The folder.
        path: String,
        /// What is wrong.
        why: String,
    },
    /// The store has been shut down.
    #[error("the database is closed")]
    Closed,
}

impl StoreError {
    /// The disk is to blame: what failed can be done again when there is room.
    pub(crate) fn is_unwritable(&self) -> bool {
        use rusqlite::ErrorCode;
        match self {
            Self::Commit(_) | Self::Io { .. } => true,
            Self::Sqlite(error) => matches!(
                error.sqlite_error_code(),
                Some(ErrorCode::DiskFull | ErrorCode::ReadOnly | ErrorCode::SystemIoFailure)
            ),
            _ => false,
        }
    }

    pub(crate) fn io(path: &Path, source: std::io::Error) -> Self {
        Self::Io {
            path: path.display().to_string(),
            source,
        }
    }
}

pub(crate) type Result<T, E = StoreError> = std::result::Result<T, E>;

/// One unit of work: everything that is done through it happens, or nothing.
pub(crate) trait Unit:
    Conversations
    + Messages
    + Chats
    + Files
    + Runs
    + Users
    + Bots
    + Collaborators
    + Apps
    + Variables
    + Copies
    + Datasets
    + Documents
    + Chunks
    + Voices
    + Voiceprints
    + Spaces
    + Enterprises
    + Tokens
    + Logins
    + UsageTable
    + Connectors
    + ApiApps
    + Limitations
    + Bills
{
    /// The largest id in use, so that a clock that went backwards cannot make an id twice.
    fn largest_id(&self) -> Result<i64>;
}

/// The wire form of a chat is part of its record.
impl ChatRecord {
    pub(crate) fn id(&self) -> i64 {
        number(&self.chat.id)
    }

    pub(crate) fn wire(&self) -> Chat {
        self.chat.clone()
    }
}

/// The number behind an id; -1, which nothing has, when it is none.
pub(crate) fn number(id: &str) -> i64 {
    id.parse().unwrap_or(-1)
}

fn json<T: serde::Serialize>(value: &T) -> Result<String> {
    Ok(serde_json::to_string(value)?)
}

fn json_opt<T: serde::Serialize>(value: Option<&T>) -> Result<Option<String>> {
    value.map(json).transpose()
}

fn parse<T: serde::de::DeserializeOwned>(text: &str) -> Result<T> {
    Ok(serde_json::from_str(text)?)
}

fn parse_opt<T: serde::de::DeserializeOwned>(text: Option<String>) -> Result<Option<T>> {
    text.map(|text| parse(&text)).transpose()
}
