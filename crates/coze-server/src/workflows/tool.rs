//! A workflow as a tool of an agent, or of a model node of another workflow: what its nodes say goes to
//! the user of the chat while it runs, what comes out goes to the model.

use coze_types::workflows::InterruptData;
use coze_workflow::{Interrupt, Message, NodePath, Outcome, TerminatePlan};
use serde_json::{Map, Value};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::{Driver, Ended, Mode, Sink, Start};
use crate::app::App;
use crate::configured::Workflow;
use crate::fail::Fail;
use crate::store::ChatRecord;
use crate::tools::Output;

/// Workflows that may call each other as tools: one that calls itself would not end.
const DEEPEST: u8 = 5;

/// For whom tools are called.
#[derive(Debug, Clone, Default)]
pub(crate) struct Actor {
    pub(crate) bot_id: String,
    pub(crate) user_id: String,
    /// Runs of workflows that called each other as tools to get here.
    pub(crate) depth: u8,
}

impl Actor {
    pub(crate) fn of_chat(chat: &ChatRecord) -> Self {
        Self {
            bot_id: chat.chat.bot_id.as_deref().unwrap_or("0").to_owned(),
            user_id: chat.user_id.clone(),
            depth: 0,
        }
    }
}

/// The chat, or the node, that calls a tool.
#[derive(Clone, Copy)]
pub(crate) struct ToolRun<'r> {
    pub(crate) actor: &'r Actor,
    pub(crate) cancel: &'r CancellationToken,
    /// Where the call stands among those of its round.
    pub(crate) call: usize,
    /// Takes what the user of a chat is to read.
    pub(crate) said: Option<&'r mpsc::Sender<ToolText>>,
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
    let actor = run.actor;
    if actor.depth >= DEEPEST {
        return Err(format!(
            "{DEEPEST} workflows called each other as tools, which is as deep as it goes"
        ));
    }
    let parameters: Map<String, Value> = serde_json::from_str(arguments)
        .map_err(|error| format!("the arguments are no JSON object: {error}"))?;
    let start = Start {
        parameters,
        mode: match run.said {
            Some(_) => Mode::Stream,
            None => Mode::Sync,
        },
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
    let token = driver.token();
    let mut sink = ToolSink {
        call: run.call,
        said: run.said.cloned(),
        answers: workflow.plan.terminate_plan() == TerminatePlan::UseAnswerContent,
        answered: false,
    };
    // It writes down how it ended, also when nobody waits for it any more.
    let _ends_with_its_caller = token.clone().drop_guard();
    let mut work = app.tasks.spawn(async move {
        let ended = driver.drive(&mut sink).await;
        (ended, sink.answered)
    });
    let ended = tokio::select! {
        biased;
        ended = &mut work => ended,
        () = run.cancel.cancelled() => {
            token.cancel();
            work.await
        }
    };
    let (ended, is_answer) = ended.map_err(|error| {
        tracing::error!(%error, "a run broke off");
        "the workflow broke off".to_owned()
    })?;
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
    Ok(Output { text, is_answer })
}

/// The user of the chat listens, if there is one.
struct ToolSink {
    call: usize,
    said: Option<mpsc::Sender<ToolText>>,
    /// The end of the workflow is a text for the user, and not values for the model.
    answers: bool,
    /// That text was told.
    answered: bool,
}

impl Sink for ToolSink {
    async fn message(&mut self, message: &Message, _: &str) -> Result<(), Fail> {
        if message.is_interrupt || (message.is_end && !self.answers) {
            return Ok(());
        }
        self.answered |= message.is_end;
        let Some(said) = &self.said else {
            return Ok(());
        };
        let text = ToolText {
            call: self.call,
            node: message.path.clone(),
            piece: message.content.clone(),
            finished: message.finished,
        };
        // A chat that has ended takes nothing more, and cancels the run.
        let _ = said.send(text).await;
        Ok(())
    }

    async fn interrupted(&mut self, _: &Interrupt, _: InterruptData, _: &str) -> Result<(), Fail> {
        Ok(())
    }

    async fn finished(&mut self, _: &Outcome, _: &str) -> Result<(), Fail> {
        Ok(())
    }
}
