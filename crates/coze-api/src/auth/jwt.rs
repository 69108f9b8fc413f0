//! Logging in with a key of one's own: a signed JWT is exchanged for an access token.

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeyPair;
use aws_lc_rs::signature::RSA_PKCS1_SHA256;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use coze_types::auth::{
    CreateAccountToken, CreateEnterpriseToken, CreateToken, GrantType, Scope, TokenRequest,
};
use coze_types::{Empty, Id, Secret};
use reqwest::Url;
use rustls_pki_types::PrivateKeyDer;
use rustls_pki_types::pem::PemObject;
use serde::Serialize;
use zeroize::Zeroizing;

use crate::auth::access::Credential;
use crate::auth::app::{TokenAnswer, client_id_of, request_token};
use crate::auth::config::OAuthConfig;
use crate::auth::crypto;
use crate::auth::source::{AccessToken, TokenSource};
use crate::auth::store::{self, TokenSet};
use crate::builder::CozeBuilder;
use crate::client::Coze;
use crate::error::{Error, Result};
use crate::task::BoxFuture;

/// How long a JWT is valid. It is used at once, and only once.
const JWT_LIFE: i64 = 600;
/// What the service gives by default, and at most, in seconds.
const DEFAULT_TTL: Duration = Duration::from_secs(900);
const MAX_TTL: Duration = Duration::from_secs(86_399);
/// Clocks that differ by less agree.
const TOLERANCE: i64 = 2;

/// An OAuth app of type *JWT*: a service that proves itself with a private key and acts for itself.
///
/// ```no_run
/// use coze_api::{Coze, JwtApp};
///
/// # fn main() -> coze_api::Result<()> {
/// let app = JwtApp::from_file("coze_oauth_config.json")?;
/// // Conversations and variables are kept apart for each session name.
/// let coze = Coze::builder().auth(app.session().name("alice")).build()?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct JwtApp(Arc<Inner>);

struct Inner {
    coze: Coze,
    client_id: String,
    public_key_id: String,
    key: KeyPair,
    /// The host of the API, as the JWT names it.
    audience: String,
    /// By how many seconds the server's clock is ahead of ours.
    ahead: AtomicI64,
}

impl fmt::Debug for JwtApp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JwtApp")
            .field("client_id", &self.0.client_id)
            .field("public_key_id", &self.0.public_key_id)
            .field("base_url", &self.0.coze.base_url())
            .finish_non_exhaustive()
    }
}

impl CozeBuilder {
    /// A JWT app that is reached with these settings; token and defaults are not used. The private
    /// key is RSA as PEM text, in PKCS#8 or PKCS#1; the key id is the fingerprint that the app's
    /// page shows for the public key.
    ///
    /// # Errors
    /// As [`build`](Self::build), but for the token; [`Error::Invalid`] for an empty id, and for a
    /// key that is none.
    pub fn jwt_app(
        self,
        client_id: impl Into<String>,
        public_key_id: impl Into<String>,
        private_key: impl Into<Secret>,
    ) -> Result<JwtApp> {
        let coze = self.build_without_token()?;
        let public_key_id = public_key_id.into().trim().to_owned();
        if public_key_id.is_empty() {
            return Err(Error::Invalid("the id of the public key is empty".into()));
        }
        Ok(JwtApp(Arc::new(Inner {
            audience: audience(coze.base_url()),
            coze,
            client_id: client_id_of(&client_id.into())?,
            public_key_id,
            key: key(private_key.into().expose())?,
            ahead: AtomicI64::new(0),
        })))
    }

    /// The app of a configuration of type *jwt*; see [`jwt_app`](Self::jwt_app). An address or a
    /// region set before wins over the file's.
    ///
    /// # Errors
    /// As [`jwt_app`](Self::jwt_app); [`Error::Invalid`] for a configuration of another type.
    pub fn jwt_app_from(self, config: &OAuthConfig) -> Result<JwtApp> {
        let (id, key) = config.jwt()?;
        let builder = config.address(self);
        builder.jwt_app(config.client_id.as_str(), id, key.clone())
    }
}

impl JwtApp {
    /// An app at the hosted service in China; [`CozeBuilder::jwt_app`] reaches others.
    ///
    /// # Errors
    /// As [`CozeBuilder::jwt_app`].
    pub fn new(
        client_id: impl Into<String>,
        public_key_id: impl Into<String>,
        private_key: impl Into<Secret>,
    ) -> Result<Self> {
        Coze::builder().jwt_app(client_id, public_key_id, private_key)
    }

    /// The app of a configuration file of type *jwt*.
    ///
    /// # Errors
    /// As [`OAuthConfig::from_file`] and [`CozeBuilder::jwt_app_from`].
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self> {
        Coze::builder().jwt_app_from(&OAuthConfig::from_file(path)?)
    }

    /// A login of this app, for [`CozeBuilder::auth`].
    pub fn session(&self) -> JwtSession {
        JwtSession {
            app: self.clone(),
            realm: Realm::Own,
            name: None,
            device_id: None,
            consumer: None,
            scope: None,
            ttl: DEFAULT_TTL,
        }
    }

