//! An MCP server, written from the specification and not with the client's library. It talks over
//! the standard input and output of a process, or over streamable HTTP in the process of the test.

use std::collections::BTreeSet;
use std::io::{BufRead, Write};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use futures_util::{StreamExt, stream};
use serde_json::{Value, json};
use tokio::sync::broadcast;

/// Tools on a page of the list.
const PAGE: usize = 4;

/// What the server knows.
#[derive(Default)]
pub(crate) struct Logic {
    grown: AtomicBool,
    cancelled: AtomicUsize,
}

/// What is to be done with a message.
pub(crate) enum Reply {
    /// It is no question, or one that is never answered.
    Nothing,
    Answer(Value),
    /// The answer, and what is told besides.
    AnswerAndTell(Value, Value),
    Die,
}

impl Logic {
    pub(crate) fn reply(&self, message: &Value) -> Reply {
        let id = &message["id"];
        let result = |result: Value| json!({"jsonrpc": "2.0", "id": id, "result": result});
        let error = |code: i64, text: &str| json!({"jsonrpc": "2.0", "id": id, "error": {"code": code, "message": text}});
        match message["method"].as_str().unwrap_or_default() {
            "initialize" => {
                let version = &message["params"]["protocolVersion"];
                assert!(version.is_string(), "{message}");
                assert_eq!(message["params"]["clientInfo"]["name"], "coze-rs");
                Reply::Answer(result(json!({
                    "protocolVersion": version, "capabilities": {"tools": {"listChanged": true}},
                    "serverInfo": {"name": "test", "version": "1"},
                })))
            }
            "ping" => Reply::Answer(result(json!({}))),
            "tools/list" => {
                let from: usize = match message["params"]["cursor"].as_str() {
                    None => 0,
                    Some(cursor) => cursor.parse().unwrap(),
                };
                let tools = self.tools();
                let end = (from + PAGE).min(tools.len());
                let mut page = json!({"tools": &tools[from..end]});
                if end < tools.len() {
                    page["nextCursor"] = end.to_string().into();
                }
                Reply::Answer(result(page))
            }
            "tools/call" => self.call(&message["params"], result, error),
            "notifications/cancelled" => {
                self.cancelled.fetch_add(1, Ordering::Relaxed);
                Reply::Nothing
            }
            method if method.starts_with("notifications/") => Reply::Nothing,
            _ => Reply::Answer(error(-32601, "there is no such method")),
        }
    }

    fn tools(&self) -> Vec<Value> {
        let mut names = vec![
            "echo", "fail", "refuse", "slow", "die", "grow", "env", "pid", "stopped",
        ];
        if self.grown.load(Ordering::Relaxed) {
            names.push("late");
        }
        let tool = |name: &str| {
            json!({"name": name, "description": format!("does {name}"), "inputSchema": {
                "type": "object", "properties": {"text": {"type": "string"}},
            }})
        };
        names.into_iter().map(tool).collect()
    }

    fn call(
        &self,
        params: &Value,
        result: impl Fn(Value) -> Value,
        error: impl Fn(i64, &str) -> Value,
    ) -> Reply {
        let text = |text: &str| result(json!({"content": [{"type": "text", "text": text}]}));
        let given = params["arguments"]["text"].as_str().unwrap_or_default();
        Reply::Answer(match params["name"].as_str().unwrap() {
            "echo" => text(given),
            "env" => text(&std::env::var(given).unwrap_or_else(|_| "unset".to_owned())),
            "pid" => text(&std::process::id().to_string()),
            "stopped" => text(&self.cancelled.load(Ordering::Relaxed).to_string()),
            "late" => text("at last"),
            "fail" => result(json!({
                "content": [{"type": "text", "text": "no such city"}], "isError": true,
            })),
            "refuse" => error(-32602, "text is required"),
            "slow" => return Reply::Nothing,
            "die" => return Reply::Die,
            "grow" => {
                self.grown.store(true, Ordering::Relaxed);
                let changed = json!({
                    "jsonrpc": "2.0", "method": "notifications/tools/list_changed",
                });
                return Reply::AnswerAndTell(text("grown"), changed);
            }
            _ => error(-32602, "there is no such tool"),
        })
    }
}

