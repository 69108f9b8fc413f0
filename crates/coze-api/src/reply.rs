//! What an agent answered, put together.

use std::borrow::Cow;

use coze_types::Id;
use coze_types::chat::{Chat, ChatStatus, ToolCall, Usage};
use coze_types::chat_event::{ChatEvent, ChatFailure};
use coze_types::messages::{Message, MessageType, Role};

use crate::recover::Recovery;

/// What a chat produced: the chat itself and its messages.
///
/// Speech is not part of it; it comes as [`ChatEvent::AudioDelta`] in a stream.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Reply {
    pub(crate) chat: Chat,
    pub(crate) messages: Vec<Message>,
    pub(crate) log_id: Option<String>,
    pub(crate) debug_url: Option<String>,
    pub(crate) recovery: Option<Box<Recovery>>,
}

/// True for what the agent says to the user. Servers of the skill dialect leave the type out.
pub(crate) fn is_answer(message: &Message) -> bool {
    match message.kind {
        MessageType::Answer => true,
        MessageType::Unset => message.role == Role::Assistant,
        _ => false,
    }
}

impl Reply {
    /// The answers, joined by line ends; nearly always there is one.
    #[must_use]
    pub fn text(&self) -> Cow<'_, str> {
        let mut answers = self.answers();
        let first = answers.next().unwrap_or_default();
        match answers.next() {
            None => first.into(),
            Some(second) => {
                let mut text = format!("{first}\n{second}");
                for answer in answers {
                    text.push('\n');
                    text.push_str(answer);
                }
                text.into()
            }
        }
    }

    /// The answers, in the order in which they began.
    pub fn answers(&self) -> impl Iterator<Item = &str> {
        let answers = self.messages.iter().filter(|it| is_answer(it));
        answers.map(|it| it.content.as_str())
    }

    /// What the user might ask next.
    pub fn follow_ups(&self) -> impl Iterator<Item = &str> {
        self.of(&MessageType::FollowUp)
    }

    fn of(&self, kind: &MessageType) -> impl Iterator<Item = &str> {
        let messages = self.messages.iter().filter(move |it| it.kind == *kind);
        messages.map(|it| it.content.as_str())
    }

    /// The chain of thought, if the model shows it.
    #[must_use]
    pub fn reasoning(&self) -> String {
        let parts = self.messages.iter();
        parts
            .filter_map(|it| it.reasoning_content.as_deref())
            .collect()
    }

    /// The calls whose outputs the agent waits for: carry them out and answer with
    /// [`Coze::submit_tool_outputs`](crate::Coze::submit_tool_outputs).
    #[must_use]
    pub fn tool_calls(&self) -> &[ToolCall] {
        self.chat.pending()
    }

    /// Tokens, once the server has told them.
    #[must_use]
    pub fn usage(&self) -> Option<Usage> {
        self.chat.usage
    }

    /// Everything that was said, tool calls and notes included; not the user's question.
    #[must_use]
    pub fn messages(&self) -> &[Message] {
        &self.messages
    }

    /// The messages alone.
    #[must_use]
    pub fn into_messages(self) -> Vec<Message> {
        self.messages
    }

    /// The chat as it was last seen.
    #[must_use]
    pub fn chat(&self) -> &Chat {
        &self.chat
    }

    /// The conversation: give it to the next [`chat`](crate::Coze::chat) to go on.
    #[must_use]
    pub fn conversation_id(&self) -> &Id {
        &self.chat.conversation_id
    }

    /// The chat's id.
    #[must_use]
    pub fn chat_id(&self) -> &Id {
        &self.chat.id
    }

    /// How the chat stands: `completed`, or `requires_action` when it waits for tool outputs.
    #[must_use]
    pub fn status(&self) -> &ChatStatus {
        &self.chat.status
    }

    /// True when the agent waits for tool outputs.
    #[must_use]
    pub fn requires_action(&self) -> bool {
        self.chat.status == ChatStatus::RequiresAction
    }

    /// The log id of the call that produced it.
    #[must_use]
    pub fn log_id(&self) -> Option<&str> {
        self.log_id.as_deref()
    }

    /// What was recovered, when the stream broke and what was missing was fetched.
    #[must_use]
    pub fn recovery(&self) -> Option<&Recovery> {
        self.recovery.as_deref()
    }

    /// The page that shows the run of a chatflow; valid for 7 days.
    #[must_use]
    pub fn debug_url(&self) -> Option<&str> {
        self.debug_url.as_deref()
    }
}

