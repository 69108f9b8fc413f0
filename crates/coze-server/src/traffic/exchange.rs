//! A call and its answer as they stand in a file: JSON, with bodies as JSON or text wherever they
//! are. docs/testing.md describes it.

use std::collections::BTreeMap;
use std::path::Path;

use axum::body::{Body, Bytes};
use axum::extract::Request;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::BytesMut;
use futures_util::StreamExt;
use http::header::{CONNECTION, CONTENT_TYPE};
use http::{HeaderMap, Method, Uri};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::fail::Fail;

use super::redact::Secrets;

pub(super) const FORMAT: &str = "coze-rs recording 1";
/// Bodies up to here are written down and compared.
const KEPT: usize = 32 * 1024 * 1024;
/// What stands in a file in place of the boundary of a form, which differs from call to call.
const BOUNDARY: &str = "boundary";

/// What a file holds.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Exchange {
    pub(super) format: String,
    pub(super) recorded_at: String,
    pub(super) request: RequestPart,
    pub(super) response: ResponsePart,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RequestPart {
    pub(super) method: String,
    pub(super) path: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(super) query: String,
    #[serde(default)]
    pub(super) headers: Headers,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) body: Option<Payload>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ResponsePart {
    pub(super) status: u16,
    #[serde(default)]
    pub(super) headers: Headers,
    /// From the request to the head of the answer.
    pub(super) after_ms: f64,
    /// The body as it arrived; an answer that is no stream is one piece.
    pub(super) chunks: Vec<Chunk>,
    pub(super) end: End,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Chunk {
    /// From the head of the answer.
    pub(super) at_ms: f64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) text: Option<String>,
    /// What is no text, or ends inside of a character.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) base64: Option<String>,
}

/// How an answer ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum End {
    Complete,
    /// The other server broke it off.
    Cut,
    /// The caller did not wait for the rest.
    Left,
}

/// A header that comes several times has one value for each line.
pub(super) type Headers = BTreeMap<String, Vec<String>>;

/// The body of a request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Payload {
    Json(Value),
    Text(String),
    Base64(String),
    /// Too large to be kept; so many bytes.
    Omitted(u64),
}

impl Chunk {
    pub(super) fn new(at_ms: f64, bytes: &[u8]) -> Self {
        match std::str::from_utf8(bytes) {
            Ok(text) => Self {
                at_ms,
                text: Some(text.to_owned()),
                base64: None,
            },
            Err(_) => Self {
                at_ms,
                text: None,
                base64: Some(STANDARD.encode(bytes)),
            },
        }
    }

    /// # Errors
    /// When it is no base64.
    pub(super) fn bytes(&self) -> Result<Bytes, String> {
        match (&self.text, &self.base64) {
            (Some(text), _) => Ok(text.clone().into()),
            (None, Some(text)) => match STANDARD.decode(text) {
                Ok(bytes) => Ok(bytes.into()),
                Err(error) => Err(format!("base64: {error}")),
            },
            (None, None) => Ok(Bytes::new()),
        }
    }
}

/// A request, on its way.
pub(super) struct Asked {
    pub(super) method: Method,
    pub(super) uri: Uri,
    pub(super) headers: HeaderMap,
    /// Its body, unless that is too large to be kept.
    kept: Option<Bytes>,
    pub(super) secrets: Secrets,
}

impl Asked {
    /// Reads it, and gives its body to be sent on.
    pub(super) async fn read(request: Request) -> Result<(Self, Body), Fail> {
        let (head, body) = request.into_parts();
        let mut stream = body.into_data_stream();
        let mut read = BytesMut::new();
        while read.len() <= KEPT {
            match stream.next().await {
                None => break,
                Some(Ok(bytes)) => read.extend_from_slice(&bytes),
                Some(Err(error)) => {
                    let why = format!("it did not arrive whole ({error})");
                    return Err(Fail::invalid("body", why));
                }
            }
        }
        let read = read.freeze();
        let (kept, body) = if read.len() > KEPT {
            let first = futures_util::stream::iter([Ok(read)]);
            (None, Body::from_stream(first.chain(stream)))
        } else {
            (Some(read.clone()), Body::from(read))
        };
        let secrets = Secrets::of_request(&head.headers, &head.uri, kept.as_deref());
        let asked = Self {
            method: head.method,
            uri: head.uri,
            headers: head.headers,
            kept,
            secrets,
        };
        Ok((asked, body))
    }

