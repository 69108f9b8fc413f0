//! Keeps the token out of what people read.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use secrecy::{ExposeSecret, SecretString};

/// Removes the token from foreign text: some servers and proxies repeat what they were sent.
#[derive(Clone)]
pub(crate) struct Redact(Arc<SecretString>);

impl fmt::Debug for Redact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

impl Redact {
    /// What stands in the token's place.
    const MARK: &'static str = "[token]";

    pub(crate) fn new(token: &str) -> Self {
        Self(Arc::new(SecretString::from(token)))
    }

    pub(crate) fn text(&self, text: String) -> String {
        let token = self.0.expose_secret();
        if Self::is_worth_hiding(token) && text.contains(token) {
            return text.replace(token, Self::MARK);
        }
        text
    }

    pub(crate) fn bytes(&self, bytes: Bytes) -> Bytes {
        let token = self.0.expose_secret();
        // Only ASCII is in a token, so a body with broken UTF-8 elsewhere is rare and may change.
        if Self::is_worth_hiding(token)
            && bytes
                .windows(token.len())
                .any(|window| window == token.as_bytes())
        {
            let text = String::from_utf8_lossy(&bytes);
            return Bytes::from(text.replace(token, Self::MARK));
        }
        bytes
    }

    /// Replacing the `x` of a test's token everywhere would only spoil the text.
    fn is_worth_hiding(token: &str) -> bool {
        token.len() >= 6
    }
}
