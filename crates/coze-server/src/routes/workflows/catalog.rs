//! What workflows there are, and what they take and give. Those of `coze.yaml` and copies of them
//! count as published as they stand.

use std::collections::BTreeMap;
use std::sync::Arc;

use coze_types::workflows::{
    Creator, ListWorkflowVersions, ListWorkflows, ParamSchema, PublishStatus, RetrieveWorkflow,
    WorkflowBasic, WorkflowInfo, WorkflowInput, WorkflowList, WorkflowMode, WorkflowOutput,
    WorkflowVersion, WorkflowVersionList,
};
use coze_types::{Data, Id, Timestamp};
use coze_workflow::TerminatePlan;

use crate::app::App;
use crate::call::Call;
use crate::caller::{Caller, Owned};
use crate::configured::{Configured, Workflow};
use crate::fail::Fail;
use crate::store::{Unit, number};
use crate::validate;
use crate::workflows::param_schema;

/// The workflow of that id.
pub(crate) async fn find(app: &App, caller: &Caller, id: &str) -> Result<Arc<Workflow>, Fail> {
    validate::required("workflow_id", id)?;
    let configured = app.configured();
    let found = match configured.workflows.get(id) {
        Some(found) => Some(Arc::clone(found)),
        None => {
            let ids = [Id::from(id)];
            let read = app.db.read(move |unit| of(unit, &configured, &ids));
            read.await?.pop()
        }
    };
    let found = found.map(|it| Owned {
        space: it.space,
        it,
    });
    caller.open("workflow", id, found)
}

/// The workflows of these ids; those that are gone are left out.
pub(crate) fn of(
    unit: &dyn Unit,
    configured: &Configured,
    ids: &[Id],
) -> Result<Vec<Arc<Workflow>>, Fail> {
    let mut found = Vec::new();
    for id in ids {
        if let Some(workflow) = configured.workflows.get(id.as_str()) {
            found.push(Arc::clone(workflow));
        } else if let Some(record) = unit.workflow(number(id))? {
            found.extend(stored(record.it));
        }
    }
    Ok(found)
}

fn stored(record: crate::store::WorkflowRecord) -> Option<Arc<Workflow>> {
    let id = record.id;
    match Workflow::stored(record) {
        Ok(workflow) => Some(Arc::new(workflow)),
        Err(error) => {
            tracing::error!(id, error, "a stored workflow cannot be read");
            None
        }
    }
}

fn basic(workflow: &Workflow, creator: Creator) -> WorkflowBasic {
    WorkflowBasic {
        workflow_id: workflow.id.as_str().into(),
        workflow_name: workflow.name.clone(),
        description: Some(workflow.description.clone()),
        icon_url: Some(String::new()),
        app_id: Some(workflow.app.as_deref().unwrap_or("0").into()),
        created_at: Some(Timestamp(workflow.created_at)),
        updated_at: Some(Timestamp(workflow.created_at)),
        creator: Some(creator),
    }
}

pub(crate) async fn list(app: App, call: Call<ListWorkflows>) -> Result<Data<WorkflowList>, Fail> {
    let query = call.row.query;
    let space = call.user.space("workspace_id", &query.workspace_id)?;
    let (page, size) = validate::page(query.page_num, query.page_size, 10, 30)?;
    let mode = query.workflow_mode.as_ref();
    validate::known_opt("workflow_mode", mode, WorkflowMode::KNOWN)?;
    let status = query
        .publish_status
        .unwrap_or(PublishStatus::PublishedOnline);
    validate::known("publish_status", &status, STATUSES)?;
    let published = status != PublishStatus::UnpublishedDraft;
    let of_app = query.app_id.filter(|id| !id.is_unset());
    let wanted = |workflow: &Arc<Workflow>| {
        let mode = match &query.workflow_mode {
            Some(WorkflowMode::Chatflow) => workflow.plan.is_chatflow(),
            Some(WorkflowMode::Workflow) => !workflow.plan.is_chatflow(),
            _ => true,
        };
        let app = of_app
            .as_ref()
            .is_none_or(|id| workflow.app.as_deref() == Some(id.as_str()));
        published && mode && app && workflow.space == space
    };
    let configured = app.configured();
    let read = app
        .db
        .read(move |unit| Ok::<_, Fail>(unit.workflows(space)?));
    let copies = read.await?.into_iter().filter_map(stored);
    let mut all: Vec<_> = configured
        .workflows
        .values()
        .cloned()
        .chain(copies)
        .collect();
    all.retain(wanted);
    let skip = page.saturating_mul(size);
    let has_more = all.len() > skip.saturating_add(size);
    let shown: Vec<_> = all.into_iter().skip(skip).take(size).collect();
    let read = app.db.read(move |unit| {
        let item = |workflow: &Arc<Workflow>| {
            Ok::<_, Fail>(basic(workflow, creator(unit, workflow.owner)?))
        };
        shown.iter().map(item).collect::<Result<Vec<_>, Fail>>()
    });
    Ok(Data {
        data: WorkflowList {
            items: read.await?,
            has_more,
        },
    })
}

