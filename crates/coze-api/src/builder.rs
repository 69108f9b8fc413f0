//! How a client is set up.

use std::env;
use std::fmt;
#[cfg(not(target_family = "wasm"))]
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use coze_types::Id;
use http::HeaderValue;
use reqwest::Url;
use secrecy::{ExposeSecret, SecretString};

use crate::auth::{Auth, Credential, TokenSource};
use crate::client::{Coze, Inner};
use crate::deadline::countable;
use crate::error::{Error, Result};
use crate::guard::{Occupied, Turns};
use crate::limit::{Limiter, Limits};
use crate::observe::Observer;
use crate::recover::Recover;
use crate::retry::RetryPolicy;
use crate::reuse::Habits;
#[cfg(not(target_family = "wasm"))]
use crate::reuse::NoteConnections;

/// A hosted service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Region {
    /// `https://api.coze.cn`, the default.
    #[default]
    Cn,
    /// `https://api.coze.com`. Tokens of the one are not valid at the other.
    Com,
}

impl Region {
    /// The address of the service.
    #[must_use]
    pub const fn base_url(self) -> &'static str {
        match self {
            Self::Cn => "https://api.coze.cn",
            Self::Com => "https://api.coze.com",
        }
    }
}

/// How long a call may take, part by part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// For a connection, with its name look-up and encryption: 5 s. Not applied to a
    /// [`reqwest::Client`] of one's own, nor in a browser.
    pub connect: Duration,
    /// For the beginning of a stream, or for a whole reply that does not stream: 60 s. Calls that
    /// wait for a workflow get at least 100 s, because the service itself gives up after 90 s. An
    /// upload may take as long as it needs, unless nothing of it goes out for this time.
    pub first_byte: Duration,
    /// Between two pieces of a stream: 120 s. A server that is silent for longer is given up, at
    /// most a quarter later.
    pub idle: Duration,
    /// For a whole call, streams included; unlimited by default.
    pub total: Option<Duration>,
}

impl Timeouts {
    /// None longer than a clock can count.
    fn bounded(self) -> Self {
        Self {
            connect: countable(self.connect),
            first_byte: countable(self.first_byte),
            idle: countable(self.idle),
            total: self.total.map(countable),
        }
    }
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            first_byte: Duration::from_secs(60),
            idle: Duration::from_secs(120),
            total: None,
        }
    }
}

/// What programs call themselves unless they say otherwise. Browsers have a name of their own, and
/// would ask the server for leave to send another.
const USER_AGENT: Option<&str> = if cfg!(target_family = "wasm") {
    None
} else {
    Some(concat!("coze-rs/", env!("CARGO_PKG_VERSION")))
};

/// Builds a [`Coze`]; see [`Coze::builder`].
#[derive(Clone, Default)]
#[must_use = "a builder does nothing until `build` is called"]
pub struct CozeBuilder {
    token: Option<SecretString>,
    source: Option<Arc<dyn TokenSource>>,
    region: Option<Region>,
    base_url: Option<String>,
    timeouts: Timeouts,
    recover: Recover,
    user_agent: Option<String>,
    default_bot: Option<Id>,
    default_user: Option<String>,
    http_client: Option<reqwest::Client>,
    retry: RetryPolicy,
    observer: Option<Arc<dyn Observer>>,
    trace_content: bool,
    #[cfg(not(target_family = "wasm"))]
    proxies: Vec<reqwest::Proxy>,
    /// The last one's address, without its password.
    proxy_shown: Option<Arc<str>>,
    #[cfg(not(target_family = "wasm"))]
    certificates: Vec<reqwest::Certificate>,
    #[cfg(not(target_family = "wasm"))]
    http2_only: bool,
    limits: Limits,
    limiter: Option<Limiter>,
    occupied: Occupied,
}

