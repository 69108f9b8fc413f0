//! What must not stand in a recording: credentials, wherever they are.
//!
//! Three rules, so that what one misses another one finds: headers and keys that hold secrets by
//! their name; the very values found there, wherever else they stand; and whatever looks like a
//! token.

use std::collections::BTreeSet;

use http::header::AUTHORIZATION;
use http::{HeaderMap, Uri};
use serde_json::Value;

use super::exchange::{Headers, is_of_connection};

pub(super) const REDACTED: &str = "<redacted>";
/// Shorter values would be found where they are none.
const SHORTEST: usize = 8;
/// Keys whose values are secret wherever they stand.
const KEYS: &[&str] = &[
    "access_token",
    "api_key",
    "apikey",
    "assertion",
    "client_assertion",
    "client_secret",
    "code_verifier",
    "device_code",
    "id_token",
    "jwt",
    "password",
    "private_key",
    "refresh_token",
    "secret",
    "secret_key",
    "token",
];
/// Keys that are secret in calls that log in.
const LOGIN_KEYS: &[&str] = &["code", "user_code"];
/// Parts of the names of headers that hold secrets.
const HEADERS: &[&str] = &["auth", "cookie", "key", "secret", "session", "token"];
/// What tokens begin with, and how long they are at least.
const PREFIXES: &[&str] = &["pat_", "sat_", "czs_", "czu_", "cztei_", "eyJ"];
const TOKEN_LENGTH: usize = 20;

/// The secrets of one call.
#[derive(Debug, Clone, Default)]
pub(super) struct Secrets {
    values: BTreeSet<String>,
    login: bool,
}

impl Secrets {
    pub(super) fn of_request(headers: &HeaderMap, uri: &Uri, body: Option<&[u8]>) -> Self {
        let path = uri.path();
        let mut secrets = Self {
            login: path.contains("/oauth2/") || path.contains("/permission/"),
            ..Self::default()
        };
        for (name, value) in headers {
            if !is_secret_header(name.as_str()) {
                continue;
            }
            let value = value.to_str().unwrap_or_default();
            secrets.add(value);
            if name == AUTHORIZATION
                && let Some((_, token)) = value.split_once(' ')
            {
                secrets.add(token.trim());
            }
        }
        for (key, value) in pairs(uri.query().unwrap_or_default()) {
            if secrets.is_key(&key) {
                secrets.add(&value);
            }
        }
        secrets.learn(body.unwrap_or_default());
        secrets
    }

    /// Takes the secrets out of a body.
    pub(super) fn learn(&mut self, body: &[u8]) {
        if let Ok(json) = serde_json::from_slice::<Value>(body) {
            self.collect(&json);
        }
    }

    fn collect(&mut self, json: &Value) {
        match json {
            Value::Object(map) => {
                for (key, value) in map {
                    match value {
                        Value::String(text) if self.is_key(key) => self.add(text),
                        other => self.collect(other),
                    }
                }
            }
            Value::Array(items) => items.iter().for_each(|item| self.collect(item)),
            _ => {}
        }
    }

    fn add(&mut self, value: &str) {
        if value.len() >= SHORTEST {
            self.values.insert(value.to_owned());
        }
    }

    fn is_key(&self, key: &str) -> bool {
        let key = key.to_ascii_lowercase();
        KEYS.contains(&key.as_str()) || (self.login && LOGIN_KEYS.contains(&key.as_str()))
    }

    /// A text without secrets.
    pub(super) fn text(&self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        let mut from = 0;
        for (start, end) in self.places(text.as_bytes()) {
            // Secrets are ASCII or whole values, so these are no places inside of characters.
            out.push_str(text.get(from..start).unwrap_or_default());
            out.push_str(REDACTED);
            from = end;
        }
        out.push_str(text.get(from..).unwrap_or_default());
        out
    }

    /// A JSON value without secrets.
    pub(super) fn json(&self, json: &mut Value) {
        match json {
            Value::Object(map) => {
                for (key, value) in map {
                    match value {
                        Value::String(text) if self.is_key(key) => REDACTED.clone_into(text),
                        other => self.json(other),
                    }
                }
            }
            Value::Array(items) => items.iter_mut().for_each(|item| self.json(item)),
            Value::String(text) => *text = self.text(text),
            _ => {}
        }
    }

    /// A query or a form without secrets.
    pub(super) fn query(&self, query: &str) -> String {
        let part = |part: &str| match part.split_once('=') {
            Some((key, value)) if self.is_key(key) && !value.is_empty() => {
                format!("{key}={REDACTED}")
            }
            _ => self.text(part),
        };
        query.split('&').map(part).collect::<Vec<_>>().join("&")
    }

    /// Headers without secrets, and without those of the connection.
    pub(super) fn headers(&self, headers: &HeaderMap) -> Headers {
        let mut shown = Headers::new();
        for (name, value) in headers {
            let name = name.as_str();
            if is_of_connection(headers, name) || matches!(name, "host" | "content-length") {
                continue;
            }
            let value = if is_secret_header(name) {
                REDACTED.to_owned()
            } else {
                self.text(&String::from_utf8_lossy(value.as_bytes()))
            };
            shown.entry(name.to_owned()).or_default().push(value);
        }
        shown
    }

