//! A run: the state machine of one execution of a [`Plan`].
//!
//! [`Run::start`] begins it, [`Run::apply`] tells it what happened, and both answer with what has to
//! be done next. Nothing here reads a clock, draws a number or talks to anybody: the same plan,
//! parameters, options and events give the same effects, every time. So the durable events *are* the
//! run: [`Run::replay`] makes a run from its journal, after a crash as after a night in which nobody
//! answered a question.
//!
//! # Order
//!
//! A node starts when all its predecessors are done or skipped, at least one of the edges into it is
//! followed, and everything it refers to is done or skipped. All nodes that are ready start together;
//! the end node waits until nothing else is ready, so that messages beside it are not lost. While the
//! user is asked something, work that has begun goes on and nothing new begins; when all of it has
//! ended, the oldest question is presented.
//!
//! # Containers
//!
//! The state of a graph is a `Scope`: where it is ([`Frame`](crate::Frame)s from the outside in) and
//! one `NodeState` per node. There is one scope now, that of the workflow. A loop, a batch or a
//! sub-workflow will be a node whose state holds the scopes of its turns, each made from the body in
//! the plan when its turn begins, each settled by the same rules; the container is done when its last
//! scope is. References look into their own scope first and then outwards. Tasks, interrupts and
//! messages already carry a [`NodePath`], whose `scope` says which turn they belong to, so neither
//! events nor effects change shape, and a journal written today can still be replayed then.

pub(crate) mod effect;
mod emission;
pub(crate) mod event;
mod finish;
mod replay;
mod state;

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use self::effect::{Effect, Interrupt, Outcome, Task, TaskKind};
use self::event::{Event, TaskResult, Usage};
use self::state::{Scope, Status, View};
use crate::code::{self, NodeError};
use crate::node::{self, Context, Done, Inputs, NodeSpec, Step};
use crate::path::{NodePath, TaskId};
use crate::plan::{ErrorPolicy, Plan, Port};
use crate::reference::Globals;
use crate::value::weight;

pub use self::replay::{Rejected, ReplayError};
pub use self::state::{NodeRecord, NodeStatus};

/// All outputs of a run together may be this large.
const MAX_STORED: usize = 256 << 20;

/// How a run is carried out. Part of the run: a replay needs the same options.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct RunOptions {
    /// The caller wants to see text while it is produced.
    pub stream: bool,
    /// How many times nodes may be executed, retries included.
    pub max_node_executions: u32,
    /// The variables that live longer than the run, as they are now.
    pub globals: Globals,
    /// Run although the plan has errors: it fails where it meets one of them.
    pub ignore_plan_errors: bool,
}

impl Default for RunOptions {
    fn default() -> Self {
        let globals = Globals::default();
        Self {
            stream: false,
            max_node_executions: 1000,
            globals,
            ignore_plan_errors: false,
        }
    }
}

/// One execution of a workflow.
#[derive(Debug)]
pub struct Run {
    plan: Arc<Plan>,
    parameters: Map<String, Value>,
    options: RunOptions,
    root: Scope,
    /// Nodes something changed for.
    candidates: BTreeSet<usize>,
    /// Nodes that may start.
    ready: BTreeSet<usize>,
    /// Nodes with a task outside, in the order they began.
    running: Vec<usize>,
    /// What the user has to answer, oldest first.
    interrupts: VecDeque<(usize, Interrupt)>,
    /// Has the user been asked the first of them?
    presented: bool,
    asked: u64,
    executions: u32,
    usage: Usage,
    /// About how many bytes the outputs of all nodes take.
    stored: usize,
    outcome: Option<Outcome>,
    effects: Vec<Effect>,
}

