//! Where tokens are kept between logins.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, UNIX_EPOCH};

use coze_types::Secret;
use coze_types::auth::Token;
use serde::{Deserialize, Serialize};

use crate::auth::source::AccessToken;
use crate::error::Result;
use crate::task::{BoxFuture, MaybeSend, MaybeSync};
use crate::time;

/// What a login gave: the access token, and what it is renewed with.
///
/// Writing it as JSON exposes the tokens, for a [`TokenStore`] to keep; `Debug` does not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct TokenSet {
    /// The access token.
    pub access_token: Secret,
    /// Renews it, once; `None` when the login cannot be renewed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<Secret>,
    /// When the access token expires: Unix seconds by the clock of this machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<i64>,
}

impl TokenSet {
    /// Tokens that came from elsewhere. `expires_at` is in Unix seconds; without it the access
    /// token counts as valid until the server refuses it.
    pub fn new(
        access_token: impl Into<Secret>,
        refresh_token: Option<Secret>,
        expires_at: Option<i64>,
    ) -> Self {
        Self {
            access_token: access_token.into(),
            refresh_token,
            expires_at,
        }
    }

    /// Of a reply. `sent` is when the server sent it, in Unix seconds by its own clock: what
    /// counts is how long the token lives, and the clocks may differ.
    pub(crate) fn of_reply(token: Token, sent: Option<i64>) -> Self {
        Self {
            access_token: token.access_token,
            refresh_token: token.refresh_token.filter(|it| !it.is_empty()),
            expires_at: expiry(token.expires_in.0, sent, now()),
        }
    }

    /// The access token alone.
    #[must_use]
    pub fn access(&self) -> AccessToken {
        let token = AccessToken::new(self.access_token.clone());
        match self.expires_at {
            None => token,
            Some(at) => {
                let at = Duration::from_secs(u64::try_from(at).unwrap_or(0));
                match UNIX_EPOCH.checked_add(at) {
                    Some(at) => token.valid_until(at),
                    None => token,
                }
            }
        }
    }
}

/// Unix seconds, here.
pub(crate) fn now() -> i64 {
    let since = time::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |it| i64::try_from(it.as_secs()).unwrap_or(i64::MAX))
}

/// When a token expires by the clock of this machine.
///
/// `expires_in` is a time in spite of its name. Small numbers are what the name says, as in all
/// other services; large ones are milliseconds.
fn expiry(expires_in: i64, sent: Option<i64>, now: i64) -> Option<i64> {
    const YEAR_2001: i64 = 1_000_000_000;
    let end = match expires_in {
        ..=0 => return None,
        span @ 1..YEAR_2001 => return Some(now + span),
        milliseconds if milliseconds / 1000 >= YEAR_2001 => milliseconds / 1000,
        seconds => seconds,
    };
    match sent {
        // A cache or a proxy may have its own idea of the date.
        Some(sent) if sent < end => Some(now.saturating_add(end - sent)),
        _ => Some(end),
    }
}

