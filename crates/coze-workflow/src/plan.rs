//! The compiled workflow: nodes with their predecessors, inputs and settings. A plan never changes
//! while it runs; any number of runs share one.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;

use crate::catalogue::NodeType;
use crate::diagnostic::{Diagnostic, name_of};
use crate::node::NodeSpec;
use crate::node::end::Terminate;
use crate::path::NodeId;
use crate::reference::Input;
use crate::value::Variable;

/// A workflow that is ready to run. Made by [`parse`](crate::parse).
#[derive(Debug)]
pub struct Plan {
    pub(crate) root: Body,
    pub(crate) start: Option<usize>,
    pub(crate) end: Option<usize>,
    pub(crate) errors: Vec<Diagnostic>,
}

/// A graph of nodes: the workflow itself, or what a container repeats.
#[derive(Debug, Default)]
pub(crate) struct Body {
    pub(crate) nodes: Vec<Node>,
    pub(crate) index: BTreeMap<String, usize>,
}

/// What everybody may know about a node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NodeInfo {
    /// The id in the canvas.
    pub id: NodeId,
    /// The title in the canvas.
    pub title: String,
    /// The type; in JSON its display key.
    pub node_type: NodeType,
}

impl NodeInfo {
    /// `node "Ask" (id 123)`
    pub fn name(&self) -> String {
        name_of(self.id.as_str(), &self.title)
    }
}

#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) info: Arc<NodeInfo>,
    pub(crate) incoming: Vec<Edge>,
    /// Nodes whose outputs it reads.
    pub(crate) data: Vec<usize>,
    /// Nodes that wait for it: behind it, or reading its outputs.
    pub(crate) dependents: Vec<usize>,
    pub(crate) inputs: Vec<Input>,
    pub(crate) outputs: Vec<Variable>,
    pub(crate) on_error: OnError,
    pub(crate) spec: NodeSpec,
    /// The nodes inside a container. The engine does not run them yet.
    pub(crate) body: Option<Body>,
    /// Nodes whose text it can show while they still produce it.
    pub(crate) streams_from: Vec<usize>,
    /// Nodes that show its text while it is produced.
    pub(crate) streams_to: Vec<usize>,
}

/// A control edge, seen from its target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Edge {
    pub(crate) from: usize,
    pub(crate) port: Port,
}

/// Where an edge leaves its source; also which way a node that is done has chosen.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Port {
    /// An edge without a port: followed whenever the node succeeds.
    Plain,
    /// The n-th branch of a condition, an intent or a question.
    Branch(usize),
    /// None of the branches; of other nodes: success.
    Default,
    /// The node failed and goes on anyway.
    Error,
    /// A name nobody knows; never followed.
    Unknown(String),
}

impl Port {
    pub(crate) fn from_wire(name: &str) -> Self {
        match name {
            "" | "loop-output" | "batch-output" => return Self::Plain,
            "true" => return Self::Branch(0),
            "false" | "default" => return Self::Default,
            "branch_error" => return Self::Error,
            _ => {}
        }
        let branch = name
            .strip_prefix("true_")
            .or_else(|| name.strip_prefix("branch_"));
        match branch.and_then(|number| number.parse().ok()) {
            Some(number) => Self::Branch(number),
            None => Self::Unknown(name.to_owned()),
        }
    }

    /// Is an edge at this port followed when its source chose `chosen`?
    pub(crate) fn is_followed(&self, chosen: &Self) -> bool {
        match self {
            Self::Plain => *chosen != Self::Error,
            Self::Unknown(_) => false,
            port => port == chosen,
        }
    }
}

/// What happens when a node fails.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct OnError {
    pub(crate) policy: ErrorPolicy,
    /// One budget for all attempts.
    pub(crate) timeout_ms: Option<u64>,
    pub(crate) retries: u32,
    /// Settings of the model for retries, as JSON text.
    pub(crate) backup_model: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) enum ErrorPolicy {
    /// The run fails.
    #[default]
    Throw,
    /// The node succeeds with these outputs (JSON text).
    Default(String),
    /// The run goes on at the error port.
    Branch,
}

