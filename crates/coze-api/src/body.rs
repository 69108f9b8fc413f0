//! The body of a failed answer, kept whole.

use std::fmt;

use bytes::Bytes;

use crate::error::OneLine;

/// The body of an answer as it came, apart from the token, should a server have repeated it.
///
/// `Debug` and `Display` show its beginning only.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Body(pub(crate) Bytes);

impl Body {
    /// The bytes.
    #[must_use]
    pub fn bytes(&self) -> &Bytes {
        &self.0
    }

    /// The text; what is no UTF-8 is replaced.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.0).into_owned()
    }

    /// True when the answer had no body.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The beginning, on one line.
    pub(crate) fn excerpt(&self) -> String {
        const SHOWN: usize = 200;
        let text = String::from_utf8_lossy(self.0.get(..SHOWN).unwrap_or(&self.0));
        let dots = if self.0.len() > SHOWN { "…" } else { "" };
        format!("{}{dots}", OneLine(&text))
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} ({} bytes)", self.excerpt(), self.0.len())
    }
}

impl fmt::Display for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.excerpt())
    }
}
