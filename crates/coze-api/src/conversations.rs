//! Conversations and the messages in them.

use coze_types::conversations::{
    ClearConversation, Conversation, ConversationList, CreateConversation, CreateConversationBody,
    DeleteConversation, ListConversations, ListConversationsQuery, RetrieveConversation, Section,
    UpdateConversation, UpdateConversationBody,
};
use coze_types::messages::{
    ConversationQuery, CreateFeedback, CreateMessage, CreateMessageBody, DeleteFeedback,
    DeleteMessage, EnterMessage, FeedbackBody, ListMessages, ListMessagesBody, Message,
    MessagePage, MessageQuery, ModifyMessage, ModifyMessageBody, RetrieveMessage,
};
use coze_types::{Empty, Id};

use crate::chat::extend;
use crate::client::Coze;
use crate::error::Result;
use crate::setters::over_client;

/// A conversation, while it is put together; see [`Coze::conversation`].
#[derive(Debug, Clone)]
#[must_use = "nothing is sent until `create` is called"]
pub struct ConversationRequest<C = Coze> {
    coze: C,
    row: CreateConversation,
}

over_client!(ConversationRequest { row });

impl<C> ConversationRequest<C> {
    /// Binds the conversation to an agent.
    pub fn bot(mut self, bot: impl Into<Id>) -> Self {
        self.row.body.bot_id = Some(bot.into());
        self
    }

    /// A name of up to 100 characters.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.row.body.name = Some(name.into());
        self
    }

    /// A pair of meta data; at most 16.
    pub fn meta(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        extend(&mut self.row.body.meta_data, [(key, value)]);
        self
    }

    /// First messages; at most 16.
    pub fn messages(mut self, messages: impl IntoIterator<Item = EnterMessage>) -> Self {
        let all = self.row.body.messages.get_or_insert_default();
        all.extend(messages);
        self
    }

    /// The channel; `1024`, the API, by default.
    pub fn connector(mut self, connector: impl Into<Id>) -> Self {
        self.row.body.connector_id = Some(connector.into());
        self
    }

    /// The body, for what has no method of its own.
    pub fn body_mut(&mut self) -> &mut CreateConversationBody {
        &mut self.row.body
    }
}

impl ConversationRequest {
    /// Creates it.
    ///
    /// # Errors
    /// Those of [`Coze::send`].
    pub async fn create(self) -> Result<Conversation> {
        Ok(self.coze.send(self.row).await?.into_inner().data)
    }
}

fn within(conversation: impl Into<Id>) -> ConversationQuery {
    ConversationQuery {
        conversation_id: conversation.into(),
    }
}

fn message_of(conversation: impl Into<Id>, message: impl Into<Id>) -> MessageQuery {
    MessageQuery {
        conversation_id: conversation.into(),
        message_id: message.into(),
    }
}

