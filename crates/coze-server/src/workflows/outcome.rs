//! The end of a run in the terms of the API.

use coze_types::chat::Usage;
use coze_workflow::{Failure, Outcome};
use serde_json::{Map, Value, json};

use crate::fail::Fail;

pub(crate) fn usage_of(outcome: &Outcome) -> Usage {
    let usage = match outcome {
        Outcome::Success { usage, .. } | Outcome::Cancelled { usage } => usage,
        Outcome::Failed(failure) => &failure.usage,
    };
    let count = |tokens: u64| i64::try_from(tokens).unwrap_or(i64::MAX);
    Usage {
        token_count: count(usage.total()),
        output_count: count(usage.output),
        input_count: count(usage.input),
    }
}

/// The result as text: the variables as JSON, or the answer in the envelope that Coze gives it.
pub(super) fn result_text(output: &Map<String, Value>, answer: Option<&str>) -> String {
    match answer {
        Some(answer) => json!({"content_type": 1, "data": answer, "type_for_model": 2}).to_string(),
        None => Value::Object(output.clone()).to_string(),
    }
}

/// The code that the API shows for a code of the engine (reference of workflows, section 3.8).
pub(crate) fn api_code(code: i64) -> i64 {
    use coze_workflow::code;
    match code {
        code::MISSING_PARAMETER | code::BAD_PARAMETER | code::INDEX_OUT_OF_RANGE => 4000,
        code::RUN_TIMEOUT => 6023,
        other => other,
    }
}

pub(super) fn refusal(failure: &Failure, debug_url: String) -> Fail {
    let fail = Fail::new(api_code(failure.code), failure.to_string());
    Fail {
        debug_url: Some(debug_url),
        ..fail
    }
}
