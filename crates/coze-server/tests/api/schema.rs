//! The JSON Schema of `coze.yaml`, against files that are right and files that are not.

use coze_server::Space;
use serde_json::{Value, json};

/// What of JSON Schema the schema uses; a word that is not here is a mistake of this test.
fn problem(root: &Value, schema: &Value, value: &Value, at: &str) -> Option<String> {
    let Some(words) = schema.as_object() else {
        return (schema == &json!(false)).then(|| format!("{at}: nothing is allowed"));
    };
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(it) if it.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    let check = |schema: &Value, value: &Value, at: &str| problem(root, schema, value, at);
    for (word, rule) in words {
        let found = match word.as_str() {
            "$ref" => {
                let path = rule.as_str().unwrap().trim_start_matches('#');
                check(root.pointer(path).unwrap(), value, at)
            }
            "type" => {
                let listed = std::slice::from_ref(rule);
                let kinds = rule.as_array().map_or(listed, Vec::as_slice);
                let is = |it: &Value| it == kind || (it == "number" && kind == "integer");
                (!kinds.iter().any(is)).then(|| format!("{at}: it is {kind}, not {rule}"))
            }
            "required" => {
                let mut missing = rule
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|it| it.as_str().unwrap());
                let missing = missing.find(|it| value.is_object() && value.get(it).is_none());
                missing.map(|it| format!("{at}: {it} is missing"))
            }
            "properties" => value.as_object().and_then(|map| {
                let mut known = map
                    .iter()
                    .filter_map(|(key, it)| Some((key, it, rule.get(key)?)));
                known.find_map(|(key, it, rule)| check(rule, it, &format!("{at}.{key}")))
            }),
            "additionalProperties" => value.as_object().and_then(|map| {
                let known = words.get("properties");
                let mut others = map
                    .iter()
                    .filter(|it| known.is_none_or(|k| k.get(it.0).is_none()));
                others.find_map(|(key, it)| check(rule, it, &format!("{at}.{key}")))
            }),
            "items" => value.as_array().and_then(|items| {
                let mut items = items.iter().enumerate();
                items.find_map(|(index, it)| check(rule, it, &format!("{at}[{index}]")))
            }),
            "anyOf" | "oneOf" => {
                let tried = rule.as_array().unwrap().iter();
                let wrong: Vec<_> = tried.map(|it| check(it, value, at)).collect();
                let none = wrong.iter().all(Option::is_some);
                none.then(|| wrong.into_iter().flatten().collect::<Vec<_>>().join("; "))
            }
            "allOf" => rule
                .as_array()
                .unwrap()
                .iter()
                .find_map(|it| check(it, value, at)),
            "const" => (rule != value).then(|| format!("{at}: it is not {rule}")),
            "enum" => {
                let any = rule.as_array().unwrap().contains(value);
                (!any).then(|| format!("{at}: it is none of {rule}"))
            }
            "pattern" => value.as_str().and_then(|text| {
                let pattern = regex_lite::Regex::new(rule.as_str().unwrap()).unwrap();
                (!pattern.is_match(text)).then(|| format!("{at}: it does not match {rule}"))
            }),
            "minimum" => {
                let small = value.as_f64().is_some_and(|it| it < rule.as_f64().unwrap());
                small.then(|| format!("{at}: it is less than {rule}"))
            }
            "$schema" | "title" | "description" | "default" | "format" | "definitions"
            | "maximum" => None,
            other => panic!("the schema uses {other:?}, which this test does not know"),
        };
        if found.is_some() {
            return found;
        }
    }
    None
}

fn check(yaml: &str) -> Option<String> {
    let schema = Space::schema();
    let value: Value = serde_saphyr::from_str(yaml).unwrap();
    problem(&schema, &schema, &value, "$")
}

fn document(path: &str) -> String {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
    std::fs::read_to_string(format!("{root}/{path}")).unwrap()
}

#[test]
fn what_can_be_read_fits() {
    assert_eq!(check(&document("coze.example.yaml")), None);
    assert_eq!(check(&crate::space::yaml()), None);
    let mut seen = 0;
    for path in ["docs/coze-yaml.md", "docs/testing.md", "README.md"] {
        let text = document(path);
        for block in text.split("```yaml\n").skip(1) {
            let yaml = block.split("```").next().unwrap();
            assert_eq!(check(yaml), None, "{path}:\n{yaml}");
            seen += 1;
        }
    }
    assert!(seen >= 3, "{seen}");
}

#[test]
fn what_cannot_be_read_does_not_fit() {
    for (yaml, expected) in [
        ("bot: []", "$.bot: nothing is allowed"),
        ("bots: 1", "$.bots: it is integer, not \"array\""),
        ("bots: [{ id: \"1\" }]", "$.bots[0]: name is missing"),
        (
            "bots: [{ id: \"1\", nmae: x, name: x }]",
            "$.bots[0].nmae: nothing is allowed",
        ),
        (
            "bots: [{ id: bot-1, name: x }]",
            "$.bots[0].id: it does not match",
        ),
        ("models: { m: { provider: closedai } }", "$.models.m"),
        (
            "models: { m: { provider: coze, token_env: T } }",
            "$.models.m",
        ),
        (
            "mcp: { m: { comand: [a] } }",
            "$.mcp.m.comand: nothing is allowed",
        ),
        ("bots: [{ id: 1, name: x, mcp: [7] }]", "$.bots[0].mcp[0]"),
        (
            "bots: [{ id: 1, name: x, suggest_reply: { reply_mode: on } }]",
            "$.bots[0].suggest_reply",
        ),
        (
            "bots: [{ id: 1, name: x, shortcuts: [{ id: 1, name: x }] }]",
            "$.bots[0].shortcuts[0]: query_template is missing",
        ),
        (
            "models: { m: { provider: offline, scrip: [] } }",
            "$.models.m",
        ),
        (
            "faults: [{ row: StartChat }]",
            "$.faults[0]: fault is missing",
        ),
    ] {
        let found = check(yaml).unwrap_or_default();
        assert!(found.contains(expected), "{yaml}: {found:?}");
        // The reader says the same.
        assert!(Space::parse(yaml, "coze.yaml".as_ref()).is_err(), "{yaml}");
    }
}
