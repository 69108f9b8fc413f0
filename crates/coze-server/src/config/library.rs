//! What a `coze.yaml` has besides agents, models and workflows: variables, apps, folders, templates.

use serde::{Deserialize, Serialize};

use super::{id, ids};

/// Something that an agent or an app remembers of each of its users.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VariableConfig {
    /// The name.
    pub name: String,
    /// Its value until one is set.
    #[serde(default)]
    pub default: String,
    /// What it is for.
    #[serde(default)]
    pub description: String,
    /// False: nobody reads or sets it.
    #[serde(default = "yes")]
    pub enable: bool,
    /// Whether the prompt may use it.
    #[serde(default = "yes")]
    pub prompt: bool,
}

fn yes() -> bool {
    true
}

/// An app: workflows and variables that belong together.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AppConfig {
    /// Digits; quote it, YAML would read a number.
    #[serde(deserialize_with = "id")]
    pub id: String,
    /// The name.
    pub name: String,
    /// What it is for.
    #[serde(default)]
    pub description: String,
    /// Ids of the workflows that belong to it.
    #[serde(default, deserialize_with = "ids")]
    pub workflows: Vec<String>,
    /// What it remembers of each of its users.
    #[serde(default)]
    pub variables: Vec<VariableConfig>,
}

/// A folder of the workspace.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FolderConfig {
    /// Digits; quote it, YAML would read a number.
    #[serde(deserialize_with = "id")]
    pub id: String,
    /// The name.
    pub name: String,
    /// What it is for.
    #[serde(default)]
    pub description: String,
    /// `development`, which is the default, or `library`.
    #[serde(default)]
    pub r#type: FolderKind,
    /// The id of the folder that it lies in.
    #[serde(default, deserialize_with = "id_opt")]
    pub parent: Option<String>,
    /// Ids of the agents in it.
    #[serde(default, deserialize_with = "ids")]
    pub bots: Vec<String>,
    /// Ids of the apps in it.
    #[serde(default, deserialize_with = "ids")]
    pub apps: Vec<String>,
}

/// What a folder holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FolderKind {
    /// Projects under development.
    #[default]
    Development,
    /// Resources of the library.
    Library,
}

/// A template: an agent to start from.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TemplateConfig {
    /// Digits; quote it, YAML would read a number.
    #[serde(deserialize_with = "id")]
    pub id: String,
    /// The id of the agent that is copied.
    #[serde(deserialize_with = "id")]
    pub bot: String,
}

fn id_opt<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    id(deserializer).map(Some)
}

/// Every name that is used must be there, and no id twice.
pub(super) fn check(space: &super::Space) -> Result<(), String> {
    let bots = |id: &str| id == super::DEMO_BOT_ID || space.bots.iter().any(|it| it.id == id);
    for bot in &space.bots {
        variables(&format!("bots: {}", bot.name), &bot.variables)?;
    }
    unique("apps", space.apps.iter().map(|it| &it.id))?;
    for app in &space.apps {
        variables(&format!("apps: {}", app.name), &app.variables)?;
        for workflow in &app.workflows {
            if !space.workflows.iter().any(|it| it.id == *workflow) {
                let name = &app.name;
                return Err(format!(
                    "apps: {name}: the workflow {workflow} is not under `workflows`"
                ));
            }
        }
    }
    unique("folders", space.folders.iter().map(|it| &it.id))?;
    for folder in &space.folders {
        let name = &folder.name;
        if let Some(parent) = &folder.parent {
            if !space.folders.iter().any(|it| it.id == *parent) {
                return Err(format!(
                    "folders: {name}: the parent {parent} is no other folder"
                ));
            }
        }
        // Going up, the root comes within as many steps as there are folders.
        let up = |id: &String| {
            let above = space.folders.iter().find(|it| it.id == *id)?;
            above.parent.clone()
        };
        if std::iter::successors(folder.parent.clone(), up)
            .take(space.folders.len() + 1)
            .count()
            > space.folders.len()
        {
            return Err(format!("folders: {name}: it lies in itself"));
        }
        if let Some(bot) = folder.bots.iter().find(|id| !bots(id)) {
            return Err(format!(
                "folders: {name}: the agent {bot} is not under `bots`"
            ));
        }
        let app = |id: &&String| !space.apps.iter().any(|it| it.id == **id);
        if let Some(app) = folder.apps.iter().find(app) {
            return Err(format!(
                "folders: {name}: the app {app} is not under `apps`"
            ));
        }
    }
    unique("templates", space.templates.iter().map(|it| &it.id))?;
    for template in &space.templates {
        if !bots(&template.bot) {
            let (id, bot) = (&template.id, &template.bot);
            return Err(format!(
                "templates: {id}: the agent {bot} is not under `bots`"
            ));
        }
    }
    Ok(())
}

fn unique<'a>(what: &str, ids: impl Iterator<Item = &'a String>) -> Result<(), String> {
    let mut seen = std::collections::BTreeSet::new();
    for id in ids {
        if !seen.insert(id) {
            return Err(format!("{what}: the id {id} stands twice"));
        }
    }
    Ok(())
}

fn variables(whose: &str, variables: &[VariableConfig]) -> Result<(), String> {
    for (index, variable) in variables.iter().enumerate() {
        let name = &variable.name;
        let fine = |it: char| it.is_alphanumeric() || it == '_';
        if name.is_empty() || !name.chars().all(fine) {
            return Err(format!(
                "{whose}: variables: the name {name:?} may only have letters, digits and underscores"
            ));
        }
        if name.starts_with("sys_") {
            return Err(format!(
                "{whose}: variables: the name {name:?} begins like those of the system"
            ));
        }
        if variables.iter().take(index).any(|it| it.name == *name) {
            return Err(format!("{whose}: variables: {name:?} stands twice"));
        }
    }
    Ok(())
}
