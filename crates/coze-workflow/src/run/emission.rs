//! Texts that are shown while their parts are still being produced: in the order of the template,
//! as far as it can be told.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::effect::Effect;
use super::state::{self, Status, View};
use super::{NodeError, Run};
use crate::code;
use crate::compile::streaming_source;
use crate::node::Done;
use crate::path::{NodePath, TaskId};
use crate::plan::Node;
use crate::template::{MAX_TEXT, Placeholder, Segment, Slot};

/// How much of a template has been shown.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    /// The first segment that is not shown completely.
    segment: usize,
    /// Where the text of that segment begins in `text`.
    segment_start: usize,
    /// The text up to here, as the whole values have it. Once a value is whole, this holds no trace
    /// of how it was streamed: a replay comes to the same.
    text: String,
    /// What is to be shown next.
    chunk: String,
    /// Has anything been shown?
    begun: bool,
}

impl Progress {
    fn push(&mut self, text: &str) {
        self.text.push_str(text);
        self.chunk.push_str(text);
    }

    /// The segment, of which a part may have been shown, is known as a whole now.
    fn complete(&mut self, whole: &str, warnings: &mut Vec<NodeError>) {
        let shown = self.text.get(self.segment_start..).unwrap_or("");
        match whole.strip_prefix(shown) {
            Some(rest) => self.chunk.push_str(rest),
            None => warnings.push(NodeError::new(
                code::PARSE_WARNING,
                "the streamed text is not how the whole text begins; what was shown stays",
            )),
        }
        self.text.truncate(self.segment_start);
        self.text.push_str(whole);
    }
}

/// As much of a placeholder as is known.
enum Part {
    /// All of it.
    Whole(String),
    /// The beginning; more will come.
    Beginning(String),
}

impl Run {
    /// A model has produced more text. The same as [`Event::TextDelta`](crate::Event::TextDelta),
    /// without making an event of it.
    pub fn text_delta(&mut self, task: &TaskId, text: &str) -> Vec<Effect> {
        if self.outcome.is_some() || !self.options.stream {
            return Vec::new();
        }
        let Some(at) = self.running_node(task) else {
            return Vec::new();
        };
        let plan = Arc::clone(&self.plan);
        let listeners = &plan.root.nodes[at].streams_to;
        // Text over the limit fails the node that shows it; until then there is no need to keep more.
        if listeners.is_empty() || self.root.nodes[at].streamed.len() > MAX_TEXT {
            return Vec::new();
        }
        self.root.nodes[at].streamed.push_str(text);
        for &to in listeners {
            if matches!(self.root.nodes[to].status, Status::Emitting) {
                self.advance(to);
            }
        }
        std::mem::take(&mut self.effects)
    }

    /// Shows what can be shown of this node's text; completes the node with the last of it.
    pub(super) fn advance(&mut self, at: usize) {
        let plan = Arc::clone(&self.plan);
        let node = &plan.root.nodes[at];
        let mut progress = std::mem::take(&mut self.root.nodes[at].emission);
        let mut warnings = Vec::new();
        let complete = self.write(node, &mut progress, &mut warnings);
        // An input that is used twice is wrong once.
        warnings.dedup();
        for NodeError { code, message } in warnings {
            let path = NodePath::root(&node.info.id);
            self.effects.push(Effect::Warn {
                path,
                code,
                message,
            });
        }
        let complete = match complete {
            Ok(complete) => complete,
            Err(error) => return self.node_failed(at, error),
        };
        let chunk = std::mem::take(&mut progress.chunk);
        // A text that turns out empty is not a message; one that has begun gets its end.
        if !chunk.is_empty() || (complete && progress.begun) {
            progress.begun = true;
            let message = self.message(at, chunk, complete);
            self.effects.push(Effect::EmitMessage(message));
        }
        if complete {
            let mut outputs = Map::new();
            outputs.insert("output".into(), Value::String(progress.text));
            self.complete(at, Done::with(outputs), true);
        } else {
            self.root.nodes[at].emission = progress;
        }
    }

    /// Appends to the text what is known by now; `true` when that was the last of it.
    fn write(
        &self,
        node: &Node,
        progress: &mut Progress,
        warnings: &mut Vec<NodeError>,
    ) -> Result<bool, NodeError> {
        let Some(emission) = node.spec.emission() else {
            return Ok(true);
        };
        while let Some(segment) = emission.content.segments.get(progress.segment) {
            match segment {
                Segment::Text(text) => progress.push(text),
                Segment::Placeholder(placeholder) => {
                    let shown = progress.text.len() - progress.segment_start;
                    match self.part(node, placeholder, shown, warnings)? {
                        None => return Ok(false),
                        // However long it is: whether it is too long is decided when it is whole, so
                        // that a replay, which sees no deltas, decides the same.
                        Some(Part::Beginning(rest)) => {
                            progress.push(&rest);
                            return Ok(false);
                        }
                        Some(Part::Whole(whole)) => progress.complete(&whole, warnings),
                    }
                }
            }
            limit(&progress.text)?;
            progress.segment += 1;
            progress.segment_start = progress.text.len();
        }
        Ok(true)
    }

    /// What is known of a placeholder of which `shown` bytes are out already; `None`: nothing yet.
    fn part(
        &self,
        node: &Node,
        placeholder: &Placeholder,
        shown: usize,
        warnings: &mut Vec<NodeError>,
    ) -> Result<Option<Part>, NodeError> {
        // Of inputs with the same name the last one counts, as for every other node.
        let input = node
            .inputs
            .iter()
            .rev()
            .find(|input| input.name == placeholder.root);
        let Some(input) = input else {
            return Ok(Some(Part::Whole(
                placeholder.render(Slot::Undeclared, None)?,
            )));
        };
        let mut missing = false;
        input.leaves(&mut |source| {
            if let crate::reference::Source::Node { node, .. } = source
                && let Some(&from) = self.plan.root.index.get(node)
            {
                missing |= matches!(self.root.nodes[from].status, Status::Running(_));
            }
        });
        if missing {
            let from = streaming_source(&self.plan.root, input).filter(|_| placeholder.is_bare());
            let text = from.and_then(|from| self.root.nodes[from].streamed.get(shown..));
            return Ok(text.map(|rest| Part::Beginning(rest.to_owned())));
        }
        let view = View {
            plan: &self.plan,
            scope: &self.root,
            globals: &self.options.globals,
        };
        let (value, skipped) = state::one_input(node, input, &view, warnings)?;
        let slot = if skipped {
            Slot::Skipped
        } else {
            Slot::Value(&value)
        };
        Ok(Some(Part::Whole(placeholder.render(slot, None)?)))
    }
}

fn limit(text: &str) -> Result<(), NodeError> {
    if text.len() <= MAX_TEXT {
        return Ok(());
    }
    Err(NodeError::failed(format!(
        "the text is longer than {MAX_TEXT} bytes"
    )))
}
