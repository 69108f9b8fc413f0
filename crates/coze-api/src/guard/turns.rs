//! The turns of one client, by conversation.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::future::poll_fn;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};

use coze_types::Id;

use crate::client::Coze;

/// Who talks, and who waits, in the conversations of a client. A conversation is in here only
/// while there is someone.
#[derive(Default)]
pub(crate) struct Turns(Mutex<Book>);

#[derive(Default)]
struct Book {
    tickets: u64,
    rooms: HashMap<Id, Room>,
}

#[derive(Default)]
struct Room {
    /// Ticket and, once that is known, chat. Usually one; turns that fail rather than wait may
    /// come at any time.
    talking: Vec<(u64, Option<Id>)>,
    /// In the order of their tickets.
    waiting: BTreeMap<u64, Waiter>,
}

struct Waiter {
    /// It wants to know of the chats in its way also while others stand before it.
    cancels: bool,
    waker: Option<Waker>,
}

impl Room {
    fn chat(&self) -> Option<&Id> {
        self.talking.iter().find_map(|it| it.1.as_ref())
    }
}

/// What a waiting turn is to do.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// The conversation is its own.
    Go,
    /// Cancel this chat, and ask again.
    Cancel(Id),
}

impl Turns {
    pub(super) fn count(&self) -> usize {
        let book = self.lock();
        let rooms = book.rooms.values();
        rooms.map(|it| it.talking.len() + it.waiting.len()).sum()
    }

    /// The chat of this client that runs in a conversation.
    pub(super) fn talking(&self, conversation: &Id) -> Option<Id> {
        self.lock().rooms.get(conversation)?.chat().cloned()
    }

    /// A chat is known to be over.
    pub(super) fn forget(&self, conversation: &Id, chat: &Id) {
        self.change(conversation, |room| {
            room.talking.retain(|it| it.1.as_ref() != Some(chat));
        });
    }

    fn lock(&self) -> MutexGuard<'_, Book> {
        // Nothing in here panics half-way.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes a conversation that is in here, and wakes whom that concerns.
    fn change(&self, conversation: &Id, change: impl FnOnce(&mut Room)) {
        let mut book = self.lock();
        let Some(room) = book.rooms.get_mut(conversation) else {
            return;
        };
        change(room);
        let waiting = room.waiting.values_mut().enumerate();
        let concerned = waiting.filter(|(at, it)| *at == 0 || it.cancels);
        let wakers: Vec<_> = concerned.filter_map(|(_, it)| it.waker.take()).collect();
        if room.talking.is_empty() && room.waiting.is_empty() {
            book.rooms.remove(conversation);
        }
        drop(book);
        for waker in wakers {
            waker.wake();
        }
    }

    fn ticket(&self, conversation: &Id, join: impl FnOnce(&mut Room, u64)) -> u64 {
        let mut book = self.lock();
        let ticket = book.tickets;
        book.tickets += 1;
        join(book.rooms.entry(conversation.clone()).or_default(), ticket);
        ticket
    }
}

/// A turn, while it waits for its conversation and while it talks in it. Dropping it lets the next
/// one in.
pub(crate) struct Turn {
    coze: Coze,
    /// `None` while its conversation is not known, and when it is over.
    place: Option<(Id, u64)>,
}

impl fmt::Debug for Turn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let conversation = self.place.as_ref().map(|it| &it.0);
        f.debug_tuple("Turn").field(&conversation).finish()
    }
}

impl Turn {
    /// A turn that waits for nobody.
    pub(crate) fn new(coze: Coze) -> Self {
        Self { coze, place: None }
    }

    /// A turn that begins at the end of the queue.
    pub(super) fn queue(coze: Coze, conversation: &Id, cancels: bool) -> Self {
        let ticket = coze.inner.turns.ticket(conversation, |room, ticket| {
            let waker = None;
            room.waiting.insert(ticket, Waiter { cancels, waker });
        });
        let place = Some((conversation.clone(), ticket));
        Self { coze, place }
    }

    pub(crate) fn coze(&self) -> &Coze {
        &self.coze
    }

    /// The turn itself, leaving one behind that stands for nothing.
    pub(crate) fn take(&mut self) -> Self {
        Self {
            coze: self.coze.clone(),
            place: self.place.take(),
        }
    }

    /// Waits until the conversation is its own, or until there is a chat to cancel.
    pub(super) async fn next(&self) -> Next {
        poll_fn(|cx| self.poll_next(cx.waker())).await
    }

