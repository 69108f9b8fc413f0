//! A workflow as a tool of an agent: what its nodes say goes to the user while it runs, what comes
//! out goes to the model.

use coze_types::workflows::InterruptData;
use coze_workflow::{Interrupt, Message, NodePath, Outcome, TerminatePlan};
use serde_json::{Map, Value};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::{Driver, Ended, Mode, Sink, Start};
use crate::app::App;
use crate::configured::Workflow;
use crate::store::ChatRecord;
use crate::tools::Output;

/// The chat that calls a tool.
#[derive(Clone, Copy)]
pub(crate) struct ToolRun<'r> {
    pub(crate) chat: &'r ChatRecord,
    pub(crate) cancel: &'r CancellationToken,
    /// Where the call stands among those of its round.
    pub(crate) call: usize,
    /// Takes what the user is to read.
    pub(crate) said: &'r mpsc::Sender<ToolText>,
}

/// A piece of text for the user, from a node of a workflow that runs as a tool.
#[derive(Debug)]
pub(crate) struct ToolText {
    pub(crate) call: usize,
    pub(crate) node: NodePath,
    pub(crate) piece: String,
    /// It is the last piece of the node's message.
    pub(crate) finished: bool,
}

/// Runs a workflow to its end. One whose end is a text has answered the user with it.
pub(crate) async fn call_as_tool(
    app: &App,
    workflow: &Workflow,
    arguments: &str,
    run: ToolRun<'_>,
) -> Result<Output, String> {
    let parameters: Map<String, Value> = serde_json::from_str(arguments)
        .map_err(|error| format!("the arguments are no JSON object: {error}"))?;
    let chat = run.chat;
    let start = Start {
        parameters,
        mode: Mode::Stream,
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
    let mut sink = ToolSink {
        run,
        answers: workflow.plan.terminate_plan() == TerminatePlan::UseAnswerContent,
        answered: false,
    };
    let ended = {
        let work = driver.drive(&mut sink);
        tokio::pin!(work);
        tokio::select! {
            biased;
            ended = &mut work => ended,
            () = run.cancel.cancelled() => {
                token.cancel();
                work.await
            }
        }
    };
    let text = match ended.map_err(|fail| fail.msg.into_owned())? {
        Ended::Done(Outcome::Success {
            answer: Some(answer),
            ..
        }) => answer,
        Ended::Done(Outcome::Success { output, .. }) => Value::Object(output).to_string(),
        Ended::Done(Outcome::Failed(failure)) => return Err(failure.to_string()),
        Ended::Done(Outcome::Cancelled { .. }) => {
            return Err("the workflow was cancelled".to_owned());
        }
        Ended::Waiting => {
            return Err("the workflow asks a question, which a tool cannot".to_owned());
        }
    };
    Ok(Output {
        text,
        is_answer: sink.answered,
    })
}

/// The user of the chat listens.
struct ToolSink<'r> {
    run: ToolRun<'r>,
    /// The end of the workflow is a text for the user, and not values for the model.
    answers: bool,
    /// That text was told.
    answered: bool,
}

impl Sink for ToolSink<'_> {
    async fn message(&mut self, message: &Message, _: &str) {
        if message.is_interrupt || (message.is_end && !self.answers) {
            return;
        }
        self.answered |= message.is_end;
        let text = ToolText {
            call: self.run.call,
            node: message.path.clone(),
            piece: message.content.clone(),
            finished: message.finished,
        };
        // A chat that has ended takes nothing more, and cancels the run.
        let _ = self.run.said.send(text).await;
    }

    async fn interrupted(&mut self, _: &Interrupt, _: InterruptData, _: &str) {}
    async fn finished(&mut self, _: &Outcome, _: &str) {}
}
