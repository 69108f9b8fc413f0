//! Logging users in: web, PKCE, device. What is asked for is compared with the reference, byte by
//! byte where it can be.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use coze_api::{AuthErrorKind, Coze, DevicePoll, Error, OAuthApp, OAuthConfig, Region};
use serde_json::json as value;

use crate::auth::{TOKEN, app, now, refused, tokens};
use crate::server::{Server, Step, answer, json};

const CALLBACK: &str = "https://app.example/callback?x=1";
const DEVICE: &str = "POST /api/permission/oauth2/device/code";

fn kind(error: &Error) -> AuthErrorKind {
    match error {
        Error::Auth(error) => error.kind,
        other => panic!("{other:?}"),
    }
}

/// Address and query of a URL.
fn parts(url: &str) -> (String, BTreeMap<String, String>) {
    let url = reqwest::Url::parse(url).unwrap();
    let query = url.query_pairs().into_owned().collect();
    let host = url.host_str().unwrap();
    (format!("{}://{host}{}", url.scheme(), url.path()), query)
}

#[test]
fn the_address_of_consent_is_as_documented() {
    let app = OAuthApp::new("7.app.coze")
        .unwrap()
        .client_secret("secret_of_app");
    let login = app.authorization(CALLBACK).state("a b&c").build().unwrap();
    let (address, query) = parts(login.url());
    assert_eq!(
        address,
        "https://www.coze.cn/api/permission/oauth2/authorize"
    );
    let expected = [
        ("client_id", "7.app.coze"),
        ("redirect_uri", CALLBACK),
        ("response_type", "code"),
        ("state", "a b&c"),
    ];
    let expected: BTreeMap<_, _> = expected
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .into();
    assert_eq!(query, expected);
    assert_eq!(login.verifier(), None);

    let com = Coze::builder().region(Region::Com).oauth_app("7").unwrap();
    let login = com.authorization(CALLBACK).workspace("75").build().unwrap();
    let (address, query) = parts(login.url());
    assert_eq!(
        address,
        "https://www.coze.com/api/permission/oauth2/workspace_id/75/authorize"
    );
    // Without a secret it is PKCE, and the state is random.
    assert_eq!(query["code_challenge_method"], "S256");
    let verifier = login.verifier().unwrap().expose();
    let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, verifier.as_bytes());
    assert_eq!(query["code_challenge"], URL_SAFE_NO_PAD.encode(hash));
    assert!((43..=128).contains(&verifier.len()), "{}", verifier.len());
    assert!(query["state"].len() >= 32 && query["state"] == login.state());
    let other = com.authorization(CALLBACK).build().unwrap();
    assert_ne!(other.state(), login.state());
    assert_ne!(other.verifier(), login.verifier());

    let custom = com.clone().www_base_url("https://pages.example/");
    let login = custom.authorization(CALLBACK).build().unwrap();
    assert!(
        login
            .url()
            .starts_with("https://pages.example/api/permission/")
    );
    for (redirect, workspace) in [("nowhere", "75"), (CALLBACK, "")] {
        let bad = com.authorization(redirect).workspace(workspace).build();
        assert!(
            matches!(bad, Err(Error::Invalid(_))),
            "{redirect} {workspace}"
        );
    }
    assert!(matches!(OAuthApp::new(" "), Err(Error::Invalid(_))));
}

#[tokio::test]
async fn a_web_app_exchanges_a_code_with_its_secret() {
    let server = Server::always(tokens(1)).await;
    let app = app(&server).client_secret("secret_of_app");
    let login = app.authorization(CALLBACK).state("s1").build().unwrap();
    let got = login.complete("/callback?x=1&code=code_1&state=s1").await;
    let got = got.unwrap();
    assert_eq!(got.access_token.expose(), "access_1");
    assert_eq!(got.refresh_token.as_ref().unwrap().expose(), "refresh_1");
    let left = got.expires_at.unwrap() - now();
    assert!((880..=901).contains(&left), "{left}");
    let request = &server.requests()[0];
    assert_eq!(request.line, TOKEN);
    assert_eq!(
        request.header("authorization"),
        Some("Bearer secret_of_app")
    );
    assert_eq!(
        request.json(),
        value!({
            "grant_type": "authorization_code",
            "client_id": "7.app.coze",
            "code": "code_1",
            "redirect_uri": CALLBACK,
        })
    );

    app.refresh(&"refresh_1".into()).await.unwrap();
    let request = &server.requests()[1];
    assert_eq!(
        request.header("authorization"),
        Some("Bearer secret_of_app")
    );
    assert_eq!(
        request.json(),
        value!({
            "grant_type": "refresh_token",
            "client_id": "7.app.coze",
            "refresh_token": "refresh_1",
        })
    );
}

