//! What a fault does to an answer on its way.

use std::collections::VecDeque;
use std::io;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::response::Response;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http_body::Body as _;
use tokio_util::sync::CancellationToken;

use super::fault::{Damage, Kind, Lost, Place};
use super::frames::Frames;
use super::wire::Wire;

/// What was given has to be on its way before the connection ends, or the end would swallow it.
const ON_ITS_WAY: Duration = Duration::from_millis(25);

/// The answer, damaged as the fault wants it.
pub(crate) fn apply(
    mut response: Response,
    damage: &[Damage],
    wire: Option<Wire>,
    stop: &CancellationToken,
) -> Response {
    let streamed = is_event_stream(&response);
    let changes_length = damage
        .iter()
        .any(|it| matches!(it.kind, Kind::Malformed | Kind::Duplicate | Kind::End));
    // Whoever is cut off can tell by the length that something is missing.
    if changes_length {
        response.headers_mut().remove(CONTENT_LENGTH);
    } else if let Some(length) = response.body().size_hint().exact()
        && !streamed
    {
        response.headers_mut().insert(CONTENT_LENGTH, length.into());
    }
    let (head, body) = response.into_parts();
    let state = Damaged {
        frames: Frames::new(body, streamed),
        todo: damage.to_vec(),
        given: 0,
        queue: VecDeque::new(),
        drip: None,
        end: None,
        wire,
        stop: stop.clone(),
    };
    let body = futures_util::stream::unfold(state, |mut state| async move {
        let next = state.next().await?;
        Some((next, state))
    });
    Response::from_parts(head, Body::from_stream(body))
}

/// Whether an answer is a stream of events.
pub(crate) fn is_event_stream(response: &Response) -> bool {
    let kind = response.headers().get(CONTENT_TYPE);
    kind.is_some_and(|it| it.as_bytes().starts_with(b"text/event-stream"))
}

struct Damaged {
    frames: Frames,
    todo: Vec<Damage>,
    /// Events that went through.
    given: u64,
    queue: VecDeque<Bytes>,
    drip: Option<(usize, Duration)>,
    end: Option<End>,
    wire: Option<Wire>,
    stop: CancellationToken,
}

/// How the connection ends.
#[derive(Debug, Clone, Copy)]
enum End {
    Cut,
    Reset,
}

impl Damaged {
    async fn next(&mut self) -> Option<io::Result<Bytes>> {
        loop {
            if let Some(bytes) = self.queue.pop_front() {
                return Some(Ok(self.piece(bytes).await));
            }
            if let Some(end) = self.end {
                return Some(Err(self.broken(end).await));
            }
            if let Some(kind) = self.take(|kind| !kind.needs_event()) {
                match kind {
                    Kind::Cut(_) => self.end = Some(End::Cut),
                    Kind::Reset(_) => self.end = Some(End::Reset),
                    Kind::End => return None,
                    Kind::Stall(pause) => {
                        if !self.wait(pause).await {
                            return Some(Err(io::ErrorKind::ConnectionAborted.into()));
                        }
                    }
                    Kind::Drip(bytes, pause) => self.drip = Some((bytes, pause)),
                    Kind::Malformed | Kind::Duplicate => {}
                }
                continue;
            }
            let event = match self.frames.next().await {
                Ok(Some(event)) => event,
                Ok(None) => return None,
                Err(error) => return Some(Err(io::Error::other(error))),
            };
            self.event(event);
        }
    }

    /// Takes what is to happen behind the events given so far.
    fn take(&mut self, wanted: impl Fn(Kind) -> bool) -> Option<Kind> {
        let due = |it: &Damage| it.after == self.given && wanted(it.kind);
        let at = self.todo.iter().position(due)?;
        Some(self.todo.remove(at).kind)
    }

