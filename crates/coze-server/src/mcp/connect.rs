//! Starts an MCP server, or connects to one.

use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use http::header::AUTHORIZATION;
use http::{HeaderName, HeaderValue};
use rmcp::model::{ClientCapabilities, ClientConfig, Implementation};
use rmcp::service::{NotificationContext, RunningService};
use rmcp::transport::common::client_side_sse::ExponentialBackoff;
use rmcp::transport::streamable_http_client::StreamableHttpClientTransportConfig;
use rmcp::transport::{StreamableHttpClientTransport, TokioChildProcess};
use rmcp::{ClientHandler, RoleClient, ServiceExt};
use tokio::io::AsyncReadExt;
use tokio::process::{ChildStderr, Command};

use super::McpServer;
use super::error::{Kind, McpError};

/// Variables of the server that every program gets: where things are, and whose they are.
const ENVIRONMENT: &[&str] = &[
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "SHELL",
    "LANG",
    "LC_ALL",
    "TMPDIR",
    "TZ",
    // The same on Windows.
    "APPDATA",
    "LOCALAPPDATA",
    "PATHEXT",
    "PROGRAMFILES",
    "SYSTEMDRIVE",
    "SYSTEMROOT",
    "TEMP",
    "USERPROFILE",
];
/// The longest pause before the stream of what a server says by itself is opened again.
const REOPEN: Duration = Duration::from_secs(60);

/// What a server is told of us, and what it tells by itself.
#[derive(Debug)]
pub(super) struct Listener {
    changed: Arc<AtomicBool>,
}

impl ClientHandler for Listener {
    fn get_info(&self) -> ClientConfig {
        let name = Implementation::new("coze-rs", env!("CARGO_PKG_VERSION"));
        ClientConfig::new(ClientCapabilities::default(), name)
    }

    async fn on_tool_list_changed(&self, _: NotificationContext<RoleClient>) {
        self.changed.store(true, Ordering::Release);
    }
}

impl McpServer {
    pub(super) async fn connect(&self) -> Result<RunningService<RoleClient, Listener>, McpError> {
        let listener = Listener {
            changed: Arc::clone(&self.changed),
        };
        if let Some(url) = &self.config.url {
            let transport = self.over_http(url)?;
            let started = listener.serve(transport).await;
            return started.map_err(|error| self.start_error(&error));
        }
        let (transport, said) = self.over_stdio()?;
        let said = tokio::spawn(log(self.name.clone(), said));
        match listener.serve(transport).await {
            Ok(running) => Ok(running),
            Err(error) => {
                // It ends with the program, which the failure has ended.
                let last = tokio::time::timeout(Duration::from_millis(200), said).await;
                let last = last.ok().and_then(Result::ok).unwrap_or_default();
                // For the log alone: it tells of the inside of this machine.
                tracing::warn!(
                    server = self.name,
                    said = last,
                    "an MCP server did not start"
                );
                Err(self.start_error(&error))
            }
        }
    }

    fn over_stdio(&self) -> Result<(TokioChildProcess, Option<ChildStderr>), McpError> {
        let [program, arguments @ ..] = self.config.command.as_deref().unwrap_or_default() else {
            return Err(self.error(Kind::Start("it names no program".to_owned())));
        };
        let mut command = Command::new(beside(&self.folder, program));
        command.args(arguments).env_clear().kill_on_drop(true);
        let passed = ENVIRONMENT.iter().copied();
        for name in passed.chain(self.config.pass_env.iter().map(String::as_str)) {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        for name in &self.config.pass_env {
            if std::env::var_os(name).is_none() {
                let why = format!("the environment variable {name} is not set");
                return Err(self.error(Kind::Start(why)));
            }
        }
        command.envs(&self.config.env);
        command.current_dir(match &self.config.folder {
            Some(folder) => self.folder.join(folder),
            None => self.folder.clone(),
        });
        let child = TokioChildProcess::builder(command).stderr(Stdio::piped());
        child.spawn().map_err(|error| {
            let why = format!("{program}: {error}");
            self.error(Kind::Start(why))
        })
    }

    fn over_http(
        &self,
        url: &str,
    ) -> Result<StreamableHttpClientTransport<reqwest::Client>, McpError> {
        let checked = self.outbound.check(url);
        checked.map_err(|error| self.error(Kind::Start(error.to_string())))?;
        let mut config = StreamableHttpClientTransportConfig::with_uri(url);
        let mut backoff = ExponentialBackoff::default();
        backoff.max_delay = Some(REOPEN);
        config.retry_config = Arc::new(backoff);
        for (name, value) in &self.config.headers {
            // The file was checked.
            if let (Ok(name), Ok(value)) = (name.parse(), value.parse::<HeaderValue>()) {
                config.custom_headers.insert(name, value);
            }
        }
        if let Some((name, value)) = self.key()? {
            config.custom_headers.insert(name, value);
        }
        let client = self.outbound.client();
        Ok(StreamableHttpClientTransport::with_client(client, config))
    }

    /// The header that carries the key.
    fn key(&self) -> Result<Option<(HeaderName, HeaderValue)>, McpError> {
        let Some(auth) = &self.config.auth else {
            return Ok(None);
        };
        let fail = |why: String| self.error(Kind::Start(why));
        let key = std::env::var(&auth.env)
            .map_err(|_| fail(format!("the environment variable {} is not set", auth.env)))?;
        let name = auth.header.as_deref().unwrap_or(AUTHORIZATION.as_str());
        let value = format!("{}{key}", auth.prefix());
        let header = name.parse().ok().zip(HeaderValue::from_str(&value).ok());
        let Some((name, mut value)) = header else {
            let why = format!("the key in {} is no header that can be sent", auth.env);
            return Err(fail(why));
        };
        value.set_sensitive(true);
        Ok(Some((name, value)))
    }
}

/// A program of that name; one with a path is looked for beside `coze.yaml`.
fn beside(folder: &Path, program: &str) -> std::path::PathBuf {
    let path = Path::new(program);
    match path.components().count() > 1 && path.is_relative() {
        true => folder.join(path),
        false => path.to_owned(),
    }
}

/// Logs what a program writes beside the protocol, and gives the last of it.
async fn log(server: String, said: Option<ChildStderr>) -> String {
    let mut last = String::new();
    let Some(mut said) = said else { return last };
    let mut piece = [0; 2048];
    while let Ok(length @ 1..) = said.read(&mut piece).await {
        let text = String::from_utf8_lossy(piece.get(..length).unwrap_or_default());
        tracing::debug!(server, said = %text.trim_end(), "an MCP server says");
        text.trim_end().clone_into(&mut last);
    }
    last
}
