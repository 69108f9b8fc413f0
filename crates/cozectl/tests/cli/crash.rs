//! `kill -9` at random moments under a mixed load, again and again on the same data.
//!
//! What was answered is there afterwards, nothing is half there, the database is whole and the
//! server soon back. Ten rounds by default; as many as `COZE_CRASH_ROUNDS` says:
//! `COZE_CRASH_ROUNDS=100 cargo test --release -p cozectl --test cli crash::`

mod knowledge;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use coze_api::{Coze, RetryPolicy};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::support::{Home, Server};
use crate::workflow::canvas;

const CONFIG: &str = r#"
bots:
  - { id: "7500000000000000101", name: Scripted, model: scripted }
models:
  scripted:
    provider: offline
    script:
      - { match: "^slow", deltas: ["one ", "two ", "three"], delay_ms: 20 }
      - { match: "", deltas: ["one ", "two ", "three"] }
workflows:
  - { id: "7500000000000000201", name: greet, file: greet.json }
"#;
const BOT: &str = "7500000000000000101";
const WORKFLOW: &str = "7500000000000000201";
const SPACE: &str = "7500000000000000003";
const ANSWER: &str = "one two three";

/// What the server has said that it did.
#[derive(Debug, Clone)]
enum Done {
    Conversation(String),
    /// A message of a conversation, and its text.
    Message(String, String, String),
    /// A chat that was taken: its conversation and its question.
    Begun(String, String, String),
    /// A chat whose end was told.
    Completed(String, String),
    File(String, usize),
    Run(String),
    Bot(String, String),
    /// A dataset and its name.
    Dataset(String, String),
    /// A document of a dataset that was taken, and whether its bytes were sent along.
    Document(String, String, bool),
    /// A document whose chunks are there.
    Indexed(String, String),
    /// What is about to be removed, and what was.
    Removing(String),
    Removed(String),
}

impl Done {
    /// What is counted; the intention to remove something is no acknowledgement.
    fn kind(&self) -> Option<&'static str> {
        Some(match self {
            Self::Conversation(..) => "conversations",
            Self::Message(..) => "messages",
            Self::Begun(..) => "chats begun",
            Self::Completed(..) => "chats completed",
            Self::File(..) => "files",
            Self::Run(..) => "runs",
            Self::Bot(..) => "bots",
            Self::Dataset(..) => "datasets",
            Self::Document(..) => "documents",
            Self::Indexed(..) => "documents indexed",
            Self::Removed(..) => "removals",
            Self::Removing(..) => return None,
        })
    }
}

const KINDS: usize = 11;

/// The callers, and what they have been told.
#[derive(Clone)]
struct Load {
    coze: Coze,
    done: Arc<Mutex<Vec<Done>>>,
    round: usize,
}

fn coze(server: &Server) -> Coze {
    let coze = Coze::builder().base_url(&server.url).token("pat_any");
    coze.retry(RetryPolicy::none()).build().unwrap()
}

/// A call; `None` when the server is gone, which ends the caller.
async fn call(coze: &Coze, path: &str, query: &[(&str, &str)], body: Value) -> Option<Value> {
    let method = match body {
        Value::Null => "GET",
        _ => "POST",
    };
    let body = (!body.is_null()).then_some(body);
    let method = method.parse().unwrap();
    // What is no answer is the end of the server.
    let reply = coze.send_raw(method, path, query, body).await.ok()?;
    let reply: Value = serde_json::from_slice(reply.bytes()).unwrap();
    // It says no for no reason of ours: that is what this test is about.
    assert_eq!(reply["code"], 0, "{path}: {reply}");
    Some(reply)
}

async fn delete(coze: &Coze, path: &str) -> Option<()> {
    let reply = coze.send_raw("DELETE".parse().unwrap(), path, &[], None);
    let reply: Value = serde_json::from_slice(reply.await.ok()?.bytes()).unwrap();
    assert_eq!(reply["code"], 0, "{path}: {reply}");
    Some(())
}

