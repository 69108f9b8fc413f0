//! The rules for requests that types alone cannot state (reference, sections 1.10 and 3.1).

use std::collections::BTreeMap;
use std::fmt::Display;

use coze_types::Id;
use coze_types::messages::{
    ContentType, EnterMessage, MessageType, ObjectKind, ObjectStringItem, Role,
};

use crate::app::App;
use crate::caller::Caller;
use crate::fail::Fail;
use crate::store::number;

/// The longest content of a message, in characters. The reference names no limit; this one keeps
/// a single request from filling the store.
const CONTENT_LIMIT: usize = 1_000_000;

pub(crate) fn required(field: &str, value: &str) -> Result<(), Fail> {
    if value.is_empty() {
        Err(Fail::invalid(field, "it is required"))
    } else {
        Ok(())
    }
}

pub(crate) fn at_most(field: &str, value: &str, limit: usize) -> Result<(), Fail> {
    let length = value.chars().count();
    if length <= limit {
        return Ok(());
    }
    Err(Fail::invalid(
        field,
        format!("it has {length} characters; at most {limit} are allowed"),
    ))
}

/// A new name and a new description, of at most so many characters; what is empty stays as it is.
pub(crate) fn names(
    name: Option<String>,
    description: Option<String>,
    name_limit: usize,
    description_limit: usize,
) -> Result<(Option<String>, Option<String>), Fail> {
    let given = |field: &str, text: Option<String>, limit| {
        let text = text.filter(|it| !it.is_empty());
        at_most(field, text.as_deref().unwrap_or_default(), limit)?;
        Ok::<_, Fail>(text)
    };
    Ok((
        given("name", name, name_limit)?,
        given("description", description, description_limit)?,
    ))
}

/// One of the values that are documented.
pub(crate) fn known<T: PartialEq + Display>(
    field: &str,
    value: &T,
    known: &[T],
) -> Result<(), Fail> {
    if known.contains(value) {
        return Ok(());
    }
    let known: Vec<String> = known.iter().map(T::to_string).collect();
    let value = value.to_string();
    Err(Fail::invalid(
        field,
        format!("{value:?} is none of {}", known.join(", ")),
    ))
}

/// The same for a field that may be missing.
pub(crate) fn known_opt<T: PartialEq + Display>(
    field: &str,
    value: Option<&T>,
    values: &[T],
) -> Result<(), Fail> {
    value.map_or(Ok(()), |value| known(field, value, values))
}

/// A number in a range, its ends included.
pub(crate) fn within<T: PartialOrd + Display + Copy>(
    field: &str,
    value: Option<T>,
    least: T,
    most: T,
) -> Result<(), Fail> {
    match value {
        Some(value) if !(least <= value && value <= most) => {
            let why = format!("{value} is not within {least} to {most}");
            Err(Fail::invalid(field, why))
        }
        _ => Ok(()),
    }
}

pub(crate) fn meta_data(field: &str, pairs: Option<&BTreeMap<String, String>>) -> Result<(), Fail> {
    let Some(pairs) = pairs else { return Ok(()) };
    if pairs.len() > 16 {
        let why = format!("it has {} pairs; at most 16 are allowed", pairs.len());
        return Err(Fail {
            code: 4003,
            ..Fail::invalid(field, why)
        });
    }
    for (key, value) in pairs {
        let lengths = [
            (key.chars().count(), 64, "key"),
            (value.chars().count(), 512, "value"),
        ];
        for (length, limit, what) in lengths {
            if length == 0 || length > limit {
                let why = format!(
                    "the {what} of {key:?} has {length} characters; 1 to {limit} are allowed"
                );
                return Err(Fail {
                    code: 4003,
                    ..Fail::invalid(field, why)
                });
            }
        }
    }
    Ok(())
}

