//! The rules for messages that a caller gives (reference, section 3.1).

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Api, text};
use crate::space::{self, message};

async fn upload(api: &Api) -> String {
    let form = "--b\r\ncontent-disposition: form-data; name=\"file\"; filename=\"a.txt\"\r\n\r\nsome text\r\n--b--\r\n";
    let request = api.request(Method::POST, "/v1/files/upload");
    let request = request.header("content-type", "multipart/form-data; boundary=b");
    text(&api.send(request.body(form)).await.data()["id"])
}

fn body(messages: Value) -> Value {
    let mut body = space::chat("hello");
    body["additional_messages"] = messages;
    body
}

fn objects(items: &Value) -> Value {
    json!({"role": "user", "content": items.to_string(), "content_type": "object_string"})
}

async fn refused(api: &Api, messages: Value, field: &str) {
    let shown = messages.to_string();
    let shown: String = shown.chars().take(200).collect();
    let reply = api.post("/v3/chat", body(messages)).await;
    assert_eq!(reply.code(), 4000, "{shown}: {}", reply.text);
    let expected = format!("Request parameter error: additional_messages{field}: ");
    assert!(
        reply.msg().starts_with(&expected),
        "{shown}: {}",
        reply.msg()
    );
}

#[tokio::test]
async fn the_fields_of_a_message() {
    let api = Api::start().await;
    let base = message("hello");
    for (field, value, named) in [
        ("role", json!("system"), "[1].role"),
        ("role", json!("User"), "[1].role"),
        ("role", json!(""), "[1].role"),
        ("role", json!(7), "[1].role"),
        ("type", json!("follow_up"), "[1].type"),
        ("type", json!("verbose"), "[1].type"),
        ("type", json!("function_call"), "[1].type"),
        ("type", json!("tool_response"), "[1].type"),
        ("type", json!("invented"), "[1].type"),
        ("type", json!([]), "[1].type"),
        ("content", json!(""), "[1].content"),
        ("content", json!(" \n"), "[1].content"),
        ("content", Value::Null, "[1].content"),
        ("content", json!({"text": "x"}), "[1].content"),
        ("content", json!("x".repeat(1_000_001)), "[1].content"),
        ("content_type", json!("card"), "[1].content_type"),
        ("content_type", json!("audio"), "[1].content_type"),
        ("content_type", json!(""), "[1].content_type"),
        ("content_type", Value::Null, "[1].content_type"),
        ("content_type", json!(5), "[1].content_type"),
        ("meta_data", json!({"a": null}), "[1].meta_data.a"),
    ] {
        let mut wrong = base.clone();
        wrong[field] = value;
        refused(&api, json!([base, wrong]), named).await;
    }
    // A question is the user's.
    let answer =
        json!({"role": "assistant", "type": "question", "content": "x", "content_type": "text"});
    refused(&api, json!([answer]), "[0].type").await;
    let many = api.post("/v3/chat", body(vec![base; 101].into())).await;
    assert_eq!(many.code(), 4004, "{}", many.text);
    assert!(
        many.msg().contains("additional_messages: there are 101"),
        "{}",
        many.msg()
    );
}

/// The limits of the meta data of a message are those of every meta data (reference, 1.10).
#[tokio::test]
async fn the_meta_data_of_a_message() {
    let api = Api::start().await;
    let mut wrong = message("hello");
    wrong["meta_data"] = json!({"k".repeat(65): "v"});
    let reply = api.post("/v3/chat", body(json!([wrong]))).await;
    assert_eq!(reply.code(), 4003, "{}", reply.text);
    assert!(
        reply.msg().contains("additional_messages[0].meta_data"),
        "{}",
        reply.msg()
    );
}

#[tokio::test]
async fn tool_messages_only_without_history() {
    let api = Api::start().await;
    let call = json!({"role": "assistant", "type": "function_call", "content": "{}", "content_type": "text"});
    let mut without = body(json!([call, message("hello")]));
    without["stream"] = true.into();
    without["auto_save_history"] = false.into();
    let stream = api.stream("/v3/chat", without.clone()).await;
    assert!(stream.contains("Hi there"), "{stream}");
    without["auto_save_history"] = true.into();
    assert_eq!(api.post("/v3/chat", without).await.code(), 4000);
}

