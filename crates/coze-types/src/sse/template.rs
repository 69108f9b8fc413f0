//! Frames that are alike but for one string.

use serde::Serialize;

use super::Framing;
use super::framing::write_json;

/// A frame with a place for one string, such as a delta with a place for its text: what all deltas
/// of an answer have in common is written once, and copied into each of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    head: Vec<u8>,
    tail: Vec<u8>,
}

impl Template {
    /// The frame of `data` with a place instead of the empty string under `key`.
    ///
    /// `None` when there is not exactly one such string, and for [`Framing::Numbered`], whose frames
    /// differ in their number too.
    ///
    /// # Errors
    /// Those of the serialisation of `data`; the types of this crate have none.
    pub fn new<T: Serialize + ?Sized>(
        framing: Framing,
        event: &str,
        data: &T,
        key: &str,
    ) -> Result<Option<Self>, serde_json::Error> {
        let mut frame = Vec::with_capacity(384);
        framing.write(&mut frame, 0, event, data)?;
        // A quote inside a string is escaped, so what is found is a key and its value.
        let place = format!("\"{key}\":\"\"");
        let mut places = memchr::memmem::find_iter(&frame, &place);
        let (Some(at), None) = (places.next(), places.next()) else {
            return Ok(None);
        };
        if framing == Framing::Numbered {
            return Ok(None);
        }
        let tail = frame.split_off(at + place.len());
        frame.truncate(frame.len() - "\"\"".len());
        Ok(Some(Self { head: frame, tail }))
    }

    /// Appends the frame with this text in its place.
    ///
    /// # Errors
    /// Those of writing JSON, which a string does not have.
    pub fn write(&self, out: &mut Vec<u8>, text: &str) -> Result<(), serde_json::Error> {
        // Two quotes, and a few characters that are escaped.
        out.reserve(self.head.len() + text.len() + self.tail.len() + 16);
        out.extend_from_slice(&self.head);
        write_json(out, text)?;
        out.extend_from_slice(&self.tail);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::messages::Message;

    fn delta(text: &str) -> Message {
        Message {
            id: "7".into(),
            conversation_id: Some("\"content\":\"\"".into()),
            reasoning_content: Some("\"content\":\"".into()),
            content: text.to_owned(),
            ..Message::default()
        }
    }

    #[test]
    fn a_filled_template_is_the_frame() {
        for framing in [Framing::Compact, Framing::Spaced, Framing::Wrapped] {
            let template = Template::new(framing, "delta", &delta(""), "content");
            let template = template.unwrap().unwrap();
            for text in [
                "",
                "你好",
                "a\"b\\c\n",
                "\u{2028}\u{85}",
                "\"content\":\"\"",
            ] {
                let (mut filled, mut written) = (Vec::new(), Vec::new());
                template.write(&mut filled, text).unwrap();
                framing
                    .write(&mut written, 0, "delta", &delta(text))
                    .unwrap();
                assert_eq!(filled, written, "{text}");
            }
        }
    }

    #[test]
    fn there_is_no_template_without_its_one_place() {
        fn check(framing: Framing, data: &serde_json::Value) {
            let template = Template::new(framing, "delta", data, "content");
            assert_eq!(template.unwrap(), None, "{data}");
        }
        check(Framing::Compact, &serde_json::json!({"content": "a"}));
        check(Framing::Compact, &serde_json::json!({"text": ""}));
        let twice = serde_json::json!({"content": "", "meta_data": {"content": ""}});
        check(Framing::Compact, &twice);
        check(Framing::Numbered, &serde_json::json!({"content": ""}));
    }

    proptest::proptest! {
        #[test]
        fn any_text_has_its_place(text: String) {
            let framing = Framing::Compact;
            let template = Template::new(framing, "delta", &delta(""), "content");
            let (mut filled, mut written) = (Vec::new(), Vec::new());
            template.unwrap().unwrap().write(&mut filled, &text).unwrap();
            framing.write(&mut written, 0, "delta", &delta(&text)).unwrap();
            proptest::prop_assert_eq!(filled, written);
        }
    }
}
