//! The server that tests of others use.

use std::time::{Duration, Instant};

use coze_server::{Plan, ScriptRule, StartError, TestServer};
use serde_json::{Value, json};

use crate::harness::client;

async fn ask(server: &TestServer, text: &str) -> Value {
    let body = json!({"bot_id": server.bot_id(), "user_id": "u", "stream": false,
        "additional_messages": [{"role": "user", "content": text, "content_type": "text"}]});
    let url = format!("{}/v3/chat", server.url());
    let reply = client().post(url).json(&body).send().await.unwrap();
    reply.json().await.unwrap()
}

#[tokio::test]
async fn it_goes_and_takes_its_data_along() {
    let server = TestServer::start().await.unwrap();
    let data = server.data().to_owned();
    assert!(data.join("coze.db").exists());
    assert_eq!(ask(&server, "hello").await["code"], 0);
    let url = server.url().to_owned();
    drop(server);
    assert!(!data.exists());
    assert!(client().get(format!("{url}/healthz")).send().await.is_err());

    let server = TestServer::start().await.unwrap();
    let data = server.data().to_owned();
    server.stop().await;
    assert!(!data.exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_run_beside_each_other() {
    let start = |number: usize| async move {
        let answer = format!("number {number}");
        let server = TestServer::builder().answer(".", answer).start();
        (number, server.await.unwrap())
    };
    let begun = Instant::now();
    let servers = futures_util::future::join_all((0..20).map(start)).await;
    eprintln!("20 servers are ready in {:?}", begun.elapsed());
    for (number, server) in &servers {
        let list = format!(
            "{}/v1/conversations?bot_id={}",
            server.url(),
            server.bot_id()
        );
        let none: Value = client()
            .get(&list)
            .send()
            .await
            .unwrap()
            .json()
            .await
            .unwrap();
        assert_eq!(none["code"], 0, "{number}: {none}");
        assert_eq!(ask(server, "x").await["code"], 0);
    }
}

#[tokio::test]
async fn what_cannot_be_used_is_told_at_the_start() {
    async fn problem(builder: coze_server::TestServerBuilder) -> String {
        match builder.start().await {
            Err(StartError::Space(why)) => why,
            other => panic!("{other:?}"),
        }
    }
    let why = problem(TestServer::builder().fault("explode", |rule| rule)).await;
    assert!(
        why.starts_with("the fault \"explode\": there is no fault"),
        "{why}"
    );
    let why = problem(TestServer::builder().fault("cut", |rule| rule.row("X"))).await;
    assert!(
        why.starts_with("the fault \"cut\": row: there is no row"),
        "{why}"
    );
    let why = problem(TestServer::builder().yaml("bots: 1")).await;
    assert!(why.starts_with("coze.yaml:1:7: "), "{why}");
    let why = problem(TestServer::builder().script([ScriptRule {
        pattern: "a(b".to_owned(),
        ..ScriptRule::default()
    }]))
    .await;
    assert!(why.contains("match \"a(b\""), "{why}");
}

#[tokio::test]
async fn it_is_controlled_from_the_test() {
    let server = TestServer::builder()
        .token("t0ken")
        .seed(3)
        .fault("code=5000", |rule| rule.row("RetrieveMe").probability(0.5))
        .start()
        .await
        .unwrap();
    let me = || async {
        let request = client().get(format!("{}/v1/users/me", server.url()));
        let reply = request.bearer_auth("t0ken").send().await.unwrap();
        reply.json::<Value>().await.unwrap()["code"]
            .as_i64()
            .unwrap()
    };
    let mut codes = Vec::new();
    for _ in 0..20 {
        codes.push(me().await);
    }
    assert!(codes.contains(&0) && codes.contains(&5000), "{codes:?}");
    server
        .fault("code=4013", |rule| rule.method("GET"))
        .unwrap();
    server.remove_faults(None);
    server.reset().await.unwrap();
    let mut again = Vec::new();
    for _ in 0..20 {
        again.push(me().await);
    }
    assert_eq!(codes, again, "the same seed, the same failures");
    server.advance(Duration::from_secs(60));
}

#[tokio::test]
async fn its_plan_limits_each_user() {
    let plan = Plan {
        total: Some(2),
        ..Plan::default()
    };
    // The one of the builder counts, and not that of the text.
    let server = TestServer::builder()
        .yaml("plan: { total: 1 }")
        .plan(plan)
        .start()
        .await
        .unwrap();
    for expected in [0, 0, 4028] {
        assert_eq!(ask(&server, "x").await["code"], expected);
    }
    // With everything else, what was called is forgotten.
    server.reset().await.unwrap();
    assert_eq!(ask(&server, "x").await["code"], 0);
}
