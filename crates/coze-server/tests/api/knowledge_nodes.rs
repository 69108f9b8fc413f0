//! Workflow nodes that search, write and delete knowledge.

use serde_json::{Value, json};

use crate::canvas::{Canvas, END, START, reference, typed_reference};
use crate::harness::{Api, Setup, text};
use crate::knowledge::{add, dataset, done, local, serve_page};

const SEARCH: &str = "7500000000000000501";
const WRITE: &str = "7500000000000000502";
const DELETE: &str = "7500000000000000503";

const YAML: &str = r#"
allow_private_networks: true
workflows:
  - { id: "7500000000000000501", name: search, file: search.json }
  - { id: "7500000000000000502", name: write, file: write.json }
  - { id: "7500000000000000503", name: delete, file: delete.json }
"#;

fn setting(name: &str, kind: &str, content: &Value) -> Value {
    json!({"name": name, "input": {"type": kind, "value": {"type": "literal", "content": content}}})
}

fn search(dataset: &str) -> Canvas {
    let settings = json!({"datasetParam": [
        {"name": "datasetList", "input": {"type": "list", "schema": {"type": "string"},
            "value": {"type": "literal", "content": [dataset]}}},
        setting("topK", "integer", &json!(1)),
        setting("minScore", "float", &json!(0.3)),
        setting("strategy", "integer", &json!(20)),
    ]});
    let fields =
        json!([{"type": "string", "name": "documentId"}, {"type": "string", "name": "output"}]);
    let outputs = json!([{"type": "list", "name": "outputList", "schema": {"type": "object", "schema": fields}}]);
    Canvas::default()
        .start(&[("question", "string")])
        .other(
            "110001",
            "6",
            settings,
            &[("Query", reference(START, "question"))],
            &outputs,
        )
        .end(&[
            ("first", reference("110001", "outputList.output")),
            ("document", reference("110001", "outputList.documentId")),
        ])
        .chain(&[START, "110001", END])
}

fn write(dataset: &str) -> Canvas {
    let settings = json!({
        "datasetParam": [{"name": "datasetList", "input": {"type": "list", "schema": {"type": "string"},
            "value": {"type": "literal", "content": [dataset]}}}],
        "strategyParam": {"chunkStrategy": {
            "chunkType": "custom", "separatorType": "\n", "separator": "@@", "maxToken": 800, "overlap": 0.1,
        }},
    });
    let names = ["documentId", "fileName", "fileUrl"];
    let outputs: Value = names
        .iter()
        .map(|it| json!({"type": "string", "name": it}))
        .collect();
    Canvas::default()
        .start(&[("file", "string")])
        .other(
            "110001",
            "27",
            settings,
            &[("knowledge", reference(START, "file"))],
            &outputs,
        )
        .end(&names.map(|it| (it, reference("110001", it))))
        .chain(&[START, "110001", END])
}

fn delete() -> Canvas {
    let outputs = json!([{"type": "boolean", "name": "isSuccess"}]);
    Canvas::default()
        .start(&[("id", "string")])
        .other(
            "110001",
            "60",
            json!({}),
            &[("documentID", reference(START, "id"))],
            &outputs,
        )
        .end(&[("done", typed_reference("110001", "isSuccess", "boolean"))])
        .chain(&[START, "110001", END])
}

/// A server with a dataset that its workflows use.
async fn start() -> (Api, String) {
    let api = Api::start().await;
    let dataset = dataset(&api, 0).await;
    let old = api.stop().await;
    let setup = Setup::with(YAML).data(&old.path().join("data"));
    let folder = setup.config.space.folder.clone();
    for (name, canvas) in [
        ("search", search(&dataset)),
        ("write", write(&dataset)),
        ("delete", delete()),
    ] {
        std::fs::write(folder.join(format!("{name}.json")), canvas.json()).unwrap();
    }
    // The data lies there.
    std::mem::forget(old);
    (setup.start().await, dataset)
}

