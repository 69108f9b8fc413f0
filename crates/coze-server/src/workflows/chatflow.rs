//! A run told as a chat: what nodes say become answers.

use std::collections::HashMap;

use coze_types::Timestamp;
use coze_types::chat::{Chat, ChatError, ChatStatus, PendingToolOutputs, RequiredAction};
use coze_types::chat_event::{ChatEvent, ChatFailure, DoneData};
use coze_types::messages::{ContentType, Message as ChatMessage, MessageType, Role};
use coze_types::workflows::InterruptData;
use coze_workflow::{Interrupt, Message, NodePath, Outcome, Prompt};

use super::sink::Sink;
use super::{api_code, usage_of};
use serde_json::json;

use crate::app::App;
use crate::fail::Fail;
use crate::output::Output;
use crate::settle::settle;
use crate::store::{ChatRecord, Unit};

/// A caller listens, to the events of a chat; answers are kept in the conversation.
pub(crate) struct ChatSink {
    app: App,
    record: ChatRecord,
    output: Output,
    /// The answer under way of each node.
    open: HashMap<NodePath, ChatMessage>,
}

impl ChatSink {
    pub(crate) fn new(app: &App, record: ChatRecord, output: Output) -> Self {
        Self {
            app: app.clone(),
            record,
            output,
            open: HashMap::new(),
        }
    }

    /// A chatflow's chat names no agent.
    pub(crate) fn wire(record: &ChatRecord) -> Chat {
        Chat {
            bot_id: None,
            ..record.wire()
        }
    }

    fn blank(&self, kind: MessageType) -> ChatMessage {
        let now = Timestamp(self.app.now());
        ChatMessage {
            id: self.app.ids.next_id(),
            conversation_id: Some(self.record.chat.conversation_id.clone()),
            role: Role::Assistant,
            kind,
            content_type: ContentType::Text,
            chat_id: Some(self.record.chat.id.clone()),
            section_id: self.record.chat.section_id.clone(),
            created_at: Some(now),
            updated_at: Some(now),
            ..ChatMessage::default()
        }
    }

    /// Keeps a message, then tells it.
    async fn complete(&mut self, message: ChatMessage) -> Result<(), Fail> {
        let kept = message.clone();
        self.app
            .db
            .write(move |unit| Ok::<_, Fail>(unit.insert_message(&kept, true)?))
            .await?;
        self.output
            .send(&ChatEvent::MessageCompleted(Box::new(message)))
            .await;
        Ok(())
    }

    async fn verbose(&mut self, msg_type: &str, data: String) -> Result<(), Fail> {
        let mut message = self.blank(MessageType::Verbose);
        message.content = crate::agent::verbose_content(msg_type, &data);
        self.complete(message).await
    }

    /// The chat as it is in that state.
    fn turned(&self, status: ChatStatus) -> ChatRecord {
        let now = Timestamp(self.app.now());
        let mut record = self.record.clone();
        let chat = &mut record.chat;
        match status {
            ChatStatus::Failed => chat.failed_at = Some(now),
            ChatStatus::RequiresAction => {}
            _ => chat.completed_at = Some(now),
        }
        chat.status = status;
        record
    }

    /// Turns the chat to that state, or finds that it was cancelled.
    async fn store(&mut self, status: ChatStatus) -> Result<(), Fail> {
        let record = self.turned(status);
        let kept = record.clone();
        let at_work = self
            .app
            .db
            .write(move |unit| crate::agent::keep(unit, &kept, &[]))
            .await?;
        self.record = record;
        if !at_work {
            self.record.chat.status = ChatStatus::Canceled;
        }
        Ok(())
    }

    async fn done(&mut self, debug_url: &str) {
        let done = DoneData {
            debug_url: Some(debug_url.to_owned()),
        };
        self.output.send(&ChatEvent::Done(done)).await;
    }

    /// The run could not go on.
    pub(crate) async fn failed(&mut self, code: i64, msg: String, debug_url: &str) {
        self.record.chat.last_error = Some(ChatError { code, msg });
        if self.store(ChatStatus::Failed).await.is_err() {
            self.record = self.turned(ChatStatus::Failed);
            let (app, record) = (self.app.clone(), self.record.clone());
            // Until then the conversation is occupied.
            self.app.tasks.spawn(async move {
                let keep = move |unit: &dyn Unit| {
                    crate::agent::keep(unit, &record, &[])?;
                    Ok(())
                };
                settle(&app, keep).await;
            });
        }
        let chat = Self::wire(&self.record);
        self.output
            .send(&ChatEvent::Failed(Box::new(ChatFailure::Chat(chat))))
            .await;
        self.done(debug_url).await;
    }
}

