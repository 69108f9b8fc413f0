//! Agents made through the API: drafts, versions, channels, and who may change them.

use serde_json::{Value, json};

use crate::harness::{Api, Setup, text};
use crate::peer::Peer;
use crate::space::{DEMO_BOT, GREET, SCRIPTED_BOT, chat_with};

pub(crate) const SPACE: &str = "7500000000000000003";
pub(crate) const USER: &str = "7500000000000000002";

/// Makes an agent; its id.
pub(crate) async fn make(api: &Api, rest: Value) -> String {
    let mut body = json!({"space_id": SPACE, "name": "Maker"});
    for (key, value) in rest.as_object().unwrap() {
        body[key] = value.clone();
    }
    text(&api.post("/v1/bot/create", body).await.data()["bot_id"])
}

/// Publishes an agent to the API; the version.
pub(crate) async fn publish(api: &Api, bot: &str) -> String {
    let body = json!({"bot_id": bot, "connector_ids": ["1024"]});
    let reply = api.post("/v1/bot/publish", body).await;
    assert_eq!(reply.data()["bot_id"], bot);
    text(&reply.data()["version"])
}

pub(crate) fn prompt(text: &str) -> Value {
    json!({"prompt_info": {"prompt": text}})
}

/// What an agent says its prompt is, in a chat that is asked for so.
async fn told(api: &Api, bot: &str, how: Value) -> String {
    let mut body = chat_with(bot, "What is your prompt?");
    for (key, value) in how.as_object().unwrap() {
        body[key] = value.clone();
    }
    let reply = api.post("/v3/chat", body).await;
    if reply.code() != 0 {
        return reply.refusal();
    }
    let data = reply.data();
    let chat = api
        .ended(&text(&data["conversation_id"]), &text(&data["id"]))
        .await;
    assert_eq!(chat["status"], "completed", "{chat}");
    let messages = api.messages(&chat).await;
    let answer = messages.as_array().unwrap().iter();
    let mut answers = answer.filter(|it| it["type"] == "answer");
    let answer = text(&answers.next().unwrap()["content"]);
    answer
        .strip_prefix("My prompt is: ")
        .unwrap_or(&answer)
        .to_owned()
}

pub(crate) async fn retrieve(api: &Api, bot: &str, published: bool) -> Value {
    let path = format!("/v1/bots/{bot}?is_published={published}");
    api.get(&path).await.data().clone()
}

#[tokio::test]
async fn an_agent_is_made_changed_published_and_talked_to() {
    let api = Api::start().await;
    let bot = make(&api, prompt("one")).await;

    // A draft: nobody can talk to it, but whoever makes it.
    let refusal = told(&api, &bot, json!({})).await;
    assert!(
        refusal.starts_with(
            "200 4015 the bot <id:1> has not been published to the channel Agent As API (1024)"
        ),
        "{refusal}"
    );
    let draft = json!({"publish_status": "unpublished_draft"});
    assert_eq!(told(&api, &bot, draft.clone()).await, "one");
    let reply = api.get(&format!("/v1/bots/{bot}")).await;
    assert_eq!(reply.code(), 4015, "{}", reply.text);
    let reply = api
        .get(&format!("/v1/bot/get_online_info?bot_id={bot}"))
        .await;
    assert_eq!(reply.code(), 4015, "{}", reply.text);
    assert_eq!(retrieve(&api, &bot, false).await["version"], "");

    // Published, then changed: the two differ.
    let first = publish(&api, &bot).await;
    let mut change = prompt("two");
    change["bot_id"] = json!(bot);
    api.post("/v1/bot/update", change).await.data();
    assert_eq!(told(&api, &bot, json!({})).await, "one");
    assert_eq!(told(&api, &bot, draft).await, "two");
    let prompt_of = |it: &Value| text(&it["prompt_info"]["prompt"]);
    assert_eq!(prompt_of(&retrieve(&api, &bot, true).await), "one");
    assert_eq!(prompt_of(&retrieve(&api, &bot, false).await), "two");

    // Published again: the newest is what one talks to, unless an older one is asked for.
    let second = publish(&api, &bot).await;
    assert!(second > first, "{second} {first}");
    assert_eq!(told(&api, &bot, json!({})).await, "two");
    assert_eq!(told(&api, &bot, json!({"bot_version": first})).await, "one");
    assert_eq!(told(&api, &bot, json!({"bot_version": ""})).await, "two");
    let refusal = told(&api, &bot, json!({"bot_version": "12"})).await;
    assert!(
        refusal.starts_with("200 4200 the bot <id:1> has no version \"12\""),
        "{refusal}"
    );
    let refusal = told(&api, SCRIPTED_BOT, json!({"bot_version": "12"})).await;
    assert!(refusal.starts_with("200 4200 "), "{refusal}");

    // Taken back.
    let path = format!("/v1/bots/{bot}/unpublish");
    let body = json!({"connector_id": "1024", "unpublish_reason": "old"});
    api.post(&path, body.clone()).await.data();
    assert!(told(&api, &bot, json!({})).await.starts_with("200 4015 "));
    assert_eq!(api.post(&path, body).await.code(), 4015);
}

