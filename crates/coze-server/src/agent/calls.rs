//! The tools that a model calls: told, carried out, and told what came of them.

use std::collections::HashMap;

use coze_types::chat::{
    ChatStatus, PendingToolOutputs, RequiredAction, RequiredActionType, ToolCall, ToolCallType,
    ToolFunction,
};
use coze_types::chat_event::ChatEvent;
use coze_types::messages::{FunctionCallContent, Message, MessageType};
use coze_workflow::NodePath;
use futures_util::future::join_all;
use serde_json::Value;
use tokio::sync::mpsc;

use super::{End, Round, Run, knowledge, tool_response};
use crate::models::{ModelCall, ModelError};
use crate::output;
use crate::shortcuts;
use crate::store::{Turn, TurnCall};
use crate::tools::{Output, Tool};
use crate::workflows::{Actor, ToolRun, ToolText};

/// Pieces of text that may wait to be told before a workflow waits too.
const QUEUE: usize = 16;

/// The messages of workflows that are not whole yet.
type Open = HashMap<(usize, NodePath), Message>;

/// What the calls of a round gave, and the messages that belong to each.
type Outputs = Vec<(Option<Output>, Vec<Message>)>;

impl Run {
    /// Carries out what the server can, all at once; pauses when something is left to the caller.
    /// Gives the answer if a tool has told the user one.
    pub(super) async fn call_tools(&mut self, round: Round) -> Result<Option<String>, End> {
        let mut messages = Vec::new();
        if !round.answer.is_empty() {
            messages.push(self.answer(&round));
        }
        messages.extend(round.calls.iter().map(|call| self.function_call(call)));
        // Whoever listens hears of the calls before they have taken their time.
        self.store(messages.clone()).await?;
        self.say(&messages).await;
        let mut outputs = Vec::new();
        let mut responses = Vec::new();
        let mut answer = None;
        for (output, found) in self.outputs(&round.calls).await? {
            responses.extend(found);
            if let Some(output) = &output {
                let message = self.message(MessageType::ToolResponse, String::new());
                responses.push(tool_response(message, &output.text));
                if output.is_answer {
                    answer = Some(output.text.clone());
                }
            }
            outputs.push(output.map(|it| it.text));
        }
        let calls = round.calls.into_iter().zip(outputs);
        let calls = calls.map(|(call, output)| TurnCall {
            // Kept when the model gave one: it expects the output under the same id.
            id: match call.id.is_empty() {
                true => format!("call_{}", self.app.ids.next()),
                false => call.id,
            },
            name: call.name,
            arguments: call.arguments,
            output,
        });
        let turn = Turn {
            text: round.answer,
            calls: calls.collect(),
        };
        let pending = pending(&turn);
        self.record.turns.push(turn);
        if pending.is_empty() {
            self.store(responses.clone()).await?;
            self.say(&responses).await;
            return Ok(answer);
        }
        let chat = &mut self.record.chat;
        chat.status = ChatStatus::RequiresAction;
        chat.usage = Some(self.usage);
        chat.required_action = Some(RequiredAction {
            kind: RequiredActionType::SubmitToolOutputs,
            submit_tool_outputs: Some(PendingToolOutputs {
                tool_calls: pending,
            }),
        });
        self.store(responses.clone()).await?;
        self.say(&responses).await;
        let chat = Box::new(self.record.wire());
        self.output.send(&ChatEvent::RequiresAction(chat)).await;
        Err(End::Paused)
    }

    /// What the calls give, in their order, and what was found in the knowledge for them; nothing
    /// for those that are left to the caller. What workflows say is told while they run.
    async fn outputs(&mut self, calls: &[ModelCall]) -> Result<Outputs, End> {
        let mut stream = std::mem::replace(&mut self.output, output::Output::none());
        let outputs = self.carry_out(calls, &mut stream).await;
        self.output = stream;
        if self.running.token.is_cancelled() {
            return Err(End::Canceled);
        }
        outputs
    }

    async fn carry_out(
        &self,
        calls: &[ModelCall],
        stream: &mut output::Output,
    ) -> Result<Outputs, End> {
        let (sender, mut said) = mpsc::channel(QUEUE);
        let work = join_all(calls.iter().enumerate().map(async |(at, call)| {
            let mut found = Vec::new();
            let output = self.call_one(at, call, &sender, &mut found).await;
            (output, found)
        }));
        tokio::pin!(work);
        let mut open = Open::new();
        let mut failed = None;
        let outputs = loop {
            let text = tokio::select! {
                biased;
                Some(text) = said.recv() => text,
                outputs = &mut work => break outputs,
            };
            // A workflow writes down how it ends, so it is let come to its end.
            if failed.is_none() {
                failed = self.tell(text, &mut open, stream).await.err();
            }
        };
        while let Ok(text) = said.try_recv() {
            if failed.is_none() {
                failed = self.tell(text, &mut open, stream).await.err();
            }
        }
        if let Some(end) = failed {
            return Err(end);
        }
        // Those of workflows that failed: what was told of them stays.
        for (_, message) in open {
            self.finish(message, stream).await?;
        }
        Ok(outputs)
    }

