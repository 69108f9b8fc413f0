//! What was answered is on disk.

use std::collections::BTreeSet;
use std::path::Path;

use futures_util::future::join_all;
use serde_json::json;
use tempfile::TempDir;

use crate::harness::{Api, Setup, place, text};
use crate::space::{FOUR_QUESTIONS, GREET, REPORT, run};

/// The data folder as a crash of the process would leave it: what the server has written so far,
/// without its being told to end.
fn crashed(api: &Api) -> TempDir {
    let copy = tempfile::tempdir().unwrap();
    let data = api.folder.path().join("data");
    copy_files(&data, copy.path());
    copy_files(&data.join("files"), &copy.path().join("files"));
    copy
}

fn copy_files(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        // The index beside the log is shared memory, which no crash leaves behind as it was.
        if path.is_file() && path.extension().is_none_or(|it| it != "db-shm") {
            std::fs::copy(&path, to.join(path.file_name().unwrap())).unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crash_loses_nothing_that_was_acknowledged() {
    let api = Api::start().await;
    let conversation = api.conversation().await;
    api.answer(&conversation, "hello").await;
    let paused = api.ask(&conversation, "weather").await;
    let made = api
        .post(
            "/v1/conversation/create",
            json!({"name": "trip", "meta_data": {"a": "1"}, "messages": [{"role": "user", "content": "x", "content_type": "text"}]}),
        )
        .await;
    let form = "--b\r\ncontent-disposition: form-data; name=\"file\"; filename=\"a.txt\"\r\n\r\nsome\r\n--b--\r\n";
    let upload = api.request(reqwest::Method::POST, "/v1/files/upload");
    let upload = upload
        .header("content-type", "multipart/form-data; boundary=b")
        .body(form);
    let file = api.send(upload).await;
    let ran = api
        .post("/v1/workflow/run", run(REPORT, &json!({"topic": "rust"})))
        .await;
    let waiting = api
        .post("/v1/workflow/run", run(FOUR_QUESTIONS, &json!({})))
        .await;
    let occupied = api.conversation().await;
    let hanging = text(&api.create(&occupied, "hang").await.data()["id"]);

    let copy = crashed(&api);
    let again = Setup::new().data(copy.path()).start().await;
    assert_eq!(
        again.contents(&conversation).await,
        ["hello", "Hi there", "weather"]
    );
    let same = format!(
        "/v1/conversation/retrieve?conversation_id={}",
        text(&made.data()["id"])
    );
    assert_eq!(again.get(&same).await.data(), made.data());
    assert_eq!(again.contents(&text(&made.data()["id"])).await, ["x"]);
    let id = text(&file.data()["id"]);
    assert_eq!(
        again
            .get(&format!("/v1/files/retrieve?file_id={id}"))
            .await
            .data(),
        file.data()
    );
    assert_eq!(
        std::fs::read(copy.path().join("files").join(id)).unwrap(),
        b"some"
    );
    let history = format!(
        "/v1/workflows/{REPORT}/run_histories/{}",
        text(&ran.json["execute_id"])
    );
    assert_eq!(
        again.get(&history).await.data()[0]["execute_status"],
        "Success"
    );

    // What was at work is failed, and says why.
    let chat = again.retrieve(&occupied, &hanging).await;
    let chat = chat.data();
    assert_eq!(chat["status"], "failed");
    let error = &chat["last_error"];
    assert_eq!(error["code"], 5000);
    let why = error["msg"].as_str().unwrap();
    assert!(why.contains("the server was stopped or restarted"), "{why}");
    assert!(chat["failed_at"].is_i64());
    assert_eq!(again.answer(&occupied, "hello").await, "Hi there");

    // What waited goes on.
    let id = text(&paused["id"]);
    let state = again.retrieve(&conversation, &id).await;
    assert_eq!(state.data(), &paused);
    let call = &paused["required_action"]["submit_tool_outputs"]["tool_calls"][0]["id"];
    let submit = place("/v3/chat/submit_tool_outputs", &conversation, &id);
    let outputs = json!({"tool_outputs": [{"tool_call_id": call, "output": "sun"}]});
    again.post(&submit, outputs).await.data();
    let ended = again.ended(&conversation, &id).await;
    assert_eq!(ended["status"], "completed");
    let messages = again.messages(&ended).await;
    let kinds: Vec<_> = messages
        .as_array()
        .unwrap()
        .iter()
        .map(|it| text(&it["type"]))
        .collect();
    assert_eq!(
        kinds,
        ["function_call", "tool_response", "answer", "verbose"]
    );
    assert!(ended["usage"]["token_count"].as_i64() > paused["usage"]["token_count"].as_i64());
    let resumed = again
        .post(
            "/v1/workflows/resume",
            json!({"workflow_id": FOUR_QUESTIONS, "event_id": waiting.json["interrupt_data"]["event_id"],
                   "resume_data": "one", "interrupt_type": 2}),
        )
        .await;
    assert_eq!(resumed.code(), 0, "{}", resumed.text);
    assert!(
        resumed.json["interrupt_data"].is_object(),
        "{}",
        resumed.text
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_a_crash_interrupted_is_failed() {
    let api = Api::start().await;
    let body = json!({"workflow_id": crate::space::ASK_MODEL, "parameters": {"input": "hang"}, "is_async": true});
    let reply = api.post("/v1/workflow/run", body).await;
    let history = format!(
        "/v1/workflows/{}/run_histories/{}",
        crate::space::ASK_MODEL,
        text(&reply.json["execute_id"])
    );
    assert_eq!(
        api.get(&history).await.data()[0]["execute_status"],
        "Running"
    );
    let copy = crashed(&api);
    let again = Setup::new().data(copy.path()).start().await;
    let run = again.get(&history).await.data()[0].clone();
    assert_eq!(
        (&run["execute_status"], &run["error_code"]),
        (&json!("Fail"), &json!("5000"))
    );
    assert!(
        run["error_message"].as_str().unwrap().contains("restarted"),
        "{run}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_writes_at_once() {
    let api = Api::start().await;
    let conversation = api.conversation().await;
    let path = format!("/v1/conversation/message/create?conversation_id={conversation}");
    let writes = (0..200).map(|number| {
        let body = json!({"role": "user", "content": number.to_string(), "content_type": "text"});
        api.post(&path, body)
    });
    let replies = join_all(writes).await;
    let acknowledged: BTreeSet<(i64, String)> = replies
        .iter()
        .map(|it| {
            (
                it.data()["id"].as_str().unwrap().parse().unwrap(),
                text(&it.data()["content"]),
            )
        })
        .collect();
    assert_eq!(
        acknowledged
            .iter()
            .map(|it| it.0)
            .collect::<BTreeSet<_>>()
            .len(),
        200
    );

    let copy = crashed(&api);
    let again = Setup::new().data(copy.path()).start().await;
    let list = format!("/v1/conversation/message/list?conversation_id={conversation}");
    let mut found = Vec::new();
    let mut after = "0".to_owned();
    loop {
        let page = again
            .post(&list, json!({"order": "asc", "after_id": after}))
            .await;
        page.data();
        for message in page.json["data"].as_array().unwrap() {
            found.push((
                text(&message["id"]).parse().unwrap(),
                text(&message["content"]),
            ));
        }
        if page.json["has_more"] == false {
            break;
        }
        after = text(&page.json["last_id"]);
    }
    // In the order of their ids, each once.
    assert_eq!(found, acknowledged.into_iter().collect::<Vec<_>>());
    // And new ids come behind the old ones, also after a restart.
    let new: i64 = again.conversation().await.parse().unwrap();
    assert!(new > found.last().unwrap().0);
}

#[tokio::test]
async fn a_database_of_a_newer_version_is_left_alone() {
    let api = Api::start().await;
    let conversation = api.conversation().await;
    let folder = api.stop().await;
    let data = folder.path().join("data");
    let set_version = |version: i64| {
        let database = rusqlite::Connection::open(data.join("coze.db")).unwrap();
        let old: i64 = database
            .pragma_query_value(None, "user_version", |it| it.get(0))
            .unwrap();
        database
            .pragma_update(None, "user_version", version)
            .unwrap();
        old
    };
    let old = set_version(99);
    let error = Setup::new().data(&data).try_start().await.err().unwrap();
    let path = data.join("coze.db").display().to_string();
    assert_eq!(
        error.to_string().replace(&path, "<path>"),
        format!(
            "cannot use the data folder: <path> was written by a newer version (schema 99, this \
             version knows {old}); use that version, or another data folder"
        )
    );
    set_version(old);
    let again = Setup::new().data(&data).start().await;
    assert_eq!(again.contents(&conversation).await, [""; 0]);
}

#[tokio::test]
async fn a_data_folder_that_cannot_be_used() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "x").unwrap();
    let error = Setup::new()
        .data(&file)
        .try_start()
        .await
        .err()
        .unwrap()
        .to_string();
    assert!(error.starts_with("cannot use the data folder: "), "{error}");
    assert!(error.contains(&file.display().to_string()), "{error}");

    std::fs::create_dir(folder.path().join("data")).unwrap();
    std::fs::write(
        folder.path().join("data/coze.db"),
        "this is no database, but long enough to be taken for one",
    )
    .unwrap();
    let error = Setup::new()
        .data(&folder.path().join("data"))
        .try_start()
        .await
        .err()
        .unwrap()
        .to_string();
    assert!(error.contains("not a database"), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_servers_never_share_a_data_folder() {
    let api = Api::start().await;
    let conversation = api.conversation().await;
    let chat = text(&api.create(&conversation, "hang").await.data()["id"]);
    let second = Setup::new()
        .data(&api.folder.path().join("data"))
        .try_start()
        .await;
    let error = second
        .err()
        .expect("two servers on one data folder")
        .to_string();
    assert!(error.contains("is in use by another server"), "{error}");
    // And the first one has not noticed.
    assert_eq!(
        api.retrieve(&conversation, &chat).await.data()["status"],
        "in_progress"
    );
    let body = run(GREET, &json!({"name": "Ada"}));
    assert_eq!(api.post("/v1/workflow/run", body).await.code(), 0);
    // When it has stopped, its place is free.
    let folder = api.stop().await;
    let again = Setup::new().data(&folder.path().join("data")).start().await;
    assert_eq!(
        again.retrieve(&conversation, &chat).await.data()["status"],
        "failed"
    );
}

/// What a crash left of an upload that nobody was told of is removed; everything else stays.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn leftovers_of_uploads_are_removed_at_the_start() {
    let api = Api::start().await;
    let form = "--b\r\ncontent-disposition: form-data; name=\"file\"; filename=\"a.txt\"\r\n\r\nsome\r\n--b--\r\n";
    let upload = api.request(reqwest::Method::POST, "/v1/files/upload");
    let upload = upload
        .header("content-type", "multipart/form-data; boundary=b")
        .body(form);
    let file = text(&api.send(upload).await.data()["id"]);
    let dataset = crate::knowledge::dataset(&api, 0).await;
    let base = crate::knowledge::local("a.txt", "txt", "text");
    let document = text(&crate::knowledge::add(&api, &dataset, base).await["document_id"]);
    let folder = api.stop().await;
    let data = folder.path().join("data");
    let (cut, other) = ("7000000000000000001", "notes.txt");
    for name in [cut, other] {
        std::fs::write(data.join("files").join(name), "half").unwrap();
    }
    let _again = Setup::new().data(&data).start().await;
    let there = |name: &str| data.join("files").join(name).exists();
    crate::harness::within(async {
        while there(cut) {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    })
    .await;
    assert!(there(other) && there(&file) && there(&document));
}