async fn run(api: &Api, workflow: &str, parameters: Value) -> Value {
    let body = json!({"workflow_id": workflow, "parameters": parameters});
    let reply = api.post("/v1/workflow/run", body).await;
    serde_json::from_str(&text(reply.data())).unwrap()
}

#[tokio::test]
async fn passages_are_found() {
    let (api, dataset) = start().await;
    let progress = add(
        &api,
        &dataset,
        local("a.txt", "txt", "七天内可以无理由退货。"),
    )
    .await;
    add(&api, &dataset, local("b.txt", "txt", "发票在收货后开出。")).await;
    let found = run(&api, SEARCH, json!({"question": "怎么退货？"})).await;
    let expected = json!({"first": "七天内可以无理由退货。", "document": progress["document_id"]});
    assert_eq!(found, expected);
}

#[tokio::test]
async fn documents_are_written_and_deleted() {
    let (api, dataset) = start().await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/rules.txt?x=1", listener.local_addr().unwrap());
    tokio::spawn(serve_page(listener, "text/plain", "one@@two@@three"));
    let written = run(&api, WRITE, json!({"file": url})).await;
    assert_eq!(
        (&written["fileName"], &written["fileUrl"]),
        (&json!("rules.txt"), &json!(url))
    );
    let id = text(&written["documentId"]);
    assert_eq!(done(&api, &dataset, &id).await["status"], 1);
    let body = json!({"dataset_id": dataset});
    let reply = api.post("/open_api/knowledge/document/list", body).await;
    assert_eq!(reply.json["document_infos"][0]["slice_count"], 3);

    assert_eq!(run(&api, DELETE, json!({"id": id})).await["done"], true);
    assert_eq!(run(&api, DELETE, json!({"id": id})).await["done"], false);
    let body = json!({"dataset_id": dataset});
    let reply = api.post("/open_api/knowledge/document/list", body).await;
    assert_eq!(reply.json["total"], 0);
}

#[tokio::test]
async fn what_cannot_be_written_fails_the_run() {
    let (api, dataset) = start().await;
    for (file, why) in [
        ("nothing", "no address of the web"),
        (r#"{"file_id":"1"}"#, "file 1 does not exist"),
    ] {
        let body = json!({"workflow_id": WRITE, "parameters": {"file": file}});
        let reply = api.post("/v1/workflow/run", body).await;
        assert_ne!(reply.code(), 0, "{}", reply.text);
        assert!(reply.msg().contains(why), "{}", reply.text);
    }
    api.delete(&format!("/v1/datasets/{dataset}")).await.data();
    let body = json!({"workflow_id": WRITE, "parameters": {"file": "https://example.com/a.txt"}});
    let reply = api.post("/v1/workflow/run", body).await;
    assert!(reply.msg().contains("dataset"), "{}", reply.text);
}

#[tokio::test]
async fn copies_of_workflows_use_the_knowledge_of_their_workspace() {
    let (api, dataset) = start().await;
    add(
        &api,
        &dataset,
        local("a.txt", "txt", "七天内可以无理由退货。"),
    )
    .await;
    let mut copies = Vec::new();
    for workflow in [SEARCH, WRITE, DELETE] {
        let body = json!({"entity_id": workflow, "entity_type": "workflow"});
        let task = api.post("/v1/entities/copy_tasks", body).await;
        let path = format!("/v1/entities/copy_tasks/{}", text(&task.data()["task_id"]));
        let task = api.get(&path).await;
        copies.push(text(&task.data()["target_entity_id"]));
    }
    let found = run(&api, &copies[0], json!({"question": "怎么退货？"})).await;
    assert_eq!(found["first"], "七天内可以无理由退货。");
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/rules.txt", listener.local_addr().unwrap());
    tokio::spawn(serve_page(listener, "text/plain", "one@@two"));
    let written = run(&api, &copies[1], json!({"file": url})).await;
    let id = text(&written["documentId"]);
    assert_eq!(done(&api, &dataset, &id).await["status"], 1);
    assert_eq!(run(&api, &copies[2], json!({"id": id})).await["done"], true);
}
