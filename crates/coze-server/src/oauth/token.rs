//! The token endpoint: a code, a refresh token, a device or a JWT becomes an access token.

use std::collections::BTreeSet;

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use coze_types::auth::{
    CreateAccountToken, CreateEnterpriseToken, CreateToken, GrantType, Scope, Token, TokenRequest,
};
use coze_types::{Endpoint, Secret, Timestamp};

use super::{ACCESS_LIFE, OAuthApp, REFRESH_LIFE, Refusal, answer, find, jwt, of_kind, secret};
use crate::app::App;
use crate::auth::{ACCESS, APP_ACCESS, Grant, Limits, token_of};
use crate::config::OAuthKind;
use crate::crypt::hash;
use crate::store::{LoginRecord, LoginStage, TokenKind, TokenRecord, Unit};

const REFRESH: &str = "czr_";
/// How long the token of a JWT lives at most, in seconds.
const LONGEST: i64 = 86_399;
/// What has ended is kept for so long, so that it is refused as ended.
const KEPT: i64 = 86_400;

/// Whose resources a JWT asks for.
enum Realm {
    Own,
    Account(String),
    Enterprise(String),
}

pub(crate) async fn own_token(State(app): State<App>, headers: HeaderMap, body: Bytes) -> Response {
    let token = grant(&app, &headers, &body, Realm::Own).await;
    answer(&app, CreateToken::INFO.name, token)
}

pub(crate) async fn account_token(
    State(app): State<App>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let token = grant(&app, &headers, &body, Realm::Account(id)).await;
    answer(&app, CreateAccountToken::INFO.name, token)
}

pub(crate) async fn enterprise_token(
    State(app): State<App>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let token = grant(&app, &headers, &body, Realm::Enterprise(id)).await;
    answer(&app, CreateEnterpriseToken::INFO.name, token)
}

async fn grant(
    app: &App,
    headers: &HeaderMap,
    body: &Bytes,
    realm: Realm,
) -> Result<Token, Refusal> {
    let request: TokenRequest = coze_types::status::decode(body)
        .map_err(|error| Refusal::request("body", &error.to_string()))?;
    let bearer = token_of(headers);
    if request.grant_type == GrantType::JwtBearer {
        return by_jwt(app, headers, request, realm).await;
    }
    if !matches!(realm, Realm::Own) {
        return Err(Refusal::request("grant_type", "only a JWT is taken here"));
    }
    match request.grant_type {
        GrantType::AuthorizationCode => by_code(app, bearer, request).await,
        GrantType::RefreshToken => by_refresh(app, bearer, request).await,
        GrantType::DeviceCode => by_device(app, request).await,
        other => Err(Refusal::new(
            "unsupported_grant_type",
            format!("not supported grant type: {other}"),
        )),
    }
}

fn required(name: &str, value: Option<&str>) -> Result<String, Refusal> {
    let given = value.filter(|it| !it.is_empty());
    let given = given.ok_or_else(|| Refusal::request(name, "it is required"));
    given.map(str::to_owned)
}

fn exposed(value: Option<&Secret>) -> Option<&str> {
    value.map(Secret::expose)
}

