//! Tokens that are renewed, seen from the server: how often they are asked for, and what becomes
//! of the calls.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use coze_api::{
    AccessToken, AuthError, AuthErrorKind, BoxFuture, Coze, Error, Method, OAuthApp, Result,
    TokenSet, TokenStore,
};
use futures_util::future::join_all;

use crate::server::{Request, Server, Step, answer, json, stream, whole_chat};

pub(crate) const TOKEN: &str = "POST /api/permission/oauth2/token";
const ME: &str = "GET /v1/users/me";
const USER: &str = r#"{"code":0,"msg":"","data":{"user_id":"9"}}"#;

/// Unix seconds.
pub(crate) fn now() -> i64 {
    let since = std::time::UNIX_EPOCH.elapsed().unwrap();
    i64::try_from(since.as_secs()).unwrap()
}

/// A reply of the token endpoint: the pair with this number, valid for 15 minutes.
pub(crate) fn tokens(number: u32) -> Vec<Step> {
    let end = now() + 900;
    json(&format!(
        r#"{{"access_token":"access_{number}","refresh_token":"refresh_{number}","expires_in":{end},"token_type":"Bearer"}}"#
    ))
}

pub(crate) fn refused(name: &str) -> Vec<Step> {
    let body = format!(r#"{{"error_code":"{name}","error_message":"no","error":"{name}"}}"#);
    answer("400 Bad Request", "application/json", &body)
}

/// Which refresh token a request brings.
fn refresh_number(request: &Request) -> Option<u32> {
    let body = request.json();
    let number = body["refresh_token"].as_str()?.strip_prefix("refresh_")?;
    number.parse().ok()
}

/// A server that rotates: the refresh token n gives the pair n + 1, once. Calls are answered as
/// `call` says, by the number of the access token.
async fn rotating(call: impl Fn(u32) -> Vec<Step> + Send + Sync + 'static) -> Server {
    let newest = AtomicU32::new(1);
    Server::start(move |request| {
        if request.line == TOKEN {
            let number = refresh_number(request).unwrap();
            return match newest.compare_exchange(
                number,
                number + 1,
                Ordering::Relaxed,
                Ordering::Relaxed,
            ) {
                Ok(_) => tokens(number + 1),
                Err(_) => refused("invalid_request"),
            };
        }
        let token = request.header("authorization").unwrap();
        let number = token.strip_prefix("Bearer access_").unwrap();
        call(number.parse().unwrap())
    })
    .await
}

pub(crate) fn app(server: &Server) -> OAuthApp {
    let builder = Coze::builder().base_url(server.url());
    builder.oauth_app("7.app.coze").unwrap()
}

/// The pair 1, which ends in so many seconds.
pub(crate) fn first(seconds: i64) -> TokenSet {
    TokenSet::new("access_1", Some("refresh_1".into()), Some(now() + seconds))
}

fn client(session: coze_api::OAuthSession) -> Coze {
    Coze::builder().auth(session).build().unwrap()
}

#[tokio::test]
async fn an_expired_token_is_refreshed_once_for_a_hundred_calls() {
    let server = rotating(|_| json(USER)).await;
    let coze = client(app(&server).session(first(-5)));
    let calls = join_all((0..100).map(|_| coze.me())).await;
    assert!(calls.iter().all(Result::is_ok), "{:?}", calls[0]);
    assert_eq!(server.count(TOKEN), 1);
    assert_eq!(server.count(ME), 100);
    let all = server.requests();
    let calls = all.iter().filter(|it| it.line == ME);
    for call in calls {
        assert_eq!(call.header("authorization"), Some("Bearer access_2"));
    }
}

#[tokio::test]
async fn a_token_is_refreshed_before_it_ends() {
    let server = rotating(|_| json(USER)).await;
    // Still valid, but not for long.
    let coze = client(app(&server).session(first(30)));
    coze.me().await.unwrap();
    assert_eq!(server.count(TOKEN), 1);
    let coze = client(app(&server).session(TokenSet::new("access_9", None, Some(now() + 800))));
    coze.me().await.unwrap();
    assert_eq!(server.count(TOKEN), 1, "there was no reason");
}

#[tokio::test]
async fn a_failed_refresh_is_told_to_all_and_tried_again_by_the_next() {
    let fail = Arc::new(AtomicU32::new(1));
    let failing = Arc::clone(&fail);
    let server = Server::start(move |request| {
        if request.line != TOKEN {
            return json(USER);
        }
        match failing.load(Ordering::Relaxed) {
            0 => tokens(2),
            _ => answer("503 Service Unavailable", "text/html", "<html>busy</html>"),
        }
    })
    .await;
    let coze = client(app(&server).session(first(-5)));
    let calls = join_all((0..50).map(|_| coze.me())).await;
    for call in calls {
        let error = call.unwrap_err();
        assert!(matches!(&error, Error::Auth(_)), "{error:?}");
        assert_eq!(error.http(), Some(503));
        assert!(error.is_retryable());
        assert_eq!(error.log_id(), Some("LOG1"));
    }
    assert_eq!((server.count(TOKEN), server.count(ME)), (1, 0));
    fail.store(0, Ordering::Relaxed);
    coze.me().await.unwrap();
}

#[tokio::test]
async fn a_token_that_is_refused_mid_session_is_replaced_and_the_call_sent_once_more() {
    type Refusal = fn() -> Vec<Step>;
    let refusals: [Refusal; 4] = [
        || answer("401 Unauthorized", "text/plain", "who are you?"),
        || {
            answer(
                "401 Unauthorized",
                "application/json",
                r#"{"code":4100,"msg":"no"}"#,
            )
        },
        || json(r#"{"code":4100,"msg":"no"}"#),
        || json(r#"{"code":700012006,"msg":"authentication failed: api key invalid"}"#),
    ];
    for refusal in refusals {
        let server = rotating(move |number| match number {
            1 => refusal(),
            _ => json(USER),
        })
        .await;
        let coze = client(app(&server).session(first(900)));
        // All were sent with the old token; it is replaced once.
        let calls = join_all((0..10).map(|_| coze.me())).await;
        assert!(calls.iter().all(Result::is_ok), "{calls:?}");
        assert_eq!((server.count(ME), server.count(TOKEN)), (20, 1));
    }
}

#[tokio::test]
async fn a_refused_stream_is_begun_once_more() {
    let server = rotating(|number| match number {
        1 => answer(
            "401 Unauthorized",
            "application/json",
            r#"{"code":4100,"msg":"no"}"#,
        ),
        _ => stream(whole_chat().as_bytes()),
    })
    .await;
    let coze = client(app(&server).session(first(900)));
    let chat = coze.chat("333").user("me").message("hello");
    let reply = chat.reply().await.unwrap();
    assert_eq!(reply.text(), "你好！");
    assert_eq!((server.count("POST /v3/chat"), server.count(TOKEN)), (2, 1));

    let server = rotating(|number| match number {
        1 => answer("401 Unauthorized", "text/plain", "no"),
        _ => stream(whole_chat().as_bytes()),
    })
    .await;
    let coze = client(app(&server).session(first(900)));
    let raw = coze.send_raw_stream(Method::POST, "/v3/chat", &[], None);
    assert_eq!(raw.await.unwrap().http_status(), 200);
    assert_eq!(server.count("POST /v3/chat"), 2);
}

#[tokio::test]
async fn a_call_is_sent_twice_at_most() {
    for status in ["401 Unauthorized", "200 OK"] {
        let server =
            rotating(move |_| answer(status, "application/json", r#"{"code":4100,"msg":"no"}"#))
                .await;
        let coze = client(app(&server).session(first(900)));
        let error = coze.me().await.unwrap_err();
        assert_eq!(error.code(), Some(4100), "{error:?}");
        assert_eq!((server.count(ME), server.count(TOKEN)), (2, 1));
    }
}

#[tokio::test]
async fn a_token_that_cannot_be_renewed_is_not_sent_again() {
    let no = r#"{"code":4100,"msg":"no"}"#;
    let server = Server::always(answer("401 Unauthorized", "application/json", no)).await;
    let error = server.coze().me().await.unwrap_err();
    assert_eq!(error.code(), Some(4100));
    assert_eq!(server.count(ME), 1);
}

#[tokio::test]
async fn a_missing_permission_costs_no_token() {
    let server = rotating(|_| json(r#"{"code":4101,"msg":"no permission"}"#)).await;
    let coze = client(app(&server).session(first(900)));
    for _ in 0..3 {
        assert_eq!(coze.me().await.unwrap_err().code(), Some(4101));
    }
    assert_eq!((server.count(ME), server.count(TOKEN)), (3, 0));
}

/// A store that shows what it holds, and may refuse to save.
#[derive(Clone, Default)]
struct Shelf {
    tokens: Arc<Mutex<Option<TokenSet>>>,
    /// How often it still refuses.
    broken: Arc<AtomicU32>,
}

impl Shelf {
    fn with(tokens: TokenSet) -> Self {
        let shelf = Self::default();
        *shelf.tokens.lock().unwrap() = Some(tokens);
        shelf
    }

    fn refresh_token(&self) -> String {
        let tokens = self.tokens.lock().unwrap().clone().unwrap();
        tokens.refresh_token.unwrap().expose().to_owned()
    }
}

impl TokenStore for Shelf {
    fn load(&self) -> BoxFuture<'_, Result<Option<TokenSet>>> {
        Box::pin(async { Ok(self.tokens.lock().unwrap().clone()) })
    }

    fn save<'a>(&'a self, tokens: &'a TokenSet) -> BoxFuture<'a, Result<()>> {
        Box::pin(async {
            let broken = &self.broken;
            if broken
                .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |it| it.checked_sub(1))
                .is_ok()
            {
                return Err(AuthError::other("the disk is full").into());
            }
            *self.tokens.lock().unwrap() = Some(tokens.clone());
            Ok(())
        })
    }

    fn clear(&self) -> BoxFuture<'_, Result<()>> {
        *self.tokens.lock().unwrap() = None;
        Box::pin(async { Ok(()) })
    }
}

#[tokio::test]
async fn rotated_refresh_tokens_are_stored_and_used() {
    // Every second access token is refused, so that each call needs a new pair.
    let server = rotating(|number| match number {
        1 | 3 => answer("401 Unauthorized", "text/plain", "no"),
        _ => json(USER),
    })
    .await;
    let shelf = Shelf::with(first(900));
    let coze = client(app(&server).session_in(shelf.clone()));
    coze.me().await.unwrap();
    assert_eq!(shelf.refresh_token(), "refresh_2");
    let sent = server.wait_for(TOKEN).await.json();
    assert_eq!(
        sent,
        serde_json::json!({
            "grant_type": "refresh_token",
            "client_id": "7.app.coze",
            "refresh_token": "refresh_1",
        })
    );
    // Another program, later: it begins with what is in the store.
    *shelf.tokens.lock().unwrap() = Some(TokenSet::new(
        "access_2",
        Some("refresh_2".into()),
        Some(now() - 1),
    ));
    let coze = client(app(&server).session_in(shelf.clone()));
    let error = coze.me().await;
    // The pair 3 is refused, and replaced by the pair 4.
    error.unwrap();
    assert_eq!(shelf.refresh_token(), "refresh_4");
    assert_eq!(server.count(TOKEN), 3);
}

#[tokio::test]
async fn tokens_that_cannot_be_saved_are_not_lost() {
    let server = rotating(|number| match number {
        1 | 2 => answer("401 Unauthorized", "text/plain", "no"),
        _ => json(USER),
    })
    .await;
    let shelf = Shelf::with(first(900));
    shelf.broken.store(1, Ordering::Relaxed);
    let coze = client(app(&server).session_in(shelf.clone()));
    // The pair 2 is refused too, so that this call fails; the pair is not saved.
    assert_eq!(coze.me().await.unwrap_err().http(), Some(401));
    assert_eq!(shelf.refresh_token(), "refresh_1");
    // The refresh token 1 is used up; 2 is still known.
    coze.me().await.unwrap();
    assert_eq!(shelf.refresh_token(), "refresh_3");
}

#[tokio::test]
async fn what_another_process_has_saved_is_taken() {
    let server = rotating(|number| match number {
        1 => answer("401 Unauthorized", "text/plain", "no"),
        _ => json(USER),
    })
    .await;
    let shelf = Shelf::with(first(-5));
    let (one, other) = (
        client(app(&server).session_in(shelf.clone())),
        client(app(&server).session_in(shelf.clone())),
    );
    one.me().await.unwrap();
    other.me().await.unwrap();
    assert_eq!(server.count(TOKEN), 1);

    // Both at the same time: the second is refused, and finds what the first has saved.
    let shelf = Shelf::with(first(-5));
    let server = rotating(|_| json(USER)).await;
    let app = app(&server);
    let (one, other) = (
        client(app.session_in(shelf.clone())),
        client(app.session_in(shelf.clone())),
    );
    let (one, other) = tokio::join!(one.me(), other.me());
    one.unwrap();
    other.unwrap();
    assert_eq!(server.count(TOKEN), 2);
}

#[tokio::test]
async fn a_login_that_has_ended_says_so() {
    fn kind(error: &Error) -> AuthErrorKind {
        match error {
            Error::Auth(error) => error.kind,
            other => panic!("{other:?}"),
        }
    }
    let server = Server::always(refused("invalid_request")).await;
    let app = app(&server);
    let ended = client(app.session(first(-5))).me().await.unwrap_err();
    assert_eq!(kind(&ended), AuthErrorKind::LoginRequired);
    assert!(ended.to_string().contains("log in again"), "{ended}");
    assert!(ended.to_string().contains("invalid_request"), "{ended}");
    assert_eq!((ended.http(), ended.is_retryable()), (Some(400), false));

    let short = TokenSet::new("access_1", None, Some(now() - 5));
    let ended = client(app.session(short)).me().await.unwrap_err();
    assert_eq!(kind(&ended), AuthErrorKind::LoginRequired);
    let nobody = client(app.session_in(Shelf::default())).me().await;
    assert_eq!(kind(&nobody.unwrap_err()), AuthErrorKind::LoginRequired);
    assert_eq!(server.requests().len(), 1, "only the first could ask");

    // A server in trouble has not ended it.
    let server = Server::always(refused("internal_error")).await;
    let trouble = client(self::app(&server).session(first(-5))).me().await;
    let trouble = trouble.unwrap_err();
    assert_eq!(kind(&trouble), AuthErrorKind::Unavailable);
    assert!(trouble.is_retryable(), "{trouble}");
}

#[tokio::test]
async fn a_dropped_call_leaves_its_refresh_to_the_next() {
    let server = Server::start(|request| match request.line.as_str() {
        TOKEN => [vec![Step::Pause(400)], tokens(2)].concat(),
        _ => json(USER),
    })
    .await;
    let coze = client(app(&server).session(first(-5)));
    let dropped = tokio::time::timeout(Duration::from_millis(100), coze.me()).await;
    assert!(dropped.is_err());
    server.wait_for(TOKEN).await;
    coze.me().await.unwrap();
    // A second request would have brought a refresh token that is used up.
    assert_eq!(server.count(TOKEN), 1);
}

#[tokio::test]
async fn tokens_may_come_from_anywhere() {
    let server = Server::always(json(USER)).await;
    let asked = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&asked);
    let coze = Coze::builder()
        .base_url(server.url())
        .auth(move || {
            let number = count.fetch_add(1, Ordering::Relaxed);
            async move { Ok(AccessToken::new(format!("vault_{number}"))) }
        })
        .build()
        .unwrap();
    coze.me().await.unwrap();
    coze.me().await.unwrap();
    let headers = server.requests();
    assert!(
        headers
            .iter()
            .all(|it| it.header("authorization") == Some("Bearer vault_0"))
    );
    assert_eq!(asked.load(Ordering::Relaxed), 1);

    let closed = Coze::builder()
        .base_url(server.url())
        .auth(|| async { Err(AuthError::other("the vault is closed").into()) })
        .build()
        .unwrap();
    let error = closed.me().await.unwrap_err().to_string();
    assert_eq!(error, "no access token: the vault is closed");
}

#[tokio::test]
async fn a_client_goes_where_its_tokens_are_valid() {
    let server = Server::always(json(USER)).await;
    let session = || app(&server).session(first(900));
    assert_eq!(client(session()).base_url(), server.url());
    let explicit = Coze::builder()
        .auth(session())
        .base_url("http://proxy.example");
    assert_eq!(explicit.build().unwrap().base_url(), "http://proxy.example");
    let region = Coze::builder()
        .auth(session())
        .region(coze_api::Region::Com);
    assert_eq!(region.build().unwrap().base_url(), "https://api.coze.com");
    // The last of the two counts.
    let token = Coze::builder().auth(session()).token("pat_secret");
    assert_eq!(token.build().unwrap().base_url(), "https://api.coze.cn");
}
