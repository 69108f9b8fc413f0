//! The types a canvas declares, and values as text.

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use serde_json::{Map, Number, Value};

/// `assistType` of a time.
const TIME: u64 = 10_000;
/// Integers up to here are exact as a double.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// A declared type.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Type {
    /// Nothing was declared: every value fits as it is.
    #[default]
    Any,
    /// Text.
    String,
    /// Text that names a time.
    Time,
    /// The URL of a file; the number is the `assistType` (2 is an image).
    File(u64),
    /// A whole number.
    Integer,
    /// A number.
    Float,
    /// True or false.
    Boolean,
    /// Named fields; others may be there too.
    Object(Vec<Variable>),
    /// Elements of one type.
    List(Box<Type>),
}

/// A declared output, field or start parameter.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Variable {
    /// Its name.
    pub name: String,
    /// Its type.
    pub ty: Type,
    /// Must a caller give it?
    pub required: bool,
    /// What it is for, in the author's words.
    pub description: String,
    /// What it is when nobody gives it (start parameters only).
    pub default: Option<Value>,
}

impl Type {
    /// Reads `type`, `assistType` and `schema`.
    pub(crate) fn from_json(declared: &Value) -> Self {
        let assist = declared
            .get("assistType")
            .and_then(Value::as_u64)
            .unwrap_or(0);
        let schema = declared.get("schema");
        match declared.get("type").and_then(Value::as_str).unwrap_or("") {
            "string" | "" if assist == TIME => Self::Time,
            "string" | "" if assist != 0 => Self::File(assist),
            "string" => Self::String,
            "integer" => Self::Integer,
            "float" | "number" => Self::Float,
            "boolean" => Self::Boolean,
            "object" => Self::Object(Variable::list_from_json(schema)),
            "list" => Self::List(Box::new(schema.map(Self::from_json).unwrap_or_default())),
            _ => Self::Any,
        }
    }

    /// The value that stands for "nothing" where Coze wants one.
    pub fn zero(&self) -> Value {
        match self {
            Self::Any => Value::Null,
            Self::String | Self::Time | Self::File(_) => Value::String(String::new()),
            Self::Integer | Self::Float => Value::from(0),
            Self::Boolean => Value::Bool(false),
            Self::Object(_) => Value::Object(Map::new()),
            Self::List(_) => Value::Array(Vec::new()),
        }
    }

    /// The type's name, for messages.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Any => "any",
            Self::String => "string",
            Self::Time => "time",
            Self::File(kind) => file_kind(*kind),
            Self::Integer => "integer",
            Self::Float => "float",
            Self::Boolean => "boolean",
            Self::Object(_) => "object",
            Self::List(_) => "list",
        }
    }

    /// The type as JSON Schema, which is what models understand best.
    pub fn json_schema(&self) -> Value {
        let mut schema = Map::new();
        let mut put = |key: &str, value: Value| {
            schema.insert(key.to_owned(), value);
        };
        match self {
            Self::Any => {}
            Self::String | Self::Time | Self::File(_) => put("type", "string".into()),
            Self::Integer => put("type", "integer".into()),
            Self::Float => put("type", "number".into()),
            Self::Boolean => put("type", "boolean".into()),
            Self::List(element) => {
                put("type", "array".into());
                put("items", element.json_schema());
            }
            Self::Object(fields) => {
                put("type", "object".into());
                let mut properties = Map::new();
                for field in fields {
                    let mut property = field.ty.json_schema();
                    if let (Some(map), false) =
                        (property.as_object_mut(), field.description.is_empty())
                    {
                        map.insert("description".into(), field.description.clone().into());
                    }
                    properties.insert(field.name.clone(), property);
                }
                put("properties", Value::Object(properties));
                let required = fields.iter().filter(|field| field.required);
                let required: Vec<_> = required.map(|f| Value::from(f.name.clone())).collect();
                if !required.is_empty() {
                    put("required", Value::Array(required));
                }
            }
        }
        Value::Object(schema)
    }

    /// Writes `type`, `assistType`, `schema` the way a canvas does.
    fn serialize_into<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        let name = match self {
            Self::Any => return Ok(()),
            Self::Time | Self::File(_) => "string",
            other => other.name(),
        };
        map.serialize_entry("type", name)?;
        match self {
            Self::Time => map.serialize_entry("assistType", &TIME),
            Self::File(kind) => map.serialize_entry("assistType", kind),
            Self::Object(fields) => map.serialize_entry("schema", fields),
            Self::List(element) => map.serialize_entry("schema", element),
            _ => Ok(()),
        }
    }
}

