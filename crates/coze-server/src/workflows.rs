//! Drives workflow runs: carries out the engine's effects and feeds it what came of them.
//!
//! The engine decides, this loop acts: it calls models, writes each event to the journal before
//! the engine sees it, and hands what nodes say to a [`Sink`]. A run that waits for an answer is
//! not kept in memory: its journal brings it back.

mod bill;
mod chatflow;
mod knowledge;
mod model;
mod outcome;
mod schema;
mod sink;
mod skills;
mod task;
mod tool;

use std::collections::HashMap;
use std::sync::Arc;

use coze_types::Id;
use coze_types::workflows::{InterruptData, ParamSchema, RunWorkflowBody, WorkflowResult};
use coze_workflow::{
    Effect, Event, Interrupt, Message, NodePath, Outcome, Run, RunOptions, TaskId,
};
use futures_util::StreamExt;
use futures_util::future::AbortHandle;
use futures_util::stream::SelectAll;
use serde_json::{Map, Value};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::app::{App, Running};
use crate::configured::Workflow;
use crate::fail::Fail;
use crate::models::ModelMessage;
use crate::store::{NodeOutputRecord, RunRecord};

use outcome::{refusal, result_text};

pub(crate) use chatflow::{ChatSink, answer_data};
pub(crate) use outcome::{api_code, usage_of};
pub(crate) use schema::{input_schema, param_schema};
pub(crate) use sink::{EventSink, NoSink, Sink};
pub(crate) use tool::{Actor, ToolRun, ToolText, call_as_tool};

/// How long one sitting of a run may take; the service allows 10 minutes, 24 hours in the
/// background.
const LIMIT: std::time::Duration = std::time::Duration::from_secs(600);
const BACKGROUND_LIMIT: std::time::Duration = std::time::Duration::from_secs(24 * 3600);
/// The status of a run that is at work, or waits.
const RUNNING: &str = "Running";
/// Resumes of one run, as on the service.
const MAX_RESUMES: i64 = 3;

/// How a run is waited for; the numbers are those of the run history.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    Sync = 0,
    Stream = 1,
    Background = 2,
}

/// A run that can be driven.
pub(crate) struct Driver {
    pub(crate) app: App,
    pub(crate) record: RunRecord,
    run: Run,
    /// Effects that wait to be carried out.
    effects: Vec<Effect>,
    journal_length: i64,
    /// Said before the run, for model nodes that want history.
    history: Vec<ModelMessage>,
    tasks: SelectAll<task::TaskStream>,
    aborts: HashMap<TaskId, AbortHandle>,
    /// When a node's time is over, counted from its first attempt.
    deadlines: HashMap<NodePath, Instant>,
    outputs: HashMap<NodePath, NodeOutputRecord>,
    /// Runs of workflows that called each other as tools to get here.
    depth: u8,
    running: Running,
}

/// How a sitting of a run ended.
pub(crate) enum Ended {
    Done(Outcome),
    Waiting,
}

/// What a run is started with, besides its workflow.
pub(crate) struct Start {
    pub(crate) parameters: Map<String, Value>,
    pub(crate) mode: Mode,
    pub(crate) bot_id: String,
    pub(crate) connector_id: String,
    pub(crate) connector_uid: String,
    pub(crate) log_id: String,
    pub(crate) conversation: Option<i64>,
    pub(crate) history: Vec<ModelMessage>,
    /// Runs of workflows that called each other as tools to get here.
    pub(crate) depth: u8,
}

impl Start {
    /// From the body of a run request.
    pub(crate) fn new(body: &RunWorkflowBody, mode: Mode, log_id: &str) -> Self {
        let set = |id: &Option<Id>| id.clone().filter(|id| !id.is_unset());
        let user = body
            .ext
            .as_ref()
            .and_then(|ext| ext.get("user_id"))
            .cloned();
        Self {
            parameters: body.parameters.clone().unwrap_or_default().0,
            mode,
            bot_id: set(&body.bot_id).map_or_else(|| "0".to_owned(), |id| id.to_string()),
            connector_id: set(&body.connector_id)
                .map_or_else(|| "1024".to_owned(), |id| id.to_string()),
            connector_uid: user.unwrap_or_else(|| crate::config::LOCAL_USER.to_string()),
            log_id: log_id.to_owned(),
            conversation: None,
            history: Vec::new(),
            depth: 0,
        }
    }
}

