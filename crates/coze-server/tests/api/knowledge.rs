//! Datasets and documents: the rows, their rules, and what becomes of a document.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::harness::{Api, Reply, Setup, normal, text, within};

pub(crate) const SPACE: &str = "7500000000000000003";

/// A new dataset.
pub(crate) async fn dataset(api: &Api, format: i64) -> String {
    let body = json!({"name": "Handbook", "space_id": SPACE, "format_type": format});
    let reply = api.post("/v1/datasets", body).await;
    text(&reply.data()["dataset_id"])
}

/// A document that is sent along.
pub(crate) fn local(name: &str, kind: &str, bytes: impl AsRef<[u8]>) -> Value {
    let content = STANDARD.encode(bytes);
    json!({"name": name, "source_info": {"file_base64": content, "file_type": kind}})
}

pub(crate) async fn create(api: &Api, dataset: &str, bases: Value, strategy: Value) -> Reply {
    let body = json!({"dataset_id": dataset, "document_bases": bases, "chunk_strategy": strategy});
    api.post("/open_api/knowledge/document/create", body).await
}

/// Adds a document and waits for what becomes of it.
pub(crate) async fn add(api: &Api, dataset: &str, base: Value) -> Value {
    let reply = create(api, dataset, json!([base]), json!({"chunk_type": 0})).await;
    reply.data();
    let id = text(&reply.json["document_infos"][0]["document_id"]);
    done(api, dataset, &id).await
}

