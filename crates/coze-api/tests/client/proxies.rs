//! Proxies: what they see, and what becomes of calls when they fail.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use coze_api::{Coze, CozeBuilder, Error, RetryPolicy, TransportKind};
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};

use crate::server::{Server, Step, answer, json, soon};
use crate::shown::{failure, shown, watch};
use crate::tls::Encrypted;

const ME: &str = r#"{"code":0,"msg":"","data":{"user_id":"9"}}"#;
/// `me:hunter2`
const BASIC: &str = "Basic bWU6aHVudGVyMg==";

fn builder(base: &str, proxy: &str) -> CozeBuilder {
    watch();
    let builder = Coze::builder().token("pat_secret").base_url(base);
    let builder = builder.proxy(proxy).unwrap().retry(RetryPolicy {
        first_delay: Duration::from_millis(1),
        ..RetryPolicy::default()
    });
    let shown = format!("{builder:?}");
    assert!(!shown.contains("hunter2"), "{shown}");
    builder
}

fn with_password(url: &str) -> String {
    url.replace("http://", "http://me:hunter2@")
}

fn transport(error: &Error) -> TransportKind {
    let Error::Transport(lost) = error else {
        panic!("{error:?}")
    };
    lost.kind
}

#[tokio::test]
async fn a_proxy_sees_the_whole_address_and_its_password() {
    let proxy = Server::always(json(ME)).await;
    let coze = builder("http://coze.test", &with_password(&proxy.url()));
    let coze = coze.build().unwrap();
    assert_eq!(soon(coze.me()).await.unwrap().user_id, "9");
    let request = &proxy.requests()[0];
    assert_eq!(request.line, "GET http://coze.test/v1/users/me");
    assert_eq!(request.header("proxy-authorization"), Some(BASIC));
    assert_eq!(request.header("authorization"), Some("Bearer pat_secret"));
}

/// A proxy that passes encrypted connections on to `port`; and the heads of what it was asked.
async fn tunnel(port: u16, status: &'static str) -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let heads = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&heads);
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let seen = Arc::clone(&seen);
            tokio::spawn(async move {
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    head.push(socket.read_u8().await.unwrap());
                }
                seen.lock().unwrap().push(String::from_utf8(head).unwrap());
                let answer = format!("HTTP/1.1 {status}\r\n\r\n");
                socket.write_all(answer.as_bytes()).await.unwrap();
                if status.starts_with("200") {
                    let mut server = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
                    // It ends as either side likes.
                    let _ = copy_bidirectional(&mut socket, &mut server).await;
                }
            });
        }
    });
    (url, heads)
}

#[tokio::test]
async fn a_proxy_of_an_encrypted_call_sees_no_token() {
    let server = Encrypted::start("localhost", 2100).await;
    let (proxy, heads) = tunnel(server.port, "200 OK").await;
    let base = format!("https://localhost:{}", server.port);
    let coze = builder(&base, &with_password(&proxy))
        .root_certificates(&server.pem)
        .unwrap()
        .build()
        .unwrap();
    assert_eq!(soon(coze.me()).await.unwrap().user_id, "9");
    let heads = heads.lock().unwrap().clone();
    assert_eq!(heads.len(), 1);
    let head = &heads[0];
    let line = format!("CONNECT localhost:{} HTTP/1.1\r\n", server.port);
    assert!(head.starts_with(&line), "{head}");
    assert!(head.contains(BASIC), "{head}");
    assert!(!head.contains("pat_secret"), "{head}");
}

#[tokio::test]
async fn a_proxy_that_refuses_is_named() {
    // In the plain, its answer is the answer.
    let status = "407 Proxy Authentication Required";
    let proxy = Server::always(answer(status, "text/html", "<html>who?")).await;
    let coze = builder("http://coze.test", &proxy.url()).build().unwrap();
    let error = failure(soon(coze.me()).await);
    assert_eq!(error.http(), Some(407));
    assert_eq!(proxy.requests().len(), 1, "it is not repeated");
    // Before an encrypted server it is no answer at all.
    for (status, word) in [
        (status, "proxy authorization required"),
        ("403 No", "unsuccessful"),
    ] {
        let (proxy, heads) = tunnel(0, status).await;
        let coze = builder("https://coze.test", &with_password(&proxy));
        let error = failure(soon(coze.build().unwrap().me()).await);
        assert_eq!(transport(&error), TransportKind::Connect);
        let text = shown(&error);
        assert!(text.contains(word) && text.contains(&proxy), "{text}");
        assert!(!error.may_have_begun());
        assert!(!heads.lock().unwrap().is_empty());
    }
}

#[tokio::test]
async fn a_proxy_that_is_not_there_or_makes_no_sense_is_named() {
    let closed = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        format!("http://{}", listener.local_addr().unwrap())
    };
    let mumbling = Server::always(vec![Step::Send("hm\r\n\r\n".into()), Step::Close]).await;
    for base in ["http://coze.test", "https://coze.test"] {
        for (proxy, kinds) in [
            (closed.as_str(), [TransportKind::Connect; 2]),
            ("http://proxy.invalid:3128", [TransportKind::Dns; 2]),
            (
                &mumbling.url(),
                [TransportKind::Other, TransportKind::Connect],
            ),
        ] {
            let coze = builder(base, &with_password(proxy)).build().unwrap();
            let error = failure(soon(coze.me()).await);
            assert!(kinds.contains(&transport(&error)), "{error:?}");
            let text = shown(&error);
            assert!(text.contains(base) && text.contains(proxy), "{text}");
        }
    }
}

#[test]
fn what_is_no_address_of_a_proxy_is_refused_without_repeating_it() {
    for proxy in ["", "http://", "http://me:hunter2@", "me:hunter2@ proxy"] {
        let Err(error) = Coze::builder().proxy(proxy) else {
            panic!("{proxy}")
        };
        let text = shown(&error);
        assert!(text.contains("proxy"), "{text}");
    }
}
