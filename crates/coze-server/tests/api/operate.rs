//! `/healthz` and `/metrics`.

use std::collections::BTreeMap;

use crate::harness::{Api, Setup, client, within};
use crate::space::streamed;

async fn text(api: &Api, path: &str) -> (u16, String) {
    let url = format!("{}{path}", api.url());
    let response = within(client().get(url).send()).await.unwrap();
    let status = response.status().as_u16();
    (status, within(response.text()).await.unwrap())
}

/// The lines of `/metrics` by what stands in front of the value.
async fn metrics(api: &Api) -> BTreeMap<String, f64> {
    let (status, text) = text(api, "/metrics").await;
    assert_eq!(status, 200);
    let mut found = BTreeMap::new();
    let mut known = "";
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# TYPE ") {
            known = rest.split(' ').next().unwrap();
        }
        if line.starts_with('#') {
            continue;
        }
        let (name, value) = line.rsplit_once(' ').unwrap();
        assert!(
            name.starts_with(known),
            "{line} stands behind the type of {known}"
        );
        let twice = found.insert(name.to_owned(), value.parse().unwrap());
        assert!(twice.is_none(), "{name} stands twice");
    }
    found
}

#[tokio::test]
async fn a_server_is_well_without_a_token() {
    let api = Setup::new().tokens(&["t0ken"]).start().await;
    let (status, body) = text(&api, "/healthz").await;
    assert_eq!((status, body.as_str()), (200, "{\"status\":\"ok\"}"));
    let (status, _) = text(&api, "/metrics").await;
    assert_eq!(status, 200);
}

#[tokio::test]
async fn calls_are_counted_by_row_and_code() {
    let api = Api::start().await;
    let conversation = api.conversation().await;
    api.answer(&conversation, "hello").await;
    api.get("/v1/bots/1").await;
    api.get("/v9/nothing").await;
    let found = metrics(&api).await;
    let count = |row: &str, code: &str| {
        let name = format!("coze_requests_total{{row=\"{row}\",code=\"{code}\"}}");
        found.get(&name).copied().unwrap_or(0.0)
    };
    assert_eq!(count("CreateConversation", "0"), 1.0);
    assert_eq!(count("StartChat", "0"), 1.0);
    assert_eq!(count("RetrieveBot", "4200"), 1.0, "{found:?}");
    assert_eq!(count("unknown", "404"), 1.0);
    let seconds = |name: &str| found[&format!("coze_request_seconds{name}")];
    assert_eq!(seconds("_count{row=\"StartChat\"}"), 1.0);
    assert_eq!(seconds("_bucket{row=\"StartChat\",le=\"+Inf\"}"), 1.0);
    assert!(seconds("_sum{row=\"StartChat\"}") > 0.0);
    assert!(found["coze_tokens_total{direction=\"output\"}"] > 0.0);
}

#[tokio::test]
async fn streams_and_work_are_counted_while_they_last() {
    let api = Api::start().await;
    let mut chat = api.open("/v3/chat", streamed("hang")).await;
    let (conversation, id) = chat.ids().await;
    let during = metrics(&api).await;
    assert_eq!(during["coze_streams_open"], 1.0);
    assert_eq!(during["coze_work_running"], 1.0);
    api.cancel(&conversation, &id).await.data();
    chat.rest().await;
    within(async {
        while metrics(&api).await["coze_streams_open"] != 0.0 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert_eq!(metrics(&api).await["coze_work_running"], 0.0);
}
