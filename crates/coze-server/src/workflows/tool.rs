//! A workflow as a tool of an agent.

use coze_workflow::Outcome;
use serde_json::{Map, Value};
use tokio_util::sync::CancellationToken;

use super::{Driver, Ended, Mode, NoSink, Start};
use crate::app::App;
use crate::configured::Workflow;
use crate::store::ChatRecord;

/// Runs a workflow as a tool of an agent; what its nodes say is not forwarded.
pub(crate) async fn call_as_tool(
    app: &App,
    workflow: &Workflow,
    arguments: &str,
    chat: &ChatRecord,
    cancel: &CancellationToken,
) -> Result<String, String> {
    let parameters: Map<String, Value> = serde_json::from_str(arguments)
        .map_err(|error| format!("the arguments are no JSON object: {error}"))?;
    let start = Start {
        parameters,
        mode: Mode::Sync,
        bot_id: chat.chat.bot_id.as_deref().unwrap_or("0").to_owned(),
        connector_id: "1024".to_owned(),
        connector_uid: chat.user_id.clone(),
        log_id: String::new(),
        conversation: None,
        history: Vec::new(),
    };
    let mut driver = Driver::start(app, workflow, start)
        .await
        .map_err(|fail| fail.msg.into_owned())?;
    let token = driver.token();
    let mut sink = NoSink;
    let work = driver.drive(&mut sink);
    tokio::pin!(work);
    let ended = tokio::select! {
        biased;
        ended = &mut work => ended,
        () = cancel.cancelled() => {
            token.cancel();
            work.await
        }
    };
    match ended.map_err(|fail| fail.msg.into_owned())? {
        Ended::Done(Outcome::Success {
            answer: Some(answer),
            ..
        }) => Ok(answer),
        Ended::Done(Outcome::Success { output, .. }) => Ok(Value::Object(output).to_string()),
        Ended::Done(Outcome::Failed(failure)) => Err(failure.to_string()),
        Ended::Done(Outcome::Cancelled { .. }) => Err("the workflow was cancelled".to_owned()),
        Ended::Waiting => Err("the workflow asks a question, which a tool cannot".to_owned()),
    }
}
