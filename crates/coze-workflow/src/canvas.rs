//! The canvas JSON as it is stored and pasted: finding the graph in it, reading its nodes one by one.
//!
//! Nodes are read apart from each other, so that one broken node is one diagnostic and the rest of
//! the canvas is still looked at.

use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use crate::compile;
use crate::diagnostic::Diagnostic;
use crate::plan::Plan;

/// More nodes than this are refused. Coze itself allows 1000.
pub const MAX_NODES: usize = 5000;
const MAX_EDGES: usize = 50_000;

/// The text is not a canvas at all.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum ParseError {
    /// It is not JSON.
    #[error("not JSON: {message} (line {line}, column {column})")]
    Json {
        /// What the parser met.
        message: String,
        /// Line, from 1.
        line: usize,
        /// Column, from 1.
        column: usize,
    },
    /// It is JSON, but has no `nodes` and `edges`.
    #[error("not a workflow canvas: {message} (line {line}, column {column})")]
    NotACanvas {
        /// What is missing or has another shape.
        message: String,
        /// Line, from 1.
        line: usize,
        /// Column, from 1.
        column: usize,
    },
    /// It is larger than anything that was drawn by hand.
    #[error("the canvas has {count} {what}; at most {limit} are accepted")]
    TooLarge {
        /// Nodes or edges.
        what: &'static str,
        /// How many there are.
        count: usize,
        /// How many there may be.
        limit: usize,
    },
}

/// The graph: the root of a canvas, or the body of a container.
#[derive(Debug, Deserialize)]
struct WireCanvas {
    nodes: Vec<Value>,
    #[serde(default, deserialize_with = "null_default")]
    edges: Vec<Value>,
}

/// A node as it is written.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct WireNode {
    #[serde(deserialize_with = "text")]
    pub(crate) id: String,
    #[serde(rename = "type", deserialize_with = "text")]
    pub(crate) number: String,
    #[serde(default, deserialize_with = "null_default")]
    pub(crate) data: WireData,
    #[serde(default, deserialize_with = "null_default")]
    pub(crate) blocks: Vec<Value>,
    #[serde(default, deserialize_with = "null_default")]
    pub(crate) edges: Vec<Value>,
}

#[derive(Debug, Default, Deserialize)]
pub(crate) struct WireData {
    #[serde(default, rename = "nodeMeta", deserialize_with = "null_default")]
    meta: WireMeta,
    #[serde(default, deserialize_with = "null_default")]
    pub(crate) outputs: Vec<Value>,
    #[serde(default, deserialize_with = "null_default")]
    pub(crate) inputs: Map<String, Value>,
}

#[derive(Debug, Default, Deserialize)]
struct WireMeta {
    #[serde(default, deserialize_with = "null_default")]
    title: String,
}

/// An edge as it is written.
#[derive(Debug, Deserialize)]
pub(crate) struct WireEdge {
    #[serde(rename = "sourceNodeID", deserialize_with = "text")]
    pub(crate) source: String,
    #[serde(rename = "targetNodeID", deserialize_with = "text")]
    pub(crate) target: String,
    #[serde(default, rename = "sourcePortID", deserialize_with = "null_default")]
    pub(crate) port: String,
}

impl WireNode {
    pub(crate) fn title(&self) -> &str {
        &self.data.meta.title
    }

    /// As much of a node as can be told when it cannot be read.
    pub(crate) fn remains(value: &Value) -> Self {
        let text = |value: Option<&Value>| match value {
            Some(Value::String(text)) => text.clone(),
            Some(Value::Number(number)) => number.to_string(),
            _ => String::new(),
        };
        let title = text(value.pointer("/data/nodeMeta/title"));
        let data = WireData {
            meta: WireMeta { title },
            ..WireData::default()
        };
        Self {
            id: text(value.get("id")),
            number: text(value.get("type")),
            data,
            ..Self::default()
        }
    }
}

