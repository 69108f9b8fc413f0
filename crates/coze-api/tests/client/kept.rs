//! Kept connections that the server has closed in the meantime.
//!
//! The server runs on threads of its own, so that it closes whenever the system lets it.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use coze_api::types::conversations::CreateConversation;
use coze_api::{Coze, Upload};

/// Fits a conversation, and a file.
const BODY: &str =
    r#"{"code":0,"msg":"","data":{"id":"1","created_at":1,"bytes":1,"file_name":"a"}}"#;

/// How a server treats a connection after an answer.
#[derive(Clone, Copy)]
enum Then {
    /// Closes it after so many microseconds.
    Close(fn(usize) -> u64),
    /// Closes it after so many answers.
    CloseAfter(usize),
    /// Reads the next call, and closes without an answer.
    Swallow,
    /// Reads the next call, works on it for a while, and resets the connection.
    WorkAndReset,
}

struct Counter {
    url: String,
    /// How many calls were read to their end.
    run: Arc<AtomicUsize>,
}

impl Counter {
    fn start(then: Then) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let run = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&run);
        // They end with the test's process.
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (mut stream, counter) = (stream.unwrap(), Arc::clone(&counter));
                std::thread::spawn(move || {
                    if !read(&mut stream) {
                        return;
                    }
                    let number = counter.fetch_add(1, Ordering::SeqCst);
                    answer(&mut stream);
                    match then {
                        Then::Close(after) => {
                            let after = after(number);
                            if after > 0 {
                                std::thread::sleep(Duration::from_micros(after));
                            }
                        }
                        Then::CloseAfter(answers) => {
                            for _ in 1..answers {
                                if !read(&mut stream) {
                                    return;
                                }
                                counter.fetch_add(1, Ordering::SeqCst);
                                answer(&mut stream);
                            }
                        }
                        Then::Swallow => {
                            if read(&mut stream) {
                                counter.fetch_add(1, Ordering::SeqCst);
                            }
                        }
                        Then::WorkAndReset => {
                            if read(&mut stream) {
                                counter.fetch_add(1, Ordering::SeqCst);
                                std::thread::sleep(Duration::from_millis(700));
                                reset(stream);
                            }
                        }
                    }
                });
            }
        });
        Self { url, run }
    }

    fn coze(&self) -> Coze {
        let builder = Coze::builder().token("pat_secret").base_url(&self.url);
        builder.build().unwrap()
    }

    fn run(&self) -> usize {
        self.run.load(Ordering::SeqCst)
    }
}

fn answer(stream: &mut TcpStream) {
    let length = BODY.len();
    let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json";
    write!(stream, "{head}\r\nContent-Length: {length}\r\n\r\n{BODY}").unwrap();
}

fn reset(stream: TcpStream) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    stream.set_nonblocking(true).unwrap();
    let _inside = runtime.enter();
    let stream = tokio::net::TcpStream::from_std(stream).unwrap();
    stream.set_zero_linger().unwrap();
}

/// Reads one whole request; false when the connection ends before.
fn read(stream: &mut TcpStream) -> bool {
    let mut bytes = Vec::new();
    let mut chunk = [0; 4096];
    loop {
        match stream.read(&mut chunk) {
            Ok(0) | Err(_) => return false,
            Ok(read) => bytes.extend_from_slice(&chunk[..read]),
        }
        let Some(head) = bytes.windows(4).position(|it| it == b"\r\n\r\n") else {
            continue;
        };
        let text = String::from_utf8_lossy(&bytes[..head]).to_ascii_lowercase();
        let length = text
            .lines()
            .find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok())
            .unwrap_or(0);
        if bytes.len() >= head + 4 + length {
            return true;
        }
    }
}

#[tokio::test]
async fn calls_survive_a_server_that_closes_after_each_answer() {
    let pauses: [fn(usize) -> u64; 3] = [
        |_| 0,
        |n| (n as u64 * 37) % 400,
        |n| (n as u64 * 211) % 3000,
    ];
    // At the same time, because most of it is waiting.
    let all = pauses.map(async |after| {
        let server = Counter::start(Then::Close(after));
        let coze = server.coze();
        for call in 0..300 {
            // Writes and reads take turns; writes are what must not happen twice.
            let done = match call % 4 {
                2 => coze.retrieve_conversation("1").await.map(|_| ()),
                3 => {
                    let reader = std::io::Cursor::new(vec![b'a'; 10_000]);
                    let upload = match call % 8 {
                        3 => Upload::bytes("a", vec![b'a'; 10_000]),
                        _ => Upload::reader("a", reader, Some(10_000)),
                    };
                    coze.upload_from(upload).await.map(|_| ())
                }
                _ => coze.send(CreateConversation::default()).await.map(|_| ()),
            };
            done.unwrap_or_else(|error| panic!("call {call}: {error}"));
        }
        assert_eq!(server.run(), 300, "each ran once");
    });
    futures_util::future::join_all(all).await;
}

