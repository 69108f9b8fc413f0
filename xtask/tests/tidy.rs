//! What keeps the repository in step, as tests; `cargo xtask tidy` prints the same.

#![expect(clippy::unwrap_used, reason = "a test may fail")]

use xtask::tree::Tree;
use xtask::{Check, arrows, documents, faults, generated, sources};

fn check(check: Check) {
    let problems = check(&Tree::of_workspace().unwrap()).unwrap();
    assert!(problems.is_empty(), "\n{}\n", problems.join("\n"));
}

#[test]
fn crates_use_each_other_as_the_table_says() {
    check(arrows::problems);
}

#[test]
fn no_source_is_too_long() {
    check(sources::long_files);
}

#[test]
fn no_forbidden_word_is_in_the_repository() {
    check(sources::forbidden_words);
}

#[test]
fn generated_documents_are_current() {
    check(generated::stale);
}

#[test]
fn both_readmes_show_the_same_code() {
    check(documents::readme_code);
}

#[test]
fn links_between_documents_lead_somewhere() {
    check(documents::broken_links);
}

#[test]
fn the_table_of_faults_names_tests_that_exist() {
    check(faults::problems);
}
