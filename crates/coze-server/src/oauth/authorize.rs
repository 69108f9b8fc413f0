//! The authorization code: an app asks, in the browser, and a user decides (reference, section 2.3).

use axum::body::{Body, Bytes};
use axum::extract::{Path, RawQuery, State};
use axum::http::HeaderMap;
use axum::response::Response;
use coze_types::Endpoint;
use coze_types::auth::{Authorize, AuthorizeQuery, ChallengeMethod, ResponseType};
use http::header::{CACHE_CONTROL, LOCATION};
use http::{HeaderValue, StatusCode};
use serde::Deserialize;

use super::page::{browser, decider, escape, is_own_form, page, who};
use super::{CONSENT, PATIENCE, Refusal, answer, find, of_kind, refused, secret, token};
use crate::app::App;
use crate::call;
use crate::config::OAuthKind;
use crate::crypt::hash;
use crate::ids::log_id;
use crate::store::{Asked, LoginRecord, LoginStage, number};

/// What the page says first when it refuses.
const HEADLINE: &str = "无法继续登录。";

pub(crate) async fn authorize(State(app): State<App>, RawQuery(query): RawQuery) -> Response {
    let asked = ask(&app, query.as_deref(), None).await;
    redirect_or_refuse(&app, asked)
}

pub(crate) async fn authorize_workspace(
    State(app): State<App>,
    Path(space): Path<String>,
    RawQuery(query): RawQuery,
) -> Response {
    let asked = ask(&app, query.as_deref(), Some(number(&space))).await;
    redirect_or_refuse(&app, asked)
}

fn redirect_or_refuse(app: &App, to: Result<String, Refusal>) -> Response {
    match to.and_then(|to| redirect(&to)) {
        Ok(response) => call::finish(
            app,
            &log_id(app.ids.next()),
            Authorize::INFO.name,
            Ok(response),
        ),
        Err(refusal) => answer(app, Authorize::INFO.name, Err::<(), _>(refusal)),
    }
}

fn redirect(to: &str) -> Result<Response, Refusal> {
    let location = HeaderValue::from_str(to)
        .map_err(|_| Refusal::request("redirect_uri", "it is no address"))?;
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::FOUND;
    response.headers_mut().insert(LOCATION, location);
    let never = HeaderValue::from_static("no-store");
    response.headers_mut().insert(CACHE_CONTROL, never);
    Ok(response)
}

/// Notes what the app asks, and says where the user is asked.
async fn ask(app: &App, query: Option<&str>, space: Option<i64>) -> Result<String, Refusal> {
    let query: AuthorizeQuery = serde_urlencoded::from_str(query.unwrap_or_default())
        .map_err(|error| Refusal::request("query", &error.to_string()))?;
    if query.response_type != ResponseType::Code {
        return Err(Refusal::request("response_type", "it is not `code`"));
    }
    let challenge = query.code_challenge.filter(|it| !it.is_empty());
    find(app, &query.client_id, |it| {
        of_kind(it, &[OAuthKind::Web, OAuthKind::Pkce])?;
        if !it.redirect_uris.contains(&query.redirect_uri) {
            let why = "it is none of the app's registered addresses";
            return Err(Refusal::request("redirect_uri", why));
        }
        if it.kind == OAuthKind::Pkce && challenge.is_none() {
            return Err(Refusal::request(
                "code_challenge",
                "a PKCE app must send one",
            ));
        }
        Ok(())
    })?;
    let plain = match query.code_challenge_method {
        None | Some(ChallengeMethod::Plain) => true,
        Some(ChallengeMethod::S256) => false,
        Some(ChallengeMethod::Other(text)) if text.is_empty() => true,
        Some(ChallengeMethod::Other(_)) => {
            let why = "it is neither `S256` nor `plain`";
            return Err(Refusal::request("code_challenge_method", why));
        }
    };
    let (key, hash) = secret("ak_")?;
    let login = LoginRecord {
        id: app.ids.next(),
        hash,
        stage: LoginStage::Asked,
        client_id: query.client_id,
        asked: Asked {
            redirect_uri: query.redirect_uri,
            state: query.state,
            challenge,
            plain,
            space,
        },
        expires_at: app.now() + PATIENCE,
        ..LoginRecord::default()
    };
    token::keep_login(app, login).await?;
    Ok(format!("{CONSENT}?authorize_key={}", key.expose()))
}

#[derive(Debug, Default, Deserialize)]
struct Shown {
    #[serde(default)]
    authorize_key: String,
}

/// The page where the user decides.
pub(crate) async fn consent(
    State(app): State<App>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let shown: Shown = super::query(query.as_deref());
    match form(&app, &headers, &shown.authorize_key).await {
        Ok(response) => response,
        Err(refusal) => refused(&refusal, HEADLINE),
    }
}

