//! 3 llm: one call of a model. The host makes the call; here the prompts are written and the reply
//! is read.

use serde_json::{Map, Value};

use super::skills::skills;
use super::{Context, Done, integer_of, number_of};
use crate::code::{self, NodeError};
use crate::convert::convert;
use crate::run::effect::{Attachment, ModelRequest, ResponseFormat, Skills, TaskKind};
use crate::run::event::ModelReply;
use crate::template::Template;
use crate::value::{Type, Variable, plain_text};

const REASONING: &str = "reasoning_content";

#[derive(Debug)]
pub(crate) struct LlmSpec {
    settings: Settings,
    system: Template,
    prompt: Template,
    history_rounds: u32,
    skills: Option<Skills>,
    /// What the model has to fill: neither its reasoning nor the outputs about errors.
    fields: Vec<Variable>,
    reasoning: bool,
}

/// Which model, and how it is used.
#[derive(Debug, Clone, Default)]
struct Settings {
    name: Option<String>,
    number: Option<i64>,
    temperature: Option<f64>,
    top_p: Option<f64>,
    max_tokens: Option<i64>,
    format: Option<i64>,
}

impl Settings {
    fn read<'v>(find: impl Fn(&str) -> Option<&'v Value>) -> Self {
        // `modleName` is how canvases spell it.
        let name = find("modleName").or_else(|| find("modelName"));
        let name = name.and_then(Value::as_str).filter(|name| !name.is_empty());
        Self {
            name: name.map(str::to_owned),
            number: find("modelType").and_then(integer_of),
            temperature: find("temperature").and_then(number_of),
            top_p: find("topP").and_then(number_of),
            max_tokens: find("maxTokens").and_then(integer_of),
            format: find("responseFormat").and_then(integer_of),
        }
    }

    /// These settings, and those of `base` where these say nothing.
    fn or(self, base: Self) -> Self {
        Self {
            name: self.name.or(base.name),
            number: self.number.or(base.number),
            temperature: self.temperature.or(base.temperature),
            top_p: self.top_p.or(base.top_p),
            max_tokens: self.max_tokens.or(base.max_tokens),
            format: self.format.or(base.format),
        }
    }
}

pub(crate) fn compile(inputs: &Map<String, Value>, outputs: &[Variable]) -> LlmSpec {
    let params = inputs.get("llmParam");
    let find = |name: &str| match params {
        Some(Value::Array(list)) => list
            .iter()
            .find(|param| param.get("name").and_then(Value::as_str) == Some(name))
            .and_then(|param| param.pointer("/input/value/content")),
        Some(Value::Object(map)) => map.get(name),
        _ => None,
    };
    let text = |name| find(name).map(plain_text).unwrap_or_default();
    let with_history = matches!(find("enableChatHistory"), Some(Value::Bool(true)))
        || text("enableChatHistory") == "true";
    let rounds = find("chatHistoryRound").and_then(integer_of).unwrap_or(0);
    let about_errors = |field: &Variable| {
        (field.name == "isSuccess" && field.ty == Type::Boolean)
            || (field.name == "errorBody" && matches!(field.ty, Type::Object(_)))
    };
    let is_answer = |field: &&Variable| field.name != REASONING && !about_errors(field);
    LlmSpec {
        settings: Settings::read(find),
        system: Template::parse(&text("systemPrompt")),
        prompt: Template::parse(&text("prompt")),
        history_rounds: if with_history {
            u32::try_from(rounds).unwrap_or(0)
        } else {
            0
        },
        skills: inputs.get("fcParam").and_then(skills),
        fields: outputs.iter().filter(is_answer).cloned().collect(),
        reasoning: outputs.iter().any(|field| field.name == REASONING),
    }
}

impl LlmSpec {
    /// JSON asked for and one text declared means text: that is what most canvases do.
    fn format(&self, settings: &Settings) -> ResponseFormat {
        let one_text = matches!(
            self.fields.as_slice(),
            [Variable {
                ty: Type::String,
                ..
            }]
        );
        match settings.format {
            Some(2) if !one_text => ResponseFormat::Json,
            Some(1) => ResponseFormat::Markdown,
            _ => ResponseFormat::Text,
        }
    }

    /// The output that receives the text while it is produced.
    pub(crate) fn text_output(&self) -> Option<&str> {
        let is_text = self.format(&self.settings) != ResponseFormat::Json;
        // Only of a text does every beginning stay what it is when the rest comes.
        let field = self
            .fields
            .first()
            .filter(|field| is_text && field.ty == Type::String);
        field.map(|field| field.name.as_str())
    }

    /// The settings of this attempt: retries may use another model.
    fn settings(&self, context: &Context<'_>) -> Settings {
        let backup = context
            .node
            .on_error
            .backup_model
            .as_deref()
            .filter(|_| context.attempt > 0);
        let backup: Option<Value> = backup.and_then(|json| serde_json::from_str(json).ok());
        match backup {
            Some(json) => Settings::read(|name| json.get(name)).or(self.settings.clone()),
            None => self.settings.clone(),
        }
    }

    fn answer_type(&self) -> Type {
        Type::Object(self.fields.clone())
    }
}

