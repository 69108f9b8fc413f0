//! The two pages that users see, in Chinese and English: a decision, and the code of a device.

use axum::body::Body;
use axum::response::Response;
use coze_types::Secret;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, COOKIE, REFERRER_POLICY, SET_COOKIE};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

use super::Refusal;
use crate::app::App;
use crate::auth::Grant;
use crate::config::LOCAL_USER;
use crate::crypt::hash;
use crate::fail::Fail;
use crate::store::UserRecord;

/// Ties a form to the browser that it was shown to.
const COOKIE_NAME: &str = "coze_oauth";
const STYLE: &str = "body{font:16px/1.6 system-ui,sans-serif;max-width:30em;margin:10vh auto;padding:0 1em;\
color:#222}h1{font-size:1.3em}button,input,select{font:inherit;padding:.4em .8em;margin:.3em .3em .3em 0}\
input,select{width:100%;box-sizing:border-box}.hint{color:#666;font-size:.9em}";

/// What stands in the text of a page.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for it in text.chars() {
        match it {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            it => escaped.push(it),
        }
    }
    escaped
}

/// The secret of this browser's forms: that of its cookie, or a new one.
pub(super) fn browser(headers: &HeaderMap) -> Result<Secret, Refusal> {
    match cookie(headers) {
        Some(known) => Ok(known.into()),
        None => Ok(crate::crypt::secret("")?),
    }
}

fn cookie(headers: &HeaderMap) -> Option<&str> {
    let all = headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|it| it.to_str().ok());
    let pairs = all.flat_map(|it| it.split(';'));
    let mut ours = pairs.filter_map(|it| it.trim().strip_prefix(COOKIE_NAME)?.strip_prefix('='));
    ours.find(|it| it.len() == 43)
}

/// The form comes from a page that this browser was shown.
pub(super) fn is_own_form(headers: &HeaderMap, field: &str) -> bool {
    cookie(headers).is_some_and(|cookie| hash(cookie) == hash(field))
}

/// A page; only this server's own forms and nothing else works in it.
pub(super) fn page(
    status: StatusCode,
    title: &str,
    inside: &str,
    browser: Option<&Secret>,
) -> Response {
    let text = format!(
        "<!doctype html><html lang=\"zh\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>{title}</title>\
         <style>{STYLE}</style></head><body><h1>{title}</h1>{inside}</body></html>",
        title = escape(title),
    );
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    for (name, value) in [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (CACHE_CONTROL, "no-store"),
        (REFERRER_POLICY, "no-referrer"),
        (HeaderName::from_static("x-frame-options"), "DENY"),
        (
            HeaderName::from_static("content-security-policy"),
            "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'",
        ),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if let Some(secret) = browser {
        let cookie = format!(
            "{COOKIE_NAME}={}; Path=/api/permission/oauth2; HttpOnly; SameSite=Strict",
            secret.expose()
        );
        if let Ok(cookie) = HeaderValue::from_str(&cookie) {
            headers.insert(SET_COOKIE, cookie);
        }
    }
    response
}

/// A page that only tells something.
pub(super) fn told(status: StatusCode, zh: &str, en: &str) -> Response {
    let inside = format!("<p>{}</p><p>{}</p>", escape(zh), escape(en));
    page(status, "Coze OAuth", &inside, None)
}

/// Where the user says who they are: chosen where everybody is let in, proved elsewhere.
pub(super) async fn who(app: &App) -> Result<String, Refusal> {
    if !app.keeper.is_open() {
        return Ok(
            "<label>你的个人令牌 / your personal token<input type=\"password\" name=\"token\" \
                   required autocomplete=\"off\"></label>"
                .to_owned(),
        );
    }
    let users = app.db.read(|unit| Ok::<_, Fail>(unit.users()?)).await?;
    let option = |it: &UserRecord| {
        let chosen = if it.id == LOCAL_USER { " selected" } else { "" };
        let name = escape(&it.nick_name);
        format!("<option value=\"{}\"{chosen}>{name}</option>", it.id)
    };
    let options: String = users.iter().map(option).collect();
    Ok(format!(
        "<label>以谁的身份 / as<select name=\"user\">{options}</select></label>"
    ))
}

/// The user who decides, as the form says it.
pub(super) async fn decider(app: &App, user: &str, token: &str) -> Result<i64, Refusal> {
    if !app.keeper.is_open() {
        let grant = app.keeper.of_token(app, token.trim()).await;
        return match grant {
            Ok(grant) if Grant::is_whole(&grant) => Ok(grant.user),
            Ok(_) => Err(Refusal::deny(
                "the token is limited, so it cannot let an app in",
            )),
            Err(fail) if fail.code == 4100 => Err(Refusal::deny("the token is not known")),
            Err(fail) => Err(fail.into()),
        };
    }
    if user.is_empty() {
        return Ok(LOCAL_USER);
    }
    let id = crate::store::number(user);
    let found = app
        .db
        .read(move |unit| Ok::<_, Fail>(unit.user(id)?))
        .await?;
    found
        .map(|it| it.id)
        .ok_or_else(|| Refusal::request("user", "there is no such user"))
}
