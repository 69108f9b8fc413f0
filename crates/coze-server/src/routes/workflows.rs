//! Workflows: running and resuming them, and chatflows.

mod catalog;
mod conversation;

use std::sync::Arc;

use coze_types::chat::{Chat, ChatError, ChatStatus, StartChatBody, Usage};
use coze_types::messages::{EnterMessage, Role};
use coze_types::workflows::{
    ChatWorkflow, ChatWorkflowBody, ResumeWorkflow, ResumeWorkflowBody, RunWorkflow,
    RunWorkflowBody, StreamResumeWorkflow, StreamRunWorkflow, WorkflowResult,
};
use coze_types::{Data, Id, StreamOnly, Streams, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{apps, bots, chat, conversations};
use crate::agent;
use crate::app::App;
use crate::call::{Answer, Call};
use crate::caller::Caller;
use crate::configured::Workflow;
use crate::fail::Fail;
use crate::models::{ModelMessage, Part};
use crate::output::Output;
use crate::store::{ChatRecord, RunRecord, number};
use crate::validate;
use crate::workflows::{ChatSink, Driver, EventSink, Mode, NoSink, Start, answer_data};

pub(crate) use catalog::{creator, find, list, of, retrieve, versions};
pub(crate) use conversation::create as conversation;

/// An agent or an app whose data a workflow may use, but not both.
async fn check_owner(
    app: &App,
    caller: &Caller,
    bot: Option<&Id>,
    owner: Option<&Id>,
) -> Result<(), Fail> {
    let (bot, owner) = (
        bot.filter(|id| !id.is_unset()),
        owner.filter(|id| !id.is_unset()),
    );
    if bot.is_some() && owner.is_some() {
        return Err(Fail::invalid("app_id", "it cannot go with bot_id"));
    }
    if let Some(bot) = bot {
        bots::find(app, caller, bot).await?;
    }
    if let Some(owner) = owner {
        apps::find(app, caller, owner).await?;
    }
    Ok(())
}

async fn check_run(
    app: &App,
    caller: &Caller,
    body: &RunWorkflowBody,
) -> Result<Arc<Workflow>, Fail> {
    check_owner(app, caller, body.bot_id.as_ref(), body.app_id.as_ref()).await?;
    find(app, caller, &body.workflow_id).await
}

pub(crate) async fn run(app: App, call: Call<RunWorkflow>) -> Result<WorkflowResult, Fail> {
    let body = call.row.body;
    let workflow = check_run(&app, &call.user, &body).await?;
    let background = body.is_async.unwrap_or(false);
    let mode = if background {
        Mode::Background
    } else {
        Mode::Sync
    };
    let mut driver = Driver::start(&app, &workflow, Start::new(&body, mode, &call.log_id)).await?;
    if background {
        let result = WorkflowResult {
            execute_id: Some(driver.record.id.into()),
            debug_url: driver.debug_url(),
            ..WorkflowResult::default()
        };
        app.tasks.spawn(async move {
            // What it broke off for stands in its history.
            let _ = driver.drive(&mut NoSink).await;
        });
        return Ok(result);
    }
    wait(&app, driver).await
}

/// Drives a run to its end even when its caller goes away.
async fn wait(app: &App, mut driver: Driver) -> Result<WorkflowResult, Fail> {
    let work = app.tasks.spawn(async move {
        let ended = driver.drive(&mut NoSink).await?;
        driver.result(ended)
    });
    work.await.unwrap_or_else(|error| {
        tracing::error!(%error, "a run broke off");
        Err(Fail::internal())
    })
}

/// Body of the run call in the dialect of the coze-api skill.
pub(crate) async fn run_skill(app: App, call: Call<SkillRun>) -> Result<Data<SkillResult>, Fail> {
    let body = RunWorkflowBody {
        is_async: None,
        ..call.row.body
    };
    let workflow = check_run(&app, &call.user, &body).await?;
    let start = Start::new(&body, Mode::Sync, &call.log_id);
    let driver = Driver::start(&app, &workflow, start).await?;
    let result = wait(&app, driver).await?;
    // That document shows the result as an object.
    let data = result
        .data
        .as_deref()
        .map(|text| serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned())));
    Ok(Data {
        data: SkillResult {
            execute_id: result.execute_id.unwrap_or_default(),
            workflow_id: body.workflow_id,
            data: data.unwrap_or_default(),
        },
    })
}

/// The row that only the coze-api skill document has; the types crate holds what Coze has.
#[derive(Debug, Clone)]
pub(crate) struct SkillRun {
    query: coze_types::Empty,
    body: RunWorkflowBody,
}

