//! Channels of one's own: adding them, devices, publishing to them, and reviews.

use serde_json::{Value, json};

use crate::harness::{Api, Reply, Setup, text};
use crate::people::{get, post};
use crate::receiver::Receiver;
use crate::space::chat_with;

const CHANNEL: &str = "1056000000000000001";
const OTHER: &str = "1056000000000000002";
const TEAM: &str = "7500000000000004001";

/// The local user makes agents in a workspace; the channel is that of Carol, who is no member.
const YAML: &str = r#"
allow_private_networks: true
users: [{ id: "7500000000000003003", name: carol }]
spaces: [{ id: "7500000000000004001", name: team }]
tokens: [of-local, { token: carol, user: carol }]
connectors:
  - { id: "1056000000000000001", name: Lamps, owner: carol }
  - { id: "1056000000000000002", name: Shelves }
"#;

async fn start() -> Api {
    Setup::with(YAML).token("of-local").start().await
}

async fn make(api: &Api) -> String {
    let body = json!({
        "space_id": TEAM, "name": "Lamp", "description": "shines",
        "prompt_info": {"prompt": "one"},
    });
    text(&api.post("/v1/bot/create", body).await.data()["bot_id"])
}

async fn install(api: &Api, channel: &str) {
    let path = format!("/v1/connectors/{channel}/install");
    let reply = api.post(&path, json!({"workspace_id": TEAM})).await;
    assert_eq!(reply.code(), 0, "{}", reply.text);
}

async fn publish(api: &Api, bot: &str, settings: Value) -> Reply {
    let body = json!({
        "bot_id": bot, "connector_ids": ["1024", CHANNEL], "connectors": {CHANNEL: settings},
    });
    api.post("/v1/bot/publish", body).await
}

async fn review(api: &Api, token: &str, bot: &str, body: Value) -> Reply {
    let path = format!("/v1/connectors/{CHANNEL}/bots/{bot}");
    crate::people::with(api, token, reqwest::Method::PUT, &path, Some(body)).await
}

/// What the lists, the agent and a chat say about an agent in the channel: whether it is listed,
/// the version that is shown, and why a chat is refused.
async fn seen(api: &Api, bot: &str) -> (bool, Value, String) {
    let path = format!("/v1/bots?workspace_id={TEAM}&connector_id={CHANNEL}");
    let list = api.get(&path).await;
    let items = list.data()["items"].as_array().unwrap();
    let listed = items.iter().any(|it| it["id"] == bot);
    let path = format!("/v1/bots/{bot}?is_published=true&connector_id={CHANNEL}");
    let version = api.get(&path).await.json["data"]["version"].clone();
    let mut body = chat_with(bot, "hello");
    body["connector_id"] = CHANNEL.into();
    let chat = api.post("/v3/chat", body).await;
    (listed, version, chat.msg().to_owned())
}

/// The callback app of the channel, subscribed; its token.
async fn hook(api: &Api, receiver: &Receiver, token: &str) -> (String, String) {
    let body = json!({"app_type": "connector", "connector_id": CHANNEL});
    let app = post(api, token, "/v1/api_apps", body).await;
    let id = text(&app.data()["id"]);
    let secret = text(&app.data()["verify_token"]);
    assert_eq!(app.data()["name"], "Lamps");
    let body = json!({"callback_url": receiver.url});
    let path = format!("/v1/api_apps/{id}");
    let put = reqwest::Method::PUT;
    let changed = crate::people::with(api, token, put, &path, Some(body)).await;
    assert_eq!(changed.code(), 0, "{}", changed.text);
    let body = json!({"event_types": ["bot.published"]});
    let path = format!("/v1/api_apps/{id}/events");
    assert_eq!(post(api, token, &path, body).await.code(), 0);
    (id, secret)
}

