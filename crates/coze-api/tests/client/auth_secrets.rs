//! No token, code, key or secret of a login is shown: not by `Debug`, not by an error, not in the
//! traces, whatever the server answers.

use std::fmt::Debug;
use std::io::Write;
use std::sync::{Arc, Mutex};

use coze_api::{Coze, Method};

use crate::auth::{app, first, refused, tokens};
use crate::server::{Server, answer, json};

/// Everything that must not be seen.
const SECRETS: [&str; 9] = [
    "access_1",
    "access_2",
    "refresh_1",
    "refresh_2",
    "code_secret",
    "device_secret",
    "secret_of_app",
    "czs_test_",
    "eyJ",
];

#[derive(Clone, Default)]
struct Seen(Arc<Mutex<Vec<u8>>>);

impl Seen {
    fn show(&self, what: &impl Debug) {
        self.clone()
            .write_all(format!("{what:?}\n").as_bytes())
            .unwrap();
    }

    fn error(&self, error: &coze_api::Error) {
        self.show(error);
        let mut source = Some(error as &dyn std::error::Error);
        while let Some(error) = source {
            self.show(&error.to_string());
            source = error.source();
        }
        match error {
            coze_api::Error::Api(error) => self.show(&error.body.text()),
            coze_api::Error::Http(error) => self.show(&error.body.text()),
            coze_api::Error::Decode(error) => self.show(&error.body.text()),
            _ => {}
        }
    }

    fn check(&self, what: &str) {
        let seen = String::from_utf8(std::mem::take(&mut *self.0.lock().unwrap())).unwrap();
        assert!(!seen.is_empty(), "{what}: nothing was seen");
        for secret in SECRETS {
            let Some(at) = seen.find(secret) else {
                continue;
            };
            let line = seen[..at].rfind('\n').map_or(0, |at| at + 1);
            let line = seen[line..].lines().next().unwrap_or_default();
            panic!("{what}: {secret} in {line}");
        }
    }
}

