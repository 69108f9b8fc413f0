//! A second turn in a conversation where one is under way.
//!
//! The service lets one chat at a time run in a conversation, and answers the next one with 4016.
//! Only chats that are created or in progress count: one that waits for tool outputs has paused,
//! and keeps nobody out.

mod occupied;
mod turns;

use std::time::Duration;

use coze_types::chat::ChatStatus;
use coze_types::messages::ListMessagesBody;
use coze_types::{Endpoint, Id, Streams};

pub use self::occupied::ConversationOccupied;
pub(crate) use self::turns::{Turn, Turns};

use self::turns::Next;
use crate::call::Call;
use crate::client::Coze;
use crate::deadline::Deadline;
use crate::error::{Error, Result};
use crate::exchange::Judged;
use crate::poll::{Beat, PollOptions};
use crate::response::Response;
use crate::retry::jittered;
use crate::stream::EventStream;
use crate::task::MaybeSend;
use crate::time::{Instant, sleep_until, timeout_at};

/// What a turn does when its conversation is occupied by another chat.
///
/// It matters only where a conversation is named: a new one is never occupied.
///
/// ```no_run
/// # async fn run(coze: coze_api::Coze) -> coze_api::Result<()> {
/// use std::time::Duration;
/// use coze_api::Occupied;
///
/// let chat = coze.chat("75…").user("me").conversation("73…").message("还有吗？");
/// let waits = Occupied::Wait(Duration::from_secs(30));
/// println!("{}", chat.if_occupied(waits).reply().await?.text());
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Occupied {
    /// It fails with the server's code 4016; the default.
    #[default]
    Fail,
    /// It waits until the conversation is free, at most for so long.
    ///
    /// Turns of the same client wait in the order in which they came, without asking the server.
    /// A chat of another program is waited for by trying again, less and less often.
    Wait(Duration),
    /// It cancels the chat that occupies the conversation, waits until that is over, and starts.
    /// It gives up after 30 s.
    ///
    /// A chat that this client runs is known; another one is looked for among the newest messages
    /// of the conversation, so its history must be saved. Whoever waited for the cancelled chat
    /// gets [`Error::Chat`](crate::Error::Chat).
    CancelFirst,
}

/// The server's code for a conversation with a running chat.
pub(crate) const OCCUPIED: i64 = 4016;
/// How long [`Occupied::CancelFirst`] takes at most.
const CANCEL_LIMIT: Duration = Duration::from_secs(30);
/// Between the first two tries; it doubles from there.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(8);

impl Coze {
    /// How many turns of this client run, or wait for their conversation. Turns are counted from
    /// the moment in which their conversation is known.
    #[must_use]
    pub fn open_turns(&self) -> usize {
        self.inner.turns.count()
    }

    /// Begins a turn whose answer streams.
    pub(crate) fn stream_turn<E: Streams>(
        &self,
        row: E,
        conversation: Option<Id>,
        occupied: Option<Occupied>,
    ) -> impl Future<Output = Result<(Turn, EventStream<E::Event>)>> + MaybeSend {
        // The request is bytes from here on: rows are large, and what waits need not hold them.
        let call = Call::streaming(row);
        async move {
            let call = call?;
            let mut guard = Guard::enter(self, conversation, occupied).await?;
            loop {
                let error = match self.call(&call).await {
                    Ok(frames) => return Ok((turn_of(guard, self), EventStream::new(frames))),
                    Err(error) => error,
                };
                match &mut guard {
                    Some(guard) => guard.refused(error).await?,
                    None => return Err(error),
                }
            }
        }
    }

    /// Begins a turn whose answer is fetched later.
    pub(crate) fn send_turn<E: Endpoint>(
        &self,
        row: E,
        conversation: Option<Id>,
        occupied: Option<Occupied>,
    ) -> impl Future<Output = Result<(Turn, Response<E::Reply>)>> + MaybeSend {
        let call = Call::encode(&row);
        drop(row);
        async move {
            let call = call?;
            let mut guard = Guard::enter(self, conversation, occupied).await?;
            loop {
                let sent = self.call::<Judged>(&call).await;
                let error = match sent.and_then(Judged::reply) {
                    Ok(reply) => return Ok((turn_of(guard, self), reply)),
                    Err(error) => error,
                };
                match &mut guard {
                    Some(guard) => guard.refused(error).await?,
                    None => return Err(error),
                }
            }
        }
    }

    /// Cancels a chat, and returns when it is over.
    async fn end_chat(&self, conversation: &Id, chat: &Id) -> Result<()> {
        match self.cancel_chat(conversation, chat).await {
            Ok(chat) if chat.status.is_terminal() => return Ok(()),
            Ok(_) => {}
            // It was over, or has paused; the second code is that of the open-source server.
            Err(error) if matches!(error.code(), Some(4104 | 103_200_005)) => return Ok(()),
            Err(error) => return Err(error),
        }
        let mut beat = Beat::new(PollOptions::deadline(CANCEL_LIMIT));
        while beat.wait().await {
            let look = self.retrieve_chat(conversation, chat);
            if beat
                .look(look)
                .await?
                .is_some_and(|it| it.status.is_terminal())
            {
                break;
            }
        }
        Ok(())
    }

