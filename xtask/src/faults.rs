//! The table of faults names tests that exist, and is the same in both languages.

use anyhow::Result;

use crate::tree::Tree;

const ENGLISH: &str = "docs/reliability.md";
const CHINESE: &str = "docs/reliability.zh-CN.md";
/// Where the tests are looked for, in this order.
const TESTS: [&str; 5] = [
    "crates/coze-api/tests/client",
    "crates/coze-api/tests",
    "crates/coze-server/tests/api",
    "crates/coze-server/tests/api/hostile",
    "crates/cozectl/tests/cli",
];

/// Tests that the table names and nobody has written, and rows that only one language has.
///
/// # Errors
/// When a document or a test cannot be read.
pub fn problems(tree: &Tree) -> Result<Vec<String>> {
    let (english, chinese) = (tree.read(ENGLISH)?, tree.read(CHINESE)?);
    let (here, there) = (names(&english), names(&chinese));
    let mut problems = Vec::new();
    for (file, test) in &here {
        let places = TESTS.map(|folder| format!("{folder}/{file}.rs"));
        let places: Vec<&String> = places.iter().filter(|path| tree.exists(path)).collect();
        if places.is_empty() {
            problems.push(format!(
                "{ENGLISH}: `{file}::{test}`: there is no such file"
            ));
            continue;
        }
        let mut found = false;
        for path in places {
            found |= tree.read(path)?.contains(&format!("fn {test}("));
        }
        if !found {
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
