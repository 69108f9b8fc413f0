//! How a value becomes one of a declared type: Coze's table, odd entries included.

use serde_json::{Map, Number, Value};

use crate::value::{Type, Variable, simplest, sorted_json, to_integer};

/// The query parameter in which Coze keeps the original name of a file.
const FILE_NAME_PARAMETER: &str = "x-wf-file_name";

/// Converts `value`; what does not fit becomes null (a list: `[]`) and one line in `warnings`.
pub fn convert(value: Value, ty: &Type, name: &str, warnings: &mut Vec<String>) -> Value {
    let mut conversion = Conversion {
        path: name.to_owned(),
        warnings: Some(warnings),
    };
    match conversion.run(value, ty) {
        Ok(Some(value)) => value,
        Ok(None) | Err(_) => failed(ty),
    }
}

/// Converts `value`, or says what does not fit and where.
pub fn convert_strict(value: Value, ty: &Type, name: &str) -> Result<Value, String> {
    let mut conversion = Conversion {
        path: name.to_owned(),
        warnings: None,
    };
    Ok(conversion.run(value, ty)?.unwrap_or(Value::Null))
}

fn failed(ty: &Type) -> Value {
    if matches!(ty, Type::List(_)) {
        Value::Array(Vec::new())
    } else {
        Value::Null
    }
}

struct Conversion<'w> {
    path: String,
    /// `None`: strict.
    warnings: Option<&'w mut Vec<String>>,
}

/// Nobody reads the thousandth warning; a list of a million bad elements must not cost a gigabyte.
const MAX_WARNINGS: usize = 100;

impl Conversion<'_> {
    /// `Ok(None)`: it does not fit, and a warning says so.
    fn run(&mut self, value: Value, ty: &Type) -> Result<Option<Value>, String> {
        if value.is_null() {
            return Ok(Some(value));
        }
        let converted = match ty {
            Type::Any => Some(value),
            Type::String | Type::Time => Some(Value::String(into_text(value))),
            Type::File(_) => Some(Value::String(cut_file_name(&into_text(value)))),
            Type::Integer => match to_integer(&value) {
                Some(number) => Some(Value::from(number)),
                None => self.refuse(&value, ty)?,
            },
            Type::Float => match to_float(&value) {
                Some(number) => Some(Value::Number(number)),
                None => self.refuse(&value, ty)?,
            },
            Type::Boolean => match to_boolean(&value) {
                Some(flag) => Some(Value::Bool(flag)),
                None => self.refuse(&value, ty)?,
            },
            Type::Object(fields) => match parsed(value) {
                Value::Object(map) => Some(Value::Object(self.object(map, fields)?)),
                other => self.refuse(&other, ty)?,
            },
            Type::List(element) => match parsed(value) {
                Value::Array(list) => Some(Value::Array(self.list(list, element)?)),
                other => self.refuse(&other, ty)?,
            },
        };
        Ok(converted)
    }

    fn object(
        &mut self,
        mut map: Map<String, Value>,
        fields: &[Variable],
    ) -> Result<Map<String, Value>, String> {
        for field in fields {
            if let Some(slot) = map.get_mut(&field.name) {
                let value = std::mem::take(slot);
                let length = self.path.len();
                self.path.push('.');
                self.path.push_str(&field.name);
                let converted = self.run(value, &field.ty)?;
                self.path.truncate(length);
                *slot = converted.unwrap_or_else(|| failed(&field.ty));
            } else if field.required && self.warnings.is_none() {
                return Err(format!("`{}.{}` is required", self.path, field.name));
            }
        }
        Ok(map)
    }

    fn list(&mut self, list: Vec<Value>, element: &Type) -> Result<Vec<Value>, String> {
        if *element == Type::Any {
            return Ok(list);
        }
        let mut kept = Vec::with_capacity(list.len());
        for (at, value) in list.into_iter().enumerate() {
            let length = self.path.len();
            self.path.push_str(&format!("[{at}]"));
            kept.extend(self.run(value, element)?);
            self.path.truncate(length);
        }
        Ok(kept)
    }

    fn refuse(&mut self, value: &Value, ty: &Type) -> Result<Option<Value>, String> {
        let message = format!(
            "`{}` must be {}, not {}",
            self.path,
            article(ty.name()),
            show(value)
        );
        match &mut self.warnings {
            None => Err(message),
            Some(warnings) => {
                if warnings.len() < MAX_WARNINGS {
                    warnings.push(message);
                }
                Ok(None)
            }
        }
    }
}

