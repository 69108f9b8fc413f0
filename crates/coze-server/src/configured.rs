//! What `coze.yaml` has, made ready: models, agents, workflows.

use std::collections::BTreeMap;
use std::sync::Arc;

use coze_types::bots::{
    Bot, BotKnowledge, KnowledgeConfig, KnowledgeInfo, ModelInfo, PluginApi, PluginInfo, SimpleBot,
    WorkflowRef,
};
use coze_types::{Id, Timestamp};
use coze_workflow::Plan;

use crate::channel::{self, Connector};
use crate::clock::Clock;
use crate::config::{BotConfig, DEMO_BOT_ID, LOCAL_USER, Misfit, PluginUse, Space};
use crate::definition::Definition;
use crate::knowledge::{self, Declared, Embedder};
use crate::library::Library;
use crate::mcp::McpServer;
use crate::models::Model;
use crate::oauth::OAuthApp;
use crate::outbound::Outbound;
use crate::plugins::Plugin;
use crate::store::{BotRecord, WorkflowRecord, number};

/// One reading of `coze.yaml`; it never changes, another reading takes its place.
pub(crate) struct Configured {
    pub(crate) bots: BTreeMap<String, Arc<Agent>>,
    /// All models by name, for workflow nodes.
    pub(crate) models: BTreeMap<String, Arc<dyn Model>>,
    /// The built-in model.
    pub(crate) offline: Arc<dyn Model>,
    pub(crate) workflows: BTreeMap<String, Arc<Workflow>>,
    pub(crate) plugins: BTreeMap<String, Arc<Plugin>>,
    /// MCP servers by name; those that are needed run.
    pub(crate) mcp: BTreeMap<String, Arc<McpServer>>,
    /// Apps, folders and templates.
    pub(crate) library: Library,
    pub(crate) oauth_apps: BTreeMap<String, OAuthApp>,
    /// Channels besides those of Coze.
    pub(crate) connectors: BTreeMap<String, Connector>,
    /// Folders of documents.
    pub(crate) datasets: Vec<Declared>,
    /// Makes vectors of texts, where an endpoint is configured.
    pub(crate) embedder: Option<Arc<Embedder>>,
    /// The way to addresses that callers and documents name.
    pub(crate) outbound: Outbound,
}

impl Configured {
    /// # Errors
    /// What does not fit together, and where.
    pub(crate) fn new(space: &Space) -> Result<Self, Misfit> {
        let read_at = Clock::default().now();
        let workflows = workflows(space, read_at)?;
        let plugins = plugins(space)?;
        let outbound = Outbound::new(space.allow_private_networks)?;
        Ok(Self {
            mcp: mcp(space, &outbound)?,
            models: models(space)?,
            library: Library::new(space, read_at),
            bots: bots(space, &workflows, &plugins, read_at)?,
            offline: crate::models::build(space, None)?,
            workflows,
            plugins,
            oauth_apps: crate::oauth::apps(space)?,
            connectors: channel::connectors(space)?,
            datasets: knowledge::declared(space)?,
            embedder: match &space.embeddings {
                Some(config) => Some(Arc::new(Embedder::new(config)?)),
                None => None,
            },
            outbound,
        })
    }

    /// Takes over the MCP servers of an earlier reading of which the file says the same: what runs
    /// goes on. The others end with the last chat that uses them.
    pub(crate) fn keep_running(&mut self, earlier: &Self) {
        for (name, server) in &mut self.mcp {
            if let Some(it) = earlier.mcp.get(name).filter(|it| it.is_same(server)) {
                *server = Arc::clone(it);
            }
        }
    }

    /// The model of that name, or the built-in one: the ids of Coze's own models mean nothing here.
    pub(crate) fn model(&self, name: Option<&str>) -> Arc<dyn Model> {
        let named = name.and_then(|name| self.models.get(name));
        Arc::clone(named.unwrap_or(&self.offline))
    }
}

/// An agent, ready to answer.
pub(crate) struct Agent {
    /// The space that it belongs to.
    pub(crate) space: i64,
    pub(crate) config: BotConfig,
    pub(crate) model: Arc<dyn Model>,
    /// The workflows that it may call.
    pub(crate) workflows: Vec<Arc<Workflow>>,
    /// The plugins that it uses, as far as they are there.
    pub(crate) plugins: Vec<Arc<Plugin>>,
    /// What the API says about it.
    pub(crate) definition: Definition,
    pub(crate) profile: Profile,
}

