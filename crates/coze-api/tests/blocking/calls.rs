//! Single calls, lists, errors, and whatever else can be waited for.

use std::io::Read;
use std::sync::atomic::{AtomicUsize, Ordering};

use coze_api::blocking::{self, Coze};
use coze_api::types::bots::{ListBots, ListBotsQuery};
use coze_api::types::chat::StartChat;
use coze_api::types::users::RetrieveMe;
use coze_api::{ChatEvent, Error, Method, OAuthApp, StreamError};
use serde_json::json as value;

use crate::server::{CREATED, answer, delta, json, stream, whole_chat};
use crate::setup::{CHAT, ME, Server};

#[test]
fn errors_are_those_of_the_flows() {
    let busy = r#"{"code":4016,"msg":"busy"}"#;
    let cut = [CREATED, &delta("你")].concat();
    let server = Server::start(move |request| match request.line.as_str() {
        "GET /v1/users/me" => answer("401 Unauthorized", "application/json", busy),
        _ => stream(cut.as_bytes()),
    });
    let coze = server.coze();
    let error = coze.me().unwrap_err();
    assert_eq!((error.code(), error.http()), (Some(4016), Some(401)));
    let error = coze.chat("333").message("x").save_history(false).reply();
    let error = error.unwrap_err();
    assert_eq!(error.partial().unwrap().text(), "你");
    let chat = coze.chat("333").message("x").save_history(false).stream();
    let last = chat.unwrap().last().unwrap();
    let Err(Error::Stream(failure)) = last else {
        panic!("{last:?}")
    };
    assert!(matches!(failure.kind, StreamError::Truncated), "{failure}");
    let nobody = Coze::builder()
        .token("pat_test")
        .base_url("http://127.0.0.1:1");
    let error = nobody.build_blocking().unwrap().me().unwrap_err();
    assert!(matches!(error, Error::Transport(_)), "{error:?}");
    let error = Coze::builder().build_blocking().unwrap_err();
    assert!(error.to_string().contains("token"), "{error}");
}

#[test]
fn lists_are_iterators() {
    let pages = AtomicUsize::new(0);
    let server = Server::start(move |_| {
        let page = pages.fetch_add(1, Ordering::SeqCst);
        let items = match page {
            0 => r#"{"id":"1","name":"a"},{"id":"2","name":"b"}"#,
            1 => r#"{"id":"3","name":"c"}"#,
            _ => {
                return answer(
                    "400 Bad Request",
                    "application/json",
                    r#"{"code":4000,"msg":"x"}"#,
                );
            }
        };
        json(&format!(
            r#"{{"code":0,"data":{{"items":[{items}],"total":3}}}}"#
        ))
    });
    let coze = server.coze();
    let bots = || {
        let query = ListBotsQuery {
            workspace_id: "73".into(),
            page_size: Some(2),
            ..Default::default()
        };
        coze.pages(ListBots {
            query,
            ..Default::default()
        })
    };
    let mut all = bots();
    let names: Result<Vec<_>, _> = all.by_ref().map(|it| it.map(|it| it.name)).collect();
    assert_eq!(names.unwrap(), ["a", "b", "c"]);
    assert_eq!(all.total(), Some(3));
    assert_eq!(bots().next().unwrap().unwrap_err().code(), Some(4000));
}

#[test]
fn any_row_and_any_json_is_sent() {
    let server = Server::start(|request| match request.line.as_str() {
        CHAT => stream(whole_chat().as_bytes()),
        _ => json(ME),
    });
    let coze = server.coze();
    assert_eq!(coze.send(RetrieveMe::default()).unwrap().data.user_id, "7");
    let raw = coze
        .send_raw(Method::GET, "/v1/users/me", &[], None)
        .unwrap();
    assert_eq!(raw.http_status(), 200);
    let mut events = coze.stream(StartChat::default()).unwrap();
    assert!(matches!(events.next(), Some(Ok(ChatEvent::Created(_)))));
    assert_eq!(events.events(), 1);
    events.close();
    assert!(events.next().is_none());
    let body = Some(value!({"stream": true}));
    let raw = |body| {
        coze.send_raw_stream(Method::POST, "/v3/chat", &[], body)
            .unwrap()
    };
    assert!(raw(body.clone()).is_event_stream());
    let mut text = String::new();
    raw(body.clone())
        .into_reader()
        .read_to_string(&mut text)
        .unwrap();
    assert_eq!(text, whole_chat());
    assert_eq!(raw(body).into_response().unwrap().http_status(), 200);
}

#[test]
fn what_is_async_can_be_waited_for() {
    let tokens = r#"{"access_token":"a","refresh_token":"r","expires_in":900}"#;
    let server = Server::start(move |request| match request.line.as_str() {
        "POST /api/permission/oauth2/token" => json(tokens),
        CHAT => stream(whole_chat().as_bytes()),
        _ => json(ME),
    });
    let coze = server.coze();
    let both = coze.wait(async |coze| {
        let ask = || coze.chat("333").message("x").reply();
        let (first, second) = tokio::join!(ask(), ask());
        Ok((first?, second?))
    });
    let (first, second) = both.unwrap();
    assert_eq!(
        (first.text(), second.text()),
        ("你好！".into(), "你好！".into())
    );

    // What comes before a client: the app outlives the thread of each wait.
    let app: OAuthApp = Coze::builder()
        .base_url(server.server.url())
        .oauth_app("7")
        .unwrap();
    let url = "http://127.0.0.1/callback";
    let login = || blocking::wait(app.exchange("code", url, None)).unwrap();
    login();
    let session = app.session(login());
    let coze = Coze::builder().auth(session).build_blocking().unwrap();
    assert_eq!(coze.me().unwrap().nick_name, "林");
    let me = server.server.requests().pop().unwrap();
    assert_eq!(me.header("authorization"), Some("Bearer a"));
}