    fn poll_next(&self, waker: &Waker) -> Poll<Next> {
        let Some((conversation, ticket)) = &self.place else {
            return Poll::Ready(Next::Go);
        };
        let mut book = self.coze.inner.turns.lock();
        let Some(room) = book.rooms.get_mut(conversation) else {
            return Poll::Ready(Next::Go);
        };
        let first = room.waiting.first_key_value();
        let is_first = first.is_some_and(|it| it.0 == ticket);
        if is_first && room.talking.is_empty() {
            room.waiting.remove(ticket);
            room.talking.push((*ticket, None));
            return Poll::Ready(Next::Go);
        }
        let chat = room.chat().cloned();
        match (room.waiting.get_mut(ticket), chat) {
            (Some(Waiter { cancels: true, .. }), Some(chat)) => Poll::Ready(Next::Cancel(chat)),
            (Some(waiter), _) => {
                waiter.waker = Some(waker.clone());
                Poll::Pending
            }
            (None, _) => Poll::Ready(Next::Go),
        }
    }

    /// Its chat is known, and with it the conversation, which need not be the one asked for.
    pub(crate) fn talks(&mut self, conversation: &Id, chat: &Id) {
        let turns = &self.coze.inner.turns;
        match &self.place {
            Some((place, ticket)) if place == conversation => {
                turns.change(conversation, |room| {
                    let mut talking = room.talking.iter_mut();
                    if let Some(it) = talking.find(|it| it.0 == *ticket) {
                        it.1 = Some(chat.clone());
                    }
                });
            }
            _ => {
                self.leave();
                let ticket = self.coze.inner.turns.ticket(conversation, |room, ticket| {
                    room.talking.push((ticket, Some(chat.clone())));
                });
                self.place = Some((conversation.clone(), ticket));
            }
        }
    }

    /// It is over.
    pub(crate) fn leave(&mut self) {
        if let Some((conversation, ticket)) = self.place.take() {
            self.coze.inner.turns.change(&conversation, |room| {
                room.waiting.remove(&ticket);
                room.talking.retain(|it| it.0 != ticket);
            });
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.leave();
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    fn coze() -> Coze {
        let builder = Coze::builder().token("pat_test").base_url("http://x");
        builder.build().unwrap()
    }

    fn next(turn: &Turn) -> Option<Next> {
        turn.next().now_or_never()
    }

    #[test]
    fn one_talks_and_the_others_wait_in_order() {
        let (coze, room) = (coze(), Id::from("1"));
        let queue = || Turn::queue(coze.clone(), &room, false);
        let (first, second, third) = (queue(), queue(), queue());
        assert_eq!(next(&second), None, "the first came before");
        assert_eq!(next(&first), Some(Next::Go));
        assert_eq!((next(&second), next(&third)), (None, None));
        assert_eq!(
            next(&Turn::queue(coze.clone(), &"2".into(), false)),
            Some(Next::Go)
        );
        drop(second);
        assert_eq!(next(&third), None);
        drop(first);
        assert_eq!(next(&third), Some(Next::Go));
        assert_eq!(coze.open_turns(), 1);
        drop(third);
        assert!(coze.inner.turns.lock().rooms.is_empty());
    }

    #[test]
    fn who_cancels_learns_of_every_chat_in_its_way() {
        let (coze, room) = (coze(), Id::from("1"));
        let mut talks = Turn::new(coze.clone());
        let waits = Turn::queue(coze.clone(), &room, false);
        assert_eq!(next(&waits), Some(Next::Go));
        let cancels = Turn::queue(coze.clone(), &room, true);
        assert_eq!(next(&cancels), None, "no chat is known yet");
        talks.talks(&room, &"7".into());
        assert_eq!(next(&cancels), Some(Next::Cancel("7".into())));
        coze.inner.turns.forget(&room, &"7".into());
        assert_eq!(next(&cancels), None);
        drop(waits);
        assert_eq!(next(&cancels), Some(Next::Go));
        // Leaving after it was forgotten takes nothing from others.
        drop(talks);
        assert_eq!(coze.open_turns(), 1);
        drop(cancels);
        assert!(coze.inner.turns.lock().rooms.is_empty());
    }

    #[test]
    fn the_conversation_may_be_another_than_asked_for() {
        let coze = coze();
        let mut turn = Turn::queue(coze.clone(), &"1".into(), false);
        assert_eq!(next(&turn), Some(Next::Go));
        turn.talks(&"2".into(), &"7".into());
        assert_eq!(coze.inner.turns.talking(&"1".into()), None);
        assert_eq!(coze.inner.turns.talking(&"2".into()), Some("7".into()));
        let taken = turn.take();
        drop(turn);
        assert_eq!(coze.open_turns(), 1);
        drop(taken);
        assert!(coze.inner.turns.lock().rooms.is_empty());
    }
}