/// Serves over standard input and output, to the end of the input.
pub(crate) fn serve_stdio() {
    let silent = std::env::var_os("MCP_TEST_SILENT").is_some();
    let logic = Logic::default();
    let mut out = std::io::stdout();
    // What the test runner has written is no message, and ends here.
    out.write_all(b"\n").unwrap();
    eprintln!("the test server is here");
    for line in std::io::stdin().lock().lines() {
        let message: Value = serde_json::from_str(&line.unwrap()).unwrap();
        if silent {
            continue;
        }
        let mut send = |message: Value| {
            writeln!(out, "{message}").unwrap();
            out.flush().unwrap();
        };
        match logic.reply(&message) {
            Reply::Nothing => {}
            Reply::Answer(answer) => send(answer),
            Reply::AnswerAndTell(answer, told) => {
                send(told);
                send(answer);
            }
            Reply::Die => std::process::exit(3),
        }
    }
    if let Some(file) = std::env::var_os("MCP_TEST_END") {
        std::fs::write(file, "ended in order").unwrap();
    }
}

/// The server over HTTP.
pub(crate) struct Http {
    pub(crate) url: String,
    pub(crate) shared: Arc<Shared>,
}

pub(crate) struct Shared {
    logic: Logic,
    sessions: Mutex<BTreeSet<String>>,
    /// What it says by itself.
    told: broadcast::Sender<String>,
    /// The headers of each call.
    pub(crate) heads: Mutex<Vec<HeaderMap>>,
    /// Answers as streams; otherwise as JSON.
    streams: bool,
}

impl Http {
    pub(crate) async fn start(streams: bool) -> Self {
        let shared = Arc::new(Shared {
            logic: Logic::default(),
            sessions: Mutex::default(),
            told: broadcast::channel(16).0,
            heads: Mutex::default(),
            streams,
        });
        let routes = Router::new()
            .route("/mcp", post(message).get(listen).delete(end))
            .with_state(Arc::clone(&shared));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/mcp", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, routes).await });
        Self { url, shared }
    }
}

fn known(shared: &Shared, headers: &HeaderMap) -> bool {
    let session = headers.get("mcp-session-id");
    let session = session.map(|it| it.to_str().unwrap().to_owned());
    session.is_some_and(|it| shared.sessions.lock().unwrap().contains(&it))
}

async fn message(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: String) -> Response {
    shared.heads.lock().unwrap().push(headers.clone());
    let message: Value = serde_json::from_str(&body).unwrap();
    let accept = headers["accept"].to_str().unwrap();
    assert!(accept.contains("application/json") && accept.contains("text/event-stream"));
    let mut session = None;
    if message["method"] == "initialize" {
        let mut sessions = shared.sessions.lock().unwrap();
        let id = format!("session-{}", sessions.len() + 1);
        sessions.insert(id.clone());
        session = Some(id);
    } else if !known(&shared, &headers) {
        return StatusCode::NOT_FOUND.into_response();
    }
    let answer = match shared.logic.reply(&message) {
        Reply::Nothing if message["id"].is_null() => return StatusCode::ACCEPTED.into_response(),
        Reply::Nothing => std::future::pending().await,
        Reply::Die => {
            // It has been started anew and knows nobody.
            shared.sessions.lock().unwrap().clear();
            return StatusCode::INTERNAL_SERVER_ERROR.into_response();
        }
        Reply::Answer(answer) => answer,
        Reply::AnswerAndTell(answer, told) => {
            let _ = shared.told.send(told.to_string());
            answer
        }
    };
    let (kind, body) = match shared.streams {
        true => (
            "text/event-stream",
            format!("event: message\ndata: {answer}\n\n"),
        ),
        false => ("application/json", answer.to_string()),
    };
    let mut response = ([("content-type", kind)], body).into_response();
    if let Some(session) = session {
        let session = session.parse().unwrap();
        response.headers_mut().insert("mcp-session-id", session);
    }
    response
}

async fn listen(State(shared): State<Arc<Shared>>, headers: HeaderMap) -> Response {
    if !known(&shared, &headers) {
        return StatusCode::NOT_FOUND.into_response();
    }
    let told = stream::unfold(shared.told.subscribe(), |mut told| async move {
        let message = told.recv().await.ok()?;
        Some((format!("event: message\ndata: {message}\n\n"), told))
    });
    let body = Body::from_stream(told.map(Ok::<_, std::convert::Infallible>));
    ([("content-type", "text/event-stream")], body).into_response()
}

async fn end(State(shared): State<Arc<Shared>>, headers: HeaderMap) -> StatusCode {
    let session = headers["mcp-session-id"].to_str().unwrap();
    shared.sessions.lock().unwrap().remove(session);
    StatusCode::OK
}
