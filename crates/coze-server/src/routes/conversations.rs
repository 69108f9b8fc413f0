//! Conversations.

use coze_types::conversations::{
    ClearConversation, Conversation, ConversationList, CreateConversation, DeleteConversation,
    ListConversations, RetrieveConversation, Section, SortOrder, UpdateConversation,
};
use coze_types::messages::{EnterMessage, Message, MessageType, Role};
use coze_types::{Data, Empty, Id, Timestamp};

use super::bots;
use crate::app::App;
use crate::call::Call;
use crate::caller::Caller;
use crate::fail::Fail;
use crate::store::{Unit, number};
use crate::validate;

pub(crate) async fn create(
    app: App,
    call: Call<CreateConversation>,
) -> Result<Data<Conversation>, Fail> {
    let body = call.row.body;
    let given = body.messages.unwrap_or_default();
    validate::messages(&app, &call.user, "messages", &given, 16, true).await?;
    validate::meta_data("meta_data", body.meta_data.as_ref())?;
    let name = body
        .name
        .or(body.conversation_name)
        .filter(|name| !name.is_empty());
    validate::at_most("name", name.as_deref().unwrap_or_default(), 100)?;
    let bot = body.bot_id.filter(|id| !id.is_unset());
    let space = match &bot {
        Some(bot) => bots::find(&app, &call.user, bot).await?.space,
        None => call.user.home(),
    };
    let conversation = Conversation {
        name,
        meta_data: Some(body.meta_data.unwrap_or_default()),
        user_id: body.user_id,
        ..new(&app, &call.user, body.connector_id)
    };
    let messages = entered(&app, &conversation, &given, None);
    app.db
        .write(move |unit| {
            unit.insert_conversation(&conversation, bot.as_deref(), space, call.user.session())?;
            for message in &messages {
                unit.insert_message(message, false)?;
            }
            Ok::<_, Fail>(Data { data: conversation })
        })
        .await
}

/// A conversation that nobody has seen yet.
pub(crate) fn new(app: &App, creator: &Caller, connector: Option<Id>) -> Conversation {
    let now = Timestamp(app.now());
    Conversation {
        id: app.ids.next_id(),
        created_at: now,
        updated_at: Some(now),
        last_section_id: Some(app.ids.next_id()),
        creator_id: Some(creator.user_id().into()),
        connector_id: connector
            .filter(|id| !id.is_empty())
            .or(Some("1024".into())),
        meta_data: Some(std::collections::BTreeMap::new()),
        ..Conversation::default()
    }
}

/// The messages that a caller gave, as they are stored: by hand, or to a chat.
pub(crate) fn entered(
    app: &App,
    conversation: &Conversation,
    given: &[EnterMessage],
    chat: Option<(&Id, &Id)>,
) -> Vec<Message> {
    let now = Timestamp(app.now());
    let message = |given: &EnterMessage| Message {
        id: app.ids.next_id(),
        conversation_id: Some(conversation.id.clone()),
        section_id: conversation.last_section_id.clone(),
        chat_id: chat.map(|(chat, _)| chat.clone()),
        bot_id: chat.map(|(_, bot)| bot.clone()),
        role: given.role.clone(),
        kind: match (given.kind.clone().unwrap_or_default(), &given.role) {
            (MessageType::Unset, Role::User) => MessageType::Question,
            (MessageType::Unset, _) => MessageType::Answer,
            (kind, _) => kind,
        },
        content: given.content.clone(),
        content_type: given.content_type.clone().unwrap_or_default(),
        meta_data: given.meta_data.clone(),
        created_at: Some(now),
        updated_at: Some(now),
        ..Message::default()
    };
    given.iter().map(message).collect()
}

/// The conversation of that id.
pub(crate) fn find(unit: &dyn Unit, caller: &Caller, id: &str) -> Result<Conversation, Fail> {
    validate::required("conversation_id", id)?;
    caller.open(
        "conversation",
        id,
        unit.conversation(number(id), caller.session())?,
    )
}

/// The same, for whoever made it.
pub(crate) fn own(
    unit: &dyn Unit,
    caller: &Caller,
    id: &str,
    what: &str,
) -> Result<Conversation, Fail> {
    let found = find(unit, caller, id)?;
    if found.creator_id.as_deref() == Some(caller.user_id()) {
        return Ok(found);
    }
    let why = format!("only the creator of the conversation {id} may {what}");
    Err(Fail::new(4101, why))
}

pub(crate) async fn retrieve(
    app: App,
    call: Call<RetrieveConversation>,
) -> Result<Data<Conversation>, Fail> {
    let id = call.row.query.conversation_id;
    app.db
        .read(move |unit| {
            Ok(Data {
                data: find(unit, &call.user, &id)?,
            })
        })
        .await
}

pub(crate) async fn list(
    app: App,
    call: Call<ListConversations>,
) -> Result<Data<ConversationList>, Fail> {
    let query = call.row.query;
    validate::required("bot_id", &query.bot_id)?;
    validate::page(query.page_num, query.page_size, 50, 50)?;
    let order = query
        .sort_order
        .as_ref()
        .filter(|it| !it.as_str().is_empty());
    validate::known_opt("sort_order", order, SortOrder::KNOWN)?;
    let field = query.sort_field.as_deref().filter(|it| !it.is_empty());
    validate::known_opt("sort_field", field.as_ref(), &["created_at"])?;
    bots::find(&app, &call.user, &query.bot_id).await?;
    app.db
        .read(move |unit| {
            let (conversations, has_more) = unit.conversations(&query, call.user.session())?;
            Ok::<_, Fail>(Data {
                data: ConversationList {
                    conversations,
                    has_more,
                },
            })
        })
        .await
}

pub(crate) async fn update(
    app: App,
    call: Call<UpdateConversation>,
) -> Result<Data<Conversation>, Fail> {
    let (id, name) = (call.row.conversation_id, call.row.body.name);
    validate::required("name", &name)?;
    validate::at_most("name", &name, 100)?;
    let now = Timestamp(app.now());
    app.db
        .write(move |unit| {
            let mut conversation = find(unit, &call.user, &id)?;
            conversation.name = Some(name);
            conversation.updated_at = Some(now);
            unit.update_conversation(&conversation)?;
            Ok::<_, Fail>(Data { data: conversation })
        })
        .await
}

pub(crate) async fn delete(app: App, call: Call<DeleteConversation>) -> Result<Empty, Fail> {
    let id = call.row.conversation_id;
    let wanted = number(&id);
    let running = app
        .db
        .write(move |unit| {
            find(unit, &call.user, &id)?;
            let running = unit.running_chat(wanted)?;
            unit.delete_conversation(wanted)?;
            Ok::<_, Fail>(running)
        })
        .await?;
    if let Some(chat) = running {
        app.cancel(chat);
    }
    Ok(Empty {})
}

pub(crate) async fn clear(app: App, call: Call<ClearConversation>) -> Result<Data<Section>, Fail> {
    let id = call.row.conversation_id;
    let section = app.ids.next_id();
    let now = Timestamp(app.now());
    app.db
        .write(move |unit| {
            let mut conversation = own(unit, &call.user, &id, "clear it")?;
            conversation.last_section_id = Some(section.clone());
            conversation.updated_at = Some(now);
            unit.update_conversation(&conversation)?;
            Ok::<_, Fail>(Data {
                data: Section {
                    id: section,
                    conversation_id: id,
                },
            })
        })
        .await
}
