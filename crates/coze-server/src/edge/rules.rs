//! Which calls a fault happens to.

use std::sync::{Mutex, PoisonError};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::fault::Fault;

/// A fault, and the calls it happens to: all, unless something here narrows them down.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FaultRule {
    /// What goes wrong, such as `cut; after=3`; docs/testing.md has the list.
    #[schemars(with = "String")]
    pub fault: Fault,
    /// Calls of this row only, such as `StartChat`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub row: Option<String>,
    /// Calls with this method only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// Calls of this path only; `*` stands for any text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// How often, from 0 to 1; always by default. Chance follows the seed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probability: Option<f64>,
    /// So many of these calls go well first.
    #[serde(default)]
    pub skip: u64,
    /// It happens at most so often.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
}

impl FaultRule {
    /// A fault of all calls.
    #[must_use]
    pub fn new(fault: Fault) -> Self {
        Self {
            fault,
            row: None,
            method: None,
            path: None,
            probability: None,
            skip: 0,
            count: None,
        }
    }

    /// Calls of this row only, such as `StartChat`.
    #[must_use]
    pub fn row(mut self, row: impl Into<String>) -> Self {
        self.row = Some(row.into());
        self
    }

    /// Calls with this method only.
    #[must_use]
    pub fn method(mut self, method: impl Into<String>) -> Self {
        self.method = Some(method.into());
        self
    }

    /// Calls of this path only; `*` stands for any text.
    #[must_use]
    pub fn path(mut self, path: impl Into<String>) -> Self {
        self.path = Some(path.into());
        self
    }

    /// How often, from 0 to 1.
    #[must_use]
    pub fn probability(mut self, chance: f64) -> Self {
        self.probability = Some(chance);
        self
    }

    /// So many of these calls go well first.
    #[must_use]
    pub fn skip(mut self, calls: u64) -> Self {
        self.skip = calls;
        self
    }

    /// It happens at most so often.
    #[must_use]
    pub fn count(mut self, times: u64) -> Self {
        self.count = Some(times);
        self
    }

    /// What is wrong with it: the key, and why.
    pub(crate) fn problem(&self) -> Option<(&'static str, String)> {
        if let Some(row) = &self.row
            && !coze_types::endpoints().any(|it| it.name == row)
        {
            let why = format!("there is no row {row:?}; `cozectl api --list` shows them");
            return Some(("row", why));
        }
        if let Some(method) = &self.method
            && !["GET", "POST", "PUT", "DELETE"].contains(&method.to_uppercase().as_str())
        {
            let why = format!("{method:?} is none of GET, POST, PUT, DELETE");
            return Some(("method", why));
        }
        if let Some(path) = &self.path
            && !path.starts_with(['/', '*'])
        {
            return Some(("path", format!("{path:?} does not begin with `/` or `*`")));
        }
        if let Some(chance) = self.probability
            && !(0.0..=1.0).contains(&chance)
        {
            return Some(("probability", format!("{chance} is not from 0 to 1")));
        }
        None
    }

    fn matches(&self, row: &str, method: &str, path: &str) -> bool {
        let is = |wanted: &Option<String>, found: &str| {
            wanted
                .as_ref()
                .is_none_or(|it| it.eq_ignore_ascii_case(found))
        };
        is(&self.row, row)
            && is(&self.method, method)
            && self.path.as_ref().is_none_or(|it| like(it, path))
    }
}

/// Whether a text fits a pattern in which `*` stands for any text.
fn like(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = text.strip_prefix(parts.next().unwrap_or_default()) else {
        return false;
    };
    let mut parts = parts.peekable();
    if parts.peek().is_none() {
        return rest.is_empty();
    }
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        let Some(at) = rest.find(part) else {
            return false;
        };
        rest = &rest[at + part.len()..];
    }
    true
}

/// All faults of a server.
#[derive(Debug, Default)]
pub(crate) struct Rules(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    seed: u64,
    /// Numbers for rules that are added later.
    last: u64,
    rules: Vec<Active>,
}

#[derive(Debug)]
struct Active {
    id: u64,
    rule: FaultRule,
    /// From `coze.yaml`, whose next reading replaces it.
    configured: bool,
    matched: u64,
    applied: u64,
}

/// A rule as the control endpoint shows it.
#[derive(Debug, Serialize)]
pub(crate) struct Shown {
    id: u64,
    #[serde(flatten)]
    rule: FaultRule,
    from: &'static str,
    /// Calls that it was for.
    matched: u64,
    /// Calls that it happened to.
    applied: u64,
}

impl Rules {
    pub(crate) fn new(seed: u64, rules: &[FaultRule]) -> Self {
        let made = Self::default();
        made.state(|state| state.seed = seed);
        made.configure(rules);
        made
    }