fn text(value: &Value) -> String {
    value
        .as_str()
        .unwrap_or_else(|| panic!("no text: {value}"))
        .to_owned()
}

fn chat(question: &str, stream: bool) -> Value {
    let message = json!({"role": "user", "content": question, "content_type": "text"});
    json!({"bot_id": BOT, "user_id": "u", "stream": stream, "additional_messages": [message]})
}

impl Load {
    fn note(&self, done: Done) {
        self.done.lock().unwrap().push(done);
    }

    /// Callers of every kind, until the server is gone.
    fn start(&self) -> JoinSet<()> {
        let mut callers = JoinSet::new();
        for index in 0..3 {
            let (a, b, c, d) = (self.clone(), self.clone(), self.clone(), self.clone());
            let e = self.clone();
            callers.spawn(async move { while a.chat(index).await.is_some() {} });
            callers.spawn(async move { while b.stream(index).await.is_some() {} });
            callers.spawn(async move { while c.messages(index).await.is_some() {} });
            callers.spawn(async move { while d.rest(index).await.is_some() {} });
            callers.spawn(async move {
                let mut turn = 0;
                while e.knowledge(index, turn).await.is_some() {
                    turn += 1;
                }
            });
        }
        callers
    }

    async fn chat(&self, index: usize) -> Option<()> {
        let question = format!("slow {} {index}", self.round);
        let reply = call(&self.coze, "/v3/chat", &[], chat(&question, false)).await?;
        let (id, place) = (
            text(&reply["data"]["id"]),
            text(&reply["data"]["conversation_id"]),
        );
        self.note(Done::Begun(place.clone(), id.clone(), question));
        loop {
            let ids = [
                ("conversation_id", place.as_str()),
                ("chat_id", id.as_str()),
            ];
            let reply = call(&self.coze, "/v3/chat/retrieve", &ids, Value::Null).await?;
            match reply["data"]["status"].as_str() {
                Some("completed") => break,
                Some("in_progress") => tokio::time::sleep(Duration::from_millis(5)).await,
                other => panic!("a chat is {other:?}"),
            }
        }
        self.note(Done::Completed(place, id));
        Some(())
    }

    async fn stream(&self, index: usize) -> Option<()> {
        let question = format!("quick {} {index}", self.round);
        let body = Some(chat(&question, true));
        let stream = self
            .coze
            .send_raw_stream("POST".parse().unwrap(), "/v3/chat", &[], body);
        let mut stream = stream.await.ok()?;
        let mut seen = String::new();
        while let Some(bytes) = stream.chunk().await.ok()? {
            seen.push_str(&String::from_utf8_lossy(&bytes));
        }
        let mut frames = seen.split("\n\n").filter_map(|frame| {
            let (event, data) = frame.split_once("\ndata:")?;
            Some((
                event.strip_prefix("event:")?,
                serde_json::from_str::<Value>(data).ok()?,
            ))
        });
        let (_, created) = frames.next()?;
        let (id, place) = (text(&created["id"]), text(&created["conversation_id"]));
        self.note(Done::Begun(place.clone(), id.clone(), question));
        if frames.any(|(event, _)| event == "conversation.chat.completed") {
            self.note(Done::Completed(place, id));
        }
        Some(())
    }

    async fn messages(&self, index: usize) -> Option<()> {
        let body = json!({"name": format!("c{index}")});
        let reply = call(&self.coze, "/v1/conversation/create", &[], body).await?;
        let place = text(&reply["data"]["id"]);
        self.note(Done::Conversation(place.clone()));
        for count in 0..20 {
            let content = format!("message {}.{index}.{count}", self.round);
            let body = json!({"role": "user", "content": content, "content_type": "text"});
            let query = [("conversation_id", place.as_str())];
            let path = "/v1/conversation/message/create";
            let reply = call(&self.coze, path, &query, body).await?;
            self.note(Done::Message(
                place.clone(),
                text(&reply["data"]["id"]),
                content,
            ));
        }
        Some(())
    }

