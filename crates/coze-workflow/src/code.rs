//! The numbers by which Coze names what went wrong in a run.

/// A required start parameter is missing (the API answers 4000).
pub const MISSING_PARAMETER: i64 = 720_702_002;
/// A start parameter has the wrong type (the API answers 4000).
pub const BAD_PARAMETER: i64 = 720_702_001;
/// An index or a path went past the end of a list (the API answers 4000).
pub const INDEX_OUT_OF_RANGE: i64 = 720_712_014;
/// A template put an index behind a null.
pub const INDEX_INTO_NULL: i64 = 777_777_774;
/// The catch-all: the run failed.
pub const EXECUTION_FAILED: i64 = 720_701_013;
/// Text that had to be JSON was not.
pub const SERIALISATION: i64 = 720_701_011;
/// The definition cannot be run.
pub const COMPILE_FAILURE: i64 = 720_701_003;
/// The whole run took too long.
pub const RUN_TIMEOUT: i64 = 720_702_085;
/// One node took too long.
pub const NODE_TIMEOUT: i64 = 777_777_776;
/// The run was cancelled.
pub const CANCELLED: i64 = 777_777_777;
/// A question node has no options to offer.
pub const NO_OPTIONS: i64 = 720_712_049;
/// Warning: a value did not fit its declared type.
pub const PARSE_WARNING: i64 = 720_712_023;
/// Warning: a model was asked for JSON and answered something else.
pub const NOT_JSON: i64 = 777_777_773;

/// What went wrong in a node: a number for programs, a sentence for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NodeError {
    pub(crate) code: i64,
    pub(crate) message: String,
}

impl NodeError {
    pub(crate) fn new(code: i64, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
        }
    }

    pub(crate) fn failed(message: impl Into<String>) -> Self {
        Self::new(EXECUTION_FAILED, message)
    }
}
