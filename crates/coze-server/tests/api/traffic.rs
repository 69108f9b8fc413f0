//! A server in front of another one: what passes, what is written down, what is answered from it.

use std::path::Path;
use std::time::{Duration, Instant};

use coze_server::{StartError, TrafficConfig};
use serde_json::{Value, json};

use crate::harness::{Api, Reply, Setup, client, names, text, within};
use crate::space::{chat, streamed};

/// Records what passes to a server.
async fn recording(upstream: &Api, folder: &Path) -> Api {
    in_front(TrafficConfig {
        upstream: Some(upstream.url().to_owned()),
        record: Some(folder.to_owned()),
        ..TrafficConfig::default()
    })
    .await
    .unwrap()
}

async fn replaying(folder: &Path) -> Api {
    in_front(TrafficConfig {
        replay: Some(folder.to_owned()),
        speed: 0.0,
        ..TrafficConfig::default()
    })
    .await
    .unwrap()
}

async fn in_front(traffic: TrafficConfig) -> Result<Api, StartError> {
    let mut setup = Setup::with("").token("t0ken-of-the-caller");
    setup.config.traffic = Some(traffic);
    setup.config.faults = true;
    setup.try_start().await
}

/// The files of a folder, in order.
fn files(folder: &Path) -> Vec<(String, Value)> {
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| {
            let path = entry.unwrap().path();
            let text = std::fs::read_to_string(&path).unwrap();
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            (name, serde_json::from_str(&text).unwrap_or_default())
        })
        .collect();
    files.sort_by(|a, b| a.0.cmp(&b.0));
    files
}

fn temp() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

#[tokio::test]
async fn what_passes_is_the_same_and_is_answered_again() {
    let (upstream, folder) = (Api::start().await, temp());
    let front = recording(&upstream, folder.path()).await;
    let first = front.conversation().await;
    let second = front.conversation().await;
    assert_ne!(first, second);
    assert_eq!(upstream.answer(&first, "hello").await, "Hi there");
    let path = format!("/v3/chat?conversation_id={first}");
    let told = front.stream(&path, streamed("hello")).await;
    let list = format!("/v1/conversation/message/list?conversation_id={first}");
    let listed = front
        .post(&list, json!({"order": "asc", "limit": 50}))
        .await;
    listed.data();
    let refused = front.get("/v1/bots/1").await;
    assert_eq!(refused.code(), 4200);
    front.stop().await;

    let recorded = files(folder.path());
    let names: Vec<_> = recorded.iter().map(|it| it.0.as_str()).collect();
    assert_eq!(
        names,
        [
            "000001-POST-v1-conversation-create.json",
            "000002-POST-v1-conversation-create.json",
            "000003-POST-v3-chat.json",
            "000004-POST-v1-conversation-message-list.json",
            "000005-GET-v1-bots-1.json",
        ]
    );
    let exchange = &recorded[2].1;
    assert_eq!(exchange["format"], "coze-rs recording 1");
    assert_eq!(exchange["request"]["body"]["json"]["stream"], true);
    assert_eq!(exchange["response"]["end"], "complete");
    let chunks = exchange["response"]["chunks"].as_array().unwrap();
    let whole: String = chunks.iter().map(|it| text(&it["text"])).collect();
    assert_eq!(whole, told);
    assert_eq!(
        exchange["response"]["headers"]["content-type"][0],
        "text/event-stream"
    );
    upstream.stop().await;

    let replay = replaying(folder.path()).await;
    assert_eq!(replay.conversation().await, first);
    assert_eq!(replay.conversation().await, second);
    assert_eq!(replay.stream(&path, streamed("hello")).await, told);
    // The order of keys makes no difference; reads may be repeated.
    for _ in 0..3 {
        let again = replay
            .post(&list, json!({"limit": 50, "order": "asc"}))
            .await;
        assert_eq!((&again.text, &again.log_id), (&listed.text, &listed.log_id));
    }
    assert_eq!(replay.get("/v1/bots/1").await.text, refused.text);
}

