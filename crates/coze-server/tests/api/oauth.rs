//! Every way to log in, over plain HTTP and by our own SDK.

mod jwt;
mod sdk;

use std::path::Path;
use std::time::Duration;

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::KeyPair as _;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::{COOKIE, LOCATION, SET_COOKIE};
use reqwest::{Client, Response, redirect};
use serde_json::{Value, json};

use crate::harness::{Api, Setup, within};
use crate::people::get;
use crate::space::DEMO_BOT;

const BACK: &str = "http://127.0.0.1:7000/callback";
const TOKEN: &str = "/api/permission/oauth2/token";
const DEVICE: &str = "/api/permission/oauth2/device";
const ALICE: &str = "7500000000000003001";
const TEAM: &str = "7500000000000004001";

const YAML: &str = r#"
users:
  - { id: "7500000000000003001", name: alice }
  - { id: "7500000000000003002", name: bob }
spaces:
  - { id: "7500000000000004001", name: team, owner: alice }
enterprises:
  - { id: acme_1, members: [{ user: alice, role: admin }] }
oauth_apps:
  - { client_id: web-app, client_type: web, client_secret: keep-this, redirect_uris: ["http://127.0.0.1:7000/callback"] }
  - { client_id: pkce-app, client_type: pkce, redirect_uris: ["http://127.0.0.1:7000/callback"], permissions: [chat] }
  - { client_id: tv, client_type: device, interval: 1 }
  - { client_id: slow-tv, client_type: device }
  - { client_id: closed, client_type: device, disabled: true }
  - client_id: service
    client_type: jwt
    public_keys: { key-1: service.pem }
    accounts: [alice]
    enterprises: [acme_1]
"#;

/// A server with these apps; the private key of the JWT app is made for it.
async fn start(more: &str) -> (Api, String) {
    let key = KeyPair::generate(KeySize::Rsa2048).unwrap();
    let private: Pkcs8V1Der<'_> = key.as_der().unwrap();
    let public: PublicKeyX509Der<'_> = key.public_key().as_der().unwrap();
    let pem = |kind: &str, der: &[u8]| {
        let text = STANDARD.encode(der);
        format!("-----BEGIN {kind} KEY-----\n{text}\n-----END {kind} KEY-----\n")
    };
    let folder = tempfile::tempdir().unwrap();
    let write = |folder: &Path| {
        std::fs::write(folder.join("service.pem"), pem("PUBLIC", public.as_ref())).unwrap();
    };
    write(folder.path());
    let yaml = YAML.replace(
        "service.pem",
        &folder.path().join("service.pem").display().to_string(),
    );
    let api = Setup::with(&format!("{yaml}{more}")).start().await;
    (api, pem("PRIVATE", private.as_ref()))
}

/// A browser that does not follow redirects.
fn browser() -> Client {
    let builder = Client::builder().no_proxy().tls_certs_only([]);
    builder.redirect(redirect::Policy::none()).build().unwrap()
}

fn location(response: &Response) -> String {
    assert_eq!(response.status(), 302);
    response.headers()[LOCATION].to_str().unwrap().to_owned()
}

/// Opens a page; gives its text, and the cookie that it sets.
async fn open(url: &str) -> (String, String) {
    let response = within(browser().get(url).send()).await.unwrap();
    assert_eq!(response.status(), 200, "{url}");
    assert_eq!(response.headers()["x-frame-options"], "DENY");
    let cookie = response.headers()[SET_COOKIE].to_str().unwrap();
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"));
    let cookie = cookie.split(';').next().unwrap().to_owned();
    (within(response.text()).await.unwrap(), cookie)
}

/// The value of a hidden field.
fn field(page: &str, name: &str) -> String {
    let at = page.find(&format!("name=\"{name}\" value=\"")).unwrap();
    let rest = &page[at..].split_once("value=\"").unwrap().1;
    rest.split_once('"').unwrap().0.to_owned()
}