/// Puts a reply together from the events of a stream.
#[derive(Debug, Default)]
pub(crate) struct Assembly {
    pub(crate) reply: Reply,
    /// For each message of the reply: whether it is whole.
    whole: Vec<bool>,
    /// The last completed answer held this text, which no delta had brought.
    pub(crate) unsaid: Option<String>,
}

impl Assembly {
    /// Takes an event in. A completed message wins over its deltas; deltas stay when no completed
    /// message comes.
    pub(crate) fn push(&mut self, event: &ChatEvent) {
        match event {
            ChatEvent::Delta(message) => self.delta(message),
            ChatEvent::MessageCompleted(message) => self.completed(message),
            ChatEvent::Created(chat) | ChatEvent::InProgress(chat) => self.chat(chat),
            ChatEvent::Completed(chat) => self.ended(chat, ChatStatus::Completed),
            ChatEvent::RequiresAction(chat) => self.ended(chat, ChatStatus::RequiresAction),
            ChatEvent::Canceled(chat) => self.ended(chat, ChatStatus::Canceled),
            ChatEvent::Failed(failure) => {
                match failure.as_ref() {
                    ChatFailure::Chat(chat) => self.chat(chat),
                    ChatFailure::Error(_) => self.reply.chat.last_error = Some(failure.error()),
                }
                // `expired`, say, tells more than `failed`.
                let status = &mut self.reply.chat.status;
                if !status.is_failure() {
                    *status = ChatStatus::Failed;
                }
            }
            ChatEvent::Done(done) => {
                self.reply.debug_url.clone_from(&done.debug_url);
                // Servers of the skill dialect tell nothing but that it is done.
                let status = &mut self.reply.chat.status;
                if !status.is_terminal() {
                    *status = ChatStatus::Completed;
                }
            }
            ChatEvent::Error(error) => self.reply.debug_url.clone_from(&error.debug_url),
            ChatEvent::AudioDelta(_) | ChatEvent::Unknown { .. } => {}
        }
    }

    /// The messages so far, and whether each is whole.
    pub(crate) fn received(&self) -> impl Iterator<Item = (&Message, bool)> {
        let whole = self.whole.iter().copied();
        self.reply.messages.iter().zip(whole)
    }

    fn chat(&mut self, chat: &Chat) {
        self.reply.chat = chat.clone();
    }

    /// The event's name says how the chat stands, whatever the chat in it says.
    fn ended(&mut self, chat: &Chat, status: ChatStatus) {
        self.chat(chat);
        self.reply.chat.status = status;
    }

    fn delta(&mut self, message: &Message) {
        self.note_ids(message);
        match self.open_message(message) {
            Some(at) => {
                let Some(known) = self.reply.messages.get_mut(at) else {
                    return;
                };
                known.content.push_str(&message.content);
                if let Some(more) = &message.reasoning_content {
                    known
                        .reasoning_content
                        .get_or_insert_default()
                        .push_str(more);
                }
            }
            None => self.add(message.clone(), false),
        }
    }

    fn completed(&mut self, message: &Message) {
        self.note_ids(message);
        self.unsaid = None;
        let answer = is_answer(message);
        let Some(at) = self.open_message(message) else {
            if answer && !message.content.is_empty() {
                self.unsaid = Some(message.content.clone());
            }
            self.add(message.clone(), true);
            return;
        };
        let (Some(known), Some(whole)) = (self.reply.messages.get_mut(at), self.whole.get_mut(at))
        else {
            return;
        };
        *whole = true;
        if answer && let Some(rest) = message.content.strip_prefix(known.content.as_str()) {
            self.unsaid = Some(rest.to_owned()).filter(|rest| !rest.is_empty());
        }
        let said = std::mem::replace(known, message.clone());
        // A bare end mark must not wipe out what was said.
        if known.content.is_empty() {
            known.content = said.content;
        }
        if known.reasoning_content.is_none() {
            known.reasoning_content = said.reasoning_content;
        }
        if known.kind == MessageType::Unset {
            known.kind = said.kind;
        }
    }

