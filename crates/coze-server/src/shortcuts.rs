//! Shortcuts of agents: what a chat that uses one asks, and how they are shown.

use std::collections::BTreeMap;

use coze_types::bots::{
    ShortcutCommand, ShortcutComponent, ShortcutComponentType, ShortcutSendType, ShortcutTool,
    ShortcutToolType,
};
use coze_types::chat::ShortcutCommandDetail;
use coze_types::messages::{EnterMessage, ObjectKind, ObjectStringItem};
use serde_json::{Map, Value};

use crate::config::{ShortcutConfig, ShortcutField, ShortcutFieldKind};
use crate::configured::Agent;
use crate::fail::Fail;
use crate::prompt;

/// A shortcut with its fields filled in.
pub(crate) struct Filled {
    /// The question that it makes.
    pub(crate) question: EnterMessage,
    /// The files in it, each with the parameter that gave it.
    pub(crate) files: Vec<(String, ObjectStringItem)>,
    /// What the tool gets: the parameter, and the value as text.
    arguments: Vec<(String, String)>,
}

/// The shortcut that a chat uses.
pub(crate) fn find<'a>(
    agent: &'a Agent,
    used: &ShortcutCommandDetail,
) -> Result<&'a ShortcutConfig, Fail> {
    let shortcuts = &agent.config.shortcuts;
    let found = shortcuts
        .iter()
        .find(|it| used.command_id == it.id.as_str());
    found.ok_or_else(|| {
        let known: Vec<&str> = shortcuts.iter().map(|it| it.id.as_str()).collect();
        let known = match known.is_empty() {
            true => "none".to_owned(),
            false => known.join(", "),
        };
        let id = used.command_id.as_str();
        let why = format!("the agent has no shortcut {id:?} (there: {known})");
        Fail::invalid("shortcut_command.command_id", why)
    })
}

/// Fills the parameters of a chat into a shortcut.
///
/// # Errors
/// A parameter that is unknown, missing, or not what it should be, by its name.
pub(crate) fn fill(
    shortcut: &ShortcutConfig,
    used: &ShortcutCommandDetail,
) -> Result<Filled, Fail> {
    let nothing = BTreeMap::new();
    let given = used.parameters.as_ref().unwrap_or(&nothing);
    for name in given.keys() {
        let field = shortcut.components.iter().find(|it| it.name == *name);
        let why = match field {
            None => format!("the shortcut {} has no such component", shortcut.name),
            Some(field) if field.is_hide => "it is hidden, and cannot be given".to_owned(),
            Some(_) => continue,
        };
        return Err(Fail::invalid(place(name), why));
    }
    let mut texts = BTreeMap::new();
    let (mut files, mut arguments) = (Vec::new(), Vec::new());
    for field in &shortcut.components {
        let value = match given.get(&field.name) {
            Some(text) => {
                value(field, text).map_err(|why| Fail::invalid(place(&field.name), why))?
            }
            None => Given::Text(default(field)?),
        };
        let text = match value {
            Given::Text(text) => text,
            Given::File(item) => {
                let id = item.file_id.as_ref().map(|id| id.as_str().to_owned());
                let text = item.file_url.clone().or(id);
                files.push((place(&field.name), *item));
                text.unwrap_or_default()
            }
        };
        let parameter = field.tool_parameter.as_ref().unwrap_or(&field.name);
        arguments.push((parameter.clone(), text.clone()));
        texts.insert(field.name.clone(), text);
    }
    let text = prompt::render(&shortcut.query_template, Some(&texts))
        .map_err(|why| Fail::invalid("shortcut_command", why))?;
    if text.trim().is_empty() {
        let why = "the question that it makes is empty";
        return Err(Fail::invalid("shortcut_command.parameters", why));
    }
    let question = match files.as_slice() {
        [] => EnterMessage::user(text),
        files => {
            let items = files.iter().map(|(_, item)| item.clone());
            let items: Vec<_> = std::iter::once(ObjectStringItem::text(text))
                .chain(items)
                .collect();
            EnterMessage::user_objects(&items)
        }
    };
    Ok(Filled {
        question,
        files,
        arguments,
    })
}

impl Filled {
    /// The arguments of the tool, as far as it has such parameters, in the types that it wants.
    pub(crate) fn arguments(self, schema: &Value) -> Map<String, Value> {
        let typed = self.arguments.into_iter().filter_map(|(name, text)| {
            let property = schema.get("properties")?.get(&name)?;
            let is_text = property.get("type").is_none_or(|it| it == "string");
            let value = match serde_json::from_str(&text) {
                Ok(value) if !is_text => value,
                _ => Value::String(text),
            };
            Some((name, value))
        });
        typed.collect()
    }
}

