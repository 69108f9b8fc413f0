//! The Coze workflow engine: a canvas becomes a [`Plan`], a plan becomes a [`Run`]; events in,
//! effects out.
//!
//! The engine does nothing itself. It calls no model, waits for no user, writes no file. It says what
//! has to be done ([`Effect`]) and is told what happened ([`Event`]). Whoever carries out the effects
//! is the host; this crate does not know who that is, nor what HTTP, SQL or an API of Coze looks like.
//!
//! ```
//! use std::sync::Arc;
//! use coze_workflow::{Effect, Event, ModelReply, Outcome, Run, RunOptions, TaskResult, parse};
//! use serde_json::json;
//!
//! let reference = |node: &str, name: &str| json!({"type": "string", "value": {"type": "ref",
//!     "content": {"source": "block-output", "blockID": node, "name": name}}});
//! let canvas = json!({
//!     "nodes": [
//!         {"id": "100001", "type": "1", "data": {"outputs": [{"name": "topic", "type": "string"}]}},
//!         {"id": "130001", "type": "3", "data": {
//!             "inputs": {
//!                 "inputParameters": [{"name": "topic", "input": reference("100001", "topic")}],
//!                 "llmParam": [{"name": "prompt", "input": {"type": "string",
//!                     "value": {"type": "literal", "content": "A line about {{topic}}."}}}],
//!             },
//!             "outputs": [{"name": "output", "type": "string"}],
//!         }},
//!         {"id": "900001", "type": "2", "data": {"inputs": {
//!             "terminatePlan": "returnVariables",
//!             "inputParameters": [{"name": "line", "input": reference("130001", "output")}],
//!         }}},
//!     ],
//!     "edges": [
//!         {"sourceNodeID": "100001", "targetNodeID": "130001"},
//!         {"sourceNodeID": "130001", "targetNodeID": "900001"},
//!     ],
//! });
//!
//! // A canvas becomes a plan. What its author should mend comes beside it.
//! let (plan, diagnostics) = parse(canvas.to_string())?;
//! assert!(diagnostics.is_empty());
//!
//! // The run asks for a model and rests.
//! let parameters = json!({"topic": "tea"}).as_object().cloned().unwrap_or_default();
//! let (mut run, effects) = Run::start(Arc::new(plan), parameters, RunOptions::default());
//! let [Effect::Start(task)] = effects.as_slice() else { panic!("{effects:?}") };
//!
//! // The host calls one, and says what came of it. This event is the journal of the run.
//! let reply = ModelReply { text: "Tea is warm rain.".into(), ..ModelReply::default() };
//! let result = TaskResult::Model(reply);
//! let effects = run.apply(Event::TaskFinished { task: task.id.clone(), result });
//!
//! // The end node sends a message, and the run is over.
//! let Some(Effect::Finish(Outcome::Success { output, .. })) = effects.last() else {
//!     panic!("{effects:?}")
//! };
//! assert_eq!(output["line"], "Tea is warm rain.");
//! # Ok::<(), coze_workflow::ParseError>(())
//! ```
//!
//! # A host in five rules
//!
//! 1. Carry out effects in their order. Tasks run side by side; each ends in one
//!    [`Event::TaskFinished`] or [`Event::TaskFailed`] with the task's id.
//! 2. Write an event to the journal if [`Event::is_durable`], then apply it.
//! 3. While a model streams and its request says `stream`, send the pieces with [`Run::text_delta`].
//!    They are for the eyes of the user; the whole text comes with `TaskFinished`.
//! 4. Ask [`Run::check`] before an answer of a user goes into the journal.
//! 5. To go on after a crash or a pause: [`Run::replay`] with the same plan, parameters and options,
//!    then carry out what it returns.

pub mod code;

mod canvas;
mod catalogue;
mod check;
mod compile;
mod condition;
mod convert;
mod diagnostic;
mod node;
mod path;
mod plan;
mod reference;
mod run;
mod template;
mod value;

pub use canvas::{MAX_NODES, ParseError, parse};
pub use catalogue::NodeType;
pub use convert::{convert, convert_strict};
pub use diagnostic::{Diagnostic, Severity};
pub use path::{Frame, NodeId, NodePath, TaskId};
pub use plan::{NodeInfo, Plan, TerminatePlan};
pub use reference::Globals;
pub use run::effect::{
    Attachment, Chunking, Effect, Failure, Interrupt, KnowledgeSearch, KnowledgeWrite, Message,
    ModelRequest, Outcome, PluginSkill, Prompt, ResponseFormat, Skills, Task, TaskKind,
};
pub use run::event::{Event, ModelReply, TaskResult, Usage};
pub use run::{NodeRecord, NodeStatus, Rejected, ReplayError, Run, RunOptions};
pub use value::{Type, Variable, sorted_json};
