//! A fault as one line tells it: `cut; after=3`, or `delay=200ms, code=4013`.
//!
//! The same line stands in the header of a request, in a rule of `coze.yaml` and in a call of the
//! control endpoint.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The longest that a fault may wait.
const LONGEST: Duration = Duration::from_secs(3600);

/// What goes wrong with a call.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct Fault {
    text: String,
    /// Waits before anything else happens.
    pub(crate) delay: Option<Duration>,
    /// The connection ends without any answer.
    pub(crate) lost: Option<Lost>,
    /// What is answered instead.
    pub(crate) refusal: Option<Refusal>,
    /// What happens to the answer on its way.
    pub(crate) damage: Vec<Damage>,
    /// The call is carried out although its answer is replaced.
    pub(crate) done: bool,
}

/// An answer that takes the place of the real one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) code: Option<i64>,
    pub(crate) http: Option<u16>,
    pub(crate) msg: Option<String>,
    pub(crate) retry_after: Option<String>,
    /// A page, as something in between answers, in place of the envelope.
    pub(crate) page: bool,
}

/// How a connection ends without an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lost {
    Cut,
    Reset,
}

/// What happens to an answer on its way, behind that many events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Damage {
    pub(crate) after: u64,
    pub(crate) kind: Kind,
}

/// See [`Damage`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Silence, for good or for a while.
    Stall(Option<Duration>),
    /// From here on so many bytes at a time, with this pause.
    Drip(usize, Duration),
    /// The connection is closed.
    Cut(Place),
    /// The connection is reset.
    Reset(Place),
    /// The answer ends as if it were complete.
    End,
    /// The next event is no longer JSON.
    Malformed,
    /// The next event comes twice.
    Duplicate,
}

/// Where a connection ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// Between two events.
    Between,
    /// In the middle of the next event.
    Event,
    /// Inside a character of the next event that has several bytes.
    Character,
}

/// A line that tells no fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct FaultError(String);

const KINDS: &str = "code, status, delay, stall, drip, cut, reset, end, malformed, duplicate";

impl FromStr for Fault {
    type Err = FaultError;

    fn from_str(text: &str) -> Result<Self, FaultError> {
        let mut fault = Self {
            text: text.trim().to_owned(),
            delay: None,
            lost: None,
            refusal: None,
            damage: Vec::new(),
            done: false,
        };
        for part in text.split(',').map(str::trim) {
            fault.add(part)?;
        }
        if fault.done && fault.refusal.is_none() && fault.lost.is_none() {
            return Err(FaultError(
                "`done` goes with a fault that takes the place of the answer: code, status, or cut \
                 and reset without `after`"
                    .to_owned(),
            ));
        }
        Ok(fault)
    }
}

impl Fault {
    fn add(&mut self, part: &str) -> Result<(), FaultError> {
        let mut words = part.split(';').map(str::trim);
        let head = words.next().unwrap_or_default();
        let (name, value) = pair(head);
        let mut keys = Keys::new(name, words)?;
        let empty = || FaultError(format!("there is no fault; the faults are {KINDS}"));
        if name.is_empty() {
            return Err(empty());
        }
        match name {
            "code" | "status" => {
                let refusal = self.refusal.get_or_insert_with(Refusal::default);
                match name {
                    "code" => refusal.code = Some(needed(name, value, "4013")?),
                    _ => refusal.http = Some(status(value)?),
                }
                if let Some(msg) = keys.take("msg") {
                    refusal.msg = Some(msg.to_owned());
                }
                if let Some(text) = keys.take("retry_after") {
                    refusal.retry_after = Some(text.to_owned());
                }
                refusal.page |= keys.flag("page")?;
                self.done |= keys.flag("done")?;
            }
            "delay" => {
                let text = value.ok_or_else(|| missing(name, "500ms"))?;
                self.delay = Some(duration(name, text)?);
            }
            "stall" => {
                let pause = value.map(|it| duration(name, it)).transpose()?;
                self.damage(&mut keys, Kind::Stall(pause))?;
            }
            "drip" => {
                let bytes = value.map_or(Ok(1), |it| number(name, it))?;
                let pause = keys.take("pause").map(|it| duration("pause", it));
                let pause = pause.transpose()?.unwrap_or(Duration::from_millis(10));
                let bytes = usize::try_from(bytes.max(1)).unwrap_or(usize::MAX);
                self.damage(&mut keys, Kind::Drip(bytes, pause))?;
            }
            "cut" | "reset" => {
                bare(name, value)?;
                self.done |= keys.flag("done")?;
                let (place, cut) = (place(&mut keys)?, name == "cut");
                match (place, keys.has("after")) {
                    (None, false) => self.lost = Some(if cut { Lost::Cut } else { Lost::Reset }),
                    (place, _) => {
                        let place = place.unwrap_or(Place::Between);
                        let kind = if cut {
                            Kind::Cut(place)
                        } else {
                            Kind::Reset(place)
                        };
                        self.damage(&mut keys, kind)?;
                    }
                }
            }
            "end" | "malformed" | "duplicate" => {
                bare(name, value)?;
                let kind = match name {
                    "end" => Kind::End,
                    "malformed" => Kind::Malformed,
                    _ => Kind::Duplicate,
                };
                self.damage(&mut keys, kind)?;
            }
            other => {
                let why = format!("there is no fault {other:?}; the faults are {KINDS}");
                return Err(FaultError(why));
            }
        }
        keys.finish()
    }