impl Write for Seen {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Runs something while everything that any crate traces is seen.
async fn traced<T>(seen: &Seen, work: impl Future<Output = T>) -> T {
    let writer = seen.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    work.await
}

#[tokio::test]
async fn logins_show_nothing() {
    let seen = Seen::default();
    traced(&seen, async {
        let server = Server::start(|request| match request.line.as_str() {
            "GET /v1/users/me" => match request.header("authorization") {
                Some("Bearer access_1") => answer("401 Unauthorized", "text/plain", "access_1?"),
                _ => json(r#"{"code":0,"msg":"","data":{"user_id":"9"}}"#),
            },
            line if line.contains("device/code") => json(
                r#"{"device_code":"device_secret","user_code":"U","verification_uri":"x","expires_in":9}"#,
            ),
            _ => tokens(2),
        })
        .await;
        let app = app(&server).client_secret("secret_of_app");
        let request = app.authorization("http://x/").state("s");
        seen.show(&request);
        let login = request.pkce(true).build().unwrap();
        seen.show(&(&app, &login, login.verifier()));
        seen.show(&login.complete("/?state=s&code=code_secret").await.unwrap());
        let mut device = app.device_login().await.unwrap();
        seen.show(&device);
        seen.show(&device.poll().await.unwrap());
        let session = app.session(first(900));
        seen.show(&session);
        let builder = Coze::builder().auth(session);
        seen.show(&builder);
        let coze = builder.build().unwrap();
        seen.show(&coze);
        // Refused, renewed, sent again.
        seen.show(&coze.me().await.unwrap());
    })
    .await;
    seen.check("logins");
}

#[tokio::test]
async fn failures_of_logins_show_nothing() {
    // What a token endpoint might answer: tokens where nobody expects them, and ECHO for what it
    // was sent.
    let answers = [
        (
            "200 OK",
            "application/json",
            r#"{"access_token":"access_2","refresh_token":"refresh_2","expires_in":"soon"}"#,
        ),
        (
            "200 OK",
            "application/json",
            r#"{"access_token":["access_2"],"refresh_token":"refresh_2"}"#,
        ),
        (
            "200 OK",
            "application/json",
            r#"{"data":{"accessToken":"access_2","refresh_token":"refresh_2"}}"#,
        ),
        (
            "200 OK",
            "application/json",
            r#"{"access_token":"access_2","expires_in":"access_2"}"#,
        ),
        (
            "200 OK",
            "application/json",
            r#"{"access_token":"access_2","refresh_tok"#,
        ),
        ("200 OK", "application/json", r#"["access_2"]"#),
        ("200 OK", "application/json", r#""access_2""#),
        (
            "200 OK",
            "application/json",
            r#"{"code":4000,"msg":"bad ECHO","data":"access_2"}"#,
        ),
        (
            "400 Bad Request",
            "application/json",
            r#"{"error":"invalid_request","error_message":"bad ECHO of secret_of_app","hint":"access_2"}"#,
        ),
        (
            "502 Bad Gateway",
            "text/html",
            "<p>Bearer secret_of_app ECHO</p>",
        ),
        (
            "200 OK",
            "application/x-www-form-urlencoded",
            "access_token=access_2_0123456789abcdef&x=1",
        ),
    ];
    let seen = Seen::default();
    for reply in answers {
        let (status, kind, body) = reply;
        let server = Server::start(move |request| {
            let sent = request.json();
            let secret = sent["code"].as_str().or(sent["refresh_token"].as_str());
            answer(
                status,
                kind,
                &body.replace("ECHO", secret.unwrap_or("nothing")),
            )
        })
        .await;
        traced(&seen, async {
            let app = app(&server).client_secret("secret_of_app");
            seen.error(
                &app.exchange("code_secret", "http://x/", None)
                    .await
                    .unwrap_err(),
            );
            seen.error(&app.refresh(&"refresh_1".into()).await.unwrap_err());
            let coze = Coze::builder()
                .auth(app.session(first(-5)))
                .build()
                .unwrap();
            seen.error(&coze.me().await.unwrap_err());
            // A raw call to the same place has its answer judged alike.
            let raw = Coze::builder()
                .token("secret_of_app")
                .base_url(server.url());
            let raw = raw.build().unwrap();
            let path = "/api/permission/oauth2/token";
            let body = serde_json::json!({});
            let raw = raw
                .send_raw(Method::POST, path, &[], Some(body))
                .await
                .unwrap();
            seen.show(&raw);
        })
        .await;
        seen.check("a failure");
    }
}

#[tokio::test]
async fn keys_and_what_they_sign_are_not_shown() {
    let seen = Seen::default();
    let key = crate::jwt::pkcs8();
    let middle = key.lines().nth(5).unwrap().to_owned();
    traced(&seen, async {
        let server = Server::start(|request| {
            // A server that repeats the JWT.
            let jwt = request.header("authorization").unwrap().to_owned();
            let body = serde_json::json!({"error": "invalid_client", "error_message": jwt, "czs_test_": jwt});
            answer("401 Unauthorized", "application/json", &body.to_string().replace("czs_test_", "x"))
        })
        .await;
        let app = crate::jwt::app(&server);
        let session = app.session().name("alice");
        seen.show(&(&app, &session));
        seen.error(&session.mint().await.unwrap_err());
        let config = serde_json::json!({"client_id": "7", "client_secret": "secret_of_app", "private_key": key});
        seen.show(&coze_api::OAuthConfig::from_json(&config.to_string()).unwrap());
        let gone = Server::always(refused("invalid_client")).await;
        seen.error(&crate::jwt::app(&gone).session().mint().await.unwrap_err());
    })
    .await;
    let text = String::from_utf8_lossy(&seen.0.lock().unwrap()).into_owned();
    assert!(!text.contains(&middle), "the key was shown");
    seen.check("keys");
}
