//! Reads OpenAPI 3: the operations of a file, with every reference in it filled in.

use serde_json::{Map, Value, json};

/// References within references that are followed; a schema may contain itself.
const DEPTH: usize = 12;
/// Values of one filled-in schema.
const SIZE: usize = 20_000;
const METHODS: [&str; 7] = ["get", "post", "put", "delete", "patch", "head", "options"];

/// What a file says.
#[derive(Debug, Default)]
pub(super) struct Document {
    pub(super) description: String,
    /// The first server, with the defaults of its variables.
    pub(super) server: Option<String>,
    pub(super) operations: Vec<Operation>,
}

/// An operation.
#[derive(Debug, Clone)]
pub(super) struct Operation {
    pub(super) name: String,
    pub(super) description: String,
    /// In capitals.
    pub(super) method: String,
    /// With its parameters in braces.
    pub(super) path: String,
    pub(super) parameters: Vec<Parameter>,
    pub(super) body: Option<Body>,
    /// JSON Schema of what a success answers; null when the file does not say.
    pub(super) output: Value,
}

/// Where a parameter goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Path,
    Query,
    Header,
    Cookie,
}

#[derive(Debug, Clone)]
pub(super) struct Parameter {
    pub(super) name: String,
    pub(super) place: Place,
    pub(super) required: bool,
    /// A list is the name repeated; otherwise commas stand between its values.
    pub(super) explode: bool,
    schema: Value,
}

/// What an operation takes besides its parameters.
#[derive(Debug, Clone)]
pub(super) struct Body {
    /// A form; JSON otherwise.
    pub(super) form: bool,
    pub(super) required: bool,
    /// Its fields are arguments beside the parameters; otherwise it is the argument `body`.
    pub(super) flat: bool,
    schema: Value,
}

/// Reads a file of YAML or JSON.
pub(super) fn parse(text: &str) -> Result<Document, String> {
    let root: Value =
        serde_saphyr::from_str(text).map_err(|error| format!("it is no YAML or JSON: {error}"))?;
    let version = root.get("openapi").and_then(Value::as_str);
    if !version.is_some_and(|version| version.starts_with("3.")) {
        return Err("it is no OpenAPI 3: `openapi: 3.x.y` is missing".to_owned());
    }
    let paths = root.get("paths").and_then(Value::as_object);
    let paths = paths.ok_or("it has no `paths`")?;
    let mut document = Document {
        description: text_at(&root, "/info/description")
            .or_else(|| text_at(&root, "/info/title"))
            .unwrap_or_default(),
        server: server(&root),
        operations: Vec::new(),
    };
    for (path, item) in paths {
        let item = fill(&root, item);
        for method in METHODS {
            let Some(operation) = item.get(method) else {
                continue;
            };
            let mut operation = read_operation(path, method, &item, operation)
                .map_err(|why| format!("paths: {path}: {method}: {why}"))?;
            unique(&mut operation, &document.operations);
            document.operations.push(operation);
        }
    }
    if document.operations.is_empty() {
        return Err("it has no operation".to_owned());
    }
    Ok(document)
}

fn unique(operation: &mut Operation, others: &[Operation]) {
    let plain = operation.name.clone();
    let mut number = 2;
    while others.iter().any(|it| it.name == operation.name) {
        operation.name = format!("{plain}_{number}");
        number += 1;
    }
}

fn server(root: &Value) -> Option<String> {
    let mut url = text_at(root, "/servers/0/url")?;
    let variables = root.pointer("/servers/0/variables");
    for (name, variable) in variables.and_then(Value::as_object).into_iter().flatten() {
        let default = text_at(variable, "/default").unwrap_or_default();
        url = url.replace(&format!("{{{name}}}"), &default);
    }
    Some(url)
}

fn read_operation(
    path: &str,
    method: &str,
    item: &Value,
    operation: &Value,
) -> Result<Operation, String> {
    let name = text_at(operation, "/operationId").unwrap_or_else(|| format!("{method}_{path}"));
    let description = text_at(operation, "/description")
        .or_else(|| text_at(operation, "/summary"))
        .unwrap_or_default();
    let mut parameters: Vec<Parameter> = Vec::new();
    // Those of an operation take the place of those that its path has for all.
    for source in [operation, item] {
        let list = source.get("parameters").and_then(Value::as_array);
        for parameter in list.into_iter().flatten() {
            let parameter = read_parameter(parameter)?;
            let known = |it: &Parameter| it.name == parameter.name && it.place == parameter.place;
            if !parameters.iter().any(known) {
                parameters.push(parameter);
            }
        }
    }
    let output = ["200", "201", "202", "2XX", "default"]
        .iter()
        .find_map(|status| operation.pointer(&format!("/responses/{status}/content")))
        .and_then(json_content)
        .unwrap_or_default();
    let body = operation.get("requestBody");
    let body = body.map(|body| read_body(body, &parameters)).transpose()?;
    Ok(Operation {
        name: identifier(&name),
        description,
        method: method.to_ascii_uppercase(),
        path: path.to_owned(),
        body: body.flatten(),
        parameters,
        output,
    })
}

