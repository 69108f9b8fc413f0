//! Requests that cannot be understood, or break a rule: 4000 and the field.

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Api, place, within};
use crate::space::{self, DEMO_BOT, GREET, message};

/// Every one is refused with this code, and the text names the field.
#[track_caller]
fn check(reply: &crate::harness::Reply, code: i64, field: &str) {
    assert_eq!(
        (reply.http, reply.code()),
        (200, code),
        "{field}: {}",
        reply.text
    );
    let expected = format!("Request parameter error: {field}: ");
    assert!(
        reply.msg().starts_with(&expected),
        "{field}: {}",
        reply.msg()
    );
}

#[tokio::test]
async fn the_fields_of_a_chat() {
    let api = Api::start().await;
    let many = |count: usize, length: usize| -> Value {
        let pair = |number: usize| (format!("key{number}"), json!("v".repeat(length)));
        Value::Object((0..count).map(pair).collect())
    };
    for (field, value, code, named) in [
        ("bot_id", json!(""), 4000, "bot_id"),
        ("bot_id", json!(true), 4000, "bot_id"),
        ("user_id", json!(""), 4000, "user_id"),
        ("user_id", json!(5), 4000, "user_id"),
        ("stream", json!("yes"), 4000, "stream"),
        ("auto_save_history", json!(1), 4000, "auto_save_history"),
        ("auto_save_history", json!(false), 4000, "auto_save_history"),
        (
            "additional_messages",
            json!({}),
            4000,
            "additional_messages",
        ),
        (
            "additional_messages",
            json!("hi"),
            4000,
            "additional_messages",
        ),
        (
            "additional_messages",
            json!([message("x"), 5]),
            4000,
            "additional_messages[1]",
        ),
        ("meta_data", json!([]), 4000, "meta_data"),
        ("meta_data", json!({"a": 1}), 4000, "meta_data.a"),
        ("meta_data", many(17, 1), 4003, "meta_data"),
        ("meta_data", many(1, 513), 4003, "meta_data"),
        ("meta_data", many(1, 0), 4003, "meta_data"),
        ("meta_data", json!({"k".repeat(65): "v"}), 4003, "meta_data"),
        ("meta_data", json!({"": "v"}), 4003, "meta_data"),
        (
            "custom_variables",
            json!({"a b": "v"}),
            4000,
            "custom_variables",
        ),
        (
            "custom_variables",
            json!({"": "v"}),
            4000,
            "custom_variables",
        ),
        (
            "custom_variables",
            json!({"a": {}}),
            4000,
            "custom_variables.a",
        ),
        ("publish_status", json!("draft"), 4000, "publish_status"),
        ("parameters", json!("{}"), 4000, "parameters"),
        (
            "extra_params",
            json!({"latitude": 1.5}),
            4000,
            "extra_params.latitude",
        ),
    ] {
        let mut body = space::chat("hello");
        body[field] = value;
        check(&api.post("/v3/chat", body).await, code, named);
    }
    for missing in ["bot_id", "user_id"] {
        let mut body = space::chat("hello");
        body.as_object_mut().unwrap().remove(missing);
        let reply = api.post("/v3/chat", body).await;
        assert_eq!(reply.code(), 4000);
        assert!(
            reply.msg().contains(&format!("missing field `{missing}`")),
            "{}",
            reply.msg()
        );
    }
    let mut draft = space::chat("hello");
    draft["publish_status"] = "unpublished_draft".into();
    draft["bot_version"] = "1".into();
    check(&api.post("/v3/chat", draft).await, 4000, "bot_version");
    // Nothing of all this made a conversation.
    let list = format!("/v1/conversations?bot_id={}", space::SCRIPTED_BOT);
    assert_eq!(api.get(&list).await.data()["conversations"], json!([]));
}

#[tokio::test]
async fn what_is_at_the_limit_is_allowed() {
    let api = Api::start().await;
    let mut body = space::chat("hello");
    body["meta_data"] = Value::Object(
        (10..26)
            .map(|it| (format!("{it}{}", "k".repeat(62)), json!("词".repeat(512))))
            .collect(),
    );
    body["additional_messages"] = vec![message("x"); 100].into();
    body["custom_variables"] = json!({"user_name": "Ada", "变量": "x"});
    for (field, value) in [
        ("publish_status", json!("published_online")),
        ("bot_version", json!("")),
        ("connector_id", json!("")),
        ("shortcut_command", Value::Null),
        ("extra_params", json!({})),
        ("a field of the future", json!([1, {}])),
    ] {
        body[field] = value;
    }
    api.post("/v3/chat", body).await.data();
    // What the SDKs send for fields that are not set.
    let empty = json!({
        "bot_id": 7_500_000_000_000_000_101_i64, "user_id": "ada", "stream": false, "custom_variables": null,
        "meta_data": null, "auto_save_history": null, "parameters": null,
        "additional_messages": [{"role": "user", "type": "", "content": "hello", "content_type": "text",
            "id": null, "conversation_id": "", "created_at": 0, "meta_data": null, "reasoning_content": null}],
    });
    api.post("/v3/chat?conversation_id=", empty).await.data();
}

