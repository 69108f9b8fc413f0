//! Every call, made by somebody with the ids of what belongs to somebody else.

use std::collections::BTreeMap;

use coze_types::endpoint::{BodyKind, Method as RowMethod};
use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Api, Setup, client, text};
use crate::knowledge::local;
use crate::people::{get, post};

/// It stands in everything that Alice has.
const MARK: &str = "seen-by-alice-only";
const SPACE: &str = "7500000000000004001";
const BOT: &str = "7500000000000000101";
const WORKFLOW: &str = "7500000000000000201";
const APP: &str = "7500000000000000601";
const CHANNEL: &str = "1056000000000000001";

const YAML: &str = r#"
users:
  - { id: "7500000000000003001", name: alice }
  - { id: "7500000000000003002", name: bob }
enterprises:
  - { id: acme_1, name: seen-by-alice-only, members: [{ user: alice, role: admin }] }
spaces:
  - { id: "7500000000000004001", name: seen-by-alice-only, owner: alice, enterprise: acme_1 }
connectors:
  - { id: "1056000000000000001", name: seen-by-alice-only, owner: alice }
tokens:
  - { token: alice, user: alice }
  - { token: bob, user: bob }
bots:
  - id: "7500000000000000101"
    name: seen-by-alice-only
    prompt: seen-by-alice-only
    space: "7500000000000004001"
    variables: [{ name: note, default: seen-by-alice-only }]
apps:
  - { id: "7500000000000000601", name: seen-by-alice-only, description: seen-by-alice-only }
workflows:
  - id: "7500000000000000201"
    name: greet
    description: seen-by-alice-only
    file: greet.json
    space: "7500000000000004001"
"#;

/// An agent that she has made and published, and what she has of channels and quotas. These come
/// in the place of others of their name, for the rows that need them.
async fn made_by_alice(api: &Api) -> BTreeMap<&'static str, String> {
    let body = json!({"space_id": SPACE, "name": MARK, "prompt_info": {"prompt": MARK}});
    let bot = post(api, "alice", "/v1/bot/create", body).await;
    let bot = text(&bot.data()["bot_id"]);
    let body = json!({"workspace_id": SPACE});
    let path = format!("/v1/connectors/{CHANNEL}/install");
    post(api, "alice", &path, body).await.data();
    let body = json!({"bot_id": bot, "connector_ids": ["1024", CHANNEL]});
    post(api, "alice", "/v1/bot/publish", body).await.data();
    let body = json!({"app_type": "connector", "connector_id": CHANNEL});
    let app = post(api, "alice", "/v1/api_apps", body).await;
    let app = text(&app.data()["id"]);
    let events = json!({"event_types": ["bot.deleted"]});
    let path = format!("/v1/api_apps/{app}/events");
    post(api, "alice", &path, events).await.data();
    let quota = post(api, "alice", "/v1/commerce/benefit/limitations", quota()).await;
    BTreeMap::from([
        ("stored_bot_id", bot),
        ("api_app_id", app),
        (
            "benefit_id",
            text(&quota.data()["benefit_info"]["benefit_id"]),
        ),
    ])
}

fn quota() -> Value {
    json!({"entity_type": "single_device", "entity_id": MARK, "benefit_info": {
        "benefit_type": "resource_point", "active_mode": "absolute_time", "started_at": 0,
        "ended_at": 253_402_300_799_i64, "limit": 100,
    }})
}

/// Rows that are asked about what was made, not about what stands in the file, where the refusal
/// would be another one.
const OF_STORE: &[&str] = &[
    "UpdateBot",
    "PublishBot",
    "UnpublishBot",
    "ReviewConnectorBot",
];