impl coze_types::Endpoint for SkillRun {
    const INFO: &'static coze_types::Info = &coze_types::Info {
        name: "SkillRunWorkflow",
        path: "/v3/workflows/run",
        ..*RunWorkflow::INFO
    };
    type Query = coze_types::Empty;
    type Body = RunWorkflowBody;
    type Reply = Data<SkillResult>;

    fn path(&self) -> std::borrow::Cow<'static, str> {
        Self::INFO.path.into()
    }
    fn query(&self) -> &Self::Query {
        &self.query
    }
    fn body(&self) -> &Self::Body {
        &self.body
    }
    fn from_parts(_: &dyn Fn(&str) -> String, query: Self::Query, body: Self::Body) -> Self {
        Self { query, body }
    }
}

/// What the coze-api skill document shows as the result of a run.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct SkillResult {
    execute_id: Id,
    workflow_id: Id,
    data: Value,
}

pub(crate) async fn stream_run(
    app: App,
    call: Call<StreamRunWorkflow>,
) -> Result<Answer<StreamOnly>, Fail> {
    let body = call.row.body;
    let workflow = check_run(&app, &call.user, &body).await?;
    let start = Start::new(&body, Mode::Stream, &call.log_id);
    Ok(stream(&app, Driver::start(&app, &workflow, start).await?))
}

fn stream(app: &App, mut driver: Driver) -> Answer<StreamOnly> {
    let (output, frames) = Output::stream(chat::framing(app, StreamRunWorkflow::FRAMING));
    let mut sink = EventSink::new(output);
    app.tasks.spawn(async move {
        if let Err(fail) = driver.drive(&mut sink).await {
            sink.failed(fail.code, &fail.msg, &driver.debug_url()).await;
        }
    });
    Answer::Frames(frames)
}

async fn take_up(app: &App, caller: &Caller, body: ResumeWorkflowBody) -> Result<Driver, Fail> {
    find(app, caller, &body.workflow_id).await?;
    validate::required("event_id", &body.event_id)?;
    let kind = Some(body.interrupt_type);
    Driver::resume(
        app,
        &body.workflow_id,
        &body.event_id,
        kind,
        body.resume_data,
        Vec::new(),
    )
    .await
}

pub(crate) async fn resume(app: App, call: Call<ResumeWorkflow>) -> Result<WorkflowResult, Fail> {
    let driver = take_up(&app, &call.user, call.row.body).await?;
    wait(&app, driver).await
}

pub(crate) async fn stream_resume(
    app: App,
    call: Call<StreamResumeWorkflow>,
) -> Result<Answer<StreamOnly>, Fail> {
    let driver = take_up(&app, &call.user, call.row.body).await?;
    Ok(stream(&app, driver))
}

pub(crate) async fn chat(app: App, call: Call<ChatWorkflow>) -> Result<Answer<StreamOnly>, Fail> {
    let body = call.row.body;
    let (workflow, space) = check_chat(&app, &call.user, &body).await?;
    let user = call.user;
    let (chat_id, worker, given) = (app.ids.next_id(), app.clone(), body.clone());
    let (record, waiting) = app
        .db
        .write(move |unit| {
            let wanted = given.conversation_id.clone().filter(|id| !id.is_unset());
            let bot = given.bot_id.clone().filter(|id| !id.is_unset());
            let conversation = match wanted {
                Some(id) => conversations::find(unit, &user, &id)?,
                None => {
                    let new = conversations::new(&worker, &user, given.connector_id.clone());
                    unit.insert_conversation(&new, bot.as_deref(), space, user.session())?;
                    new
                }
            };
            let id = number(&conversation.id);
            chat::occupied(unit, id)?;
            let bot = bot.unwrap_or_default();
            let record = ChatRecord {
                chat: Chat {
                    id: chat_id.clone(),
                    conversation_id: conversation.id.clone(),
                    bot_id: Some(bot.clone()),
                    created_at: Some(Timestamp(worker.now())),
                    last_error: Some(ChatError::default()),
                    status: ChatStatus::InProgress,
                    usage: Some(Usage::default()),
                    section_id: conversation.last_section_id.clone(),
                    ..Chat::default()
                },
                user_id: user.user_id().to_owned(),
                save_history: true,
                request: StartChatBody::default(),
                turns: Vec::new(),
            };
            unit.insert_chat(&record)?;
            let mut messages = conversations::entered(
                &worker,
                &conversation,
                &given.additional_messages,
                Some((&chat_id, &bot)),
            );
            for message in &mut messages {
                message.bot_id = None;
                unit.insert_message(message, false)?;
            }
            let waiting = match unit.waiting_run(id, &given.workflow_id)? {
                Some(run) => unit.run(run)?,
                None => None,
            };
            Ok::<_, Fail>((record, waiting))
        })
        .await?;
    let (mut output, frames) = Output::stream(chat::framing(&app, ChatWorkflow::FRAMING));
    let begun = begin_chat(&app, &workflow, &body, &record, waiting, &call.log_id).await;
    agent::announce(&mut output, &ChatSink::wire(&record)).await;
    let record_id = record.id();
    let mut sink = ChatSink::new(&app, record, output);
    match begun {
        Err(fail) => {
            app.tasks
                .spawn(async move { sink.failed(fail.code, fail.msg.into_owned(), "").await });
        }
        Ok(mut driver) => {
            // Callers cancel the chat; the run has an id of its own.
            let as_chat = app.begin_with(record_id, driver.token());
            app.tasks.spawn(async move {
                let _registered = as_chat;
                if let Err(fail) = driver.drive(&mut sink).await {
                    sink.failed(fail.code, fail.msg.into_owned(), &driver.debug_url())
                        .await;
                }
            });
        }
    }
    Ok(Answer::Frames(frames))
}

