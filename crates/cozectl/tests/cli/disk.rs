//! A disk that is full, and one that cannot be written: the server says so, stays, loses nothing,
//! and goes on when there is room again.
//!
//! The full disk is a small `tmpfs`, which only root may mount. No disk becomes read-only under a
//! program that has files open for writing, so that is done with the limit of file sizes: at 0, every
//! write fails.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use coze_api::{Coze, RetryPolicy};
use serde_json::{Value, json};

use crate::support::{Home, PATIENCE, Server};
use crate::workflow::canvas;

/// A mounted disk; unmounted when dropped.
struct Disk(PathBuf);

/// Tells that a test could not be run, which on a CI machine that could is a failure.
fn not_run(why: &str, possible: bool) {
    let in_ci = std::env::var_os("CI").is_some();
    assert!(!(in_ci && possible), "{why}");
    eprintln!("NOT RUN: {why}");
}

/// Whether this process may mount disks (`CAP_SYS_ADMIN`).
fn may_mount() -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|it| it.strip_prefix("CapEff:"));
    let effective = u64::from_str_radix(line.unwrap_or("0").trim(), 16).unwrap();
    effective & (1 << 21) != 0
}

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
                let why = format!("no small disk can be mounted here: {other:?}");
                not_run(&why, may_mount());
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

/// Lets files of a process grow to so many bytes; false where there is no program for it.
fn limit_files(process: u32, bytes: &str) -> bool {
    let mut prlimit = Command::new("prlimit");
    prlimit.args(["--pid", &process.to_string()]);
    prlimit.arg(format!("--fsize={bytes}:unlimited"));
    match prlimit.status() {
        Ok(status) => {
            assert!(status.success(), "{status}");
            true
        }
        Err(error) => {
            not_run(&format!("prlimit cannot be run: {error}"), true);
            false
        }
    }
}

async fn send(
    coze: &Coze,
    method: &str,
    path: &str,
    query: &[(&str, &str)],
    body: Option<Value>,
) -> Result<Value, (i64, String)> {
    let reply = coze.send_raw(method.parse().unwrap(), path, query, body);
    let reply: Value = serde_json::from_slice(reply.await.unwrap().bytes()).unwrap();
    match reply["code"].as_i64().unwrap() {
        0 => Ok(reply),
        code => Err((code, reply["msg"].as_str().unwrap().to_owned())),
    }
}

