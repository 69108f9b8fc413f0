//! What every handler has at hand.

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::ops::Deref;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use coze_types::bots::{Bot, ModelInfo, OnboardingInfo, PromptInfo, SimpleBot, WorkflowRef};
use coze_types::{Id, Timestamp};
use coze_workflow::Plan;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::config::{BotConfig, DEMO_BOT_ID, Dialect, LOCAL_USER_ID, ServerConfig, Space};
use crate::ids::{Ids, now};
use crate::models::{self, Model};
use crate::store::Db;

/// The state of the server; cheap to clone.
#[derive(Clone)]
pub(crate) struct App(Arc<State>);

pub(crate) struct State {
    pub(crate) db: Db,
    pub(crate) ids: Ids,
    pub(crate) tokens: Vec<String>,
    pub(crate) dialect: Dialect,
    pub(crate) bots: BTreeMap<String, Arc<Agent>>,
    /// All models by name, for workflow nodes.
    pub(crate) models: BTreeMap<String, Arc<dyn Model>>,
    /// The built-in model.
    pub(crate) offline: Arc<dyn Model>,
    pub(crate) workflows: BTreeMap<String, Arc<Workflow>>,
    /// Where the bytes of uploaded files lie.
    pub(crate) files: PathBuf,
    /// The chats and runs at work, by id.
    running: Mutex<HashMap<i64, CancellationToken>>,
    /// Everything that runs beside the requests, so that a stop can wait for it.
    pub(crate) tasks: TaskTracker,
    /// Ends everything that runs.
    pub(crate) stop: CancellationToken,
    pub(crate) started_at: i64,
    address: OnceLock<SocketAddr>,
}

impl Deref for App {
    type Target = State;
    fn deref(&self) -> &State {
        &self.0
    }
}

/// An agent, ready to answer.
pub(crate) struct Agent {
    pub(crate) config: BotConfig,
    pub(crate) model: Arc<dyn Model>,
}

/// A workflow, read and checked.
pub(crate) struct Workflow {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) description: String,
    /// The text of its file, kept with each run.
    pub(crate) canvas: String,
    pub(crate) plan: Arc<Plan>,
}

