//! A workflow as a tool of an agent, or of a model node of another workflow.

use coze_workflow::Outcome;
use serde_json::{Map, Value};
use tokio_util::sync::CancellationToken;

use super::{Driver, Ended, Mode, NoSink, Start};
use crate::app::App;
use crate::configured::Workflow;
use crate::tools::{Actor, Called};

/// Workflows that may call each other as tools: one that calls itself would not end.
const DEEPEST: u8 = 5;

/// Runs a workflow as a tool; what its nodes say is not forwarded.
pub(crate) async fn call_as_tool(
    app: &App,
    workflow: &Workflow,
    arguments: &str,
    actor: &Actor,
    cancel: &CancellationToken,
) -> Result<Called, String> {
    if actor.depth >= DEEPEST {
        return Err(format!(
            "{DEEPEST} workflows called each other as tools, which is as deep as it goes"
        ));
    }
    let parameters: Map<String, Value> = serde_json::from_str(arguments)
        .map_err(|error| format!("the arguments are no JSON object: {error}"))?;
    let start = Start {
        parameters,
        mode: Mode::Sync,
        bot_id: actor.bot_id.clone(),
        connector_id: "1024".to_owned(),
        connector_uid: actor.user_id.clone(),
        log_id: String::new(),
        conversation: None,
        history: Vec::new(),
        depth: actor.depth + 1,
    };
    let mut driver = Driver::start(app, workflow, start)
        .await
        .map_err(|fail| fail.msg.into_owned())?;
    // It writes down how it ended, also when nobody waits for it any more.
    let token = driver.token();
    let _ends_with_its_caller = token.clone().drop_guard();
    let mut work = app
        .tasks
        .spawn(async move { driver.drive(&mut NoSink).await });
    let ended = tokio::select! {
        biased;
        ended = &mut work => ended,
        () = cancel.cancelled() => {
            token.cancel();
            work.await
        }
    };
    let ended = ended.map_err(|error| {
        tracing::error!(%error, "a run broke off");
        "the workflow broke off".to_owned()
    })?;
    match ended.map_err(|fail| fail.msg.into_owned())? {
        Ended::Done(Outcome::Success {
            answer: Some(answer),
            ..
        }) => Ok(Called {
            output: answer,
            answers: true,
        }),
        Ended::Done(Outcome::Success { output, .. }) => Ok(Called {
            output: Value::Object(output).to_string(),
            answers: false,
        }),
        Ended::Done(Outcome::Failed(failure)) => Err(failure.to_string()),
        Ended::Done(Outcome::Cancelled { .. }) => Err("the workflow was cancelled".to_owned()),
        Ended::Waiting => Err("the workflow asks a question, which a tool cannot".to_owned()),
    }
}
