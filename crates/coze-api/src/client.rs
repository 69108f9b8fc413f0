//! The client.

use std::fmt;
use std::sync::Arc;

use coze_types::{Endpoint, Id, Streams};
use http::HeaderValue;
use reqwest::Url;
use serde_json::Value;

use crate::auth::Auth;
use crate::builder::{CozeBuilder, Timeouts};
use crate::call::Call;
use crate::error::Result;
use crate::exchange::{Judged, Unread, Whole};
use crate::guard::{Occupied, Turns};
use crate::limit::Limiter;
use crate::observe::Observer;
use crate::raw_stream::RawStream;
use crate::recover::Recover;
use crate::response::{RawResponse, Response};
use crate::retry::RetryPolicy;
use crate::reuse::Habits;
use crate::stream::EventStream;

/// A client of a Coze server. Cloning is cheap, and clones share their connections.
///
/// It has two layers. The *pleasant* one is made of flows: [`chat`](Self::chat),
/// [`workflow`](Self::workflow), [`conversation`](Self::conversation) and the short methods beside
/// them. The *complete* one takes any row of [`types`](crate::types): [`send`](Self::send),
/// [`stream`](Self::stream), and any JSON at all: [`send_raw`](Self::send_raw).
#[derive(Clone)]
pub struct Coze {
    pub(crate) inner: Arc<Inner>,
    /// Calls are repeated even when they may have begun.
    pub(crate) resend: bool,
}

pub(crate) struct Inner {
    pub(crate) http: reqwest::Client,
    /// The address of its proxy, to be named in errors.
    pub(crate) proxy: Option<Arc<str>>,
    /// Without a slash at its end.
    pub(crate) base: String,
    /// The same; each address is made of it without being parsed again.
    pub(crate) base_url: Url,
    pub(crate) auth: Auth,
    pub(crate) user_agent: Option<HeaderValue>,
    pub(crate) timeouts: Timeouts,
    pub(crate) retry: RetryPolicy,
    /// `None` for an HTTP client that is not our own: its connections cannot be watched.
    pub(crate) habits: Option<Habits>,
    pub(crate) observer: Option<Arc<dyn Observer>>,
    pub(crate) limiter: Option<Limiter>,
    pub(crate) turns: Turns,
    pub(crate) occupied: Occupied,
    pub(crate) recover: Recover,
    /// What is said goes into the traces.
    pub(crate) trace_content: bool,
    pub(crate) default_bot: Option<Id>,
    pub(crate) default_user: Option<String>,
    /// What a client without a runtime around it runs on.
    #[cfg(all(feature = "blocking", not(target_family = "wasm")))]
    pub(crate) driver: std::sync::OnceLock<Arc<crate::blocking::Driver>>,
}

/// A kind of client: [`Coze`], or that of the module `blocking`. Requests name theirs as their
/// type parameter: the setters are the same, what sends them is `async` with the one and blocks
/// with the other.
pub trait Client: Clone + Sealed {}

impl Client for Coze {}
impl Sealed for Coze {}

/// Keeps others from adding kinds of clients.
pub trait Sealed {}

impl fmt::Debug for Coze {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Coze")
            .field("base_url", &self.inner.base)
            .finish_non_exhaustive()
    }
}

impl Coze {
    /// Begins to set up a client; only the [`token`](CozeBuilder::token) is required.
    pub fn builder() -> CozeBuilder {
        CozeBuilder::default()
    }

    /// A client set up from the environment; see [`CozeBuilder::from_env`].
    ///
    /// # Errors
    /// Those of [`CozeBuilder::build`]; above all, a missing token.
    pub fn from_env() -> Result<Self> {
        CozeBuilder::from_env().build()
    }

    /// The address of the server, without a slash at its end.
    #[must_use]
    pub fn base_url(&self) -> &str {
        &self.inner.base
    }

    /// A client whose calls are sent again even when they may have begun: for callers to whom a
    /// chat or a write that happens twice is better than one that fails.
    #[must_use]
    pub fn resending(&self) -> Self {
        Self {
            resend: true,
            ..self.clone()
        }
    }

    /// Makes any call that has a row, and waits for its reply.
    ///
    /// ```no_run
    /// # async fn run(coze: coze_api::Coze) -> coze_api::Result<()> {
    /// use coze_api::types::bots::RetrieveBot;
    ///
    /// let row = RetrieveBot { bot_id: "75…".into(), ..Default::default() };
    /// let reply = coze.send(row).await?;
    /// println!("{} (logid {:?})", reply.data.name, reply.log_id());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Invalid`] before, [`Error::Transport`] instead of an answer; [`Error::Api`],
    /// [`Error::Http`] and [`Error::Decode`] because of the answer.
    ///
    /// [`Error::Invalid`]: crate::Error::Invalid
    /// [`Error::Transport`]: crate::Error::Transport
    /// [`Error::Api`]: crate::Error::Api
    /// [`Error::Http`]: crate::Error::Http
    /// [`Error::Decode`]: crate::Error::Decode
    pub async fn send<E: Endpoint>(&self, row: E) -> Result<Response<E::Reply>> {
        let call = Call::encode(&row)?;
        // The request is bytes now: what follows need not hold the row.
        drop(row);
        self.call::<Judged>(&call).await?.reply()
    }

    /// Makes any call that can stream, asking for the stream.
    ///
    /// The events come as they are: [`Coze::chat`] and [`Coze::workflow`] also tell failures from
    /// successes.
    ///
    /// ```no_run
    /// # async fn run(coze: coze_api::Coze) -> coze_api::Result<()> {
    /// use coze_api::types::workflows::StreamRunWorkflow;
    ///
    /// let mut row = StreamRunWorkflow::default();
    /// row.body.workflow_id = "74…".into();
    /// let mut events = coze.stream(row).await?;
    /// while let Some(event) = events.next().await {
    ///     println!("{:?}", event?.data);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`send`](Self::send): whatever goes wrong before the first event is an error of this
    /// call, never the first item of the stream.
    pub async fn stream<E: Streams>(&self, row: E) -> Result<EventStream<E::Event>> {
        let call = Call::streaming(row)?;
        Ok(EventStream::new(self.call(&call).await?))
    }

    /// Makes any call at all, with any JSON, and returns the answer as it is.
    ///
    /// Answers that say no are returned too; [`RawResponse::into_result`] judges them.
    ///
    /// ```no_run
    /// # async fn run(coze: coze_api::Coze) -> coze_api::Result<()> {
    /// use coze_api::Method;
    ///
    /// let query = [("workspace_id", "73…")];
    /// let answer = coze.send_raw(Method::GET, "/v1/bots", &query, None).await?;
    /// println!("{}", answer.into_result()?.text());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Transport`](crate::Error::Transport) when there is no answer.
    pub async fn send_raw(
        &self,
        method: http::Method,
        path: &str,
        query: &[(&str, &str)],
        body: Option<Value>,
    ) -> Result<RawResponse> {
        let call = Call::raw(method, path, query, body.as_ref());
        Ok(self.call::<Whole>(&call).await?.raw)
    }

    /// Like [`send_raw`](Self::send_raw), without waiting for the body: for streams of any kind.
    ///
    /// # Errors
    /// [`Error::Transport`](crate::Error::Transport) when there is no answer.
    pub async fn send_raw_stream(
        &self,
        method: http::Method,
        path: &str,
        query: &[(&str, &str)],
        body: Option<Value>,
    ) -> Result<RawStream> {
        let call = Call::raw(method, path, query, body.as_ref());
        let Unread { opened, .. } = self.call(&call).await?;
        Ok(RawStream::new(opened, self.inner.timeouts.idle))
    }
}