/// Messages that a caller gives to a chat or a conversation.
pub(crate) async fn messages(
    app: &App,
    caller: &Caller,
    field: &str,
    messages: &[EnterMessage],
    limit: usize,
    save_history: bool,
) -> Result<(), Fail> {
    if messages.len() > limit {
        let why = format!("there are {}; at most {limit} are allowed", messages.len());
        return Err(Fail {
            code: 4004,
            ..Fail::invalid(field, why)
        });
    }
    for (index, message) in messages.iter().enumerate() {
        let field = format!("{field}[{index}]");
        enter_message(&field, message, save_history)?;
        let items = content(
            app,
            caller,
            &format!("{field}."),
            &message.content,
            message.content_type.as_ref(),
        )
        .await?;
        meta_data(&format!("{field}.meta_data"), message.meta_data.as_ref())?;
        let is_text = |other: &EnterMessage| other.content_type != Some(ContentType::ObjectString);
        if !is_text(message) {
            let has_text = items.iter().any(|item| item.kind == ObjectKind::Text);
            let neighbours = [index.checked_sub(1), Some(index + 1)];
            let neighbour = neighbours
                .iter()
                .flatten()
                .filter_map(|at| messages.get(*at))
                .any(is_text);
            if !has_text && !neighbour {
                let why = "files alone need a text item, or a text message beside this one";
                return Err(Fail::invalid(format!("{field}.content"), why));
            }
        }
    }
    Ok(())
}

fn enter_message(field: &str, message: &EnterMessage, save_history: bool) -> Result<(), Fail> {
    if !matches!(message.role, Role::User | Role::Assistant) {
        let why = format!(
            "{:?} is neither \"user\" nor \"assistant\"",
            message.role.as_str()
        );
        return Err(Fail::invalid(format!("{field}.role"), why));
    }
    let kind = message.kind.clone().unwrap_or_default();
    let allowed = match kind {
        MessageType::Unset | MessageType::Answer => true,
        MessageType::Question => message.role == Role::User,
        MessageType::FunctionCall | MessageType::ToolOutput | MessageType::ToolResponse => {
            !save_history
        }
        _ => false,
    };
    if !allowed {
        let why = format!("{:?} is not allowed here", kind.as_str());
        return Err(Fail::invalid(format!("{field}.type"), why));
    }
    Ok(())
}

/// Content and its type; `prefix` stands in front of the names of the two fields. Gives the items
/// of an `object_string`.
pub(crate) async fn content(
    app: &App,
    caller: &Caller,
    prefix: &str,
    text: &str,
    kind: Option<&ContentType>,
) -> Result<Vec<ObjectStringItem>, Fail> {
    let field = format!("{prefix}content");
    required(&field, text.trim())?;
    at_most(&field, text, CONTENT_LIMIT)?;
    match kind {
        Some(ContentType::Text) => Ok(Vec::new()),
        Some(ContentType::ObjectString) => {
            let items = object_string(&field, text)?;
            files_exist(app, caller, &field, &items).await?;
            Ok(items)
        }
        Some(other) if !other.as_str().is_empty() => {
            let why = format!(
                "{:?} is neither \"text\" nor \"object_string\"",
                other.as_str()
            );
            Err(Fail::invalid(format!("{prefix}content_type"), why))
        }
        _ => Err(Fail::invalid(
            format!("{prefix}content_type"),
            "it is required",
        )),
    }
}

