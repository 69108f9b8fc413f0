//! A server in this process, a client that knows no wire types, and what makes answers comparable.

use std::path::Path;
use std::time::Duration;

use coze_server::{Dialect, ServerConfig, Space, StartError};
use regex_lite::{Captures, Regex};
use reqwest::{Client, Method, Response};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::space;

/// The longest that anything on the network may take.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// Waits, but not for ever.
pub(crate) async fn within<F: Future>(work: F) -> F::Output {
    tokio::time::timeout(PATIENCE, work)
        .await
        .expect("no answer within 10 s")
}

/// A running server, its folder, and a client for it.
pub(crate) struct Api {
    server: coze_server::Server,
    client: Client,
    url: String,
    token: Option<String>,
    pub(crate) folder: TempDir,
    /// The folder with the data of the servers before it.
    earlier: Option<TempDir>,
}

/// How a server is to be started.
pub(crate) struct Setup {
    folder: TempDir,
    pub(crate) config: ServerConfig,
    token: Option<String>,
}

impl Setup {
    /// With the agents and workflows of `space.rs`.
    pub(crate) fn new() -> Self {
        Self::with(&space::yaml())
    }

    /// With another `coze.yaml`, beside the same workflow files.
    pub(crate) fn with(yaml: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        space::write_workflows(folder.path());
        let mut config = ServerConfig::new(folder.path().join("data"));
        config.space = load(folder.path(), yaml).unwrap();
        Self {
            folder,
            config,
            token: None,
        }
    }

    /// Puts a file beside `coze.yaml`.
    pub(crate) fn write(&mut self, name: &str, content: &str) {
        std::fs::write(self.folder.path().join(name), content).unwrap();
    }

    /// Reads another `coze.yaml`.
    pub(crate) fn load(&mut self, yaml: &str) {
        self.config.space = load(self.folder.path(), yaml).unwrap();
    }

    pub(crate) fn skill(mut self) -> Self {
        self.config.dialect = Dialect::Skill;
        self
    }

    /// Lets only these in; the first one is sent.
    pub(crate) fn tokens(mut self, tokens: &[&str]) -> Self {
        self.config.tokens = tokens.iter().map(|it| (*it).to_owned()).collect();
        self.token = tokens.first().map(|it| (*it).to_owned());
        self
    }

    /// Sends this one, without being asked for it.
    pub(crate) fn token(mut self, token: &str) -> Self {
        self.token = Some(token.to_owned());
        self
    }

    /// The data another server left, or still has.
    pub(crate) fn data(mut self, data: &Path) -> Self {
        data.clone_into(&mut self.config.data);
        self
    }

    pub(crate) async fn try_start(self) -> Result<Api, StartError> {
        let server = within(coze_server::Server::start(self.config)).await?;
        Ok(Api {
            url: server.url(),
            server,
            client: client(),
            token: self.token,
            folder: self.folder,
            earlier: None,
        })
    }

    pub(crate) async fn start(self) -> Api {
        self.try_start().await.unwrap()
    }
}

/// A client of its own: one that is shared would outlive the runtime of its test. Without the
/// system's certificates, which take long to read and which nothing here needs.
pub(crate) fn client() -> Client {
    let builder = Client::builder().no_proxy().tls_certs_only([]);
    builder.build().unwrap()
}

/// Writes a `coze.yaml` into the folder and reads it.
pub(crate) fn load(folder: &Path, yaml: &str) -> Result<Space, coze_server::ConfigError> {
    let path = folder.join("coze.yaml");
    std::fs::write(&path, yaml).unwrap();
    Space::load(&path)
}

/// What was answered.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) http: u16,
    pub(crate) log_id: String,
    pub(crate) text: String,
    pub(crate) json: Value,
}

impl Reply {
    async fn read(response: Response) -> Self {
        let http = response.status().as_u16();
        let header = |name: &str| {
            let value = response.headers().get(name);
            value.map_or_else(String::new, |it| it.to_str().unwrap().to_owned())
        };
        let (log_id, kind) = (header("x-tt-logid"), header("content-type"));
        assert_eq!(kind, "application/json; charset=utf-8");
        let text = within(response.text()).await.unwrap();
        let json: Value = serde_json::from_str(&text).unwrap();
        assert!(!log_id.is_empty(), "{text}");
        assert_eq!(json["detail"]["logid"], *log_id, "{text}");
        assert!(json["code"].is_i64() && json["msg"].is_string(), "{text}");
        Self {
            http,
            log_id,
            text,
            json,
        }
    }

    /// `data` of a success.
    #[track_caller]
    pub(crate) fn data(&self) -> &Value {
        assert_eq!(
            (self.http, &self.json["code"]),
            (200, &json!(0)),
            "{self:?}"
        );
        &self.json["data"]
    }

    pub(crate) fn code(&self) -> i64 {
        self.json["code"].as_i64().unwrap()
    }

    pub(crate) fn msg(&self) -> &str {
        self.json["msg"].as_str().unwrap()
    }

    /// The HTTP status, the code and the text of a refusal, in a line.
    pub(crate) fn refusal(&self) -> String {
        format!("{} {} {}", self.http, self.code(), normal(self.msg()))
    }
}

