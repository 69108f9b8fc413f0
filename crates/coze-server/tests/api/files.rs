//! Uploading files: what arrives, under which name, and what stays behind.

use insta::assert_snapshot;
use reqwest::Method;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::harness::{Api, Reply, normal, raw, text, within};

/// One part of a form; `rest` stands behind its name.
fn part(name: &str, rest: &str, content: &str) -> String {
    format!("--b\r\nContent-Disposition: form-data; name=\"{name}\"{rest}\r\n\r\n{content}\r\n")
}

async fn send(api: &Api, form: impl Into<reqwest::Body>) -> Reply {
    let request = api.request(Method::POST, "/v1/files/upload");
    let request = request.header("content-type", "multipart/form-data; boundary=b");
    api.send(request.body(form)).await
}

async fn upload(api: &Api, file_name: &str) -> Reply {
    send(
        api,
        format!(
            "{}--b--\r\n",
            part("file", &format!("; filename=\"{file_name}\""), "some")
        ),
    )
    .await
}

/// The files that lie in the data folder.
fn kept(api: &Api) -> usize {
    std::fs::read_dir(api.folder.path().join("data/files"))
        .unwrap()
        .count()
}

#[tokio::test]
async fn a_file_arrives_as_it_was_sent() {
    let api = Api::start().await;
    let content: Vec<u8> = (0..=255u8).cycle().take(3_000_000).collect();
    let mut form =
        b"--b\r\ncontent-disposition: form-data; name=\"file\"; filename=\"all.bin\"\r\n\r\n"
            .to_vec();
    form.extend_from_slice(&content);
    form.extend_from_slice(b"\r\n--b--\r\n");
    let reply = send(&api, form).await;
    assert_snapshot!(normal(&reply.text), @r#"{"code":0,"msg":"","data":{"id":"<id:1>","bytes":3000000,"created_at":<time>,"file_name":"all.bin"},"detail":{"logid":"<logid>"}}"#);
    let id = text(&reply.data()["id"]);
    assert_eq!(reply.data()["bytes"], 3_000_000);
    assert!(std::fs::read(api.folder.path().join("data/files").join(&id)).unwrap() == content);
    let found = api.get(&format!("/v1/files/retrieve?file_id={id}")).await;
    assert_eq!(found.data(), reply.data());
    for unknown in ["1", "abc", "../coze.db", "-1"] {
        assert_eq!(
            api.get(&format!("/v1/files/retrieve?file_id={unknown}"))
                .await
                .code(),
            4200
        );
    }
}

#[tokio::test]
async fn names_are_names_and_never_paths() {
    let api = Api::start().await;
    let long = format!("{}.txt", "x".repeat(300));
    for (given, expected) in [
        ("a.txt", "a.txt"),
        ("报告 2026.pdf", "报告 2026.pdf"),
        ("../../etc/passwd", "passwd"),
        ("/etc/passwd", "passwd"),
        (r"C:\Users\ada\a.txt", "a.txt"),
        (r"..\..\a.txt", "a.txt"),
        ("dir/", "file"),
        ("..", "file"),
        (".", "file"),
        ("a\tb\u{85}.txt", "ab.txt"),
        // As browsers send a quote and line ends.
        ("say %22hi%22.txt", "say \"hi\".txt"),
        ("two%0D%0Alines.txt", "twolines.txt"),
        ("100%.txt", "100%.txt"),
        ("a%2Fb.txt", "a%2Fb.txt"),
        (&long, &long[..255]),
        (".hidden", ".hidden"),
        (" a.txt ", " a.txt "),
    ] {
        let reply = upload(&api, given).await;
        let name = &reply.data()["file_name"];
        assert_eq!(*name, *expected, "{given:?}");
        let id = text(&reply.data()["id"]);
        assert_eq!(
            api.get(&format!("/v1/files/retrieve?file_id={id}"))
                .await
                .data()["file_name"],
            *name
        );
    }
    // On disk they are numbers, all in the one folder.
    for entry in std::fs::read_dir(api.folder.path().join("data/files")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(
            name.len() == 19 && name.bytes().all(|it| it.is_ascii_digit()),
            "{name}"
        );
    }
    let mut beside: Vec<_> = std::fs::read_dir(api.folder.path().join("data"))
        .unwrap()
        .map(|it| it.unwrap().file_name().into_string().unwrap())
        .filter(|it| !it.starts_with("coze."))
        .collect();
    beside.sort();
    assert_eq!(beside, ["files"]);
}

#[tokio::test]
async fn forms_that_are_refused_leave_no_file() {
    let api = Api::start().await;
    let file = part("file", "; filename=\"a.txt\"", "some");
    let empty = part("file", "; filename=\"a.txt\"", "");
    let other = part("file", "; filename=\"b.txt\"", "more");
    for (form, code) in [
        (format!("{empty}--b--\r\n"), 4300),
        (format!("{file}{other}--b--\r\n"), 4301),
        (format!("{file}{empty}--b--\r\n"), 4301),
        (format!("{}--b--\r\n", part("file", "", "some")), 4000),
        (format!("{}--b--\r\n", part("other", "", "some")), 4000),
        ("--b--\r\n".to_owned(), 4000),
        (String::new(), 4304),
        ("no form at all".to_owned(), 4304),
        // No header may hold a NUL.
        (
            format!(
                "{}--b--\r\n",
                part("file", "; filename=\"a\u{0}b.txt\"", "some")
            ),
            4304,
        ),
        // Cut within the content, and before the last boundary.
        (file[..file.len() - 4].to_owned(), 4304),
        (file.clone(), 4304),
        (format!("{file}--b\r\n"), 4304),
    ] {
        let reply = send(&api, form.clone()).await;
        assert_eq!(
            (reply.http, reply.code()),
            (200, code),
            "{form:?}: {}",
            reply.text
        );
        assert_eq!(kept(&api), 0, "{form:?} left a file behind");
    }
    let request = api.request(Method::POST, "/v1/files/upload").body("{}");
    let reply = api
        .send(request.header("content-type", "application/json"))
        .await;
    assert_eq!(reply.code(), 4000);
    assert!(
        reply.msg().contains("multipart/form-data"),
        "{}",
        reply.msg()
    );
    // Fields beside the file are passed over.
    let form = format!(
        "{}{file}{}--b--\r\n",
        part("purpose", "", "x"),
        part("more", "", "y")
    );
    send(&api, form).await.data();
    assert_eq!(kept(&api), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_caller_who_goes_away_leaves_no_file() {
    let api = Api::start().await;
    let body = part("file", "; filename=\"a.txt\"", &"x".repeat(100_000));
    let mut connection = within(TcpStream::connect(api.host())).await.unwrap();
    let head = "POST /v1/files/upload HTTP/1.1\r\nhost: x\r\n\
                content-type: multipart/form-data; boundary=b\r\ncontent-length: 1000000\r\n\r\n";
    within(connection.write_all(head.as_bytes())).await.unwrap();
    within(connection.write_all(body.as_bytes())).await.unwrap();
    within(async {
        while kept(&api) == 0 {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    })
    .await;
    drop(connection);
    within(async {
        while kept(&api) > 0 {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_form_without_a_boundary() {
    let api = Api::start().await;
    let answer = raw(
        api.host(),
        b"POST /v1/files/upload HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\
          content-type: multipart/form-data\r\ncontent-length: 4\r\n\r\nabcd",
    )
    .await;
    assert!(answer.contains("\"code\":4000"), "{answer}");
    assert!(answer.contains("multipart/form-data"), "{answer}");
}
