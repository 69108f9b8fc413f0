//! Messages of conversations, and feedback on them.

use coze_types::messages::{
    ContentType, CreateFeedback, CreateMessage, DeleteFeedback, DeleteMessage, FeedbackType,
    ListMessages, Message, MessagePage, MessageQuery, MessageType, ModifiedMessage, ModifyMessage,
    Order, RetrieveMessage, Role,
};
use coze_types::{Data, Empty, Id, Timestamp};

use super::conversations;
use crate::app::App;
use crate::call::Call;
use crate::caller::Caller;
use crate::fail::Fail;
use crate::store::{MessageFilter, Unit, number};
use crate::validate;

/// 2025-07-11 00:00:00 UTC+8: older answers cannot be rated.
const RATED_SINCE: i64 = 1_752_163_200;

pub(crate) async fn create(app: App, call: Call<CreateMessage>) -> Result<Data<Message>, Fail> {
    let (query, body) = (call.row.query, call.row.body);
    if !matches!(body.role, Role::User | Role::Assistant) {
        let why = format!(
            "{:?} is neither \"user\" nor \"assistant\"",
            body.role.as_str()
        );
        return Err(Fail::invalid("role", why));
    }
    validate::content(
        &app,
        &call.user,
        "",
        &body.content,
        Some(&body.content_type),
    )
    .await?;
    validate::meta_data("meta_data", body.meta_data.as_ref())?;
    let (id, now) = (app.ids.next_id(), Timestamp(app.now()));
    app.db
        .write(move |unit| {
            let conversation = conversations::find(unit, &call.user, &query.conversation_id)?;
            let message = Message {
                id,
                conversation_id: Some(conversation.id),
                section_id: conversation.last_section_id,
                role: body.role,
                kind: MessageType::Unset,
                content: body.content,
                content_type: body.content_type,
                meta_data: body.meta_data,
                created_at: Some(now),
                updated_at: Some(now),
                ..Message::default()
            };
            unit.insert_message(&message, false)?;
            Ok::<_, Fail>(Data { data: message })
        })
        .await
}

pub(crate) async fn list(app: App, call: Call<ListMessages>) -> Result<MessagePage, Fail> {
    let (query, body) = (call.row.query, call.row.body);
    let limit = body.limit.unwrap_or(50);
    if limit < 1 {
        return Err(Fail::invalid("limit", format!("{limit} is less than 1")));
    }
    if let Some(Order::Other(order)) = &body.order {
        return Err(Fail::invalid(
            "order",
            format!("{order:?} is neither \"asc\" nor \"desc\""),
        ));
    }
    let set = |id: Option<Id>| id.filter(|id| !id.is_unset()).map(|id| number(&id));
    let filter = MessageFilter {
        ascending: body.order == Some(Order::Asc),
        chat: set(body.chat_id),
        before: set(body.before_id),
        after: set(body.after_id),
        limit: limit.min(50),
        middle: body.include_middle_message.unwrap_or(false),
    };
    app.db
        .read(move |unit| {
            let conversation = conversations::find(unit, &call.user, &query.conversation_id)?;
            let page = unit.messages(number(&conversation.id), &filter)?;
            let end = |message: Option<&Message>| {
                message.map_or_else(|| "0".into(), |message| message.id.clone())
            };
            Ok::<_, Fail>(MessagePage {
                first_id: end(page.messages.first()),
                last_id: end(page.messages.last()),
                has_more: page.more,
                data: page.messages,
            })
        })
        .await
}

/// The message that a query names.
fn find(unit: &dyn Unit, caller: &Caller, query: &MessageQuery) -> Result<Message, Fail> {
    find_by(unit, caller, &query.conversation_id, &query.message_id)
}

fn find_by(
    unit: &dyn Unit,
    caller: &Caller,
    conversation: &str,
    message: &str,
) -> Result<Message, Fail> {
    let conversation = conversations::find(unit, caller, conversation)?;
    validate::required("message_id", message)?;
    unit.message(number(&conversation.id), number(message))?
        .ok_or_else(|| Fail::not_found("message", message))
}

pub(crate) async fn retrieve(app: App, call: Call<RetrieveMessage>) -> Result<Data<Message>, Fail> {
    app.db
        .read(move |unit| {
            Ok(Data {
                data: find(unit, &call.user, &call.row.query)?,
            })
        })
        .await
}

