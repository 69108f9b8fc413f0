//! The tools of an agent: whose they are, what the model is told of them, and how they are called.

mod builtin;
pub(crate) mod calculator;

use std::sync::Arc;

use futures_util::future::join_all;
use serde_json::{Map, Value};

use crate::app::App;
use crate::config::{McpUse, ShortcutToolConfig};
use crate::configured::{Agent, Configured, Workflow};
use crate::mcp::{McpServer, McpTool};
use crate::models::{ModelError, ToolSpec};
use crate::plugins::{Plugin, PluginTool};
use crate::workflows::{self, ToolRun};

pub(crate) use builtin::call;

/// The longest output that a model gets to read, in characters.
const OUTPUT: usize = 100_000;

/// A tool that the model may call.
pub(crate) struct Tool {
    pub(crate) spec: ToolSpec,
    origin: Origin,
}

/// Who carries a tool out.
enum Origin {
    /// The caller.
    Local,
    Workflow(Arc<Workflow>),
    /// A plugin, and the place of the tool in it.
    Plugin(Arc<Plugin>, usize),
    /// An MCP server, the tools that it had at the beginning, and the place of the tool in them.
    Mcp(Arc<McpServer>, Arc<[McpTool]>, usize),
}

/// The tools of an agent, at the beginning of a chat, or those of a node.
#[derive(Default)]
pub(crate) struct Toolbox(Vec<Tool>);

impl Toolbox {
    /// The tools of an agent; starts the MCP servers that it uses.
    ///
    /// # Errors
    /// An MCP server that the agent needs cannot be used.
    pub(crate) async fn of(agent: &Agent, configured: &Configured) -> Result<Self, ModelError> {
        let mut tools = Self::plain(agent);
        let servers = agent.config.mcp.iter().filter_map(|used| {
            let server = configured.mcp.get(&used.server)?;
            (server.space == agent.space).then_some((used, server))
        });
        let started = servers.map(async |(used, server)| (used, server, server.tools().await));
        for (used, server, found) in join_all(started).await {
            let added = found.map_err(|error| error.to_string());
            let added = added.and_then(|found| tools.add_server(used, server, &found));
            match added {
                Ok(()) => {}
                Err(msg) if server.is_required() => return Err(ModelError { code: 5000, msg }),
                Err(msg) => tracing::warn!(error = msg, "a chat goes on without an MCP server"),
            }
        }
        Ok(tools)
    }

    /// The tools of a server that an agent uses.
    fn add_server(
        &mut self,
        used: &McpUse,
        server: &Arc<McpServer>,
        found: &Arc<[McpTool]>,
    ) -> Result<(), String> {
        for name in used.tools.iter().flatten() {
            if !found.iter().any(|it| it.name == *name) {
                return Err(format!(
                    "the MCP server {} has no tool {name:?}",
                    used.server
                ));
            }
        }
        for (index, tool) in found.iter().enumerate() {
            if used.tools.as_ref().is_none_or(|it| it.contains(&tool.name)) {
                let spec = ToolSpec {
                    name: server.model_name(tool),
                    description: tool.description.clone(),
                    parameters: tool.input.clone(),
                };
                let origin = Origin::Mcp(Arc::clone(server), Arc::clone(found), index);
                self.add(spec, origin);
            }
        }
        Ok(())
    }

    /// Those that are there without asking anybody.
    fn plain(agent: &Agent) -> Self {
        let mut tools = Self::default();
        for tool in &agent.config.tools {
            let spec = ToolSpec {
                name: tool.name.clone(),
                description: tool.description.clone(),
                parameters: tool.parameters.clone(),
            };
            tools.add(spec, Origin::Local);
        }
        for workflow in &agent.workflows {
            tools.add_workflow(workflow);
        }
        for used in &agent.config.plugins {
            let Some(plugin) = agent.plugins.iter().find(|it| it.id == used.id) else {
                continue;
            };
            for (index, tool) in plugin.tools.iter().enumerate() {
                if used.has(tool) {
                    tools.add_plugin(plugin, index);
                }
            }
        }
        tools
    }

    pub(crate) fn add_workflow(&mut self, workflow: &Arc<Workflow>) {
        let spec = ToolSpec {
            name: workflow.name.clone(),
            description: workflow.description.clone(),
            parameters: workflows::input_schema(&workflow.plan),
        };
        self.add(spec, Origin::Workflow(Arc::clone(workflow)));
    }