/// The chatflow, and the space that a conversation of it belongs to.
async fn check_chat(
    app: &App,
    caller: &Caller,
    body: &ChatWorkflowBody,
) -> Result<(Arc<Workflow>, i64), Fail> {
    check_owner(app, caller, body.bot_id.as_ref(), body.app_id.as_ref()).await?;
    let workflow = find(app, caller, &body.workflow_id).await?;
    if !workflow.plan.is_chatflow() {
        let why = "it is a workflow, not a chatflow: its start node has no USER_INPUT";
        return Err(Fail::invalid("workflow_id", why));
    }
    let messages = &body.additional_messages;
    validate::messages(app, caller, "additional_messages", messages, 50, true).await?;
    match messages.last() {
        Some(last) if last.role == Role::User => {
            let space = workflow.space;
            Ok((workflow, space))
        }
        Some(_) => Err(Fail::invalid(
            "additional_messages",
            "the last one must be of role user",
        )),
        None => Err(Fail::invalid("additional_messages", "it is required")),
    }
}

/// Starts the chatflow, or goes on with the one that waits for this message.
async fn begin_chat(
    app: &App,
    workflow: &Workflow,
    body: &ChatWorkflowBody,
    record: &ChatRecord,
    waiting: Option<RunRecord>,
    log_id: &str,
) -> Result<Driver, Fail> {
    let text = body
        .additional_messages
        .last()
        .map(input_text)
        .unwrap_or_default();
    let conversation = number(&record.chat.conversation_id);
    let section = record.chat.section_id.as_deref().map_or(-1, number);
    let chat_id = record.id();
    let past = app
        .db
        .read(move |unit| Ok::<_, Fail>(unit.context(conversation, section, chat_id, 60)?))
        .await?;
    let history = past
        .iter()
        .map(|message| match message.role {
            Role::Assistant => ModelMessage::Assistant {
                text: message.content.clone(),
                calls: Vec::new(),
            },
            _ => ModelMessage::User(vec![Part::Text(agent::text_of(message))]),
        })
        .collect();
    if let Some(interrupt) = waiting.and_then(|run| run.interrupt) {
        let data = answer_data(interrupt.kind, &text);
        return Driver::resume(app, &workflow.id, &interrupt.event_id, None, data, history).await;
    }
    let mut parameters = body.parameters.clone().unwrap_or_default().0;
    parameters.insert("USER_INPUT".to_owned(), text.into());
    parameters
        .entry("CONVERSATION_NAME")
        .or_insert_with(|| "Default".into());
    let as_run = RunWorkflowBody {
        bot_id: body.bot_id.clone(),
        ext: body.ext.clone(),
        connector_id: body.connector_id.clone(),
        ..RunWorkflowBody::default()
    };
    let start = Start {
        parameters,
        conversation: Some(conversation),
        history,
        ..Start::new(&as_run, Mode::Stream, log_id)
    };
    Driver::start(app, workflow, start).await
}

fn input_text(message: &EnterMessage) -> String {
    let as_message = coze_types::messages::Message {
        content: message.content.clone(),
        content_type: message.content_type.clone().unwrap_or_default(),
        ..Default::default()
    };
    agent::text_of(&as_message)
}