    /// The chat that runs in a conversation, as far as its newest messages tell.
    async fn find_running(&self, conversation: &Id) -> Result<Option<Id>> {
        let newest = ListMessagesBody {
            limit: Some(20),
            ..ListMessagesBody::default()
        };
        let messages = self.list_messages(conversation, newest).await?.data;
        let mut chats: Vec<Id> = Vec::new();
        for chat in messages.into_iter().filter_map(|it| it.chat_id) {
            if !chat.is_unset() && !chats.contains(&chat) {
                chats.push(chat);
            }
        }
        // What runs began last; a paused chat may stand before it.
        for chat in chats.into_iter().take(3) {
            match self.retrieve_chat(conversation, &chat).await {
                Ok(it) if matches!(it.status, ChatStatus::Created | ChatStatus::InProgress) => {
                    return Ok(Some(chat));
                }
                // A chat that cannot be read tells nothing about the next one.
                Ok(_) | Err(Error::Api(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }
}

/// The turn that was let in, or one that nobody could stand in the way of.
fn turn_of(guard: Option<Guard>, coze: &Coze) -> Turn {
    guard.map_or_else(|| Turn::new(coze.clone()), |guard| guard.turn)
}

/// Gets a turn its conversation.
struct Guard {
    turn: Turn,
    conversation: Id,
    asked: Occupied,
    begun: Instant,
    deadline: Instant,
    pause: Duration,
    /// The chat that was cancelled last.
    cancelled: Option<Id>,
    /// How often nobody knew which chat it is.
    unknown: u32,
}

impl Guard {
    /// Waits until no other turn of this client stands before this one; `None` where nothing is to
    /// be guarded.
    async fn enter(
        coze: &Coze,
        conversation: Option<Id>,
        asked: Option<Occupied>,
    ) -> Result<Option<Self>> {
        let asked = asked.unwrap_or(coze.inner.occupied);
        let time = match asked {
            Occupied::Fail => return Ok(None),
            Occupied::Wait(time) => time,
            Occupied::CancelFirst => CANCEL_LIMIT,
        };
        let Some(conversation) = conversation.filter(|it| !it.is_unset()) else {
            return Ok(None);
        };
        let begun = Instant::now();
        let deadline = Deadline::after(time).at;
        let cancels = asked == Occupied::CancelFirst;
        let mut guard = Self {
            turn: Turn::queue(coze.clone(), &conversation, cancels),
            conversation,
            asked,
            begun,
            deadline,
            pause: FIRST_PAUSE,
            cancelled: None,
            unknown: 0,
        };
        // Boxed, because every turn carries room for it, and few need it.
        match timeout_at(deadline, Box::pin(guard.clear())).await {
            Ok(cleared) => cleared.map(|()| Some(guard)),
            Err(_) => Err(guard.occupied(None)),
        }
    }

    /// Waits for the turns of this client that came before, or cancels them.
    async fn clear(&mut self) -> Result<()> {
        loop {
            match self.turn.next().await {
                Next::Go => return Ok(()),
                Next::Cancel(chat) => {
                    let coze = self.turn.coze();
                    coze.end_chat(&self.conversation, &chat).await?;
                    // Whoever has its stream may never look at it again.
                    coze.inner.turns.forget(&self.conversation, &chat);
                    self.cancelled = Some(chat);
                }
            }
        }
    }

    /// The server has refused the turn: returns when it is worth another try.
    async fn refused(&mut self, error: Error) -> Result<()> {
        let refusal = match error {
            Error::Api(refusal) if refusal.code == OCCUPIED => refusal,
            other => return Err(other),
        };
        if self.asked == Occupied::CancelFirst {
            match timeout_at(self.deadline, Box::pin(self.end_foreign())).await {
                // It was another one than last time: this has helped.
                Ok(Ok(true)) => return Ok(()),
                Ok(Ok(false)) if self.unknown < 3 => {}
                Ok(Err(error)) => return Err(error),
                Ok(Ok(false)) | Err(_) => return Err(self.occupied(Some(refusal))),
            }
        }
        let now = Instant::now();
        if now >= self.deadline {
            return Err(self.occupied(Some(refusal)));
        }
        // The last try is made when the time is up.
        sleep_until((now + jittered(self.pause)).min(self.deadline)).await;
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
        Ok(())
    }

    /// Ends a chat that is not of this client; true when that is news.
    async fn end_foreign(&mut self) -> Result<bool> {
        let coze = self.turn.coze();
        let Some(chat) = coze.find_running(&self.conversation).await? else {
            // It may have ended since.
            self.unknown += 1;
            return Ok(false);
        };
        coze.end_chat(&self.conversation, &chat).await?;
        let news = self.cancelled.as_ref() != Some(&chat);
        self.unknown = 0;
        self.cancelled = Some(chat);
        Ok(news)
    }

    fn occupied(&self, refusal: Option<Box<crate::error::ApiError>>) -> Error {
        let known = self.turn.coze().inner.turns.talking(&self.conversation);
        ConversationOccupied {
            conversation_id: self.conversation.clone(),
            chat_id: match refusal {
                None => known,
                Some(_) => self.cancelled.clone(),
            },
            asked: self.asked,
            waited: self.begun.elapsed(),
            refusal,
        }
        .into()
    }
}
