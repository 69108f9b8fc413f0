//! What the user gives: pairs, JSON, text from stdin.

use std::fs;
use std::io::{self, Read};

use serde_json::Value;

use crate::error::{Failure, Result};
use crate::language::{reason, say};

/// A `KEY=VALUE` argument.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pair {
    pub(crate) key: String,
    pub(crate) value: String,
}

/// Reads a `KEY=VALUE` argument; everything behind the first `=` is the value.
pub(crate) fn pair(text: &str) -> Result<Pair, String> {
    match text.split_once('=') {
        Some((key, value)) if !key.trim().is_empty() => Ok(Pair {
            key: key.trim().to_owned(),
            value: value.to_owned(),
        }),
        Some(_) => Err(say!("nothing stands before the `=`", "`=` 前面没有名字")),
        None => Err(say!("expected KEY=VALUE", "应为 KEY=VALUE 的形式")),
    }
}

impl Pair {
    /// The value as JSON, or else as text.
    ///
    /// A number of more than 15 digits is text: ids have 19, and many JSON readers round those.
    pub(crate) fn typed(&self) -> Value {
        let text = || Value::String(self.value.clone());
        let digits = self.value.bytes().filter(u8::is_ascii_digit).count();
        match serde_json::from_str(&self.value) {
            Ok(Value::Number(_)) if digits > 15 => text(),
            Ok(value) => value,
            Err(_) => text(),
        }
    }
}

/// Reads a JSON argument: the text itself, `@FILE`, or `-` for stdin. `option` names it in errors.
pub(crate) fn json(option: &str, argument: &str) -> Result<Value> {
    let (place, text) = match argument {
        "-" => ("stdin".to_owned(), stdin()?),
        _ => match argument.strip_prefix('@') {
            Some(path) => (path.to_owned(), file(option, path)?),
            None => (option.to_owned(), argument.to_owned()),
        },
    };
    serde_json::from_str(text.trim_start_matches('\u{feff}')).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        let said = error.to_string();
        let why = said.split(" at line ").next().unwrap_or(&said);
        Failure::usage(say!(
            "{place}:{line}:{column}: this is no JSON: {why}",
            "{place}:{line}:{column}：不是合法的 JSON：{why}"
        ))
        .with_hint(say!(
            "quote the JSON for the shell, as in '{{\"key\":\"value\"}}', or put it into a file and \
             give @FILE",
            "请按 shell 的规则给 JSON 加引号，如 '{{\"key\":\"value\"}}'，或写入文件后传 @文件名"
        ))
    })
}

fn file(option: &str, path: &str) -> Result<String> {
    fs::read_to_string(path).map_err(|error| {
        let why = reason(&error);
        Failure::usage(say!(
            "{option}: cannot read {path}: {why}",
            "{option}：无法读取 {path}：{why}"
        ))
    })
}

/// Reads all of stdin, without the line end at its end.
pub(crate) fn stdin() -> Result<String> {
    let mut text = String::new();
    io::stdin()
        .lock()
        .read_to_string(&mut text)
        .map_err(|error| {
            Failure::usage(say!(
                "cannot read stdin: {error}",
                "无法读取标准输入：{error}"
            ))
        })?;
    let length = text.trim_end_matches(['\r', '\n']).len();
    text.truncate(length);
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn pairs() {
        let read = |text: &str| pair(text).map(|it| (it.key, it.value));
        assert_eq!(read("a=b=c"), Ok(("a".into(), "b=c".into())));
        assert_eq!(read("a="), Ok(("a".into(), String::new())));
        assert!(read("a").is_err());
        assert!(read("=b").is_err());
    }

    #[test]
    fn values_are_json_or_text() {
        let typed = |value: &str| {
            let pair = Pair {
                key: "k".into(),
                value: value.into(),
            };
            pair.typed()
        };
        assert_eq!(typed("3"), json!(3));
        assert_eq!(typed("true"), json!(true));
        assert_eq!(typed("null"), json!(null));
        assert_eq!(typed("\"3\""), json!("3"));
        assert_eq!(typed("[1,2]"), json!([1, 2]));
        assert_eq!(typed("杭州"), json!("杭州"));
        assert_eq!(typed(""), json!(""));
        assert_eq!(typed("007"), json!("007"));
        assert_eq!(typed("7500000000000000001"), json!("7500000000000000001"));
        assert_eq!(
            typed("[7500000000000000001]"),
            json!([7_500_000_000_000_000_001_i64])
        );
    }

    #[test]
    fn bad_json_is_located() {
        let failure = json("--params", "{\"a\": 1,\n  oops}").unwrap_err();
        let lines = failure.lines();
        assert!(
            lines[0].starts_with("error: --params:2:3: this is no JSON: "),
            "{lines:?}"
        );
        assert!(
            json("--params", "@/no/such/file").unwrap_err().lines()[0].contains("/no/such/file")
        );
    }
}
