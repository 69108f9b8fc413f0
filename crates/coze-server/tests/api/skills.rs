//! What a model node of a workflow may use: workflows, tools of plugins, knowledge.

use serde_json::{Value, json};

use crate::canvas::{Canvas, END, START, reference};
use crate::harness::{Api, Setup, frames, text};
use crate::knowledge::{SPACE, add, dataset, local};

const NODE: &str = "110001";
const GREET: &str = "7500000000000000201";
const ANSWER: &str = "7500000000000000202";
const ITSELF: &str = "7500000000000000203";
const FREE: &str = "7500000000000000204";
const MISSING: &str = "7500000000000000205";
const PLUGIN: &str = "7500000000000000801";

const YAML: &str = r#"
allow_private_networks: true
models:
  scripted:
    provider: offline
    script:
      - match: "^greet"
        deltas: ["Let me see. "]
        tool_calls: [{ name: greet, arguments: { name: Ada } }]
        then: "it said {{ tool_outputs[0] }}"
      - match: "^answer"
        tool_calls: [{ name: answer, arguments: { name: Ada } }]
        then: "never: the workflow has answered"
      - match: "^again"
        tool_calls: [{ name: itself, arguments: { input: again } }]
        then: "it said {{ tool_outputs[0] }}"
      - match: "^weather"
        tool_calls: [{ name: city-weather, arguments: { city: Oslo } }]
        then: "it said {{ tool_outputs[0] }}"
      - match: "^nothing"
        tool_calls: [{ name: nothing }]
        then: "it said {{ tool_outputs[0] }}"
plugins:
  - { id: "7500000000000000801", name: city, openapi: city.json }
workflows:
  - { id: "7500000000000000201", name: greet, file: greet.json }
  - { id: "7500000000000000202", name: answer, file: answer.json }
  - { id: "7500000000000000203", name: itself, file: itself.json }
  - { id: "7500000000000000204", name: free, file: free.json }
  - { id: "7500000000000000205", name: missing, file: missing.json }
"#;

/// A workflow of one model node that may use this.
fn model(skills: Value) -> Canvas {
    Canvas::default()
        .start(&[("input", "string")])
        .llm(
            NODE,
            "Model",
            "scripted",
            ("input", reference(START, "input")),
        )
        .skills(NODE, skills)
        .end(&[("output", reference(NODE, "output"))])
        .chain(&[START, NODE, END])
}

fn workflows(ids: &[&str]) -> Value {
    let list: Vec<Value> = ids.iter().map(|id| json!({"workflow_id": id})).collect();
    json!({"workflowFCParam": {"workflowList": list}})
}

