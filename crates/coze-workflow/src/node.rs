//! The node types the engine runs, one file each.
//!
//! A type has a *specification*, compiled once from the canvas, and up to three moments: it begins,
//! a task of it is finished, an answer for it arrives. Each moment ends in a [`Step`]. A new type is
//! one file, one variant of [`NodeSpec`] and its lines in the `match`es below.

pub(crate) mod condition;
pub(crate) mod end;
pub(crate) mod input;
pub(crate) mod knowledge;
pub(crate) mod llm;
pub(crate) mod output;
pub(crate) mod question;
mod skills;
pub(crate) mod start;
pub(crate) mod text;

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::canvas::WireNode;
use crate::catalogue::NodeType;
use crate::code::{self, NodeError};
use crate::plan::{Node, Port};
use crate::reference::{Input, Sources};
use crate::run::effect::{Prompt, TaskKind};
use crate::run::event::TaskResult;
use crate::template::{Slot, Template};
use crate::value::Variable;

/// What a node does, by its type.
#[derive(Debug)]
pub(crate) enum NodeSpec {
    Start,
    End(end::EndSpec),
    Llm(Box<llm::LlmSpec>),
    Condition(condition::ConditionSpec),
    Output(Emission),
    Text(text::TextSpec),
    Question(question::QuestionSpec),
    Input(input::InputSpec),
    Knowledge(knowledge::KnowledgeSpec),
    /// It is kept, and fails the run when it is reached; the text says why.
    Unsupported(String),
}

/// A text that is shown to the user, possibly while it is still being written.
#[derive(Debug)]
pub(crate) struct Emission {
    pub(crate) content: Template,
    pub(crate) streaming: bool,
}

/// How a moment of a node ends.
#[derive(Debug)]
pub(crate) enum Step {
    Done(Done),
    /// Somebody else has to do something first.
    Work(TaskKind),
    /// The user has to answer first.
    Ask(Prompt),
}

/// A node has finished.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) outputs: Map<String, Value>,
    pub(crate) port: Port,
    /// One sentence for the history.
    pub(crate) note: Option<String>,
}

impl Done {
    pub(crate) fn with(outputs: Map<String, Value>) -> Self {
        Self {
            outputs,
            port: Port::Default,
            note: None,
        }
    }
}

/// The inputs of a node, converted to their declared types.
#[derive(Debug, Default)]
pub(crate) struct Inputs {
    pub(crate) values: Map<String, Value>,
    pub(crate) skipped: BTreeSet<String>,
}

impl Inputs {
    /// What a name in a template stands for.
    pub(crate) fn slot(&self, name: &str) -> Slot<'_> {
        match self.values.get(name) {
            Some(_) if self.skipped.contains(name) => Slot::Skipped,
            Some(value) => Slot::Value(value),
            None => Slot::Undeclared,
        }
    }
}

/// What a node sees of the run around it.
pub(crate) struct Context<'a> {
    pub(crate) node: &'a Node,
    pub(crate) sources: &'a dyn Sources,
    pub(crate) inputs: Inputs,
    /// What the caller gave to the run.
    pub(crate) parameters: &'a Map<String, Value>,
    /// Is somebody watching the text of this node while it grows?
    pub(crate) stream: bool,
    pub(crate) attempt: u32,
    pub(crate) warnings: Vec<NodeError>,
}

impl Context<'_> {
    pub(crate) fn warn(&mut self, code: i64, message: impl Into<String>) {
        self.warnings.push(NodeError::new(code, message));
    }

    pub(crate) fn warn_all(&mut self, messages: Vec<String>) {
        self.warnings.extend(
            messages
                .into_iter()
                .map(|m| NodeError::new(code::PARSE_WARNING, m)),
        );
    }

    /// The value of an input that is not among `inputParameters`, converted.
    pub(crate) fn resolve(&mut self, input: &Input) -> Result<Value, NodeError> {
        let resolved = input.resolve(self.sources)?;
        let mut warnings = Vec::new();
        let value = crate::convert::convert(resolved.value, &input.ty, &input.name, &mut warnings);
        self.warn_all(warnings);
        Ok(value)
    }
}

/// Reads the settings of a node. `extra` receives inputs that are not among `inputParameters`, so
/// that their references are checked too.
pub(crate) fn compile(
    ty: &NodeType,
    wire: &WireNode,
    outputs: &[Variable],
    extra: &mut Vec<Input>,
) -> Result<NodeSpec, String> {
    let inputs = &wire.data.inputs;
    let batch = inputs
        .get("batch")
        .and_then(|batch| batch.get("batchEnable"));
    if batch == Some(&Value::Bool(true)) {
        let lists = inputs
            .get("batch")
            .and_then(|batch| batch.get("inputLists"));
        extra.extend(Input::list_from_json(lists));
        return Ok(NodeSpec::Unsupported(
            "is in batch mode, which this engine does not run yet".into(),
        ));
    }
    Ok(match ty.number() {
        "1" => NodeSpec::Start,
        "2" => NodeSpec::End(end::compile(inputs)?),
        "3" => NodeSpec::Llm(Box::new(llm::compile(inputs, outputs))),
        "6" => NodeSpec::Knowledge(knowledge::search(inputs, extra)),
        "8" => NodeSpec::Condition(condition::compile(inputs, extra)?),
        "13" => NodeSpec::Output(output::compile(inputs)?),
        "15" => NodeSpec::Text(text::compile(inputs, extra)?),
        "18" => question::compile(inputs, extra)?,
        "27" => NodeSpec::Knowledge(knowledge::write(inputs, extra)?),
        "30" => NodeSpec::Input(input::compile(inputs)?),
        "60" => NodeSpec::Knowledge(knowledge::KnowledgeSpec::Delete),
        _ => NodeSpec::Unsupported(format!("has type {ty}, which this engine does not run yet")),
    })
}

