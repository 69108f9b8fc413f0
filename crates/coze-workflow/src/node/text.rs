//! 15 text: puts a text together from a template, or takes one apart at delimiters.

use serde_json::{Map, Value};

use super::{Context, Done, literal_text, text_of};
use crate::code::NodeError;
use crate::reference::Input;
use crate::template::Template;
use crate::value::plain_text;

/// No text is cut into more pieces than this.
const MAX_PIECES: usize = 1_000_000;

#[derive(Debug)]
pub(crate) enum TextSpec {
    Concat {
        result: Template,
        joiner: Option<Input>,
    },
    Split {
        delimiters: Option<Input>,
    },
}

pub(crate) fn compile(
    inputs: &Map<String, Value>,
    extra: &mut Vec<Input>,
) -> Result<TextSpec, String> {
    let setting = |list: &str, name: &str| {
        let params = inputs.get(list).and_then(Value::as_array)?;
        params
            .iter()
            .find(|param| param.get("name").and_then(Value::as_str) == Some(name))
    };
    match text_of(inputs, "method").as_deref() {
        None | Some("" | "concat") => {
            let result =
                setting("concatParams", "concatResult").and_then(|param| param.get("input"));
            let result = match result {
                Some(block) => {
                    literal_text(block).ok_or("`concatResult` is not a text: write one")?
                }
                None => "",
            };
            let joiner = setting("concatParams", "arrayItemConcatChar").map(Input::from_param);
            extra.extend(joiner.clone());
            Ok(TextSpec::Concat {
                result: Template::parse(result),
                joiner,
            })
        }
        Some("split") => {
            let delimiters = setting("splitParams", "delimiters").map(Input::from_param);
            extra.extend(delimiters.clone());
            Ok(TextSpec::Split { delimiters })
        }
        Some(other) => Err(format!("`method` is {other:?}: it must be concat or split")),
    }
}

pub(crate) fn begin(spec: &TextSpec, context: &mut Context<'_>) -> Result<Done, NodeError> {
    let output = match spec {
        TextSpec::Concat { result, joiner } => {
            let joiner = match joiner {
                Some(input) => plain_text(&context.resolve(input)?),
                None => String::new(),
            };
            let inputs = &context.inputs;
            Value::String(result.render(|name| inputs.slot(name), Some(&joiner))?)
        }
        TextSpec::Split { delimiters } => {
            let delimiters = match delimiters {
                Some(input) => context.resolve(input)?,
                None => Value::Null,
            };
            let text = context
                .inputs
                .values
                .get("String")
                .map(plain_text)
                .unwrap_or_default();
            let delimiters = delimiters.as_array().map_or(&[][..], Vec::as_slice);
            let delimiters: Vec<String> = delimiters.iter().map(plain_text).collect();
            Value::Array(
                split(text, &delimiters)?
                    .into_iter()
                    .map(Value::String)
                    .collect(),
            )
        }
    };
    let mut outputs = Map::new();
    outputs.insert("output".into(), output);
    Ok(Done::with(outputs))
}

/// Each delimiter cuts every piece that the ones before it left; empty pieces stay. The empty
/// delimiter cuts between all characters.
fn split(text: String, delimiters: &[String]) -> Result<Vec<String>, NodeError> {
    let mut pieces = vec![text];
    for delimiter in delimiters {
        let mut next = Vec::new();
        for piece in pieces {
            if delimiter.is_empty() {
                next.extend(piece.chars().take(MAX_PIECES + 1).map(String::from));
            } else {
                let parts = piece.split(delimiter.as_str()).take(MAX_PIECES + 1);
                next.extend(parts.map(str::to_owned));
            }
            if next.len() > MAX_PIECES {
                return Err(NodeError::failed(format!(
                    "the text has more than {MAX_PIECES} pieces"
                )));
            }
        }
        pieces = next;
    }
    Ok(pieces)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, delimiters: &[&str], expected: &[&str]) {
        let delimiters: Vec<_> = delimiters.iter().map(|d| (*d).to_owned()).collect();
        let pieces = split(text.to_owned(), &delimiters).expect("pieces");
        assert_eq!(pieces, expected, "{text:?} at {delimiters:?}");
    }

    #[test]
    fn pieces() {
        check("a,b;c", &[",", ";"], &["a", "b", "c"]);
        check(",a,,", &[","], &["", "a", "", ""]);
        check("a=>b", &["=>"], &["a", "b"]);
        check("ab", &[""], &["a", "b"]);
        check("", &[","], &[""]);
        check("abc", &[], &["abc"]);
    }

    #[test]
    fn too_many_pieces() {
        assert!(split("x".repeat(MAX_PIECES + 1), &[String::new()]).is_err());
    }
}