/// Conversations. The errors of all calls are those of [`send`](Self::send).
#[expect(
    clippy::missing_errors_doc,
    reason = "said once for all of them, above"
)]
impl Coze {
    /// Begins to create a conversation.
    ///
    /// ```no_run
    /// # async fn run(coze: coze_api::Coze) -> coze_api::Result<()> {
    /// use coze_api::types::messages::ListMessagesBody;
    ///
    /// let conversation = coze.conversation().bot("75…").name("holiday").create().await?;
    /// let chat = coze.chat("75…").user("me").conversation(&conversation.id);
    /// chat.message("你好").reply().await?;
    /// let messages = coze.list_messages(&conversation.id, ListMessagesBody::default()).await?;
    /// for message in messages.data {
    ///     println!("{}: {}", message.role.as_str(), message.content);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn conversation(&self) -> ConversationRequest {
        ConversationRequest {
            coze: self.clone(),
            row: CreateConversation::default(),
        }
    }

    /// Reads a conversation.
    pub async fn retrieve_conversation(&self, conversation: impl Into<Id>) -> Result<Conversation> {
        let row = RetrieveConversation {
            query: within(conversation),
            body: Empty {},
        };
        Ok(self.send(row).await?.into_inner().data)
    }

    /// Lists one page of the conversations of an agent.
    pub async fn list_conversations(
        &self,
        query: ListConversationsQuery,
    ) -> Result<ConversationList> {
        let row = ListConversations {
            query,
            body: Empty {},
        };
        Ok(self.send(row).await?.into_inner().data)
    }

    /// Gives a conversation another name, of up to 100 characters.
    pub async fn rename_conversation(
        &self,
        conversation: impl Into<Id>,
        name: impl Into<String>,
    ) -> Result<Conversation> {
        let row = UpdateConversation {
            conversation_id: conversation.into(),
            query: Empty {},
            body: UpdateConversationBody { name: name.into() },
        };
        Ok(self.send(row).await?.into_inner().data)
    }

    /// Removes a conversation with everything in it.
    pub async fn delete_conversation(&self, conversation: impl Into<Id>) -> Result<()> {
        let row = DeleteConversation {
            conversation_id: conversation.into(),
            ..Default::default()
        };
        self.send(row).await.map(|_| ())
    }

    /// Begins a new context section: the agent forgets, the messages stay readable.
    pub async fn clear_conversation(&self, conversation: impl Into<Id>) -> Result<Section> {
        let row = ClearConversation {
            conversation_id: conversation.into(),
            ..Default::default()
        };
        Ok(self.send(row).await?.into_inner().data)
    }

    /// Adds a message by hand, without running an agent.
    pub async fn create_message(
        &self,
        conversation: impl Into<Id>,
        body: CreateMessageBody,
    ) -> Result<Message> {
        let row = CreateMessage {
            query: within(conversation),
            body,
        };
        Ok(self.send(row).await?.into_inner().data)
    }

    /// Lists one page of the messages of a conversation, newest first unless asked otherwise.
    pub async fn list_messages(
        &self,
        conversation: impl Into<Id>,
        body: ListMessagesBody,
    ) -> Result<MessagePage> {
        let row = ListMessages {
            query: within(conversation),
            body,
        };
        Ok(self.send(row).await?.into_inner())
    }

    /// Reads one message.
    pub async fn retrieve_message(
        &self,
        conversation: impl Into<Id>,
        message: impl Into<Id>,
    ) -> Result<Message> {
        let row = RetrieveMessage {
            query: message_of(conversation, message),
            body: Empty {},
        };
        Ok(self.send(row).await?.into_inner().data)
    }

    /// Changes content or meta data of a message.
    pub async fn modify_message(
        &self,
        conversation: impl Into<Id>,
        message: impl Into<Id>,
        body: ModifyMessageBody,
    ) -> Result<Message> {
        let row = ModifyMessage {
            query: message_of(conversation, message),
            body,
        };
        Ok(self.send(row).await?.into_inner().message)
    }

    /// Removes a question or an answer, and returns it.
    pub async fn delete_message(
        &self,
        conversation: impl Into<Id>,
        message: impl Into<Id>,
    ) -> Result<Message> {
        let row = DeleteMessage {
            query: message_of(conversation, message),
            body: Empty {},
        };
        Ok(self.send(row).await?.into_inner().data)
    }

    /// Rates an answer; only the last rating of a message counts.
    pub async fn create_feedback(
        &self,
        conversation: impl Into<Id>,
        message: impl Into<Id>,
        body: FeedbackBody,
    ) -> Result<()> {
        let row = CreateFeedback {
            conversation_id: conversation.into(),
            message_id: message.into(),
            query: Empty {},
            body,
        };
        self.send(row).await.map(|_| ())
    }

    /// Takes the rating of an answer back.
    pub async fn delete_feedback(
        &self,
        conversation: impl Into<Id>,
        message: impl Into<Id>,
    ) -> Result<()> {
        let row = DeleteFeedback {
            conversation_id: conversation.into(),
            message_id: message.into(),
            ..Default::default()
        };
        self.send(row).await.map(|_| ())
    }
}