impl Sink for ChatSink {
    async fn message(&mut self, message: &Message, _: &str) -> Result<(), Fail> {
        // The question itself follows as an interrupt, in words.
        if message.is_interrupt {
            return Ok(());
        }
        let mut answer = match self.open.remove(&message.path) {
            Some(answer) => answer,
            None => self.blank(MessageType::Answer),
        };
        answer.content.push_str(&message.content);
        if !message.content.is_empty() {
            let delta = ChatMessage {
                content: message.content.clone(),
                ..answer.clone()
            };
            self.output.delta(&delta).await;
        }
        if message.finished {
            return self.complete(answer).await;
        }
        self.open.insert(message.path.clone(), answer);
        Ok(())
    }

    async fn interrupted(
        &mut self,
        interrupt: &Interrupt,
        data: InterruptData,
        debug_url: &str,
    ) -> Result<(), Fail> {
        let text = question_text(interrupt);
        let mut answer = self.blank(MessageType::Answer);
        answer.content.clone_from(&text);
        self.output.delta(&answer).await;
        self.complete(answer).await?;
        let data = serde_json::to_string(&data).unwrap_or_default();
        self.verbose("interrupt", data).await?;
        self.record.chat.required_action = Some(RequiredAction {
            submit_tool_outputs: Some(PendingToolOutputs::default()),
            ..RequiredAction::default()
        });
        self.store(ChatStatus::RequiresAction).await?;
        let chat = Box::new(Self::wire(&self.record));
        self.output.send(&ChatEvent::RequiresAction(chat)).await;
        self.done(debug_url).await;
        Ok(())
    }

    async fn finished(&mut self, outcome: &Outcome, debug_url: &str) -> Result<(), Fail> {
        self.record.chat.usage = Some(usage_of(outcome));
        match outcome {
            Outcome::Success { .. } => {
                let data = r#"{"finish_reason":0,"FinData":""}"#.to_owned();
                self.verbose("generate_answer_finish", data).await?;
                self.store(ChatStatus::Completed).await?;
                let chat = Box::new(Self::wire(&self.record));
                let event = match chat.status {
                    // The cancellation came first.
                    ChatStatus::Canceled => ChatEvent::Canceled(chat),
                    _ => ChatEvent::Completed(chat),
                };
                self.output.send(&event).await;
                self.done(debug_url).await;
            }
            Outcome::Failed(failure) => {
                self.failed(api_code(failure.code), failure.to_string(), debug_url)
                    .await;
            }
            Outcome::Cancelled { .. } if self.app.stop.is_cancelled() => {
                let why = Fail::interrupted();
                self.failed(why.code, why.msg.into_owned(), debug_url).await;
            }
            Outcome::Cancelled { .. } => {
                // The row says so already: whoever cancelled wrote it.
                self.record.chat.status = ChatStatus::Canceled;
                self.record.chat.completed_at = Some(Timestamp(self.app.now()));
                let chat = Box::new(Self::wire(&self.record));
                self.output.send(&ChatEvent::Canceled(chat)).await;
                self.done(debug_url).await;
            }
        }
        Ok(())
    }
}

/// A question in words: options, and the names of asked fields, one a line.
pub(super) fn question_text(interrupt: &Interrupt) -> String {
    match &interrupt.prompt {
        Prompt::Question { text, options } if options.is_empty() => text.clone(),
        Prompt::Question { text, options } => format!("{text}\n{}", options.join("\n")),
        Prompt::Form { fields, .. } => {
            let names = fields.iter().map(|field| format!("{}:", field.name));
            names.collect::<Vec<_>>().join("\n")
        }
        // A kind of question that this version does not know: as the engine words it.
        _ => interrupt.data(),
    }
}

/// A question as `interrupt_data.data` carries it (reference, section 6.1).
pub(super) fn question_data(interrupt: &Interrupt) -> String {
    match &interrupt.prompt {
        Prompt::Question { .. } => {
            json!({"content_type": "text", "content": question_text(interrupt)}).to_string()
        }
        _ => interrupt.data(),
    }
}

/// The answer to a question, from a message of the user: an input node takes `name:value` lines.
pub(crate) fn answer_data(kind: i64, text: &str) -> String {
    if kind != 5 || serde_json::from_str::<serde_json::Map<_, _>>(text).is_ok() {
        return text.to_owned();
    }
    let lines = text.lines().filter_map(|line| line.split_once([':', '：']));
    let fields = lines.map(|(name, value)| (name.trim().to_owned(), value.trim().into()));
    serde_json::Value::Object(fields.collect()).to_string()
}
