//! The messages of a chat while they are put together.

use coze_types::messages::{EnterMessage, ObjectStringItem};

/// The messages to send, in order.
#[derive(Debug, Clone, Default)]
pub(crate) struct Draft(Vec<Part>);

#[derive(Debug, Clone)]
enum Part {
    /// Given as it is.
    Done(EnterMessage),
    /// A question of the user, to which an image or a file can still be added.
    Open {
        text: Option<String>,
        items: Vec<ObjectStringItem>,
    },
}

impl Draft {
    /// A question. Images and files that stand before it without a text belong to it.
    pub(crate) fn question(&mut self, question: String) {
        if let Some(Part::Open { text, .. }) = self.0.last_mut()
            && text.is_none()
        {
            *text = Some(question);
            return;
        }
        self.0.push(Part::Open {
            text: Some(question),
            items: Vec::new(),
        });
    }

    /// An image or a file, for the question before it or else after it.
    pub(crate) fn item(&mut self, item: ObjectStringItem) {
        if let Some(Part::Open { items, .. }) = self.0.last_mut() {
            items.push(item);
            return;
        }
        self.0.push(Part::Open {
            text: None,
            items: vec![item],
        });
    }

    pub(crate) fn message(&mut self, message: EnterMessage) {
        self.0.push(Part::Done(message));
    }

    pub(crate) fn finish(&self) -> Vec<EnterMessage> {
        let finished = self.0.iter().map(|part| match part {
            Part::Done(message) => message.clone(),
            Part::Open { text, items } if items.is_empty() => {
                EnterMessage::user(text.clone().unwrap_or_default())
            }
            Part::Open { text, items } => {
                let text = text.as_deref().map(ObjectStringItem::text);
                let all: Vec<_> = text.into_iter().chain(items.iter().cloned()).collect();
                EnterMessage::user_objects(&all)
            }
        });
        finished.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_join_their_question() {
        let mut draft = Draft::default();
        draft.message(EnterMessage::assistant("hello"));
        draft.item(ObjectStringItem::image("1"));
        draft.question("what is it?".into());
        draft.item(ObjectStringItem::file("2"));
        draft.question("and now?".into());
        let contents: Vec<_> = draft.finish().into_iter().map(|it| it.content).collect();
        assert_eq!(
            contents,
            [
                "hello",
                r#"[{"type":"text","text":"what is it?"},{"type":"image","file_id":"1"},{"type":"file","file_id":"2"}]"#,
                "and now?",
            ]
        );
    }
}
