//! Where tokens come from.

use std::time::{Duration, SystemTime};

use coze_types::Secret;

use crate::error::Result;
use crate::task::{BoxFuture, MaybeSend, MaybeSync};
use crate::time::{Instant, now};

/// Gives a client its access tokens; see [`CozeBuilder::auth`](crate::CozeBuilder::auth).
///
/// Functions that return a future are sources too:
///
/// ```no_run
/// # use std::time::Duration;
/// use coze_api::{AccessToken, Coze};
///
/// # async fn ask_the_vault() -> coze_api::Result<String> { Ok(String::new()) }
/// # fn main() -> coze_api::Result<()> {
/// let coze = Coze::builder()
///     .auth(|| async {
///         let token = ask_the_vault().await?;
///         Ok(AccessToken::new(token).valid_for(Duration::from_secs(900)))
///     })
///     .build()?;
/// # Ok(())
/// # }
/// ```
pub trait TokenSource: MaybeSend + MaybeSync + 'static {
    /// Gets a token.
    ///
    /// The client keeps what it gets and asks again shortly before that expires, or after the
    /// server has refused it. It asks once at a time, waits at most two minutes, and tells a
    /// failure to every call that waits. `stale` is the token that is to be replaced: giving it
    /// again would help nobody.
    ///
    /// The future may be put aside half done when the calls that wait for it are dropped; the next
    /// call goes on with it. So it must hold no lock that others need.
    ///
    /// # Errors
    /// Whatever keeps the source from having a token; [`AuthError::other`](crate::AuthError::other)
    /// makes one from a foreign error.
    fn token<'a>(&'a self, stale: Option<&'a Secret>) -> BoxFuture<'a, Result<AccessToken>>;

    /// The server for which its tokens are valid, if it knows. A client uses it unless it was
    /// given an address or a region.
    fn base_url(&self) -> Option<&str> {
        None
    }
}

impl<F, T> TokenSource for F
where
    F: Fn() -> T + MaybeSend + MaybeSync + 'static,
    T: Future<Output = Result<AccessToken>> + MaybeSend,
{
    fn token<'a>(&'a self, _: Option<&'a Secret>) -> BoxFuture<'a, Result<AccessToken>> {
        Box::pin(async move { self().await })
    }
}

/// An access token, and how long it is valid.
#[derive(Debug, Clone)]
pub struct AccessToken {
    pub(crate) secret: Secret,
    /// By the clock that nobody sets.
    pub(crate) expires: Option<Instant>,
}

impl AccessToken {
    /// A token that is valid until the server refuses it.
    pub fn new(token: impl Into<Secret>) -> Self {
        Self {
            secret: token.into(),
            expires: None,
        }
    }

    /// Says how long it is valid from now on.
    #[must_use]
    pub fn valid_for(mut self, time: Duration) -> Self {
        self.expires = Instant::now().checked_add(time);
        self
    }

    /// Says when it expires, by the clock of this machine.
    #[must_use]
    pub fn valid_until(self, time: SystemTime) -> Self {
        let left = time.duration_since(now());
        self.valid_for(left.unwrap_or(Duration::ZERO))
    }
}
