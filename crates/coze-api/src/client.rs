//! The client, and the one path that every request takes.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use coze_types::{Endpoint, Id, Streams};
use http::HeaderValue;
use http::header::{AUTHORIZATION, USER_AGENT};
use serde_json::Value;
use tokio::time::{Instant, timeout_at};
use tracing::Instrument;

use crate::auth::Auth;
use crate::builder::{CozeBuilder, Timeouts};
use crate::call::Call;
use crate::error::{Error, Result};
use crate::frames::Frames;
use crate::raw_stream::RawStream;
use crate::response::{Head, RawResponse, Response, TokenRefusal};
use crate::stream::EventStream;
use crate::transport::{TransportError, Waited};

/// A client of a Coze server. Cloning is cheap, and clones share their connections.
///
/// It has two layers. The *pleasant* one is made of flows: [`chat`](Self::chat),
/// [`workflow`](Self::workflow), [`conversation`](Self::conversation) and the short methods beside
/// them. The *complete* one takes any row of [`types`](crate::types): [`send`](Self::send),
/// [`stream`](Self::stream), and any JSON at all: [`send_raw`](Self::send_raw).
#[derive(Clone)]
pub struct Coze {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) http: reqwest::Client,
    /// Without a slash at its end.
    pub(crate) base: String,
    pub(crate) auth: Auth,
    pub(crate) user_agent: HeaderValue,
    pub(crate) timeouts: Timeouts,
    pub(crate) default_bot: Option<Id>,
    pub(crate) default_user: Option<String>,
}

impl fmt::Debug for Coze {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Coze")
            .field("base_url", &self.inner.base)
            .finish_non_exhaustive()
    }
}

/// An answer whose body has not been read.
pub(crate) struct Opened {
    pub(crate) head: Head,
    pub(crate) response: reqwest::Response,
    /// Without its query.
    pub(crate) url: String,
    /// When the whole call must be done.
    pub(crate) deadline: Option<(Instant, Duration)>,
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

    /// Makes any call that has a row, and waits for its reply.
    ///
    /// # Errors
    /// [`Error::Invalid`] before, [`Error::Transport`] instead of an answer; [`Error::Api`],
    /// [`Error::Http`] and [`Error::Decode`] because of the answer.
    pub async fn send<E: Endpoint>(&self, row: E) -> Result<Response<E::Reply>> {
        let call = Call::encode(&row)?;
        // The request is bytes now: what follows need not hold the row.
        drop(row);
        self.receive(call).await?.decode()
    }

    /// Makes any call that can stream, asking for the stream.
    ///
    /// The events come as they are: [`Coze::chat`] and [`Coze::workflow`] also tell failures from
    /// successes.
    ///
    /// # Errors
    /// As [`send`](Self::send): whatever goes wrong before the first event is an error of this
    /// call, never the first item of the stream.
    pub async fn stream<E: Streams>(&self, mut row: E) -> Result<EventStream<E::Event>> {
        row.streaming();
        let call = Call::encode(&row)?;
        drop(row);
        Ok(EventStream::new(self.open_events(call).await?))
    }

    /// Makes any call at all, with any JSON, and returns the answer as it is.
    ///
    /// Answers that say no are returned too; [`RawResponse::into_result`] judges them.
    ///
    /// # Errors
    /// [`Error::Transport`] when there is no answer.
    pub async fn send_raw(
        &self,
        method: http::Method,
        path: &str,
        query: &[(&str, &str)],
        body: Option<Value>,
    ) -> Result<RawResponse> {
        self.receive(Call::raw(method, path, query, body.as_ref()))
            .await
    }

    /// Like [`send_raw`](Self::send_raw), without waiting for the body: for streams of any kind.
    ///
    /// # Errors
    /// [`Error::Transport`] when there is no answer.
    pub async fn send_raw_stream(
        &self,
        method: http::Method,
        path: &str,
        query: &[(&str, &str)],
        body: Option<Value>,
    ) -> Result<RawStream> {
        let call = Call::raw(method, path, query, body.as_ref());
        let mut opened = self.open(&call).await?;
        if opened.head.status == 401 && self.renews(&call, &opened.head, TokenRefusal::Sure) {
            opened = self.open(&call).await?;
        }
        Ok(RawStream::new(opened, self.inner.timeouts.idle))
    }

    /// Sends a call and reads its whole answer.
    pub(crate) async fn receive(&self, call: Call) -> Result<RawResponse> {
        let span = span(&call);
        async {
            let (until, waited) = self.limit(&call);
            let reading = async {
                let raw = read(self.exchange(&call).await?).await?;
                match self.token_refused(&call, &raw) {
                    // Once more, with another token.
                    true => read(self.exchange(&call).await?).await,
                    false => Ok(raw),
                }
            };
            match timeout_at(until, reading).await {
                Ok(result) => result,
                Err(_) => Err(self.late(&call, waited)),
            }
        }
        .instrument(span)
        .await
    }

    /// Sends a call and returns when its answer begins.
    pub(crate) async fn open(&self, call: &Call) -> Result<Opened> {
        let span = span(call);
        async {
            let (until, waited) = self.limit(call);
            let total = self.inner.timeouts.total;
            let deadline = total.map(|total| (Instant::now() + total, total));
            match timeout_at(until, self.exchange(call)).await {
                Ok(result) => result.map(|opened| Opened { deadline, ..opened }),
                Err(_) => Err(self.late(call, waited)),
            }
        }
        .instrument(span)
        .await
    }

