//! Chats: starting, watching, cancelling them, and handing them tool outputs.

use coze_types::chat::{
    CancelChat, Chat, ChatError, ChatQuery, ChatStatus, InsertedMessage, ListChatMessages,
    RetrieveChat, StartChat, StartChatBody, SubmitToolOutputs, ToolOutput, Usage,
};
use coze_types::chat_event::ChatEvent;
use coze_types::messages::{Message, MessageType};
use coze_types::sse::Framing;
use coze_types::{Data, Streams, Timestamp};

use super::bots::{self, Edition};
use super::conversations;
use crate::agent;
use crate::app::App;
use crate::call::{Answer, Call};
use crate::caller::Caller;
use crate::config::Dialect;
use crate::fail::Fail;
use crate::output::Output;
use crate::shortcuts;
use crate::store::{ChatRecord, Unit, number};
use crate::validate;

pub(crate) async fn start(app: App, call: Call<StartChat>) -> Result<Answer<Data<Chat>>, Fail> {
    let mut body = call.row.body;
    let stream = body.stream.unwrap_or(false);
    check_start(&app, &call.user, &body, stream).await?;
    // That document has streams without history only, and leaves the field out at times.
    let default = !(stream && app.dialect == Dialect::Skill);
    let save_history = body.auto_save_history.unwrap_or(default);
    let agent = bots::open(&app, &call.user, &body.bot_id, &edition(&body)).await?;
    if let Some(used) = &body.shortcut_command {
        let filled = shortcuts::fill(shortcuts::find(&agent, used)?, used)?;
        for (place, file) in &filled.files {
            validate::files_exist(&app, &call.user, place, std::slice::from_ref(file)).await?;
        }
        // It makes the question, behind what is given besides.
        let messages = body.additional_messages.get_or_insert_default();
        messages.push(filled.question);
    }
    if agent.profile.stored && !is_draft(&body) {
        // A chat that pauses goes on with the version that it began with.
        body.bot_version = Some(agent.profile.version.clone());
    }

    // The query wins over the body; SDKs send an empty one for none.
    let given = call.row.query.conversation_id.filter(|id| !id.is_unset());
    let wanted = given
        .or(body.conversation_id.take())
        .filter(|id| !id.is_unset());
    let (user, space) = (call.user, agent.space);
    let (chat_id, worker) = (app.ids.next_id(), app.clone());
    let running = app.begin(number(&chat_id));
    let record = app
        .db
        .write(move |unit| {
            let app = worker;
            let conversation = match &wanted {
                Some(id) => conversations::find(unit, &user, id)?,
                None => {
                    let new = conversations::new(&app, &user, body.connector_id.clone());
                    unit.insert_conversation(&new, Some(&body.bot_id), space, user.session())?;
                    new
                }
            };
            occupied(unit, number(&conversation.id))?;
            let given = body.additional_messages.as_deref().unwrap_or_default();
            let messages =
                conversations::entered(&app, &conversation, given, Some((&chat_id, &body.bot_id)));
            if given.is_empty() && is_empty(unit, number(&conversation.id))? {
                let why = "it is required when the conversation is empty";
                return Err(Fail::invalid("additional_messages", why));
            }
            let inserted = messages
                .iter()
                .map(|it| InsertedMessage { id: it.id.clone() })
                .collect();
            let record = ChatRecord {
                chat: Chat {
                    id: chat_id,
                    conversation_id: conversation.id.clone(),
                    bot_id: Some(body.bot_id.clone()),
                    created_at: Some(Timestamp(app.now())),
                    meta_data: body.meta_data.clone(),
                    last_error: Some(ChatError::default()),
                    status: ChatStatus::InProgress,
                    usage: Some(Usage::default()),
                    section_id: conversation.last_section_id.clone(),
                    inserted_additional_messages: save_history.then_some(inserted),
                    ..Chat::default()
                },
                user_id: body.user_id.clone(),
                save_history,
                request: body,
                turns: Vec::new(),
            };
            unit.insert_chat(&record)?;
            if save_history {
                for message in &messages {
                    unit.insert_message(message, false)?;
                }
            }
            Ok::<_, Fail>(record)
        })
        .await?;
    let chat = record.wire();
    if !stream {
        agent::spawn(&app, agent, record, Output::none(), running);
        return Ok(Answer::Reply(Data { data: chat }));
    }
    let (mut output, frames) = Output::stream(framing(&app, StartChat::FRAMING));
    agent::announce(&mut output, &chat).await;
    agent::spawn(&app, agent, record, output, running);
    Ok(Answer::Frames(frames))
}

/// The framing of a stream in the server's dialect.
pub(crate) fn framing(app: &App, documented: Framing) -> Framing {
    match app.dialect {
        Dialect::Coze => documented,
        Dialect::Skill => Framing::Wrapped,
    }
}

