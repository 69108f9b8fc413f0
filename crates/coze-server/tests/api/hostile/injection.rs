//! Text that is a command somewhere else: SQL, templates, paths, formats. Here it is text.

use reqwest::Method;
use serde_json::{Value, json};

use super::is_well;
use crate::harness::{Api, Reply, text};
use crate::space::{ASK_MODEL, CHATFLOW, GREET, PERSONA_BOT, SCRIPTED_BOT, chat_with, message};

/// What stands in the place of every text in turn.
fn commands() -> Vec<String> {
    let mut commands: Vec<String> = [
        "'; DROP TABLE message; --",
        "\"; DELETE FROM conversation; --",
        "' OR '1'='1",
        "1 UNION SELECT content FROM message",
        "1); ATTACH DATABASE '/tmp/x' AS x; --",
        "%' ESCAPE '\\",
        "{{ 'qu' ~ 'ack' }}",
        "{{ self }}{{ config }}{{ ''.__class__.__mro__ }}",
        "{% for x in range(1000000) %}x{% endfor %}",
        "{% include '/etc/passwd' %}",
        "{{",
        "{{String1}}{{output}}",
        "${'qu'+'ack'}#{'qu'+'ack'}<%= 'qu'+'ack' %>",
        "%s%n%d{0}{}",
        "../../../../etc/passwd",
        "\0",
        "\u{202e}\u{200b}\u{feff}",
        "line\r\nx-injected: 1\r\n\r\n",
        "event: done\ndata: x\n\n",
        "NULL",
        "-1",
        "9223372036854775808",
        "1e400",
        "<script>alert(1)</script>",
    ]
    .map(str::to_owned)
    .into();
    commands.push("x".repeat(100_000));
    commands
}

/// A call, with a text wherever one may stand.
struct Sample {
    method: Method,
    path: &'static str,
    query: Value,
    body: Value,
}

fn samples(conversation: &str, message_id: &str, chat: &str) -> Vec<Sample> {
    let sample = |method, path, query, body| Sample {
        method,
        path,
        query,
        body,
    };
    let get = |path, query| sample(Method::GET, path, query, Value::Null);
    let post = |path, query, body| sample(Method::POST, path, query, body);
    let place = json!({"conversation_id": conversation, "chat_id": chat});
    let one = json!({"conversation_id": conversation, "message_id": message_id});
    let whole = json!({
        "bot_id": SCRIPTED_BOT, "user_id": "ada", "stream": false, "bot_version": "1",
        "publish_status": "published_online", "connector_id": "1024",
        "meta_data": {"key": "value"}, "custom_variables": {"name": "Ada"},
        "parameters": {"name": "Ada"}, "extra_params": {"latitude": "1"},
        "additional_messages": [{"role": "user", "type": "question", "content": "hello",
            "content_type": "text", "meta_data": {"key": "value"}, "name": "ada"}],
        "shortcut_command": {"command_id": "1", "parameters": {"a": "b"}},
    });
    vec![
        post("/v3/chat", json!({"conversation_id": conversation}), whole),
        get("/v3/chat/retrieve", place.clone()),
        get("/v3/chat/message/list", place.clone()),
        post("/v3/chat/cancel", json!({}), place.clone()),
        post(
            "/v3/chat/submit_tool_outputs",
            place,
            json!({"stream": false, "tool_outputs": [{"tool_call_id": "x", "output": "y"}]}),
        ),
        post(
            "/v1/conversation/create",
            json!({}),
            json!({"bot_id": SCRIPTED_BOT, "name": "n", "connector_id": "1024",
                "meta_data": {"key": "value"}, "messages": [message("hello")]}),
        ),
        get(
            "/v1/conversation/retrieve",
            json!({"conversation_id": conversation}),
        ),
        get(
            "/v1/conversations",
            json!({"bot_id": SCRIPTED_BOT, "connector_id": "1024", "page_num": "1",
                "page_size": "5", "sort_order": "ASC"}),
        ),
        post(
            "/v1/conversation/message/create",
            json!({"conversation_id": conversation}),
            json!({"role": "user", "content": "hello", "content_type": "text",
                "meta_data": {"key": "value"}}),
        ),
        post(
            "/v1/conversation/message/list",
            json!({"conversation_id": conversation}),
            json!({"order": "asc", "chat_id": chat, "before_id": message_id, "after_id": "1"}),
        ),
        get("/v1/conversation/message/retrieve", one.clone()),
        post(
            "/v1/conversation/message/modify",
            one,
            json!({"content": "hello", "content_type": "text", "meta_data": {"key": "value"}}),
        ),
        post(
            "/v1/workflow/run",
            json!({}),
            json!({"workflow_id": GREET, "parameters": {"name": "Ada"}, "bot_id": SCRIPTED_BOT,
                "app_id": "", "ext": {"user_id": "ada"}, "connector_id": "1024"}),
        ),
        post(
            "/v1/workflow/run",
            json!({}),
            json!({"workflow_id": ASK_MODEL, "parameters": {"input": "hello"}}),
        ),
        get("/v1/files/retrieve", json!({"file_id": "1"})),
        get("/v1/bot/get_online_info", json!({"bot_id": SCRIPTED_BOT})),
        get(
            "/v1/space/published_bots_list",
            json!({"space_id": "7500000000000000003", "page_index": "1", "page_size": "5"}),
        ),
        get(
            "/v1/bots",
            json!({"workspace_id": "7500000000000000003", "publish_status": "all",
                "connector_id": "1024", "page_num": "1"}),
        ),
    ]
}

