//! The Rust SDK for Coze (扣子): chat with agents, run workflows, lose no text.
//!
//! ```no_run
//! use coze_api::Coze;
//!
//! # async fn run() -> coze_api::Result<()> {
//! let coze = Coze::builder().token("pat_…").default_user("me").build()?;
//! let mut stream = coze.chat("7379462189365198898").message("你好").stream().await?;
//! while let Some(text) = stream.next_text().await {
//!     print!("{}", text?);
//! }
//! println!("\n{:?}", stream.usage());
//! # Ok(())
//! # }
//! ```
//!
//! # Finding your way
//!
//! | To | Use |
//! |---|---|
//! | set up a client | [`Coze::builder`], [`Coze::from_env`] |
//! | log in | [`CozeBuilder::token`], or [`CozeBuilder::auth`] with a [`JwtApp`] or an [`OAuthApp`] |
//! | talk to an agent | [`Coze::chat`]: [`stream`](ChatRequest::stream), [`reply`](ChatRequest::reply), [`poll`](ChatRequest::poll) |
//! | go on talking | [`Coze::conversation`], [`ChatRequest::conversation`] |
//! | send images and files | [`Coze::upload`], [`ChatRequest::image`], [`ChatRequest::file`] |
//! | carry out an agent's local tools | [`Reply::tool_calls`], [`Coze::submit_tool_outputs`] |
//! | run a workflow | [`Coze::workflow`]: [`run`](WorkflowRequest::run), [`stream`](WorkflowRequest::stream), [`start`](WorkflowRequest::start) |
//! | choose how and for how long it runs | [`RunBy`], [`WorkflowRequest::deadline`] |
//! | answer a workflow's question | [`RunInterrupt::resume`] |
//! | look at a run later | [`WorkflowRequest::wait`], [`Coze::run_history`], [`Coze::node_history`] |
//! | talk to a chatflow | [`WorkflowRequest::chat`] |
//! | get speech, or other bytes | [`Coze::download`] |
//! | read a list to its end | [`Coze::pages`] |
//! | take turns in a conversation | [`ChatRequest::if_occupied`] with [`Occupied`] |
//! | stay within a plan | [`CozeBuilder::limits`] with [`Limits`], [`Coze::limiter`] |
//! | call anything else | [`Coze::send`] with a row of [`types`], [`Coze::send_raw`] with any JSON |
//! | do without tokio | the module `blocking`, with the feature of that name |
//!
//! # What can be relied on
//!
//! - A stream that ends before its last event is recovered where the chat's history is saved: what
//!   was missing follows, nothing comes twice; see [`ChatStream`] and [`Recover`]. Elsewhere it is
//!   an error, never a quiet end, and whatever had arrived is in [`Error::partial`].
//! - A workflow run whose stream breaks is read from its history, when the stream had told the id
//!   of the run; [`StreamFailure::run`] says how to find it otherwise. None is run twice unless
//!   [`WorkflowRequest::may_run_twice`] allows it.
//! - Whatever goes wrong before the first event is an error of the call that asked for the stream.
//! - Dropping a [`ChatStream`], or the future of a chat, closes the connection and cancels the
//!   chat; [`ChatStream::detach`] lets it go on.
//! - Nothing waits for ever; see [`Timeouts`] and [`PollOptions`].
//! - Errors say what the server said, with its code and log id; [`Error::explain`] knows cause and
//!   fix of each documented code. The token appears in no error, no `Debug` and no trace, and is
//!   sent to no other host: redirects are not followed.
//! - What the server refused or never saw is sent again for a while, and so are reads; what may have
//!   begun is not, unless [`Coze::resending`] allows it. [`RetryPolicy`] sets how often and how long.
//!
//! Everything runs on the caller's [tokio] runtime; no task is spawned, except the
//! cancellation of a dropped chat.
//!
#![doc = include_str!("guide.md")]
#![cfg_attr(
    target_family = "wasm",
    expect(
        clippy::arc_with_non_send_sync,
        reason = "natively the same values are shared between threads"
    )
)]

mod auth;
#[cfg(all(feature = "blocking", not(target_family = "wasm")))]
pub mod blocking;
mod body;
mod bots;
mod builder;
mod call;
mod cancel;
mod chat;
mod chat_stream;
mod chatflow;
mod client;
mod conversations;
mod deadline;
mod download;
mod draft;
mod error;
mod exchange;
mod files;
mod frames;
mod guard;
mod history;
mod incoming;
mod limit;
mod missing;
mod observe;
mod pages;
mod poll;
mod raw_stream;
mod recover;
mod reply;
mod response;
mod resume;
mod retry;
mod retry_after;
#[cfg_attr(target_family = "wasm", path = "reuse_browser.rs")]
mod reuse;
mod run;
mod run_error;
mod run_options;
mod secret;
mod setters;
mod stream;
mod stream_error;
mod task;
mod telemetry;
mod time;
mod tool_outputs;
mod transport;
mod turn;
mod upload;
mod waiting;
mod watch;
mod workflow;
mod workflow_info;
mod workflow_stream;

pub use auth::{
    AccessToken, AuthError, AuthErrorKind, Authorization, AuthorizationRequest, DeviceLogin,
    DevicePoll, MemoryStore, OAuthApp, OAuthConfig, OAuthSession, TokenSet, TokenSource,
    TokenStore,
};
#[cfg(all(feature = "jwt", not(target_family = "wasm")))]
pub use auth::{JwtApp, JwtSession};
pub use body::Body;
pub use builder::{CozeBuilder, Region, Timeouts};
pub use chat::ChatRequest;
pub use chat_stream::{ChatStream, TextStream};
pub use chatflow::ChatflowRequest;
pub use client::{Client, Coze};
pub use conversations::ConversationRequest;
pub use download::Download;
pub use error::{ApiError, ChatFailed, DecodeError, Error, HttpError, PollTimeout, Result};
pub use guard::{ConversationOccupied, Occupied};
pub use limit::{Limit, LimitReached, Limiter, Limits, Permit};
pub use observe::{Attempt, Observer, StreamEnd};
pub use pages::Pages;
pub use poll::PollOptions;
pub use raw_stream::RawStream;
pub use recover::{Recover, Recovery, Unrecovered};
pub use reply::Reply;
pub use response::{RawResponse, Response};
pub use resume::ResumeRequest;
pub use retry::RetryPolicy;
pub use run::{NodeText, RunInterrupt, RunOutcome, RunResult};
pub use run_error::{BrokenRun, RunFailed};
pub use run_options::RunBy;
pub use stream::EventStream;
pub use stream_error::{StreamError, StreamFailure};
pub use task::{BoxFuture, MaybeSend, MaybeSync};
pub use tool_outputs::{ChatRef, ToolOutputsRequest};
pub use transport::{TransportError, TransportKind, Waited};
pub use upload::Upload;
pub use workflow::WorkflowRequest;
pub use workflow_stream::WorkflowStream;

/// The wire: rows, and the types of their requests, replies and events.
pub use coze_types as types;
pub use coze_types::{ChatEvent, Id, Secret, WorkflowEvent, WorkflowEventData};
pub use http::Method;
