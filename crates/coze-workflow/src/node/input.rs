//! 30 input: a form for the user.

use serde_json::{Map, Value};

use super::{Context, Done};
use crate::code::{self, NodeError};
use crate::convert::convert;
use crate::run::effect::Prompt;
use crate::value::Variable;

#[derive(Debug)]
pub(crate) struct InputSpec {
    /// As the canvas writes it: events show it unchanged.
    schema: String,
    fields: Vec<Variable>,
}

pub(crate) fn compile(inputs: &Map<String, Value>) -> Result<InputSpec, String> {
    let schema = match inputs.get("outputSchema") {
        Some(Value::String(schema)) => schema.clone(),
        Some(Value::Null) | None => "[]".to_owned(),
        Some(other) => other.to_string(),
    };
    let fields: Value = serde_json::from_str(&schema)
        .map_err(|error| format!("`outputSchema` is not JSON ({error}): write a list of fields"))?;
    if !fields.is_array() {
        return Err("`outputSchema` is not a list: write a list of fields".into());
    }
    Ok(InputSpec {
        schema,
        fields: Variable::list_from_json(Some(&fields)),
    })
}

pub(crate) fn begin(spec: &InputSpec) -> Prompt {
    Prompt::Form {
        schema: spec.schema.clone(),
        fields: spec.fields.clone(),
    }
}

/// An answer is a JSON object, or (in a chat) one `name:value` per line.
pub(crate) fn read(spec: &InputSpec, answer: &str) -> Result<Map<String, Value>, String> {
    let mut given = Map::new();
    match serde_json::from_str(answer) {
        Ok(Value::Object(map)) => given = map,
        _ => {
            for line in answer.lines().filter(|line| !line.trim().is_empty()) {
                let pair = line.split_once([':', '：']);
                let (name, value) =
                    pair.ok_or("the answer must be a JSON object or name:value lines")?;
                given.insert(
                    name.trim().to_owned(),
                    Value::String(value.trim().to_owned()),
                );
            }
        }
    }
    let known = |name: &String| spec.fields.iter().any(|field| field.name == *name);
    given.retain(|name, _| known(name));
    match spec
        .fields
        .iter()
        .find(|field| field.required && !given.contains_key(&field.name))
    {
        Some(field) => Err(format!("`{}` is required", field.name)),
        None => Ok(given),
    }
}

pub(crate) fn answer(
    spec: &InputSpec,
    context: &mut Context<'_>,
    answer: &str,
) -> Result<Done, NodeError> {
    let mut given = read(spec, answer).map_err(|m| NodeError::new(code::SERIALISATION, m))?;
    let mut outputs = Map::new();
    let mut warnings = Vec::new();
    for field in &spec.fields {
        if let Some(value) = given.remove(&field.name) {
            outputs.insert(
                field.name.clone(),
                convert(value, &field.ty, &field.name, &mut warnings),
            );
        }
    }
    context.warn_all(warnings);
    Ok(Done::with(outputs))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check(answer: &str, expected: Result<Value, &str>) {
        let schema =
            r#"[{"name":"a","type":"string","required":true},{"name":"b","type":"integer"}]"#;
        let inputs = json!({ "outputSchema": schema });
        let spec = compile(inputs.as_object().expect("a map")).expect("a form");
        let got = read(&spec, answer).map(Value::Object);
        assert_eq!(got, expected.map_err(str::to_owned), "{answer:?}");
    }

    #[test]
    fn answers() {
        check(r#"{"a":1,"b":2,"c":3}"#, Ok(json!({"a": 1, "b": 2})));
        check("a: x:y\n\nb：5", Ok(json!({"a": "x:y", "b": "5"})));
        check(r#"{"b":2}"#, Err("`a` is required"));
        check(
            "hello",
            Err("the answer must be a JSON object or name:value lines"),
        );
        check(
            "[1]",
            Err("the answer must be a JSON object or name:value lines"),
        );
        check("", Err("`a` is required"));
    }
}