#[tokio::test]
async fn bodies_that_are_no_request() {
    let api = Api::start().await;
    for (body, expected) in [
        (&b"{"[..], "line 1 column 1"),
        (
            b"{\n  \"bot_id\": \"1\",\n  \"user_id\" \"x\"\n}",
            "line 3 column 13",
        ),
        (
            b"{\"bot_id\":\"1\",\"user_id\":\"x\"} {}",
            "trailing characters at line 1 column 30",
        ),
        (b"[]", "invalid"),
        (b"null", "invalid type: null"),
        (b"\"text\"", "invalid type: string"),
        (b"", "missing field `bot_id`"),
        (b" \r\n\t", "missing field `bot_id`"),
        (b"{\"bot_id\":\"\xff\"}", "invalid unicode"),
        (
            b"{\"bot_id\":\"1\",\"bot_id\":\"2\",\"user_id\":\"x\"}",
            "duplicate field `bot_id`",
        ),
        (b"\xef\xbb\xbf{}", "expected value"),
    ] {
        let reply = api.post_bytes("/v3/chat", body).await;
        assert_eq!(reply.code(), 4000, "{}", reply.text);
        assert!(
            reply.msg().starts_with("Request parameter error: "),
            "{}",
            reply.msg()
        );
        assert!(
            reply.msg().contains(expected),
            "{expected}: {}",
            reply.msg()
        );
    }
    // Nesting that would overflow a stack.
    for open in ["[", "{\"a\":"] {
        let reply = api.post_bytes("/v3/chat", open.repeat(200_000)).await;
        assert_eq!(reply.code(), 4000);
        assert!(reply.msg().len() < 1000, "{}", reply.msg().len());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_over_20_mb() {
    let api = Api::start().await;
    let body = |size: usize| {
        let text = space::chat("hello").to_string();
        format!("{text}{}", " ".repeat(size - text.len()))
    };
    let limit = 20 * 1024 * 1024;
    api.post_bytes("/v3/chat", body(limit)).await.data();
    let reply = api.post_bytes("/v3/chat", body(limit + 1)).await;
    assert_eq!((reply.http, reply.code()), (413, 4000), "{}", reply.text);
    assert!(reply.msg().contains("20 MB"), "{}", reply.msg());
    api.get("/v1/users/me").await.data();
}

#[tokio::test]
async fn queries() {
    let api = Api::start().await;
    for (path, field) in [
        ("/v3/chat/retrieve", "conversation_id"),
        ("/v3/chat/retrieve?conversation_id=1", "chat_id"),
        ("/v3/chat/message/list?chat_id=1", "conversation_id"),
        ("/v1/conversation/retrieve", "conversation_id"),
        (
            "/v1/conversation/message/retrieve?conversation_id=1",
            "message_id",
        ),
        ("/v1/conversations", "bot_id"),
        ("/v1/files/retrieve", "file_id"),
        ("/v1/bots", "workspace_id"),
        ("/v1/workflows", "workspace_id"),
        (
            "/v1/bots?workspace_id=7500000000000000003&page_num=x",
            "page_num",
        ),
        (
            "/v1/bots?workspace_id=7500000000000000003&page_num=0",
            "page_num",
        ),
        (
            "/v1/workflows?workspace_id=7500000000000000003&page_size=-1",
            "page_size",
        ),
        (
            "/v1/workflows?workspace_id=7500000000000000003&page_size=99999999999999999999",
            "page_size",
        ),
        (
            "/v1/workflows/7500000000000000201?include_input_output=maybe",
            "include_input_output",
        ),
    ] {
        let reply = api.get(path).await;
        assert_eq!(reply.code(), 4000, "{path}: {}", reply.text);
        assert!(reply.msg().contains(field), "{path}: {}", reply.msg());
    }
    // A size over the limit is cut; an index is as good as a number.
    let bots = api
        .get("/v1/bots?workspace_id=7500000000000000003&page_index=1&page_size=1000")
        .await;
    assert_eq!(bots.data()["total"], 4);
    let second = api
        .get("/v1/bots?workspace_id=7500000000000000003&page_index=2&page_size=3")
        .await;
    assert_eq!(second.data()["items"].as_array().unwrap().len(), 1);
    let names = |reply: crate::harness::Reply| reply.data()["items"].as_array().unwrap().len();
    assert_eq!(
        names(
            api.get("/v1/workflows?workspace_id=7500000000000000003&page_size=4")
                .await
        ),
        4
    );
    assert_eq!(
        names(
            api.get("/v1/workflows?workspace_id=7500000000000000003&workflow_mode=chatflow")
                .await
        ),
        2
    );
    let mode = "/v1/workflows/7500000000000000201?include_input_output=";
    for (value, shown) in [
        ("true", true),
        ("1", true),
        ("false", false),
        ("0", false),
        ("", false),
    ] {
        let reply = api.get(&format!("{mode}{value}")).await;
        assert_eq!(reply.data().get("input").is_some(), shown, "{value}");
    }
}

#[tokio::test]
async fn percent_encoding_in_queries() {
    let api = Api::start().await;
    let conversation = api.conversation().await;
    let encoded: String = conversation
        .bytes()
        .map(|it| format!("%{it:02X}"))
        .collect();
    let path = format!("/v1/conversation/retrieve?x=%26&conversation_id={encoded}");
    assert_eq!(api.get(&path).await.data()["id"], *conversation);
    let chat = api.ask(&conversation, "hello").await;
    let path = place("/v3/chat/retrieve", &encoded, chat["id"].as_str().unwrap());
    assert_eq!(api.get(&path).await.data(), &chat);
}

#[tokio::test]
async fn the_fields_of_other_calls() {
    let api = Api::start().await;
    let conversation = api.conversation().await;
    let create = "/v1/conversation/create";
    for (path, body, code, field) in [
        (create, json!({"name": "n".repeat(101)}), 4000, "name"),
        (
            create,
            json!({"messages": vec![message("x"); 17]}),
            4004,
            "messages",
        ),
        (
            create,
            json!({"messages": [{"role": "system", "content": "x", "content_type": "text"}]}),
            4000,
            "messages[0].role",
        ),
        (
            create,
            json!({"meta_data": {"a": "v".repeat(513)}}),
            4003,
            "meta_data",
        ),
        (create, json!({"bot_id": {}}), 4000, "bot_id"),
        (
            "/v3/chat/cancel",
            json!({"conversation_id": "", "chat_id": "1"}),
            4000,
            "conversation_id",
        ),
        (
            "/v3/chat/cancel",
            json!({"conversation_id": conversation, "chat_id": ""}),
            4000,
            "chat_id",
        ),
        (
            "/v1/workflow/run",
            json!({"workflow_id": ""}),
            4000,
            "workflow_id",
        ),
        (
            "/v1/workflow/run",
            json!({"workflow_id": GREET, "parameters": []}),
            4000,
            "parameters",
        ),
        (
            "/v1/workflow/run",
            json!({"workflow_id": GREET, "parameters": "[]"}),
            4000,
            "parameters",
        ),
        (
            "/v1/workflow/run",
            json!({"workflow_id": GREET, "is_async": "no"}),
            4000,
            "is_async",
        ),
        (
            "/v1/workflow/run",
            json!({"workflow_id": GREET, "bot_id": DEMO_BOT, "app_id": "1"}),
            4000,
            "app_id",
        ),
        (
            "/v1/workflow/stream_run",
            json!({"workflow_id": GREET, "ext": {"user_id": 1}}),
            4000,
            "ext.user_id",
        ),
        (
            "/v1/workflows/chat",
            json!({"workflow_id": space::CHATFLOW}),
            4000,
            "additional_messages",
        ),
        (
            "/v1/workflows/chat",
            json!({"workflow_id": space::CHATFLOW, "additional_messages": vec![message("x"); 51]}),
            4004,
            "additional_messages",
        ),
        (
            "/v1/workflows/chat",
            json!({"workflow_id": GREET, "additional_messages": [message("x")]}),
            4000,
            "workflow_id",
        ),
        (
            "/v1/workflows/chat",
            json!({"workflow_id": space::CHATFLOW, "bot_id": DEMO_BOT, "app_id": "1", "additional_messages": [message("x")]}),
            4000,
            "app_id",
        ),
    ] {
        check(&api.post(path, body).await, code, field);
    }
    let last = json!([message("x"), {"role": "assistant", "content": "y", "content_type": "text"}]);
    let body = json!({"workflow_id": space::CHATFLOW, "additional_messages": last});
    check(
        &api.post("/v1/workflows/chat", body).await,
        4000,
        "additional_messages",
    );
    let rename = format!("/v1/conversations/{conversation}");
    for (body, field) in [
        (json!({"name": ""}), "name"),
        (json!({"name": "词".repeat(101)}), "name"),
        (json!({"name": null}), "name"),
    ] {
        check(&api.put(&rename, body).await, 4000, field);
    }
    api.put(&rename, json!({"name": "词".repeat(100)}))
        .await
        .data();
}

#[tokio::test]
async fn a_body_that_never_ends_holds_up_nobody() {
    let api = Api::start().await;
    let never = futures_util::stream::pending::<Result<Vec<u8>, std::io::Error>>();
    let request = api.request(Method::POST, "/v3/chat");
    let request = request.body(reqwest::Body::wrap_stream(never));
    let waiting = tokio::spawn(request.send());
    for _ in 0..3 {
        within(api.get("/v1/users/me")).await.data();
    }
    assert!(!waiting.is_finished());
    waiting.abort();
}
