//! One call as bytes: what is left of a row once it is encoded.
//!
//! From here on nothing is generic, and a call can be built again from the same bytes as often as
//! a retry may need it.

use std::borrow::Cow;
use std::time::Duration;

use bytes::Bytes;
use coze_types::endpoint::{BodyKind, Info};
use coze_types::files::FilePart;
use coze_types::{Endpoint, Method};
use reqwest::multipart::{Form, Part};
use serde_json::Value;

use crate::auth::Credential;
use crate::error::{Error, Result};

/// A call, ready to be sent.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    /// The row's name, or method and path of a raw call.
    pub(crate) endpoint: Cow<'static, str>,
    pub(crate) method: http::Method,
    /// With its query.
    pub(crate) path: String,
    pub(crate) payload: Payload,
    /// The least time that the server must be given to answer.
    pub(crate) patience: Duration,
    /// What it is sent with instead of the client's own token.
    pub(crate) credential: Option<Credential>,
    /// The answer holds tokens: no error may show it as it is.
    pub(crate) gets_secrets: bool,
}

/// The body of a [`Call`].
#[derive(Debug, Clone)]
pub(crate) enum Payload {
    None,
    Json(Bytes),
    /// `multipart/form-data` with one part named `file`.
    File {
        name: String,
        content: Bytes,
    },
}

impl Call {
    /// Encodes a row; the only part that is compiled once for each endpoint.
    pub(crate) fn encode<E: Endpoint>(row: &E) -> Result<Self> {
        let encode = |error: serde_json::Error| {
            Error::Invalid(format!("{} cannot be written: {error}", E::INFO.name))
        };
        let query = serde_json::to_value(row.query()).map_err(encode)?;
        let payload = match E::INFO.body {
            BodyKind::None => Payload::None,
            BodyKind::Json => Payload::Json(serde_json::to_vec(row.body()).map_err(encode)?.into()),
            BodyKind::Multipart => file_of(row.file()),
        };
        Self::of_row(E::INFO, &row.path(), &query, payload)
    }

    fn of_row(info: &'static Info, path: &str, query: &Value, payload: Payload) -> Result<Self> {
        check_path(info, path)?;
        let pairs = query.as_object().into_iter().flatten();
        let mut path = path.to_owned();
        append_query(
            &mut path,
            pairs.filter_map(|(key, value)| Some((key.as_str(), query_text(value)?))),
        );
        Ok(Self {
            endpoint: info.name.into(),
            method: match info.method {
                Method::Get => http::Method::GET,
                Method::Post => http::Method::POST,
                Method::Put => http::Method::PUT,
                Method::Delete => http::Method::DELETE,
            },
            path,
            patience: patience(info.name, &payload),
            payload,
            credential: None,
            gets_secrets: gets_secrets(info.path),
        })
    }

    /// A call that no row describes.
    pub(crate) fn raw(
        method: http::Method,
        path: &str,
        query: &[(&str, &str)],
        body: Option<&Value>,
    ) -> Self {
        let slash = if path.starts_with('/') { "" } else { "/" };
        let mut path = format!("{slash}{path}");
        // The query may hold what the user typed, so the name goes without it.
        let name = path.split(['?', '#']).next().unwrap_or_default();
        let endpoint = Cow::Owned(format!("{method} {name}"));
        let row = coze_types::endpoints().find(|row| row.path == name);
        let patience = patience(row.map_or("", |row| row.name), &Payload::None);
        let gets_secrets = gets_secrets(name);
        append_query(
            &mut path,
            query.iter().map(|(key, value)| (*key, (*value).into())),
        );
        Self {
            endpoint,
            method,
            path,
            payload: body.map_or(Payload::None, |body| {
                Payload::Json(Bytes::from(body.to_string()))
            }),
            patience,
            credential: None,
            gets_secrets,
        }
    }

