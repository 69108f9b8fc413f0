//! The size of the program.

use std::fs;

use anyhow::Result;

use super::{Plan, megabytes};
use crate::figures::{Figure, Target};

/// Measures.
pub(crate) fn run(plan: &Plan) -> Result<Vec<Figure>> {
    let bytes = fs::metadata(plan.cozectl()?)?.len();
    Ok(vec![Figure::alone(
        "cozectl: size",
        "MB",
        vec![megabytes(bytes)],
        Some(Target::AtMost(25.0)),
    )])
}
