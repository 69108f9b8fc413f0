//! The real binary, run as a user runs it: exit code, stdout and stderr.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod api;
mod backup;
mod chat;
mod crash;
#[cfg(target_os = "linux")]
mod disk;
mod errors;
mod fake;
mod help;
#[cfg(target_os = "linux")]
mod idle;
mod interrupts;
mod local;
mod operate;
mod serve;
mod support;
mod terminal;
mod workflow;
