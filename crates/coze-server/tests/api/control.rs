//! The control endpoints: faults, the clock, beginning anew.

use serde_json::{Value, json};

use crate::harness::{Api, Setup, text};

async fn controlled() -> Api {
    let mut setup = Setup::new();
    setup.config.faults = true;
    setup.start().await
}

#[tokio::test]
async fn faults_come_and_go() {
    let api = controlled().await;
    let rule = json!({"fault": "code=4013", "row": "CreateConversation", "count": 1});
    let added = api.post("/_local/faults", rule).await;
    let id = added.data()["id"].as_u64().unwrap();
    let create = || api.post("/v1/conversation/create", json!({}));
    assert_eq!(create().await.code(), 4013);
    assert_eq!(create().await.code(), 0);
    let list = api.get("/_local/faults").await;
    assert_eq!(
        list.data()["faults"],
        json!([{"id": id, "fault": "code=4013", "row": "CreateConversation", "skip": 0, "count": 1,
            "from": "control", "matched": 2, "applied": 1}])
    );
    let removed = api.delete(&format!("/_local/faults/{id}")).await;
    assert_eq!(removed.data()["removed"], 1);
    let again = api.delete(&format!("/_local/faults/{id}")).await;
    assert_eq!(
        again.refusal(),
        format!("404 4200 there is no fault \"{id}\"")
    );

    for _ in 0..2 {
        api.post("/_local/faults", json!({"fault": "status=503"}))
            .await
            .data();
    }
    assert_eq!(create().await.http, 503);
    let removed = api.delete("/_local/faults").await;
    assert_eq!(removed.data()["removed"], 2);
    assert_eq!(create().await.code(), 0);
}

#[tokio::test]
async fn what_is_wrong_with_a_call_is_told() {
    let api = controlled().await;
    for (body, expected) in [
        (
            json!({"fault": "explode"}),
            "fault: there is no fault \"explode\"",
        ),
        (
            json!({"fault": "cut", "row": "X"}),
            "row: there is no row \"X\"",
        ),
        (
            json!({"fault": "cut", "probability": 2}),
            "probability: 2 is not from 0 to 1",
        ),
        (json!({"falt": "cut"}), "unknown field `falt`"),
        (json!({}), "missing field `fault`"),
    ] {
        let reply = api.post("/_local/faults", body).await;
        assert_eq!((reply.http, reply.code()), (400, 4000), "{reply:?}");
        assert!(reply.msg().contains(expected), "{}", reply.msg());
    }
    let reply = api
        .post("/_local/clock", json!({"advance_seconds": -1}))
        .await;
    assert!(reply.msg().contains("advance_seconds"), "{}", reply.msg());
    let reply = api.get("/_local/clok").await;
    assert!(
        reply.msg().contains("there are /_local, "),
        "{}",
        reply.msg()
    );
}

#[tokio::test]
async fn others_need_a_token() {
    let mut setup = Setup::new().tokens(&["t0ken"]);
    setup.config.faults = true;
    let api = setup.start().await;
    api.get("/_local/faults").await.data();
    let url = format!("{}/_local/faults", api.url());
    let reply = api.send(crate::harness::client().get(url)).await;
    assert_eq!((reply.http, reply.code()), (401, 4100));
}

#[tokio::test]
async fn the_clock_goes_forward() {
    let api = controlled().await;
    let before = api.post("/v1/conversation/create", json!({})).await;
    let moved = api
        .post("/_local/clock", json!({"advance_seconds": 86_400}))
        .await;
    assert_eq!(moved.data()["ahead_seconds"], 86_400);
    let after = api.post("/v1/conversation/create", json!({})).await;
    let created = |reply: &crate::harness::Reply| reply.data()["created_at"].as_i64().unwrap();
    let between = created(&after) - created(&before);
    assert!((86_400..86_410).contains(&between), "{between}");
    let shown = api.get("/_local/clock").await;
    assert!(shown.data()["now"].as_i64().unwrap() >= created(&after));
}

#[tokio::test]
async fn a_reset_makes_it_a_new_server() {
    let api = controlled().await;
    let conversation = api.conversation().await;
    api.answer(&conversation, "hello").await;
    let hanging = api.create(&conversation, "hang").await;
    hanging.data();
    let form = reqwest::multipart::Form::new();
    let part = reqwest::multipart::Part::text("x").file_name("a.txt");
    let request = api.request(reqwest::Method::POST, "/v1/files/upload");
    let file = api.send(request.multipart(form.part("file", part))).await;
    let file = text(&file.data()["id"]);
    api.post(
        "/_local/faults",
        json!({"fault": "status=503", "row": "ListBots"}),
    )
    .await
    .data();
    api.post("/_local/clock", json!({"advance_seconds": 60}))
        .await
        .data();

    let reply = api.post("/_local/reset", json!({})).await;
    assert_eq!(reply.data()["ahead_seconds"], 0);
    let gone = api
        .get(&format!(
            "/v1/conversation/retrieve?conversation_id={conversation}"
        ))
        .await;
    assert_eq!(gone.code(), 4001, "{gone:?}");
    assert_ne!(
        api.get(&format!("/v1/files/retrieve?file_id={file}"))
            .await
            .code(),
        0
    );
    let left = std::fs::read_dir(api.folder.path().join("data/files")).unwrap();
    assert_eq!(left.count(), 0);
    let faults: Value = api.get("/_local/faults").await.data()["faults"].clone();
    assert_eq!(faults, json!([]));
    // It works as before.
    let conversation = api.conversation().await;
    assert_eq!(api.answer(&conversation, "hello").await, "Hi there");
    let shown = api.get("/_local").await;
    assert_eq!(shown.data()["working"], 0, "{shown:?}");
}
