//! Where the value of an input comes from: written down, another node, a global variable, or an
//! object put together from such parts.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::code::{self, NodeError};
use crate::value::Type;

/// A named input: its declared type and where its value comes from.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Input {
    pub(crate) name: String,
    pub(crate) ty: Type,
    pub(crate) source: Source,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Source {
    Literal(Value),
    Node {
        node: String,
        path: Vec<String>,
    },
    Global {
        kind: GlobalKind,
        path: Vec<String>,
    },
    Object(Vec<Input>),
    /// The author left it open; the text says how.
    Missing(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum GlobalKind {
    App,
    User,
    System,
}

/// The variables that live longer than a run. The host reads them before the run starts.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Globals {
    /// Variables of the application.
    #[serde(default)]
    pub app: Map<String, Value>,
    /// Variables of the user.
    #[serde(default)]
    pub user: Map<String, Value>,
    /// Variables that the platform fills.
    #[serde(default)]
    pub system: Map<String, Value>,
}

impl Globals {
    fn of(&self, kind: GlobalKind) -> &Map<String, Value> {
        match kind {
            GlobalKind::App => &self.app,
            GlobalKind::User => &self.user,
            GlobalKind::System => &self.system,
        }
    }
}

/// What a reference to a node finds.
pub(crate) enum Output<'a> {
    Values(&'a Map<String, Value>),
    /// The node did not run: all its values are null.
    Skipped,
}

/// Everything a reference can point at.
pub(crate) trait Sources {
    fn output(&self, node: &str) -> Output<'_>;
    fn globals(&self) -> &Globals;
}

/// The value of an input before conversion.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Resolved {
    pub(crate) value: Value,
    /// It comes from a node that was skipped.
    pub(crate) skipped: bool,
}

impl Input {
    /// Reads a `Param`: `{name, input}`.
    pub(crate) fn from_param(param: &Value) -> Self {
        let name = param.get("name").and_then(Value::as_str).unwrap_or("");
        Self::from_block(name, param.get("input").unwrap_or(&Value::Null))
    }

    pub(crate) fn list_from_json(list: Option<&Value>) -> Vec<Self> {
        let list = list.and_then(Value::as_array);
        list.map_or_else(Vec::new, |list| list.iter().map(Self::from_param).collect())
    }

    /// Reads a `BlockInput`: `{type, value}`.
    pub(crate) fn from_block(name: &str, block: &Value) -> Self {
        let ty = Type::from_json(block);
        Self {
            name: name.to_owned(),
            source: Source::from_block(block, &ty),
            ty,
        }
    }

    /// All sources in it that are not themselves made of others.
    pub(crate) fn leaves<'a>(&'a self, visit: &mut dyn FnMut(&'a Source)) {
        match &self.source {
            Source::Object(parts) => parts.iter().for_each(|part| part.leaves(visit)),
            leaf => visit(leaf),
        }
    }

    /// The value, not yet converted to the declared type.
    pub(crate) fn resolve(&self, sources: &dyn Sources) -> Result<Resolved, NodeError> {
        let live = |value| {
            Ok(Resolved {
                value,
                skipped: false,
            })
        };
        match &self.source {
            Source::Literal(value) => live(value.clone()),
            Source::Missing(how) => Err(NodeError::failed(format!("`{}` {how}", self.name))),
            Source::Global { kind, path } => {
                let value = match path.split_first() {
                    Some((first, rest)) => match sources.globals().of(*kind).get(first) {
                        Some(value) => self.walk(value, rest)?,
                        None => Value::Null,
                    },
                    None => Value::Object(sources.globals().of(*kind).clone()),
                };
                let scalar = !matches!(self.ty, Type::Object(_) | Type::List(_));
                live(if value.is_null() && scalar {
                    self.ty.zero()
                } else {
                    value
                })
            }
            Source::Node { node, path } => match sources.output(node) {
                Output::Skipped => Ok(Resolved {
                    value: Value::Null,
                    skipped: true,
                }),
                Output::Values(values) => live(match path.split_first() {
                    Some((first, rest)) => match values.get(first) {
                        Some(value) => self.walk(value, rest)?,
                        None => Value::Null,
                    },
                    None => Value::Object(values.clone()),
                }),
            },
            Source::Object(parts) => {
                let mut map = Map::new();
                let mut skipped = !parts.is_empty();
                for part in parts {
                    let resolved = part.resolve(sources)?;
                    skipped &= resolved.skipped;
                    let mut ignored = Vec::new();
                    let value =
                        crate::convert::convert(resolved.value, &part.ty, &part.name, &mut ignored);
                    map.insert(part.name.clone(), value);
                }
                Ok(Resolved {
                    value: Value::Object(map),
                    skipped,
                })
            }
        }
    }

    /// A path that meets a list on its way goes into the first element.
    fn walk(&self, value: &Value, path: &[String]) -> Result<Value, NodeError> {
        let mut at = value;
        for step in path {
            while let Value::Array(list) = at {
                at = list.first().ok_or_else(|| {
                    let message = format!("`{}`: the list before `.{step}` is empty", self.name);
                    NodeError::new(code::INDEX_OUT_OF_RANGE, message)
                })?;
            }
            match at.get(step) {
                Some(next) => at = next,
                None => return Ok(Value::Null),
            }
        }
        Ok(at.clone())
    }
}

