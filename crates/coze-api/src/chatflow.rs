//! Talking to a chatflow.

use coze_types::Id;
use coze_types::messages::EnterMessage;
use coze_types::workflows::{ChatWorkflow, ChatWorkflowBody};
use serde_json::{Map, Value};

use crate::chat::extend;
use crate::chat_stream::ChatStream;
use crate::client::Coze;
use crate::error::Result;
use crate::recover::{Plan, Recover};
use crate::reply::Reply;

/// A turn with a chatflow, while it is put together; see
/// [`WorkflowRequest::chat`](crate::WorkflowRequest::chat). Messages are plain text.
///
/// A chatflow that asks a question ends its stream; answer by talking to it again in the same
/// conversation.
#[derive(Debug, Clone)]
#[must_use = "nothing is sent until `stream` or `reply` is called"]
pub struct ChatflowRequest {
    coze: Coze,
    row: ChatWorkflow,
    recover: Recover,
}

impl ChatflowRequest {
    pub(crate) fn new(coze: Coze, row: ChatWorkflow) -> Self {
        let recover = coze.inner.recover;
        Self { coze, row, recover }
    }

    /// Adds a question of the user.
    pub fn message(mut self, text: impl Into<String>) -> Self {
        let messages = &mut self.row.body.additional_messages;
        messages.push(EnterMessage::user(text));
        self
    }

    /// Adds messages, such as an earlier exchange; at most 50 in all.
    pub fn messages(mut self, messages: impl IntoIterator<Item = EnterMessage>) -> Self {
        self.row.body.additional_messages.extend(messages);
        self
    }

    /// The user for whom the chatflow keeps memory and variables: `user_id` of `ext`.
    pub fn user(self, user: impl Into<String>) -> Self {
        self.ext("user_id", user)
    }

    /// `latitude`, `longitude` or `user_id`.
    pub fn ext(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        extend(&mut self.row.body.ext, [(key, value)]);
        self
    }

    /// The agent whose data it may use; this or [`app`](Self::app).
    pub fn bot(mut self, bot: impl Into<Id>) -> Self {
        self.row.body.bot_id = Some(bot.into());
        self
    }

    /// The app it belongs to; this or [`bot`](Self::bot).
    pub fn app(mut self, app: impl Into<Id>) -> Self {
        self.row.body.app_id = Some(app.into());
        self
    }

    /// The conversation to go on with; a new one is made without it.
    pub fn conversation(mut self, conversation: impl Into<Id>) -> Self {
        self.row.body.conversation_id = Some(conversation.into());
        self
    }

    /// A further input.
    pub fn parameter(mut self, key: impl Into<String>, value: impl Into<Value>) -> Self {
        let parameters = self.row.body.parameters.get_or_insert_default();
        parameters.0.insert(key.into(), value.into());
        self
    }

    /// Several further inputs.
    pub fn parameters(mut self, parameters: Map<String, Value>) -> Self {
        let all = self.row.body.parameters.get_or_insert_default();
        all.0.extend(parameters);
        self
    }

    /// What to do when the stream breaks; by default what the client is
    /// [set up](crate::CozeBuilder::recover) for.
    pub fn recover(mut self, recover: Recover) -> Self {
        self.recover = recover;
        self
    }

    /// The body, for what has no method of its own.
    pub fn body_mut(&mut self) -> &mut ChatWorkflowBody {
        &mut self.row.body
    }

    /// Talks to the chatflow and streams what it says.
    ///
    /// # Errors
    /// Those of [`Coze::stream`].
    pub async fn stream(self) -> Result<ChatStream> {
        let events = self.coze.stream(self.row).await?;
        let plan = Plan::new(self.recover);
        Ok(ChatStream::new(self.coze, events, plan))
    }

    /// Talks to the chatflow and waits for all of its answer.
    ///
    /// # Errors
    /// As [`ChatStream::collect`].
    pub async fn reply(self) -> Result<Reply> {
        self.stream().await?.collect().await
    }
}
