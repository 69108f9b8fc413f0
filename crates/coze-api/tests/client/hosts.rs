//! Other hosts: those that a redirect names, and those that are not there.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use axum::Router;
use axum::http::{HeaderMap, StatusCode, Version};
use axum::response::IntoResponse;
use axum::routing::{get, post};
use coze_api::types::chat::StartChat;
use coze_api::types::conversations::CreateConversation;
use coze_api::{Coze, Error, Method, Result, RetryPolicy, TransportKind};
use reqwest::dns::{Name, Resolve, Resolving};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::framings::text;
use crate::server::{Server, Step, json, soon, whole_chat};
use crate::shown::{failure, shown, watch};

const ME: &str = r#"{"code":0,"msg":"","data":{"user_id":"9"}}"#;

type Done = Pin<Box<dyn Future<Output = Result<()>> + Send>>;

fn calls() -> [fn(Coze) -> Done; 5] {
    [
        |coze| Box::pin(async move { coze.me().await.map(drop) }),
        |coze| Box::pin(async move { coze.send(CreateConversation::default()).await.map(drop) }),
        |coze| Box::pin(async move { coze.stream(StartChat::default()).await.map(drop) }),
        |coze| Box::pin(async move { coze.upload_bytes("a.txt", "a").await.map(drop) }),
        |coze| {
            Box::pin(async move {
                let raw = coze.send_raw(Method::GET, "/x", &[], None).await?;
                raw.into_result().map(drop)
            })
        },
    ]
}

fn redirect(status: u16, location: &str) -> Vec<Step> {
    let head =
        format!("HTTP/1.1 {status} Moved\r\nlocation: {location}\r\ncontent-length: 0\r\n\r\n");
    vec![Step::Send(head.into())]
}

#[tokio::test]
async fn no_redirect_is_followed() {
    watch();
    let other = Server::always(json(ME)).await;
    let target = format!("{}/elsewhere", other.url());
    for status in [301, 302, 303, 307, 308] {
        for location in [&target, "/v1/here"] {
            for call in calls() {
                let server = Server::always(redirect(status, location)).await;
                let error = failure(soon(call(server.coze())).await);
                assert!(matches!(error, Error::Http(_)), "{error:?}");
                assert_eq!(error.http(), Some(status));
                assert!(shown(&error).contains(location), "{error}");
                assert_eq!(server.requests().len(), 1, "it is not repeated");
            }
        }
    }
    assert_eq!(other.requests().len(), 0);
}

/// A client of one's own that follows redirects is not what is asked for. Still, the token stays.
#[tokio::test]
async fn a_client_that_follows_redirects_does_not_carry_the_token_along() {
    watch();
    let other = Server::always(json(ME)).await;
    let target = format!("{}/elsewhere", other.url());
    let server = Server::always(redirect(307, &target)).await;
    let own = reqwest::Client::builder().no_proxy().build().unwrap();
    let coze = server.builder().http_client(own).build().unwrap();
    soon(coze.me()).await.unwrap();
    let request = &other.requests()[0];
    assert_eq!(request.line, "GET /elsewhere");
    assert_eq!(request.header("authorization"), None);
}

#[tokio::test]
async fn a_client_of_ones_own_is_used() {
    watch();
    let server = Server::start(|request| {
        json(if request.line.contains("me") {
            ME
        } else {
            "{}"
        })
    })
    .await;
    let mut headers = HeaderMap::new();
    headers.insert("x-own", "1".parse().unwrap());
    let own = reqwest::Client::builder()
        .default_headers(headers)
        .no_proxy()
        .build()
        .unwrap();
    for _ in 0..2 {
        // Both share its connections.
        let coze = server.builder().http_client(own.clone()).build().unwrap();
        assert_eq!(soon(coze.me()).await.unwrap().user_id, "9");
    }
    let requests = server.requests();
    assert!(requests.iter().all(|it| it.header("x-own") == Some("1")));
    assert!(
        requests
            .iter()
            .all(|it| it.header("authorization").is_some())
    );
    assert_eq!(requests[1].connection, 0);
}