const STATUSES: &[PublishStatus] = &[
    PublishStatus::All,
    PublishStatus::PublishedOnline,
    PublishStatus::UnpublishedDraft,
];

/// A user as the one who made something.
pub(crate) fn creator(unit: &dyn Unit, user: i64) -> Result<Creator, Fail> {
    let found = unit.user(user)?;
    Ok(Creator {
        id: user.into(),
        name: found.map(|it| it.nick_name).unwrap_or_default(),
    })
}

pub(crate) async fn retrieve(
    app: App,
    call: Call<RetrieveWorkflow>,
) -> Result<Data<WorkflowInfo>, Fail> {
    let workflow = find(&app, &call.user, &call.row.workflow_id).await?;
    let owner = workflow.owner;
    let creator = app.db.read(move |unit| creator(unit, owner)).await?;
    let mut info = WorkflowInfo {
        workflow_detail: Some(basic(&workflow, creator)),
        ..WorkflowInfo::default()
    };
    if call.row.query.include_input_output == Some(true) {
        info.input = Some(input_of(&workflow));
        info.output = Some(output_of(&workflow));
    }
    Ok(Data { data: info })
}

/// A file has one version: the one that the server has read.
pub(crate) async fn versions(
    app: App,
    call: Call<ListWorkflowVersions>,
) -> Result<Data<WorkflowVersionList>, Fail> {
    let workflow = find(&app, &call.user, &call.row.workflow_id).await?;
    let owner = workflow.owner;
    let creator = app.db.read(move |unit| creator(unit, owner)).await?;
    let query = call.row.query;
    validate::page(None, query.page_size, 10, 30)?;
    if query.page_token.is_some_and(|token| !token.is_empty()) {
        return Err(Fail::invalid("page_token", "there is one page only"));
    }
    let with_io = query.include_input_output == Some(true);
    let time = Some(Timestamp(workflow.created_at));
    let version = WorkflowVersion {
        version: "v0.0.1".to_owned(),
        description: Some(workflow.description.clone()),
        created_at: time,
        updated_at: time,
        workflow_id: Some(workflow.id.as_str().into()),
        creator: Some(creator),
        input: with_io.then(|| input_of(&workflow)),
        output: with_io.then(|| output_of(&workflow)),
    };
    let status = query.publish_status.as_ref();
    validate::known_opt("publish_status", status, STATUSES)?;
    let items = match query.publish_status {
        Some(PublishStatus::UnpublishedDraft) => Vec::new(),
        _ => vec![version],
    };
    let next_page_token = Some(String::new());
    Ok(Data {
        data: WorkflowVersionList {
            items,
            has_more: false,
            next_page_token,
        },
    })
}

fn schemas(variables: &[coze_workflow::Variable]) -> BTreeMap<String, ParamSchema> {
    let schema = |it: &coze_workflow::Variable| (it.name.clone(), param_schema(it));
    variables.iter().map(schema).collect()
}

fn input_of(workflow: &Workflow) -> WorkflowInput {
    WorkflowInput {
        parameters: schemas(workflow.plan.start_inputs()),
    }
}

fn output_of(workflow: &Workflow) -> WorkflowOutput {
    let terminate_plan = match workflow.plan.terminate_plan() {
        TerminatePlan::ReturnVariables => "return_variables",
        TerminatePlan::UseAnswerContent => "use_answer_content",
    };
    WorkflowOutput {
        terminate_plan: terminate_plan.to_owned(),
        content: None,
        parameters: schemas(&workflow.plan.end_outputs()),
    }
}