    /// As it stands in a file.
    pub(super) fn part(&self) -> RequestPart {
        let body = match &self.kept {
            None => Some(Payload::Omitted(self.length())),
            Some(bytes) if bytes.trim_ascii().is_empty() => None,
            Some(bytes) => Some(self.payload(bytes)),
        };
        let mut headers = self.secrets.headers(&self.headers);
        if let Some(boundary) = self.boundary()
            && let Some(kinds) = headers.get_mut(CONTENT_TYPE.as_str())
        {
            for kind in kinds {
                *kind = kind.replace(&boundary, BOUNDARY);
            }
        }
        RequestPart {
            method: self.method.to_string(),
            path: self.uri.path().to_owned(),
            query: self.secrets.query(self.uri.query().unwrap_or_default()),
            headers,
            body,
        }
    }

    fn payload(&self, bytes: &[u8]) -> Payload {
        if let Ok(mut json) = serde_json::from_slice(bytes) {
            self.secrets.json(&mut json);
            return Payload::Json(json);
        }
        let Ok(text) = std::str::from_utf8(bytes) else {
            return Payload::Base64(STANDARD.encode(self.with_boundary(bytes)));
        };
        let text = match self.boundary() {
            Some(boundary) => text.replace(&boundary, BOUNDARY),
            None => text.to_owned(),
        };
        let text = if is_form(&self.headers) {
            self.secrets.query(&text)
        } else {
            self.secrets.text(&text)
        };
        Payload::Text(text)
    }

    fn with_boundary(&self, bytes: &[u8]) -> Vec<u8> {
        match self.boundary() {
            Some(boundary) => super::redact::replace(bytes, boundary.as_bytes(), BOUNDARY),
            None => bytes.to_vec(),
        }
    }

    fn boundary(&self) -> Option<String> {
        let kind = self.headers.get(CONTENT_TYPE)?.to_str().ok()?;
        let at = kind.find("boundary=")?;
        let value = kind[at + "boundary=".len()..].split(';').next()?;
        let value = value.trim().trim_matches('"');
        (!value.is_empty()).then(|| value.to_owned())
    }

    fn length(&self) -> u64 {
        let length = self.headers.get(http::header::CONTENT_LENGTH);
        let length = length.and_then(|it| it.to_str().ok()?.parse().ok());
        length.unwrap_or(KEPT as u64)
    }
}

fn is_form(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE);
    kind.is_some_and(|it| {
        it.as_bytes()
            .starts_with(b"application/x-www-form-urlencoded")
    })
}

/// The headers that concern the connection only, which is another one on the other side.
pub(super) fn is_of_connection(headers: &HeaderMap, name: &str) -> bool {
    const ALWAYS: &[&str] = &[
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    ];
    let named = headers.get_all(CONNECTION).iter().any(|value| {
        let mut names = value.to_str().unwrap_or_default().split(',');
        names.any(|it| it.trim().eq_ignore_ascii_case(name))
    });
    ALWAYS.contains(&name) || named
}

/// Reads a file.
///
/// # Errors
/// What is wrong, with the file's name.
pub(super) fn load(path: &Path) -> Result<Exchange, String> {
    let fail = |why: &dyn std::fmt::Display| format!("{}: {why}", path.display());
    let text = std::fs::read_to_string(path).map_err(|error| fail(&error))?;
    let mut reader = serde_json::Deserializer::from_str(&text);
    let exchange: Exchange =
        serde_path_to_error::deserialize(&mut reader).map_err(|error| fail(&error))?;
    if exchange.format != FORMAT {
        let why = format!("its format is {:?}, expected {FORMAT:?}", exchange.format);
        return Err(fail(&why));
    }
    for chunk in &exchange.response.chunks {
        chunk.bytes().map_err(|why| fail(&why))?;
    }
    Ok(exchange)
}
