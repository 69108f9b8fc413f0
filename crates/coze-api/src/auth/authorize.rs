//! Logging in with a browser: the address to open, and what it comes back with.

use std::fmt;

use coze_types::auth::{Authorize, AuthorizeQuery, AuthorizeWorkspace, ChallengeMethod};
use coze_types::{Empty, Id, Secret};
use reqwest::Url;

use crate::auth::app::OAuthApp;
use crate::auth::crypto;
use crate::auth::error::{AuthError, AuthErrorKind};
use crate::auth::store::TokenSet;
use crate::call::Call;
use crate::error::{Error, OneLine, Result};

impl OAuthApp {
    /// Begins to log a user in with their browser, which comes back to `redirect_uri`: one of the
    /// addresses that are registered with the app.
    ///
    /// ```no_run
    /// # async fn run(app: coze_api::OAuthApp) -> coze_api::Result<()> {
    /// let login = app.authorization("http://127.0.0.1:7000/callback").build()?;
    /// println!("open {}", login.url());
    /// // … the browser asks for this address of ours:
    /// let tokens = login.complete("/callback?code=code_…&state=…").await?;
    /// let session = app.session(tokens);
    /// # Ok(())
    /// # }
    /// ```
    pub fn authorization(&self, redirect_uri: impl Into<String>) -> AuthorizationRequest {
        AuthorizationRequest {
            app: self.clone(),
            redirect_uri: redirect_uri.into(),
            state: None,
            workspace: None,
            pkce: !self.has_secret(),
        }
    }
}

/// A login with a browser that is being set up; see [`OAuthApp::authorization`].
#[derive(Debug, Clone)]
#[must_use = "nothing happens until `build` is called"]
pub struct AuthorizationRequest {
    app: OAuthApp,
    redirect_uri: String,
    state: Option<String>,
    workspace: Option<Id>,
    pkce: bool,
}

impl AuthorizationRequest {
    /// A text that comes back with the browser; by default a random one, which also keeps others
    /// from passing off their own login as the user's.
    pub fn state(mut self, state: impl Into<String>) -> Self {
        self.state = Some(state.into());
        self
    }

    /// Asks for one workspace only.
    pub fn workspace(mut self, workspace: impl Into<Id>) -> Self {
        self.workspace = Some(workspace.into());
        self
    }

    /// Whether to use PKCE (S256), so that a stolen code is of no use. By default apps without a
    /// secret do.
    pub fn pkce(mut self, pkce: bool) -> Self {
        self.pkce = pkce;
        self
    }

    /// The address to open.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a `redirect_uri` that is no address, for an empty workspace, or when
    /// the system gives no random numbers.
    pub fn build(self) -> Result<Authorization> {
        Url::parse(&self.redirect_uri).map_err(|error| {
            let uri = OneLine(&self.redirect_uri);
            Error::Invalid(format!("the redirect address `{uri}` is none ({error})"))
        })?;
        let state = match self.state {
            Some(state) => state,
            None => crypto::random_text()?,
        };
        let verifier = match self.pkce {
            true => Some(crypto::random_text()?),
            false => None,
        };
        let query = AuthorizeQuery {
            client_id: self.app.client_id.clone(),
            redirect_uri: self.redirect_uri.clone(),
            state: state.clone(),
            code_challenge: verifier.as_deref().map(crypto::challenge),
            code_challenge_method: verifier.is_some().then_some(ChallengeMethod::S256),
            ..AuthorizeQuery::default()
        };
        let body = Empty {};
        let call = match self.workspace {
            None => Call::encode(&Authorize { query, body })?,
            Some(workspace_id) => Call::encode(&AuthorizeWorkspace {
                workspace_id,
                query,
                body,
            })?,
        };
        Ok(Authorization {
            url: format!("{}{}", self.app.www, call.path),
            app: self.app,
            redirect_uri: self.redirect_uri,
            state,
            verifier: verifier.map(Secret::from),
        })
    }
}

/// A login with a browser that waits for the browser to come back.
#[derive(Clone)]
pub struct Authorization {
    app: OAuthApp,
    url: String,
    redirect_uri: String,
    state: String,
    verifier: Option<Secret>,
}

impl fmt::Debug for Authorization {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The state ties the answer to this login, so it is nobody else's business.
        f.debug_struct("Authorization")
            .field("client_id", &self.app.client_id)
            .field("redirect_uri", &self.redirect_uri)
            .finish_non_exhaustive()
    }
}

impl Authorization {
    /// The address to open in a browser.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// What the browser has to come back with. A server that keeps it, with the
    /// [`verifier`](Self::verifier), in the session of the user can go on in another process with
    /// [`OAuthApp::exchange`].
    #[must_use]
    pub fn state(&self) -> &str {
        &self.state
    }

    /// The secret of PKCE.
    #[must_use]
    pub fn verifier(&self) -> Option<&Secret> {
        self.verifier.as_ref()
    }

    /// Gets tokens for the address with which the browser came back, whole or from its path on.
    ///
    /// # Errors
    /// [`Error::Auth`]: [`Denied`](AuthErrorKind::Denied) when the user said no,
    /// [`Mismatch`](AuthErrorKind::Mismatch) when the state is not that of this login. Otherwise
    /// as [`OAuthApp::exchange`].
    pub async fn complete(&self, address: &str) -> Result<TokenSet> {
        let code = self.code(address)?;
        self.exchange(code).await
    }

    /// Gets tokens for a code whose state has been checked.
    ///
    /// # Errors
    /// As [`OAuthApp::exchange`].
    pub async fn exchange(&self, code: impl Into<Secret>) -> Result<TokenSet> {
        let verifier = self.verifier.as_ref();
        self.app.exchange(code, &self.redirect_uri, verifier).await
    }

    /// The code in the address, after all checks.
    fn code(&self, address: &str) -> Result<Secret> {
        // The base is only there to read a path.
        let url = Url::parse("http://localhost")
            .and_then(|base| base.join(address.trim()))
            .map_err(|error| {
                // Not repeated: there is a code in it.
                Error::Invalid(format!("the browser's address cannot be read: {error}"))
            })?;
        let param = |name: &str| {
            let found = url.query_pairs().find(|(key, _)| key == name);
            found.map(|(_, value)| value.into_owned())
        };
        if param("state").unwrap_or_default() != self.state {
            return Err(AuthError::new(
                AuthErrorKind::Mismatch,
                "the browser came back with the state of another login: begin again",
            )
            .into());
        }
        if let Some(error) = param("error").or_else(|| param("error_code")) {
            let text = param("error_description").or_else(|| param("error_message"));
            let text = text.map_or(String::new(), |text| format!(": {}", OneLine(&text)));
            let kind = match error.as_str() {
                "access_denied" | "access_deny" => AuthErrorKind::Denied,
                _ => AuthErrorKind::Unavailable,
            };
            let error = OneLine(&error);
            return Err(
                AuthError::new(kind, format!("the login was refused ({error}){text}")).into(),
            );
        }
        match param("code") {
            Some(code) if !code.is_empty() => Ok(code.into()),
            _ => Err(Error::Invalid(
                "the browser's address has no code in it".into(),
            )),
        }
    }
}
