//! Who besides its owner may edit an agent, a workflow or an app.

use coze_types::apps::{AddAppCollaborator, RemoveAppCollaborator};
use coze_types::bots::{AddBotCollaborator, RemoveBotCollaborator, SetBotCollaborationMode};
use coze_types::collaboration::{AddCollaboratorBody, CollaborationMode};
use coze_types::workflows::{
    AddWorkflowCollaborator, RemoveWorkflowCollaborator, SetWorkflowCollaborationMode,
};
use coze_types::{Empty, Id};

use super::{apps, bots, workflows};
use crate::app::App;
use crate::call::Call;
use crate::caller::Caller;
use crate::fail::Fail;
use crate::store::{EntityKind, Unit, number};
use crate::validate;

/// What is to be edited together.
struct Entity {
    kind: EntityKind,
    id: i64,
    space: i64,
    owner: i64,
}

pub(crate) async fn bot_mode(app: App, call: Call<SetBotCollaborationMode>) -> Result<Empty, Fail> {
    let entity = bot(&app, &call.user, &call.row.bot_id).await?;
    set_mode(&app, &call.user, entity, call.row.body.collaboration_mode).await
}

pub(crate) async fn add_to_bot(app: App, call: Call<AddBotCollaborator>) -> Result<Empty, Fail> {
    let entity = bot(&app, &call.user, &call.row.bot_id).await?;
    add(&app, &call.user, entity, call.row.body).await
}

pub(crate) async fn remove_from_bot(
    app: App,
    call: Call<RemoveBotCollaborator>,
) -> Result<Empty, Fail> {
    let entity = bot(&app, &call.user, &call.row.bot_id).await?;
    remove(&app, &call.user, entity, call.row.user_id).await
}

pub(crate) async fn workflow_mode(
    app: App,
    call: Call<SetWorkflowCollaborationMode>,
) -> Result<Empty, Fail> {
    let entity = workflow(&app, &call.user, &call.row.workflow_id).await?;
    set_mode(&app, &call.user, entity, call.row.body.collaboration_mode).await
}

pub(crate) async fn add_to_workflow(
    app: App,
    call: Call<AddWorkflowCollaborator>,
) -> Result<Empty, Fail> {
    let entity = workflow(&app, &call.user, &call.row.workflow_id).await?;
    add(&app, &call.user, entity, call.row.body).await
}

pub(crate) async fn remove_from_workflow(
    app: App,
    call: Call<RemoveWorkflowCollaborator>,
) -> Result<Empty, Fail> {
    let entity = workflow(&app, &call.user, &call.row.workflow_id).await?;
    remove(&app, &call.user, entity, call.row.user_id).await
}

pub(crate) async fn add_to_app(app: App, call: Call<AddAppCollaborator>) -> Result<Empty, Fail> {
    let entity = of_app(&app, &call.user, &call.row.app_id).await?;
    // There is no call that opens an app for others: the first collaborator does.
    let (kind, id) = (entity.kind, entity.id);
    owned(&call.user, &entity)?;
    let opened = app
        .db
        .write(move |unit| Ok::<_, Fail>(unit.set_collaborative(kind, id, true)?));
    opened.await?;
    add(&app, &call.user, entity, call.row.body).await
}

pub(crate) async fn remove_from_app(
    app: App,
    call: Call<RemoveAppCollaborator>,
) -> Result<Empty, Fail> {
    let entity = of_app(&app, &call.user, &call.row.app_id).await?;
    remove(&app, &call.user, entity, call.row.user_id).await
}

async fn of_app(app: &App, caller: &Caller, id: &str) -> Result<Entity, Fail> {
    let entry = apps::find(app, caller, id).await?;
    Ok(Entity {
        kind: EntityKind::App,
        id: entry.id,
        space: entry.space,
        owner: entry.owner,
    })
}

