//! A chat at work: asks the model, carries out tools, says what happens, writes down what came.

mod calls;
mod context;
mod knowledge;
mod suggest;

use std::sync::Arc;

use coze_types::chat::{Chat, ChatError, ChatStatus, Usage};
use coze_types::chat_event::{ChatEvent, ChatFailure, DoneData};
use coze_types::messages::{ContentType, Message, MessageType, Role, ToolResponseContent};
use coze_types::{Id, Timestamp};
use futures_util::StreamExt;
use serde_json::json;

use crate::app::{App, Running};
use crate::configured::Agent;
use crate::fail::Fail;
use crate::knowledge::Passage;
use crate::models::{ModelCall, ModelError, ModelEvent};
use crate::output::Output;
use crate::settle::settle;
use crate::store::{BillRecord, ChatRecord, Unit};
use crate::tools::Toolbox;

pub(crate) use context::text_of;

/// Rounds of tool calls that one chat, or one node of a workflow, may take.
pub(crate) const MAX_ROUNDS: usize = 16;

/// Runs a chat to its end, beside the request that started it. The caller may be gone by then.
///
/// `running` was registered before the chat could be seen, so that no cancellation is missed.
pub(crate) fn spawn(
    app: &App,
    agent: Arc<Agent>,
    record: ChatRecord,
    output: Output,
    running: Running,
) {
    // A chat that goes on after a pause has used tokens before.
    let usage = record.chat.usage.unwrap_or_default();
    let run = Run {
        app: app.clone(),
        agent,
        record,
        output,
        usage,
        running,
        tools: Toolbox::default(),
        passages: Vec::new(),
        unsettled: false,
    };
    app.tasks.spawn(run.run());
}

struct Run {
    app: App,
    agent: Arc<Agent>,
    record: ChatRecord,
    output: Output,
    usage: Usage,
    running: Running,
    tools: Toolbox,
    /// What was looked up for the question.
    passages: Vec<Passage>,
    /// How it ended is not written down, because the disk took nothing.
    unsettled: bool,
}

/// Why a chat ends before its answer.
enum End {
    /// It waits for the outputs of local tools.
    Paused,
    /// The caller cancelled it, or the server stops.
    Canceled,
    Failed(ModelError),
}

impl From<Fail> for End {
    fn from(fail: Fail) -> Self {
        Self::Failed(fail.into())
    }
}

/// What one round brought.
#[derive(Default)]
struct Round {
    answer: String,
    reasoning: String,
    calls: Vec<ModelCall>,
    follow_ups: Vec<String>,
    message_id: Id,
    /// The answer was told already, by a tool.
    answered: bool,
}

impl Run {
    async fn run(mut self) {
        let ended = match self.rounds().await {
            Ok(round) => self.complete(round).await,
            Err(end) => Err(end),
        };
        match ended {
            Ok(()) | Err(End::Paused) => {}
            Err(End::Canceled) => self.canceled().await,
            Err(End::Failed(error)) => self.fail(error).await,
        }
        self.output
            .send(&ChatEvent::Done(DoneData::default()))
            .await;
        if self.unsettled {
            self.output = Output::none();
            // Until then the conversation is occupied.
            let settled = settle(&self.app, self.writing(Vec::new())).await;
            if settled.is_some_and(|(_, told)| told) {
                self.app.callbacks.notify_one();
            }
        }
    }

    /// Asks the model until it answers without calling a tool.
    async fn rounds(&mut self) -> Result<Round, End> {
        let token = self.running.token.clone();
        let configured = self.app.configured();
        let tools = token.run_until_cancelled(Toolbox::of(&self.agent, &configured));
        let tools = tools.await.ok_or(End::Canceled)?;
        self.tools = tools.map_err(End::Failed)?;
        self.recall().await?;
        let mut first = self.shortcut_call()?;
        for _ in 0..MAX_ROUNDS {
            let round = match first.take() {
                Some(call) => Round {
                    calls: vec![call],
                    ..Round::default()
                },
                None => self.round().await?,
            };
            if round.calls.is_empty() {
                return Ok(round);
            }
            if let Some(answer) = self.call_tools(round).await? {
                return Ok(Round {
                    answer,
                    answered: true,
                    ..Round::default()
                });
            }
        }
        let msg = format!("the model called tools {MAX_ROUNDS} times without answering");
        Err(End::Failed(ModelError { code: 5000, msg }))
    }

