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

/// The tools of an agent, at the beginning of a chat.
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
            let spec = ToolSpec {
                name: workflow.name.clone(),
                description: workflow.description.clone(),
                parameters: workflows::input_schema(&workflow.plan),
            };
            tools.add(spec, Origin::Workflow(Arc::clone(workflow)));
        }
        for used in &agent.config.plugins {
            let Some(plugin) = agent.plugins.iter().find(|it| it.id == used.id) else {
                continue;
            };
            for (index, tool) in plugin.tools.iter().enumerate() {
                if used.has(tool) {
                    let spec = ToolSpec {
                        name: plugin.model_name(tool),
                        description: tool.description.clone(),
                        parameters: tool.input.clone(),
                    };
                    tools.add(spec, Origin::Plugin(Arc::clone(plugin), index));
                }
            }
        }
        tools
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
        chat: &ChatRecord,
        cancel: &CancellationToken,
    ) -> String {
        let called = match self.find(name) {
            Some(tool) => tool.call(app, arguments, chat, cancel).await,
            None => builtin::call(name, arguments, app.now())
                .ok_or_else(|| format!("there is no tool named {name}")),
        };
        let output = called.unwrap_or_else(|why| format!("error: {why}"));
        match output.char_indices().nth(OUTPUT) {
            Some((end, _)) => format!("{}… (cut)", output.get(..end).unwrap_or_default()),
            None => output,
        }
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
        chat: &ChatRecord,
        cancel: &CancellationToken,
    ) -> Result<String, String> {
        if let Origin::Workflow(workflow) = &self.origin {
            // A run writes down how it ended, so it is told and not dropped.
            return workflows::call_as_tool(app, workflow, arguments, chat, cancel).await;
        }
        let output = cancel.run_until_cancelled(self.call_out(app, arguments));
        output
            .await
            .unwrap_or_else(|| Err("the chat was cancelled".to_owned()))
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
