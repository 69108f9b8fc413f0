//! `cozectl api`

use serde_json::json;

use crate::fake::{Answer, Fake};
use crate::support::{DEMO_BOT, Home, Ran, Server, fixture};

#[test]
fn the_body_is_printed_as_it_is() {
    let body = "{ \"code\": 0,\n \"data\": [1.0]}";
    let fake = Fake::start(move |_| Answer::json(body));
    Home::new()
        .run_client(&fake.url, &["api", "GET", "/x"])
        .prints(body);
    let fake = Fake::always("200 OK", "audio/mpeg", b"ID3 not text".to_vec());
    Home::new()
        .run_client(&fake.url, &["api", "get", "/x"])
        .prints("ID3 not text");
}

#[test]
fn fields_go_into_the_query_or_the_body() {
    let fake = Fake::start(|_| Answer::json("{\"code\":0}"));
    let home = Home::new();
    let run = |arguments: &[&str]| {
        home.run_client(&fake.url, arguments).prints("{\"code\":0}");
        fake.requests().pop().unwrap()
    };
    let request = run(&["api", "GET", "/x?a=1", "-f", "b=2 3", "--query", "c=你"]);
    assert_eq!(request.line, "GET /x?a=1&c=%E4%BD%A0&b=2%203");
    assert_eq!(request.body, "");
    let request = run(&[
        "api", "POST", "/x", "--query", "q=1", "-f", "id=7", "-F", "n=7", "-F", "t=x",
    ]);
    assert_eq!(request.line, "POST /x?q=1");
    assert_eq!(request.json(), json!({"id": "7", "n": 7, "t": "x"}));
    let request = run(&["api", "POST", "/x", "--body", "{\"a\":[1,\"二\"]}"]);
    assert_eq!(request.json(), json!({"a": [1, "二"]}));
    home.write("body.json", "{\"from\":\"file\"}");
    let request = run(&["api", "PUT", "/x", "--body", "@body.json"]);
    assert_eq!(
        (request.line.as_str(), request.json()),
        ("PUT /x", json!({"from": "file"}))
    );
    let mut command = home.client(&fake.url, &["api", "POST", "/x", "--body", "-"]);
    Ran::of(command.write_stdin("{\"from\":\"stdin\"}")).prints("{\"code\":0}");
    assert_eq!(
        fake.requests().pop().unwrap().json(),
        json!({"from": "stdin"})
    );
}

#[test]
fn a_refusal_is_printed_and_ends_with_1() {
    let body = "{\"code\":4000,\"msg\":\"bad bot_id\"}";
    let fake = Fake::start(move |_| Answer::json(body));
    let ran = Home::new().run_client(&fake.url, &["api", "GET", "/v1/bots/1"]);
    ran.fails(
        1,
        &[
            "error: GET /v1/bots/1: bad bot_id (code 4000, HTTP 200)",
            "\nhint: ",
            "\nlogid: fake-log-id",
        ],
    );
    assert_eq!(ran.stdout, body);
}

#[test]
fn streams_are_printed_as_they_are() {
    for (name, code) in [
        ("chat/StartChat.text.sse", 0),
        ("chat/StartChat.text.skill.sse", 0),
        ("chat/StartChat.quirk-crlf.sse", 0),
        ("chat/StartChat.failed.sse", 1),
        ("chat/StartChat.error.sse", 1),
        ("workflows/StreamRunWorkflow.error-midway.sse", 1),
    ] {
        let fake = Fake::always("200 OK", "text/event-stream; charset=utf-8", fixture(name));
        let ran = Home::new().run_client(&fake.url, &["api", "POST", "/v3/chat"]);
        assert_eq!(ran.code, Some(code), "{name}: {ran}");
        assert_eq!(ran.stdout.as_bytes(), fixture(name), "{name}");
    }
}

#[test]
fn our_own_server_answers() {
    let server = Server::start();
    let ran = server.run(&["api", "GET", &format!("/v1/bots/{DEMO_BOT}")]);
    assert_eq!(
        (ran.code, &ran.json()["code"]),
        (Some(0), &json!(0)),
        "{ran}"
    );
    let body = json!({
        "bot_id": DEMO_BOT, "user_id": "u", "stream": true,
        "additional_messages": [{"role": "user", "content": "3*5", "content_type": "text"}],
    });
    let ran = server.run(&["api", "POST", "/v3/chat", "--body", &body.to_string()]);
    assert_eq!(ran.code, Some(0), "{ran}");
    assert!(
        ran.stdout
            .starts_with("event:conversation.chat.created\ndata:{"),
        "{ran}"
    );
    assert!(
        ran.stdout.ends_with("event:done\ndata:\"[DONE]\"\n\n"),
        "{ran}"
    );
    let ran = server.run(&["api", "GET", "/v1/no/such/path"]);
    ran.fails(1, &["/v1/no/such/path", "\nlogid: "]);
}

#[test]
fn the_calls_are_listed() {
    let ran = Home::new().run(&["api", "--list"]);
    assert_eq!(ran.code, Some(0), "{ran}");
    assert!(
        ran.stdout
            .contains("POST   /v3/chat  StartChat: Starts a chat"),
        "{ran}"
    );
    assert_eq!(ran.stdout.lines().count(), coze_types::endpoints().count());
}
