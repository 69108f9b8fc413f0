//! A database that takes nothing for a while, because another program holds it: what ends meanwhile
//! is told as failed, is read as before, and is written down as soon as that is possible.

use std::time::Duration;

use rusqlite::Connection;
use serde_json::{Value, json};

use crate::harness::{Api, Setup, frames, text, within};
use crate::space::{ASK_MODEL, CHATFLOW, message, run};

/// Long enough to hold the database before the model has answered.
const YAML: &str = r#"
models:
  scripted:
    provider: offline
    script:
      - { match: "slow", deltas: ["one ", "two"], delay_ms: 700 }
      - { match: "", deltas: ["at once"] }
workflows:
  - { id: "7500000000000000204", name: ask_model, file: ask_model.json }
  - { id: "7500000000000000205", name: chatflow, file: chatflow.json }
"#;

/// Holds the database as soon as a run is at work in it.
async fn hold(api: &Api) -> Connection {
    let database = Connection::open(api.folder.path().join("data/coze.db")).unwrap();
    within(async {
        loop {
            database.execute_batch("BEGIN IMMEDIATE").unwrap();
            if status(&database).as_deref() == Some("Running") {
                return database;
            }
            database.execute_batch("ROLLBACK").unwrap();
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await
}

/// What the newest run is, on disk.
fn status(database: &Connection) -> Option<String> {
    let sql = "SELECT status FROM run ORDER BY id DESC LIMIT 1";
    database.query_row(sql, [], |row| row.get(0)).ok()
}

/// The newest run, when it is no longer at work.
async fn ended(api: &Api, workflow: &str, id: &str) -> Value {
    let path = format!("/v1/workflows/{workflow}/run_histories/{id}");
    within(async {
        loop {
            let history = api.get(&path).await.data()[0].clone();
            if history["execute_status"] != "Running" {
                return history;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await
}

fn newest(database: &Connection) -> String {
    let id: i64 = database
        .query_row("SELECT max(id) FROM run", [], |row| row.get(0))
        .unwrap();
    id.to_string()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_whose_end_cannot_be_written_is_settled() {
    let api = Setup::with(YAML).start().await;
    let body = run(ASK_MODEL, &json!({"input": "slow"}));
    let (reply, database) = tokio::join!(api.post("/v1/workflow/run", body), hold(&api));
    assert_eq!(reply.code(), 5000, "{}", reply.text);
    assert!(
        reply.msg().contains("cannot write to its data folder"),
        "{}",
        reply.msg()
    );
    assert_eq!(status(&database).as_deref(), Some("Running"));
    // It reads on.
    let id = newest(&database);
    let path = format!("/v1/workflows/{ASK_MODEL}/run_histories/{id}");
    assert_eq!(api.get(&path).await.data()[0]["execute_status"], "Running");

    database.execute_batch("COMMIT").unwrap();
    let history = ended(&api, ASK_MODEL, &id).await;
    assert_eq!(history["execute_status"], "Fail");
    assert_eq!(history["error_code"], "5000");
    assert_eq!(history["error_message"], reply.msg());
    let body = run(ASK_MODEL, &json!({"input": "again"}));
    assert_eq!(api.post("/v1/workflow/run", body).await.code(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_background_run_whose_end_cannot_be_written_is_settled() {
    let mut setup = Setup::with(YAML);
    setup.config.faults = true;
    let api = setup.start().await;
    let mut body = run(ASK_MODEL, &json!({"input": "slow"}));
    body["is_async"] = true.into();
    let begun = api.post("/v1/workflow/run", body).await;
    let database = hold(&api).await;
    // Each write gives up on its own; when nothing works any more, all of them have.
    within(async {
        let health = || async { api.get("/_local").await.data()["working"].clone() };
        while health().await != 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
    assert_eq!(status(&database).as_deref(), Some("Running"));
    database.execute_batch("COMMIT").unwrap();
    let history = ended(&api, ASK_MODEL, &text(&begun.json["execute_id"])).await;
    assert_eq!(history["execute_status"], "Fail");
    assert_eq!(history["error_code"], "5000");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_chatflow_whose_end_cannot_be_written_frees_its_conversation() {
    let api = Setup::with(YAML).start().await;
    let conversation = api.conversation().await;
    let body = |text: &str| {
        json!({"workflow_id": CHATFLOW, "conversation_id": conversation, "parameters": {},
            "additional_messages": [message(text)]})
    };
    let path = "/v1/workflows/chat";
    let (stream, database) = tokio::join!(api.stream(path, body("slow")), hold(&api));
    let frames = frames(&stream);
    let (last, failed) = (&frames[frames.len() - 1], &frames[frames.len() - 2]);
    assert_eq!(last.0, "done");
    assert_eq!(failed.0, "conversation.chat.failed");
    assert_eq!(failed.1["last_error"]["code"], 5000);
    // Nothing is told as complete that is not kept.
    let complete = |it: &(String, Value)| it.0 == "conversation.message.completed";
    assert!(!frames.iter().any(complete), "{stream}");
    let chat = text(&failed.1["id"]);
    let now = api.retrieve(&conversation, &chat).await;
    assert_eq!(now.data()["status"], "in_progress");

    let id = newest(&database);
    database.execute_batch("COMMIT").unwrap();
    assert_eq!(api.ended(&conversation, &chat).await["status"], "failed");
    let history = ended(&api, CHATFLOW, &id).await;
    assert_eq!(history["execute_status"], "Fail");
    let again = api.stream(path, body("now")).await;
    assert!(again.contains("conversation.chat.completed"), "{again}");
}