/// How a workflow answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum TerminatePlan {
    /// The result is the variables of the end node.
    ReturnVariables,
    /// The result is one text.
    UseAnswerContent,
}

impl Plan {
    /// The nodes of the workflow itself, in canvas order, without comments and unconnected ones.
    pub fn nodes(&self) -> impl Iterator<Item = &NodeInfo> {
        self.root.nodes.iter().map(|node| &*node.info)
    }

    /// The nodes inside a container of the workflow; none if it is not one.
    pub fn inner_nodes(&self, container: &str) -> impl Iterator<Item = &NodeInfo> {
        let node = self
            .root
            .index
            .get(container)
            .and_then(|&at| self.root.nodes.get(at));
        let body = node.and_then(|node| node.body.as_ref());
        body.into_iter()
            .flat_map(|body| &body.nodes)
            .map(|node| &*node.info)
    }

    /// The nodes that the engine cannot run; a run fails when it reaches one of them.
    pub fn unsupported(&self) -> impl Iterator<Item = &NodeInfo> {
        let nodes = self.root.nodes.iter();
        nodes
            .filter(|node| matches!(node.spec, NodeSpec::Unsupported(_)))
            .map(|node| &*node.info)
    }

    /// What a caller may give: the declared variables of the start node.
    pub fn start_inputs(&self) -> &[Variable] {
        let start = self.start.and_then(|at| self.root.nodes.get(at));
        start.map_or(&[], |node| &node.outputs)
    }

    fn end_node(&self) -> Option<&Node> {
        self.end.and_then(|at| self.root.nodes.get(at))
    }

    /// What comes out: the variables of the end node, or `output` for one text.
    pub fn end_outputs(&self) -> Vec<Variable> {
        if self.terminate_plan() == TerminatePlan::UseAnswerContent {
            let (name, ty) = ("output".to_owned(), crate::Type::String);
            return vec![Variable {
                name,
                ty,
                ..Variable::default()
            }];
        }
        let inputs = self.end_node().map_or(&[][..], |node| &node.inputs);
        let output = |input: &Input| Variable {
            name: input.name.clone(),
            ty: input.ty.clone(),
            ..Variable::default()
        };
        inputs.iter().map(output).collect()
    }

    /// How the workflow answers.
    pub fn terminate_plan(&self) -> TerminatePlan {
        match self.end_node().map(|node| &node.spec) {
            Some(NodeSpec::End(end)) if matches!(end.terminate, Terminate::Answer(_)) => {
                TerminatePlan::UseAnswerContent
            }
            _ => TerminatePlan::ReturnVariables,
        }
    }

    /// Is it a chatflow? Their start nodes always have these two variables.
    pub fn is_chatflow(&self) -> bool {
        let has = |name: &str| self.start_inputs().iter().any(|input| input.name == name);
        has("USER_INPUT") && has("CONVERSATION_NAME")
    }

    /// The findings that keep it from running; empty if it can run.
    pub fn errors(&self) -> &[Diagnostic] {
        &self.errors
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports() {
        for (name, expected) in [
            ("", Port::Plain),
            ("loop-output", Port::Plain),
            ("true", Port::Branch(0)),
            ("true_2", Port::Branch(2)),
            ("branch_0", Port::Branch(0)),
            ("false", Port::Default),
            ("default", Port::Default),
            ("branch_error", Port::Error),
            ("true_x", Port::Unknown("true_x".into())),
        ] {
            assert_eq!(Port::from_wire(name), expected);
        }
    }

    #[test]
    fn followed() {
        assert!(Port::Plain.is_followed(&Port::Default));
        assert!(Port::Plain.is_followed(&Port::Branch(3)));
        assert!(!Port::Plain.is_followed(&Port::Error));
        assert!(Port::Error.is_followed(&Port::Error));
        assert!(!Port::Branch(1).is_followed(&Port::Branch(0)));
        let unknown = Port::Unknown("x".into());
        assert!(!unknown.is_followed(&unknown));
    }
}