#[tokio::test]
async fn an_app_without_a_secret_exchanges_a_code_with_its_verifier() {
    let server = Server::always(tokens(1)).await;
    let app = app(&server);
    let login = app.authorization(CALLBACK).build().unwrap();
    let back = format!("{CALLBACK}&code=code_1&state={}", login.state());
    login.complete(&back).await.unwrap();
    let request = &server.requests()[0];
    assert_eq!(request.header("authorization"), None);
    assert_eq!(
        request.json(),
        value!({
            "grant_type": "authorization_code",
            "client_id": "7.app.coze",
            "code": "code_1",
            "redirect_uri": CALLBACK,
            "code_verifier": login.verifier().unwrap().expose(),
        })
    );
    // The same in a server that keeps the parts itself.
    let verifier = login.verifier().cloned();
    app.exchange("code_1", CALLBACK, verifier.as_ref())
        .await
        .unwrap();
    assert_eq!(server.requests()[1].json(), server.requests()[0].json());
    app.refresh(&"refresh_1".into()).await.unwrap();
    assert_eq!(server.requests()[2].header("authorization"), None);
}

#[tokio::test]
async fn a_browser_that_comes_back_with_something_else_is_refused() {
    let server = Server::always(tokens(1)).await;
    let login = app(&server).authorization(CALLBACK).state("s1").build();
    let login = login.unwrap();
    for address in [
        "/?code=code_1&state=s2",
        "/?code=code_1",
        "/?error=access_denied",
    ] {
        let error = login.complete(address).await.unwrap_err();
        assert_eq!(kind(&error), AuthErrorKind::Mismatch, "{address}");
        assert!(!error.to_string().contains("code_1"), "{error}");
    }
    let denied = "/?error=access_denied&error_description=not%20today&state=s1";
    let error = login.complete(denied).await.unwrap_err();
    assert_eq!(kind(&error), AuthErrorKind::Denied);
    assert!(error.to_string().contains("not today"), "{error}");
    let other = login.complete("/?error=busy&state=s1").await.unwrap_err();
    assert_eq!(kind(&other), AuthErrorKind::Unavailable);
    let without = login.complete("/?state=s1").await.unwrap_err();
    assert!(without.to_string().contains("no code"), "{without}");
    assert_eq!(server.requests().len(), 0);
}