async fn by_code(app: &App, bearer: Option<&str>, request: TokenRequest) -> Result<Token, Refusal> {
    let client_id = request.client_id.unwrap_or_default();
    let limits = find(app, &client_id, |it| {
        of_kind(it, &[OAuthKind::Web, OAuthKind::Pkce])?;
        it.authenticate(bearer)?;
        Ok(limits(it))
    })?;
    let code = hash(&required("code", exposed(request.code.as_ref()))?);
    let redirect_uri = required("redirect_uri", request.redirect_uri.as_deref())?;
    let verifier = request.code_verifier;
    let (pair, now) = (Pair::new(app)?, app.now());
    app.db
        .write(move |unit| {
            let bad = |why| Refusal::request("code", why);
            let login = unit.login(&code)?.filter(|it| it.stage == LoginStage::Code);
            let login = login.ok_or_else(|| bad("it is none, or was used before"))?;
            if login.client_id != client_id || login.expires_at <= now {
                return Err(bad("it has expired, or is that of another app"));
            }
            if login.asked.redirect_uri != redirect_uri {
                let why = "it is not the one that the code was asked for with";
                return Err(Refusal::request("redirect_uri", why));
            }
            if let Some(challenge) = &login.asked.challenge {
                let verifier = required("code_verifier", exposed(verifier.as_ref()))?;
                let made = if login.asked.plain {
                    verifier
                } else {
                    URL_SAFE_NO_PAD.encode(hash(&verifier))
                };
                if hash(&made) != hash(challenge) {
                    let why = "it does not belong to the code_challenge";
                    return Err(Refusal::request("code_verifier", why));
                }
            }
            unit.delete_login(login.id)?;
            let limits = in_space(limits, login.asked.space);
            pair.enter(unit, &client_id, login.user, &limits, now)
        })
        .await
}

async fn by_refresh(
    app: &App,
    bearer: Option<&str>,
    request: TokenRequest,
) -> Result<Token, Refusal> {
    let client_id = request.client_id.unwrap_or_default();
    find(app, &client_id, |it| it.authenticate(bearer))?;
    let refresh = hash(&required(
        "refresh_token",
        exposed(request.refresh_token.as_ref()),
    )?);
    let (pair, now) = (Pair::new(app)?, app.now());
    let token = app
        .db
        .write(move |unit| {
            let found = unit.token(&refresh)?.filter(|it| {
                it.kind == TokenKind::Refresh && it.client_id == client_id && !it.revoked
            });
            match found {
                Some(it) if !it.grant.has_expired(now) => {
                    // It works once.
                    unit.revoke_token(it.id, now)?;
                    pair.enter(unit, &client_id, it.grant.user, &it.grant.limits, now)
                }
                _ => Err(Refusal::request(
                    "refresh_token",
                    "it is none, has expired, or was used before",
                )),
            }
        })
        .await?;
    app.keeper.forget(&refresh);
    Ok(token)
}

async fn by_device(app: &App, request: TokenRequest) -> Result<Token, Refusal> {
    let client_id = request.client_id.unwrap_or_default();
    let (limits, interval) = find(app, &client_id, |it| {
        of_kind(it, &[OAuthKind::Device])?;
        Ok((limits(it), it.interval))
    })?;
    let code = hash(&required(
        "device_code",
        exposed(request.device_code.as_ref()),
    )?);
    let (pair, now) = (Pair::new(app)?, app.now());
    let outcome = app.db.write(move |unit| {
        let login = unit.login(&code)?.filter(|it| it.client_id == client_id);
        let Some(login) = login else {
            return Err(Refusal::request(
                "device_code",
                "it is none, or was used before",
            ));
        };
        if login.expires_at <= now {
            return Ok(Err(Refusal::new(
                "expired_token",
                "the device code has expired",
            )));
        }
        match login.stage {
            LoginStage::Allowed => {
                unit.delete_login(login.id)?;
                let limits = in_space(limits, login.asked.space);
                let token = pair.enter(unit, &client_id, login.user, &limits, now)?;
                Ok(Ok(token))
            }
            LoginStage::Denied => {
                unit.delete_login(login.id)?;
                Ok(Err(Refusal::new("access_denied", "the user has said no")))
            }
            _ => {
                // A second less counts too: clocks are read in whole ones.
                let early = now < login.polled_at + interval - 1;
                unit.note_poll(login.id, now)?;
                Ok(Err(if early {
                    Refusal::new("slow_down", format!("ask once in {interval} s at most"))
                } else {
                    Refusal::new("authorization_pending", "the user has not decided yet")
                }))
            }
        }
    });
    outcome.await?
}