impl App {
    pub(crate) fn new(config: ServerConfig, db: Db, largest_id: i64) -> Result<Self, String> {
        let ServerConfig {
            data,
            mut tokens,
            dialect,
            space,
            ..
        } = config;
        tokens.extend(space.tokens.iter().cloned());
        let models = build_models(&space)?;
        let bots = build_bots(&space)?;
        let workflows = build_workflows(&space)?;
        Ok(Self(Arc::new(State {
            db,
            ids: Ids::new(largest_id),
            tokens,
            dialect,
            bots,
            models,
            offline: models::build(&space, None)?,
            workflows,
            files: data.join("files"),
            running: Mutex::default(),
            tasks: TaskTracker::new(),
            stop: CancellationToken::new(),
            started_at: now(),
            address: OnceLock::new(),
        })))
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

fn build_models(space: &Space) -> Result<BTreeMap<String, Arc<dyn Model>>, String> {
    let mut models = BTreeMap::new();
    for name in space.models.keys() {
        let model =
            models::build(space, Some(name)).map_err(|why| format!("models: {name}: {why}"))?;
        models.insert(name.clone(), model);
    }
    Ok(models)
}

fn build_bots(space: &Space) -> Result<BTreeMap<String, Arc<Agent>>, String> {
    let mut bots = BTreeMap::new();
    let demo = demo_bot();
    for config in space.bots.iter().chain([&demo]) {
        // An agent of the file may take the demo's place.
        if bots.contains_key(&config.id) {
            continue;
        }
        crate::prompt::check(&config.prompt)
            .map_err(|why| format!("bots: {}: prompt: {why}", config.name))?;
        let model = models::build(space, config.model.as_deref())
            .map_err(|why| format!("bots: {}: {why}", config.name))?;
        bots.insert(
            config.id.clone(),
            Arc::new(Agent {
                config: config.clone(),
                model,
            }),
        );
    }
    Ok(bots)
}

fn demo_bot() -> BotConfig {
    BotConfig {
        id: DEMO_BOT_ID.to_owned(),
        name: "Demo".to_owned(),
        description: "The built-in agent of coze-rs, on the offline model".to_owned(),
        prompt: "You are the demo agent of coze-rs.{% if user_name %} You talk to {{ user_name }}.\
                 {% endif %}"
            .to_owned(),
        opening: "你好！Hello!".to_owned(),
        suggestions: [
            "你好，请介绍一下自己",
            "12*34 等于多少？",
            "What time is it?",
        ]
        .map(str::to_owned)
        .to_vec(),
        ..BotConfig::default()
    }
}

fn build_workflows(space: &Space) -> Result<BTreeMap<String, Arc<Workflow>>, String> {
    let mut workflows = BTreeMap::new();
    for config in &space.workflows {
        let path = space.folder.join(&config.file);
        let fail = |why: &dyn std::fmt::Display| {
            format!("workflows: {}: {}: {why}", config.name, path.display())
        };
        let canvas = std::fs::read_to_string(&path).map_err(|error| fail(&error))?;
        let (plan, diagnostics) = coze_workflow::parse(&canvas).map_err(|error| fail(&error))?;
        for diagnostic in diagnostics {
            if diagnostic.is_error() {
                return Err(fail(&diagnostic));
            }
            tracing::warn!(workflow = config.name, "{diagnostic}");
        }
        let workflow = Workflow {
            id: config.id.clone(),
            name: config.name.clone(),
            description: config.description.clone(),
            canvas,
            plan: Arc::new(plan),
        };
        workflows.insert(config.id.clone(), Arc::new(workflow));
    }
    Ok(workflows)
}

impl Agent {
    /// The agent as the API shows it.
    pub(crate) fn wire(&self, app: &App) -> Bot {
        let config = &self.config;
        let workflows = config
            .workflows
            .iter()
            .filter_map(|id| app.workflows.get(id));
        Bot {
            bot_id: config.id.as_str().into(),
            name: config.name.clone(),
            description: config.description.clone(),
            create_time: Timestamp(app.started_at),
            update_time: Timestamp(app.started_at),
            version: (app.started_at * 1000).to_string(),
            prompt_info: Some(PromptInfo {
                prompt: Some(config.prompt.clone()),
                ..PromptInfo::default()
            }),
            onboarding_info: Some(OnboardingInfo {
                prologue: Some(config.opening.clone()),
                suggested_questions: Some(config.suggestions.clone()),
                ..OnboardingInfo::default()
            }),
            plugin_info_list: Some(Vec::new()),
            model_info: Some(ModelInfo {
                model_id: Some(self.model.name().into()),
                model_name: Some(self.model.name().to_owned()),
                ..ModelInfo::default()
            }),
            workflow_info_list: Some(
                workflows
                    .map(|workflow| WorkflowRef {
                        id: workflow.id.as_str().into(),
                        name: Some(workflow.name.clone()),
                        description: Some(workflow.description.clone()),
                        icon_url: Some(String::new()),
                    })
                    .collect(),
            ),
            owner_user_id: Some(Id::from(LOCAL_USER_ID)),
            ..Bot::default()
        }
    }

    /// The agent as lists show it.
    pub(crate) fn summary(&self, app: &App) -> SimpleBot {
        SimpleBot {
            id: self.config.id.as_str().into(),
            name: self.config.name.clone(),
            description: self.config.description.clone(),
            is_published: true,
            updated_at: Timestamp(app.started_at),
            published_at: Some(Timestamp(app.started_at)),
            owner_user_id: LOCAL_USER_ID.into(),
            ..SimpleBot::default()
        }
    }
}