impl Driver {
    /// Enters a new run in the store.
    pub(crate) async fn start(app: &App, workflow: &Workflow, start: Start) -> Result<Self, Fail> {
        let id = app.ids.next();
        let now = app.now();
        let record = RunRecord {
            id,
            workflow_id: workflow.id.clone(),
            canvas: workflow.canvas.clone(),
            input: Value::Object(start.parameters.clone()).to_string(),
            bot_id: start.bot_id,
            connector_id: start.connector_id,
            connector_uid: start.connector_uid,
            mode: start.mode as i64,
            status: RUNNING.to_owned(),
            logid: start.log_id,
            conversation_id: start.conversation,
            created_at: now,
            updated_at: now,
            ..RunRecord::default()
        };
        let stored = record.clone();
        app.db
            .write(move |unit| Ok::<_, Fail>(unit.insert_run(&stored)?))
            .await?;
        let options = options(start.mode as i64);
        let (run, effects) = Run::start(Arc::clone(&workflow.plan), start.parameters, options);
        let mut driver = Self::assemble(app, record, run, effects, 0, start.history);
        driver.depth = start.depth;
        Ok(driver)
    }

    /// Brings a waiting run back and gives it the answer.
    pub(crate) async fn resume(
        app: &App,
        workflow_id: &str,
        event_id: &str,
        kind: Option<i64>,
        data: String,
        history: Vec<ModelMessage>,
    ) -> Result<Self, Fail> {
        let unknown = || Fail::invalid("event_id", format!("no run waits for {event_id:?}"));
        let (run_id, event) = event_id.split_once('/').ok_or_else(unknown)?;
        let id = crate::store::number(run_id);
        let found = app.db.read(move |unit| {
            let run = unit.run(id)?;
            Ok::<_, Fail>((run, unit.journal(id)?))
        });
        let (Some(record), journal) = found.await? else {
            return Err(unknown());
        };
        if record.workflow_id != workflow_id {
            let why = format!("the run belongs to the workflow {}", record.workflow_id);
            return Err(Fail::invalid("workflow_id", why));
        }
        let Some(interrupt) = record
            .interrupt
            .clone()
            .filter(|it| it.event_id == event_id)
        else {
            return Err(unknown());
        };
        if kind.is_some_and(|kind| kind != interrupt.kind) {
            let why = format!("the run waits for type {}", interrupt.kind);
            return Err(Fail::invalid("interrupt_type", why));
        }
        if record.resumes >= MAX_RESUMES && record.conversation_id.is_none() {
            let why = format!("a run can be resumed {MAX_RESUMES} times at most");
            return Err(Fail::invalid("event_id", why));
        }
        let (plan, _) = coze_workflow::parse(&record.canvas).map_err(|error| corrupt(&error))?;
        let input: Map<String, Value> =
            serde_json::from_str(&record.input).map_err(|error| corrupt(&error))?;
        let events: Vec<Event> = journal
            .iter()
            .map(|event| serde_json::from_str(event))
            .collect::<Result<_, _>>()
            .map_err(|error| corrupt(&error))?;
        let options = options(record.mode);
        let (mut run, _) = Run::replay(Arc::new(plan), input, options, &events)
            .map_err(|error| corrupt(&error))?;
        let answer = Event::Answered {
            event_id: event.to_owned(),
            data,
        };
        run.check(&answer)
            .map_err(|why| Fail::invalid("resume_data", why))?;

        let length = i64::try_from(journal.len()).unwrap_or(i64::MAX);
        let line = serde_json::to_string(&answer).map_err(|error| corrupt(&error))?;
        let (taken, now) = (event_id.to_owned(), app.now());
        let claimed = app.db.write(move |unit| {
            // Two answers may come at once; the first one counts.
            let current = unit.run(id)?.filter(|run| {
                run.interrupt
                    .as_ref()
                    .is_some_and(|it| it.event_id == taken)
            });
            let Some(mut record) = current else {
                return Ok::<_, Fail>(None);
            };
            record.interrupt = None;
            record.resumes += 1;
            record.updated_at = now;
            unit.update_run(&record)?;
            unit.append_journal(id, length, &line)?;
            Ok(Some(record))
        });
        let record = claimed.await?.ok_or_else(unknown)?;
        let effects = run.apply(answer);
        Ok(Self::assemble(
            app,
            record,
            run,
            effects,
            length + 1,
            history,
        ))
    }