#[tokio::test]
async fn calls_survive_a_server_that_closes_after_a_few_answers() {
    let all = [2, 3, 5, 9].map(async |answers| {
        let server = Counter::start(Then::CloseAfter(answers));
        let coze = server.coze();
        for call in 0..300 {
            let done = coze.send(CreateConversation::default()).await;
            done.unwrap_or_else(|error| panic!("call {call} of {answers}: {error}"));
        }
        assert_eq!(server.run(), 300, "each ran once");
    });
    futures_util::future::join_all(all).await;
}

/// A server that has long kept its connections, and then closes one, is watched again.
#[tokio::test]
async fn a_loss_behind_long_trust_is_learnt_from() {
    let server = Counter::start(Then::CloseAfter(50));
    let coze = server.coze();
    let mut failed = Vec::new();
    for call in 0..200 {
        if let Err(error) = coze.send(CreateConversation::default()).await {
            assert!(error.may_have_begun(), "{error}");
            failed.push(call);
        }
    }
    // Nothing shows that such a call did not reach the server, so it is not sent again.
    assert!(failed.len() <= 4, "{failed:?}");
    assert_eq!(server.run(), 200 - failed.len(), "none ran twice");
}

#[tokio::test]
async fn a_write_that_the_server_may_have_taken_is_not_sent_again() {
    let server = Counter::start(Then::Swallow);
    let coze = server.coze();
    coze.send(CreateConversation::default()).await.unwrap();
    let error = coze.send(CreateConversation::default()).await.unwrap_err();
    assert!(error.may_have_begun(), "{error}");
    assert_eq!(server.run(), 2);
    // Whoever allows it gets it.
    let server = Counter::start(Then::Swallow);
    let coze = server.coze().resending();
    for _ in 0..2 {
        coze.send(CreateConversation::default()).await.unwrap();
    }
    assert_eq!(server.run(), 3);
}

#[tokio::test]
async fn a_write_that_is_reset_while_the_server_works_on_it_is_not_sent_again() {
    let server = Counter::start(Then::WorkAndReset);
    let coze = server.coze();
    coze.send(CreateConversation::default()).await.unwrap();
    let error = coze.send(CreateConversation::default()).await.unwrap_err();
    assert!(error.may_have_begun(), "{error}");
    assert_eq!(server.run(), 2);
}

/// Passes bytes between a client and `server`, and ends all connections when it is told to.
async fn relay(server: String) -> (String, Arc<tokio::sync::Notify>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let cut = Arc::new(tokio::sync::Notify::new());
    let told = Arc::clone(&cut);
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let (told, server) = (Arc::clone(&told), server.clone());
            tokio::spawn(async move {
                let mut server = tokio::net::TcpStream::connect(server).await.unwrap();
                tokio::select! {
                    _ = tokio::io::copy_bidirectional(&mut client, &mut server) => {}
                    () = told.notified() => {}
                }
            });
        }
    });
    (url, cut)
}

#[tokio::test]
async fn a_write_over_http_2_that_the_server_has_begun_is_not_sent_again() {
    let run = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&run);
    let begun = Arc::new(tokio::sync::Notify::new());
    let tell = Arc::clone(&begun);
    let create = axum::routing::post(async move || {
        // The second call is not answered.
        if counter.fetch_add(1, Ordering::SeqCst) > 0 {
            tell.notify_one();
            std::future::pending::<()>().await;
        }
        ([("content-type", "application/json")], BODY)
    });
    let router = axum::Router::new().route("/v1/conversation/create", create);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move { axum::serve(listener, router).await });
    let (url, cut) = relay(server).await;
    let coze = Coze::builder().token("pat_secret").base_url(url);
    let coze = coze.http2_only().build().unwrap();
    coze.send(CreateConversation::default()).await.unwrap();
    let second = coze.send(CreateConversation::default());
    let cutting = async {
        begun.notified().await;
        cut.notify_waiters();
    };
    let (second, ()) = futures_util::future::join(second, cutting).await;
    let error = second.unwrap_err();
    assert!(error.may_have_begun(), "{error}");
    assert_eq!(run.load(Ordering::SeqCst), 2);
}
