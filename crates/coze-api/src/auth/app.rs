//! OAuth apps that act for users: what web, PKCE and device logins have in common.

use std::fmt;
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use coze_types::auth::{CreateToken, GrantType, Token, TokenRequest};
use coze_types::{Empty, Endpoint, Secret};

use crate::auth::access::Credential;
use crate::auth::session::OAuthSession;
use crate::auth::store::{MemoryStore, TokenSet, TokenStore};
use crate::builder::CozeBuilder;
use crate::call::Call;
use crate::client::Coze;
use crate::error::{Error, Result};
use crate::exchange::Judged;
use crate::retry_after;

/// An OAuth app of the service, which acts for the users that log in with it.
///
/// An app with a client secret (type *web*) proves itself with that; one without (types *PKCE* and
/// *device*) has none to lose.
///
/// ```no_run
/// use coze_api::{Coze, OAuthApp};
///
/// # async fn run() -> coze_api::Result<()> {
/// let app = OAuthApp::new("1234567890.app.coze")?;
/// let login = app.device_login().await?;
/// println!("open {} and type {}", login.verification_uri(), login.user_code());
/// let coze = Coze::builder().auth(app.session(login.wait().await?)).build()?;
/// println!("hello, {}", coze.me().await?.nick_name);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct OAuthApp {
    pub(crate) coze: Coze,
    pub(crate) client_id: String,
    client_secret: Option<Secret>,
    /// Where browsers are sent to; without a slash at its end.
    pub(crate) www: String,
}

impl fmt::Debug for OAuthApp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OAuthApp")
            .field("client_id", &self.client_id)
            .field("client_secret", &self.client_secret)
            .field("base_url", &self.coze.base_url())
            .field("www_base_url", &self.www)
            .finish()
    }
}

impl CozeBuilder {
    /// An OAuth app that is reached with these settings; token and defaults are not used. Give it
    /// the [`http_client`](Self::http_client) of the client to share connections.
    ///
    /// # Errors
    /// As [`build`](Self::build), but for the token; [`Error::Invalid`] for an empty id.
    pub fn oauth_app(self, client_id: impl Into<String>) -> Result<OAuthApp> {
        let coze = self.build_without_token()?;
        let client_id = client_id_of(&client_id.into())?;
        Ok(OAuthApp {
            www: www_of(coze.base_url()),
            coze,
            client_id,
            client_secret: None,
        })
    }
}

/// Checks an id, which is copied from a page by hand.
pub(crate) fn client_id_of(id: &str) -> Result<String> {
    match id.trim() {
        "" => Err(Error::Invalid(
            "the client id of the OAuth app is empty".into(),
        )),
        trimmed => Ok(trimmed.to_owned()),
    }
}

/// The host of the web pages: `www.` where the API is `api.`; other servers have one host.
fn www_of(base: &str) -> String {
    base.replacen("://api.", "://www.", 1)
}

impl OAuthApp {
    /// An app at the hosted service in China; [`CozeBuilder::oauth_app`] reaches others.
    ///
    /// # Errors
    /// As [`CozeBuilder::oauth_app`].
    pub fn new(client_id: impl Into<String>) -> Result<Self> {
        Coze::builder().oauth_app(client_id)
    }

    /// The secret of an app of type *web*.
    #[must_use]
    pub fn client_secret(mut self, secret: impl Into<Secret>) -> Self {
        self.client_secret = Some(secret.into());
        self
    }

    /// The host of the web pages; `www.` in place of `api.` by default.
    #[must_use]
    pub fn www_base_url(mut self, url: impl Into<String>) -> Self {
        let url = url.into();
        url.trim().trim_end_matches('/').clone_into(&mut self.www);
        self
    }

    /// The address of the server.
    #[must_use]
    pub fn base_url(&self) -> &str {
        self.coze.base_url()
    }

    pub(crate) fn has_secret(&self) -> bool {
        self.client_secret.is_some()
    }

    /// Gets tokens for the code that the browser came back with.
    ///
    /// [`Authorization::complete`](crate::Authorization::complete) does it with all checks; this is
    /// for servers that keep the parts of a login themselves. `verifier` is that of PKCE.
    ///
    /// # Errors
    /// [`Error::Api`] with the name `invalid_request` when the code is used up, too old, or does
    /// not belong to `redirect_uri` or `verifier`; `invalid_client` for a wrong secret; those of
    /// [`Coze::send`].
    pub async fn exchange(
        &self,
        code: impl Into<Secret>,
        redirect_uri: &str,
        verifier: Option<&Secret>,
    ) -> Result<TokenSet> {
        self.create_token(TokenRequest {
            grant_type: GrantType::AuthorizationCode,
            code: Some(code.into()),
            redirect_uri: Some(redirect_uri.to_owned()),
            code_verifier: verifier.cloned(),
            ..TokenRequest::default()
        })
        .await
    }

