//! Agents that look things up: what they find, when they say so, and in which order.

use std::path::Path;

use insta::assert_snapshot;
use serde_json::json;

use crate::harness::{Api, Setup, frames, names, normal, text, within};
use crate::knowledge::{SPACE, add, dataset, local};

const BOT: &str = "7500000000000000301";
const DEMAND_BOT: &str = "7500000000000000302";
const DATASET: &str = "7500000000000000401";

const YAML: &str = r#"
bots:
  - id: "7500000000000000301"
    name: Clerk
    prompt: "You help customers."
    knowledge: { datasets: ["7500000000000000401"], top_k: 2 }
  - id: "7500000000000000302"
    name: Asker
    model: scripted
    knowledge: { datasets: ["7500000000000000401"], auto: false }
models:
  scripted:
    provider: offline
    script:
      - match: "refund"
        tool_calls: [ { name: recallKnowledge, arguments: { query: "退货政策" } } ]
        then: "found {{ tool_outputs[0] }}"
      - match: "moon"
        tool_calls: [ { name: recallKnowledge, arguments: { query: "月亮" } } ]
        then: "found {{ tool_outputs[0] }}"
datasets:
  - id: "7500000000000000401"
    name: Rules
    folder: rules
"#;

fn write(folder: &Path, name: &str, text: &str) {
    let path = folder.join("rules").join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

/// With two rules in the folder, read and indexed.
async fn start() -> Api {
    let setup = Setup::with(YAML);
    let folder = setup.config.space.folder.clone();
    write(
        &folder,
        "refund.md",
        "# 退货政策\n\n七天内可以无理由退货，运费由买家承担。",
    );
    write(
        &folder,
        "more/shipping.txt",
        "Orders are shipped within two working days.",
    );
    write(&folder, ".hidden.md", "退货");
    write(&folder, "cat.png", "退货");
    let api = setup.start().await;
    settled(&api, &["more/shipping.txt", "refund.md"]).await;
    api
}

/// Waits until these documents of the folder are done, and no other is there.
async fn settled(api: &Api, names: &[&str]) {
    within(async {
        loop {
            let body = json!({"dataset_id": DATASET});
            let reply = api.post("/open_api/knowledge/document/list", body).await;
            let documents = reply.json["document_infos"].as_array().cloned();
            let documents = documents.unwrap_or_default();
            let done = documents.iter().filter(|it| it["status"] == 1);
            let mut done: Vec<_> = done.map(|it| text(&it["name"])).collect();
            done.sort();
            if done == names && documents.len() == names.len() {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    })
    .await;
}

fn chat(bot: &str, question: &str, stream: bool) -> serde_json::Value {
    json!({
        "bot_id": bot, "user_id": "ada", "stream": stream,
        "additional_messages": [{"role": "user", "content": question, "content_type": "text"}],
    })
}

async fn answer(api: &Api, bot: &str, question: &str) -> String {
    let stream = api.stream("/v3/chat", chat(bot, question, true)).await;
    let frames = frames(&stream);
    let answer = |(name, data): &&(String, serde_json::Value)| {
        name == "conversation.message.completed" && data["type"] == "answer"
    };
    let answer = frames.iter().find(answer).unwrap();
    text(&answer.1["content"])
}

#[tokio::test]
async fn the_passages_are_said_before_the_answer_and_stand_in_the_list() {
    let api = start().await;
    let stream = api
        .stream("/v3/chat", chat(BOT, "请问退货政策是什么？", true))
        .await;
    assert_eq!(
        names(&stream),
        [
            "conversation.chat.created",
            "conversation.chat.in_progress",
            "conversation.message.completed",
            "conversation.message.delta",
            "conversation.message.completed",
            "conversation.chat.completed",
            "done",
        ]
    );
    let frames = frames(&stream);
    assert_snapshot!(normal(&frames[2].1.to_string()), @r#"{"id":"<id:1>","conversation_id":"<id:2>","bot_id":"7500000000000000301","role":"assistant","type":"knowledge","content":"---\nrecall slice 1:# 退货政策\n七天内可以无理由退货，运费由买家承担。\n","content_type":"text","chat_id":"<id:3>","section_id":"<id:4>","created_at":<time>,"updated_at":<time>}"#);
    let place = json!({
        "conversation_id": frames[0].1["conversation_id"], "id": frames[0].1["id"],
    });
    let messages = api.messages(&place).await;
    let kinds: Vec<_> = messages
        .as_array()
        .unwrap()
        .iter()
        .map(|it| text(&it["type"]))
        .collect();
    assert_eq!(kinds, ["knowledge", "answer", "verbose"]);
    assert_snapshot!(text(&messages[1]["content"]), @"
知识库里写着：# 退货政策
七天内可以无理由退货，运费由买家承担。
");
    // A hit is counted for the document.
    let body = json!({"dataset_id": DATASET});
    let reply = api.post("/open_api/knowledge/document/list", body).await;
    let documents = reply.json["document_infos"].as_array().unwrap();
    let hits = |name: &str| {
        let document = documents.iter().find(|it| it["name"] == name).unwrap();
        document["hit_count"].clone()
    };
    assert_eq!(
        (hits("refund.md"), hits("more/shipping.txt")),
        (json!(1), json!(0))
    );
}

#[tokio::test]
async fn english_is_found_by_other_forms_of_its_words() {
    let api = start().await;
    let answer = answer(&api, BOT, "When does an order ship?").await;
    assert_eq!(
        answer,
        "The knowledge base says: Orders are shipped within two working days."
    );
}

#[tokio::test]
async fn nothing_is_said_where_nothing_is_found() {
    let api = start().await;
    let stream = api
        .stream("/v3/chat", chat(BOT, "月亮有多远？", true))
        .await;
    assert!(!stream.contains("\"knowledge\""), "{stream}");
}

#[tokio::test]
async fn on_demand_the_model_asks() {
    let api = start().await;
    let stream = api
        .stream("/v3/chat", chat(DEMAND_BOT, "about a refund", true))
        .await;
    let frames = frames(&stream);
    let kinds: Vec<_> = frames
        .iter()
        .filter(|(name, _)| name == "conversation.message.completed")
        .map(|(_, data)| text(&data["type"]))
        .collect();
    assert_eq!(
        kinds,
        [
            "function_call",
            "knowledge",
            "tool_response",
            "answer",
            "verbose"
        ]
    );
    assert!(
        answer(&api, DEMAND_BOT, "about a refund")
            .await
            .contains("七天内")
    );
    let nothing = answer(&api, DEMAND_BOT, "about the moon").await;
    assert_eq!(nothing, "found nothing was found in the knowledge base");
}

#[tokio::test]
async fn a_folder_is_read_again_when_it_has_changed() {
    let api = start().await;
    let folder = api.stop().await;
    write(folder.path(), "refund.md", "退货政策：三十天内可以退货。");
    std::fs::remove_file(folder.path().join("rules/more/shipping.txt")).unwrap();
    write(folder.path(), "new.txt", "发票在收货后三天内开出。");
    let mut setup = Setup::with(YAML).data(&folder.path().join("data"));
    setup.config.space.folder = folder.path().to_owned();
    let api = setup.start().await;
    settled(&api, &["new.txt", "refund.md"]).await;
    let found = answer(&api, BOT, "退货政策是什么？").await;
    assert!(found.contains("三十天内"), "{found}");
    let found = answer(&api, BOT, "发票什么时候开？").await;
    assert!(found.contains("收货后三天"), "{found}");
    let found = answer(&api, BOT, "When does an order ship?").await;
    assert!(!found.contains("shipped"), "{found}");
    // What coze.yaml declares is changed there.
    for reply in [
        api.delete(&format!("/v1/datasets/{DATASET}")).await,
        api.put(&format!("/v1/datasets/{DATASET}"), json!({"name": "x"}))
            .await,
    ] {
        assert_eq!(reply.code(), 4000);
        assert!(reply.msg().contains("coze.yaml"), "{}", reply.text);
    }
    // Without it, the dataset goes.
    let folder = api.stop().await;
    drop(folder);
}

#[tokio::test]
async fn an_agent_made_by_calls_uses_datasets_made_by_calls() {
    let api = Api::start().await;
    let dataset = dataset(&api, 0).await;
    add(
        &api,
        &dataset,
        local("a.txt", "txt", "发票在收货后三天内开出。"),
    )
    .await;
    let body = json!({"space_id": SPACE, "name": "Clerk"});
    let reply = api.post("/v1/bot/create", body).await;
    let bot = text(&reply.data()["bot_id"]);
    let knowledge = |id: &str| json!({"bot_id": bot, "knowledge": {"dataset_ids": [id]}});
    let reply = api
        .post("/v1/bot/update", knowledge("7500000000000000999"))
        .await;
    assert_snapshot!(reply.refusal(), @"200 4200 Request parameter error: knowledge.dataset_ids[0]: the dataset 7500000000000000999 does not exist");
    api.post("/v1/bot/update", knowledge(&dataset)).await.data();
    let publish = json!({"bot_id": bot, "connector_ids": ["1024"]});
    api.post("/v1/bot/publish", publish).await.data();
    let shown = api.get(&format!("/v1/bots/{bot}")).await;
    let infos = &shown.data()["knowledge"]["knowledge_infos"];
    assert_eq!(*infos, json!([{"id": dataset, "name": "Handbook"}]));
    let found = answer(&api, &bot, "发票什么时候开？").await;
    assert!(found.contains("收货后三天"), "{found}");
    // A removed dataset is forgotten by its agents.
    api.delete(&format!("/v1/datasets/{dataset}")).await.data();
    let shown = api.get(&format!("/v1/bots/{bot}")).await;
    assert_eq!(shown.data()["knowledge"]["knowledge_infos"], json!([]));
    let found = answer(&api, &bot, "发票什么时候开？").await;
    assert!(!found.contains("收货后三天"), "{found}");
}
