//! Calls a tool: its arguments become a request, the answer becomes its result.

use std::time::Duration;

use http::header::{AUTHORIZATION, CONTENT_TYPE, COOKIE};
use http::{HeaderName, HeaderValue, Method};
use reqwest::{Request, Url};
use serde_json::{Map, Value};

use super::openapi::{Operation, Place};
use super::{Plugin, PluginTool};
use crate::outbound::{self, Outbound, OutboundError};

/// The largest answer of a tool, in bytes.
const ANSWER: usize = 1024 * 1024;

/// Why a tool was not called, or gave no result.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum CallError {
    #[error("{argument}: {why}")]
    Argument { argument: String, why: String },
    #[error("the environment variable {0} is not set, which holds the key of the plugin")]
    NoKey(String),
    #[error(transparent)]
    Outbound(#[from] OutboundError),
    #[error("the tool answered with HTTP status {status}: {text}")]
    Status { status: u16, text: String },
}

impl CallError {
    fn argument(argument: &str, why: impl Into<String>) -> Self {
        let (argument, why) = (argument.to_owned(), why.into());
        Self::Argument { argument, why }
    }
}

impl Plugin {
    /// Calls a tool with arguments by name.
    pub(crate) async fn call(
        &self,
        outbound: &Outbound,
        tool: &PluginTool,
        arguments: &Map<String, Value>,
    ) -> Result<Value, CallError> {
        let request = self.request(&tool.operation, arguments)?;
        let host = request.url().host_str().unwrap_or_default().to_owned();
        let work = async {
            let response = outbound.send(request, self.timeout).await?;
            let status = response.status();
            let kind = response.headers().get(CONTENT_TYPE).cloned();
            let body = outbound::body(response, ANSWER).await?;
            if !status.is_success() {
                let text = String::from_utf8_lossy(&body);
                let text = text.chars().take(500).collect();
                let status = status.as_u16();
                return Err(CallError::Status { status, text });
            }
            Ok(result(kind.as_ref(), &body))
        };
        let slow = |timeout: Duration| OutboundError::Slow {
            host,
            seconds: timeout.as_secs(),
        };
        match tokio::time::timeout(self.timeout, work).await {
            Ok(answer) => answer,
            Err(_) => Err(slow(self.timeout).into()),
        }
    }

    fn request(
        &self,
        operation: &Operation,
        arguments: &Map<String, Value>,
    ) -> Result<Request, CallError> {
        let mut url = self.url(operation, arguments)?;
        query(&mut url, operation, arguments);
        let key = self.key()?;
        if let (Some(auth), Some(key)) = (&self.auth, &key)
            && let Some(name) = &auth.query
        {
            url.query_pairs_mut().append_pair(name, key);
        }
        let method = Method::from_bytes(operation.method.as_bytes()).unwrap_or(Method::GET);
        let mut request = Request::new(method, url);
        let mut header = |name: &str, value: &str| {
            let parsed = name.parse::<HeaderName>().ok().zip(value.parse().ok());
            let Some((name, value)) = parsed else {
                return Err(CallError::argument(
                    name,
                    "it is no header that can be sent",
                ));
            };
            let value: HeaderValue = value;
            request.headers_mut().insert(name, value);
            Ok(())
        };
        for (name, value) in &self.headers {
            header(name, value)?;
        }
        let mut cookies = Vec::new();
        for parameter in &operation.parameters {
            let Some(value) = arguments.get(&parameter.name).filter(|it| !it.is_null()) else {
                continue;
            };
            let text = plain(value);
            match parameter.place {
                Place::Header => header(&parameter.name, &text)?,
                Place::Cookie => cookies.push(format!("{}={text}", parameter.name)),
                Place::Path | Place::Query => {}
            }
        }
        if !cookies.is_empty() {
            header(COOKIE.as_str(), &cookies.join("; "))?;
        }
        // Last, so that no argument takes its place.
        if let (Some(auth), Some(key)) = (&self.auth, &key)
            && auth.query.is_none()
        {
            let name = auth.header.as_deref().unwrap_or(AUTHORIZATION.as_str());
            let key = format!("{}{key}", auth.prefix());
            header(name, &key).map_err(|_| CallError::NoKey(auth.env.clone()))?;
        }
        body(&mut request, operation, arguments)?;
        Ok(request)
    }

