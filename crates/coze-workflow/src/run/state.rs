//! What is known about the nodes of a graph while it runs.

use serde::Serialize;
use serde_json::{Map, Value};

use super::effect::Task;
use super::event::Usage;
use crate::code::{self, NodeError};
use crate::convert::convert;
use crate::node::{self, Inputs};
use crate::path::Frame;
use crate::plan::{Node, NodeInfo, Plan, Port};
use crate::reference::{Globals, Output, Sources};
use crate::value::weight;

/// A value of many megabytes may be given to a node; a thousand copies of it may not.
const MAX_INPUTS: usize = 64 << 20;

/// The state of one graph: of the workflow, or (later) of one turn of a container.
#[derive(Debug)]
pub(crate) struct Scope {
    #[expect(dead_code, reason = "containers address their turns by it")]
    pub(crate) frames: Vec<Frame>,
    /// As many as the graph has nodes, in the same order: an index of the plan is one of these.
    pub(crate) nodes: Vec<NodeState>,
}

#[derive(Debug)]
pub(crate) struct NodeState {
    pub(crate) status: Status,
    pub(crate) outputs: Map<String, Value>,
    /// Which way it chose.
    pub(crate) port: Port,
    pub(crate) note: Option<String>,
    pub(crate) error: Option<NodeError>,
    /// The text a model has produced so far, while others show it.
    pub(crate) streamed: String,
    pub(crate) emission: super::emission::Progress,
    /// How many messages it has sent.
    pub(crate) seq: u64,
    pub(crate) usage: Usage,
}

#[derive(Debug)]
pub(crate) enum Status {
    Waiting,
    Running(Box<Task>),
    /// It shows a text of which parts are still missing.
    Emitting,
    Asking,
    Done,
    Skipped,
    Failed,
    Aborted,
}

impl Scope {
    pub(crate) fn new(nodes: usize) -> Self {
        let waiting = || NodeState {
            status: Status::Waiting,
            outputs: Map::new(),
            port: Port::Default,
            note: None,
            error: None,
            streamed: String::new(),
            emission: super::emission::Progress::default(),
            seq: 0,
            usage: Usage::default(),
        };
        let nodes = std::iter::repeat_with(waiting).take(nodes).collect();
        Self {
            frames: Vec::new(),
            nodes,
        }
    }
}

/// What became of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum NodeStatus {
    /// Its turn has not come.
    Waiting,
    /// It works, shows a text, or waits for the user.
    Running,
    /// It is done.
    Success,
    /// No branch that was taken leads to it.
    Skipped,
    /// It failed.
    Failed,
    /// It was given up when the run ended.
    Aborted,
}

/// What became of a node, with everything it left behind.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct NodeRecord<'a> {
    /// The node.
    pub node: &'a NodeInfo,
    /// Its state.
    pub status: NodeStatus,
    /// Its outputs; empty until it is done.
    pub outputs: &'a Map<String, Value>,
    /// A sentence about what it did.
    pub note: Option<&'a str>,
    /// The number of its error, also of one that its settings caught.
    pub error_code: Option<i64>,
    /// The text of its error.
    pub error_message: Option<&'a str>,
    /// What it cost.
    pub usage: Usage,
}

impl NodeState {
    pub(crate) fn record<'a>(&'a self, node: &'a NodeInfo) -> NodeRecord<'a> {
        NodeRecord {
            node,
            status: match self.status {
                Status::Waiting => NodeStatus::Waiting,
                Status::Running(_) | Status::Emitting | Status::Asking => NodeStatus::Running,
                Status::Done => NodeStatus::Success,
                Status::Skipped => NodeStatus::Skipped,
                Status::Failed => NodeStatus::Failed,
                Status::Aborted => NodeStatus::Aborted,
            },
            outputs: &self.outputs,
            note: self.note.as_deref(),
            error_code: self.error.as_ref().map(|error| error.code),
            error_message: self.error.as_ref().map(|error| error.message.as_str()),
            usage: self.usage,
        }
    }
}

/// What references can see.
pub(crate) struct View<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) scope: &'a Scope,
    pub(crate) globals: &'a Globals,
}

impl Sources for View<'_> {
    fn output(&self, node: &str) -> Output<'_> {
        let state = self
            .plan
            .root
            .index
            .get(node)
            .and_then(|&at| self.scope.nodes.get(at));
        match state {
            Some(NodeState {
                status: Status::Done,
                outputs,
                ..
            }) => Output::Values(outputs),
            _ => Output::Skipped,
        }
    }

    fn globals(&self) -> &Globals {
        self.globals
    }
}

/// The inputs of a node: resolved, converted, and completed where its type wants that.
pub(crate) fn inputs(
    node: &Node,
    view: &View<'_>,
    warnings: &mut Vec<NodeError>,
) -> Result<Inputs, NodeError> {
    let mut inputs = Inputs::default();
    let mut total = 0;
    for input in &node.inputs {
        let (value, skipped) = one_input(node, input, view, warnings)?;
        total += weight(&value);
        if total > MAX_INPUTS {
            return Err(NodeError::failed(format!(
                "its inputs are larger than {MAX_INPUTS} bytes"
            )));
        }
        if skipped {
            inputs.skipped.insert(input.name.clone());
        }
        inputs.values.insert(input.name.clone(), value);
    }
    Ok(inputs)
}

/// The value of one input; `true` if it comes from a node that was skipped.
pub(crate) fn one_input(
    node: &Node,
    input: &crate::reference::Input,
    view: &View<'_>,
    warnings: &mut Vec<NodeError>,
) -> Result<(Value, bool), NodeError> {
    let resolved = input.resolve(view)?;
    let mut messages = Vec::new();
    let mut value = convert(resolved.value, &input.ty, &input.name, &mut messages);
    warnings.extend(
        messages
            .into_iter()
            .map(|m| NodeError::new(code::PARSE_WARNING, m)),
    );
    if value.is_null() && node::fills_inputs(&node.info.node_type) {
        value = input.ty.zero();
    }
    Ok((value, resolved.skipped))
}
