//! Logging in: OAuth apps, and the flows by which they get tokens (reference, section 2).

mod authorize;
mod device;
mod jwt;
mod page;
mod token;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use axum::body::Body;
use axum::response::Response;
use coze_types::Secret;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, StatusCode};
use serde::de::DeserializeOwned;
use serde_json::json;

use crate::app::App;
use crate::call;
use crate::config::{OAuthAppConfig, OAuthKind, Space};
use crate::crypt::{Hash, hash};
use crate::fail::Fail;
use crate::ids::log_id;

pub(crate) use authorize::{authorize, authorize_workspace, consent, decide};
pub(crate) use device::{begin, begin_workspace, enter, show};
pub(crate) use token::{account_token, enterprise_token, own_token};

/// The page where a user decides about an app.
pub(crate) const CONSENT: &str = "/api/permission/oauth2/consent";
/// The page where a user types the code of a device.
pub(crate) const DEVICE: &str = "/api/permission/oauth2/device";

/// How long a user has for a decision and an app for its code, in seconds.
const PATIENCE: i64 = 300;
/// How long an access token lives, and a refresh token.
const ACCESS_LIFE: i64 = 900;
const REFRESH_LIFE: i64 = 30 * 86_400;

/// An app, ready.
#[derive(Debug)]
pub(crate) struct OAuthApp {
    pub(crate) name: String,
    pub(crate) kind: OAuthKind,
    secret: Option<Hash>,
    redirect_uris: Vec<String>,
    permissions: Option<BTreeSet<String>>,
    keys: BTreeMap<String, Vec<u8>>,
    user: i64,
    /// Users and organizations.
    accounts: BTreeSet<i64>,
    enterprises: BTreeSet<String>,
    interval: i64,
    pub(crate) disabled: bool,
}

impl OAuthApp {
    /// # Errors
    /// What cannot be read, or is none.
    pub(crate) fn new(space: &Space, it: &OAuthAppConfig) -> Result<Self, String> {
        let secret = match (&it.client_secret, &it.client_secret_env) {
            (Some(secret), _) => Some(secret.clone()),
            (None, Some(name)) => Some(crate::auth::from_environment(name)?),
            (None, None) => None,
        };
        let keys = it.public_keys.iter().map(|(id, path)| {
            let key = public_key(&space.folder.join(path));
            key.map(|key| (id.clone(), key))
                .map_err(|why| format!("public_keys: {id}: {}: {why}", path.display()))
        });
        let accounts = it.accounts.iter().map(|account| {
            let user = space.user(account);
            user.or_else(|why| account.parse().map_err(|_| why))
        });
        Ok(Self {
            name: it.name.clone().unwrap_or_else(|| it.client_id.clone()),
            kind: it.kind,
            secret: secret.as_ref().map(|it| hash(it.expose().trim())),
            redirect_uris: it.redirect_uris.clone(),
            permissions: it
                .permissions
                .as_deref()
                .map(crate::auth::permissions)
                .transpose()?,
            keys: keys.collect::<Result<_, _>>()?,
            user: space.user(it.user.as_deref().unwrap_or("local"))?,
            accounts: accounts.collect::<Result<_, String>>()?,
            enterprises: it.enterprises.iter().cloned().collect(),
            interval: it.interval.unwrap_or(5).max(0),
            disabled: it.disabled,
        })
    }

    /// It proved that it is itself, as far as its kind can.
    fn authenticate(&self, given: Option<&str>) -> Result<(), Refusal> {
        match (&self.secret, given) {
            (None, _) => Ok(()),
            (Some(secret), Some(given)) if *secret == hash(given) => Ok(()),
            (Some(_), Some(_)) => Err(Refusal::client("the client secret is not that of the app")),
            (Some(_), None) => Err(Refusal::client(
                "send the client secret as `Authorization: Bearer SECRET`",
            )),
        }
    }
}

/// All apps of the file.
///
/// # Errors
/// What is wrong with one of them.
pub(crate) fn apps(space: &Space) -> Result<BTreeMap<String, OAuthApp>, String> {
    let apps = space.oauth_apps.iter().map(|it| {
        let app = OAuthApp::new(space, it);
        app.map(|app| (it.client_id.clone(), app))
            .map_err(|why| format!("oauth_apps: {}: {why}", it.client_id))
    });
    apps.collect()
}