impl Run {
    /// Begins a run.
    pub fn start(
        plan: Arc<Plan>,
        parameters: Map<String, Value>,
        options: RunOptions,
    ) -> (Self, Vec<Effect>) {
        let mut run = Self {
            root: Scope::new(plan.root.nodes.len()),
            plan,
            parameters,
            options,
            candidates: BTreeSet::new(),
            ready: BTreeSet::new(),
            running: Vec::new(),
            interrupts: VecDeque::new(),
            presented: false,
            asked: 0,
            executions: 0,
            usage: Usage::default(),
            stored: 0,
            outcome: None,
            effects: Vec::new(),
        };
        match run.plan.errors().first() {
            Some(error) if !run.options.ignore_plan_errors => {
                let message = format!("the workflow cannot run: {error}");
                run.fail(code::COMPILE_FAILURE, message, None);
            }
            _ => {
                run.ready.extend(run.plan.start);
                run.settle();
            }
        }
        let effects = std::mem::take(&mut run.effects);
        (run, effects)
    }

    /// Tells the run what happened. An event that does not fit (any more) changes nothing: see
    /// [`check`](Self::check).
    ///
    /// Write durable events to the journal before applying them.
    pub fn apply(&mut self, event: Event) -> Vec<Effect> {
        if self.check(&event).is_err() {
            return Vec::new();
        }
        match event {
            Event::TaskFinished { task, result } => self.task_finished(&task, result),
            Event::TaskFailed {
                task,
                code,
                message,
                partial,
            } => {
                self.task_failed(&task, NodeError { code, message }, partial);
            }
            Event::TextDelta { task, text } => return self.text_delta(&task, &text),
            Event::Answered { data, .. } => self.answered(&data),
            Event::Cancelled => {
                let usage = self.usage;
                self.finish(Outcome::Cancelled { usage });
            }
            Event::TimedOut => {
                let message = "the run took too long".to_owned();
                self.fail(code::RUN_TIMEOUT, message, None);
            }
        }
        self.settle();
        std::mem::take(&mut self.effects)
    }

    /// Is it over?
    pub fn outcome(&self) -> Option<&Outcome> {
        self.outcome.as_ref()
    }

    /// The question the user has to answer before the run goes on.
    pub fn interrupt(&self) -> Option<&Interrupt> {
        self.interrupts
            .front()
            .filter(|_| self.presented)
            .map(|(_, interrupt)| interrupt)
    }

    /// What the run has cost so far.
    pub fn usage(&self) -> Usage {
        self.usage
    }

    /// The plan it follows.
    pub fn plan(&self) -> &Arc<Plan> {
        &self.plan
    }

