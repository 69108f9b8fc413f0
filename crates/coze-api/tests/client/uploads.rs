//! Files.

use coze_api::Error;

use crate::server::{Server, json};

const FILE: &str =
    r#"{"code":0,"msg":"","data":{"id":"9","bytes":5,"created_at":1,"file_name":"x"}}"#;

#[tokio::test]
async fn an_upload_is_one_part_named_file() {
    let server = Server::always(json(FILE)).await;
    let name = "报告 \"1\"\r\n.txt";
    let file = server.coze().upload_bytes(name, "hello").await.unwrap();
    assert_eq!(file.id, "9");
    let request = &server.requests()[0];
    assert_eq!(request.line, "POST /v1/files/upload");
    let kind = request.header("content-type").unwrap();
    let boundary = kind.strip_prefix("multipart/form-data; boundary=").unwrap();
    let expected = format!(
        "--{boundary}\r\nContent-Disposition: form-data; name=\"file\"; \
         filename=\"报告 \\\"1\\\"__.txt\"\r\n\
         Content-Type: application/octet-stream\r\n\r\nhello\r\n--{boundary}--\r\n"
    );
    assert_eq!(request.body, expected);
}

#[tokio::test]
async fn a_file_is_uploaded_under_its_own_name() {
    let server = Server::always(json(FILE)).await;
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
    server.coze().upload(&path).await.unwrap();
    let body = &server.requests()[0].body;
    assert!(
        body.contains("name=\"file\"; filename=\"Cargo.toml\""),
        "{body}"
    );
    assert!(body.contains(&std::fs::read_to_string(path).unwrap()));
}

#[tokio::test]
async fn a_file_that_is_not_there_is_named() {
    let server = Server::always(json(FILE)).await;
    let error = server.coze().upload("/no/such/file").await.unwrap_err();
    assert!(matches!(error, Error::Invalid(_)), "{error:?}");
    assert!(error.to_string().contains("/no/such/file"), "{error}");
    assert_eq!(server.requests().len(), 0);
}
