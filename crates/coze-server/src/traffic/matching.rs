//! Whether two requests are the same, and where they differ.

use serde_json::Value;

use super::exchange::{Payload, RequestPart};

/// What has to be the same in two requests. Headers are no part of it, nor is the order of keys
/// and parameters.
pub(super) fn key(request: &RequestPart) -> String {
    let body = match &request.body {
        None => String::new(),
        // SDKs send `{}` or nothing.
        Some(Payload::Json(Value::Object(map))) if map.is_empty() => String::new(),
        Some(Payload::Json(json)) => sorted(json).to_string(),
        Some(Payload::Text(text)) => format!("text {text}"),
        Some(Payload::Base64(text)) => format!("base64 {text}"),
        Some(Payload::Omitted(length)) => format!("omitted {length}"),
    };
    let query = parameters(&request.query).join("&");
    format!("{} {}?{query}\n{body}", request.method, request.path)
}

fn parameters(query: &str) -> Vec<&str> {
    let mut parts: Vec<_> = query.split('&').filter(|it| !it.is_empty()).collect();
    parts.sort_unstable();
    parts
}

fn sorted(json: &Value) -> Value {
    match json {
        Value::Object(map) => {
            let mut keys: Vec<_> = map.iter().collect();
            keys.sort_by_key(|it| it.0);
            let sorted = keys.into_iter().map(|(key, it)| (key.clone(), sorted(it)));
            Value::Object(sorted.collect())
        }
        Value::Array(items) => items.iter().map(sorted).collect(),
        other => other.clone(),
    }
}

/// How far apart two requests are; the smaller, the nearer.
pub(super) fn distance(asked: &RequestPart, known: &RequestPart) -> usize {
    let mut sum = 0;
    if asked.method != known.method {
        sum += 100;
    }
    if asked.path != known.path {
        let (a, b) = (asked.path.split('/'), known.path.split('/'));
        let length = a.clone().count().max(b.clone().count());
        let same = a.zip(b).filter(|(a, b)| a == b).count();
        sum += 1_000 * (length - same).max(1);
    }
    let (a, b) = (parameters(&asked.query), parameters(&known.query));
    sum += 10 * (a.iter().filter(|it| !b.contains(it)).count());
    sum += 10 * (b.iter().filter(|it| !a.contains(it)).count());
    let mut differences = Vec::new();
    bodies(asked, known, &mut differences);
    sum + differences.len()
}

/// The first difference between two requests, in words.
pub(super) fn difference(asked: &RequestPart, known: &RequestPart) -> String {
    if asked.method != known.method {
        return format!("its method is {}", known.method);
    }
    if asked.path != known.path {
        return format!("its path is {}", known.path);
    }
    let (a, b) = (parameters(&asked.query), parameters(&known.query));
    if a != b {
        return format!("its query is {:?}, not {:?}", known.query, asked.query);
    }
    let mut differences = Vec::new();
    bodies(asked, known, &mut differences);
    let first = differences.into_iter().next();
    first.unwrap_or_else(|| "it is the same".to_owned())
}

fn bodies(asked: &RequestPart, known: &RequestPart, out: &mut Vec<String>) {
    match (&asked.body, &known.body) {
        (Some(Payload::Json(a)), Some(Payload::Json(b))) => values("", a, b, out),
        (a, b) if a != b => out.push("its body is another one".to_owned()),
        _ => {}
    }
}

fn values(path: &str, asked: &Value, known: &Value, out: &mut Vec<String>) {
    let at = |key: &str| match path {
        "" => key.to_owned(),
        path => format!("{path}.{key}"),
    };
    match (asked, known) {
        (Value::Object(a), Value::Object(b)) => {
            for (key, value) in a {
                match b.get(key) {
                    Some(other) => values(&at(key), value, other, out),
                    None => out.push(format!("its body has no {}", at(key))),
                }
            }
            let more = b.keys().filter(|key| !a.contains_key(*key));
            out.extend(more.map(|key| format!("its body has {}, the call has not", at(key))));
        }
        (Value::Array(a), Value::Array(b)) => {
            for (index, (value, other)) in a.iter().zip(b).enumerate() {
                values(&format!("{path}[{index}]"), value, other, out);
            }
            if a.len() != b.len() {
                out.push(format!(
                    "{path} has {} items there, {} here",
                    b.len(),
                    a.len()
                ));
            }
        }
        (a, b) if a != b => {
            let (a, b) = (short(a), short(b));
            out.push(format!("its body has {b} at {path}, the call has {a}"));
        }
        _ => {}
    }
}

fn short(value: &Value) -> String {
    let text = value.to_string();
    if text.chars().count() <= 60 {
        return text;
    }
    let begin: String = text.chars().take(57).collect();
    format!("{begin}…")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn request(path: &str, query: &str, body: Value) -> RequestPart {
        RequestPart {
            method: "POST".to_owned(),
            path: path.to_owned(),
            query: query.to_owned(),
            headers: super::super::exchange::Headers::new(),
            body: Some(Payload::Json(body)),
        }
    }

    #[test]
    fn order_makes_no_difference() {
        let a = request(
            "/v3/chat",
            "a=1&b=2",
            json!({"x": {"p": 1, "q": [1, 2]}, "y": 2}),
        );
        let b = request(
            "/v3/chat",
            "b=2&a=1",
            json!({"y": 2, "x": {"q": [1, 2], "p": 1}}),
        );
        assert_eq!(key(&a), key(&b));
        let c = request(
            "/v3/chat",
            "b=2&a=1",
            json!({"y": 2, "x": {"q": [2, 1], "p": 1}}),
        );
        assert_ne!(key(&a), key(&c));
        let empty = request("/v3/chat", "", json!({}));
        let mut none = empty.clone();
        none.body = None;
        assert_eq!(key(&empty), key(&none));
    }

    #[test]
    fn differences_have_a_place() {
        fn check(a: &RequestPart, b: &RequestPart, expected: &str) {
            assert_eq!(difference(a, b), expected);
        }
        let a = request("/v3/chat", "", json!({"m": [{"content": "hi"}], "s": true}));
        check(&a, &request("/v1/x", "", json!({})), "its path is /v1/x");
        check(
            &a,
            &request("/v3/chat", "c=1", json!({})),
            "its query is \"c=1\", not \"\"",
        );
        let b = request(
            "/v3/chat",
            "",
            json!({"m": [{"content": "你好"}], "s": true}),
        );
        check(
            &a,
            &b,
            "its body has \"你好\" at m[0].content, the call has \"hi\"",
        );
        let b = request("/v3/chat", "", json!({"m": []}));
        check(&a, &b, "m has 0 items there, 1 here");
        let b = request("/v3/chat", "", json!({"m": [{"content": "hi"}]}));
        check(&a, &b, "its body has no s");
        assert!(distance(&a, &b) < distance(&a, &request("/v3/chat/x", "", json!({}))));
    }
}