#[tokio::test]
async fn the_errors_of_the_token_endpoint_keep_their_names() {
    let server = Server::always(answer(
        "401 Unauthorized",
        "application/json",
        r#"{"error_code":"invalid_client","error_message":"bad secret_of_app","error":""}"#,
    ))
    .await;
    let app = app(&server).client_secret("secret_of_app");
    let error = app.exchange("code_1", CALLBACK, None).await.unwrap_err();
    let Error::Api(api) = &error else {
        panic!("{error:?}")
    };
    assert_eq!(api.name.as_deref(), Some("invalid_client"));
    assert_eq!((api.endpoint.as_ref(), api.http), ("CreateToken", 401));
    assert_eq!(api.msg, "bad [token]");
    assert_eq!(server.requests().len(), 1);

    let server = Server::always(json(r#"{"access_token":"","expires_in":1}"#)).await;
    let error = self::app(&server).refresh(&"refresh_1".into()).await;
    let error = error.unwrap_err().to_string();
    assert!(
        error.contains("CreateToken") && error.contains("empty"),
        "{error}"
    );
}

/// A device endpoint, and a token endpoint that answers in turn.
async fn device(turns: Vec<Vec<Step>>) -> Server {
    let turn = AtomicUsize::new(0);
    Server::start(move |request| {
        if request.line == TOKEN {
            let turn = turn.fetch_add(1, Ordering::Relaxed);
            return turns.get(turn).or(turns.last()).unwrap().clone();
        }
        json(concat!(
            r#"{"device_code":"device_1","user_code":"TEST+CODE","expires_in":300,"#,
            r#""verification_uri":"https://www.coze.cn/device","interval":1}"#
        ))
    })
    .await
}

#[tokio::test]
async fn a_device_waits_for_its_user() {
    let busy = answer("502 Bad Gateway", "text/html", "<html>busy</html>");
    let server = device(vec![refused("authorization_pending"), busy, tokens(1)]).await;
    let app = app(&server);
    let login = app.device_login().await.unwrap();
    assert_eq!(login.user_code(), "TEST+CODE");
    assert_eq!(login.verification_uri(), "https://www.coze.cn/device");
    assert_eq!(
        login.verification_url(),
        "https://www.coze.cn/device?user_code=TEST%2BCODE"
    );
    assert!(login.expires_in() > Duration::from_secs(250));
    let got = login.wait().await.unwrap();
    assert_eq!(got.access_token.expose(), "access_1");
    let requests = server.requests();
    assert_eq!(requests[0].line, DEVICE);
    assert_eq!(requests[0].json(), value!({"client_id": "7.app.coze"}));
    assert_eq!(requests.len(), 4);
    assert_eq!(
        requests[3].json(),
        value!({
            "grant_type": "urn:ietf:params:oauth:grant-type:device_code",
            "client_id": "7.app.coze",
            "device_code": "device_1",
        })
    );
    assert!(
        requests
            .iter()
            .all(|it| it.header("authorization").is_none())
    );
    // No sooner than the server said; later is possible on a busy machine.
    app.device_login_in("75").await.unwrap();
    let line = "POST /api/permission/oauth2/workspace_id/75/device/code";
    assert_eq!(server.count(line), 1);
}

#[tokio::test]
async fn a_device_goes_slower_when_it_is_told_to() {
    let pending = answer(
        "400 Bad Request",
        "application/json",
        r#"{"error":"authorization_pending","error_description":"not yet"}"#,
    );
    let turns = vec![
        pending,
        refused("slow_down"),
        refused("slow_down"),
        tokens(1),
    ];
    let server = device(turns).await;
    let mut login = app(&server).device_login().await.unwrap();
    for seconds in [1, 6, 11] {
        assert!(matches!(login.poll().await, Ok(DevicePoll::Pending)));
        assert_eq!(login.interval(), Duration::from_secs(seconds));
    }
    assert!(matches!(login.poll().await, Ok(DevicePoll::Done(_))));
}

#[tokio::test]
async fn a_device_hears_why_it_gets_no_token() {
    for (name, expected) in [
        ("access_denied", AuthErrorKind::Denied),
        ("expired_token", AuthErrorKind::Expired),
    ] {
        let server = device(vec![refused(name)]).await;
        let login = app(&server).device_login().await.unwrap();
        let error = login.wait().await.unwrap_err();
        assert_eq!(kind(&error), expected);
        assert_eq!(error.http(), Some(400));
        assert_eq!(server.count(TOKEN), 1);
    }
    let server = device(vec![refused("invalid_client")]).await;
    let mut login = app(&server).device_login().await.unwrap();
    assert!(matches!(login.poll().await, Err(Error::Api(_))));
    // One's own deadline comes before the first look.
    let login = app(&server).device_login().await.unwrap();
    let login = login.give_up_after(Duration::from_millis(10));
    let error = login.wait().await.unwrap_err();
    assert_eq!(kind(&error), AuthErrorKind::Expired);
    assert_eq!(server.count(TOKEN), 1);
}

#[tokio::test]
async fn a_device_gives_up_when_the_server_is_gone() {
    let busy = answer("503 Service Unavailable", "text/plain", "busy");
    let server = device(vec![busy]).await;
    let login = app(&server).device_login().await.unwrap();
    assert_eq!(login.wait().await.unwrap_err().http(), Some(503));
    assert_eq!(server.count(TOKEN), 5);
}

#[test]
fn the_file_of_an_app_is_read() {
    let text = |kind: &str, more: &str| {
        format!(
            r#"{{"client_type":"{kind}","client_id":"7.app.coze","coze_www_base":"https://www.coze.com","coze_api_base":"https://api.coze.com"{more}}}"#
        )
    };
    let read = |kind: &str, more: &str| {
        let config = OAuthConfig::from_json(&text(kind, more))?;
        Coze::builder().oauth_app_from(&config)
    };
    let web = read("web", r#","client_secret":"secret_of_app""#).unwrap();
    assert_eq!(web.base_url(), "https://api.coze.com");
    let login = web.authorization(CALLBACK).build().unwrap();
    assert!(login.url().starts_with("https://www.coze.com/") && login.verifier().is_none());
    for kind in ["pkce", "device", ""] {
        let app = read(kind, r#","unknown":[1]"#).unwrap();
        assert!(
            app.authorization(CALLBACK)
                .build()
                .unwrap()
                .verifier()
                .is_some()
        );
    }
    let config = OAuthConfig::from_json(&text("pkce", "")).unwrap();
    let builder = Coze::builder().base_url("http://proxy.example");
    let app = builder.oauth_app_from(&config).unwrap();
    assert_eq!(app.base_url(), "http://proxy.example");

    let refusal = |result: coze_api::Result<OAuthApp>| match result {
        Err(Error::Invalid(text)) => text,
        other => panic!("{other:?}"),
    };
    assert!(refusal(read("web", "")).contains("client_secret"));
    assert!(refusal(read("jwt", "")).contains("`JwtApp`"));
    let bad = OAuthConfig::from_json(r#"{"client_type":"web"}"#).unwrap_err();
    assert!(bad.to_string().contains("client_id"), "{bad}");
    let bad = OAuthConfig::from_json("{\"client_id\":7,\n\"private_key\":\"hunter2").unwrap_err();
    assert!(!bad.to_string().contains("hunter2"), "{bad}");
    let missing = OAuthApp::from_file("/nowhere/app.json").unwrap_err();
    assert!(
        missing.to_string().contains("/nowhere/app.json"),
        "{missing}"
    );
}