fn article(noun: &str) -> String {
    let vowel = noun.starts_with(['a', 'e', 'i', 'o', 'u']);
    format!("{} {noun}", if vowel { "an" } else { "a" })
}

/// A value for a message: short, and never a wall of text.
fn show(value: &Value) -> String {
    let text = value.to_string();
    if text.chars().count() <= 40 {
        return text;
    }
    let start: String = text.chars().take(37).collect();
    format!("{start}...")
}

/// Lists and objects may come as JSON text.
fn parsed(value: Value) -> Value {
    match &value {
        Value::String(text) => serde_json::from_str(text).unwrap_or(value),
        _ => value,
    }
}

/// Coze prints whole floats without a fraction, so that is how they are kept: 3, not 3.0.
fn to_float(value: &Value) -> Option<Number> {
    match value {
        Value::Number(number) => Some(simplest(number)),
        Value::String(text) => {
            let float: f64 = text.parse().ok()?;
            Some(simplest(&Number::from_f64(float)?))
        }
        _ => None,
    }
}

fn to_boolean(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(flag) => Some(*flag),
        Value::String(text) => match text.as_str() {
            "1" | "t" | "T" | "TRUE" | "true" | "True" => Some(true),
            "0" | "f" | "F" | "FALSE" | "false" | "False" => Some(false),
            _ => None,
        },
        _ => None,
    }
}

/// The text of a value converted to a string: plain decimals, JSON for lists and objects.
fn into_text(value: Value) -> String {
    match value {
        Value::String(text) => text,
        Value::Number(number) => match number.as_f64() {
            // `Display` of a double never uses an exponent.
            Some(float) if number.is_f64() => format!("{float}"),
            _ => number.to_string(),
        },
        Value::Null => String::new(),
        Value::Bool(flag) => flag.to_string(),
        other => sorted_json(&other),
    }
}

