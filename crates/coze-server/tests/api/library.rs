//! Variables, apps, folders, templates and copies.

use serde_json::{Value, json};

use crate::bots::{SPACE, publish, retrieve};
use crate::harness::{Api, Setup, text};
use crate::space::{self, GREET, chat_with};

const BOT: &str = "7500000000000000150";
const APP: &str = "7500000000000000301";
const FOLDER: &str = "7500000000000000401";
const INNER: &str = "7500000000000000402";
const TEMPLATE: &str = "7500000000000000501";

fn yaml() -> String {
    let bot = r#"bots:
  - id: "7500000000000000150"
    name: Remembering
    prompt: "You are kind to {{ name }} of {{ city }}{{ hidden }}{{ off }}."
    tools: [ { name: get_weather } ]
    workflows: ["7500000000000000201"]
    variables:
      - { name: name, default: nobody, description: "who it is" }
      - { name: city }
      - { name: hidden, default: secret, prompt: false }
      - { name: "off", default: x, enable: false }
"#;
    let rest = r#"
apps:
  - { id: "7500000000000000301", name: Market, description: sells, workflows: ["7500000000000000207"], variables: [ { name: cart, default: empty } ] }
folders:
  - { id: "7500000000000000401", name: Outer, bots: ["7500000000000000150"], apps: ["7500000000000000301"] }
  - { id: "7500000000000000402", name: Inner, description: deep, parent: "7500000000000000401" }
  - { id: "7500000000000000403", name: Second }
  - { id: "7500000000000000404", name: Books, type: library }
templates:
  - { id: "7500000000000000501", bot: "7500000000000000150" }
"#;
    let space = space::yaml();
    let space = space.trim_start().strip_prefix("bots:\n").unwrap();
    format!("{bot}{space}{rest}")
}

async fn start() -> Api {
    Setup::with(&yaml()).start().await
}

async fn set(api: &Api, body: Value) -> crate::harness::Reply {
    api.put("/v1/variables", body).await
}

async fn values(api: &Api, query: &str) -> Value {
    let reply = api.get(&format!("/v1/variables?{query}")).await;
    let items = reply.data()["items"].as_array().unwrap();
    let pair = |it: &Value| json!([it["keyword"], it["value"]]);
    items.iter().map(pair).collect()
}

/// What the agent says its prompt is.
async fn prompt_of(api: &Api, how: Value) -> String {
    let mut body = chat_with(BOT, "What is your prompt?");
    for (key, value) in how.as_object().unwrap() {
        body[key] = value.clone();
    }
    let reply = api.post("/v3/chat", body).await;
    let data = reply.data();
    let chat = api
        .ended(&text(&data["conversation_id"]), &text(&data["id"]))
        .await;
    let messages = api.messages(&chat).await;
    let answer = messages.as_array().unwrap().iter();
    let mut answers = answer.filter(|it| it["type"] == "answer");
    text(&answers.next().unwrap()["content"]).replace("My prompt is: You are kind to ", "")
}

