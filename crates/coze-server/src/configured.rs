//! What `coze.yaml` has, made ready: models, agents, workflows.

use std::collections::BTreeMap;
use std::sync::Arc;

use coze_types::bots::{Bot, ModelInfo, OnboardingInfo, PromptInfo, SimpleBot, WorkflowRef};
use coze_types::{Id, Timestamp};
use coze_workflow::Plan;

use crate::app::App;
use crate::config::{BotConfig, DEMO_BOT_ID, LOCAL_USER, Space};
use crate::models::Model;

/// One reading of `coze.yaml`; it never changes, another reading takes its place.
pub(crate) struct Configured {
    pub(crate) bots: BTreeMap<String, Arc<Agent>>,
    /// All models by name, for workflow nodes.
    pub(crate) models: BTreeMap<String, Arc<dyn Model>>,
    /// The built-in model.
    pub(crate) offline: Arc<dyn Model>,
    pub(crate) workflows: BTreeMap<String, Arc<Workflow>>,
}

impl Configured {
    /// # Errors
    /// What does not fit together, and where.
    pub(crate) fn new(space: &Space) -> Result<Self, String> {
        Ok(Self {
            models: models(space)?,
            bots: bots(space)?,
            offline: crate::models::build(space, None)?,
            workflows: workflows(space)?,
        })
    }
}

/// An agent, ready to answer.
pub(crate) struct Agent {
    /// The space that it belongs to.
    pub(crate) space: i64,
    pub(crate) config: BotConfig,
    pub(crate) model: Arc<dyn Model>,
}

/// A workflow, read and checked.
pub(crate) struct Workflow {
    pub(crate) id: String,
    /// The space that it belongs to.
    pub(crate) space: i64,
    pub(crate) name: String,
    pub(crate) description: String,
    /// The text of its file, kept with each run.
    pub(crate) canvas: String,
    pub(crate) plan: Arc<Plan>,
}

fn models(space: &Space) -> Result<BTreeMap<String, Arc<dyn Model>>, String> {
    let mut models = BTreeMap::new();
    for name in space.models.keys() {
        let model = crate::models::build(space, Some(name))
            .map_err(|why| format!("models: {name}: {why}"))?;
        models.insert(name.clone(), model);
    }
    Ok(models)
}

fn bots(space: &Space) -> Result<BTreeMap<String, Arc<Agent>>, String> {
    let mut bots = BTreeMap::new();
    let demo = demo_bot();
    for config in space.bots.iter().chain([&demo]) {
        // An agent of the file may take the demo's place.
        if bots.contains_key(&config.id) {
            continue;
        }
        crate::prompt::check(&config.prompt)
            .map_err(|why| format!("bots: {}: prompt: {why}", config.name))?;
        let model = crate::models::build(space, config.model.as_deref())
            .map_err(|why| format!("bots: {}: {why}", config.name))?;
        let home = space.space_or_local(config.space.as_deref());
        bots.insert(
            config.id.clone(),
            Arc::new(Agent {
                space: home.map_err(|why| format!("bots: {}: {why}", config.name))?,
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

fn workflows(space: &Space) -> Result<BTreeMap<String, Arc<Workflow>>, String> {
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
            space: space
                .space_or_local(config.space.as_deref())
                .map_err(|why| format!("workflows: {}: {why}", config.name))?,
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
        let configured = app.configured();
        let workflows = config
            .workflows
            .iter()
            .filter_map(|id| configured.workflows.get(id));
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
            owner_user_id: Some(Id::from(LOCAL_USER)),
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
            owner_user_id: LOCAL_USER.into(),
            ..SimpleBot::default()
        }
    }
}
