//! The header `Retry-After`, in its two forms.

use std::time::{Duration, UNIX_EPOCH};

use crate::time::now;

/// Reads seconds, or a date such as `Sun, 06 Nov 1994 08:49:37 GMT`. A date in the past is 0 s.
pub(crate) fn parse(text: &str) -> Option<Duration> {
    let text = text.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let at = UNIX_EPOCH + Duration::from_secs(date(text)?);
    Some(at.duration_since(now()).unwrap_or(Duration::ZERO))
}

/// Seconds since 1970 of a date in the form that HTTP prescribes.
pub(crate) fn date(text: &str) -> Option<u64> {
    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let (_weekday, rest) = text.split_once(", ")?;
    let mut parts = rest.split(' ');
    let day: u64 = parts.next()?.parse().ok()?;
    let name = parts.next()?;
    let month = 1 + MONTHS.iter().position(|month| *month == name)? as u64;
    let year: u64 = parts.next()?.parse().ok()?;
    let mut clock = parts.next()?.splitn(3, ':').map(str::parse::<u64>);
    let mut unit = || clock.next()?.ok();
    let (hours, minutes, seconds) = (unit()?, unit()?, unit()?);
    let is_date = (1970..10_000).contains(&year) && (1..=31).contains(&day);
    // A minute may have a leap second.
    let is_time = hours < 24 && minutes < 60 && seconds <= 60;
    if parts.next()? != "GMT" || !is_date || !is_time {
        return None;
    }
    // Years that begin in March put the leap day last.
    let (shifted_year, shifted_month) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let leap_days = shifted_year / 4 - shifted_year / 100 + shifted_year / 400;
    let day_of_year = (153 * shifted_month + 2) / 5 + day - 1;
    let days = shifted_year * 365 + leap_days + day_of_year - 719_468;
    Some(days * 86_400 + hours * 3_600 + minutes * 60 + seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_read() {
        assert_eq!(date("Sun, 06 Nov 1994 08:49:37 GMT"), Some(784_111_777));
        assert_eq!(date("Thu, 01 Jan 1970 00:00:00 GMT"), Some(0));
        assert_eq!(date("Thu, 29 Feb 2024 12:00:00 GMT"), Some(1_709_208_000));
        assert_eq!(date("soon"), None);
        assert_eq!(
            date("Sun, 06 Nov 1994 18446744073709551615:00:00 GMT"),
            None
        );
        assert_eq!(date("Thu, 29 Foo 2024 12:00:00 GMT"), None);
    }

    #[test]
    fn both_forms_are_read() {
        assert_eq!(parse("7"), Some(Duration::from_secs(7)));
        assert_eq!(parse("Sun, 06 Nov 1994 08:49:37 GMT"), Some(Duration::ZERO));
        assert!(parse("Fri, 01 Jan 9999 00:00:00 GMT").unwrap() > Duration::from_secs(1 << 32));
        assert_eq!(parse("-1"), None);
    }
}
