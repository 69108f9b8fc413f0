//! The table of faults names tests that exist, and is the same in both languages.

use anyhow::Result;

use crate::tree::Tree;

const ENGLISH: &str = "docs/reliability.md";
const CHINESE: &str = "docs/reliability.zh-CN.md";
const TESTS: &str = "crates/coze-api/tests";

/// Tests that the table names and nobody has written, and rows that only one language has.
///
/// # Errors
/// When a document or a test cannot be read.
pub fn problems(tree: &Tree) -> Result<Vec<String>> {
    let (english, chinese) = (tree.read(ENGLISH)?, tree.read(CHINESE)?);
    let (here, there) = (names(&english), names(&chinese));
    let mut problems = Vec::new();
    for (file, test) in &here {
        let places = [
            format!("{TESTS}/client/{file}.rs"),
            format!("{TESTS}/{file}.rs"),
        ];
        let Some(path) = places.iter().find(|path| tree.exists(path)) else {
            problems.push(format!(
                "{ENGLISH}: `{file}::{test}`: there is no such file"
            ));
            continue;
        };
        if !tree.read(path)?.contains(&format!("fn {test}(")) {
            problems.push(format!(
                "{ENGLISH}: `{file}::{test}`: there is no such test"
            ));
        }
    }
    if here != there {
        let apart = here.iter().zip(&there).find(|(here, there)| here != there);
        problems.push(match apart {
            Some((here, there)) => format!("{here:?} in {ENGLISH} is {there:?} in {CHINESE}"),
            None => format!("{ENGLISH} and {CHINESE} name different numbers of tests"),
        });
    }
    Ok(problems)
}

/// All `file::test` between backticks, in their order.
fn names(text: &str) -> Vec<(&str, &str)> {
    let is_name = |name: &str| {
        let plain = |char: char| char.is_ascii_lowercase() || char.is_ascii_digit() || char == '_';
        !name.is_empty() && name.chars().all(plain)
    };
    let code = text.split('`').skip(1).step_by(2);
    let pairs = code.filter_map(|code| code.split_once("::"));
    pairs
        .filter(|(file, test)| is_name(file) && is_name(test))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tests_are_told_from_other_code() {
        let text = "| `a::b_1`, `c` | `Error::Api` `d::e()` `f::g` |";
        assert_eq!(names(text), [("a", "b_1"), ("f", "g")]);
    }
}
