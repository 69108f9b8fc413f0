//! Failures without an answer.

use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use crate::reuse::Trail;

/// Why there was no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TransportKind {
    /// The connection was refused or could not be made.
    Connect,
    /// The name of the host is not known.
    Dns,
    /// No trusted encrypted connection could be made.
    Tls,
    /// A timeout passed.
    Timeout,
    /// The connection was made and then lost.
    Reset,
    /// Anything else.
    Other,
}

impl TransportKind {
    /// Whether it may go away by itself.
    pub(crate) fn is_temporary(self) -> bool {
        matches!(
            self,
            Self::Connect | Self::Dns | Self::Timeout | Self::Reset
        )
    }

    /// The name as it is logged: `connect`, `dns`, `tls`, `timeout`, `reset` or `other`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::Dns => "dns",
            Self::Tls => "tls",
            Self::Timeout => "timeout",
            Self::Reset => "reset",
            Self::Other => "other",
        }
    }
}

/// There was no answer, or only the beginning of one.
#[derive(Debug)]
#[non_exhaustive]
pub struct TransportError {
    /// Why.
    pub kind: TransportKind,
    /// The endpoint's name, or method and path of a raw call.
    pub endpoint: Cow<'static, str>,
    /// The address, without its query.
    pub url: String,
    /// The timeout that passed, when it was one of ours.
    pub waited: Option<Waited>,
    reach: Reach,
    /// The proxy that it went through, without its password.
    proxy: Option<Arc<str>>,
    source: Option<reqwest::Error>,
}

/// How far the call had come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reach {
    /// The server never saw it.
    NotSent,
    /// It was written to a connection that the server had closed before.
    Stale,
    /// Nobody knows.
    Unknown,
}

/// A timeout that passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Waited {
    /// For a turn, because of the client's own [`Limits`](crate::Limits): nothing was sent.
    Turn(Duration),
    /// For the answer.
    Answer(Duration),
    /// For the next bytes of a stream.
    Silence(Duration),
    /// For the whole call.
    Total(Duration),
}

impl Waited {
    /// How long it was.
    #[must_use]
    pub const fn duration(self) -> Duration {
        match self {
            Self::Turn(time) | Self::Answer(time) | Self::Silence(time) | Self::Total(time) => time,
        }
    }
}

impl TransportError {
    pub(crate) fn new(endpoint: Cow<'static, str>, url: &str, source: reqwest::Error) -> Self {
        Self {
            kind: kind_of(&source),
            endpoint,
            url: url.to_owned(),
            waited: None,
            reach: if never_left(&source) {
                Reach::NotSent
            } else {
                Reach::Unknown
            },
            proxy: None,
            // It would print the query, which may hold what the user typed.
            source: Some(source.without_url()),
        }
    }

    /// Says which proxy was asked to make the connection: it may be the one to blame.
    pub(crate) fn through(mut self, proxy: Option<&Arc<str>>) -> Self {
        self.proxy = proxy.cloned();
        self
    }

    pub(crate) fn timeout(endpoint: Cow<'static, str>, url: &str, waited: Waited) -> Self {
        Self {
            kind: TransportKind::Timeout,
            endpoint,
            url: url.to_owned(),
            waited: Some(waited),
            reach: Reach::Unknown,
            proxy: None,
            source: None,
        }
    }

    /// Whether the server may have begun to carry the call out.
    pub(crate) fn may_have_begun(&self) -> bool {
        self.reach == Reach::Unknown
    }

    /// The call hit a connection that the server had closed before: not the server's failure.
    pub(crate) fn is_stale(&self) -> bool {
        self.reach == Reach::Stale
    }

    /// The connection ended although nobody on this side had given it up.
    pub(crate) fn is_lost(&self) -> bool {
        matches!(self.kind, TransportKind::Reset | TransportKind::Other)
    }

    /// Finds out, by the trail of the attempt, whether the connection alone is to blame.
    pub(crate) fn is_of_old_connection(&mut self, trail: &Trail, is_read: bool) -> bool {
        let unseen =
            || is_read || !trail.was_handed() || trail.is_young() && self.is_reset_by_peer();
        if self.is_lost() && self.reach == Reach::Unknown && !trail.is_fresh() && unseen() {
            self.reach = Reach::Stale;
        }
        self.is_stale()
    }