    fn key(&self) -> Result<Option<String>, CallError> {
        let Some(auth) = &self.auth else {
            return Ok(None);
        };
        let key = std::env::var(&auth.env);
        key.map(Some)
            .map_err(|_| CallError::NoKey(auth.env.clone()))
    }

    /// The address with the parameters of the path; no argument reaches beyond its place in it.
    fn url(&self, operation: &Operation, arguments: &Map<String, Value>) -> Result<Url, CallError> {
        let mut params = Vec::new();
        for parameter in &operation.parameters {
            let value = arguments.get(&parameter.name).filter(|it| !it.is_null());
            if value.is_none() && parameter.required {
                return Err(CallError::argument(&parameter.name, "it is required"));
            }
            if parameter.place == Place::Path {
                let text = value.map(plain).unwrap_or_default();
                if matches!(text.as_str(), "" | "." | "..") {
                    let why = format!("{text:?} cannot stand in a path");
                    return Err(CallError::argument(&parameter.name, why));
                }
                params.push((parameter.name.as_str(), text));
            }
        }
        let params: Vec<(&str, &str)> = params
            .iter()
            .map(|(name, it)| (*name, it.as_str()))
            .collect();
        let path = coze_types::endpoint::fill_path(&operation.path, &params);
        let address = format!("{}{path}", self.base_url);
        Url::parse(&address).map_err(|error| {
            OutboundError::Url {
                url: address,
                why: error.to_string(),
            }
            .into()
        })
    }
}

fn query(url: &mut Url, operation: &Operation, arguments: &Map<String, Value>) {
    let mut pairs = Vec::new();
    for parameter in operation
        .parameters
        .iter()
        .filter(|it| it.place == Place::Query)
    {
        match arguments.get(&parameter.name) {
            None | Some(Value::Null) => {}
            Some(Value::Array(items)) if parameter.explode => {
                pairs.extend(items.iter().map(|it| (&parameter.name, plain(it))));
            }
            Some(value) => pairs.push((&parameter.name, plain(value))),
        }
    }
    if !pairs.is_empty() {
        url.query_pairs_mut().extend_pairs(pairs);
    }
}

/// A value as text: a list with commas, an object as JSON.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(plain).collect::<Vec<_>>().join(","),
        other => other.to_string(),
    }
}

fn body(
    request: &mut Request,
    operation: &Operation,
    arguments: &Map<String, Value>,
) -> Result<(), CallError> {
    let Some(body) = &operation.body else {
        return Ok(());
    };
    let content = if body.flat {
        let is_parameter = |name: &String| operation.parameters.iter().any(|it| it.name == *name);
        let fields = arguments.iter().filter(|(name, _)| !is_parameter(name));
        let fields: Map<String, Value> = fields
            .map(|(name, it)| (name.clone(), it.clone()))
            .collect();
        (!fields.is_empty() || body.required).then_some(Value::Object(fields))
    } else {
        arguments.get("body").cloned()
    };
    let Some(content) = content else {
        return match body.required {
            true => Err(CallError::argument("body", "it is required")),
            false => Ok(()),
        };
    };
    let (kind, bytes) = if body.form {
        let fields = content.as_object().into_iter().flatten();
        let pairs: Vec<(&String, String)> = fields.map(|(name, it)| (name, plain(it))).collect();
        let text = serde_urlencoded::to_string(pairs).unwrap_or_default();
        ("application/x-www-form-urlencoded", text.into_bytes())
    } else {
        ("application/json", content.to_string().into_bytes())
    };
    request
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    *request.body_mut() = Some(bytes.into());
    Ok(())
}

/// JSON as it is; everything else as text.
fn result(kind: Option<&HeaderValue>, body: &[u8]) -> Value {
    let kind = kind.and_then(|it| it.to_str().ok()).unwrap_or_default();
    let text = || Value::String(String::from_utf8_lossy(body).into_owned());
    if kind.is_empty() || kind.contains("json") {
        return serde_json::from_slice(body).unwrap_or_else(|_| text());
    }
    text()
}
