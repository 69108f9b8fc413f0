//! Callback apps: made, listed, changed, subscribed, and told.

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Api, Reply, Setup, text};
use crate::people::{get, post, with};
use crate::receiver::Receiver;

const CHANNEL: &str = "1056000000000000001";
const LAMPS: &str = "1056000000000000002";

const YAML: &str = r#"
allow_private_networks: true
users: [{ id: "7500000000000003001", name: alice }]
tokens: [of-local, { token: alice, user: alice }]
connectors:
  - { id: "1056000000000000001", name: Shelves }
  - { id: "1056000000000000002", name: Lamps, owner: alice }
"#;

async fn start() -> Api {
    Setup::with(YAML).token("of-local").start().await
}

async fn make(api: &Api, name: &str) -> String {
    let body = json!({"app_type": "normal", "name": name});
    text(&api.post("/v1/api_apps", body).await.data()["id"])
}

/// The ids on all pages.
async fn all(api: &Api, path: &str, key: &str) -> Vec<String> {
    let (mut ids, mut token) = (Vec::new(), String::new());
    loop {
        let reply = api.get(&format!("{path}&page_token={token}")).await;
        let data = reply.data();
        let items = data["items"].as_array().unwrap();
        ids.extend(items.iter().map(|it| text(&it[key])));
        assert_eq!(
            data["has_more"] == true,
            data["next_page_token"].is_string()
        );
        if data["has_more"] != true {
            return ids;
        }
        token = text(&data["next_page_token"]);
    }
}

async fn delete(api: &Api, path: &str, body: Option<Value>) -> Reply {
    with(api, "of-local", Method::DELETE, path, body).await
}

#[tokio::test]
async fn an_app_from_making_to_deleting() {
    let api = start().await;
    let body = json!({"app_type": "normal", "name": "hook"});
    let made = api.post("/v1/api_apps", body).await;
    let app = made.data().clone();
    let id = text(&app["id"]);
    assert!(text(&app["verify_token"]).len() >= 32, "{app}");
    assert_eq!(
        app,
        json!({"id": id, "app_type": "normal", "verify_token": app["verify_token"], "name": "hook"})
    );
    let path = format!("/v1/api_apps/{id}");
    let renamed = api.put(&path, json!({"name": "renamed"})).await;
    assert_eq!(renamed.code(), 0, "{}", renamed.text);
    let receiver = Receiver::start().await;
    let moved = api.put(&path, json!({"callback_url": receiver.url})).await;
    assert_eq!(moved.code(), 0, "{}", moved.text);
    // What is empty stays.
    api.put(&path, json!({"name": "", "callback_url": ""}))
        .await
        .data();

    let api = api.again(Setup::with(YAML).token("of-local")).await;
    let list = api.get("/v1/api_apps").await;
    assert_eq!(
        list.data(),
        &json!({"items": [{
            "id": id, "app_type": "normal", "verify_token": app["verify_token"],
            "name": "renamed", "callback_url": receiver.url,
        }], "has_more": false})
    );
    assert_eq!(delete(&api, &path, None).await.code(), 0);
    assert_eq!(delete(&api, &path, None).await.code(), 4200);
    assert_eq!(api.get("/v1/api_apps").await.data()["items"], json!([]));
}

#[tokio::test]
async fn lists_have_pages_that_stay_as_they_were() {
    let api = start().await;
    let mut made = Vec::new();
    for name in ["one", "two", "three", "four", "five"] {
        made.push(make(&api, name).await);
    }
    let body = json!({"app_type": "connector", "connector_id": CHANNEL});
    let of_channel = api.post("/v1/api_apps", body).await.data().clone();
    assert_eq!(
        (&of_channel["name"], &of_channel["connector_id"]),
        (&json!("Shelves"), &json!(CHANNEL))
    );
    let normal = "/v1/api_apps?app_type=normal&page_size=2";
    assert_eq!(all(&api, normal, "id").await, made);
    let connector = "/v1/api_apps?app_type=connector&page_size=2";
    assert_eq!(all(&api, connector, "id").await, [text(&of_channel["id"])]);
    assert_eq!(all(&api, "/v1/api_apps?page_size=2", "id").await.len(), 6);
    // What is removed meanwhile moves nothing to another page.
    let first = api.get(normal).await;
    let token = text(&first.data()["next_page_token"]);
    delete(&api, &format!("/v1/api_apps/{}", made[0]), None).await;
    let second = api.get(&format!("{normal}&page_token={token}")).await;
    let items = second.data()["items"].as_array().unwrap();
    let ids: Vec<String> = items.iter().map(|it| text(&it["id"])).collect();
    assert_eq!(ids, made[2..4]);
    // Another user has none.
    let list = get(&api, "alice", "/v1/api_apps").await;
    assert_eq!(list.data()["items"], json!([]));
}