    /// The peer's system had nobody to give our bytes to.
    fn is_reset_by_peer(&self) -> bool {
        let source = self.source.as_ref();
        source.is_some_and(|error| {
            // Only the system's own word counts: HTTP/2 says the same of an orderly end.
            io_errors(error).any(|it| {
                it.raw_os_error().is_some()
                    && matches!(
                        it.kind(),
                        io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe
                    )
            })
        })
    }

    /// What happened, without saying where.
    pub(crate) fn cause(&self) -> String {
        let deepest = || {
            let mut error: Option<&dyn StdError> = self.source.as_ref().map(|it| it as _);
            let mut text = String::new();
            while let Some(inner) = error {
                text = inner.to_string();
                error = inner.source();
            }
            crate::error::OneLine(&text).to_string()
        };
        match (self.kind, self.waited) {
            (_, Some(Waited::Turn(time))) => {
                format!("not sent: its turn did not come within {time:?} (client-side limits)")
            }
            (_, Some(Waited::Answer(time))) => format!("no answer within {time:?}"),
            (_, Some(Waited::Silence(time))) => format!("nothing arrived for {time:?}"),
            (_, Some(Waited::Total(time))) => format!("not done within {time:?}"),
            (TransportKind::Connect, _) => format!("cannot connect ({})", deepest()),
            (TransportKind::Dns, _) => format!("the host name cannot be resolved ({})", deepest()),
            (TransportKind::Tls, _) => format!("no trusted connection ({})", deepest()),
            (TransportKind::Timeout, _) => "no connection in time".to_owned(),
            (TransportKind::Reset, _) => format!("the connection was lost ({})", deepest()),
            (TransportKind::Other, _) => deepest(),
        }
    }
}

impl fmt::Display for TransportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: {}", self.endpoint, self.url, self.cause())?;
        match &self.proxy {
            Some(proxy) => write!(f, ", through the proxy {proxy}"),
            None => Ok(()),
        }
    }
}

impl StdError for TransportError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_ref().map(|it| it as _)
    }
}

/// Whether the server cannot have seen the call.
fn never_left(error: &reqwest::Error) -> bool {
    #[cfg(not(target_family = "wasm"))]
    if error.is_connect() {
        return true;
    }
    error.is_builder()
}

/// The errors behind an error, itself first.
fn chain<'a>(
    error: &'a (dyn StdError + 'static),
) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |&error| {
        // An I/O error may stand for another one, and names only what is behind that as its source.
        let inner = error
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref);
        inner.map_or_else(|| error.source(), |inner| Some(inner))
    })
}

fn io_errors<'a>(error: &'a (dyn StdError + 'static)) -> impl Iterator<Item = &'a io::Error> {
    chain(error).filter_map(|it| it.downcast_ref())
}

#[cfg(not(target_family = "wasm"))]
fn kind_of(error: &reqwest::Error) -> TransportKind {
    let is = |kinds: &[io::ErrorKind]| io_errors(error).any(|it| kinds.contains(&it.kind()));
    if error.is_timeout() {
        TransportKind::Timeout
    } else if error.is_connect() {
        if error.is_dns() {
            TransportKind::Dns
        } else if is(&[io::ErrorKind::InvalidData]) {
            // What the peer said in the handshake is no encryption, or none to be trusted.
            TransportKind::Tls
        } else {
            TransportKind::Connect
        }
    } else if is(&[
        io::ErrorKind::ConnectionReset,
        io::ErrorKind::ConnectionAborted,
        io::ErrorKind::BrokenPipe,
        io::ErrorKind::UnexpectedEof,
    ]) || says(error, "connection closed before message completed")
    {
        TransportKind::Reset
    } else {
        TransportKind::Other
    }
}

/// The layer below has private error types, so one cause shows in its words only.
#[cfg(not(target_family = "wasm"))]
fn says(error: &reqwest::Error, words: &str) -> bool {
    chain(error).any(|it| it.to_string().contains(words))
}

/// A browser does not tell scripts why there was no answer, nor how far the call had come.
#[cfg(target_family = "wasm")]
fn kind_of(error: &reqwest::Error) -> TransportKind {
    if error.is_timeout() {
        TransportKind::Timeout
    } else if error.is_request() {
        TransportKind::Connect
    } else if error.is_body() || error.is_decode() {
        TransportKind::Reset
    } else {
        TransportKind::Other
    }
}

/// True when the peer ended the connection in order, but before the body was whole.
pub(crate) fn is_early_end(error: &reqwest::Error) -> bool {
    io_errors(error).any(|it| it.kind() == io::ErrorKind::UnexpectedEof)
}
