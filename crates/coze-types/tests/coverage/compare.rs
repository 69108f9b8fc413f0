//! A type against the shape it is described with.
//!
//! Rust has no reflection, so it is done by data: a sample that holds every described key is read
//! through the type and written again. What is lost then has no field; what has changed has a field
//! of another type. Samples that leave out one key each tell what the type takes for required.

use serde_json::{Value, json};

use crate::finding::{Comparison, Fault, Finding, Part};
use crate::shape::{Node, Presence, Shape};

/// Reads a value through a type and writes it again. Errors name the place, as `data.items[0].id`.
pub(crate) type RoundTrip = fn(&Value) -> Result<Value, Misfit>;

/// Why a value was not read.
#[derive(Debug)]
pub(crate) struct Misfit {
    pub(crate) at: String,
    pub(crate) why: String,
}

/// Compares a type with its description.
pub(crate) fn compare(part: Part, shape: &Shape, round_trip: RoundTrip) -> Comparison {
    let mut run = Run {
        part,
        round_trip,
        nodes: shape.nodes(),
        sample: shape.sample(),
        settled: Vec::new(),
        findings: Vec::new(),
    };
    if let Some(written) = run.make_readable() {
        run.check_written(&written);
        run.check_typed();
        run.check_presence();
        run.check_zeros();
        run.check_spellings();
    }
    let named = |node: &&Node<'_>| node.presence.is_some();
    Comparison {
        fields: run.nodes.iter().filter(named).count(),
        findings: run.findings,
    }
}

struct Run<'a> {
    part: Part,
    round_trip: RoundTrip,
    nodes: Vec<Node<'a>>,
    sample: Value,
    /// Pointers of nodes that are not kept: what is inside of them is not looked at any more.
    settled: Vec<String>,
    findings: Vec<Finding>,
}

impl<'a> Run<'a> {
    fn find(&mut self, node: usize, fault: Fault, note: String) {
        let node = &self.nodes[node];
        self.findings.push(Finding {
            field: format!("{}{}", self.part.name(), node.shown),
            fault,
            note,
        });
        if matches!(fault, Fault::Missing | Fault::Type | Fault::Untyped) {
            self.settled.push(node.pointer.clone());
        }
    }

    fn open(&self, node: &Node<'a>) -> bool {
        !self.settled.iter().any(|pointer| node.is_within(pointer))
    }

    /// The nodes that are kept, as far as is known.
    fn open_nodes(&self) -> Vec<usize> {
        let all = self.nodes.iter().enumerate();
        all.filter(|(_, node)| self.open(node))
            .map(|(index, _)| index)
            .collect()
    }

    fn read(&self, sample: &Value) -> Result<Value, Misfit> {
        (self.round_trip)(sample)
    }

    /// Changes the sample until the type reads it. Each change is a finding.
    fn make_readable(&mut self) -> Option<Value> {
        loop {
            let misfit = match self.read(&self.sample) {
                Ok(written) => return Some(written),
                Err(misfit) => misfit,
            };
            if self.add_what_is_missing(&misfit) {
                continue;
            }
            let Some((node, mended, note)) = self.mend(&misfit) else {
                self.findings.push(Finding {
                    field: self.part.name().to_owned(),
                    fault: Fault::Type,
                    note: format!("not read: {} at `{}`", misfit.why, misfit.at),
                });
                return None;
            };
            self.sample = mended;
            if *self.nodes[node].shape == Shape::Any {
                self.settled.push(self.nodes[node].pointer.clone());
            } else {
                self.find(node, Fault::Type, note);
            }
        }
    }

    /// Adds a key that is not described, when the type insists on it.
    fn add_what_is_missing(&mut self, misfit: &Misfit) -> bool {
        let Some((_, rest)) = misfit.why.split_once("missing field `") else {
            return false;
        };
        let Some((name, _)) = rest.split_once('`') else {
            return false;
        };
        let holder = pointer(&misfit.at);
        for value in others() {
            let mut sample = self.sample.clone();
            match sample.pointer_mut(&holder) {
                Some(Value::Object(map)) if !map.contains_key(name) => {
                    map.insert(name.to_owned(), value);
                }
                _ => return false,
            }
            // Another error elsewhere means that this one is mended.
            let mended = self.read(&sample).map_or_else(
                |next| next.why != misfit.why && !next.at.ends_with(name),
                |_| true,
            );
            if mended {
                self.sample = sample;
                let known = self.nodes.iter().find(|node| node.pointer == holder);
                let holder = known.map_or("", |node| &node.shown);
                self.findings.push(Finding {
                    field: format!("{}{holder}.{name}", self.part.name()),
                    fault: Fault::Undescribed,
                    note: "required, and not described".to_owned(),
                });
                return true;
            }
        }
        false
    }

