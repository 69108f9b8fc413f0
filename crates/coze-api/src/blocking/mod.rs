//! The same flows for programs without tokio: calls that block until they are done.
//!
//! Needs the feature `blocking`. Names and arguments are those of [`crate::Coze`] and its requests;
//! only what sends something blocks instead of being `async`, and streams are iterators.
//!
//! ```no_run
//! use coze_api::blocking::Coze;
//!
//! # fn main() -> coze_api::Result<()> {
//! let coze = Coze::from_env()?;
//! let mut answer = coze.default_chat()?.user("me").message("你好").stream()?;
//! for text in answer.texts() {
//!     print!("{}", text?);
//! }
//! println!("\n{:?}", answer.usage());
//! # Ok(())
//! # }
//! ```
//!
//! # What to know
//!
//! - A client has one thread of its own, which does nothing but read sockets and watch the clock.
//!   It ends with the last clone of the client and the last of its streams.
//! - A client is [`Send`] and [`Sync`]: many threads may share it, and their calls do not wait for
//!   each other. A stream is [`Send`].
//! - Dropping a [`ChatStream`] before its end cancels its chat, as everywhere, but here the drop
//!   *waits* until that is done, for at most 5 seconds: the program may end right behind it.
//!   [`detach`](Blocking::detach) lets the chat go on, and never waits.
//! - Within `async` code a call blocks the thread, like everything that blocks: use the `async`
//!   client there, or `tokio::task::spawn_blocking`. It does not panic, and it does end: the network
//!   is on the client's own thread. What it cannot wait for is something that only the blocked
//!   thread would do, such as a server in the same runtime; then the timeouts of the client end it.
//! - What is called on the client's own thread (the [progress](crate::Upload::progress) of an
//!   upload) cannot use the same client; that is an error at once.
//!
//! # What has no method here
//!
//! Everything that is `async` can be waited for: with [`Coze::wait`] what needs a client, with
//! [`wait()`] what comes before there is one, above all logging in.
//!
//! ```no_run
//! use coze_api::{OAuthApp, blocking};
//!
//! # fn main() -> coze_api::Result<()> {
//! let app = OAuthApp::new("1234567890.app.coze")?;
//! let login = blocking::wait(app.device_login())?;
//! println!("open {}", login.verification_url());
//! let session = app.session(blocking::wait(login.wait())?);
//! let coze = coze_api::Coze::builder().auth(session).build_blocking()?;
//! println!("hello, {}", coze.me()?.nick_name);
//! # Ok(())
//! # }
//! ```

mod bytes;
mod calls;
mod driver;
mod requests;
mod streams;

pub(crate) use self::driver::Driver;
pub use self::streams::{
    Blocking, ChatStream, Download, EventStream, Pages, RawStream, WorkflowStream,
};

use std::fmt;
use std::sync::Arc;

use coze_types::Id;

use crate::builder::CozeBuilder;
use crate::chat::ChatRequest;
use crate::client::{Client, Sealed};
use crate::conversations::ConversationRequest;
use crate::error::Result;
use crate::limit::Limiter;
use crate::tool_outputs::{ChatRef, ToolOutputsRequest};
use crate::workflow::WorkflowRequest;

/// A client whose calls block. Cloning is cheap, and clones share their connections and their
/// thread; see the [module](self).
#[derive(Clone)]
pub struct Coze {
    coze: crate::Coze,
    driver: Arc<Driver>,
}

impl fmt::Debug for Coze {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.coze.fmt(f)
    }
}

impl Client for Coze {}
impl Sealed for Coze {}

impl CozeBuilder {
    /// Builds a client whose calls block. Nothing is sent yet, but its thread is started.
    ///
    /// # Errors
    /// Those of [`build`](Self::build); [`Error::Invalid`](crate::Error::Invalid) when there can be no further thread.
    pub fn build_blocking(self) -> Result<Coze> {
        let coze = self.build()?;
        let driver = Arc::new(Driver::start()?);
        // For streams that are dropped. It was made here, so it has none yet.
        let _ = coze.inner.driver.set(Arc::clone(&driver));
        Ok(Coze { coze, driver })
    }
}