#[tokio::test]
async fn variables_are_of_a_user_in_a_channel() {
    let api = start().await;
    let of = |user: &str| format!("bot_id={BOT}&connector_uid={user}");
    let defaults = json!([["name", "nobody"], ["city", ""], ["hidden", "secret"]]);
    assert_eq!(values(&api, &of("ada")).await, defaults);
    let data = json!([{"keyword": "name", "value": "Ada"}, {"keyword": "city", "value": "Oslo"}]);
    let body = json!({"bot_id": BOT, "connector_uid": "ada", "data": data});
    set(&api, body.clone()).await.data();
    assert_eq!(
        values(&api, &format!("{}&keywords=city,name,absent", of("ada"))).await,
        json!([["name", "Ada"], ["city", "Oslo"]])
    );
    // Times: none for a default; kept when it is set again.
    let path = format!("/v1/variables?{}&keywords=name", of("ada"));
    let first = api.get(&path).await.data()["items"][0].clone();
    assert!(
        first["create_time"].as_i64().unwrap() > 1_700_000_000,
        "{first}"
    );
    let path = format!("/v1/variables?{}&keywords=hidden", of("ada"));
    let default = api.get(&path).await.data()["items"][0].clone();
    assert_eq!(
        (&default["create_time"], &default["update_time"]),
        (&json!(0), &json!(0))
    );
    // Other users and other channels have their own.
    assert_eq!(values(&api, &of("bob")).await, defaults);
    let sdk = format!("{}&connector_id=999", of("ada"));
    assert_eq!(values(&api, &sdk).await, defaults);
    let mut body = body;
    body["connector_id"] = json!("999");
    body["data"] = json!([{"keyword": "name", "value": "Countess"}]);
    set(&api, body).await.data();
    assert_eq!(values(&api, &sdk).await[0], json!(["name", "Countess"]));
    assert_eq!(values(&api, &of("ada")).await[0], json!(["name", "Ada"]));

    // The prompt: values, defaults, and what the chat gives above both. Those that the prompt may
    // not use, and those switched off, are empty in it.
    let as_user = |user: &str| json!({"user_id": user});
    assert_eq!(prompt_of(&api, as_user("ada")).await, "Ada of Oslo.");
    assert_eq!(prompt_of(&api, as_user("bob")).await, "nobody of .");
    let given = json!({"user_id": "ada", "custom_variables": {"city": "Rome"}});
    assert_eq!(prompt_of(&api, given).await, "Ada of Rome.");
    let sdk = json!({"user_id": "ada", "connector_id": "999"});
    assert_eq!(prompt_of(&api, sdk).await, "Countess of .");

    // An app has its own; and they outlive a restart.
    let app = format!("app_id={APP}&connector_uid=ada");
    assert_eq!(values(&api, &app).await, json!([["cart", "empty"]]));
    let data = json!([{"keyword": "cart", "value": "full"}]);
    set(
        &api,
        json!({"app_id": APP, "connector_uid": "ada", "data": data}),
    )
    .await
    .data();
    let folder = api.stop().await;
    let again = Setup::with(&yaml()).data(&folder.path().join("data"));
    let again = again.start().await;
    assert_eq!(values(&again, &app).await, json!([["cart", "full"]]));
    assert_eq!(values(&again, &of("ada")).await[0], json!(["name", "Ada"]));
}

