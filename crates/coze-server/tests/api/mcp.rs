//! Tools of MCP servers, over both transports: what is listed and called, and what goes wrong.

mod server;

use std::time::Duration;

use serde_json::Value;

use crate::harness::{Api, Setup, frames, text};
use crate::space::streamed;
use server::Http;

/// Not a test: the program that is started as an MCP server.
#[test]
#[ignore = "the MCP server that the other tests start"]
fn serve_stdio() {
    server::serve_stdio();
}

/// An agent that calls the tool that a message names, and the MCP server `box`.
fn yaml(server: &str) -> String {
    format!(
        "bots: [ {{ id: 7500000000000000101, name: Handy, mcp: [box] }} ]\n\
         allow_commands: true\nallow_private_networks: true\nmcp:\n  box: {server}\n"
    )
}

/// The server as a program.
fn program(more: &str) -> String {
    let path = std::env::current_exe().unwrap();
    let path = path.to_str().unwrap();
    yaml(&format!(
        "{{ command: [{path:?}, \"mcp::serve_stdio\", --exact, --ignored, --nocapture]{more} }}"
    ))
}

async fn start(yaml: &str) -> Api {
    Setup::with(yaml).start().await
}

/// What a tool gives to the model that a message makes it call.
async fn call(api: &Api, message: &str) -> String {
    let chat = api.ask(&api.conversation().await, message).await;
    assert_eq!(chat["status"], "completed", "{message}: {chat}");
    output(&api.messages(&chat).await)
}

fn output(messages: &Value) -> String {
    let mut messages = messages.as_array().unwrap().iter();
    let response = messages.find(|it| it["type"] == "tool_response");
    let response = response.unwrap_or_else(|| panic!("no tool was called"));
    let content: Value = serde_json::from_str(response["content"].as_str().unwrap()).unwrap();
    text(&content["response_for_model"])
}

/// Why a chat fails.
async fn failure(api: &Api, message: &str) -> String {
    let chat = api.ask(&api.conversation().await, message).await;
    assert_eq!(chat["status"], "failed", "{chat}");
    assert_eq!(chat["last_error"]["code"], 5000, "{chat}");
    text(&chat["last_error"]["msg"])
}

