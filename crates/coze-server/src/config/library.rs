//! What a `coze.yaml` has besides agents, models and workflows: variables, apps, folders, templates.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::place::Misfit;
use super::{Space, id, ids, schema};

/// Something that an agent or an app remembers of each of its users.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AppConfig {
    /// Digits; quote it, YAML would read a number.
    #[serde(deserialize_with = "id")]
    #[schemars(schema_with = "schema::id")]
    pub id: String,
    /// The name.
    pub name: String,
    /// What it is for.
    #[serde(default)]
    pub description: String,
    /// Ids of the workflows that belong to it.
    #[serde(default, deserialize_with = "ids")]
    #[schemars(schema_with = "schema::ids")]
    pub workflows: Vec<String>,
    /// What it remembers of each of its users.
    #[serde(default)]
    pub variables: Vec<VariableConfig>,
}

/// A folder of the workspace.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FolderConfig {
    /// Digits; quote it, YAML would read a number.
    #[serde(deserialize_with = "id")]
    #[schemars(schema_with = "schema::id")]
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
    #[schemars(schema_with = "schema::id")]
    pub parent: Option<String>,
    /// Ids of the agents in it.
    #[serde(default, deserialize_with = "ids")]
    #[schemars(schema_with = "schema::ids")]
    pub bots: Vec<String>,
    /// Ids of the apps in it.
    #[serde(default, deserialize_with = "ids")]
    #[schemars(schema_with = "schema::ids")]
    pub apps: Vec<String>,
}

/// What a folder holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum FolderKind {
    /// Projects under development.
    #[default]
    Development,
    /// Resources of the library.
    Library,
}

/// A template: an agent to start from.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TemplateConfig {
    /// Digits; quote it, YAML would read a number.
    #[serde(deserialize_with = "id")]
    #[schemars(schema_with = "schema::id")]
    pub id: String,
    /// The id of the agent that is copied.
    #[serde(deserialize_with = "id")]
    #[schemars(schema_with = "schema::id")]
    pub bot: String,
}

fn id_opt<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    id(deserializer).map(Some)
}

impl Space {
    /// Every name that is used must be there, and no id twice.
    pub(super) fn check_library(&self) -> Result<(), Misfit> {
        for (index, bot) in self.bots.iter().enumerate() {
            let (path, whose) = (format!("bots[{index}]"), format!("bots: {}", bot.name));
            variables(&path, &whose, &bot.variables)?;
        }
        unique("apps", self.apps.iter().map(|it| &it.id))?;
        for (index, app) in self.apps.iter().enumerate() {
            let (path, whose) = (format!("apps[{index}]"), format!("apps: {}", app.name));
            variables(&path, &whose, &app.variables)?;
            for (at, workflow) in app.workflows.iter().enumerate() {
                if !self.workflows.iter().any(|it| it.id == *workflow) {
                    let why = format!("{whose}: the workflow {workflow} is not under `workflows`");
                    return Err(Misfit::new(format!("{path}.workflows[{at}]"), why));
                }
            }
        }
        unique("folders", self.folders.iter().map(|it| &it.id))?;
        for (index, folder) in self.folders.iter().enumerate() {
            self.check_folder(folder).map_err(|(key, why)| {
                let why = format!("folders: {}: {why}", folder.name);
                Misfit::new(format!("folders[{index}].{key}"), why)
            })?;
        }
        unique("templates", self.templates.iter().map(|it| &it.id))?;
        for (index, template) in self.templates.iter().enumerate() {
            if !self.has_bot(&template.bot) {
                let (id, bot) = (&template.id, &template.bot);
                let why = format!("templates: {id}: the agent {bot} is not under `bots`");
                return Err(Misfit::new(format!("templates[{index}].bot"), why));
            }
        }
        Ok(())
    }

    /// What is wrong with a folder: the key, and why.
    fn check_folder(&self, folder: &FolderConfig) -> Result<(), (String, String)> {
        let parent = |id: &String| self.folders.iter().find(|it| it.id == *id);
        if let Some(id) = folder.parent.as_ref().filter(|id| parent(id).is_none()) {
            let why = format!("the parent {id} is no other folder");
            return Err(("parent".to_owned(), why));
        }
        // Going up, the root comes within as many steps as there are folders.
        let up = std::iter::successors(folder.parent.clone(), |id| parent(id)?.parent.clone());
        if up.take(self.folders.len() + 1).count() > self.folders.len() {
            return Err(("parent".to_owned(), "it lies in itself".to_owned()));
        }
        if let Some(at) = folder.bots.iter().position(|id| !self.has_bot(id)) {
            let bot = folder.bots.get(at).map_or("", String::as_str);
            let why = format!("the agent {bot} is not under `bots`");
            return Err((format!("bots[{at}]"), why));
        }
        let has_app = |id: &String| self.apps.iter().any(|it| it.id == *id);
        if let Some(at) = folder.apps.iter().position(|id| !has_app(id)) {
            let app = folder.apps.get(at).map_or("", String::as_str);
            let why = format!("the app {app} is not under `apps`");
            return Err((format!("apps[{at}]"), why));
        }
        Ok(())
    }

    fn has_bot(&self, id: &str) -> bool {
        id == super::DEMO_BOT_ID || self.bots.iter().any(|it| it.id == id)
    }
}

fn unique<'a>(what: &str, ids: impl Iterator<Item = &'a String>) -> Result<(), Misfit> {
    let mut seen = std::collections::BTreeSet::new();
    for (index, id) in ids.enumerate() {
        if !seen.insert(id) {
            let why = format!("{what}: the id {id} stands twice");
            return Err(Misfit::new(format!("{what}[{index}].id"), why));
        }
    }
    Ok(())
}

fn variables(path: &str, whose: &str, variables: &[VariableConfig]) -> Result<(), Misfit> {
    for (index, variable) in variables.iter().enumerate() {
        let name = &variable.name;
        let fine = |it: char| it.is_alphanumeric() || it == '_';
        let why = if name.is_empty() || !name.chars().all(fine) {
            format!("the name {name:?} may only have letters, digits and underscores")
        } else if name.starts_with(crate::variables::SYSTEM) {
            format!("the name {name:?} begins like those of the system")
        } else if variables.iter().take(index).any(|it| it.name == *name) {
            format!("{name:?} stands twice")
        } else {
            continue;
        };
        let path = format!("{path}.variables[{index}].name");
        return Err(Misfit::new(path, format!("{whose}: variables: {why}")));
    }
    Ok(())
}