#[tokio::test]
async fn what_is_wrong_with_variables() {
    let api = start().await;
    let value = |keyword: &str| json!([{"keyword": keyword, "value": "x"}]);
    for (body, code, expected) in [
        (
            json!({"connector_uid": "a", "data": value("name")}),
            4000,
            "bot_id: it or app_id is required",
        ),
        (
            json!({"bot_id": BOT, "app_id": APP, "connector_uid": "a", "data": value("name")}),
            4000,
            "app_id: it cannot go with bot_id",
        ),
        (
            json!({"bot_id": BOT, "data": value("name")}),
            4000,
            "connector_uid",
        ),
        (
            json!({"bot_id": BOT, "connector_uid": "", "data": value("name")}),
            4000,
            "connector_uid: it is required",
        ),
        (
            json!({"bot_id": BOT, "connector_uid": "a"}),
            4000,
            "data: it is required",
        ),
        (
            json!({"bot_id": BOT, "connector_uid": "a", "data": []}),
            4000,
            "data: it is required",
        ),
        (
            json!({"bot_id": BOT, "connector_uid": "a", "data": [{"keyword": "name"}]}),
            4000,
            "data[0]",
        ),
        (
            json!({"bot_id": BOT, "connector_uid": "a", "data": value("")}),
            4000,
            "data[0].keyword: it is required",
        ),
        (
            json!({"bot_id": BOT, "connector_uid": "a", "data": value("sys_uuid")}),
            4000,
            "data[0].keyword: \"sys_uuid\" is a variable of the system",
        ),
        (
            json!({"bot_id": BOT, "connector_uid": "a", "data": value("age")}),
            4000,
            "has no variable \"age\"",
        ),
        (
            json!({"bot_id": BOT, "connector_uid": "a", "data": value("off")}),
            4000,
            "is switched off",
        ),
        (
            json!({"bot_id": "12", "connector_uid": "a", "data": value("name")}),
            4200,
            "the bot 12 does not exist",
        ),
        (
            json!({"app_id": "12", "connector_uid": "a", "data": value("name")}),
            4200,
            "the app 12 does not exist",
        ),
    ] {
        let reply = set(&api, body).await;
        assert_eq!(reply.code(), code, "{}", reply.text);
        assert!(reply.msg().contains(expected), "{expected}: {}", reply.text);
    }
    // One that is wrong keeps the others from being set.
    let data = json!([{"keyword": "name", "value": "x"}, {"keyword": "age", "value": "x"}]);
    let reply = set(
        &api,
        json!({"bot_id": BOT, "connector_uid": "a", "data": data}),
    )
    .await;
    assert!(reply.msg().contains("data[1].keyword"), "{}", reply.text);
    let all = values(&api, &format!("bot_id={BOT}&connector_uid=a")).await;
    assert_eq!(all[0], json!(["name", "nobody"]));
    for (query, expected) in [
        (format!("bot_id={BOT}"), "connector_uid"),
        ("connector_uid=a".to_owned(), "bot_id"),
        (
            format!("bot_id={BOT}&app_id={APP}&connector_uid=a"),
            "app_id",
        ),
    ] {
        let reply = api.get(&format!("/v1/variables?{query}")).await;
        assert_eq!(reply.code(), 4000, "{}", reply.text);
        assert!(reply.msg().contains(expected), "{}", reply.text);
    }
}

#[tokio::test]
async fn apps_and_their_workflows() {
    let api = start().await;
    let list = format!("/v1/apps?workspace_id={SPACE}");
    let reply = api.get(&list).await;
    assert_eq!(reply.data()["total"], 1);
    let item = &reply.data()["items"][0];
    assert_eq!(
        (
            &item["id"],
            &item["name"],
            &item["is_published"],
            &item["folder_id"]
        ),
        (&json!(APP), &json!("Market"), &json!(true), &json!(FOLDER))
    );
    let drafts = format!("{list}&publish_status=unpublished_draft");
    assert_eq!(api.get(&drafts).await.data()["items"], json!([]));
    let app = api.get(&format!("/v1/apps/{APP}")).await;
    assert_eq!(app.data()["variables"][0]["keyword"], "cart");
    assert_eq!(app.data()["variables"][0]["variable_type"], "KVVariable");
    assert_eq!(api.get("/v1/apps/12").await.code(), 4200);

    // A workflow of an app names it, is found by it, and is edited with it.
    let of_app = format!("/v1/workflows?workspace_id={SPACE}&page_num=1&app_id={APP}");
    let reply = api.get(&of_app).await;
    let items = reply.data()["items"].as_array().unwrap();
    assert_eq!(items.len(), 1, "{}", reply.text);
    assert_eq!(items[0]["app_id"], APP);
    let path = format!("/v1/workflows/{}/collaboration_mode", space::COUNT);
    let reply = api
        .post(&path, json!({"collaboration_mode": "single"}))
        .await;
    assert!(reply.msg().contains("belongs to an app"), "{}", reply.text);
    let people = format!("/v1/apps/{APP}/collaborators");
    let reply = api
        .post(&people, json!({"collaborators": [{"user_id": "12"}]}))
        .await;
    assert!(
        reply.msg().contains("the user 12 is no member"),
        "{}",
        reply.text
    );
    assert_eq!(api.delete(&format!("{people}/12")).await.code(), 4200);
    let run = |app: &str| json!({"workflow_id": space::COUNT, "app_id": app});
    let reply = api.post("/v1/workflow/run", run("12")).await;
    assert_eq!(reply.code(), 4200, "{}", reply.text);
}

