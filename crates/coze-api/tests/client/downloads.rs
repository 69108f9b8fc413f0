//! Answers that are bytes.

use std::path::PathBuf;
use std::time::Duration;

use coze_api::types::audio::CreateSpeech;
use coze_api::{Coze, Error, RetryPolicy, TransportKind};

use crate::server::{Server, Step, answer, json, soon};
use crate::shown::{failure, watch};

fn bytes() -> Vec<u8> {
    (0..300_000).map(|at| (at % 251) as u8).collect()
}

const HEAD: &str = "HTTP/1.1 200 OK\r\ncontent-type: audio/mpeg\r\nx-tt-logid: LOG1\r\n";

fn audio() -> Vec<Step> {
    let head = format!("{HEAD}content-length: {}\r\n\r\n", bytes().len());
    vec![Step::Send([head.as_bytes(), &bytes()].concat())]
}

/// A folder, the file to be made in it, and what is in the folder.
struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }
    fn file(&self) -> PathBuf {
        self.0.path().join("speech.mp3")
    }
    fn names(&self) -> Vec<String> {
        let files = std::fs::read_dir(self.0.path()).unwrap();
        let name = |file: std::io::Result<std::fs::DirEntry>| file.unwrap().file_name();
        files.map(|it| name(it).into_string().unwrap()).collect()
    }
}

#[tokio::test]
async fn bytes_come_piece_by_piece_at_once_or_into_a_file() {
    watch();
    let server = Server::always(audio()).await;
    let coze = server.coze();
    let mut download = coze.download(CreateSpeech::default()).await.unwrap();
    assert_eq!(download.log_id(), Some("LOG1"));
    assert_eq!(download.content_type(), Some("audio/mpeg"));
    let mut all = Vec::new();
    while let Some(chunk) = soon(download.chunk()).await.unwrap() {
        all.extend_from_slice(&chunk);
    }
    assert!(all == bytes());
    assert!(download.chunk().await.unwrap().is_none());

    let download = coze.download(CreateSpeech::default()).await.unwrap();
    assert!(soon(download.bytes()).await.unwrap() == bytes());

    let place = Place::new();
    // What was there is replaced.
    std::fs::write(place.file(), "old").unwrap();
    let download = coze.download(CreateSpeech::default()).await.unwrap();
    assert_eq!(soon(download.save(place.file())).await.unwrap(), 300_000);
    assert!(std::fs::read(place.file()).unwrap() == bytes());
    assert_eq!(place.names(), ["speech.mp3"]);
    // A packer would hold bytes back.
    assert_eq!(
        server.requests()[0].header("accept-encoding"),
        Some("identity")
    );
}

#[tokio::test]
async fn a_refusal_is_no_piece_of_the_bytes() {
    watch();
    for (refusal, code, http) in [
        (
            json(r#"{"code":4000,"msg":"no such voice"}"#),
            Some(4000),
            Some(200),
        ),
        (
            answer("404 Not Found", "text/html", "<html>"),
            None,
            Some(404),
        ),
        (
            answer("200 OK", "text/html", "<html>log in"),
            None,
            Some(200),
        ),
        (json(r#"{"code":0,"msg":"","data":{}}"#), None, Some(200)),
        // Whatever it calls itself.
        (answer("403 Forbidden", "audio/mpeg", "no"), None, Some(403)),
    ] {
        let server = Server::always(refusal).await;
        let error = failure(server.coze().download(CreateSpeech::default()).await);
        assert_eq!((error.code(), error.http()), (code, http), "{error}");
    }
    // A busy server is asked again, as ever.
    let busy = answer("503 Service Unavailable", "text/html", "<html>");
    let server = Server::in_turn(vec![busy, audio()]).await;
    let download = server
        .coze()
        .download(CreateSpeech::default())
        .await
        .unwrap();
    assert!(soon(download.bytes()).await.unwrap() == bytes());
    assert_eq!(server.requests().len(), 2);
}

fn hasty(server: &Server) -> Coze {
    let builder = server.builder().idle_timeout(Duration::from_millis(200));
    builder.retry(RetryPolicy::none()).build().unwrap()
}

#[tokio::test]
async fn a_download_that_breaks_leaves_nothing_behind() {
    watch();
    let half = |length: &str| {
        let head = format!("{HEAD}{length}\r\n\r\n");
        [head.as_bytes(), &bytes()[..100_000]].concat()
    };
    let length = "content-length: 300000";
    let chunk = [
        format!("{HEAD}transfer-encoding: chunked\r\n\r\n186a0\r\n").as_bytes(),
        &bytes()[..100_000],
        b"\r\n",
    ]
    .concat();
    for (steps, kind) in [
        (
            vec![Step::Send(half(length)), Step::Close],
            TransportKind::Reset,
        ),
        (
            vec![Step::Send(half(length)), Step::Pause(100), Step::Reset],
            TransportKind::Reset,
        ),
        (
            vec![Step::Send(half(length)), Step::Hold],
            TransportKind::Timeout,
        ),
        (vec![Step::Send(chunk), Step::Close], TransportKind::Reset),
    ] {
        let server = Server::always(steps).await;
        let place = Place::new();
        std::fs::write(place.file(), "old").unwrap();
        let download = hasty(&server)
            .download(CreateSpeech::default())
            .await
            .unwrap();
        let error = failure(soon(download.save(place.file())).await);
        let Error::Transport(lost) = &error else {
            panic!("{error:?}")
        };
        assert_eq!(lost.kind, kind, "{error:?}");
        // What was there before is still there.
        assert_eq!(place.names(), ["speech.mp3"]);
        assert_eq!(std::fs::read(place.file()).unwrap(), b"old");
        let download = hasty(&server)
            .download(CreateSpeech::default())
            .await
            .unwrap();
        failure(soon(download.bytes()).await);
    }
}

#[tokio::test]
async fn a_download_that_nobody_waits_for_leaves_nothing_behind() {
    watch();
    let head = format!("{HEAD}content-length: 300000\r\n\r\n");
    let half = [head.as_bytes(), &bytes()[..100_000]].concat();
    let server = Server::always(vec![Step::Send(half), Step::Hold]).await;
    let place = Place::new();
    let download = server
        .coze()
        .download(CreateSpeech::default())
        .await
        .unwrap();
    let saving = tokio::spawn(download.save(place.file()));
    soon(async {
        while place.names().is_empty() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
    assert_eq!(place.names(), ["speech.mp3.part"]);
    saving.abort();
    server.wait_for_hang_up().await;
    soon(async {
        while !place.names().is_empty() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_place_that_cannot_be_written_is_named() {
    watch();
    let server = Server::always(audio()).await;
    let place = Place::new();
    let download = server
        .coze()
        .download(CreateSpeech::default())
        .await
        .unwrap();
    let there = place.0.path().join("no/such/folder");
    let error = failure(soon(download.save(&there)).await);
    assert!(matches!(error, Error::Invalid(_)), "{error:?}");
    assert!(error.to_string().contains("no/such/folder"), "{error}");
    // A folder cannot be replaced by a file.
    let download = server
        .coze()
        .download(CreateSpeech::default())
        .await
        .unwrap();
    let folder = place.0.path().join("speech.mp3");
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join("x"), "").unwrap();
    failure(soon(download.save(&folder)).await);
    assert_eq!(place.names(), ["speech.mp3"]);
}
