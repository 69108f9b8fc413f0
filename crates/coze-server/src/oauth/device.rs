//! Devices: they show a code, a user types it into a page, they get a token (reference, section 2.6).

use axum::body::Bytes;
use axum::extract::{Path, RawQuery, State};
use axum::http::HeaderMap;
use axum::response::Response;
use coze_types::Endpoint;
use coze_types::auth::{
    CreateDeviceCode, CreateWorkspaceDeviceCode, DeviceCode, DeviceCodeRequest,
};
use http::StatusCode;
use serde::Deserialize;

use super::authorize::may_use_space;
use super::page::{browser, decider, escape, is_own_form, page, told, who};
use super::{DEVICE, PATIENCE, Refusal, answer, find, of_kind, refused, secret, token};
use crate::app::App;
use crate::config::OAuthKind;
use crate::crypt::{Hash, hash, random};
use crate::store::{Asked, LoginRecord, LoginStage, number};

/// What the page says first when it refuses.
const HEADLINE: &str = "无法登录设备。";
/// Letters that make no words and look like no digits.
const LETTERS: &[u8; 16] = b"BCDFGHJKLMNPQRST";

pub(crate) async fn begin(State(app): State<App>, headers: HeaderMap, body: Bytes) -> Response {
    let code = device_code(&app, &headers, &body, None).await;
    answer(&app, CreateDeviceCode::INFO.name, code)
}

pub(crate) async fn begin_workspace(
    State(app): State<App>,
    Path(space): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let code = device_code(&app, &headers, &body, Some(number(&space))).await;
    answer(&app, CreateWorkspaceDeviceCode::INFO.name, code)
}

async fn device_code(
    app: &App,
    headers: &HeaderMap,
    body: &Bytes,
    space: Option<i64>,
) -> Result<DeviceCode, Refusal> {
    let request: DeviceCodeRequest = coze_types::status::decode(body)
        .map_err(|error| Refusal::request("body", &error.to_string()))?;
    let interval = find(app, &request.client_id, |it| {
        of_kind(it, &[OAuthKind::Device])?;
        Ok(it.interval)
    })?;
    let letters = random::<8>()?.map(|byte| {
        LETTERS
            .get(usize::from(byte % 16))
            .map_or('B', |it| char::from(*it))
    });
    let (first, second) = letters.split_at(4);
    let user_code: String = first.iter().chain(['-'].iter()).chain(second).collect();
    let (device_code, hash) = secret("dc_")?;
    let login = LoginRecord {
        id: app.ids.next(),
        hash,
        user_code: Some(typed(&user_code)),
        stage: LoginStage::Device,
        client_id: request.client_id,
        asked: Asked {
            space,
            ..Asked::default()
        },
        expires_at: app.now() + PATIENCE,
        ..LoginRecord::default()
    };
    token::keep_login(app, login).await?;
    // The page is where the device found this server.
    let host = headers
        .get(http::header::HOST)
        .and_then(|it| it.to_str().ok());
    let base = host.map_or_else(|| app.url(), |host| format!("http://{host}"));
    Ok(DeviceCode {
        device_code,
        user_code: user_code.as_str().into(),
        verification_uri: format!("{base}{DEVICE}"),
        expires_in: PATIENCE,
        interval: Some(interval),
    })
}

/// A code as it is looked for, however it was typed.
fn typed(code: &str) -> Hash {
    let letters = code.chars().filter(char::is_ascii_alphanumeric);
    hash(&letters.collect::<String>().to_ascii_uppercase())
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Form {
    user_code: String,
    csrf: String,
    decision: String,
    user: String,
    token: String,
}

/// The page where the user types the code.
pub(crate) async fn show(
    State(app): State<App>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let form: Form = super::query(query.as_deref());
    match ask(&app, &headers, &form.user_code).await {
        Ok(response) => response,
        Err(refusal) => refused(&refusal, HEADLINE),
    }
}

async fn ask(app: &App, headers: &HeaderMap, code: &str) -> Result<Response, Refusal> {
    let browser = browser(headers)?;
    let inside = format!(
        "<p>请输入设备上显示的代码。仅在你自己发起登录时允许。</p>\
         <p>Type the code that the device shows. Allow only what you began yourself.</p>\
         <form method=\"post\" action=\"{DEVICE}\">\
         <input type=\"hidden\" name=\"csrf\" value=\"{csrf}\">\
         <label>代码 / code<input name=\"user_code\" value=\"{code}\" required autocomplete=\"off\"></label>\
         {who}<p><button name=\"decision\" value=\"allow\">允许 / Allow</button>\
         <button name=\"decision\" value=\"deny\">拒绝 / Deny</button></p></form>",
        csrf = escape(browser.expose()),
        code = escape(code),
        who = who(app).await?,
    );
    Ok(page(
        StatusCode::OK,
        "登录设备 / Log a device in",
        &inside,
        Some(&browser),
    ))
}

/// The user has typed the code and decided.
pub(crate) async fn enter(State(app): State<App>, headers: HeaderMap, body: Bytes) -> Response {
    let form: Form = serde_urlencoded::from_bytes(&body).unwrap_or_default();
    match settle(&app, &headers, form).await {
        Ok(name) => told(
            StatusCode::OK,
            &format!("{name}：完成，可以回到设备。"),
            "Done. Go back to the device.",
        ),
        Err(refusal) => refused(&refusal, HEADLINE),
    }
}

async fn settle(app: &App, headers: &HeaderMap, form: Form) -> Result<String, Refusal> {
    if !is_own_form(headers, &form.csrf) {
        let why = "the form is not from this browser: open the page again";
        return Err(Refusal::request("csrf", why));
    }
    let user = decider(app, &form.user, &form.token).await?;
    let (code, now) = (typed(&form.user_code), app.now());
    let stage = match form.decision.as_str() {
        "allow" => LoginStage::Allowed,
        _ => LoginStage::Denied,
    };
    let client_id = app.db.write(move |unit| {
        let login = unit.login_by_user_code(&code)?;
        let login = login.filter(|it| it.stage == LoginStage::Device && it.expires_at > now);
        let Some(login) = login else {
            return Err(Refusal::request(
                "user_code",
                "no device waits for this code",
            ));
        };
        if stage == LoginStage::Allowed {
            may_use_space(unit, user, login.asked.space)?;
        }
        unit.decide_login(login.id, stage, user)?;
        Ok(login.client_id)
    });
    find(app, &client_id.await?, |it| Ok(it.name.clone()))
}