#[tokio::test]
async fn folders_one_level_at_a_time() {
    let api = start().await;
    let list = async |rest: &str| {
        let path = format!("/v1/folders?workspace_id={SPACE}&folder_type={rest}");
        api.get(&path).await
    };
    let root = list("development").await;
    let root = root.data();
    assert_eq!(
        (&root["total_count"], &root["has_more"]),
        (&json!(2), &json!(false))
    );
    assert_eq!(
        root["items"][0],
        json!({"id": FOLDER, "name": "Outer", "description": "", "workspace_id": SPACE,
               "creator_user_id": "7500000000000000002", "folder_type": "development",
               "children_count": 1})
    );
    assert_eq!(list("development&parent_folder_id=0").await.data(), root);
    let page = list("development&page_size=1").await;
    assert_eq!(page.data()["has_more"], true);
    let inner = list(&format!("development&parent_folder_id={FOLDER}")).await;
    assert_eq!(inner.data()["items"][0]["id"], INNER);
    assert_eq!(list("library").await.data()["items"][0]["name"], "Books");
    let one = api.get(&format!("/v1/folders/{INNER}")).await;
    assert_eq!(
        (&one.data()["parent_folder_id"], &one.data()["description"]),
        (&json!(FOLDER), &json!("deep"))
    );
    assert_eq!(list("development&parent_folder_id=12").await.code(), 4200);
    assert_eq!(api.get("/v1/folders/12").await.code(), 4200);
    let reply = list("other").await;
    assert!(
        reply.msg().contains("folder_type: \"other\" is none of"),
        "{}",
        reply.text
    );
    assert_eq!(
        api.get(&format!("/v1/folders?workspace_id={SPACE}"))
            .await
            .code(),
        4000
    );
    // What lies in a folder says so.
    let bots = api
        .get(&format!("/v1/bots?workspace_id={SPACE}&page_size=50"))
        .await;
    let bots = bots.data()["items"].as_array().unwrap().clone();
    let bot = bots.iter().find(|it| it["id"] == BOT).unwrap();
    assert_eq!(bot["folder_id"], FOLDER);
}

#[tokio::test]
async fn a_template_becomes_an_agent() {
    let api = start().await;
    let path = format!("/v1/templates/{TEMPLATE}/duplicate");
    // As the Python SDK sends it.
    let reply = api
        .post(&path, json!({"workspace_id": SPACE, "name": null}))
        .await;
    assert_eq!(reply.data()["entity_type"], "agent");
    let copy = text(&reply.data()["entity_id"]);
    let shown = retrieve(&api, &copy, false).await;
    let original = retrieve(&api, BOT, true).await;
    for key in [
        "name",
        "prompt_info",
        "variables",
        "workflow_info_list",
        "model_info",
    ] {
        assert_eq!(shown[key], original[key], "{key}");
    }
    let named = api
        .post(&path, json!({"workspace_id": SPACE, "name": "Mine"}))
        .await;
    let named = text(&named.data()["entity_id"]);
    assert_eq!(retrieve(&api, &named, false).await["name"], "Mine");
    // It has the tools of the original, so it pauses; meanwhile it changes, and goes on as it was.
    publish(&api, &copy).await;
    let reply = api
        .post("/v3/chat", chat_with(&copy, "get_weather city=Oslo"))
        .await;
    let data = reply.data().clone();
    let (conversation, chat) = (text(&data["conversation_id"]), text(&data["id"]));
    let paused = api.ended(&conversation, &chat).await;
    assert_eq!(paused["status"], "requires_action", "{paused}");
    let change = json!({"bot_id": copy, "prompt_info": {"prompt": "other"}});
    api.post("/v1/bot/update", change).await.data();
    let unpublish = format!("/v1/bots/{copy}/unpublish");
    api.post(&unpublish, json!({"connector_id": "1024"}))
        .await
        .data();
    let call = &paused["required_action"]["submit_tool_outputs"]["tool_calls"][0]["id"];
    let path = crate::harness::place("/v3/chat/submit_tool_outputs", &conversation, &chat);
    let outputs = json!([{"tool_call_id": call, "output": "sun"}]);
    api.post(&path, json!({"tool_outputs": outputs}))
        .await
        .data();
    let ended = api.ended(&conversation, &chat).await;
    assert_eq!(ended["status"], "completed", "{ended}");
    // The built-in agent is a template, too.
    let path = format!("/v1/templates/{}/duplicate", space::DEMO_BOT);
    let demo = api.post(&path, json!({"workspace_id": SPACE})).await;
    let demo = text(&demo.data()["entity_id"]);
    assert_eq!(retrieve(&api, &demo, false).await["name"], "Demo");
    for (template, body, code, expected) in [
        (TEMPLATE, json!({}), 4000, "workspace_id"),
        (
            TEMPLATE,
            json!({"workspace_id": "12"}),
            4101,
            "workspace 12",
        ),
        (
            TEMPLATE,
            json!({"workspace_id": SPACE, "name": "x".repeat(21)}),
            4000,
            "name: it has 21",
        ),
        (
            "12",
            json!({"workspace_id": SPACE}),
            4200,
            "the template 12 does not exist",
        ),
    ] {
        let reply = api
            .post(&format!("/v1/templates/{template}/duplicate"), body)
            .await;
        assert_eq!(reply.code(), code, "{}", reply.text);
        assert!(reply.msg().contains(expected), "{}", reply.text);
    }
}