/// Waits until the channel has decided.
async fn decided(api: &Api, bot: &str) -> (bool, Value, String) {
    crate::harness::within(async {
        loop {
            if !seen(api, bot).await.2.contains("under review") {
                // Once more: the list was asked before the chat.
                return seen(api, bot).await;
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    })
    .await
}

#[tokio::test]
async fn an_agent_goes_to_a_channel_that_was_added() {
    let api = start().await;
    let bot = make(&api).await;
    let refused = publish(&api, &bot, json!({})).await;
    assert_eq!(refused.code(), 4000);
    assert!(
        refused.msg().contains("is not in the workspace"),
        "{}",
        refused.text
    );
    install(&api, CHANNEL).await;
    // Again changes nothing.
    install(&api, CHANNEL).await;
    let version = text(&publish(&api, &bot, json!({})).await.data()["version"]);
    // Nobody reviews it, so it is there.
    assert_eq!(
        seen(&api, &bot).await,
        (true, version.clone().into(), String::new())
    );
    // What is where survives the server.
    let api = api.again(Setup::with(YAML).token("of-local")).await;
    assert_eq!(
        seen(&api, &bot).await,
        (true, version.into(), String::new())
    );
    assert_eq!(publish(&api, &bot, json!({})).await.code(), 0);

    // The channel sends it away, though its owner is no member of the workspace.
    let path = format!("/v1/bots/{bot}/unpublish");
    let body = json!({"connector_id": CHANNEL, "unpublish_reason": "too bright"});
    let other = json!({"connector_id": "1024"});
    assert_eq!(post(&api, "carol", &path, other).await.code(), 4101);
    assert_eq!(post(&api, "carol", &path, body.clone()).await.code(), 0);
    let (listed, _, why) = seen(&api, &bot).await;
    assert!(!listed && why.contains("has not been published"), "{why}");
    assert_eq!(post(&api, "carol", &path, body).await.code(), 4015);
}

#[tokio::test]
async fn a_review_says_what_becomes_of_an_agent() {
    let api = start().await;
    let bot = make(&api).await;
    install(&api, CHANNEL).await;
    let first = text(&publish(&api, &bot, json!({})).await.data()["version"]);
    for (status, listed, expected) in [
        (json!({"audit_status": 1}), false, "is under review"),
        (
            json!({"audit_status": 3, "reason": "no policy"}),
            false,
            "no policy",
        ),
        (json!({"audit_status": 2}), true, ""),
    ] {
        let reply = review(&api, "carol", &bot, status).await;
        assert_eq!(reply.code(), 0, "{}", reply.text);
        let seen = seen(&api, &bot).await;
        assert_eq!(seen.0, listed);
        let path = format!("/v1/bots/{bot}/versions?connector_id={CHANNEL}");
        assert_eq!(api.get(&path).await.data()["total"], i64::from(listed));
        assert!(seen.2.contains(expected), "{}", seen.2);
    }
    assert_eq!(seen(&api, &bot).await.1, first);
    // In the channel of the API nothing has changed.
    let path = format!("/v1/bots/{bot}?is_published=true");
    assert_eq!(api.get(&path).await.data()["version"], *first);

    let rejected = json!({"audit_status": 3, "reason": "x"});
    let bot = bot.as_str();
    for (token, channel, bot, body, code, why) in [
        ("carol", CHANNEL, bot, json!({}), 4000, "audit_status"),
        (
            "carol",
            CHANNEL,
            bot,
            json!({"audit_status": null}),
            4000,
            "audit_status",
        ),
        (
            "carol",
            CHANNEL,
            bot,
            json!({"audit_status": 4}),
            4000,
            "4 is none of",
        ),
        (
            "carol",
            CHANNEL,
            bot,
            json!({"audit_status": 3}),
            4000,
            "reason",
        ),
        (
            "carol",
            CHANNEL,
            bot,
            json!({"audit_status": 3, "reason": " "}),
            4000,
            "reason",
        ),
        (
            "carol",
            CHANNEL,
            bot,
            json!({"audit_status": 3, "reason": "x".repeat(1025)}),
            4000,
            "reason",
        ),
        (
            "of-local",
            CHANNEL,
            bot,
            rejected.clone(),
            4101,
            "does not belong",
        ),
        (
            "of-local",
            "1024",
            bot,
            rejected.clone(),
            4101,
            "does not belong",
        ),
        (
            "carol",
            "12",
            bot,
            rejected.clone(),
            4200,
            "channel 12 does not exist",
        ),
        (
            "carol",
            CHANNEL,
            "12",
            rejected.clone(),
            4200,
            "bot 12 does not exist",
        ),
        (
            "carol",
            CHANNEL,
            crate::space::DEMO_BOT,
            rejected.clone(),
            4000,
            "coze.yaml",
        ),
        // Of the channel, but not published there.
        (
            "of-local",
            OTHER,
            bot,
            rejected.clone(),
            4015,
            "has not been published",
        ),
    ] {
        let path = format!("/v1/connectors/{channel}/bots/{bot}");
        let put = reqwest::Method::PUT;
        let reply = crate::people::with(&api, token, put, &path, Some(body)).await;
        assert_eq!(reply.code(), code, "{why}: {}", reply.text);
        assert!(reply.msg().contains(why), "{why}: {}", reply.text);
    }
}

#[tokio::test]
async fn the_callback_app_of_a_channel_reviews_agents() {
    let api = start().await;
    let bot = make(&api).await;
    install(&api, CHANNEL).await;
    let mut receiver = Receiver::start().await;
    let (app, token) = hook(&api, &receiver, "carol").await;

    receiver.answer(200, &json!({"audit": {"audit_status": 2}}));
    let first = text(&publish(&api, &bot, json!({})).await.data()["version"]);
    let event = receiver.next(&token).await.json;
    let id = text(&event["header"]["event_id"]);
    let created = event["header"]["created_at"].as_i64().unwrap();
    assert!(created > 1_700_000_000_000, "{created}");
    let bot_number: i64 = bot.parse().unwrap();
    assert_eq!(
        event,
        json!({
            "header": {
                "event_type": "bot.published", "event_id": id, "created_at": created,
                "coze_account_id": "7500000000000000002", "api_app_id": app,
                "connector_id": CHANNEL,
            },
            "event": {
                "user_id": 7_500_000_000_000_000_002_i64, "bot_id": bot_number,
                "bot_name": "Lamp", "description": "shines",
            },
        })
    );
    let approved = (true, Value::from(first.clone()), String::new());
    assert_eq!(decided(&api, &bot).await, approved);

    // Another version waits, and the one before stays.
    receiver.answer(200, &json!({"audit": {"audit_status": 1, "reason": ""}}));
    let second = text(&publish(&api, &bot, json!({})).await.data()["version"]);
    receiver.next(&token).await;
    assert_eq!(seen(&api, &bot).await, approved);
    assert_eq!(
        review(&api, "carol", &bot, json!({"audit_status": 2}))
            .await
            .code(),
        0
    );
    assert_eq!(
        seen(&api, &bot).await,
        (true, second.clone().into(), String::new())
    );

    // A refusal, and an answer that is none: the version before stays until it is sent away.
    for answer in [
        json!({"audit": {"audit_status": 3, "reason": "too bright"}}),
        json!({"ok": true}),
    ] {
        receiver.answer(200, &answer);
        publish(&api, &bot, json!({})).await.data();
        receiver.next(&token).await;
        assert_eq!(seen(&api, &bot).await.1, *second);
    }
    let path = format!("/v1/bots/{bot}/unpublish");
    api.post(&path, json!({"connector_id": CHANNEL}))
        .await
        .data();
    receiver.answer(
        200,
        &json!({"audit": {"audit_status": 3, "reason": "too bright"}}),
    );
    publish(&api, &bot, json!({})).await.data();
    receiver.next(&token).await;
    let (listed, _, why) = decided(&api, &bot).await;
    assert!(!listed && why.contains("too bright"), "{why}");

    // One that fails is sent again, with the same id.
    receiver.answer(500, &json!({}));
    receiver.answer(200, &json!({"audit": {"audit_status": 2}}));
    publish(&api, &bot, json!({})).await.data();
    let tried = receiver.next(&token).await;
    let again = receiver.next(&token).await;
    assert_eq!(tried.body, again.body);
    assert_ne!(tried.nonce, again.nonce);
    assert!(decided(&api, &bot).await.0);
    assert!(receiver.is_idle());
}

#[tokio::test]
async fn an_event_that_could_not_be_sent_outlives_the_server() {
    let api = start().await;
    let bot = make(&api).await;
    install(&api, CHANNEL).await;
    let mut receiver = Receiver::start().await;
    let (_, token) = hook(&api, &receiver, "carol").await;
    receiver.answer(503, &json!({}));
    publish(&api, &bot, json!({})).await.data();
    let tried = receiver.next(&token).await;
    let folder = api.stop().await;
    let data = folder.path().join("data");
    receiver.answer(200, &json!({"audit": {"audit_status": 2}}));
    let api = Setup::with(YAML)
        .token("of-local")
        .data(&data)
        .start()
        .await;
    assert_eq!(receiver.next(&token).await.body, tried.body);
    assert!(decided(&api, &bot).await.0);
}

#[tokio::test]
async fn devices_are_bound_and_named() {
    let api = start().await;
    let bot = make(&api).await;
    install(&api, CHANNEL).await;
    let lamp = json!([{"key": "device_id", "enums": [{"label": "lamp", "value": "d-1"}]}]);
    let path = format!("/v1/connectors/{CHANNEL}/user_configs");
    // Nothing is bound, so that a setting is the channel's own business.
    let named = json!({"device_id": "\"d-2\"", "mood": "{\"any\": 1}"});
    publish(&api, &bot, named.clone()).await.data();
    // By the channel for the maker, and by the maker.
    let body = json!({"configs": lamp, "user_id": "7500000000000000002"});
    assert_eq!(post(&api, "carol", &path, body).await.code(), 0);
    let reply = publish(&api, &bot, named.clone()).await;
    assert_eq!(reply.code(), 4000);
    assert!(
        reply.msg().contains("\"d-2\" is no device"),
        "{}",
        reply.text
    );
    let two = json!([{"key": "device_id", "enums": [{"label": "two", "value": "d-2"}, {"label": "lamp!", "value": "d-1"}]}]);
    assert_eq!(api.post(&path, json!({"configs": two})).await.code(), 0);
    publish(&api, &bot, named).await.data();
    let both = json!({"device_id": "[\"d-1\", \"d-2\"]"});
    publish(&api, &bot, both).await.data();

    let one = |key: &str, label: &str, value: &str| json!([{"key": key, "enums": [{"label": label, "value": value}]}]);
    for (token, channel, body, code, why) in [
        ("of-local", CHANNEL, json!({"configs": []}), 4000, "configs"),
        ("of-local", CHANNEL, json!({}), 4000, "configs"),
        (
            "of-local",
            CHANNEL,
            json!({"configs": one("", "a", "b")}),
            4000,
            "configs[0].key",
        ),
        (
            "of-local",
            CHANNEL,
            json!({"configs": [{"key": "k", "enums": []}]}),
            4000,
            "configs[0].enums",
        ),
        (
            "of-local",
            CHANNEL,
            json!({"configs": one("k", "", "b")}),
            4000,
            "configs[0].enums[0].label",
        ),
        (
            "of-local",
            CHANNEL,
            json!({"configs": one("k", "a", "")}),
            4000,
            "configs[0].enums[0].value",
        ),
        (
            "of-local",
            "1024",
            json!({"configs": lamp}),
            4000,
            "channel of Coze",
        ),
        (
            "of-local",
            "12",
            json!({"configs": lamp}),
            4200,
            "channel 12",
        ),
        (
            "of-local",
            CHANNEL,
            json!({"configs": lamp, "user_id": "7500000000000003003"}),
            4101,
            "another user",
        ),
        (
            "carol",
            CHANNEL,
            json!({"configs": lamp, "user_id": "12"}),
            4200,
            "user 12",
        ),
    ] {
        let path = format!("/v1/connectors/{channel}/user_configs");
        let reply = post(&api, token, &path, body).await;
        assert_eq!(reply.code(), code, "{why}: {}", reply.text);
        assert!(reply.msg().contains(why), "{why}: {}", reply.text);
    }
}

#[tokio::test]
async fn what_cannot_be_added_or_published_says_why() {
    let api = start().await;
    let bot = make(&api).await;
    for (channel, body, code, why) in [
        (CHANNEL, json!({}), 4000, "workspace_id"),
        (CHANNEL, json!({"workspace_id": "12"}), 4101, "workspace 12"),
        ("12", json!({"workspace_id": TEAM}), 4200, "channel 12"),
    ] {
        let path = format!("/v1/connectors/{channel}/install");
        let reply = api.post(&path, body).await;
        assert_eq!(reply.code(), code, "{why}: {}", reply.text);
        assert!(reply.msg().contains(why), "{why}: {}", reply.text);
    }
    // A channel of Coze can be added, and is not one that a call publishes to.
    install(&api, "10000011").await;
    for (channel, why) in [
        ("10000011", "no call publishes to"),
        ("12", "there is no channel 12"),
    ] {
        let body = json!({"bot_id": bot, "connector_ids": ["1024", channel]});
        let reply = api.post("/v1/bot/publish", body).await;
        assert_eq!(reply.code(), 4000, "{}", reply.text);
        assert!(reply.msg().contains(why), "{}", reply.text);
    }
    // Carol is no member of the workspace, so she sees nothing of it.
    let path = format!("/v1/connectors/{OTHER}/install");
    let reply = post(&api, "carol", &path, json!({"workspace_id": TEAM})).await;
    assert_eq!(reply.code(), 4101);
    let path = format!("/v1/bots?workspace_id={TEAM}&connector_id={CHANNEL}");
    assert_eq!(get(&api, "carol", &path).await.code(), 4101);
}

#[test]
fn channels_of_the_file_are_checked() {
    let folder = tempfile::tempdir().unwrap();
    for (yaml, expected) in [
        ("{ id: \"1024\", name: x }", "channel of Coze"),
        ("{ id: \"77\", name: \"\" }", "the name is empty"),
        ("{ id: \"77\", name: x, owner: nobody }", "nobody"),
        (
            "{ id: \"77\", name: x }, { id: \"77\", name: y }",
            "stands twice",
        ),
        ("{ id: x, name: x }", "not a number"),
        ("{ id: \"77\", name: x, colour: red }", "colour"),
    ] {
        let yaml = format!("connectors: [{yaml}]\n");
        let error = crate::harness::load(folder.path(), &yaml).unwrap_err();
        let error = error.to_string();
        assert!(error.contains(expected), "{expected}: {error}");
        assert!(error.contains("coze.yaml:1:"), "{error}");
    }
}