/// What is known of an agent besides what it is.
#[derive(Debug, Clone, Default)]
pub(crate) struct Profile {
    pub(crate) owner: i64,
    pub(crate) created_at: i64,
    pub(crate) updated_at: i64,
    /// Empty when it was never published.
    pub(crate) version: String,
    pub(crate) folder: Option<i64>,
    /// It was made through the API; those of `coze.yaml` cannot be changed there.
    pub(crate) stored: bool,
}

/// A workflow, read and checked.
pub(crate) struct Workflow {
    /// The space that it belongs to.
    pub(crate) space: i64,
    pub(crate) owner: i64,
    /// The app that it belongs to.
    pub(crate) app: Option<String>,
    pub(crate) created_at: i64,
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) description: String,
    /// The text of its file, kept with each run.
    pub(crate) canvas: String,
    pub(crate) plan: Arc<Plan>,
}

fn plugins(space: &Space) -> Result<BTreeMap<String, Arc<Plugin>>, Misfit> {
    let mut plugins: BTreeMap<String, Arc<Plugin>> = BTreeMap::new();
    for (index, config) in space.plugins.iter().enumerate() {
        let misfit = |why: String| {
            let place = format!("plugins[{index}].openapi");
            Misfit::new(place, format!("plugins: {}: {why}", config.name))
        };
        let owner = space.space_or_local(config.space.as_deref());
        let owner = owner.map_err(misfit)?;
        let plugin = Plugin::load(config, owner, &space.folder).map_err(misfit)?;
        plugins.insert(config.id.clone(), Arc::new(plugin));
    }
    for (index, bot) in space.bots.iter().enumerate() {
        for (at, used) in bot.plugins.iter().enumerate() {
            let Some(plugin) = plugins.get(&used.id) else {
                continue;
            };
            for name in used.tools.iter().flatten() {
                if plugin.tool(name).is_none() {
                    let why = format!(
                        "bots: {}: the plugin {} has no tool {name:?}",
                        bot.name, used.id
                    );
                    return Err(Misfit::new(format!("bots[{index}].plugins[{at}]"), why));
                }
            }
        }
        for (at, shortcut) in bot.shortcuts.iter().enumerate() {
            let tool = shortcut.tool.as_ref();
            let named = tool.and_then(|it| it.plugin.as_ref().zip(it.tool.as_ref()));
            let Some((id, name)) = named else { continue };
            let used = bot.plugins.iter().find(|it| it.id == *id);
            let found = plugins.get(id).and_then(|it| it.tool(name));
            if !found.is_some_and(|tool| used.is_some_and(|it| it.has(tool))) {
                let why = format!(
                    "bots: {}: shortcuts: {}: tool: the agent has no tool {name:?} of the plugin {id}",
                    bot.name, shortcut.name
                );
                let place = format!("bots[{index}].shortcuts[{at}].tool.tool");
                return Err(Misfit::new(place, why));
            }
        }
    }
    Ok(plugins)
}

fn mcp(space: &Space, outbound: &Outbound) -> Result<BTreeMap<String, Arc<McpServer>>, Misfit> {
    // A program starts in a folder, and the one that the server was started in is not said.
    let folder = match space.folder.as_os_str().is_empty() {
        true => std::env::current_dir(),
        false => std::path::absolute(&space.folder),
    };
    let folder = folder.map_err(|error| format!("the folder of coze.yaml: {error}"))?;
    let mut servers = BTreeMap::new();
    for (name, config) in &space.mcp {
        let owner = space.space_or_local(config.space.as_deref())?;
        let network = (space.allow_private_networks, outbound.clone());
        let server = McpServer::new(name, config, owner, folder.clone(), network);
        servers.insert(name.clone(), Arc::new(server));
    }
    Ok(servers)
}

fn models(space: &Space) -> Result<BTreeMap<String, Arc<dyn Model>>, Misfit> {
    let mut models = BTreeMap::new();
    for name in space.models.keys() {
        let model = crate::models::build(space, Some(name)).map_err(|misfit| {
            misfit.inside(&format!("models.{name}"), &format!("models: {name}"))
        })?;
        models.insert(name.clone(), model);
    }
    Ok(models)
}

