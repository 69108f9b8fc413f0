//! What can go wrong, and everything that is known about it.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use coze_types::Id;
use coze_types::catalogue::{self, Entry, Retry};
use coze_types::chat::Chat;
use coze_types::runs::RunHistory;

use crate::auth::AuthError;
use crate::body::Body;
use crate::guard::ConversationOccupied;
use crate::limit::LimitReached;
use crate::reply::Reply;
use crate::response::TokenRefusal;
use crate::run_error::RunFailed;
use crate::stream_error::{StreamError, StreamFailure};
use crate::transport::TransportError;

/// The result of a call.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a call or a stream failed.
///
/// The texts are one line, name the endpoint and never hold a secret. What stands behind each
/// variant is boxed, so that a `Result` stays small.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No answer: the connection, the name, the certificate or the clock.
    #[error(transparent)]
    Transport(Box<TransportError>),
    /// The server understood the call and said no, with a code of the Coze catalogue.
    #[error(transparent)]
    Api(Box<ApiError>),
    /// An HTTP error without a Coze code: usually from something that stands before the server.
    #[error(transparent)]
    Http(Box<HttpError>),
    /// An answer that does not fit the endpoint.
    #[error(transparent)]
    Decode(Box<DecodeError>),
    /// A stream that broke after it had begun.
    #[error(transparent)]
    Stream(Box<StreamFailure>),
    /// A chat that failed or was cancelled.
    #[error(transparent)]
    Chat(Box<ChatFailed>),
    /// A workflow run that failed or was cancelled.
    #[error(transparent)]
    Run(Box<RunFailed>),
    /// Polling took longer than its deadline; what is polled goes on.
    #[error(transparent)]
    Timeout(Box<PollTimeout>),
    /// A turn that did not get its conversation, although it waited or cancelled what ran there.
    #[error(transparent)]
    Occupied(Box<ConversationOccupied>),
    /// Not sent, because of the client's own limits.
    #[error(transparent)]
    Limit(Box<LimitReached>),
    /// There is no access token.
    #[error(transparent)]
    Auth(Box<AuthError>),
    /// An argument that no server needs to be asked about, or a file that cannot be read.
    #[error("invalid argument: {0}")]
    Invalid(String),
}

impl Error {
    /// The Coze error code: of the reply, of the stream's error event or of the failed chat.
    #[must_use]
    pub fn code(&self) -> Option<i64> {
        let code = match self.behind() {
            Self::Api(error) => error.code,
            Self::Chat(error) => error.code,
            Self::Run(error) => error.code,
            Self::Occupied(_) => crate::guard::OCCUPIED,
            Self::Stream(error) => match &error.kind {
                StreamError::Event { code, .. } => *code,
                _ => 0,
            },
            _ => 0,
        };
        (code != 0).then_some(code)
    }

    /// The HTTP status, when there was an answer.
    #[must_use]
    pub fn http(&self) -> Option<u16> {
        match self.behind() {
            Self::Api(error) => Some(error.http),
            Self::Http(error) => Some(error.http),
            Self::Decode(error) => Some(error.http),
            Self::Occupied(error) => error.refusal.as_ref().map(|it| it.http),
            _ => None,
        }
    }

    /// The log id, which the vendor's support asks for.
    #[must_use]
    pub fn log_id(&self) -> Option<&str> {
        match self.behind() {
            Self::Api(error) => error.log_id.as_deref(),
            Self::Http(error) => error.log_id.as_deref(),
            Self::Decode(error) => error.log_id.as_deref(),
            Self::Stream(error) => error.log_id.as_deref(),
            Self::Chat(error) => error.reply.log_id(),
            Self::Run(error) => error.log_id(),
            Self::Occupied(error) => error.refusal.as_ref()?.log_id.as_deref(),
            Self::Transport(_)
            | Self::Timeout(_)
            | Self::Limit(_)
            | Self::Auth(_)
            | Self::Invalid(_) => None,
        }
    }

