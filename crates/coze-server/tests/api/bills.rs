//! Exports of what was used, as files.

use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::{Api, Setup, client, text, within};
use crate::people::{get, post};
use crate::space::chat_with;

const PATH: &str = "/v1/commerce/benefit/bill_tasks";
const DAY: u64 = 86_400;
const BOT: &str = "7500000000000000101";
const ASK: &str = "7500000000000000204";
const VOICE: &str = crate::audio::ALTO;

const YAML: &str = r#"
users:
  - { id: "7500000000000003001", name: alice }
  - { id: "7500000000000003002", name: bob }
enterprises: [{ id: acme_1, members: [{ user: alice, role: admin }, bob] }]
spaces: [{ id: "7500000000000004001", name: plant, owner: alice, enterprise: acme_1 }]
tokens:
  - { token: alice, user: alice }
  - { token: bob, user: bob }
  - { token: of-plant, user: alice, spaces: [plant] }
  - of-local
bots:
  - { id: "7500000000000000101", name: Speaker, prompt: "Be brief.", space: plant, model: scripted }
models: { scripted: { provider: offline } }
workflows:
  - { id: "7500000000000000204", name: ask_model, file: ask_model.json, space: plant }
"#;

async fn ask(api: &Api, token: &str, bot: &str) -> Value {
    let chat = post(api, token, "/v3/chat", chat_with(bot, "hello")).await;
    let place = format!(
        "conversation_id={}&chat_id={}",
        text(&chat.data()["conversation_id"]),
        text(&chat.data()["id"])
    );
    within(async {
        loop {
            let reply = get(api, token, &format!("/v3/chat/retrieve?{place}")).await;
            if reply.data()["status"] == "completed" {
                return reply.data().clone();
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await
}

/// The export, when it is at its end.
async fn ended(api: &Api, id: &str) -> Value {
    within(async {
        loop {
            let reply = get(api, "alice", &format!("{PATH}?task_ids={id}")).await;
            let task = reply.data()["task_infos"][0].clone();
            if !["init", "running"].contains(&text(&task["status"]).as_str()) {
                return task;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await
}

/// What the address gives: the HTTP status, its kind and the text.
async fn file(url: &str) -> (u16, String, String) {
    let response = within(client().get(url).send()).await.unwrap();
    let kind = response.headers()["content-type"]
        .to_str()
        .unwrap()
        .to_owned();
    let status = response.status().as_u16();
    (status, kind, within(response.text()).await.unwrap())
}

async fn advance(api: &Api, seconds: u64) {
    let body = json!({"advance_seconds": seconds});
    let moved = post(api, "of-local", "/_local/clock", body).await;
    assert_eq!(moved.code(), 0, "{}", moved.text);
}

fn setup() -> Setup {
    let mut setup = Setup::with(YAML);
    setup.config.faults = true;
    setup
}

fn now() -> i64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    i64::try_from(now.unwrap().as_secs()).unwrap()
}

#[tokio::test]
async fn what_was_used_is_exported_as_a_file() {
    let api = setup().start().await;
    let chat = ask(&api, "alice", BOT).await;
    let run = json!({"workflow_id": ASK, "parameters": {"input": "hello"}});
    let run = post(&api, "alice", "/v1/workflow/run", run).await;
    assert_eq!(run.code(), 0, "{}", run.text);
    let speech = client()
        .post(format!("{}/v1/audio/speech", api.url()))
        .bearer_auth("of-plant")
        .json(&json!({"input": "你好, hello", "voice_id": VOICE}));
    let spoken = within(speech.send()).await.unwrap();
    assert_eq!(spoken.status(), 200);
    // What belongs to no enterprise is nobody's bill.
    ask(&api, "of-local", crate::space::DEMO_BOT).await;

    let used_at = now();
    advance(&api, DAY).await;
    let made = post(&api, "alice", PATH, json!({"started_at": used_at})).await;
    let task = made.data().clone();
    let id = text(&task["task_id"]);
    let start = task["started_at"].as_i64().unwrap();
    assert_eq!((start + 8 * 3600) % 86_400, 0);
    assert!((start..start + 86_400).contains(&used_at));
    assert_eq!(task["ended_at"], start + 86_399);
    assert_eq!(task["file_urls"], json!([]));
    let created = task["created_at"].as_i64().unwrap();
    assert_eq!(task["expires_at"], created + 7 * 86_400);

    let task = ended(&api, &id).await;
    assert_eq!(task["status"], "succeed", "{task}");
    assert_eq!(task["file_urls"].as_array().unwrap().len(), 1);
    let url = text(&task["file_urls"][0]);
    let (status, kind, csv) = file(&url).await;
    assert_eq!((status, kind.as_str()), (200, "text/csv; charset=utf-8"));
    let mut reader = csv::Reader::from_reader(csv.as_bytes());
    let head: Vec<String> = reader
        .headers()
        .unwrap()
        .iter()
        .map(str::to_owned)
        .collect();
    assert_eq!(head.len(), 24);
    let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    let cell = |row: usize, name: &str| {
        let at = head.iter().position(|it| it == name).unwrap();
        rows[row].get(at).unwrap().to_owned()
    };
    assert_eq!(rows.len(), 3, "{csv}");
    assert_eq!(cell(0, "record_root_id"), text(&chat["id"]));
    for (row, expected) in [
        (0, ["1", BOT, "1", "offline"]),
        (1, ["2", ASK, "1", ""]),
        (2, ["6", "", "3", "Tts_system_text_to_speech_chars"]),
    ] {
        let found = [
            "root_entity_type",
            "root_entity_id",
            "resource_type",
            "resource_id",
        ]
        .map(|name| cell(row, name));
        assert_eq!(found, expected, "{csv}");
        assert_eq!(cell(row, "space_id"), "7500000000000004001");
        assert_eq!(cell(row, "cost_account_id"), "7500000000000003001");
        assert_eq!(cell(row, "change_balance"), "0");
        let at: i64 = cell(row, "consume_time").parse().unwrap();
        assert!((used_at - 60..=used_at).contains(&at), "{at} {used_at}");
    }
    assert_eq!(
        [cell(0, "model_input_token"), cell(0, "model_output_token")],
        ["input_count", "output_count"].map(|it| chat["usage"][it].to_string())
    );
    assert_ne!(cell(1, "model_output_token"), "0");
    assert_eq!([cell(2, "tts_char_num"), cell(2, "tts_count")], ["9", "1"]);

    // The file is there after a restart, also at a server on another port, and for 7 days.
    let folder = api.stop().await;
    let data = folder.path().join("data");
    let api = setup().data(&data).start().await;
    let task = ended(&api, &id).await;
    let url = text(&task["file_urls"][0]);
    assert_eq!(file(&url).await.2, csv);
    advance(&api, 6 * DAY).await;
    assert_eq!(file(&url).await.0, 200);
    advance(&api, 2 * DAY + 60).await;
    let (status, _, why) = file(&url).await;
    assert!(status == 404 && why.contains("7 days"), "{status} {why}");
    let task = ended(&api, &id).await;
    assert_eq!(
        (&task["status"], &task["file_urls"]),
        (&json!("succeed"), &json!([]))
    );
    // Lists of their own go back 7 days.
    assert_eq!(get(&api, "alice", PATH).await.data()["total"], 0);
    // The next export takes away what is kept no longer.
    let body = json!({"started_at": used_at});
    let next = post(&api, "alice", PATH, body).await;
    ended(&api, &text(&next.data()["task_id"])).await;
    let files = std::fs::read_dir(data.join("files")).unwrap();
    let bills = files.filter(|it| {
        let name = it.as_ref().unwrap().file_name();
        name.to_string_lossy().starts_with("bill-")
    });
    assert_eq!(bills.count(), 1);
}

#[tokio::test]
async fn exports_are_listed_in_pages() {
    let api = setup().start().await;
    advance(&api, DAY).await;
    let mut made = Vec::new();
    for _ in 0..3 {
        let body = json!({"started_at": now(), "ended_at": now()});
        let reply = post(&api, "alice", PATH, body).await;
        made.push(text(&reply.data()["task_id"]));
    }
    made.reverse();
    let ids = |reply: &Value| -> Vec<String> {
        let items = reply["task_infos"].as_array().unwrap();
        items.iter().map(|it| text(&it["task_id"])).collect()
    };
    let all = get(&api, "alice", PATH).await;
    assert_eq!(
        (ids(all.data()), &all.data()["total"]),
        (made.clone(), &json!(3))
    );
    let page = get(&api, "alice", &format!("{PATH}?page_size=2&page_num=2")).await;
    assert_eq!(ids(page.data()), made[2..]);
    let two = format!("{PATH}?task_ids={},{}", made[0], made[2]);
    let two = get(&api, "alice", &two).await;
    assert_eq!(
        (ids(two.data()), &two.data()["total"]),
        (vec![made[0].clone(), made[2].clone()], &json!(2))
    );
    // An export of nothing has a file with the head alone.
    let task = ended(&api, &made[0]).await;
    let (_, _, csv) = file(&text(&task["file_urls"][0])).await;
    assert!(
        csv.starts_with("id,consume_time,") && csv.lines().count() == 1,
        "{csv}"
    );
}

#[tokio::test]
async fn what_cannot_be_exported_says_why() {
    let api = setup().start().await;
    advance(&api, DAY).await;
    let (yesterday, day) = (now(), 86_400);
    for (body, why) in [
        (json!({}), "started_at: it is required"),
        (
            json!({"started_at": yesterday + day}),
            "started_at: bills of today",
        ),
        (
            json!({"started_at": yesterday, "ended_at": yesterday + day}),
            "ended_at: bills of today",
        ),
        (
            json!({"started_at": yesterday, "ended_at": yesterday - day}),
            "ended_at: it is before started_at",
        ),
        (json!({"started_at": 1_700_000_000}), "2025-03-13"),
    ] {
        let reply = post(&api, "alice", PATH, body).await;
        assert_eq!(reply.code(), 4000, "{}", reply.text);
        assert!(reply.msg().contains(why), "{why}: {}", reply.text);
    }
    let many = vec!["1"; 101].join(",");
    for (query, why) in [
        (format!("task_ids={many}"), "task_ids"),
        ("page_num=0".to_owned(), "page_num"),
        ("page_size=0".to_owned(), "page_size"),
    ] {
        let reply = get(&api, "alice", &format!("{PATH}?{query}")).await;
        assert_eq!(reply.code(), 4000, "{}", reply.text);
        assert!(reply.msg().contains(why), "{}", reply.text);
    }
    for token in ["bob", "of-local"] {
        let body = json!({"started_at": yesterday});
        assert_eq!(post(&api, token, PATH, body).await.code(), 4101);
        assert_eq!(get(&api, token, PATH).await.code(), 4101);
    }
    for path in ["none/1.csv", "none/x", "../1.csv"] {
        let (status, _, text) = file(&format!("{}/local/bills/{path}", api.url())).await;
        assert_eq!(status, 404, "{path}: {text}");
    }
}
