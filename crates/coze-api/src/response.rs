//! Answers: the bytes, the rules by which they are judged, and the typed reply.

use std::borrow::Cow;
use std::fmt;
use std::ops::{Deref, DerefMut};
use std::time::Duration;

use bytes::Bytes;
use coze_types::status::{self, Status};
use http::header::{CONTENT_TYPE, DATE, LOCATION, RETRY_AFTER};
use http::{HeaderMap, HeaderValue};
use serde::de::DeserializeOwned;

use crate::body::Body;
use crate::error::{ApiError, DecodeError, Error, HttpError, Result};
use crate::retry_after;
use crate::secret::Redact;

/// What is known of an answer before its body.
#[derive(Debug, Clone)]
pub(crate) struct Head {
    pub(crate) endpoint: Cow<'static, str>,
    pub(crate) status: u16,
    pub(crate) log_id: Option<String>,
    pub(crate) content_type: Option<String>,
    location: Option<String>,
    pub(crate) retry_after: Option<Duration>,
    /// Unread: few need it.
    date: Option<HeaderValue>,
    /// Of the credential that the request was sent with.
    pub(crate) redact: Redact,
}

impl Head {
    pub(crate) fn new(
        endpoint: Cow<'static, str>,
        status: u16,
        headers: &HeaderMap,
        redact: Redact,
    ) -> Self {
        let text = |name: &str| {
            let value = headers.get(name)?.to_str().ok()?.trim();
            (!value.is_empty()).then(|| value.to_owned())
        };
        Self {
            endpoint,
            status,
            // The open-source server has a name of its own for it.
            log_id: text("x-tt-logid").or_else(|| text("x-log-id")),
            content_type: text(CONTENT_TYPE.as_str()),
            location: text(LOCATION.as_str()),
            retry_after: text(RETRY_AFTER.as_str()).and_then(|it| retry_after::parse(&it)),
            date: headers.get(DATE).cloned(),
            redact,
        }
    }

    pub(crate) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    fn is(&self, kind: &str) -> bool {
        let content_type = self.content_type.as_deref().unwrap_or_default();
        let mut parts = content_type.as_bytes().windows(kind.len());
        parts.any(|part| part.eq_ignore_ascii_case(kind.as_bytes()))
    }

    /// True when the body says by its type that it is a stream of events.
    pub(crate) fn is_event_stream(&self) -> bool {
        self.is("event-stream")
    }

    /// True when the body says by its type that it is a document.
    pub(crate) fn is_document(&self) -> bool {
        self.is("json") || self.is("html") || self.is("xml")
    }

    /// An HTTP error by its status alone.
    pub(crate) fn refusal(&self) -> Error {
        self.http_error(Bytes::new(), self.log_id.clone())
    }

    fn http_error(&self, body: Bytes, log_id: Option<String>) -> Error {
        HttpError {
            endpoint: self.endpoint.clone(),
            http: self.status,
            content_type: self.content_type.clone(),
            location: self.location.clone().map(|it| self.redact(it)),
            log_id,
            retry_after: self.retry_after,
            body: self.body(body),
        }
        .into()
    }

    pub(crate) fn body(&self, bytes: Bytes) -> Body {
        Body(self.redact.bytes(bytes))
    }

    pub(crate) fn redact(&self, text: String) -> String {
        self.redact.text(text)
    }

    /// Why the body cannot be read; such a text may quote it.
    pub(crate) fn redact_reason(&self, text: String) -> String {
        self.redact.reason(text)
    }
}

/// An answer as it came: status, log id, bytes. Nothing is decoded and nothing is judged yet.
#[derive(Clone)]
pub struct RawResponse {
    pub(crate) head: Head,
    pub(crate) body: Bytes,
}

impl fmt::Debug for RawResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RawResponse")
            .field("endpoint", &self.head.endpoint)
            .field("status", &self.head.status)
            .field("log_id", &self.head.log_id)
            .field("body", &self.head.body(self.body.clone()))
            .finish()
    }
}

impl RawResponse {
    /// The HTTP status.
    #[must_use]
    pub fn http_status(&self) -> u16 {
        self.head.status
    }

