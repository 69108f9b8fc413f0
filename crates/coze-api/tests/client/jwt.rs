//! Logging in with a key: the JWT is checked as the service would, with the public key.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicI64, AtomicU32, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use coze_api::types::auth::Scope;
use coze_api::{Coze, Error, JwtApp, JwtSession, OAuthConfig};
use futures_util::future::join_all;
use serde_json::{Value, json as value};

use crate::auth::{TOKEN, now};
use crate::server::{Request, Server, Step, answer, json};

const USER: &str = r#"{"code":0,"msg":"","data":{"user_id":"9"}}"#;

/// A key made for this run, and its PKCS#8 form.
fn key() -> &'static (KeyPair, Vec<u8>) {
    static KEY: OnceLock<(KeyPair, Vec<u8>)> = OnceLock::new();
    KEY.get_or_init(|| {
        let pair = KeyPair::generate(KeySize::Rsa2048).unwrap();
        let der: Pkcs8V1Der<'_> = pair.as_der().unwrap();
        let der = der.as_ref().to_vec();
        (pair, der)
    })
}

fn pem(label: &str, der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let lines: Vec<_> = text
        .as_bytes()
        .chunks(64)
        .map(String::from_utf8_lossy)
        .collect();
    let text = lines.join("\n");
    format!("-----BEGIN {label}-----\n{text}\n-----END {label}-----\n")
}

pub(crate) fn pkcs8() -> String {
    pem("PRIVATE KEY", &key().1)
}

/// PKCS#8 is PKCS#1 in a wrapping of 26 bytes, for a key of this size.
fn pkcs1() -> String {
    pem("RSA PRIVATE KEY", &key().1[26..])
}

pub(crate) fn app(server: &Server) -> JwtApp {
    let builder = Coze::builder().base_url(server.url());
    builder
        .jwt_app("7.app.coze", "fingerprint_1", pkcs8())
        .unwrap()
}

/// Header and claims of the JWT in a request, after its signature was checked.
fn verified(request: &Request) -> (Value, Value) {
    let jwt = request.header("authorization").unwrap();
    let jwt = jwt.strip_prefix("Bearer ").unwrap();
    let (unsigned, signature) = jwt.rsplit_once('.').unwrap();
    let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
    let public = key().0.public_key().as_ref();
    UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, public)
        .verify(unsigned.as_bytes(), &signature)
        .unwrap();
    let (header, claims) = unsigned.split_once('.').unwrap();
    let read = |part| serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap();
    (read(header), read(claims))
}

fn minted(number: u32, clock: i64) -> Vec<Step> {
    let end = clock + 900;
    let body = format!(r#"{{"access_token":"czs_test_{number}","expires_in":{end}}}"#);
    dated("200 OK", &body, clock)
}

fn dated(status: &str, body: &str, clock: i64) -> Vec<Step> {
    let at = UNIX_EPOCH + Duration::from_secs(clock.unsigned_abs());
    let (date, length) = (httpdate::fmt_http_date(at), body.len());
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ndate: {date}\r\ncontent-length: {length}\r\n\r\n"
    );
    vec![Step::Send([head.as_bytes(), body.as_bytes()].concat())]
}

/// A service that mints, by a clock that is ahead of ours, and refuses as documented.
async fn service(ahead: i64) -> Server {
    let number = AtomicU32::new(0);
    Server::start(move |request| {
        if !request.line.contains("/oauth2/") {
            return json(USER);
        }
        let clock = now() + ahead;
        let (_, claims) = verified(request);
        let (begin, end) = (
            claims["iat"].as_i64().unwrap(),
            claims["exp"].as_i64().unwrap(),
        );
        if begin > clock + 5 || end < clock {
            let no = r#"{"error_code":"invalid_client","error_message":"bad JWT","error":""}"#;
            return dated("401 Unauthorized", no, clock);
        }
        minted(number.fetch_add(1, Ordering::Relaxed) + 1, clock)
    })
    .await
}

