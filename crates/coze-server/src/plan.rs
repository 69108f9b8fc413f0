//! What a plan allows: so many calls a second, a minute, a day, and in all.
//!
//! Each user has an allowance, whatever the token. Seconds and minutes are counted in memory; days
//! and the sum survive the server.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, PoisonError, RwLock};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde::{Deserialize, de};

use crate::app::App;
use crate::fail::Fail;

const MINUTE: i64 = 60;
const DAY: i64 = 86_400;

/// How much a user may call; `None` is no limit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Plan {
    /// Calls a second.
    pub per_second: Option<u32>,
    /// Calls a minute.
    pub per_minute: Option<u32>,
    /// Calls a day, which begins at midnight UTC.
    pub per_day: Option<u32>,
    /// Calls in all.
    pub total: Option<u32>,
}

impl Plan {
    /// The plan of personal accounts: 2 a second, 60 a minute, 3,000 a day, 100 in all.
    pub const BASIC: Self = Self {
        per_second: Some(2),
        per_minute: Some(60),
        per_day: Some(3_000),
        total: Some(100),
    };

    /// It limits nothing.
    #[must_use]
    pub fn is_unlimited(&self) -> bool {
        *self == Self::default()
    }

    /// The plan of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "basic" => Some(Self::BASIC),
            "unlimited" => Some(Self::default()),
            _ => None,
        }
    }
}

/// The same with its limits spelt out.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Limits {
    per_second: Option<u32>,
    per_minute: Option<u32>,
    per_day: Option<u32>,
    total: Option<u32>,
}

impl<'de> Deserialize<'de> for Plan {
    fn deserialize<D: Deserializer<'de>>(reader: D) -> Result<Self, D::Error> {
        struct Read;
        impl<'de> Visitor<'de> for Read {
            type Value = Plan;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("`basic`, `unlimited`, or an object of limits")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Plan, E> {
                Plan::named(text).ok_or_else(|| E::invalid_value(de::Unexpected::Str(text), &self))
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Plan, A::Error> {
                let it = Limits::deserialize(MapAccessDeserializer::new(map))?;
                Ok(Plan {
                    per_second: it.per_second,
                    per_minute: it.per_minute,
                    per_day: it.per_day,
                    total: it.total,
                })
            }
        }
        reader.deserialize_any(Read)
    }
}

impl JsonSchema for Plan {
    fn schema_name() -> Cow<'static, str> {
        "Plan".into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let limits = generator.subschema_for::<Limits>();
        json_schema!({ "anyOf": [{ "enum": ["basic", "unlimited"] }, limits] })
    }
}

/// What users have called.
#[derive(Debug, Default)]
pub(crate) struct Usage {
    plan: RwLock<Plan>,
    users: Mutex<HashMap<i64, Counted>>,
}

/// What a user has called, of which days and the sum are kept.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counted {
    pub(crate) second: Window,
    pub(crate) minute: Window,
    pub(crate) day: Window,
    pub(crate) total: u32,
}

/// Calls of one span of time, which is counted from 1970.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Window {
    pub(crate) number: i64,
    pub(crate) calls: u32,
}

impl Window {
    /// The calls in the span of this number.
    fn at(self, number: i64) -> Self {
        if self.number == number {
            return self;
        }
        Self { number, calls: 0 }
    }

    fn one_more(self) -> Self {
        Self {
            calls: self.calls.saturating_add(1),
            ..self
        }
    }
}

impl Counted {
    /// One more call, or why not.
    fn call(self, plan: &Plan, now: i64) -> Result<Self, Fail> {
        let second = self.second.at(now);
        let minute = self.minute.at(now.div_euclid(MINUTE));
        let day = self.day.at(now.div_euclid(DAY));
        let full = |calls, limit: Option<u32>| limit.filter(|limit| calls >= *limit);
        if let Some(limit) = full(self.total, plan.total) {
            let why = format!("the plan's {limit} calls in all are used up");
            return Err(Fail::new(4028, why).with_http(429));
        }
        if let Some(limit) = full(day.calls, plan.per_day) {
            let wait = DAY - now.rem_euclid(DAY);
            return Err(later(4008, limit, "day", wait));
        }
        if let Some(limit) = full(minute.calls, plan.per_minute) {
            let wait = MINUTE - now.rem_euclid(MINUTE);
            return Err(later(4013, limit, "minute", wait));
        }
        if let Some(limit) = full(second.calls, plan.per_second) {
            return Err(later(4013, limit, "second", 1));
        }
        Ok(Self {
            second: second.one_more(),
            minute: minute.one_more(),
            day: day.one_more(),
            total: self.total.saturating_add(1),
        })
    }
}