#[tokio::test]
async fn copies_of_agents_workflows_and_apps() {
    let api = start().await;
    let copy = async |id: &str, kind: &str| {
        let body = json!({"entity_id": id, "entity_type": kind});
        api.post("/v1/entities/copy_tasks", body)
            .await
            .data()
            .clone()
    };
    // An agent of the same workspace: at once.
    let bot = copy(BOT, "bot").await;
    assert_eq!(bot["task_id"], Value::Null);
    let bot = text(&bot["copied_entity_id"]);
    assert_eq!(retrieve(&api, &bot, false).await["name"], "Remembering");
    // A workflow: by a task; the copy runs, and an agent can call it.
    let started = copy(GREET, "workflow").await;
    assert_eq!(started["copied_entity_id"], Value::Null);
    let path = format!("/v1/entities/copy_tasks/{}", text(&started["task_id"]));
    let task = api.get(&path).await.data().clone();
    assert_eq!(
        (
            &task["task_status"],
            &task["entity_type"],
            &task["source_entity_id"],
            &task["target_workspace_id"]
        ),
        (
            &json!("successful"),
            &json!("workflow"),
            &json!(GREET),
            &json!(SPACE)
        )
    );
    let workflow = text(&task["target_entity_id"]);
    let run = space::run(&workflow, &json!({"name": "Ada"}));
    let reply = api.post("/v1/workflow/run", run).await;
    assert!(text(&reply.json["data"]).contains("Ada"), "{}", reply.text);
    let list = format!("/v1/workflows?workspace_id={SPACE}&page_num=1&page_size=30");
    let reply = api.get(&list).await;
    let items = reply.data()["items"].as_array().unwrap();
    assert!(
        items.iter().any(|it| it["workflow_id"] == *workflow),
        "{}",
        reply.text
    );
    let change = json!({"bot_id": bot, "workflow_id_list": {"ids": [{"id": workflow}]}});
    api.post("/v1/bot/update", change).await.data();
    let shown = retrieve(&api, &bot, false).await;
    assert_eq!(shown["workflow_info_list"][0]["id"], *workflow);
    let mut body = chat_with(&bot, "greet name=Ada");
    body["publish_status"] = json!("unpublished_draft");
    let data = api.post("/v3/chat", body).await.data().clone();
    let chat = api
        .ended(&text(&data["conversation_id"]), &text(&data["id"]))
        .await;
    let messages = api.messages(&chat).await;
    assert!(messages.to_string().contains("Ada"), "{messages}");
    // An app, with its workflows.
    let started = copy(APP, "app").await;
    let path = format!("/v1/entities/copy_tasks/{}", text(&started["task_id"]));
    let app = text(&api.get(&path).await.data()["target_entity_id"]);
    assert_eq!(
        api.get(&format!("/v1/apps/{app}")).await.data()["name"],
        "Market"
    );
    let of_app = format!("{list}&app_id={app}");
    let reply = api.get(&of_app).await;
    assert_eq!(
        reply.data()["items"].as_array().unwrap().len(),
        1,
        "{}",
        reply.text
    );
    let apps = api
        .get(&format!(
            "/v1/apps?workspace_id={SPACE}&page_index=2&page_size=1"
        ))
        .await;
    assert_eq!(
        (&apps.data()["total"], &apps.data()["items"][0]["id"]),
        (&json!(2), &json!(app))
    );
    for (body, code, expected) in [
        (json!({"entity_type": "bot"}), 4000, "entity_id"),
        (
            json!({"entity_id": "", "entity_type": "bot"}),
            4000,
            "entity_id: it is required",
        ),
        (json!({"entity_id": BOT}), 4000, "entity_type"),
        (
            json!({"entity_id": BOT, "entity_type": "plugin"}),
            4000,
            "entity_type: \"plugin\" is none of bot, app, workflow",
        ),
        (
            json!({"entity_id": BOT, "entity_type": "bot", "to_workspace_id": "12"}),
            4101,
            "workspace 12",
        ),
        (
            json!({"entity_id": "12", "entity_type": "bot"}),
            4200,
            "the bot 12",
        ),
        (
            json!({"entity_id": "12", "entity_type": "app"}),
            4200,
            "the app 12",
        ),
        (
            json!({"entity_id": "12", "entity_type": "workflow"}),
            4200,
            "the workflow 12",
        ),
    ] {
        let reply = api.post("/v1/entities/copy_tasks", body).await;
        assert_eq!(reply.code(), code, "{}", reply.text);
        assert!(reply.msg().contains(expected), "{}", reply.text);
    }
    assert_eq!(api.get("/v1/entities/copy_tasks/12").await.code(), 4200);
}

