//! What rows look like on the wire, where that is out of the common.

use coze_api::types::api_apps::{
    ApiAppEventType, ApiAppEventsBody, DeleteApiApp, ListApiApps, UnsubscribeApiAppEvents,
};
use coze_api::types::enterprises::{RemoveEnterpriseMember, RemoveEnterpriseMemberBody};
use coze_api::types::plugins::{RetrievePlugins, RetrievePluginsQuery};
use serde_json::json as value;

use crate::server::{Server, json};

const OK: &str = r#"{"code":0,"msg":""}"#;

#[tokio::test]
async fn a_delete_carries_its_body() {
    let server = Server::always(json(OK)).await;
    let coze = server.coze();
    let remove = RemoveEnterpriseMember {
        enterprise_id: "volcano_2100000000".into(),
        user_id: "7".into(),
        body: RemoveEnterpriseMemberBody {
            receiver_user_id: "8".into(),
        },
        ..Default::default()
    };
    coze.send(remove).await.unwrap();
    let unsubscribe = UnsubscribeApiAppEvents {
        api_app_id: "9".into(),
        body: ApiAppEventsBody {
            event_types: vec![ApiAppEventType::BotPublished, "bot.renamed".into()],
        },
        ..Default::default()
    };
    coze.send(unsubscribe).await.unwrap();

    let requests = server.requests();
    let lines = [
        "DELETE /v1/enterprises/volcano_2100000000/members/7",
        "DELETE /v1/api_apps/9/events",
    ];
    let bodies = [
        value!({"receiver_user_id": "8"}),
        value!({"event_types": ["bot.published", "bot.renamed"]}),
    ];
    for ((request, line), body) in requests.iter().zip(lines).zip(bodies) {
        assert_eq!(request.line, line);
        assert_eq!(request.json(), body);
        assert_eq!(request.header("content-type"), Some("application/json"));
        let length = request.body.len().to_string();
        assert_eq!(request.header("content-length"), Some(length.as_str()));
    }
    assert_eq!(requests.len(), 2);
}

#[tokio::test]
async fn a_delete_without_a_body_has_none() {
    let server = Server::always(json(OK)).await;
    let row = DeleteApiApp {
        api_app_id: "9".into(),
        ..Default::default()
    };
    server.coze().send(row).await.unwrap();
    let request = &server.requests()[0];
    assert_eq!(request.line, "DELETE /v1/api_apps/9");
    assert_eq!(request.body, "");
    assert_eq!(request.header("content-type"), None);
}

#[tokio::test]
async fn a_list_in_a_query_is_one_value_with_commas() {
    let server = Server::always(json(r#"{"code":0,"msg":"","data":{"items":[]}}"#)).await;
    let row = RetrievePlugins {
        query: RetrievePluginsQuery {
            ids: vec!["75".into(), "76".into()],
        },
        ..Default::default()
    };
    server.coze().send(row).await.unwrap();
    assert_eq!(
        server.requests()[0].line,
        "GET /v1/plugins/mget?ids=75%2C76"
    );
}

#[tokio::test]
async fn pages_by_token_are_read_to_their_end() {
    let page = |id: u8, rest: &str| {
        format!(r#"{{"code":0,"msg":"","data":{{"items":[{{"id":"{id}"}}],{rest}}}}}"#)
    };
    let first = page(1, r#""has_more":true,"next_page_token":"t=1""#);
    let last = page(2, r#""has_more":false,"next_page_token":"""#);
    let server = Server::start(move |request| {
        let second = request.line.contains("page_token=t%3D1");
        json(if second { &last } else { &first })
    })
    .await;
    let apps = server.coze().pages(ListApiApps::default());
    let ids: Vec<_> = apps.collect().await.unwrap();
    let ids: Vec<_> = ids.iter().map(|app| app.id.as_str()).collect();
    assert_eq!(ids, ["1", "2"]);
    let lines: Vec<_> = server.requests().into_iter().map(|it| it.line).collect();
    assert_eq!(
        lines,
        [
            "GET /v1/api_apps?page_size=50",
            "GET /v1/api_apps?page_token=t%3D1&page_size=50",
        ]
    );
}