fn read_parameter(parameter: &Value) -> Result<Parameter, String> {
    let name = text_at(parameter, "/name").ok_or("a parameter has no name")?;
    let place = match text_at(parameter, "/in").as_deref() {
        Some("path") => Place::Path,
        Some("query") => Place::Query,
        Some("header") => Place::Header,
        Some("cookie") => Place::Cookie,
        _ => {
            return Err(format!(
                "the parameter {name} is not in path, query, header or cookie"
            ));
        }
    };
    let mut schema = parameter
        .get("schema")
        .cloned()
        .unwrap_or_else(|| json!({"type": "string"}));
    if let (Value::Object(schema), Some(text)) = (&mut schema, text_at(parameter, "/description")) {
        schema.entry("description").or_insert(text.into());
    }
    let required = parameter.get("required").and_then(Value::as_bool);
    let explode = parameter.get("explode").and_then(Value::as_bool);
    Ok(Parameter {
        name,
        required: place == Place::Path || required.unwrap_or(false),
        explode: explode.unwrap_or(place == Place::Query),
        place,
        schema,
    })
}

fn read_body(body: &Value, parameters: &[Parameter]) -> Result<Option<Body>, String> {
    let content = body
        .get("content")
        .ok_or("its requestBody has no content")?;
    let form = content.pointer("/application~1x-www-form-urlencoded/schema");
    let (form, schema) = match (json_content(content), form) {
        (Some(schema), _) => (false, schema),
        (None, Some(schema)) => (true, schema.clone()),
        (None, None) => {
            return Err("its requestBody is neither JSON nor a form of text".to_owned());
        }
    };
    let fields = schema.get("properties").and_then(Value::as_object);
    let flat = fields.is_some_and(|fields| {
        let taken = |name: &String| parameters.iter().any(|it| it.name == *name);
        !fields.is_empty() && !fields.keys().any(taken)
    });
    let required = body.get("required").and_then(Value::as_bool);
    Ok(Some(Body {
        form,
        required: required.unwrap_or(false),
        flat,
        schema,
    }))
}

/// The schema of the first content that is JSON.
fn json_content(content: &Value) -> Option<Value> {
    let kinds = content.as_object()?;
    let is_json = |kind: &str| {
        let kind = kind.split(';').next().unwrap_or_default().trim();
        kind == "application/json" || kind.ends_with("+json") || kind == "*/*"
    };
    let (_, media) = kinds.iter().find(|(kind, _)| is_json(kind))?;
    Some(media.get("schema").cloned().unwrap_or_default())
}

impl Operation {
    /// JSON Schema of all that the operation takes, as one object.
    pub(super) fn input_schema(&self) -> Value {
        let mut properties = Map::new();
        let mut required = Vec::new();
        for parameter in &self.parameters {
            properties.insert(parameter.name.clone(), parameter.schema.clone());
            if parameter.required {
                required.push(Value::from(parameter.name.clone()));
            }
        }
        match &self.body {
            Some(body) if body.flat => {
                let fields = body.schema.get("properties").and_then(Value::as_object);
                properties.extend(fields.cloned().unwrap_or_default());
                let names = body.schema.get("required").and_then(Value::as_array);
                if body.required {
                    required.extend(names.into_iter().flatten().cloned());
                }
            }
            Some(body) => {
                properties.insert("body".to_owned(), body.schema.clone());
                if body.required {
                    required.push("body".into());
                }
            }
            None => {}
        }
        json!({"type": "object", "properties": properties, "required": required})
    }
}

/// A value with its references filled in.
fn fill(root: &Value, value: &Value) -> Value {
    let mut left = SIZE;
    fill_in(root, value, DEPTH, &mut left)
}