    /// What became of each node so far, in canvas order.
    pub fn records(&self) -> impl Iterator<Item = NodeRecord<'_>> {
        let nodes = self.plan.root.nodes.iter().zip(&self.root.nodes);
        nodes.map(|(node, state)| state.record(&node.info))
    }

    /// What the host still owes the run: tasks that have not ended, the question nobody has
    /// answered, or the outcome.
    pub fn outstanding(&self) -> Vec<Effect> {
        if let Some(outcome) = &self.outcome {
            return vec![Effect::Finish(outcome.clone())];
        }
        let tasks = self
            .running
            .iter()
            .filter_map(|&at| match &self.root.nodes[at].status {
                Status::Running(task) => Some(Effect::Start((**task).clone())),
                _ => None,
            });
        let question = self.interrupt().cloned().map(Effect::Interrupt);
        tasks.chain(question).collect()
    }

    // --- events ---------------------------------------------------------------------------------

    fn task_finished(&mut self, task: &TaskId, result: TaskResult) {
        let Some(at) = self.running_node(task) else {
            return;
        };
        self.running.retain(|&running| running != at);
        if let TaskResult::Model(reply) = &result {
            self.usage.add(reply.usage);
            self.root.nodes[at].usage.add(reply.usage);
        }
        let step = self.with_context(at, task.attempt, true, |spec, context| {
            spec.finish(context, result)
        });
        self.step(at, task.attempt, step);
    }

    fn task_failed(&mut self, task: &TaskId, error: NodeError, partial: bool) {
        let Some(at) = self.running_node(task) else {
            return;
        };
        self.running.retain(|&running| running != at);
        self.root.nodes[at].streamed.clear();
        let retries = self.plan.root.nodes[at].on_error.retries;
        if task.attempt < retries && error.code != code::NODE_TIMEOUT && !partial {
            self.begin(at, task.attempt + 1);
        } else {
            self.node_failed(at, error);
        }
    }

    fn answered(&mut self, answer: &str) {
        let Some((at, interrupt)) = self.interrupts.pop_front() else {
            return;
        };
        self.presented = false;
        let step = self.with_context(at, 0, true, |spec, context| {
            spec.answer(context, &interrupt.prompt, answer)
        });
        self.step(at, 0, step);
    }

    /// The node this task belongs to, if it is still waited for.
    fn running_node(&self, task: &TaskId) -> Option<usize> {
        if !task.path.scope.is_empty() {
            return None;
        }
        let at = *self.plan.root.index.get(task.path.node.as_str())?;
        match &self.root.nodes[at].status {
            Status::Running(running) if running.id.attempt == task.attempt => Some(at),
            _ => None,
        }
    }

    // --- scheduling -----------------------------------------------------------------------------

    /// Starts what can start, and asks or ends when nothing else is left to do.
    fn settle(&mut self) {
        while self.outcome.is_none() {
            while let Some(at) = self.candidates.pop_first() {
                self.look_at(at);
            }
            if !self.interrupts.is_empty() {
                break;
            }
            let mut wave = std::mem::take(&mut self.ready);
            if let Some(end) = self.plan.end
                && wave.len() > 1
                && wave.remove(&end)
            {
                self.ready.insert(end);
            }
            if wave.is_empty() {
                break;
            }
            for at in wave {
                if self.outcome.is_some() {
                    return;
                }
                self.begin(at, 0);
            }
        }
        if self.outcome.is_some() || !self.running.is_empty() {
            return;
        }
        if self.interrupts.is_empty() {
            let message = "the run stopped before the end node: no branch that was taken leads \
                           there; connect every branch to it";
            self.fail(code::EXECUTION_FAILED, message.to_owned(), None);
        } else if !self.presented {
            self.present();
        }
    }

    /// Is it time for this node?
    fn look_at(&mut self, at: usize) {
        let node = &self.plan.root.nodes[at];
        let states = &self.root.nodes;
        if !matches!(states[at].status, Status::Waiting) || node.incoming.is_empty() {
            return;
        }
        let streams = |from: usize| {
            self.options.stream
                && matches!(states[from].status, Status::Running(_))
                && node.streams_from.contains(&from)
        };
        let mut live = false;
        for edge in &node.incoming {
            match &states[edge.from].status {
                Status::Done => live |= edge.port.is_followed(&states[edge.from].port),
                Status::Skipped => {}
                _ if streams(edge.from) => live |= edge.port.is_followed(&Port::Default),
                _ => return,
            }
        }
        if !live {
            self.root.nodes[at].status = Status::Skipped;
            self.candidates.extend(&node.dependents);
            return;
        }
        let is_there = |from: usize| {
            matches!(states[from].status, Status::Done | Status::Skipped) || streams(from)
        };
        if node.data.iter().all(|&from| from == at || is_there(from)) {
            self.ready.insert(at);
        }
    }

    /// Begins a node, or begins it again.
    fn begin(&mut self, at: usize, attempt: u32) {
        self.executions += 1;
        if self.executions > self.options.max_node_executions {
            let limit = self.options.max_node_executions;
            let message = format!("more than {limit} node executions: the limit of one run");
            self.fail(code::EXECUTION_FAILED, message, Some(at));
            return;
        }
        if self.plan.root.nodes[at].spec.emission().is_some() {
            self.root.nodes[at].status = Status::Emitting;
            self.advance(at);
            return;
        }
        let step = self.with_context(at, attempt, attempt > 0, NodeSpec::begin);
        self.step(at, attempt, step);
    }

    /// Lets a node do one of its steps, with its inputs resolved. What is wrong with the inputs is
    /// said once: not again in a `repeated` step.
    fn with_context(
        &mut self,
        at: usize,
        attempt: u32,
        repeated: bool,
        act: impl FnOnce(&NodeSpec, &mut Context<'_>) -> Result<Step, NodeError>,
    ) -> Result<Step, NodeError> {
        let plan = Arc::clone(&self.plan);
        let node = &plan.root.nodes[at];
        let view = View {
            plan: &plan,
            scope: &self.root,
            globals: &self.options.globals,
        };
        let mut warnings = Vec::new();
        let step = if let NodeSpec::Unsupported(_) = &node.spec {
            // What its inputs mean is not known either.
            Ok(Inputs::default())
        } else {
            state::inputs(node, &view, &mut warnings)
        }
        .and_then(|inputs| {
            if repeated {
                warnings.clear();
            }
            let mut context = Context {
                node,
                sources: &view,
                inputs,
                parameters: &self.parameters,
                stream: self.options.stream && !node.streams_to.is_empty(),
                attempt,
                warnings: std::mem::take(&mut warnings),
            };
            let step = act(&node.spec, &mut context);
            warnings = context.warnings;
            step
        });
        for NodeError { code, message } in warnings {
            let path = NodePath::root(&node.info.id);
            self.effects.push(Effect::Warn {
                path,
                code,
                message,
            });
        }
        step
    }

    fn step(&mut self, at: usize, attempt: u32, step: Result<Step, NodeError>) {
        let info = Arc::clone(&self.plan.root.nodes[at].info);
        match step {
            Ok(Step::Done(done)) => self.complete(at, done, true),
            Ok(Step::Work(kind)) => self.work(at, attempt, kind),
            Ok(Step::Ask(prompt)) => {
                self.asked += 1;
                let interrupt = Interrupt {
                    event_id: self.asked.to_string(),
                    path: NodePath::root(&info.id),
                    node: info,
                    prompt,
                };
                self.root.nodes[at].status = Status::Asking;
                self.interrupts.push_back((at, interrupt));
            }
            Err(error) => self.node_failed(at, error),
        }
    }

    fn work(&mut self, at: usize, attempt: u32, kind: TaskKind) {
        let node = &self.plan.root.nodes[at];
        let path = NodePath::root(&node.info.id);
        let task = Task {
            id: TaskId { path, attempt },
            node: Arc::clone(&node.info),
            kind,
            timeout_ms: node.on_error.timeout_ms,
        };
        self.root.nodes[at].status = Status::Running(Box::new(task.clone()));
        self.running.push(at);
        self.candidates.extend(&node.streams_to);
        self.effects.push(Effect::Start(task));
    }

    /// A node is done.
    fn complete(&mut self, at: usize, done: Done, success: bool) {
        let plan = Arc::clone(&self.plan);
        let node = &plan.root.nodes[at];
        let mut outputs = done.outputs;
        if success && node.on_error.policy != ErrorPolicy::Throw {
            outputs.insert("isSuccess".into(), true.into());
        }
        if node::fills_outputs(&node.info.node_type) {
            for output in &node.outputs {
                outputs.entry(output.name.clone()).or_insert(Value::Null);
            }
        }
        self.stored += outputs.values().map(weight).sum::<usize>();
        if self.stored > MAX_STORED {
            let message = format!("the values of the run are larger than {MAX_STORED} bytes");
            self.fail(code::EXECUTION_FAILED, message, Some(at));
            return;
        }
        let state = &mut self.root.nodes[at];
        state.status = Status::Done;
        state.outputs = outputs;
        state.port = done.port;
        state.note = done.note;
        state.streamed = String::new();
        self.candidates.extend(&node.dependents);
        for &to in &node.streams_to {
            if matches!(self.root.nodes[to].status, Status::Emitting) {
                self.advance(to);
            }
        }
        if plan.end == Some(at) && self.outcome.is_none() {
            self.reach_end(at, node);
        }
    }
}
