//! The login of a user, renewed with its refresh token.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use coze_types::Secret;

use crate::auth::app::OAuthApp;
use crate::auth::error::{AuthError, AuthErrorKind};
use crate::auth::source::{AccessToken, TokenSource};
use crate::auth::store::{TokenSet, TokenStore};
use crate::error::{Error, Result};
use crate::task::BoxFuture;
use crate::time::{Instant, sleep};

/// A token from the store that ends so soon is renewed at once.
const SOON: Duration = Duration::from_secs(60);

/// When to look for what another process is about to save.
const LOOKS: [Duration; 3] = [
    Duration::ZERO,
    Duration::from_millis(200),
    Duration::from_millis(800),
];

/// The login of a user: a [`TokenSource`] that renews the access token with the refresh token.
///
/// A refresh token works once, so what comes in its place is saved before it is used. Give a
/// session to one client; the clones of that client share it. Several processes may share a store:
/// the one that comes second takes what the first has saved.
pub struct OAuthSession {
    app: OAuthApp,
    store: Arc<dyn TokenStore>,
    /// What the store did not take: it must not get lost.
    unsaved: Mutex<Option<TokenSet>>,
}

impl fmt::Debug for OAuthSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OAuthSession")
            .field("app", &self.app)
            .finish_non_exhaustive()
    }
}

impl TokenSource for OAuthSession {
    fn token<'a>(&'a self, stale: Option<&'a Secret>) -> BoxFuture<'a, Result<AccessToken>> {
        Box::pin(self.renew(stale))
    }

    fn base_url(&self) -> Option<&str> {
        Some(self.app.base_url())
    }
}

impl OAuthSession {
    pub(crate) fn new(app: OAuthApp, store: Arc<dyn TokenStore>) -> Self {
        Self {
            app,
            store,
            unsaved: Mutex::default(),
        }
    }

    async fn renew(&self, stale: Option<&Secret>) -> Result<AccessToken> {
        let Some(tokens) = self.load().await? else {
            return Err(login_required("nobody is logged in", None));
        };
        if is_usable(&tokens, stale) {
            return Ok(tokens.access());
        }
        let Some(refresh_token) = &tokens.refresh_token else {
            let why = "the login has ended and has no refresh token: log in again";
            return Err(login_required(why, None));
        };
        match self.app.refresh(refresh_token).await {
            Ok(new) => {
                self.save(&new).await;
                Ok(new.access())
            }
            Err(error) if is_refusal(&error) => match self.saved_by_others(&tokens, stale).await? {
                Some(others) => Ok(others.access()),
                None => {
                    let why = "the login has ended: log in again";
                    Err(login_required(why, Some(error)))
                }
            },
            Err(error) => Err(error),
        }
    }

    /// Perhaps another process was faster, and the refresh token is used up: then the store holds,
    /// or soon will hold, what that process got.
    async fn saved_by_others(
        &self,
        ours: &TokenSet,
        stale: Option<&Secret>,
    ) -> Result<Option<TokenSet>> {
        for pause in LOOKS {
            sleep(pause).await;
            let found = self.load().await?;
            if let Some(others) = found.filter(|it| it != ours && is_usable(it, stale)) {
                return Ok(Some(others));
            }
        }
        Ok(None)
    }

    /// What is kept, or what should be.
    async fn load(&self) -> Result<Option<TokenSet>> {
        let unsaved = self.unsaved(|it| it.clone());
        match unsaved {
            Some(tokens) => {
                self.save(&tokens).await;
                Ok(Some(tokens))
            }
            None => self.store.load().await,
        }
    }

    async fn save(&self, tokens: &TokenSet) {
        // First of all in memory: from here on the old refresh token is worth nothing.
        self.unsaved(|it| *it = Some(tokens.clone()));
        match self.store.save(tokens).await {
            Ok(()) => self.unsaved(|it| *it = None),
            Err(error) => {
                tracing::warn!(%error, "renewed tokens could not be saved; they are kept in memory");
            }
        }
    }

    fn unsaved<T>(&self, look: impl FnOnce(&mut Option<TokenSet>) -> T) -> T {
        look(&mut self.unsaved.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Still valid for a while, and not what is to be replaced.
fn is_usable(tokens: &TokenSet, stale: Option<&Secret>) -> bool {
    let soon = Instant::now() + SOON;
    let lives = tokens.access().expires.is_none_or(|end| end > soon);
    lives && stale != Some(&tokens.access_token)
}

/// The server looked at the refresh token and said no.
fn is_refusal(error: &Error) -> bool {
    matches!(error, Error::Api(api) if api.http < 500) && !error.is_retryable()
}

fn login_required(why: &str, error: Option<Error>) -> Error {
    let required = AuthError::new(AuthErrorKind::LoginRequired, why);
    match error {
        Some(error) => required.because(error),
        None => required,
    }
    .into()
}