/// Waits for what needs no client, such as logging in. Each call has a thread of its own while it
/// lasts.
///
/// # Errors
/// Those of the work; [`Error::Invalid`](crate::Error::Invalid) when there can be no further thread.
pub fn wait<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    Driver::start()?.wait(work)
}

impl Coze {
    /// Begins to set up a client; [`build_blocking`](CozeBuilder::build_blocking) ends it.
    pub fn builder() -> CozeBuilder {
        CozeBuilder::default()
    }

    /// A client set up from the environment; see [`CozeBuilder::from_env`].
    ///
    /// # Errors
    /// Those of [`CozeBuilder::build_blocking`]; above all, a missing token.
    pub fn from_env() -> Result<Self> {
        CozeBuilder::from_env().build_blocking()
    }

    /// Waits for anything that the `async` client can do.
    ///
    /// ```no_run
    /// # fn run(coze: coze_api::blocking::Coze) -> coze_api::Result<()> {
    /// // Two chats at once, without a second thread.
    /// use futures_util::future::try_join;
    ///
    /// let (first, second) = coze.wait(async |coze| {
    ///     let ask = |text| coze.chat("75…").user("me").message(text).reply();
    ///     try_join(ask("你好"), ask("再见")).await
    /// })?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Those of the work; [`Error::Invalid`](crate::Error::Invalid) on the client's own thread.
    pub fn wait<T>(&self, work: impl AsyncFnOnce(&crate::Coze) -> Result<T>) -> Result<T> {
        self.driver.wait(work(&self.coze))
    }

    /// Begins a turn with an agent; see [`Coze::chat`](crate::Coze::chat).
    pub fn chat(&self, bot: impl Into<Id>) -> ChatRequest<Self> {
        self.coze.chat(bot).over(|_| self.clone()).1
    }

    /// Begins a turn with the agent that the client was set up with.
    ///
    /// # Errors
    /// [`Error::Invalid`](crate::Error::Invalid) when it was set up with none.
    pub fn default_chat(&self) -> Result<ChatRequest<Self>> {
        Ok(self.coze.default_chat()?.over(|_| self.clone()).1)
    }

    /// Hands the outputs of local tools to a chat that waits for them; see
    /// [`Coze::submit_tool_outputs`](crate::Coze::submit_tool_outputs).
    pub fn submit_tool_outputs(&self, chat: impl Into<ChatRef>) -> ToolOutputsRequest<Self> {
        self.coze.submit_tool_outputs(chat).over(|_| self.clone()).1
    }

    /// Begins to create a conversation.
    pub fn conversation(&self) -> ConversationRequest<Self> {
        self.coze.conversation().over(|_| self.clone()).1
    }

    /// Begins a run of a workflow, or a turn with a chatflow; see
    /// [`Coze::workflow`](crate::Coze::workflow).
    pub fn workflow(&self, workflow: impl Into<Id>) -> WorkflowRequest<Self> {
        WorkflowRequest::new(self.clone(), workflow)
    }

    /// See [`Coze::resending`](crate::Coze::resending).
    #[must_use]
    pub fn resending(&self) -> Self {
        Self {
            coze: self.coze.resending(),
            driver: Arc::clone(&self.driver),
        }
    }

    /// The address of the server, without a slash at its end.
    #[must_use]
    pub fn base_url(&self) -> &str {
        self.coze.base_url()
    }

    /// The agent that [`default_chat`](Self::default_chat) talks to.
    #[must_use]
    pub fn default_bot(&self) -> Option<&Id> {
        self.coze.default_bot()
    }

    /// The limiter of this client, where it has one.
    #[must_use]
    pub fn limiter(&self) -> Option<&Limiter> {
        self.coze.limiter()
    }

    /// How many turns of this client run, or wait for their conversation.
    #[must_use]
    pub fn open_turns(&self) -> usize {
        self.coze.open_turns()
    }
}
