//! Any endpoint that speaks OpenAI's chat completions, streamed.

mod answer;

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http::header::CONTENT_TYPE;
use reqwest::Client;
use serde_json::{Map, Value, json};

use super::attempts::{self, Attempt, Broken};
use super::offline::usage_of;
use super::{Model, ModelError, ModelMessage, ModelRequest, ModelStream, Part};
use crate::config::{Misfit, OpenAiConfig, Waits};
use answer::Reader;

/// A model behind an OpenAI-compatible endpoint.
pub(crate) struct OpenAi {
    client: Client,
    url: String,
    model: String,
    key_env: Option<String>,
    temperature: Option<f64>,
    max_tokens: Option<u32>,
    waits: Waits,
    retry: bool,
}

impl OpenAi {
    pub(crate) fn new(config: &OpenAiConfig) -> Result<Self, Misfit> {
        let url = format!("{}/chat/completions", config.base_url.trim_end_matches('/'));
        reqwest::Url::parse(&url).map_err(|error| {
            let why = format!("base_url {:?}: {error}", config.base_url);
            Misfit::new("base_url", why)
        })?;
        let waits = config.timeouts.waits(config.timeout_s);
        let client = Client::builder()
            .connect_timeout(waits.connect)
            // A redirect could carry the key to another host.
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|error| error.to_string())?;
        Ok(Self {
            client,
            url,
            model: config.model.clone(),
            key_env: config.api_key_env.clone(),
            temperature: config.temperature,
            max_tokens: config.max_tokens,
            waits,
            retry: config.retry,
        })
    }

    fn key(&self) -> Result<Option<String>, ModelError> {
        let Some(name) = &self.key_env else {
            return Ok(None);
        };
        std::env::var(name).map(Some).map_err(|_| ModelError {
            code: 4012,
            msg: format!(
                "the model {}: the environment variable {name} is not set",
                self.model
            ),
        })
    }

    fn body(&self, request: &ModelRequest) -> Value {
        let mut messages = Vec::new();
        let instructions = request.instructions();
        if !instructions.is_empty() {
            messages.push(json!({"role": "system", "content": instructions}));
        }
        messages.extend(request.messages.iter().map(message));
        let mut body = Map::new();
        body.insert("model".into(), json!(self.model));
        body.insert("messages".into(), messages.into());
        body.insert("stream".into(), json!(true));
        body.insert("stream_options".into(), json!({"include_usage": true}));
        if let Some(temperature) = request.temperature.or(self.temperature) {
            body.insert("temperature".into(), json!(temperature));
        }
        if let Some(top_p) = request.top_p {
            body.insert("top_p".into(), json!(top_p));
        }
        if let Some(max_tokens) = request.max_tokens.or(self.max_tokens) {
            body.insert("max_tokens".into(), json!(max_tokens));
        }
        // Not all endpoints know these, so none is sent that nobody asked for.
        let asked = [
            ("top_k", request.top_k.map(|it| json!(it))),
            (
                "presence_penalty",
                request.presence_penalty.map(|it| json!(it)),
            ),
            (
                "frequency_penalty",
                request.frequency_penalty.map(|it| json!(it)),
            ),
            (
                "response_format",
                request.json.then(|| json!({"type": "json_object"})),
            ),
            (
                "thinking",
                request.thinking.as_ref().map(|it| json!({"type": it})),
            ),
        ];
        for (name, value) in asked {
            if let Some(value) = value {
                body.insert(name.into(), value);
            }
        }
        if !request.tools.is_empty() {
            let tools = request.tools.iter().map(|tool| {
                json!({"type": "function", "function": {
                    "name": tool.name,
                    "description": tool.description,
                    "parameters": tool.parameters,
                }})
            });
            body.insert("tools".into(), tools.collect());
        }
        body.into()
    }
}

fn message(message: &ModelMessage) -> Value {
    match message {
        ModelMessage::User(parts) => match parts.as_slice() {
            [Part::Text(text)] => json!({"role": "user", "content": text}),
            parts => {
                let parts: Vec<Value> = parts
                    .iter()
                    .map(|part| match part {
                        Part::Text(text) => json!({"type": "text", "text": text}),
                        Part::Image(url) => json!({"type": "image_url", "image_url": {"url": url}}),
                    })
                    .collect();
                json!({"role": "user", "content": parts})
            }
        },
        ModelMessage::Assistant { text, calls } if calls.is_empty() => {
            json!({"role": "assistant", "content": text})
        }
        ModelMessage::Assistant { text, calls } => {
            let calls: Vec<Value> = calls
                .iter()
                .map(|call| {
                    json!({"id": call.id, "type": "function", "function": {
                        "name": call.name, "arguments": call.arguments,
                    }})
                })
                .collect();
            let content = if text.is_empty() {
                Value::Null
            } else {
                json!(text)
            };
            json!({"role": "assistant", "content": content, "tool_calls": calls})
        }
        ModelMessage::Tool { call_id, output } => {
            json!({"role": "tool", "tool_call_id": call_id, "content": output})
        }
    }
}

impl Model for OpenAi {
    fn name(&self) -> &str {
        &self.model
    }

    fn respond(&self, request: ModelRequest) -> ModelStream {
        let key = match self.key() {
            Ok(key) => key,
            Err(error) => return stream::iter([Err(error)]).boxed(),
        };
        let call = Call {
            client: self.client.clone(),
            url: self.url.clone(),
            body: self.body(&request).to_string().into(),
            key,
            model: self.model.clone(),
            waits: self.waits,
            input: usage_of(&request),
        };
        let total = self.waits.total;
        attempts::ask(&self.model, move || call.attempt(), self.retry, total)
    }
}

/// A question, ready to be sent as often as it takes.
struct Call {
    client: Client,
    url: String,
    body: Bytes,
    key: Option<String>,
    model: String,
    waits: Waits,
    /// Tokens of the question.
    input: i64,
}

impl Call {
    fn attempt(&self) -> Attempt {
        let mut call = self.client.post(&self.url).body(self.body.clone());
        call = call.header(CONTENT_TYPE, "application/json");
        if let Some(key) = &self.key {
            call = call.bearer_auth(key);
        }
        let reader = Reader::new(self.model.clone(), self.key.clone(), self.input);
        let waits = self.waits;
        let answer = async move {
            match tokio::time::timeout(waits.first_byte, call.send()).await {
                Err(_) => {
                    let why = format!("no answer within {:?}", waits.first_byte);
                    Err(Broken::for_good(reader.error(5000, why)))
                }
                Ok(Err(error)) => Err(Broken::for_now(reader.error(5000, describe(&error)))),
                Ok(Ok(response)) if !response.status().is_success() => {
                    Err(reader.refusal(waits.silence, response).await)
                }
                Ok(Ok(response)) => {
                    Ok(answer::read(reader, waits.silence, response.bytes_stream()))
                }
            }
        };
        stream::once(answer)
            .flat_map(|answer| match answer {
                Ok(events) => events,
                Err(broken) => stream::iter([Err(broken)]).boxed(),
            })
            .boxed()
    }
}

/// The whole chain of causes: reqwest's own text ends before the reason.
fn describe(error: &reqwest::Error) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}
