//! The sixteen operators of the condition node, and what they make of null.

use std::cmp::Ordering;

use serde_json::Value;

/// An operator, by the number a canvas writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operator {
    Equal = 1,
    NotEqual,
    LongerThan,
    LongerOrEqual,
    ShorterThan,
    ShorterOrEqual,
    Contains,
    ContainsNot,
    Empty,
    NotEmpty,
    IsTrue,
    IsFalse,
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
}

use Operator::{
    Contains, ContainsNot, Empty, Equal, Greater, GreaterOrEqual, IsFalse, IsTrue, Less,
    LessOrEqual, LongerOrEqual, LongerThan, NotEmpty, NotEqual, ShorterOrEqual, ShorterThan,
};

const ALL: [Operator; 16] = [
    Equal,
    NotEqual,
    LongerThan,
    LongerOrEqual,
    ShorterThan,
    ShorterOrEqual,
    Contains,
    ContainsNot,
    Empty,
    NotEmpty,
    IsTrue,
    IsFalse,
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
];

impl Operator {
    pub(crate) fn from_number(number: u64) -> Option<Self> {
        ALL.into_iter().find(|operator| *operator as u64 == number)
    }

    /// Does it compare with a second operand?
    pub(crate) fn is_binary(self) -> bool {
        !matches!(self, Empty | NotEmpty | IsTrue | IsFalse)
    }

    fn text(self) -> &'static str {
        match self {
            Equal => "equal",
            NotEqual => "not equal",
            LongerThan => "length >",
            LongerOrEqual => "length ≥",
            ShorterThan => "length <",
            ShorterOrEqual => "length ≤",
            Contains => "contains",
            ContainsNot => "does not contain",
            Empty => "empty",
            NotEmpty => "not empty",
            IsTrue => "is true",
            IsFalse => "is false",
            Greater => ">",
            GreaterOrEqual => "≥",
            Less => "<",
            LessOrEqual => "≤",
        }
    }

    /// Does `left OPERATOR right` hold? An error says which types do not go together.
    pub(crate) fn holds(self, left: &Value, right: &Value) -> Result<bool, String> {
        let mismatch = || {
            let (left, right) = (kind(left), kind(right));
            let text = self.text();
            if self.is_binary() {
                format!("{left} {text} {right} cannot be compared")
            } else {
                format!("{left} {text} cannot be decided")
            }
        };
        match self {
            Equal => equal(left, right).ok_or_else(mismatch),
            NotEqual => Ok(!equal(left, right).ok_or_else(mismatch)?),
            Empty => Ok(is_empty(left)),
            NotEmpty => Ok(!is_empty(left)),
            IsTrue | IsFalse => match left {
                Value::Null => Ok(self == IsFalse),
                Value::Bool(flag) => Ok(*flag == (self == IsTrue)),
                _ => Err(mismatch()),
            },
            Contains | ContainsNot => {
                if left.is_null() {
                    return Ok(false);
                }
                let found = contains(left, right).ok_or_else(mismatch)?;
                Ok(found == (self == Contains))
            }
            Greater | GreaterOrEqual | Less | LessOrEqual => {
                let number = |value: &Value| value.is_null() || value.is_number();
                if !number(left) || !number(right) {
                    return Err(mismatch());
                }
                Ok(self.ordered(left, right))
            }
            LongerThan | LongerOrEqual | ShorterThan | ShorterOrEqual => {
                if !right.is_null() && !right.is_number() {
                    return Err(mismatch());
                }
                let zero = right.as_f64() == Some(0.0);
                if left.is_null() {
                    return Ok(match self {
                        LongerOrEqual => zero,
                        ShorterThan => !zero,
                        ShorterOrEqual => true,
                        _ => false,
                    });
                }
                let length = Value::from(length(left).ok_or_else(mismatch)?);
                let same = match self {
                    LongerThan => Greater,
                    LongerOrEqual => GreaterOrEqual,
                    ShorterThan => Less,
                    _ => LessOrEqual,
                };
                Ok(same.ordered(&length, right))
            }
        }
    }

    /// Numbers and nulls: null is below every number.
    fn ordered(self, left: &Value, right: &Value) -> bool {
        let order = match (left.is_null(), right.is_null()) {
            (true, true) => Some(Ordering::Equal),
            (true, false) => Some(Ordering::Less),
            (false, true) => Some(Ordering::Greater),
            (false, false) => compare(left, right),
        };
        order.is_some_and(|order| match self {
            Greater => order.is_gt(),
            GreaterOrEqual => order.is_ge(),
            Less => order.is_lt(),
            _ => order.is_le(),
        })
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

/// As integers if both are, else as floats.
fn compare(left: &Value, right: &Value) -> Option<Ordering> {
    match (left.as_i64(), right.as_i64()) {
        (Some(left), Some(right)) => Some(left.cmp(&right)),
        _ => left.as_f64()?.partial_cmp(&right.as_f64()?),
    }
}

/// `None`: they are of different kinds.
fn equal(left: &Value, right: &Value) -> Option<bool> {
    match (left, right) {
        (Value::Null, _) | (_, Value::Null) => Some(left.is_null() && right.is_null()),
        (Value::Number(_), Value::Number(_)) => Some(compare(left, right) == Some(Ordering::Equal)),
        _ if kind(left) == kind(right) => Some(same(left, right)),
        _ => None,
    }
}

/// Deep equality in which 1 and 1.0 are the same.
fn same(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Array(left), Value::Array(right)) => {
            left.len() == right.len() && left.iter().zip(right).all(|(l, r)| same(l, r))
        }
        (Value::Object(left), Value::Object(right)) => {
            let matches = |(key, value): (&String, &Value)| {
                right.get(key).is_some_and(|other| same(value, other))
            };
            left.len() == right.len() && left.iter().all(matches)
        }
        (Value::Number(_), Value::Number(_)) => compare(left, right) == Some(Ordering::Equal),
        _ => left == right,
    }
}

