//! The Coze (扣子) Open API, written once.
//!
//! This crate is the wire: the table of endpoints, the types of their requests, replies and events,
//! the envelope, server-sent events, and the catalogue of errors. The client sends these rows, the
//! local server routes them, so there is one place where a field is spelt. It knows nothing of
//! HTTP clients, servers, files or time.
//!
//! - [`endpoint`]: what a row is; [`endpoints()`] lists all of them.
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

pub mod auth;
pub mod bots;
pub mod catalogue;
pub mod chat;
pub mod chat_event;
pub mod conversations;
pub mod endpoint;
pub mod files;
pub mod messages;
pub mod runs;
pub mod sse;
pub mod status;
pub mod stream;
pub mod users;
pub mod workflow_event;
pub mod workflows;

pub use chat_event::ChatEvent;
pub use delta::DeltaMemory;
pub use endpoint::{Endpoint, Info, Method, Streams};
pub use id::{Id, Timestamp};
pub use reply::{Data, Empty, StreamOnly};
pub use secret::Secret;
pub use status::Status;
pub use stream::StreamEvent;
pub use workflow_event::{WorkflowEvent, WorkflowEventData};

/// All rows, group by group.
pub fn endpoints() -> impl Iterator<Item = &'static Info> {
    [
        chat::ROWS,
        messages::ROWS,
        conversations::ROWS,
        workflows::ROWS,
        runs::ROWS,
        files::ROWS,
        bots::ROWS,
        users::ROWS,
        auth::ROWS,
    ]
    .into_iter()
    .flatten()
    .copied()
}
