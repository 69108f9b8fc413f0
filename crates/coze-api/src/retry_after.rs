//! The header `Retry-After`, in its two forms.

use std::time::{Duration, SystemTime};

use crate::time::now;

/// Reads seconds, or a date such as `Sun, 06 Nov 1994 08:49:37 GMT`. A date in the past is 0 s.
pub(crate) fn parse(text: &str) -> Option<Duration> {
    let text = text.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    Some(date(text)?.duration_since(now()).unwrap_or_default())
}

/// A date in one of the forms that HTTP has had. Years that no clock shows are none.
pub(crate) fn date(text: &str) -> Option<SystemTime> {
    httpdate::parse_http_date(text).ok()
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::*;

    #[test]
    fn dates_are_read() {
        let seconds = |text| date(text).map(|at| at.duration_since(UNIX_EPOCH).unwrap().as_secs());
        assert_eq!(seconds("Sun, 06 Nov 1994 08:49:37 GMT"), Some(784_111_777));
        assert_eq!(seconds("Sunday, 06-Nov-94 08:49:37 GMT"), Some(784_111_777));
        assert_eq!(
            seconds("Thu, 29 Feb 2024 12:00:00 GMT"),
            Some(1_709_208_000)
        );
        assert_eq!(seconds("soon"), None);
        assert_eq!(
            seconds("Sun, 06 Nov 1994 18446744073709551615:00:00 GMT"),
            None
        );
        assert_eq!(seconds("Thu, 29 Foo 2024 12:00:00 GMT"), None);
    }

    #[test]
    fn both_forms_are_read() {
        assert_eq!(parse("7"), Some(Duration::from_secs(7)));
        assert_eq!(parse("Sun, 06 Nov 1994 08:49:37 GMT"), Some(Duration::ZERO));
        assert!(parse("Fri, 01 Jan 9999 00:00:00 GMT").unwrap() > Duration::from_secs(1 << 32));
        assert_eq!(parse("-1"), None);
    }
}
