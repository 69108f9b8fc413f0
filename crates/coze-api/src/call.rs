//! One call as bytes: what is left of a row once it is encoded.
//!
//! From here on nothing is generic, and a call can be built again from the same bytes as often as
//! a retry may need it.

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use bytes::Bytes;
use coze_types::endpoint::{BodyKind, Info};
use coze_types::files::FilePart;
use coze_types::{Endpoint, Method, Streams};
use http::HeaderValue;
use http::header::CONTENT_TYPE;
use reqwest::multipart::Form;
use serde_json::Value;

use crate::auth::Credential;
use crate::error::{Error, Result};
use crate::reuse::{Trail, in_steps};
use crate::upload::Upload;

const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// A call, ready to be sent.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    /// The row's name, or method and path of a raw call.
    pub(crate) endpoint: Cow<'static, str>,
    pub(crate) method: http::Method,
    /// With its query.
    pub(crate) path: String,
    /// The header that the endpoint needs, if any.
    pub(crate) header: Option<(&'static str, &'static str)>,
    pub(crate) payload: Payload,
    /// It changes nothing, so it can be sent again.
    pub(crate) is_read: bool,
    /// The answer is to be a stream of events.
    pub(crate) streams: bool,
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
    /// `multipart/form-data`: text parts, and at most one file in a part named `file`.
    Form {
        fields: Vec<(String, String)>,
        file: Option<Upload>,
        /// How many bytes of the file have gone out.
        sent: Arc<AtomicU64>,
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
            BodyKind::Multipart => {
                let fields = serde_json::to_value(row.body()).map_err(encode)?;
                form(&fields, row.file())
            }
        };
        Self::of_row(E::INFO, &row.path(), &query, payload)
    }

    /// Encodes a row, asking for a stream of events.
    pub(crate) fn streaming<E: Streams>(mut row: E) -> Result<Self> {
        row.streaming();
        let mut call = Self::encode(&row)?;
        call.streams = true;
        Ok(call)
    }

    /// Puts another file in the place of the row's.
    pub(crate) fn put_file(&mut self, upload: Upload) {
        if let Payload::Form { file, .. } = &mut self.payload {
            self.patience = upload.patience();
            *file = Some(upload);
        }
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
            header: info.header,
            is_read: info.is_read(),
            streams: false,
            patience: patience(info.name).max(payload.patience()),
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
        let patience = patience(row.map_or("", |row| row.name));
        let is_read = method == http::Method::GET
            || row.is_some_and(|row| row.is_read() && row.method.as_str() == method.as_str());
        let gets_secrets = gets_secrets(name);
        append_query(
            &mut path,
            query.iter().map(|(key, value)| (*key, (*value).into())),
        );
        Self {
            endpoint,
            method,
            path,
            header: row.and_then(|row| row.header),
            payload: body.map_or(Payload::None, |body| {
                Payload::Json(Bytes::from(body.to_string()))
            }),
            is_read,
            streams: false,
            patience,
            credential: None,
            gets_secrets,
        }
    }

    /// Puts the payload into a request; can be called again for another attempt.
    ///
    /// With a trail the body is written behind its head; see [`reuse`](crate::reuse).
    pub(crate) async fn fill(
        &self,
        request: reqwest::RequestBuilder,
        trail: Option<&Arc<Trail>>,
    ) -> Result<reqwest::RequestBuilder> {
        let request = match self.header {
            Some((name, value)) => request.header(name, value),
            None => request,
        };
        let mut only_once = false;
        let request = match &self.payload {
            Payload::None => {
                // The head is all there is.
                trail.inspect(|trail| trail.hand_over());
                return Ok(request);
            }
            Payload::Json(bytes) => request.header(CONTENT_TYPE, JSON).body(bytes.clone()),
            Payload::Form { fields, file, sent } => {
                let mut form = Form::new();
                for (name, value) in fields {
                    form = form.text(name.clone(), value.clone());
                }
                if let Some(file) = file {
                    only_once = file.is_read_once();
                    // In a box: every call would carry room for it.
                    form = form.part("file", Box::pin(file.part(sent)).await?);
                }
                request.multipart(form)
            }
        };
        let Some(trail) = trail else {
            return Ok(request);
        };
        in_steps(request, trail, only_once).map_err(|error| {
            let (name, error) = (&self.endpoint, error.without_url());
            Error::Invalid(format!("{name} cannot be sent: {error}"))
        })
    }
}

impl Payload {
    /// The least time that it needs on its way.
    fn patience(&self) -> Duration {
        match self {
            Self::Form {
                file: Some(file), ..
            } => file.patience(),
            _ => Duration::ZERO,
        }
    }

    /// Whether it can be sent a second time.
    pub(crate) fn is_whole(&self) -> bool {
        match self {
            Self::None | Self::Json(_) => true,
            Self::Form { file, .. } => file.as_ref().is_none_or(Upload::is_whole),
        }
    }
}

/// The parts of a form. The file is none of the fields: it has no place in JSON.
fn form(fields: &Value, file: Option<&FilePart>) -> Payload {
    let fields = fields.as_object().into_iter().flatten();
    let texts = fields.filter_map(|(name, value)| {
        let text = query_text(value)?;
        Some((name.clone(), text.into_owned()))
    });
    Payload::Form {
        fields: texts.collect(),
        file: file.cloned().map(Upload::from),
        sent: Arc::default(),
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
fn patience(name: &str) -> Duration {
    match name {
        // The service waits for the workflow, and gives up after 90 s.
        "RunWorkflow" | "ResumeWorkflow" | "StreamRunWorkflow" | "StreamResumeWorkflow" => {
            Duration::from_secs(100)
        }
        _ => Duration::ZERO,
    }
}

/// Whether a path is one of those that log in.
fn gets_secrets(path: &str) -> bool {
    path.starts_with("/api/permission")
}

/// A query value as text; `None` for null and for a list without values. Lists are written with
/// commas, as the documentation has them.
fn query_text(value: &Value) -> Option<Cow<'_, str>> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.into()),
        Value::Array(values) => {
            let texts: Vec<_> = values.iter().filter_map(query_text).collect();
            (!texts.is_empty()).then(|| texts.join(",").into())
        }
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
    use coze_types::commerce::{ListBillTasks, ListBillTasksQuery};

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
    fn lists_of_a_query_are_joined_and_empty_ones_left_out() {
        let path = |task_ids: Option<Vec<coze_types::Id>>| {
            let query = ListBillTasksQuery {
                task_ids,
                page_num: Some(1),
                ..Default::default()
            };
            Call::encode(&ListBillTasks {
                query,
                ..Default::default()
            })
            .unwrap()
            .path
        };
        let base = "/v1/commerce/benefit/bill_tasks?";
        let two = path(Some(vec!["1".into(), "2&".into()]));
        assert_eq!(two, format!("{base}task_ids=1%2C2%26&page_num=1"));
        assert_eq!(path(Some(Vec::new())), format!("{base}page_num=1"));
        assert_eq!(path(None), format!("{base}page_num=1"));
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
