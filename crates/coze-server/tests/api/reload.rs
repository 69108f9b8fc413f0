//! Another reading of `coze.yaml` while the server runs.

use serde_json::json;

use crate::harness::{Api, Setup, names, text, within};
use crate::space::{GREET, SCRIPTED_BOT, streamed, yaml};

async fn name(api: &Api, bot: &str) -> String {
    text(&api.get(&format!("/v1/bots/{bot}")).await.data()["name"])
}

#[tokio::test]
async fn what_is_new_counts_from_the_next_call_on() {
    let api = Setup::new().start().await;
    // A chat that is at work keeps what it began with.
    let mut hanging = api.open("/v3/chat", streamed("hang")).await;
    let (conversation, id) = hanging.ids().await;
    let renamed = yaml().replace("name: Scripted", "name: Renamed");
    api.reload(&renamed.replace("\"Hi\"", "\"Howdy\""))
        .await
        .unwrap();
    assert_eq!(name(&api, SCRIPTED_BOT).await, "Renamed");
    let other = api.conversation().await;
    assert_eq!(api.answer(&other, "hello").await, "Howdy there");
    api.cancel(&conversation, &id).await.data();
    let told = hanging.rest().await;
    assert_eq!(names(&told).last().unwrap(), "done");

    // Agents and workflows that it no longer has are gone.
    api.reload("bots: [{ id: \"7\", name: Seven }]\n")
        .await
        .unwrap();
    assert_eq!(name(&api, "7").await, "Seven");
    assert_eq!(
        api.get(&format!("/v1/bots/{SCRIPTED_BOT}")).await.code(),
        4200
    );
    let run = json!({"workflow_id": GREET, "parameters": {}});
    assert_ne!(api.post("/v1/workflow/run", run).await.code(), 0);
}

#[tokio::test]
async fn a_file_that_cannot_be_used_changes_nothing() {
    let api = Setup::new().start().await;
    for (broken, expected) in [
        ("bots: 1\n", "coze.yaml:1:7: "),
        (
            "bots:\n  - { id: 1, name: x, model: gtp }\n",
            "coze.yaml:2:30: bots: x: the model",
        ),
        (
            "workflows:\n  - { id: 1, name: x, file: absent.json }\n",
            "coze.yaml:2:29: workflows: x: ",
        ),
        (
            "models:\n  m: { provider: offline, script: [{ match: \"(\" }] }\n",
            "coze.yaml:2:45: models: m",
        ),
        (
            "tokens: [{ token_env: COZE_ABSENT }]\n",
            "the environment variable COZE_ABSENT is not set",
        ),
    ] {
        let error = api.reload(broken).await.unwrap_err().to_string();
        assert!(error.contains(expected), "{broken}: {error}");
        assert_eq!(name(&api, SCRIPTED_BOT).await, "Scripted");
    }
}

#[tokio::test]
async fn tokens_and_faults_change_too() {
    let api = Setup::with("tokens: [first-token]\n")
        .token("second-token")
        .start()
        .await;
    assert_eq!(api.get("/v1/users/me").await.code(), 4100);
    let yaml = "tokens: [second-token]\nfaults: [{ fault: code=4013, row: ListBots }]\n";
    api.reload(yaml).await.unwrap();
    api.get("/v1/users/me").await.data();
    assert_eq!(api.get("/v1/bots?workspace_id=1").await.code(), 4013);
    let url = format!("{}/v1/users/me", api.url());
    let before = crate::harness::client().get(url).bearer_auth("first-token");
    assert_eq!(api.send(before).await.code(), 4100);
}

#[tokio::test]
async fn who_can_be_reached_from_outside_keeps_a_token() {
    let mut setup = Setup::with("tokens: [a-token]\n").token("a-token");
    setup.config.address = ([0, 0, 0, 0], 0).into();
    let api = setup.start().await;
    let error = api.reload("").await.unwrap_err().to_string();
    assert!(error.contains("there is no token"), "{error}");
    let url = api.url().replace("0.0.0.0", "127.0.0.1") + "/v1/users/me";
    let reply = api.send(crate::harness::client().get(url)).await;
    assert_eq!(reply.code(), 4100);
}

const PLUGIN: &str = "/v1/plugins/7500000000000000401";

fn openapi(operation: &str) -> String {
    format!(
        "openapi: 3.0.3\ninfo: {{ title: T }}\nservers: [ {{ url: \"https://a.invalid\" }} ]\n\
         paths: {{ /a: {{ get: {{ operationId: {operation}, responses: {{}} }} }} }}\n"
    )
}

#[tokio::test]
async fn a_plugin_file_is_watched_too() {
    let mut setup = Setup::new();
    setup.write("tool.yaml", &openapi("before"));
    setup.load("plugins: [ { id: 7500000000000000401, name: t, openapi: tool.yaml } ]\n");
    setup.config.watch = true;
    let api = setup.start().await;
    let tool = async || text(&api.get(PLUGIN).await.data()["tools"][0]["name"]);
    assert_eq!(tool().await, "before");
    let write = |content: &str| {
        std::fs::write(api.folder.path().join("tool.yaml"), content).unwrap();
    };
    let seen = async |wanted: &str| {
        within(async {
            let url = format!("{}/metrics", api.url());
            loop {
                let text = crate::harness::client().get(&url).send().await.unwrap();
                if text.text().await.unwrap().contains(wanted) {
                    return;
                }
                tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            }
        })
        .await;
    };
    write("{");
    seen("coze_reloads_total{result=\"failed\"} 1\n").await;
    assert_eq!(tool().await, "before");
    write(&openapi("afterwards"));
    seen("coze_reloads_total{result=\"done\"} 1\n").await;
    assert_eq!(tool().await, "afterwards");
}