/// An RSA public key, as PEM.
fn public_key(path: &Path) -> Result<Vec<u8>, String> {
    use base64::Engine;
    let text = std::fs::read_to_string(path).map_err(|error| error.to_string())?;
    let begin = "-----BEGIN PUBLIC KEY-----";
    let inside = text
        .split_once(begin)
        .and_then(|(_, rest)| rest.split_once("-----END"));
    let Some((base64, _)) = inside else {
        return Err(format!(
            "it is no public key in PEM, which begins with {begin}"
        ));
    };
    let packed: String = base64.split_whitespace().collect();
    let der = base64::engine::general_purpose::STANDARD.decode(packed);
    let der = der.map_err(|_| "the PEM is damaged".to_owned())?;
    let algorithm = &aws_lc_rs::signature::RSA_PKCS1_2048_8192_SHA256;
    aws_lc_rs::signature::ParsedPublicKey::new(algorithm, &der)
        .map_err(|_| "it is no RSA key of 2048 to 8192 bits".to_owned())?;
    Ok(der)
}

/// Why a login does not go on, as its calls answer it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Refusal {
    code: &'static str,
    msg: String,
    http: u16,
}

impl Refusal {
    fn new(code: &'static str, msg: impl Into<String>) -> Self {
        Self {
            code,
            msg: msg.into(),
            http: 400,
        }
    }

    /// A parameter is missing or wrong.
    fn request(parameter: &str, why: &str) -> Self {
        Self::new(
            "invalid_request",
            format!("invalid request: {parameter}: {why}"),
        )
    }

    /// The app has not proved to be itself.
    fn client(why: impl Into<String>) -> Self {
        Self {
            http: 401,
            ..Self::new("invalid_client", why)
        }
    }

    fn deny(why: impl Into<String>) -> Self {
        Self {
            http: 403,
            ..Self::new("access_deny", why)
        }
    }
}

impl From<Fail> for Refusal {
    fn from(fail: Fail) -> Self {
        Self {
            http: 500,
            ..Self::new("internal_error", fail.msg)
        }
    }
}

impl From<crate::store::StoreError> for Refusal {
    fn from(error: crate::store::StoreError) -> Self {
        Fail::from(error).into()
    }
}

/// The app of that id, if it may be logged in to.
fn find<T>(
    app: &App,
    client_id: &str,
    take: impl FnOnce(&OAuthApp) -> Result<T, Refusal>,
) -> Result<T, Refusal> {
    if client_id.is_empty() {
        return Err(Refusal::request("client_id", "it is required"));
    }
    let configured = app.configured();
    let Some(found) = configured.oauth_apps.get(client_id) else {
        return Err(Refusal::client(format!("there is no app {client_id}")));
    };
    if found.disabled {
        return Err(Refusal::deny("the app is deactivated"));
    }
    take(found)
}

/// The kind of app that this flow is for.
fn of_kind(app: &OAuthApp, kinds: &[OAuthKind]) -> Result<(), Refusal> {
    if kinds.contains(&app.kind) {
        return Ok(());
    }
    Err(Refusal::deny(format!(
        "the app is of another type ({:?}) than this login needs",
        app.kind
    )))
}

/// What a page is asked for with. Whatever it cannot read it shows the page without.
fn query<T: DeserializeOwned + Default>(query: Option<&str>) -> T {
    serde_urlencoded::from_str(query.unwrap_or_default()).unwrap_or_default()
}

/// The page that says why a login does not go on.
fn refused(refusal: &Refusal, headline: &str) -> Response {
    let status = StatusCode::from_u16(refusal.http).unwrap_or(StatusCode::BAD_REQUEST);
    page::told(status, headline, &refusal.msg)
}

/// Answers bare, as all of these calls do.
fn answer(
    app: &App,
    name: &'static str,
    result: Result<impl serde::Serialize, Refusal>,
) -> Response {
    let (http, body) = match result {
        Ok(reply) => (200, serde_json::to_vec(&reply).unwrap_or_default()),
        Err(refusal) => {
            tracing::info!(endpoint = name, error = refusal.code, "refused");
            let body = json!({
                "error_code": refusal.code, "error_message": refusal.msg, "error": refusal.code,
            });
            (refusal.http, body.to_string().into_bytes())
        }
    };
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = StatusCode::from_u16(http).unwrap_or_default();
    let headers = response.headers_mut();
    let json = HeaderValue::from_static("application/json; charset=utf-8");
    headers.insert(CONTENT_TYPE, json);
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    call::finish(app, &log_id(app.ids.next()), name, Ok(response))
}

/// A secret that begins with this.
fn secret(prefix: &str) -> Result<(Secret, Hash), Refusal> {
    let secret = crate::crypt::secret(prefix)?;
    let hash = hash(secret.expose());
    Ok((secret, hash))
}