/// What both transports do alike.
async fn tools_are_called(api: &Api) {
    assert_eq!(call(api, "box-echo text=你好").await, "你好");
    // On the last page of the list.
    assert_eq!(call(api, "box-stopped").await, "0");
    assert_eq!(
        call(api, "box-fail").await,
        "error: the MCP server box: no such city"
    );
    assert_eq!(
        call(api, "box-refuse").await,
        "error: the MCP server box: text is required"
    );
    // A tool that it did not have, until it says so.
    let chat = api.ask(&api.conversation().await, "box-late").await;
    assert_eq!(chat["status"], "completed");
    assert_eq!(call(api, "box-grow").await, "grown");
    crate::harness::within(async {
        loop {
            let chat = api.ask(&api.conversation().await, "box-late").await;
            let messages = api.messages(&chat).await;
            let mut called = messages.as_array().unwrap().iter();
            if called.any(|it| it["type"] == "tool_response") {
                return assert_eq!(output(&messages), "at last");
            }
            // What the server says by itself may take a moment.
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_program() {
    let api = start(&program("")).await;
    tools_are_called(&api).await;
    // The same process all the time.
    let first = call(&api, "box-pid").await;
    assert_eq!(call(&api, "box-pid").await, first);
}

#[tokio::test]
async fn an_address_that_answers_with_json() {
    let server = Http::start(false).await;
    let api = start(&yaml(&format!("{{ url: {:?} }}", server.url))).await;
    tools_are_called(&api).await;
}

#[tokio::test]
async fn an_address_that_answers_with_streams() {
    let server = Http::start(true).await;
    let api = start(&yaml(&format!("{{ url: {:?} }}", server.url))).await;
    tools_are_called(&api).await;
}

#[tokio::test]
async fn calls_stand_in_the_stream_in_their_order() {
    let api = start(&program("")).await;
    let stream = api.stream("/v3/chat", streamed("box-echo text=hi")).await;
    let frames = frames(&stream);
    let whole = frames
        .iter()
        .filter(|it| it.0 == "conversation.message.completed");
    let kinds: Vec<String> = whole.clone().map(|it| text(&it.1["type"])).collect();
    assert_eq!(
        kinds,
        ["function_call", "tool_response", "answer", "verbose"]
    );
    let called = whole.clone().next().unwrap();
    let called: Value = serde_json::from_str(called.1["content"].as_str().unwrap()).unwrap();
    assert_eq!(called["name"], "box-echo");
    assert_eq!(called["arguments"]["text"], "hi");
    assert!(
        called["plugin_id"].is_i64() && called["api_id"].is_i64(),
        "{called}"
    );
    assert_ne!(called["plugin_id"], called["api_id"]);
}

#[tokio::test]
async fn a_server_that_ends_is_started_again() {
    let api = start(&program("")).await;
    let first = call(&api, "box-pid").await;
    let died = call(&api, "box-die").await;
    let expected = "error: the MCP server box: it ended; it is started again with the next call";
    assert_eq!(died, expected);
    assert_ne!(call(&api, "box-pid").await, first);

    // Over HTTP a session is lost, and another one begins.
    let server = Http::start(false).await;
    let api = start(&yaml(&format!("{{ url: {:?} }}", server.url))).await;
    let died = call(&api, "box-die").await;
    assert!(died.starts_with("error: the MCP server box: "), "{died}");
    assert_eq!(call(&api, "box-echo text=again").await, "again");
}

#[tokio::test]
async fn a_call_that_takes_too_long_or_is_cancelled_is_cancelled_there() {
    let api = start(&program(", timeout_s: 1")).await;
    let slow = call(&api, "box-slow").await;
    let expected = "error: the MCP server box: it took longer than 1s for this call";
    assert_eq!(slow, expected);
    assert_eq!(call(&api, "box-stopped").await, "1");

    let api = start(&program("")).await;
    let conversation = api.conversation().await;
    let path = format!("/v3/chat?conversation_id={conversation}");
    let mut stream = api.open(&path, streamed("box-slow")).await;
    let (_, chat) = stream.ids().await;
    stream.until("function_call").await;
    api.cancel(&conversation, &chat).await.data();
    assert!(stream.rest().await.contains("conversation.chat.canceled"));
    assert_eq!(call(&api, "box-stopped").await, "1");
}

#[tokio::test]
async fn a_call_over_http_is_cancelled_there_too() {
    let server = Http::start(false).await;
    let api = start(&yaml(&format!("{{ url: {:?}, timeout_s: 1 }}", server.url))).await;
    let slow = call(&api, "box-slow").await;
    let expected = "error: the MCP server box: it took longer than 1s for this call";
    assert_eq!(slow, expected);
    crate::harness::within(async {
        // The notification is a request of its own.
        while call(&api, "box-stopped").await != "1" {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_server_that_cannot_be_used_fails_the_chat_and_says_why() {
    let exe = std::env::current_exe().unwrap();
    let exe = exe.to_str().unwrap();
    let closed = {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        format!("http://{}/mcp?key=hidden", listener.local_addr().unwrap())
    };
    for (server, expected) in [
        (
            "{ command: [./absent-program] }".to_owned(),
            "cannot be started: ./absent-program: No such file or directory",
        ),
        (
            format!("{{ command: [{exe:?}, --list] }}"),
            "cannot be started: it ended before it said what it is",
        ),
        (
            "{ command: [absent], pass_env: [COZE_RS_TEST_NO_SUCH_VARIABLE] }".to_owned(),
            "the environment variable COZE_RS_TEST_NO_SUCH_VARIABLE is not set",
        ),
        (
            format!("{{ url: {closed:?} }}"),
            "cannot be started: 127.0.0.1 cannot be reached: ",
        ),
        (
            format!("{{ url: {closed:?}, auth: {{ env: COZE_RS_TEST_NO_SUCH_VARIABLE }} }}"),
            "the environment variable COZE_RS_TEST_NO_SUCH_VARIABLE is not set",
        ),
    ] {
        let api = start(&yaml(&server)).await;
        let msg = failure(&api, "hello").await;
        assert!(msg.starts_with("the MCP server box: "), "{msg}");
        assert!(msg.contains(expected), "{expected}: {msg}");
        assert!(!msg.contains("hidden"), "{msg}");
        // An agent that can do without it.
        let optional = server.replacen('{', "{ required: false, ", 1);
        api.reload(&yaml(&optional)).await.unwrap();
        let chat = api.ask(&api.conversation().await, "hello").await;
        assert_eq!(chat["status"], "completed", "{chat}");
    }
    let silent = program(", start_timeout_s: 1, env: { MCP_TEST_SILENT: \"1\" }");
    let api = start(&silent).await;
    let msg = failure(&api, "hello").await;
    assert_eq!(msg, "the MCP server box: it was not ready within 1s");

    let api = start(&program("").replace("[box]", "[{ server: box, tools: [absent] }]")).await;
    let msg = failure(&api, "hello").await;
    assert_eq!(msg, "the MCP server box has no tool \"absent\"");
}

#[tokio::test]
async fn an_agent_has_the_tools_that_it_names() {
    let yaml = program("").replace("[box]", "[{ server: box, tools: [pid] }]");
    let api = start(&yaml).await;
    call(&api, "box-pid").await;
    let chat = api.ask(&api.conversation().await, "box-echo text=hi").await;
    let messages = api.messages(&chat).await;
    let mut messages = messages.as_array().unwrap().iter();
    assert!(!messages.any(|it| it["type"] == "tool_response"));
}

#[tokio::test]
async fn addresses_are_guarded_and_keys_are_sent() {
    let server = Http::start(false).await;
    let guarded = yaml(&format!("{{ url: {:?} }}", server.url));
    let guarded = guarded.replace("allow_private_networks: true", "");
    let api = start(&guarded).await;
    let msg = failure(&api, "hello").await;
    assert!(msg.contains("allow_private_networks: true"), "{msg}");
    // Behind a name, too.
    let api = start(&guarded.replace("127.0.0.1", "localhost")).await;
    let msg = failure(&api, "hello").await;
    assert!(msg.contains("allow_private_networks: true"), "{msg}");
    assert!(server.shared.heads.lock().unwrap().is_empty());

    // A variable that is always there under cargo.
    let key = std::env::var("CARGO_MANIFEST_DIR").unwrap();
    let with_key = yaml(&format!(
        "{{ url: {:?}, auth: {{ env: CARGO_MANIFEST_DIR, header: X-Key }}, headers: {{ X-More: yes }} }}",
        server.url
    ));
    let api = start(&with_key.replace("yes", "\"yes\"")).await;
    assert_eq!(call(&api, "box-echo text=hi").await, "hi");
    let heads = server.shared.heads.lock().unwrap();
    assert!(
        heads
            .iter()
            .all(|it| it["x-key"] == key.as_str() && it["x-more"] == "yes")
    );
}

#[tokio::test]
async fn a_program_gets_no_more_of_the_environment_than_is_said() {
    let api = start(&program(", env: { MADE_UP: here }")).await;
    assert_eq!(call(&api, "box-env text=MADE_UP").await, "here");
    assert_eq!(call(&api, "box-env text=CARGO_MANIFEST_DIR").await, "unset");
    let api = start(&program(", pass_env: [CARGO_MANIFEST_DIR]")).await;
    let passed = call(&api, "box-env text=CARGO_MANIFEST_DIR").await;
    assert_eq!(passed, std::env::var("CARGO_MANIFEST_DIR").unwrap());
}

#[tokio::test]
async fn another_reading_keeps_what_runs_unless_it_says_otherwise() {
    let api = start(&program("")).await;
    let first = call(&api, "box-pid").await;
    let renamed = program("").replace("Handy", "Renamed");
    api.reload(&renamed).await.unwrap();
    assert_eq!(call(&api, "box-pid").await, first);
    api.reload(&program(", timeout_s: 5")).await.unwrap();
    assert_ne!(call(&api, "box-pid").await, first);
}

#[tokio::test]
async fn a_stop_ends_the_program_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let end = folder.path().join("end");
    let api = start(&program(&format!(", env: {{ MCP_TEST_END: {end:?} }}"))).await;
    call(&api, "box-pid").await;
    assert!(!end.exists());
    api.stop().await;
    assert_eq!(std::fs::read_to_string(end).unwrap(), "ended in order");
}
