//! The file that the page of an OAuth app offers for download.

use coze_types::Secret;
use serde::Deserialize;

use crate::auth::app::OAuthApp;
use crate::builder::CozeBuilder;
#[cfg(not(target_family = "wasm"))]
use crate::client::Coze;
use crate::error::{Error, Result};

/// What stands in `coze_oauth_config.json`, the file of an OAuth app.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct OAuthConfig {
    /// `web`, `pkce`, `device` or `jwt`.
    pub client_type: String,
    /// The app.
    pub client_id: String,
    /// The secret of a web app.
    pub client_secret: Option<Secret>,
    /// The private key of a JWT app, as PEM text.
    pub private_key: Option<Secret>,
    /// The fingerprint of its public key.
    pub public_key_id: Option<String>,
    /// The host of the web pages.
    pub coze_www_base: Option<String>,
    /// The address of the server.
    pub coze_api_base: Option<String>,
}

impl OAuthConfig {
    /// Reads the text of the file.
    ///
    /// # Errors
    /// [`Error::Invalid`] when it is not JSON or names no app.
    pub fn from_json(text: &str) -> Result<Self> {
        // The text of the error would quote the file, which holds a key.
        let config: Self = serde_json::from_str(text.trim_start_matches('\u{feff}')).map_err(|error| {
            let (line, column) = (error.line(), error.column());
            Error::Invalid(format!(
                "the OAuth configuration is not what it should be at line {line}, column {column}"
            ))
        })?;
        if config.client_id.trim().is_empty() {
            return Err(missing("client_id"));
        }
        Ok(config)
    }

    /// Reads the file. Not in a browser, which has none.
    ///
    /// # Errors
    /// [`Error::Invalid`] when it cannot be read, and as [`from_json`](Self::from_json).
    #[cfg(not(target_family = "wasm"))]
    pub fn from_file(path: impl AsRef<std::path::Path>) -> Result<Self> {
        let path = path.as_ref();
        let text = std::fs::read_to_string(path).map_err(|error| {
            let path = path.display();
            Error::Invalid(format!(
                "the OAuth configuration {path} cannot be read: {error}"
            ))
        })?;
        let text = Secret::from(text);
        Self::from_json(text.expose()).map_err(|error| match error {
            Error::Invalid(why) => Error::Invalid(format!("{}: {why}", path.display())),
            other => other,
        })
    }

    /// The builder, at the address that the file names.
    pub(crate) fn address(&self, builder: CozeBuilder) -> CozeBuilder {
        match self.coze_api_base.as_deref().map(str::trim) {
            None | Some("") => builder,
            Some(base) => builder.or_base_url(base),
        }
    }

    fn expect(&self, types: &[&str], instead: &str) -> Result<()> {
        let own = self.client_type.trim();
        if own.is_empty() || types.contains(&own) {
            return Ok(());
        }
        Err(Error::Invalid(format!(
            "this OAuth configuration is of type `{own}`: use {instead}"
        )))
    }

    #[cfg(all(feature = "jwt", not(target_family = "wasm")))]
    pub(crate) fn jwt(&self) -> Result<(&str, &Secret)> {
        self.expect(&["jwt"], "`OAuthApp`")?;
        let id = self.public_key_id.as_deref().map(str::trim);
        let id = id.filter(|it| !it.is_empty());
        let key = self.private_key.as_ref().filter(|it| !it.is_empty());
        Ok((
            id.ok_or_else(|| missing("public_key_id"))?,
            key.ok_or_else(|| missing("private_key"))?,
        ))
    }
}

pub(crate) fn missing(field: &str) -> Error {
    Error::Invalid(format!("the OAuth configuration has no `{field}`"))
}

impl CozeBuilder {
    /// The OAuth app of a configuration of type *web*, *pkce* or *device*; see
    /// [`oauth_app`](Self::oauth_app). An address or a region set before wins over the file's.
    ///
    /// # Errors
    /// As [`oauth_app`](Self::oauth_app); [`Error::Invalid`] for a configuration of another type.
    pub fn oauth_app_from(self, config: &OAuthConfig) -> Result<OAuthApp> {
        config.expect(&["web", "pkce", "device"], "`JwtApp`")?;
        let mut app = config.address(self).oauth_app(config.client_id.as_str())?;
        match config.client_secret.as_ref().filter(|it| !it.is_empty()) {
            Some(secret) => app = app.client_secret(secret.clone()),
            None if config.client_type.trim() == "web" => return Err(missing("client_secret")),
            None => {}
        }
        let www = config.coze_www_base.as_deref().map(str::trim);
        Ok(match www.filter(|it| !it.is_empty()) {
            Some(www) => app.www_base_url(www),
            None => app,
        })
    }
}

#[cfg(not(target_family = "wasm"))]
impl OAuthApp {
    /// The app of a configuration file of type *web*, *pkce* or *device*. Not in a browser.
    ///
    /// # Errors
    /// As [`OAuthConfig::from_file`] and [`CozeBuilder::oauth_app_from`].
    pub fn from_file(path: impl AsRef<std::path::Path>) -> Result<Self> {
        Coze::builder().oauth_app_from(&OAuthConfig::from_file(path)?)
    }
}