    /// Puts the payload into a request; can be called again for another attempt.
    pub(crate) fn fill(&self, request: reqwest::RequestBuilder) -> reqwest::RequestBuilder {
        match &self.payload {
            Payload::None => request,
            Payload::Json(bytes) => request
                .header(http::header::CONTENT_TYPE, "application/json")
                .body(bytes.clone()),
            Payload::File { name, content } => {
                let length = content.len() as u64;
                // A line end in the name would end the header that it stands in.
                let name = name.replace(|char: char| char.is_control(), "_");
                let part = Part::stream_with_length(content.clone(), length).file_name(name);
                request.multipart(Form::new().part("file", part))
            }
        }
    }
}

/// The file of an upload, which serialisation cannot give.
fn file_of(file: Option<&FilePart>) -> Payload {
    let FilePart { file_name, content } = file.cloned().unwrap_or_default();
    Payload::File {
        name: file_name,
        content,
    }
}

/// An id that is empty or made of dots would reach another endpoint: URLs resolve `..`, also in
/// its encoded form.
fn check_path(info: &Info, path: &str) -> Result<()> {
    let bad = path
        .split('/')
        .skip(1)
        .find(|segment| matches!(*segment, "" | "." | ".."));
    match bad {
        None => Ok(()),
        Some(segment) => Err(Error::Invalid(format!(
            "{}: `{segment}` is no id for the path {}",
            info.name, info.path
        ))),
    }
}

/// The least time for an answer; see [`Timeouts::first_byte`](crate::Timeouts::first_byte).
fn patience(name: &str, payload: &Payload) -> Duration {
    match payload {
        Payload::File { content, .. } => {
            Duration::from_secs(60 + content.len() as u64 / (64 * 1024))
        }
        // The service waits for the workflow, and gives up after 90 s.
        _ if matches!(name, "RunWorkflow" | "ResumeWorkflow") => Duration::from_secs(100),
        _ => Duration::ZERO,
    }
}

/// Whether a path is one of those that log in.
fn gets_secrets(path: &str) -> bool {
    path.starts_with("/api/permission")
}

/// A query value as text; `None` for null.
fn query_text(value: &Value) -> Option<Cow<'_, str>> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.into()),
        other => Some(other.to_string().into()),
    }
}

fn append_query<'a>(path: &mut String, pairs: impl Iterator<Item = (&'a str, Cow<'a, str>)>) {
    let mut separator = if path.contains('?') { '&' } else { '?' };
    for (key, value) in pairs {
        path.push(separator);
        separator = '&';
        encode_query(path, key);
        path.push('=');
        encode_query(path, &value);
    }
}

pub(crate) fn encode_query(out: &mut String, text: &str) {
    use std::fmt::Write;
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                out.push(char::from(byte));
            }
            // Writing to a `String` cannot fail.
            _ => drop(write!(out, "%{byte:02X}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use coze_types::bots::{ListBots, ListBotsQuery, RetrieveBot};

    #[test]
    fn queries_are_encoded_and_missing_values_left_out() {
        let call = Call::encode(&ListBots {
            query: ListBotsQuery {
                workspace_id: "a b&c=你".into(),
                page_num: Some(2),
                ..Default::default()
            },
            ..Default::default()
        });
        let path = "/v1/bots?workspace_id=a%20b%26c%3D%E4%BD%A0&page_num=2";
        assert_eq!(call.unwrap().path, path);
    }

    #[test]
    fn ids_cannot_reach_another_endpoint() {
        let path = |id: &str| {
            let row = RetrieveBot {
                bot_id: id.into(),
                ..Default::default()
            };
            Call::encode(&row).map(|call| call.path)
        };
        assert_eq!(path("a/../b").unwrap(), "/v1/bots/a%2F..%2Fb");
        for id in ["", ".", ".."] {
            let error = path(id).unwrap_err().to_string();
            assert!(error.contains("RetrieveBot"), "{error}");
        }
    }

    #[test]
    fn raw_calls_are_named_without_their_query() {
        let call = Call::raw(http::Method::GET, "v1/x?a=1", &[("b", "2 3")], None);
        assert_eq!(call.path, "/v1/x?a=1&b=2%203");
        assert_eq!(call.endpoint, "GET /v1/x");
        assert_eq!(call.patience, Duration::ZERO);
        let call = Call::raw(http::Method::POST, "/v1/workflow/run", &[], None);
        assert_eq!(call.patience, Duration::from_secs(100));
    }
}