fn later(code: i64, limit: u32, span: &str, wait: i64) -> Fail {
    let why = format!("the plan allows {limit} calls a {span}");
    Fail::new(code, why).with_http(429).with_retry_after(wait)
}

impl Usage {
    pub(crate) fn new(plan: Option<Plan>) -> Self {
        let usage = Self::default();
        usage.set(plan);
        usage
    }

    pub(crate) fn set(&self, plan: Option<Plan>) {
        let mut current = self.plan.write().unwrap_or_else(PoisonError::into_inner);
        *current = plan.unwrap_or_default();
    }

    /// What a user may call, and has called in this second, as far as that is counted.
    pub(crate) fn of(&self, user: i64, now: i64) -> (Plan, u32) {
        let plan = *self.plan.read().unwrap_or_else(PoisonError::into_inner);
        let users = self.users.lock().unwrap_or_else(PoisonError::into_inner);
        let counted = users.get(&user).copied().unwrap_or_default();
        (plan, counted.second.at(now).calls)
    }

    /// Starts to count anew.
    pub(crate) fn forget(&self) {
        let mut users = self.users.lock().unwrap_or_else(PoisonError::into_inner);
        users.clear();
    }

    /// Counts a call, or says that it is one too many.
    pub(crate) async fn count(&self, app: &App, user: i64) -> Result<(), Fail> {
        let plan = *self.plan.read().unwrap_or_else(PoisonError::into_inner);
        if plan.is_unlimited() {
            return Ok(());
        }
        let kept = plan.per_day.is_some() || plan.total.is_some();
        let known = {
            let users = self.users.lock().unwrap_or_else(PoisonError::into_inner);
            users.contains_key(&user)
        };
        let before = if known || !kept {
            Counted::default()
        } else {
            let before = app.db.read(move |unit| Ok::<_, Fail>(unit.usage(user)?));
            before.await?.unwrap_or_default()
        };
        let counted = {
            let mut users = self.users.lock().unwrap_or_else(PoisonError::into_inner);
            let counted = users.entry(user).or_insert(before);
            *counted = counted.call(&plan, app.now())?;
            *counted
        };
        if kept {
            let put = app
                .db
                .write(move |unit| Ok::<_, Fail>(unit.put_usage(user, &counted)?));
            put.await?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Calls at these moments, and how many of them were let through or what refused the first
    /// that was not.
    fn check(plan: Plan, moments: &[i64], expected: Result<u32, (i64, Option<i64>)>) {
        let mut counted = Counted::default();
        for now in moments {
            match counted.call(&plan, *now) {
                Ok(next) => counted = next,
                Err(fail) => {
                    assert_eq!(Err((fail.code, fail.retry_after)), expected);
                    assert_eq!(fail.http, Some(429));
                    return;
                }
            }
        }
        assert_eq!(Ok(counted.total), expected);
    }

    #[test]
    fn windows_fill_and_begin_again() {
        let plan = Plan {
            per_second: Some(2),
            per_minute: Some(4),
            per_day: Some(6),
            total: Some(7),
        };
        let day = DAY * 20_000;
        let at = |moments: &[i64]| moments.iter().map(|it| day + it).collect::<Vec<_>>();
        check(plan, &at(&[0, 0]), Ok(2));
        check(plan, &at(&[0, 0, 0]), Err((4013, Some(1))));
        check(plan, &at(&[0, 0, 1, 1]), Ok(4));
        check(plan, &at(&[0, 0, 1, 1, 2]), Err((4013, Some(58))));
        check(plan, &at(&[0, 0, 1, 1, 60, 60]), Ok(6));
        let seventh = at(&[0, 0, 1, 1, 60, 60, 120]);
        check(plan, &seventh, Err((4008, Some(DAY - 120))));
        let next_day = at(&[0, 0, 1, 1, 60, 60, DAY]);
        check(plan, &next_day, Ok(7));
        let used_up = at(&[0, 0, 1, 1, 60, 60, DAY, DAY + 1]);
        check(plan, &used_up, Err((4028, None)));
        check(Plan::default(), &at(&[0; 100]), Ok(100));
    }
}