impl fmt::Debug for CozeBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CozeBuilder")
            .field("token", &self.token.as_ref().map(|_| "[redacted]"))
            .field("auth", &self.source.as_ref().map(|_| "[source]"))
            .field("region", &self.region)
            .field("base_url", &self.base_url)
            .field("timeouts", &self.timeouts)
            .field("limits", &self.limits)
            .field("default_bot", &self.default_bot)
            .field("default_user", &self.default_user)
            .finish_non_exhaustive()
    }
}

impl CozeBuilder {
    /// A builder filled from the environment: `COZE_API_TOKEN` (or `COZE_PAT_TOKEN`),
    /// `COZE_API_BASE` and `COZE_BOT_ID`. Empty variables count as missing.
    pub fn from_env() -> Self {
        Self::from_vars(|name| env::var(name).ok())
    }

    fn from_vars(lookup: impl Fn(&str) -> Option<String>) -> Self {
        let var = |name| lookup(name).filter(|value| !value.trim().is_empty());
        let token = var("COZE_API_TOKEN").or_else(|| var("COZE_PAT_TOKEN"));
        Self {
            token: token.map(SecretString::from),
            base_url: var("COZE_API_BASE"),
            default_bot: var("COZE_BOT_ID").map(|id| id.trim().into()),
            ..Self::default()
        }
    }

    /// The access token, with or without `Bearer ` before it. Required, unless there is an
    /// [`auth`](Self::auth), which this undoes.
    pub fn token(mut self, token: impl Into<SecretString>) -> Self {
        self.token = Some(token.into());
        self.source = None;
        self
    }

    /// Where the access tokens come from: a [`JwtSession`](crate::JwtSession), an
    /// [`OAuthSession`](crate::OAuthSession) or a [`TokenSource`] of one's own. Undoes
    /// [`token`](Self::token). The client also uses the address of the source, unless it is given
    /// one, or a region.
    pub fn auth(mut self, source: impl TokenSource) -> Self {
        self.source = Some(Arc::new(source));
        self.token = None;
        self
    }

    /// The hosted service to call; [`Region::Cn`] by default. Undoes
    /// [`base_url`](Self::base_url).
    pub fn region(mut self, region: Region) -> Self {
        self.region = Some(region);
        self.base_url = None;
        self
    }

    /// The address of another server, such as `http://127.0.0.1:8787`. It may have a path, which
    /// then comes before the path of every call.
    pub fn base_url(mut self, url: impl Into<String>) -> Self {
        self.base_url = Some(url.into());
        self
    }

    /// An address for when none has been set.
    pub(crate) fn or_base_url(mut self, url: &str) -> Self {
        if self.base_url.is_none() && self.region.is_none() {
            self.base_url = Some(url.to_owned());
        }
        self
    }

    /// All timeouts at once.
    pub fn timeouts(mut self, timeouts: Timeouts) -> Self {
        self.timeouts = timeouts;
        self
    }

