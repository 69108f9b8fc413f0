//! The client for programs without tokio, against bytes on real sockets.

#![expect(clippy::unwrap_used, reason = "a test may fail")]

mod bytes;
mod calls;
mod drops;
mod flows;
#[allow(dead_code, reason = "the tests of the other client use the rest of it")]
#[path = "../client/server.rs"]
mod server;
mod setup;
mod threads;
mod twins;