async fn check_start(
    app: &App,
    caller: &Caller,
    body: &StartChatBody,
    stream: bool,
) -> Result<(), Fail> {
    validate::required("bot_id", &body.bot_id)?;
    validate::required("user_id", &body.user_id)?;
    if !stream && body.auto_save_history == Some(false) {
        let why = "it must be true when stream is false, or the answer could not be fetched";
        return Err(Fail::invalid("auto_save_history", why));
    }
    if app.dialect == Dialect::Skill && stream && body.auto_save_history == Some(true) {
        let why = "it must be false when stream is true (in the dialect of the skill)";
        return Err(Fail::invalid("auto_save_history", why));
    }
    let draft = is_draft(body);
    match body.publish_status.as_deref() {
        None | Some("" | "published_online" | "unpublished_draft") => {}
        Some(other) => {
            let why =
                format!("{other:?} is neither \"published_online\" nor \"unpublished_draft\"");
            return Err(Fail::invalid("publish_status", why));
        }
    }
    if draft
        && body
            .bot_version
            .as_deref()
            .is_some_and(|version| !version.is_empty())
    {
        return Err(Fail::invalid(
            "bot_version",
            "it cannot go with publish_status unpublished_draft",
        ));
    }
    validate::meta_data("meta_data", body.meta_data.as_ref())?;
    for key in body.custom_variables.iter().flatten().map(|(key, _)| key) {
        let allowed = key.chars().all(|it| it.is_alphanumeric() || it == '_');
        if key.is_empty() || !allowed {
            let why = format!("the name {key:?} may only have letters and underscores");
            return Err(Fail::invalid("custom_variables", why));
        }
    }
    let save_history = body.auto_save_history.unwrap_or(true);
    let messages = body.additional_messages.as_deref().unwrap_or_default();
    validate::messages(
        app,
        caller,
        "additional_messages",
        messages,
        100,
        save_history,
    )
    .await
}

fn is_draft(body: &StartChatBody) -> bool {
    body.publish_status.as_deref() == Some("unpublished_draft")
}

/// The state of the agent that a chat asks for.
fn edition(body: &StartChatBody) -> Edition {
    if is_draft(body) {
        return Edition::Draft;
    }
    let connector = body.connector_id.as_deref().filter(|id| !id.is_empty());
    Edition::Online {
        connector: connector.unwrap_or(bots::API).to_owned(),
        version: body.bot_version.clone(),
    }
}

pub(crate) fn occupied(unit: &dyn Unit, conversation: i64) -> Result<(), Fail> {
    match unit.running_chat(conversation)? {
        None => Ok(()),
        Some(chat) => {
            let msg = format!(
                "conversation {conversation} is occupied by chat {chat}: wait until it ends, or cancel it"
            );
            Err(Fail::new(4016, msg))
        }
    }
}

fn is_empty(unit: &dyn Unit, conversation: i64) -> Result<bool, Fail> {
    let filter = crate::store::MessageFilter {
        limit: 1,
        ..Default::default()
    };
    Ok(unit.messages(conversation, &filter)?.messages.is_empty())
}

/// The chat that a query names. Only those whose history is saved can be asked for.
fn find(
    unit: &dyn Unit,
    caller: &Caller,
    conversation: &str,
    chat: &str,
) -> Result<ChatRecord, Fail> {
    let conversation = conversations::find(unit, caller, conversation)?;
    validate::required("chat_id", chat)?;
    unit.chat(number(&conversation.id), number(chat))?
        .ok_or_else(|| Fail::not_found("chat", chat))
}

fn find_saved(unit: &dyn Unit, caller: &Caller, query: &ChatQuery) -> Result<ChatRecord, Fail> {
    let record = find(unit, caller, &query.conversation_id, &query.chat_id)?;
    if record.save_history {
        return Ok(record);
    }
    let msg = format!(
        "the chat {} was started without auto_save_history",
        query.chat_id
    );
    Err(Fail::new(4002, msg))
}

pub(crate) async fn retrieve(app: App, call: Call<RetrieveChat>) -> Result<Data<Chat>, Fail> {
    app.db
        .read(move |unit| {
            Ok(Data {
                data: find_saved(unit, &call.user, &call.row.query)?.wire(),
            })
        })
        .await
}

pub(crate) async fn messages(
    app: App,
    call: Call<ListChatMessages>,
) -> Result<Data<Vec<Message>>, Fail> {
    app.db
        .read(move |unit| {
            let record = find_saved(unit, &call.user, &call.row.query)?;
            Ok::<_, Fail>(Data {
                data: unit.produced(record.id())?,
            })
        })
        .await
}

