//! The request path: every request of this crate passes through here.
//!
//! A call is made in attempts. One attempt is: wait for its turn, authorise, build the request from
//! bytes, send it, take its answer. What comes of it decides whether there is another one.

use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use coze_types::Status;
use http::header::{ACCEPT_ENCODING, AUTHORIZATION, HeaderValue, USER_AGENT};
use reqwest::Url;
use serde::de::DeserializeOwned;
use tracing::Instrument;

use crate::auth::Credential;
use crate::call::{Call, Payload};
use crate::client::Coze;
use crate::deadline::Deadline;
use crate::error::{Error, Result};
use crate::frames::Frames;
use crate::incoming::{Incoming, incoming};
use crate::limit::Permit;
use crate::observe::Attempt;
use crate::response::{Head, RawResponse, Response};
use crate::retry::{Attempts, RetryPolicy};
use crate::reuse::{Habits, followed};
use crate::secret::Redact;
use crate::task::MaybeSend;
use crate::time::{Instant, sleep, timeout, timeout_at};
use crate::transport::{TransportError, Waited};

/// An answer whose body has not been read.
pub(crate) struct Opened {
    pub(crate) head: Head,
    pub(crate) response: Incoming,
    /// Without its query.
    pub(crate) url: String,
    /// When the whole call must be done.
    pub(crate) deadline: Option<Deadline>,
    /// Held until the body has come, or nobody wants it any more.
    pub(crate) permit: Option<Permit>,
}

/// A whole answer, and what was made of its envelope.
pub(crate) struct Judged {
    pub(crate) raw: RawResponse,
    pub(crate) verdict: Result<Status>,
}

impl Judged {
    /// The reply, if the envelope says that it is one.
    pub(crate) fn reply<T: DeserializeOwned>(self) -> Result<Response<T>> {
        self.raw.decode(&self.verdict?)
    }
}

/// What a caller wants of an answer.
pub(crate) trait Answer: Sized {
    /// Takes it, as far as it belongs to the attempt.
    fn take(coze: &Coze, opened: Opened) -> impl Future<Output = Result<Self>> + MaybeSend;
    fn head(&self) -> &Head;
    /// Why it is no success, although there is an answer.
    fn refusal(&self) -> Option<&Error> {
        None
    }
}

/// An answer as soon as it begins, whatever it is.
pub(crate) struct Unread {
    pub(crate) opened: Opened,
    /// What its HTTP status says by itself.
    refusal: Option<Error>,
}

impl Answer for Unread {
    async fn take(_: &Coze, opened: Opened) -> Result<Self> {
        let refusal = (!opened.head.is_success()).then(|| opened.head.refusal());
        Ok(Self { opened, refusal })
    }
    fn head(&self) -> &Head {
        &self.opened.head
    }
    fn refusal(&self) -> Option<&Error> {
        self.refusal.as_ref()
    }
}

/// The whole answer.
impl Answer for Judged {
    async fn take(_: &Coze, opened: Opened) -> Result<Self> {
        let raw = read(opened).await?;
        let verdict = raw.judge();
        Ok(Self { raw, verdict })
    }
    fn head(&self) -> &Head {
        &self.raw.head
    }
    fn refusal(&self) -> Option<&Error> {
        self.verdict.as_ref().err()
    }
}

/// A whole answer of any kind: bytes that came as bytes are no refusal.
pub(crate) struct Whole {
    pub(crate) raw: RawResponse,
    refusal: Option<Error>,
}

impl Answer for Whole {
    async fn take(_: &Coze, opened: Opened) -> Result<Self> {
        let raw = read(opened).await?;
        let refusal = raw.check().err();
        Ok(Self { raw, refusal })
    }
    fn head(&self) -> &Head {
        &self.raw.head
    }
    fn refusal(&self) -> Option<&Error> {
        self.refusal.as_ref()
    }
}

/// A stream of events; anything else is an error. In a box: it passes through many hands.
impl Answer for Box<Frames> {
    async fn take(coze: &Coze, opened: Opened) -> Result<Self> {
        let watching = (coze.inner.timeouts.idle, coze.inner.observer.clone());
        let head = &opened.head;
        if head.is_success() && !head.is_document() && head.is_event_stream() {
            return Ok(Self::new(Frames::new(opened, watching, None)));
        }
        // In a box: every stream would carry room for it, and few need it.
        Box::pin(async move {
            let mut opened = opened;
            let mut begin = None;
            if opened.head.is_success() && !opened.head.is_document() {
                // No type, or one that says nothing: the first bytes tell.
                begin = first_chunk(&mut opened).await?;
                if !begin.as_deref().is_none_or(is_document) {
                    return Ok(Self::new(Frames::new(opened, watching, begin)));
                }
            }
            let mut raw = read(opened).await?;
            if let Some(begin) = begin {
                raw.body = [begin, raw.body].concat().into();
            }
            Err(raw.not_a_stream())
        })
        .await
    }
    fn head(&self) -> &Head {
        Frames::head(self)
    }
}