    fn assemble(
        app: &App,
        record: RunRecord,
        run: Run,
        effects: Vec<Effect>,
        journal_length: i64,
        history: Vec<ModelMessage>,
    ) -> Self {
        Self {
            app: app.clone(),
            running: app.begin(record.id),
            record,
            run,
            effects,
            journal_length,
            history,
            tasks: SelectAll::new(),
            aborts: HashMap::new(),
            deadlines: HashMap::new(),
            outputs: HashMap::new(),
            depth: 0,
        }
    }

    /// Cancels the run.
    pub(crate) fn token(&self) -> CancellationToken {
        self.running.token.clone()
    }

    pub(crate) fn debug_url(&self) -> String {
        debug_url(&self.app, &self.record.workflow_id, self.record.id)
    }

    /// Drives the run until it ends or waits, and writes down which.
    ///
    /// # Errors
    /// What the run broke off for, such as a disk that takes nothing. It has failed then.
    pub(crate) async fn drive(&mut self, sink: &mut impl Sink) -> Result<Ended, Fail> {
        let ended = self.sit(sink).await;
        if let Err(fail) = &ended {
            self.break_off(fail).await;
        }
        ended
    }

    /// Writes down that the run broke off: now, or else as soon as the disk takes it.
    async fn break_off(&mut self, fail: &Fail) {
        tracing::error!(run = self.record.id, code = fail.code, error = %fail.msg, "a run broke off");
        // Its end may be written already, and whoever listens have failed to take it.
        if self.record.status != RUNNING {
            return;
        }
        let mut record = self.record.clone();
        record.status = "Fail".to_owned();
        record.interrupt = None;
        record.error_code = fail.code.to_string();
        record.error_message = fail.msg.to_string();
        if self.save_with_bill(record.clone()).await.is_err() {
            self.settle_with_bill(record);
        }
    }

    async fn sit(&mut self, sink: &mut impl Sink) -> Result<Ended, Fail> {
        let limit = match self.record.mode {
            2 => BACKGROUND_LIMIT,
            _ => LIMIT,
        };
        let over = tokio::time::sleep(limit);
        tokio::pin!(over);
        loop {
            if let Some(ended) = self.perform(sink).await? {
                return Ok(ended);
            }
            let event = tokio::select! {
                biased;
                () = self.running.token.cancelled() => Event::Cancelled,
                () = &mut over => Event::TimedOut,
                Some(event) = self.tasks.next() => event,
            };
            if let Event::TextDelta { task, text } = &event {
                self.effects = self.run.text_delta(task, text);
                continue;
            }
            if event.is_durable() {
                self.write_journal(&event).await?;
            }
            self.effects = self.run.apply(event);
        }
    }