fn contains(left: &Value, right: &Value) -> Option<bool> {
    match (left, right) {
        (Value::String(text), Value::String(part)) => Some(text.contains(part.as_str())),
        (Value::Object(map), Value::String(key)) => Some(map.contains_key(key)),
        (Value::Array(list), _) => Some(list.iter().any(|element| same(element, right))),
        (Value::String(_) | Value::Object(_), Value::Null) => Some(false),
        _ => None,
    }
}

/// Bytes of a string, elements of a list, keys of an object.
fn length(value: &Value) -> Option<u64> {
    let length = match value {
        Value::String(text) => text.len(),
        Value::Array(list) => list.len(),
        Value::Object(map) => map.len(),
        _ => return None,
    };
    u64::try_from(length).ok()
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(flag) => !flag,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty() || text == "None",
        Value::Array(list) => list.is_empty(),
        Value::Object(map) => map.is_empty(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check(left: &Value, operator: u64, right: &Value, expected: bool) {
        let operator = Operator::from_number(operator).expect("a known operator");
        let got = operator.holds(left, right);
        assert_eq!(got, Ok(expected), "{left} {} {right}", operator.text());
    }

    fn refused(left: &Value, operator: u64, right: &Value) {
        let operator = Operator::from_number(operator).expect("a known operator");
        assert!(
            operator.holds(left, right).is_err(),
            "{left} {} {right}",
            operator.text()
        );
    }

    #[test]
    fn numbers() {
        assert_eq!(Operator::from_number(0), None);
        assert_eq!(Operator::from_number(17), None);
        assert_eq!(Operator::from_number(7), Some(Contains));
        assert_eq!(Operator::from_number(16), Some(LessOrEqual));
    }

    #[test]
    fn equality() {
        check(&json!("a"), 1, &json!("a"), true);
        check(&json!("a"), 2, &json!("b"), true);
        check(&json!(1), 1, &json!(1.0), true);
        check(&json!(1), 2, &json!(1.5), true);
        check(&json!([1, {"a": 2}]), 1, &json!([1.0, {"a": 2}]), true);
        // As doubles these two would be the same.
        check(
            &json!(9_007_199_254_740_993_i64),
            1,
            &json!(9_007_199_254_740_992_i64),
            false,
        );
        refused(&json!("1"), 1, &json!(1));
        refused(&json!(true), 2, &json!("true"));
    }

    #[test]
    fn null_rules() {
        let (null, x) = (json!(null), json!(1));
        check(&null, 1, &null, true);
        check(&null, 1, &x, false);
        check(&null, 2, &x, true);
        check(&null, 13, &x, false);
        check(&x, 13, &null, true);
        check(&null, 14, &null, true);
        check(&null, 15, &null, false);
        check(&null, 15, &x, true);
        check(&x, 15, &null, false);
        check(&null, 16, &x, true);
        check(&null, 11, &null, false);
        check(&null, 12, &null, true);
        check(&null, 7, &json!("a"), false);
        check(&null, 8, &json!("a"), false);
        check(&null, 3, &json!(0), false);
        check(&null, 4, &json!(0), true);
        check(&null, 4, &json!(1), false);
        check(&null, 5, &json!(0), false);
        check(&null, 5, &json!(1), true);
        check(&null, 6, &json!(0), true);
    }

    #[test]
    fn lengths_count_bytes() {
        check(&json!("héé"), 3, &json!(4), true);
        check(&json!("héé"), 4, &json!(5), true);
        check(&json!([1, 2]), 5, &json!(3), true);
        check(&json!({"a": 1}), 6, &json!(1), true);
        refused(&json!(5), 3, &json!(1));
        refused(&json!("five"), 3, &json!("1"));
    }

    #[test]
    fn containment() {
        check(&json!("coze"), 7, &json!("oz"), true);
        check(&json!(["a", 1]), 7, &json!(1.0), true);
        check(&json!({"k": 1}), 7, &json!("k"), true);
        check(&json!({"k": 1}), 8, &json!("v"), true);
        check(&json!("coze"), 8, &json!("oz"), false);
        refused(&json!(1), 7, &json!(1));
    }

    #[test]
    fn emptiness_and_flags() {
        for empty in [
            json!(null),
            json!(""),
            json!("None"),
            json!(0),
            json!(0.0),
            json!(false),
            json!([]),
            json!({}),
        ] {
            check(&empty, 9, &json!(null), true);
            check(&empty, 10, &json!(null), false);
        }
        check(&json!("none"), 9, &json!(null), false);
        check(&json!(true), 11, &json!(null), true);
        check(&json!(false), 12, &json!(null), true);
        refused(&json!("true"), 11, &json!(null));
    }

    #[test]
    fn order() {
        check(&json!(2), 13, &json!(1.5), true);
        check(&json!(2), 14, &json!(2), true);
        check(&json!(-1), 15, &json!(0), true);
        check(&json!(3), 16, &json!(2), false);
        refused(&json!("b"), 13, &json!("a"));
    }
}
