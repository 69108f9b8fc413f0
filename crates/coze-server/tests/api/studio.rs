//! Rows that the open-source server has: conversations under names, and its run histories.

use serde_json::{Value, json};

use crate::harness::{Api, Reply, Setup, text};
use crate::people::{get, post};
use crate::space::{BROKEN, GREET};

const APP: &str = "7500000000000000601";
const CHATFLOW: &str = "7500000000000000205";
const CREATE: &str = "/v1/workflow/conversation/create";

const YAML: &str = r#"
users: [{ id: "7500000000000003001", name: alice }]
tokens: [of-local, { token: also-local }, { token: alice, user: alice }]
apps: [{ id: "7500000000000000601", name: Shop, workflows: ["7500000000000000205"] }]
workflows:
  - { id: "7500000000000000201", name: greet, file: greet.json }
  - { id: "7500000000000000203", name: broken, file: broken.json }
  - { id: "7500000000000000205", name: chatflow, file: chatflow.json }
"#;

async fn start() -> Api {
    Setup::with(YAML).token("of-local").start().await
}

async fn named(api: &Api, change: Value) -> Reply {
    let mut body = json!({
        "app_id": APP, "workflow_id": CHATFLOW, "conversation_name": "shopping",
        "get_or_create": true,
    });
    for (key, value) in change.as_object().unwrap() {
        body[key] = value.clone();
    }
    api.post(CREATE, body).await
}

#[tokio::test]
async fn a_name_stands_for_one_conversation() {
    let api = start().await;
    let first = named(&api, json!({"meta_data": {"a": "b"}})).await;
    let conversation = first.data().clone();
    assert_eq!(conversation["name"], "shopping");
    assert_eq!(conversation["meta_data"], json!({"a": "b"}));
    let id = text(&conversation["id"]);
    assert_eq!(text(&named(&api, json!({})).await.data()["id"]), id);
    // Other names, channels, drafts and users have others.
    let mut others = Vec::new();
    for change in [
        json!({"conversation_name": "asking"}),
        json!({"connector_id": "999"}),
        json!({"draft_mode": true}),
    ] {
        let other = text(&named(&api, change).await.data()["id"]);
        assert!(other != id && !others.contains(&other));
        others.push(other);
    }
    // It is a conversation like others.
    let path = format!("/v1/conversation/retrieve?conversation_id={id}");
    assert_eq!(api.get(&path).await.data(), &conversation);
    let body = json!({
        "workflow_id": CHATFLOW, "conversation_id": id, "app_id": APP,
        "additional_messages": [crate::space::message("hello")],
    });
    let stream = api.stream("/v1/workflows/chat", body).await;
    assert!(stream.contains("conversation.chat.completed"), "{stream}");
    assert_eq!(api.contents(&id).await[0], "hello");

    let api = api.again(Setup::with(YAML).token("of-local")).await;
    assert_eq!(text(&named(&api, json!({})).await.data()["id"]), id);
    // A new one takes the name over.
    let new = text(&named(&api, json!({"get_or_create": false})).await.data()["id"]);
    assert_ne!(new, id);
    assert_eq!(text(&named(&api, json!({})).await.data()["id"]), new);
    assert_eq!(api.get(&path).await.code(), 0);
    // So does one when the conversation is gone.
    api.delete(&format!("/v1/conversations/{new}")).await.data();
    let last = text(&named(&api, json!({})).await.data()["id"]);
    assert!(last != new && last != id);
}

#[tokio::test]
async fn what_is_wrong_with_a_name_says_why() {
    let api = start().await;
    let many: serde_json::Map<String, Value> =
        (0..17).map(|it| (it.to_string(), json!("x"))).collect();
    for (change, code, why) in [
        (json!({"app_id": null}), 4000, "app_id"),
        (json!({"app_id": "12"}), 4200, "app 12"),
        (
            json!({"conversation_name": null}),
            4000,
            "conversation_name",
        ),
        (
            json!({"conversation_name": "词".repeat(101)}),
            4000,
            "conversation_name",
        ),
        (json!({"workflow_id": "12"}), 4200, "workflow 12"),
        (json!({"workflow_id": GREET}), 4000, "workflow_id"),
        (json!({"bot_id": "12"}), 4200, "bot 12"),
        (json!({"space_id": "12"}), 4000, "space_id"),
        (json!({"meta_data": many}), 4003, "meta_data"),
    ] {
        let reply = named(&api, change).await;
        assert_eq!(reply.code(), code, "{why}: {}", reply.text);
        assert!(reply.msg().contains(why), "{why}: {}", reply.text);
    }
    let body = json!({"app_id": APP, "conversation_name": "x"});
    assert_eq!(post(&api, "alice", CREATE, body).await.code(), 4101);
}

#[tokio::test]
async fn a_run_is_told_in_the_words_of_the_open_source_server() {
    let api = start().await;
    let input = json!({"name": "Ada"});
    let run = api
        .post("/v1/workflow/run", crate::space::run(GREET, &input))
        .await;
    let id = text(&run.json["execute_id"]);
    let path = "/v1/workflow/get_run_history";
    let reply = api
        .get(&format!("{path}?workflow_id={GREET}&execute_id={id}"))
        .await;
    let it = &reply.data()[0];
    let number: i64 = id.parse().unwrap();
    assert_eq!(it["execute_id"], number);
    assert_eq!(
        (
            &it["bot_id"],
            &it["connector_id"],
            &it["run_mode"],
            &it["token"]
        ),
        (&json!(0), &json!(1024), &json!(0), &json!(0))
    );
    assert_eq!(it["execute_status"], "Success");
    assert_eq!(it["log_id"], *run.log_id);
    assert_eq!(it["input"], input.to_string());
    let output: Value = serde_json::from_str(it["output"].as_str().unwrap()).unwrap();
    assert_eq!(output["Output"], r#"{"output":"Hello Ada!"}"#);
    assert_eq!(
        (&it["error_code"], &it["error_msg"]),
        (&Value::Null, &Value::Null)
    );
    assert_eq!(reply.data().as_array().unwrap().len(), 1);

    let body = json!({"workflow_id": BROKEN, "parameters": {}, "is_async": true});
    let failed = api.post("/v1/workflow/run", body).await;
    let id = text(&failed.json["execute_id"]);
    let of_broken = format!("{path}?workflow_id={BROKEN}&execute_id={id}");
    let failed = crate::harness::within(async {
        loop {
            let reply = api.get(&of_broken).await;
            if reply.data()[0]["execute_status"] != "Running" {
                return reply.data()[0].clone();
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    })
    .await;
    assert_eq!(failed["execute_status"], "Fail");
    assert_eq!(failed["error_code"], 720_701_013);
    assert!(text(&failed["error_msg"]).contains("Mystery"), "{failed}");

    for (query, code) in [
        (format!("workflow_id={GREET}"), 4000),
        (format!("execute_id={id}"), 4000),
        (format!("workflow_id={GREET}&execute_id={id}"), 4200),
        (format!("workflow_id={GREET}&execute_id=12"), 4200),
        ("workflow_id=12&execute_id=12".to_owned(), 4200),
    ] {
        let reply = api.get(&format!("{path}?{query}")).await;
        assert_eq!(reply.code(), code, "{query}: {}", reply.text);
    }
    let theirs = format!("{path}?workflow_id={GREET}&execute_id={id}");
    assert_eq!(get(&api, "alice", &theirs).await.code(), 4101);
}
