//! The difference between what a stream told and what is saved of its chat, as events.

use coze_types::ChatEvent;
use coze_types::messages::{Message, MessageType, Role};

use crate::reply::is_answer;

/// Puts saved messages into the order in which a stream would have told them.
pub(crate) fn told(mut saved: Vec<Message>) -> Vec<Message> {
    saved.retain(|it| it.role != Role::User && it.kind != MessageType::Question);
    // The reference does not say in which order they are listed.
    if let (Some(first), Some(last)) = (saved.first(), saved.last()) {
        let newest_first = match (first.created_at, last.created_at) {
            (Some(first), Some(last)) if first != last => first > last,
            _ => follows(first) && !follows(last),
        };
        if newest_first {
            saved.reverse();
        }
    }
    let mut told: Vec<Message> = Vec::with_capacity(saved.len());
    for message in saved {
        let twice = |it: &Message| it.id == message.id && it.content == message.content;
        if message.id.is_empty() || !told.iter().any(twice) {
            told.push(message);
        }
    }
    told
}

/// True for what comes after all answers.
fn follows(message: &Message) -> bool {
    message.kind == MessageType::FollowUp
}

/// The events that a stream had not told yet when it broke; `None` when what is saved is another
/// text than what it had told.
///
/// `received` are the messages that it told, and whether each was told to its end.
pub(crate) fn missing<'a>(
    received: impl Iterator<Item = (&'a Message, bool)>,
    saved: Vec<Message>,
) -> Option<Vec<ChatEvent>> {
    let mut owners: Vec<Option<(&Message, bool)>> = vec![None; saved.len()];
    let mut homeless = Vec::new();
    for (message, whole) in received {
        let same = |saved: &Message| saved.id == message.id && !message.id.is_empty();
        match place(&saved, &owners, same) {
            Some(owner) => *owners.get_mut(owner)? = Some((message, whole)),
            None => homeless.push((message, whole)),
        }
    }
    // Not every server saves a message under the id that it had in the stream.
    for (message, whole) in homeless {
        let alike = |saved: &Message| {
            if whole {
                saved.kind == message.kind && saved.content == message.content
            } else {
                is_answer(saved) == is_answer(message) && rest(message, saved).is_some()
            }
        };
        match place(&saved, &owners, alike) {
            Some(owner) => *owners.get_mut(owner)? = Some((message, whole)),
            // It was told to its end, whatever is saved.
            None if whole => {}
            None if message.content.is_empty() && thoughts(message).is_empty() => {}
            None => return None,
        }
    }
    let mut events = Vec::new();
    for (mut message, owner) in saved.into_iter().zip(owners) {
        match owner {
            Some((_, true)) => continue,
            Some((begun, false)) => {
                let (thought, text) = rest(begun, &message)?;
                let (thought, text) = (thought.to_owned(), text.to_owned());
                message.id = begun.id.clone();
                deltas(&message, thought, text, &mut events);
            }
            None if is_answer(&message) => {
                let thought = thoughts(&message).to_owned();
                let text = message.content.clone();
                deltas(&message, thought, text, &mut events);
            }
            // Everything but an answer is told at once.
            None => {}
        }
        events.push(ChatEvent::MessageCompleted(Box::new(message)));
    }
    Some(events)
}

/// The first saved message that is of this kind and has no owner yet.
fn place(
    saved: &[Message],
    owners: &[Option<(&Message, bool)>],
    fits: impl Fn(&Message) -> bool,
) -> Option<usize> {
    let mut places = saved.iter().zip(owners);
    places.position(|(saved, owner)| owner.is_none() && fits(saved))
}

fn deltas(message: &Message, thought: String, text: String, events: &mut Vec<ChatEvent>) {
    let delta = |content, reasoning_content| {
        ChatEvent::Delta(Box::new(Message {
            content,
            reasoning_content,
            updated_at: None,
            ..message.clone()
        }))
    };
    if !thought.is_empty() {
        events.push(delta(String::new(), Some(thought)));
    }
    if !text.is_empty() {
        events.push(delta(text, None));
    }
}

pub(crate) fn thoughts(message: &Message) -> &str {
    message.reasoning_content.as_deref().unwrap_or_default()
}

/// The reasoning and the text that are saved beyond what had begun.
fn rest<'a>(begun: &Message, saved: &'a Message) -> Option<(&'a str, &'a str)> {
    let text = rest_of(&begun.content, &saved.content)?;
    let thought = match (thoughts(begun), thoughts(saved)) {
        // Not every server saves the reasoning, and one that did not stream it does not begin to
        // once the text has begun.
        (_, "") => "",
        ("", _) if !begun.content.is_empty() => "",
        (begun, saved) => rest_of(begun, saved)?,
    };
    Some((thought, text))
}