    fn event(&mut self, event: Bytes) {
        match self.take(Kind::needs_event) {
            Some(Kind::Cut(place)) => {
                self.queue.push_back(beginning(&event, place));
                self.end = Some(End::Cut);
            }
            Some(Kind::Reset(place)) => {
                self.queue.push_back(beginning(&event, place));
                self.end = Some(End::Reset);
            }
            Some(Kind::Malformed) => self.queue.push_back(malformed(&event)),
            Some(Kind::Duplicate) => self.queue.extend([event.clone(), event]),
            _ => self.queue.push_back(event),
        }
        self.given += 1;
    }

    /// A piece of what is to be given; the rest goes back.
    async fn piece(&mut self, mut bytes: Bytes) -> Bytes {
        let Some((size, pause)) = self.drip else {
            return bytes;
        };
        tokio::time::sleep(pause).await;
        let piece = bytes.split_to(size.min(bytes.len()));
        if !bytes.is_empty() {
            self.queue.push_front(bytes);
        }
        piece
    }

    /// False when the server stops meanwhile.
    async fn wait(&mut self, pause: Option<Duration>) -> bool {
        let over = async {
            match pause {
                Some(pause) => tokio::time::sleep(pause).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = over => true,
            () = self.stop.cancelled() => false,
        }
    }

    async fn broken(&mut self, end: End) -> io::Error {
        tokio::time::sleep(ON_ITS_WAY).await;
        match end {
            End::Cut => io::ErrorKind::ConnectionAborted.into(),
            End::Reset => {
                if let Some(wire) = &self.wire {
                    wire.lose(Lost::Reset);
                }
                io::ErrorKind::ConnectionReset.into()
            }
        }
    }
}

impl Kind {
    /// Whether it happens to an event, rather than between two.
    fn needs_event(self) -> bool {
        match self {
            Self::Cut(place) | Self::Reset(place) => place != Place::Between,
            Self::Malformed | Self::Duplicate => true,
            Self::Stall(_) | Self::Drip(..) | Self::End => false,
        }
    }
}

/// The part of an event in front of the place where the connection ends.
fn beginning(event: &Bytes, place: Place) -> Bytes {
    let inside = event.iter().position(|it| *it >= 0xC0).map(|at| at + 1);
    match (place, inside) {
        (Place::Character, Some(at)) => event.slice(..at),
        _ => event.slice(..event.len() / 2),
    }
}

/// The event with its JSON broken off; what stands around it stays as it was.
fn malformed(event: &Bytes) -> Bytes {
    let text = String::from_utf8_lossy(event);
    let (from, to) = match text.find("data:") {
        Some(at) => {
            let line = text[at..].find(['\r', '\n']);
            (at + "data:".len(), line.map_or(text.len(), |it| at + it))
        }
        None => (0, text.trim_end().len()),
    };
    let mut middle = from + (to - from) / 2;
    while !text.is_char_boundary(middle) {
        middle -= 1;
    }
    Bytes::from([&text[..middle], &text[to..]].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_broken_off_where_it_should_be() {
        let event = Bytes::from("event:x\ndata:{\"content\":\"你好\"}\n\n");
        let part = beginning(&event, Place::Character);
        assert!(
            part.starts_with(b"event:x\ndata:{\"content\":\""),
            "{part:?}"
        );
        assert!(std::str::from_utf8(&part).is_err(), "{part:?}");
        assert_eq!(beginning(&event, Place::Event).len(), event.len() / 2);
        let plain = Bytes::from("data:1\n\n");
        assert_eq!(beginning(&plain, Place::Character), "data");
    }

    #[test]
    fn a_malformed_event_is_still_an_event() {
        fn check(event: &str, expected: &str) {
            assert_eq!(
                malformed(&Bytes::copy_from_slice(event.as_bytes())),
                expected
            );
        }
        check("event:x\ndata:{\"a\":1}\n\n", "event:x\ndata:{\"a\n\n");
        check(
            "event: x\r\ndata: {\"a\":1}\r\n\r\n",
            "event: x\r\ndata: {\"a\r\n\r\n",
        );
        check("{\"code\":0}", "{\"cod");
        check("data:\"你好\"\n\n", "data:\"你\n\n");
        check("", "");
    }
}