    /// The time by the server's clock.
    fn now(&self) -> i64 {
        store::now().saturating_add(self.0.ahead.load(Ordering::Relaxed))
    }

    /// Sets our clock by the server's. True when that makes a difference.
    fn learn(&self, sent: Option<i64>) -> bool {
        let Some(ahead) = sent.map(|sent| sent.saturating_sub(store::now())) else {
            return false;
        };
        let before = self.0.ahead.swap(ahead, Ordering::Relaxed);
        before.abs_diff(ahead) > TOLERANCE.unsigned_abs()
    }
}

/// A login of a [`JwtApp`]: a [`TokenSource`] that mints a token whenever one is needed.
#[derive(Debug, Clone)]
#[must_use = "it does nothing until a client is built with it"]
pub struct JwtSession {
    app: JwtApp,
    realm: Realm,
    name: Option<String>,
    device_id: Option<String>,
    consumer: Option<String>,
    scope: Option<Scope>,
    ttl: Duration,
}

/// Whose resources a token is for.
#[derive(Debug, Clone)]
enum Realm {
    Own,
    Account(Id),
    Enterprise(Id),
}

impl JwtSession {
    /// The business user. Conversations, variables and other data are kept apart for each name.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// For the resources of another account: the owner of the workspace that granted access, or
    /// an organization.
    pub fn account(mut self, account: impl Into<Id>) -> Self {
        self.realm = Realm::Account(account.into());
        self
    }

    /// For the administration of an enterprise.
    pub fn enterprise(mut self, enterprise: impl Into<Id>) -> Self {
        self.realm = Realm::Enterprise(enterprise.into());
        self
    }

    /// The device whose quota is used; enterprises only.
    pub fn device_id(mut self, device: impl Into<String>) -> Self {
        self.device_id = Some(device.into());
        self
    }

    /// The consumer whose quota is used; enterprises only.
    pub fn custom_consumer(mut self, consumer: impl Into<String>) -> Self {
        self.consumer = Some(consumer.into());
        self
    }

    /// What the token may do; everything that the app may by default. See [`Scope::chat_with`] and
    /// [`Scope::in_workspaces`].
    pub fn scope(mut self, scope: Scope) -> Self {
        self.scope = Some(scope);
        self
    }

    /// How long each token lives: 15 minutes by default, at most 86,399 s.
    pub fn ttl(mut self, ttl: Duration) -> Self {
        self.ttl = ttl;
        self
    }

    /// Mints a token now, for programs that hand it on: to a browser, say.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a `ttl` out of range; [`Error::Api`] with the name `invalid_client`
    /// when the key is not that of the app, `access_deny` when the app is deactivated; those of
    /// [`Coze::send`].
    pub async fn mint(&self) -> Result<TokenSet> {
        let answer = self.request().await?;
        let sent = answer.sent();
        match answer.tokens() {
            // A JWT of the future or of the past is refused like any bad one, so that the date of
            // the answer is what shows it. The second JWT is made by the server's clock.
            Err(error) if is_refusal(&error) && self.app.learn(sent) => {
                tracing::debug!("the server's clock differs, so the JWT is signed again");
                self.request().await?.tokens()
            }
            result => result,
        }
    }

    async fn request(&self) -> Result<TokenAnswer> {
        let ttl = self.ttl.as_secs();
        if ttl == 0 || self.ttl > MAX_TTL {
            let (ttl, most) = (self.ttl, MAX_TTL.as_secs());
            return Err(Error::Invalid(format!(
                "a token cannot live for {ttl:?}: 1 s to {most} s are possible"
            )));
        }
        let credential = Credential::bearer(self.sign()?.expose())?;
        let body = TokenRequest {
            grant_type: GrantType::JwtBearer,
            duration_seconds: i64::try_from(ttl).ok(),
            scope: self.scope.clone(),
            ..TokenRequest::default()
        };
        let (coze, query) = (&self.app.0.coze, Empty {});
        match self.realm.clone() {
            Realm::Own => request_token(coze, &CreateToken { query, body }, credential).await,
            Realm::Account(account_id) => {
                let row = CreateAccountToken {
                    account_id,
                    query,
                    body,
                };
                request_token(coze, &row, credential).await
            }
            Realm::Enterprise(enterprise_id) => {
                let row = CreateEnterpriseToken {
                    enterprise_id,
                    query,
                    body,
                };
                request_token(coze, &row, credential).await
            }
        }
    }

