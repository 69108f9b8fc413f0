//! What single rows put on the wire beyond method, path and JSON body.

use coze_api::Method;
use coze_api::types::datasets::{DocumentProgressBody, RetrieveDocumentProgress};
use coze_api::types::documents::{DeleteDocuments, DeleteDocumentsBody, ListDocuments};
use coze_api::types::files::FilePart;
use coze_api::types::voiceprints::{IdentifySpeaker, UpdateVoiceprint};

use crate::server::{Server, json};

const NOTHING: &str = r#"{"code":0,"msg":""}"#;

#[tokio::test]
async fn a_row_sends_the_header_that_it_needs() {
    let server = Server::always(json(NOTHING)).await;
    let coze = server.coze();
    let document_ids = vec!["75".into()];
    let delete = DeleteDocuments {
        body: DeleteDocumentsBody {
            document_ids: document_ids.clone(),
        },
        ..DeleteDocuments::default()
    };
    coze.send(delete).await.unwrap();
    let path = "/open_api/knowledge/document/list";
    let body = serde_json::json!({"dataset_id": "7"});
    coze.send_raw(Method::POST, path, &[], Some(body))
        .await
        .unwrap();
    let progress = RetrieveDocumentProgress {
        dataset_id: "7".into(),
        body: DocumentProgressBody { document_ids },
        ..RetrieveDocumentProgress::default()
    };
    // It has no `data`, so it is no reply; only the request matters here.
    coze.send(progress).await.unwrap_err();

    let requests = server.requests();
    let header = |index: usize| requests[index].header("agw-js-conv");
    assert_eq!(header(0), Some("str"));
    assert_eq!(header(1), Some("str"), "a raw call to the path of a row");
    assert_eq!(header(2), None, "{}", requests[2].head);
    assert_eq!(requests[0].body, r#"{"document_ids":["75"]}"#);
}

#[tokio::test]
async fn documents_stand_at_the_top_of_a_reply() {
    let page = r#"{"code":0,"msg":"","total":2,"document_infos":[{"document_id":75,"status":9}]}"#;
    let server = Server::always(json(page)).await;
    let mut row = ListDocuments::default();
    row.body.dataset_id = "7".into();
    let reply = server.coze().send(row).await.unwrap();
    assert_eq!(reply.total, 2);
    assert_eq!(reply.document_infos[0].document_id, "75");
    assert_eq!(reply.document_infos[0].status.value(), 9);
}

#[tokio::test]
async fn progress_is_a_list_in_data_inside_data() {
    let body =
        r#"{"code":0,"msg":"","data":{"data":[{"document_id":"75","status":1,"progress":100}]}}"#;
    let server = Server::always(json(body)).await;
    let mut row = RetrieveDocumentProgress {
        dataset_id: "7".into(),
        ..RetrieveDocumentProgress::default()
    };
    row.body.document_ids.push(75_u64.into());
    let reply = server.coze().send(row).await.unwrap();
    assert_eq!(reply.data.data[0].progress, 100);
    let request = &server.requests()[0];
    assert_eq!(request.line, "POST /v1/datasets/7/process");
    assert_eq!(request.body, r#"{"document_ids":["75"]}"#);
}

#[tokio::test]
async fn a_form_may_go_without_a_file_and_its_numbers_are_plain_text() {
    let server = Server::always(json(NOTHING)).await;
    let mut row = UpdateVoiceprint {
        group_id: "7".into(),
        feature_id: "8".into(),
        ..UpdateVoiceprint::default()
    };
    row.body.name = Some("林".to_owned());
    row.body.sample_rate = Some(16_000);
    server.coze().send(row).await.unwrap();
    let request = &server.requests()[0];
    assert_eq!(request.line, "PUT /v1/audio/voiceprint_groups/7/features/8");
    assert_eq!(parts(&request.body), ["name: 林", "sample_rate: 16000"]);
}

#[tokio::test]
async fn a_recording_goes_beside_its_fields() {
    let body = r#"{"code":0,"msg":"","data":{"feature_score_list":[{"feature_id":8,"score":93}]}}"#;
    let server = Server::always(json(body)).await;
    let mut row = IdentifySpeaker {
        group_id: "7".into(),
        ..IdentifySpeaker::default()
    };
    row.body.top_k = Some(3);
    row.body.file = FilePart {
        file_name: "a.wav".to_owned(),
        content: "RIFF".into(),
        ..FilePart::default()
    };
    let reply = server.coze().send(row).await.unwrap();
    assert_eq!(reply.data.feature_score_list[0].feature_id, "8");
    let request = &server.requests()[0];
    assert_eq!(parts(&request.body), ["top_k: 3", "file: RIFF"]);
}

/// The parts of a form as `name: content`.
fn parts(form: &str) -> Vec<String> {
    let parts = form.split("; name=\"").skip(1).filter_map(|part| {
        let (name, rest) = part.split_once('"')?;
        let (_, content) = rest.split_once("\r\n\r\n")?;
        let (content, _) = content.split_once("\r\n--")?;
        Some(format!("{name}: {content}"))
    });
    parts.collect()
}
