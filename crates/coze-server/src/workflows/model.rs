//! A model node at work: the model is asked, and asked again while it uses its skills.

use std::sync::Arc;

use coze_workflow::{Attachment, Event, ModelReply, TaskId, TaskResult, code};
use futures_util::future::join_all;
use futures_util::{StreamExt, stream};
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::skills;
use super::task::{Host, TaskStream};
use super::tool::{Actor, ToolRun};
use crate::agent::MAX_ROUNDS;
use crate::app::App;
use crate::fail::Fail;
use crate::models::{
    Model, ModelCall, ModelError, ModelEvent, ModelMessage, ModelRequest, ModelStream, Part,
};
use crate::routes::bots::Edition;
use crate::store::RunRecord;
use crate::tools::Toolbox;

/// Why a call failed: its code, and what is told.
type Failure = (i64, String);

/// Calls the model of a node.
pub(super) fn call(
    host: &Host<'_>,
    mut wanted: coze_workflow::ModelRequest,
    task: TaskId,
    deadline: Option<Instant>,
) -> TaskStream {
    let (app, run, depth) = (host.app.clone(), host.run.clone(), host.depth);
    let (streamed, name) = (wanted.stream, wanted.model_name.take());
    let given = wanted.skills.take();
    let mut request = request(wanted, host.history);
    request.user.clone_from(&host.run.connector_uid);
    let events = async move {
        let begun = async {
            let mut request = request;
            let mut tools = Toolbox::default();
            if let Some(given) = given {
                tools = skills::prepare(&app, &run, given, &mut request).await?;
            }
            Ok::<_, Fail>((
                model(&app, &run.bot_id, name.as_deref()).await,
                request,
                tools,
            ))
        };
        let begun = match timed(deadline, begun).await {
            Ok(Ok(begun)) => Ok(begun),
            Ok(Err(fail)) => Err((code::EXECUTION_FAILED, fail.msg.into_owned())),
            Err(late) => Err(late),
        };
        let (model, request, tools) = match begun {
            Ok(begun) => begun,
            Err((code, message)) => {
                let partial = false;
                let failed = Event::TaskFailed {
                    task,
                    code,
                    message,
                    partial,
                };
                return stream::iter([failed]).boxed();
            }
        };
        let cancel = app.stop.child_token();
        let node = Node {
            events: model.respond(request.clone()),
            actor: actor(&run, depth),
            _ends_with_the_task: cancel.clone().drop_guard(),
            cancel,
            app,
            model,
            request,
            tools,
            task,
            streamed,
            deadline,
            reply: ModelReply::default(),
            reasoning: String::new(),
            text: String::new(),
            calls: Vec::new(),
            rounds: 0,
        };
        node.events()
    };
    stream::once(events).flatten().boxed()
}

fn actor(run: &RunRecord, depth: u8) -> Actor {
    Actor {
        bot_id: run.bot_id.clone(),
        user_id: run.connector_uid.clone(),
        depth,
    }
}

/// By its name under `models`, else that of the run's agent, else the built-in one: the names and
/// ids of Coze's own models mean nothing here.
async fn model(app: &App, bot: &str, name: Option<&str>) -> Arc<dyn Model> {
    let configured = app.configured();
    if let Some(named) = name.and_then(|name| configured.models.get(name)) {
        return Arc::clone(named);
    }
    // Whoever started the run was asked whether the agent is theirs.
    match crate::routes::bots::load(app, bot, &Edition::Any).await {
        Ok(Some(agent)) => Arc::clone(&agent.it.model),
        _ => Arc::clone(&configured.offline),
    }
}

fn request(wanted: coze_workflow::ModelRequest, history: &[ModelMessage]) -> ModelRequest {
    let rounds = usize::try_from(wanted.history_rounds).unwrap_or(0);
    // A round is a question and its answer.
    let from = history.len().saturating_sub(rounds.saturating_mul(2));
    let mut messages: Vec<ModelMessage> = history.iter().skip(from).cloned().collect();
    let mut parts = vec![Part::Text(wanted.prompt)];
    parts.extend(wanted.attachments.into_iter().map(attached));
    messages.push(ModelMessage::User(parts));
    let max_tokens = wanted.max_tokens;
    ModelRequest {
        system: wanted.system,
        messages,
        temperature: wanted.temperature,
        top_p: wanted.top_p,
        max_tokens: max_tokens.and_then(|tokens| u32::try_from(tokens).ok()),
        ..ModelRequest::default()
    }
}

fn attached(it: Attachment) -> Part {
    match it.kind == "image" {
        true => Part::Image(it.url),
        false => Part::Text(format!("[{}: {}]", it.input, it.url)),
    }
}

/// Work within the time of the node.
async fn timed<T>(deadline: Option<Instant>, work: impl Future<Output = T>) -> Result<T, Failure> {
    match deadline {
        None => Ok(work.await),
        Some(deadline) => timeout_at(deadline, work)
            .await
            .map_err(|_| (code::NODE_TIMEOUT, "the node's time is over".to_owned())),
    }
}