    fn damage(&mut self, keys: &mut Keys<'_>, kind: Kind) -> Result<(), FaultError> {
        let after = keys.take("after").map_or(Ok(0), |it| number("after", it))?;
        self.damage.push(Damage { after, kind });
        Ok(())
    }
}

/// The words behind the name of a fault.
struct Keys<'a> {
    name: &'a str,
    words: Vec<(&'a str, Option<&'a str>)>,
}

impl<'a> Keys<'a> {
    fn new(name: &'a str, words: impl Iterator<Item = &'a str>) -> Result<Self, FaultError> {
        let mut found: Vec<(&str, Option<&str>)> = Vec::new();
        for word in words {
            let (key, value) = pair(word);
            if found.iter().any(|it| it.0 == key) {
                return Err(FaultError(format!("{name}: `{key}` stands twice")));
            }
            found.push((key, value));
        }
        Ok(Self { name, words: found })
    }

    /// The value of a key; a key without one counts as an empty value.
    fn take(&mut self, key: &str) -> Option<&'a str> {
        let at = self.words.iter().position(|it| it.0 == key)?;
        Some(self.words.swap_remove(at).1.unwrap_or_default())
    }

    fn has(&self, key: &str) -> bool {
        self.words.iter().any(|it| it.0 == key)
    }

    fn flag(&mut self, key: &str) -> Result<bool, FaultError> {
        match self.take(key) {
            None => Ok(false),
            Some("") => Ok(true),
            Some(_) => Err(FaultError(format!("`{key}` takes no value"))),
        }
    }

    fn finish(self) -> Result<(), FaultError> {
        match self.words.first() {
            None => Ok(()),
            Some((key, _)) => Err(FaultError(format!("{} knows no {key:?}", self.name))),
        }
    }
}

fn place(keys: &mut Keys<'_>) -> Result<Option<Place>, FaultError> {
    match keys.take("mid") {
        None => Ok(None),
        Some("event") => Ok(Some(Place::Event)),
        Some("character") => Ok(Some(Place::Character)),
        Some(other) => {
            let why = format!("mid={other}: it is `event` or `character`");
            Err(FaultError(why))
        }
    }
}

fn pair(word: &str) -> (&str, Option<&str>) {
    match word.split_once('=') {
        Some((key, value)) => (key.trim(), Some(value.trim())),
        None => (word, None),
    }
}

fn missing(name: &str, example: &str) -> FaultError {
    FaultError(format!("{name} needs a value, such as `{name}={example}`"))
}

fn bare(name: &str, value: Option<&str>) -> Result<(), FaultError> {
    match value {
        None => Ok(()),
        Some(value) => Err(FaultError(format!(
            "{name} takes no value; for a place in the stream write `{name}; after={value}`"
        ))),
    }
}

fn needed<T: FromStr>(name: &str, value: Option<&str>, example: &str) -> Result<T, FaultError> {
    let text = value.ok_or_else(|| missing(name, example))?;
    text.parse()
        .map_err(|_| FaultError(format!("{name}={text}: it is not a number")))
}

fn number(name: &str, text: &str) -> Result<u64, FaultError> {
    needed(name, Some(text), "")
}

