//! Talking to a chatflow.

use coze_types::Id;
use coze_types::messages::EnterMessage;
use coze_types::workflows::{ChatWorkflow, ChatWorkflowBody};

use crate::chat_stream::ChatStream;
use crate::client::Coze;
use crate::error::Result;
use crate::guard::Occupied;
use crate::recover::{Plan, Recover};
use crate::reply::Reply;
use crate::setters::{over_client, workflow_setters};
use crate::telemetry::TurnTrace;

/// A turn with a chatflow, while it is put together; see
/// [`WorkflowRequest::chat`](crate::WorkflowRequest::chat). Messages are plain text.
///
/// A chatflow that asks a question ends its stream; answer by talking to it again in the same
/// conversation.
#[derive(Debug, Clone)]
#[must_use = "nothing is sent until `stream` or `reply` is called"]
pub struct ChatflowRequest<C = Coze> {
    coze: C,
    row: ChatWorkflow,
    occupied: Option<Occupied>,
    /// That of the client, unless it is said otherwise.
    recover: Option<Recover>,
}

over_client!(ChatflowRequest {
    row,
    occupied,
    recover
});

impl<C> ChatflowRequest<C> {
    pub(crate) fn new(coze: C, row: ChatWorkflow) -> Self {
        Self {
            coze,
            row,
            occupied: None,
            recover: None,
        }
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

    /// The conversation to go on with; a new one is made without it.
    pub fn conversation(mut self, conversation: impl Into<Id>) -> Self {
        self.row.body.conversation_id = Some(conversation.into());
        self
    }

    workflow_setters!(row.body);

    /// What to do when another chat runs in the conversation; that of the client
    /// ([`CozeBuilder::if_occupied`](crate::CozeBuilder::if_occupied)) by default.
    pub fn if_occupied(mut self, occupied: Occupied) -> Self {
        self.occupied = Some(occupied);
        self
    }

    /// What to do when the stream breaks; by default what the client is
    /// [set up](crate::CozeBuilder::recover) for.
    pub fn recover(mut self, recover: Recover) -> Self {
        self.recover = Some(recover);
        self
    }

    /// The body, for what has no method of its own.
    pub fn body_mut(&mut self) -> &mut ChatWorkflowBody {
        &mut self.row.body
    }
}

impl ChatflowRequest {
    /// Talks to the chatflow and streams what it says.
    ///
    /// ```no_run
    /// # async fn run(coze: coze_api::Coze) -> coze_api::Result<()> {
    /// let flow = coze.workflow("74…").parameter("name", "小明").chat();
    /// let mut answer = flow.user("me").message("你好").stream().await?;
    /// while let Some(text) = answer.next_text().await {
    ///     print!("{}", text?);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Those of [`Coze::stream`].
    pub async fn stream(self) -> Result<ChatStream> {
        let plan = Plan::new(self.recover.unwrap_or(self.coze.inner.recover));
        let conversation = self.row.body.conversation_id.clone();
        let body = &self.row.body;
        let asked = Some(body.additional_messages.as_slice());
        let trace = TurnTrace::begin(&self.coze, body.bot_id.as_ref(), asked);
        let begun = self.coze.stream_turn(self.row, conversation, self.occupied);
        let (turn, events) = trace.around(begun).await?;
        Ok(ChatStream::new(turn, events, plan, trace))
    }

    /// Talks to the chatflow and waits for all of its answer.
    ///
    /// # Errors
    /// As [`ChatStream::collect`].
    pub async fn reply(self) -> Result<Reply> {
        self.stream().await?.collect().await
    }
}
