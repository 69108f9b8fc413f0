//! What the API refuses about agents, and who may change them.

use serde_json::json;

use crate::bots::{SPACE, USER, make, prompt, retrieve};
use crate::harness::Api;
use crate::space::{DEMO_BOT, GREET, SCRIPTED_BOT};

#[tokio::test]
async fn what_is_wrong_with_the_fields() {
    let api = Api::start().await;
    let bot = make(&api, json!({})).await;
    let long = |length: usize| "字".repeat(length);
    let cases = [
        (json!({"name": ""}), "name: it is required"),
        (
            json!({"name": long(21)}),
            "name: it has 21 characters; at most 20 are allowed",
        ),
        (
            json!({"description": long(501)}),
            "description: it has 501 characters",
        ),
        (
            json!({"icon_file_id": "12"}),
            "icon_file_id: the file 12 does not exist",
        ),
        (
            prompt(&long(20_001)),
            "prompt_info.prompt: it has 20001 characters",
        ),
        (prompt("{{ name }"), "prompt_info.prompt: syntax error"),
        (
            json!({"prompt_info": {"prompt_mode": "old"}}),
            "prompt_info.prompt_mode: \"old\" is none of standard, prefix",
        ),
        (
            json!({"onboarding_info": {"prologue": long(301)}}),
            "onboarding_info.prologue: ",
        ),
        (
            json!({"onboarding_info": {"suggested_questions": ["a", long(51)]}}),
            "onboarding_info.suggested_questions[1]: ",
        ),
        (
            json!({"workflow_id_list": {"ids": [{"id": GREET}, {"id": "9"}]}}),
            "workflow_id_list.ids[1].id: the workflow 9 does not exist",
        ),
        (
            json!({"workflow_id_list": {"ids": [{}]}}),
            "workflow_id_list.ids[0]",
        ),
        (
            json!({"plugin_id_list": {"id_list": [{"plugin_id": "1"}]}}),
            "plugin_id_list.id_list[0]",
        ),
        (
            json!({"model_info_config": {"temperature": 1}}),
            "model_info_config: missing field `model_id`",
        ),
        (
            json!({"model_info_config": {"model_id": ""}}),
            "model_info_config.model_id: ",
        ),
        (
            json!({"model_info_config": {"model_id": "m", "top_p": 1.5}}),
            "model_info_config.top_p: 1.5 is not within 0 to 1",
        ),
        (
            json!({"model_info_config": {"model_id": "m", "temperature": -1}}),
            "model_info_config.temperature: ",
        ),
        (
            json!({"model_info_config": {"model_id": "m", "max_tokens": 0}}),
            "model_info_config.max_tokens: ",
        ),
        (
            json!({"model_info_config": {"model_id": "m", "context_round": -1}}),
            "model_info_config.context_round: ",
        ),
        (
            json!({"model_info_config": {"model_id": "m", "response_format": "xml"}}),
            "model_info_config.response_format: ",
        ),
        (
            json!({"model_info_config": {"model_id": "m", "cache_type": "x"}}),
            "model_info_config.cache_type: ",
        ),
        (
            json!({"model_info_config": {"model_id": "m", "api_mode": "x"}}),
            "model_info_config.api_mode: ",
        ),
        (
            json!({"model_info_config": {"model_id": "m", "parameters": {"thinking_type": "x"}}}),
            "model_info_config.parameters.thinking_type: ",
        ),
        (
            json!({"model_info_config": {"model_id": "m", "parameters": {"caching_expire_time": 259_201}}}),
            "model_info_config.parameters.caching_expire_time: ",
        ),
        (
            json!({"model_info_config": {"model_id": "m", "parameters": {"caching": {"type": "enabled"}, "store": false}}}),
            "model_info_config.parameters.store: ",
        ),
        (
            json!({"model_info_config": {"model_id": "m", "cache_type": "prefix"}}),
            "prompt_info.prompt_mode: it must be \"prefix\"",
        ),
        (
            json!({"prompt_info": {"prompt_mode": "prefix", "prompt": "x"}}),
            "prompt_info.prompt: it cannot go with",
        ),
        (
            json!({"suggest_reply_info": {"reply_mode": "x"}}),
            "suggest_reply_info.reply_mode: ",
        ),
        (
            json!({"suggest_reply_info": {"reply_mode": "customized"}}),
            "suggest_reply_info.customized_prompt: it is required",
        ),
    ];
    for (fields, expected) in cases {
        let mut create = json!({"space_id": SPACE, "name": "x"});
        let mut update = json!({"bot_id": bot});
        for (key, value) in fields.as_object().unwrap() {
            (create[key], update[key]) = (value.clone(), value.clone());
        }
        for (path, body) in [("/v1/bot/create", create), ("/v1/bot/update", update)] {
            let reply = api.post(path, body).await;
            let expected = format!("Request parameter error: {expected}");
            let code = if expected.contains("the workflow 9") {
                4200
            } else {
                4000
            };
            assert_eq!((reply.http, reply.code()), (200, code), "{}", reply.text);
            assert!(
                reply.msg().starts_with(&expected),
                "{expected}: {}",
                reply.text
            );
        }
    }
    let many: Vec<String> = (0..151).map(|it| it.to_string()).collect();
    for (knowledge, field) in [
        (
            json!({"dataset_ids": many}),
            "knowledge.dataset_ids: there are 151",
        ),
        (json!({"search_strategy": 7}), "knowledge.search_strategy: "),
    ] {
        let body = json!({"bot_id": bot, "knowledge": knowledge});
        let reply = api.post("/v1/bot/update", body).await;
        assert!(reply.msg().contains(field), "{}", reply.text);
    }
    // Nothing of all that was taken over.
    assert_eq!(retrieve(&api, &bot, false).await["name"], "Maker");
}

