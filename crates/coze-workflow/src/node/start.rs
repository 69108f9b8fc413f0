//! 1 start: what the caller gave, checked and completed.

use serde_json::Value;

use super::{Context, Done};
use crate::code::{self, NodeError};
use crate::convert::convert_strict;

pub(crate) fn begin(context: &mut Context<'_>) -> Result<Done, NodeError> {
    // Parameters that nobody declared pass through; nothing refers to them by name.
    let mut outputs = context.parameters.clone();
    for variable in &context.node.outputs {
        let name = variable.name.as_str();
        let given = context.parameters.get(name);
        if given.is_none() && variable.required {
            let message = format!("missing required parameter `{name}`");
            return Err(NodeError::new(code::MISSING_PARAMETER, message));
        }
        let given = given
            .filter(|value| !is_blank(value))
            .or(variable.default.as_ref())
            .or(given);
        let value = given.cloned().unwrap_or(Value::Null);
        let value = convert_strict(value, &variable.ty, name).map_err(|message| {
            NodeError::new(code::BAD_PARAMETER, format!("bad parameter: {message}"))
        })?;
        outputs.insert(name.to_owned(), value);
    }
    Ok(Done::with(outputs))
}

/// For these a default steps in.
fn is_blank(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(list) => list.is_empty(),
        Value::Object(map) => map.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}