#[tokio::test]
async fn a_stream_passes_as_it_comes() {
    let (upstream, folder) = (Api::start().await, temp());
    let front = recording(&upstream, folder.path()).await;
    // Its chat never ends by itself: what arrives was not held back.
    let mut stream = front.open("/v3/chat", streamed("hang")).await;
    let (conversation, id) = stream.ids().await;
    upstream.cancel(&conversation, &id).await.data();
    let told = stream.rest().await;
    assert_eq!(names(&told).last().unwrap(), "done");

    // A stop, which is not held up by what passes.
    let other = temp();
    let stopping = recording(&upstream, other.path()).await;
    let mut stream = stopping.open("/v3/chat", streamed("hang")).await;
    stream.ids().await;
    let begun = Instant::now();
    stopping.stop().await;
    assert!(
        begun.elapsed() < Duration::from_secs(1),
        "{:?}",
        begun.elapsed()
    );
    assert_eq!(files(other.path())[0].1["response"]["end"], "left");

    // A caller that leaves.
    let mut stream = front.open("/v3/chat", streamed("hang")).await;
    stream.ids().await;
    drop(stream);
    within(async {
        while files(folder.path()).len() < 2 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
    let recorded = files(folder.path());
    let ends: Vec<_> = recorded
        .iter()
        .map(|it| text(&it.1["response"]["end"]))
        .collect();
    assert_eq!(ends, ["complete", "left"]);
}

#[tokio::test]
async fn what_the_other_server_cuts_is_cut_again() {
    let mut setup = Setup::new();
    setup.config.faults = true;
    let (upstream, folder) = (setup.start().await, temp());
    let rule = json!({"fault": "cut; after=3; mid=character", "row": "StartChat"});
    upstream.post("/_local/faults", rule).await.data();
    let front = recording(&upstream, folder.path()).await;
    let ask = |api: &Api| {
        let body = json!({"bot_id": crate::space::DEMO_BOT, "user_id": "u", "stream": true,
            "additional_messages": [crate::space::message("你好")]});
        let request = api.request(reqwest::Method::POST, "/v3/chat").json(&body);
        async move {
            let mut response = within(request.send()).await.unwrap();
            let mut bytes = Vec::new();
            loop {
                match within(response.chunk()).await {
                    Ok(Some(chunk)) => bytes.extend_from_slice(&chunk),
                    Ok(None) => return (bytes, true),
                    Err(_) => return (bytes, false),
                }
            }
        }
    };
    let (bytes, whole) = ask(&front).await;
    assert!(!whole && std::str::from_utf8(&bytes).is_err());
    front.stop().await;
    let replay = replaying(folder.path()).await;
    assert_eq!(ask(&replay).await, (bytes, false));
}

#[tokio::test]
async fn secrets_are_not_written_down() {
    let (upstream, folder) = (Api::start().await, temp());
    let front = recording(&upstream, folder.path()).await;
    let token = "t0ken-of-the-caller";
    let body = json!({"name": format!("my token is {token}")});
    front.post("/v1/conversation/create", body).await.data();
    let login = json!({"grant_type": "authorization_code", "client_id": "app",
        "code": "c0de-of-the-login", "client_secret": "s3cret-of-the-app"});
    let request = front.request(reqwest::Method::POST, "/api/permission/oauth2/token");
    let request = request
        .header("cookie", "session=cr0umbs-of-mine")
        .json(&login);
    within(request.send()).await.unwrap();
    front.stop().await;
    let mut all = String::new();
    for (name, _) in files(folder.path()) {
        all.push_str(&std::fs::read_to_string(folder.path().join(name)).unwrap());
    }
    for secret in [
        token,
        "c0de-of-the-login",
        "s3cret-of-the-app",
        "cr0umbs-of-mine",
    ] {
        assert!(!all.contains(secret), "{secret} in {all}");
    }
    assert!(all.contains("my token is <redacted>"), "{all}");

    // Another token is as good: it is no part of what is compared.
    let replay = replaying(folder.path()).await;
    let url = format!("{}/v1/conversation/create", replay.url());
    let body = json!({"name": "my token is an0ther-token"});
    let request = client().post(url).bearer_auth("an0ther-token").json(&body);
    replay.send(request).await.data();
}

#[tokio::test]
async fn what_was_not_recorded_is_refused_with_the_nearest() {
    let (upstream, folder) = (Api::start().await, temp());
    let front = recording(&upstream, folder.path()).await;
    front.post("/v3/chat", chat("hello")).await.data();
    front.get("/v1/users/me").await.data();
    front.stop().await;
    let replay = replaying(folder.path()).await;
    let refusal = |reply: &Reply| reply.refusal();
    let reply = replay.post("/v3/chat", chat("goodbye")).await;
    assert_eq!(
        refusal(&reply),
        "404 404 POST /v3/chat was not recorded so; the nearest is 000001-POST-v3-chat.json: its body \
         has \"hello\" at additional_messages[0].content, the call has \"goodbye\""
    );
    let reply = replay.get("/v1/users/you").await;
    assert_eq!(
        refusal(&reply),
        "404 404 GET /v1/users/you was not recorded so; the nearest is 000002-GET-v1-users-me.json: \
         its path is /v1/users/me"
    );
    replay.post("/v3/chat", chat("hello")).await.data();
    let reply = replay.post("/v3/chat", chat("hello")).await;
    assert_eq!(
        refusal(&reply),
        "404 404 POST /v3/chat was recorded 1 times, and this is call 2"
    );
    // Another server can answer the rest, and what it says can be added.
    let both = in_front(TrafficConfig {
        upstream: Some(upstream.url().to_owned()),
        replay: Some(folder.path().to_owned()),
        record: Some(folder.path().to_owned()),
        speed: 0.0,
    })
    .await
    .unwrap();
    both.post("/v3/chat", chat("goodbye")).await.data();
    both.post("/v3/chat", chat("hello")).await.data();
    both.stop().await;
    let recorded = files(folder.path());
    assert_eq!(recorded.len(), 3, "only what was new");
    assert_eq!(recorded[2].0, "000003-POST-v3-chat.json");
}

#[tokio::test]
async fn recorded_pauses_are_kept_or_left_out() {
    let yaml = "models:\n  slow:\n    provider: offline\n    script:\n      - { match: ., deltas: [a, b, c], \
                delay_ms: 60 }\nbots: [{ id: \"7500000000000000001\", name: Slow, model: slow }]\n";
    let (upstream, folder) = (Setup::with(yaml).start().await, temp());
    let front = recording(&upstream, folder.path()).await;
    let body = || {
        json!({"bot_id": crate::space::DEMO_BOT, "user_id": "u", "stream": true,
        "additional_messages": [crate::space::message("x")]})
    };
    let told = front.stream("/v3/chat", body()).await;
    front.stop().await;
    let mut took = Vec::new();
    for speed in [1.0, 0.0] {
        let replay = in_front(TrafficConfig {
            replay: Some(folder.path().to_owned()),
            speed,
            ..TrafficConfig::default()
        });
        let replay = replay.await.unwrap();
        let begun = Instant::now();
        assert_eq!(replay.stream("/v3/chat", body()).await, told);
        took.push(begun.elapsed());
    }
    assert!(took[0] >= Duration::from_millis(180), "{took:?}");
    assert!(took[1] < took[0], "{took:?}");
}

#[tokio::test]
async fn uploads_pass_and_match_whatever_their_boundary() {
    let (upstream, folder) = (Api::start().await, temp());
    let front = recording(&upstream, folder.path()).await;
    let upload = |api: &Api, bytes: &[u8]| {
        let part = reqwest::multipart::Part::bytes(bytes.to_vec()).file_name("a.bin");
        let form = reqwest::multipart::Form::new().part("file", part);
        let request = api.request(reqwest::Method::POST, "/v1/files/upload");
        request.multipart(form)
    };
    for bytes in [&b"plain text"[..], &[0xFF, 0, 1, 2]] {
        front.send(upload(&front, bytes)).await.data();
    }
    front.stop().await;
    let replay = replaying(folder.path()).await;
    for bytes in [&[0xFF, 0, 1, 2][..], b"plain text"] {
        replay.send(upload(&replay, bytes)).await.data();
    }
    let other = replay.send(upload(&replay, b"other text")).await;
    assert_eq!(other.http, 404);
}

#[tokio::test]
async fn faults_happen_to_recorded_answers_too() {
    let (upstream, folder) = (Api::start().await, temp());
    let front = recording(&upstream, folder.path()).await;
    front.post("/v3/chat", chat("hello")).await.data();
    front.stop().await;
    let replay = replaying(folder.path()).await;
    let rule = json!({"fault": "code=4013", "row": "StartChat", "count": 1});
    replay.post("/_local/faults", rule).await.data();
    assert_eq!(replay.post("/v3/chat", chat("hello")).await.code(), 4013);
    replay.post("/v3/chat", chat("hello")).await.data();
}

#[tokio::test]
async fn an_upstream_that_is_gone() {
    let (upstream, folder) = (Api::start().await, temp());
    let front = recording(&upstream, folder.path()).await;
    upstream.stop().await;
    let reply = front.get("/v1/users/me").await;
    assert_eq!((reply.http, reply.code()), (502, 5000));
    assert!(reply.msg().ends_with("does not answer"), "{}", reply.msg());
    front.stop().await;
    assert!(files(folder.path()).is_empty());
}

#[tokio::test]
async fn what_cannot_be_used_is_told_at_the_start() {
    async fn problem(traffic: TrafficConfig) -> String {
        match in_front(traffic).await {
            Err(StartError::Space(why)) => why,
            Err(other) => panic!("{other:?}"),
            Ok(_) => panic!("it started"),
        }
    }
    let folder = temp();
    let replay = |path: &Path| TrafficConfig {
        replay: Some(path.to_owned()),
        ..TrafficConfig::default()
    };
    let why = problem(replay(folder.path())).await;
    assert!(why.ends_with("there are no recordings"), "{why}");
    let why = problem(replay(&folder.path().join("absent"))).await;
    assert!(why.contains("absent: No such file"), "{why}");
    std::fs::write(folder.path().join("000001-x.json"), "{\"format\": 1}").unwrap();
    let why = problem(replay(folder.path())).await;
    assert!(why.contains("000001-x.json: format: invalid type"), "{why}");
    let why = problem(TrafficConfig {
        upstream: Some("api.coze.cn".to_owned()),
        ..TrafficConfig::default()
    })
    .await;
    assert!(why.contains("the upstream \"api.coze.cn\""), "{why}");
    let why = problem(TrafficConfig {
        record: Some(folder.path().to_owned()),
        ..TrafficConfig::default()
    })
    .await;
    assert_eq!(why, "there is neither an upstream nor a folder to replay");

    // What a killed server left is cleared away, and numbers go on.
    let upstream = Api::start().await;
    let folder = temp();
    std::fs::write(folder.path().join("000007-GET-x.json.part"), "{").unwrap();
    std::fs::write(folder.path().join("000041-GET-x.json"), "{}").unwrap();
    let front = recording(&upstream, folder.path()).await;
    front.get("/v1/users/me").await.data();
    front.stop().await;
    let names: Vec<_> = files(folder.path()).into_iter().map(|it| it.0).collect();
    assert_eq!(names, ["000041-GET-x.json", "000042-GET-v1-users-me.json"]);
}
