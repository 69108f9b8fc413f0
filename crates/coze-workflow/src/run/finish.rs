//! How nodes and runs end, and what the user is told.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::Run;
use super::effect::{Effect, Failure, Message, Outcome};
use super::state::Status;
use crate::code::NodeError;
use crate::convert::convert;
use crate::node::{Done, NodeSpec};
use crate::path::NodePath;
use crate::plan::{ErrorPolicy, Node, Port};
use crate::value::{Type, plain_text};

impl Run {
    pub(super) fn reach_end(&mut self, at: usize, node: &Node) {
        let output = self.root.nodes[at].outputs.clone();
        let answer = node
            .spec
            .emission()
            .and(output.get("output"))
            .map(plain_text);
        let usage = self.usage;
        if answer.is_none() {
            let content = Value::Object(output.clone()).to_string();
            let message = self.message(at, content, true);
            self.effects.push(Effect::EmitMessage(message));
        }
        self.finish(Outcome::Success {
            output,
            answer,
            usage,
        });
    }

    /// A piece of text from this node.
    pub(super) fn message(&mut self, at: usize, content: String, finished: bool) -> Message {
        let info = &self.plan.root.nodes[at].info;
        let state = &mut self.root.nodes[at];
        let seq = state.seq;
        state.seq += 1;
        let is_end = self.plan.end == Some(at);
        Message {
            path: NodePath::root(&info.id),
            node: Arc::clone(info),
            content,
            content_type: "text",
            seq,
            finished,
            is_end,
            is_interrupt: false,
            usage: (is_end && finished).then_some(self.usage),
        }
    }

    pub(super) fn present(&mut self) {
        let Some((at, interrupt)) = self.interrupts.front().cloned() else {
            return;
        };
        self.presented = true;
        let mut message = self.message(at, interrupt.data(), true);
        message.is_interrupt = true;
        self.effects.push(Effect::EmitMessage(message));
        self.effects.push(Effect::Interrupt(interrupt));
    }

    /// A node has failed for good: its settings say what that means.
    pub(super) fn node_failed(&mut self, at: usize, error: NodeError) {
        let plan = Arc::clone(&self.plan);
        let node = &plan.root.nodes[at];
        self.root.nodes[at].error = Some(error.clone());
        let policy = match &node.spec {
            NodeSpec::Llm(_) => &node.on_error.policy,
            _ => &ErrorPolicy::Throw,
        };
        let (mut outputs, port) = match policy {
            ErrorPolicy::Throw => {
                self.fail(error.code, error.message, Some(at));
                return;
            }
            ErrorPolicy::Default(data) => (default_outputs(data, node), Port::Default),
            ErrorPolicy::Branch => (Map::new(), Port::Error),
        };
        let mut body = Map::new();
        body.insert("errorMessage".into(), error.message.into());
        body.insert("errorCode".into(), error.code.to_string().into());
        outputs.insert("isSuccess".into(), false.into());
        outputs.insert("errorBody".into(), Value::Object(body));
        self.complete(
            at,
            Done {
                outputs,
                port,
                note: None,
            },
            false,
        );
    }

    pub(super) fn fail(&mut self, code: i64, message: String, at: Option<usize>) {
        let info = at.map(|at| Arc::clone(&self.plan.root.nodes[at].info));
        let message = match &info {
            Some(info) => format!("{}: {message}", info.name()),
            None => message,
        };
        if let Some(at) = at {
            self.root.nodes[at].status = Status::Failed;
        }
        let path = info.map(|info| NodePath::root(&info.id));
        let usage = self.usage;
        self.finish(Outcome::Failed(Failure {
            code,
            message,
            path,
            usage,
        }));
    }

    pub(super) fn finish(&mut self, outcome: Outcome) {
        if self.outcome.is_some() {
            return;
        }
        for at in std::mem::take(&mut self.running) {
            if let Status::Running(task) = &self.root.nodes[at].status {
                self.effects.push(Effect::Abort {
                    task: task.id.clone(),
                });
            }
        }
        for state in &mut self.root.nodes {
            if matches!(
                state.status,
                Status::Running(_) | Status::Emitting | Status::Asking
            ) {
                state.status = Status::Aborted;
            }
        }
        self.interrupts.clear();
        self.candidates.clear();
        self.ready.clear();
        self.effects.push(Effect::Finish(outcome.clone()));
        self.outcome = Some(outcome);
    }
}

/// The outputs an author wrote down for the case of failure.
fn default_outputs(data: &str, node: &Node) -> Map<String, Value> {
    let mut ignored = Vec::new();
    if let Ok(json @ Value::Object(_)) = serde_json::from_str(data) {
        let declared = Type::Object(node.outputs.clone());
        if let Value::Object(map) = convert(json, &declared, "dataOnErr", &mut ignored) {
            return map;
        }
    }
    let outputs = node.outputs.iter().map(|output| {
        let value = if output.ty == Type::String {
            data.into()
        } else {
            output.ty.zero()
        };
        (output.name.clone(), value)
    });
    outputs.collect()
}
