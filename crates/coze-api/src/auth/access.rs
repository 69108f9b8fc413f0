//! The token that a request is sent with: the same for ever, or one that is renewed ahead of time.

use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use coze_types::Secret;
use futures_util::FutureExt;
use futures_util::future::Shared;
use http::HeaderValue;

use crate::auth::error::{AuthError, AuthErrorKind};
use crate::auth::source::{AccessToken, TokenSource};
use crate::error::{Error, Result};
use crate::response::TokenRefusal;
use crate::secret::Redact;
use crate::task::BoxFuture;
use crate::time::{Instant, timeout};

/// How long before its end a token is renewed: a tenth of its life, and at most this.
const MARGIN: Duration = Duration::from_secs(60);
/// After a renewal ahead of time has failed, the next try waits so long.
const PAUSE: Duration = Duration::from_secs(5);
/// While the old token still works, nobody waits longer for a new one.
const PATIENCE: Duration = Duration::from_secs(5);
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
        let (renewal, usable) = {
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
                (usable, Some(renewal)) => (renewal.clone(), usable),
                (usable, None) => {
                    let renewal = self.renewal(&state);
                    state.renewal = Some(renewal.clone());
                    (renewal, usable)
                }
            }
        };
        let result = match usable {
            None => renewal.clone().await,
            Some(old) => match timeout(PATIENCE, renewal.clone()).await {
                Ok(result) => result,
                // It is left to the next call.
                Err(_) => return Ok(old),
            },
        };
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

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use futures_util::future::join_all;
    use tokio::sync::Semaphore;

    use super::*;

    /// Gives `token_1`, `token_2`, …, each valid for 100 s.
    struct Numbered {
        asked: AtomicU32,
        /// Each answer takes one permit.
        permits: Semaphore,
        /// Which answers are failures.
        failing: fn(u32) -> bool,
    }

    impl TokenSource for Arc<Numbered> {
        fn token<'a>(&'a self, _: Option<&'a Secret>) -> BoxFuture<'a, Result<AccessToken>> {
            Box::pin(async {
                let number = self.asked.fetch_add(1, Ordering::Relaxed) + 1;
                self.permits.acquire().await.unwrap().forget();
                if (self.failing)(number) {
                    return Err(unavailable("the vault is closed"));
                }
                let token = AccessToken::new(format!("token_{number}"));
                Ok(token.valid_for(Duration::from_secs(100)))
            })
        }
    }

    fn numbered(permits: usize, failing: fn(u32) -> bool) -> (Arc<Numbered>, Auth) {
        let source = Arc::new(Numbered {
            asked: AtomicU32::new(0),
            permits: Semaphore::new(permits),
            failing,
        });
        let auth = Auth::renewed(Arc::new(Arc::clone(&source)));
        (source, auth)
    }

    impl Numbered {
        fn asked(&self) -> u32 {
            self.asked.load(Ordering::Relaxed)
        }
    }

    fn text(credential: &Result<Credential>) -> String {
        match credential {
            Ok(credential) => credential.header.as_ref().unwrap().to_str().unwrap().into(),
            Err(error) => error.to_string(),
        }
    }

    async fn get(auth: &Auth) -> String {
        text(&auth.credential().await)
    }

    /// What 100 callers get who all wait before the source answers.
    async fn hundred(auth: &Auth, source: &Numbered) -> Vec<String> {
        let callers = (0..100).map(|_| {
            let auth = auth.clone();
            tokio::spawn(async move { get(&auth).await })
        });
        let callers: Vec<_> = callers.collect();
        // Time stands still until all of them wait.
        tokio::time::sleep(Duration::from_secs(1)).await;
        source.permits.add_permits(1);
        let all = join_all(callers).await;
        all.into_iter().map(|it| it.unwrap()).collect()
    }

    async fn pass(seconds: u64) {
        tokio::time::advance(Duration::from_secs(seconds)).await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_token_is_renewed_ahead_of_its_end() {
        let (source, auth) = numbered(9, |_| false);
        assert_eq!(get(&auth).await, "Bearer token_1");
        pass(89).await;
        assert_eq!(get(&auth).await, "Bearer token_1");
        assert_eq!(source.asked(), 1);
        pass(2).await;
        assert_eq!(get(&auth).await, "Bearer token_2");
        assert_eq!(source.asked(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn many_callers_renew_once() {
        let (source, auth) = numbered(0, |_| false);
        let all = hundred(&auth, &source).await;
        assert!(all.iter().all(|it| it == "Bearer token_1"));
        assert_eq!(source.asked(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn others_go_on_with_a_token_that_still_works() {
        let (source, auth) = numbered(1, |_| false);
        get(&auth).await;
        pass(95).await;
        let mut first = Box::pin(auth.credential());
        assert!(futures_util::poll!(&mut first).is_pending());
        assert_eq!(get(&auth).await, "Bearer token_1");
        source.permits.add_permits(1);
        assert_eq!(text(&first.await), "Bearer token_2");
        assert_eq!(get(&auth).await, "Bearer token_2");
        assert_eq!(source.asked(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_dropped_caller_leaves_its_renewal_to_the_next() {
        for end in [95, 101] {
            let (source, auth) = numbered(1, |_| false);
            get(&auth).await;
            pass(end).await;
            let mut first = Box::pin(auth.credential());
            assert!(futures_util::poll!(&mut first).is_pending());
            drop(first);
            source.permits.add_permits(1);
            assert_eq!(get(&auth).await, "Bearer token_2");
            assert_eq!(source.asked(), 2, "the renewal was begun again");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn waiting_callers_take_over_from_the_one_that_began() {
        let (source, auth) = numbered(0, |_| false);
        let mut first = Box::pin(auth.credential());
        assert!(futures_util::poll!(&mut first).is_pending());
        let other = auth.clone();
        let second = tokio::spawn(async move { get(&other).await });
        tokio::task::yield_now().await;
        drop(first);
        source.permits.add_permits(1);
        assert_eq!(second.await.unwrap(), "Bearer token_1");
        assert_eq!(source.asked(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_failure_is_told_to_all_who_wait_and_then_forgotten() {
        let (source, auth) = numbered(0, |number| number == 1);
        let all = hundred(&auth, &source).await;
        assert!(all.iter().all(|it| it == "the vault is closed"));
        assert_eq!(source.asked(), 1);
        source.permits.add_permits(1);
        assert_eq!(get(&auth).await, "Bearer token_2");
    }

    #[tokio::test(start_paused = true)]
    async fn a_failure_ahead_of_time_does_not_matter_yet() {
        let (source, auth) = numbered(9, |number| number == 2 || number == 3);
        get(&auth).await;
        pass(91).await;
        assert_eq!(get(&auth).await, "Bearer token_1");
        assert_eq!(get(&auth).await, "Bearer token_1");
        assert_eq!(source.asked(), 2, "it is not tried again at once");
        pass(10).await;
        assert_eq!(get(&auth).await, "the vault is closed");
        assert_eq!(get(&auth).await, "Bearer token_4");
    }

    #[tokio::test(start_paused = true)]
    async fn a_refused_token_is_dropped_once() {
        let (source, auth) = numbered(9, |_| false);
        let old = auth.credential().await.unwrap().redact;
        // Two calls were refused with the same token.
        assert!(auth.rejected(&old, TokenRefusal::Sure));
        assert_eq!(get(&auth).await, "Bearer token_2");
        assert!(auth.rejected(&old, TokenRefusal::Sure));
        assert_eq!(get(&auth).await, "Bearer token_2");
        assert_eq!(source.asked(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_young_token_is_not_taken_for_an_old_one() {
        let (_, auth) = numbered(9, |_| false);
        let token = auth.credential().await.unwrap().redact;
        assert!(!auth.rejected(&token, TokenRefusal::Perhaps));
        assert_eq!(get(&auth).await, "Bearer token_1");
        pass(61).await;
        assert!(auth.rejected(&token, TokenRefusal::Perhaps));
        assert_eq!(get(&auth).await, "Bearer token_2");
    }

    #[tokio::test(start_paused = true)]
    async fn a_source_that_never_answers_is_given_up() {
        let (source, auth) = numbered(0, |_| false);
        let error = get(&auth).await;
        assert!(error.contains("none within 120s"), "{error}");
        source.permits.add_permits(1);
        assert_eq!(get(&auth).await, "Bearer token_2");
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_source_holds_nobody_up_while_the_old_token_works() {
        let (source, auth) = numbered(1, |_| false);
        get(&auth).await;
        pass(91).await;
        assert_eq!(get(&auth).await, "Bearer token_1");
        source.permits.add_permits(1);
        assert_eq!(get(&auth).await, "Bearer token_2");
        assert_eq!(source.asked(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_source_that_panics_fails_that_call_only() {
        let calls = AtomicU32::new(0);
        let auth = Auth::renewed(Arc::new(move || {
            let first = calls.fetch_add(1, Ordering::Relaxed) == 0;
            async move {
                assert!(!first, "as planned");
                Ok(AccessToken::new("token_2"))
            }
        }));
        let error = get(&auth).await;
        assert!(error.contains("panicked"), "{error}");
        assert_eq!(get(&auth).await, "Bearer token_2");
        // It has no end, so nobody asks again.
        pass(1_000_000).await;
        assert_eq!(get(&auth).await, "Bearer token_2");
    }

    #[tokio::test]
    async fn what_cannot_stand_in_a_header_is_refused() {
        let auth = Auth::renewed(Arc::new(|| async { Ok(AccessToken::new("a secret\n x")) }));
        let error = get(&auth).await;
        assert!(
            error.contains("at byte 1") && !error.contains("secret\n"),
            "{error}"
        );
    }
}
