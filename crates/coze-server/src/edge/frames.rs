//! An answer, event by event, however its bytes arrive.

use axum::body::{Body, Bytes};
use bytes::BytesMut;
use futures_util::StreamExt;

/// The events of an event stream, each with the empty line that ends it; an answer of another kind
/// is one event.
pub(crate) struct Frames {
    body: futures_util::stream::BoxStream<'static, Result<Bytes, axum::Error>>,
    buffer: BytesMut,
    /// Up to here there is no end of an event.
    seen: usize,
    streamed: bool,
    ended: bool,
}

impl Frames {
    pub(crate) fn new(body: Body, streamed: bool) -> Self {
        Self {
            body: body.into_data_stream().boxed(),
            buffer: BytesMut::new(),
            seen: 0,
            streamed,
            ended: false,
        }
    }

    /// The next event; what is left at the end counts as one.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, axum::Error> {
        loop {
            if let Some(end) = self.end() {
                self.seen = 0;
                return Ok(Some(self.buffer.split_to(end).freeze()));
            }
            if self.ended {
                let rest = std::mem::take(&mut self.buffer);
                return Ok((!rest.is_empty()).then(|| rest.freeze()));
            }
            match self.body.next().await {
                Some(Ok(bytes)) => self.buffer.extend_from_slice(&bytes),
                Some(Err(error)) => return Err(error),
                None => self.ended = true,
            }
        }
    }

    fn end(&mut self) -> Option<usize> {
        if !self.streamed {
            return None;
        }
        // The end may begin with the last bytes that were looked at.
        let from = self.seen.saturating_sub(3);
        let found = ["\n\n", "\r\n\r\n", "\r\r"]
            .iter()
            .filter_map(|end| {
                let rest = self.buffer.get(from..)?;
                let at = rest
                    .windows(end.len())
                    .position(|it| it == end.as_bytes())?;
                Some(from + at + end.len())
            })
            .min();
        self.seen = self.buffer.len();
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn events(text: &str, size: usize, streamed: bool) -> Vec<String> {
        let chunks: Vec<_> = text
            .as_bytes()
            .chunks(size)
            .map(|it| Ok::<_, std::convert::Infallible>(Bytes::copy_from_slice(it)))
            .collect();
        let body = Body::from_stream(futures_util::stream::iter(chunks));
        let mut frames = Frames::new(body, streamed);
        let mut events = Vec::new();
        while let Some(event) = frames.next().await.unwrap() {
            events.push(String::from_utf8(event.to_vec()).unwrap());
        }
        events
    }

    #[tokio::test]
    async fn events_are_the_same_in_pieces_of_any_size() {
        let text = "event:a\ndata:1\n\nevent:b\r\ndata:2\r\n\r\ndata:3\r\rdata:4";
        for size in 1..text.len() {
            let events = events(text, size, true).await;
            assert_eq!(
                events,
                [
                    "event:a\ndata:1\n\n",
                    "event:b\r\ndata:2\r\n\r\n",
                    "data:3\r\r",
                    "data:4"
                ],
                "{size}"
            );
        }
        assert_eq!(events("{\n\n}", 1, false).await, ["{\n\n}"]);
        assert!(events("", 1, false).await.is_empty());
    }
}