    /// Finds the node that does not fit, and a value that does.
    fn mend(&self, misfit: &Misfit) -> Option<(usize, Value, String)> {
        // The place that the error names comes first; inside of flattened parts it names none.
        let named = pointer(&misfit.at);
        let mut order = self.open_nodes();
        order.sort_by_key(|&index| self.nodes[index].pointer != named);
        for index in order {
            let node = &self.nodes[index];
            if *node.shape == Shape::Any {
                let mut sample = self.sample.clone();
                remove(&mut sample, &node.pointer);
                if node.pointer == named {
                    return Some((index, sample, String::new()));
                }
            }
            for other in others() {
                let mut sample = self.sample.clone();
                let Some(place) = sample.pointer_mut(&node.pointer) else {
                    continue;
                };
                *place = other.clone();
                let fits = match self.read(&sample) {
                    Ok(_) => true,
                    Err(next) => next.at != misfit.at && node.pointer == named,
                };
                if fits {
                    let note = format!(
                        "described as {}, read as {} ({})",
                        kind(&node.shape.sample()),
                        kind(&other),
                        misfit.why
                    );
                    return Some((index, sample, note));
                }
            }
        }
        None
    }

    /// Names what was lost and what has changed.
    fn check_written(&mut self, written: &Value) {
        for index in self.open_nodes() {
            let node = &self.nodes[index];
            if !self.open(node) {
                continue;
            }
            let theirs = self.sample.pointer(&node.pointer);
            let ours = written.pointer(&node.pointer);
            let part = self.part;
            match (theirs, ours) {
                (_, None) => self.find(index, Fault::Missing, "there is no such field".into()),
                (Some(theirs), Some(ours)) if !alike(part, theirs, ours) => {
                    let note = format!(
                        "described as {}, written as {} ({theirs} became {ours})",
                        kind(theirs),
                        kind(ours)
                    );
                    self.find(index, Fault::Type, note);
                }
                _ => {}
            }
        }
    }

    /// A value that nobody described has no place where it is known what comes.
    fn check_typed(&mut self) {
        for index in self.open_nodes() {
            let node = &self.nodes[index];
            let other = match node.shape {
                Shape::Any => continue,
                Shape::Map(value) if **value == Shape::Any => continue,
                Shape::List(_) | Shape::Map(_) | Shape::Object(_) => json!(42),
                _ => json!({ "key": [42] }),
            };
            let mut sample = self.sample.clone();
            if let Some(place) = sample.pointer_mut(&node.pointer) {
                *place = other.clone();
            }
            let Ok(written) = self.read(&sample) else {
                continue;
            };
            if !self.open(node) {
                continue;
            }
            if written.pointer(&node.pointer) == Some(&other) {
                let note = format!("{other} is taken as well");
                self.find(index, Fault::Untyped, note);
            }
        }
    }

    /// Leaves out each key in turn.
    fn check_presence(&mut self) {
        for index in self.open_nodes() {
            let node = &self.nodes[index];
            let Some(presence) = node.presence else {
                continue;
            };
            let mut sample = self.sample.clone();
            remove(&mut sample, &node.pointer);
            let without = self.read(&sample);
            let written = match &without {
                Ok(written) => written.pointer(&node.pointer).is_some(),
                Err(_) => false,
            };
            match (presence, &without) {
                (Presence::Required, Ok(_)) if !written => {
                    self.find(index, Fault::Required, "may be left out".into());
                }
                (Presence::Optional, Err(misfit)) => {
                    self.find(index, Fault::Optional, misfit.why.clone());
                }
                (Presence::Optional, Ok(_)) if written => {
                    self.find(index, Fault::Written, "written all the same".into());
                }
                // A query has no null.
                (_, Ok(_)) if self.part != Part::Query => self.check_null(index),
                _ => {}
            }
        }
    }

    /// What may be left out may also be null.
    fn check_null(&mut self, index: usize) {
        let mut sample = self.sample.clone();
        if let Some(place) = sample.pointer_mut(&self.nodes[index].pointer) {
            *place = Value::Null;
        }
        if let Err(misfit) = self.read(&sample) {
            self.find(index, Fault::Null, misfit.why);
        }
    }