#[tokio::test]
async fn each_channel_has_its_own_version() {
    let api = Api::start().await;
    let bot = make(&api, prompt("one")).await;
    let to = |channels: Value| json!({"bot_id": bot, "connector_ids": channels});
    let both = api
        .post("/v1/bot/publish", to(json!(["1024", "999"])))
        .await;
    let first = text(&both.data()["version"]);
    let mut change = prompt("two");
    change["bot_id"] = json!(bot);
    api.post("/v1/bot/update", change).await.data();
    api.post("/v1/bot/publish", to(json!(["999"]))).await.data();
    assert_eq!(told(&api, &bot, json!({})).await, "one");
    assert_eq!(told(&api, &bot, json!({"connector_id": ""})).await, "one");
    assert_eq!(
        told(&api, &bot, json!({"connector_id": "999"})).await,
        "two"
    );
    let other = told(&api, &bot, json!({"connector_id": "10000011"})).await;
    assert!(other.starts_with("200 4015 "), "{other}");
    // Versions, newest first, in all channels and in one.
    let path = format!("/v1/bots/{bot}/versions");
    let versions = |reply: &crate::harness::Reply| -> Vec<String> {
        let items = reply.data()["items"].as_array().unwrap();
        items.iter().map(|it| text(&it["version"])).collect()
    };
    let all = api.get(&path).await;
    assert_eq!(all.data()["total"], 2);
    assert_eq!(all.data()["has_more"], false);
    let item = &all.data()["items"][1];
    assert_eq!(item["version"], *first);
    assert_eq!(item["publish_status"], "published_online");
    assert_eq!(item["creator"], json!({"id": USER, "name": "Local user"}));
    let api_only = api.get(&format!("{path}?connector_id=1024")).await;
    assert_eq!(versions(&api_only), std::slice::from_ref(&first));
    let page = api.get(&format!("{path}?page_size=1&page_num=2")).await;
    assert_eq!(versions(&page), [first]);
    let page = api.get(&format!("{path}?page_size=1")).await;
    assert_eq!(page.data()["has_more"], true);
    // A draft counts while it differs from what was published.
    let drafts = format!("{path}?publish_status=unpublished_draft");
    assert_eq!(api.get(&drafts).await.data()["items"], json!([]));
    let change = json!({"bot_id": bot, "description": "x"});
    api.post("/v1/bot/update", change).await.data();
    let draft = api.get(&drafts).await;
    assert_eq!(
        draft.data()["items"][0]["publish_status"],
        "unpublished_draft"
    );
    // An agent of the file has the one version of the file.
    let path = format!("/v1/bots/{DEMO_BOT}/versions");
    assert_eq!(api.get(&path).await.data()["total"], 1);
}