/// Keeps the tokens of one login: in a file, a keyring, a database.
///
/// It is asked only when an access token has to be renewed. Whoever shares one between processes
/// should `save` in one step, so that `load` never sees half of it.
///
/// ```
/// use coze_api::{AuthError, BoxFuture, Error, Result, TokenSet, TokenStore};
///
/// /// A file that only its owner should be able to read.
/// struct InFile(std::path::PathBuf);
///
/// fn failed(error: std::io::Error) -> Error {
///     AuthError::other(error).into()
/// }
///
/// impl TokenStore for InFile {
///     fn load(&self) -> BoxFuture<'_, Result<Option<TokenSet>>> {
///         Box::pin(async {
///             if !self.0.exists() {
///                 return Ok(None);
///             }
///             let text = std::fs::read_to_string(&self.0).map_err(failed)?;
///             serde_json::from_str(&text).map(Some).map_err(|error| failed(error.into()))
///         })
///     }
///
///     fn save<'a>(&'a self, tokens: &'a TokenSet) -> BoxFuture<'a, Result<()>> {
///         Box::pin(async move {
///             let text = serde_json::to_string(tokens).map_err(|error| failed(error.into()))?;
///             let part = self.0.with_extension("part");
///             std::fs::write(&part, text).map_err(failed)?;
///             std::fs::rename(part, &self.0).map_err(failed)
///         })
///     }
///
///     fn clear(&self) -> BoxFuture<'_, Result<()>> {
///         Box::pin(async {
///             match std::fs::remove_file(&self.0) {
///                 Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(failed(error)),
///                 _ => Ok(()),
///             }
///         })
///     }
/// }
/// ```
pub trait TokenStore: MaybeSend + MaybeSync + 'static {
    /// Reads what is kept; `None` when nobody is logged in.
    ///
    /// # Errors
    /// What keeps it from reading; see [`AuthError::other`](crate::AuthError::other).
    fn load(&self) -> BoxFuture<'_, Result<Option<TokenSet>>>;

    /// Keeps these tokens in place of the last ones.
    ///
    /// # Errors
    /// What keeps it from writing. The session goes on with the tokens in memory and tries again.
    fn save<'a>(&'a self, tokens: &'a TokenSet) -> BoxFuture<'a, Result<()>>;

    /// Forgets the tokens.
    ///
    /// # Errors
    /// What keeps it from writing.
    fn clear(&self) -> BoxFuture<'_, Result<()>>;
}

/// Keeps tokens in memory, wiped when dropped.
#[derive(Debug, Default)]
pub struct MemoryStore(Mutex<Option<TokenSet>>);

impl MemoryStore {
    /// A store that holds these tokens.
    #[must_use]
    pub fn new(tokens: TokenSet) -> Self {
        Self(Mutex::new(Some(tokens)))
    }

    fn put(&self, tokens: Option<TokenSet>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = tokens;
    }
}

impl TokenStore for MemoryStore {
    fn load(&self) -> BoxFuture<'_, Result<Option<TokenSet>>> {
        let tokens = self
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        Box::pin(async { Ok(tokens) })
    }

    fn save<'a>(&'a self, tokens: &'a TokenSet) -> BoxFuture<'a, Result<()>> {
        self.put(Some(tokens.clone()));
        Box::pin(async { Ok(()) })
    }

    fn clear(&self) -> BoxFuture<'_, Result<()>> {
        self.put(None);
        Box::pin(async { Ok(()) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expiry_is_by_our_own_clock() {
        const NOW: i64 = 1_760_000_000;
        fn check(expires_in: i64, sent: Option<i64>, expected: Option<i64>) {
            assert_eq!(
                expiry(expires_in, sent, NOW),
                expected,
                "{expires_in} {sent:?}"
            );
        }
        check(NOW + 900, None, Some(NOW + 900));
        // The server is an hour ahead, then an hour behind.
        check(NOW + 4500, Some(NOW + 3600), Some(NOW + 900));
        check(NOW - 2700, Some(NOW - 3600), Some(NOW + 900));
        // A date after the end cannot be right.
        check(NOW + 900, Some(NOW + 1000), Some(NOW + 900));
        check(900, Some(NOW + 3600), Some(NOW + 900));
        check((NOW + 900) * 1000, None, Some(NOW + 900));
        check(0, None, None);
        check(-1, None, None);
        assert!(expiry(i64::MAX, Some(0), NOW).is_some());
    }

    #[test]
    fn tokens_are_written_and_never_shown() {
        let tokens = TokenSet::new("czu_test", Some("refresh_test".into()), Some(1));
        assert!(!format!("{tokens:?}").contains("test"));
        let text = serde_json::to_string(&tokens).unwrap();
        assert_eq!(serde_json::from_str::<TokenSet>(&text).unwrap(), tokens);
    }
}