impl Coze {
    /// Sends a call, and keeps the answer beside the reply that was read from it.
    pub(crate) async fn receive<T: DeserializeOwned>(
        &self,
        call: &Call,
    ) -> Result<(RawResponse, Response<T>)> {
        let Judged { raw, verdict } = self.call(call).await?;
        let reply = raw.clone().decode(&verdict?)?;
        Ok((raw, reply))
    }

    /// Sends a call, as often as is right, and takes its answer.
    pub(crate) async fn call<A: Answer>(&self, call: &Call) -> Result<A> {
        let inner = &self.inner;
        let total = inner.timeouts.total;
        let deadline = total.map(Deadline::after);
        let mut attempts = Attempts::new(RetryPolicy {
            budget: total.map_or(inner.retry.budget, |total| total.min(inner.retry.budget)),
            ..inner.retry
        });
        loop {
            attempts.made += 1;
            let span = span(call, attempts.made);
            let began = Instant::now();
            let mut used = None;
            // It is large, and would be copied into the future of every flow.
            let making = Box::pin(async {
                let permit = self.turn(call, deadline).await?;
                let taking = pin!(async {
                    let credential = self.credential(call).await?;
                    used = Some(credential.redact.clone());
                    let mut opened = self.exchange(call, credential, deadline).await?;
                    opened.permit = permit;
                    A::take(self, opened).await
                });
                self.in_time(call, deadline, taking).await
            });
            let result = making.instrument(span.clone()).await;
            let (head, error) = match &result {
                Ok(answer) => (Some(answer.head()), answer.refusal()),
                Err(error) => (None, Some(error)),
            };
            let again_in = error.and_then(|error| {
                if !attempts.renewed && self.renews(call, error, used.as_ref()) {
                    // The call was not let in, so it is sent once more, with another token.
                    attempts.renewed = true;
                    return Some(Duration::ZERO);
                }
                attempts.next(call, error, self.resend)
            });
            let seen = Attempt {
                endpoint: &call.endpoint,
                number: attempts.made,
                elapsed: began.elapsed(),
                http: head
                    .map(|head| head.status)
                    .or_else(|| error.and_then(Error::http)),
                log_id: head
                    .and_then(|head| head.log_id.as_deref())
                    .or_else(|| error.and_then(Error::log_id)),
                error,
                again_in,
            };
            record(&span, &seen);
            if let Some(observer) = &inner.observer {
                observer.attempt(&seen);
            }
            let Some(wait) = again_in else {
                return result;
            };
            // The answer of the failed attempt must not hold its connection while we wait.
            drop(result);
            if !wait.is_zero() {
                sleep(wait).await;
            }
        }
    }

    /// Gives an attempt as much time as it may have.
    async fn in_time<T>(
        &self,
        call: &Call,
        deadline: Option<Deadline>,
        mut work: Pin<&mut impl Future<Output = Result<T>>>,
    ) -> Result<T> {
        let timeouts = &self.inner.timeouts;
        let patience = timeouts.first_byte.max(call.patience);
        let late = |waited| {
            let url = self.url_of(call);
            Err(TransportError::timeout(call.endpoint.clone(), &url, waited).into())
        };
        if let Payload::Form { sent, .. } = &call.payload {
            // However long an upload takes: as long as bytes go out, it is alive.
            loop {
                let before = sent.load(Ordering::Relaxed);
                let left = deadline.map(|it| it.at.saturating_duration_since(Instant::now()));
                let slice = left.map_or(patience, |left| left.min(patience));
                if let Ok(result) = timeout(slice, &mut work).await {
                    return result;
                }
                match deadline {
                    Some(it) if it.is_over() => return late(Waited::Total(it.after)),
                    _ if sent.load(Ordering::Relaxed) == before => {
                        return late(Waited::Answer(patience));
                    }
                    _ => {}
                }
            }
        }
        let until = Instant::now() + patience;
        let (until, waited) = match deadline {
            Some(total) if total.at < until => (total.at, Waited::Total(total.after)),
            _ => (until, Waited::Answer(patience)),
        };
        match timeout_at(until, work).await {
            Ok(result) => result,
            Err(_) => late(waited),
        }
    }

