//! A local server that speaks the Coze (扣子) Open API: stateful, durable, offline.
//!
//! It is a real server, not a mock: conversations, messages, chats, files and workflow runs live
//! in SQLite, and what was answered is on disk before the answer leaves. Agents, models and
//! workflows come from a `coze.yaml`; answers from the built-in `offline` model or from any
//! OpenAI-compatible endpoint. The wire is that of the official service, so the official SDKs run
//! on it unchanged; `docs/API.md` says where it differs.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! let config = coze_server::ServerConfig::new(folder.path());
//! let server = coze_server::Server::start(config).await?;
//! println!("listening on {}", server.url());
//! server.stop().await;
//! # Ok(())
//! # }
//! ```

mod agent;
mod app;
mod audio;
mod auth;
mod billing;
mod blobs;
mod call;
mod callbacks;
mod caller;
mod channel;
mod clock;
mod config;
mod configured;
mod crypt;
mod definition;
mod edge;
mod fail;
mod form;
mod identity;
mod ids;
mod knowledge;
mod library;
mod limits;
mod listen;
mod mcp;
mod models;
mod not_served;
mod oauth;
mod outbound;
mod output;
mod parts;
mod plan;
mod plugins;
mod prompt;
mod reload;
mod router;
mod routes;
mod seed;
mod settings;
mod settle;
mod shortcuts;
mod store;
mod testing;
mod tools;
mod traffic;
mod validate;
mod variables;
mod workflows;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use tokio_util::sync::CancellationToken;

use crate::app::App;
use crate::clock::Clock;
use crate::fail::Fail;
use crate::identity::InstallError;
use crate::store::{Db, StoreError};
use crate::traffic::Recorder;

pub use config::{
    AppConfig, BotConfig, ConfigError, ConnectorConfig, CozeConfig, DEMO_BOT_ID, Dialect,
    EnterpriseConfig, FolderConfig, FolderKind, McpConfig, McpUse, MemberConfig, ModelConfig,
    OAuthAppConfig, OAuthKind, OfflineConfig, OpenAiConfig, PluginAuth, PluginConfig, PluginUse,
    ServerConfig, ShortcutConfig, ShortcutField, ShortcutFieldKind, ShortcutToolConfig, Space,
    SpaceConfig, SuggestConfig, SuggestMode, TemplateConfig, TimeoutsConfig, TokenConfig,
    ToolConfig, UserConfig, VariableConfig, WorkflowConfig,
};
pub use edge::{Fault, FaultError, FaultRule};
pub use knowledge::{
    ChunkConfig, DatasetConfig, EmbeddingsConfig, KnowledgeConfig, Strategy as KnowledgeStrategy,
};
pub use limits::Limits;
pub use models::{ScriptCall, ScriptError, ScriptRule};
pub use plan::Plan;
pub use seed::Seed;
pub use settings::ModelSettings;
pub use store::StoreError as DataError;
pub use store::{Backup, backup, restore};
pub use testing::{TestServer, TestServerBuilder};
pub use traffic::TrafficConfig;

/// How long a stop waits for what is under way.
const PATIENCE: Duration = Duration::from_secs(5);

/// A running server.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    app: AppHandle,
    accepting: CancellationToken,
    serving: tokio::task::JoinHandle<()>,
    recorder: Option<Arc<Recorder>>,
}

/// Keeps the app out of the public `Debug`.
struct AppHandle(App);

impl std::fmt::Debug for AppHandle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("App")
    }
}

/// A server that could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Everybody could reach it and nothing would keep them out.
    #[error("{0} can be reached from other machines, and no token is set")]
    Open(SocketAddr),
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {source}")]
    Bind {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
    /// The data folder cannot be used.
    #[error("cannot use the data folder: {0}")]
    Data(#[from] StoreError),
    /// The agents, models or workflows cannot be used.
    #[error("{0}")]
    Space(String),
}

impl StartError {
    /// How to mend it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Open(_) => Some("give a token, or listen on 127.0.0.1".to_owned()),
            Self::Bind { address, source } => match source.kind() {
                std::io::ErrorKind::AddrInUse => Some(format!(
                    "another program uses port {}; choose another one, or 0 for any free one",
                    address.port()
                )),
                std::io::ErrorKind::PermissionDenied => {
                    Some("ports below 1024 need more rights; choose a higher one".to_owned())
                }
                _ => None,
            },
            Self::Data(_) | Self::Space(_) => None,
        }
    }

    /// True when the caller asked for something that can never work, rather than the machine
    /// being in the way.
    #[must_use]
    pub fn is_usage(&self) -> bool {
        matches!(self, Self::Open(_) | Self::Space(_))
    }
}