/// Cuts the parameter with the file's name off its URL.
fn cut_file_name(url: &str) -> String {
    let Some((base, query)) = url.split_once('?') else {
        return url.to_owned();
    };
    let (query, fragment) = query
        .split_once('#')
        .map_or((query, None), |(q, f)| (q, Some(f)));
    let is_name = |pair: &&str| pair.split('=').next() != Some(FILE_NAME_PARAMETER);
    let kept: Vec<_> = query.split('&').filter(is_name).collect();
    let mut cut = base.to_owned();
    if !kept.is_empty() {
        cut.push('?');
        cut.push_str(&kept.join("&"));
    }
    if let Some(fragment) = fragment {
        cut.push('#');
        cut.push_str(fragment);
    }
    cut
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn ty(declared: &Value) -> Type {
        Type::from_json(declared)
    }

    /// Lenient conversion: the value and how many warnings.
    fn check(value: Value, declared: &Value, expected: &Value, warnings: usize) {
        let mut seen = Vec::new();
        let got = convert(value.clone(), &ty(declared), "x", &mut seen);
        assert_eq!(
            got.to_string(),
            expected.to_string(),
            "{value} as {declared}"
        );
        assert_eq!(seen.len(), warnings, "{value} as {declared}: {seen:?}");
        assert_eq!(
            convert_strict(value, &ty(declared), "x").is_ok(),
            warnings == 0
        );
    }

    #[test]
    fn to_string() {
        let string = json!({"type": "string"});
        for (value, expected) in [
            (json!("a"), "a"),
            (json!(12), "12"),
            (json!(0.1), "0.1"),
            (json!(3.0), "3"),
            (json!(1e21), "1000000000000000000000"),
            (json!(true), "true"),
            (json!({"b": 1, "a": [1, null]}), r#"{"a":[1,null],"b":1}"#),
        ] {
            check(value, &string, &json!(expected), 0);
        }
        check(json!(null), &string, &json!(null), 0);
    }

    #[test]
    fn to_numbers_and_flags() {
        let integer = json!({"type": "integer"});
        check(json!(2.9), &integer, &json!(2), 0);
        check(json!(-2.9), &integer, &json!(-2), 0);
        check(json!("42"), &integer, &json!(42), 0);
        check(json!("4.2"), &integer, &json!(null), 1);
        check(json!(1e300), &integer, &json!(null), 1);
        check(json!(u64::MAX), &integer, &json!(null), 1);
        check(json!(true), &integer, &json!(null), 1);
        let float = json!({"type": "float"});
        check(json!(3), &float, &json!(3), 0);
        check(json!("3.50"), &float, &json!(3.5), 0);
        check(json!("3.0"), &float, &json!(3), 0);
        check(json!("inf"), &float, &json!(null), 1);
        check(json!("NaN"), &float, &json!(null), 1);
        let boolean = json!({"type": "boolean"});
        check(json!("T"), &boolean, &json!(true), 0);
        check(json!("0"), &boolean, &json!(false), 0);
        check(json!("yes"), &boolean, &json!(null), 1);
        check(json!(1), &boolean, &json!(null), 1);
    }

    #[test]
    fn to_objects_and_lists() {
        let object = json!({"type": "object", "schema": [{"name": "n", "type": "integer"}]});
        check(
            json!(r#"{"n":"7","x":1}"#),
            &object,
            &json!({"n": 7, "x": 1}),
            0,
        );
        check(
            json!({"n": "seven", "x": 1}),
            &object,
            &json!({"n": null, "x": 1}),
            1,
        );
        check(json!("no"), &object, &json!(null), 1);
        let list = json!({"type": "list", "schema": {"type": "integer"}});
        check(json!(["1", "x", 3]), &list, &json!([1, 3]), 1);
        check(json!("[1,2]"), &list, &json!([1, 2]), 0);
        check(json!({"a": 1}), &list, &json!([]), 1);
        let objects = json!({"type": "list", "schema": object});
        check(json!([{"n": "x"}, 5]), &objects, &json!([{"n": null}]), 2);
    }

    #[test]
    fn a_required_key_may_be_null_but_not_absent_where_it_is_strict() {
        let object = json!({"type": "object", "schema": [{"name": "n", "type": "integer", "required": true}]});
        assert!(convert_strict(json!({"n": null}), &ty(&object), "x").is_ok());
        let refused = convert_strict(json!({}), &ty(&object), "x");
        assert_eq!(refused, Err("`x.n` is required".into()));
    }

    #[test]
    fn files_lose_their_name() {
        let image = json!({"type": "string", "assistType": 2});
        for (url, expected) in [
            ("http://h/a.png", "http://h/a.png"),
            ("http://h/a.png?x-wf-file_name=b.png", "http://h/a.png"),
            (
                "http://h/a?k=v&x-wf-file_name=b.png&m=n#f",
                "http://h/a?k=v&m=n#f",
            ),
        ] {
            check(json!(url), &image, &json!(expected), 0);
        }
    }

    #[test]
    fn messages_name_the_place() {
        let list = json!({"type": "list", "schema": {"type": "object", "schema": [{"name": "n", "type": "integer"}]}});
        let refused = convert_strict(json!([{"n": 1}, {"n": true}]), &ty(&list), "x");
        assert_eq!(refused, Err("`x[1].n` must be an integer, not true".into()));
    }
}
