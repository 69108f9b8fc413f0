//! Keeps secrets out of what people read.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use secrecy::{ExposeSecret, SecretString};

/// Removes secrets from foreign text: some servers and proxies repeat what they were sent.
#[derive(Clone)]
pub(crate) struct Redact {
    secrets: Arc<[SecretString]>,
    /// The answer is made of secrets that nobody knows yet.
    answer: bool,
}

impl fmt::Debug for Redact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

impl Redact {
    /// What stands in a secret's place.
    const MARK: &'static str = "[token]";
    /// What stands in the place of what may be one.
    const HIDDEN: &'static [u8] = b"[hidden]";

    pub(crate) fn new<'a>(secrets: impl IntoIterator<Item = &'a str>) -> Self {
        Self {
            secrets: secrets.into_iter().map(SecretString::from).collect(),
            answer: false,
        }
    }

    /// With further secrets.
    pub(crate) fn and<'a>(self, secrets: impl IntoIterator<Item = &'a str>) -> Self {
        let further = secrets.into_iter().map(SecretString::from);
        Self {
            secrets: self.secrets.iter().cloned().chain(further).collect(),
            ..self
        }
    }

    /// For an answer that may hold new secrets.
    pub(crate) fn of_answer(self, answer: bool) -> Self {
        Self { answer, ..self }
    }

    /// True when both are of the same credential.
    pub(crate) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.secrets, &other.secrets)
    }

    /// Texts for people.
    pub(crate) fn text(&self, mut text: String) -> String {
        for secret in self.worth_hiding() {
            if text.contains(secret) {
                text = text.replace(secret, Self::MARK);
            }
        }
        text
    }

    /// Why something could not be read; it may quote what that was.
    pub(crate) fn reason(&self, text: String) -> String {
        if !self.answer {
            return self.text(text);
        }
        let hidden = hide_strings(text.as_bytes());
        self.text(String::from_utf8_lossy(&hidden).into_owned())
    }

    pub(crate) fn bytes(&self, mut bytes: Bytes) -> Bytes {
        if self.answer {
            let json = matches!(bytes.trim_ascii_start().first(), Some(b'{' | b'[' | b'"'));
            bytes = if json {
                hide_strings(&bytes).into()
            } else {
                hide_words(&bytes).into()
            };
        }
        for secret in self.worth_hiding() {
            // Only ASCII is in a token, so a body with broken UTF-8 elsewhere is rare and may
            // change.
            if bytes
                .windows(secret.len())
                .any(|window| window == secret.as_bytes())
            {
                let text = String::from_utf8_lossy(&bytes);
                bytes = Bytes::from(text.replace(secret, Self::MARK));
            }
        }
        bytes
    }

    /// Replacing the `x` of a test's token everywhere would only spoil the text.
    fn worth_hiding(&self) -> impl Iterator<Item = &str> {
        let secrets = self.secrets.iter().map(ExposeSecret::expose_secret);
        secrets.filter(|it| it.len() >= 6)
    }
}

/// Hides the strings of JSON, also of broken JSON, except the keys and what is known to be no
/// secret: a key that we do not expect may hold a token as well.
fn hide_strings(json: &[u8]) -> Vec<u8> {
    const SHOWN: [&[u8]; 12] = [
        b"error",
        b"error_code",
        b"error_message",
        b"error_description",
        b"code",
        b"msg",
        b"message",
        b"logid",
        b"detail",
        b"help_doc",
        b"token_type",
        b"verification_uri",
    ];
    let mut out = Vec::with_capacity(json.len());
    let mut key: &[u8] = b"";
    let mut rest = json;
    while let Some(begin) = rest.iter().position(|&byte| byte == b'"') {
        let (before, from) = rest.split_at(begin);
        out.extend_from_slice(before);
        let mut escaped = false;
        let end = from.iter().skip(1).position(|&byte| {
            let ends = byte == b'"' && !escaped;
            escaped = byte == b'\\' && !escaped;
            ends
        });
        // A string that was cut ends with the text.
        let length = end.map_or(from.len(), |end| end + 2);
        let (string, after) = from.split_at(length);
        let inside = string.get(1..length - 1).unwrap_or_default();
        if after.trim_ascii_start().first() == Some(&b':') {
            key = inside;
            out.extend_from_slice(string);
        } else if SHOWN.contains(&key) {
            out.extend_from_slice(string);
        } else {
            out.push(b'"');
            out.extend_from_slice(Redact::HIDDEN);
            out.push(b'"');
        }
        rest = after;
    }
    out.extend_from_slice(rest);
    out
}

/// Hides what looks like a token in a text that is no JSON.
fn hide_words(text: &[u8]) -> Vec<u8> {
    const LONG: usize = 24;
    let is_part =
        |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b'~');
    let words = text.chunk_by(|a, b| is_part(a) == is_part(b));
    words.fold(Vec::with_capacity(text.len()), |mut out, word| {
        let hidden = word.len() >= LONG && word.first().is_some_and(is_part);
        out.extend_from_slice(if hidden { Redact::HIDDEN } else { word });
        out
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hidden(body: &str) -> String {
        let redact = Redact::new(["known_secret"]).of_answer(true);
        let bytes = redact.bytes(Bytes::copy_from_slice(body.as_bytes()));
        String::from_utf8(bytes.to_vec()).unwrap()
    }

    #[test]
    fn answers_keep_what_is_no_secret() {
        fn check(body: &str, expected: &str) {
            assert_eq!(hidden(body), expected);
        }
        check(
            r#"{"access_token":"czu_1","expires_in":7,"error" : "no"}"#,
            r#"{"access_token":"[hidden]","expires_in":7,"error" : "no"}"#,
        );
        check(
            r#"{"msg":"known_secret is old"}"#,
            r#"{"msg":"[token] is old"}"#,
        );
        check(r#"{"a":["x\"y","z"]}"#, r#"{"a":["[hidden]","[hidden]"]}"#);
        check(r#"{"access_token":"czu_1"#, r#"{"access_token":"[hidden]""#);
        check(r#"{"access_token":""#, r#"{"access_token":"[hidden]""#);
        check(r#""czu_1""#, r#""[hidden]""#);
        check(r#"{"access_tok"#, r#"{"[hidden]""#);
        check("<html>busy</html>", "<html>busy</html>");
        check(
            "access_token=czu_0123456789abcdefghijklm&x=1",
            "access_token=[hidden]&x=1",
        );
    }

    #[test]
    fn reasons_quote_nothing() {
        let redact = Redact::new(["known_secret"]).of_answer(true);
        let reason = redact.reason(r#"invalid value: string "czu_1", expected `a`"#.to_owned());
        assert_eq!(reason, r#"invalid value: string "[hidden]", expected `a`"#);
    }

    #[test]
    fn other_answers_lose_the_token_only() {
        let redact = Redact::new(["known_secret"]);
        let body = r#"{"data":"known_secret and more"}"#;
        let bytes = redact.bytes(Bytes::from_static(body.as_bytes()));
        assert_eq!(bytes, r#"{"data":"[token] and more"}"#);
        assert_eq!(redact.text("x known_secret".to_owned()), "x [token]");
    }
}