    /// Carries out what the engine asked for.
    async fn perform(&mut self, sink: &mut impl Sink) -> Result<Option<Ended>, Fail> {
        let mut waiting = None;
        let mut question = None;
        for effect in std::mem::take(&mut self.effects) {
            match effect {
                Effect::Start(task) => {
                    let deadline = task.timeout_ms.map(|ms| {
                        let budget = std::time::Duration::from_millis(ms);
                        let path = task.id.path.clone();
                        *self
                            .deadlines
                            .entry(path)
                            .or_insert_with(|| Instant::now() + budget)
                    });
                    let id = task.id.clone();
                    let host = task::Host {
                        app: &self.app,
                        run: &self.record,
                        history: &self.history,
                        depth: self.depth,
                    };
                    let (stream, abort) = task::start(&host, task, deadline);
                    self.aborts.insert(id, abort);
                    self.tasks.push(stream);
                }
                Effect::Abort { task } => {
                    if let Some(abort) = self.aborts.remove(&task) {
                        abort.abort();
                    }
                }
                // The engine words it as data; callers are asked in words, as on the service.
                Effect::EmitMessage(message) if message.is_interrupt => question = Some(message),
                Effect::EmitMessage(message) => {
                    let uuid = self.keep(&message).await?;
                    sink.message(&message, &uuid).await?;
                }
                Effect::Interrupt(interrupt) => waiting = Some(interrupt),
                Effect::Warn {
                    path,
                    code,
                    message,
                } => {
                    // Its text may quote a value, so only debug logs show it.
                    tracing::info!(run = self.record.id, node = %path, code, "a node warned");
                    tracing::debug!(run = self.record.id, node = %path, warning = message);
                }
                Effect::Finish(outcome) => {
                    self.finish(&outcome).await?;
                    sink.finished(&outcome, &self.debug_url()).await?;
                    return Ok(Some(Ended::Done(outcome)));
                }
                other => {
                    // A kind of effect that this driver is too old for must not be passed over.
                    let kind = format!("{other:?}");
                    let kind = kind.split(|it: char| !it.is_alphanumeric()).next();
                    tracing::error!(kind, "an effect of the engine is not known");
                    return Err(Fail::internal());
                }
            }
        }
        let Some(interrupt) = waiting else {
            return Ok(None);
        };
        if let Some(mut message) = question {
            message.content = chatflow::question_text(&interrupt);
            let uuid = self.keep(&message).await?;
            sink.message(&message, &uuid).await?;
        }
        let data = self.interrupt_data(&interrupt);
        let mut record = self.record.clone();
        record.interrupt = Some(data.clone());
        self.save(record).await?;
        sink.interrupted(&interrupt, data, &self.debug_url())
            .await?;
        Ok(Some(Ended::Waiting))
    }

    async fn write_journal(&mut self, event: &Event) -> Result<(), Fail> {
        let line = serde_json::to_string(event).map_err(|error| corrupt(&error))?;
        let (run, seq) = (self.record.id, self.journal_length);
        self.journal_length += 1;
        self.app
            .db
            .write(move |unit| Ok::<_, Fail>(unit.append_journal(run, seq, &line)?))
            .await
    }

    /// Keeps what output nodes say, for the run history.
    async fn keep(&mut self, message: &Message) -> Result<String, Fail> {
        let fresh = || NodeOutputRecord {
            uuid: self.app.ids.next().to_string(),
            run_id: self.record.id,
            node_id: message.node.id.as_str().to_owned(),
            title: message.node.title.clone(),
            ..NodeOutputRecord::default()
        };
        let output = self
            .outputs
            .entry(message.path.clone())
            .or_insert_with(fresh);
        output.output.push_str(&message.content);
        output.is_finish = message.finished;
        output.updated_at = self.app.now();
        let output = output.clone();
        let uuid = output.uuid.clone();
        if message.finished && !message.is_end && !message.is_interrupt {
            self.app
                .db
                .write(move |unit| Ok::<_, Fail>(unit.put_node_output(&output)?))
                .await?;
        }
        Ok(uuid)
    }

    fn interrupt_data(&self, interrupt: &Interrupt) -> InterruptData {
        let required: Option<std::collections::BTreeMap<String, ParamSchema>> =
            serde_json::from_value(Value::Object(interrupt.required_parameters())).ok();
        InterruptData {
            event_id: format!("{}/{}", self.record.id, interrupt.event_id),
            kind: interrupt.kind(),
            data: Some(chatflow::question_data(interrupt)),
            required_parameters: required.filter(|it| !it.is_empty()),
        }
    }

