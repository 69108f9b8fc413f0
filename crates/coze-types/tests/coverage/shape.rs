//! What a description says of a value: its shape, and a sample of it.

use serde_json::{Map, Value, json};

/// The JSON that is described.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Shape {
    Text,
    Integer,
    Number,
    Flag,
    /// Of any kind; the description does not say which.
    Any,
    /// An array of one kind of element.
    List(Box<Shape>),
    /// An object with any keys.
    Map(Box<Shape>),
    /// An object with these keys.
    Object(Vec<Field>),
}

/// A key of an object.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Field {
    pub(crate) name: String,
    pub(crate) presence: Presence,
    pub(crate) shape: Shape,
}

/// Whether a key has to be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Presence {
    Required,
    Optional,
    /// Replies are described without saying it.
    Untold,
}

impl Shape {
    /// Reads a schema. Keys of requests are optional unless they are listed as required.
    pub(crate) fn read(schema: &Value, components: &Value, request: bool) -> Self {
        let reader = Reader {
            components,
            request,
        };
        reader.shape(schema, &mut Vec::new()).unwrap_or(Self::Text)
    }

    /// An object that holds `fields`.
    pub(crate) fn object(fields: Vec<Field>) -> Self {
        Self::Object(fields)
    }

    /// A value of this shape in which no two scalars are the same, so that a value that is written
    /// in the place of another one is seen. Texts are digits: they are text, ids and numbers alike.
    pub(crate) fn sample(&self) -> Value {
        self.numbered_sample(&mut 1_000)
    }

    fn numbered_sample(&self, number: &mut u32) -> Value {
        *number += 1;
        match self {
            Self::Text | Self::Any => json!(format!("750000000000000{number}")),
            Self::Integer => json!(*number),
            Self::Number => json!(f64::from(*number) + 0.5),
            Self::Flag => json!(true),
            Self::List(element) => json!([element.numbered_sample(number)]),
            Self::Map(value) => json!({ "key": value.numbered_sample(number) }),
            Self::Object(fields) => fields
                .iter()
                .map(|field| (field.name.clone(), field.shape.numbered_sample(number)))
                .collect::<Map<_, _>>()
                .into(),
        }
    }

    /// Every place in a sample, from the outside in.
    pub(crate) fn nodes(&self) -> Vec<Node<'_>> {
        let mut nodes = Vec::new();
        self.collect("", "", &mut nodes);
        nodes
    }

    fn collect<'a>(&'a self, pointer: &str, shown: &str, nodes: &mut Vec<Node<'a>>) {
        let mut add = |step: &str, shown: String, shape: &'a Self, presence| {
            let pointer = format!("{pointer}/{step}");
            nodes.push(Node {
                pointer: pointer.clone(),
                shown: shown.clone(),
                shape,
                presence,
            });
            shape.collect(&pointer, &shown, nodes);
        };
        match self {
            Self::List(element) => add("0", format!("{shown}[]"), element, None),
            Self::Map(value) => add("key", format!("{shown}{{}}"), value, None),
            Self::Object(fields) => {
                for field in fields {
                    let step = field.name.replace('~', "~0").replace('/', "~1");
                    let shown = format!("{shown}.{}", field.name);
                    add(&step, shown, &field.shape, Some(field.presence));
                }
            }
            Self::Text | Self::Integer | Self::Number | Self::Flag | Self::Any => {}
        }
    }
}

/// A place in a sample.
#[derive(Debug)]
pub(crate) struct Node<'a> {
    /// As a JSON pointer into the sample.
    pub(crate) pointer: String,
    /// For people: `.data.items[].id`.
    pub(crate) shown: String,
    pub(crate) shape: &'a Shape,
    /// `None` for elements of lists and values of maps, which have no key of their own.
    pub(crate) presence: Option<Presence>,
}

impl Node<'_> {
    /// Whether it holds an id, judged by its name.
    pub(crate) fn is_id(&self) -> bool {
        let name = self.shown.rsplit('.').next().unwrap_or_default();
        let name = name.trim_end_matches("[]");
        name == "id" || name.ends_with("_id") || name.ends_with("_ids")
    }

    /// Whether it is `pointer` or inside of it.
    pub(crate) fn is_within(&self, pointer: &str) -> bool {
        let rest = self.pointer.strip_prefix(pointer);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }
}

struct Reader<'a> {
    components: &'a Value,
    request: bool,
}

