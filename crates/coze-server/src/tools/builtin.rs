//! Tools that are always there, for the built-in model.

use std::time::{Duration, UNIX_EPOCH};

use serde_json::Value;

use super::calculator;

/// Carries out a built-in tool; `None` when there is none of that name.
///
/// `now` is the time of the server, which may have been moved.
pub(crate) fn call(name: &str, arguments: &str, now: i64) -> Option<String> {
    match name {
        "calculator" => {
            let arguments: Value = serde_json::from_str(arguments).unwrap_or_default();
            let expression = arguments
                .get("expression")
                .and_then(Value::as_str)
                .unwrap_or_default();
            Some(match calculator::evaluate(expression) {
                Ok(result) => result,
                Err(why) => format!("error: {why}"),
            })
        }
        "current_time" => {
            let since = Duration::from_secs(now.try_into().unwrap_or(0));
            Some(httpdate::fmt_http_date(UNIX_EPOCH + since))
        }
        _ => None,
    }
}