#[tokio::test]
async fn slips_in_the_file() {
    let folder = tempfile::tempdir().unwrap();
    for (yaml, expected) in [
        (
            "bots: [ { id: 1, name: x, variables: [ { name: a b } ] } ]",
            "bots: x: variables: the name \"a b\"",
        ),
        (
            "bots: [ { id: 1, name: x, variables: [ { name: sys_uuid } ] } ]",
            "begins like those of the system",
        ),
        (
            "bots: [ { id: 1, name: x, variables: [ { name: a }, { name: a } ] } ]",
            "\"a\" stands twice",
        ),
        (
            "apps: [ { id: 1, name: x }, { id: 1, name: y } ]",
            "apps: the id 1 stands twice",
        ),
        (
            "apps: [ { id: 1, name: x, workflows: [7] } ]",
            "the workflow 7 is not under `workflows`",
        ),
        (
            "folders: [ { id: 1, name: x, parent: 2 } ]",
            "the parent 2 is no other folder",
        ),
        (
            "folders: [ { id: 1, name: x, parent: 2 }, { id: 2, name: y, parent: 1 } ]",
            "lies in itself",
        ),
        (
            "folders: [ { id: 1, name: x, bots: [7] } ]",
            "the agent 7 is not under `bots`",
        ),
        (
            "folders: [ { id: 1, name: x, apps: [7] } ]",
            "the app 7 is not under `apps`",
        ),
        (
            "templates: [ { id: 1, bot: 7 } ]",
            "templates: 1: the agent 7 is not under `bots`",
        ),
    ] {
        let error = crate::harness::load(folder.path(), yaml)
            .err()
            .unwrap()
            .to_string();
        assert!(error.contains(expected), "{expected}: {error}");
    }
}
