//! Text with placeholders: `Dear {{name}}, your first order was {{orders[0].title}}`.
//!
//! The rules are Coze's, odd ones included: spaces before a name are dropped, spaces after it are
//! part of it; what cannot be looked up stays in the text as it was written.

use serde_json::Value;

use crate::code::{self, NodeError};
use crate::value::{plain_text, sorted_json};

/// No rendered text may be longer: a few nodes that double a text are enough to fill a machine.
pub(crate) const MAX_TEXT: usize = 16 << 20;

/// A template, taken apart once.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Template {
    pub(crate) segments: Vec<Segment>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Segment {
    Text(String),
    Placeholder(Placeholder),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Placeholder {
    /// As written, braces and all.
    raw: String,
    /// The input it names.
    pub(crate) root: String,
    pub(crate) steps: Vec<Step>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Step {
    Field(String),
    Index(usize),
}

/// What the name in a placeholder stands for.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Slot<'a> {
    /// No input has that name.
    Undeclared,
    /// It comes from a node that did not run.
    Skipped,
    Value(&'a Value),
}

impl Template {
    pub(crate) fn parse(text: &str) -> Self {
        let mut segments = Vec::new();
        let mut plain = String::new();
        let mut rest = text;
        while let Some(start) = rest.find("{{") {
            let (before, from) = rest.split_at(start);
            plain.push_str(before);
            let inner = from.get(2..).unwrap_or("");
            let close = inner.find('}').unwrap_or(inner.len());
            let (content, after) = inner.split_at(close);
            // `{{ }}` has nothing in it; a lone `}` ends nothing.
            if content.trim_start_matches(' ').is_empty() || !after.starts_with("}}") {
                plain.push('{');
                rest = from.get(1..).unwrap_or("");
                continue;
            }
            let (raw, next) = from.split_at(2 + close + 2);
            match Placeholder::parse(raw, content.trim_start_matches(' ')) {
                Some(placeholder) => {
                    if !plain.is_empty() {
                        segments.push(Segment::Text(std::mem::take(&mut plain)));
                    }
                    segments.push(Segment::Placeholder(placeholder));
                }
                None => plain.push_str(raw),
            }
            rest = next;
        }
        plain.push_str(rest);
        if !plain.is_empty() {
            segments.push(Segment::Text(plain));
        }
        Self { segments }
    }

    /// The text, with `joiner` (if any) between the elements of lists, else lists as JSON.
    pub(crate) fn render<'v>(
        &self,
        slot: impl Fn(&str) -> Slot<'v>,
        joiner: Option<&str>,
    ) -> Result<String, NodeError> {
        let mut text = String::new();
        for segment in &self.segments {
            match segment {
                Segment::Text(plain) => text.push_str(plain),
                Segment::Placeholder(placeholder) => {
                    text.push_str(&placeholder.render(slot(&placeholder.root), joiner)?);
                }
            }
            if text.len() > MAX_TEXT {
                return Err(NodeError::failed(format!(
                    "the text is longer than {MAX_TEXT} bytes"
                )));
            }
        }
        Ok(text)
    }

    /// The names it uses, each once, in order.
    pub(crate) fn roots(&self) -> Vec<&str> {
        let mut roots = Vec::new();
        for segment in &self.segments {
            if let Segment::Placeholder(placeholder) = segment
                && !roots.contains(&placeholder.root.as_str())
            {
                roots.push(&placeholder.root);
            }
        }
        roots
    }
}

impl Placeholder {
    /// `None`: not a path, so it is ordinary text.
    fn parse(raw: &str, path: &str) -> Option<Self> {
        let mut steps = Vec::new();
        let mut root = None;
        for part in path.split('.') {
            let (name, mut indices) = part.split_at(part.find('[').unwrap_or(part.len()));
            if name.is_empty() || name.contains(']') {
                return None;
            }
            match &root {
                None => root = Some(name.to_owned()),
                Some(_) => steps.push(Step::Field(name.to_owned())),
            }
            while !indices.is_empty() {
                let (index, rest) = indices.strip_prefix('[')?.split_once(']')?;
                if !index.bytes().all(|byte| byte.is_ascii_digit()) {
                    return None;
                }
                steps.push(Step::Index(index.parse().ok()?));
                indices = rest;
            }
        }
        Some(Self {
            raw: raw.to_owned(),
            root: root?,
            steps,
        })
    }

    /// Is it a name and nothing more?
    pub(crate) fn is_bare(&self) -> bool {
        self.steps.is_empty()
    }

    pub(crate) fn render(&self, slot: Slot<'_>, joiner: Option<&str>) -> Result<String, NodeError> {
        let mut at = match slot {
            Slot::Undeclared => return Ok(self.raw.clone()),
            Slot::Skipped => return Ok(String::new()),
            Slot::Value(value) => value,
        };
        for step in &self.steps {
            match (step, at) {
                (Step::Index(_), Value::Null) => {
                    let message = format!("{} looks for an element of null", self.raw);
                    return Err(NodeError::new(code::INDEX_INTO_NULL, message));
                }
                (Step::Index(index), Value::Array(list)) => {
                    at = list.get(*index).ok_or_else(|| {
                        let length = list.len();
                        let message =
                            format!("{} is out of range: the list has {length}", self.raw);
                        NodeError::new(code::INDEX_OUT_OF_RANGE, message)
                    })?;
                }
                (Step::Field(_), Value::Null) => return Ok(String::new()),
                (Step::Field(name), Value::Object(map)) if map.contains_key(name) => {
                    at = map.get(name).unwrap_or(&Value::Null);
                }
                _ => return Ok(self.raw.clone()),
            }
        }
        Ok(match (joiner, at) {
            (Some(joiner), Value::Array(list)) => {
                list.iter().map(plain_text).collect::<Vec<_>>().join(joiner)
            }
            (_, Value::Array(_) | Value::Object(_)) => sorted_json(at),
            _ => plain_text(at),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn render(template: &str, joiner: Option<&str>) -> Result<String, i64> {
        let values = json!({
            "s": "text", "i": 7, "f": 2.0, "t": true, "n": null,
            "o": {"b": 1, "a": {"z": null}}, "l": [[1, 2], {"k": "v"}, null, "x"],
        });
        let slot = |name: &str| match name {
            "gone" => Slot::Skipped,
            _ => values.get(name).map_or(Slot::Undeclared, Slot::Value),
        };
        Template::parse(template)
            .render(slot, joiner)
            .map_err(|error| error.code)
    }

    fn check(template: &str, expected: &str) {
        assert_eq!(
            render(template, None).as_deref(),
            Ok(expected),
            "{template}"
        );
    }

    #[test]
    fn values() {
        check("", "");
        check("no braces } at { all", "no braces } at { all");
        check("a {{s}} b", "a text b");
        check("{{s}}{{i}}{{f}}{{t}}{{n}}", "text72true");
        check("{{o}}", r#"{"a":{"z":null},"b":1}"#);
        check("{{l}}", r#"[[1,2],{"k":"v"},null,"x"]"#);
    }

    #[test]
    fn spaces_before_but_not_after() {
        check("{{   s}}", "text");
        check("{{ s }}", "{{ s }}");
        check("{{}}{{  }}", "{{}}{{  }}");
    }

    #[test]
    fn paths() {
        check("{{o.b}} {{o.a.z}}", "1 ");
        check(
            "{{l[0]}} {{l[0][1]}} {{l[1].k}} {{l[3]}}",
            "[1,2] 2 v text".replace("text", "x").as_str(),
        );
        check(
            "{{o.none}} {{none}} {{s.x}} {{s[0]}}",
            "{{o.none}} {{none}} {{s.x}} {{s[0]}}",
        );
        check("{{n.x}}", "");
        check("{{gone}}{{gone.a[3].b}}", "");
    }

    #[test]
    fn what_is_not_a_path_is_text() {
        for template in [
            "{{l[}}",
            "{{l[]}}",
            "{{l[x]}}",
            "{{l[-1]}}",
            "{{l[0]x}}",
            "{{l]}}",
            "{{.s}}",
            "{{s.}}",
            "{{o..b}}",
            "{{s}",
            "{{s} }",
            "{{",
            "{{{",
            "{{l[99999999999999999999999]}}",
        ] {
            check(template, template);
        }
        // Leftmost match first, as a regular expression would have it.
        check("{{{s}}}", "{{{s}}}");
        check("{{x {{s}}", "{{x {{s}}");
        check("{{s} {{s}}", "{{s} text");
    }

    #[test]
    fn bad_indices() {
        assert_eq!(render("{{l[9]}}", None), Err(code::INDEX_OUT_OF_RANGE));
        assert_eq!(render("{{n[0]}}", None), Err(code::INDEX_INTO_NULL));
        assert_eq!(render("{{l[2][0]}}", None), Err(code::INDEX_INTO_NULL));
    }

    #[test]
    fn joined_lists() {
        assert_eq!(
            render("{{l}}", Some("; ")).as_deref(),
            Ok(r#"[1,2]; {"k":"v"}; ; x"#)
        );
        assert_eq!(render("{{l[0]}}", Some("-")).as_deref(), Ok("1-2"));
    }

    /// The same rules, written down as simply as possible.
    fn naive(template: &str, values: &Value) -> Result<String, i64> {
        let mut text = String::new();
        let mut rest = template;
        while let Some(first) = rest.chars().next() {
            let inner = rest
                .strip_prefix("{{")
                .and_then(|rest| rest.split_once('}'));
            if let Some((name, after)) = inner
                && let Some(after) = after.strip_prefix('}')
                && !name.trim_matches(' ').is_empty()
            {
                let raw = &rest[..rest.len() - after.len()];
                text.push_str(&naive_value(name.trim_start_matches(' '), raw, values)?);
                rest = after;
            } else {
                text.push(first);
                rest = &rest[first.len_utf8()..];
            }
        }
        Ok(text)
    }

    fn naive_value(path: &str, raw: &str, values: &Value) -> Result<String, i64> {
        let mut steps: Vec<Result<usize, &str>> = Vec::new();
        for part in path.split('.') {
            let pieces: Vec<&str> = part.split('[').collect();
            if pieces[0].is_empty() || pieces[0].contains(']') {
                return Ok(raw.into());
            }
            steps.push(Err(pieces[0]));
            for piece in &pieces[1..] {
                match piece.strip_suffix(']').map(str::parse) {
                    Some(Ok(index)) if !piece.starts_with('+') => steps.push(Ok(index)),
                    _ => return Ok(raw.into()),
                }
            }
        }
        let Err(root) = steps[0] else {
            unreachable!("a path begins with a name")
        };
        let Some(mut at) = values.get(root) else {
            return Ok(raw.into());
        };
        for step in &steps[1..] {
            at = match (step, at) {
                (Ok(_), Value::Null) => return Err(code::INDEX_INTO_NULL),
                (Err(_), Value::Null) => return Ok(String::new()),
                (Ok(index), Value::Array(list)) if *index >= list.len() => {
                    return Err(code::INDEX_OUT_OF_RANGE);
                }
                (Ok(index), Value::Array(list)) => &list[*index],
                (Err(name), Value::Object(map)) if map.contains_key(*name) => &map[*name],
                _ => return Ok(raw.into()),
            };
        }
        Ok(match at {
            Value::Null => String::new(),
            Value::String(text) => text.clone(),
            // The keys of the values below are in order already.
            other => other.to_string(),
        })
    }

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig {
            cases: 3000, failure_persistence: None, ..Default::default()
        })]

        #[test]
        fn renders_like_the_naive_model(
            pieces in proptest::collection::vec(proptest::sample::select(vec![
                "{{", "{{", "{{", "}}", "}}", "}}", "{", "}", "a", "a", "b", "b", "x", "n", ".", ".",
                "[0]", "[0]", "[1]", "[7]", "[", "]", "[+1]", " ", "é", "{{a.b[0]}}", "{{ x }}", "{{n.a}}",
            ]), 0..14),
        ) {
            let template = pieces.concat();
            let values = json!({"a": {"b": [1, "t", {"a": [true]}], "x": "y"}, "b": [[null]], "n": null});
            let slot = |name: &str| values.get(name).map_or(Slot::Undeclared, Slot::Value);
            let got = Template::parse(&template).render(slot, None).map_err(|error| error.code);
            proptest::prop_assert_eq!(got, naive(&template, &values), "{}", template);
        }
    }
}