    /// Gets new tokens for a refresh token, which is used up by that.
    ///
    /// A [`session`](Self::session) does it when it is time.
    ///
    /// # Errors
    /// [`Error::Api`] when the refresh token is used up, withdrawn or older than 30 days; those of
    /// [`Coze::send`].
    pub async fn refresh(&self, refresh_token: &Secret) -> Result<TokenSet> {
        let body = TokenRequest {
            grant_type: GrantType::RefreshToken,
            refresh_token: Some(refresh_token.clone()),
            ..TokenRequest::default()
        };
        let mut tokens = self.create_token(body).await?;
        // A server that names no new one lets the old one go on.
        tokens
            .refresh_token
            .get_or_insert_with(|| refresh_token.clone());
        Ok(tokens)
    }

    /// A login that lives in memory, for [`CozeBuilder::auth`].
    #[must_use]
    pub fn session(&self, tokens: TokenSet) -> OAuthSession {
        self.session_in(MemoryStore::new(tokens))
    }

    /// A login that is kept in a store, for [`CozeBuilder::auth`]: whatever is renewed is saved
    /// there before it is used.
    pub fn session_in(&self, store: impl TokenStore) -> OAuthSession {
        OAuthSession::new(self.clone(), Arc::new(store))
    }

    pub(crate) async fn create_token(&self, mut body: TokenRequest) -> Result<TokenSet> {
        body.client_id = Some(self.client_id.clone());
        let fields = [
            &body.code,
            &body.code_verifier,
            &body.refresh_token,
            &body.device_code,
        ];
        let secrets: Vec<&str> = fields.into_iter().flatten().map(Secret::expose).collect();
        // A device has no secret, also when the app has one.
        let secret = self
            .client_secret
            .as_ref()
            .filter(|_| body.grant_type != GrantType::DeviceCode);
        let credential = match secret {
            Some(secret) => Credential::bearer(secret.expose())
                .map_err(|error| Error::Invalid(format!("the client secret: {error}")))?
                .hiding(&secrets),
            None => Credential::none(&secrets),
        };
        let row = CreateToken {
            query: Empty {},
            body,
        };
        request_token(&self.coze, &row, credential).await?.tokens()
    }
}

/// Sends a row with a credential of its own, and reads the whole answer.
pub(crate) async fn send_as<E: Endpoint>(
    coze: &Coze,
    row: &E,
    credential: Credential,
) -> Result<Judged> {
    let mut call = Call::encode(row)?;
    call.credential = Some(credential);
    coze.call(&call).await
}

/// The answer of a token endpoint, not judged yet.
pub(crate) struct TokenAnswer(Judged);

pub(crate) async fn request_token<E: Endpoint<Reply = Token>>(
    coze: &Coze,
    row: &E,
    credential: Credential,
) -> Result<TokenAnswer> {
    send_as(coze, row, credential).await.map(TokenAnswer)
}

impl TokenAnswer {
    /// When the server sent it, in Unix seconds by its own clock.
    pub(crate) fn sent(&self) -> Option<i64> {
        let date = self.0.raw.date()?.to_str().ok()?;
        let sent = retry_after::date(date.trim())?;
        i64::try_from(sent.duration_since(UNIX_EPOCH).ok()?.as_secs()).ok()
    }

    pub(crate) fn tokens(self) -> Result<TokenSet> {
        let sent = self.sent();
        let endpoint = self.0.raw.endpoint().clone();
        let token = self.0.reply::<Token>()?.into_inner();
        // It would be sent as an empty header later, far away from here.
        Credential::bearer(token.access_token.expose())
            .map_err(|error| Error::Invalid(format!("{endpoint} gave a token: {error}")))?;
        Ok(TokenSet::of_reply(token, sent))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pages_have_a_host_of_their_own() {
        assert_eq!(www_of("https://api.coze.cn"), "https://www.coze.cn");
        assert_eq!(www_of("https://api.coze.com"), "https://www.coze.com");
        assert_eq!(www_of("http://127.0.0.1:1"), "http://127.0.0.1:1");
        assert_eq!(www_of("https://my-api.example"), "https://my-api.example");
    }
}
