//! Where answers come from.
//!
//! A [`Model`] turns a request into a stream of [`ModelEvent`]s and knows nothing of chats,
//! messages or the store. `offline` is built in; `openai` speaks to any compatible endpoint, `coze`
//! to an agent of a Coze account. What goes wrong before an answer has begun is tried once more
//! (`attempts`).

mod attempts;
mod coze;
mod language;
mod offline;
mod openai;
mod script;

use std::sync::Arc;

use futures_util::stream::BoxStream;
use serde_json::Value;

use crate::config::{Misfit, ModelConfig, Space};

use coze::Coze;
pub(crate) use language::{is_cjk, suggestion_prompt};
pub(crate) use offline::Offline;
pub(crate) use openai::OpenAi;
pub use script::{ScriptCall, ScriptError, ScriptRule};

/// What a model is asked.
#[derive(Debug, Clone, Default)]
pub(crate) struct ModelRequest {
    /// Whom the answer is for, for providers that tell their users apart; may be empty.
    pub(crate) user: String,
    /// The system prompt, rendered.
    pub(crate) system: String,
    /// Passages that were looked up for the question, best first.
    pub(crate) knowledge: Vec<String>,
    /// The conversation, oldest first.
    pub(crate) messages: Vec<ModelMessage>,
    /// What it may call.
    pub(crate) tools: Vec<ToolSpec>,
    /// Wishes of the agent or the workflow node; the model's own settings otherwise.
    pub(crate) temperature: Option<f64>,
    pub(crate) top_p: Option<f64>,
    pub(crate) top_k: Option<i64>,
    pub(crate) max_tokens: Option<u32>,
    pub(crate) presence_penalty: Option<f64>,
    pub(crate) frequency_penalty: Option<f64>,
    /// The answer is to be JSON.
    pub(crate) json: bool,
    /// Whether to think before answering: `enabled`, `disabled` or `auto`.
    pub(crate) thinking: Option<String>,
}

/// One message of the conversation.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum ModelMessage {
    User(Vec<Part>),
    Assistant {
        text: String,
        calls: Vec<ModelCall>,
    },
    /// What a tool returned.
    Tool {
        call_id: String,
        output: String,
    },
}

/// A part of what the user sent.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Part {
    Text(String),
    /// A URL, or a `data:` URL of an uploaded image.
    Image(String),
}

/// A call of a tool.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct ModelCall {
    /// Given by the model; empty lets the server choose.
    pub(crate) id: String,
    pub(crate) name: String,
    /// JSON text.
    pub(crate) arguments: String,
}

/// A tool that the model may call.
#[derive(Debug, Clone)]
pub(crate) struct ToolSpec {
    pub(crate) name: String,
    pub(crate) description: String,
    /// JSON Schema.
    pub(crate) parameters: Value,
}

/// What a model says, piece by piece.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum ModelEvent {
    Reasoning(String),
    Text(String),
    Call(ModelCall),
    /// What the user might ask next.
    FollowUps(Vec<String>),
    Usage {
        input: i64,
        output: i64,
    },
}

/// Why a model did not answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ModelError {
    /// A code of the catalogue.
    pub(crate) code: i64,
    pub(crate) msg: String,
}

pub(crate) type ModelStream = BoxStream<'static, Result<ModelEvent, ModelError>>;

/// Something that answers.
pub(crate) trait Model: Send + Sync {
    /// Its name, as shown to users.
    fn name(&self) -> &str;
    /// It can be asked what the user might ask next. Others say it by themselves, or never.
    fn can_suggest(&self) -> bool {
        true
    }
    /// Answers. Dropping the stream ends the work.
    fn respond(&self, request: ModelRequest) -> ModelStream;
}

impl ModelRequest {
    /// The system prompt with the passages in it, for models that know no other place for them.
    pub(crate) fn instructions(&self) -> String {
        if self.knowledge.is_empty() {
            return self.system.clone();
        }
        let mut text = self.system.clone();
        if !text.is_empty() {
            text.push_str("\n\n");
        }
        text.push_str(
            "Passages from the knowledge base that may help with the question. Answer from them \
             where they fit, and say so when they do not hold the answer.",
        );
        for (at, passage) in self.knowledge.iter().enumerate() {
            text.push_str(&format!("\n---\nrecall slice {}:{passage}", at + 1));
        }
        text
    }

    /// The text of the last message of the user.
    pub(crate) fn question(&self) -> String {
        self.questions().last().unwrap_or_default()
    }

    /// The texts of all messages of the user, oldest first.
    pub(crate) fn questions(&self) -> impl Iterator<Item = String> {
        self.messages.iter().filter_map(|message| match message {
            ModelMessage::User(parts) => Some(text_of(parts)),
            _ => None,
        })
    }

    /// What tools returned since the last message of the user.
    pub(crate) fn tool_outputs(&self) -> Vec<&str> {
        let mut outputs = Vec::new();
        for message in self.messages.iter().rev() {
            match message {
                ModelMessage::User(_) => break,
                ModelMessage::Tool { output, .. } => outputs.push(output.as_str()),
                ModelMessage::Assistant { .. } => {}
            }
        }
        outputs.reverse();
        outputs
    }
}

fn text_of(parts: &[Part]) -> String {
    let texts = parts.iter().filter_map(|part| match part {
        Part::Text(text) => Some(text.as_str()),
        Part::Image(_) => None,
    });
    texts.collect::<Vec<_>>().join("\n")
}

/// The model of that name; checked to be there when the configuration was read.
///
/// # Errors
/// What is wrong, with its place inside of the model.
pub(crate) fn build(space: &Space, name: Option<&str>) -> Result<Arc<dyn Model>, Misfit> {
    match name.and_then(|name| space.models.get(name)) {
        Some(ModelConfig::OpenAi(config)) => Ok(Arc::new(OpenAi::new(config)?)),
        Some(ModelConfig::Coze(config)) => Ok(Arc::new(Coze::new(config)?)),
        Some(ModelConfig::Offline(config)) => Ok(Arc::new(Offline::new(&config.script)?)),
        None => Ok(Arc::new(Offline::new(&[])?)),
    }
}

/// A rough count of tokens, for models that do not count: a token per CJK character, and one per
/// four other characters.
pub(crate) fn count_tokens(text: &str) -> i64 {
    let (mut wide, mut narrow) = (0i64, 0i64);
    for character in text.chars() {
        if language::is_cjk(character) {
            wide += 1;
        } else {
            narrow += 1;
        }
    }
    wide + (narrow + 3) / 4
}
