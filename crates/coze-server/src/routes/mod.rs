//! The handlers, one file per API group.

pub(crate) mod api_apps;
pub(crate) mod apps;
pub(crate) mod audio;
pub(crate) mod bills;
pub(crate) mod bots;
pub(crate) mod chat;
pub(crate) mod collaboration;
pub(crate) mod commerce;
pub(crate) mod connectors;
pub(crate) mod conversations;
pub(crate) mod datasets;
pub(crate) mod documents;
pub(crate) mod entities;
pub(crate) mod files;
pub(crate) mod folders;
pub(crate) mod messages;
pub(crate) mod organizations;
pub(crate) mod plugins;
pub(crate) mod runs;
pub(crate) mod templates;
pub(crate) mod tokens;
pub(crate) mod users;
pub(crate) mod variables;
pub(crate) mod voiceprints;
pub(crate) mod workflows;
pub(crate) mod workspaces;
