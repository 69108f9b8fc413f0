//! Files.

use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use coze_api::{Coze, Error, Upload};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt, ReadBuf};

use crate::server::{Request, Server, Step, answer, json, soon};
use crate::shown::{failure, shown, watch};

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

/// What a progress callback was told.
type Told = Arc<Mutex<Vec<(u64, Option<u64>)>>>;

fn told() -> (Told, impl Fn(u64, Option<u64>) + Send + Sync + 'static) {
    let told = Told::default();
    let notes = Arc::clone(&told);
    (told, move |sent, of| notes.lock().unwrap().push((sent, of)))
}

/// Told in order, without gaps, to the end.
fn assert_complete(told: &Told, length: u64, of: Option<u64>) {
    let told = told.lock().unwrap();
    assert!(told.len() > 2, "{told:?}");
    assert!(told.windows(2).all(|it| it[0].0 < it[1].0), "{told:?}");
    assert!(told.iter().all(|it| it.1 == of), "{told:?}");
    assert_eq!(told.last().unwrap().0, length);
}

fn part_head(request: &Request) -> (&str, &str) {
    let (_, rest) = request.body.split_once("filename=\"").unwrap();
    let (name, rest) = rest.split_once("\"\r\nContent-Type: ").unwrap();
    (name, rest.split_once("\r\n").unwrap().0)
}

#[tokio::test]
async fn progress_is_told_to_the_end() {
    watch();
    let content = vec![b'a'; 300_000];
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), &content).unwrap();
    let reader = std::io::Cursor::new(content.clone());
    let unknown = std::io::Cursor::new(content.clone());
    let length = content.len() as u64;
    for (upload, known) in [
        (Upload::bytes("a.txt", content.clone()), true),
        (Upload::path(file.path()), true),
        (Upload::reader("a.txt", reader, Some(length)), true),
        (Upload::reader("a.txt", unknown, None), false),
    ] {
        let server = Server::always(json(FILE)).await;
        let (told, progress) = told();
        let file = server.coze().upload_from(upload.progress(progress)).await;
        assert_eq!(file.unwrap().id, "9");
        assert_complete(&told, length, known.then_some(length));
        let request = &server.requests()[0];
        // Without a length it goes out in chunks.
        assert_eq!(request.header("content-length").is_some(), known);
        assert_eq!(
            request.header("transfer-encoding"),
            (!known).then_some("chunked")
        );
        let body = String::from_utf8(content.clone()).unwrap();
        assert!(request.body.contains(&format!("\r\n\r\n{body}\r\n--")));
    }
}

#[tokio::test]
async fn what_a_file_is_shows_in_its_first_bytes() {
    let png = b"\x89PNG\r\n\x1a\n0000".as_slice();
    let pdf = b"%PDF-1.7 0000".as_slice();
    let text = b"hello".as_slice();
    for (upload, expected) in [
        (Upload::bytes("a", png), ("a.png", "image/png")),
        (Upload::bytes("a.jpg", png), ("a.jpg", "image/png")),
        (Upload::bytes("报告", pdf), ("报告.pdf", "application/pdf")),
        (Upload::bytes("a", text), ("a", "application/octet-stream")),
        (
            Upload::reader("a", png, None).name("b"),
            ("b.png", "image/png"),
        ),
        (
            Upload::bytes("a", png).media_type("image/x-own"),
            ("a.png", "image/x-own"),
        ),
        (
            Upload::bytes("a.txt", ""),
            ("a.txt", "application/octet-stream"),
        ),
    ] {
        let server = Server::always(json(FILE)).await;
        server.coze().upload_from(upload).await.unwrap();
        assert_eq!(part_head(&server.requests()[0]), expected);
    }
    let odd = Upload::bytes("a", text).media_type("no type\r\nx: y");
    let server = Server::always(json(FILE)).await;
    let error = failure(server.coze().upload_from(odd).await);
    assert!(matches!(error, Error::Invalid(_)), "{error:?}");
    assert_eq!(server.requests().len(), 0);
}

fn busy() -> Vec<Step> {
    answer("503 Service Unavailable", "text/html", "<html>later")
}