impl Server {
    /// Opens the data, takes the port and serves, on tasks of the current runtime. When this
    /// returns the server is ready.
    ///
    /// # Errors
    /// [`StartError`].
    pub async fn start(config: ServerConfig) -> Result<Self, StartError> {
        let address = config.address;
        let (traffic, watch) = (config.traffic.clone(), config.watch);
        if traffic.is_some() && !address.ip().is_loopback() {
            let why = "a server in front of another one listens on loopback addresses only";
            return Err(StartError::Space(why.to_owned()));
        }
        let has_token = !config.tokens.is_empty() || !config.space.tokens.is_empty();
        if !address.ip().is_loopback() && !has_token {
            return Err(StartError::Open(address));
        }
        let listener =
            listen::bind(address).map_err(|source| StartError::Bind { address, source })?;
        let address = listener
            .local_addr()
            .map_err(|source| StartError::Bind { address, source })?;
        let limits = config.limits.clone();
        let clock = Clock::default();
        let (db, largest) = open_data(&config, clock.now()).await?;
        let app = App::new(config, clock, db, largest).map_err(StartError::Space)?;
        identity::install(&app, &app.file())
            .await
            .map_err(|error| match error {
                InstallError::Store(error) => StartError::Data(error),
                InstallError::Conflict(why) => StartError::Space(why),
            })?;
        app.fill().await?;
        app.set_address(address);
        knowledge::start(&app);
        blobs::sweep(&app);
        callbacks::start(&app);
        billing::start(&app).await.map_err(StartError::Data)?;
        let accepting = CancellationToken::new();
        let (routes, recorder) = match traffic {
            Some(traffic) => traffic::router(&app, &traffic).map_err(StartError::Space)?,
            None => (router::router(app.clone()), None),
        };
        let routes = edge::around(&app, routes);
        if watch && app.file().file().is_some() {
            app.tasks.spawn(reload::watch(app.clone()));
        }
        let serving = tokio::spawn(listen::serve(listener, routes, limits, accepting.clone()));
        Ok(Self {
            address,
            app: AppHandle(app),
            accepting,
            serving,
            recorder,
        })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The base URL for clients.
    #[must_use]
    pub fn url(&self) -> String {
        self.app.0.url()
    }

    /// Reads `coze.yaml` again. Chats and runs under way keep what they began with.
    ///
    /// # Errors
    /// Why it cannot be used; the server goes on with what it has.
    pub async fn reload(&self) -> Result<(), ConfigError> {
        reload::reload(&self.app.0).await
    }

    /// Moves its clock forward, for tests of what expires.
    pub fn advance(&self, time: Duration) {
        self.app.0.clock.advance(time.as_secs());
    }

    /// Lets something go wrong from now on. Gives the number by which it is taken back.
    ///
    /// # Errors
    /// What is wrong with the rule.
    pub fn add_fault(&self, rule: FaultRule) -> Result<u64, String> {
        match rule.problem() {
            Some((key, why)) => Err(format!("{key}: {why}")),
            None => Ok(self.app.0.faults.add(rule)),
        }
    }

    /// Takes a fault back, or all that were added. Says how many there were.
    pub fn remove_faults(&self, id: Option<u64>) -> usize {
        self.app.0.faults.remove(id)
    }

    /// Makes it a new server: nothing is stored, no fault was added, the clock goes right.
    ///
    /// # Errors
    /// When the store does not work.
    pub async fn reset(&self) -> Result<(), DataError> {
        self.app.0.reset().await
    }

    /// Ends it without waiting for anything: for tests.
    pub(crate) fn abandon(&self) {
        self.accepting.cancel();
        self.app.0.stop.cancel();
        self.serving.abort();
        self.app.0.db.close();
    }

    /// Ends it: no new calls; open streams are told; what is under way gets a few seconds.
    pub async fn stop(self) {
        self.accepting.cancel();
        let app = self.app.0;
        app.stop.cancel();
        app.tasks.close();
        // Work that does not end in time is marked as interrupted at the next start.
        let _ = tokio::time::timeout(PATIENCE, app.tasks.wait()).await;
        // Each waits for its program, and not for long.
        let configured = app.configured();
        join_all(configured.mcp.values().map(|it| it.close())).await;
        let _ = tokio::time::timeout(Duration::from_secs(1), self.serving).await;
        let (db, recorder) = (app.db.clone(), self.recorder);
        let closed = tokio::task::spawn_blocking(move || {
            db.close();
            if let Some(recorder) = recorder {
                recorder.close();
            }
        });
        let _ = closed.await;
    }
}

/// Opens the data folder, off the runtime's threads, and settles what an earlier server left.
async fn open_data(config: &ServerConfig, now: i64) -> Result<(Db, i64), StoreError> {
    let (folder, durable) = (config.data.clone(), config.durable);
    let opened = tokio::task::spawn_blocking(move || {
        let files = folder.join("files");
        std::fs::create_dir_all(&files).map_err(|source| StoreError::io(&files, source))?;
        Db::open(&folder.join("coze.db"), durable)
    });
    let db = opened.await.unwrap_or(Err(StoreError::Closed))?;
    let largest = db
        .write(move |unit| {
            let why = Fail::interrupted();
            let count = unit.fail_interrupted(now, why.code, &why.msg)?;
            if count > 0 {
                tracing::warn!(
                    count,
                    "chats and runs that an earlier server left are now failed"
                );
            }
            unit.largest_id()
        })
        .await?;
    Ok((db, largest))
}
