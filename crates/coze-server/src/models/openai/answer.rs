//! The stream of one answer of an OpenAI-compatible endpoint.

use std::time::Duration;

use bytes::Bytes;
use coze_types::sse::Decoder;
use futures_util::{Stream, StreamExt, stream};
use serde::Deserialize;
use serde_json::Value;

use super::describe;
use crate::models::attempts::{Attempt, Broken};
use crate::models::{ModelCall, ModelError, ModelEvent, count_tokens};

/// Reads the stream of one answer.
pub(super) struct Reader {
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
    pub(super) fn new(model: String, key: Option<String>, input: i64) -> Self {
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
    pub(super) fn error(&self, code: i64, msg: impl std::fmt::Display) -> ModelError {
        let mut msg = format!("the model {}: {msg}", self.model);
        if let Some(key) = self.key.as_deref().filter(|key| !key.is_empty()) {
            msg = msg.replace(key, "***");
        }
        ModelError { code, msg }
    }

    pub(super) async fn refusal(&self, timeout: Duration, response: reqwest::Response) -> Broken {
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
        let error = match text {
            Some(text) => self.error(code, format_args!("HTTP {}: {text}", status.as_u16())),
            None => self.error(code, format_args!("HTTP {}", status.as_u16())),
        };
        // 529 is what some providers say when they are overloaded.
        let again = matches!(status.as_u16(), 408 | 500 | 502 | 503 | 504 | 529);
        Broken { error, again }
    }

    /// What a chunk of bytes says.
    fn push(&mut self, bytes: &[u8]) -> Vec<Result<ModelEvent, Broken>> {
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
                    events.push(Err(Broken::for_good(self.error(5000, error))));
                    return events;
                }
            }
            if events.iter().any(Result::is_err) {
                return events;
            }
        }
    }

    fn frame(&mut self, data: &[u8], events: &mut Vec<Result<ModelEvent, Broken>>) {
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
                let error = self.error(5000, format_args!("its stream is not readable: {error}"));
                events.push(Err(Broken::for_good(error)));
                return;
            }
        };
        if let Some(error) = chunk.error {
            let text = error
                .get("message")
                .and_then(Value::as_str)
                .unwrap_or("an error in the stream");
            events.push(Err(Broken::for_now(self.error(5000, text))));
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
    fn close(&mut self) -> Vec<Result<ModelEvent, Broken>> {
        if !self.finished {
            let why = "its stream ended before the answer was complete";
            return vec![Err(Broken::for_now(self.error(5000, why)))];
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

/// Reads an answer to its end; `silence` is the longest pause in it.
pub(super) fn read(
    reader: Reader,
    silence: Duration,
    body: impl Stream<Item = reqwest::Result<Bytes>> + Send + 'static,
) -> Attempt {
    let state: Option<(Reader, Bodies)> = Some((reader, body.boxed()));
    stream::unfold(state, move |state| async move {
        let (mut reader, mut body) = state?;
        let (events, go_on) = match tokio::time::timeout(silence, body.next()).await {
            Err(_) => {
                let error = reader.error(5000, format_args!("silent for {silence:?}"));
                (vec![Err(Broken::for_good(error))], false)
            }
            Ok(Some(Err(error))) => {
                let error = reader.error(5000, describe(&error));
                (vec![Err(Broken::for_now(error))], false)
            }
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