/// What Alice has, by the names that requests give it.
async fn of_alice(api: &Api) -> BTreeMap<&'static str, String> {
    let message = json!({"role": "user", "content": MARK, "content_type": "text"});
    let body = json!({"bot_id": BOT, "name": MARK, "messages": [message]});
    let conversation = post(api, "alice", "/v1/conversation/create", body).await;
    let conversation = text(&conversation.data()["id"]);
    let path = format!("/v1/conversation/message/list?conversation_id={conversation}");
    let messages = post(api, "alice", &path, json!({})).await;
    let path = format!("/v3/chat?conversation_id={conversation}");
    let body = json!({"bot_id": BOT, "user_id": "u", "additional_messages": [message]});
    let chat = post(api, "alice", &path, body).await;
    let body = json!({"workflow_id": WORKFLOW, "parameters": {"name": MARK}, "is_async": true});
    let run = post(api, "alice", "/v1/workflow/run", body).await;
    let list = get(api, "alice", "/v1/enterprises/acme_1/organizations").await;
    let form = reqwest::multipart::Form::new().part(
        "file",
        reqwest::multipart::Part::bytes(MARK.as_bytes()).file_name(MARK),
    );
    let upload = client()
        .post(format!("{}/v1/files/upload", api.url()))
        .bearer_auth("alice");
    let file = api.send(upload.multipart(form)).await;
    let (dataset, document) = knowledge(api).await;
    BTreeMap::from([
        ("dataset_id", dataset),
        ("document_id", document),
        ("bot_id", BOT.to_owned()),
        ("workflow_id", WORKFLOW.to_owned()),
        ("workspace_id", SPACE.to_owned()),
        ("space_id", SPACE.to_owned()),
        ("conversation_id", conversation),
        ("message_id", text(&messages.json["data"][0]["id"])),
        ("chat_id", text(&chat.data()["id"])),
        ("execute_id", text(&run.json["execute_id"])),
        ("file_id", text(&file.data()["id"])),
        ("enterprise_id", "acme_1".to_owned()),
        (
            "organization_id",
            text(&list.data()["items"][0]["organization_id"]),
        ),
        ("user_id", "7500000000000003001".to_owned()),
    ])
}

