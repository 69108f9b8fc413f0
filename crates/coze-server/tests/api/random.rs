//! Whatever comes in: text is kept as it was, and nothing brings the server out of step.

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};

use crate::harness::{Api, text};
use crate::space::message;

fn runner(cases: u32) -> TestRunner {
    TestRunner::new(Config {
        cases,
        failure_persistence: None,
        ..Config::default()
    })
}

/// Runs a property whose cases talk to one server.
fn check<S: Strategy>(cases: u32, strategy: &S, case: &impl AsyncFn(&Api, S::Value)) {
    let runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = { runtime }.worker_threads(2).enable_all().build().unwrap();
    let api = runtime.block_on(Api::start());
    let ran = runner(cases).run(strategy, |value| {
        runtime.block_on(case(&api, value));
        Ok(())
    });
    ran.unwrap();
}

#[test]
fn any_text_comes_back_as_it_was() {
    let texts = proptest::collection::vec("\\PC{0,20}[^\\s]\\PC{0,20}|(?s).{0,20}[^\\s]", 1..16);
    check(24, &texts, &async |api, texts: Vec<String>| {
        let messages: Vec<_> = texts.iter().map(|it| message(it)).collect();
        let body = json!({"messages": messages, "meta_data": {"k": texts[0]}});
        let made = api.post("/v1/conversation/create", body).await;
        assert_eq!(made.data()["meta_data"]["k"], texts[0]);
        assert_eq!(api.contents(&text(&made.data()["id"])).await, texts);
    });
}

/// JSON of any shape under the names that requests have.
fn any_body() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,8}".prop_map(Value::from),
        Just(json!("text")),
        Just(json!("user")),
        Just(json!(crate::space::SCRIPTED_BOT)),
        Just(json!(crate::space::GREET)),
    ];
    let name = proptest::sample::select(vec![
        "bot_id",
        "user_id",
        "additional_messages",
        "role",
        "content",
        "content_type",
        "meta_data",
        "workflow_id",
        "parameters",
        "name",
        "messages",
        "limit",
        "order",
    ]);
    let value = leaf.prop_recursive(3, 24, 4, move |inner| {
        let object = proptest::collection::btree_map(name.clone(), inner.clone(), 0..6);
        prop_oneof![
            proptest::collection::vec(inner, 0..4).prop_map(Value::from),
            object.prop_map(|it| it.into_iter().map(|(k, v)| (k.to_owned(), v)).collect()),
        ]
    });
    value.boxed()
}

#[test]
fn any_json_is_answered_and_never_an_internal_error() {
    check(60, &any_body(), &async |api, body: Value| {
        for path in [
            "/v3/chat",
            "/v1/conversation/create",
            "/v1/workflow/run",
            "/v1/workflows/chat",
            "/v3/chat/cancel",
        ] {
            let reply = api.post(path, body.clone()).await;
            assert!(
                (200..300).contains(&reply.http),
                "{path} {body}: {}",
                reply.text
            );
            assert_ne!(reply.code(), 5000, "{path} {body}: {}", reply.text);
        }
    });
}