async fn post(
    coze: &Coze,
    path: &str,
    query: &[(&str, &str)],
    body: Value,
) -> Result<Value, (i64, String)> {
    send(coze, "POST", path, query, Some(body)).await
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
workflows:
  - { id: "7500000000000000201", name: greet, file: greet.json }
"#;
const SPACE: &str = "7500000000000000003";

fn message(text: &str) -> Value {
    json!({"role": "user", "content": text, "content_type": "text"})
}

fn client(server: &Server) -> Coze {
    let coze = Coze::builder().base_url(&server.url).token("pat_any");
    coze.retry(RetryPolicy::none()).build().unwrap()
}

/// A server, and what it has acknowledged.
struct Case {
    server: Server,
    coze: Coze,
    conversation: String,
    acknowledged: Vec<String>,
    dataset: String,
    document: String,
    /// A chat that is at work when the disk fails: its conversation and its id.
    chat: (String, String),
}

impl Case {
    fn home() -> Home {
        let home = Home::new();
        home.write("coze.yaml", CONFIG);
        home.write("greet.json", &canvas(false));
        home
    }

    async fn start(home: Home, log: impl Into<Stdio>) -> Self {
        let server = Server::start_logged(home, &[], log);
        let coze = client(&server);
        let path = "/v1/conversation/create";
        let made = post(&coze, path, &[], json!({})).await.unwrap();
        let conversation = made["data"]["id"].as_str().unwrap().to_owned();
        let body = json!({"name": "rules", "space_id": SPACE, "format_type": 0});
        let made = post(&coze, "/v1/datasets", &[], body).await.unwrap();
        let dataset = made["data"]["dataset_id"].as_str().unwrap().to_owned();
        let mut case = Self {
            server,
            coze,
            conversation,
            acknowledged: Vec::new(),
            dataset,
            document: String::new(),
            chat: Default::default(),
        };
        case.document = case.add_document().await.unwrap();
        let body = json!({"bot_id": "7500000000000000101", "user_id": "u",
            "additional_messages": [message("hello")]});
        let chat = post(&case.coze, "/v3/chat", &[], body).await.unwrap();
        let id = |name: &str| chat["data"][name].as_str().unwrap().to_owned();
        case.chat = (id("conversation_id"), id("id"));
        case
    }

    async fn add_message(&mut self, text: &str) -> Result<(), (i64, String)> {
        let query = [("conversation_id", self.conversation.as_str())];
        let path = "/v1/conversation/message/create";
        post(&self.coze, path, &query, message(text)).await?;
        self.acknowledged.push(text.to_owned());
        Ok(())
    }

    async fn add_document(&self) -> Result<String, (i64, String)> {
        let bytes = STANDARD.encode("rule of the house\n\n".repeat(100));
        let body = json!({
            "dataset_id": self.dataset, "chunk_strategy": {"chunk_type": 0}, "document_bases": [
                {"name": "rules", "source_info": {"file_base64": bytes, "file_type": "txt"}},
            ],
        });
        let path = "/open_api/knowledge/document/create";
        let made = post(&self.coze, path, &[], body).await?;
        let id = &made["document_infos"][0]["document_id"];
        Ok(id.as_str().unwrap().to_owned())
    }

    /// Whatever is to be written is refused in the same words; the rest works.
    async fn refuses_and_reads(&mut self) {
        let files = self.server.home.path().join("server-data/files");
        let before = fs::read_dir(&files).unwrap().count();
        // Large enough for what a full disk has left.
        let name = "x".repeat(20_000);
        let greet = json!({"workflow_id": "7500000000000000201", "parameters": {"name": name}});
        let refusals = [
            self.add_message(&name).await.unwrap_err(),
            post(&self.coze, "/v1/workflow/run", &[], greet)
                .await
                .unwrap_err(),
        ];
        for (code, why) in refusals {
            assert_eq!(code, 5000);
            assert!(why.contains("cannot write to its data folder"), "{why}");
        }
        let refused = self.coze.upload_bytes("a.bin", vec![1; 4_000_000]).await;
        assert_eq!(refused.unwrap_err().code(), Some(5000));
        // Nothing stays of what was refused.
        assert_eq!(fs::read_dir(&files).unwrap().count(), before);
        assert_eq!(
            messages(&self.coze, &self.conversation).await,
            self.acknowledged
        );
        let query = [("space_id", SPACE)];
        let list = send(&self.coze, "GET", "/v1/datasets", &query, None).await;
        assert_eq!(list.unwrap()["data"]["total_count"], 1);
        // Long enough for the chat to come to an end that cannot be written.
        tokio::time::sleep(Duration::from_millis(1200)).await;
    }

    /// There is room again: it writes, and settles what was at work.
    async fn recovers(&mut self) {
        let begun = Instant::now();
        while let Err((code, _)) = self.add_message("room").await {
            assert_eq!(code, 5000);
            assert!(
                begun.elapsed() < Duration::from_secs(10),
                "it does not recover"
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        assert_eq!(
            messages(&self.coze, &self.conversation).await,
            self.acknowledged
        );
        // The chat is over, one way or the other: its conversation is free again.
        let ids = [
            ("conversation_id", self.chat.0.as_str()),
            ("chat_id", self.chat.1.as_str()),
        ];
        let path = "/v3/chat/retrieve";
        while send(&self.coze, "GET", path, &ids, None).await.unwrap()["data"]["status"]
            == "in_progress"
        {
            assert!(begun.elapsed() < PATIENCE, "the chat hangs");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let more = self.add_document().await.unwrap();
        let path = format!("/v1/datasets/{}/process", self.dataset);
        let body = json!({"document_ids": [self.document, more]});
        loop {
            let reply = post(&self.coze, &path, &[], body.clone()).await.unwrap();
            let documents = reply["data"]["data"].as_array().unwrap().clone();
            if documents.iter().all(|it| it["status"] == 1) {
                break;
            }
            assert!(documents.iter().all(|it| it["status"] != 9), "{reply}");
            assert!(begun.elapsed() < PATIENCE, "a document hangs: {reply}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// And nothing was lost, as the next server finds.
    async fn survives_a_crash(mut self) -> Server {
        self.server.kill();
        let home = std::mem::replace(&mut self.server.home, Home::new());
        let server = Server::start_in(home, &[]);
        let again = client(&server);
        assert_eq!(
            messages(&again, &self.conversation).await,
            self.acknowledged
        );
        server
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_is_told_and_waited_for() {
    let home = Case::home();
    let Some(disk) = Disk::mount(&home.path().join("server-data"), "size=2m") else {
        return;
    };
    let log = File::create(home.path().join("log")).unwrap();
    let mut case = Case::start(home, log).await;
    while case
        .add_message(&format!(
            "{} {}",
            case.acknowledged.len(),
            "x".repeat(20_000)
        ))
        .await
        .is_ok()
    {
        assert!(case.acknowledged.len() < 1000, "the disk does not fill up");
    }
    assert!(case.acknowledged.len() > 10, "{}", case.acknowledged.len());
    case.refuses_and_reads().await;
    disk.remount("size=64m");
    case.recovers().await;
    // The log says which file it is about.
    let said = fs::read_to_string(case.server.home.path().join("log")).unwrap();
    assert!(said.contains("coze.db") && said.contains("full"), "{said}");
    drop(case.survives_a_crash().await);
    drop(disk);
}

/// A log that the limit does not hold for.
fn log_through_cat(path: &Path) -> Child {
    let cat = Command::new("cat")
        .stdin(Stdio::piped())
        .stdout(File::create(path).unwrap())
        .spawn();
    cat.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_that_takes_no_write_any_more_is_told_and_waited_for() {
    let home = Case::home();
    let mut cat = log_through_cat(&home.path().join("log"));
    let mut case = Case::start(home, cat.stdin.take().unwrap()).await;
    case.add_message("before").await.unwrap();
    let process = case.server.process();
    if !limit_files(process, "0") {
        drop(case);
        cat.wait().unwrap();
        return;
    }
    case.refuses_and_reads().await;
    assert_eq!(case.add_document().await.unwrap_err().0, 5000);
    limit_files(process, "unlimited");
    case.recovers().await;
    let server = case.survives_a_crash().await;
    cat.wait().unwrap();
    let said = fs::read_to_string(server.home.path().join("log")).unwrap();
    assert!(said.contains("coze.db"), "{said}");
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