    fn state<T>(&self, work: impl FnOnce(&mut State) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Replaces the rules of `coze.yaml`.
    pub(crate) fn configure(&self, rules: &[FaultRule]) {
        self.state(|state| {
            state.rules.retain(|it| !it.configured);
            for rule in rules {
                state.add(rule.clone(), true);
            }
        });
    }

    pub(crate) fn add(&self, rule: FaultRule) -> u64 {
        self.state(|state| state.add(rule, false))
    }

    /// Takes one away, or all that were added over the control endpoint. Says how many.
    pub(crate) fn remove(&self, id: Option<u64>) -> usize {
        self.state(|state| {
            let before = state.rules.len();
            state.rules.retain(|it| match id {
                Some(id) => it.id != id,
                None => it.configured,
            });
            before - state.rules.len()
        })
    }

    /// Forgets what was added and begins to count anew.
    pub(crate) fn reset(&self) {
        self.remove(None);
        self.state(|state| {
            for rule in &mut state.rules {
                (rule.matched, rule.applied) = (0, 0);
            }
        });
    }

    pub(crate) fn shown(&self) -> Vec<Shown> {
        self.state(|state| {
            let show = |it: &Active| Shown {
                id: it.id,
                rule: it.rule.clone(),
                from: if it.configured {
                    "coze.yaml"
                } else {
                    "control"
                },
                matched: it.matched,
                applied: it.applied,
            };
            state.rules.iter().map(show).collect()
        })
    }

    /// The fault of this call. The first rule that wants it decides; all that match count it.
    pub(crate) fn pick(&self, row: &str, method: &str, path: &str) -> Option<(u64, Fault)> {
        self.state(|state| {
            let seed = state.seed;
            let mut picked = None;
            for it in &mut state.rules {
                if it.rule.matches(row, method, path) && it.wants(seed) && picked.is_none() {
                    it.applied += 1;
                    picked = Some((it.id, it.rule.fault.clone()));
                }
            }
            picked
        })
    }

    /// Nothing to look for, which is what a server has nearly always.
    pub(crate) fn is_empty(&self) -> bool {
        self.state(|state| state.rules.is_empty())
    }
}

impl State {
    fn add(&mut self, rule: FaultRule, configured: bool) -> u64 {
        self.last += 1;
        self.rules.push(Active {
            id: self.last,
            rule,
            configured,
            matched: 0,
            applied: 0,
        });
        self.last
    }
}

impl Active {
    /// Counts a call, and says whether the fault happens to it.
    fn wants(&mut self, seed: u64) -> bool {
        let number = self.matched;
        self.matched += 1;
        let exhausted = self.rule.count.is_some_and(|count| self.applied >= count);
        if number < self.rule.skip || exhausted {
            return false;
        }
        self.rule
            .probability
            .is_none_or(|chance| unit(seed, self.id, number) < chance)
    }
}

/// A number from 0 to 1 that looks like chance and is the same for the same seed, rule and call.
fn unit(seed: u64, rule: u64, call: u64) -> f64 {
    let mut z = seed
        .wrapping_add(rule.wrapping_mul(0x9E37_79B9_7F4A_7C15))
        .wrapping_add(call.wrapping_mul(0xD1B5_4A32_D192_ED03));
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^= z >> 31;
    // The upper 53 bits are what such a number can hold.
    #[expect(clippy::cast_precision_loss, reason = "53 bits fit")]
    let unit = (z >> 11) as f64 / (1_u64 << 53) as f64;
    unit
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        fn check(pattern: &str, text: &str, expected: bool) {
            assert_eq!(like(pattern, text), expected, "{pattern} {text}");
        }
        check("/v3/chat", "/v3/chat", true);
        check("/v3/chat", "/v3/chat/cancel", false);
        check("/v3/*", "/v3/chat/cancel", true);
        check("*/cancel", "/v3/chat/cancel", true);
        check("/v1/*/message/*", "/v1/conversation/message/list", true);
        check(
            "/v1/*/message/list*x",
            "/v1/conversation/message/list",
            false,
        );
        check("*", "/", true);
    }

    fn rule(text: &str, change: impl FnOnce(&mut FaultRule)) -> FaultRule {
        let mut rule = FaultRule::new(text.parse().unwrap());
        change(&mut rule);
        rule
    }

    fn picks(seed: u64, rule: &FaultRule) -> String {
        let rules = Rules::new(seed, std::slice::from_ref(rule));
        (0..200)
            .map(|_| match rules.pick("StartChat", "POST", "/v3/chat") {
                Some(_) => 'x',
                None => '.',
            })
            .collect()
    }

    #[test]
    fn chance_follows_the_seed() {
        let half = rule("cut", |it| it.probability = Some(0.5));
        assert_eq!(picks(7, &half), picks(7, &half));
        assert_ne!(picks(7, &half), picks(8, &half));
        let hits = picks(7, &half).matches('x').count();
        assert!((60..140).contains(&hits), "{hits}");
        let never = rule("cut", |it| it.probability = Some(0.0));
        assert!(!picks(7, &never).contains('x'));
        let some = rule("cut", |it| (it.skip, it.count) = (2, Some(3)));
        assert!(picks(0, &some).starts_with("..xxx..."));
    }

    #[test]
    fn the_first_rule_that_wants_a_call_has_it() {
        let rules = Rules::new(
            0,
            &[
                rule("code=4013", |it| it.count = Some(1)),
                rule("cut", |it| it.row = Some("StartChat".to_owned())),
            ],
        );
        let pick = |row: &str| {
            let picked = rules.pick(row, "POST", "/v3/chat");
            picked.map(|it| it.1.to_string())
        };
        assert_eq!(pick("StartChat").as_deref(), Some("code=4013"));
        assert_eq!(pick("StartChat").as_deref(), Some("cut"));
        assert_eq!(pick("ListBots"), None);
        let id = rules.add(rule("end", |_| ()));
        assert_eq!(pick("ListBots").as_deref(), Some("end"));
        assert_eq!(rules.remove(Some(id)), 1);
        rules.reset();
        assert_eq!(pick("ListBots").as_deref(), Some("code=4013"));
    }

    #[test]
    fn rules_that_could_never_match_are_found() {
        let wrong = |change: fn(&mut FaultRule)| rule("cut", change).problem().map(|it| it.0);
        assert_eq!(wrong(|it| it.row = Some("StartChats".into())), Some("row"));
        assert_eq!(wrong(|it| it.method = Some("FETCH".into())), Some("method"));
        assert_eq!(wrong(|it| it.path = Some("v3/chat".into())), Some("path"));
        assert_eq!(wrong(|it| it.probability = Some(1.5)), Some("probability"));
        assert_eq!(wrong(|it| it.row = Some("StartChat".into())), None);
    }
}
