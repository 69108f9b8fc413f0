//! Whether the shortcuts and suggestions of a `coze.yaml` can be used.

use std::collections::BTreeSet;

use super::place::Misfit;
use super::{BotConfig, ShortcutConfig, ShortcutFieldKind, Space, SuggestMode};

impl Space {
    /// The shortcuts of each agent are complete and use what the agent has; its suggestions have
    /// the prompt that they need.
    pub(super) fn check_shortcuts(&self) -> Result<(), Misfit> {
        for (index, bot) in self.bots.iter().enumerate() {
            let place = |misfit: Misfit| {
                misfit.inside(&format!("bots[{index}]"), &format!("bots: {}", bot.name))
            };
            suggestions(bot).map_err(place)?;
            let mut seen = BTreeSet::new();
            for (at, shortcut) in bot.shortcuts.iter().enumerate() {
                let inside = |misfit: Misfit| {
                    let name = format!("shortcuts: {}", shortcut.name);
                    place(misfit.inside(&format!("shortcuts[{at}]"), &name))
                };
                if !seen.insert(shortcut.id.as_str()) {
                    let why = format!("the id {} stands twice", shortcut.id);
                    return Err(inside(Misfit::new("id", why)));
                }
                check(bot, shortcut).map_err(inside)?;
            }
        }
        Ok(())
    }
}

fn suggestions(bot: &BotConfig) -> Result<(), Misfit> {
    let Some(suggest) = &bot.suggest_reply else {
        return Ok(());
    };
    let prompt = suggest.customized_prompt.as_deref().unwrap_or_default();
    let why = match (suggest.reply_mode, prompt.trim().is_empty()) {
        (SuggestMode::Customized, true) => "`customized` needs a `customized_prompt`",
        (SuggestMode::Enable | SuggestMode::Disable, false) => {
            "a `customized_prompt` goes with `reply_mode: customized` only"
        }
        _ => return Ok(()),
    };
    let why = format!("suggest_reply: {why}");
    Err(Misfit::new("suggest_reply", why))
}

fn check(bot: &BotConfig, shortcut: &ShortcutConfig) -> Result<(), Misfit> {
    if shortcut.query_template.trim().is_empty() {
        return Err(Misfit::new("query_template", "query_template: it is empty"));
    }
    crate::prompt::check(&shortcut.query_template)
        .map_err(|why| Misfit::new("query_template", format!("query_template: {why}")))?;
    let mut seen = BTreeSet::new();
    for (at, field) in shortcut.components.iter().enumerate() {
        let misfit = |key: &str, why: &str| {
            let why = format!("components: {}: {why}", field.name);
            Misfit::new(format!("components[{at}].{key}"), why)
        };
        if !seen.insert(field.name.as_str()) {
            return Err(misfit("name", "the name stands twice"));
        }
        if field.is_hide && field.default_value.is_none() {
            return Err(misfit(
                "is_hide",
                "what is not shown needs a `default_value`",
            ));
        }
        let select = field.kind == ShortcutFieldKind::Select;
        if select == field.options.is_empty() {
            return Err(misfit(
                "options",
                "they belong to `type: select`, which needs them",
            ));
        }
        let default = field.default_value.as_ref();
        if select && default.is_some_and(|it| !field.options.contains(it)) {
            return Err(misfit("default_value", "it is none of the options"));
        }
        if field.kind == ShortcutFieldKind::File && default.is_some() {
            return Err(misfit("default_value", "a file has none"));
        }
    }
    tool(bot, shortcut)
}

/// The tool is one that the agent has. Whether a plugin has a tool of that name shows when its file
/// is read.
fn tool(bot: &BotConfig, shortcut: &ShortcutConfig) -> Result<(), Misfit> {
    let Some(tool) = &shortcut.tool else {
        return Ok(());
    };
    let misfit = |key: &str, why: &str| Err(Misfit::new(key, format!("tool: {why}")));
    match (&tool.workflow, &tool.plugin, &tool.tool) {
        (Some(id), None, None) => match bot.workflows.contains(id) {
            true => Ok(()),
            false => misfit("tool.workflow", "the agent has no such workflow"),
        },
        (None, Some(id), Some(_)) => match bot.plugins.iter().any(|it| it.id == *id) {
            true => Ok(()),
            false => misfit("tool.plugin", "the agent has no such plugin"),
        },
        _ => misfit("tool", "it is {workflow}, or {plugin, tool}"),
    }
}
