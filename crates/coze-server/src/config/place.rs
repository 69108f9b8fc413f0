//! Where something stands in a `coze.yaml`: from a path such as `bots[1].model` to line and column.

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_saphyr::Spanned;

/// Line and column, both from 1.
pub(super) type Place = (u64, u64);

/// What does not fit, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Misfit {
    /// Such as `bots[1].model`.
    pub(super) path: String,
    pub(super) why: String,
}

impl Misfit {
    pub(crate) fn new(path: impl Into<String>, why: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            why: why.into(),
        }
    }
}

impl Misfit {
    /// The same, inside of something that is named in front of it.
    pub(crate) fn inside(self, path: &str, name: &str) -> Self {
        let path = match self.path.as_str() {
            "" => path.to_owned(),
            inner => format!("{path}.{inner}"),
        };
        Self::new(path, format!("{name}: {}", self.why))
    }
}

impl From<String> for Misfit {
    fn from(why: String) -> Self {
        Self::new("", why)
    }
}

/// A YAML file as it stands: only where things are, not what they are.
enum Node {
    Map(Vec<(Spanned<String>, Spanned<Node>)>),
    List(Vec<Spanned<Node>>),
    Leaf,
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Node;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("anything")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Node, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Ok(Node::Map(entries))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Node, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element()? {
            items.push(item);
        }
        Ok(Node::List(items))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Node, E> {
        Ok(Node::Leaf)
    }
    fn visit_i64<E>(self, _: i64) -> Result<Node, E> {
        Ok(Node::Leaf)
    }
    fn visit_u64<E>(self, _: u64) -> Result<Node, E> {
        Ok(Node::Leaf)
    }
    fn visit_i128<E>(self, _: i128) -> Result<Node, E> {
        Ok(Node::Leaf)
    }
    fn visit_u128<E>(self, _: u128) -> Result<Node, E> {
        Ok(Node::Leaf)
    }
    fn visit_f64<E>(self, _: f64) -> Result<Node, E> {
        Ok(Node::Leaf)
    }
    fn visit_str<E>(self, _: &str) -> Result<Node, E> {
        Ok(Node::Leaf)
    }
    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(Node::Leaf)
    }
    fn visit_none<E>(self) -> Result<Node, E> {
        Ok(Node::Leaf)
    }
    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Node, D::Error> {
        deserializer.deserialize_any(self)
    }
    fn visit_newtype_struct<D: Deserializer<'de>>(self, it: D) -> Result<Node, D::Error> {
        it.deserialize_any(self)
    }
    fn visit_enum<A: serde::de::EnumAccess<'de>>(self, it: A) -> Result<Node, A::Error> {
        let _: (IgnoredAny, _) = it.variant()?;
        Ok(Node::Leaf)
    }
}

/// The place of a path; of what is around it where the file does not have it.
pub(super) fn of(text: &str, path: &str) -> Option<Place> {
    let root: Spanned<Node> = serde_saphyr::from_str(text).ok()?;
    let (mut node, mut found) = (&root, None);
    for step in steps(path) {
        let next = match (&node.value, step) {
            (Node::Map(entries), Step::Key(key)) => {
                let entry = entries.iter().find(|it| it.0.value == key);
                entry.map(|(key, value)| match value.value {
                    // A list or a map is known by its key, which stands in front of it.
                    Node::Map(_) | Node::List(_) => (value, place(key)),
                    Node::Leaf => (value, place(value)),
                })
            }
            (Node::List(items), Step::Index(index)) => items.get(index).map(|it| (it, place(it))),
            _ => None,
        };
        let Some((inner, place)) = next else { break };
        (node, found) = (inner, place);
    }
    found
}

/// The place of a key of that name, if there is one only behind a place. What is read in two steps
/// has the place of the first one; this finds the exact one.
pub(super) fn of_key(text: &str, key: &str, behind: Place) -> Option<Place> {
    let root: Spanned<Node> = serde_saphyr::from_str(text).ok()?;
    let mut inside = None;
    enclosing(&root, behind, &mut inside);
    let mut found = Vec::new();
    keys(inside?, key, &mut found);
    match found.as_slice() {
        [one] => Some(*one),
        _ => None,
    }
}

/// The value that an error names: what is at that place, or what the key there stands for.
fn enclosing<'n>(node: &'n Spanned<Node>, wanted: Place, found: &mut Option<&'n Spanned<Node>>) {
    if place(node) == Some(wanted) && found.is_none() {
        *found = Some(node);
    }
    match &node.value {
        Node::Map(entries) => {
            for (key, value) in entries {
                if place(key) == Some(wanted) && found.is_none() {
                    *found = Some(value);
                }
                enclosing(value, wanted, found);
            }
        }
        Node::List(items) => items.iter().for_each(|it| enclosing(it, wanted, found)),
        Node::Leaf => {}
    }
}

fn keys(node: &Spanned<Node>, wanted: &str, found: &mut Vec<Place>) {
    match &node.value {
        Node::Map(entries) => {
            for (key, value) in entries {
                if key.value == wanted {
                    found.extend(place(key));
                }
                keys(value, wanted, found);
            }
        }
        Node::List(items) => items.iter().for_each(|it| keys(it, wanted, found)),
        Node::Leaf => {}
    }
}

fn place<T>(node: &Spanned<T>) -> Option<Place> {
    let (line, column) = (node.referenced.line(), node.referenced.column());
    (line > 0).then_some((line, column))
}

enum Step<'p> {
    Key(&'p str),
    Index(usize),
}

/// `models.gpt.script[0]`; a key with dots in it ends the path, which is near enough.
fn steps(path: &str) -> Vec<Step<'_>> {
    let mut steps = Vec::new();
    for part in path.split('.').filter(|it| !it.is_empty()) {
        let mut parts = part.split('[');
        steps.push(Step::Key(parts.next().unwrap_or_default()));
        for index in parts {
            if let Ok(index) = index.trim_end_matches(']').parse() {
                steps.push(Step::Index(index));
            }
        }
    }
    steps
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
# first
bots:
  - id: \"1\"
    name: x
    model: gpt
    workflows: [7, 8]
  - { id: 2, name: y, model: gtp }
models:
  gpt:
    provider: offline
    script:
      - match: a
        delta: [x]
";

    #[test]
    fn paths_have_places() {
        fn check(path: &str, expected: Option<Place>) {
            assert_eq!(of(TEXT, path), expected, "{path}");
        }
        check("bots[0].model", Some((5, 12)));
        check("bots[0].workflows[1]", Some((6, 20)));
        check("bots[1].model", Some((7, 30)));
        check("models.gpt", Some((9, 3)));
        check("models.gpt.script[0].match", Some((12, 16)));
        // What is not there has the place of what is around it.
        check("bots[1].prompt", Some((7, 5)));
        check("models.gpt.base_url", Some((9, 3)));
        check("", None);
        check("nothing", None);
    }

    #[test]
    fn keys_are_found_inside_of_what_an_error_names() {
        assert_eq!(of_key(TEXT, "delta", (9, 3)), Some((13, 9)));
        assert_eq!(of_key(TEXT, "delta", (3, 5)), None);
        assert_eq!(of_key(TEXT, "name", (2, 1)), None, "there are two");
    }
}
