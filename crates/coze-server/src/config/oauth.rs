//! The part of `coze.yaml` that says which apps users may log in to.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use coze_types::Secret;
use schemars::JsonSchema;
use serde::Deserialize;

use super::{Misfit, Space};

/// So many redirect addresses an app may have.
const REDIRECTS: usize = 3;

/// The kinds of OAuth apps.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum OAuthKind {
    /// A web server, which keeps a secret.
    #[default]
    Web,
    /// A program that can keep none.
    Pkce,
    /// A device without a browser.
    Device,
    /// A service with a key of its own.
    Jwt,
}

/// An OAuth app.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OAuthAppConfig {
    /// Its id.
    pub client_id: String,
    /// What users are asked about; the id by default.
    pub name: Option<String>,
    /// Its kind.
    #[serde(rename = "client_type")]
    pub kind: OAuthKind,
    /// The secret of a web app.
    #[schemars(with = "Option<String>")]
    pub client_secret: Option<Secret>,
    /// The environment variable that holds it.
    pub client_secret_env: Option<String>,
    /// Where browsers may be led back to; web and PKCE apps.
    #[serde(default)]
    pub redirect_uris: Vec<String>,
    /// The only permissions that its tokens carry.
    pub permissions: Option<Vec<String>>,
    /// Public keys as PEM files, by the id that JWTs name them with.
    #[serde(default)]
    pub public_keys: BTreeMap<String, PathBuf>,
    /// Whom a JWT app acts for: name or id of a user; the local one by default.
    pub user: Option<String>,
    /// For whom else it may ask for tokens: users, and ids of organizations.
    #[serde(default)]
    pub accounts: Vec<String>,
    /// Which enterprises it may administrate.
    #[serde(default)]
    pub enterprises: Vec<String>,
    /// Seconds between two questions of a device; 5 by default.
    pub interval: Option<i64>,
    /// Nobody gets in.
    #[serde(default)]
    pub disabled: bool,
}

impl Space {
    /// Each app has what its kind needs.
    pub(super) fn check_apps(&self) -> Result<(), Misfit> {
        let mut ids = BTreeSet::new();
        for (index, app) in self.oauth_apps.iter().enumerate() {
            let id = &app.client_id;
            let why = if id.is_empty() || !ids.insert(id) {
                format!("oauth_apps: the client_id {id:?} is empty or stands twice")
            } else {
                match self.check_app(app) {
                    Ok(()) => continue,
                    Err(why) => format!("oauth_apps: {id}: {why}"),
                }
            };
            return Err(Misfit::new(format!("oauth_apps[{index}]"), why));
        }
        Ok(())
    }

    fn check_app(&self, app: &OAuthAppConfig) -> Result<(), String> {
        let secret = app.client_secret.is_some() || app.client_secret_env.is_some();
        if (app.kind == OAuthKind::Web) != secret {
            return Err("a web app, and no other, has a client_secret or client_secret_env".into());
        }
        let browser = matches!(app.kind, OAuthKind::Web | OAuthKind::Pkce);
        if browser == app.redirect_uris.is_empty() || app.redirect_uris.len() > REDIRECTS {
            return Err(format!(
                "web and PKCE apps, and no others, have 1 to {REDIRECTS} redirect_uris"
            ));
        }
        for uri in &app.redirect_uris {
            let parsed = uri.parse::<http::Uri>().ok();
            if parsed.is_none_or(|it| it.scheme().is_none()) || uri.contains('#') {
                return Err(format!("the redirect address {uri:?} is none"));
            }
        }
        if (app.kind == OAuthKind::Jwt) == app.public_keys.is_empty() {
            return Err("a JWT app, and no other, has public_keys".into());
        }
        if let Some(names) = &app.permissions {
            crate::auth::permissions(names)?;
        }
        self.user(app.user.as_deref().unwrap_or("local"))?;
        for account in &app.accounts {
            if !account.bytes().all(|it| it.is_ascii_digit()) {
                self.user(account)?;
            }
        }
        let known = |id: &&String| self.enterprises.iter().any(|it| it.id == **id);
        match app.enterprises.iter().find(|id| !known(id)) {
            Some(id) => Err(format!("the enterprise {id:?} is not under `enterprises`")),
            None => Ok(()),
        }
    }
}
