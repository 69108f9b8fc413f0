//! Runs that do not stream: one call that waits, or a run in the background.

use coze_types::workflows::WorkflowResult;
use coze_types::{Endpoint, Id};

use crate::call::Call;
use crate::client::Coze;
use crate::error::{Error, Result};
use crate::history;
use crate::response::{RawResponse, Response};
use crate::run::RunOutcome;
use crate::run_options::{Origin, Patience, RunBy};

/// Makes the call, and waits for the run that it leaves in the background, if it does.
pub(crate) async fn call<E: Endpoint<Reply = WorkflowResult>>(
    coze: &Coze,
    row: E,
    by: RunBy,
    origin: &Origin,
    patience: Patience,
) -> Result<RunOutcome> {
    let (answer, reply) = patience.within::<E, _>(coze, send(coze, row)).await?;
    let workflow = origin.workflow.clone();
    if reply.data.is_some() || reply.interrupt_data.is_some() {
        return Ok(RunOutcome::of_reply(workflow, by, reply));
    }
    let run = match (&reply.execute_id, by) {
        (Some(run), _) if !run.is_unset() => run,
        // A run that was in the background before goes on there.
        (_, RunBy::Async) => match &origin.run {
            Some(run) => run,
            None => return Err(no_run(&answer)),
        },
        _ => return Ok(RunOutcome::of_reply(workflow, by, reply)),
    };
    history::wait(
        coze,
        &workflow,
        run,
        patience.beat(),
        origin.answered.as_deref(),
    )
    .await
}

/// Makes the call that leaves a run in the background.
pub(crate) async fn start<E: Endpoint<Reply = WorkflowResult>>(coze: &Coze, row: E) -> Result<Id> {
    let (answer, reply) = send(coze, row).await?;
    let run = reply.into_inner().execute_id;
    run.filter(|run| !run.is_unset())
        .ok_or_else(|| no_run(&answer))
}

async fn send<E: Endpoint<Reply = WorkflowResult>>(
    coze: &Coze,
    row: E,
) -> Result<(RawResponse, Response<WorkflowResult>)> {
    coze.receive(&Call::encode(&row)?).await
}

fn no_run(answer: &RawResponse) -> Error {
    let reason = "no run was started in the background: its id is missing";
    answer.decode_error("execute_id".into(), reason.into())
}