impl Api {
    pub(crate) async fn start() -> Self {
        Setup::new().start().await
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// `127.0.0.1:PORT`.
    pub(crate) fn host(&self) -> &str {
        self.url.strip_prefix("http://").unwrap()
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        let request = self.client.request(method, format!("{}{path}", self.url));
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    pub(crate) async fn send(&self, request: reqwest::RequestBuilder) -> Reply {
        let response = within(request.send()).await.unwrap();
        Reply::read(response).await
    }

    pub(crate) async fn get(&self, path: &str) -> Reply {
        self.send(self.request(Method::GET, path)).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Reply {
        self.send(self.request(Method::POST, path).json(&body))
            .await
    }

    pub(crate) async fn put(&self, path: &str, body: Value) -> Reply {
        self.send(self.request(Method::PUT, path).json(&body)).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Reply {
        self.send(self.request(Method::DELETE, path)).await
    }

    /// Posts these bytes as they are.
    pub(crate) async fn post_bytes(&self, path: &str, body: impl Into<reqwest::Body>) -> Reply {
        let request = self.request(Method::POST, path);
        let request = request.header("content-type", "application/json");
        self.send(request.body(body)).await
    }

    /// Begins a stream.
    pub(crate) async fn open(&self, path: &str, body: Value) -> Stream {
        let request = self.request(Method::POST, path).json(&body);
        let response = within(request.send()).await.unwrap();
        let header = |name: &str| response.headers().get(name).cloned().unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(header("content-type"), "text/event-stream");
        assert!(!header("x-tt-logid").is_empty());
        Stream {
            response,
            text: String::new(),
        }
    }

    /// A whole stream, as it stands on the wire.
    pub(crate) async fn stream(&self, path: &str, body: Value) -> String {
        self.open(path, body).await.rest().await
    }

    /// Writes another `coze.yaml` and has it read.
    pub(crate) async fn reload(&self, yaml: &str) -> Result<(), coze_server::ConfigError> {
        std::fs::write(self.folder.path().join("coze.yaml"), yaml).unwrap();
        within(self.server.reload()).await
    }

    /// Moves the server's clock forward.
    pub(crate) fn advance(&self, time: Duration) {
        self.server.advance(time);
    }

    pub(crate) async fn stop(self) -> TempDir {
        within(self.server.stop()).await;
        self.folder
    }

    /// Stops it, and starts another one with its data.
    pub(crate) async fn again(mut self, setup: Setup) -> Self {
        let earlier = self.earlier.take();
        let folder = self.stop().await;
        let folder = earlier.unwrap_or(folder);
        let mut api = setup.data(&folder.path().join("data")).start().await;
        api.earlier = Some(folder);
        api
    }

    /// Without waiting, and with the time that it took left to the caller.
    pub(crate) fn server(self) -> (coze_server::Server, TempDir) {
        (self.server, self.folder)
    }

    // -- what most tests need ---------------------------------------------------------------

    pub(crate) async fn conversation(&self) -> String {
        let reply = self.post("/v1/conversation/create", json!({})).await;
        text(&reply.data()["id"])
    }

    /// Starts a chat of the scripted agent in a conversation, without a stream.
    pub(crate) async fn create(&self, conversation: &str, message: &str) -> Reply {
        let path = format!("/v3/chat?conversation_id={conversation}");
        self.post(&path, space::chat(message)).await
    }

    /// Starts a chat and waits for what becomes of it.
    pub(crate) async fn ask(&self, conversation: &str, message: &str) -> Value {
        let reply = self.create(conversation, message).await;
        let data = reply.data();
        let place = (text(&data["conversation_id"]), text(&data["id"]));
        self.ended(&place.0, &place.1).await
    }

    /// The answer to a message.
    pub(crate) async fn answer(&self, conversation: &str, message: &str) -> String {
        let chat = self.ask(conversation, message).await;
        assert_eq!(chat["status"], "completed", "{chat}");
        let messages = self.messages(&chat).await;
        let is_answer = |it: &&Value| it["type"] == "answer";
        text(&messages.as_array().unwrap().iter().find(is_answer).unwrap()["content"])
    }

    pub(crate) async fn retrieve(&self, conversation: &str, chat: &str) -> Reply {
        self.get(&place("/v3/chat/retrieve", conversation, chat))
            .await
    }

    /// The chat, when it is no longer at work.
    pub(crate) async fn ended(&self, conversation: &str, chat: &str) -> Value {
        within(async {
            loop {
                let reply = self.retrieve(conversation, chat).await;
                let data = reply.data();
                if data["status"] != "in_progress" && data["status"] != "created" {
                    return data.clone();
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        })
        .await
    }

    /// What a chat produced.
    pub(crate) async fn messages(&self, chat: &Value) -> Value {
        let (conversation, chat) = (text(&chat["conversation_id"]), text(&chat["id"]));
        let path = place("/v3/chat/message/list", &conversation, &chat);
        self.get(&path).await.data().clone()
    }

    pub(crate) async fn cancel(&self, conversation: &str, chat: &str) -> Reply {
        let body = json!({"conversation_id": conversation, "chat_id": chat});
        self.post("/v3/chat/cancel", body).await
    }

    /// The texts of a conversation, oldest first, in pages of 50.
    pub(crate) async fn contents(&self, conversation: &str) -> Vec<String> {
        let path = format!("/v1/conversation/message/list?conversation_id={conversation}");
        let reply = self.post(&path, json!({"order": "asc"})).await;
        reply.data();
        let messages = reply.json["data"].as_array().unwrap();
        messages.iter().map(|it| text(&it["content"])).collect()
    }
}

/// A path with the two ids of a chat.
pub(crate) fn place(path: &str, conversation: &str, chat: &str) -> String {
    format!("{path}?conversation_id={conversation}&chat_id={chat}")
}

/// A stream under way.
pub(crate) struct Stream {
    response: Response,
    text: String,
}

impl Stream {
    /// Reads until the text is there; gives everything that came so far.
    pub(crate) async fn until(&mut self, wanted: &str) -> &str {
        while !self.text.contains(wanted) {
            let chunk = within(self.response.chunk()).await.unwrap();
            let chunk = chunk.unwrap_or_else(|| panic!("no {wanted:?} in {}", self.text));
            self.text.push_str(std::str::from_utf8(&chunk).unwrap());
        }
        &self.text
    }

    /// Everything, to the end.
    pub(crate) async fn rest(mut self) -> String {
        while let Some(chunk) = within(self.response.chunk()).await.unwrap() {
            self.text.push_str(std::str::from_utf8(&chunk).unwrap());
        }
        self.text
    }

    /// The ids of the conversation and the chat that the stream tells of.
    pub(crate) async fn ids(&mut self) -> (String, String) {
        let text_so_far = self.until("conversation.chat.in_progress").await;
        let data = text_so_far.lines().find_map(|it| it.strip_prefix("data:"));
        let chat: Value = serde_json::from_str(data.unwrap().trim()).unwrap();
        (text(&chat["conversation_id"]), text(&chat["id"]))
    }
}

/// The text of a JSON string.
#[track_caller]
pub(crate) fn text(value: &Value) -> String {
    value
        .as_str()
        .unwrap_or_else(|| panic!("no text: {value}"))
        .to_owned()
}

/// The frames of a stream: the name of the event and its data.
pub(crate) fn frames(stream: &str) -> Vec<(String, Value)> {
    let whole = stream.strip_suffix("\n\n").unwrap();
    let frame = |frame: &str| {
        let field = |name: &str| frame.lines().find_map(|it| it.strip_prefix(name));
        let data: Value = serde_json::from_str(field("data:").unwrap().trim()).unwrap();
        match field("event:") {
            Some(event) => (event.trim().to_owned(), data),
            None => (text(&data["event"]), data["data"].clone()),
        }
    };
    whole.split("\n\n").map(frame).collect()
}

/// The names of the events of a stream, repeated ones once.
pub(crate) fn names(stream: &str) -> Vec<String> {
    let mut names: Vec<String> = frames(stream).into_iter().map(|(name, _)| name).collect();
    names.dedup();
    names
}

/// Replaces what differs from run to run. Ids are numbered in the order of their first appearance;
/// those that the tests chose themselves stay.
pub(crate) fn normal(text: &str) -> String {
    let rules = [
        (r#""logid":"[0-9]{10}[0-9A-F]{16}""#, r#""logid":"<logid>""#),
        (
            r#""(created_at|updated_at|completed_at|failed_at|create_time|update_time|listed_at)":1[0-9]{9}\b"#,
            r#""$1":<time>"#,
        ),
        (r"http://127\.0\.0\.1:[0-9]+", "<url>"),
        (r"/local/sounds/[0-9a-f]{32}", "/local/sounds/<key>"),
    ];
    let mut text = text.to_owned();
    for (pattern, replacement) in rules {
        let pattern = Regex::new(pattern).unwrap();
        text = pattern.replace_all(&text, replacement).into_owned();
    }
    let mut seen: Vec<String> = Vec::new();
    let number = |found: &Captures<'_>| {
        let id = &found[0];
        if id.starts_with(space::OWN_IDS) {
            return id.to_owned();
        }
        let known = seen.iter().position(|it| it == id);
        let index = known.unwrap_or_else(|| {
            seen.push(id.to_owned());
            seen.len() - 1
        });
        format!("<id:{}>", index + 1)
    };
    Regex::new(r"\b[0-9]{19}\b|[0-9]{19}")
        .unwrap()
        .replace_all(&text, number)
        .into_owned()
}

/// Sends these bytes on a connection of its own and reads what comes back until it is closed.
pub(crate) async fn raw(host: &str, request: &[u8]) -> String {
    let mut connection = within(TcpStream::connect(host)).await.unwrap();
    within(connection.write_all(request)).await.unwrap();
    let mut answer = Vec::new();
    // A server that refuses may close before it has read everything, which resets.
    let _ = within(connection.read_to_end(&mut answer)).await;
    String::from_utf8(answer).unwrap()
}
