//! What a run wants done outside: work, messages, questions, and at last its outcome.

use std::sync::Arc;

use serde::{Serialize, Serializer};
use serde_json::{Map, Value, json};

use super::event::Usage;
use crate::path::{NodePath, TaskId};
use crate::plan::NodeInfo;
use crate::value::{Type, Variable};

/// Something the host has to do, in the order in which it is given.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "effect", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Effect {
    /// Begin this work; its end comes back as `TaskFinished` or `TaskFailed`.
    Start(Task),
    /// Give up this work; nobody waits for it any more.
    Abort {
        /// Which.
        task: TaskId,
    },
    /// Show this to the user.
    EmitMessage(Message),
    /// Ask the user; the run rests until `Answered` comes.
    Interrupt(Interrupt),
    /// Something did not fit and the run went on without it. For logs and histories.
    Warn {
        /// The node.
        path: NodePath,
        /// The number of the warning.
        code: i64,
        /// What did not fit.
        message: String,
    },
    /// The run is over; this is always the last effect of a run.
    Finish(Outcome),
}

/// Work for somebody outside.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Task {
    /// To be handed back with the result.
    pub id: TaskId,
    /// The node, for logs.
    #[serde(serialize_with = "shared")]
    pub node: Arc<NodeInfo>,
    /// What to do.
    pub kind: TaskKind,
    /// One budget for all attempts of the node, counted from attempt 0. When it is used up, fail the
    /// task with [`code::NODE_TIMEOUT`](crate::code::NODE_TIMEOUT).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout_ms: Option<u64>,
}

/// What to do.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum TaskKind {
    /// Call a model; the result is `TaskResult::Model`.
    Model(Box<ModelRequest>),
    /// Look passages up. The result is a `TaskResult::Value`: a list of `{documentId, output}`, best
    /// first.
    SearchKnowledge(KnowledgeSearch),
    /// Add a document. The result is a `TaskResult::Value`: `{documentId, fileName, fileUrl}`.
    WriteKnowledge(KnowledgeWrite),
    /// Remove a document. The result is a `TaskResult::Value`: whether it was there.
    DeleteKnowledge {
        /// Its id.
        document: String,
    },
}

/// A search in datasets.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct KnowledgeSearch {
    /// What to look for.
    pub query: String,
    /// Ids of the datasets.
    pub datasets: Vec<String>,
    /// The most passages.
    pub top_k: u32,
    /// Passages that fit less are left out.
    pub min_score: Option<f64>,
    /// 0 by meaning, 1 both, 20 by words.
    pub strategy: i64,
}

/// A document for a dataset.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct KnowledgeWrite {
    /// The URL of the file.
    pub file: String,
    /// The id of the dataset.
    pub dataset: String,
    /// How it is split; as the host likes when there is none.
    pub chunking: Option<Chunking>,
}

/// How a document is split.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Chunking {
    /// Where to split.
    pub separator: String,
    /// The longest chunk.
    pub max_tokens: i64,
    /// How much of it neighbours share, in per cent.
    pub overlap_percent: i64,
}

/// A call of a model.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct ModelRequest {
    /// The model, as the canvas names it.
    pub model_name: Option<String>,
    /// The model's number at Coze.
    pub model_type: Option<i64>,
    /// System prompt; empty if there is none.
    pub system: String,
    /// User prompt, with the instruction for the answer's format.
    pub prompt: String,
    /// How many rounds of the conversation go between the two; 0 for none.
    pub history_rounds: u32,
    /// Sampling temperature.
    pub temperature: Option<f64>,
    /// Nucleus sampling.
    pub top_p: Option<f64>,
    /// The longest answer, in tokens.
    pub max_tokens: Option<i64>,
    /// What kind of answer is wanted.
    pub response_format: ResponseFormat,
    /// JSON Schema of the answer, if it is JSON.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schema: Option<Value>,
    /// Files whose URLs are in the prompts, for models that can look at them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<Attachment>,
    /// What the author gave to the model to use.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub skills: Option<Skills>,
    /// Somebody watches the text grow: send `TextDelta`s. Without them nothing is lost.
    pub stream: bool,
}

/// What a model may use (`fcParam` of the canvas). The host offers workflows and plugins as tools, and
/// goes on asking the model until it answers without calling one; the answer of a workflow whose end
/// node answers in words is the answer of the model. Passages are looked up before it is asked.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Skills {
    /// Ids of workflows.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub workflows: Vec<String>,
    /// Tools of plugins.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub plugins: Vec<PluginSkill>,
    /// Where passages for the prompt are looked up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub knowledge: Option<KnowledgeSearch>,
}

/// A tool of a plugin.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct PluginSkill {
    /// The id of the plugin.
    pub plugin: String,
    /// The id of the tool in it.
    pub tool: String,
    /// The tool's name.
    pub name: String,
}

/// A kind of answer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ResponseFormat {
    /// Plain text.
    #[default]
    Text,
    /// Markdown.
    Markdown,
    /// A JSON object.
    Json,
}

