//! Why there is no access token.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

use crate::error::Error;

/// There is no access token, and why.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct AuthError {
    /// Which way it went wrong.
    pub kind: AuthErrorKind,
    what: String,
    // Shared: one failure is told to every call that waited for the token.
    source: Option<Arc<dyn StdError + Send + Sync>>,
}

/// Which way a login went wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AuthErrorKind {
    /// Nobody is logged in, or the login has ended: the user has to log in again.
    LoginRequired,
    /// The user, or the owner of the app, said no.
    Denied,
    /// The user took too long: begin again.
    Expired,
    /// The browser came back with an answer to another question.
    Mismatch,
    /// The token could not be had; the source of the error says why.
    Unavailable,
}

impl AuthError {
    pub(crate) fn new(kind: AuthErrorKind, what: impl Into<String>) -> Self {
        Self {
            kind,
            what: what.into(),
            source: None,
        }
    }

    /// A failure of a [`TokenSource`](crate::TokenSource) or a [`TokenStore`](crate::TokenStore) of
    /// one's own. The text of the error is shown, so it must hold no secret.
    pub fn other(error: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self {
            kind: AuthErrorKind::Unavailable,
            what: "no access token".to_owned(),
            source: Some(Arc::from(error.into())),
        }
    }

    pub(crate) fn because(mut self, error: Error) -> Self {
        self.source = Some(Arc::new(error));
        self
    }

    /// The same failure for each of those who waited.
    pub(crate) fn shared(error: Arc<Error>) -> Self {
        match error.as_ref() {
            Error::Auth(error) => error.as_ref().clone(),
            _ => Self {
                kind: AuthErrorKind::Unavailable,
                what: "no access token".to_owned(),
                source: Some(error),
            },
        }
    }

    /// The error of the request for a token, if that is what failed.
    #[must_use]
    pub fn request(&self) -> Option<&Error> {
        self.source.as_deref()?.downcast_ref()
    }
}

impl fmt::Display for AuthError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)?;
        match &self.source {
            Some(error) => write!(f, ": {}", crate::error::OneLine(&error.to_string())),
            None => Ok(()),
        }
    }
}

impl StdError for AuthError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|it| it as _)
    }
}
