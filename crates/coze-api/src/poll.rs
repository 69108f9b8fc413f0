//! Waiting for a chat by asking again and again.

use std::time::Duration;

use coze_types::chat::{Chat, ChatQuery, ListChatMessages, RetrieveChat};
use coze_types::messages::Message;
use coze_types::{Empty, Id};

use crate::cancel::CancelOnDrop;
use crate::client::Coze;
use crate::deadline::{Deadline, countable};
use crate::error::{ChatFailed, Error, PollTimeout, Result};
use crate::guard::Turn;
use crate::reply::Reply;
use crate::time::{Instant, sleep_until, timeout_at};

/// How to poll.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PollOptions {
    /// Before the first look; 250 ms. Many answers are short.
    pub first: Duration,
    /// Between the next looks; 1 s, which is also the most that the service advises.
    pub interval: Duration,
    /// What the interval grows to, by half each time; 5 s.
    pub max_interval: Duration,
    /// When to give up; 10 minutes.
    pub deadline: Duration,
}

impl Default for PollOptions {
    fn default() -> Self {
        Self {
            first: Duration::from_millis(250),
            interval: Duration::from_secs(1),
            max_interval: Duration::from_secs(5),
            deadline: Duration::from_secs(600),
        }
    }
}

impl PollOptions {
    /// The defaults with another deadline.
    #[must_use]
    pub fn deadline(deadline: Duration) -> Self {
        Self {
            deadline,
            ..Self::default()
        }
    }
}

/// The beat of a poll: when to look, and when to give up.
pub(crate) struct Beat {
    options: PollOptions,
    deadline: Deadline,
    next: Duration,
    failures: u32,
    /// How many looks in a row may fail.
    patience: u32,
}

impl Beat {
    pub(crate) fn new(options: PollOptions) -> Self {
        Self::until(options, Deadline::after(options.deadline))
    }

    /// With another deadline than that of the options.
    pub(crate) fn until(options: PollOptions, deadline: Deadline) -> Self {
        Self {
            options,
            deadline,
            next: options.first,
            failures: 0,
            patience: 2,
        }
    }

    /// For after a failure: what broke a stream may keep the looks from arriving, too, and for
    /// longer.
    pub(crate) fn patient(self) -> Self {
        Self {
            patience: 8,
            ..self
        }
    }

    /// How long it all may take.
    pub(crate) fn deadline(&self) -> Duration {
        self.deadline.after
    }

    /// Waits until the next look; false when the deadline comes first.
    pub(crate) async fn wait(&mut self) -> bool {
        let end = self.deadline.at;
        let look = Instant::now() + countable(self.next);
        sleep_until(look.min(end)).await;
        self.next = if self.next == self.options.first {
            self.options.interval
        } else {
            (self.next + self.next / 2).min(self.options.max_interval)
        };
        look < end
    }

    /// Looks, within the deadline; `None` to look again.
    pub(crate) async fn look<T>(
        &mut self,
        look: impl Future<Output = Result<T>>,
    ) -> Result<Option<T>> {
        match timeout_at(self.deadline.at, look).await {
            Ok(look) => self.forgive(look),
            // The next `wait` says that it is over.
            Err(_) => Ok(None),
        }
    }