    /// One attempt, up to the head of its answer.
    async fn exchange(
        &self,
        call: &Call,
        credential: Credential,
        deadline: Option<Deadline>,
    ) -> Result<Opened> {
        let inner = &self.inner;

        // Step 1, build: from bytes only, so that another attempt can build it again.
        let shown = self.url_of(call);
        // Care is needed only while it is not known how the server treats its connections.
        let habits = inner.habits.as_ref();
        let trail = habits.and_then(Habits::trail);
        let mut request = inner
            .http
            .request(call.method.clone(), at(&inner.base_url, &call.path));
        if let Some(agent) = &inner.user_agent {
            request = request.header(USER_AGENT, agent.clone());
        }
        if let Some(header) = credential.header {
            request = request.header(AUTHORIZATION, header);
        }
        if call.streams {
            // A compressor would hold events back.
            request = request.header(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        }
        let request = call.fill(request, trail.as_ref()).await?;

        // Step 2, send.
        let sent = match &trail {
            None => request.send().await,
            Some(trail) => followed(Arc::clone(trail), request.send()).await,
        };
        let response = sent.map_err(|error| {
            let mut error = TransportError::new(call.endpoint.clone(), &shown, error)
                .through(inner.proxy.as_ref());
            let closed = match &trail {
                Some(trail) => error.is_of_old_connection(trail, call.is_read),
                None => error.is_lost(),
            };
            if let Some(habits) = habits.filter(|_| closed) {
                habits.closed();
            }
            error
        })?;
        if let (Some(trail), Some(habits)) = (&trail, habits)
            && !trail.is_fresh()
        {
            habits.kept();
        }

        // Step 3, hand over: the caller reads the body, judges it and decodes it.
        let head = Head::new(
            call.endpoint.clone(),
            response.status().as_u16(),
            response.headers(),
            credential.redact.of_answer(call.gets_secrets),
        );
        self.heed(&head);
        Ok(Opened {
            head,
            response: incoming(response),
            url: shown,
            deadline,
            permit: None,
        })
    }

    /// What the call is sent with: its own, or the client's, which is renewed here when it is about
    /// to end.
    async fn credential(&self, call: &Call) -> Result<Credential> {
        match &call.credential {
            Some(own) => Ok(own.clone()),
            None => self.inner.auth.credential().await,
        }
    }

    /// True when the server refused our token, and there is another one to be had.
    fn renews(&self, call: &Call, error: &Error, used: Option<&Redact>) -> bool {
        let auth = &self.inner.auth;
        // A token that cannot be renewed costs nothing here.
        auth.is_renewed()
            && call.credential.is_none()
            && call.payload.is_whole()
            && match (error.token_refusal(), used) {
                (Some(refusal), Some(used)) => auth.rejected(used, refusal),
                _ => false,
            }
    }

    /// The address of a call, without its query.
    pub(crate) fn url_of(&self, call: &Call) -> String {
        let path = call.path.split('?').next().unwrap_or_default();
        format!("{}{path}", self.inner.base)
    }
}

/// The address of a path with its query, behind that of the server.
fn at(base: &Url, path: &str) -> Url {
    let (path, _fragment) = path.split_once('#').unwrap_or((path, ""));
    let (path, query) = match path.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (path, None),
    };
    let mut url = base.clone();
    match base.path().trim_end_matches('/') {
        "" => url.set_path(path),
        before => url.set_path(&format!("{before}{path}")),
    }
    url.set_query(query);
    url
}

/// One attempt in the traces. Names and numbers only: no content and no secret goes into a span.
fn span(call: &Call, attempt: u32) -> tracing::Span {
    use tracing::field::Empty;
    tracing::debug_span!(
        "coze",
        endpoint = %call.endpoint,
        attempt,
        http = Empty,
        log_id = Empty,
        code = Empty,
        again_in_ms = Empty,
    )
}

fn record(span: &tracing::Span, seen: &Attempt<'_>) {
    if span.is_disabled() {
        return;
    }
    span.record("http", seen.http);
    span.record("log_id", seen.log_id);
    span.record("code", seen.error.and_then(Error::code));
    let wait = seen.again_in.map(|wait| wait.as_millis() as u64);
    span.record("again_in_ms", wait);
}

/// Reads the rest of an answer.
pub(crate) async fn read(opened: Opened) -> Result<RawResponse> {
    let Opened {
        head,
        response,
        url,
        permit: _until_here,
        ..
    } = opened;
    match response.bytes().await {
        Ok(body) => Ok(RawResponse { head, body }),
        Err(error) => Err(TransportError::new(head.endpoint, &url, error).into()),
    }
}

async fn first_chunk(opened: &mut Opened) -> Result<Option<Bytes>> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_those_that_a_parser_finds() {
        let paths = [
            "/v3/chat",
            "/v1/bots?workspace_id=a%20b%26c&page_num=2",
            "/v1/x/%E4%BD%A0/a%2Fb",
            "/v1/你 好/x?q=你 好&r='\"",
            "/v1/x?a=b?c#fragment?d",
            "/v1/x#fragment",
            "/v1/x?",
            "/a/../b/./c",
            "//host/x",
        ];
        for base in [
            "https://api.coze.cn",
            "http://127.0.0.1:8787/",
            "http://[::1]:1/a/b/",
        ] {
            let base = Url::parse(base).unwrap();
            for path in paths {
                let text = format!("{}{path}", base.as_str().trim_end_matches('/'));
                let mut parsed = Url::parse(&text).unwrap();
                // It is never sent.
                parsed.set_fragment(None);
                assert_eq!(at(&base, path), parsed, "{text}");
            }
        }
    }
}