/// The items of an `object_string`, by its rules.
fn object_string(field: &str, content: &str) -> Result<Vec<ObjectStringItem>, Fail> {
    let items: Vec<ObjectStringItem> = coze_types::status::decode(content.as_bytes())
        .map_err(|error| Fail::invalid(field, format!("it is no list of objects: {error}")))?;
    if items.is_empty() {
        return Err(Fail::invalid(field, "the list is empty"));
    }
    let texts = items
        .iter()
        .filter(|item| item.kind == ObjectKind::Text)
        .count();
    if texts > 1 {
        return Err(Fail::invalid(field, "at most one item may be text"));
    }
    if texts == items.len() {
        return Err(Fail::invalid(
            field,
            "text needs at least one file or image beside it",
        ));
    }
    for (index, item) in items.iter().enumerate() {
        let field = format!("{field}[{index}]");
        let empty = |text: Option<&str>| text.is_none_or(str::is_empty);
        match item.kind {
            ObjectKind::Text if empty(item.text.as_deref()) => {
                return Err(Fail::invalid(format!("{field}.text"), "it is required"));
            }
            ObjectKind::Other(ref other) => {
                let why = format!("{other:?} is none of text, file, image, audio");
                return Err(Fail::invalid(format!("{field}.type"), why));
            }
            ObjectKind::File | ObjectKind::Image | ObjectKind::Audio
                if empty(item.file_id.as_deref()) && empty(item.file_url.as_deref()) =>
            {
                return Err(Fail::invalid(field, "it needs a file_id or a file_url"));
            }
            _ => {}
        }
    }
    Ok(items)
}

/// The files are there, and the caller may use them.
pub(crate) async fn files_exist(
    app: &App,
    caller: &Caller,
    field: &str,
    items: &[ObjectStringItem],
) -> Result<(), Fail> {
    let ids: Vec<Id> = items
        .iter()
        .filter_map(|item| item.file_id.clone())
        .collect();
    let ids: Vec<Id> = ids.into_iter().filter(|id| !id.is_empty()).collect();
    if ids.is_empty() {
        return Ok(());
    }
    let caller = caller.clone();
    let missing = app.db.read(move |unit| {
        for id in ids {
            match unit.file(number(&id))? {
                None => return Ok(Some(id)),
                found => caller.open("file", &id, found)?,
            };
        }
        Ok::<_, Fail>(None)
    });
    match missing.await? {
        Some(id) => Err(Fail::invalid(
            field,
            format!("the file {id} does not exist"),
        )),
        None => Ok(()),
    }
}

/// A page size from 1; sizes over the limit are cut, as the service does.
pub(crate) fn size(
    field: &str,
    size: Option<i64>,
    default: i64,
    limit: i64,
) -> Result<usize, Fail> {
    let size = size.unwrap_or(default);
    if size < 1 {
        return Err(Fail::invalid(field, format!("{size} is less than 1")));
    }
    Ok(usize::try_from(size.min(limit)).unwrap_or(1))
}

/// The token of a page: the id behind which it begins, or none for the first page.
pub(crate) fn id_token(field: &str, token: Option<&str>) -> Result<i64, Fail> {
    match token.filter(|it| !it.is_empty()) {
        None => Ok(0),
        Some(token) => token
            .parse()
            .map_err(|_| Fail::invalid(field, "it is no token that a list gave")),
    }
}

/// A page of what was found with one more than it holds; whether there is more.
pub(crate) fn cut<T>(mut found: Vec<T>, size: usize) -> (Vec<T>, bool) {
    let more = found.len() > size;
    found.truncate(size);
    (found, more)
}

/// A page number from 1 and a page size; sizes over the limit are cut, as the service does.
pub(crate) fn page(
    number: Option<i64>,
    size: Option<i64>,
    default: i64,
    limit: i64,
) -> Result<(usize, usize), Fail> {
    page_named(("page_num", number), ("page_size", size), default, limit)
}

/// The same where the two have other names.
pub(crate) fn page_named(
    (number_name, number): (&str, Option<i64>),
    (size_name, size): (&str, Option<i64>),
    default: i64,
    limit: i64,
) -> Result<(usize, usize), Fail> {
    let number = number.unwrap_or(1);
    if number < 1 {
        return Err(Fail::invalid(
            number_name,
            format!("{number} is less than 1"),
        ));
    }
    let size = self::size(size_name, size, default, limit)?;
    Ok((usize::try_from(number).unwrap_or(usize::MAX) - 1, size))
}