async fn open(app: &App, key: &str) -> Result<LoginRecord, Refusal> {
    let (key, now) = (hash(key), app.now());
    let found = app.db.read(move |unit| Ok::<_, Refusal>(unit.login(&key)?));
    let found = found
        .await?
        .filter(|it| it.stage == LoginStage::Asked && it.expires_at > now);
    found.ok_or_else(|| {
        Refusal::request(
            "authorize_key",
            "this question was answered before or is too old: begin again in the app",
        )
    })
}

async fn form(app: &App, headers: &HeaderMap, key: &str) -> Result<Response, Refusal> {
    let login = open(app, key).await?;
    let (name, permissions) = find(app, &login.client_id, |it| {
        Ok((it.name.clone(), it.permissions.clone()))
    })?;
    let browser = browser(headers)?;
    let may = match permissions {
        None => "你能做的一切 / everything that you may do".to_owned(),
        Some(names) => names.into_iter().collect::<Vec<_>>().join(", "),
    };
    let space = login.asked.space.map_or_else(String::new, |space| {
        format!("<p>仅限工作空间 / in the workspace {space} only</p>")
    });
    let inside = format!(
        "<p><b>{name}</b> 请求以你的身份访问。</p><p><b>{name}</b> asks to act for you.</p>\
         <p>权限 / permissions: {may}</p>{space}\
         <form method=\"post\" action=\"{CONSENT}\">\
         <input type=\"hidden\" name=\"authorize_key\" value=\"{key}\">\
         <input type=\"hidden\" name=\"csrf\" value=\"{csrf}\">{who}\
         <p><button name=\"decision\" value=\"allow\">允许 / Allow</button>\
         <button name=\"decision\" value=\"deny\" formnovalidate>拒绝 / Deny</button></p></form>\
         <p class=\"hint\">{to}</p>",
        name = escape(&name),
        may = escape(&may),
        key = escape(key),
        csrf = escape(browser.expose()),
        who = who(app).await?,
        to = escape(&login.asked.redirect_uri),
    );
    Ok(page(
        StatusCode::OK,
        "授权 / Authorize",
        &inside,
        Some(&browser),
    ))
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Decision {
    authorize_key: String,
    csrf: String,
    decision: String,
    user: String,
    token: String,
}

/// The user has decided: back to the app.
pub(crate) async fn decide(State(app): State<App>, headers: HeaderMap, body: Bytes) -> Response {
    let form: Decision = serde_urlencoded::from_bytes(&body).unwrap_or_default();
    match lead_back(&app, &headers, form)
        .await
        .and_then(|to| redirect(&to))
    {
        Ok(response) => response,
        Err(refusal) => refused(&refusal, HEADLINE),
    }
}

async fn lead_back(app: &App, headers: &HeaderMap, form: Decision) -> Result<String, Refusal> {
    if !is_own_form(headers, &form.csrf) {
        let why = "the form is not from this browser: open the page again";
        return Err(Refusal::request("csrf", why));
    }
    let login = open(app, &form.authorize_key).await?;
    find(app, &login.client_id, |_| Ok(()))?;
    let asked = login.asked.clone();
    if form.decision != "allow" {
        app.db
            .write(move |unit| Ok::<_, Refusal>(unit.delete_login(login.id)?))
            .await?;
        return Ok(back(&asked, "error", "access_denied"));
    }
    let user = decider(app, &form.user, &form.token).await?;
    let (code, hash) = secret("code_")?;
    let new = LoginRecord {
        id: app.ids.next(),
        hash,
        stage: LoginStage::Code,
        user,
        expires_at: app.now() + PATIENCE,
        ..login.clone()
    };
    app.db
        .write(move |unit| {
            may_use_space(unit, user, new.asked.space)?;
            // Two answers to one question: the first one counts.
            if unit.login(&login.hash)?.is_none() {
                return Err(Refusal::request("authorize_key", "it was answered before"));
            }
            unit.delete_login(login.id)?;
            unit.insert_login(&new)?;
            Ok(())
        })
        .await?;
    Ok(back(&asked, "code", code.expose()))
}

/// A login for one workspace is for its members.
pub(super) fn may_use_space(
    unit: &dyn crate::store::Unit,
    user: i64,
    space: Option<i64>,
) -> Result<(), Refusal> {
    match space {
        Some(space) if unit.space_role(space, user)?.is_none() => Err(Refusal::deny(format!(
            "the user is no member of the workspace {space}"
        ))),
        _ => Ok(()),
    }
}

/// The address of the app, with the answer and its state.
fn back(asked: &Asked, key: &str, value: &str) -> String {
    let mut pairs = vec![(key, value)];
    if !asked.state.is_empty() {
        pairs.push(("state", &asked.state));
    }
    let query = serde_urlencoded::to_string(pairs).unwrap_or_default();
    let joint = if asked.redirect_uri.contains('?') {
        '&'
    } else {
        '?'
    };
    format!("{}{joint}{query}", asked.redirect_uri)
}