#[tokio::test]
async fn what_is_still_there_is_sent_again_and_what_was_read_is_not() {
    watch();
    let content = vec![b'~'; 200_000];
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), &content).unwrap();
    for upload in [
        Upload::bytes("a.txt", content.clone()),
        Upload::path(file.path()),
    ] {
        let server = Server::in_turn(vec![busy(), json(FILE)]).await;
        let (told, progress) = told();
        let upload = upload.progress(progress);
        server.coze().upload_from(upload).await.unwrap();
        let requests = server.requests();
        assert_eq!(requests.len(), 2);
        let content = |request: &Request| request.body.matches('~').count();
        assert_eq!(content(&requests[0]), 200_000);
        assert_eq!(content(&requests[0]), content(&requests[1]));
        // The progress of the second attempt begins anew.
        let mut told = told.lock().unwrap().clone();
        let second = told.split_off(told.len() / 2);
        assert_eq!(told, second);
    }
    let reader = std::io::Cursor::new(content);
    let upload = Upload::reader("a.txt", reader, Some(200_000));
    let server = Server::in_turn(vec![busy(), json(FILE)]).await;
    let coze = server.coze().resending();
    let error = failure(coze.upload_from(upload.clone()).await);
    assert_eq!(error.http(), Some(503));
    assert_eq!(server.requests().len(), 1);
    let error = failure(coze.upload_from(upload).await);
    assert!(shown(&error).contains("was used up before"), "{error}");
}

#[tokio::test]
async fn a_reader_that_nobody_has_read_is_still_whole() {
    watch();
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let url = format!("http://{}", socket.local_addr().unwrap());
    let coze = Coze::builder().token("pat_secret").base_url(url);
    let coze = coze.retry(coze_api::RetryPolicy {
        attempts: 100,
        first_delay: Duration::from_millis(20),
        max_delay: Duration::from_millis(20),
        ..coze_api::RetryPolicy::default()
    });
    let coze = coze.build().unwrap();
    let reader = std::io::Cursor::new(vec![b'a'; 100_000]);
    let upload = Upload::reader("a.txt", reader, None);
    let calling = tokio::spawn(async move { coze.upload_from(upload).await });
    tokio::time::sleep(Duration::from_millis(100)).await;
    let server = Server::on(socket.listen(8).unwrap(), |_| json(FILE));
    soon(calling).await.unwrap().unwrap();
    assert_eq!(server.requests().len(), 1);
    assert!(server.requests()[0].body.matches('a').count() > 100_000);
}

/// Fails behind its first bytes.
struct Broken(usize);

impl AsyncRead for Broken {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        if self.0 == 0 {
            return Poll::Ready(Err(std::io::Error::other("the disk is gone")));
        }
        let length = self.0.min(buffer.remaining());
        buffer.put_slice(&vec![b'a'; length]);
        self.0 -= length;
        Poll::Ready(Ok(()))
    }
}

#[tokio::test]
async fn a_file_that_cannot_be_read_to_its_end_is_an_error() {
    watch();
    for (good, length) in [(10, None), (100_000, None), (100_000, Some(200_000))] {
        let server = Server::always(json(FILE)).await;
        let upload = Upload::reader("a.txt", Broken(good), length);
        let error = failure(soon(server.coze().upload_from(upload)).await);
        assert!(shown(&error).contains("the disk is gone"), "{error}");
        assert_eq!(server.requests().len(), 0, "half a file was taken for one");
    }
    // Shorter, or longer, than was said.
    for said in [5, 15] {
        let server = Server::always(json(FILE)).await;
        let reader = std::io::Cursor::new(vec![b'a'; 10]);
        let upload = Upload::reader("a.txt", reader, Some(said));
        let error = failure(soon(server.coze().upload_from(upload)).await);
        assert!(shown(&error).contains("a.txt"), "{error}");
        assert_eq!(server.requests().len(), 0);
    }
}

#[tokio::test]
async fn a_refusal_in_the_middle_of_an_upload_is_heard() {
    watch();
    // It answers when it has read the head, and then reads on and throws away.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        let mut buffer = vec![0; 64 * 1024];
        assert!(socket.read(&mut buffer).await.unwrap() > 0);
        let body = r#"{"code":4100,"msg":"who are you"}"#;
        let head = format!(
            "HTTP/1.1 401 Unauthorized\r\ncontent-type: application/json\r\n\
             content-length: {}\r\nconnection: close\r\n\r\n{body}",
            body.len()
        );
        socket.write_all(head.as_bytes()).await.unwrap();
        while socket.read(&mut buffer).await.is_ok_and(|read| read > 0) {}
    });
    let coze = Coze::builder().token("pat_secret").base_url(url);
    let upload = coze
        .build()
        .unwrap()
        .upload_bytes("a", vec![0; 20 << 20])
        .await;
    let error = failure(upload);
    assert_eq!((error.code(), error.http()), (Some(4100), Some(401)));
}

#[tokio::test]
async fn an_upload_that_stands_still_is_given_up() {
    watch();
    // Neither reads nor answers.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let patience = Duration::from_millis(200);
    let coze = Coze::builder().token("pat_secret").base_url(url);
    let coze = coze.first_byte_timeout(patience).build().unwrap();
    let error = failure(soon(coze.upload_bytes("a", vec![0; 20 << 20])).await);
    assert!(shown(&error).contains("no answer within 200ms"), "{error}");
    assert!(error.may_have_begun());
}
