//! Frames as they are written.

use serde::Serialize;

/// How an endpoint writes its events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// `event:NAME`, `data:JSON`: `/v3/chat` and its tool outputs.
    Compact,
    /// `event: NAME`, `data: JSON`: `/v1/workflows/chat`.
    Spaced,
    /// `id: N`, `event: NAME`, `data: JSON`: workflow runs.
    Numbered,
    /// `data:{"event":NAME,"data":JSON}`: the dialect of the coze-api skill document.
    Wrapped,
}

impl Framing {
    /// Appends one frame. `number` is written by [`Framing::Numbered`] only.
    ///
    /// # Errors
    /// Those of the serialisation of `data`; the types of this crate have none.
    pub fn write<T: Serialize + ?Sized>(
        self,
        out: &mut Vec<u8>,
        number: u64,
        event: &str,
        data: &T,
    ) -> Result<(), serde_json::Error> {
        match self {
            Self::Compact => {
                out.extend_from_slice(b"event:");
                out.extend_from_slice(event.as_bytes());
                out.extend_from_slice(b"\ndata:");
                write_json(out, data)?;
            }
            Self::Spaced | Self::Numbered => {
                if self == Self::Numbered {
                    out.extend_from_slice(b"id: ");
                    out.extend_from_slice(number.to_string().as_bytes());
                    out.push(b'\n');
                }
                out.extend_from_slice(b"event: ");
                out.extend_from_slice(event.as_bytes());
                out.extend_from_slice(b"\ndata: ");
                write_json(out, data)?;
            }
            Self::Wrapped => {
                out.extend_from_slice(b"data:{\"event\":");
                write_json(out, event)?;
                out.extend_from_slice(b",\"data\":");
                write_json(out, data)?;
                out.push(b'}');
            }
        }
        out.extend_from_slice(b"\n\n");
        Ok(())
    }
}

/// Writes JSON without the three characters that JSON allows as they are but that the HTTP library
/// under the official Python SDK takes for line ends.
pub(super) fn write_json<T: Serialize + ?Sized>(
    out: &mut Vec<u8>,
    data: &T,
) -> Result<(), serde_json::Error> {
    struct OneLine;
    impl serde_json::ser::Formatter for OneLine {
        fn write_string_fragment<W: ?Sized + std::io::Write>(
            &mut self,
            out: &mut W,
            fragment: &str,
        ) -> std::io::Result<()> {
            // The bytes that begin them are rare in any text, and memchr is fast.
            let mut rest = fragment;
            let mut from = 0;
            while let Some(at) = rest
                .get(from..)
                .and_then(|it| memchr::memchr2(0xc2, 0xe2, it.as_bytes()))
                .map(|at| from + at)
            {
                let (before, tail) = rest.split_at(at);
                let escape = match tail.as_bytes() {
                    [0xc2, 0x85, ..] => Some(("\\u0085", 2)),
                    [0xe2, 0x80, 0xa8, ..] => Some(("\\u2028", 3)),
                    [0xe2, 0x80, 0xa9, ..] => Some(("\\u2029", 3)),
                    _ => None,
                };
                match escape {
                    Some((text, length)) => {
                        out.write_all(before.as_bytes())?;
                        out.write_all(text.as_bytes())?;
                        rest = tail.get(length..).unwrap_or_default();
                        from = 0;
                    }
                    // Past this character, which is two or three bytes long.
                    None => from = at + tail.chars().next().map_or(1, char::len_utf8),
                }
            }
            out.write_all(rest.as_bytes())
        }
    }
    data.serialize(&mut serde_json::Serializer::with_formatter(out, OneLine))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_written_as_the_official_readers_need_them() {
        fn check(framing: Framing, expected: &str) {
            let mut out = Vec::new();
            framing
                .write(&mut out, 3, "Done", &serde_json::json!({"a": "你\n"}))
                .unwrap();
            assert_eq!(String::from_utf8(out).unwrap(), expected);
        }
        check(Framing::Compact, "event:Done\ndata:{\"a\":\"你\\n\"}\n\n");
        check(Framing::Spaced, "event: Done\ndata: {\"a\":\"你\\n\"}\n\n");
        check(
            Framing::Numbered,
            "id: 3\nevent: Done\ndata: {\"a\":\"你\\n\"}\n\n",
        );
        check(
            Framing::Wrapped,
            "data:{\"event\":\"Done\",\"data\":{\"a\":\"你\\n\"}}\n\n",
        );
    }

    #[test]
    fn what_python_takes_for_line_ends_is_escaped() {
        let mut out = Vec::new();
        let text = "a\u{2028}é\u{2029}—\u{85}你\u{2027}";
        Framing::Compact.write(&mut out, 0, "e", text).unwrap();
        let out = String::from_utf8(out).unwrap();
        assert_eq!(
            out,
            "event:e\ndata:\"a\\u2028é\\u2029—\\u0085你\u{2027}\"\n\n"
        );
    }
}