impl<'a> Reader<'a> {
    /// The shape of a schema; `None` where it repeats one that it is inside of.
    fn shape(&self, schema: &'a Value, inside: &mut Vec<&'a str>) -> Option<Shape> {
        if let Some(reference) = schema["$ref"].as_str() {
            let name = reference.rsplit('/').next().unwrap_or_default();
            if inside.contains(&name) {
                return None;
            }
            let name = component(name);
            let Some(schema) = self.components.get(name) else {
                return Some(dangling(name));
            };
            inside.push(name);
            let shape = self.shape(schema, inside);
            inside.pop();
            return shape;
        }
        Some(match schema["type"].as_str() {
            Some("integer") => Shape::Integer,
            Some("number") => Shape::Number,
            Some("boolean") => Shape::Flag,
            Some("array") => Shape::List(Box::new(self.shape(&schema["items"], inside)?)),
            Some("object") if schema["properties"].is_object() => {
                Shape::Object(self.fields(schema, inside))
            }
            Some("object") => match &schema["additionalProperties"] {
                value @ Value::Object(_) => Shape::Map(Box::new(self.shape(value, inside)?)),
                _ => Shape::Map(Box::new(Shape::Any)),
            },
            _ => Shape::Text,
        })
    }

    fn fields(&self, schema: &'a Value, inside: &mut Vec<&'a str>) -> Vec<Field> {
        let required: Vec<&str> = schema["required"]
            .as_array()
            .map(|names| names.iter().filter_map(Value::as_str).collect())
            .unwrap_or_default();
        let mut fields = Vec::new();
        for (name, schema) in schema["properties"].as_object().into_iter().flatten() {
            let Some(shape) = self.shape(schema, inside) else {
                continue;
            };
            let presence = match (self.request, required.contains(&name.as_str())) {
                (false, _) => Presence::Untold,
                (true, true) => Presence::Required,
                (true, false) => Presence::Optional,
            };
            place(&mut fields, name, presence, shape);
        }
        fields
    }
}

/// Adds a key. Some descriptions name what is inside of `data` as `data.name`.
fn place(fields: &mut Vec<Field>, name: &str, presence: Presence, shape: Shape) {
    let (name, shape) = match name.split_once('.') {
        None => (name, shape),
        Some((outer, inner)) => {
            let found = fields.iter_mut().find(|field| field.name == outer);
            if let Some(Field {
                shape: Shape::Object(fields),
                ..
            }) = found
            {
                return place(fields, inner, presence, shape);
            }
            let mut inside = Vec::new();
            place(&mut inside, inner, presence, shape);
            (outer, Shape::Object(inside))
        }
    };
    fields.push(Field {
        name: name.to_owned(),
        presence,
        shape,
    });
}

/// The component that a reference means; some names are misspelt in the description.
fn component(name: &str) -> &str {
    match name {
        "additional_messagesobject" => "EnterMessage",
        name => name,
    }
}

/// A reference to a component that is not there: its name is all that is known.
fn dangling(name: &str) -> Shape {
    match name {
        "Interger" => Shape::Integer,
        name if name.to_ascii_lowercase().starts_with("map") => Shape::Map(Box::new(Shape::Any)),
        _ => Shape::Text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(schema: &Value, request: bool) -> Shape {
        let components = json!({
            "Tree": { "type": "object", "properties": {
                "name": { "type": "string" },
                "children": { "type": "array", "items": { "$ref": "#/components/schemas/Tree" } },
            } },
        });
        Shape::read(schema, &components, request)
    }

    fn paths(shape: &Shape) -> Vec<String> {
        shape.nodes().into_iter().map(|node| node.shown).collect()
    }

    #[test]
    fn samples_hold_every_key_and_no_value_twice() {
        let shape = shape(
            &json!({ "type": "object", "required": ["id"], "properties": {
                "id": { "type": "string" },
                "list": { "type": "array", "items": { "type": "object", "properties": {
                    "score": { "type": "number" },
                    "flag": { "type": "boolean" },
                } } },
                "map": { "type": "object", "additionalProperties": { "type": "integer" } },
                "open": { "type": "object", "additionalProperties": true },
            } }),
            true,
        );
        let sample = shape.sample();
        for node in shape.nodes() {
            assert!(sample.pointer(&node.pointer).is_some(), "{}", node.pointer);
        }
        assert_eq!(
            sample,
            json!({
                "id": "7500000000000001002",
                "list": [{ "score": 1005.5, "flag": true }],
                "map": { "key": 1008 },
                "open": { "key": "7500000000000001010" },
            })
        );
        assert_eq!(shape.nodes()[0].presence, Some(Presence::Required));
        assert_eq!(shape.nodes()[1].presence, Some(Presence::Optional));
    }

    #[test]
    fn references_are_followed_but_not_in_circles() {
        let tree = shape(&json!({ "$ref": "#/components/schemas/Tree" }), false);
        assert_eq!(paths(&tree), [".name"]);
        let misspelt = shape(&json!({ "$ref": "#/components/schemas/Interger" }), false);
        assert_eq!(misspelt, Shape::Integer);
    }

    #[test]
    fn dotted_names_are_paths() {
        let text = json!({ "type": "string" });
        let shape = shape(
            &json!({ "type": "object", "properties": {
                "code": text, "data": { "type": "object", "properties": { "id": text } },
                "data.name": text, "more.name": text,
            } }),
            false,
        );
        let expected = [
            ".code",
            ".data",
            ".data.id",
            ".data.name",
            ".more",
            ".more.name",
        ];
        assert_eq!(paths(&shape), expected);
    }
}
