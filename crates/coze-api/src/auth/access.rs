//! The token that a request is sent with: the same for ever, or one that is renewed ahead of time.

use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use coze_types::Secret;
use futures_util::FutureExt;
use futures_util::future::Shared;
use http::HeaderValue;
use tokio::time::{Instant, timeout};

use crate::auth::error::{AuthError, AuthErrorKind};
use crate::auth::source::{AccessToken, BoxFuture, TokenSource};
use crate::error::{Error, Result};
use crate::response::TokenRefusal;
use crate::secret::Redact;

/// How long before its end a token is renewed: a tenth of its life, and at most this.
const MARGIN: Duration = Duration::from_secs(60);
/// After a renewal ahead of time has failed, the next try waits so long.
const PAUSE: Duration = Duration::from_secs(5);
/// How long a source may take.
const LIMIT: Duration = Duration::from_secs(120);

/// What one request proves itself with.
#[derive(Debug, Clone)]
pub(crate) struct Credential {
    /// `None` for requests that prove nothing.
    pub(crate) header: Option<HeaderValue>,
    /// Hides exactly this token.
    pub(crate) redact: Redact,
}

impl Credential {
    /// A token, with or without `Bearer ` before it.
    pub(crate) fn bearer(token: &str) -> Result<Self> {
        let token = token.trim();
        let token = token.strip_prefix("Bearer ").unwrap_or(token).trim();
        if token.is_empty() {
            return Err(Error::Invalid("the access token is empty".into()));
        }
        let bad = token
            .char_indices()
            .find(|(_, char)| !char.is_ascii_graphic());
        if let Some((at, _)) = bad {
            // The character itself is part of a secret, so only its place is told.
            return Err(Error::Invalid(format!(
                "the access token has a space, a line end or a character outside ASCII at byte {at}"
            )));
        }
        let mut header = HeaderValue::from_str(&format!("Bearer {token}"))
            .map_err(|_| Error::Invalid("the access token cannot stand in a header".into()))?;
        header.set_sensitive(true);
        Ok(Self {
            header: Some(header),
            redact: Redact::new([token]),
        })
    }

    /// Nothing to prove, but secrets in the request all the same.
    pub(crate) fn none(secrets: &[&str]) -> Self {
        Self {
            header: None,
            redact: Redact::new(secrets.iter().copied()),
        }
    }

    /// Hides further secrets, which stand in the request beside the token.
    pub(crate) fn hiding(mut self, secrets: &[&str]) -> Self {
        self.redact = self.redact.and(secrets.iter().copied());
        self
    }
}

/// Where the requests of a client get their credential.
#[derive(Clone)]
pub(crate) enum Auth {
    /// Requests that prove nothing, or bring a credential of their own.
    None,
    /// One token for ever.
    Static(Credential),
    /// One that is renewed.
    Renewed(Arc<Renewed>),
}

impl Auth {
    pub(crate) fn renewed(source: Arc<dyn TokenSource>) -> Self {
        Self::Renewed(Arc::new(Renewed {
            source,
            state: Mutex::default(),
        }))
    }

    /// The credential for a request that is sent now.
    pub(crate) async fn credential(&self) -> Result<Credential> {
        match self {
            Self::None => Ok(Credential::none(&[])),
            Self::Static(credential) => Ok(credential.clone()),
            Self::Renewed(renewed) => renewed.credential().await,
        }
    }

    /// Whether another token could be had in place of one that was refused.
    pub(crate) fn is_renewed(&self) -> bool {
        matches!(self, Self::Renewed(_))
    }

    /// Takes note that the server refused a token. True when the request should be sent again,
    /// with another one.
    pub(crate) fn rejected(&self, token: &Redact, refusal: TokenRefusal) -> bool {
        match self {
            Self::None | Self::Static(_) => false,
            Self::Renewed(renewed) => renewed.rejected(token, refusal),
        }
    }
}

/// A token that all requests of a client share, and its one renewal.
pub(crate) struct Renewed {
    source: Arc<dyn TokenSource>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    current: Option<Current>,
    /// The last token that was refused.
    refused: Option<Secret>,
    /// The renewal under way. It is kept here, not by the request that began it: when that is
    /// dropped, the next one goes on with it. A refresh token works once, so a renewal that was
    /// begun must not be thrown away.
    renewal: Option<Renewal>,
}

type Renewal = Shared<BoxFuture<'static, Result<Current, Arc<Error>>>>;