fn status(value: Option<&str>) -> Result<u16, FaultError> {
    let status: u16 = needed("status", value, "503")?;
    if !(200..=599).contains(&status) {
        return Err(FaultError(format!(
            "status={status}: it is a number from 200 to 599"
        )));
    }
    Ok(status)
}

/// `500ms`, `2s` or a number of milliseconds.
fn duration(name: &str, text: &str) -> Result<Duration, FaultError> {
    let (digits, unit) = match text.strip_suffix("ms") {
        Some(digits) => (digits, 1),
        None => match text.strip_suffix('s') {
            Some(digits) => (digits, 1000),
            None => (text, 1),
        },
    };
    let wrong = || FaultError(format!("{name}={text}: write it like `500ms` or `2s`"));
    let number: u64 = digits.trim().parse().map_err(|_| wrong())?;
    let found = Duration::from_millis(number.saturating_mul(unit));
    if found > LONGEST {
        return Err(FaultError(format!("{name}={text}: at most an hour")));
    }
    Ok(found)
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl TryFrom<String> for Fault {
    type Error = FaultError;
    fn try_from(text: String) -> Result<Self, FaultError> {
        text.parse()
    }
}

impl From<Fault> for String {
    fn from(fault: Fault) -> Self {
        fault.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Fault {
        text.parse().unwrap()
    }

    #[test]
    fn faults_are_read() {
        fn damage(text: &str, after: u64, kind: Kind) {
            let fault = parse(text);
            assert_eq!(fault.damage, [Damage { after, kind }], "{text}");
            assert_eq!(fault.to_string(), text);
        }
        assert_eq!(parse("cut").lost, Some(Lost::Cut));
        assert_eq!(parse("reset").lost, Some(Lost::Reset));
        damage("cut; after=0", 0, Kind::Cut(Place::Between));
        damage("cut; after=3", 3, Kind::Cut(Place::Between));
        damage("cut;after=3;mid=character", 3, Kind::Cut(Place::Character));
        damage("reset; mid=event", 0, Kind::Reset(Place::Event));
        damage("end; after=2", 2, Kind::End);
        damage("malformed; after=2", 2, Kind::Malformed);
        damage("duplicate", 0, Kind::Duplicate);
        damage("stall; after=1", 1, Kind::Stall(None));
        damage("stall=2s", 0, Kind::Stall(Some(Duration::from_secs(2))));
        damage(
            "drip=3; pause=5ms",
            0,
            Kind::Drip(3, Duration::from_millis(5)),
        );
        damage("drip", 0, Kind::Drip(1, Duration::from_millis(10)));
        let fault = parse("delay=20, status=429; retry_after=1; msg=slow down; done");
        assert_eq!(fault.delay, Some(Duration::from_millis(20)));
        let refusal = fault.refusal.unwrap();
        assert_eq!(refusal.http, Some(429));
        assert_eq!(refusal.retry_after.as_deref(), Some("1"));
        assert_eq!(refusal.msg.as_deref(), Some("slow down"));
        assert!(fault.done && !refusal.page);
        let both = parse("status=503, code=5000");
        let refusal = both.refusal.unwrap();
        assert_eq!((refusal.http, refusal.code), (Some(503), Some(5000)));
        assert!(parse("reset; done").done);
    }

    #[test]
    fn slips_are_told() {
        fn check(text: &str, expected: &str) {
            let error = text.parse::<Fault>().unwrap_err().to_string();
            assert!(error.contains(expected), "{text}: {error}");
        }
        check("", "there is no fault; the faults are code, status");
        check("delay=1s,", "there is no fault;");
        check("explode", "there is no fault \"explode\"");
        check("cut=3", "write `cut; after=3`");
        check("cut; afer=3", "cut knows no \"afer\"");
        check("cut; after=x", "after=x: it is not a number");
        check("cut; after=1; after=2", "`after` stands twice");
        check("cut; mid=word", "it is `event` or `character`");
        check("delay", "delay needs a value, such as `delay=500ms`");
        check("delay=soon", "write it like `500ms` or `2s`");
        check("delay=7200s", "at most an hour");
        check("status=99", "from 200 to 599");
        check("status", "such as `status=503`");
        check("code=x", "code=x: it is not a number");
        check("code=1; done=yes", "`done` takes no value");
        check("cut; after=2; done", "`done` goes with");
    }
}