    /// The message that a delta or a completion belongs to: the same id, not whole yet. Servers of
    /// the skill dialect send no ids; there the kind decides.
    fn open_message(&self, message: &Message) -> Option<usize> {
        let alike = |known: &Message| {
            known.id == message.id
                && (!known.id.is_empty()
                    || known.kind == message.kind
                    || (is_answer(known) && is_answer(message)))
        };
        // Nearly always it is the last one.
        if let (Some(last), Some(false)) = (self.reply.messages.last(), self.whole.last())
            && last.id == message.id
            && !last.id.is_empty()
        {
            return Some(self.reply.messages.len() - 1);
        }
        let mut known = self.reply.messages.iter().zip(&self.whole);
        known.rposition(|(known, whole)| !whole && alike(known))
    }

    fn add(&mut self, message: Message, whole: bool) {
        // The same message told twice is one message.
        let twice = whole && !message.id.is_empty() && self.reply.messages.contains(&message);
        if !twice {
            self.reply.messages.push(message);
            self.whole.push(whole);
        }
    }

    /// Streams that a proxy has cut at their beginning still name the chat in each message.
    fn note_ids(&mut self, message: &Message) {
        let chat = &mut self.reply.chat;
        if chat.id.is_empty() {
            if let Some(id) = &message.chat_id {
                chat.id = id.clone();
            }
            if let Some(id) = &message.conversation_id {
                chat.conversation_id = id.clone();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(id: &str, kind: &str, content: &str) -> Box<Message> {
        Box::new(Message {
            id: id.into(),
            kind: kind.into(),
            content: content.into(),
            role: Role::Assistant,
            ..Default::default()
        })
    }

    fn assemble(events: &[ChatEvent]) -> Reply {
        let mut assembly = Assembly::default();
        for event in events {
            assembly.push(event);
        }
        assembly.reply
    }

    #[test]
    fn completed_wins_over_deltas_and_deltas_stay_without_it() {
        use ChatEvent::{Delta, MessageCompleted};
        let reply = assemble(&[
            Delta(message("1", "answer", "a")),
            Delta(message("2", "answer", "x")),
            Delta(message("1", "answer", "b")),
            MessageCompleted(message("1", "answer", "ab!")),
            MessageCompleted(message("3", "follow_up", "why?")),
            MessageCompleted(message("3", "follow_up", "why?")),
            Delta(message("2", "answer", "y")),
        ]);
        assert_eq!(reply.answers().collect::<Vec<_>>(), ["ab!", "xy"]);
        assert_eq!(reply.follow_ups().collect::<Vec<_>>(), ["why?"]);
        assert_eq!(reply.text(), "ab!\nxy");
    }

    #[test]
    fn messages_without_ids_are_put_together_too() {
        use ChatEvent::{Delta, MessageCompleted};
        let reply = assemble(&[
            Delta(message("", "", "你")),
            Delta(message("", "", "好")),
            MessageCompleted(message("", "answer", "")),
            MessageCompleted(message("", "follow_up", "a?")),
            MessageCompleted(message("", "follow_up", "b?")),
        ]);
        assert_eq!(reply.text(), "你好");
        assert_eq!(reply.follow_ups().collect::<Vec<_>>(), ["a?", "b?"]);
    }

    #[test]
    fn reasoning_of_the_deltas_is_kept() {
        let mut thought = message("1", "answer", "");
        thought.reasoning_content = Some("hm".into());
        let reply = assemble(&[
            ChatEvent::Delta(thought),
            ChatEvent::Delta(message("1", "answer", "42")),
            ChatEvent::MessageCompleted(message("1", "answer", "42")),
        ]);
        assert_eq!(
            (reply.text().as_ref(), reply.reasoning().as_str()),
            ("42", "hm")
        );
    }

    #[test]
    fn what_no_delta_brought_is_told_apart() {
        let mut assembly = Assembly::default();
        assembly.push(&ChatEvent::Delta(message("1", "answer", "a")));
        assembly.push(&ChatEvent::MessageCompleted(message("1", "answer", "ab")));
        assert_eq!(assembly.unsaid.as_deref(), Some("b"));
        assembly.push(&ChatEvent::MessageCompleted(message("2", "answer", "c")));
        assert_eq!(assembly.unsaid.as_deref(), Some("c"));
        assembly.push(&ChatEvent::MessageCompleted(message("3", "verbose", "{}")));
        assert_eq!(assembly.unsaid, None);
    }
}
