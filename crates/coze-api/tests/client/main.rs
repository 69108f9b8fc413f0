//! The client against bytes on real sockets. What a server sends, and what it must receive, is
//! spelt here as text: the types under test are not used to say what is expected.

#![expect(clippy::unwrap_used, reason = "a test may fail")]

mod auth;
mod auth_secrets;
mod bodies;
mod broken;
mod chats;
mod cuts;
mod downloads;
mod drops;
mod encodings;
mod framings;
mod guard;
mod hosts;
mod jwt;
mod kept;
mod limits;
mod oauth;
mod observed;
mod paging;
mod polling;
mod proxies;
mod recovery;
mod replies;
mod resumes;
mod retries;
mod rows;
mod runs;
mod server;
mod setup;
mod shown;
mod streams;
mod timeouts;
mod tls;
mod traces;
mod unrecovered;
mod uploads;
mod workflows;
