//! What is done about a chat whose stream breaks: it goes on at the server, so its answer can
//! still be fetched.

use std::fmt;
use std::time::Duration;

use coze_types::chat::{Chat, ChatQuery, StartChatBody, SubmitToolOutputs, ToolOutput};
use coze_types::messages::{ContentType, Message, ToolResponseContent};
use coze_types::{ChatEvent, Id};

use crate::client::Coze;
use crate::deadline::Deadline;
use crate::error::{Error, OneLine};
use crate::missing::thoughts;
use crate::poll::{Beat, PollOptions};
use crate::reply::{Reply, is_answer};
use crate::task::BoxFuture;
use crate::time::timeout_at;

/// What to do when the stream of a chat breaks before its last event.
///
/// A chat whose history is saved does not end with its stream. With [`Poll`](Self::Poll), the
/// default, its end is waited for, and what was missing comes as events of the same stream:
/// nothing twice, nothing left out.
///
/// ```no_run
/// # async fn run(coze: coze_api::Coze) -> coze_api::Result<()> {
/// use std::time::Duration;
/// use coze_api::Recover;
///
/// let chat = coze.chat("75…").user("me").message("你好");
/// let reply = chat.recover(Recover::within(Duration::from_secs(60))).reply().await?;
/// if let Some(recovery) = reply.recovery() {
///     println!("{} characters were missing: {}", recovery.characters, recovery.cause);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recover {
    /// Wait for the chat by polling, then go on with what is missing.
    Poll(PollOptions),
    /// Give up at once.
    Off,
}

impl Default for Recover {
    /// Polls as [`PollOptions::default`] does, with the first look at once: streams are often cut
    /// because the answer took long, and by then it may be done.
    fn default() -> Self {
        Self::within(PollOptions::default().deadline)
    }
}

impl Recover {
    /// The default with another deadline.
    #[must_use]
    pub fn within(deadline: Duration) -> Self {
        Self::Poll(PollOptions {
            first: Duration::ZERO,
            ..PollOptions::deadline(deadline)
        })
    }
}

/// What was recovered of a stream that broke.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Recovery {
    /// What broke, in one line.
    pub cause: String,
    /// How many events were made from the saved chat, the last one included. Pieces of text come
    /// in larger events than they would have streamed.
    pub events: u64,
    /// How many bytes of text were missing, reasoning and messages of all kinds included.
    pub bytes: u64,
    /// The same in characters.
    pub characters: u64,
    /// How long it took, from the break on.
    pub took: Duration,
}

impl Recovery {
    /// Counts what is in these events.
    pub(crate) fn of(events: &[ChatEvent]) -> Self {
        let mut recovery = Self {
            cause: String::new(),
            events: events.len() as u64,
            bytes: 0,
            characters: 0,
            took: Duration::ZERO,
        };
        for event in events {
            let texts = match event {
                ChatEvent::Delta(it) => [it.content.as_str(), thoughts(it)],
                // An answer has come as deltas before.
                ChatEvent::MessageCompleted(it) if !is_answer(it) => [it.content.as_str(), ""],
                _ => continue,
            };
            for text in texts {
                recovery.bytes += text.len() as u64;
                recovery.characters += text.chars().count() as u64;
            }
        }
        recovery
    }
}

/// Why a stream that broke was not recovered.
#[derive(Debug)]
#[non_exhaustive]
pub enum Unrecovered {
    /// The caller does not want it: [`Recover::Off`].
    Off,
    /// The chat's history is not saved, so nothing can be fetched.
    NotSaved,
    /// The stream broke before the server had told which chat it is.
    UnknownChat,
    /// The chat had not ended in time; it was left running.
    Late(Duration),
    /// The chat or its messages could not be read.
    Fetch(Box<Error>),
    /// The chat is over, but no message of it is saved.
    Empty,
    /// What is saved is another text than what had arrived, so the one does not go on where the
    /// other broke off. This is what is saved; what had arrived is [`Error::partial`].
    Differs(Box<Reply>),
    /// Of a chat that went on with tool outputs: it cannot be told which of its messages belong to
    /// this part of it. This is all that is saved.
    Mixed(Box<Reply>),
    /// The text is recovered and came before this error; speech is not saved and is lost.
    Speech,
}

impl fmt::Display for Unrecovered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Off => f.write_str("recovery is off"),
            Self::NotSaved => f.write_str("the history of the chat is not saved"),
            Self::UnknownChat => f.write_str("the server had not told the id of the chat"),
            Self::Late(time) => {
                write!(
                    f,
                    "the chat had not ended within {time:?}; it was left running"
                )
            }
            Self::Fetch(error) => write!(f, "{}", OneLine(&error.to_string())),
            Self::Empty => f.write_str("the chat is over, but no message of it is saved"),
            Self::Differs(_) => f.write_str("the saved answer is not the one that had begun"),
            Self::Mixed(_) => {
                f.write_str("it cannot be told which messages followed the tool outputs")
            }
            Self::Speech => f.write_str("the text is whole, but speech is not saved"),
        }
    }
}