    /// See [`Timeouts::connect`]. Not in a browser.
    #[cfg(not(target_family = "wasm"))]
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.timeouts.connect = timeout;
        self
    }

    /// See [`Timeouts::first_byte`].
    pub fn first_byte_timeout(mut self, timeout: Duration) -> Self {
        self.timeouts.first_byte = timeout;
        self
    }

    /// See [`Timeouts::idle`].
    pub fn idle_timeout(mut self, timeout: Duration) -> Self {
        self.timeouts.idle = timeout;
        self
    }

    /// See [`Timeouts::total`].
    pub fn total_timeout(mut self, timeout: Duration) -> Self {
        self.timeouts.total = Some(timeout);
        self
    }

    /// What to do when the stream of a chat breaks; see [`Recover`].
    pub fn recover(mut self, recover: Recover) -> Self {
        self.recover = recover;
        self
    }

    /// The `User-Agent`; `coze-rs/<version>` by default. In a browser it is the browser's by
    /// default, and most browsers do not let it be changed.
    pub fn user_agent(mut self, agent: impl Into<String>) -> Self {
        self.user_agent = Some(agent.into());
        self
    }

    /// The agent of [`Coze::default_chat`].
    pub fn default_bot(mut self, bot: impl Into<Id>) -> Self {
        self.default_bot = Some(bot.into());
        self
    }

    /// The user of chats that name none. Memory and variables of an agent are kept per user, so a
    /// program with several users names them chat by chat.
    pub fn default_user(mut self, user: impl Into<String>) -> Self {
        self.default_user = Some(user.into());
        self
    }

    /// How failed calls are repeated; [`RetryPolicy::none`] to repeat nothing.
    pub fn retry(mut self, policy: RetryPolicy) -> Self {
        self.retry = policy;
        self
    }

    /// Hears of every attempt and every stream: for metrics.
    pub fn observer(mut self, observer: impl Observer) -> Self {
        self.observer = Some(Arc::new(observer));
        self
    }

    /// Writes what is said into the traces, as `gen_ai.input.messages` and
    /// `gen_ai.output.messages` at level `DEBUG`. Off by default: traces hold names, ids and
    /// numbers only. A secret is never written.
    pub fn trace_content(mut self, trace: bool) -> Self {
        self.trace_content = trace;
        self
    }

    /// Sends requests through a proxy, such as `http://proxy:3128` or `socks5h://127.0.0.1:1080`;
    /// user and password may stand in the URL. Without one, the usual variables of the environment
    /// count (`HTTPS_PROXY`, `NO_PROXY` …). Not in a browser.
    ///
    /// # Errors
    /// [`Error::Invalid`] when the URL is none.
    #[cfg(not(target_family = "wasm"))]
    pub fn proxy(mut self, url: &str) -> Result<Self> {
        let proxy = reqwest::Proxy::all(url).map_err(|_| {
            // Not repeated: it may hold a password.
            Error::Invalid("the proxy's address is no URL such as http://proxy:3128".into())
        })?;
        self.proxies.push(proxy);
        self.proxy_shown = without_password(url);
        Ok(self)
    }

    /// Trusts further certificate authorities, given as PEM text, beside those of the system.
    /// Not in a browser.
    ///
    /// # Errors
    /// [`Error::Invalid`] when there is no certificate in it.
    #[cfg(not(target_family = "wasm"))]
    pub fn root_certificates(mut self, pem: impl AsRef<[u8]>) -> Result<Self> {
        match reqwest::Certificate::from_pem_bundle(pem.as_ref()) {
            Ok(found) if !found.is_empty() => self.certificates.extend(found),
            Ok(_) => {
                return Err(Error::Invalid("there is no PEM certificate in it".into()));
            }
            Err(error) => {
                return Err(Error::Invalid(format!(
                    "the certificates cannot be read: {error}"
                )));
            }
        }
        Ok(self)
    }

    /// Speaks HTTP/2 from the first byte, also without encryption. Without it, HTTP/2 is used
    /// where an encrypted server offers it. Not in a browser.
    #[cfg(not(target_family = "wasm"))]
    pub fn http2_only(mut self) -> Self {
        self.http2_only = true;
        self
    }

    /// A client of one's own, for what has no method here, or for a shared pool of connections. It
    /// should follow no redirects and have no timeout for whole requests, which would cut long
    /// streams. Proxies, certificates and the connect timeout of this builder do not apply to it.
    pub fn http_client(mut self, client: reqwest::Client) -> Self {
        self.http_client = Some(client);
        self
    }

    /// How many calls may start, and be under way; unlimited by default. What is shared: all
    /// clients of this process with the same limits for the same server and token wait in one
    /// queue.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// A limiter of one's own, shared with whoever else has it, instead of [`limits`](Self::limits).
    pub fn limiter(mut self, limiter: Limiter) -> Self {
        self.limiter = Some(limiter);
        self
    }

    /// What turns do whose conversation is occupied by another chat; [`Occupied::Fail`] by default.
    /// Each request can say otherwise.
    pub fn if_occupied(mut self, occupied: Occupied) -> Self {
        self.occupied = occupied;
        self
    }

    /// Builds the client. Nothing is sent yet.
    ///
    /// # Errors
    /// [`Error::Invalid`] when the token is missing or cannot stand in a header, when the base URL
    /// is none, or when the HTTP client cannot be set up.
    pub fn build(self) -> Result<Coze> {
        let auth = match (&self.source, &self.token) {
            (Some(source), _) => Auth::renewed(Arc::clone(source)),
            (None, Some(token)) if !token.expose_secret().trim().is_empty() => {
                Auth::Static(Credential::bearer(token.expose_secret())?)
            }
            (None, _) => {
                return Err(Error::Invalid(
                    "no access token: set COZE_API_TOKEN, or call `token` or `auth` of the builder"
                        .into(),
                ));
            }
        };
        self.build_with(auth)
    }

    /// Builds a client whose calls bring their own credentials.
    pub(crate) fn build_without_token(self) -> Result<Coze> {
        self.build_with(Auth::None)
    }

    fn build_with(mut self, auth: Auth) -> Result<Coze> {
        let source = self.source.take();
        // Whose calls are counted together: those with one token, or with one source of tokens.
        let account = match (&source, &self.token) {
            (Some(source), _) => format!("{:p}", Arc::as_ptr(source)).into(),
            (None, Some(token)) => token.clone(),
            (None, None) => SecretString::default(),
        };
        let source = source.as_deref().and_then(TokenSource::base_url);
        let address = match (&self.base_url, self.region, source) {
            (Some(url), ..) => url,
            (None, Some(region), _) => region.base_url(),
            (None, None, source) => source.unwrap_or(Region::default().base_url()),
        };
        let base_url = base(address.trim())?;
        let user_agent = self.user_agent.as_deref().or(USER_AGENT);
        let user_agent = user_agent.map(HeaderValue::from_str).transpose();
        let user_agent = user_agent
            .map_err(|_| Error::Invalid("the user agent cannot stand in a header".into()))?;
        let (http, habits) = match &self.http_client {
            Some(client) => (client.clone(), None),
            None => (self.own_http_client(&base_url)?, Habits::begin()),
        };
        let base = base_url.as_str().trim_end_matches('/').to_owned();
        let limited = self.limits != Limits::none();
        let shared =
            || limited.then(|| Limiter::shared(self.limits, &base, account.expose_secret()));
        let limiter = self.limiter.clone().or_else(shared);
        Ok(Coze {
            inner: Arc::new(Inner {
                http,
                base,
                base_url,
                auth,
                user_agent,
                timeouts: self.timeouts.bounded(),
                proxy: self.proxy_shown,
                retry: self.retry,
                habits,
                observer: self.observer,
                limiter,
                turns: Turns::default(),
                occupied: self.occupied,
                recover: self.recover,
                trace_content: self.trace_content,
                default_bot: self.default_bot,
                default_user: self.default_user,
                #[cfg(all(feature = "blocking", not(target_family = "wasm")))]
                driver: Default::default(),
            }),
            resend: false,
        })
    }

    /// The browser's, which looks after connections and redirects itself: it sends no token to
    /// another host.
    #[cfg(target_family = "wasm")]
    fn own_http_client(&self, _: &Url) -> Result<reqwest::Client> {
        Ok(reqwest::Client::new())
    }

    /// Our own HTTP client.
    #[cfg(not(target_family = "wasm"))]
    fn own_http_client(&self, base: &Url) -> Result<reqwest::Client> {
        let mut builder = reqwest::Client::builder()
            .connect_timeout(self.timeouts.bounded().connect)
            // A redirect could carry the token to another host, and a POST would become a GET.
            .redirect(reqwest::redirect::Policy::none())
            .pool_idle_timeout(Duration::from_secs(60))
            .tcp_nodelay(true)
            .connector_layer(NoteConnections);
        for proxy in &self.proxies {
            builder = builder.proxy(proxy.clone());
        }
        if self.http2_only {
            builder = builder.http2_prior_knowledge();
        }
        let loopback = is_loopback(base);
        if loopback && self.proxies.is_empty() {
            // A proxy has no way to this machine's own loopback.
            builder = builder.no_proxy();
        }
        if !self.certificates.is_empty() {
            builder = builder.tls_certs_merge(self.certificates.iter().cloned());
        } else if base.scheme() == "http"
            && self.proxies.is_empty()
            && (loopback || !has_https_proxy())
        {
            // Loading the root certificates takes longer than a whole call to a local server, and
            // nothing here can need them: redirects are not followed.
            builder = builder.tls_certs_only([]);
        }
        builder
            .build()
            .map_err(|error| Error::Invalid(format!("the HTTP client cannot be set up: {error:?}")))
    }
}

