//! The work that nodes leave to the driver: calling models, looking knowledge up.

use std::sync::Arc;

use coze_workflow::{Event, ModelReply, Task, TaskId, TaskKind, TaskResult, code};
use futures_util::future::{AbortHandle, Abortable};
use futures_util::stream::BoxStream;
use futures_util::{StreamExt, stream};
use serde_json::Value;
use tokio::time::Instant;

use super::knowledge;
use crate::app::App;
use crate::fail::Fail;
use crate::models::{Model, ModelError, ModelEvent, ModelMessage, ModelRequest, Part};
use crate::routes::bots::Edition;
use crate::store::RunRecord;

pub(super) type TaskStream = BoxStream<'static, Event>;

/// Begins a task: its events, and the handle that ends it.
pub(super) fn start(
    app: &App,
    run: &RunRecord,
    task: Task,
    deadline: Option<Instant>,
    history: &[ModelMessage],
) -> (TaskStream, AbortHandle) {
    let (handle, registration) = AbortHandle::new_pair();
    let id = task.id.clone();
    let events = match task.kind {
        TaskKind::Model(request) => {
            let (app, bot, name) = (app.clone(), run.bot_id.clone(), request.model_name.clone());
            let streamed = request.stream;
            let mut request = model_request(*request, history);
            request.user.clone_from(&run.connector_uid);
            let events = async move {
                let model = model(&app, &bot, name.as_deref()).await;
                call_model(&app, &model, request, task.id, streamed, deadline)
            };
            stream::once(events).flatten().boxed()
        }
        TaskKind::SearchKnowledge(it) => {
            let (app, run) = (app.clone(), run.clone());
            let work = async move { knowledge::search(&app, &run, it).await };
            value(id, deadline, work)
        }
        TaskKind::WriteKnowledge(it) => {
            let (app, run) = (app.clone(), run.clone());
            let work = async move { knowledge::write(&app, &run, it).await };
            value(id, deadline, work)
        }
        TaskKind::DeleteKnowledge { document } => {
            let (app, run) = (app.clone(), run.clone());
            let work = async move { knowledge::delete(&app, &run, document).await };
            value(id, deadline, work)
        }
        other => {
            let message = format!("this server cannot carry out {other:?}");
            let code = code::EXECUTION_FAILED;
            stream::iter([Event::TaskFailed {
                task: id,
                code,
                message,
                partial: false,
            }])
            .boxed()
        }
    };
    (Abortable::new(events, registration).boxed(), handle)
}

/// Work that ends in a value.
fn value(
    task: TaskId,
    deadline: Option<Instant>,
    work: impl Future<Output = Result<Value, Fail>> + Send + 'static,
) -> TaskStream {
    let event = async move {
        let done = match deadline {
            None => Ok(work.await),
            Some(deadline) => tokio::time::timeout_at(deadline, work).await,
        };
        let (code, message) = match done {
            Ok(Ok(value)) => {
                let result = TaskResult::Value { value };
                return Event::TaskFinished { task, result };
            }
            Ok(Err(fail)) => (code::EXECUTION_FAILED, fail.msg.into_owned()),
            Err(_) => (code::NODE_TIMEOUT, "the node's time is over".to_owned()),
        };
        Event::TaskFailed {
            task,
            code,
            message,
            partial: false,
        }
    };
    stream::once(event).boxed()
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

fn model_request(request: coze_workflow::ModelRequest, history: &[ModelMessage]) -> ModelRequest {
    let rounds = usize::try_from(request.history_rounds).unwrap_or(0);
    // A round is a question and its answer.
    let from = history.len().saturating_sub(rounds.saturating_mul(2));
    let mut messages: Vec<ModelMessage> = history.iter().skip(from).cloned().collect();
    let mut parts = vec![Part::Text(request.prompt)];
    for attachment in request.attachments {
        parts.push(match attachment.kind == "image" {
            true => Part::Image(attachment.url),
            false => Part::Text(format!("[{}: {}]", attachment.input, attachment.url)),
        });
    }
    messages.push(ModelMessage::User(parts));
    ModelRequest {
        system: request.system,
        messages,
        temperature: request.temperature,
        top_p: request.top_p,
        max_tokens: request
            .max_tokens
            .and_then(|tokens| u32::try_from(tokens).ok()),
        ..ModelRequest::default()
    }
}

fn call_model(
    app: &App,
    model: &Arc<dyn Model>,
    request: ModelRequest,
    task: coze_workflow::TaskId,
    streamed: bool,
    deadline: Option<Instant>,
) -> TaskStream {
    struct State {
        app: App,
        events: crate::models::ModelStream,
        reply: ModelReply,
        reasoning: String,
    }
    let state = State {
        app: app.clone(),
        events: model.respond(request),
        reply: ModelReply::default(),
        reasoning: String::new(),
    };
    // What a reader has seen cannot be taken back by a second attempt.
    let shown = move |reply: &ModelReply| streamed && !reply.text.is_empty();
    stream::unfold(Some(state), move |state| {
        let task = task.clone();
        async move {
            let mut state = state?;
            loop {
                let next = match deadline {
                    None => Ok(state.events.next().await),
                    Some(deadline) => tokio::time::timeout_at(deadline, state.events.next()).await,
                };
                let Ok(event) = next else {
                    let message = "the node's time is over".to_owned();
                    let (code, partial) = (code::NODE_TIMEOUT, shown(&state.reply));
                    return Some((
                        Event::TaskFailed {
                            task,
                            code,
                            message,
                            partial,
                        },
                        None,
                    ));
                };
                match event {
                    Some(Ok(ModelEvent::Text(text))) => {
                        state.reply.text.push_str(&text);
                        if streamed {
                            return Some((Event::TextDelta { task, text }, Some(state)));
                        }
                    }
                    Some(Ok(ModelEvent::Reasoning(text))) => state.reasoning.push_str(&text),
                    Some(Ok(ModelEvent::Usage { input, output })) => {
                        state.app.metrics.tokens(input, output);
                        state.reply.usage.input += u64::try_from(input).unwrap_or(0);
                        state.reply.usage.output += u64::try_from(output).unwrap_or(0);
                    }
                    // The built-in model answers sums through a tool; here it can do so at once.
                    Some(Ok(ModelEvent::Call(call))) => {
                        let output =
                            crate::tools::call(&call.name, &call.arguments, state.app.now());
                        state.reply.text.push_str(&output.unwrap_or_default());
                    }
                    Some(Ok(ModelEvent::FollowUps(_))) => {}
                    Some(Err(ModelError { code, msg })) => {
                        let (message, partial) = (msg, shown(&state.reply));
                        return Some((
                            Event::TaskFailed {
                                task,
                                code,
                                message,
                                partial,
                            },
                            None,
                        ));
                    }
                    None => {
                        let mut reply = state.reply;
                        reply.reasoning = (!state.reasoning.is_empty()).then_some(state.reasoning);
                        let result = TaskResult::Model(reply);
                        return Some((Event::TaskFinished { task, result }, None));
                    }
                }
            }
        }
    })
    .boxed()
}