/// Answers one request of a tool.
async fn serve_weather(listener: tokio::net::TcpListener) {
    crate::knowledge::serve_page(listener, "application/json", r#"{"sky":"clear"}"#).await;
}

/// A server whose workflow `FREE` may use everything.
async fn start(datasets: &[&str]) -> Api {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(serve_weather(listener));
    let mut setup = Setup::with("bots: []");
    let parameter = json!({"name": "city", "in": "query", "schema": {"type": "string"}});
    let operation = json!({"operationId": "weather", "summary": "weather of a city",
        "parameters": [parameter], "responses": {"200": {"description": "ok"}}});
    let city = json!({"openapi": "3.0.1", "info": {"title": "city", "version": "1"},
        "servers": [{"url": format!("http://{address}")}], "paths": {"/weather": {"get": operation}}});
    setup.write("city.json", &city.to_string());
    let answer = Canvas::default()
        .start(&[("name", "string")])
        .answer(
            "Good day, {{name}}.",
            false,
            &[("name", reference(START, "name"))],
        )
        .chain(&[START, END]);
    setup.write("answer.json", &answer.json());
    setup.write("itself.json", &model(workflows(&[ITSELF])).json());
    let mut all = workflows(&[GREET, ANSWER, ITSELF]);
    all["pluginFCParam"] = json!({"pluginList": [
        {"plugin_id": PLUGIN, "api_id": "1", "api_name": "weather"},
    ]});
    let list: Vec<Value> = datasets.iter().map(|id| json!({"id": id})).collect();
    all["knowledgeFCParam"] = json!({
        "global_setting": {"search_mode": 20, "top_k": 1, "min_score": 0.2}, "knowledgeList": list,
    });
    setup.write("free.json", &model(all).json());
    setup.write(
        "missing.json",
        &model(workflows(&["7500000000000000299"])).json(),
    );
    setup.load(YAML);
    setup.start().await
}

async fn run(api: &Api, workflow: &str, input: &str) -> crate::harness::Reply {
    let body = json!({"workflow_id": workflow, "parameters": {"input": input}});
    api.post("/v1/workflow/run", body).await
}

/// The output of a run.
async fn output(api: &Api, input: &str) -> String {
    let reply = run(api, FREE, input).await;
    let data: Value = serde_json::from_str(&text(reply.data())).unwrap();
    text(&data["output"])
}

#[tokio::test]
async fn a_node_uses_workflows_and_plugins() {
    let api = start(&[]).await;
    // What was said before the call has been told, so it belongs to the answer.
    assert_eq!(
        output(&api, "greet").await,
        r#"Let me see. it said {"output":"Hello Ada!"}"#
    );
    // A workflow that answers in words answers for the model.
    assert_eq!(output(&api, "answer").await, "Good day, Ada.");
    assert_eq!(output(&api, "weather").await, r#"it said {"sky":"clear"}"#);
    assert_eq!(
        output(&api, "nothing").await,
        "it said error: there is no tool named nothing"
    );
}

#[tokio::test]
async fn a_stream_tells_the_same() {
    let api = start(&[]).await;
    let body = json!({"workflow_id": FREE, "parameters": {"input": "greet"}});
    let stream = api.stream("/v1/workflow/stream_run", body).await;
    let (event, last) = frames(&stream).pop().unwrap();
    assert_eq!(event, "Done", "{last}");
    assert!(stream.contains("Let me see. it said"), "{stream}");
}

#[tokio::test]
async fn a_workflow_that_calls_itself_comes_to_an_end() {
    let api = start(&[]).await;
    let reply = run(&api, ITSELF, "again").await;
    let data = text(reply.data());
    assert!(data.contains("as deep as it goes"), "{data}");
    // Each of them is a run of its own, and has ended.
    let database = rusqlite::Connection::open(api.folder.path().join("data/coze.db")).unwrap();
    let count = |status: &str| -> i64 {
        let sql = "SELECT count(*) FROM run WHERE workflow_id = ?1 AND status = ?2";
        database
            .query_row(sql, [ITSELF, status], |row| row.get(0))
            .unwrap()
    };
    assert_eq!((count("Success"), count("Running")), (6, 0));
}

#[tokio::test]
async fn a_skill_that_is_not_there_fails_the_run() {
    let api = start(&[]).await;
    let reply = run(&api, MISSING, "hello").await;
    assert!(
        reply.msg().contains(
            "the workflow 7500000000000000299, which the node may use, is not in its workspace"
        ),
        "{}",
        reply.msg()
    );
}

#[tokio::test]
async fn passages_are_looked_up_for_the_prompt() {
    let api = start(&[]).await;
    let shop = dataset(&api, 0).await;
    add(&api, &shop, local("a.txt", "txt", "退货在七天之内办理。")).await;
    add(&api, &shop, local("b.txt", "txt", "发票在收货后开出。")).await;
    let old = api.stop().await;
    // The same data, and a workflow that uses it.
    let other = start(&[&shop]).await.stop().await;
    let mut setup = Setup::with("bots: []").data(&old.path().join("data"));
    let mut write = |name: &str| {
        let text = std::fs::read_to_string(other.path().join(name)).unwrap();
        setup.write(name, &text);
    };
    for name in [
        "city.json",
        "answer.json",
        "itself.json",
        "free.json",
        "missing.json",
    ] {
        write(name);
    }
    setup.load(YAML);
    let api = setup.start().await;
    let said = output(&api, "退货怎么办理？").await;
    assert!(said.contains("退货在七天之内办理。"), "{said}");
    let list = api.get(&format!("/v1/datasets?space_id={SPACE}")).await;
    assert_eq!(list.data()["dataset_list"][0]["hit_count"], 1);
}