    /// Whether the same call can succeed later without any change, within a sensible wait.
    ///
    /// It does not say that sending it again is *safe*: a chat or a run that was accepted before
    /// the failure would run twice.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self.behind() {
            Self::Transport(error) => error.kind.is_temporary(),
            Self::Http(error) => retryable_status(error.http),
            // OAuth has a name where others have a code.
            Self::Api(error) if error.name.as_deref() == Some("internal_error") => true,
            Self::Api(_) | Self::Chat(_) | Self::Run(_) | Self::Occupied(_) => match self.explain()
            {
                Some(entry) => entry.retry.is_retryable(),
                None => self.http().is_some_and(retryable_status),
            },
            // The limiter has waited for as long as is sensible.
            Self::Limit(_) => false,
            Self::Decode(_)
            | Self::Stream(_)
            | Self::Timeout(_)
            | Self::Auth(_)
            | Self::Invalid(_) => false,
        }
    }

    /// Whether the server refused the token, and not for what it may do.
    pub(crate) fn token_refusal(&self) -> Option<TokenRefusal> {
        match (self.code(), self.http()) {
            // Also for the token of another region, and for an expired one.
            (Some(4101), _) => Some(TokenRefusal::Perhaps),
            (Some(4100 | 700_012_006), _) | (_, Some(401)) => Some(TokenRefusal::Sure),
            _ => None,
        }
    }

    /// Whether the server may have carried the call out, or may still do so, in spite of the error.
    /// When it cannot, sending the call again does nothing twice.
    #[must_use]
    pub fn may_have_begun(&self) -> bool {
        match self {
            Self::Transport(error) => error.may_have_begun(),
            // A gateway that cannot pass the call on says 503; 502 and 504 come after it did.
            Self::Http(error) => error.http >= 500 && error.http != 503,
            Self::Api(error) => match self.explain() {
                Some(entry) => matches!(entry.retry, Retry::Limited | Retry::Maybe),
                None => !(400..500).contains(&error.http),
            },
            Self::Invalid(_) | Self::Limit(_) | Self::Occupied(_) | Self::Auth(_) => false,
            Self::Decode(_) | Self::Stream(_) | Self::Chat(_) | Self::Run(_) | Self::Timeout(_) => {
                true
            }
        }
    }

    /// How long to wait: the server's `Retry-After` header, or what the client's own limits say.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self.behind() {
            Self::Api(error) => error.retry_after,
            Self::Http(error) => error.retry_after,
            Self::Limit(error) => Some(error.wait).filter(|wait| !wait.is_zero()),
            _ => None,
        }
    }

    /// What the catalogue knows about the code, or else about the HTTP status: cause and fix, in
    /// English and Chinese.
    #[must_use]
    pub fn explain(&self) -> Option<&'static Entry> {
        let status = match self.behind() {
            Self::Api(error) => Some(error.http).filter(|http| *http >= 400),
            Self::Http(error) => Some(error.http),
            _ => None,
        };
        let by_status = || catalogue::lookup(i64::from(status?));
        self.code().and_then(catalogue::lookup).or_else(by_status)
    }

    /// True when a stream ended before its last event: text may be missing.
    #[must_use]
    pub fn is_truncated(&self) -> bool {
        matches!(self, Self::Stream(error) if matches!(error.kind, StreamError::Truncated))
    }

    /// What a chat had said before the failure: it must not be lost with the error.
    #[must_use]
    pub fn partial(&self) -> Option<&Reply> {
        match self {
            Self::Chat(error) => Some(&error.reply),
            Self::Stream(error) => error.partial.as_ref(),
            _ => None,
        }
    }
}

impl Error {
    /// The failed request for a token, when that is why there is none.
    fn behind(&self) -> &Self {
        match self {
            Self::Auth(error) => error.request().unwrap_or(self),
            _ => self,
        }
    }
}

fn retryable_status(http: u16) -> bool {
    matches!(http, 408 | 429 | 502..=504)
}

