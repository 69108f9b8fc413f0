//! What became of workflow runs.

use coze_types::runs::{
    ExecuteStatus, NodeOutput, NodeStatus, RetrieveNodeHistory, RetrieveRunHistory, RunHistory,
};
use coze_types::{Data, Timestamp};

use crate::app::App;
use crate::call::Call;
use crate::fail::Fail;
use crate::store::number;

pub(crate) async fn history(
    app: App,
    call: Call<RetrieveRunHistory>,
) -> Result<Data<Vec<RunHistory>>, Fail> {
    let row = call.row;
    let id = number(&row.execute_id);
    let (run, nodes) = app
        .db
        .read(move |unit| Ok::<_, Fail>((unit.run(id)?, unit.node_outputs(id)?)))
        .await?;
    let run = run.filter(|run| row.workflow_id == run.workflow_id.as_str());
    let Some(run) = run else {
        return Err(Fail::not_found("run", row.execute_id));
    };
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
        run_mode: run.mode,
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

pub(crate) async fn node_history(
    app: App,
    call: Call<RetrieveNodeHistory>,
) -> Result<Data<NodeOutput>, Fail> {
    let row = call.row;
    let id = number(&row.execute_id);
    let (run, nodes) = app
        .db
        .read(move |unit| Ok::<_, Fail>((unit.run(id)?, unit.node_outputs(id)?)))
        .await?;
    if run.is_none_or(|run| row.workflow_id != run.workflow_id.as_str()) {
        return Err(Fail::not_found("run", row.execute_id));
    }
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