async fn by_jwt(
    app: &App,
    headers: &HeaderMap,
    request: TokenRequest,
    realm: Realm,
) -> Result<Token, Refusal> {
    let Some(text) = token_of(headers) else {
        return Err(Refusal::client(
            "send the JWT as `Authorization: Bearer JWT`",
        ));
    };
    let duration = request.duration_seconds.unwrap_or(ACCESS_LIFE);
    if !(1..=LONGEST).contains(&duration) {
        let why = format!("{duration} is not within 1 to {LONGEST}");
        return Err(Refusal::request("duration_seconds", &why));
    }
    let host = headers
        .get(http::header::HOST)
        .and_then(|it| it.to_str().ok());
    let jwt = jwt::read(text)?;
    let (client_id, jti) = (jwt.claims.iss.clone(), hash(&jwt.claims.jti));
    if request
        .client_id
        .as_ref()
        .is_some_and(|id| !id.is_empty() && *id != client_id)
    {
        return Err(Refusal::request(
            "client_id",
            "it is not the iss of the JWT",
        ));
    }
    let now = app.now();
    let (mut limits, user, account) = find(app, &client_id, |it| {
        of_kind(it, &[OAuthKind::Jwt])?;
        jwt.check(it, host.unwrap_or_default(), now)?;
        let (user, account) = of_realm(it, &realm)?;
        Ok((limits(it), user, account))
    })?;
    limits.session = jwt.claims.session_name.clone().unwrap_or_default();
    if let Realm::Enterprise(id) = realm {
        limits.enterprise = Some(id);
    }
    if let Some(scope) = request.scope {
        narrow(&mut limits, scope);
    }
    let (access, hash) = secret(APP_ACCESS)?;
    let (id, until) = (app.ids.next(), jwt.claims.exp.saturating_add(KEPT));
    let expires = now.saturating_add(duration);
    app.db
        .write(move |unit| {
            clean(unit, now)?;
            if !unit.use_jwt(&client_id, &jti, until)? {
                return Err(Refusal::client("the JWT is refused: it was used before"));
            }
            let user = match account {
                None => user,
                Some(account) if unit.user(account)?.is_some() => account,
                Some(account) => {
                    let Some(it) = unit.organization(account)? else {
                        let why = format!("{account} is neither a user nor an organization");
                        return Err(Refusal::request("account_id", &why));
                    };
                    within(&mut limits, unit.organization_spaces(it.id)?);
                    user
                }
            };
            let grant = Grant {
                user,
                expires: Some(expires),
                delegated: true,
                limits,
            };
            unit.insert_token(&TokenRecord {
                id,
                hash,
                kind: TokenKind::Access,
                client_id,
                grant,
                created_at: now,
                updated_at: now,
                ..TokenRecord::default()
            })?;
            Ok(())
        })
        .await?;
    app.keeper.forget(&hash);
    Ok(Token {
        access_token: access,
        expires_in: Timestamp(expires),
        token_type: Some("Bearer".to_owned()),
        ..Token::default()
    })
}

/// The user that a JWT app acts for, and the account when that is another one.
fn of_realm(app: &OAuthApp, realm: &Realm) -> Result<(i64, Option<i64>), Refusal> {
    match realm {
        Realm::Own => Ok((app.user, None)),
        Realm::Account(id) => {
            let account = crate::store::number(id);
            if account == app.user {
                return Ok((app.user, None));
            }
            if app.accounts.contains(&account) {
                return Ok((app.user, Some(account)));
            }
            Err(Refusal::deny(format!(
                "the account {id} has not granted the app access"
            )))
        }
        Realm::Enterprise(id) if app.enterprises.contains(id) => Ok((app.user, None)),
        Realm::Enterprise(id) => Err(Refusal::deny(format!(
            "the app is no privileged one of the enterprise {id}"
        ))),
    }
}

fn limits(app: &OAuthApp) -> Limits {
    Limits {
        permissions: app.permissions.clone(),
        ..Limits::default()
    }
}

