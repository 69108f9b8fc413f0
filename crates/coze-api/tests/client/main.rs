//! The client against bytes on real sockets. What a server sends, and what it must receive, is
//! spelt here as text: the types under test are not used to say what is expected.

#![expect(clippy::unwrap_used, reason = "a test may fail")]

mod bodies;
mod broken;
mod chats;
mod cuts;
mod drops;
mod guard;
mod kept;
mod limits;
mod polling;
mod recovery;
mod replies;
mod resumes;
mod rows;
mod runs;
mod server;
mod setup;
mod streams;
mod timeouts;
mod traces;
mod unrecovered;
mod uploads;
mod workflows;
