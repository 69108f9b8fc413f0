//! Who is let in.

use reqwest::Method;
use serde_json::json;

use crate::harness::{Api, Setup, client};

#[tokio::test]
async fn each_form_of_a_token() {
    let api = Setup::new()
        .tokens(&["first-token", "second-token"])
        .start()
        .await;
    for (header, allowed) in [
        (Some("Bearer first-token"), true),
        (Some("Bearer second-token"), true),
        (Some("bearer second-token"), true),
        (Some("Bearer  first-token "), true),
        (None, false),
        (Some(""), false),
        (Some("Bearer"), false),
        (Some("Bearer "), false),
        (Some("Bearer first-toke"), false),
        (Some("Bearer first-token2"), false),
        (Some("Bearer FIRST-TOKEN"), false),
        (Some("Basic first-token"), false),
        (Some("first-token"), false),
    ] {
        let client = client();
        let mut request = client.get(format!("{}/v1/users/me", api.url()));
        if let Some(header) = header {
            request = request.header("authorization", header);
        }
        let reply = api.send(request).await;
        if allowed {
            reply.data();
        } else {
            assert_eq!((reply.http, reply.code()), (401, 4100), "{header:?}");
            assert!(!reply.msg().contains("first-token"), "{}", reply.msg());
        }
    }
}

#[tokio::test]
async fn tokens_of_the_file_count_too() {
    let yaml = format!("token: [from-file]\n{}", crate::space::yaml());
    let mut setup = Setup::with(&yaml).tokens(&["from-file"]);
    setup.config.tokens.clear();
    let api = setup.start().await;
    api.get("/v1/users/me").await.data();
    let client = client();
    let reply = api
        .send(client.get(format!("{}/v1/users/me", api.url())))
        .await;
    assert_eq!((reply.http, reply.code()), (401, 4100));
}

/// Whoever is not let in learns nothing, and nothing happens.
#[tokio::test]
async fn the_token_is_looked_at_before_the_request() {
    let api = Setup::new().tokens(&["right"]).start().await;
    let client = client();
    let url = |path: &str| format!("{}{path}", api.url());
    for request in [
        client.post(url("/v3/chat")).body("{"),
        client
            .post(url("/v3/chat"))
            .body(crate::space::streamed("hello").to_string()),
        client.get(url("/v3/chat/retrieve")),
        client.post(url("/v1/files/upload")).body("no form"),
        client.post(url("/v1/workflow/run")).body("{}"),
    ] {
        let reply = api.send(request).await;
        assert_eq!((reply.http, reply.code()), (401, 4100));
    }
    let list = format!("/v1/conversations?bot_id={}", crate::space::SCRIPTED_BOT);
    assert_eq!(api.get(&list).await.data()["conversations"], json!([]));
    assert_eq!(
        std::fs::read_dir(api.folder.path().join("data/files"))
            .unwrap()
            .count(),
        0
    );
}

#[tokio::test]
async fn without_tokens_everybody_may_come_in() {
    let api = Api::start().await;
    api.get("/v1/users/me").await.data();
    let request = api
        .request(Method::GET, "/v1/users/me")
        .bearer_auth("anything");
    api.send(request).await.data();
}

#[tokio::test]
async fn only_loopback_may_be_open_to_everybody() {
    let mut setup = Setup::new();
    setup.config.address = "0.0.0.0:0".parse().unwrap();
    let error = setup.try_start().await.err().unwrap();
    assert!(matches!(error, coze_server::StartError::Open(_)), "{error}");
    assert!(error.is_usage());
    assert!(error.hint().unwrap().contains("token"));

    let mut setup = Setup::new().tokens(&["right"]);
    setup.config.address = "0.0.0.0:0".parse().unwrap();
    setup.start().await;
}

#[tokio::test]
async fn a_port_in_use_is_told_with_a_hint() {
    let api = Api::start().await;
    let mut setup = Setup::new();
    setup.config.address = api.host().parse().unwrap();
    let error = setup.try_start().await.err().unwrap();
    assert!(
        error
            .to_string()
            .starts_with(&format!("cannot listen on {}", api.host())),
        "{error}"
    );
    assert!(error.hint().unwrap().contains("another program uses port"));
    assert!(!error.is_usage());
}
