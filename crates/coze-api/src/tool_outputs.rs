//! Answering the tool calls of an agent.

use coze_types::Id;
use coze_types::chat::{Chat, SubmitToolOutputs, ToolOutput};

use crate::chat_stream::ChatStream;
use crate::client::Coze;
use crate::error::{Error, Result};
use crate::guard::Occupied;
use crate::poll::PollOptions;
use crate::recover::{Plan, Recover};
use crate::reply::Reply;
use crate::setters::over_client;
use crate::telemetry::TurnTrace;
use crate::turn::{self, Unstreamed};

/// Names a chat: made from a [`Reply`], a [`Chat`], or conversation and chat id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChatRef {
    /// The conversation.
    pub conversation_id: Id,
    /// The chat.
    pub chat_id: Id,
    /// The messages that it is known to have produced; empty when that is not known. A stream that
    /// goes on with the chat and breaks is recovered without them.
    pub messages: Vec<Id>,
}

impl From<&Reply> for ChatRef {
    fn from(reply: &Reply) -> Self {
        Self {
            messages: reply.messages().iter().map(|it| it.id.clone()).collect(),
            ..reply.chat().into()
        }
    }
}

impl From<&Chat> for ChatRef {
    fn from(chat: &Chat) -> Self {
        Self {
            conversation_id: chat.conversation_id.clone(),
            chat_id: chat.id.clone(),
            messages: Vec::new(),
        }
    }
}

impl<C: Into<Id>, T: Into<Id>> From<(C, T)> for ChatRef {
    fn from((conversation, chat): (C, T)) -> Self {
        Self {
            conversation_id: conversation.into(),
            chat_id: chat.into(),
            messages: Vec::new(),
        }
    }
}

impl Coze {
    /// Hands the outputs of local tools to a chat that waits for them.
    ///
    /// ```no_run
    /// # async fn run(coze: coze_api::Coze, reply: coze_api::Reply) -> coze_api::Result<()> {
    /// let mut answer = coze.submit_tool_outputs(&reply);
    /// for call in reply.tool_calls() {
    ///     answer = answer.output(&call.id, "18 °C");
    /// }
    /// println!("{}", answer.reply().await?.text());
    /// # Ok(())
    /// # }
    /// ```
    pub fn submit_tool_outputs(&self, chat: impl Into<ChatRef>) -> ToolOutputsRequest {
        let chat = chat.into();
        let mut row = SubmitToolOutputs::default();
        row.query.conversation_id = chat.conversation_id;
        row.query.chat_id = chat.chat_id;
        ToolOutputsRequest {
            coze: self.clone(),
            row,
            known: chat.messages,
            poll: PollOptions::default(),
            occupied: None,
            recover: self.inner.recover,
        }
    }
}

/// Outputs of tools, while they are put together; see [`Coze::submit_tool_outputs`]. All pending
/// calls are answered at once.
#[derive(Debug, Clone)]
#[must_use = "nothing is sent until `stream`, `reply`, `poll` or `start` is called"]
pub struct ToolOutputsRequest<C = Coze> {
    coze: C,
    row: SubmitToolOutputs,
    known: Vec<Id>,
    poll: PollOptions,
    occupied: Option<Occupied>,
    recover: Recover,
}

over_client!(ToolOutputsRequest {
    row,
    known,
    poll,
    occupied,
    recover
});

impl<C> ToolOutputsRequest<C> {
    /// The output of a call: text; a file is `{"file":"<file id>"}`.
    pub fn output(mut self, call_id: impl Into<String>, output: impl Into<String>) -> Self {
        self.row.body.tool_outputs.push(ToolOutput {
            tool_call_id: call_id.into(),
            output: output.into(),
        });
        self
    }

    /// What to do when another chat runs in the conversation: one may have begun while this one
    /// waited. That of the client by default.
    pub fn if_occupied(mut self, occupied: Occupied) -> Self {
        self.occupied = Some(occupied);
        self
    }

    /// How [`poll`](Self::poll) polls.
    pub fn poll_options(mut self, options: PollOptions) -> Self {
        self.poll = options;
        self
    }

    /// What to do when the stream breaks; by default what the client is
    /// [set up](crate::CozeBuilder::recover) for.
    pub fn recover(mut self, recover: Recover) -> Self {
        self.recover = recover;
        self
    }

    /// The row that is going to be sent.
    pub fn row_mut(&mut self) -> &mut SubmitToolOutputs {
        &mut self.row
    }
}

impl ToolOutputsRequest {
    fn check(&self) -> Result<()> {
        if self.row.body.tool_outputs.is_empty() {
            return Err(Error::Invalid("no tool output was given".into()));
        }
        Ok(())
    }

    /// The turn for a chat that is read later.
    fn unstreamed(mut self) -> Result<Unstreamed<SubmitToolOutputs>> {
        self.check()?;
        self.row.body.stream = Some(false);
        Ok(Unstreamed {
            conversation: Some(self.row.query.conversation_id.clone()),
            occupied: self.occupied,
            trace: TurnTrace::begin(&self.coze, None, None),
            coze: self.coze,
            row: self.row,
        })
    }

    /// Goes on with the chat and streams what it says.
    ///
    /// # Errors
    /// Those of [`Coze::stream`].
    pub async fn stream(self) -> Result<ChatStream> {
        self.check()?;
        let plan = Plan::of_outputs(self.recover, &self.row, self.known);
        let chat = self.row.query.clone();
        let conversation = Some(chat.conversation_id.clone());
        let trace = TurnTrace::begin(&self.coze, None, None);
        let begun = self.coze.stream_turn(self.row, conversation, self.occupied);
        let (turn, events) = trace.around(begun).await?;
        Ok(ChatStream::new(turn, events, plan, trace).of(chat))
    }

    /// Goes on with the chat and waits for all of it, streaming underneath.
    ///
    /// # Errors
    /// As [`ChatStream::collect`].
    pub async fn reply(self) -> Result<Reply> {
        self.stream().await?.collect().await
    }

    /// Goes on with the chat and waits for all of it by polling.
    ///
    /// # Errors
    /// As [`Coze::poll_chat`].
    pub async fn poll(self) -> Result<Reply> {
        let options = self.poll;
        turn::poll(self.unstreamed()?, options).await
    }

    /// Goes on with the chat and returns at once.
    ///
    /// # Errors
    /// Those of [`Coze::send`].
    pub async fn start(self) -> Result<Chat> {
        Ok(turn::start(self.unstreamed()?).await?.1)
    }
}