#[derive(Clone)]
struct Current {
    token: AccessToken,
    credential: Credential,
    since: Instant,
    /// When to think of another one; `None` for a token without end.
    renew: Option<Instant>,
}

impl Current {
    fn new(token: AccessToken) -> Result<Self> {
        let now = Instant::now();
        let renew = token.expires.map(|end| {
            let life = end.saturating_duration_since(now);
            end - (life / 10).min(MARGIN)
        });
        Ok(Self {
            credential: Credential::bearer(token.secret.expose())?,
            token,
            since: now,
            renew,
        })
    }

    fn is_fresh(&self, now: Instant) -> bool {
        self.renew.is_none_or(|renew| now < renew)
    }

    fn is_valid(&self, now: Instant) -> bool {
        self.token.expires.is_none_or(|end| now < end)
    }
}

impl Renewed {
    async fn credential(&self) -> Result<Credential> {
        let renewal = {
            let mut state = self.state();
            let now = Instant::now();
            let usable = match &state.current {
                Some(current) if current.is_fresh(now) => return Ok(current.credential.clone()),
                Some(current) if current.is_valid(now) => Some(current.credential.clone()),
                _ => None,
            };
            match (usable, &state.renewal) {
                // Somebody else takes care of it, and the old token still works.
                (Some(old), Some(renewal)) if renewal.strong_count() > Some(1) => return Ok(old),
                (_, Some(renewal)) => renewal.clone(),
                (_, None) => {
                    let renewal = self.renewal(&state);
                    state.renewal = Some(renewal.clone());
                    renewal
                }
            }
        };
        let result = renewal.clone().await;
        self.finish(&renewal, result)
    }

    /// Begins a renewal; it goes on when it is polled, by whoever waits for it.
    fn renewal(&self, state: &State) -> Renewal {
        let source = Arc::clone(&self.source);
        let current = state.current.as_ref().map(|it| it.token.secret.clone());
        let stale = current.or_else(|| state.refused.clone());
        let asking = async move {
            let asked = AssertUnwindSafe(source.token(stale.as_ref())).catch_unwind();
            let token = match timeout(LIMIT, asked).await {
                Ok(Ok(token)) => token?,
                // Its panic would otherwise be that of all later calls too.
                Ok(Err(_)) => return Err(unavailable("the token source panicked")),
                Err(_) => {
                    return Err(unavailable(&format!(
                        "the token source gave none within {LIMIT:?}"
                    )));
                }
            };
            Current::new(token)
        };
        let asking: BoxFuture<'static, _> = Box::pin(asking.map(|it| it.map_err(Arc::new)));
        asking.shared()
    }

    fn finish(&self, renewal: &Renewal, result: Result<Current, Arc<Error>>) -> Result<Credential> {
        let mut state = self.state();
        // The first of those who waited sees to the state.
        let first = state.renewal.as_ref().is_some_and(|it| it.ptr_eq(renewal));
        if first {
            state.renewal = None;
        }
        match result {
            Ok(current) => {
                let credential = current.credential.clone();
                if first {
                    tracing::debug!("the access token was renewed");
                    state.refused = None;
                    state.current = Some(current);
                }
                Ok(credential)
            }
            Err(error) => {
                let now = Instant::now();
                if let Some(current) = state.current.as_mut().filter(|it| it.is_valid(now)) {
                    // It was ahead of time: there is time for another try.
                    if first {
                        tracing::warn!(%error, "the access token could not be renewed ahead of time");
                        current.renew = Some(now + PAUSE);
                    }
                    return Ok(current.credential.clone());
                }
                Err(AuthError::shared(error).into())
            }
        }
    }

    /// Drops the token, unless it has been replaced already. False when that would not help.
    fn rejected(&self, token: &Redact, refusal: TokenRefusal) -> bool {
        let mut state = self.state();
        let current = state.current.take_if(|it| it.credential.redact.is(token));
        let Some(current) = current else {
            return true;
        };
        // A young token lacks a permission: another one would lack it too.
        if refusal == TokenRefusal::Perhaps && current.since.elapsed() < MARGIN {
            state.current = Some(current);
            return false;
        }
        tracing::debug!("the server refused the access token");
        state.refused = Some(current.token.secret);
        true
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing is left half done under this lock, so a panic elsewhere does not matter.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn unavailable(why: &str) -> Error {
    AuthError::new(AuthErrorKind::Unavailable, why).into()
}