/// A node that has been asked.
struct Node {
    app: App,
    model: Arc<dyn Model>,
    request: ModelRequest,
    tools: Toolbox,
    actor: Actor,
    /// For what tools are doing; set when the task is dropped, too.
    cancel: CancellationToken,
    _ends_with_the_task: DropGuard,
    task: TaskId,
    streamed: bool,
    deadline: Option<Instant>,
    events: ModelStream,
    /// Of all rounds: what has been told cannot be taken back.
    reply: ModelReply,
    reasoning: String,
    /// Of this round.
    text: String,
    calls: Vec<ModelCall>,
    rounds: usize,
}

impl Node {
    fn events(self) -> TaskStream {
        stream::unfold(Some(self), |node| async move {
            let mut node = node?;
            match node.next().await {
                Ok(Some(text)) => {
                    let task = node.task.clone();
                    Some((Event::TextDelta { task, text }, Some(node)))
                }
                Ok(None) => Some((node.finished(), None)),
                Err((code, message)) => Some((node.failed(code, message), None)),
            }
        })
        .boxed()
    }

    /// The next piece of text that somebody watches; `None` when the answer is whole.
    async fn next(&mut self) -> Result<Option<String>, Failure> {
        loop {
            match timed(self.deadline, self.events.next()).await? {
                Some(Ok(ModelEvent::Text(text))) => {
                    self.reply.text.push_str(&text);
                    self.text.push_str(&text);
                    if self.streamed {
                        return Ok(Some(text));
                    }
                }
                Some(Ok(ModelEvent::Reasoning(text))) => self.reasoning.push_str(&text),
                Some(Ok(ModelEvent::Usage { input, output })) => {
                    self.app.metrics.tokens(input, output);
                    self.reply.usage.input += u64::try_from(input).unwrap_or(0);
                    self.reply.usage.output += u64::try_from(output).unwrap_or(0);
                }
                // The built-in model answers sums through a tool; here it can do so at once.
                Some(Ok(ModelEvent::Call(call))) if self.tools.is_empty() => {
                    let output = crate::tools::call(&call.name, &call.arguments, self.app.now());
                    self.reply.text.push_str(&output.unwrap_or_default());
                }
                Some(Ok(ModelEvent::Call(call))) => self.calls.push(call),
                Some(Ok(ModelEvent::FollowUps(_))) => {}
                Some(Err(ModelError { code, msg })) => return Err((code, msg)),
                None if self.calls.is_empty() => return Ok(None),
                None => {
                    if self.use_tools().await? {
                        return Ok(None);
                    }
                }
            }
        }
    }

    /// Carries out what the model asked for, all at once, and asks it again. True when one of the
    /// tools has answered in its place.
    async fn use_tools(&mut self) -> Result<bool, Failure> {
        self.rounds += 1;
        if self.rounds > MAX_ROUNDS {
            let why = format!("the model called tools {MAX_ROUNDS} times without answering");
            return Err((code::EXECUTION_FAILED, why));
        }
        let mut calls = std::mem::take(&mut self.calls);
        for call in calls.iter_mut().filter(|call| call.id.is_empty()) {
            call.id = format!("call_{}", self.app.ids.next());
        }
        let (tools, app) = (&self.tools, &self.app);
        let run = |call| ToolRun {
            actor: &self.actor,
            cancel: &self.cancel,
            call,
            said: None,
        };
        let work = calls
            .iter()
            .enumerate()
            .map(|(at, call)| tools.call(app, &call.name, &call.arguments, run(at)));
        let outputs = timed(self.deadline, join_all(work)).await?;
        if let Some(answer) = outputs.iter().find(|it| it.is_answer) {
            self.reply.text.push_str(&answer.text);
            return Ok(true);
        }
        let ids: Vec<String> = calls.iter().map(|call| call.id.clone()).collect();
        let text = std::mem::take(&mut self.text);
        let messages = &mut self.request.messages;
        messages.push(ModelMessage::Assistant { text, calls });
        let outputs = ids.into_iter().zip(outputs);
        messages.extend(outputs.map(|(call_id, it)| ModelMessage::Tool {
            call_id,
            output: it.text,
        }));
        self.events = self.model.respond(self.request.clone());
        Ok(false)
    }

    fn finished(self) -> Event {
        let mut reply = self.reply;
        reply.reasoning = (!self.reasoning.is_empty()).then_some(self.reasoning);
        Event::TaskFinished {
            task: self.task,
            result: TaskResult::Model(reply),
        }
    }

    fn failed(self, code: i64, message: String) -> Event {
        Event::TaskFailed {
            task: self.task,
            code,
            message,
            // What a reader has seen cannot be taken back by a second attempt.
            partial: self.streamed && !self.reply.text.is_empty(),
        }
    }
}