    async fn round(&mut self) -> Result<Round, End> {
        let mut tools = self.tools.specs();
        tools.extend(knowledge::tool(&self.agent));
        let (agent, record) = (&self.agent, &self.record);
        let request = context::request(&self.app, agent, record, &self.passages, tools).await?;
        let mut events = self.agent.model.respond(request);
        let mut round = Round {
            message_id: self.app.ids.next_id(),
            ..Round::default()
        };
        // Everything but the new piece is the same in all deltas.
        let mut delta = self.message(MessageType::Answer, String::new());
        delta.id = round.message_id.clone();
        (delta.created_at, delta.updated_at) = (None, None);
        loop {
            // A model that always has the next piece at hand must not keep the thread for itself.
            tokio::task::consume_budget().await;
            let event = tokio::select! {
                biased;
                () = self.running.token.cancelled() => return Err(End::Canceled),
                event = events.next() => event,
            };
            match event {
                None => return Ok(round),
                Some(Err(error)) => return Err(End::Failed(error)),
                Some(Ok(ModelEvent::Text(piece))) => {
                    round.answer.push_str(&piece);
                    delta.reasoning_content = None;
                    delta.content = piece;
                    self.output.delta(&delta).await;
                }
                Some(Ok(ModelEvent::Reasoning(piece))) => {
                    round.reasoning.push_str(&piece);
                    delta.content.clear();
                    delta.reasoning_content = Some(piece);
                    self.output.delta(&delta).await;
                }
                Some(Ok(ModelEvent::Call(call))) => round.calls.push(call),
                Some(Ok(ModelEvent::FollowUps(texts))) => round.follow_ups.extend(texts),
                Some(Ok(ModelEvent::Usage { input, output })) => self.count(input, output),
            }
        }
    }

    fn count(&mut self, input: i64, output: i64) {
        self.app.metrics.tokens(input, output);
        self.usage.input_count += input;
        self.usage.output_count += output;
        self.usage.token_count = self.usage.input_count + self.usage.output_count;
    }

    async fn complete(&mut self, mut round: Round) -> Result<(), End> {
        let mut messages = Vec::new();
        if !round.answered {
            messages.push(self.answer(&round));
        }
        messages.push(self.verbose("generate_answer_finish"));
        if self.is_to_suggest() {
            // Whoever waits for the answer does not wait for the suggestions.
            self.store(messages.clone()).await?;
            self.say(&messages).await;
            messages.clear();
            round.follow_ups = self.suggest(&round.answer).await?;
        } else if self.is_not_to_suggest() {
            round.follow_ups.clear();
        }
        let follow_ups = round
            .follow_ups
            .into_iter()
            .map(|text| self.message(MessageType::FollowUp, text));
        messages.extend(follow_ups);
        let chat = &mut self.record.chat;
        chat.status = ChatStatus::Completed;
        chat.completed_at = Some(Timestamp(self.app.now()));
        chat.usage = Some(self.usage);
        chat.required_action = None;
        self.store(messages.clone()).await?;
        self.say(&messages).await;
        let chat = Box::new(self.record.wire());
        self.output.send(&ChatEvent::Completed(chat)).await;
        Ok(())
    }

    async fn fail(&mut self, error: ModelError) {
        // Its text may quote what was said, so only debug logs show it.
        tracing::warn!(chat = self.record.id(), code = error.code, "a chat failed");
        tracing::debug!(chat = self.record.id(), error = error.msg);
        let chat = &mut self.record.chat;
        chat.status = ChatStatus::Failed;
        chat.failed_at = Some(Timestamp(self.app.now()));
        chat.last_error = Some(ChatError {
            code: error.code,
            msg: error.msg.clone(),
        });
        chat.usage = Some(self.usage);
        match self.store(Vec::new()).await {
            Err(End::Canceled) => self.canceled().await,
            // For now the stream is all that can be told.
            Err(End::Failed(error)) => {
                self.tell_failure(&error).await;
                self.unsettled = true;
            }
            Ok(()) | Err(End::Paused) => self.tell_failure(&error).await,
        }
    }

    async fn tell_failure(&mut self, error: &ModelError) {
        let mut chat = self.record.wire();
        chat.status = ChatStatus::Failed;
        chat.last_error = Some(ChatError {
            code: error.code,
            msg: error.msg.clone(),
        });
        self.output
            .send(&ChatEvent::Failed(Box::new(ChatFailure::Chat(chat))))
            .await;
    }

    /// The row already says so when the caller cancelled; when the server stops, nobody has said
    /// it, and the next start will tell that the chat was interrupted.
    async fn canceled(&mut self) {
        if self.app.stop.is_cancelled() {
            self.tell_failure(&Fail::interrupted().into()).await;
            return;
        }
        let mut chat = self.record.wire();
        chat.status = ChatStatus::Canceled;
        chat.completed_at = Some(Timestamp(self.app.now()));
        self.output.send(&ChatEvent::Canceled(Box::new(chat))).await;
    }

