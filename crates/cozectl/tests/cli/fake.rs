//! A server that answers what a test tells it to, byte by byte.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::support::PATIENCE;

/// A request as it came.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    /// Method and path with query.
    pub(crate) line: String,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Request {
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

/// What the server does with a request.
pub(crate) enum Answer {
    /// Sends the bytes and closes.
    Bytes(Vec<u8>),
    /// Sends the bytes and then nothing, until the client goes away.
    Hold(Vec<u8>),
}

impl Answer {
    pub(crate) fn json(text: &str) -> Self {
        Self::of("200 OK", "application/json", text.as_bytes())
    }

    pub(crate) fn events(stream: &[u8]) -> Self {
        Self::of("200 OK", "text/event-stream", stream)
    }

    /// A stream that ends in order, as far as HTTP can tell.
    pub(crate) fn of(status: &str, kind: &str, body: &[u8]) -> Self {
        Self::Bytes(head(status, kind, body))
    }

    /// A stream that goes on for ever.
    pub(crate) fn endless(stream: &[u8]) -> Self {
        Self::Hold(head("200 OK", "text/event-stream", stream))
    }
}

fn head(status: &str, kind: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nx-tt-logid: fake-log-id\r\n\
         Connection: close\r\n\r\n"
    );
    [head.as_bytes(), body].concat()
}

/// See the module.
pub(crate) struct Fake {
    pub(crate) url: String,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl Fake {
    /// Answers each request by `answer`.
    pub(crate) fn start(answer: impl Fn(&Request) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let requests: Arc<Mutex<Vec<Request>>> = Arc::default();
        let seen = Arc::clone(&requests);
        let answer = Arc::new(answer);
        // They end with the test's process.
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (seen, answer) = (Arc::clone(&seen), Arc::clone(&answer));
                thread::spawn(move || serve(stream.unwrap(), &seen, answer.as_ref()));
            }
        });
        Self { url, requests }
    }

    /// Answers every request alike.
    pub(crate) fn always(status: &'static str, kind: &'static str, body: Vec<u8>) -> Self {
        Self::start(move |_| Answer::of(status, kind, &body))
    }

    /// The requests so far.
    pub(crate) fn requests(&self) -> Vec<Request> {
        self.requests
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Waits for a request for this path.
    #[track_caller]
    pub(crate) fn wait_for(&self, line: &str) -> Request {
        let begin = Instant::now();
        loop {
            if let Some(request) = self
                .requests()
                .into_iter()
                .find(|it| it.line.starts_with(line))
            {
                return request;
            }
            assert!(
                begin.elapsed() < PATIENCE,
                "no {line}: {:?}",
                self.requests()
            );
            thread::sleep(Duration::from_millis(5));
        }
    }
}

fn serve(
    mut stream: TcpStream,
    seen: &Mutex<Vec<Request>>,
    answer: &(dyn Fn(&Request) -> Answer + Send + Sync),
) {
    let Some(request) = read(&mut stream) else {
        return;
    };
    seen.lock()
        .unwrap_or_else(PoisonError::into_inner)
        .push(request.clone());
    match answer(&request) {
        Answer::Bytes(bytes) => drop(stream.write_all(&bytes)),
        Answer::Hold(bytes) => {
            drop(stream.write_all(&bytes));
            // Ends when the client has closed.
            drop(stream.read(&mut [0]));
        }
    }
}

fn read(stream: &mut TcpStream) -> Option<Request> {
    let mut bytes = Vec::new();
    let mut chunk = [0; 4096];
    let end = loop {
        if let Some(at) = bytes.windows(4).position(|it| it == b"\r\n\r\n") {
            break at;
        }
        match stream.read(&mut chunk).ok()? {
            0 => return None,
            length => bytes.extend_from_slice(&chunk[..length]),
        }
    };
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length")
            .then(|| value.trim().parse::<usize>().ok())?
    });
    while bytes.len() < end + 4 + length.unwrap_or(0) {
        match stream.read(&mut chunk).ok()? {
            0 => break,
            read => bytes.extend_from_slice(&chunk[..read]),
        }
    }
    let line = head.lines().next().unwrap_or_default();
    Some(Request {
        line: line.trim_end_matches(" HTTP/1.1").to_owned(),
        body: String::from_utf8_lossy(&bytes[end + 4..]).into_owned(),
        head,
    })
}