    async fn finish(&mut self, outcome: &Outcome) -> Result<(), Fail> {
        let usage = usage_of(outcome);
        // What models took counts, however the run ends.
        self.record.usage = usage;
        let mut record = self.record.clone();
        match outcome {
            Outcome::Success { output, answer, .. } => {
                record.status = "Success".to_owned();
                record.output = self
                    .history_output(&result_text(output, answer.as_deref()))
                    .await?;
            }
            Outcome::Failed(failure) => {
                record.status = "Fail".to_owned();
                record.error_code = api_code(failure.code).to_string();
                record.error_message = failure.to_string();
            }
            Outcome::Cancelled { .. } if self.app.stop.is_cancelled() => {
                record.status = "Fail".to_owned();
                let why = Fail::interrupted();
                record.error_code = why.code.to_string();
                record.error_message = why.msg.into_owned();
            }
            Outcome::Cancelled { .. } => {
                record.status = "Cancel".to_owned();
                record.error_code = coze_workflow::code::CANCELLED.to_string();
                record.error_message = "the run was cancelled".to_owned();
            }
        }
        self.save_with_bill(record).await
    }

    /// The result, and what output nodes said: from the store, which has it from before a pause too.
    async fn history_output(&mut self, end: &str) -> Result<String, Fail> {
        let id = self.record.id;
        let nodes = self
            .app
            .db
            .read(move |unit| Ok::<_, Fail>(unit.node_outputs(id)?))
            .await?;
        let mut output = Map::new();
        output.insert("Output".to_owned(), end.into());
        for node in nodes {
            output
                .entry(node.title)
                .or_insert_with(|| node.output.into());
        }
        Ok(Value::Object(output).to_string())
    }

    /// The run is what it is on disk: one that was not written has not changed.
    async fn save(&mut self, mut record: RunRecord) -> Result<(), Fail> {
        record.updated_at = self.app.now();
        let stored = record.clone();
        self.app
            .db
            .write(move |unit| Ok::<_, Fail>(unit.update_run(&stored)?))
            .await?;
        self.record = record;
        Ok(())
    }

    /// The reply to a caller who waited.
    pub(crate) fn result(&self, ended: Ended) -> Result<WorkflowResult, Fail> {
        let mut result = WorkflowResult {
            execute_id: Some(self.record.id.into()),
            debug_url: self.debug_url(),
            ..WorkflowResult::default()
        };
        match ended {
            Ended::Waiting => result.interrupt_data.clone_from(&self.record.interrupt),
            Ended::Done(outcome) => {
                let usage = usage_of(&outcome);
                result.usage = Some(usage);
                result.token = Some(usage.token_count);
                result.cost = Some("0.00000".to_owned());
                match outcome {
                    Outcome::Success { output, answer, .. } => {
                        result.data = Some(result_text(&output, answer.as_deref()));
                    }
                    Outcome::Failed(failure) => return Err(refusal(&failure, self.debug_url())),
                    Outcome::Cancelled { .. } => {
                        let fail =
                            Fail::new(coze_workflow::code::CANCELLED, "the run was cancelled");
                        return Err(Fail {
                            debug_url: Some(self.debug_url()),
                            ..fail
                        });
                    }
                }
            }
        }
        Ok(result)
    }
}

fn options(mode: i64) -> RunOptions {
    RunOptions {
        stream: mode == Mode::Stream as i64,
        ..RunOptions::default()
    }
}

fn corrupt(error: &dyn std::fmt::Display) -> Fail {
    tracing::error!(%error, "a run in the store cannot be read");
    Fail::internal()
}

/// Where a run can be looked at: on this server, its history.
pub(crate) fn debug_url(app: &App, workflow: &str, run: i64) -> String {
    format!("{}/v1/workflows/{workflow}/run_histories/{run}", app.url())
}
