//! Talking to an agent.

use std::collections::BTreeMap;

use coze_types::Empty;
use coze_types::Id;
use coze_types::chat::{
    Chat, ChatQuery, ListChatMessages, RetrieveChat, ShortcutCommandDetail, StartChat,
    StartChatBody,
};
use coze_types::messages::{EnterMessage, Message, ObjectStringItem};
use serde_json::Value;

use crate::chat_stream::ChatStream;
use crate::client::Coze;
use crate::draft::Draft;
use crate::error::{Error, Result};
use crate::guard::Occupied;
use crate::poll::PollOptions;
use crate::recover::{Plan, Recover};
use crate::reply::Reply;
use crate::setters::over_client;
use crate::telemetry::TurnTrace;
use crate::turn::{self, Unstreamed};

impl Coze {
    /// Begins a turn with an agent.
    ///
    /// ```no_run
    /// # async fn run(coze: coze_api::Coze) -> coze_api::Result<()> {
    /// let reply = coze.chat("75…").user("me").message("你好").reply().await?;
    /// println!("{}", reply.text());
    /// let again = coze.chat("75…").user("me").conversation(reply.conversation_id());
    /// println!("{}", again.message("再说一遍").reply().await?.text());
    /// # Ok(())
    /// # }
    /// ```
    pub fn chat(&self, bot: impl Into<Id>) -> ChatRequest {
        let mut row = Box::<StartChat>::default();
        row.body.bot_id = bot.into();
        if let Some(user) = &self.inner.default_user {
            row.body.user_id.clone_from(user);
        }
        ChatRequest {
            coze: self.clone(),
            row,
            draft: Draft::default(),
            poll: PollOptions::default(),
            occupied: None,
            recover: self.inner.recover,
        }
    }

    /// Begins a turn with the agent that the client was set up with.
    ///
    /// # Errors
    /// [`Error::Invalid`] when it was set up with none.
    pub fn default_chat(&self) -> Result<ChatRequest> {
        match &self.inner.default_bot {
            Some(bot) => Ok(self.chat(bot)),
            None => Err(Error::Invalid(
                "no agent: set COZE_BOT_ID, or call `default_bot` of the builder".into(),
            )),
        }
    }

    /// The agent that [`default_chat`](Self::default_chat) talks to.
    #[must_use]
    pub fn default_bot(&self) -> Option<&Id> {
        self.inner.default_bot.as_ref()
    }

    /// Reads the state of a chat whose history is saved.
    ///
    /// # Errors
    /// Those of [`send`](Self::send).
    pub async fn retrieve_chat(
        &self,
        conversation: impl Into<Id>,
        chat: impl Into<Id>,
    ) -> Result<Chat> {
        let row = RetrieveChat {
            query: ChatQuery {
                conversation_id: conversation.into(),
                chat_id: chat.into(),
            },
            body: Empty {},
        };
        Ok(self.send(row).await?.into_inner().data)
    }

    /// Lists what a chat produced; not the user's question.
    ///
    /// # Errors
    /// Those of [`send`](Self::send).
    pub async fn list_chat_messages(
        &self,
        conversation: impl Into<Id>,
        chat: impl Into<Id>,
    ) -> Result<Vec<Message>> {
        let row = ListChatMessages {
            query: ChatQuery {
                conversation_id: conversation.into(),
                chat_id: chat.into(),
            },
            body: Empty {},
        };
        Ok(self.send(row).await?.into_inner().data)
    }
}

/// A turn with an agent, while it is put together; see [`Coze::chat`].
///
/// It ends in one of [`stream`](Self::stream), [`reply`](Self::reply), [`poll`](Self::poll) and
/// [`start`](Self::start).
#[derive(Debug, Clone)]
#[must_use = "nothing is sent until `stream`, `reply`, `poll` or `start` is called"]
pub struct ChatRequest<C = Coze> {
    coze: C,
    /// In a box: it is large, and each setter hands the request on.
    row: Box<StartChat>,
    draft: Draft,
    poll: PollOptions,
    occupied: Option<Occupied>,
    recover: Recover,
}

over_client!(ChatRequest {
    row,
    draft,
    poll,
    occupied,
    recover
});

impl<C> ChatRequest<C> {
    /// The user for whom the agent keeps memory and variables. Required, unless the client has a
    /// default user.
    pub fn user(mut self, user: impl Into<String>) -> Self {
        self.row.body.user_id = user.into();
        self
    }

    /// Adds a question of the user.
    pub fn message(mut self, text: impl Into<String>) -> Self {
        self.draft.question(text.into());
        self
    }