    async fn rest(&self, index: usize) -> Option<()> {
        let length = 1 + index * 50_000;
        let file = self
            .coze
            .upload_bytes("a.txt", vec![b'a'; length])
            .await
            .ok()?;
        self.note(Done::File(file.id.to_string(), length));
        let body = json!({"workflow_id": WORKFLOW, "parameters": {"name": "Ada"}});
        let reply = call(&self.coze, "/v1/workflow/run", &[], body).await?;
        self.note(Done::Run(text(&reply["execute_id"])));
        let name = format!("bot {} {index}", self.round);
        let body = json!({"space_id": SPACE, "name": name});
        let reply = call(&self.coze, "/v1/bot/create", &[], body).await?;
        self.note(Done::Bot(text(&reply["data"]["bot_id"]), name));
        Some(())
    }
}

/// Everything that was acknowledged, against the server that has come back.
async fn check(coze: &Coze, all: &[Done], data: &Path) {
    for done in all {
        match done {
            Done::Conversation(place) => {
                let query = [("conversation_id", place.as_str())];
                let path = "/v1/conversation/retrieve";
                call(coze, path, &query, Value::Null).await.expect(place);
            }
            Done::Message(place, id, content) => {
                let query = [("conversation_id", place.as_str()), ("message_id", id)];
                let path = "/v1/conversation/message/retrieve";
                let reply = call(coze, path, &query, Value::Null).await.expect(id);
                assert_eq!(reply["data"]["content"], **content);
            }
            Done::Begun(place, id, question) => {
                let ids = [("conversation_id", place.as_str()), ("chat_id", id)];
                let path = "/v3/chat/retrieve";
                let chat = call(coze, path, &ids, Value::Null).await.expect(id);
                let status = text(&chat["data"]["status"]);
                let path = "/v3/chat/message/list";
                let made = call(coze, path, &ids, Value::Null).await.expect(id);
                let made = made["data"].as_array().unwrap();
                match status.as_str() {
                    "completed" => assert_eq!(made[0]["content"], ANSWER),
                    "failed" => {
                        assert!(made.is_empty(), "half a chat: {made:?}");
                        assert_eq!(chat["data"]["last_error"]["code"], 5000);
                    }
                    other => panic!("a chat of the dead server is {other}"),
                }
                let query = [("conversation_id", place.as_str())];
                let path = "/v1/conversation/message/list";
                let listed = call(coze, path, &query, json!({"order": "asc"}))
                    .await
                    .expect(place);
                assert_eq!(listed["data"][0]["content"], **question);
            }
            Done::Completed(place, id) => {
                let ids = [("conversation_id", place.as_str()), ("chat_id", id)];
                let path = "/v3/chat/retrieve";
                let chat = call(coze, path, &ids, Value::Null).await.expect(id);
                assert_eq!(chat["data"]["status"], "completed");
            }
            Done::File(id, length) => {
                let query = [("file_id", id.as_str())];
                let reply = call(coze, "/v1/files/retrieve", &query, Value::Null)
                    .await
                    .expect(id);
                assert_eq!(reply["data"]["bytes"], *length);
                assert_eq!(
                    fs::read(data.join("files").join(id)).unwrap(),
                    vec![b'a'; *length]
                );
            }
            Done::Run(id) => {
                let path = format!("/v1/workflows/{WORKFLOW}/run_histories/{id}");
                let reply = call(coze, &path, &[], Value::Null).await.expect(id);
                assert_eq!(reply["data"][0]["execute_status"], "Success", "{reply}");
            }
            Done::Bot(id, name) => {
                let path = format!("/v1/bots/{id}");
                let query = [("is_published", "false")];
                let reply = call(coze, &path, &query, Value::Null).await.expect(id);
                assert_eq!(reply["data"]["name"], **name);
            }
            Done::Dataset(..)
            | Done::Document(..)
            | Done::Indexed(..)
            | Done::Removing(..)
            | Done::Removed(..) => {}
        }
    }
    knowledge::check(coze, all, data).await;
}

