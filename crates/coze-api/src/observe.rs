//! What a program can count: a hook for each attempt and for the end of each stream.

use std::time::Duration;

use crate::error::Error;
use crate::task::{MaybeSend, MaybeSync};

/// Hears of every attempt and every stream; see [`CozeBuilder::observer`].
///
/// The methods are called from the task that makes the call and should return at once. They see
/// names, numbers and errors; never content, never a secret.
///
/// [`CozeBuilder::observer`]: crate::CozeBuilder::observer
///
/// ```no_run
/// # fn run() -> coze_api::Result<()> {
/// use coze_api::{Coze, Observer, StreamEnd};
///
/// struct Print;
///
/// impl Observer for Print {
///     fn stream(&self, end: &StreamEnd<'_>) {
///         println!("{}: {} events in {:?}", end.endpoint, end.events, end.elapsed);
///     }
/// }
///
/// let coze = Coze::builder().token("pat_…").observer(Print).build()?;
/// # Ok(())
/// # }
/// ```
pub trait Observer: MaybeSend + MaybeSync + 'static {
    /// An attempt is over: its answer is complete or, for a stream, has begun.
    fn attempt(&self, attempt: &Attempt<'_>) {
        let _ = attempt;
    }

    /// A stream is over: at its end, by an error, or because nobody reads it any more.
    fn stream(&self, stream: &StreamEnd<'_>) {
        let _ = stream;
    }
}

/// One attempt of a call.
#[derive(Debug)]
#[non_exhaustive]
pub struct Attempt<'a> {
    /// The endpoint's name, or method and path of a raw call.
    pub endpoint: &'a str,
    /// Counted from 1.
    pub number: u32,
    /// From its beginning to its answer.
    pub elapsed: Duration,
    /// The HTTP status, if there was an answer.
    pub http: Option<u16>,
    /// The log id, if there was one.
    pub log_id: Option<&'a str>,
    /// Why it failed.
    pub error: Option<&'a Error>,
    /// After which time the call is sent again; `None` when it is over.
    pub again_in: Option<Duration>,
}

/// The end of a stream.
#[derive(Debug)]
#[non_exhaustive]
pub struct StreamEnd<'a> {
    /// The endpoint's name.
    pub endpoint: &'a str,
    /// The log id, if there was one.
    pub log_id: Option<&'a str>,
    /// How many events were read.
    pub events: u64,
    /// How many bytes were read.
    pub bytes: u64,
    /// From the beginning of the answer to its first event; `None` if there was none.
    pub first_event: Option<Duration>,
    /// From the beginning of the answer to the end.
    pub elapsed: Duration,
    /// Whether it had come to its last event.
    pub complete: bool,
}