/// What a user does in the browser: opens the address, decides, and is led back to the app.
async fn consent(api: &Api, url: &str, more: &[(&str, &str)]) -> Response {
    let asked = within(browser().get(url).send()).await.unwrap();
    let (page, cookie) = open(&format!("{}{}", api.url(), location(&asked))).await;
    let (key, csrf) = (field(&page, "authorize_key"), field(&page, "csrf"));
    let mut form = vec![("authorize_key", key.as_str()), ("csrf", csrf.as_str())];
    form.extend(more);
    let request = browser()
        .post(format!("{}/api/permission/oauth2/consent", api.url()))
        .header(COOKIE, cookie);
    within(request.form(&form).send()).await.unwrap()
}

/// What a user does on the page of devices.
async fn enter(api: &Api, code: &str, more: &[(&str, &str)]) -> u16 {
    let url = format!("{}{DEVICE}", api.url());
    let (page, cookie) = open(&format!("{url}?user_code={code}")).await;
    assert!(page.contains(code));
    let csrf = field(&page, "csrf");
    let mut form = vec![("user_code", code), ("csrf", csrf.as_str())];
    form.extend(more);
    let request = browser().post(url).header(COOKIE, cookie).form(&form);
    within(request.send()).await.unwrap().status().as_u16()
}

/// Asks for a token; gives the HTTP status and the bare answer.
async fn token(api: &Api, bearer: Option<&str>, body: Value) -> (u16, Value) {
    at(api, TOKEN, bearer, body).await
}

async fn at(api: &Api, path: &str, bearer: Option<&str>, body: Value) -> (u16, Value) {
    let request = browser().post(format!("{}{path}", api.url())).json(&body);
    let request = match bearer {
        Some(bearer) => request.bearer_auth(bearer),
        None => request,
    };
    let response = within(request.send()).await.unwrap();
    assert!(response.headers().contains_key("x-tt-logid"));
    (
        response.status().as_u16(),
        within(response.json()).await.unwrap(),
    )
}

#[track_caller]
fn refused(answer: &(u16, Value), http: u16, code: &str, why: &str) {
    let (status, body) = answer;
    assert_eq!(
        (*status, &body["error_code"]),
        (http, &json!(code)),
        "{body}"
    );
    assert_eq!(body["error"], body["error_code"]);
    let message = body["error_message"].as_str().unwrap();
    assert!(message.contains(why), "{message}");
}

fn authorize(api: &Api, client: &str, more: &str) -> String {
    format!(
        "{}/api/permission/oauth2/authorize?response_type=code&client_id={client}\
         &redirect_uri=http%3A%2F%2F127.0.0.1%3A7000%2Fcallback&state=a%26b{more}",
        api.url()
    )
}

fn code_of(back: &str) -> String {
    let query = back.strip_prefix(&format!("{BACK}?code=")).unwrap();
    query.split('&').next().unwrap().to_owned()
}

#[tokio::test]
async fn a_code_is_exchanged_once() {
    let (api, _) = start("").await;
    let url = authorize(&api, "web-app", "");
    let response = consent(&api, &url, &[("decision", "allow"), ("user", ALICE)]).await;
    let back = location(&response);
    assert!(back.ends_with("&state=a%26b"), "{back}");
    let code = code_of(&back);
    let ask = |code: &str, uri: &str| json!({"grant_type": "authorization_code", "client_id": "web-app", "code": code, "redirect_uri": uri});
    refused(
        &token(&api, None, ask(&code, BACK)).await,
        401,
        "invalid_client",
        "SECRET",
    );
    let wrong = token(&api, Some("guess"), ask(&code, BACK)).await;
    refused(&wrong, 401, "invalid_client", "secret");
    let other = token(&api, Some("keep-this"), ask(&code, "http://other")).await;
    refused(&other, 400, "invalid_request", "redirect_uri");
    let (http, tokens) = token(&api, Some("keep-this"), ask(&code, BACK)).await;
    assert_eq!(
        (http, &tokens["token_type"]),
        (200, &json!("Bearer")),
        "{tokens}"
    );
    let access = tokens["access_token"].as_str().unwrap();
    assert!(access.starts_with("czu_"));
    let me = get(&api, access, "/v1/users/me").await;
    assert_eq!(me.data()["user_name"], "alice");
    let again = token(&api, Some("keep-this"), ask(&code, BACK)).await;
    refused(&again, 400, "invalid_request", "code");

    // The refresh token works once, and is no access token.
    let refresh = tokens["refresh_token"].as_str().unwrap();
    assert_eq!(get(&api, refresh, "/v1/users/me").await.code(), 4100);
    let renew =
        json!({"grant_type": "refresh_token", "client_id": "web-app", "refresh_token": refresh});
    refused(
        &token(&api, None, renew.clone()).await,
        401,
        "invalid_client",
        "SECRET",
    );
    let (http, new) = token(&api, Some("keep-this"), renew.clone()).await;
    assert_eq!(http, 200, "{new}");
    let access = new["access_token"].as_str().unwrap();
    assert_eq!(get(&api, access, "/v1/users/me").await.code(), 0);
    refused(
        &token(&api, Some("keep-this"), renew).await,
        400,
        "invalid_request",
        "refresh_token",
    );
}

