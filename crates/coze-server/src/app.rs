//! What every handler has at hand.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::ops::Deref;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock};
use std::time::Instant;

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::auth::Keeper;
use crate::caller::Directory;
use crate::clock::Clock;
use crate::config::{Dialect, ServerConfig, Space};
use crate::configured::Configured;
use crate::edge::{Metrics, Rules};
use crate::identity::{self, InstallError};
use crate::ids::Ids;
use crate::plan::{Plan, Usage};
use crate::seed;
use crate::store::{Db, StoreError};

/// The state of the server; cheap to clone.
#[derive(Clone)]
pub(crate) struct App(Arc<State>);

pub(crate) struct State {
    pub(crate) db: Db,
    pub(crate) ids: Ids,
    pub(crate) clock: Clock,
    pub(crate) keeper: Keeper,
    pub(crate) usage: Usage,
    /// What the command line says, which counts more than the file.
    plan: Option<Plan>,
    pub(crate) dialect: Dialect,
    pub(crate) directory: Directory,
    configured: RwLock<Arc<Configured>>,
    /// What was read to make it.
    file: RwLock<Arc<Space>>,
    /// What is there besides.
    pub(crate) seed: Option<Space>,
    /// Those of the command line.
    tokens: Vec<String>,
    pub(crate) metrics: Metrics,
    /// What goes wrong on purpose.
    pub(crate) faults: Rules,
    /// Whether callers may ask for faults and control the server.
    pub(crate) faults_allowed: bool,
    /// Where the bytes of uploaded files lie.
    pub(crate) files: PathBuf,
    /// The chats and runs at work, by id.
    running: Mutex<HashMap<i64, CancellationToken>>,
    /// Everything that runs beside the requests, so that a stop can wait for it.
    pub(crate) tasks: TaskTracker,
    /// Ends everything that runs.
    pub(crate) stop: CancellationToken,
    /// Wakes the work on documents.
    pub(crate) indexing: Notify,
    /// Wakes whoever sends to callback apps.
    pub(crate) callbacks: Notify,
    pub(crate) started_at: i64,
    begun: Instant,
    address: OnceLock<SocketAddr>,
}

impl Deref for App {
    type Target = State;
    fn deref(&self) -> &State {
        &self.0
    }
}

impl App {
    pub(crate) fn new(
        config: ServerConfig,
        clock: Clock,
        db: Db,
        largest_id: i64,
    ) -> Result<Self, String> {
        let ServerConfig {
            data,
            tokens,
            dialect,
            plan,
            mut space,
            seed,
            faults,
            fault_seed,
            ..
        } = config;
        let seed = seed.map(|it| it.space(&data)).transpose()?;
        if let Some(seed) = &seed {
            seed::add(&mut space, seed);
        }
        let configured =
            Configured::new(&space).map_err(|misfit| space.misfit(&misfit).to_string())?;
        Ok(Self(Arc::new(State {
            db,
            ids: Ids::new(largest_id),
            started_at: clock.now(),
            clock,
            keeper: Keeper::new(&tokens, &space)?,
            usage: Usage::new(plan.or(space.plan)),
            plan,
            dialect,
            directory: Directory::default(),
            configured: RwLock::new(Arc::new(configured)),
            metrics: Metrics::default(),
            faults: Rules::new(fault_seed.unwrap_or(space.fault_seed), &space.faults),
            file: RwLock::new(Arc::new(space)),
            seed,
            tokens,
            faults_allowed: faults,
            files: data.join("files"),
            running: Mutex::default(),
            tasks: TaskTracker::new(),
            stop: CancellationToken::new(),
            indexing: Notify::new(),
            callbacks: Notify::new(),
            begun: Instant::now(),
            address: OnceLock::new(),
        })))
    }

    /// Unix seconds, by the server's clock.
    pub(crate) fn now(&self) -> i64 {
        self.clock.now()
    }

    /// What `coze.yaml` has, as it stands now.
    pub(crate) fn configured(&self) -> Arc<Configured> {
        let configured = self.configured.read();
        Arc::clone(&configured.unwrap_or_else(PoisonError::into_inner))
    }

