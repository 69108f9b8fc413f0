//! Streams that begin in a browser, which decides itself how many it begins at once.

/// Keeps nothing.
#[derive(Debug, Default)]
pub(crate) struct Starts {}

impl Starts {
    /// At once.
    pub(crate) async fn turn(&self) {}
}
