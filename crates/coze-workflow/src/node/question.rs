//! 18 question: asks the user, for free text or for one of some options.

use serde_json::{Map, Value};

use super::{Context, Done, NodeSpec, literal_text, text_of};
use crate::code::{self, NodeError};
use crate::plan::Port;
use crate::reference::Input;
use crate::run::effect::Prompt;
use crate::template::Template;
use crate::value::plain_text;

/// Options are named A to Z.
const MAX_OPTIONS: usize = 26;

#[derive(Debug)]
pub(crate) struct QuestionSpec {
    question: Template,
    options: Options,
}

#[derive(Debug)]
enum Options {
    /// Free text.
    None,
    Static(Vec<Template>),
    Dynamic(Input),
}

impl QuestionSpec {
    pub(crate) fn branches(&self) -> Option<usize> {
        match &self.options {
            Options::None => None,
            Options::Static(options) => Some(options.len()),
            Options::Dynamic(_) => Some(1),
        }
    }
}

pub(crate) fn compile(
    inputs: &Map<String, Value>,
    extra: &mut Vec<Input>,
) -> Result<NodeSpec, String> {
    let text = |key| inputs.get(key).and_then(literal_text).unwrap_or("");
    let question = Template::parse(text("question"));
    let options = match text_of(inputs, "answer_type").as_deref() {
        None | Some("" | "text") => {
            if inputs.get("extra_output").and_then(Value::as_bool) == Some(true) {
                let why = "has type 18 (question) and extracts fields from the answer, \
                           which this engine does not run yet";
                return Ok(NodeSpec::Unsupported(why.into()));
            }
            Options::None
        }
        Some("option") if text("option_type") == "dynamic" => {
            let block = inputs.get("dynamic_option").unwrap_or(&Value::Null);
            let input = Input::from_block("dynamic_option", block);
            extra.push(input.clone());
            Options::Dynamic(input)
        }
        Some("option") => {
            let list = inputs.get("options").and_then(Value::as_array);
            let list = list.map_or(&[][..], Vec::as_slice);
            let name = |option: &Value| {
                Template::parse(option.get("name").and_then(literal_text).unwrap_or(""))
            };
            if list.is_empty() {
                return Err("it offers no options: add one or ask for text".into());
            }
            if list.len() > MAX_OPTIONS {
                return Err(format!(
                    "it has more than {MAX_OPTIONS} options: delete some"
                ));
            }
            Options::Static(list.iter().map(name).collect())
        }
        Some(other) => {
            return Err(format!(
                "`answer_type` is {other:?}: it must be text or option"
            ));
        }
    };
    Ok(NodeSpec::Question(QuestionSpec { question, options }))
}

pub(crate) fn begin(spec: &QuestionSpec, context: &mut Context<'_>) -> Result<Prompt, NodeError> {
    let options = match &spec.options {
        Options::None => Vec::new(),
        Options::Static(names) => {
            let inputs = &context.inputs;
            let names = names
                .iter()
                .map(|name| name.render(|root| inputs.slot(root), None));
            names.collect::<Result<Vec<_>, _>>()?
        }
        Options::Dynamic(input) => match context.resolve(input)? {
            Value::Array(list) if list.len() > MAX_OPTIONS => {
                let message = format!(
                    "there are {} options; at most {MAX_OPTIONS} fit",
                    list.len()
                );
                return Err(NodeError::failed(message));
            }
            Value::Array(list) if !list.is_empty() => list.iter().map(plain_text).collect(),
            _ => {
                return Err(NodeError::new(
                    code::NO_OPTIONS,
                    "there are no options to offer",
                ));
            }
        },
    };
    let inputs = &context.inputs;
    let text = spec.question.render(|name| inputs.slot(name), None)?;
    Ok(Prompt::Question { text, options })
}

pub(crate) fn answer(spec: &QuestionSpec, prompt: &Prompt, answer: &str) -> Done {
    let mut outputs = Map::new();
    let options = match prompt {
        Prompt::Question { options, .. } => options.as_slice(),
        Prompt::Form { .. } => &[],
    };
    if matches!(spec.options, Options::None) {
        outputs.insert("USER_RESPONSE".into(), answer.into());
        return Done::with(outputs);
    }
    let matched = options.iter().position(|option| option == answer);
    let id = matched.and_then(letter).unwrap_or_else(|| "other".into());
    outputs.insert("optionId".into(), id.into());
    outputs.insert("optionContent".into(), answer.into());
    let port = match (matched, &spec.options) {
        (None, _) => Port::Default,
        (Some(_), Options::Dynamic(_)) => Port::Branch(0),
        (Some(at), _) => Port::Branch(at),
    };
    Done {
        outputs,
        port,
        note: None,
    }
}

fn letter(at: usize) -> Option<String> {
    let letter = u8::try_from(at).ok().filter(|at| *at < 26)?;
    Some(char::from(b'A' + letter).to_string())
}
