//! An address that events are sent to: takes requests, checks their signatures and answers as told.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

use crate::harness::within;

/// What came.
#[derive(Debug, Clone)]
pub(crate) struct Received {
    pub(crate) timestamp: String,
    pub(crate) nonce: String,
    pub(crate) signature: String,
    pub(crate) body: String,
    pub(crate) json: Value,
}

/// How an event is answered: the HTTP status and the body.
pub(crate) type Answer = (u16, String);

/// A receiver; it ends with the test.
pub(crate) struct Receiver {
    pub(crate) url: String,
    answers: Arc<Mutex<VecDeque<Answer>>>,
    events: mpsc::UnboundedReceiver<Received>,
}

impl Receiver {
    /// One that sends challenges back, and answers events with 200 and `{}` unless told otherwise.
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let (sender, events) = mpsc::unbounded_channel();
        let answers = Arc::<Mutex<VecDeque<Answer>>>::default();
        let told = Arc::clone(&answers);
        tokio::spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                tokio::spawn(serve(connection, Arc::clone(&told), sender.clone()));
            }
        });
        Self {
            url,
            answers,
            events,
        }
    }

    /// The next event is answered so.
    pub(crate) fn answer(&self, status: u16, body: &Value) {
        let mut answers = self.answers.lock().unwrap();
        answers.push_back((status, body.to_string()));
    }

    /// The next event, its signature checked with the token of the callback app.
    pub(crate) async fn next(&mut self, token: &str) -> Received {
        let received = within(self.events.recv()).await.unwrap();
        assert_eq!(received.signature, signature(&received, token));
        assert!(!received.nonce.is_empty());
        received
    }

    /// Whether nothing came so far.
    pub(crate) fn is_idle(&mut self) -> bool {
        self.events.try_recv().is_err()
    }
}

fn signature(it: &Received, token: &str) -> String {
    use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
    let signed = format!("{}{}{token}{}", it.timestamp, it.nonce, it.body);
    let hash = digest(&SHA1_FOR_LEGACY_USE_ONLY, signed.as_bytes());
    hash.as_ref().iter().map(|it| format!("{it:02x}")).collect()
}

async fn serve(
    mut connection: TcpStream,
    answers: Arc<Mutex<VecDeque<Answer>>>,
    events: mpsc::UnboundedSender<Received>,
) {
    let received = read(&mut connection).await;
    let challenge = &received.json["event"]["challenge"];
    let (status, body) = if challenge.is_string() {
        (200, json!({"challenge": challenge}).to_string())
    } else {
        let told = answers.lock().unwrap().pop_front();
        let _ = events.send(received);
        told.unwrap_or((200, "{}".to_owned()))
    };
    let answer = format!(
        "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    );
    let _ = connection.write_all(answer.as_bytes()).await;
}

async fn read(connection: &mut TcpStream) -> Received {
    let mut text = String::new();
    let (head, length) = loop {
        let mut piece = [0; 4096];
        let count = connection.read(&mut piece).await.unwrap();
        text.push_str(std::str::from_utf8(&piece[..count]).unwrap());
        if let Some((head, _)) = text.split_once("\r\n\r\n") {
            assert!(head.starts_with("POST /hook "), "{head}");
            let length: usize = header(head, "content-length").parse().unwrap();
            break (head.to_owned(), length);
        }
        assert!(count > 0, "{text}");
    };
    while text.len() < head.len() + 4 + length {
        let mut piece = [0; 4096];
        let count = connection.read(&mut piece).await.unwrap();
        assert!(count > 0, "{text}");
        text.push_str(std::str::from_utf8(&piece[..count]).unwrap());
    }
    let body = text[head.len() + 4..].to_owned();
    assert_eq!(header(&head, "content-type"), "application/json");
    Received {
        timestamp: header(&head, "x-coze-timestamp"),
        nonce: header(&head, "x-coze-nonce"),
        signature: header(&head, "x-coze-signature"),
        json: serde_json::from_str(&body).unwrap(),
        body,
    }
}

fn header(head: &str, name: &str) -> String {
    let mut lines = head.lines().filter_map(|it| it.split_once(": "));
    let found = lines.find(|(key, _)| key.eq_ignore_ascii_case(name));
    found.map_or_else(String::new, |(_, value)| value.to_owned())
}