/// A file named in a prompt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Attachment {
    /// The input it came by.
    pub input: String,
    /// `image`, `audio`, `video`, `doc`, … or `file`.
    pub kind: String,
    /// Where it is.
    pub url: String,
}

/// A piece of text for the user.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Message {
    /// The node in the run.
    pub path: NodePath,
    /// Its title and type.
    #[serde(serialize_with = "shared")]
    pub node: Arc<NodeInfo>,
    /// The text; to be put behind what the node sent before.
    pub content: String,
    /// `text`.
    pub content_type: &'static str,
    /// Counts the messages of this node, from 0.
    pub seq: u64,
    /// Is this the last piece of the node's message?
    pub finished: bool,
    /// Is it from the end node?
    pub is_end: bool,
    /// Does it repeat the interrupt that follows?
    pub is_interrupt: bool,
    /// The cost of the run, on the end node's last piece.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
}

/// A question to the user.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Interrupt {
    /// Names it within the run.
    pub event_id: String,
    /// The node in the run.
    pub path: NodePath,
    /// Its title and type.
    #[serde(serialize_with = "shared")]
    pub node: Arc<NodeInfo>,
    /// What is asked.
    pub prompt: Prompt,
}

/// What a user is asked.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Prompt {
    /// A question.
    Question {
        /// Its text.
        text: String,
        /// The possible answers; empty for free text.
        options: Vec<String>,
    },
    /// A form.
    Form {
        /// The fields as the canvas writes them (JSON text).
        schema: String,
        /// The fields.
        fields: Vec<Variable>,
    },
}

impl Interrupt {
    /// Coze's number for the kind of interrupt.
    pub fn kind(&self) -> i64 {
        match self.prompt {
            Prompt::Question { .. } => 2,
            Prompt::Form { .. } => 5,
        }
    }

    /// The payload, as JSON text in the shape of the open-source server.
    pub fn data(&self) -> String {
        match &self.prompt {
            Prompt::Question { text, options } => {
                let (content_type, content) = if options.is_empty() {
                    ("text", Value::from(text.clone()))
                } else {
                    let options: Vec<_> =
                        options.iter().map(|name| json!({ "name": name })).collect();
                    ("option", json!({"options": options, "question": text}))
                };
                let id = format!("{}_0", self.path.node);
                json!({"messages": [{
                    "type": "question", "content_type": content_type, "content": content, "id": id,
                }]})
                .to_string()
            }
            Prompt::Form { schema, .. } => {
                json!({"content": schema, "content_type": "form_schema"}).to_string()
            }
        }
    }

    /// What an answer to a form must hold: name to `{type, required, …}`. Empty for questions.
    pub fn required_parameters(&self) -> Map<String, Value> {
        match &self.prompt {
            Prompt::Question { .. } => Map::new(),
            Prompt::Form { fields, .. } => parameters(fields),
        }
    }
}

fn parameters(fields: &[Variable]) -> Map<String, Value> {
    let entry = |field: &Variable| {
        let mut schema = parameter(&field.ty);
        schema.insert("required".into(), field.required.into());
        if !field.description.is_empty() {
            schema.insert("description".into(), field.description.clone().into());
        }
        (field.name.clone(), Value::Object(schema))
    };
    fields.iter().map(entry).collect()
}

fn parameter(ty: &Type) -> Map<String, Value> {
    let mut schema = Map::new();
    let name = match ty {
        Type::Any | Type::Time => "string",
        Type::Float => "number",
        Type::List(_) => "array",
        other => other.name(),
    };
    schema.insert("type".into(), name.into());
    match ty {
        Type::List(element) => {
            schema.insert("items".into(), Value::Object(parameter(element)));
        }
        Type::Object(fields) => {
            schema.insert("properties".into(), Value::Object(parameters(fields)));
        }
        _ => {}
    }
    schema
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Outcome {
    /// The end node was reached.
    Success {
        /// The result: the variables of the end node, or `{"output": text}`.
        output: Map<String, Value>,
        /// The text, if the workflow answers with one.
        answer: Option<String>,
        /// What it cost.
        usage: Usage,
    },
    /// It failed.
    Failed(Failure),
    /// It was cancelled.
    Cancelled {
        /// What it cost.
        usage: Usage,
    },
}

/// Why a run failed.
#[derive(Debug, Clone, PartialEq, Serialize, thiserror::Error)]
#[error("{message} (code {code})")]
pub struct Failure {
    /// One of [`code`](crate::code), or what a task failed with.
    pub code: i64,
    /// What went wrong; names the node.
    pub message: String,
    /// The node, if it was one.
    pub path: Option<NodePath>,
    /// What the run cost up to here.
    pub usage: Usage,
}

fn shared<T: Serialize, S: Serializer>(value: &Arc<T>, serializer: S) -> Result<S::Ok, S::Error> {
    value.serialize(serializer)
}
