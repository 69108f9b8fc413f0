//! What was compared and what was found, for people.

use std::collections::BTreeMap;
use std::fmt;

use crate::deliberate::{Difference, covers};
use crate::finding::{Comparison, Fault, Finding, Part};
use crate::reference::{MatrixRow, Operation};

/// Findings by operation, and totals.
#[derive(Debug, Default)]
pub(crate) struct Report {
    operations: Share,
    web_sockets: usize,
    undescribed: usize,
    matrix: Share,
    not_official: usize,
    requests: usize,
    replies: usize,
    findings: BTreeMap<String, Vec<Finding>>,
    /// The names of the rows.
    names: BTreeMap<String, &'static str>,
    /// Deliberate differences that were met.
    excused: usize,
    /// Deliberate differences that were not.
    needless: Vec<String>,
}

/// How many of how many.
#[derive(Debug, Default)]
struct Share {
    there: usize,
    all: usize,
}

impl Share {
    fn count(&mut self, there: bool) {
        self.all += 1;
        self.there += usize::from(there);
    }
}

impl Report {
    pub(crate) fn new(operations: &[Operation], matrix: &[MatrixRow]) -> Self {
        let web_sockets = operations.iter().filter(|it| it.is_web_socket()).count();
        let described = operations.iter().filter(|it| it.is_described()).count();
        Self {
            web_sockets,
            undescribed: operations.len() - web_sockets - described,
            not_official: matrix.iter().filter(|row| !row.official).count(),
            ..Self::default()
        }
    }

    /// Counts an operation of the description.
    pub(crate) fn operation(&mut self, title: &str, there: bool) {
        self.operations.count(there);
        if !there {
            self.find(title, "", Fault::NoRow, "no row has it".to_owned());
        }
    }

    /// Counts a row of the matrix.
    pub(crate) fn matrix_row(&mut self, title: &str, there: bool) {
        self.matrix.count(there);
        let known = self.findings.get(title).into_iter().flatten();
        if !there && !known.into_iter().any(|it| it.fault == Fault::NoRow) {
            let note = "no row has it, while an official SDK does".to_owned();
            self.find(title, "", Fault::NoRow, note);
        }
    }

    /// Takes the result of a comparison.
    pub(crate) fn compared(&mut self, title: &str, part: Part, comparison: Comparison) {
        match part {
            Part::Query | Part::Body => self.requests += comparison.fields,
            Part::Reply => self.replies += comparison.fields,
        }
        self.add(title, comparison.findings);
    }

    /// Tells which row an operation has.
    pub(crate) fn row(&mut self, title: &str, name: &'static str) {
        self.names.insert(title.to_owned(), name);
    }

    pub(crate) fn add(&mut self, title: &str, findings: Vec<Finding>) {
        if !findings.is_empty() {
            let known = self.findings.entry(title.to_owned()).or_default();
            known.extend(findings);
        }
    }

    pub(crate) fn find(&mut self, title: &str, field: &str, fault: Fault, note: String) {
        let field = field.to_owned();
        self.add(title, vec![Finding { field, fault, note }]);
    }

    /// Takes out what is deliberate, and notes what of it was not met.
    pub(crate) fn excuse(&mut self, differences: &[Difference]) {
        for Difference { fault, why, places } in differences {
            for &place in *places {
                let mut met = 0;
                for (title, findings) in &mut self.findings {
                    let before = findings.len();
                    findings.retain(|finding| {
                        finding.fault != *fault || !covers(place, title, finding)
                    });
                    met += before - findings.len();
                }
                self.excused += met;
                if met == 0 {
                    let (operation, field) = place;
                    self.needless
                        .push(format!("{operation}: {fault:?} {field} ({why})"));
                }
            }
        }
        self.findings.retain(|_, findings| !findings.is_empty());
    }

    pub(crate) fn is_good(&self) -> bool {
        self.findings.is_empty() && self.needless.is_empty()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Share { there, all } = self.operations;
        writeln!(
            f,
            "coverage of the API\n  operations   {there} of {all}, beside {} WebSocket ones; \
             {} of them are described by name only",
            self.web_sockets, self.undescribed
        )?;
        let Share { there, all } = self.matrix;
        writeln!(
            f,
            "  SDK matrix   {there} of {all} REST rows that an official SDK has; {} that none has",
            self.not_official
        )?;
        let (requests, replies) = (self.requests, self.replies);
        writeln!(
            f,
            "  fields       {} compared: {requests} of requests, {replies} of replies",
            requests + replies
        )?;
        writeln!(f, "  deliberate   {} differences", self.excused)?;
        let findings: usize = self.findings.values().map(Vec::len).sum();
        writeln!(
            f,
            "  findings     {findings} in {} operations",
            self.findings.len()
        )?;
        for (title, findings) in &self.findings {
            let name = self.names.get(title).unwrap_or(&"no row");
            writeln!(f, "{title} ({name})")?;
            for finding in findings {
                writeln!(f, "    {finding}")?;
            }
        }
        if findings > 0 {
            writeln!(
                f,
                "Each is to be mended in the types of its row, or, where the reference says \
                 otherwise, to be\nlisted with the reason in crates/coze-types/tests/coverage/deliberate.rs."
            )?;
        }
        for difference in &self.needless {
            writeln!(
                f,
                "not needed any more, take it out of the list: {difference}"
            )?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_listed_is_excused_and_the_list_may_only_shrink() {
        let mut report = Report::default();
        report.find("PUT /a", "body.x", Fault::Missing, String::new());
        report.find("PUT /b", "body.x", Fault::Missing, String::new());
        let listed = |places| Difference {
            fault: Fault::Missing,
            why: "",
            places,
        };
        report.excuse(&[listed(&[("PUT /a", "body.x")])]);
        assert!(!report.is_good());
        assert_eq!(report.findings.keys().collect::<Vec<_>>(), ["PUT /b"]);
        report.excuse(&[listed(&[("*", "body.*")])]);
        assert!(report.is_good());
        report.excuse(&[listed(&[("PUT /a", "body.y")])]);
        assert!(!report.is_good());
        assert!(report.to_string().contains("body.y"), "{report}");
    }
}