#[tokio::test]
async fn a_jwt_is_signed_and_exchanged() {
    let server = service(0).await;
    let tokens = app(&server).session().mint().await.unwrap();
    assert_eq!(tokens.access_token.expose(), "czs_test_1");
    assert_eq!(tokens.refresh_token, None);
    let request = &server.requests()[0];
    assert_eq!(request.line, TOKEN);
    assert_eq!(
        request.json(),
        value!({
            "grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer",
            "duration_seconds": 900,
        })
    );
    let (header, claims) = verified(request);
    assert_eq!(
        header,
        value!({"alg": "RS256", "typ": "JWT", "kid": "fingerprint_1"})
    );
    let host = server.url();
    let iat = claims["iat"].as_i64().unwrap();
    let jti = claims["jti"].as_str().unwrap();
    assert_eq!(
        claims,
        value!({
            "iss": "7.app.coze",
            "aud": host.strip_prefix("http://").unwrap(),
            "iat": iat,
            "exp": iat + 600,
            "jti": jti,
        })
    );
    assert!((now() - iat).abs() < 60 && jti.len() >= 32, "{claims}");
    // A JWT works once, so the next one differs.
    app(&server).session().mint().await.unwrap();
    assert_ne!(verified(&server.requests()[1]).1["jti"], claims["jti"]);
}

#[tokio::test]
async fn sessions_say_for_whom_they_are() {
    let server = service(0).await;
    let app = app(&server);
    let mint = async |session: JwtSession| {
        session.mint().await.unwrap();
        server.requests().pop().unwrap()
    };
    let request = mint(
        app.session()
            .name("alice")
            .device_id("device 1")
            .custom_consumer("shop 1")
            .account("75")
            .ttl(Duration::from_secs(86_399)),
    )
    .await;
    assert_eq!(request.line, "POST /api/permission/oauth2/account/75/token");
    assert_eq!(request.json()["duration_seconds"], 86_399);
    let (_, claims) = verified(&request);
    assert_eq!(claims["session_name"], "alice");
    assert_eq!(
        claims["session_context"],
        value!({"device_info": {"device_id": "device 1", "custom_consumer": "shop 1"}})
    );
    let request = mint(app.session().enterprise("volcano_1")).await;
    let line = "POST /api/permission/oauth2/enterprise_id/volcano_1/token";
    assert_eq!(request.line, line);
    let scope = Scope::chat_with(["333"]).in_workspaces(["75"], ["Workspace.listBot"]);
    let request = mint(app.session().scope(scope)).await;
    assert_eq!(
        request.json()["scope"],
        value!({
            "account_permission": {"permission_list": ["Connector.botChat"]},
            "attribute_constraint": {"connector_bot_chat_attribute": {"bot_id_list": ["333"]}},
            "workspace_permission": {
                "workspace_id_list": ["75"],
                "permission_list": ["Workspace.listBot"],
            },
        })
    );
    for ttl in [Duration::ZERO, Duration::from_secs(86_400)] {
        let error = app.session().ttl(ttl).mint().await.unwrap_err();
        assert!(matches!(error, Error::Invalid(_)), "{error}");
    }
    assert_eq!(server.requests().len(), 3);
}

#[tokio::test]
async fn a_client_mints_its_own_tokens_once_for_all_callers() {
    let server = service(0).await;
    let coze = Coze::builder()
        .auth(app(&server).session())
        .build()
        .unwrap();
    let calls = join_all((0..100).map(|_| coze.me())).await;
    assert!(calls.iter().all(Result::is_ok));
    assert_eq!(
        (server.count(TOKEN), server.count("GET /v1/users/me")),
        (1, 100)
    );
    let call = server.requests().pop().unwrap();
    assert_eq!(call.header("authorization"), Some("Bearer czs_test_1"));
}