#[tokio::test]
async fn what_an_app_may_not_ask() {
    let (api, _) = start("").await;
    for (url, http, code, why) in [
        (
            authorize(&api, "nobody", ""),
            401,
            "invalid_client",
            "nobody",
        ),
        (
            authorize(&api, "tv", ""),
            403,
            "access_deny",
            "another type",
        ),
        (
            authorize(&api, "pkce-app", ""),
            400,
            "invalid_request",
            "code_challenge",
        ),
        (
            authorize(
                &api,
                "pkce-app",
                "&code_challenge=x&code_challenge_method=S1",
            ),
            400,
            "invalid_request",
            "code_challenge_method",
        ),
        (
            authorize(&api, "web-app", "").replace("7000", "7001"),
            400,
            "invalid_request",
            "redirect_uri",
        ),
        (
            authorize(&api, "web-app", "").replace("response_type=code", "response_type=token"),
            400,
            "invalid_request",
            "response_type",
        ),
    ] {
        let response = within(browser().get(url).send()).await.unwrap();
        let status = response.status().as_u16();
        let body = within(response.json()).await.unwrap();
        refused(&(status, body), http, code, why);
    }
    let other = token(&api, None, json!({"grant_type": "password"})).await;
    refused(
        &other,
        400,
        "unsupported_grant_type",
        "not supported grant type: password",
    );
}

#[tokio::test]
async fn a_form_from_elsewhere_decides_nothing() {
    let (api, _) = start("").await;
    let asked = within(browser().get(authorize(&api, "web-app", "")).send())
        .await
        .unwrap();
    let (page, cookie) = open(&format!("{}{}", api.url(), location(&asked))).await;
    let key = field(&page, "authorize_key");
    let url = format!("{}/api/permission/oauth2/consent", api.url());
    let csrf = field(&page, "csrf");
    for (cookie, csrf) in [
        ("", csrf.as_str()),
        (cookie.as_str(), "x"),
        ("coze_oauth=x", "x"),
    ] {
        let form = [
            ("authorize_key", key.as_str()),
            ("csrf", csrf),
            ("decision", "allow"),
        ];
        let request = browser().post(&url).header(COOKIE, cookie).form(&form);
        assert_eq!(within(request.send()).await.unwrap().status(), 400);
    }
    // It can still be answered, and the answer may be no.
    let form = [
        ("authorize_key", key.as_str()),
        ("csrf", csrf.as_str()),
        ("decision", "deny"),
    ];
    let request = browser().post(&url).header(COOKIE, &cookie).form(&form);
    let response = within(request.send()).await.unwrap();
    assert_eq!(
        location(&response),
        format!("{BACK}?error=access_denied&state=a%26b")
    );
    let request = browser().post(&url).header(COOKIE, &cookie).form(&form);
    assert_eq!(within(request.send()).await.unwrap().status(), 400);
}

/// Where tokens are needed, the user who decides needs one too.
#[tokio::test]
async fn on_a_server_with_tokens_the_user_proves_who_they_are() {
    let (api, _) = start("tokens: [{ token: of-alice, user: alice }, { token: narrow, user: alice, spaces: [team] }]").await;
    let url = authorize(&api, "web-app", "");
    for bad in ["", "wrong", "narrow"] {
        let form = [("decision", "allow"), ("token", bad), ("user", ALICE)];
        assert_eq!(consent(&api, &url, &form).await.status(), 403, "{bad}");
    }
    let form = [("decision", "allow"), ("token", "of-alice")];
    assert!(location(&consent(&api, &url, &form).await).contains("code=code_"));
}

