//! Copies of agents, apps and workflows. Tasks are done when they are answered: what there is to
//! copy lies in one database.

use coze_types::Data;
use coze_types::entities::{
    CopyEntity, CopyFailure, CopyStarted, CopyTask, CopyTaskStatus, EntityType, RetrieveCopyTask,
};

use super::bots::{self, Edition};
use super::{apps, workflows};
use crate::app::App;
use crate::call::Call;
use crate::configured::Workflow;
use crate::definition::Definition;
use crate::fail::Fail;
use crate::store::{AppRecord, BotRecord, CopyRecord, Unit, WorkflowRecord, number};
use crate::validate;

/// What is to be written, and what stands in the way.
#[derive(Default)]
struct Copy {
    id: i64,
    bot: Option<Definition>,
    app: Option<crate::config::AppConfig>,
    workflows: Vec<WorkflowRecord>,
    failures: Vec<CopyFailure>,
}

pub(crate) async fn copy(app: App, call: Call<CopyEntity>) -> Result<Data<CopyStarted>, Fail> {
    let (body, user) = (call.row.body, call.user);
    validate::required("entity_id", &body.entity_id)?;
    let kinds = [EntityType::Bot, EntityType::App, EntityType::Workflow];
    validate::known("entity_type", &body.entity_type, &kinds)?;
    let wanted = body.to_workspace_id.filter(|id| !id.is_unset());
    let wanted = wanted.map(|id| user.space("to_workspace_id", &id));
    let wanted = wanted.transpose()?;
    let id = body.entity_id.as_str();
    let (source, mut copy) = match body.entity_type {
        EntityType::Bot => {
            let agent = bots::open(&app, &user, id, &Edition::Draft).await?;
            let target = wanted.unwrap_or(agent.space);
            let elsewhere = target != agent.space;
            let copy = copy_bot(&app, &agent.definition, &agent.workflows, elsewhere);
            (agent.space, copy)
        }
        EntityType::App => {
            let entry = apps::find(&app, &user, id).await?;
            let mut copy = Copy {
                id: app.ids.next(),
                ..Copy::default()
            };
            let mut config = entry.config.clone();
            config.id = copy.id.to_string();
            for workflow in &mut config.workflows {
                let found = workflows::find(&app, &user, workflow).await?;
                let copied = copy_workflow(&app, &found, Some(copy.id));
                *workflow = copied.id.to_string();
                copy.workflows.push(copied);
            }
            copy.app = Some(config);
            (entry.space, copy)
        }
        _ => {
            let found = workflows::find(&app, &user, id).await?;
            let copied = copy_workflow(&app, &found, None);
            let copy = Copy {
                id: copied.id,
                workflows: vec![copied],
                ..Copy::default()
            };
            (found.space, copy)
        }
    };
    let space = wanted.unwrap_or(source);
    // The one copy that is answered for at once.
    let at_once = copy.bot.is_some() && space == source;
    let task = CopyRecord {
        id: app.ids.next(),
        space,
        entity_type: body.entity_type.as_str().to_owned(),
        source: id.to_owned(),
        target: copy.failures.is_empty().then_some(copy.id),
        failures: std::mem::take(&mut copy.failures),
        created_at: app.now(),
    };
    let started = match at_once {
        true => CopyStarted {
            copied_entity_id: Some(copy.id.into()),
            task_id: None,
        },
        false => CopyStarted {
            copied_entity_id: None,
            task_id: Some(task.id.into()),
        },
    };
    let owner = user.user();
    let written = app.db.write(move |unit| {
        if task.target.is_some() {
            write(unit, copy, space, owner, task.created_at)?;
        }
        if !at_once {
            unit.insert_copy(&task)?;
        }
        Ok::<_, Fail>(Data { data: started })
    });
    written.await
}

/// In another space an agent needs workflows of its own; knowledge stays where it is.
fn copy_bot(
    app: &App,
    definition: &Definition,
    workflows: &[std::sync::Arc<Workflow>],
    elsewhere: bool,
) -> Copy {
    let mut copy = Copy {
        id: app.ids.next(),
        ..Copy::default()
    };
    let mut draft = definition.clone();
    if elsewhere {
        copy.workflows = workflows
            .iter()
            .map(|it| copy_workflow(app, it, None))
            .collect();
        draft.workflows = copy.workflows.iter().map(|it| it.id.into()).collect();
        for dataset in draft.knowledge.dataset_ids.iter().flatten() {
            let why = "knowledge stays in its workspace: take it off the agent first";
            copy.failures.push(CopyFailure {
                entity_id: dataset.clone(),
                entity_name: String::new(),
                entity_type: EntityType::Knowledge,
                failed_reason: why.to_owned(),
            });
        }
    }
    copy.bot = Some(draft);
    copy
}

fn copy_workflow(app: &App, workflow: &Workflow, of_app: Option<i64>) -> WorkflowRecord {
    WorkflowRecord {
        id: app.ids.next(),
        app: of_app,
        name: workflow.name.clone(),
        description: workflow.description.clone(),
        canvas: workflow.canvas.clone(),
        ..WorkflowRecord::default()
    }
}

fn write(unit: &dyn Unit, copy: Copy, space: i64, owner: i64, now: i64) -> Result<(), Fail> {
    for mut workflow in copy.workflows {
        (workflow.space, workflow.owner, workflow.created_at) = (space, owner, now);
        unit.insert_workflow(&workflow)?;
    }
    if let Some(draft) = copy.bot {
        unit.insert_bot(&BotRecord {
            id: copy.id,
            space,
            owner,
            draft,
            changed: true,
            created_at: now,
            updated_at: now,
            ..BotRecord::default()
        })?;
    }
    if let Some(definition) = copy.app {
        unit.insert_app(&AppRecord {
            id: copy.id,
            space,
            owner,
            definition,
            created_at: now,
        })?;
    }
    Ok(())
}

pub(crate) async fn retrieve(
    app: App,
    call: Call<RetrieveCopyTask>,
) -> Result<Data<CopyTask>, Fail> {
    let id = call.row.task_id;
    let wanted = number(&id);
    let found = app.db.read(move |unit| Ok::<_, Fail>(unit.copy(wanted)?));
    let task = call.user.open("copy task", &id, found.await?)?;
    Ok(Data {
        data: CopyTask {
            task_id: task.id.into(),
            entity_type: task.entity_type.as_str().into(),
            task_status: match task.target {
                Some(_) => CopyTaskStatus::Successful,
                None => CopyTaskStatus::Failed,
            },
            source_entity_id: Some(task.source.into()),
            target_entity_id: task.target.map(Into::into),
            target_workspace_id: Some(task.space.into()),
            failed_reasons: task.failures,
        },
    })
}