impl NodeSpec {
    /// The node begins.
    pub(crate) fn begin(&self, context: &mut Context<'_>) -> Result<Step, NodeError> {
        match self {
            Self::Start => start::begin(context).map(Step::Done),
            Self::Llm(spec) => llm::begin(spec, context).map(Step::Work),
            Self::Knowledge(spec) => knowledge::begin(spec, context).map(Step::Work),
            Self::Condition(spec) => condition::begin(spec, context).map(Step::Done),
            Self::Text(spec) => text::begin(spec, context).map(Step::Done),
            Self::Question(spec) => question::begin(spec, context).map(Step::Ask),
            Self::Input(spec) => Ok(Step::Ask(input::begin(spec))),
            Self::End(spec) => Ok(Step::Done(end::begin(spec, context))),
            // The run writes its text (`run::emission`) and never comes here.
            Self::Output(_) => Ok(Step::Done(Done::with(Map::new()))),
            Self::Unsupported(why) => Err(NodeError::failed(why.clone())),
        }
    }

    /// A task of the node is finished.
    pub(crate) fn finish(
        &self,
        context: &mut Context<'_>,
        result: TaskResult,
    ) -> Result<Step, NodeError> {
        match (self, result) {
            (Self::Llm(spec), TaskResult::Model(reply)) => {
                Ok(Step::Done(llm::finish(spec, context, reply)))
            }
            (Self::Knowledge(spec), TaskResult::Value { value }) => {
                Ok(Step::Done(knowledge::finish(spec, value)))
            }
            _ => Err(NodeError::failed(
                "a result of another kind of task arrived",
            )),
        }
    }

    /// Can the user's answer be used? If not, why.
    pub(crate) fn check_answer(&self, answer: &str) -> Result<(), String> {
        match self {
            Self::Input(spec) => input::read(spec, answer).map(|_| ()),
            _ => Ok(()),
        }
    }

    /// The user has answered what the node asked.
    pub(crate) fn answer(
        &self,
        context: &mut Context<'_>,
        prompt: &Prompt,
        answer: &str,
    ) -> Result<Step, NodeError> {
        match self {
            Self::Question(spec) => Ok(Step::Done(question::answer(spec, prompt, answer))),
            Self::Input(spec) => input::answer(spec, context, answer).map(Step::Done),
            _ => Err(NodeError::failed("an answer arrived that nobody asked for")),
        }
    }

    /// The text it shows to the user.
    pub(crate) fn emission(&self) -> Option<&Emission> {
        match self {
            Self::Output(emission) => Some(emission),
            Self::End(spec) => match &spec.terminate {
                end::Terminate::Answer(emission) => Some(emission),
                end::Terminate::Variables => None,
            },
            _ => None,
        }
    }

    /// How many branches it has; `None` if it does not branch.
    pub(crate) fn branches(&self) -> Option<usize> {
        match self {
            Self::Condition(spec) => Some(spec.branches.len()),
            Self::Question(spec) => spec.branches(),
            _ => None,
        }
    }
}

/// Types whose null inputs become the zero value of their type.
pub(crate) fn fills_inputs(ty: &NodeType) -> bool {
    matches!(ty.number(), "2" | "3" | "13" | "15" | "18")
}

/// Types whose missing outputs become null.
pub(crate) fn fills_outputs(ty: &NodeType) -> bool {
    matches!(ty.number(), "1" | "3" | "18" | "30")
}

/// A setting that is text.
fn text_of(inputs: &Map<String, Value>, key: &str) -> Option<String> {
    inputs.get(key).and_then(Value::as_str).map(str::to_owned)
}

/// A setting that is a literal text: a `BlockInput`, or the text itself.
fn literal_text(value: &Value) -> Option<&str> {
    value
        .as_str()
        .or_else(|| value.pointer("/value/content").and_then(Value::as_str))
}

/// The text that an output or end node shows.
fn emission_of(inputs: &Map<String, Value>) -> Result<Emission, String> {
    let content = match inputs.get("content") {
        None | Some(Value::Null) => "",
        Some(content) => literal_text(content).ok_or("`content` is not a text: write one")?,
    };
    let streaming = inputs
        .get("streamingOutput")
        .and_then(Value::as_bool)
        .unwrap_or(false);
    Ok(Emission {
        content: Template::parse(content),
        streaming,
    })
}

/// A number that may be written as text.
fn number_of(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text
            .trim()
            .parse()
            .ok()
            .filter(|float: &f64| float.is_finite()),
        _ => None,
    }
}

/// A whole number that may be written as text or (large ones, by some tools) as a float.
fn integer_of(value: &Value) -> Option<i64> {
    let exact = match value {
        Value::Number(number) => number.as_i64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the filter keeps it within 2^53"
    )]
    let rounded = || {
        number_of(value)
            .filter(|float| float.abs() < 9e15)
            .map(|float| float as i64)
    };
    exact.or_else(rounded)
}