pub(crate) async fn modify(app: App, call: Call<ModifyMessage>) -> Result<ModifiedMessage, Fail> {
    let (query, body) = (call.row.query, call.row.body);
    if body.content.is_none() && body.meta_data.is_none() {
        return Err(Fail::invalid(
            "content",
            "content and meta_data are both missing",
        ));
    }
    if let Some(content) = &body.content {
        validate::content(&app, &call.user, "", content, body.content_type.as_ref()).await?;
    }
    validate::meta_data("meta_data", body.meta_data.as_ref())?;
    let now = Timestamp(app.now());
    app.db
        .write(move |unit| {
            let mut message = find(unit, &call.user, &query)?;
            if let Some(content) = body.content {
                message.content = content;
                message.content_type = body.content_type.unwrap_or_default();
            }
            if body.meta_data.is_some() {
                message.meta_data = body.meta_data;
            }
            message.updated_at = Some(now);
            unit.update_message(&message)?;
            Ok::<_, Fail>(ModifiedMessage { message })
        })
        .await
}

pub(crate) async fn delete(app: App, call: Call<DeleteMessage>) -> Result<Data<Message>, Fail> {
    app.db
        .write(move |unit| {
            let message = find(unit, &call.user, &call.row.query)?;
            let deletable = [
                MessageType::Question,
                MessageType::Answer,
                MessageType::Unset,
            ];
            if !deletable.contains(&message.kind) {
                let why = format!(
                    "a message of type {:?} goes with its answer",
                    message.kind.as_str()
                );
                return Err(Fail::invalid("message_id", why));
            }
            unit.delete_message(&message)?;
            Ok(Data { data: message })
        })
        .await
}

pub(crate) async fn create_feedback(app: App, call: Call<CreateFeedback>) -> Result<Empty, Fail> {
    let row = call.row;
    if let FeedbackType::Other(kind) = &row.body.feedback_type {
        let why = format!("{kind:?} is neither \"like\" nor \"unlike\"");
        return Err(Fail::invalid("feedback_type", why));
    }
    let reasons = row.body.reason_types.as_deref().unwrap_or_default();
    if reasons.len() > 10 {
        let why = format!("there are {}; at most 10 are allowed", reasons.len());
        return Err(Fail::invalid("reason_types", why));
    }
    for (index, reason) in reasons.iter().enumerate() {
        validate::at_most(&format!("reason_types[{index}]"), reason, 30)?;
    }
    validate::at_most(
        "comment",
        row.body.comment.as_deref().unwrap_or_default(),
        250,
    )?;
    let now = app.now();
    app.db
        .write(move |unit| {
            let message = rated(unit, &call.user, &row.conversation_id, &row.message_id)?;
            unit.set_feedback(number(&message.id), &row.body, now)?;
            Ok(Empty {})
        })
        .await
}

/// The message of that id, if the caller may say what they think of it: a text that a chat gave as
/// its answer, in a conversation of the caller's own.
fn rated(
    unit: &dyn Unit,
    caller: &Caller,
    conversation: &str,
    message: &str,
) -> Result<Message, Fail> {
    conversations::own(unit, caller, conversation, "rate its answers")?;
    let message = find_by(unit, caller, conversation, message)?;
    let why = if message.kind != MessageType::Answer {
        "only answers can be rated"
    } else if message.content_type != ContentType::Text {
        "only answers that are texts can be rated"
    } else if message.chat_id.is_none() {
        "only what a chat answered can be rated, and this message was added by a call"
    } else if message.created_at.is_none_or(|at| at.0 < RATED_SINCE) {
        "only answers from 2025-07-11 on can be rated"
    } else {
        return Ok(message);
    };
    Err(Fail::invalid("message_id", why))
}

pub(crate) async fn delete_feedback(app: App, call: Call<DeleteFeedback>) -> Result<Empty, Fail> {
    let row = call.row;
    app.db
        .write(move |unit| {
            let message = rated(unit, &call.user, &row.conversation_id, &row.message_id)?;
            unit.delete_feedback(number(&message.id))?;
            Ok(Empty {})
        })
        .await
}