fn place(name: &str) -> String {
    format!("shortcut_command.parameters.{name}")
}

enum Given {
    Text(String),
    File(Box<ObjectStringItem>),
}

fn default(field: &ShortcutField) -> Result<String, Fail> {
    let default = field.default_value.clone();
    default.ok_or_else(|| Fail::invalid(place(&field.name), "it is required"))
}

/// The one value that a field has: JSON text of a list of one item, or of the item alone, as
/// coze-js sends it.
fn value(field: &ShortcutField, text: &str) -> Result<Given, String> {
    let wrong =
        |error: serde_json::Error| format!("it is no JSON text of a list of items: {error}");
    let mut items: Vec<ObjectStringItem> = match text.trim_start().starts_with('[') {
        true => serde_json::from_str(text).map_err(wrong)?,
        false => vec![serde_json::from_str(text).map_err(wrong)?],
    };
    let (Some(item), true) = (items.pop(), items.is_empty()) else {
        return Err("it must have one item".to_owned());
    };
    let is_text = item.kind == ObjectKind::Text;
    match field.kind {
        ShortcutFieldKind::File if is_text => Err("it takes a file or an image".to_owned()),
        ShortcutFieldKind::File => {
            let set = |it: Option<&str>| it.is_some_and(|it| !it.is_empty());
            match set(item.file_id.as_deref()) || set(item.file_url.as_deref()) {
                true => Ok(Given::File(Box::new(item))),
                false => Err("it needs a file_id or a file_url".to_owned()),
            }
        }
        _ if !is_text => Err("it takes text".to_owned()),
        _ => {
            let text = item.text.unwrap_or_default();
            let select = field.kind == ShortcutFieldKind::Select;
            match select && !field.options.contains(&text) {
                true => Err(format!("{text:?} is none of {}", field.options.join(", "))),
                false => Ok(Given::Text(text)),
            }
        }
    }
}

/// The shortcuts of an agent as the API shows them.
pub(crate) fn wire(agent: &Agent) -> Option<Vec<ShortcutCommand>> {
    let shortcuts = &agent.config.shortcuts;
    let shown = shortcuts.iter().map(|it| ShortcutCommand {
        id: it.id.as_str().into(),
        name: Some(it.name.clone()),
        command: Some(it.command.clone()),
        description: Some(it.description.clone()),
        query_template: Some(it.query_template.clone()),
        icon_url: Some(String::new()),
        components: Some(it.components.iter().map(component).collect()),
        tool: tool(agent, it),
        send_type: Some(match it.components.iter().all(|field| field.is_hide) {
            true => ShortcutSendType::Query,
            false => ShortcutSendType::Panel,
        }),
        ..ShortcutCommand::default()
    });
    Some(shown.collect()).filter(|it: &Vec<_>| !it.is_empty())
}

fn component(field: &ShortcutField) -> ShortcutComponent {
    ShortcutComponent {
        name: Some(field.name.clone()),
        description: Some(field.description.clone()),
        kind: Some(match field.kind {
            ShortcutFieldKind::Text => ShortcutComponentType::Text,
            ShortcutFieldKind::Select => ShortcutComponentType::Select,
            ShortcutFieldKind::File => ShortcutComponentType::File,
        }),
        tool_parameter: Some(field.tool_parameter.clone().unwrap_or(field.name.clone())),
        default_value: Some(field.default_value.clone().unwrap_or_default()),
        is_hide: Some(field.is_hide),
        options: Some(field.options.clone()).filter(|it| !it.is_empty()),
    }
}

/// The tool by the name that it has; by its id where it is gone.
fn tool(agent: &Agent, shortcut: &ShortcutConfig) -> Option<ShortcutTool> {
    let tool = shortcut.tool.as_ref()?;
    let (name, kind) = match (&tool.workflow, &tool.tool) {
        (Some(id), _) => {
            let found = agent.workflows.iter().find(|it| it.id == *id);
            let name = found.map_or(id, |it| &it.name);
            (name.clone(), ShortcutToolType::Workflow)
        }
        (None, name) => (name.clone()?, ShortcutToolType::Plugin),
    };
    Some(ShortcutTool {
        name: Some(name),
        kind: Some(kind),
        ..ShortcutTool::default()
    })
}