/// Reads a canvas. What is wrong with it comes back beside the plan; only a text that is no canvas
/// at all is an error.
///
/// Accepted are the canvas itself, what the editor puts on the clipboard (`json: {nodes, edges}`),
/// and a canvas as text under `schema_json`.
pub fn parse(json: impl AsRef<[u8]>) -> Result<(Plan, Vec<Diagnostic>), ParseError> {
    let json = json.as_ref();
    let value: Value = serde_json::from_slice(json).map_err(|error| json_error(&error))?;
    let canvas = match (
        value.get("nodes"),
        value.get("json"),
        value.get("schema_json"),
    ) {
        (None, Some(inner), _) => from_value(inner)?,
        (None, None, Some(Value::String(inner))) => return parse(inner.as_bytes()),
        // Read the text again: only that way an error knows its line and column.
        _ => serde_json::from_slice(json).map_err(|error| ParseError::NotACanvas {
            message: message_of(&error),
            line: error.line(),
            column: error.column(),
        })?,
    };
    let nodes = canvas.nodes.len() + canvas.nodes.iter().map(inner_nodes).sum::<usize>();
    check_size("nodes", nodes, MAX_NODES)?;
    let inner = |node: &Value| {
        node.get("edges")
            .and_then(Value::as_array)
            .map_or(0, Vec::len)
    };
    let edges = canvas.edges.len() + canvas.nodes.iter().map(inner).sum::<usize>();
    check_size("edges", edges, MAX_EDGES)?;
    Ok(compile::compile(&canvas.nodes, &canvas.edges))
}

fn inner_nodes(node: &Value) -> usize {
    let blocks = node.get("blocks").and_then(Value::as_array);
    blocks.map_or(0, |blocks| {
        blocks.len() + blocks.iter().map(inner_nodes).sum::<usize>()
    })
}

fn check_size(what: &'static str, count: usize, limit: usize) -> Result<(), ParseError> {
    if count > limit {
        Err(ParseError::TooLarge { what, count, limit })
    } else {
        Ok(())
    }
}

fn from_value(value: &Value) -> Result<WireCanvas, ParseError> {
    WireCanvas::deserialize(value).map_err(|error| ParseError::NotACanvas {
        message: message_of(&error),
        line: 1,
        column: 1,
    })
}

fn json_error(error: &serde_json::Error) -> ParseError {
    let (line, column) = (error.line(), error.column());
    ParseError::Json {
        message: message_of(error),
        line,
        column,
    }
}

/// The error without the position, which has its own fields.
fn message_of(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.split(" at line ").next().unwrap_or(&text).to_owned()
}

fn null_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// Ids and types are strings; other tools write numbers.
fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    match Value::deserialize(deserializer)? {
        Value::String(text) => Ok(text),
        Value::Number(number) => Ok(number.to_string()),
        other => Err(serde::de::Error::custom(format!(
            "{other} where an id or a type must be"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(json: &str) -> String {
        parse(json)
            .err()
            .map_or_else(|| "accepted".into(), |error| error.to_string())
    }

    #[test]
    fn what_is_no_canvas() {
        assert_eq!(
            refused("{\n  \"nodes\": [}"),
            "not JSON: expected value (line 2, column 13)"
        );
        assert_eq!(
            refused("{\"a\": 1}"),
            "not a workflow canvas: missing field `nodes` (line 1, column 8)"
        );
        assert_eq!(
            refused("{\n \"nodes\": 5}"),
            "not a workflow canvas: invalid type: integer `5`, expected a sequence (line 2, column 11)"
        );
        assert!(refused("[]").starts_with("not a workflow canvas"));
        assert!(refused("").starts_with("not JSON"));
        let deep = format!("{}{}", "[".repeat(500), "]".repeat(500));
        assert!(refused(&deep).starts_with("not JSON: recursion limit"));
    }

    #[test]
    fn too_large() {
        let nodes = vec!["{}"; MAX_NODES + 1].join(",");
        let message = refused(&format!("{{\"nodes\":[{nodes}]}}"));
        assert_eq!(
            message,
            "the canvas has 5001 nodes; at most 5000 are accepted"
        );
    }

    #[test]
    fn wrappers() {
        let canvas = r#"{"nodes":[{"id":"100001","type":"1"},{"id":"900001","type":"2"}],
            "edges":[{"sourceNodeID":"100001","targetNodeID":"900001"}]}"#;
        let clipboard = format!(r#"{{"type":"coze-workflow-clipboard-data","json":{canvas}}}"#);
        let schema = serde_json::json!({"schema_json": canvas}).to_string();
        for json in [canvas, &clipboard, &schema] {
            let (plan, diagnostics) = parse(json).expect("a canvas");
            assert_eq!(plan.nodes().count(), 2);
            assert_eq!(diagnostics, []);
        }
    }
}