    /// The log id, from the header or else from the body.
    #[must_use]
    pub fn log_id(&self) -> Option<Cow<'_, str>> {
        if let Some(id) = &self.head.log_id {
            return Some(id.into());
        }
        let status = status::decode_status(&self.body).ok()?;
        status.log_id().map(|id| id.to_owned().into())
    }

    /// `Date`, as it came.
    pub(crate) fn date(&self) -> Option<&HeaderValue> {
        self.head.date.as_ref()
    }

    pub(crate) fn endpoint(&self) -> &Cow<'static, str> {
        &self.head.endpoint
    }

    /// `Content-Type`.
    #[must_use]
    pub fn content_type(&self) -> Option<&str> {
        self.head.content_type.as_deref()
    }

    /// The body.
    #[must_use]
    pub fn bytes(&self) -> &Bytes {
        &self.body
    }

    /// The body, without the rest.
    #[must_use]
    pub fn into_bytes(self) -> Bytes {
        self.body
    }

    /// The body as text; what is no UTF-8 is replaced.
    #[must_use]
    pub fn text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.body)
    }

    /// Applies the rules of [`Coze::send`](crate::Coze::send): JSON with a code other than 0, an
    /// HTTP error, and a page where JSON was due, are errors. Bodies of other types pass.
    ///
    /// # Errors
    /// [`Error::Api`], [`Error::Http`] or [`Error::Decode`].
    pub fn into_result(self) -> Result<Self> {
        self.check().map(|()| self)
    }

    /// The rules of [`into_result`](Self::into_result).
    pub(crate) fn check(&self) -> Result<()> {
        if self.head.is_success() && self.head.content_type.is_some() && !self.head.is_document() {
            return Ok(());
        }
        self.judge().map(drop)
    }

    /// Decodes the body, after the rules of [`into_result`](Self::into_result).
    ///
    /// # Errors
    /// As [`into_result`](Self::into_result).
    pub fn json<T: DeserializeOwned>(self) -> Result<T> {
        let status = self.judge()?;
        self.decode(&status).map(|response| response.value)
    }

    /// The second pass over the bytes; the first is [`judge`](Self::judge).
    pub(crate) fn decode<T: DeserializeOwned>(self, status: &Status) -> Result<Response<T>> {
        // `204 No Content` is a success that has nothing to say.
        let body: &[u8] = if self.is_no_content() {
            b"{}"
        } else {
            &self.body
        };
        match status::decode(body) {
            Ok(value) => Ok(Response {
                value,
                http: self.head.status,
                log_id: self.head.log_id.or_else(|| status.log_id().map(Into::into)),
                body: self.body,
            }),
            Err(error) => Err(self.misfit(&error)),
        }
    }

    fn is_no_content(&self) -> bool {
        self.head.status == 204 && self.body.is_empty()
    }

    /// The first pass over the bytes: is this a success? JSON is judged by its `code` before the
    /// HTTP status, because errors come with HTTP 200 and codes come with HTTP errors.
    pub(crate) fn judge(&self) -> Result<Status> {
        if self.is_no_content() {
            return Ok(Status::default());
        }
        let head = &self.head;
        match status::decode_status(&self.body) {
            Ok(status) if !status.is_success() => Err(self.refusal(&status)),
            Ok(status) if head.is_success() => Ok(status),
            Err(error) if head.is_success() => Err(self.misfit(&error)),
            Ok(_) | Err(_) => {
                let log_id = self.log_id().map(Cow::into_owned);
                Err(head.http_error(self.body.clone(), log_id))
            }
        }
    }

    fn refusal(&self, status: &Status) -> Error {
        let head = &self.head;
        ApiError {
            endpoint: head.endpoint.clone(),
            http: head.status,
            code: status.code,
            msg: head.redact(status.text().to_owned()),
            name: status.error_name().map(Into::into),
            log_id: head
                .log_id
                .clone()
                .or_else(|| status.log_id().map(Into::into)),
            debug_url: status.debug_url.clone(),
            retry_after: head.retry_after,
            body: head.body(self.body.clone()),
        }
        .into()
    }

    pub(crate) fn misfit(&self, error: &status::DecodeError) -> Error {
        let reason = if self.body.trim_ascii().is_empty() {
            "the answer is empty".to_owned()
        } else {
            self.head.redact_reason(error.source.to_string())
        };
        self.decode_error(error.at.to_string(), reason)
    }

    /// A success with a whole JSON body where events were asked for.
    pub(crate) fn not_a_stream(&self) -> Error {
        match self.judge() {
            Err(error) => error,
            Ok(_) => self.decode_error(
                ".".to_owned(),
                "a stream of events was asked for, and a single reply came".to_owned(),
            ),
        }
    }

    /// A success with a document where bytes were asked for.
    pub(crate) fn not_bytes(&self) -> Error {
        match self.judge() {
            Err(error) => error,
            Ok(_) => self.decode_error(
                ".".to_owned(),
                "bytes were asked for, and a document came".to_owned(),
            ),
        }
    }

    /// An answer that does not fit, and where: also one that the types alone would let pass.
    pub(crate) fn decode_error(&self, at: String, reason: String) -> Error {
        DecodeError {
            endpoint: self.head.endpoint.clone(),
            http: self.head.status,
            at,
            reason,
            content_type: self.head.content_type.clone(),
            log_id: self.log_id().map(Cow::into_owned),
            body: self.head.body(self.body.clone()),
        }
        .into()
    }
}

/// How sure it is that a token was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TokenRefusal {
    /// It is no good any more.
    Sure,
    /// It may be no good, or lack a permission.
    Perhaps,
}

/// A reply, which it dereferences to, with what stands around it.
#[derive(Debug, Clone)]
pub struct Response<T> {
    value: T,
    http: u16,
    log_id: Option<String>,
    body: Bytes,
}

impl<T> Response<T> {
    /// The reply alone.
    #[must_use]
    pub fn into_inner(self) -> T {
        self.value
    }

    /// The HTTP status.
    #[must_use]
    pub fn http_status(&self) -> u16 {
        self.http
    }

    /// The log id, from the header or else from the body.
    #[must_use]
    pub fn log_id(&self) -> Option<&str> {
        self.log_id.as_deref()
    }
}

impl<T> Response<T> {
    /// The body as it came, for what the type has no field for.
    #[must_use]
    pub fn bytes(&self) -> &Bytes {
        &self.body
    }

    /// A value of the body by its JSON pointer, such as `/data/new_field`: how a field is read that
    /// is newer than the types.
    #[must_use]
    pub fn field(&self, pointer: &str) -> Option<serde_json::Value> {
        let body: serde_json::Value = serde_json::from_slice(&self.body).ok()?;
        body.pointer(pointer).cloned()
    }
}

impl<T> Deref for Response<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T> DerefMut for Response<T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.value
    }
}