/// The same value with one text replaced, for every text in it, the names of keys too.
fn variants(value: &Value, text: &str) -> Vec<Value> {
    let mut all = Vec::new();
    match value {
        Value::String(_) => all.push(text.into()),
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                for variant in variants(item, text) {
                    let mut items = items.clone();
                    items[index] = variant;
                    all.push(items.into());
                }
            }
        }
        Value::Object(fields) => {
            for (key, value) in fields {
                for variant in variants(value, text) {
                    let mut fields = fields.clone();
                    fields[key] = variant;
                    all.push(fields.into());
                }
                let mut fields = fields.clone();
                if let Some(value) = fields.remove(key) {
                    fields.insert(text.to_owned(), value);
                }
                all.push(fields.into());
            }
        }
        _ => {}
    }
    all
}

async fn call(api: &Api, sample: &Sample, query: &Value, body: &Value) -> Reply {
    let pairs = query.as_object().unwrap();
    let pairs: Vec<(&str, &str)> = pairs
        .iter()
        .map(|(key, value)| (key.as_str(), value.as_str().unwrap()))
        .collect();
    let query = serde_urlencoded::to_string(pairs).unwrap();
    let request = api.request(sample.method.clone(), &format!("{}?{query}", sample.path));
    let request = match body {
        Value::Null => request,
        body => request.json(body),
    };
    api.send(request).await
}

/// Longer than a head may be.
const TOO_LONG_FOR_A_QUERY: usize = 20_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_text_is_a_command() {
    let api = Api::start().await;
    let conversation = api.conversation().await;
    let chat = api.ask(&conversation, "hello").await;
    let messages = api.messages(&chat).await;
    let kept = text(&messages[0]["content"]);
    // What is changed below is another conversation's; this one has to stay as it is.
    let other = api.conversation().await;
    let spoilt = api.ask(&other, "hello").await;
    let id = text(&api.messages(&spoilt).await[0]["id"]);
    let samples = samples(&other, &id, spoilt["id"].as_str().unwrap());
    let mut calls = 0;
    for command in commands() {
        for sample in &samples {
            let mut requests: Vec<(Value, Value)> = Vec::new();
            if command.len() < TOO_LONG_FOR_A_QUERY {
                let queries = variants(&sample.query, &command);
                requests.extend(queries.into_iter().map(|it| (it, sample.body.clone())));
            }
            let bodies = variants(&sample.body, &command);
            requests.extend(bodies.into_iter().map(|it| (sample.query.clone(), it)));
            for (query, body) in requests {
                let reply = call(&api, sample, &query, &body).await;
                // A refusal or a reply, never a fault of the server, and nothing computed.
                let shown = format!("{} {query} {body}", sample.path);
                assert!(
                    reply.http < 500 && reply.code() != 5000,
                    "{shown}: {}",
                    reply.text
                );
                assert!(!reply.text.contains("quack"), "{shown}: {}", reply.text);
                calls += 1;
            }
        }
    }
    assert!(calls > 1_000, "{calls}");
    // Every table is there, and holds what it held.
    assert_eq!(api.messages(&chat).await[0]["content"], kept);
    assert_eq!(api.contents(&conversation).await, ["hello", "Hi there"]);
    is_well(&api).await;
    let folder = api.stop().await;
    let database = rusqlite::Connection::open(folder.path().join("data/coze.db")).unwrap();
    let check: String = database
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .unwrap();
    assert_eq!(check, "ok");
}

/// What is stored comes back byte for byte.
#[tokio::test]
async fn commands_are_stored_as_they_are() {
    let api = Api::start().await;
    let conversation = api.conversation().await;
    let mut expected = Vec::new();
    for command in commands() {
        if command.trim().is_empty() {
            continue;
        }
        let path = format!("/v1/conversation/message/create?conversation_id={conversation}");
        api.post(&path, message(&command)).await.data();
        expected.push(command);
    }
    assert_eq!(api.contents(&conversation).await, expected);
}

/// A prompt is the operator's, variables are data: what stands in them is not looked at again.
#[tokio::test]
async fn a_variable_is_no_template() {
    let api = Api::start().await;
    for value in [
        "{{ 'qu' ~ 'ack' }}",
        "{% for x in range(9) %}x{% endfor %}",
        "{{ place }}",
        "{#",
        "'",
    ] {
        let mut body = chat_with(PERSONA_BOT, "your prompt");
        body["custom_variables"] = json!({"name": value, "place": "Oslo"});
        let conversation = api.conversation().await;
        let path = format!("/v3/chat?conversation_id={conversation}");
        let chat = api.post(&path, body).await;
        let id = text(&chat.data()["id"]);
        let chat = api.ended(&conversation, &id).await;
        let answer = text(&api.messages(&chat).await[0]["content"]);
        assert!(
            answer.contains(&format!("You are {value} of Oslo.")),
            "{answer}"
        );
    }
}

/// A text of a workflow is filled in once.
#[tokio::test]
async fn a_parameter_is_no_template() {
    let api = Api::start().await;
    for value in [
        "{{String1}}",
        "{{ 'qu' ~ 'ack' }}",
        "{{",
        "}}",
        "{{output}}",
    ] {
        let body = json!({"workflow_id": GREET, "parameters": {"name": value}});
        let reply = api.post("/v1/workflow/run", body).await;
        let data: Value = serde_json::from_str(reply.data().as_str().unwrap()).unwrap();
        assert_eq!(data["output"], format!("Hello {value}!"));
    }
    let body = json!({"workflow_id": CHATFLOW, "additional_messages": [message("{{output}}")],
        "parameters": {"CONVERSATION_NAME": "x"}});
    let stream = api.stream("/v1/workflows/chat", body).await;
    assert!(stream.contains("{{output}}"), "{stream}");
}
