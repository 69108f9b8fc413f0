//! What a plan allows.

use coze_server::Plan;
use serde_json::json;

use crate::harness::{Api, Setup, client, within};
use crate::people::{get, post};

const USERS: &str = r#"
users: [{ id: "7500000000000003001", name: alice }]
tokens: [of-local, { token: also-local }, { token: of-alice, user: alice }]
"#;

const ME: &str = "/v1/users/me";

/// The HTTP status, the code, and `Retry-After` of a call.
async fn call(api: &Api, token: &str) -> (u16, i64, Option<i64>) {
    let request = client()
        .get(format!("{}{ME}", api.url()))
        .bearer_auth(token);
    let response = within(request.send()).await.unwrap();
    let http = response.status().as_u16();
    let wait = response.headers().get("retry-after");
    let wait = wait.map(|it| it.to_str().unwrap().parse().unwrap());
    let body: serde_json::Value = within(response.json()).await.unwrap();
    (http, body["code"].as_i64().unwrap(), wait)
}

#[tokio::test]
async fn the_sum_survives_the_server_and_is_that_of_the_user() {
    let yaml = format!("{USERS}plan: {{ total: 3 }}\n");
    let api = Setup::with(&yaml).start().await;
    for token in ["of-local", "also-local", "of-local"] {
        assert_eq!(call(&api, token).await, (200, 0, None));
    }
    for token in ["of-local", "also-local"] {
        assert_eq!(call(&api, token).await, (429, 4028, None));
    }
    assert_eq!(call(&api, "of-alice").await, (200, 0, None));
    let folder = api.stop().await;
    let data = folder.path().join("data");
    let api = Setup::with(&yaml).data(&data).start().await;
    assert_eq!(call(&api, "of-local").await, (429, 4028, None));
    assert_eq!(call(&api, "of-alice").await, (200, 0, None));
    // Whoever is not let in uses nothing up.
    assert_eq!(call(&api, "stranger").await.0, 401);
    assert_eq!(call(&api, "of-alice").await, (200, 0, None));
    assert_eq!(call(&api, "of-alice").await, (429, 4028, None));
}

#[tokio::test]
async fn a_day_begins_anew_when_the_clock_says_so() {
    let mut setup = Setup::with(&format!("{USERS}plan: {{ per_day: 2 }}\n"));
    setup.config.faults = true;
    let api = setup.start().await;
    call(&api, "of-local").await;
    call(&api, "of-local").await;
    let (http, code, wait) = call(&api, "of-local").await;
    assert_eq!((http, code), (429, 4008));
    assert!((1..=86_400).contains(&wait.unwrap()), "{wait:?}");
    let moved = post(
        &api,
        "of-local",
        "/_local/clock",
        json!({"advance_seconds": 86_400}),
    )
    .await;
    assert_eq!(moved.code(), 0, "{}", moved.text);
    assert_eq!(call(&api, "of-local").await, (200, 0, None));
}

#[tokio::test]
async fn the_basic_plan_and_none() {
    let mut setup = Setup::with(USERS);
    setup.config.plan = Some(Plan::BASIC);
    let api = setup.start().await;
    let mut refused = Vec::new();
    for _ in 0..100 {
        let (http, code, wait) = call(&api, "of-local").await;
        if http == 429 {
            refused.push((code, wait));
        }
    }
    // 100 calls take less than 50 seconds, so that some are too many for their second.
    assert!(!refused.is_empty());
    assert!(
        refused.iter().all(|it| it.0 == 4013 && it.1.is_some()),
        "{refused:?}"
    );

    let api = Setup::with(USERS).start().await;
    for _ in 0..100 {
        assert_eq!(get(&api, "of-local", ME).await.code(), 0);
    }
}

#[test]
fn a_plan_has_a_name_or_limits() {
    let folder = tempfile::tempdir().unwrap();
    let load = |yaml: &str| crate::harness::load(folder.path(), yaml);
    assert_eq!(load("plan: basic").unwrap().plan, Some(Plan::BASIC));
    assert_eq!(
        load("plan: { per_day: 5 }").unwrap().plan.unwrap().per_day,
        Some(5)
    );
    for (yaml, expected) in [
        ("plan: pro", "`basic`"),
        ("plan: { per_week: 5 }", "per_week"),
        ("plan: { total: -1 }", "coze.yaml:1:16: "),
    ] {
        let error = load(yaml).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}