    /// Sends a call whose answer is to be a stream of events; anything else is an error here.
    async fn open_events(&self, call: Call) -> Result<Frames> {
        let raw = match self.try_events(&call).await? {
            Ok(frames) => return Ok(frames),
            Err(raw) => raw,
        };
        if !self.token_refused(&call, &raw) {
            return Err(raw.not_a_stream());
        }
        // Once more, with another token.
        let again = self.try_events(&call).await?;
        again.map_err(|raw| raw.not_a_stream())
    }

    /// Sends a call once. The inner error is an answer that is no stream.
    async fn try_events(&self, call: &Call) -> Result<Result<Frames, RawResponse>> {
        let (until, waited) = self.limit(call);
        let mut opened = self.open(call).await?;
        let idle = self.inner.timeouts.idle;
        let reading = async {
            let mut begin = None;
            if opened.head.is_success() && !opened.head.is_document() {
                if opened.head.is_event_stream() {
                    return Ok(Ok(Frames::new(opened, idle, None)));
                }
                // No type, or one that says nothing: the first bytes tell.
                begin = first_chunk(&mut opened).await?;
                if !begin.as_deref().is_none_or(is_document) {
                    return Ok(Ok(Frames::new(opened, idle, begin)));
                }
            }
            let mut raw = read(opened).await?;
            if let Some(begin) = begin {
                raw.body = [begin, raw.body].concat().into();
            }
            Ok(Err(raw))
        };
        match timeout_at(until, reading).await {
            Ok(result) => result,
            Err(_) => Err(self.late(call, waited)),
        }
    }

    /// True when the server refused our token and there is another one to be had: then the call
    /// should be sent once more.
    fn token_refused(&self, call: &Call, raw: &RawResponse) -> bool {
        // A token that cannot be renewed costs nothing here.
        self.inner.auth.is_renewed()
            && raw
                .token_refusal()
                .is_some_and(|refusal| self.renews(call, &raw.head, refusal))
    }

    fn renews(&self, call: &Call, head: &Head, refusal: TokenRefusal) -> bool {
        call.credential.is_none() && self.inner.auth.rejected(&head.redact, refusal)
    }

    /// The request path. Every request of this crate passes these steps, in this order.
    async fn exchange(&self, call: &Call) -> Result<Opened> {
        // Step 1, limit: a client-side limiter waits for its turn here.

        // Step 2, authorise: a token that is about to expire is refreshed here.
        let credential = match &call.credential {
            Some(own) => own.clone(),
            None => self.inner.auth.credential().await?,
        };

        // Step 3, build: from bytes only, so that another attempt can build it again.
        let url = format!("{}{}", self.inner.base, call.path);
        let shown = url.split('?').next().unwrap_or_default().to_owned();
        let mut request = self
            .inner
            .http
            .request(call.method.clone(), url)
            .header(USER_AGENT, self.inner.user_agent.clone());
        if let Some(header) = credential.header {
            request = request.header(AUTHORIZATION, header);
        }
        let request = call.fill(request);

        // Step 4, send.
        let failed = |error| TransportError::new(call.endpoint.clone(), &shown, error);
        let response = request.send().await.map_err(failed)?;

        // Step 5, retry: a refused call, or a read that got no answer, goes back to step 1 here.

        // Step 6, hand over: the caller reads the body, judges it and decodes it.
        let head = Head::new(
            call.endpoint.clone(),
            response.status().as_u16(),
            response.headers(),
            credential.redact.of_answer(call.gets_secrets),
        );
        let span = tracing::Span::current();
        span.record("http", head.status);
        span.record("log_id", head.log_id.as_deref());
        Ok(Opened {
            head,
            response,
            url: shown,
            deadline: None,
        })
    }

    /// Until when the answer must have come.
    fn limit(&self, call: &Call) -> (Instant, Waited) {
        let timeouts = &self.inner.timeouts;
        let patience = timeouts.first_byte.max(call.patience);
        let waited = match timeouts.total {
            Some(total) if total < patience => Waited::Total(total),
            _ => Waited::Answer(patience),
        };
        (Instant::now() + waited.duration(), waited)
    }

    fn late(&self, call: &Call, waited: Waited) -> Error {
        let path = call.path.split('?').next().unwrap_or_default();
        let url = format!("{}{path}", self.inner.base);
        TransportError::timeout(call.endpoint.clone(), &url, waited).into()
    }
}

fn span(call: &Call) -> tracing::Span {
    use tracing::field::Empty;
    // Names and numbers only: no content and no secret ever goes into a span.
    tracing::debug_span!("coze", endpoint = %call.endpoint, http = Empty, log_id = Empty)
}

/// Reads the rest of an answer.
pub(crate) async fn read(opened: Opened) -> Result<RawResponse> {
    let Opened {
        head,
        response,
        url,
        ..
    } = opened;
    match response.bytes().await {
        Ok(body) => Ok(RawResponse { head, body }),
        Err(error) => Err(TransportError::new(head.endpoint, &url, error).into()),
    }
}

async fn first_chunk(opened: &mut Opened) -> Result<Option<bytes::Bytes>> {
    match opened.response.chunk().await {
        Ok(chunk) => Ok(chunk),
        Err(error) => {
            let endpoint = opened.head.endpoint.clone();
            Err(TransportError::new(endpoint, &opened.url, error).into())
        }
    }
}

/// True for the beginning of a JSON object or of a page; no stream of events begins so.
pub(crate) fn is_document(begin: &[u8]) -> bool {
    matches!(begin.trim_ascii_start().first(), Some(b'{' | b'<'))
}
