//! Any endpoint that speaks OpenAI's chat completions, streamed.

use std::time::Duration;

use bytes::Bytes;
use coze_types::sse::Decoder;
use futures_util::{Stream, StreamExt, stream};
use reqwest::Client;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{
    Model, ModelCall, ModelError, ModelEvent, ModelMessage, ModelRequest, ModelStream, Part,
    count_tokens,
};
use crate::config::{Misfit, OpenAiConfig};

/// A model behind an OpenAI-compatible endpoint.
pub(crate) struct OpenAi {
    client: Client,
    url: String,
    model: String,
    key_env: Option<String>,
    temperature: Option<f64>,
    max_tokens: Option<u32>,
    timeout: Duration,
}

impl OpenAi {
    pub(crate) fn new(config: &OpenAiConfig) -> Result<Self, Misfit> {
        let url = format!("{}/chat/completions", config.base_url.trim_end_matches('/'));
        reqwest::Url::parse(&url).map_err(|error| {
            let why = format!("base_url {:?}: {error}", config.base_url);
            Misfit::new("base_url", why)
        })?;
        let client = Client::builder()
            .connect_timeout(Duration::from_secs(10))
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
            timeout: Duration::from_secs(config.timeout_s.unwrap_or(120)),
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
        let mut call = self.client.post(&self.url).json(&self.body(&request));
        if let Some(key) = &key {
            call = call.bearer_auth(key);
        }
        let input = super::offline::usage_of(&request);
        let reader = Reader::new(self.model.clone(), key, input);
        let timeout = self.timeout;
        let answer = async move {
            match tokio::time::timeout(timeout, call.send()).await {
                Err(_) => Err(reader.error(5000, format_args!("no answer within {timeout:?}"))),
                Ok(Err(error)) => Err(reader.error(5000, describe(&error))),
                Ok(Ok(response)) if !response.status().is_success() => {
                    Err(reader.refusal(timeout, response).await)
                }
                Ok(Ok(response)) => Ok(read(reader, timeout, response.bytes_stream())),
            }
        };
        stream::once(answer)
            .flat_map(|answer| match answer {
                Ok(events) => events,
                Err(error) => stream::iter([Err(error)]).boxed(),
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

/// Reads the stream of one answer.
struct Reader {
    model: String,
    key: Option<String>,
    decoder: Decoder,
    calls: Vec<ModelCall>,
    usage: Option<(i64, i64)>,
    /// Tokens of the request, counted here for providers that do not count.
    input: i64,
    output: i64,
    finished: bool,
    ended: bool,
}

impl Reader {
    fn new(model: String, key: Option<String>, input: i64) -> Self {
        Self {
            model,
            key,
            decoder: Decoder::new(),
            calls: Vec::new(),
            usage: None,
            input,
            output: 0,
            finished: false,
            ended: false,
        }
    }

    /// An error that names the model and never shows the key, even when the provider repeats it.
    fn error(&self, code: i64, msg: impl std::fmt::Display) -> ModelError {
        let mut msg = format!("the model {}: {msg}", self.model);
        if let Some(key) = self.key.as_deref().filter(|key| !key.is_empty()) {
            msg = msg.replace(key, "***");
        }
        ModelError { code, msg }
    }

    async fn refusal(&self, timeout: Duration, response: reqwest::Response) -> ModelError {
        let status = response.status();
        let code = match status.as_u16() {
            401 | 403 => 4012,
            404 => 4012,
            429 => 4013,
            _ => 5000,
        };
        let body = tokio::time::timeout(timeout, response.bytes()).await;
        let text = body
            .ok()
            .and_then(Result::ok)
            .and_then(|body| error_text(&body));
        match text {
            Some(text) => self.error(code, format_args!("HTTP {}: {text}", status.as_u16())),
            None => self.error(code, format_args!("HTTP {}", status.as_u16())),
        }
    }

    /// What a chunk of bytes says.
    fn push(&mut self, bytes: &[u8]) -> Vec<Result<ModelEvent, ModelError>> {
        let mut events = Vec::new();
        self.decoder.push(bytes);
        loop {
            match self.decoder.advance() {
                Ok(true) => {
                    let data = self.decoder.frame().data.unwrap_or_default().to_vec();
                    self.frame(&data, &mut events);
                }
                Ok(false) => return events,
                Err(error) => {
                    events.push(Err(self.error(5000, error)));
                    return events;
                }
            }
            if events.iter().any(Result::is_err) {
                return events;
            }
        }
    }

    fn frame(&mut self, data: &[u8], events: &mut Vec<Result<ModelEvent, ModelError>>) {
        match data.trim_ascii() {
            b"" => return,
            b"[DONE]" => {
                self.ended = true;
                return;
            }
            _ => {}
        }
        let chunk: Chunk = match serde_json::from_slice(data) {
            Ok(chunk) => chunk,
            Err(error) => {
                events.push(Err(
                    self.error(5000, format_args!("its stream is not readable: {error}"))
                ));
                return;
            }
        };
        if let Some(error) = chunk.error {
            let text = error
                .get("message")
                .and_then(Value::as_str)
                .unwrap_or("an error in the stream");
            events.push(Err(self.error(5000, text)));
            return;
        }
        if let Some(usage) = chunk.usage {
            self.usage = Some((usage.prompt_tokens, usage.completion_tokens));
        }
        for choice in chunk.choices {
            let delta = choice.delta;
            let reasoning = delta.reasoning_content.or(delta.reasoning);
            if let Some(text) = reasoning.filter(|text| !text.is_empty()) {
                self.output += count_tokens(&text);
                events.push(Ok(ModelEvent::Reasoning(text)));
            }
            if let Some(text) = delta.content.filter(|text| !text.is_empty()) {
                self.output += count_tokens(&text);
                events.push(Ok(ModelEvent::Text(text)));
            }
            for piece in delta.tool_calls.unwrap_or_default() {
                self.call_piece(piece);
            }
            self.finished |= choice.finish_reason.is_some();
        }
    }

    /// Calls come in pieces, told apart by their index.
    fn call_piece(&mut self, piece: CallPiece) {
        let index = piece.index.unwrap_or(self.calls.len()).min(127);
        while self.calls.len() <= index {
            self.calls.push(ModelCall::default());
        }
        let Some(call) = self.calls.get_mut(index) else {
            return;
        };
        if let Some(id) = piece.id.filter(|id| !id.is_empty()) {
            call.id = id;
        }
        if let Some(function) = piece.function {
            call.name
                .push_str(function.name.as_deref().unwrap_or_default());
            call.arguments
                .push_str(function.arguments.as_deref().unwrap_or_default());
        }
    }

    /// What is left to say when the stream has ended.
    fn close(&mut self) -> Vec<Result<ModelEvent, ModelError>> {
        if !self.finished {
            let why = "its stream ended before the answer was complete";
            return vec![Err(self.error(5000, why))];
        }
        let mut events: Vec<_> = Vec::new();
        for mut call in std::mem::take(&mut self.calls) {
            if call.name.is_empty() {
                continue;
            }
            if call.arguments.trim().is_empty() {
                call.arguments = "{}".to_owned();
            }
            self.output += count_tokens(&call.arguments);
            events.push(Ok(ModelEvent::Call(call)));
        }
        let (input, output) = self.usage.unwrap_or((self.input, self.output));
        events.push(Ok(ModelEvent::Usage { input, output }));
        events
    }
}

type Bodies = stream::BoxStream<'static, reqwest::Result<Bytes>>;

fn read(
    reader: Reader,
    timeout: Duration,
    body: impl Stream<Item = reqwest::Result<Bytes>> + Send + 'static,
) -> ModelStream {
    let state: Option<(Reader, Bodies)> = Some((reader, body.boxed()));
    stream::unfold(state, move |state| async move {
        let (mut reader, mut body) = state?;
        let (events, go_on) = match tokio::time::timeout(timeout, body.next()).await {
            Err(_) => (
                vec![Err(
                    reader.error(5000, format_args!("silent for {timeout:?}"))
                )],
                false,
            ),
            Ok(Some(Err(error))) => (vec![Err(reader.error(5000, describe(&error)))], false),
            Ok(None) => (reader.close(), false),
            Ok(Some(Ok(bytes))) => {
                let mut events = reader.push(&bytes);
                let failed = events.iter().any(Result::is_err);
                if reader.ended && !failed {
                    events.extend(reader.close());
                }
                let go_on = !failed && !reader.ended;
                (events, go_on)
            }
        };
        Some((stream::iter(events), go_on.then_some((reader, body))))
    })
    .flatten()
    .boxed()
}

fn error_text(body: &[u8]) -> Option<String> {
    let body: Value = serde_json::from_slice(body).ok()?;
    let error = body.get("error")?;
    let text = error
        .get("message")
        .and_then(Value::as_str)
        .or_else(|| error.as_str())?;
    Some(text.chars().take(500).collect())
}

#[derive(Deserialize)]
struct Chunk {
    #[serde(default)]
    choices: Vec<Choice>,
    usage: Option<ChunkUsage>,
    error: Option<Value>,
}

#[derive(Deserialize)]
struct Choice {
    #[serde(default)]
    delta: Delta,
    finish_reason: Option<String>,
}

#[derive(Default, Deserialize)]
struct Delta {
    content: Option<String>,
    /// The name that DeepSeek and Doubao give it.
    reasoning_content: Option<String>,
    /// The name that OpenRouter and vLLM give it.
    reasoning: Option<String>,
    tool_calls: Option<Vec<CallPiece>>,
}

#[derive(Deserialize)]
struct CallPiece {
    index: Option<usize>,
    id: Option<String>,
    function: Option<FunctionPiece>,
}

#[derive(Deserialize)]
struct FunctionPiece {
    name: Option<String>,
    arguments: Option<String>,
}

#[derive(Deserialize)]
struct ChunkUsage {
    #[serde(default)]
    prompt_tokens: i64,
    #[serde(default)]
    completion_tokens: i64,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reader() -> Reader {
        Reader::new("m".into(), Some("hidden".into()), 7)
    }

    #[test]
    fn calls_split_over_chunks_are_put_together() {
        let mut reader = reader();
        for data in [
            r#"{"choices":[{"delta":{"tool_calls":[{"index":0,"id":"c1","function":{"name":"w","arguments":""}}]}}]}"#,
            r#"{"choices":[{"delta":{"tool_calls":[{"index":1,"id":"c2","function":{"name":"t","arguments":"{}"}}]}}]}"#,
            r#"{"choices":[{"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{\"a\":"}}]}}]}"#,
            r#"{"choices":[{"delta":{"tool_calls":[{"index":0,"function":{"arguments":"1}"}}]},"finish_reason":"tool_calls"}]}"#,
        ] {
            assert_eq!(reader.push(format!("data: {data}\n\n").as_bytes()), []);
        }
        let call = |id: &str, name: &str, arguments: &str| {
            let (id, name, arguments) = (id.into(), name.into(), arguments.into());
            Ok(ModelEvent::Call(ModelCall {
                id,
                name,
                arguments,
            }))
        };
        let events = reader.close();
        assert_eq!(
            events[..2],
            [call("c1", "w", "{\"a\":1}"), call("c2", "t", "{}")]
        );
    }

    #[test]
    fn a_stream_that_is_cut_is_an_error() {
        let mut reader = reader();
        let events = reader.push(b"data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n");
        assert_eq!(events, [Ok(ModelEvent::Text("a".into()))]);
        assert!(reader.close()[0].is_err());
    }

    #[test]
    fn the_key_is_never_shown() {
        let error = reader().error(4012, "HTTP 401: wrong key hidden");
        assert_eq!(error.msg, "the model m: HTTP 401: wrong key ***");
    }
}