/// The database as the crash left it, in a copy: opening it mends it.
fn check_database(data: &Path, scratch: &Path) {
    let _ = fs::remove_dir_all(scratch);
    fs::create_dir(scratch).unwrap();
    for name in ["coze.db", "coze.db-wal", "coze.db-shm"] {
        if data.join(name).exists() {
            fs::copy(data.join(name), scratch.join(name)).unwrap();
        }
    }
    let database = rusqlite::Connection::open(scratch.join("coze.db")).unwrap();
    let one = |sql: &str| database.query_row(sql, [], |row| row.get::<_, String>(0));
    assert_eq!(one("PRAGMA integrity_check").unwrap(), "ok");
    assert_eq!(
        one("PRAGMA foreign_key_check"),
        Err(rusqlite::Error::QueryReturnedNoRows)
    );
    // A chat that is over has its answer, and one that is not has none.
    let halves = "SELECT count(*) || '' FROM chat WHERE (status = 'completed') <> \
                  EXISTS (SELECT 1 FROM message WHERE chat_id = chat.id AND produced)";
    assert_eq!(one(halves).unwrap(), "0");
    knowledge::check_database(&one);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_acknowledged_is_lost_however_often() {
    let rounds: usize = match std::env::var("COZE_CRASH_ROUNDS") {
        Ok(rounds) => rounds.parse().unwrap(),
        Err(_) => 10,
    };
    let seed = std::collections::hash_map::RandomState::new();
    let random = |round: usize| std::hash::BuildHasher::hash_one(&seed, round);
    let home = Home::new();
    home.write("coze.yaml", CONFIG);
    home.write("greet.json", &canvas(false));
    let data = home.path().join("server-data");
    let scratch = home.path().join("copy");
    let (mut all, mut starts) = (Vec::new(), Vec::new());
    let mut kinds = BTreeMap::<&str, usize>::new();
    let mut server = Server::start_in(home, &[]);
    for round in 0..rounds {
        let load = Load {
            coze: coze(&server),
            done: Arc::default(),
            round,
        };
        let callers = load.start();
        let moment = Duration::from_millis(50 + random(round) % 400);
        tokio::time::sleep(moment).await;
        server.kill();
        // A caller that found a fault panics here.
        callers.join_all().await;
        check_database(&data, &scratch);
        let begun = Instant::now();
        let home = std::mem::replace(&mut server.home, Home::new());
        server = Server::start_in(home, &[]);
        starts.push(begun.elapsed());
        let done = load.done.lock().unwrap().clone();
        check(&coze(&server), &done, &data).await;
        knowledge::check_leftovers(&data).await;
        for kind in done.iter().filter_map(Done::kind) {
            *kinds.entry(kind).or_default() += 1;
        }
        all.extend(done);
    }
    // And what the first rounds wrote has outlived all the others.
    check(&coze(&server), &all, &data).await;
    starts.sort();
    let (median, slowest) = (starts[starts.len() / 2], starts[starts.len() - 1]);
    let acknowledged: usize = kinds.values().sum();
    println!(
        "{rounds} rounds, {acknowledged} acknowledged {kinds:?}; start after a crash: median \
         {median:.0?}, slowest {slowest:.0?}"
    );
    assert_eq!(kinds.len(), KINDS, "no load: {kinds:?}");
    // A debug build on a busy machine gets more time than what is promised.
    let patience = if cfg!(debug_assertions) { 5_000 } else { 500 };
    assert!(slowest < Duration::from_millis(patience), "{slowest:?}");
}