fn bots(
    space: &Space,
    workflows: &BTreeMap<String, Arc<Workflow>>,
    plugins: &BTreeMap<String, Arc<Plugin>>,
    read_at: i64,
) -> Result<BTreeMap<String, Arc<Agent>>, Misfit> {
    let mut bots = BTreeMap::new();
    let demo = demo_bot();
    for (index, config) in space.bots.iter().chain([&demo]).enumerate() {
        let misfit = |key: &str, why: String| {
            let why = format!("bots: {}: {why}", config.name);
            Misfit::new(format!("bots[{index}].{key}"), why)
        };
        // An agent of the file may take the demo's place.
        if bots.contains_key(&config.id) {
            continue;
        }
        crate::prompt::check(&config.prompt)
            .map_err(|why| misfit("prompt", format!("prompt: {why}")))?;
        let model = crate::models::build(space, config.model.as_deref()).map_err(|it| {
            it.inside(
                &format!("bots[{index}].model"),
                &format!("bots: {}", config.name),
            )
        })?;
        let mut folders = space.folders.iter();
        let folder = folders.find(|folder| folder.bots.contains(&config.id));
        let home = space.space_or_local(config.space.as_deref());
        let home = home.map_err(|why| format!("bots: {}: {why}", config.name))?;
        bots.insert(
            config.id.clone(),
            Arc::new(Agent {
                space: home,
                plugins: used_plugins(plugins, &config.plugins, home),
                config: config.clone(),
                model,
                workflows: config
                    .workflows
                    .iter()
                    .filter_map(|id| workflows.get(id))
                    .cloned()
                    .collect(),
                definition: Definition::of(config),
                profile: Profile {
                    owner: LOCAL_USER,
                    created_at: read_at,
                    updated_at: read_at,
                    version: (read_at * 1000).to_string(),
                    folder: folder.map(|it| number(&it.id)),
                    ..Profile::default()
                },
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

fn workflows(space: &Space, read_at: i64) -> Result<BTreeMap<String, Arc<Workflow>>, Misfit> {
    let mut workflows = BTreeMap::new();
    for (index, config) in space.workflows.iter().enumerate() {
        let path = space.folder.join(&config.file);
        let fail = |why: &dyn std::fmt::Display| {
            let why = format!("workflows: {}: {}: {why}", config.name, path.display());
            Misfit::new(format!("workflows[{index}].file"), why)
        };
        let canvas = std::fs::read_to_string(&path).map_err(|error| fail(&error))?;
        let (plan, diagnostics) = coze_workflow::parse(&canvas).map_err(|error| fail(&error))?;
        for diagnostic in diagnostics {
            if diagnostic.is_error() {
                return Err(fail(&diagnostic));
            }
            tracing::warn!(workflow = config.name, "{diagnostic}");
        }
        let mut apps = space.apps.iter();
        let app = apps.find(|app| app.workflows.contains(&config.id));
        let workflow = Workflow {
            owner: LOCAL_USER,
            app: app.map(|app| app.id.clone()),
            created_at: read_at,
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

impl Workflow {
    /// A workflow of the store. What was copied had no error, so none is there now.
    pub(crate) fn stored(it: WorkflowRecord) -> Result<Self, String> {
        let (plan, _) = coze_workflow::parse(&it.canvas).map_err(|error| error.to_string())?;
        Ok(Self {
            space: it.space,
            owner: it.owner,
            app: it.app.map(|id| id.to_string()),
            created_at: it.created_at,
            id: it.id.to_string(),
            name: it.name,
            description: it.description,
            canvas: it.canvas,
            plan: Arc::new(plan),
        })
    }
}

impl Agent {
    /// An agent of the store, in one of its states.
    pub(crate) fn stored(
        configured: &Configured,
        bot: &BotRecord,
        definition: &Definition,
        workflows: Vec<Arc<Workflow>>,
        version: Option<(i64, i64)>,
    ) -> Self {
        let config = definition.config(bot.id);
        Self {
            space: bot.space,
            model: configured.model(config.model.as_deref()),
            plugins: used_plugins(&configured.plugins, &config.plugins, bot.space),
            config,
            workflows,
            definition: definition.clone(),
            profile: Profile {
                owner: bot.owner,
                created_at: bot.created_at,
                updated_at: version.map_or(bot.updated_at, |(_, at)| at),
                version: version
                    .or(bot.latest)
                    .map_or_else(String::new, |(it, _)| it.to_string()),
                folder: bot.folder,
                stored: true,
            },
        }
    }

    /// The agent as the API shows it.
    pub(crate) fn wire(&self) -> Bot {
        let (config, profile) = (&self.config, &self.profile);
        let definition = &self.definition;
        let workflows = self.workflows.iter().map(|workflow| WorkflowRef {
            id: workflow.id.as_str().into(),
            name: Some(workflow.name.clone()),
            description: Some(workflow.description.clone()),
            icon_url: Some(String::new()),
        });
        Bot {
            bot_id: config.id.as_str().into(),
            name: config.name.clone(),
            description: config.description.clone(),
            create_time: Timestamp(profile.created_at),
            update_time: Timestamp(profile.updated_at),
            version: profile.version.clone(),
            prompt_info: Some(definition.prompt.clone()),
            onboarding_info: Some(definition.onboarding.clone()),
            plugin_info_list: Some(plugin_list(&self.plugins, &config.plugins)),
            model_info: Some(self.model_info()),
            knowledge: knowledge(&definition.knowledge),
            workflow_info_list: Some(workflows.collect()),
            suggest_reply_info: Some(definition.suggest_reply.clone())
                .filter(|it| it.reply_mode.is_some()),
            shortcut_commands: crate::shortcuts::wire(self),
            variables: Some(definition.variables.clone()).filter(|it| !it.is_empty()),
            owner_user_id: Some(Id::from(profile.owner)),
            folder_id: profile.folder.map(Id::from),
            ..Bot::default()
        }
    }

    fn model_info(&self) -> ModelInfo {
        let config = self.definition.model.clone().unwrap_or_default();
        let id = match config.model_id.is_empty() {
            true => self.model.name().into(),
            false => config.model_id,
        };
        ModelInfo {
            model_id: Some(id),
            model_name: Some(self.model.name().to_owned()),
            top_k: config.top_k,
            top_p: config.top_p,
            temperature: config.temperature,
            max_tokens: config.max_tokens,
            context_round: config.context_round,
            response_format: config.response_format,
            presence_penalty: config.presence_penalty,
            frequency_penalty: config.frequency_penalty,
            sp_anti_leak: config.sp_anti_leak,
            sp_current_time: config.sp_current_time,
            cache_type: config.cache_type,
            api_mode: config.api_mode,
            parameters: config
                .parameters
                .and_then(|it| serde_json::to_value(it).ok()),
        }
    }

    /// The agent as lists show it.
    pub(crate) fn summary(&self) -> SimpleBot {
        let profile = &self.profile;
        SimpleBot {
            id: self.config.id.as_str().into(),
            name: self.config.name.clone(),
            description: self.config.description.clone(),
            is_published: true,
            updated_at: Timestamp(profile.updated_at),
            published_at: Some(Timestamp(profile.updated_at)),
            owner_user_id: profile.owner.into(),
            folder_id: profile.folder.map(Id::from),
            ..SimpleBot::default()
        }
    }
}

/// Those of the plugins that an agent uses; one made through the API may name what another
/// workspace has.
fn used_plugins(
    plugins: &BTreeMap<String, Arc<Plugin>>,
    used: &[PluginUse],
    space: i64,
) -> Vec<Arc<Plugin>> {
    let found = used.iter().filter_map(|it| plugins.get(&it.id));
    found.filter(|it| it.space == space).cloned().collect()
}

/// The plugins of an agent; of one that is not there, what the agent says.
fn plugin_list(plugins: &[Arc<Plugin>], used: &[PluginUse]) -> Vec<PluginInfo> {
    let info = |used: &PluginUse| {
        let plugin = plugins.iter().find(|it| it.id == used.id);
        let Some(plugin) = plugin else {
            let apis = used.tools.iter().flatten().map(|id| PluginApi {
                api_id: id.as_str().into(),
                ..PluginApi::default()
            });
            return PluginInfo {
                plugin_id: used.id.as_str().into(),
                api_info_list: Some(apis.collect()),
                ..PluginInfo::default()
            };
        };
        let tools = plugin.tools.iter().filter(|tool| used.has(tool));
        let apis = tools.map(|tool| PluginApi {
            api_id: tool.id.into(),
            name: Some(tool.name.clone()),
            description: Some(tool.description.clone()),
        });
        PluginInfo {
            plugin_id: plugin.wire_id(),
            name: Some(plugin.name.clone()),
            description: Some(plugin.description.clone()),
            icon_url: Some(String::new()),
            api_info_list: Some(apis.collect()),
        }
    };
    used.iter().map(info).collect()
}

fn knowledge(config: &KnowledgeConfig) -> Option<BotKnowledge> {
    let info = |id: &Id| KnowledgeInfo {
        id: id.clone(),
        ..KnowledgeInfo::default()
    };
    let datasets = config.dataset_ids.as_ref()?;
    Some(BotKnowledge {
        knowledge_infos: datasets.iter().map(info).collect(),
    })
}
