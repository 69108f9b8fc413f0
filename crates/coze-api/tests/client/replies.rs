//! Replies, good and bad.

use std::time::Duration;

use coze_api::types::bots::ListBotsQuery;
use coze_api::types::users::RetrieveMe;
use coze_api::{Coze, Error, Method, RetryPolicy, TransportKind};
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::server::{Server, Step, answer, json};

/// A client of a server that gives one answer.
async fn given(status: u16, kind: &str, body: &str) -> (MockServer, Coze) {
    with(ResponseTemplate::new(status).set_body_raw(body, kind)).await
}

async fn with(response: ResponseTemplate) -> (MockServer, Coze) {
    let server = MockServer::start().await;
    Mock::given(any())
        .respond_with(response)
        .mount(&server)
        .await;
    let coze = Coze::builder().token("pat_secret").base_url(server.uri());
    // What is repeated is told in another file.
    let coze = coze.retry(RetryPolicy::none());
    (server, coze.build().unwrap())
}

const JSON: &str = "application/json";

#[tokio::test]
async fn http_200_with_a_code_is_an_error() {
    let body = r#"{"code":4016,"msg":"busy\nnow","detail":{"logid":"FROM_BODY"}}"#;
    let (_server, coze) = given(200, JSON, body).await;
    let error = coze.me().await.unwrap_err();
    assert!(matches!(error, Error::Api(_)), "{error:?}");
    assert_eq!((error.code(), error.http()), (Some(4016), Some(200)));
    assert_eq!(error.log_id(), Some("FROM_BODY"));
    assert_eq!(
        error.to_string(),
        "RetrieveMe: busy now (code 4016, HTTP 200, logid FROM_BODY)"
    );
    assert!(error.is_retryable(), "the chat ends some time");
    assert_eq!(error.explain().unwrap().code, 4016);
}

#[tokio::test]
async fn http_401_with_json_is_the_servers_word() {
    let body = r#"{"code":4100,"msg":"authentication is invalid"}"#;
    let response = ResponseTemplate::new(401)
        .set_body_raw(body, JSON)
        .insert_header("x-tt-logid", "FROM_HEADER");
    let (_server, coze) = with(response).await;
    let error = coze.me().await.unwrap_err();
    assert!(matches!(error, Error::Api(_)), "{error:?}");
    assert_eq!((error.code(), error.http()), (Some(4100), Some(401)));
    assert_eq!(error.log_id(), Some("FROM_HEADER"));
    assert!(!error.is_retryable());
}

#[tokio::test]
async fn a_page_of_a_proxy_is_an_http_error() {
    let (_server, coze) = given(502, "text/html", "<html>\n<h1>Bad Gateway</h1>").await;
    let error = coze.me().await.unwrap_err();
    let Error::Http(http) = &error else {
        panic!("{error:?}")
    };
    assert_eq!(http.http, 502);
    assert_eq!(http.body.text(), "<html>\n<h1>Bad Gateway</h1>");
    assert!(error.is_retryable());
    let text = error.to_string();
    assert!(
        text.contains("HTTP 502") && text.contains("Bad Gateway"),
        "{text}"
    );
    assert!(!text.contains('\n'), "{text}");
}

#[tokio::test]
async fn a_page_with_http_200_fits_no_endpoint() {
    let (_server, coze) = given(200, "text/html", "<html>log in</html>").await;
    let error = coze.me().await.unwrap_err();
    let Error::Decode(decode) = &error else {
        panic!("{error:?}")
    };
    assert_eq!((decode.endpoint.as_ref(), decode.http), ("RetrieveMe", 200));
    assert_eq!(decode.body.text(), "<html>log in</html>");
    assert!(error.to_string().contains("text/html"), "{error}");
}

#[tokio::test]
async fn a_misfit_names_its_place() {
    let body = r#"{"code":0,"data":{"items":[{"id":"1"},{"id":{}}],"total":2}}"#;
    let (_server, coze) = given(200, JSON, body).await;
    let error = coze.list_bots(ListBotsQuery::default()).await.unwrap_err();
    let Error::Decode(decode) = &error else {
        panic!("{error:?}")
    };
    assert_eq!(decode.at, "data.items[1].id");
    assert_eq!(decode.body.text(), body);
}

