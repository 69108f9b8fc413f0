//! Upkeep of the repository: what a machine can check, and what it can write.
//!
//! `cargo xtask docs` writes the generated documents, `cargo xtask tidy` says what is out of step.
//! The checks are also tests of this crate, so `cargo test` runs them.
//!
//! - [`arrows`]: which crate may use which.
//! - [`sources`]: no file too long, no word that must not be committed.
//! - [`compatibility`]: what the official SDKs do against our server.
//! - [`documents`]: links lead somewhere, both READMEs show the same code.
//! - [`faults`]: the table of faults names tests that exist.
//! - [`generated`]: the documents that come from `coze-types`.
//! - [`tree`]: the files of the repository.

pub mod arrows;
pub mod compatibility;
pub mod documents;
pub mod faults;
pub mod generated;
pub mod sources;
pub mod tree;

use anyhow::Result;

use crate::tree::Tree;

/// A check: what is out of step, one line for each.
pub type Check = fn(&Tree) -> Result<Vec<String>>;

/// All checks, by name.
pub const CHECKS: &[(&str, Check)] = &[
    ("arrows", arrows::problems),
    ("long files", sources::long_files),
    ("forbidden words", sources::forbidden_words),
    ("generated documents", generated::stale),
    ("code in both READMEs", documents::readme_code),
    ("links", documents::broken_links),
    ("faults", faults::problems),
];

/// The programs in README.md have to compile.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
mod readme {}