#[tokio::test]
async fn clocks_may_differ() {
    for ahead in [7200, -7200, 0] {
        let server = service(ahead).await;
        let app = app(&server);
        let session = app.session();
        let tokens = session.mint().await.unwrap();
        // The token lives for 15 minutes by any clock.
        let left = tokens.expires_at.unwrap() - now();
        assert!((880..=905).contains(&left), "{ahead}: {left}");
        let first = server.count(TOKEN);
        assert_eq!(first, if ahead == 0 { 1 } else { 2 });
        // What was learnt is kept, also for other sessions.
        app.session().name("bob").mint().await.unwrap();
        assert_eq!(server.count(TOKEN), first + 1);
        // The client takes the token for a fresh one.
        let coze = Coze::builder().auth(session).build().unwrap();
        coze.me().await.unwrap();
        coze.me().await.unwrap();
        assert_eq!(server.count(TOKEN), first + 2);
    }
}

#[tokio::test]
async fn a_refusal_for_another_reason_is_final() {
    let no = r#"{"error_code":"invalid_client","error_message":"no such app","error":""}"#;
    // The clocks agree, there is no date, or the date does not help.
    for ahead in [Some(0), None, Some(7200)] {
        let server = Server::start(move |_| match ahead {
            Some(ahead) => dated("401 Unauthorized", no, now() + ahead),
            None => answer("401 Unauthorized", "application/json", no),
        })
        .await;
        let error = app(&server).session().mint().await.unwrap_err();
        let Error::Api(api) = &error else {
            panic!("{error:?}")
        };
        assert_eq!(api.name.as_deref(), Some("invalid_client"));
        let asked = if ahead == Some(7200) { 2 } else { 1 };
        assert_eq!(server.requests().len(), asked, "{ahead:?}");
    }
}

#[tokio::test]
async fn a_clock_that_is_set_back_is_learnt_again() {
    let ahead = std::sync::Arc::new(AtomicI64::new(7200));
    let current = std::sync::Arc::clone(&ahead);
    let server = Server::start(move |request| {
        let clock = now() + current.load(Ordering::Relaxed);
        let (_, claims) = verified(request);
        if (claims["iat"].as_i64().unwrap() - clock).abs() > 60 {
            return dated("400 Bad Request", r#"{"error":"invalid_request"}"#, clock);
        }
        minted(1, clock)
    })
    .await;
    let app = app(&server);
    for (time, requests) in [(7200, 2), (0, 4), (0, 5), (-90, 7)] {
        ahead.store(time, Ordering::Relaxed);
        app.session().mint().await.unwrap();
        assert_eq!(server.requests().len(), requests, "{time}");
    }
}

#[tokio::test]
async fn keys_are_read_in_all_their_forms() {
    let server = service(0).await;
    let spelt_out = pkcs8().replace('\n', "\\n");
    let carriage = pkcs8().replace('\n', "\r\n");
    for key in [pkcs8(), pkcs1(), spelt_out, carriage] {
        let builder = Coze::builder().base_url(server.url());
        let app = builder.jwt_app("7.app.coze", "fingerprint_1", key).unwrap();
        // The server checks the signature.
        app.session().mint().await.unwrap();
    }
    let config = value!({
        "client_type": "jwt",
        "client_id": "7.app.coze",
        "private_key": pkcs8(),
        "public_key_id": "fingerprint_1",
        "coze_www_base": "",
        "coze_api_base": server.url(),
    });
    let stamp = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_nanos();
    let file = std::env::temp_dir().join(format!("coze_oauth_config_{stamp}.json"));
    std::fs::write(&file, config.to_string()).unwrap();
    let app = JwtApp::from_file(&file);
    std::fs::remove_file(&file).unwrap();
    app.unwrap().session().mint().await.unwrap();
    assert_eq!(server.count(TOKEN), 5);

    let mut broken = config;
    broken["public_key_id"] = Value::Null;
    let read = OAuthConfig::from_json(&broken.to_string()).unwrap();
    let error = Coze::builder().jwt_app_from(&read).unwrap_err();
    assert!(error.to_string().contains("public_key_id"), "{error}");
    for (id, key) in [(" ", pkcs8()), ("fingerprint_1", "hunter2".to_owned())] {
        let error = JwtApp::new("7.app.coze", id, key).unwrap_err();
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }
}