pub(crate) fn begin(spec: &LlmSpec, context: &mut Context<'_>) -> Result<TaskKind, NodeError> {
    let settings = spec.settings(context);
    let format = spec.format(&settings);
    let inputs = &context.inputs;
    let system = spec.system.render(|name| inputs.slot(name), None)?;
    let mut prompt = spec.prompt.render(|name| inputs.slot(name), None)?;
    let mut skills = spec.skills.clone();
    // What is asked, without the instructions for the form of the answer.
    if let Some(knowledge) = skills.as_mut().and_then(|it| it.knowledge.as_mut()) {
        knowledge.query.clone_from(&prompt);
    }
    let schema = match format {
        ResponseFormat::Text => None,
        ResponseFormat::Markdown => {
            prompt.push_str("\n\nFormat the answer as Markdown.");
            None
        }
        ResponseFormat::Json => {
            let schema = spec.answer_type().json_schema();
            prompt.push_str("\n\nAnswer with one JSON object and nothing else. It must match this JSON Schema:\n");
            prompt.push_str(&schema.to_string());
            Some(schema)
        }
    };
    Ok(TaskKind::Model(Box::new(ModelRequest {
        model_name: settings.name,
        model_type: settings.number,
        system,
        prompt,
        history_rounds: spec.history_rounds,
        temperature: settings.temperature,
        top_p: settings.top_p,
        max_tokens: settings.max_tokens,
        response_format: format,
        schema,
        attachments: attachments(spec, context),
        skills,
        stream: context.stream && format != ResponseFormat::Json,
    })))
}

/// Files that the prompts name.
fn attachments(spec: &LlmSpec, context: &Context<'_>) -> Vec<Attachment> {
    let mut names = spec.system.roots();
    names.extend(spec.prompt.roots());
    let mut found = Vec::new();
    for input in &context.node.inputs {
        let kind = match &input.ty {
            Type::File(_) => input.ty.name(),
            Type::List(element) if matches!(**element, Type::File(_)) => element.name(),
            _ => continue,
        };
        if !names.contains(&input.name.as_str()) {
            continue;
        }
        let urls = match context.inputs.values.get(&input.name) {
            Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).collect(),
            Some(Value::String(url)) => vec![url.as_str()],
            _ => Vec::new(),
        };
        found.extend(
            urls.into_iter()
                .filter(|url| !url.is_empty())
                .map(|url| Attachment {
                    input: input.name.clone(),
                    kind: kind.to_owned(),
                    url: url.to_owned(),
                }),
        );
    }
    found
}

pub(crate) fn finish(spec: &LlmSpec, context: &mut Context<'_>, reply: ModelReply) -> Done {
    let mut outputs = Map::new();
    if spec.format(&spec.settings(context)) == ResponseFormat::Json {
        let mut warnings = Vec::new();
        match serde_json::from_str(without_fence(&reply.text)) {
            Ok(json @ Value::Object(_)) => {
                let answer = convert(json, &spec.answer_type(), "answer", &mut warnings);
                if let Value::Object(map) = answer {
                    outputs = map;
                }
            }
            _ => context.warn(
                code::NOT_JSON,
                "the model did not answer with a JSON object",
            ),
        }
        context.warn_all(warnings);
    } else if let Some(field) = spec.fields.first() {
        let mut warnings = Vec::new();
        let value = convert(
            Value::String(reply.text),
            &field.ty,
            &field.name,
            &mut warnings,
        );
        outputs.insert(field.name.clone(), value);
        context.warn_all(warnings);
    }
    if spec.reasoning {
        outputs.insert(
            REASONING.into(),
            reply.reasoning.map_or(Value::Null, Value::String),
        );
    }
    Done::with(outputs)
}

/// Models like to wrap JSON in a code block.
fn without_fence(text: &str) -> &str {
    let text = text.trim();
    let Some(inner) = text.strip_prefix("```") else {
        return text;
    };
    let inner = inner.strip_suffix("```").unwrap_or(inner);
    inner.strip_prefix("json").unwrap_or(inner).trim()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn format(number: u64, outputs: &Value) -> ResponseFormat {
        let inputs = json!({"llmParam": [
            {"name": "responseFormat", "input": {"value": {"content": number.to_string()}}},
        ]});
        let outputs = Variable::list_from_json(Some(outputs));
        let spec = compile(inputs.as_object().expect("a map"), &outputs);
        spec.format(&spec.settings)
    }

    #[test]
    fn json_for_one_text_is_text() {
        let text = json!({"name": "output", "type": "string"});
        let reasoning = json!({"name": "reasoning_content", "type": "string"});
        let number = json!({"name": "n", "type": "integer"});
        let success = json!({"name": "isSuccess", "type": "boolean"});
        let body = json!({"name": "errorBody", "type": "object", "schema": []});
        assert_eq!(format(2, &json!([text])), ResponseFormat::Text);
        assert_eq!(format(2, &json!([text, reasoning])), ResponseFormat::Text);
        assert_eq!(
            format(2, &json!([text, success, body])),
            ResponseFormat::Text
        );
        assert_eq!(format(2, &json!([number])), ResponseFormat::Json);
        assert_eq!(format(2, &json!([text, number])), ResponseFormat::Json);
        assert_eq!(format(1, &json!([text])), ResponseFormat::Markdown);
        assert_eq!(format(0, &json!([number])), ResponseFormat::Text);
    }

    #[test]
    fn fences() {
        for (text, expected) in [
            ("{}", "{}"),
            ("```json\n{}\n```", "{}"),
            ("  ```\n{}\n```  ", "{}"),
            ("```json {}", "{}"),
        ] {
            assert_eq!(without_fence(text), expected);
        }
    }
}
