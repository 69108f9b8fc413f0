//! A disk that is full, and one that cannot be written: the server says so, stays, loses nothing,
//! and goes on when there is room again. The disk is a small `tmpfs`, which only root may mount.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use coze_api::{Coze, RetryPolicy};
use serde_json::{Value, json};

use crate::support::{Home, Server};

/// A mounted disk; unmounted when dropped.
struct Disk(PathBuf);

impl Disk {
    /// `None`, and a word about it, where this may not be done.
    fn mount(path: &Path, options: &str) -> Option<Self> {
        fs::create_dir_all(path).unwrap();
        let mut mount = Command::new("mount");
        mount
            .args(["-t", "tmpfs", "-o", options, "tmpfs"])
            .arg(path);
        match mount.output() {
            Ok(output) if output.status.success() => Some(Self(path.to_owned())),
            other => {
                eprintln!("NOT RUN: no small disk can be mounted here: {other:?}");
                None
            }
        }
    }

    fn remount(&self, options: &str) {
        let mut mount = Command::new("mount");
        mount
            .args(["-o", &format!("remount,{options}")])
            .arg(&self.0);
        assert!(mount.status().unwrap().success());
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

async fn post(coze: &Coze, path: &str, query: &[(&str, &str)], body: Value) -> Result<Value, i64> {
    let reply = coze.send_raw("POST".parse().unwrap(), path, query, Some(body));
    let reply: Value = serde_json::from_slice(reply.await.unwrap().bytes()).unwrap();
    match reply["code"].as_i64().unwrap() {
        0 => Ok(reply),
        code => Err(code),
    }
}

async fn messages(coze: &Coze, conversation: &str) -> Vec<String> {
    let (mut all, mut after) = (Vec::new(), None::<String>);
    loop {
        let query = [("conversation_id", conversation)];
        let body = json!({"order": "asc", "limit": 50, "after_id": after});
        let path = "/v1/conversation/message/list";
        let page = post(coze, path, &query, body).await.unwrap();
        let items = page["data"].as_array().unwrap();
        all.extend(
            items
                .iter()
                .map(|it| it["content"].as_str().unwrap().to_owned()),
        );
        if page["has_more"] == false {
            return all;
        }
        after = Some(page["last_id"].as_str().unwrap().to_owned());
    }
}

const CONFIG: &str = r#"
bots:
  - { id: "7500000000000000101", name: Scripted, model: scripted }
models:
  scripted:
    provider: offline
    script:
      - { match: "", deltas: ["one ", "two"], delay_ms: 500 }
"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_is_told_and_waited_for() {
    let home = Home::new();
    home.write("coze.yaml", CONFIG);
    let Some(disk) = Disk::mount(&home.path().join("server-data"), "size=2m") else {
        return;
    };
    let log = fs::File::create(home.path().join("log")).unwrap();
    let mut server = Server::start_logged(home, log);
    let coze = Coze::builder().base_url(&server.url).token("pat_any");
    let coze = coze.retry(RetryPolicy::none()).build().unwrap();
    let made = post(&coze, "/v1/conversation/create", &[], json!({}))
        .await
        .unwrap();
    let place = made["data"]["id"].as_str().unwrap().to_owned();
    let query = [("conversation_id", place.as_str())];
    let message = |text: String| json!({"role": "user", "content": text, "content_type": "text"});

    // A chat that is at work while the disk fills up.
    let body = json!({"bot_id": "7500000000000000101", "user_id": "u",
        "additional_messages": [message("hello".into())]});
    let chat = post(&coze, "/v3/chat", &[], body).await.unwrap();
    let mut acknowledged = Vec::new();
    let path = "/v1/conversation/message/create";
    let code = loop {
        let text = format!("{} {}", acknowledged.len(), "x".repeat(20_000));
        match post(&coze, path, &query, message(text.clone())).await {
            Ok(_) => acknowledged.push(text),
            Err(code) => break code,
        }
        assert!(acknowledged.len() < 1000, "the disk does not fill up");
    };
    assert!(acknowledged.len() > 10, "{}", acknowledged.len());
    assert_eq!(code, 5000);
    // Uploads, too; and nothing of them stays.
    let refused = coze.upload_bytes("a.bin", vec![1; 4_000_000]).await;
    assert_eq!(refused.unwrap_err().code(), Some(5000));
    assert_eq!(fs::read_dir(disk.0.join("files")).unwrap().count(), 0);
    // It reads on, and loses nothing.
    assert_eq!(messages(&coze, &place).await, acknowledged);
    // Long enough for the chat to come to an end that cannot be written.
    tokio::time::sleep(Duration::from_millis(1200)).await;

    disk.remount("size=64m");
    let begun = Instant::now();
    while let Err(code) = post(&coze, path, &query, message("room".into())).await {
        assert_eq!(code, 5000);
        assert!(
            begun.elapsed() < Duration::from_secs(10),
            "it does not recover"
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    acknowledged.push("room".into());
    assert_eq!(messages(&coze, &place).await, acknowledged);
    // The chat is over, one way or the other: its conversation is free again.
    let chat_place = chat["data"]["conversation_id"].as_str().unwrap();
    let ids = [
        ("conversation_id", chat_place),
        ("chat_id", chat["data"]["id"].as_str().unwrap()),
    ];
    loop {
        let reply = coze.send_raw("GET".parse().unwrap(), "/v3/chat/retrieve", &ids, None);
        let reply: Value = serde_json::from_slice(reply.await.unwrap().bytes()).unwrap();
        if reply["data"]["status"] != "in_progress" {
            break;
        }
        assert!(begun.elapsed() < Duration::from_secs(20), "the chat hangs");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    // The log says which file it is about.
    let said = fs::read_to_string(server.home.path().join("log")).unwrap();
    assert!(said.contains("coze.db") && said.contains("full"), "{said}");
    server.kill();
    let home = std::mem::replace(&mut server.home, Home::new());
    let server = Server::start_in(home, &[]);
    let coze = Coze::builder()
        .base_url(&server.url)
        .token("pat_any")
        .build()
        .unwrap();
    assert_eq!(messages(&coze, &place).await, acknowledged);
    drop(server);
    drop(disk);
}

#[test]
fn a_disk_that_cannot_be_written_is_told_at_the_start() {
    let home = Home::new();
    let data = home.path().join("server-data");
    let Some(_disk) = Disk::mount(&data, "size=2m,ro") else {
        return;
    };
    let ran = home.run(&["serve", "--port", "0", "--data", "server-data"]);
    ran.fails(3, &["server-data", "Read-only file system"]);
}