#[tokio::test]
async fn subscriptions_are_added_listed_and_ended() {
    let api = start().await;
    let id = make(&api, "hook").await;
    let path = format!("/v1/api_apps/{id}/events");
    let events = ["bot.published", "benefit.usage", "bot.deleted"];
    for _ in 0..2 {
        let reply = api.post(&path, json!({"event_types": events})).await;
        assert_eq!(reply.code(), 0, "{}", reply.text);
    }
    let list = api.get(&path).await;
    assert_eq!(
        list.data()["items"][0],
        json!({
            "api_app_id": id, "name": "hook", "description": "", "event_type": "benefit.usage",
        })
    );
    let paged = format!("{path}?page_size=1");
    let sorted = ["benefit.usage", "bot.deleted", "bot.published"];
    assert_eq!(all(&api, &paged, "event_type").await, sorted);
    let some = json!({"event_types": ["bot.deleted", "bot.unpublished"]});
    assert_eq!(delete(&api, &path, Some(some)).await.code(), 0);
    let api = api.again(Setup::with(YAML).token("of-local")).await;
    assert_eq!(
        all(&api, &paged, "event_type").await,
        ["benefit.usage", "bot.published"]
    );
}

#[tokio::test]
async fn what_is_wrong_says_why() {
    let api = start().await;
    let id = make(&api, "hook").await;
    let of_channel = json!({"app_type": "connector", "connector_id": CHANNEL});
    let channel_app = api.post("/v1/api_apps", of_channel.clone()).await;
    let channel_app = text(&channel_app.data()["id"]);
    for (body, code, why) in [
        (json!({"name": "x"}), 4000, "app_type"),
        (json!({"app_type": "other", "name": "x"}), 4000, "app_type"),
        (json!({"app_type": "normal"}), 4000, "name"),
        (
            json!({"app_type": "normal", "name": "词".repeat(129)}),
            4000,
            "name",
        ),
        (json!({"app_type": "connector"}), 4000, "connector_id"),
        (
            json!({"app_type": "connector", "connector_id": "12"}),
            4200,
            "channel 12",
        ),
        (
            json!({"app_type": "connector", "connector_id": "1024"}),
            4101,
            "1024",
        ),
        (
            json!({"app_type": "connector", "connector_id": LAMPS}),
            4101,
            LAMPS,
        ),
        (of_channel, 4000, "already"),
    ] {
        let reply = api.post("/v1/api_apps", body).await;
        assert_eq!(reply.code(), code, "{why}: {}", reply.text);
        assert!(reply.msg().contains(why), "{why}: {}", reply.text);
    }
    for (query, why) in [
        ("app_type=other", "app_type"),
        ("page_size=0", "page_size"),
        ("page_token=x", "page_token"),
    ] {
        let reply = api.get(&format!("/v1/api_apps?{query}")).await;
        assert_eq!(reply.code(), 4000, "{}", reply.text);
        assert!(reply.msg().contains(why), "{}", reply.text);
    }
    let events = format!("/v1/api_apps/{id}/events");
    for body in [
        json!({}),
        json!({"event_types": []}),
        json!({"event_types": ["bot.published", "bot.born"]}),
    ] {
        for method in [Method::POST, Method::DELETE] {
            let reply = with(&api, "of-local", method, &events, Some(body.clone())).await;
            assert_eq!(reply.code(), 4000, "{}", reply.text);
            assert!(reply.msg().contains("event_types"), "{}", reply.text);
        }
    }
    let of_plugins = json!({"event_types": ["benefit.plugin.scale.expired"]});
    assert_eq!(api.post(&events, of_plugins.clone()).await.code(), 0);
    let path = format!("/v1/api_apps/{channel_app}/events");
    let reply = api.post(&path, of_plugins).await;
    assert_eq!(reply.code(), 4000);
    assert!(reply.msg().contains("of the type normal"), "{}", reply.text);
    let reply = api.get(&format!("{events}?page_token=x")).await;
    assert_eq!(reply.code(), 4000, "{}", reply.text);

    // Addresses: none, one that answers nothing of the kind, and one that nobody answers at.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let deaf = format!("http://{}/", listener.local_addr().unwrap());
    tokio::spawn(crate::knowledge::serve_page(listener, "text/plain", "hi"));
    for (url, why) in [
        ("nothing", "no address of the web"),
        ("ftp://example.com/", "no address of the web"),
        (deaf.as_str(), "url_verification"),
        ("http://127.0.0.1:1/", "cannot be reached"),
    ] {
        let body = json!({"callback_url": url});
        let reply = api.put(&format!("/v1/api_apps/{id}"), body).await;
        assert_eq!(reply.code(), 4000, "{}", reply.text);
        assert!(reply.msg().contains("callback_url"), "{}", reply.text);
        assert!(reply.msg().contains(why), "{}", reply.text);
    }
    let long = json!({"name": "词".repeat(129)});
    let reply = api.put(&format!("/v1/api_apps/{id}"), long).await;
    assert_eq!(reply.code(), 4000);

    // Somebody else's, and none.
    for (token, id, code) in [("alice", id.as_str(), 4101), ("of-local", "12", 4200)] {
        for (method, rest, body) in [
            (Method::PUT, "", Some(json!({"name": "taken"}))),
            (Method::DELETE, "", None),
            (
                Method::POST,
                "/events",
                Some(json!({"event_types": ["bot.deleted"]})),
            ),
            (Method::GET, "/events", None),
            (
                Method::DELETE,
                "/events",
                Some(json!({"event_types": ["bot.deleted"]})),
            ),
        ] {
            let path = format!("/v1/api_apps/{id}{rest}");
            let reply = with(&api, token, method, &path, body).await;
            assert_eq!(reply.code(), code, "{path}: {}", reply.text);
        }
    }
    assert_eq!(
        api.get("/v1/api_apps").await.data()["items"][0]["name"],
        "hook"
    );
}