/// What is saved of a text beyond what had begun. Servers may trim what they save.
fn rest_of<'a>(begun: &str, saved: &'a str) -> Option<&'a str> {
    let trimmed = || saved.strip_prefix(begun.trim_start());
    let whole = || (begun.trim() == saved.trim()).then_some("");
    saved.strip_prefix(begun).or_else(trimmed).or_else(whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(id: &str, kind: &str, content: &str) -> Message {
        Message {
            id: id.into(),
            kind: kind.into(),
            content: content.into(),
            role: Role::Assistant,
            ..Message::default()
        }
    }

    fn thinking(thought: &str, mut message: Message) -> Message {
        message.reasoning_content = Some(thought.into());
        message
    }

    /// What is missing, one word for each event.
    fn check(received: &[(Message, bool)], saved: &[Message], expected: Option<&[&str]>) {
        let received = received.iter().map(|(message, whole)| (message, *whole));
        let events = missing(received, told(saved.to_vec()));
        let words: Option<Vec<_>> = events.map(|events| {
            let words = events.iter().map(|event| match event {
                ChatEvent::Delta(it) if it.content.is_empty() => {
                    format!("{}?{}", it.id, thoughts(it))
                }
                ChatEvent::Delta(it) => format!("{}+{}", it.id, it.content),
                ChatEvent::MessageCompleted(it) => format!("{}={}", it.id, it.content),
                other => other.name().to_owned(),
            });
            words.collect()
        });
        assert_eq!(words.as_deref().is_some(), expected.is_some(), "{words:?}");
        assert_eq!(words.unwrap_or_default(), expected.unwrap_or_default());
    }

    #[test]
    fn a_text_goes_on_where_it_broke_off() {
        for (begun, saved, expected) in [
            ("", "ab", Some("ab")),
            ("a", "ab", Some("b")),
            ("ab", "ab", Some("")),
            ("你", "你好", Some("好")),
            // Trimmed at the server.
            (" \n a", "ab", Some("b")),
            ("\n", "ab", Some("ab")),
            ("ab \n", "ab", Some("")),
            // Another text.
            ("abc", "ab", None),
            ("b", "ab", None),
            ("a", "", None),
        ] {
            assert_eq!(rest_of(begun, saved), expected, "{begun:?} of {saved:?}");
        }
    }

    #[test]
    fn each_message_is_told_once() {
        let saved = [
            message("1", "function_call", "{}"),
            message("2", "answer", "ab"),
            message("3", "answer", "cd"),
            message("4", "follow_up", "e?"),
        ];
        let all = ["1={}", "2+ab", "2=ab", "3+cd", "3=cd", "4=e?"];
        check(&[], &saved, Some(&all));
        let mut received = vec![
            (saved[0].clone(), true),
            (message("2", "answer", "a"), false),
        ];
        check(
            &received,
            &saved,
            Some(&["2+b", "2=ab", "3+cd", "3=cd", "4=e?"]),
        );
        received[1] = (saved[1].clone(), false);
        check(&received, &saved, Some(&["2=ab", "3+cd", "3=cd", "4=e?"]));
        received.push((message("3", "answer", "c"), false));
        check(&received, &saved, Some(&["2=ab", "3+d", "3=cd", "4=e?"]));
        let whole: Vec<_> = saved.iter().map(|it| (it.clone(), true)).collect();
        check(&whole, &saved, Some(&[]));
        // The newest first.
        let mut reversed = saved.to_vec();
        reversed.reverse();
        check(&[], &reversed, Some(&all));
    }

    #[test]
    fn reasoning_goes_on_too() {
        let saved = [thinking("hmm", message("1", "answer", "ab"))];
        let begun =
            |thought: &str, text: &str| [(thinking(thought, message("1", "answer", text)), false)];
        check(&[], &saved, Some(&["1?hmm", "1+ab", "1=ab"]));
        check(&begun("h", ""), &saved, Some(&["1?mm", "1+ab", "1=ab"]));
        check(&begun("hmm", "a"), &saved, Some(&["1+b", "1=ab"]));
        check(&begun("ah", ""), &saved, None);
        // The server that streams no reasoning does not begin to; the one that saves none has
        // none to give.
        check(&begun("", "a"), &saved, Some(&["1+b", "1=ab"]));
        check(
            &begun("hm", "a"),
            &[message("1", "answer", "ab")],
            Some(&["1+b", "1=ab"]),
        );
    }

    #[test]
    fn what_is_not_saved_is_an_error_only_while_it_is_not_whole() {
        let saved = [message("1", "answer", "ab"), message("9", "verbose", "{}")];
        let other = |whole, text| [(message("2", "answer", text), whole)];
        check(&other(true, "x"), &saved, Some(&["1+ab", "1=ab", "9={}"]));
        check(&other(false, "x"), &saved, None);
        // Under another id.
        check(&other(false, "a"), &saved, Some(&["2+b", "2=ab", "9={}"]));
        check(&other(true, "ab"), &saved, Some(&["9={}"]));
    }
}
