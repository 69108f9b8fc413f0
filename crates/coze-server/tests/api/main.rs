//! The server over the wire: bytes, states, limits, races and bad input.
//!
//! Requests are written and answers are read as JSON values and raw bytes, never through the types
//! that the server itself uses: a field misspelt there must show here.
#![expect(clippy::unwrap_used, reason = "a test may fail")]

mod abilities;
mod audio;
mod auth;
mod bills;
mod bots;
mod bots_refused;
mod callback_apps;
mod canvas;
mod channels;
mod chat_bytes;
mod chat_cancel;
mod chat_states;
mod commerce;
mod config;
mod control;
mod conversations;
mod coze_provider;
mod durability;
mod faults;
mod files;
mod framing;
mod harness;
mod hostile;
mod knowledge;
mod knowledge_chat;
mod knowledge_formats;
mod knowledge_nodes;
mod knowledge_vectors;
mod library;
mod mcp;
mod messages;
mod oauth;
mod offline;
mod openai;
mod operate;
mod peer;
mod people;
mod plan;
mod plugins;
mod random;
mod receiver;
mod reload;
mod routing;
mod schema;
mod seed;
mod shortcuts;
mod slow_reader;
mod space;
mod stop;
mod strangers;
mod studio;
mod suggest;
mod testserver;
mod tokens;
mod traffic;
mod validation;
mod validation_messages;
mod voiceprints;
mod workflow_bytes;
mod workflow_tools;
mod workflows;
