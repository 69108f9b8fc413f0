//! The tools of an agent: whose they are, what the model is told of them, and how they are called.

mod builtin;
pub(crate) mod calculator;

use std::sync::Arc;

use serde_json::{Map, Value};
use tokio_util::sync::CancellationToken;

use crate::app::App;
use crate::configured::{Agent, Workflow};
use crate::models::ToolSpec;
use crate::plugins::{Plugin, PluginTool};
use crate::store::ChatRecord;
use crate::workflows;

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
}

/// For whom tools are called.
#[derive(Debug, Clone, Default)]
pub(crate) struct Actor {
    pub(crate) bot_id: String,
    pub(crate) user_id: String,
    /// Runs of workflows that called each other as tools to get here.
    pub(crate) depth: u8,
}

impl Actor {
    pub(crate) fn of_chat(chat: &ChatRecord) -> Self {
        Self {
            bot_id: chat.chat.bot_id.as_deref().unwrap_or("0").to_owned(),
            user_id: chat.user_id.clone(),
            depth: 0,
        }
    }
}

/// What a tool put out.
#[derive(Debug, Default)]
pub(crate) struct Called {
    pub(crate) output: String,
    /// It is an answer in words, of a workflow that ends with one.
    pub(crate) answers: bool,
}

/// The tools of an agent, at the beginning of a chat, or those of a node.
#[derive(Default)]
pub(crate) struct Toolbox(Vec<Tool>);

impl Toolbox {
    pub(crate) fn of(agent: &Agent) -> Self {
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

    /// Carries a tool out. Failures are told to the model, which can mend them.
    pub(crate) async fn call(
        &self,
        app: &App,
        name: &str,
        arguments: &str,
        actor: &Actor,
        cancel: &CancellationToken,
    ) -> Called {
        let called = match self.find(name) {
            Some(tool) => tool.call(app, arguments, actor, cancel).await,
            None => builtin::call(name, arguments, app.now())
                .map(|output| Called {
                    output,
                    answers: false,
                })
                .ok_or_else(|| format!("there is no tool named {name}")),
        };
        let mut called = called.unwrap_or_else(|why| Called {
            output: format!("error: {why}"),
            answers: false,
        });
        if let Some((end, _)) = called.output.char_indices().nth(OUTPUT) {
            called.output.truncate(end);
            called.output.push_str("… (cut)");
        }
        called
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
            Origin::Local | Origin::Workflow(_) => None,
        }
    }

    async fn call(
        &self,
        app: &App,
        arguments: &str,
        actor: &Actor,
        cancel: &CancellationToken,
    ) -> Result<Called, String> {
        if let Origin::Workflow(workflow) = &self.origin {
            // A run writes down how it ended, so it is told and not dropped.
            return workflows::call_as_tool(app, workflow, arguments, actor, cancel).await;
        }
        let output = cancel.run_until_cancelled(self.call_out(app, arguments));
        let output = output.await;
        let output = output.unwrap_or_else(|| Err("the chat was cancelled".to_owned()))?;
        Ok(Called {
            output,
            answers: false,
        })
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