#[tokio::test]
async fn half_a_json_is_an_error() {
    let (_server, coze) = given(200, JSON, r#"{"code":0,"data":{"user_id":"1"#).await;
    let error = coze.me().await.unwrap_err();
    assert!(matches!(error, Error::Decode(_)), "{error:?}");
    let (_server, coze) = given(200, JSON, "").await;
    let error = coze.me().await.unwrap_err();
    assert!(error.to_string().contains("empty"), "{error}");
}

#[tokio::test]
async fn a_connection_that_ends_within_the_body_is_no_reply() {
    let half = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 99\r\n\r\n{\"code\":0";
    let server = Server::always(vec![Step::Send(half.into()), Step::Close]).await;
    let error = server.coze().me().await.unwrap_err();
    let Error::Transport(transport) = &error else {
        panic!("{error:?}")
    };
    assert_eq!(transport.kind, TransportKind::Reset);
    assert_eq!(transport.url, format!("{}/v1/users/me", server.url()));
}

#[tokio::test]
async fn waiting_times_are_read() {
    let response = ResponseTemplate::new(429)
        .set_body_raw("slow down", "text/plain")
        .insert_header("retry-after", "7");
    let (_server, coze) = with(response).await;
    let error = coze.me().await.unwrap_err();
    assert_eq!(error.retry_after(), Some(Duration::from_secs(7)));
    assert!(error.is_retryable());
}

#[tokio::test]
async fn no_content_is_a_success_without_a_word() {
    let (_server, coze) = with(ResponseTemplate::new(204)).await;
    coze.delete_conversation("1").await.unwrap();
    // Where a reply is due it is still missed.
    let error = coze.me().await.unwrap_err();
    assert!(matches!(error, Error::Decode(_)), "{error:?}");
}

#[tokio::test]
async fn oauth_errors_have_names() {
    let body = r#"{"error_code":"access_denied","error_message":"no","error":"access_denied"}"#;
    let (_server, coze) = given(403, JSON, body).await;
    let error = coze.me().await.unwrap_err();
    let Error::Api(api) = &error else {
        panic!("{error:?}")
    };
    assert_eq!(api.name.as_deref(), Some("access_denied"));
    assert_eq!(
        error.to_string(),
        "RetrieveMe: no (access_denied, HTTP 403)"
    );
}

#[tokio::test]
async fn a_redirect_carries_the_token_nowhere() {
    let other = Server::always(json("{}")).await;
    let location = format!("{}/steal", other.url());
    let response = ResponseTemplate::new(307).insert_header("location", location.as_str());
    let (_server, coze) = with(response).await;
    let error = coze.me().await.unwrap_err();
    assert_eq!(error.http(), Some(307));
    assert!(error.to_string().contains(&location), "{error}");
    assert_eq!(other.requests().len(), 0);
}

#[tokio::test]
async fn a_closed_port_is_a_connect_error() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let coze = Coze::builder()
        .token("pat_secret")
        .base_url(format!("http://127.0.0.1:{port}"));
    let error = coze.build().unwrap().me().await.unwrap_err();
    let Error::Transport(transport) = &error else {
        panic!("{error:?}")
    };
    assert_eq!(transport.kind, TransportKind::Connect);
    assert!(error.is_retryable());
    assert!(error.to_string().contains(&port.to_string()), "{error}");
}

#[tokio::test]
async fn a_reset_before_the_answer_is_told() {
    let server = Server::always(vec![Step::Reset]).await;
    let error = server.coze().me().await.unwrap_err();
    let Error::Transport(transport) = &error else {
        panic!("{error:?}")
    };
    assert_eq!(transport.kind, TransportKind::Reset);
    assert!(error.may_have_begun());
    assert_eq!(server.requests().len(), 4, "a read is repeated");
    server.coze().chat("333").start().await.unwrap_err();
    assert_eq!(server.requests().len(), 5, "a chat is not");
}

#[tokio::test]
async fn a_reply_comes_with_its_log_id() {
    let server = Server::always(json(r#"{"code":0,"data":{"user_id":7}}"#)).await;
    let response = server.coze().send(RetrieveMe::default()).await.unwrap();
    assert_eq!(response.data.user_id, "7");
    assert_eq!(
        (response.http_status(), response.log_id()),
        (200, Some("LOG1"))
    );
}

#[tokio::test]
async fn raw_calls_come_back_as_they_are() {
    let body = r#"{"code":4000,"msg":"no"}"#;
    let server = Server::always(answer("400 Bad Request", JSON, body)).await;
    let sent = serde_json::json!({"b": 1, "a": [null]});
    let raw = server
        .coze()
        .send_raw(Method::POST, "v9/new?x=1", &[("y", "你 &")], Some(sent))
        .await
        .unwrap();
    assert_eq!((raw.http_status(), raw.text().as_ref()), (400, body));
    assert_eq!(raw.log_id().as_deref(), Some("LOG1"));
    let error = raw.into_result().unwrap_err();
    assert_eq!(error.code(), Some(4000));
    assert!(error.to_string().starts_with("POST /v9/new: no"), "{error}");
    let request = &server.requests()[0];
    assert_eq!(request.line, "POST /v9/new?x=1&y=%E4%BD%A0%20%26");
    assert_eq!(request.body, r#"{"b":1,"a":[null]}"#);
    assert_eq!(request.header("content-type"), Some("application/json"));
}

#[tokio::test]
async fn raw_bodies_of_other_types_pass() {
    let server = Server::always(answer("200 OK", "audio/mpeg", "ID3...")).await;
    let coze = server.coze();
    let raw = coze.send_raw(Method::GET, "/v1/audio", &[], None).await;
    assert_eq!(
        raw.unwrap().into_result().unwrap().bytes().as_ref(),
        b"ID3..."
    );
    let mut raw = coze
        .send_raw_stream(Method::GET, "/v1/audio", &[], None)
        .await
        .unwrap();
    assert!(!raw.is_event_stream());
    let mut all = Vec::new();
    while let Some(chunk) = raw.chunk().await.unwrap() {
        all.extend_from_slice(&chunk);
    }
    assert_eq!(all, b"ID3...");
}