    /// A JWT, which works once.
    fn sign(&self) -> Result<Secret> {
        let app = &self.app.0;
        let now = self.app.now();
        let device = DeviceInfo {
            device_id: self.device_id.as_deref(),
            custom_consumer: self.consumer.as_deref(),
        };
        let context = self.device_id.is_some() || self.consumer.is_some();
        let claims = Claims {
            iss: &app.client_id,
            aud: &app.audience,
            iat: now,
            exp: now.saturating_add(JWT_LIFE),
            jti: &crypto::random_text()?,
            session_name: self.name.as_deref(),
            session_context: context.then_some(SessionContext {
                device_info: device,
            }),
        };
        let header = Header {
            alg: "RS256",
            typ: "JWT",
            kid: &app.public_key_id,
        };
        let unsigned = format!("{}.{}", part(&header)?, part(&claims)?);
        let mut signature = vec![0; app.key.public_modulus_len()];
        let random = SystemRandom::new();
        app.key
            .sign(
                &RSA_PKCS1_SHA256,
                &random,
                unsigned.as_bytes(),
                &mut signature,
            )
            .map_err(|_| Error::Invalid("the private key cannot sign".into()))?;
        let signature = URL_SAFE_NO_PAD.encode(signature);
        Ok(format!("{unsigned}.{signature}").into())
    }
}

impl TokenSource for JwtSession {
    fn token<'a>(&'a self, _: Option<&'a Secret>) -> BoxFuture<'a, Result<AccessToken>> {
        Box::pin(async { Ok(self.mint().await?.access()) })
    }

    fn base_url(&self) -> Option<&str> {
        Some(self.app.0.coze.base_url())
    }
}

#[derive(Serialize)]
struct Header<'a> {
    alg: &'a str,
    typ: &'a str,
    kid: &'a str,
}

#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    aud: &'a str,
    iat: i64,
    exp: i64,
    jti: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    session_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    session_context: Option<SessionContext<'a>>,
}

#[derive(Serialize)]
struct SessionContext<'a> {
    device_info: DeviceInfo<'a>,
}

#[derive(Serialize)]
struct DeviceInfo<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    device_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    custom_consumer: Option<&'a str>,
}

fn part(value: &impl Serialize) -> Result<String> {
    let json = serde_json::to_vec(value)
        .map_err(|error| Error::Invalid(format!("the JWT cannot be written: {error}")))?;
    Ok(URL_SAFE_NO_PAD.encode(json))
}

/// The server looked at the JWT and said no.
fn is_refusal(error: &Error) -> bool {
    error
        .http()
        .is_some_and(|http| (400..500).contains(&http) && http != 429)
        || matches!(error, Error::Api(api) if api.http == 200)
}

/// The host with its port, if it has one of its own.
fn audience(base: &str) -> String {
    let host = Url::parse(base).ok().and_then(|url| {
        let host = url.host_str()?;
        Some(match url.port() {
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        })
    });
    host.unwrap_or_default()
}

/// Reads a private key. No error repeats any of it.
fn key(pem: &str) -> Result<KeyPair> {
    let invalid = |why: &str| Error::Invalid(format!("the private key {why}"));
    // Keys that passed through an environment variable have their line ends spelt out.
    let pem = Zeroizing::new(pem.replace("\\n", "\n"));
    if !pem.contains("-----BEGIN ") {
        return Err(invalid(
            "is not PEM text, which begins with -----BEGIN PRIVATE KEY-----",
        ));
    }
    if pem.contains("ENCRYPTED") {
        return Err(invalid("is encrypted: decrypt it first"));
    }
    let der = PrivateKeyDer::from_pem_slice(pem.as_bytes())
        .map_err(|_| invalid("is damaged, or is no private key"))?;
    let der = Zeroizing::new(der);
    let pair = match &*der {
        PrivateKeyDer::Pkcs8(_) => KeyPair::from_pkcs8(der.secret_der()),
        PrivateKeyDer::Pkcs1(_) => KeyPair::from_der(der.secret_der()),
        _ => return Err(invalid("is not an RSA key")),
    };
    pair.map_err(|error| {
        invalid(&format!(
            "cannot be used ({error}): RSA of 2048 to 8192 bits is needed"
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_audience_is_the_host() {
        assert_eq!(audience("https://api.coze.cn"), "api.coze.cn");
        assert_eq!(audience("http://127.0.0.1:8787/x"), "127.0.0.1:8787");
    }

    #[test]
    fn what_is_no_key_is_told_without_repeating_it() {
        fn check(pem: &str, expected: &str) {
            let error = key(pem).err().map(|it| it.to_string()).unwrap_or_default();
            assert!(error.contains(expected), "{error}");
            assert!(!error.contains("hunter2"), "{error}");
        }
        check("hunter2", "is not PEM text");
        check(
            "-----BEGIN ENCRYPTED PRIVATE KEY-----\nhunter2\n",
            "encrypted",
        );
        check("-----BEGIN PRIVATE KEY-----\nhunter2\n", "damaged");
        check(
            "-----BEGIN PRIVATE KEY-----\nhunter2=\n-----END PRIVATE KEY-----\n",
            "private key",
        );
        check(
            "-----BEGIN EC PRIVATE KEY-----\nMTIz\n-----END EC PRIVATE KEY-----\n",
            "is not an RSA key",
        );
    }
}