    /// Adds messages of any kind, such as an earlier exchange.
    pub fn messages(mut self, messages: impl IntoIterator<Item = EnterMessage>) -> Self {
        for message in messages {
            self.draft.message(message);
        }
        self
    }

    /// Adds a question made of text, images and files.
    pub fn objects(mut self, items: impl AsRef<[ObjectStringItem]>) -> Self {
        self.draft
            .message(EnterMessage::user_objects(items.as_ref()));
        self
    }

    /// Adds an uploaded image to the question.
    pub fn image(mut self, file: impl Into<Id>) -> Self {
        self.draft.item(ObjectStringItem::image(file));
        self
    }

    /// Adds an image at a public URL to the question.
    pub fn image_url(mut self, url: impl Into<String>) -> Self {
        self.draft.item(ObjectStringItem::image_url(url));
        self
    }

    /// Adds an uploaded file to the question.
    pub fn file(mut self, file: impl Into<Id>) -> Self {
        self.draft.item(ObjectStringItem::file(file));
        self
    }

    /// Adds a file at a public URL to the question.
    pub fn file_url(mut self, url: impl Into<String>) -> Self {
        self.draft.item(ObjectStringItem::file_url(url));
        self
    }

    /// Adds uploaded speech to the question.
    pub fn audio(mut self, file: impl Into<Id>) -> Self {
        self.draft.item(ObjectStringItem::audio(file));
        self
    }

    /// The conversation to go on with; a new one is made without it.
    pub fn conversation(mut self, conversation: impl Into<Id>) -> Self {
        self.row.query.conversation_id = Some(conversation.into());
        self
    }

    /// Fills `{{key}}` in the agent's prompt; keys of letters and underscores.
    pub fn variable(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        let variables = self.row.body.custom_variables.get_or_insert_default();
        variables.insert(key.into(), value.into());
        self
    }

    /// Several [`variable`](Self::variable)s.
    pub fn variables<K, V>(mut self, pairs: impl IntoIterator<Item = (K, V)>) -> Self
    where
        K: Into<String>,
        V: Into<String>,
    {
        extend(&mut self.row.body.custom_variables, pairs);
        self
    }

    /// An input of an agent in chatflow mode.
    pub fn parameter(mut self, key: impl Into<String>, value: impl Into<Value>) -> Self {
        let parameters = self.row.body.parameters.get_or_insert_default();
        parameters.insert(key.into(), value.into());
        self
    }

    /// A pair that [`Coze::retrieve_chat`] gives back; at most 16.
    pub fn meta(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        extend(&mut self.row.body.meta_data, [(key, value)]);
        self
    }

    /// `latitude` or `longitude`.
    pub fn extra_param(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        extend(&mut self.row.body.extra_params, [(key, value)]);
        self
    }

    /// Whether question and answer become part of the conversation; true by default. Without it a
    /// chat can only be streamed, and a cut stream cannot be recovered.
    pub fn save_history(mut self, save: bool) -> Self {
        self.row.body.auto_save_history = Some(save);
        self
    }

    /// `published_online` (the default) or `unpublished_draft`.
    pub fn publish_status(mut self, status: impl Into<String>) -> Self {
        self.row.body.publish_status = Some(status.into());
        self
    }

    /// A version of the agent; the latest by default.
    pub fn bot_version(mut self, version: impl Into<String>) -> Self {
        self.row.body.bot_version = Some(version.into());
        self
    }

    /// The channel; `1024`, the API, by default.
    pub fn connector(mut self, connector: impl Into<Id>) -> Self {
        self.row.body.connector_id = Some(connector.into());
        self
    }

    /// Asks for cards at question nodes.
    pub fn enable_card(mut self, enable: bool) -> Self {
        self.row.body.enable_card = Some(enable);
        self
    }

    /// Uses a shortcut of the agent, which makes the question itself.
    pub fn shortcut(mut self, shortcut: ShortcutCommandDetail) -> Self {
        self.row.body.shortcut_command = Some(shortcut);
        self
    }

    /// What to do when another chat runs in the conversation; that of the client
    /// ([`CozeBuilder::if_occupied`](crate::CozeBuilder::if_occupied)) by default.
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

    /// The body, for what has no method of its own. Messages that stand in it come first.
    pub fn body_mut(&mut self) -> &mut StartChatBody {
        &mut self.row.body
    }

    /// The row that is going to be sent.
    ///
    /// # Errors
    /// [`Error::Invalid`] without an agent or a user.
    pub fn request(&self) -> Result<StartChat> {
        finished(StartChat::clone(&self.row), &self.draft)
    }
}

