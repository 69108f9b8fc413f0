//! What a model node may use: workflows and tools of plugins, and passages for its prompt.

use std::sync::Arc;

use coze_types::Id;
use coze_workflow::{PluginSkill, Skills};

use super::knowledge;
use crate::app::App;
use crate::configured::{Configured, Workflow};
use crate::fail::Fail;
use crate::models::ModelRequest;
use crate::plugins::Plugin;
use crate::store::RunRecord;
use crate::tools::Toolbox;

/// The tools of a node. What it looks up for its prompt goes into the request.
///
/// # Errors
/// A skill that is not in the workspace of the workflow: without it the answer would be another one.
pub(super) async fn prepare(
    app: &App,
    run: &RunRecord,
    skills: Skills,
    request: &mut ModelRequest,
) -> Result<Toolbox, Fail> {
    let space = knowledge::space(app, run).await?;
    let mut tools = Toolbox::default();
    for id in &skills.workflows {
        let found = workflow(app, id).await?;
        let found = found.filter(|it| it.space == space);
        tools.add_workflow(&found.ok_or_else(|| missing("workflow", id))?);
    }
    let configured = app.configured();
    for skill in &skills.plugins {
        let (plugin, index) = tool(&configured, space, skill)?;
        tools.add_plugin(&plugin, index);
    }
    if let Some(search) = skills.knowledge {
        let passages = knowledge::passages(app, space, search).await?;
        request.knowledge = passages.into_iter().map(|it| it.text).collect();
    }
    request.tools = tools.specs();
    Ok(tools)
}

fn missing(what: &str, id: &str) -> Fail {
    let why = format!("the {what} {id}, which the node may use, is not in its workspace");
    Fail::new(4200, why)
}

/// The workflow of that id, of `coze.yaml` or a copy.
pub(super) async fn workflow(app: &App, id: &str) -> Result<Option<Arc<Workflow>>, Fail> {
    let configured = app.configured();
    if let Some(found) = configured.workflows.get(id) {
        return Ok(Some(Arc::clone(found)));
    }
    let ids = [Id::from(id)];
    let found = app
        .db
        .read(move |unit| crate::routes::workflows::of(unit, &configured, &ids));
    Ok(found.await?.pop())
}

fn tool(
    configured: &Configured,
    space: i64,
    skill: &PluginSkill,
) -> Result<(Arc<Plugin>, usize), Fail> {
    let plugin = configured.plugins.get(&skill.plugin);
    let plugin = plugin.filter(|it| it.space == space);
    let plugin = plugin.ok_or_else(|| missing("plugin", &skill.plugin))?;
    // The id of a tool on Coze means nothing here, its name does.
    let id = skill.tool.parse().unwrap_or(-1);
    let mut tools = plugin.tools.iter();
    let index = tools.position(|it| it.id == id || it.name == skill.name);
    let index = index.ok_or_else(|| {
        let named = format!("{} of the plugin {}", skill.name, skill.plugin);
        missing("tool", &named)
    })?;
    Ok((Arc::clone(plugin), index))
}