impl Source {
    fn from_block(block: &Value, ty: &Type) -> Self {
        let Some(value) = block.get("value") else {
            return Self::Missing("has no value: set one".into());
        };
        let content = value.get("content").unwrap_or(&Value::Null);
        match value.get("type").and_then(Value::as_str).unwrap_or("") {
            // A box that the author left empty; only text can be the empty text.
            "literal" if content == "" && !matches!(ty, Type::String | Type::Any) => {
                Self::Literal(Value::Null)
            }
            "literal" => Self::Literal(content.clone()),
            "ref" => Self::from_reference(content),
            "object_ref" => Self::Object(Input::list_from_json(block.get("schema"))),
            other => Self::Missing(format!(
                "has a value of the unknown kind {other:?}: use literal, ref or object_ref"
            )),
        }
    }

    fn from_reference(content: &Value) -> Self {
        let text = |key| content.get(key).and_then(Value::as_str).unwrap_or("");
        let global = |kind| {
            let path = content.get("path").and_then(Value::as_array);
            let path = path.map_or(&[][..], Vec::as_slice);
            let path: Vec<_> = path
                .iter()
                .filter_map(Value::as_str)
                .map(str::to_owned)
                .collect();
            if path.is_empty() {
                return Self::Missing("refers to a global variable without naming it".into());
            }
            Self::Global { kind, path }
        };
        match text("source") {
            "block-output" | "" => {}
            "global_variable_app" => return global(GlobalKind::App),
            "global_variable_user" => return global(GlobalKind::User),
            "global_variable_system" => return global(GlobalKind::System),
            other => {
                return Self::Missing(format!("refers to the unknown source {other:?}"));
            }
        }
        let (node, name) = (text("blockID"), text("name"));
        if node.is_empty() {
            return Self::Missing("refers to nothing: choose the node it comes from".into());
        }
        let path = name
            .split('.')
            .filter(|step| !step.is_empty())
            .map(str::to_owned)
            .collect();
        Self::Node {
            node: node.to_owned(),
            path,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    struct Fixed(Map<String, Value>, Globals);

    impl Sources for Fixed {
        fn output(&self, node: &str) -> Output<'_> {
            if node == "1" {
                Output::Values(&self.0)
            } else {
                Output::Skipped
            }
        }

        fn globals(&self) -> &Globals {
            &self.1
        }
    }

    #[expect(clippy::needless_pass_by_value, reason = "reads better at the call")]
    fn check(block: &Value, expected: Result<Value, i64>) {
        let Value::Object(values) = json!({
            "s": "text", "o": {"f": [{"g": 1}, {"g": 2}], "e": []}, "n": null,
        }) else {
            return;
        };
        let mut globals = Globals::default();
        globals.app.insert("a".into(), json!({"b": [5]}));
        let input = Input::from_block("x", block);
        let got = input.resolve(&Fixed(values, globals));
        assert_eq!(
            got.map(|r| r.value).map_err(|e| e.code),
            expected,
            "{block}"
        );
    }

    fn reference(name: &str) -> Value {
        json!({"type": "string", "value": {"type": "ref", "content":
            {"source": "block-output", "blockID": "1", "name": name}}})
    }

    #[test]
    fn references() {
        check(&reference("s"), Ok(json!("text")));
        check(&reference("o.f"), Ok(json!([{"g": 1}, {"g": 2}])));
        check(&reference("o.f.g"), Ok(json!(1)));
        check(&reference("o.e.g"), Err(code::INDEX_OUT_OF_RANGE));
        check(&reference("o.no.g"), Ok(json!(null)));
        check(&reference("n.x"), Ok(json!(null)));
        check(&reference("s.x"), Ok(json!(null)));
        check(&reference("zzz"), Ok(json!(null)));
        let whole = json!({"s": "text", "o": {"f": [{"g": 1}, {"g": 2}], "e": []}, "n": null});
        check(&reference(""), Ok(whole));
    }

    #[test]
    fn skipped_nodes_are_null() {
        let block = json!({"type": "string", "value": {"type": "ref", "content":
            {"source": "block-output", "blockID": "9", "name": "x"}}});
        check(&block, Ok(json!(null)));
    }

    #[test]
    fn literals_and_assembled_objects() {
        check(
            &json!({"type": "string", "value": {"type": "literal", "content": ""}}),
            Ok(json!("")),
        );
        check(
            &json!({"type": "integer", "value": {"type": "literal", "content": ""}}),
            Ok(json!(null)),
        );
        let block = json!({"type": "object", "value": {"type": "object_ref"}, "schema": [
            {"name": "a", "input": reference("s")},
            {"name": "b", "input": {"type": "integer", "value": {"type": "literal", "content": "7"}}},
        ]});
        check(&block, Ok(json!({"a": "text", "b": 7})));
    }

    #[test]
    fn globals() {
        let global = |ty: &str, path: Value| {
            json!({"type": ty, "value": {"type": "ref", "content":
                {"source": "global_variable_app", "path": path, "blockID": "", "name": ""}}})
        };
        check(&global("integer", json!(["a", "b"])), Ok(json!([5])));
        check(&global("integer", json!(["none"])), Ok(json!(0)));
        check(&global("string", json!(["none"])), Ok(json!("")));
        check(&global("object", json!(["none"])), Ok(json!(null)));
        check(&global("string", json!([])), Err(code::EXECUTION_FAILED));
    }

    #[test]
    fn open_ends() {
        for content in [
            json!({"source": "block-output", "blockID": "", "name": ""}),
            json!({"source": "elsewhere", "blockID": "1", "name": "s"}),
            json!(5),
        ] {
            let block = json!({"type": "string", "value": {"type": "ref", "content": content}});
            check(&block, Err(code::EXECUTION_FAILED));
        }
        check(&json!({"type": "string"}), Err(code::EXECUTION_FAILED));
    }
}