/// A row with its messages.
fn finished(mut row: StartChat, draft: &Draft) -> Result<StartChat> {
    if row.body.bot_id.is_empty() {
        return Err(Error::Invalid("a chat needs the id of an agent".into()));
    }
    if row.body.user_id.is_empty() {
        return Err(Error::Invalid(
            "a chat needs a user: call `user`, or give the client a default user".into(),
        ));
    }
    let messages = draft.finish();
    if !messages.is_empty() {
        let all = row.body.additional_messages.get_or_insert_default();
        all.extend(messages);
    }
    Ok(row)
}

impl ChatRequest {
    /// Starts the chat and streams what it says.
    ///
    /// ```no_run
    /// # async fn run(coze: coze_api::Coze) -> coze_api::Result<()> {
    /// let mut answer = coze.chat("75…").user("me").message("你好").stream().await?;
    /// while let Some(text) = answer.next_text().await {
    ///     print!("{}", text?);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Those of [`Coze::stream`]; [`Error::Occupied`] when its conversation does not become free,
    /// as [`if_occupied`](Self::if_occupied) has it.
    pub async fn stream(self) -> Result<ChatStream> {
        let row = finished(*self.row, &self.draft)?;
        let plan = Plan::of_chat(self.recover, &row.body);
        let conversation = conversation_of(&row);
        let asked = row.body.additional_messages.as_deref();
        let trace = TurnTrace::begin(&self.coze, Some(&row.body.bot_id), asked);
        let begun = self.coze.stream_turn(row, conversation, self.occupied);
        let (turn, events) = trace.around(begun).await?;
        Ok(ChatStream::new(turn, events, plan, trace))
    }

    /// Starts the chat and waits for all of it, streaming underneath.
    ///
    /// `Ok` for a chat that is completed or that waits for tool outputs; look at
    /// [`Reply::requires_action`]. Dropping the future cancels the chat.
    ///
    /// # Errors
    /// As [`ChatStream::collect`].
    pub async fn reply(self) -> Result<Reply> {
        self.stream().await?.collect().await
    }

    /// Starts the chat and waits for all of it by polling, for places where streams do not pass.
    ///
    /// Dropping the future cancels the chat.
    ///
    /// ```no_run
    /// # async fn run(coze: coze_api::Coze) -> coze_api::Result<()> {
    /// use std::time::Duration;
    /// use coze_api::PollOptions;
    ///
    /// let options = PollOptions::deadline(Duration::from_secs(60));
    /// let chat = coze.chat("75…").user("me").message("你好").poll_options(options);
    /// println!("{}", chat.poll().await?.text());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`Coze::poll_chat`].
    pub async fn poll(self) -> Result<Reply> {
        let options = self.poll;
        turn::poll(self.unstreamed()?, options).await
    }

    /// Starts the chat and returns at once; read it later with [`Coze::poll_chat`].
    ///
    /// # Errors
    /// Those of [`Coze::send`].
    pub async fn start(self) -> Result<Chat> {
        Ok(turn::start(self.unstreamed()?).await?.1)
    }

    /// The turn for a chat that is read later.
    fn unstreamed(self) -> Result<Unstreamed<StartChat>> {
        let mut row = finished(*self.row, &self.draft)?;
        if row.body.auto_save_history == Some(false) {
            return Err(Error::Invalid(
                "without saved history a chat can only be streamed".into(),
            ));
        }
        // The open-source server streams when nothing is said.
        row.body.stream = Some(false);
        Ok(Unstreamed {
            conversation: conversation_of(&row),
            occupied: self.occupied,
            trace: TurnTrace::begin(
                &self.coze,
                Some(&row.body.bot_id),
                row.body.additional_messages.as_deref(),
            ),
            coze: self.coze,
            row,
        })
    }
}

/// The query wins over the body.
fn conversation_of(row: &StartChat) -> Option<Id> {
    let named = row.query.conversation_id.as_ref();
    named.or(row.body.conversation_id.as_ref()).cloned()
}

/// Adds pairs to an optional map.
pub(crate) fn extend<K, V>(
    map: &mut Option<BTreeMap<String, String>>,
    pairs: impl IntoIterator<Item = (K, V)>,
) where
    K: Into<String>,
    V: Into<String>,
{
    let pairs = pairs.into_iter();
    map.get_or_insert_default()
        .extend(pairs.map(|(key, value)| (key.into(), value.into())));
}