    /// Where the secrets stand, in order and apart from each other.
    pub(super) fn places(&self, bytes: &[u8]) -> Vec<(usize, usize)> {
        let mut places = Vec::new();
        for value in &self.values {
            let (value, mut from) = (value.as_bytes(), 0);
            while let Some(at) = find(bytes, value, from) {
                from = at + value.len();
                places.push((at, from));
            }
        }
        for prefix in PREFIXES {
            let mut from = 0;
            while let Some(at) = find(bytes, prefix.as_bytes(), from) {
                let is_part = |it: &u8| it.is_ascii_alphanumeric() || b"_-.".contains(it);
                let length = bytes[at..].iter().take_while(|it| is_part(it)).count();
                let begins = at == 0 || !bytes[at - 1].is_ascii_alphanumeric();
                if length >= TOKEN_LENGTH && begins {
                    places.push((at, at + length));
                }
                from = at + length.max(prefix.len());
            }
        }
        places.sort_unstable();
        let mut apart: Vec<(usize, usize)> = Vec::new();
        for (start, end) in places {
            match apart.last_mut() {
                Some(last) if start <= last.1 => last.1 = last.1.max(end),
                _ => apart.push((start, end)),
            }
        }
        apart
    }

    /// Pieces of one text without the secrets of the whole: a secret may begin in one piece and
    /// end in another.
    pub(super) fn pieces(&self, pieces: &[&[u8]]) -> Vec<Vec<u8>> {
        let whole: Vec<u8> = pieces.concat();
        let places = self.places(&whole);
        let (mut out, mut begin) = (Vec::with_capacity(pieces.len()), 0);
        for piece in pieces {
            let end = begin + piece.len();
            let (mut kept, mut from) = (Vec::with_capacity(piece.len()), begin);
            for (start, stop) in places.iter().filter(|it| it.0 < end && it.1 > begin) {
                if *start >= begin {
                    kept.extend_from_slice(&whole[from..*start]);
                    kept.extend_from_slice(REDACTED.as_bytes());
                }
                from = (*stop).min(end);
            }
            kept.extend_from_slice(&whole[from..end]);
            out.push(kept);
            begin = end;
        }
        out
    }
}

fn is_secret_header(name: &str) -> bool {
    HEADERS.iter().any(|part| name.contains(part))
}

fn pairs(query: &str) -> Vec<(String, String)> {
    serde_urlencoded::from_str(query).unwrap_or_default()
}

fn find(bytes: &[u8], wanted: &[u8], from: usize) -> Option<usize> {
    let rest = bytes.get(from..)?;
    let at = rest.windows(wanted.len()).position(|it| it == wanted)?;
    Some(from + at)
}

/// Puts a text in the place of another one.
pub(super) fn replace(bytes: &[u8], wanted: &[u8], by: &str) -> Vec<u8> {
    let (mut out, mut from) = (Vec::with_capacity(bytes.len()), 0);
    while let Some(at) = find(bytes, wanted, from) {
        out.extend_from_slice(&bytes[from..at]);
        out.extend_from_slice(by.as_bytes());
        from = at + wanted.len();
    }
    out.extend_from_slice(&bytes[from..]);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;
    use serde_json::json;

    fn secrets(path: &str, body: &Value) -> Secrets {
        let mut headers = HeaderMap::new();
        headers.insert(
            AUTHORIZATION,
            HeaderValue::from_static("Bearer hush-hush-1"),
        );
        headers.insert("cookie", HeaderValue::from_static("sid=crumbs-of-mine"));
        Secrets::of_request(
            &headers,
            &path.parse().unwrap(),
            Some(body.to_string().as_bytes()),
        )
    }

    #[test]
    fn values_are_found_wherever_they_stand() {
        let it = secrets("/v3/chat", &json!({}));
        assert_eq!(
            it.text("I am hush-hush-1, you know"),
            "I am <redacted>, you know"
        );
        assert_eq!(it.text("nothing of it"), "nothing of it");
        let jwt = format!("eyJ{}.{}", "a".repeat(20), "b".repeat(20));
        assert_eq!(it.text(&format!("{jwt} 你好")), "<redacted> 你好");
        assert_eq!(it.text("the prefix pat_ alone"), "the prefix pat_ alone");
    }

    #[test]
    fn keys_are_secret_by_name() {
        let body = json!({"client_secret": "s3cret-value", "code": "c0de-of-login"});
        let login = secrets("/api/permission/oauth2/token?code=c0de-of-login", &body);
        let mut shown = body.clone();
        login.json(&mut shown);
        assert_eq!(shown, json!({"client_secret": REDACTED, "code": REDACTED}));
        assert_eq!(login.query("code=x&state=1"), "code=<redacted>&state=1");
        assert_eq!(login.text("got c0de-of-login"), "got <redacted>");
        let other = secrets("/v3/chat", &json!({"code": "c0de-of-login"}));
        assert_eq!(other.query("code=1&token=abc"), "code=1&token=<redacted>");
    }

    #[test]
    fn a_secret_in_pieces_is_found() {
        let it = secrets("/v3/chat", &json!({}));
        let text = b"say hush-hush-1 and hush-hush-1.";
        for size in 1..text.len() {
            let pieces: Vec<&[u8]> = text.chunks(size).collect();
            let shown = it.pieces(&pieces);
            assert_eq!(shown.len(), pieces.len());
            assert_eq!(shown.concat(), b"say <redacted> and <redacted>.", "{size}");
        }
    }

    #[test]
    fn headers_are_without_secrets_and_connections() {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("authorization", "Bearer hush-hush-1"),
            ("set-cookie", "a=b"),
            ("connection", "close, x-hop"),
            ("x-hop", "1"),
            ("accept", "*/*"),
        ] {
            headers.append(name, HeaderValue::from_static(value));
        }
        let shown = secrets("/", &json!({})).headers(&headers);
        let shown: Vec<_> = shown
            .iter()
            .map(|(name, values)| (name.as_str(), values[0].as_str()))
            .collect();
        assert_eq!(
            shown,
            [
                ("accept", "*/*"),
                ("authorization", REDACTED),
                ("set-cookie", REDACTED)
            ]
        );
    }
}
