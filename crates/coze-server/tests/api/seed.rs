//! The ready-made space.

use coze_server::Seed;
use serde_json::json;

use crate::harness::{Api, Setup, text};

const BOOKSHOP: &str = "7500000000000009001";

async fn seeded(yaml: &str) -> Api {
    let mut setup = Setup::with(yaml);
    setup.config.seed = Some(Seed::Demo);
    setup.config.faults = true;
    setup.start().await
}

async fn conversations(api: &Api) -> Vec<String> {
    let list = api
        .get(&format!("/v1/conversations?bot_id={BOOKSHOP}"))
        .await;
    let list = list.data()["conversations"].as_array().unwrap().clone();
    list.iter().map(|it| text(&it["id"])).collect()
}

#[tokio::test]
async fn there_is_something_to_look_at_and_to_talk_to() {
    let api = seeded("").await;
    let there = conversations(&api).await;
    assert_eq!(there.len(), 1);
    let said = api.contents(&there[0]).await;
    assert_eq!(said[0], "几点开门？");
    assert_eq!(said.len(), 4);
    let ask = |question: &str| {
        json!({"bot_id": BOOKSHOP, "user_id": "u", "stream": true,
            "additional_messages": [crate::space::message(question)]})
    };
    let told = api.stream("/v3/chat", ask("周末几点开门？")).await;
    assert!(
        told.contains("早上九点") && told.contains("conversation.chat.completed"),
        "{told}"
    );
    let (bot, question) = Seed::Demo.question();
    assert_eq!(bot, BOOKSHOP);
    let told = crate::harness::within(async {
        loop {
            // Its documents are read in the background.
            let told = api.stream("/v3/chat", ask(question)).await;
            if told.contains("knowledge") {
                return told;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    })
    .await;
    let said: String = crate::harness::frames(&told)
        .iter()
        .filter(|it| it.0 == "conversation.message.completed" && it.1["type"] == "answer")
        .map(|it| text(&it.1["content"]))
        .collect();
    assert!(said.contains("七天内，凭小票"), "{said}");
    let told = api.stream("/v3/chat", ask("What about my score?")).await;
    assert!(
        told.contains("tool_response") && told.contains("conversation.chat.completed"),
        "{told}"
    );
    let told = api.stream("/v3/chat", ask("有《红楼梦》吗？")).await;
    assert!(
        told.contains("requires_action") && told.contains("find_book"),
        "{told}"
    );
    let run =
        json!({"workflow_id": "7500000000000009101", "parameters": {"name": "小明", "score": 60}});
    let run = api.post("/v1/workflow/run", run).await;
    assert_eq!(run.code(), 0, "{run:?}");

    // A reset brings it back.
    api.delete(&format!("/v1/conversations/{}", there[0]))
        .await
        .data();
    api.post("/_local/reset", json!({})).await.data();
    assert_eq!(conversations(&api).await.len(), 1);
}

#[tokio::test]
async fn it_stands_beside_what_the_file_has_and_comes_once() {
    let yaml =
        format!("bots: [{{ id: \"{BOOKSHOP}\", name: Mine }}, {{ id: \"7\", name: Seven }}]\n");
    let api = seeded(&yaml).await;
    let name = |bot: &'static str| {
        let api = &api;
        async move { text(&api.get(&format!("/v1/bots/{bot}")).await.data()["name"]) }
    };
    assert_eq!(name(BOOKSHOP).await, "Mine");
    assert_eq!(name("7").await, "Seven");
    assert_eq!(name("7500000000000009002").await, "计算器 Calculator");
    let first = conversations(&api).await;
    let folder = api.stop().await;
    let mut setup = Setup::with("").data(&folder.path().join("data"));
    setup.config.seed = Some(Seed::Demo);
    let again = setup.start().await;
    assert_eq!(conversations(&again).await, first);
}