/// The progress of a document when it is no longer at work.
pub(crate) async fn done(api: &Api, dataset: &str, id: &str) -> Value {
    within(async {
        loop {
            let progress = progress(api, dataset, id).await;
            if progress["status"] != 0 {
                return progress;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await
}

pub(crate) async fn progress(api: &Api, dataset: &str, id: &str) -> Value {
    let path = format!("/v1/datasets/{dataset}/process");
    let reply = api.post(&path, json!({"document_ids": [id]})).await;
    reply.data()["data"][0].clone()
}

async fn list(api: &Api, body: Value) -> Value {
    let reply = api.post("/open_api/knowledge/document/list", body).await;
    reply.data();
    assert!(reply.json.get("data").is_none(), "{}", reply.text);
    reply.json
}

#[tokio::test]
async fn a_text_becomes_chunks_and_every_field_is_there() {
    let api = Api::start().await;
    let dataset = dataset(&api, 0).await;
    let strategy = json!({
        "chunk_type": 1, "separator": "@@@", "max_tokens": 100,
        "remove_extra_spaces": true, "remove_urls_emails": true,
    });
    let bases = json!([local(
        "rules.txt",
        "txt",
        "one@@@two  x@@@see https://example.com/ it"
    )]);
    let reply = create(&api, &dataset, bases, strategy).await;
    assert_snapshot!(normal(&reply.text), @r#"{"code":0,"msg":"","document_infos":[{"document_id":"<id:1>","name":"rules.txt","char_count":0,"size":42,"slice_count":0,"hit_count":0,"type":"txt","format_type":0,"source_type":0,"status":0,"create_time":<time>,"update_time":<time>,"update_type":0,"update_interval":0,"chunk_strategy":{"chunk_type":1,"separator":"@@@","max_tokens":100,"remove_extra_spaces":true,"remove_urls_emails":true},"creator_id":"7500000000000000002","space_id":"7500000000000000003"}],"detail":{"logid":"<logid>"}}"#);
    let id = text(&reply.json["document_infos"][0]["document_id"]);
    let progress = done(&api, &dataset, &id).await;
    assert_snapshot!(normal(&progress.to_string()), @r#"{"document_id":"<id:1>","document_name":"rules.txt","status":1,"progress":100,"update_type":0,"update_interval":0,"remaining_time":0,"size":42,"type":"txt","url":""}"#);
    let page = list(&api, json!({"dataset_id": dataset})).await;
    assert_snapshot!(normal(&page["document_infos"].to_string()), @r#"[{"document_id":"<id:1>","name":"rules.txt","char_count":14,"size":42,"slice_count":3,"hit_count":0,"type":"txt","format_type":0,"source_type":0,"status":1,"create_time":<time>,"update_time":<time>,"update_type":0,"update_interval":0,"chunk_strategy":{"chunk_type":1,"separator":"@@@","max_tokens":100,"remove_extra_spaces":true,"remove_urls_emails":true},"creator_id":"7500000000000000002","space_id":"7500000000000000003"}]"#);
    let reply = api.get(&format!("/v1/datasets?space_id={SPACE}")).await;
    assert_snapshot!(normal(&reply.data().to_string()), @r#"{"dataset_list":[{"dataset_id":"<id:1>","name":"Handbook","description":"","space_id":"7500000000000000003","status":1,"format_type":0,"can_edit":true,"icon_uri":"","icon_url":"","doc_count":1,"hit_count":0,"bot_used_count":0,"slice_count":3,"all_file_size":"42","file_list":["rules.txt"],"failed_file_list":[],"processing_file_list":[],"processing_file_id_list":[],"chunk_strategy":{"chunk_type":1,"separator":"@@@","max_tokens":100,"remove_extra_spaces":true,"remove_urls_emails":true},"avatar_url":"","creator_id":"7500000000000000002","creator_name":"Local user","create_time":<time>,"update_time":<time>}],"total_count":1}"#);
}

#[tokio::test]
async fn datasets_are_changed_found_and_removed() {
    let api = Api::start().await;
    let id = dataset(&api, 0).await;
    let path = format!("/v1/datasets/{id}");
    // As the Python SDK sends what is not set.
    let body = json!({"name": "Regeln 规则", "description": null, "file_id": null});
    api.put(&path, body).await.data();
    let pictures = dataset(&api, 2).await;
    let list = async |query: &str| {
        let path = format!("/v1/datasets?space_id={SPACE}{query}");
        let reply = api.get(&path).await;
        let data = reply.data();
        let ids = data["dataset_list"].as_array().unwrap().iter();
        let ids: Vec<_> = ids.map(|it| text(&it["dataset_id"])).collect();
        (ids, data["total_count"].as_i64().unwrap())
    };
    let both = vec![pictures.clone(), id.clone()];
    assert_eq!(list("").await, (both.clone(), 2));
    assert_eq!(list("&name=&format_type=").await, (both, 2));
    assert_eq!(list("&name=%E8%A7%84").await, (vec![id.clone()], 1));
    assert_eq!(list("&format_type=2").await, (vec![pictures.clone()], 1));
    assert_eq!(list("&page_num=2&page_size=1").await, (vec![id.clone()], 2));
    assert_eq!(list("&page_num=3&page_size=1").await, (vec![], 2));
    // What the Go SDK sends by mistake.
    assert_eq!(list("&name%2Comitempty=x").await.1, 2);

    let document = add(&api, &id, local("a.txt", "txt", "退货政策")).await;
    api.delete(&path).await.data();
    assert_eq!(list("").await, (vec![pictures], 1));
    for (reply, what) in [
        (api.delete(&path).await, "dataset"),
        (api.put(&path, json!({"name": "x"})).await, "dataset"),
        (
            api.post(
                "/open_api/knowledge/document/update",
                json!({"document_id": document["document_id"], "document_name": "x"}),
            )
            .await,
            "document",
        ),
    ] {
        assert_eq!(reply.code(), 4200, "{}", reply.text);
        assert!(reply.msg().contains(what), "{}", reply.text);
    }
    // The bytes went with it.
    let files = std::fs::read_dir(api.folder.path().join("data/files")).unwrap();
    assert_eq!(files.count(), 0);
}

#[tokio::test]
async fn documents_are_renamed_listed_in_pages_and_removed() {
    let api = Api::start().await;
    let dataset = dataset(&api, 0).await;
    let bases: Vec<_> = (0..5)
        .map(|it| local(&format!("{it}.txt"), "txt", "text"))
        .collect();
    let reply = create(&api, &dataset, json!(bases), json!({})).await;
    reply.data();
    let infos = reply.json["document_infos"].as_array().unwrap();
    let ids: Vec<_> = infos.iter().map(|it| text(&it["document_id"])).collect();
    let names = |page: &Value| -> Vec<String> {
        let infos = page["document_infos"].as_array().unwrap();
        infos.iter().map(|it| text(&it["name"])).collect()
    };
    // Numbers are ids, too, and page 0 is the first one.
    let number: i64 = dataset.parse().unwrap();
    let page = list(&api, json!({"dataset_id": number, "page": 0, "size": 2})).await;
    assert_eq!(
        (names(&page), &page["total"]),
        (vec!["4.txt".into(), "3.txt".into()], &json!(5))
    );
    let page = list(
        &api,
        json!({"dataset_id": dataset, "page": 3, "page_size": 2}),
    )
    .await;
    assert_eq!(names(&page), ["0.txt"]);
    let path = format!("/open_api/knowledge/document/list?dataset_id={dataset}&page=1&size=1");
    let reply = api.get(&path).await;
    reply.data();
    assert_eq!(names(&reply.json), ["4.txt"]);

    let body = json!({"document_id": ids[4], "document_name": "last.txt"});
    let reply = api.post("/open_api/knowledge/document/update", body).await;
    reply.data();
    assert_eq!(reply.json["document_info"]["name"], "last.txt");
    let numbers: Vec<i64> = ids[..4].iter().map(|it| it.parse().unwrap()).collect();
    let remove = "/open_api/knowledge/document/delete";
    api.post(remove, json!({"document_ids": numbers}))
        .await
        .data();
    let page = list(&api, json!({"dataset_id": dataset})).await;
    assert_eq!(
        (names(&page), &page["total"]),
        (vec!["last.txt".into()], &json!(1))
    );
    let reply = api
        .post(remove, json!({"document_ids": [ids[4], ids[0]]}))
        .await;
    assert_eq!(reply.code(), 4200);
    let page = list(&api, json!({"dataset_id": dataset})).await;
    assert_eq!(page["total"], 1, "all or nothing");
}

#[tokio::test]
async fn what_is_wrong_is_named() {
    let api = Api::start().await;
    let texts = dataset(&api, 0).await;
    let tables = dataset(&api, 1).await;
    let pictures = dataset(&api, 2).await;
    let mut refusals = String::new();
    let mut tell = |reply: Reply| {
        refusals.push_str(&reply.refusal());
        refusals.push('\n');
    };
    let long = "x".repeat(101);
    for body in [
        json!({"space_id": SPACE, "name": ""}),
        json!({"space_id": SPACE, "name": long}),
        json!({"name": "a"}),
        json!({"name": "a", "space_id": "7500000000000000099"}),
        json!({"name": "a", "space_id": SPACE, "format_type": 3}),
        json!({"name": "a", "space_id": SPACE, "file_id": "7500000000000000099"}),
    ] {
        tell(api.post("/v1/datasets", body).await);
    }
    tell(api.get("/v1/datasets").await);
    tell(
        api.get(&format!("/v1/datasets?space_id={SPACE}&page_num=0"))
            .await,
    );
    let txt = local("a.txt", "txt", "text");
    let web =
        json!({"name": "p", "source_info": {"web_url": "http://127.0.0.1/", "document_source": 1}});
    let again = json!({"update_type": 1, "update_interval": 23});
    let public = json!({"web_url": "https://example.com/", "document_source": 1});
    for (dataset, bases, strategy) in [
        ("7500000000000000099", json!([txt]), json!({})),
        (&texts, json!([]), json!({})),
        (&texts, json!(vec![txt.clone(); 11]), json!({})),
        (
            &texts,
            json!([{"name": "", "source_info": txt["source_info"]}]),
            json!({}),
        ),
        (&texts, json!([{"name": "a", "source_info": {}}]), json!({})),
        (
            &texts,
            json!([{"name": "a", "source_info": {"file_base64": "!", "file_type": "txt"}}]),
            json!({}),
        ),
        (
            &texts,
            json!([{"name": "a", "source_info": {"file_base64": "YQ=="}}]),
            json!({}),
        ),
        (&texts, json!([local("a.exe", "exe", "x")]), json!({})),
        (&texts, json!([local("a.png", "png", "x")]), json!({})),
        (&texts, json!([web]), json!({})),
        (
            &texts,
            json!([{"name": "a", "source_info": {"web_url": "ftp://x", "document_source": 1}}]),
            json!({}),
        ),
        (
            &texts,
            json!([{"name": "a", "source_info": {"web_url": "https://example.com/", "document_source": 5}}]),
            json!({}),
        ),
        (
            &texts,
            json!([{"name": "a", "source_info": {"source_file_id": "7500000000000000099", "document_source": 5}}]),
            json!({}),
        ),
        (
            &texts,
            json!([{"name": "a", "source_info": public, "update_rule": again}]),
            json!({}),
        ),
        (
            &texts,
            json!([txt, {"name": "a", "source_info": public}]),
            json!({}),
        ),
        (&texts, json!([txt]), json!({"chunk_type": 1})),
        (
            &texts,
            json!([txt]),
            json!({"chunk_type": 1, "separator": "x"}),
        ),
        (
            &texts,
            json!([txt]),
            json!({"chunk_type": 1, "separator": "x", "max_tokens": 99}),
        ),
        (&texts, json!([txt]), json!({"chunk_type": 7})),
        (
            &tables,
            json!([local("a.csv", "csv", "a\n1"), local("b.csv", "csv", "a\n1")]),
            json!({}),
        ),
        (&tables, json!([txt]), json!({})),
        (&pictures, json!([local("a.png", "png", "x")]), json!({})),
        (
            &pictures,
            json!([local("a.png", "png", "x")]),
            json!({"caption_type": 2}),
        ),
    ] {
        tell(create(&api, dataset, bases, strategy).await);
    }
    let body = json!({"dataset_id": texts, "document_bases": [txt], "format_type": 2});
    tell(api.post("/open_api/knowledge/document/create", body).await);
    let process = format!("/v1/datasets/{texts}/process");
    tell(api.post(&process, json!({})).await);
    tell(api.post(&process, json!({"document_ids": ["1"]})).await);
    tell(
        api.post(
            "/open_api/knowledge/document/list",
            json!({"dataset_id": texts, "size": 0}),
        )
        .await,
    );
    tell(
        api.post(
            "/open_api/knowledge/document/delete",
            json!({"document_ids": []}),
        )
        .await,
    );
    tell(
        api.post(
            "/open_api/knowledge/document/update",
            json!({"document_id": "1"}),
        )
        .await,
    );
    tell(api.get(&format!("/v1/datasets/{texts}/images")).await);
    tell(
        api.put(
            &format!("/v1/datasets/{pictures}/images/1"),
            json!({"caption": "x"}),
        )
        .await,
    );
    assert_snapshot!(refusals, @r#"
200 4000 Request parameter error: name: it is required
200 4000 Request parameter error: name: it has 101 characters; at most 100 are allowed
200 4000 Request parameter error: request: missing field `space_id` at line 1 column 12
200 4101 the token has no access to the workspace 7500000000000000099: it belongs to a workspace that the token's user is no member of
200 4000 Request parameter error: format_type: 3 is none of 0, 1, 2
200 4200 the file 7500000000000000099 does not exist
200 4000 Request parameter error: request: missing field `space_id`
200 4000 Request parameter error: page_num: 0 is less than 1
200 4200 the dataset 7500000000000000099 does not exist
200 4000 Request parameter error: document_bases: there are 0; 1 to 10 are allowed
200 4000 Request parameter error: document_bases: there are 11; 1 to 10 are allowed
200 4000 Request parameter error: document_bases[0].name: it is required
200 4000 Request parameter error: document_bases[0].source_info: it needs exactly one of file_base64, web_url and source_file_id
200 4000 Request parameter error: document_bases[0].source_info.file_base64: it is no standard base64: Invalid symbol 33, offset 0.
200 4000 Request parameter error: document_bases[0].source_info.file_type: it is required
200 4000 Request parameter error: document_bases[0].source_info.file_type: the dataset takes txt, md, html, pdf, doc, docx, csv, xlsx, and not "exe"
200 4000 Request parameter error: document_bases[0].source_info.file_type: the dataset takes txt, md, html, pdf, doc, docx, csv, xlsx, and not "png"
200 4000 Request parameter error: document_bases[0].source_info.web_url: 127.0.0.1 is the address 127.0.0.1 of a private network; set `allow_private_networks: true` in coze.yaml if it may be reached
200 4000 Request parameter error: document_bases[0].source_info.web_url: "ftp://x" is no address of the web: it must begin with http:// or https://
200 4000 Request parameter error: document_bases[0].source_info.document_source: 5 does not fit what is given
200 4200 the file 7500000000000000099 does not exist
200 4000 Request parameter error: document_bases[0].update_rule.update_interval: 23 is less than 24 hours
200 4000 Request parameter error: document_bases[1].source_info: all documents of a call come the same way
200 4000 Request parameter error: chunk_strategy.separator: it is required
200 4000 Request parameter error: chunk_strategy.max_tokens: it is required when chunk_type is 1
200 4000 Request parameter error: chunk_strategy.max_tokens: 99 is not 100 to 2000
200 4000 Request parameter error: chunk_strategy.chunk_type: 7 is none of 0, 1, 2
200 4000 Request parameter error: document_bases: a dataset of tables takes one document at a time
200 4000 Request parameter error: document_bases[0].source_info.file_type: the dataset takes csv, tsv, xlsx, xlsm, json, and not "txt"
200 4000 Request parameter error: chunk_strategy.caption_type: it is required for the first pictures of a dataset
200 4000 Request parameter error: chunk_strategy.caption_type: 2 is neither 0 nor 1
200 4000 Request parameter error: format_type: the dataset has the type 0
200 4000 Request parameter error: document_ids: there are 0; 1 to 100 are allowed
200 4000 Request parameter error: document_ids[0]: the dataset <id:1> has no document 1
200 4000 Request parameter error: size: 0 is less than 1
200 4000 Request parameter error: document_ids: there are 0; 1 to 100 are allowed
200 4200 the document 1 does not exist
200 4000 Request parameter error: dataset_id: the dataset <id:1> holds no pictures
200 4200 the document 1 does not exist
"#);
}

#[tokio::test]
async fn what_was_not_done_when_the_server_stopped_is_done_by_the_next_one() {
    // A page that nobody answers for keeps the first server at work.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/page", listener.local_addr().unwrap());
    let yaml = "allow_private_networks: true\n";
    let api = Setup::with(yaml).start().await;
    let dataset = dataset(&api, 0).await;
    let base = json!({"name": "page", "source_info": {"web_url": url, "document_source": 1}});
    let reply = create(&api, &dataset, json!([base]), json!({})).await;
    let id = text(&reply.json["document_infos"][0]["document_id"]);
    let (connection, _) = within(listener.accept()).await.unwrap();
    let before = progress(&api, &dataset, &id).await;
    assert_eq!(
        (&before["status"], &before["progress"]),
        (&json!(0), &json!(5))
    );
    assert!(before["remaining_time"].as_i64().unwrap() > 0, "{before}");
    let folder = api.stop().await;
    drop(connection);

    tokio::spawn(serve_page(
        listener,
        "text/html",
        "<h1>七天</h1><p>内可以退货。</p>",
    ));
    let data = folder.path().join("data");
    let api = Setup::with(yaml).data(&data).start().await;
    let progress = done(&api, &dataset, &id).await;
    assert_eq!(
        (&progress["status"], &progress["progress"]),
        (&json!(1), &json!(100))
    );
}

/// Answers every request with the same body.
pub(crate) async fn serve_page(
    listener: tokio::net::TcpListener,
    kind: &'static str,
    body: impl AsRef<[u8]>,
) {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let length = body.as_ref().len();
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n"
    );
    while let Ok((mut connection, _)) = listener.accept().await {
        let mut request = [0; 8192];
        let _ = connection.read(&mut request).await;
        let _ = connection.write_all(head.as_bytes()).await;
        let _ = connection.write_all(body.as_ref()).await;
    }
}