async fn bot(app: &App, caller: &Caller, id: &str) -> Result<Entity, Fail> {
    let agent = bots::find(app, caller, id).await?;
    Ok(Entity {
        kind: EntityKind::Bot,
        id: number(id),
        space: agent.space,
        owner: agent.profile.owner,
    })
}

async fn workflow(app: &App, caller: &Caller, id: &str) -> Result<Entity, Fail> {
    let found = workflows::find(app, caller, id).await?;
    if found.app.is_some() {
        let why = "the workflow belongs to an app, and is edited by those who edit the app";
        return Err(Fail::invalid("workflow_id", why));
    }
    Ok(Entity {
        kind: EntityKind::Workflow,
        id: number(id),
        space: found.space,
        owner: found.owner,
    })
}

/// Only the owner decides who else may edit.
fn owned(caller: &Caller, entity: &Entity) -> Result<(), Fail> {
    if entity.owner == caller.user() {
        return Ok(());
    }
    let (kind, id) = (entity.kind.as_str(), entity.id);
    let msg = format!("only the owner of the {kind} {id} decides who else may edit it");
    Err(Fail::new(4101, msg))
}

async fn set_mode(
    app: &App,
    caller: &Caller,
    entity: Entity,
    mode: CollaborationMode,
) -> Result<Empty, Fail> {
    validate::known("collaboration_mode", &mode, CollaborationMode::KNOWN)?;
    owned(caller, &entity)?;
    let on = mode == CollaborationMode::Collaboration;
    let written = app.db.write(move |unit| {
        let others = unit.collaborators(entity.kind, entity.id)?;
        if !on && !others.is_empty() {
            let why = format!(
                "it cannot be \"single\" while there are {} collaborators: remove them first",
                others.len()
            );
            return Err(Fail::invalid("collaboration_mode", why));
        }
        unit.set_collaborative(entity.kind, entity.id, on)?;
        Ok(Empty {})
    });
    written.await
}

async fn add(
    app: &App,
    caller: &Caller,
    entity: Entity,
    body: AddCollaboratorBody,
) -> Result<Empty, Fail> {
    let [collaborator] = body.collaborators.as_slice() else {
        let why = format!(
            "there are {}; exactly one is allowed",
            body.collaborators.len()
        );
        return Err(Fail::invalid("collaborators", why));
    };
    let user_id = collaborator.user_id.clone();
    validate::required("collaborators[0].user_id", &user_id)?;
    owned(caller, &entity)?;
    let user = number(&user_id);
    let written = app.db.write(move |unit| {
        collaborative(unit, &entity)?;
        let member = unit
            .memberships(user)?
            .iter()
            .any(|it| it.space == entity.space);
        if !member {
            let why = format!(
                "the user {user_id} is no member of the workspace {}",
                entity.space
            );
            return Err(Fail::invalid("collaborators[0].user_id", why));
        }
        if user == entity.owner {
            let why = "the owner may edit it anyway";
            return Err(Fail::invalid("collaborators[0].user_id", why));
        }
        unit.add_collaborator(entity.kind, entity.id, user)?;
        Ok(Empty {})
    });
    written.await
}

async fn remove(app: &App, caller: &Caller, entity: Entity, user_id: Id) -> Result<Empty, Fail> {
    owned(caller, &entity)?;
    let user = number(&user_id);
    let written = app.db.write(move |unit| {
        if !unit.remove_collaborator(entity.kind, entity.id, user)? {
            let (kind, id) = (entity.kind.as_str(), entity.id);
            let what = format!("collaborator of the {kind} {id}");
            return Err(Fail::not_found(&what, user_id));
        }
        Ok(Empty {})
    });
    written.await
}

fn collaborative(unit: &dyn Unit, entity: &Entity) -> Result<(), Fail> {
    if unit.is_collaborative(entity.kind, entity.id)? {
        return Ok(());
    }
    let kind = entity.kind.as_str();
    let msg = format!(
        "several people may not edit the {kind} {id} yet: set its collaboration_mode to \
         \"collaboration\" first",
        id = entity.id
    );
    Err(Fail::new(4000, msg))
}