    /// A look that failed for a moment does not end a wait of minutes; several in a row do.
    fn forgive<T>(&mut self, look: Result<T>) -> Result<Option<T>> {
        match look {
            Ok(value) => {
                self.failures = 0;
                Ok(Some(value))
            }
            Err(error) if error.is_retryable() && self.failures < self.patience => {
                self.failures += 1;
                if let Some(after) = error.retry_after() {
                    self.next = self.next.max(after);
                }
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// The deadline came first.
    fn late(&self, chat: Option<Chat>) -> Error {
        Error::from(PollTimeout {
            deadline: self.options.deadline,
            chat,
            ..PollTimeout::default()
        })
    }
}

impl Coze {
    /// Waits for a chat to end, then reads what it said.
    ///
    /// It looks once after [`PollOptions::first`], then at most once a second, less and less
    /// often. The chat's history must be saved. It is not cancelled when the wait is given up.
    ///
    /// ```no_run
    /// # async fn run(coze: coze_api::Coze) -> coze_api::Result<()> {
    /// use coze_api::PollOptions;
    ///
    /// let chat = coze.chat("75…").user("me").message("你好").start().await?;
    /// let reply = coze.poll_chat(chat.conversation_id, chat.id, PollOptions::default()).await?;
    /// println!("{}", reply.text());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Chat`] for a chat that failed or was cancelled, with what it had said;
    /// [`Error::Timeout`] with the chat as it was last seen, which goes on; those of
    /// [`send`](Self::send).
    pub async fn poll_chat(
        &self,
        conversation: impl Into<Id>,
        chat: impl Into<Id>,
        options: PollOptions,
    ) -> Result<Reply> {
        let query = ChatQuery {
            conversation_id: conversation.into(),
            chat_id: chat.into(),
        };
        self.poll(query, None, None, options).await
    }

    /// Waits for a chat that this call has begun: giving up the wait cancels it.
    pub(crate) async fn poll_own(
        &self,
        turn: Turn,
        chat: Chat,
        log_id: Option<String>,
        options: PollOptions,
    ) -> Result<Reply> {
        let mut cancel = CancelOnDrop::new(turn);
        cancel.arm(&chat.conversation_id, &chat.id);
        let query = ChatQuery {
            conversation_id: chat.conversation_id.clone(),
            chat_id: chat.id.clone(),
        };
        let result = self.poll(query, Some(chat), log_id, options).await;
        // Done, or failed so that the caller can still come back to it.
        cancel.disarm();
        result
    }

    async fn poll(
        &self,
        query: ChatQuery,
        last: Option<Chat>,
        log_id: Option<String>,
        options: PollOptions,
    ) -> Result<Reply> {
        let over = |chat: &Chat| chat.status.is_terminal();
        let reply = self
            .outcome(&query, last, log_id, Beat::new(options), over)
            .await?;
        if reply.chat.status.is_failure() {
            let error = reply.chat.error().cloned().unwrap_or_default();
            return Err(Error::from(ChatFailed {
                code: error.code,
                msg: error.msg,
                reply,
            }));
        }
        Ok(reply)
    }

    /// Looks until the chat is over, then reads what it said, also when it failed.
    pub(crate) async fn outcome(
        &self,
        query: &ChatQuery,
        mut last: Option<Chat>,
        mut log_id: Option<String>,
        mut beat: Beat,
        over: impl Fn(&Chat) -> bool,
    ) -> Result<Reply> {
        let chat = loop {
            if let Some(chat) = last.take_if(|chat| over(chat)) {
                break chat;
            }
            if !beat.wait().await {
                return Err(beat.late(last));
            }
            let row = RetrieveChat {
                query: query.clone(),
                body: Empty {},
            };
            if let Some(seen) = beat.look(self.send(row)).await? {
                log_id = seen.log_id().map(Into::into).or(log_id);
                last = Some(seen.into_inner().data);
            }
        };
        let messages = loop {
            match beat.look(self.chat_messages(query.clone())).await {
                Ok(Some(messages)) => break messages,
                Ok(None) => {}
                // For a chat that failed, its own error counts, not that of the list.
                Err(_) if chat.status.is_failure() => break Vec::new(),
                Err(error) => return Err(error),
            }
            if !beat.wait().await {
                return Err(beat.late(Some(chat)));
            }
        };
        Ok(Reply {
            chat,
            messages,
            log_id,
            ..Reply::default()
        })
    }

    async fn chat_messages(&self, query: ChatQuery) -> Result<Vec<Message>> {
        let row = ListChatMessages {
            query,
            body: Empty {},
        };
        Ok(self.send(row).await?.into_inner().data)
    }
}