#[tokio::test]
async fn private_addresses_are_not_called() {
    let yaml = YAML.replace("allow_private_networks: true\n", "");
    let api = Setup::with(&yaml).token("of-local").start().await;
    let id = make(&api, "hook").await;
    let receiver = Receiver::start().await;
    let body = json!({"callback_url": receiver.url});
    let reply = api.put(&format!("/v1/api_apps/{id}"), body).await;
    assert_eq!(reply.code(), 4000, "{}", reply.text);
    assert!(reply.msg().contains("private network"), "{}", reply.text);
}

#[tokio::test]
async fn the_account_hears_of_its_agents_and_of_what_they_use() {
    let api = start().await;
    let mut receiver = Receiver::start().await;
    let made = api
        .post(
            "/v1/api_apps",
            json!({"app_type": "normal", "name": "hook"}),
        )
        .await;
    let (id, token) = (text(&made.data()["id"]), text(&made.data()["verify_token"]));
    let path = format!("/v1/api_apps/{id}");
    api.put(&path, json!({"callback_url": receiver.url}))
        .await
        .data();
    let events = json!({"event_types": ["bot.published", "benefit.usage"]});
    api.post(&format!("{path}/events"), events).await.data();

    // What somebody else has in a space of their own is not heard of.
    let space = get(&api, "alice", "/v1/workspaces").await.data()["workspaces"][0].clone();
    let body = json!({"space_id": space["id"], "name": "Hers"});
    let hers = post(&api, "alice", "/v1/bot/create", body).await;
    let publish = |bot: &str| json!({"bot_id": bot, "connector_ids": ["1024"]});
    let hers = text(&hers.data()["bot_id"]);
    post(&api, "alice", "/v1/bot/publish", publish(&hers))
        .await
        .data();

    let bot = crate::bots::make(&api, json!({"description": "own"})).await;
    crate::bots::publish(&api, &bot).await;
    let event = receiver.next(&token).await.json;
    assert_eq!(event["header"]["event_type"], "bot.published");
    assert_eq!(event["header"]["api_app_id"], *id);
    assert_eq!(event["header"]["coze_account_id"], crate::bots::USER);
    assert_eq!(event["header"]["connector_id"], Value::Null);
    assert_eq!(event["event"]["bot_id"].to_string(), bot);
    assert_eq!(event["event"]["bot_name"], "Maker");

    let body = crate::space::chat_with(&bot, "hello");
    let chat = api.post("/v3/chat", body).await.data().clone();
    let ended = api
        .ended(&text(&chat["conversation_id"]), &text(&chat["id"]))
        .await;
    let bill = receiver.next(&token).await.json;
    assert_eq!(bill["header"]["event_type"], "benefit.usage");
    let it = &bill["event"];
    assert_eq!(it["record_root_id"], chat["id"]);
    assert_eq!(it["root_entity_id"], *bot);
    assert_eq!(
        (
            &it["root_entity_type"],
            &it["resource_type"],
            &it["balance_type"]
        ),
        (&json!(1), &json!(1), &json!(2))
    );
    assert_eq!(
        (&it["model_input_token"], &it["model_output_token"]),
        (
            &ended["usage"]["input_count"],
            &ended["usage"]["output_count"]
        )
    );
    assert!(ended["usage"]["token_count"].as_i64().unwrap() > 0);
    assert_eq!(it["connector_uid"], "ada");

    // One that has ended its subscription hears of nothing more.
    let events = json!({"event_types": ["bot.published", "benefit.usage"]});
    delete(&api, &format!("{path}/events"), Some(events)).await;
    crate::bots::publish(&api, &bot).await;
    assert!(receiver.is_idle());
}