#[tokio::test]
async fn the_longest_message() {
    let api = Api::start().await;
    // Counted in characters.
    let longest = "词".repeat(1_000_000);
    let body = json!({"messages": [message(&longest)]});
    let reply = api.post("/v1/conversation/create", body).await;
    let conversation = text(&reply.data()["id"]);
    assert!(api.contents(&conversation).await == [longest]);
}

#[tokio::test]
async fn object_strings() {
    let api = Api::start().await;
    let file = upload(&api).await;
    let (words, image) = (
        json!({"type": "text", "text": "what is it?"}),
        json!({"type": "image", "file_id": file}),
    );
    for (items, named) in [
        (json!("no list"), "[0].content"),
        (json!({}), "[0].content"),
        (json!([]), "[0].content"),
        (json!([words]), "[0].content"),
        (json!([words, words, image]), "[0].content"),
        (
            json!([{"type": "text", "text": ""}, image]),
            "[0].content[0].text",
        ),
        (json!([{"type": "text"}, image]), "[0].content[0].text"),
        (
            json!([words, {"type": "video", "file_id": file}]),
            "[0].content[1].type",
        ),
        (json!([words, {"type": "image"}]), "[0].content[1]"),
        (
            json!([words, {"type": "file", "file_id": "", "file_url": null}]),
            "[0].content[1]",
        ),
        (
            json!([words, {"type": "image", "file_id": "1"}]),
            "[0].content",
        ),
        (
            json!([words, {"type": "image", "file_id": []}]),
            "[0].content",
        ),
        (json!([image]), "[0].content"),
    ] {
        refused(&api, json!([objects(&items)]), named).await;
    }
    let wrong = json!({"role": "user", "content": "[{", "content_type": "object_string"});
    refused(&api, json!([wrong]), "[0].content").await;

    // Files alone need a text beside them, on either side.
    let alone = objects(&json!([image]));
    refused(&api, json!([alone, alone]), "[0].content").await;
    for messages in [
        json!([alone, message("hello")]),
        json!([message("hello"), alone]),
        json!([message("hello"), alone, message("hello")]),
        json!([objects(
            &json!([words, image, {"type": "file", "file_url": "https://example.com/a.pdf"}])
        )]),
        // Unused keys come as null.
        json!([objects(
            &json!([{"type": "text", "text": "x", "file_id": null, "file_url": null},
                               {"type": "audio", "text": null, "file_id": file, "file_url": null}])
        )]),
    ] {
        api.post("/v3/chat", body(messages)).await.data();
    }
}

#[tokio::test]
async fn object_strings_made_by_hand_follow_the_same_rules() {
    let api = Api::start().await;
    let conversation = api.conversation().await;
    let path = format!("/v1/conversation/message/create?conversation_id={conversation}");
    let missing = json!([{"type": "text", "text": "x"}, {"type": "image", "file_id": "1"}]);
    for (message, named) in [
        (
            json!({"role": "tool", "content": "x", "content_type": "text"}),
            "role",
        ),
        (
            json!({"role": "user", "content": "", "content_type": "text"}),
            "content",
        ),
        (
            json!({"role": "user", "content": "x", "content_type": "card"}),
            "content_type",
        ),
        (json!({"role": "user", "content": "x"}), "content_type"),
        (
            json!({"role": "user", "content": "x", "content_type": "object_string"}),
            "content",
        ),
        (
            json!({"role": "user", "content": missing.to_string(), "content_type": "object_string"}),
            "content",
        ),
        (
            json!({"role": "user", "content": "x".repeat(1_000_001), "content_type": "text"}),
            "content",
        ),
    ] {
        let shown: String = message.to_string().chars().take(200).collect();
        let reply = api.post(&path, message).await;
        assert_eq!(reply.code(), 4000, "{shown}: {}", reply.text.len());
        assert!(reply.msg().contains(named), "{shown}: {}", reply.msg());
    }
    assert!(api.contents(&conversation).await.is_empty());
}