#[tokio::test]
async fn whom_and_what_publishing_needs() {
    let api = Api::start().await;
    let bot = make(&api, json!({})).await;
    for (body, code, expected) in [
        (json!({"connector_ids": ["1024"]}), 4000, "bot_id"),
        (
            json!({"bot_id": "12", "connector_ids": ["1024"]}),
            4200,
            "the bot 12 does not exist",
        ),
        (
            json!({"bot_id": bot}),
            4000,
            "connector_ids: it is required",
        ),
        (
            json!({"bot_id": bot, "connector_ids": []}),
            4000,
            "connector_ids: it is required",
        ),
        (
            json!({"bot_id": bot, "connector_ids": ["x"]}),
            4000,
            "connector_ids[0]: \"x\" is no id",
        ),
        (
            json!({"bot_id": bot, "connector_ids": ["10000011"]}),
            4000,
            "connector_ids[0]: ",
        ),
        (
            json!({"bot_id": bot, "connector_ids": ["1024"], "connectors": {"77": {"k": "1"}}}),
            4000,
            "connectors.77: ",
        ),
        (
            json!({"bot_id": bot, "connector_ids": ["1024"], "connectors": {"1024": {"k": "no json"}}}),
            4000,
            "connectors.1024.k: ",
        ),
        (
            json!({"bot_id": DEMO_BOT, "connector_ids": ["1024"]}),
            4000,
            "stands in coze.yaml",
        ),
    ] {
        let reply = api.post("/v1/bot/publish", body).await;
        assert_eq!(reply.code(), code, "{}", reply.text);
        assert!(reply.msg().contains(expected), "{expected}: {}", reply.text);
    }
    let path = format!("/v1/bots/{bot}/unpublish");
    for (body, expected) in [
        (json!({}), "connector_id"),
        (
            json!({"connector_id": "1024", "unpublish_reason": "x".repeat(1025)}),
            "unpublish_reason",
        ),
        (json!({"connector_id": "1024", "bot_id": "12"}), "bot_id"),
    ] {
        let reply = api.post(&path, body).await;
        assert_eq!(reply.code(), 4000, "{}", reply.text);
        assert!(reply.msg().contains(expected), "{}", reply.text);
    }
    for (path, body) in [
        ("/v1/bot/create", json!({"name": "x"})),
        ("/v1/bot/create", json!({"name": "x", "space_id": "12"})),
    ] {
        assert_ne!(api.post(path, body).await.code(), 0);
    }
    let unknown = json!({"bot_id": "12", "name": "x"});
    assert_eq!(api.post("/v1/bot/update", unknown).await.code(), 4200);
    let of_file = json!({"bot_id": SCRIPTED_BOT, "name": "x"});
    let reply = api.post("/v1/bot/update", of_file).await;
    assert!(
        reply.msg().contains("stands in coze.yaml"),
        "{}",
        reply.text
    );
}

#[tokio::test]
async fn who_edits_together() {
    let api = Api::start().await;
    let bot = make(&api, json!({})).await;
    for path in [format!("/v1/bots/{bot}"), format!("/v1/workflows/{GREET}")] {
        let (mode, people) = (
            format!("{path}/collaboration_mode"),
            format!("{path}/collaborators"),
        );
        let add = |users: &[&str]| {
            let users: Vec<_> = users.iter().map(|it| json!({"user_id": it})).collect();
            json!({"collaborators": users})
        };
        let reply = api.post(&people, add(&["12"])).await;
        assert!(
            reply.msg().contains("set its collaboration_mode"),
            "{}",
            reply.text
        );
        let reply = api.post(&mode, json!({"collaboration_mode": "all"})).await;
        assert!(
            reply
                .msg()
                .contains("\"all\" is none of single, collaboration"),
            "{}",
            reply.text
        );
        let reply = api.post(&mode, json!({})).await;
        assert!(reply.msg().contains("collaboration_mode"), "{}", reply.text);
        let together = json!({"collaboration_mode": "collaboration"});
        api.post(&mode, together).await.data();
        let reply = api.post(&people, add(&["12"])).await;
        assert!(
            reply.msg().contains("the user 12 is no member"),
            "{}",
            reply.text
        );
        let reply = api.post(&people, add(&["12", "13"])).await;
        assert!(reply.msg().contains("exactly one"), "{}", reply.text);
        let reply = api.post(&people, add(&[USER])).await;
        assert!(reply.msg().contains("the owner"), "{}", reply.text);
        let reply = api.delete(&format!("{people}/12")).await;
        assert_eq!(reply.code(), 4200, "{}", reply.text);
        api.post(&mode, json!({"collaboration_mode": "single"}))
            .await
            .data();
    }
    let unknown = "/v1/bots/12/collaboration_mode";
    let reply = api
        .post(unknown, json!({"collaboration_mode": "single"}))
        .await;
    assert_eq!(reply.code(), 4200, "{}", reply.text);
}
