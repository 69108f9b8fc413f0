//! A call that was not sent because of the client's own limits.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

/// What keeps a call from starting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Limit {
    /// The calls of a second, and how many those are.
    Second(u32),
    /// The calls of a minute, and how many those are.
    Minute(u32),
    /// The calls of 24 hours, and how many those are.
    Day(u32),
    /// The calls under way, and how many may be.
    Concurrent(u32),
    /// The server asked for a pause.
    Pause,
    /// Others came before.
    Order,
}

/// A call was not sent, because the client's own limits would make it wait for too long.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct LimitReached {
    /// The endpoint's name, or method and path of a raw call; `None` when a [`Limiter`] was asked
    /// for a turn without a call.
    ///
    /// [`Limiter`]: crate::Limiter
    pub endpoint: Option<Cow<'static, str>>,
    /// Which limit.
    pub limit: Limit,
    /// How long it takes at least until the call could start; zero when no clock decides that.
    pub wait: Duration,
    /// How many callers wait before it.
    pub ahead: usize,
}

impl LimitReached {
    pub(super) fn new(limit: Limit, wait: Duration, ahead: usize) -> Self {
        Self {
            endpoint: None,
            limit,
            wait,
            ahead,
        }
    }
}

impl fmt::Display for LimitReached {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(endpoint) = &self.endpoint {
            write!(f, "{endpoint}: ")?;
        }
        f.write_str("not sent: ")?;
        match self.limit {
            Limit::Second(calls) => write!(f, "the limit of {calls} calls a second is reached")?,
            Limit::Minute(calls) => write!(f, "the limit of {calls} calls a minute is reached")?,
            Limit::Day(calls) => write!(f, "the limit of {calls} calls a day is used up")?,
            Limit::Concurrent(calls) => {
                write!(f, "{calls} calls are under way, and no more may be")?;
            }
            Limit::Pause => f.write_str("the server asked for a pause")?,
            Limit::Order => f.write_str("others wait for their turn")?,
        }
        if !self.wait.is_zero() {
            write!(
                f,
                ", and it could start in {} at the earliest",
                Time(self.wait)
            )?;
        }
        match self.ahead {
            0 => Ok(()),
            1 => f.write_str(" (1 call waits before it)"),
            calls => write!(f, " ({calls} calls wait before it)"),
        }
    }
}

impl std::error::Error for LimitReached {}

/// `5 h 12 min`, `3 min 20 s` or `7 s`, never less than it is.
struct Time(Duration);

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs() + u64::from(self.0.subsec_nanos() > 0);
        match seconds {
            0..60 => write!(f, "{seconds} s"),
            60..3600 => write!(f, "{} min {} s", seconds / 60, seconds % 60),
            _ => {
                let minutes = seconds.div_ceil(60);
                write!(f, "{} h {} min", minutes / 60, minutes % 60)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_told_as_people_do() {
        let text = |seconds: f64| Time(Duration::from_secs_f64(seconds)).to_string();
        assert_eq!(text(0.2), "1 s");
        assert_eq!(text(59.5), "1 min 0 s");
        assert_eq!(text(200.0), "3 min 20 s");
        assert_eq!(text(3601.0), "1 h 1 min");
    }

    #[test]
    fn the_text_says_what_when_and_how_many() {
        let mut reached = LimitReached::new(Limit::Day(3000), Duration::from_secs(18_720), 0);
        reached.endpoint = Some("StartChat".into());
        assert_eq!(
            reached.to_string(),
            "StartChat: not sent: the limit of 3000 calls a day is used up, \
             and it could start in 5 h 12 min at the earliest"
        );
        let reached = LimitReached::new(Limit::Concurrent(4), Duration::ZERO, 2);
        assert_eq!(
            reached.to_string(),
            "not sent: 4 calls are under way, and no more may be (2 calls wait before it)"
        );
    }
}
