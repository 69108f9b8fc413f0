//! What a model gets to read: the prompt, what was said before, and what tools returned.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use coze_types::messages::{ContentType, Message, ObjectKind, ObjectStringItem, Role};

use crate::app::App;
use crate::configured::Agent;
use crate::fail::Fail;
use crate::knowledge::Passage;
use crate::models::{ModelCall, ModelMessage, ModelRequest, Part, ToolSpec};
use crate::prompt;
use crate::store::{ChatRecord, VariableOwner, number};
use crate::variables;

/// Messages of the past that a model gets to read.
const CONTEXT: i64 = 60;
/// The largest text file whose content a model gets to read, and the largest image, in bytes.
const TEXT_LIMIT: i64 = 256 * 1024;
const IMAGE_LIMIT: i64 = 20 * 1024 * 1024;

pub(crate) async fn request(
    app: &App,
    agent: &Agent,
    record: &ChatRecord,
    passages: &[Passage],
    tools: Vec<ToolSpec>,
) -> Result<ModelRequest, Fail> {
    let chat = &record.chat;
    let conversation = number(&chat.conversation_id);
    let section = chat.section_id.as_deref().map_or(-1, number);
    let id = record.id();
    let owner = owner(agent, record);
    let read = app.db.read(move |unit| {
        let past = unit.context(conversation, section, id, CONTEXT)?;
        let set = owner.map_or(Ok(Vec::new()), |owner| unit.variables(&owner))?;
        Ok::<_, Fail>((past, set))
    });
    let (past, set) = read.await?;
    let given = record.request.custom_variables.as_ref();
    let variables = variables::for_prompt(&agent.config.variables, &set, given);
    let prompt = prompt::render(&agent.config.prompt, Some(&variables))
        .map_err(|why| Fail::invalid("custom_variables", why))?;
    let settings = &agent.config.settings;
    let mut system = vec![prompt];
    system.extend(settings.instructions(app.now()));
    system.retain(|part| !part.is_empty());
    let mut messages = Vec::new();
    for message in rounds(&past, settings.context_round) {
        messages.push(convert(app, &message.role, &message.content, &message.content_type).await);
    }
    for message in record.request.additional_messages.iter().flatten() {
        let content_type = message.content_type.clone().unwrap_or_default();
        messages.push(convert(app, &message.role, &message.content, &content_type).await);
    }
    for turn in &record.turns {
        let calls = turn.calls.iter().map(|call| ModelCall {
            id: call.id.clone(),
            name: call.name.clone(),
            arguments: call.arguments.clone(),
        });
        messages.push(ModelMessage::Assistant {
            text: turn.text.clone(),
            calls: calls.collect(),
        });
        for call in &turn.calls {
            messages.push(ModelMessage::Tool {
                call_id: call.id.clone(),
                output: call.output.clone().unwrap_or_default(),
            });
        }
    }
    let mut request = ModelRequest {
        user: record.user_id.clone(),
        system: system.join("\n"),
        knowledge: passages.iter().map(|it| it.text.clone()).collect(),
        messages,
        tools,
        ..ModelRequest::default()
    };
    settings.fill(&mut request);
    Ok(request)
}

/// Whose variables the prompt may use; nobody's when the agent has none.
fn owner(agent: &Agent, record: &ChatRecord) -> Option<VariableOwner> {
    let config = &agent.config;
    let connector = record.request.connector_id.as_deref();
    let some = !config.variables.is_empty();
    some.then(|| VariableOwner::of_bot(&config.id, connector, &record.user_id))
}

/// The last rounds of the past; a round begins with a message of the user.
fn rounds(past: &[Message], limit: Option<i64>) -> &[Message] {
    let Some(limit) = limit else { return past };
    let Some(before) = usize::try_from(limit).ok().and_then(|it| it.checked_sub(1)) else {
        return &[];
    };
    let mut begins = past
        .iter()
        .enumerate()
        .filter(|(_, message)| message.role == Role::User)
        .map(|(at, _)| at)
        .rev();
    past.get(begins.nth(before).unwrap_or(0)..)
        .unwrap_or_default()
}

async fn convert(
    app: &App,
    role: &Role,
    content: &str,
    content_type: &ContentType,
) -> ModelMessage {
    if *role == Role::Assistant {
        return ModelMessage::Assistant {
            text: content.to_owned(),
            calls: Vec::new(),
        };
    }
    if *content_type != ContentType::ObjectString {
        return ModelMessage::User(vec![Part::Text(content.to_owned())]);
    }
    let items: Vec<ObjectStringItem> = serde_json::from_str(content).unwrap_or_default();
    let mut parts = Vec::new();
    for item in &items {
        parts.push(part(app, item).await);
    }
    ModelMessage::User(parts)
}

/// Uploaded images go to the model as `data:` URLs, uploaded text as text; the rest by name.
async fn part(app: &App, item: &ObjectStringItem) -> Part {
    if item.kind == ObjectKind::Text {
        return Part::Text(item.text.clone().unwrap_or_default());
    }
    if let Some(url) = item.file_url.as_ref().filter(|url| !url.is_empty()) {
        return match item.kind {
            ObjectKind::Image => Part::Image(url.clone()),
            _ => Part::Text(format!("[{}: {url}]", item.kind)),
        };
    }
    let id = item.file_id.as_deref().map_or(-1, number);
    // Whoever gave the message was asked whether the file is theirs.
    let file = app
        .db
        .read(move |unit| Ok::<_, Fail>(unit.file(id)?.map(|it| it.it)))
        .await;
    let Ok(Some(file)) = file else {
        return Part::Text(format!("[{}: {id}, which is gone]", item.kind));
    };
    let image = item.kind == ObjectKind::Image;
    let limit = if image { IMAGE_LIMIT } else { TEXT_LIMIT };
    let content = match file.bytes <= limit {
        true => tokio::fs::read(app.files.join(id.to_string())).await.ok(),
        false => None,
    };
    let name = &file.file_name;
    match content.map(String::from_utf8) {
        Some(Ok(text)) if !image => Part::Text(format!("[file: {name}]\n{text}")),
        Some(content) if image => {
            let bytes =
                content.map_or_else(std::string::FromUtf8Error::into_bytes, String::into_bytes);
            let kind = image_type(&bytes);
            Part::Image(format!(
                "data:image/{kind};base64,{}",
                STANDARD.encode(bytes)
            ))
        }
        _ => Part::Text(format!("[{}: {name}, {} bytes]", item.kind, file.bytes)),
    }
}

fn image_type(bytes: &[u8]) -> &'static str {
    match bytes {
        [0xff, 0xd8, ..] => "jpeg",
        [b'G', b'I', b'F', ..] => "gif",
        [b'R', b'I', b'F', b'F', ..] => "webp",
        _ => "png",
    }
}

/// The text of a message, without what is no text in it.
pub(crate) fn text_of(message: &Message) -> String {
    if message.content_type != ContentType::ObjectString {
        return message.content.clone();
    }
    let items: Vec<ObjectStringItem> = serde_json::from_str(&message.content).unwrap_or_default();
    items
        .into_iter()
        .filter_map(|item| item.text)
        .collect::<Vec<_>>()
        .join("\n")
}

/// What the user asks in this chat: the texts of the last message of theirs.
pub(super) fn question(record: &ChatRecord) -> String {
    let mut given = record.request.additional_messages.iter().flatten();
    let last = given.rfind(|it| it.role == Role::User);
    let Some(last) = last else {
        return String::new();
    };
    text_of(&Message {
        content: last.content.clone(),
        content_type: last.content_type.clone().unwrap_or_default(),
        ..Message::default()
    })
}
