//! Which crate may use which: the table of ARCHITECTURE.md, compared with the manifests.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::tree::Tree;

/// What a crate uses, and what it must not know.
struct Rule {
    name: &'static str,
    /// Crates of ours that it uses: exactly these, and those under `may`.
    uses: &'static [&'static str],
    /// Crates of ours that it may use.
    may: &'static [&'static str],
    /// Crates of ours that only its tests may use.
    tests: &'static [&'static str],
    /// Crates of others that it must not use outside its tests.
    never: &'static [&'static str],
}

const LIBRARIES: &[&str] = &["coze-types", "coze-workflow", "coze-api", "coze-server"];

const RULES: &[Rule] = &[
    Rule {
        name: "coze-types",
        uses: &[],
        may: &[],
        tests: &[],
        never: &[
            "tokio", "reqwest", "hyper", "axum", "rusqlite", "clap", "tracing",
        ],
    },
    Rule {
        name: "coze-workflow",
        uses: &[],
        may: &[],
        tests: &[],
        never: &[
            "tokio", "reqwest", "hyper", "http", "axum", "rusqlite", "clap",
        ],
    },
    Rule {
        name: "coze-api",
        uses: &["coze-types"],
        may: &[],
        tests: &[],
        never: &["axum", "rusqlite", "clap", "anyhow"],
    },
    Rule {
        name: "coze-server",
        uses: &["coze-api", "coze-types", "coze-workflow"],
        may: &[],
        tests: &[],
        never: &["clap", "anyhow"],
    },
    Rule {
        name: "cozectl",
        uses: &["coze-types", "coze-api", "coze-server"],
        may: &["coze-workflow"],
        tests: LIBRARIES,
        // It makes no HTTP call and opens no database of its own.
        never: &["reqwest", "hyper", "axum", "rusqlite"],
    },
    Rule {
        name: "coze-fuzz-checks",
        uses: &["coze-types"],
        may: &[],
        tests: &[],
        never: &["tokio", "reqwest"],
    },
    Rule {
        name: "coze-bench",
        uses: &[],
        may: LIBRARIES,
        tests: LIBRARIES,
        never: &[],
    },
    Rule {
        name: "xtask",
        uses: &["coze-types"],
        may: &[],
        tests: &["coze-api"],
        never: &["tokio", "reqwest"],
    },
];

/// What a manifest says.
#[derive(Debug, Default)]
struct Uses {
    normal: BTreeSet<String>,
    tests: BTreeSet<String>,
}

/// Compares the manifests of the workspace with the table.
///
/// # Errors
/// When `cargo metadata` does not work.
pub fn problems(tree: &Tree) -> Result<Vec<String>> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let output = Command::new(cargo)
        .args([
            "metadata",
            "--no-deps",
            "--offline",
            "--format-version",
            "1",
        ])
        .current_dir(tree.root())
        .output()
        .context("cannot run cargo metadata")?;
    if !output.status.success() {
        bail!(
            "cargo metadata: {}",
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    let metadata: Value = serde_json::from_slice(&output.stdout)?;
    Ok(compare(&read(&metadata)))
}

fn read(metadata: &Value) -> BTreeMap<String, Uses> {
    let list = |value: &Value, key: &str| {
        let items = value.get(key).and_then(Value::as_array);
        items.cloned().unwrap_or_default()
    };
    let text = |value: &Value, key: &str| {
        let text = value.get(key).and_then(Value::as_str);
        text.unwrap_or_default().to_owned()
    };
    let mut crates = BTreeMap::new();
    for package in list(metadata, "packages") {
        let mut uses = Uses::default();
        for dependency in list(&package, "dependencies") {
            let name = text(&dependency, "name");
            match text(&dependency, "kind").as_str() {
                "dev" => uses.tests.insert(name),
                _ => uses.normal.insert(name),
            };
        }
        crates.insert(text(&package, "name"), uses);
    }
    crates
}

fn compare(crates: &BTreeMap<String, Uses>) -> Vec<String> {
    let mut problems = Vec::new();
    for rule in RULES {
        let Some(uses) = crates.get(rule.name) else {
            problems.push(format!(
                "{} is in the table and not in the workspace",
                rule.name
            ));
            continue;
        };
        for other in uses.normal.iter().filter(|it| crates.contains_key(*it)) {
            if !rule.uses.contains(&other.as_str()) && !rule.may.contains(&other.as_str()) {
                problems.push(format!("{} must not use {other}", rule.name));
            }
        }
        for other in rule.uses.iter().filter(|it| !uses.normal.contains(**it)) {
            problems.push(format!(
                "{} no longer uses {other}: correct the table and ARCHITECTURE.md",
                rule.name
            ));
        }
        for other in uses.tests.iter().filter(|it| crates.contains_key(*it)) {
            let allowed = [rule.uses, rule.may, rule.tests].concat();
            if !allowed.contains(&other.as_str()) {
                problems.push(format!("the tests of {} must not use {other}", rule.name));
            }
        }
        for other in rule.never.iter().filter(|it| uses.normal.contains(**it)) {
            problems.push(format!("{} must not know {other}", rule.name));
        }
    }
    for name in crates.keys() {
        if !RULES.iter().any(|rule| rule.name == name) {
            problems.push(format!("{name} is in the workspace and not in the table"));
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// The workspace as the table wants it, changed by `change`.
    fn check(change: impl FnOnce(&mut BTreeMap<String, Uses>), expected: &[&str]) {
        let as_wanted = |rule: &Rule| {
            let normal = rule.uses.iter().map(|it| (*it).to_owned()).collect();
            let uses = Uses {
                normal,
                ..Uses::default()
            };
            (rule.name.to_owned(), uses)
        };
        let mut crates = RULES.iter().map(as_wanted).collect();
        change(&mut crates);
        assert_eq!(compare(&crates), expected);
    }

    fn add(crates: &mut BTreeMap<String, Uses>, name: &str, other: &str) {
        crates
            .entry(name.to_owned())
            .or_default()
            .normal
            .insert(other.to_owned());
    }

    #[test]
    fn arrows_that_are_not_in_the_table_are_named() {
        check(|_| (), &[]);
        check(|it| add(it, "cozectl", "coze-workflow"), &[]);
        check(
            |it| add(it, "coze-api", "coze-server"),
            &["coze-api must not use coze-server"],
        );
        check(
            |it| add(it, "coze-bench", "cozectl"),
            &["coze-bench must not use cozectl"],
        );
        check(
            |it| add(it, "coze-types", "tokio"),
            &["coze-types must not know tokio"],
        );
        check(
            |it| add(it, "coze-new", "serde"),
            &["coze-new is in the workspace and not in the table"],
        );
        check(
            |it| drop(it.remove("xtask")),
            &["xtask is in the table and not in the workspace"],
        );
        check(
            |it| {
                let tests = &mut it.get_mut("coze-workflow").unwrap().tests;
                tests.insert("coze-types".to_owned());
                tests.insert("proptest".to_owned());
            },
            &["the tests of coze-workflow must not use coze-types"],
        );
    }

    #[test]
    fn the_kinds_of_dependencies_are_told_apart() {
        let metadata = json!({"packages": [{"name": "a", "dependencies": [
            {"name": "b", "kind": null}, {"name": "c", "kind": "dev"}, {"name": "d", "kind": "build"},
        ]}]});
        let crates = read(&metadata);
        let names = |set: &BTreeSet<String>| set.iter().cloned().collect::<String>();
        assert_eq!(names(&crates["a"].normal), "bd");
        assert_eq!(names(&crates["a"].tests), "c");
    }
}