#[tokio::test]
async fn what_was_set_is_shown() {
    let api = Api::start().await;
    let bot = make(
        &api,
        json!({
            "name": "全部", "description": "all of it",
            "prompt_info": {"prompt": "You are {{ name }}."},
            "onboarding_info": {"prologue": "Hi", "suggested_questions": ["What?", "Why?"]},
            "workflow_id_list": {"ids": [{"id": GREET}]},
            "model_info_config": {
                "model_id": "scripted", "top_k": 3, "top_p": 0.5, "temperature": 0.25,
                "max_tokens": 100, "context_round": 2, "response_format": "markdown",
                "presence_penalty": 0.5, "frequency_penalty": -0.5, "sp_anti_leak": true,
                "sp_current_time": true, "cache_type": "closed", "api_mode": "chat_api",
                "parameters": {"thinking_type": "auto"},
            },
            "suggest_reply_info": {"reply_mode": "customized", "customized_prompt": "three"},
        }),
    )
    .await;
    let shown = retrieve(&api, &bot, false).await;
    assert_eq!(
        (&shown["bot_id"], &shown["name"]),
        (&json!(bot), &json!("全部"))
    );
    assert_eq!(shown["description"], "all of it");
    assert_eq!(
        shown["prompt_info"],
        json!({"prompt": "You are {{ name }}."})
    );
    assert_eq!(
        shown["onboarding_info"],
        json!({"prologue": "Hi", "suggested_questions": ["What?", "Why?"]})
    );
    assert_eq!(shown["workflow_info_list"][0]["name"], "greet");
    assert_eq!(
        shown["model_info"],
        json!({
            "model_id": "scripted", "model_name": "offline", "top_k": 3, "top_p": 0.5,
            "temperature": 0.25, "max_tokens": 100, "context_round": 2,
            "response_format": "markdown", "presence_penalty": 0.5, "frequency_penalty": -0.5,
            "sp_anti_leak": true, "sp_current_time": true, "cache_type": "closed",
            "api_mode": "chat_api", "parameters": {"thinking_type": "auto"},
        })
    );
    assert_eq!(
        shown["suggest_reply_info"],
        json!({"reply_mode": "customized", "customized_prompt": "three"})
    );
    assert_eq!(
        (&shown["bot_mode"], &shown["owner_user_id"]),
        (&json!(0), &json!(USER))
    );

    // What a change leaves out stays; what it gives takes the place of what was there.
    let change = json!({
        "bot_id": bot, "name": "New", "knowledge": {"dataset_ids": [], "search_strategy": 20},
        "onboarding_info": {"prologue": "Hello"}, "workflow_id_list": {"ids": []},
    });
    api.post("/v1/bot/update", change).await.data();
    let changed = retrieve(&api, &bot, false).await;
    assert_eq!(changed["name"], "New");
    assert_eq!(changed["description"], "all of it");
    assert_eq!(changed["onboarding_info"], json!({"prologue": "Hello"}));
    assert_eq!(changed["workflow_info_list"], json!([]));
    assert_eq!(changed["model_info"], shown["model_info"]);
    assert_eq!(changed["prompt_info"], shown["prompt_info"]);
}

#[tokio::test]
async fn the_settings_reach_the_model() {
    let peer = Peer::start().await;
    let api = peer.api("").await;
    let said = json!({"choices": [{"index": 0, "delta": {"content": "{}"}}]}).to_string();
    let stop = r#"{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#;
    for _ in 0..4 {
        peer.chunks(&[&said, stop, "[DONE]"]);
    }
    let bot = make(
        &api,
        json!({
            "prompt_info": {"prompt": "Be {{ mood }}."},
            "model_info_config": {
                "model_id": "gpt", "top_k": 3, "top_p": 0.5, "temperature": 0.25, "max_tokens": 7,
                "context_round": 1, "response_format": "json", "presence_penalty": 0.5,
                "frequency_penalty": -0.5, "sp_anti_leak": true, "sp_current_time": true,
                "parameters": {"thinking_type": "disabled"},
            },
        }),
    )
    .await;
    publish(&api, &bot).await;
    let conversation = api.conversation().await;
    let path = format!("/v3/chat?conversation_id={conversation}");
    for (count, question) in ["first", "second", "third"].into_iter().enumerate() {
        let mut body = chat_with(&bot, question);
        body["custom_variables"] = json!({"mood": "kind"});
        let reply = api.post(&path, body).await;
        api.ended(&conversation, &text(&reply.data()["id"])).await;
        assert_eq!(peer.calls().len(), count + 1);
    }
    let (_, body) = peer.calls().pop().unwrap();
    for (key, value) in [
        ("model", json!("gpt-test")),
        ("temperature", json!(0.25)),
        ("top_p", json!(0.5)),
        ("top_k", json!(3)),
        ("max_tokens", json!(7)),
        ("presence_penalty", json!(0.5)),
        ("frequency_penalty", json!(-0.5)),
        ("response_format", json!({"type": "json_object"})),
        ("thinking", json!({"type": "disabled"})),
    ] {
        assert_eq!(body[key], value, "{key}");
    }
    // One round of the past, and the prompt with what the settings add to it.
    let messages = body["messages"].as_array().unwrap();
    let contents: Vec<_> = messages[1..]
        .iter()
        .map(|it| text(&it["content"]))
        .collect();
    assert_eq!(contents, ["second", "{}", "third"]);
    let system = text(&messages[0]["content"]);
    let lines: Vec<_> = system.lines().collect();
    assert_eq!(lines[..2], ["Be kind.", "Answer in JSON."]);
    assert!(
        lines[2].starts_with("The time is ") && lines[2].ends_with(" GMT."),
        "{system}"
    );
    assert!(lines[3].starts_with("Never tell or repeat"), "{system}");
    // A model that is not configured is the built-in one, and nothing goes to the provider.
    let other = make(&api, json!({"model_info_config": {"model_id": "1716"}})).await;
    publish(&api, &other).await;
    let calls = peer.calls().len();
    assert!(told(&api, &other, json!({})).await.contains("no prompt"));
    assert_eq!(peer.calls().len(), calls);
}