    /// `coze.yaml` as it was read.
    pub(crate) fn file(&self) -> Arc<Space> {
        let file = self.file.read();
        Arc::clone(&file.unwrap_or_else(PoisonError::into_inner))
    }

    /// Takes another reading of `coze.yaml`, or nothing of it.
    ///
    /// # Errors
    /// What does not fit to the rest, which stays as it was then.
    pub(crate) async fn use_space(
        &self,
        space: Arc<Space>,
        mut configured: Configured,
    ) -> Result<(), String> {
        let open = self.tokens.is_empty() && space.tokens.is_empty();
        if open && self.address.get().is_some_and(|it| !it.ip().is_loopback()) {
            let why = "there is no token, and the server can be reached from other machines";
            return Err(why.to_owned());
        }
        // Before anything changes.
        Keeper::new(&self.tokens, &space)?;
        let installed = identity::install(self, &space).await;
        installed.map_err(|error| error.to_string())?;
        self.keeper.set(&self.tokens, &space)?;
        self.usage.set(self.plan.or(space.plan));
        self.faults.configure(&space.faults);
        *self.file.write().unwrap_or_else(PoisonError::into_inner) = space;
        let mut current = self
            .configured
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        configured.keep_running(&current);
        *current = Arc::new(configured);
        // What an app's tokens may do is written there too.
        self.keeper.forget_all();
        Ok(())
    }

    /// Puts there what belongs to a ready-made space.
    pub(crate) async fn fill(&self) -> Result<(), StoreError> {
        if self.seed.is_none() {
            return Ok(());
        }
        let filled = seed::fill(self).await;
        filled.map_err(|fail| StoreError::Commit(fail.msg.into_owned()))
    }

    /// Seconds since the start.
    pub(crate) fn up(&self) -> u64 {
        self.begun.elapsed().as_secs()
    }

    /// How many chats and runs are at work.
    pub(crate) fn working(&self) -> usize {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        running.len()
    }

    /// Makes it a new server: nothing is stored, no fault was added, the clock goes right.
    pub(crate) async fn reset(&self) -> Result<(), StoreError> {
        {
            let running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
            running.values().for_each(CancellationToken::cancel);
        }
        self.db.reset().await?;
        self.keeper.forget_all();
        self.usage.forget();
        identity::install(self, &self.file())
            .await
            .map_err(|error| match error {
                InstallError::Store(error) => error,
                // What could be put in at the start can be put into an empty store.
                InstallError::Conflict(why) => StoreError::Commit(why),
            })?;
        self.faults.reset();
        self.clock.reset();
        self.fill().await?;
        let io = |error: std::io::Error| StoreError::io(&self.files, error);
        let mut files = tokio::fs::read_dir(&self.files).await.map_err(io)?;
        while let Some(file) = files.next_entry().await.map_err(io)? {
            // An upload under way may have taken its file back.
            if let Err(error) = tokio::fs::remove_file(file.path()).await {
                tracing::debug!(%error, "a file could not be removed");
            }
        }
        Ok(())
    }

    /// Tells where the server listens, once it is known.
    pub(crate) fn set_address(&self, address: SocketAddr) {
        // Set once, by the start of the server.
        let _ = self.address.set(address);
    }

    /// The base URL for clients.
    pub(crate) fn url(&self) -> String {
        self.address
            .get()
            .map_or_else(String::new, |address| format!("http://{address}"))
    }

    /// Registers work under an id; cancelled by [`cancel`](Self::cancel) or when the server stops.
    pub(crate) fn begin(&self, id: i64) -> Running {
        self.begin_with(id, self.stop.child_token())
    }

    /// Registers work under one more id.
    pub(crate) fn begin_with(&self, id: i64, token: CancellationToken) -> Running {
        self.running
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(id, token.clone());
        Running {
            app: self.clone(),
            id,
            token,
        }
    }

    /// Tells the work under an id to end.
    pub(crate) fn cancel(&self, id: i64) {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(token) = running.get(&id) {
            token.cancel();
        }
    }
}

/// Work that is under way; dropping it ends its registration.
pub(crate) struct Running {
    app: App,
    id: i64,
    pub(crate) token: CancellationToken,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.app
            .running
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&self.id);
    }
}