    /// What is asked to be false, zero or empty is not the same as what is not asked for.
    fn check_zeros(&mut self) {
        if self.part != Part::Body {
            return;
        }
        for index in self.open_nodes() {
            let node = &self.nodes[index];
            let zero = match node.shape {
                Shape::Text => json!(""),
                Shape::Integer => json!(0),
                Shape::Number => json!(0.0),
                Shape::Flag => json!(false),
                Shape::List(_) => json!([]),
                Shape::Map(_) | Shape::Object(_) | Shape::Any => continue,
            };
            let mut sample = self.sample.clone();
            if let Some(place) = sample.pointer_mut(&node.pointer) {
                *place = zero.clone();
            }
            let pointer = &node.pointer;
            match self.read(&sample) {
                Ok(written) if written.pointer(pointer) == Some(&zero) => {}
                Ok(written) => {
                    let note = format!("{zero} became {:?}", written.pointer(pointer));
                    self.find(index, Fault::Zero, note);
                }
                Err(misfit) => self.find(index, Fault::Zero, misfit.why),
            }
        }
    }

    /// Servers write integers as text here and there, and ids as numbers; query parameters are
    /// nothing but text.
    fn check_spellings(&mut self) {
        for index in self.open_nodes() {
            let node = &self.nodes[index];
            let mut sample = self.sample.clone();
            let Some(place) = sample.pointer_mut(&node.pointer) else {
                continue;
            };
            let fault = match node.shape {
                Shape::Integer => Fault::IntegerAsText,
                Shape::Text if node.is_id() && self.part != Part::Query => Fault::IdAsNumber,
                _ => continue,
            };
            *place = match place.as_str().and_then(|text| text.parse::<i64>().ok()) {
                Some(number) => json!(number),
                None => json!(place.to_string()),
            };
            if let Err(misfit) = self.read(&sample) {
                self.find(index, fault, misfit.why);
            }
        }
    }
}

/// Values of every kind.
fn others() -> [Value; 10] {
    [
        json!("7500000000000000042"),
        json!(42),
        json!(4.5),
        json!(true),
        json!({}),
        json!([]),
        json!(["7500000000000000042"]),
        json!([42]),
        json!({ "key": "7500000000000000042" }),
        json!(null),
    ]
}

fn kind(value: &Value) -> String {
    match value {
        Value::Null => "nothing".to_owned(),
        Value::Bool(_) => "bool".to_owned(),
        Value::Number(number) if number.is_f64() => "number".to_owned(),
        Value::Number(_) => "integer".to_owned(),
        Value::String(_) => "text".to_owned(),
        Value::Array(elements) => match elements.first() {
            Some(element) => format!("list of {}", kind(element)),
            None => "list".to_owned(),
        },
        Value::Object(_) => "object".to_owned(),
    }
}

/// Whether a scalar is the same; what is inside of lists and objects is compared by itself.
fn alike(part: Part, theirs: &Value, ours: &Value) -> bool {
    match (theirs, ours) {
        (Value::Object(_), Value::Object(_)) | (Value::Array(_), Value::Array(_)) => true,
        // A query has nothing but text.
        _ if part == Part::Query => text(theirs) == text(ours),
        _ => theirs == ours,
    }
}

/// A value as it stands in a query; the elements of a list are joined by commas.
fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(elements) => elements.iter().map(text).collect::<Vec<_>>().join(","),
        other => other.to_string(),
    }
}

/// The place of a decoding error, `data.items[0].id`, as a JSON pointer.
fn pointer(at: &str) -> String {
    let steps = at.replace('[', ".").replace(']', "");
    let steps = steps.split('.').filter(|step| !step.is_empty());
    steps.map(|step| format!("/{step}")).collect()
}

fn remove(sample: &mut Value, pointer: &str) {
    let Some((holder, key)) = pointer.rsplit_once('/') else {
        return;
    };
    if let Some(Value::Object(map)) = sample.pointer_mut(holder) {
        map.remove(&key.replace("~1", "/").replace("~0", "~"));
    }
}

#[cfg(test)]
mod tests {
    use coze_types::{Id, status};
    use serde::{Deserialize, Serialize};

    use super::*;
    use crate::shape::Field;

    fn round_trip<T: Serialize + serde::de::DeserializeOwned>(
        sample: &Value,
    ) -> Result<Value, Misfit> {
        let read: T = status::decode(&serde_json::to_vec(sample).unwrap()).map_err(|error| {
            let (at, why) = (error.at.to_string(), error.source.to_string());
            Misfit { at, why }
        })?;
        Ok(serde_json::to_value(read).unwrap())
    }