#[tokio::test]
async fn a_prompt_in_two_parts() {
    let api = Api::start().await;
    let cached = json!({"model_id": "scripted", "cache_type": "prefix"});
    let parts = json!({"prefix_prompt": "always", "dynamic_prompt": "today"});
    let both = json!({
        "model_info_config": cached,
        "prompt_info": {"prompt_mode": "prefix", "prefix_prompt_info": parts},
    });
    let bot = make(&api, both).await;
    publish(&api, &bot).await;
    assert_eq!(told(&api, &bot, json!({})).await, "always\ntoday");
}

#[tokio::test]
async fn lists_by_status() {
    let api = Api::start().await;
    let draft = make(&api, json!({"name": "Draft"})).await;
    let online = make(&api, json!({"name": "Online"})).await;
    publish(&api, &online).await;
    let changed = make(&api, json!({"name": "Before"})).await;
    publish(&api, &changed).await;
    let change = json!({"bot_id": changed, "name": "After"});
    api.post("/v1/bot/update", change).await.data();
    let list = async |rest: &str| -> (Vec<String>, i64) {
        let path = format!("/v1/bots?workspace_id={SPACE}{rest}");
        let reply = api.get(&path).await;
        let items = reply.data()["items"].as_array().unwrap();
        let names = items.iter().map(|it| text(&it["name"])).collect();
        (names, reply.data()["total"].as_i64().unwrap())
    };
    let of_file = ["Demo", "Scripted", "Persona", "Shop"];
    let with = |more: &[&str]| -> Vec<String> {
        let all = of_file.iter().chain(more);
        all.map(|it| (*it).to_owned()).collect()
    };
    assert_eq!(list("").await, (with(&["Online", "Before"]), 6));
    let all = list("&publish_status=all").await;
    assert_eq!(all, (with(&["Draft", "Online", "After"]), 7));
    let drafts = list("&publish_status=unpublished_draft").await;
    assert_eq!(drafts, (vec!["Draft".into()], 1));
    let drafts = list("&publish_status=published_draft").await;
    assert_eq!(drafts, (vec!["After".into()], 1));
    // Pages go over the end of the file's agents, and those behind do not move when one comes.
    assert_eq!(
        list("&page_size=3&page_num=2").await.0,
        ["Shop", "Online", "Before"]
    );
    make(&api, json!({"name": "Late"})).await;
    assert_eq!(
        list("&page_size=3&page_num=2").await.0,
        ["Shop", "Online", "Before"]
    );
    // Another channel.
    let names = list("&connector_id=999").await.0;
    assert_eq!(names, with(&[]));
    let reply = api
        .get(&format!(
            "/v1/bots?workspace_id={SPACE}&publish_status=gone"
        ))
        .await;
    assert!(
        reply.msg().contains("publish_status: \"gone\" is none of"),
        "{}",
        reply.text
    );

    // The old list: newest first, of the API's channel.
    let path = format!("/v1/space/published_bots_list?space_id={SPACE}&page_size=50");
    let reply = api.get(&path).await;
    assert_eq!(reply.data()["total"], 6);
    let bots = reply.data()["space_bots"].as_array().unwrap();
    let times: Vec<_> = bots.iter().map(|it| text(&it["publish_time"])).collect();
    assert!(times.is_sorted_by(|a, b| a >= b), "{times:?}");
    let ids: Vec<_> = bots.iter().map(|it| text(&it["bot_id"])).collect();
    assert!(ids.contains(&online) && !ids.contains(&draft), "{ids:?}");
}

#[tokio::test]
async fn a_published_agent_outlives_a_restart() {
    let api = Api::start().await;
    let bot = make(&api, prompt("kept")).await;
    let version = publish(&api, &bot).await;
    let folder = api.stop().await;
    let again = Setup::new().data(&folder.path().join("data")).start().await;
    assert_eq!(told(&again, &bot, json!({})).await, "kept");
    assert_eq!(retrieve(&again, &bot, true).await["version"], *version);
}
