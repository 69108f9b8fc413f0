//! MCP servers of `coze.yaml`: programs and addresses whose tools agents call.
//!
//! A server is started, or connected to, when the first chat needs it, and stays until
//! `coze.yaml` no longer says the same of it. One that has ended is started again with the next
//! chat or call. The protocol itself is that of the official SDK (`rmcp`); here is who is started
//! when, how long is waited, and what is told of it.

mod connect;
mod content;
mod error;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rmcp::RoleClient;
use rmcp::model::{CallToolRequestParams, CallToolResponse, PaginatedRequestParams, Tool};
use rmcp::service::{Peer, RunningService};
use serde_json::{Map, Value};
use tokio::sync::Mutex;
use tokio::time::timeout;

use crate::config::McpConfig;
use crate::outbound::Outbound;
use crate::plugins::{identifier, stable_id};
use connect::Listener;
pub(crate) use error::McpError;

/// How long a tool, and a start, may take unless the file says otherwise.
const TIMEOUT: Duration = Duration::from_secs(30);
/// Tools of one server at most; no model could choose among more.
const TOOLS: usize = 1000;
/// How long the end of a server is waited for.
const CLOSING: Duration = Duration::from_secs(4);

/// An MCP server, which may be running.
pub(crate) struct McpServer {
    pub(crate) name: String,
    /// The workspace that it belongs to.
    pub(crate) space: i64,
    config: McpConfig,
    folder: PathBuf,
    /// Whether private networks may be reached, which `outbound` follows.
    private: bool,
    outbound: Outbound,
    state: Mutex<State>,
    /// It has said that its tools have changed.
    changed: Arc<AtomicBool>,
}

/// What is there of a server now.
#[derive(Default)]
struct State {
    running: Option<RunningService<RoleClient, Listener>>,
    tools: Option<Arc<[McpTool]>>,
}

/// A name that models take: one without any letter or digit that they do is told by its number.
fn plain(name: &str, id: i64) -> String {
    match identifier(name).trim_matches('_') {
        "" => format!("mcp_{}", id % 1_000_000),
        plain => plain.to_owned(),
    }
}

/// A tool of an MCP server.
#[derive(Debug)]
pub(crate) struct McpTool {
    /// An id that is always the same for the same tool.
    pub(crate) id: i64,
    /// The name there.
    pub(crate) name: String,
    pub(crate) description: String,
    /// JSON Schema of the arguments.
    pub(crate) input: Value,
}

impl McpServer {
    /// The server of that entry, which is not started yet.
    pub(crate) fn new(
        name: &str,
        config: &McpConfig,
        space: i64,
        folder: PathBuf,
        (private, outbound): (bool, Outbound),
    ) -> Self {
        Self {
            name: name.to_owned(),
            space,
            config: config.clone(),
            folder,
            private,
            outbound,
            state: Mutex::default(),
            changed: Arc::default(),
        }
    }

    /// The file says the same of both, so that the one that runs can stay.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        let says = |it: &Self| (it.name.clone(), it.space, it.folder.clone(), it.private);
        says(self) == says(other) && self.config == other.config
    }

    /// Chats fail without it.
    pub(crate) fn is_required(&self) -> bool {
        self.config.required
    }

    /// The id by which `function_call` messages name it, in place of a plugin's.
    pub(crate) fn id(&self) -> i64 {
        stable_id(0, &format!("mcp/{}", self.name))
    }

    /// The name under which models see a tool: unlike those of other servers.
    pub(crate) fn model_name(&self, tool: &McpTool) -> String {
        let server = plain(&self.name, self.id());
        let name = format!("{server}-{}", plain(&tool.name, tool.id));
        // Models take no longer ones.
        name.chars().take(64).collect()
    }

    /// Its tools. Starts it if it is not running.
    pub(crate) async fn tools(&self) -> Result<Arc<[McpTool]>, McpError> {
        let mut state = self.state.lock().await;
        let limit = self.start_timeout();
        match timeout(limit, self.list(&mut state)).await {
            Ok(tools) => tools,
            Err(_) => {
                // It may never have spoken; what it was asked it may answer too late.
                *state = State::default();
                Err(self.error(error::Kind::Slow(limit)))
            }
        }
    }

    async fn list(&self, state: &mut State) -> Result<Arc<[McpTool]>, McpError> {
        let peer = self.peer(state).await?;
        let changed = self.changed.swap(false, Ordering::AcqRel);
        if let (Some(tools), false) = (&state.tools, changed) {
            return Ok(Arc::clone(tools));
        }
        state.tools = None;
        let mut tools: Vec<McpTool> = Vec::new();
        let mut cursor = None;
        loop {
            let params = PaginatedRequestParams::default().with_cursor(cursor);
            let page = peer.list_tools(Some(params)).await;
            let page = page.map_err(|it| self.service_error(&it))?;
            tools.extend(page.tools.into_iter().map(|it| self.tool(it)));
            if tools.len() > TOOLS {
                return Err(self.error(error::Kind::TooMany(TOOLS)));
            }
            cursor = page.next_cursor;
            if cursor.is_none() {
                break;
            }
        }
        let tools: Arc<[McpTool]> = tools.into();
        state.tools = Some(Arc::clone(&tools));
        Ok(tools)
    }

    fn tool(&self, tool: Tool) -> McpTool {
        McpTool {
            id: stable_id(self.id(), &tool.name),
            name: tool.name.into_owned(),
            description: tool.description.unwrap_or_default().into_owned(),
            input: Value::Object(Arc::unwrap_or_clone(tool.input_schema)),
        }
    }

    /// The other side; started, or started again, where it is not there.
    async fn peer(&self, state: &mut State) -> Result<Peer<RoleClient>, McpError> {
        if let Some(running) = &state.running
            && !running.peer().is_transport_closed()
        {
            return Ok(running.peer().clone());
        }
        // Another process may have other tools.
        *state = State::default();
        let running = self.connect().await?;
        let peer = running.peer().clone();
        state.running = Some(running);
        Ok(peer)
    }

    /// Calls a tool. A call that is dropped is cancelled there.
    pub(crate) async fn call(
        &self,
        tool: &str,
        arguments: Map<String, Value>,
    ) -> Result<String, McpError> {
        let peer = {
            let mut state = self.state.lock().await;
            let limit = self.start_timeout();
            let peer = timeout(limit, self.peer(&mut state)).await;
            peer.map_err(|_| self.error(error::Kind::Slow(limit)))??
        };
        let params = CallToolRequestParams::new(tool.to_owned()).with_arguments(arguments);
        let limit = self.config.timeout_s.map_or(TIMEOUT, Duration::from_secs);
        let answer = timeout(limit, peer.call_tool_once(params)).await;
        let answer = answer.map_err(|_| self.error(error::Kind::SlowCall(limit)))?;
        match answer.map_err(|it| self.service_error(&it))? {
            CallToolResponse::Complete(result) => {
                content::text(result).map_err(|why| self.error(error::Kind::Tool(why)))
            }
            _ => {
                let why = "the tool wants more input, which nobody here can give";
                Err(self.error(error::Kind::Tool(why.to_owned())))
            }
        }
    }

    /// Ends it, if it runs.
    pub(crate) async fn close(&self) {
        let running = self.state.lock().await.running.take();
        if let Some(mut running) = running
            && let Err(error) = running.close_with_timeout(CLOSING).await
        {
            tracing::warn!(server = self.name, %error, "an MCP server did not end in order");
        }
    }

    fn start_timeout(&self) -> Duration {
        let given = self.config.start_timeout_s;
        given.map_or(TIMEOUT, Duration::from_secs)
    }
}
