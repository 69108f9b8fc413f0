//! What can be wrong with a row, and where.

use std::fmt;

/// What is wrong with a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fault {
    /// There is no row for the operation.
    NoRow,
    /// No source knows the row.
    Unknown,
    /// The row names another permission.
    Permission,
    /// The row names another official page.
    Page,
    /// The body or the reply is of another kind: a form, bytes, a stream.
    Kind,
    /// There is no such field.
    Missing,
    /// The field has another type.
    Type,
    /// The type takes anything, though it is told what comes.
    Untyped,
    /// The type insists on it, and nothing is said of it.
    Undescribed,
    /// Required, but the type lets it be left out.
    Required,
    /// Optional, but the type insists on it.
    Optional,
    /// Optional, but written where it was left out.
    Written,
    /// May be left out, but `null` is not read.
    Null,
    /// A value that is zero, false or empty gets lost, though it says something.
    Zero,
    /// An integer that is not read from text.
    IntegerAsText,
    /// An id that is not read from a number.
    IdAsNumber,
}

/// A fault and where it is.
#[derive(Debug)]
pub(crate) struct Finding {
    /// Such as `reply.data.items[].id`; empty when it is about the row.
    pub(crate) field: String,
    pub(crate) fault: Fault,
    pub(crate) note: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.field.is_empty() {
            write!(f, "{}: ", self.field)?;
        }
        write!(f, "{} ({:?})", self.note, self.fault)
    }
}

/// Which part of a call is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    Query,
    Body,
    Reply,
}

impl Part {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Query => "query",
            Self::Body => "body",
            Self::Reply => "reply",
        }
    }
}

/// What was found, and how many fields were compared.
#[derive(Debug, Default)]
pub(crate) struct Comparison {
    pub(crate) fields: usize,
    pub(crate) findings: Vec<Finding>,
}