/// The server said no.
#[derive(Debug)]
#[non_exhaustive]
pub struct ApiError {
    /// The endpoint's name, or method and path of a raw call.
    pub endpoint: Cow<'static, str>,
    /// The HTTP status; often 200.
    pub http: u16,
    /// The code; 0 when the server gave only a name (see [`name`](Self::name)).
    pub code: i64,
    /// The server's text; may be empty.
    pub msg: String,
    /// The name of an OAuth error, such as `authorization_pending`.
    pub name: Option<String>,
    /// The log id, from the header or from the body.
    pub log_id: Option<String>,
    /// The page that shows the failed workflow run; valid for 7 days.
    pub debug_url: Option<String>,
    /// How long to wait, from `Retry-After`.
    pub retry_after: Option<Duration>,
    /// The whole body.
    pub body: Body,
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let said = match (self.msg.as_str(), &self.name) {
            ("", Some(name)) => name,
            ("", None) => "no reason given",
            (msg, _) => msg,
        };
        write!(f, "{}: {}", self.endpoint, OneLine(said))?;
        match (self.code, &self.name) {
            (0, Some(name)) => write!(f, " ({}", OneLine(name))?,
            (code, _) => write!(f, " (code {code}")?,
        }
        write!(f, ", HTTP {}{})", self.http, LogId(self.log_id.as_deref()))?;
        write!(f, "{}", TryAgain(self.retry_after))
    }
}

impl std::error::Error for ApiError {}

/// An HTTP error without a Coze code.
#[derive(Debug)]
#[non_exhaustive]
pub struct HttpError {
    /// The endpoint's name, or method and path of a raw call.
    pub endpoint: Cow<'static, str>,
    /// The HTTP status.
    pub http: u16,
    /// `Content-Type` of the body.
    pub content_type: Option<String>,
    /// Where a redirect leads. It is not followed, so that the token reaches no other address.
    pub location: Option<String>,
    /// The log id, if the answer had one.
    pub log_id: Option<String>,
    /// How long to wait, from `Retry-After`.
    pub retry_after: Option<Duration>,
    /// The whole body.
    pub body: Body,
}

impl fmt::Display for HttpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: HTTP {}", self.endpoint, self.http)?;
        if let Some(location) = &self.location {
            let location = OneLine(location);
            write!(f, ", a redirect to {location}, which is not followed")?;
        } else {
            write!(f, " without a Coze code")?;
        }
        if !self.body.is_empty() {
            write!(f, ": {}", self.body.excerpt())?;
        }
        if let Some(id) = &self.log_id {
            write!(f, " (logid {})", OneLine(id))?;
        }
        write!(f, "{}", TryAgain(self.retry_after))
    }
}

impl std::error::Error for HttpError {}

/// An answer that does not fit the endpoint.
#[derive(Debug)]
#[non_exhaustive]
pub struct DecodeError {
    /// The endpoint's name, or method and path of a raw call.
    pub endpoint: Cow<'static, str>,
    /// The HTTP status.
    pub http: u16,
    /// The path inside the JSON, `.` for the whole.
    pub at: String,
    /// What does not fit.
    pub reason: String,
    /// `Content-Type` of the body.
    pub content_type: Option<String>,
    /// The log id, if the answer had one.
    pub log_id: Option<String>,
    /// The whole body.
    pub body: Body,
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (endpoint, at, reason) = (&self.endpoint, &self.at, OneLine(&self.reason));
        write!(f, "{endpoint}: the answer does not fit at `{at}`: {reason}")?;
        write!(f, " (HTTP {}", self.http)?;
        if let Some(kind) = &self.content_type {
            write!(f, ", {}", OneLine(kind))?;
        }
        write!(f, "{})", LogId(self.log_id.as_deref()))?;
        write!(f, ": {}", self.body.excerpt())
    }
}

impl std::error::Error for DecodeError {}

/// A chat that failed or was cancelled.
#[derive(Debug)]
#[non_exhaustive]
pub struct ChatFailed {
    /// Why it failed; 0 for a cancelled chat, or when the server gave no reason.
    pub code: i64,
    /// The server's text; may be empty.
    pub msg: String,
    /// The chat and everything that it had said.
    pub reply: Reply,
}

