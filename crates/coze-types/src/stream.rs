//! What the events of all streams have in common.

use std::borrow::Cow;
use std::ops::Range;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use crate::sse::{Frame, Framing};
use crate::status::{DecodeError, decode};

/// Where a stream stands after an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// More has to come; a stream that ends here is cut.
    Going,
    /// The stream may end here: a failure was told, and some servers send nothing behind it.
    MayEnd,
    /// This was the last event.
    Ended,
}

/// An event of a stream.
pub trait StreamEvent: Sized + Clone + std::fmt::Debug + Send + Sync + Unpin + 'static {
    /// What a reader keeps from one frame to the next, to read the next one faster.
    type Memory: Default + std::fmt::Debug + Send + Sync + Unpin + 'static;

    /// Reads a frame, in either dialect. An event that is not known is kept, not refused.
    ///
    /// What is read depends on the frame alone, never on `memory`.
    ///
    /// # Errors
    /// [`DecodeError`] when the data of a known event does not fit.
    fn read(frame: &Frame<'_>, memory: &mut Self::Memory) -> Result<Self, DecodeError>;

    /// Reads bytes that are one whole frame, where `memory` shows that by comparing them with one
    /// before: the event, and where its data stands. `None` for all other bytes: they are to be split
    /// into frames first, which finds the same.
    #[inline]
    fn recall(bytes: &[u8], memory: &mut Self::Memory) -> Option<(Self, Range<usize>)> {
        let _ = (bytes, memory);
        None
    }

    /// Reads a frame by itself.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    fn from_frame(frame: &Frame<'_>) -> Result<Self, DecodeError> {
        Self::read(frame, &mut Self::Memory::default())
    }

    /// Appends the event as a frame.
    ///
    /// # Errors
    /// Those of the serialisation, which these types do not have.
    fn write(&self, framing: Framing, out: &mut Vec<u8>) -> Result<(), serde_json::Error>;

    /// Where the stream stands after this event.
    fn progress(&self) -> Progress;
}

/// The name and the data of a frame, whichever of the two dialects it is in.
///
/// A frame without `event:` whose data is an object with a string `event` and a `data` is of the
/// dialect that the coze-api skill document shows (reference, section 3.9).
#[inline]
pub(crate) fn named<'a>(frame: &'a Frame<'a>) -> (Cow<'a, str>, Cow<'a, [u8]>) {
    #[derive(Deserialize)]
    struct Wrapped<'a> {
        #[serde(borrow)]
        event: Cow<'a, str>,
        #[serde(borrow)]
        data: &'a RawValue,
    }

    let data = frame.data.unwrap_or_default();
    match &frame.event {
        Some(event) if !event.is_empty() => (Cow::Borrowed(event.as_ref()), Cow::Borrowed(data)),
        _ => match serde_json::from_slice::<Wrapped<'_>>(data) {
            Ok(inner) => (inner.event, Cow::Borrowed(inner.data.get().as_bytes())),
            Err(_) => (Cow::Borrowed("message"), Cow::Borrowed(data)),
        },
    }
}

/// Decodes the data of an end mark or an error, for which nothing at all counts as `{}`.
///
/// Never for other events: a stream cut behind `data:` would yield a message that was not sent.
pub(crate) fn decode_end<T: DeserializeOwned>(data: &[u8]) -> Result<T, DecodeError> {
    decode(if data.trim_ascii().is_empty() {
        b"{}"
    } else {
        data
    })
}
