//! Messages of conversations: paging, changing, deleting, rating.

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::harness::{Api, normal, text};

async fn write(api: &Api, conversation: &str, content: &str) -> String {
    let path = format!("/v1/conversation/message/create?conversation_id={conversation}");
    let body = json!({"role": "user", "content": content, "content_type": "text"});
    text(&api.post(&path, body).await.data()["id"])
}

async fn page(api: &Api, conversation: &str, body: Value) -> (Vec<String>, Value) {
    let path = format!("/v1/conversation/message/list?conversation_id={conversation}");
    let reply = api.post(&path, body).await;
    reply.data();
    let ids: Vec<_> = reply.json["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| text(&it["id"]))
        .collect();
    let ends = [ids.first(), ids.last()].map(|it| it.map_or("0", String::as_str));
    assert_eq!([&reply.json["first_id"], &reply.json["last_id"]], ends);
    (ids, reply.json)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_are_complete_and_have_nothing_twice() {
    let api = Api::start().await;
    let conversation = api.conversation().await;
    let mut all = Vec::new();
    for number in 0..120 {
        all.push(write(&api, &conversation, &number.to_string()).await);
    }
    let newest_first: Vec<_> = all.iter().rev().cloned().collect();
    for (order, expected) in [("asc", &all), ("desc", &newest_first)] {
        for limit in [1, 7, 50] {
            // Forwards, while new messages come.
            let (mut seen, mut after) = (Vec::new(), "0".to_owned());
            let mut rounds = 0;
            loop {
                let body = json!({"order": order, "limit": limit, "after_id": after});
                let (ids, reply) = page(&api, &conversation, body).await;
                seen.extend(ids);
                if seen.len() >= 120 || reply["has_more"] == false {
                    break;
                }
                after = text(&reply["last_id"]);
                rounds += 1;
                if order == "desc" && limit == 7 && rounds % 5 == 0 {
                    write(&api, &api.conversation().await, "elsewhere").await;
                }
            }
            assert_eq!(&seen, expected, "{order} {limit}");
            // And back again from the end.
            let (mut seen, mut before) = (Vec::new(), expected.last().unwrap().clone());
            loop {
                let body = json!({"order": order, "limit": limit, "before_id": before});
                let (ids, reply) = page(&api, &conversation, body).await;
                before = text(&reply["first_id"]);
                seen.splice(0..0, ids);
                if reply["has_more"] == false {
                    break;
                }
            }
            assert_eq!(seen, expected[..119], "back: {order} {limit}");
        }
    }
    // Between two, without the two; newest first unless it is said otherwise.
    let between = json!({"order": "asc", "after_id": all[10], "before_id": all[15]});
    assert_eq!(page(&api, &conversation, between).await.0, all[11..15]);
    let between = json!({"after_id": all[15], "before_id": all[10]});
    assert_eq!(
        page(&api, &conversation, between).await.0,
        newest_first[105..109]
    );
    assert_eq!(
        page(&api, &conversation, json!({})).await.0,
        newest_first[..50]
    );
    // Larger limits are cut, and empty ids are none.
    let body = json!({"limit": 1000, "after_id": "", "before_id": "0", "chat_id": ""});
    assert_eq!(page(&api, &conversation, body).await.0.len(), 50);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_stay_as_they_are_while_new_messages_come() {
    let api = Api::start().await;
    let conversation = api.conversation().await;
    let mut all = Vec::new();
    for number in 0..60 {
        all.push(write(&api, &conversation, &number.to_string()).await);
    }
    // Backwards in time: what comes behind the first page is not seen and moves nothing.
    let (mut seen, mut after) = (Vec::new(), "0".to_owned());
    loop {
        let (ids, reply) = page(&api, &conversation, json!({"limit": 10, "after_id": after})).await;
        seen.extend(ids);
        after = text(&reply["last_id"]);
        write(&api, &conversation, "new").await;
        if reply["has_more"] == false {
            break;
        }
    }
    all.reverse();
    assert_eq!(seen, all);
    // Forwards in time, whoever follows sees the new ones too, each once.
    let (mut seen, mut after, mut added) = (Vec::new(), "0".to_owned(), 0);
    loop {
        let body = json!({"order": "asc", "limit": 10, "after_id": after});
        let (ids, reply) = page(&api, &conversation, body).await;
        seen.extend(ids);
        after = text(&reply["last_id"]);
        if added < 3 {
            write(&api, &conversation, "newer").await;
            added += 1;
        } else if reply["has_more"] == false {
            break;
        }
    }
    assert_eq!(seen.len(), 69);
    assert!(seen.is_sorted());
}

#[tokio::test]
async fn lists_can_be_cut_to_a_chat_and_show_what_lies_between() {
    let api = Api::start().await;
    let conversation = api.conversation().await;
    api.ask(&conversation, "hello").await;
    let chat = api.ask(&conversation, "12*34").await;
    let path = format!("/v1/conversation/message/list?conversation_id={conversation}");
    let kinds = |reply: crate::harness::Reply| -> Vec<String> {
        reply.json["data"]
            .as_array()
            .unwrap()
            .iter()
            .map(|it| text(&it["type"]))
            .collect()
    };
    let body = json!({"order": "asc", "chat_id": chat["id"]});
    assert_eq!(kinds(api.post(&path, body).await), ["question", "answer"]);
    let body = json!({"order": "asc", "chat_id": chat["id"], "include_middle_message": true});
    assert_eq!(
        kinds(api.post(&path, body).await),
        [
            "question",
            "function_call",
            "tool_response",
            "answer",
            "verbose"
        ]
    );
    assert_eq!(
        kinds(api.post(&path, json!({"chat_id": "1"})).await),
        [""; 0]
    );
    for (body, field) in [
        (json!({"order": "up"}), "order"),
        (json!({"limit": 0}), "limit"),
        (json!({"limit": -5}), "limit"),
        (json!({"limit": "many"}), "limit"),
        (
            json!({"include_middle_message": 1}),
            "include_middle_message",
        ),
    ] {
        let reply = api.post(&path, body).await;
        assert_eq!(reply.code(), 4000);
        assert!(reply.msg().contains(field), "{}", reply.msg());
    }
}

#[tokio::test]
async fn a_message_from_making_to_deleting() {
    let api = Api::start().await;
    let conversation = api.conversation().await;
    let path =
        |call: &str| format!("/v1/conversation/message/{call}?conversation_id={conversation}");
    let body =
        json!({"role": "user", "content": "one", "content_type": "text", "meta_data": {"a": "b"}});
    let made = api.post(&path("create"), body).await;
    let id = text(&made.data()["id"]);
    let with = |call: &str| format!("{}&message_id={id}", path(call));
    let steps = [
        made,
        api.get(&with("retrieve")).await,
        api.post(
            &with("modify"),
            json!({"content": "two", "content_type": "text"}),
        )
        .await,
        api.post(&with("modify"), json!({"meta_data": {"c": "d"}}))
            .await,
        api.post(&with("delete"), json!({})).await,
        api.get(&with("retrieve")).await,
    ];
    let seen: Vec<_> = steps.into_iter().map(|it| it.text).collect();
    assert_snapshot!(normal(&seen.join("\n")), @r#"
            {"code":0,"msg":"","data":{"id":"<id:1>","conversation_id":"<id:2>","role":"user","type":"","content":"one","content_type":"text","meta_data":{"a":"b"},"section_id":"<id:3>","created_at":<time>,"updated_at":<time>},"detail":{"logid":"<logid>"}}
            {"code":0,"msg":"","data":{"id":"<id:1>","conversation_id":"<id:2>","role":"user","type":"","content":"one","content_type":"text","meta_data":{"a":"b"},"section_id":"<id:3>","created_at":<time>,"updated_at":<time>},"detail":{"logid":"<logid>"}}
            {"code":0,"msg":"","message":{"id":"<id:1>","conversation_id":"<id:2>","role":"user","type":"","content":"two","content_type":"text","meta_data":{"a":"b"},"section_id":"<id:3>","created_at":<time>,"updated_at":<time>},"detail":{"logid":"<logid>"}}
            {"code":0,"msg":"","message":{"id":"<id:1>","conversation_id":"<id:2>","role":"user","type":"","content":"two","content_type":"text","meta_data":{"c":"d"},"section_id":"<id:3>","created_at":<time>,"updated_at":<time>},"detail":{"logid":"<logid>"}}
            {"code":0,"msg":"","data":{"id":"<id:1>","conversation_id":"<id:2>","role":"user","type":"","content":"two","content_type":"text","meta_data":{"c":"d"},"section_id":"<id:3>","created_at":<time>,"updated_at":<time>},"detail":{"logid":"<logid>"}}
            {"code":4005,"msg":"the message <id:1> does not exist","detail":{"logid":"<logid>"}}
            "#);
}

#[tokio::test]
async fn what_cannot_be_changed() {
    let api = Api::start().await;
    let conversation = api.conversation().await;
    let message = write(&api, &conversation, "one").await;
    let path = |message: &str| {
        format!(
            "/v1/conversation/message/modify?conversation_id={conversation}&message_id={message}"
        )
    };
    for (body, code, field) in [
        (json!({}), 4000, "content"),
        (json!({"content": null, "meta_data": null}), 4000, "content"),
        (
            json!({"content": "", "content_type": "text"}),
            4000,
            "content",
        ),
        (json!({"content": "x"}), 4000, "content_type"),
        (
            json!({"content": "x", "content_type": "card"}),
            4000,
            "content_type",
        ),
        (
            json!({"content": "x", "content_type": "object_string"}),
            4000,
            "content",
        ),
        (
            json!({"content": "x".repeat(1_000_001), "content_type": "text"}),
            4000,
            "content",
        ),
        (json!({"meta_data": {"": "x"}}), 4003, "meta_data"),
    ] {
        let reply = api.post(&path(&message), body).await;
        assert_eq!(reply.code(), code, "{field}: {}", reply.text.len());
        assert!(reply.msg().contains(field), "{}", reply.msg());
    }
    assert_eq!(api.contents(&conversation).await, ["one"]);
    let body = json!({"content": "x", "content_type": "text"});
    assert_eq!(api.post(&path("1"), body.clone()).await.code(), 4005);
    // It must be of the conversation.
    let other = api.conversation().await;
    let foreign =
        format!("/v1/conversation/message/modify?conversation_id={other}&message_id={message}");
    assert_eq!(api.post(&foreign, body).await.code(), 4005);
}

#[tokio::test]
async fn deleting_an_answer_takes_what_lies_between_with_it() {
    let api = Api::start().await;
    let conversation = api.conversation().await;
    let chat = api.ask(&conversation, "12*34").await;
    let messages = api.messages(&chat).await;
    let id = |kind: &str| {
        let messages = messages.as_array().unwrap();
        text(&messages.iter().find(|it| it["type"] == kind).unwrap()["id"])
    };
    let delete = |message: String| {
        let path = format!(
            "/v1/conversation/message/delete?conversation_id={conversation}&message_id={message}"
        );
        let api = &api;
        async move { api.post(&path, json!({})).await }
    };
    let reply = delete(id("function_call")).await;
    assert_eq!(reply.code(), 4000);
    assert!(reply.msg().contains("message_id"), "{}", reply.msg());
    assert_eq!(
        delete(id("answer")).await.data()["content"],
        "The result is 408."
    );
    assert_eq!(delete(id("answer")).await.code(), 4005);
    assert_eq!(api.messages(&chat).await, json!([]));
    // The question is the user's, and stays.
    assert_eq!(api.contents(&conversation).await, ["12*34"]);
}

#[tokio::test]
async fn ratings() {
    let api = Api::start().await;
    let conversation = api.conversation().await;
    let chat = api.ask(&conversation, "hello").await;
    let answer = text(&api.messages(&chat).await[0]["id"]);
    let verbose = text(&api.messages(&chat).await[1]["id"]);
    let question = text(&chat["inserted_additional_messages"][0]["id"]);
    let path =
        |message: &str| format!("/v1/conversations/{conversation}/messages/{message}/feedback");
    for (body, field) in [
        (json!({}), "feedback_type"),
        (json!({"feedback_type": "love"}), "feedback_type"),
        (
            json!({"feedback_type": "like", "reason_types": vec!["x"; 11]}),
            "reason_types",
        ),
        (
            json!({"feedback_type": "like", "reason_types": ["ok", "词".repeat(31)]}),
            "reason_types[1]",
        ),
        (
            json!({"feedback_type": "like", "comment": "词".repeat(251)}),
            "comment",
        ),
    ] {
        let reply = api.post(&path(&answer), body).await;
        assert_eq!(reply.code(), 4000, "{field}");
        assert!(reply.msg().contains(field), "{field}: {}", reply.msg());
    }
    let full = json!({"feedback_type": "unlike", "reason_types": vec!["词".repeat(30); 10], "comment": "词".repeat(250)});
    let reply = api.post(&path(&answer), full).await;
    assert_eq!(
        normal(&reply.text),
        r#"{"code":0,"msg":"","detail":{"logid":"<logid>"}}"#
    );
    // The last one counts, and taking it back twice is no failure.
    api.post(
        &path(&answer),
        json!({"feedback_type": "like", "reason_types": null, "comment": null}),
    )
    .await
    .data();
    api.delete(&path(&answer)).await.data();
    api.delete(&path(&answer)).await.data();
    let like = json!({"feedback_type": "like"});
    assert_eq!(api.post(&path(&question), like.clone()).await.code(), 4000);
    assert_eq!(api.post(&path(&verbose), like.clone()).await.code(), 4000);
    assert_eq!(api.post(&path("1"), like.clone()).await.code(), 4005);
    let elsewhere = format!(
        "/v1/conversations/{}/messages/{answer}/feedback",
        api.conversation().await
    );
    assert_eq!(api.post(&elsewhere, like).await.code(), 4005);
    assert_eq!(api.delete(&elsewhere).await.code(), 4005);
}

#[tokio::test]
async fn only_texts_that_a_chat_answered_are_rated() {
    let api = Api::start().await;
    let body = json!({"messages": [
        {"role": "assistant", "type": "answer", "content": "by hand", "content_type": "text"},
    ]});
    let made = api.post("/v1/conversation/create", body).await;
    let conversation = text(&made.data()["id"]);
    let path = format!("/v1/conversation/message/list?conversation_id={conversation}");
    let list = api.post(&path, json!({})).await;
    let message = text(&list.json["data"][0]["id"]);
    let path = format!("/v1/conversations/{conversation}/messages/{message}/feedback");
    let reply = api.post(&path, json!({"feedback_type": "like"})).await;
    assert_eq!(reply.code(), 4000, "{}", reply.text);
    assert!(reply.msg().contains("added by a call"), "{}", reply.text);
}
