//! Forms that are no forms, or far too much of one.

use reqwest::Method;

use super::is_well;
use crate::harness::{Api, Reply, text};

const MEGABYTE: usize = 1024 * 1024;

async fn send(api: &Api, boundary: &str, form: impl Into<reqwest::Body>) -> Reply {
    let request = api.request(Method::POST, "/v1/files/upload");
    let kind = format!("multipart/form-data{boundary}");
    api.send(request.header("content-type", kind).body(form))
        .await
}

fn kept(api: &Api) -> usize {
    let files = std::fs::read_dir(api.folder.path().join("data/files"));
    files.unwrap().count()
}

const FILE: &str =
    "--b\r\ncontent-disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\nsome\r\n";

#[tokio::test]
async fn boundaries() {
    let api = Api::start().await;
    let form = format!("{FILE}--b--\r\n");
    for boundary in [
        "",
        ";",
        "; boundary",
        "; boundary=",
        "; boundary=\"\"",
        "; boundary=c",
    ] {
        let reply = send(&api, boundary, form.clone()).await;
        assert!(
            [4000, 4304].contains(&reply.code()),
            "{boundary}: {}",
            reply.text
        );
    }
    let long = "b".repeat(10_000);
    let form = FILE.replace("--b", &format!("--{long}"));
    let reply = send(
        &api,
        &format!("; boundary={long}"),
        format!("{form}--{long}--\r\n"),
    )
    .await;
    assert_ne!(reply.code(), 5000, "{}", reply.text);
    for kind in ["application/json", "multipart/mixed; boundary=b", "x"] {
        let request = api.request(Method::POST, "/v1/files/upload");
        let request = request.header("content-type", kind).body(FILE);
        assert_eq!(api.send(request).await.code(), 4000, "{kind}");
    }
    is_well(&api).await;
}

#[tokio::test]
async fn very_many_parts() {
    let api = Api::start().await;
    let part = "--b\r\ncontent-disposition: form-data; name=\"x\"\r\n\r\ny\r\n";
    // Some fields beside the file are what forms have.
    let reply = send(
        &api,
        "; boundary=b",
        format!("{}{FILE}--b--\r\n", part.repeat(10)),
    )
    .await;
    reply.data();
    let reply = send(
        &api,
        "; boundary=b",
        format!("{}{FILE}--b--\r\n", part.repeat(100_000)),
    )
    .await;
    assert_eq!(reply.code(), 4000, "{}", reply.text);
    assert!(reply.msg().contains("more than 64 parts"), "{}", reply.text);
    // The file in front of them is not kept, either.
    let reply = send(
        &api,
        "; boundary=b",
        format!("{FILE}{}--b--\r\n", part.repeat(1000)),
    )
    .await;
    assert_eq!(reply.code(), 4000, "{}", reply.text);
    assert_eq!(kept(&api), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn heads_of_parts() {
    let api = Api::start().await;
    let named = "content-disposition: form-data; name=\"file\"; filename=\"a\"\r\n";
    let long = format!("--b\r\nx: {}", "y".repeat(50 * MEGABYTE));
    let reply = send(&api, "; boundary=b", long).await;
    assert_eq!((reply.http, reply.code()), (413, 4000), "{}", reply.text);
    assert!(reply.msg().contains("head of a part"), "{}", reply.text);
    let many = format!(
        "--b\r\n{}{named}\r\nsome\r\n--b--\r\n",
        "x: y\r\n".repeat(1000)
    );
    assert_eq!(send(&api, "; boundary=b", many).await.code(), 4304);
    // Nothing but a preamble.
    let reply = send(&api, "; boundary=b", vec![b'x'; 10 * MEGABYTE]).await;
    assert!([4000, 4304].contains(&reply.code()), "{}", reply.text);
    // A large part that is no file is read past, not kept.
    let other = "--b\r\ncontent-disposition: form-data; name=\"x\"\r\n\r\n";
    let form = format!("{other}{}\r\n{FILE}--b--\r\n", "y".repeat(20 * MEGABYTE));
    assert_eq!(send(&api, "; boundary=b", form).await.data()["bytes"], 4);
    assert_eq!(kept(&api), 1);
}

#[tokio::test]
async fn file_names_lead_nowhere() {
    let api = Api::start().await;
    for given in [
        "../../../etc/passwd",
        "..\\..\\coze.db",
        "/etc/passwd",
        "C:\\windows\\system32",
        "\\\\host\\share\\a",
        "coze.db",
        "....//....//a",
        "%2e%2e%2fa",
        "..;/a",
        "file:///etc/passwd",
        "|id",
        "$(id)",
        "'; DROP TABLE file; --",
        "{{ 7 * 7 }}",
        "\u{202e}gpj.exe",
        "CON",
    ] {
        let form = FILE.replace("\"a\"", &format!("\"{given}\""));
        let reply = send(&api, "; boundary=b", format!("{form}--b--\r\n")).await;
        let name = text(&reply.data()["file_name"]);
        assert!(
            !name.contains(['/', '\\', '\0']) && !["", ".", ".."].contains(&&*name),
            "{name:?}"
        );
        let id = text(&reply.data()["id"]);
        let path = api.folder.path().join("data/files").join(&id);
        assert_eq!(std::fs::read(path).unwrap(), b"some");
        for wanted in [given, &name] {
            let query = serde_urlencoded::to_string([("file_id", wanted)]).unwrap();
            let reply = api.get(&format!("/v1/files/retrieve?{query}")).await;
            assert_eq!(reply.code(), 4200, "{wanted}: {}", reply.text);
        }
    }
    let form = FILE.replace("\"a\"", "\"a\0b\"");
    let reply = send(&api, "; boundary=b", format!("{form}--b--\r\n")).await;
    assert_eq!(reply.code(), 4304, "{}", reply.text);
    // The database is where and what it was.
    let database = std::fs::read(api.folder.path().join("data/coze.db")).unwrap();
    assert!(database.starts_with(b"SQLite format 3"));
}