    async fn call_one(
        &self,
        at: usize,
        call: &ModelCall,
        said: &mpsc::Sender<ToolText>,
        found: &mut Vec<Message>,
    ) -> Option<Output> {
        let (name, arguments) = (&call.name, &call.arguments);
        if self.tools.find(name).is_some_and(Tool::is_local) {
            return None;
        }
        if knowledge::is_tool(&self.agent, name) {
            return Some(Output {
                text: self.look_up(arguments, found).await,
                is_answer: false,
            });
        }
        let actor = Actor::of_chat(&self.record);
        let run = ToolRun {
            actor: &actor,
            cancel: &self.running.token,
            call: at,
            said: Some(said),
        };
        Some(self.tools.call(&self.app, name, arguments, run).await)
    }

    /// Tells a piece of what a workflow says: each node's message is an answer.
    async fn tell(
        &self,
        text: ToolText,
        open: &mut Open,
        stream: &mut output::Output,
    ) -> Result<(), End> {
        let key = (text.call, text.node);
        let known = open.remove(&key);
        let mut answer = known.unwrap_or_else(|| self.message(MessageType::Answer, String::new()));
        if !text.piece.is_empty() {
            // Without the text so far, which would be copied with each piece.
            let so_far = std::mem::take(&mut answer.content);
            let mut delta = answer.clone();
            (delta.created_at, delta.updated_at) = (None, None);
            answer.content = so_far + &text.piece;
            delta.content = text.piece;
            stream.delta(&delta).await;
        }
        match text.finished {
            true => self.finish(answer, stream).await,
            false => {
                open.insert(key, answer);
                Ok(())
            }
        }
    }

    async fn finish(&self, answer: Message, stream: &mut output::Output) -> Result<(), End> {
        self.store(vec![answer.clone()]).await?;
        let event = ChatEvent::MessageCompleted(Box::new(answer));
        stream.send(&event).await;
        Ok(())
    }

    /// The call that a shortcut makes before the model is asked.
    pub(super) fn shortcut_call(&self) -> Result<Option<ModelCall>, End> {
        // A chat that goes on after a pause has made it.
        let (Some(used), true) = (
            &self.record.request.shortcut_command,
            self.record.turns.is_empty(),
        ) else {
            return Ok(None);
        };
        let shortcut = shortcuts::find(&self.agent, used)?;
        let Some(tool) = &shortcut.tool else {
            return Ok(None);
        };
        let name = self.tools.shortcut(tool).and_then(|it| self.tools.find(it));
        let Some(tool) = name else {
            let msg = format!("the tool of the shortcut {} is gone", shortcut.name);
            return Err(End::Failed(ModelError { code: 5000, msg }));
        };
        let filled = shortcuts::fill(shortcut, used)?;
        let arguments = filled.arguments(&tool.spec.parameters);
        Ok(Some(ModelCall {
            name: tool.spec.name.clone(),
            arguments: Value::Object(arguments).to_string(),
            ..ModelCall::default()
        }))
    }

    fn function_call(&self, call: &ModelCall) -> Message {
        let tool = self.tools.find(&call.name);
        let numbers = tool.and_then(Tool::numbers);
        // What belongs to no plugin is the agent's own.
        let own = self.agent.config.id.parse().ok();
        let content = FunctionCallContent {
            name: call.name.clone(),
            arguments: serde_json::from_str(&call.arguments)
                .unwrap_or_else(|_| call.arguments.as_str().into()),
            plugin_id: numbers.map(|(plugin, _)| plugin).or(own),
            api_id: numbers.map(|(_, tool)| tool).or(own),
            plugin_type: Some(1),
            thought: None,
        };
        self.message(
            MessageType::FunctionCall,
            serde_json::to_string(&content).unwrap_or_default(),
        )
    }
}

fn pending(turn: &Turn) -> Vec<ToolCall> {
    let waiting = turn.calls.iter().filter(|call| call.output.is_none());
    waiting
        .map(|call| ToolCall {
            id: call.id.clone(),
            kind: ToolCallType::Function,
            function: Some(ToolFunction {
                name: call.name.clone(),
                arguments: call.arguments.clone(),
            }),
            require_info: None,
        })
        .collect()
}