/// A dataset with a document that is indexed.
async fn knowledge(api: &Api) -> (String, String) {
    let body = json!({"name": MARK, "space_id": SPACE, "format_type": 0});
    let dataset = post(api, "alice", "/v1/datasets", body).await;
    let dataset = text(&dataset.data()["dataset_id"]);
    let body = json!({"dataset_id": dataset, "chunk_strategy": {"chunk_type": 0},
        "document_bases": [local(MARK, "txt", MARK)]});
    let made = post(api, "alice", "/open_api/knowledge/document/create", body).await;
    made.data();
    let document = text(&made.json["document_infos"][0]["document_id"]);
    let path = format!("/v1/datasets/{dataset}/process");
    crate::harness::within(async {
        loop {
            let reply = post(api, "alice", &path, json!({"document_ids": [document]})).await;
            if reply.data()["data"][0]["status"] == 1 {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    })
    .await;
    (dataset, document)
}

/// Everything that a request can ask for, with the ids in all places.
fn body(ids: &BTreeMap<&str, String>) -> Value {
    let message = json!({"role": "user", "content": "hello", "content_type": "text"});
    let image = json!([{"type": "text", "text": "x"}, {"type": "file", "file_id": ids["file_id"]}]);
    let mut body = json!({
        "user_id": "u", "name": "taken over", "description": "taken over", "content": "taken over",
        "content_type": "text", "role": "user", "parameters": {}, "additional_messages": [message],
        "tool_outputs": [{"tool_call_id": "x", "output": "x"}], "event_id": "x/y",
        "resume_data": "x", "interrupt_type": 2, "feedback_type": "like",
        "connector_ids": ["1024"], "connectors": {}, "unpublish_reason": "x",
        "collaborators": [{"user_id": ids["user_id"]}], "collaboration_mode": "collaboration",
        "entity_id": ids["bot_id"], "entity_type": "bot", "to_workspace_id": ids["workspace_id"],
        "connector_uid": "u", "data": [{"keyword": "note", "value": "taken over"}],
        "user_ids": [ids["user_id"]], "super_admin_user_id": ids["user_id"],
        "organization_people": [{
            "user_id": "7500000000000003002", "organization_role_type": "organization_member",
        }],
        "organization_role_type": "organization_member",
        "receiver_user_id": "7500000000000003002",
        "prompt_info": {"prompt": "taken over"}, "input": image.to_string(), "connector_id": "1024",
        "folder_type": "development", "format_type": 0, "caption": "taken over",
        "document_ids": [ids["document_id"]], "document_name": "taken over",
        "document_bases": [local("taken over", "txt", "taken over")],
        "chunk_strategy": {"chunk_type": 0},
    });
    // Of channels, callback apps, quotas and bills.
    let more = json!({
        "configs": [{"key": "k", "enums": [{"label": "l", "value": "v"}]}],
        "audit_status": 2, "reason": "x", "event_types": ["bot.published"],
        "app_type": "connector", "limit": 1, "conversation_name": "x",
        "started_at": 1_750_000_000, "ended_at": 1_750_000_000,
    });
    for (key, value) in more.as_object().unwrap() {
        body[key] = value.clone();
    }
    for (key, id) in ids {
        if *key != "user_id" {
            body[*key] = json!(id);
        }
    }
    body
}

/// What Alice can see, for comparison.
async fn state(api: &Api, ids: &BTreeMap<&str, String>) -> Vec<String> {
    let conversation = &ids["conversation_id"];
    let mut state = Vec::new();
    for path in [
        format!("/v1/conversation/retrieve?conversation_id={conversation}"),
        format!("/v1/conversations?bot_id={BOT}"),
        format!("/v1/bots/{BOT}"),
        format!("/v1/workflows?workspace_id={SPACE}"),
        format!("/v1/workspaces/{SPACE}/members"),
        "/v1/workspaces".to_owned(),
        format!("/v1/files/retrieve?file_id={}", ids["file_id"]),
        "/v1/enterprises/acme_1/organizations".to_owned(),
        format!("/v1/bots/{}", ids["stored_bot_id"]),
        format!("/v1/bots?workspace_id={SPACE}&connector_id={CHANNEL}"),
        "/v1/api_apps".to_owned(),
        format!("/v1/api_apps/{}/events", ids["api_app_id"]),
        format!(
            "/v1/commerce/benefit/limitations?entity_type=single_device&entity_id={MARK}\
             &benefit_type=resource_point"
        ),
        "/v1/commerce/benefit/bill_tasks".to_owned(),
        format!("/v1/organizations/{}/members", ids["organization_id"]),
        format!("/v1/datasets?space_id={SPACE}"),
    ] {
        let reply = get(api, "alice", &path).await;
        assert!(reply.code() == 0, "{path}: {}", reply.text);
        state.push(reply.json["data"].to_string());
    }
    let path = format!("/v1/conversation/message/list?conversation_id={conversation}");
    let messages = post(api, "alice", &path, json!({})).await;
    state.push(messages.json["data"].to_string());
    let path = format!(
        "/open_api/knowledge/document/list?dataset_id={}",
        ids["dataset_id"]
    );
    let documents = get(api, "alice", &path).await;
    state.push(documents.json["document_infos"].to_string());
    state
}

#[tokio::test]
async fn nobody_reaches_what_belongs_to_others() {
    let api = Setup::with(YAML).start().await;
    let mut ids = of_alice(&api).await;
    ids.extend(made_by_alice(&api).await);
    let ids = ids;
    crate::harness::within(async {
        let place = format!(
            "conversation_id={}&chat_id={}",
            ids["conversation_id"], ids["chat_id"]
        );
        api_ended(&api, &place).await;
    })
    .await;
    let before = state(&api, &ids).await;
    assert!(before.iter().any(|it| it.contains(MARK)));
    let body = body(&ids);
    let mut refused = BTreeMap::<i64, Vec<&str>>::new();
    for row in coze_types::endpoints() {
        let mut path = row.path.to_owned();
        let mut ids = ids.clone();
        let mut body = body.clone();
        if OF_STORE.contains(&row.name) {
            let stored = ids["stored_bot_id"].clone();
            body["bot_id"] = json!(stored);
            ids.insert("bot_id", stored);
        }
        if row.name == "UpdateBot" {
            // Only what it takes, in a form that it takes.
            body = json!({"bot_id": ids["bot_id"], "name": "taken over"});
        }
        match row.name {
            "CreateLimitation" => body = quota(),
            "CreateApiApp" => body["connector_id"] = json!(CHANNEL),
            "CreateWorkflowConversation" => body["app_id"] = json!(APP),
            _ => {}
        }
        path = path.replace("{connector_id}", CHANNEL);
        for (key, id) in &ids {
            path = path.replace(&format!("{{{key}}}"), id);
        }
        // What is left of another kind: some id that is Alice's.
        while let (Some(from), Some(to)) = (path.find('{'), path.find('}')) {
            path.replace_range(from..=to, &ids["bot_id"]);
        }
        let mut query: Vec<_> = ids.iter().map(|(key, id)| format!("{key}={id}")).collect();
        query.push("entity_type=single_device&benefit_type=resource_point&entity_id=x".to_owned());
        let method = match row.method {
            RowMethod::Get => Method::GET,
            RowMethod::Post => Method::POST,
            RowMethod::Put => Method::PUT,
            RowMethod::Delete => Method::DELETE,
        };
        let url = format!("{}{path}?{}", api.url(), query.join("&"));
        let request = client().request(method, url).bearer_auth("bob");
        let request = match row.body {
            BodyKind::Json => request.json(&body),
            BodyKind::None | BodyKind::Multipart => request,
        };
        let response = crate::harness::within(request.send()).await.unwrap();
        let text = crate::harness::within(response.text()).await.unwrap();
        assert!(!text.contains(MARK), "{}: {text}", row.name);
        let code = serde_json::from_str::<Value>(&text)
            .ok()
            .map(|it| it["code"].clone());
        let code = code.and_then(|it| it.as_i64()).unwrap_or(0);
        refused.entry(code).or_default().push(row.name);
    }
    for (code, rows) in &refused {
        println!("{code}: {}", rows.join(" "));
    }
    let after = state(&api, &ids).await;
    for (before, after) in before.iter().zip(&after) {
        assert_eq!(before, after, "somebody else changed it");
    }
    // That they were refused for this reason, and not for the form of the request.
    for row in [
        "StartChat",
        "RetrieveChat",
        "ListChatMessages",
        "CancelChat",
        "RetrieveConversation",
        "ListConversations",
        "UpdateConversation",
        "DeleteConversation",
        "ClearConversation",
        "CreateConversation",
        "CreateMessage",
        "ListMessages",
        "RetrieveMessage",
        "ModifyMessage",
        "DeleteMessage",
        "RunWorkflow",
        "StreamRunWorkflow",
        "ChatWorkflow",
        "RetrieveWorkflow",
        "ListWorkflows",
        "RetrieveRunHistory",
        "RetrieveBot",
        "ListBots",
        "AddBotCollaborator",
        "RetrieveFile",
        "UpdateWorkspace",
        "ListWorkspaceMembers",
        "RemoveWorkspaceMembers",
        "CreateOrganization",
        "ListOrganizations",
        "UpdateOrganization",
        "ListOrganizationMembers",
        "AddOrganizationMembers",
        "UpdateOrganizationMember",
        "RemoveOrganizationMember",
        "RemoveEnterpriseMember",
        "CreateDataset",
        "ListDatasets",
        "UpdateDataset",
        "DeleteDataset",
        "RetrieveDocumentProgress",
        "ListDatasetImages",
        "UpdateDatasetImage",
        "CreateDocuments",
        "ListDocuments",
        "ListDocumentsByQuery",
        "UpdateDocument",
        "DeleteDocuments",
        "UpdateBot",
        "PublishBot",
        "UnpublishBot",
        "InstallConnector",
        "BindConnectorConfigs",
        "ReviewConnectorBot",
        "CreateApiApp",
        "UpdateApiApp",
        "DeleteApiApp",
        "SubscribeApiAppEvents",
        "ListApiAppEvents",
        "UnsubscribeApiAppEvents",
        "CreateLimitation",
        "ListLimitations",
        "UpdateLimitation",
        "CreateBillTask",
        "ListBillTasks",
        "CreateWorkflowConversation",
        "RetrieveStudioRunHistory",
    ] {
        assert!(
            refused[&4101].contains(&row),
            "{row} was not refused with 4101"
        );
    }
}

async fn api_ended(api: &Api, place: &str) {
    loop {
        let reply = get(api, "alice", &format!("/v3/chat/retrieve?{place}")).await;
        if reply.data()["status"] == "completed" {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}