fn fill_in(root: &Value, value: &Value, depth: usize, left: &mut usize) -> Value {
    if *left == 0 {
        return Value::Null;
    }
    *left -= 1;
    match value {
        Value::Object(fields) => {
            let reference = fields.get("$ref").and_then(Value::as_str);
            if let Some(target) = reference {
                let found = target.strip_prefix('#').and_then(|at| root.pointer(at));
                return match found {
                    Some(found) if depth > 0 => fill_in(root, found, depth - 1, left),
                    // It contains itself, or lies in another file: anything may stand there.
                    _ => json!({}),
                };
            }
            let fields = fields
                .iter()
                .map(|(name, value)| (name.clone(), fill_in(root, value, depth, left)));
            Value::Object(fields.collect())
        }
        Value::Array(items) => items
            .iter()
            .map(|item| fill_in(root, item, depth, left))
            .collect(),
        other => other.clone(),
    }
}

fn text_at(value: &Value, pointer: &str) -> Option<String> {
    let text = value.pointer(pointer)?.as_str()?.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

/// A name that models take: letters, digits, `_` and `-`.
pub(crate) fn identifier(name: &str) -> String {
    let mut plain = String::new();
    for character in name.chars() {
        let fits = character.is_ascii_alphanumeric() || matches!(character, '_' | '-');
        if fits {
            plain.push(character);
        } else if !plain.is_empty() && !plain.ends_with('_') {
            plain.push('_');
        }
    }
    plain.trim_end_matches('_').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = r##"
openapi: 3.0.3
info: { title: Weather, description: Tells the weather }
servers: [ { url: "https://{host}/v1", variables: { host: { default: weather.example } } } ]
paths:
  /cities/{city}/forecast:
    parameters:
      - { name: city, in: path, required: true, schema: { type: string } }
    get:
      operationId: getForecast
      summary: The forecast of a city
      parameters:
        - { $ref: "#/components/parameters/Days" }
        - { name: X-Unit, in: header, schema: { type: string, enum: [c, f] } }
      responses:
        "200": { content: { application/json: { schema: { $ref: "#/components/schemas/Node" } } } }
  /reports:
    post:
      requestBody:
        required: true
        content:
          application/json:
            schema: { $ref: "#/components/schemas/Report" }
      responses: {}
components:
  parameters:
    Days: { name: days, in: query, description: how many, schema: { type: integer } }
  schemas:
    Report:
      type: object
      required: [text]
      properties: { text: { type: string }, stars: { type: integer } }
    Node: { type: object, properties: { next: { $ref: "#/components/schemas/Node" } } }
"##;

    #[test]
    fn operations_with_their_references_filled_in() {
        let document = parse(FILE).unwrap();
        assert_eq!(document.description, "Tells the weather");
        assert_eq!(
            document.server.as_deref(),
            Some("https://weather.example/v1")
        );
        let [forecast, report] = document.operations.as_slice() else {
            panic!("{document:?}");
        };
        assert_eq!(
            (forecast.name.as_str(), forecast.method.as_str()),
            ("getForecast", "GET")
        );
        assert_eq!(
            forecast.input_schema(),
            json!({"type": "object", "properties": {
                "days": {"type": "integer", "description": "how many"},
                "X-Unit": {"type": "string", "enum": ["c", "f"]},
                "city": {"type": "string"},
            }, "required": ["city"]})
        );
        // What contains itself ends somewhere.
        assert_eq!(forecast.output["properties"]["next"]["type"], "object");
        assert_eq!(report.name, "post_reports");
        assert_eq!(
            report.input_schema(),
            json!({"type": "object", "properties": {
                "text": {"type": "string"}, "stars": {"type": "integer"},
            }, "required": ["text"]})
        );
    }

    #[test]
    fn files_that_cannot_be_used_say_why() {
        for (text, expected) in [
            ("{", "it is no YAML or JSON"),
            ("swagger: '2.0'", "it is no OpenAPI 3"),
            ("openapi: 3.1.0", "it has no `paths`"),
            ("openapi: 3.1.0\npaths: {}", "it has no operation"),
            (
                "openapi: 3.1.0\npaths: { /a: { get: { parameters: [ { in: query } ] } } }",
                "paths: /a: get: a parameter has no name",
            ),
            (
                "openapi: 3.1.0\npaths: { /a: { get: { parameters: [ { name: x, in: body } ] } } }",
                "paths: /a: get: the parameter x is not in path",
            ),
            (
                "openapi: 3.1.0\npaths: { /a: { post: { requestBody: { content: { text/plain: {} } } } } }",
                "paths: /a: post: its requestBody is neither JSON nor a form",
            ),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.starts_with(expected), "{expected}: {error}");
        }
    }

    #[test]
    fn names_that_models_take() {
        for (name, expected) in [
            ("getNews", "getNews"),
            ("get /news/{id}", "get_news_id"),
            ("天气", ""),
            ("a.b c", "a_b_c"),
        ] {
            assert_eq!(identifier(name), expected);
        }
    }
}