impl ChatFailed {
    /// The chat as it was last seen.
    #[must_use]
    pub fn chat(&self) -> &Chat {
        self.reply.chat()
    }
}

impl fmt::Display for ChatFailed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let chat = self.reply.chat();
        write!(f, "chat {} is {}", chat.id, chat.status)?;
        if !self.msg.is_empty() {
            write!(f, ": {}", OneLine(&self.msg))?;
        }
        if self.code != 0 {
            write!(f, " (code {}", self.code)?;
            write!(f, "{})", LogId(self.reply.log_id()))?;
        } else if let Some(id) = self.reply.log_id() {
            write!(f, " (logid {})", OneLine(id))?;
        }
        Ok(())
    }
}

impl std::error::Error for ChatFailed {}

/// Polling took longer than its deadline.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct PollTimeout {
    /// The deadline that passed.
    pub deadline: Duration,
    /// The chat as it was last seen.
    pub chat: Option<Chat>,
    /// The run as it was last seen.
    pub run: Option<RunHistory>,
    /// The workflow whose run is waited for.
    pub workflow_id: Option<Id>,
    /// The run that is waited for.
    pub execute_id: Option<Id>,
}

impl fmt::Display for PollTimeout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(chat) = &self.chat {
            write!(f, "chat {} is still {}", chat.id, chat.status)?;
        } else if let (Some(workflow), Some(run)) = (&self.workflow_id, &self.execute_id) {
            write!(f, "run {run} of workflow {workflow} ")?;
            match &self.run {
                Some(seen) => write!(f, "is still {}", seen.execute_status)?,
                None => f.write_str("was not seen")?,
            }
        } else {
            f.write_str("nothing is known yet")?;
        }
        write!(f, " after {:?}; it was left running", self.deadline)
    }
}

impl std::error::Error for PollTimeout {}

/// Foreign text on one line, at most 300 characters of it.
pub(crate) struct OneLine<'a>(pub(crate) &'a str);

impl fmt::Display for OneLine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use fmt::Write;
        let mut blank = false;
        for (at, char) in self.0.trim().chars().enumerate() {
            if at == 300 {
                return f.write_char('…');
            }
            let space = char.is_whitespace() || char.is_control();
            if !space {
                f.write_char(char)?;
            } else if !blank {
                f.write_char(' ')?;
            }
            blank = space;
        }
        Ok(())
    }
}

/// `; try again in … s`, when the server has said so.
struct TryAgain(Option<Duration>);

impl fmt::Display for TryAgain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.map(|wait| wait.as_secs()) {
            Some(seconds) if seconds > 0 => write!(f, "; try again in {seconds} s"),
            _ => Ok(()),
        }
    }
}

/// `, logid …`, when there is one.
pub(crate) struct LogId<'a>(pub(crate) Option<&'a str>);

impl fmt::Display for LogId<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(id) => write!(f, ", logid {}", OneLine(id)),
            None => Ok(()),
        }
    }
}

macro_rules! from_boxed {
    ($($variant:ident $type:ty),+ $(,)?) => {$(
        impl From<$type> for Error {
            fn from(error: $type) -> Self {
                Self::$variant(Box::new(error))
            }
        }
    )+};
}
from_boxed!(
    Transport TransportError, Api ApiError, Http HttpError, Decode DecodeError,
    Stream StreamFailure, Chat ChatFailed, Run RunFailed, Timeout PollTimeout,
    Limit LimitReached, Occupied ConversationOccupied,
    Auth AuthError,
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_small() {
        assert!(size_of::<Error>() <= 128, "{}", size_of::<Error>());
        assert!(size_of::<Result<()>>() <= 32);
    }

    #[test]
    fn foreign_text_stays_on_one_line() {
        assert_eq!(OneLine(" a\r\n\tb\u{7}c ").to_string(), "a b c");
        let long = "好".repeat(400);
        assert_eq!(OneLine(&long).to_string().chars().count(), 301);
    }
}