#[tokio::test]
async fn a_login_for_a_workspace_sees_no_other() {
    let (api, _) = start("").await;
    let url = authorize(&api, "web-app", "").replace(
        "oauth2/authorize",
        &format!("oauth2/workspace_id/{TEAM}/authorize"),
    );
    let bob = [("decision", "allow"), ("user", "7500000000000003002")];
    assert_eq!(consent(&api, &url, &bob).await.status(), 403);
    let alice = [("decision", "allow"), ("user", ALICE)];
    let code = code_of(&location(&consent(&api, &url, &alice).await));
    let body = json!({"grant_type": "authorization_code", "client_id": "web-app", "code": code, "redirect_uri": BACK});
    let (_, tokens) = token(&api, Some("keep-this"), body).await;
    let access = tokens["access_token"].as_str().unwrap();
    let list = get(&api, access, "/v1/workspaces").await;
    assert_eq!(list.data()["total_count"], 1);
    assert_eq!(list.data()["workspaces"][0]["id"], TEAM);
}

#[tokio::test]
async fn a_device_waits_for_its_user() {
    let (api, _) = start("").await;
    let begin = |client: &str| json!({"client_id": client});
    let path = "/api/permission/oauth2/device/code";
    let (http, code) = at(&api, path, None, begin("slow-tv")).await;
    assert_eq!(
        (http, &code["expires_in"], &code["interval"]),
        (200, &json!(300), &json!(5))
    );
    assert_eq!(code["verification_uri"], format!("{}{DEVICE}", api.url()));
    let user_code = code["user_code"].as_str().unwrap();
    assert_eq!((user_code.len(), user_code.find('-')), (9, Some(4)));
    let poll = |client: &str, code: &Value| {
        json!({
            "grant_type": "urn:ietf:params:oauth:grant-type:device_code",
            "client_id": client, "device_code": code["device_code"],
        })
    };
    let ask = poll("slow-tv", &code);
    refused(
        &token(&api, None, ask.clone()).await,
        400,
        "authorization_pending",
        "",
    );
    refused(
        &token(&api, None, ask.clone()).await,
        400,
        "slow_down",
        "5 s",
    );
    assert_eq!(
        enter(&api, "BBBB-BBBB", &[("decision", "allow")]).await,
        400
    );
    assert_eq!(
        enter(
            &api,
            &user_code.to_lowercase(),
            &[("decision", "allow"), ("user", ALICE)]
        )
        .await,
        200
    );
    assert_eq!(enter(&api, user_code, &[("decision", "allow")]).await, 400);
    let (http, tokens) = token(&api, None, ask.clone()).await;
    assert_eq!(http, 200, "{tokens}");
    let me = get(
        &api,
        tokens["access_token"].as_str().unwrap(),
        "/v1/users/me",
    )
    .await;
    assert_eq!(me.data()["user_name"], "alice");
    refused(
        &token(&api, None, ask).await,
        400,
        "invalid_request",
        "device_code",
    );

    let (_, code) = at(&api, path, None, begin("tv")).await;
    let user_code = code["user_code"].as_str().unwrap();
    assert_eq!(enter(&api, user_code, &[("decision", "deny")]).await, 200);
    refused(
        &token(&api, None, poll("tv", &code)).await,
        400,
        "access_denied",
        "",
    );
    let none = json!({"device_code": "dc_x"});
    refused(
        &token(&api, None, poll("tv", &none)).await,
        400,
        "invalid_request",
        "device_code",
    );
    refused(
        &at(&api, path, None, begin("closed")).await,
        403,
        "access_deny",
        "deactivated",
    );
    refused(
        &at(&api, path, None, begin("web-app")).await,
        403,
        "access_deny",
        "type",
    );
    let space = format!("/api/permission/oauth2/workspace_id/{TEAM}/device/code");
    let (_, code) = at(&api, &space, None, begin("tv")).await;
    let user_code = code["user_code"].as_str().unwrap();
    let bob = [("decision", "allow"), ("user", "7500000000000003002")];
    assert_eq!(enter(&api, user_code, &bob).await, 403);
}