fn in_space(mut limits: Limits, space: Option<i64>) -> Limits {
    if let Some(space) = space {
        within(&mut limits, [space].into());
    }
    limits
}

fn within(limits: &mut Limits, spaces: BTreeSet<i64>) {
    limits.spaces = Some(match limits.spaces.take() {
        Some(before) => before.intersection(&spaces).copied().collect(),
        None => spaces,
    });
}

/// What the request's scope leaves of what the app may do.
fn narrow(limits: &mut Limits, scope: Scope) {
    let account = scope.account_permission.map(|it| it.permission_list);
    let mut named: Option<BTreeSet<String>> = account.map(|it| it.into_iter().collect());
    let mut add = |list: Vec<String>| named.get_or_insert_default().extend(list);
    if let Some(it) = scope.workspace_permission {
        add(it.permission_list);
        let spaces = it.workspace_id_list.iter();
        within(limits, spaces.map(|id| crate::store::number(id)).collect());
    }
    if let Some(it) = scope.workflow_permission {
        add(it.permission_list);
        let ids = it.workflow_id_list.iter();
        limits.workflows = Some(ids.map(|id| id.as_str().to_owned()).collect());
    }
    if let Some(named) = named {
        limits.permissions = Some(match limits.permissions.take() {
            Some(may) => named
                .into_iter()
                .filter(|it| crate::auth::carries(&may, it))
                .collect(),
            None => named,
        });
    }
    let bots = scope
        .attribute_constraint
        .and_then(|it| it.connector_bot_chat_attribute);
    if let Some(bots) = bots {
        let ids = bots.bot_id_list.iter();
        limits.bots = Some(ids.map(|id| id.as_str().to_owned()).collect());
    }
}

/// Keeps a login that has begun.
pub(super) async fn keep_login(app: &App, login: LoginRecord) -> Result<(), Refusal> {
    let now = app.now();
    app.db
        .write(move |unit| {
            clean(unit, now)?;
            Ok(unit.insert_login(&login)?)
        })
        .await
}

/// What has ended long ago makes room.
fn clean(unit: &dyn Unit, now: i64) -> Result<(), Refusal> {
    unit.drop_tokens(now - KEPT)?;
    unit.drop_logins(now - KEPT, now)?;
    Ok(())
}

/// An access token and the refresh token that goes with it, made before they are needed.
struct Pair {
    access: (Secret, [u8; 32]),
    refresh: (Secret, [u8; 32]),
    ids: (i64, i64),
}

impl Pair {
    fn new(app: &App) -> Result<Self, Refusal> {
        Ok(Self {
            access: secret(ACCESS)?,
            refresh: secret(REFRESH)?,
            ids: (app.ids.next(), app.ids.next()),
        })
    }

    fn enter(
        self,
        unit: &dyn Unit,
        client_id: &str,
        user: i64,
        limits: &Limits,
        now: i64,
    ) -> Result<Token, Refusal> {
        clean(unit, now)?;
        let expires = now.saturating_add(ACCESS_LIFE);
        let record = |id, hash, kind, expires| TokenRecord {
            id,
            hash,
            kind,
            client_id: client_id.to_owned(),
            grant: Grant {
                user,
                expires: Some(expires),
                delegated: true,
                limits: limits.clone(),
            },
            created_at: now,
            updated_at: now,
            ..TokenRecord::default()
        };
        let (access, refresh) = (self.access, self.refresh);
        unit.insert_token(&record(self.ids.0, access.1, TokenKind::Access, expires))?;
        let end = now.saturating_add(REFRESH_LIFE);
        unit.insert_token(&record(self.ids.1, refresh.1, TokenKind::Refresh, end))?;
        Ok(Token {
            access_token: access.0,
            expires_in: Timestamp(expires),
            refresh_token: Some(refresh.0),
            token_type: Some("Bearer".to_owned()),
        })
    }
}
