//! What became of workflow runs.

use std::collections::BTreeMap;

use coze_types::runs::{
    ExecuteStatus, NodeOutput, NodeStatus, RetrieveNodeHistory, RetrieveRunHistory,
    RetrieveStudioRunHistory, RunHistory, StudioRunHistory,
};
use coze_types::{Data, Id, Timestamp};

use super::workflows;
use crate::app::App;
use crate::call::Call;
use crate::caller::Caller;
use crate::fail::Fail;
use crate::store::{NodeOutputRecord, RunRecord, number};
use crate::validate;

/// The run of that workflow, with what its output nodes said.
async fn find(
    app: &App,
    caller: &Caller,
    workflow: &Id,
    execute_id: &Id,
) -> Result<(RunRecord, Vec<NodeOutputRecord>), Fail> {
    workflows::find(app, caller, workflow).await?;
    let id = number(execute_id);
    let found = app
        .db
        .read(move |unit| Ok::<_, Fail>((unit.run(id)?, unit.node_outputs(id)?)));
    let (run, nodes) = found.await?;
    match run.filter(|run| *workflow == run.workflow_id.as_str()) {
        Some(run) => Ok((run, nodes)),
        None => Err(Fail::not_found("run", execute_id)),
    }
}

pub(crate) async fn history(
    app: App,
    call: Call<RetrieveRunHistory>,
) -> Result<Data<Vec<RunHistory>>, Fail> {
    let row = call.row;
    let (run, nodes) = find(&app, &call.user, &row.workflow_id, &row.execute_id).await?;
    let nodes = nodes.into_iter().map(|node| {
        let status = NodeStatus {
            node_id: node.node_id,
            is_finish: node.is_finish,
            update_time: Timestamp(node.updated_at),
            node_execute_uuid: node.uuid,
            ..NodeStatus::default()
        };
        (node.title, status)
    });
    let history = RunHistory {
        execute_id: run.id.into(),
        execute_status: ExecuteStatus::from(run.status.as_str()),
        bot_id: run.bot_id.into(),
        connector_id: run.connector_id.into(),
        connector_uid: run.connector_uid,
        run_mode: run.mode.into(),
        logid: run.logid,
        create_time: Timestamp(run.created_at),
        update_time: Timestamp(run.updated_at),
        output: run.output,
        error_code: run.error_code,
        error_message: run.error_message,
        debug_url: crate::workflows::debug_url(&app, &row.workflow_id, run.id),
        node_execute_status: Some(nodes.collect()),
        usage: Some(run.usage),
        token: Some(run.usage.token_count.to_string()),
        cost: Some("0.00000".to_owned()),
        is_output_trimmed: Some(false),
        interrupt_data: run.interrupt,
        ..RunHistory::default()
    };
    Ok(Data {
        data: vec![history],
    })
}

/// The same in the words of the open-source server.
pub(crate) async fn studio_history(
    app: App,
    call: Call<RetrieveStudioRunHistory>,
) -> Result<Data<Vec<StudioRunHistory>>, Fail> {
    let query = call.row.query;
    let id = query.execute_id.unwrap_or_default();
    validate::required("execute_id", &id)?;
    let (run, _) = find(&app, &call.user, &query.workflow_id, &id).await?;
    let failed = !run.error_code.is_empty();
    let history = StudioRunHistory {
        execute_id: run.id.into(),
        execute_status: ExecuteStatus::from(run.status.as_str()),
        bot_id: run.bot_id.into(),
        connector_id: run.connector_id.into(),
        connector_uid: run.connector_uid,
        run_mode: run.mode.into(),
        log_id: run.logid,
        create_time: Timestamp(run.created_at),
        update_time: Timestamp(run.updated_at),
        debug_url: crate::workflows::debug_url(&app, &query.workflow_id, run.id),
        input: run.input,
        output: run.output,
        token: Some(run.usage.token_count),
        cost: Some("0.00000".to_owned()),
        cost_unit: Some(String::new()),
        ext: Some(BTreeMap::new()),
        error_code: failed.then(|| run.error_code.parse().unwrap_or(0)),
        error_msg: failed.then_some(run.error_message),
    };
    Ok(Data {
        data: vec![history],
    })
}

pub(crate) async fn node_history(
    app: App,
    call: Call<RetrieveNodeHistory>,
) -> Result<Data<NodeOutput>, Fail> {
    let row = call.row;
    let (_, nodes) = find(&app, &call.user, &row.workflow_id, &row.execute_id).await?;
    let node = nodes
        .into_iter()
        .find(|node| row.node_execute_uuid == node.uuid.as_str());
    let Some(node) = node else {
        return Err(Fail::not_found("node execution", row.node_execute_uuid));
    };
    Ok(Data {
        data: NodeOutput {
            is_finish: node.is_finish,
            node_output: node.output,
        },
    })
}