/// What must be known of a call to recover its stream.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    pub(crate) recover: Recover,
    /// The history of the chat is saved.
    pub(crate) saved: bool,
    /// The question was spoken, so the answer is spoken too.
    pub(crate) speech: bool,
    /// The stream goes on with a chat that had said something before.
    pub(crate) resumed: Option<Resumed>,
}

impl Plan {
    pub(crate) fn new(recover: Recover) -> Self {
        Self {
            recover,
            saved: true,
            ..Self::default()
        }
    }

    pub(crate) fn of_chat(recover: Recover, body: &StartChatBody) -> Self {
        let mut messages = body.additional_messages.iter().flatten();
        Self {
            saved: body.auto_save_history != Some(false),
            speech: messages.any(|it| {
                it.content_type == Some(ContentType::ObjectString)
                    && it.content.contains("\"audio\"")
            }),
            ..Self::new(recover)
        }
    }

    pub(crate) fn of_outputs(recover: Recover, row: &SubmitToolOutputs, known: Vec<Id>) -> Self {
        Self {
            saved: row.body.auto_save_history != Some(false),
            resumed: Some(Resumed {
                outputs: row.body.tool_outputs.clone(),
                known,
            }),
            ..Self::new(recover)
        }
    }
}

/// A chat that goes on with the outputs of tools.
#[derive(Debug)]
pub(crate) struct Resumed {
    outputs: Vec<ToolOutput>,
    /// Messages that it had produced before.
    known: Vec<Id>,
}

impl Resumed {
    /// The chat still waits for these outputs: the server has not looked at them yet.
    fn is_waiting(&self, chat: &Chat) -> bool {
        let mut pending = chat.pending().iter().map(|call| &call.id);
        let ours = |id: &String| self.outputs.iter().any(|it| it.tool_call_id == *id);
        !chat.pending().is_empty() && pending.all(ours)
    }

    /// Where the part of the chat begins that this stream has told; `None` when that cannot be
    /// told.
    pub(crate) fn begin(
        &self,
        received: impl Iterator<Item = Id>,
        saved: &[Message],
    ) -> Option<usize> {
        let position = |id: &Id| saved.iter().position(|it| it.id == *id && !id.is_empty());
        let first = received.filter_map(|id| position(&id)).min();
        let known = || {
            let last = self.known.iter().filter_map(position).max()?;
            Some(last + 1)
        };
        // The server keeps the outputs as messages. The last that are alike are the ones: the
        // same output may have been given before.
        let outputs = || {
            let places = self.outputs.iter().map(|output| {
                let alike = |it: &Message| says(it, &output.output);
                saved.iter().rposition(alike)
            });
            places.flatten().min()
        };
        first.or_else(known).or_else(outputs)
    }
}

/// True when a message tells the output of a tool.
fn says(message: &Message, output: &str) -> bool {
    use coze_types::messages::MessageType::{ToolOutput, ToolResponse};
    let content = &message.content;
    matches!(message.kind, ToolOutput | ToolResponse)
        && (content == output
            || serde_json::from_str::<ToolResponseContent>(content)
                .is_ok_and(|it| it.response_for_model == output))
}

/// The future of a chat that is over, with its messages.
pub(crate) type Fetch = BoxFuture<'static, Result<Reply, Unrecovered>>;

/// Begins to wait for a chat.
///
/// `until` is when the whole call must be done.
pub(crate) fn fetch(
    coze: Coze,
    query: ChatQuery,
    options: PollOptions,
    until: Option<Deadline>,
    resumed: Option<&Resumed>,
) -> Fetch {
    let until = Deadline::after(options.deadline).or_earlier(until);
    let resumed = resumed.map(|it| Resumed {
        outputs: it.outputs.clone(),
        known: Vec::new(),
    });
    Box::pin(async move {
        let over = |chat: &Chat| {
            let waits = resumed.as_ref().is_some_and(|it| it.is_waiting(chat));
            chat.status.is_terminal() && !waits
        };
        let outcome = coze.outcome(&query, None, None, Beat::new(options).patient(), over);
        match timeout_at(until.at, outcome).await {
            Ok(Ok(reply)) => Ok(reply),
            Ok(Err(Error::Timeout(_))) | Err(_) => Err(Unrecovered::Late(until.after)),
            Ok(Err(error)) => Err(Unrecovered::Fetch(Box::new(error))),
        }
    })
}