fn transport(error: &Error) -> TransportKind {
    let Error::Transport(error) = error else {
        panic!("{error:?}")
    };
    error.kind
}

/// As fast as a test may be.
fn hasty() -> RetryPolicy {
    RetryPolicy {
        first_delay: Duration::from_millis(1),
        ..RetryPolicy::default()
    }
}

#[tokio::test]
async fn an_unknown_name_is_told_as_such() {
    watch();
    let builder = Coze::builder().token("pat_secret").retry(hasty());
    let coze = builder.base_url("https://coze.invalid").build().unwrap();
    let error = failure(soon(coze.me()).await);
    assert_eq!(transport(&error), TransportKind::Dns);
    let text = shown(&error);
    assert!(text.contains("https://coze.invalid/v1/users/me"), "{text}");
    assert!(text.contains("the host name cannot be resolved"), "{text}");
    assert!(error.is_retryable() && !error.may_have_begun());
}

/// Fails in words that nobody knows.
struct Deaf;

impl Resolve for Deaf {
    fn resolve(&self, _: Name) -> Resolving {
        Box::pin(async { Err("???".into()) })
    }
}

#[tokio::test]
async fn a_failed_look_up_is_known_without_its_words() {
    watch();
    let own = reqwest::Client::builder().dns_resolver(Deaf).no_proxy();
    let coze = Coze::builder()
        .token("pat_secret")
        .base_url("http://coze.test")
        .retry(hasty())
        .http_client(own.build().unwrap());
    let error = failure(soon(coze.build().unwrap().me()).await);
    assert_eq!(transport(&error), TransportKind::Dns);
    assert!(shown(&error).contains("???"), "{error}");
}

/// A server that speaks both versions of HTTP, and tells which one it was asked in.
async fn axum() -> String {
    async fn me(version: Version, headers: HeaderMap) -> impl IntoResponse {
        assert_eq!(headers["authorization"], "Bearer pat_secret");
        let kind = [("content-type", "application/json")];
        let body = format!(r#"{{"code":0,"msg":"","data":{{"user_id":"{version:?}"}}}}"#);
        (kind, body)
    }
    async fn chat() -> impl IntoResponse {
        ([("content-type", "text/event-stream")], whole_chat())
    }
    async fn busy() -> impl IntoResponse {
        (StatusCode::BAD_GATEWAY, "no")
    }
    let router = Router::new()
        .route("/v1/users/me", get(me))
        .route("/v3/chat", post(chat))
        .route("/v1/conversation/create", post(busy));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}

#[tokio::test]
async fn http_2_is_spoken_where_it_is_asked_for() {
    watch();
    let url = axum().await;
    let builder = || Coze::builder().token("pat_secret").base_url(&url);
    let coze = builder().build().unwrap();
    assert_eq!(soon(coze.me()).await.unwrap().user_id, "HTTP/1.1");
    let coze = builder().http2_only().build().unwrap();
    for _ in 0..3 {
        assert_eq!(soon(coze.me()).await.unwrap().user_id, "HTTP/2.0");
        let (text, events, error) = text(&coze).await;
        assert_eq!((text.as_str(), events), ("你好！", 9), "{error:?}");
    }
    let error = failure(soon(coze.send(CreateConversation::default())).await);
    assert_eq!(error.http(), Some(502));
}

#[tokio::test]
async fn a_server_that_does_not_speak_http_2_is_an_error() {
    watch();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let answer = b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n";
            socket.write_all(answer).await.unwrap();
            // Until the client has seen it.
            while socket.read(&mut [0; 4096]).await.is_ok_and(|read| read > 0) {}
        }
    });
    let coze = Coze::builder().token("pat_secret").base_url(url);
    let coze = coze.http2_only().retry(hasty()).build().unwrap();
    let error = failure(soon(coze.me()).await);
    assert!(matches!(error, Error::Transport(_)), "{error:?}");
    assert!(shown(&error).contains("frame"), "{error}");
}
