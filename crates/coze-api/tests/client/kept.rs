//! Kept connections that the server has closed in the meantime.
//!
//! The server runs on threads of its own, so that it closes whenever the system lets it.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use coze_api::Coze;
use coze_api::types::conversations::CreateConversation;

const BODY: &str = r#"{"code":0,"msg":"","data":{"id":"1","created_at":1}}"#;

/// How a server treats a connection after an answer.
#[derive(Clone, Copy)]
enum Then {
    /// Closes it after so many microseconds.
    Close(fn(usize) -> u64),
    /// Reads the next call, and closes without an answer.
    Swallow,
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
                    let length = BODY.len();
                    let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json";
                    write!(stream, "{head}\r\nContent-Length: {length}\r\n\r\n{BODY}").unwrap();
                    match then {
                        Then::Close(after) => {
                            let after = after(number);
                            if after > 0 {
                                std::thread::sleep(Duration::from_micros(after));
                            }
                        }
                        Then::Swallow => {
                            if read(&mut stream) {
                                counter.fetch_add(1, Ordering::SeqCst);
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
    for after in pauses {
        let server = Counter::start(Then::Close(after));
        let coze = server.coze();
        for call in 0..300 {
            // Writes and reads take turns; writes are what must not happen twice.
            let done = if call % 3 == 2 {
                coze.retrieve_conversation("1").await.map(|_| ())
            } else {
                coze.send(CreateConversation::default()).await.map(|_| ())
            };
            done.unwrap_or_else(|error| panic!("call {call}: {error}"));
        }
        assert_eq!(server.run(), 300, "each ran once");
    }
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
