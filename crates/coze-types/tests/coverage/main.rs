//! What the rows cover: every operation of the vendor's description, field by field, and every
//! REST call that one of the vendor's SDKs has.
//!
//! The descriptions are third-party data. They lie in `../shared` beside the repository; without
//! them there is nothing to compare with, and the test says so. It fails for what is missing, and
//! for an entry of the list of deliberate differences that is not needed any more. The report:
//! `cargo test -p coze-types --test coverage -- --nocapture`.

mod compare;
mod deliberate;
mod finding;
mod reference;
mod report;
mod rows;
mod shape;

use std::io::Write;

use report::Report;

#[test]
fn every_operation_is_a_row_with_every_field() {
    let folder = reference::folder();
    let read = |name: &str| std::fs::read_to_string(folder.join(name));
    let (Ok(openapi), Ok(extended)) = (read("openapi.json"), read("extended.md")) else {
        // Not `eprintln!`, which is swallowed when a test passes.
        let _ = writeln!(
            std::io::stderr(),
            "SKIPPED: the coverage of the API is not checked, for its descriptions are absent \
             (openapi.json and extended.md in {})",
            folder.display()
        );
        return;
    };
    let openapi = serde_json::from_str(&openapi).unwrap();
    let operations = reference::operations(&openapi);
    let matrix = reference::matrix(&extended);
    // The numbers of the sources: when one is read amiss, the rest would pass unseen.
    assert_eq!(operations.len(), 124, "operations in openapi.json");
    assert_eq!(matrix.len(), 137, "REST rows in the matrix of extended.md");

    let mut report = Report::new(&operations, &matrix);
    rows::compare_all(&operations, &matrix, &mut report);
    report.excuse(deliberate::DIFFERENCES);
    println!("{report}");
    assert!(report.is_good(), "{report}");
}
