//! The Coze (扣子) Open API, written once.
//!
//! This crate is the wire: the table of endpoints, the types of their requests, replies and events,
//! the envelope, server-sent events, and the catalogue of errors. The client sends these rows, the
//! local server routes them, so there is one place where a field is spelt. It knows nothing of
//! HTTP clients, servers, files or time.
//!
//! - [`endpoint`]: what a row is; [`endpoints()`] lists all of them, [`visit()`] shows their types;
//!   [`paging`]: rows that are lists.
//! - one module per API group: the rows on top, their types below.
//! - [`status`]: the envelope; [`sse`]: frames both ways; [`stream`]: what all events share.
//! - [`catalogue`]: what each error code means and how to mend it, in English and Chinese.
//!
//! Two rules shape the types. Servers drift, so unknown events and enum values are kept, ids and
//! numbers are read from text and number alike, and `null` counts as missing. Official clients are
//! strict, so what is written is exactly what the reference documents.

mod de;
mod delta;
mod id;
mod open_enum;
mod reply;
mod secret;

pub mod api_apps;
pub mod apps;
pub mod audio;
pub mod auth;
pub mod bots;
pub mod catalogue;
pub mod chat;
pub mod chat_event;
pub mod collaboration;
pub mod commerce;
pub mod connectors;
pub mod conversations;
pub mod datasets;
pub mod documents;
pub mod endpoint;
pub mod enterprises;
pub mod entities;
pub mod files;
pub mod folders;
pub mod knowledge;
pub mod messages;
pub mod organizations;
pub mod paging;
pub mod plugins;
pub mod rooms;
pub mod runs;
pub mod sse;
pub mod status;
pub mod stream;
pub mod templates;
pub mod users;
pub mod variables;
pub mod voiceprints;
pub mod workflow_event;
pub mod workflows;
pub mod workspaces;

pub use chat_event::ChatEvent;
pub use delta::DeltaMemory;
pub use endpoint::{Downloads, Endpoint, Info, Method, RowVisitor, Streams};
pub use id::{Id, Timestamp};
pub use paging::{Page, Paged};
pub use reply::{Binary, Data, Empty, MaybeData, StreamOnly};
pub use secret::Secret;
pub use status::Status;
pub use stream::StreamEvent;
pub use workflow_event::{WorkflowEvent, WorkflowEventData};

/// Names each group once.
macro_rules! groups {
    ($($group:ident)+) => {
        /// All rows, group by group.
        pub fn endpoints() -> impl Iterator<Item = &'static Info> {
            [$($group::ROWS),+].into_iter().flatten().copied()
        }

        /// Shows all rows with their types, group by group.
        pub fn visit(visitor: &mut impl RowVisitor) {
            $($group::visit(visitor);)+
        }
    };
}
groups! {
    chat messages conversations workflows runs files bots users
    datasets documents audio rooms voiceprints
    connectors api_apps enterprises organizations commerce plugins
    variables workspaces templates apps folders entities
    auth
}