    fn shape() -> Shape {
        let field = |name: &str, presence, shape| Field {
            name: name.to_owned(),
            presence,
            shape,
        };
        let item = |presence| {
            Shape::object(vec![
                field("id", Presence::Required, Shape::Text),
                field("count", presence, Shape::Integer),
            ])
        };
        Shape::object(vec![
            field("name", Presence::Required, Shape::Text),
            field("size", Presence::Optional, Shape::Integer),
            field(
                "items",
                Presence::Optional,
                Shape::List(Box::new(item(Presence::Optional))),
            ),
        ])
    }

    fn check<T: Serialize + serde::de::DeserializeOwned>(expected: &[(Fault, &str)]) {
        let comparison = compare(Part::Body, &shape(), round_trip::<T>);
        let found: Vec<_> = comparison
            .findings
            .iter()
            .map(|finding| (finding.fault, finding.field.as_str()))
            .collect();
        assert_eq!(found, expected, "{:#?}", comparison.findings);
        assert_eq!(comparison.fields, 5);
    }

    /// An integer as servers write it.
    #[derive(Serialize, Deserialize)]
    #[serde(untagged)]
    enum Loose {
        Number(i64),
        Text(String),
    }

    #[derive(Serialize, Deserialize)]
    struct Item {
        id: Id,
        #[serde(skip_serializing_if = "Option::is_none")]
        count: Option<Loose>,
    }

    #[test]
    fn a_type_that_fits_has_no_findings() {
        #[derive(Serialize, Deserialize)]
        struct Fits {
            name: String,
            #[serde(skip_serializing_if = "Option::is_none")]
            size: Option<Loose>,
            #[serde(skip_serializing_if = "Option::is_none")]
            items: Option<Vec<Item>>,
        }
        check::<Fits>(&[]);
    }

    #[test]
    fn what_is_missing_or_of_another_type_is_named_each_by_itself() {
        #[derive(Serialize, Deserialize)]
        struct OtherItem {
            id: bool,
        }
        #[derive(Serialize, Deserialize)]
        struct Differs {
            name: i64,
            #[serde(skip_serializing_if = "Option::is_none")]
            items: Option<Vec<OtherItem>>,
        }
        check::<Differs>(&[
            (Fault::Type, "body.name"),
            (Fault::Type, "body.items[].id"),
            (Fault::Missing, "body.size"),
            (Fault::Missing, "body.items[].count"),
        ]);
    }

    #[test]
    fn a_type_that_takes_anything_does_not_fit() {
        #[derive(Serialize, Deserialize)]
        struct Untyped {
            name: Value,
            #[serde(skip_serializing_if = "Option::is_none")]
            size: Option<Loose>,
            #[serde(skip_serializing_if = "Option::is_none")]
            items: Option<Vec<Value>>,
        }
        check::<Untyped>(&[
            (Fault::Untyped, "body.name"),
            (Fault::Untyped, "body.items[]"),
        ]);
    }

    #[test]
    fn what_a_type_insists_on_has_to_be_described() {
        #[derive(Serialize, Deserialize)]
        struct Strict {
            name: String,
            #[serde(skip_serializing_if = "Option::is_none")]
            size: Option<Loose>,
            #[serde(skip_serializing_if = "Option::is_none")]
            items: Option<Vec<Item>>,
            more: bool,
        }
        check::<Strict>(&[(Fault::Undescribed, "body.more")]);
    }

    #[test]
    fn what_is_taken_for_required_is_compared() {
        #[derive(Serialize, Deserialize)]
        struct Differs {
            #[serde(skip_serializing_if = "Option::is_none")]
            name: Option<String>,
            size: Loose,
            #[serde(default)]
            items: Vec<Item>,
        }
        check::<Differs>(&[
            (Fault::Required, "body.name"),
            (Fault::Optional, "body.size"),
            (Fault::Written, "body.items"),
        ]);
    }

    #[test]
    fn nulls_integers_as_text_and_ids_as_numbers_have_to_be_read() {
        #[derive(Serialize, Deserialize)]
        struct OtherItem {
            id: String,
            #[serde(skip_serializing_if = "Option::is_none")]
            count: Option<Loose>,
        }
        #[derive(Serialize, Deserialize)]
        struct Differs {
            name: String,
            #[serde(skip_serializing_if = "Option::is_none")]
            size: Option<u32>,
            #[serde(default, skip_serializing_if = "Vec::is_empty")]
            items: Vec<OtherItem>,
        }
        check::<Differs>(&[
            (Fault::Null, "body.items"),
            (Fault::Zero, "body.items"),
            (Fault::IntegerAsText, "body.size"),
            (Fault::IdAsNumber, "body.items[].id"),
        ]);
    }
}