    async fn store(&self, messages: Vec<Message>) -> Result<(), End> {
        let (stored, told) = self.app.db.write(self.writing(messages)).await?;
        if told {
            self.app.callbacks.notify_one();
        }
        match stored {
            true => Ok(()),
            false => Err(End::Canceled),
        }
    }

    /// Writes messages, the chat's state and what it took: whether the chat was at work on disk, and
    /// whether somebody is to be told of the bill.
    fn writing(
        &self,
        messages: Vec<Message>,
    ) -> impl Fn(&dyn Unit) -> Result<(bool, bool), Fail> + Clone + Send + 'static + use<> {
        let (record, bill, worker) = (self.record.clone(), self.bill(), self.app.clone());
        let (space, now) = (self.agent.space, self.app.now());
        move |unit: &dyn Unit| {
            if !keep(unit, &record, &messages)? {
                return Ok((false, false));
            }
            let told = match bill.clone() {
                Some(bill) => crate::billing::record(unit, &worker.ids, now, space, bill)?,
                None => false,
            };
            Ok((true, told))
        }
    }

    /// What the chat took, once it is at its end.
    fn bill(&self) -> Option<BillRecord> {
        let chat = &self.record.chat;
        let ended = matches!(chat.status, ChatStatus::Completed | ChatStatus::Failed);
        let usage = self.usage;
        if !ended || usage.token_count == 0 {
            return None;
        }
        let connector = self.record.request.connector_id.as_deref();
        let connector = connector.filter(|id| !id.is_empty());
        let bot = chat.bot_id.as_deref().unwrap_or_default();
        Some(BillRecord {
            connector: connector.unwrap_or(crate::routes::bots::API).to_owned(),
            connector_uid: self.record.user_id.clone(),
            resource: self.agent.model.name().to_owned(),
            ..BillRecord::of_tokens(self.record.id(), bot, "", usage)
        })
    }

    async fn say(&mut self, messages: &[Message]) {
        for message in messages {
            self.output
                .send(&ChatEvent::MessageCompleted(Box::new(message.clone())))
                .await;
        }
    }

    fn message(&self, kind: MessageType, content: String) -> Message {
        let chat = &self.record.chat;
        let now = Timestamp(self.app.now());
        Message {
            id: self.app.ids.next_id(),
            conversation_id: Some(chat.conversation_id.clone()),
            bot_id: chat.bot_id.clone(),
            role: Role::Assistant,
            kind,
            content,
            content_type: ContentType::Text,
            chat_id: Some(chat.id.clone()),
            section_id: chat.section_id.clone(),
            created_at: Some(now),
            updated_at: Some(now),
            ..Message::default()
        }
    }

    fn answer(&self, round: &Round) -> Message {
        let mut message = self.message(MessageType::Answer, round.answer.clone());
        message.id = round.message_id.clone();
        message.reasoning_content = (!round.reasoning.is_empty()).then(|| round.reasoning.clone());
        message
    }

    fn verbose(&self, msg_type: &str) -> Message {
        let data = r#"{"finish_reason":0,"FinData":""}"#;
        self.message(MessageType::Verbose, verbose_content(msg_type, data))
    }
}

/// Writes messages and the chat's state in one step, but only while the chat is at work on disk;
/// otherwise it was cancelled, or deleted with its conversation, and the answer is false.
pub(crate) fn keep(
    unit: &dyn Unit,
    record: &ChatRecord,
    messages: &[Message],
) -> Result<bool, Fail> {
    let conversation = crate::store::number(&record.chat.conversation_id);
    let current = unit.chat(conversation, record.id())?;
    if current.is_none_or(|it| it.chat.status != ChatStatus::InProgress) {
        return Ok(false);
    }
    unit.update_chat(record)?;
    if record.save_history {
        for message in messages {
            unit.insert_message(message, true)?;
        }
    }
    Ok(true)
}

/// The content of a `verbose` message, with the two nulls that the service sends.
pub(crate) fn verbose_content(msg_type: &str, data: &str) -> String {
    json!({"msg_type": msg_type, "data": data, "from_module": null, "from_unit": null}).to_string()
}

pub(crate) fn tool_response(mut message: Message, output: &str) -> Message {
    let content = ToolResponseContent {
        content_type: Some(1),
        response_for_model: output.to_owned(),
        type_for_model: Some(2),
    };
    message.content = serde_json::to_string(&content).unwrap_or_default();
    message
}

/// The first two events of a stream.
pub(crate) async fn announce(output: &mut Output, chat: &Chat) {
    let mut created = chat.clone();
    created.status = ChatStatus::Created;
    output.send(&ChatEvent::Created(Box::new(created))).await;
    output
        .send(&ChatEvent::InProgress(Box::new(chat.clone())))
        .await;
}
