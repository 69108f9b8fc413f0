//! A model provider that answers with the bytes it was given, on a real socket.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::harness::{Api, Setup, within};

/// One step of an answer.
pub(crate) enum Step {
    Send(Vec<u8>),
    /// Says nothing for so long.
    Wait(Duration),
    /// Waits until the other side hangs up, and tells it.
    HangUp(tokio::sync::oneshot::Sender<()>),
}

/// A provider; each call takes the next answer, and the connection is closed behind it.
pub(crate) struct Peer {
    pub(crate) url: String,
    answers: Arc<Mutex<VecDeque<Vec<Step>>>>,
    calls: Arc<Mutex<Vec<(String, Value)>>>,
}

impl Peer {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let peer = Self {
            url: format!("http://{}", listener.local_addr().unwrap()),
            answers: Arc::default(),
            calls: Arc::default(),
        };
        let (answers, calls) = (Arc::clone(&peer.answers), Arc::clone(&peer.calls));
        tokio::spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                let steps = answers.lock().unwrap().pop_front().unwrap_or_default();
                tokio::spawn(serve(connection, steps, Arc::clone(&calls)));
            }
        });
        peer
    }

    pub(crate) fn answer(&self, steps: Vec<Step>) {
        self.answers.lock().unwrap().push_back(steps);
    }

    /// Answers with these bytes at once.
    pub(crate) fn bytes(&self, bytes: impl Into<Vec<u8>>) {
        self.answer(vec![Step::Send(bytes.into())]);
    }

    /// Answers that nobody took are no longer given.
    pub(crate) fn forget(&self) {
        self.answers.lock().unwrap().clear();
    }

    /// Answers with a stream of these chunks.
    pub(crate) fn chunks(&self, chunks: &[&str]) {
        let body: String = chunks.iter().map(|it| format!("data: {it}\n\n")).collect();
        self.bytes(stream(&body));
    }

    /// The heads and the bodies of the calls so far.
    pub(crate) fn calls(&self) -> Vec<(String, Value)> {
        self.calls.lock().unwrap().clone()
    }

    /// A server with one agent that asks this provider, each time once.
    pub(crate) async fn api(&self, more: &str) -> Api {
        let more = format!(", timeout_s: 1, retry: false{more}");
        self.api_with(&more).await
    }

    /// A server with one agent that asks this provider; `more` settings of the model.
    pub(crate) async fn api_with(&self, more: &str) -> Api {
        let yaml = format!(
            "bots:\n  - id: \"7500000000000000101\"\n    name: Remote\n    prompt: \"Be brief.\"\n    \
             model: gpt\n    tools: [ {{ name: get_weather, description: weather }}, {{ name: get_time }} ]\n\
             models:\n  gpt: {{ provider: openai, base_url: \"{}/v1/\", model: gpt-test, \
             temperature: 0.5, max_tokens: 99{more} }}\n",
            self.url
        );
        Setup::with(&yaml).start().await
    }
}

/// The head of a good answer, and its body.
pub(crate) fn stream(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n{body}")
}

async fn serve(
    mut connection: TcpStream,
    steps: Vec<Step>,
    calls: Arc<Mutex<Vec<(String, Value)>>>,
) {
    let mut request = Vec::new();
    let call = within(async {
        loop {
            let mut some = [0; 4096];
            let length = connection.read(&mut some).await.unwrap_or(0);
            if length == 0 {
                return None;
            }
            request.extend_from_slice(&some[..length]);
            let text = String::from_utf8_lossy(&request).into_owned();
            let Some((head, body)) = text.split_once("\r\n\r\n") else {
                continue;
            };
            let lower = head.to_lowercase();
            let length = lower
                .lines()
                .find_map(|it| it.strip_prefix("content-length: "));
            let length: usize = length.map_or(0, |it| it.parse().unwrap());
            if body.len() >= length {
                let parsed = serde_json::from_str(body);
                return Some((head.to_owned(), parsed.unwrap_or_else(|_| body.into())));
            }
        }
    })
    .await;
    calls.lock().unwrap().extend(call);
    for step in steps {
        match step {
            // Whoever asked may be gone.
            Step::Send(bytes) => drop(connection.write_all(&bytes).await),
            Step::Wait(time) => tokio::time::sleep(time).await,
            Step::HangUp(gone) => {
                let read = within(connection.read(&mut [0; 16])).await;
                assert!(matches!(read, Ok(0) | Err(_)), "{read:?}");
                let _ = gone.send(());
            }
        }
    }
}
