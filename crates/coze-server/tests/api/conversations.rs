//! Conversations: making, listing, renaming, clearing and deleting them.

use insta::assert_snapshot;
use serde_json::json;

use crate::harness::{Api, normal, text};
use crate::space::SCRIPTED_BOT;

#[tokio::test]
async fn a_conversation_from_making_to_deleting() {
    let api = Api::start().await;
    let body = json!({
        "bot_id": SCRIPTED_BOT, "name": "first", "meta_data": {"a": "b"},
        "messages": [
            {"role": "user", "content": "one", "content_type": "text"},
            {"role": "assistant", "type": "answer", "content": "two", "content_type": "text", "meta_data": {"k": "v"}},
        ],
    });
    let made = api.post("/v1/conversation/create", body).await;
    let id = text(&made.data()["id"]);
    let list = format!("/v1/conversation/message/list?conversation_id={id}");
    let steps = [
        made,
        api.get(&format!("/v1/conversation/retrieve?conversation_id={id}"))
            .await,
        api.post(&list, json!({"order": "asc"})).await,
        api.put(
            &format!("/v1/conversations/{id}"),
            json!({"name": "second"}),
        )
        .await,
        api.post(&format!("/v1/conversations/{id}/clear"), json!({}))
            .await,
        api.get(&format!("/v1/conversations?bot_id={SCRIPTED_BOT}"))
            .await,
        api.delete(&format!("/v1/conversations/{id}")).await,
        api.get(&format!("/v1/conversation/retrieve?conversation_id={id}"))
            .await,
    ];
    let seen: Vec<_> = steps.into_iter().map(|it| it.text).collect();
    assert_snapshot!(normal(&seen.join("\n")), @r#"
    {"code":0,"msg":"","data":{"id":"<id:1>","created_at":<time>,"meta_data":{"a":"b"},"last_section_id":"<id:2>","name":"first","updated_at":<time>,"creator_id":"7500000000000000002","connector_id":"1024"},"detail":{"logid":"<logid>"}}
    {"code":0,"msg":"","data":{"id":"<id:1>","created_at":<time>,"meta_data":{"a":"b"},"last_section_id":"<id:2>","name":"first","updated_at":<time>,"creator_id":"7500000000000000002","connector_id":"1024"},"detail":{"logid":"<logid>"}}
    {"code":0,"msg":"","data":[{"id":"<id:3>","conversation_id":"<id:1>","role":"user","type":"question","content":"one","content_type":"text","section_id":"<id:2>","created_at":<time>,"updated_at":<time>},{"id":"<id:4>","conversation_id":"<id:1>","role":"assistant","type":"answer","content":"two","content_type":"text","meta_data":{"k":"v"},"section_id":"<id:2>","created_at":<time>,"updated_at":<time>}],"first_id":"<id:3>","last_id":"<id:4>","has_more":false,"detail":{"logid":"<logid>"}}
    {"code":0,"msg":"","data":{"id":"<id:1>","created_at":<time>,"meta_data":{"a":"b"},"last_section_id":"<id:2>","name":"second","updated_at":<time>,"creator_id":"7500000000000000002","connector_id":"1024"},"detail":{"logid":"<logid>"}}
    {"code":0,"msg":"","data":{"id":"<id:5>","conversation_id":"<id:1>"},"detail":{"logid":"<logid>"}}
    {"code":0,"msg":"","data":{"conversations":[{"id":"<id:1>","created_at":<time>,"meta_data":{"a":"b"},"last_section_id":"<id:5>","name":"second","updated_at":<time>,"creator_id":"7500000000000000002","connector_id":"1024"}],"has_more":false},"detail":{"logid":"<logid>"}}
    {"code":0,"msg":"","detail":{"logid":"<logid>"}}
    {"code":4001,"msg":"the conversation <id:1> does not exist","detail":{"logid":"<logid>"}}
    "#);
}

#[tokio::test]
async fn lists_are_by_agent_and_channel_and_in_pages() {
    let api = Api::start().await;
    let create = |bot: &'static str, connector: &'static str| {
        api.post(
            "/v1/conversation/create",
            json!({"bot_id": bot, "connector_id": connector}),
        )
    };
    let mut ids = Vec::new();
    for _ in 0..5 {
        ids.push(text(&create(SCRIPTED_BOT, "").await.data()["id"]));
    }
    let on_other_channel = text(&create(SCRIPTED_BOT, "999").await.data()["id"]);
    create(crate::space::DEMO_BOT, "").await.data();
    // A chat that makes its conversation gives it its agent.
    let chat = api.post("/v3/chat", crate::space::chat("hello")).await;
    ids.push(text(&chat.data()["conversation_id"]));

    let list = |rest: &str| {
        let path = format!("/v1/conversations?bot_id={SCRIPTED_BOT}{rest}");
        let api = &api;
        async move {
            let reply = api.get(&path).await;
            let found = reply.data()["conversations"].as_array().unwrap().iter();
            (
                found.map(|it| text(&it["id"])).collect::<Vec<_>>(),
                reply.data()["has_more"].clone(),
            )
        }
    };
    let newest_first: Vec<_> = ids.iter().rev().cloned().collect();
    assert_eq!(list("").await, (newest_first.clone(), json!(false)));
    assert_eq!(list("&sort_order=ASC").await, (ids.clone(), json!(false)));
    assert_eq!(list("&connector_id=999").await.0, [on_other_channel]);
    // Parameters that are not set come as empty ones.
    assert_eq!(
        list("&connector_id=&page_num=&page_size=").await.0,
        newest_first
    );
    assert_eq!(
        list("&page_size=4").await,
        (newest_first[..4].to_vec(), json!(true))
    );
    assert_eq!(
        list("&page_size=4&page_num=2").await,
        (newest_first[4..].to_vec(), json!(false))
    );
    assert_eq!(
        list("&page_size=3&page_num=2").await,
        (newest_first[3..].to_vec(), json!(false))
    );
    assert_eq!(list("&page_num=9223372036854775807").await.0, [""; 0]);
    // Sizes over the limit are cut.
    assert_eq!(list("&page_size=1000").await.0, newest_first);
    for (rest, field) in [
        ("&page_num=0", "page_num"),
        ("&page_num=-1", "page_num"),
        ("&page_num=two", "page_num"),
        ("&page_size=0", "page_size"),
        ("&page_size=1.5", "page_size"),
    ] {
        let reply = api
            .get(&format!("/v1/conversations?bot_id={SCRIPTED_BOT}{rest}"))
            .await;
        assert_eq!(reply.code(), 4000, "{rest}");
        assert!(reply.msg().contains(field), "{rest}: {}", reply.msg());
    }
}

#[tokio::test]
async fn clearing_cuts_the_memory_and_keeps_the_messages() {
    let api = Api::start().await;
    let conversation = api.conversation().await;
    api.answer(&conversation, "my name is Ada").await;
    assert!(
        api.answer(&conversation, "What did I say?")
            .await
            .contains("Ada")
    );
    let before = api.contents(&conversation).await;
    let path = format!("/v1/conversations/{conversation}/clear");
    let cleared = api.post(&path, json!({})).await;
    let section = cleared.data()["id"].clone();
    assert_eq!(cleared.data()["conversation_id"], *conversation);
    assert_eq!(
        api.answer(&conversation, "What did I say?").await,
        "You have not said anything before this."
    );
    let after = api.contents(&conversation).await;
    assert_eq!(after[..before.len()], before);
    let path = format!("/v1/conversation/retrieve?conversation_id={conversation}");
    assert_eq!(api.get(&path).await.data()["last_section_id"], section);
    let newest = api
        .post(
            &format!("/v1/conversation/message/list?conversation_id={conversation}"),
            json!({"limit": 1}),
        )
        .await;
    assert_eq!(newest.json["data"][0]["section_id"], section);
}

#[tokio::test]
async fn what_is_not_there() {
    let api = Api::start().await;
    for reply in [
        api.put("/v1/conversations/1", json!({"name": "x"})).await,
        api.delete("/v1/conversations/1").await,
        api.post("/v1/conversations/1/clear", json!({})).await,
        api.get("/v1/conversation/retrieve?conversation_id=1").await,
        api.post("/v1/conversation/message/list?conversation_id=1", json!({}))
            .await,
    ] {
        assert_eq!((reply.http, reply.code()), (200, 4001), "{}", reply.text);
    }
}

#[tokio::test]
async fn lists_are_sorted_as_documented_or_not_at_all() {
    let api = Api::start().await;
    let mut made = Vec::new();
    for _ in 0..2 {
        let body = json!({"bot_id": SCRIPTED_BOT});
        let reply = api.post("/v1/conversation/create", body).await;
        made.push(text(&reply.data()["id"]));
    }
    let path = format!("/v1/conversations?bot_id={SCRIPTED_BOT}");
    for (query, first) in [
        ("sort_order=ASC&sort_field=created_at", 0),
        ("sort_order=DESC", 1),
        ("sort_order=&sort_field=", 1),
    ] {
        let list = api.get(&format!("{path}&{query}")).await;
        assert_eq!(
            list.data()["conversations"][0]["id"],
            *made[first],
            "{query}"
        );
    }
    for (query, field) in [
        ("sort_order=asc", "sort_order"),
        ("sort_order=NEWEST", "sort_order"),
        ("sort_field=updated_at", "sort_field"),
    ] {
        let reply = api.get(&format!("{path}&{query}")).await;
        assert_eq!(reply.code(), 4000, "{}", reply.text);
        assert!(reply.msg().contains(field), "{}", reply.text);
    }
}

#[tokio::test]
async fn only_whoever_made_a_conversation_clears_and_rates_it() {
    let yaml = "
users: [{ id: \"7500000000000003001\", name: alice }]
spaces: [{ id: \"7500000000000004001\", name: team, members: [alice] }]
tokens: [of-local, { token: alice, user: alice }]
bots: [{ id: \"7500000000000000101\", name: Shared, space: team }]
";
    let api = crate::harness::Setup::with(yaml)
        .token("of-local")
        .start()
        .await;
    let body = json!({"bot_id": SCRIPTED_BOT});
    let made = api.post("/v1/conversation/create", body).await;
    let id = text(&made.data()["id"]);
    let chat = api.ask(&id, "hello").await;
    let answer = text(&api.messages(&chat).await[0]["id"]);
    let clear = format!("/v1/conversations/{id}/clear");
    let rate = format!("/v1/conversations/{id}/messages/{answer}/feedback");
    let like = json!({"feedback_type": "like"});
    // She is a member of the workspace: she reads it, and does not decide about it.
    let path = format!("/v1/conversation/retrieve?conversation_id={id}");
    assert_eq!(crate::people::get(&api, "alice", &path).await.code(), 0);
    for (method, path, body) in [
        (reqwest::Method::POST, &clear, json!({})),
        (reqwest::Method::POST, &rate, like.clone()),
        (reqwest::Method::DELETE, &rate, json!({})),
    ] {
        let reply = crate::people::with(&api, "alice", method, path, Some(body)).await;
        assert_eq!(reply.code(), 4101, "{path}: {}", reply.text);
        assert!(reply.msg().contains("only the creator"), "{}", reply.text);
    }
    assert_eq!(api.post(&rate, like).await.code(), 0);
    assert_eq!(api.post(&clear, json!({})).await.code(), 0);
}