    /// The tool at that place of a plugin.
    pub(crate) fn add_plugin(&mut self, plugin: &Arc<Plugin>, index: usize) {
        let Some(tool) = plugin.tools.get(index) else {
            return;
        };
        let spec = ToolSpec {
            name: plugin.model_name(tool),
            description: tool.description.clone(),
            parameters: tool.input.clone(),
        };
        self.add(spec, Origin::Plugin(Arc::clone(plugin), index));
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// A name stands for one tool: the first.
    fn add(&mut self, spec: ToolSpec, origin: Origin) {
        if self.find(&spec.name).is_none() {
            self.0.push(Tool { spec, origin });
        }
    }

    pub(crate) fn find(&self, name: &str) -> Option<&Tool> {
        self.0.iter().find(|tool| tool.spec.name == name)
    }

    pub(crate) fn specs(&self) -> Vec<ToolSpec> {
        self.0.iter().map(|tool| tool.spec.clone()).collect()
    }

    /// The name under which the model sees the tool of a shortcut.
    pub(crate) fn shortcut(&self, wanted: &ShortcutToolConfig) -> Option<&str> {
        let is_it = |tool: &&Tool| match &tool.origin {
            Origin::Workflow(it) => wanted.workflow.as_ref() == Some(&it.id),
            Origin::Plugin(plugin, index) => {
                let name = plugin.tools.get(*index).map(|it| &it.name);
                wanted.plugin.as_ref() == Some(&plugin.id) && wanted.tool.as_ref() == name
            }
            Origin::Local | Origin::Mcp(..) => false,
        };
        self.0.iter().find(is_it).map(|it| it.spec.name.as_str())
    }

    /// Carries a tool out. Failures are told to the model, which can mend them.
    pub(crate) async fn call(
        &self,
        app: &App,
        name: &str,
        arguments: &str,
        run: ToolRun<'_>,
    ) -> Output {
        let called = match self.find(name) {
            Some(tool) => tool.call(app, arguments, run).await,
            None => builtin::call(name, arguments, app.now())
                .map(Output::of)
                .ok_or_else(|| format!("there is no tool named {name}")),
        };
        let mut output = called.unwrap_or_else(|why| Output::of(format!("error: {why}")));
        if let Some((end, _)) = output.text.char_indices().nth(OUTPUT) {
            output.text.truncate(end);
            output.text.push_str("… (cut)");
        }
        output
    }
}

/// What a tool gave.
#[derive(Debug, Default)]
pub(crate) struct Output {
    /// For the model.
    pub(crate) text: String,
    /// It is an answer in words, which the user of a chat has been told already.
    pub(crate) is_answer: bool,
}

impl Output {
    fn of(text: String) -> Self {
        let is_answer = false;
        Self { text, is_answer }
    }
}

impl crate::config::PluginUse {
    /// Whether a tool is one of those that are used.
    pub(crate) fn has(&self, tool: &PluginTool) -> bool {
        let id = tool.id.to_string();
        let named = |it: &String| *it == tool.name || *it == id;
        self.tools
            .as_ref()
            .is_none_or(|tools| tools.iter().any(named))
    }
}

impl Tool {
    /// The caller carries it out.
    pub(crate) fn is_local(&self) -> bool {
        matches!(self.origin, Origin::Local)
    }

    /// The plugin and the tool as numbers, which `function_call` messages carry.
    pub(crate) fn numbers(&self) -> Option<(i64, i64)> {
        match &self.origin {
            Origin::Plugin(plugin, index) => {
                let tool = plugin.tools.get(*index)?;
                Some((plugin.id.parse().ok()?, tool.id))
            }
            Origin::Mcp(server, tools, index) => Some((server.id(), tools.get(*index)?.id)),
            Origin::Local | Origin::Workflow(_) => None,
        }
    }

    async fn call(&self, app: &App, arguments: &str, run: ToolRun<'_>) -> Result<Output, String> {
        if let Origin::Workflow(workflow) = &self.origin {
            // A run writes down how it ended, so it is told and not dropped.
            return workflows::call_as_tool(app, workflow, arguments, run).await;
        }
        // A call that is dropped hangs up, or is cancelled there.
        let output = run
            .cancel
            .run_until_cancelled(self.call_out(app, arguments));
        match output.await {
            Some(output) => output.map(Output::of),
            None => Err("the chat was cancelled".to_owned()),
        }
    }

    async fn call_out(&self, app: &App, arguments: &str) -> Result<String, String> {
        match &self.origin {
            // Never asked for: the chat stops and waits for its output.
            Origin::Local | Origin::Workflow(_) => Err("this tool is not called out".to_owned()),
            Origin::Plugin(plugin, index) => {
                let tool = plugin.tools.get(*index).ok_or("the tool is gone")?;
                let arguments = object(arguments)?;
                let outbound = app.configured().outbound.clone();
                let result = plugin.call(&outbound, tool, &arguments).await;
                Ok(text(result.map_err(|error| error.to_string())?))
            }
            Origin::Mcp(server, tools, index) => {
                let tool = tools.get(*index).ok_or("the tool is gone")?;
                let result = server.call(&tool.name, object(arguments)?).await;
                result.map_err(|error| error.to_string())
            }
        }
    }
}

/// The arguments of a call: an object; nothing at all counts as an empty one.
fn object(arguments: &str) -> Result<Map<String, Value>, String> {
    if arguments.trim().is_empty() {
        return Ok(Map::new());
    }
    serde_json::from_str(arguments)
        .map_err(|error| format!("the arguments are no JSON object: {error}"))
}

fn text(value: Value) -> String {
    match value {
        Value::String(text) => text,
        other => other.to_string(),
    }
}