pub(crate) async fn cancel(app: App, call: Call<CancelChat>) -> Result<Data<Chat>, Fail> {
    let (user, body) = (call.user, call.row.body);
    let now = Timestamp(app.now());
    let chat = app
        .db
        .write(move |unit| {
            let mut record = find(unit, &user, &body.conversation_id, &body.chat_id)?;
            let status = &record.chat.status;
            if !matches!(status, ChatStatus::Created | ChatStatus::InProgress) {
                let msg = format!("a chat that is {status} cannot be cancelled");
                return Err(Fail::new(4104, msg));
            }
            record.chat.status = ChatStatus::Canceled;
            record.chat.completed_at = Some(now);
            unit.update_chat(&record)?;
            Ok(record.wire())
        })
        .await?;
    // On disk first: the run looks there before it writes its end.
    app.cancel(number(&chat.id));
    Ok(Data { data: chat })
}

pub(crate) async fn submit(
    app: App,
    call: Call<SubmitToolOutputs>,
) -> Result<Answer<Data<Chat>>, Fail> {
    let (query, body) = (call.row.query, call.row.body);
    let stream = body.stream.unwrap_or(false);
    let (worker, user) = (app.clone(), call.user.clone());
    let (record, responses) = app
        .db
        .write(move |unit| {
            let mut record = find(unit, &user, &query.conversation_id, &query.chat_id)?;
            if record.chat.status != ChatStatus::RequiresAction {
                let why = format!(
                    "the chat is {}, it waits for no tool outputs",
                    record.chat.status
                );
                return Err(Fail::invalid("chat_id", why));
            }
            if !record.save_history {
                let msg = "the chat was started without auto_save_history, so it cannot go on";
                return Err(Fail::new(5000, msg));
            }
            // Another chat may have begun while this one was paused.
            occupied(unit, number(&record.chat.conversation_id))?;
            let outputs = fill_outputs(&mut record, &body.tool_outputs)?;
            record.chat.status = ChatStatus::InProgress;
            record.chat.required_action = None;
            unit.update_chat(&record)?;
            let responses: Vec<_> = outputs
                .iter()
                .map(|output| response(&worker, &record.chat, output))
                .collect();
            for message in &responses {
                unit.insert_message(message, true)?;
            }
            Ok((record, responses))
        })
        .await?;
    let bot = record.chat.bot_id.clone().unwrap_or_default();
    let edition = match (&record.request.bot_version, is_draft(&record.request)) {
        (_, true) => Edition::Draft,
        (Some(version), false) => Edition::Version(version.clone()),
        (None, false) => Edition::Any,
    };
    let agent = bots::open(&app, &call.user, &bot, &edition).await?;
    let chat = record.wire();
    let running = app.begin(record.id());
    if !stream {
        agent::spawn(&app, agent, record, Output::none(), running);
        return Ok(Answer::Reply(Data { data: chat }));
    }
    let (mut output, frames) = Output::stream(framing(&app, SubmitToolOutputs::FRAMING));
    output.send(&ChatEvent::InProgress(Box::new(chat))).await;
    for message in responses {
        output
            .send(&ChatEvent::MessageCompleted(Box::new(message)))
            .await;
    }
    agent::spawn(&app, agent, record, output, running);
    Ok(Answer::Frames(frames))
}

/// Puts the outputs to their calls; all calls need one, and no other may come.
fn fill_outputs(record: &mut ChatRecord, outputs: &[ToolOutput]) -> Result<Vec<String>, Fail> {
    let calls = record
        .turns
        .last_mut()
        .map(|turn| turn.calls.as_mut_slice())
        .unwrap_or_default();
    for (index, output) in outputs.iter().enumerate() {
        let known = calls
            .iter()
            .any(|call| call.id == output.tool_call_id && call.output.is_none());
        let twice = outputs
            .iter()
            .take(index)
            .any(|it| it.tool_call_id == output.tool_call_id);
        if !known || twice {
            let why = format!(
                "{:?} is no call that waits for its output",
                output.tool_call_id
            );
            return Err(Fail::invalid(
                format!("tool_outputs[{index}].tool_call_id"),
                why,
            ));
        }
    }
    let mut filled = Vec::new();
    for call in calls.iter_mut().filter(|call| call.output.is_none()) {
        let output = outputs.iter().find(|output| output.tool_call_id == call.id);
        let Some(output) = output else {
            let why = format!(
                "the output of call {:?} is missing; send all at once",
                call.id
            );
            return Err(Fail::invalid("tool_outputs", why));
        };
        call.output = Some(output.output.clone());
        filled.push(output.output.clone());
    }
    Ok(filled)
}

fn response(app: &App, chat: &Chat, output: &str) -> Message {
    let now = Timestamp(app.now());
    let message = Message {
        id: app.ids.next_id(),
        conversation_id: Some(chat.conversation_id.clone()),
        bot_id: chat.bot_id.clone(),
        chat_id: Some(chat.id.clone()),
        section_id: chat.section_id.clone(),
        role: coze_types::messages::Role::Assistant,
        kind: MessageType::ToolResponse,
        created_at: Some(now),
        updated_at: Some(now),
        ..Message::default()
    };
    agent::tool_response(message, output)
}