fn file_kind(assist: u64) -> &'static str {
    match assist {
        2 => "image",
        3 => "doc",
        4 => "code",
        5 => "ppt",
        6 => "txt",
        7 => "excel",
        8 => "audio",
        9 => "zip",
        10 => "video",
        11 => "svg",
        12 => "voice",
        _ => "file",
    }
}

impl Serialize for Type {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        self.serialize_into(&mut map)?;
        map.end()
    }
}

impl Variable {
    /// Reads a `Variable`, or a `Param` (whose type is that of its `input`).
    pub(crate) fn from_json(declared: &Value) -> Self {
        let text = |key| {
            declared
                .get(key)
                .and_then(Value::as_str)
                .unwrap_or("")
                .to_owned()
        };
        Self {
            name: text("name"),
            ty: Type::from_json(declared.get("input").unwrap_or(declared)),
            required: declared
                .get("required")
                .and_then(Value::as_bool)
                .unwrap_or(false),
            description: text("description"),
            default: declared
                .get("defaultValue")
                .filter(|v| !v.is_null())
                .cloned(),
        }
    }

    /// Reads a list of them; anything else is an empty list.
    pub(crate) fn list_from_json(list: Option<&Value>) -> Vec<Self> {
        let list = list.and_then(Value::as_array);
        list.map_or_else(Vec::new, |list| list.iter().map(Self::from_json).collect())
    }
}

impl Serialize for Variable {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("name", &self.name)?;
        self.ty.serialize_into(&mut map)?;
        map.serialize_entry("required", &self.required)?;
        if !self.description.is_empty() {
            map.serialize_entry("description", &self.description)?;
        }
        if let Some(default) = &self.default {
            map.serialize_entry("defaultValue", default)?;
        }
        map.end()
    }
}

/// A whole number, if it is one or can be cut to one.
pub(crate) fn to_integer(value: &Value) -> Option<i64> {
    match value {
        Value::Number(number) => number.as_i64().or_else(|| {
            let float = number.as_f64()?.trunc();
            // The bounds of i64 as doubles; the upper one itself does not fit.
            let fits = (-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0).contains(&float);
            #[expect(
                clippy::cast_possible_truncation,
                reason = "the line above checks the range"
            )]
            fits.then_some(float as i64)
        }),
        Value::String(text) => text.parse().ok(),
        _ => None,
    }
}

/// 3 for 3.0: how Coze writes numbers.
pub(crate) fn simplest(number: &Number) -> Number {
    match number.as_f64() {
        Some(float) if number.is_f64() && float.fract() == 0.0 && float.abs() < EXACT => {
            to_integer(&Value::Number(number.clone())).map_or_else(|| number.clone(), Number::from)
        }
        _ => number.clone(),
    }
}

/// JSON with the keys of every object in order, which is how Coze shows values in text.
pub fn sorted_json(value: &Value) -> String {
    let mut text = String::new();
    write_sorted(value, &mut text);
    text
}

fn write_sorted(value: &Value, out: &mut String) {
    match value {
        Value::Number(number) => out.push_str(&simplest(number).to_string()),
        Value::Array(list) => {
            out.push('[');
            for (at, element) in list.iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                write_sorted(element, out);
            }
            out.push(']');
        }
        Value::Object(map) => {
            let mut keys: Vec<_> = map.iter().collect();
            keys.sort_by_key(|(key, _)| *key);
            out.push('{');
            for (at, (key, element)) in keys.into_iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                out.push_str(&Value::String(key.clone()).to_string());
                out.push(':');
                write_sorted(element, out);
            }
            out.push('}');
        }
        other => out.push_str(&other.to_string()),
    }
}

/// About how many bytes a value takes.
pub(crate) fn weight(value: &Value) -> usize {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => 32,
        Value::String(text) => 32 + text.len(),
        Value::Array(list) => 32 + list.iter().map(weight).sum::<usize>(),
        Value::Object(map) => {
            32 + map
                .iter()
                .map(|(key, value)| 64 + key.len() + weight(value))
                .sum::<usize>()
        }
    }
}

/// A value inside text: strings as they are, null as nothing, the rest as JSON.
pub(crate) fn plain_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => sorted_json(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_variable_is_written_as_a_canvas_writes_it() {
        let declared = json!({
            "name": "files", "type": "list", "schema": {"type": "string", "assistType": 2},
            "required": true, "description": "pictures", "defaultValue": "[]",
        });
        let variable = Variable::from_json(&declared);
        assert_eq!(serde_json::to_value(&variable).ok(), Some(declared));
    }
}