fn base(text: &str) -> Result<Url> {
    let invalid = |why: &str| Error::Invalid(format!("the base URL `{text}` {why}"));
    let url = Url::parse(text).map_err(|error| {
        invalid(&format!(
            "is not one ({error}); it looks like https://api.coze.cn"
        ))
    })?;
    if !url.username().is_empty() || url.password().is_some() {
        // Not repeated: it may be a secret.
        return Err(Error::Invalid(
            "the base URL has a user name or a password in it; use an access token".into(),
        ));
    }
    if !matches!(url.scheme(), "http" | "https") {
        return Err(invalid("begins neither with https:// nor with http://"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(invalid("must end with its path: no `?` and no `#`"));
    }
    Ok(url)
}

#[cfg(not(target_family = "wasm"))]
fn without_password(url: &str) -> Option<Arc<str>> {
    // As the HTTP client reads it: the scheme may be left out.
    let url = Url::parse(url)
        .ok()
        .filter(Url::has_host)
        .map_or_else(|| Url::parse(&format!("http://{url}")), Ok);
    let mut url = url.ok()?;
    url.set_username("").ok()?;
    url.set_password(None).ok()?;
    Some(url.as_str().trim_end_matches('/').into())
}

#[cfg(not(target_family = "wasm"))]
fn is_loopback(url: &Url) -> bool {
    let Some(host) = url.host_str() else {
        return false;
    };
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(not(target_family = "wasm"))]
fn has_https_proxy() -> bool {
    ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"]
        .iter()
        .any(|name| env::var(name).is_ok_and(|url| url.starts_with("https:")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(vars: &[(&str, &str)]) -> CozeBuilder {
        CozeBuilder::from_vars(|name| {
            let found = vars.iter().find(|(key, _)| *key == name)?;
            Some(found.1.to_owned())
        })
    }

    fn token(builder: &CozeBuilder) -> &str {
        builder.token.as_ref().map_or("", |it| it.expose_secret())
    }

    #[test]
    fn the_environment_sets_a_client_up() {
        let builder = given(&[
            ("COZE_API_TOKEN", "a"),
            ("COZE_PAT_TOKEN", "b"),
            ("COZE_API_BASE", "http://127.0.0.1:1/x/"),
            ("COZE_BOT_ID", " 7 "),
        ]);
        assert_eq!(token(&builder), "a");
        let coze = builder.build().unwrap();
        assert_eq!(coze.base_url(), "http://127.0.0.1:1/x");
        assert_eq!(coze.default_bot().unwrap(), &"7");
    }

    #[test]
    fn the_name_that_the_skill_uses_is_read_too() {
        let builder = given(&[("COZE_API_TOKEN", " "), ("COZE_PAT_TOKEN", "b")]);
        assert_eq!(token(&builder), "b");
        assert!(given(&[]).build().is_err());
    }

    #[test]
    fn loopback_is_recognised() {
        let check = |url: &str| is_loopback(&Url::parse(url).unwrap());
        for url in [
            "http://localhost:1",
            "http://127.0.0.2/",
            "http://[::1]:80/",
        ] {
            assert!(check(url), "{url}");
        }
        for url in [
            "http://localhost.example",
            "http://10.0.0.1",
            "https://api.coze.cn",
        ] {
            assert!(!check(url), "{url}");
        }
    }
}
