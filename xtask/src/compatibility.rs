//! What the official SDKs do against our server: the table of docs/compatibility.md.
//!
//! Each suite of `interop/` writes what came of every method of its SDK, one line for each: the
//! method, the result, and the rows that it needs, the one that it is about first. These files are
//! kept in `interop/results`; the table is made from them, and CI holds them against what its own
//! run has given.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};

use crate::tree::Tree;

/// The suites: the name of the folder and of the file, and the language.
const SUITES: &[(&str, &str)] = &[
    ("python", "Python"),
    ("node", "Node"),
    ("go", "Go"),
    ("java", "Java"),
];

/// Where the results are kept.
const KEPT: &str = "interop/results";

const HEAD: &str = "\
# What the official SDKs do here

Every method of the vendor's own SDKs, unchanged, against `cozectl serve`. This page is written by \
`cargo xtask compatibility` from what the suites in `interop/` gave; CI runs them again and fails when a result differs. \
中文版：[compatibility.zh-CN.md](compatibility.zh-CN.md).

`passes`: the method does what it is documented to do. `not served`: the call, or one that it needs first, is refused with \
code 404; the reasons are in [API.md](API.md). `broken in the SDK`: the method cannot read the documented reply. A dash: the SDK has no such method, or its suite has no case for it.
";

const HEAD_ZH: &str = "\
# 官方 SDK 在本地服务上的表现

官方 SDK 原样不改，逐个方法在 `cozectl serve` 上运行。本页由 `cargo xtask compatibility` 根据 `interop/` 中各套测试的结果生成；\
CI 会重新运行，结果不一致就会失败。In English: [compatibility.md](compatibility.md).

“通过”：该方法的行为与文档一致。“未提供”：该接口，或它依赖的接口，会以错误码 404 拒绝，原因见 [API.md](API.md)。\
“SDK 自身有误”：该方法读不了文档规定的应答。横线：该 SDK 没有这个方法，或测试中没有对应的用例。
";

/// What a suite gave.
#[derive(Debug, PartialEq, Eq)]
struct Results {
    language: &'static str,
    /// Name and version of the SDK.
    sdk: String,
    methods: Vec<Method>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Outcome {
    Passes,
    NotServed,
    /// The SDK cannot read the documented reply.
    Broken,
}

impl Outcome {
    fn name(self, zh: bool) -> &'static str {
        match (self, zh) {
            (Self::Passes, false) => "passes",
            (Self::Passes, true) => "通过",
            (Self::NotServed, false) => "not served",
            (Self::NotServed, true) => "未提供",
            (Self::Broken, false) => "broken in the SDK",
            (Self::Broken, true) => "SDK 自身有误",
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
struct Method {
    name: String,
    outcome: Outcome,
    /// The row that it is about.
    row: String,
}

/// The documents, as they have to be now.
///
/// # Errors
/// When a file of results cannot be read.
pub fn documents(tree: &Tree) -> Result<Vec<(&'static str, String)>> {
    let mut results = Vec::new();
    for (suite, language) in SUITES {
        let path = kept(suite);
        if tree.exists(&path) {
            let read = parse(&tree.read(&path)?, language);
            results.push(read.with_context(|| format!("cannot read {path}"))?);
        }
    }
    Ok(vec![
        ("docs/compatibility.md", page(&results, false)),
        ("docs/compatibility.zh-CN.md", page(&results, true)),
    ])
}

/// What differs between the results in a folder and those that are kept.
///
/// # Errors
/// When a file cannot be read, or the folder holds no results.
pub fn differences(tree: &Tree, folder: &Path) -> Result<Vec<String>> {
    let mut problems = Vec::new();
    for (suite, given) in given(folder)? {
        let before = if tree.exists(&kept(suite)) {
            tree.read(&kept(suite))?
        } else {
            String::new()
        };
        for line in given
            .lines()
            .filter(|line| !before.lines().any(|it| it == *line))
        {
            problems.push(format!("{suite}: now {}", line.replace('\t', " ")));
        }
        for line in before
            .lines()
            .filter(|line| !given.lines().any(|it| it == *line))
        {
            problems.push(format!("{suite}: no more {}", line.replace('\t', " ")));
        }
    }
    Ok(problems)
}

/// Keeps the results that are in a folder.
///
/// # Errors
/// When a file cannot be read or written, or the folder holds no results.
pub fn keep(tree: &Tree, folder: &Path) -> Result<()> {
    for (suite, text) in given(folder)? {
        parse(&text, suite).with_context(|| format!("the results of {suite}"))?;
        let path = tree.root().join(kept(suite));
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}

fn kept(suite: &str) -> String {
    format!("{KEPT}/{suite}.txt")
}

fn given(folder: &Path) -> Result<Vec<(&'static str, String)>> {
    let mut found = Vec::new();
    for (suite, _) in SUITES {
        let path = folder.join(format!("{suite}.txt"));
        if path.exists() {
            let text = fs::read_to_string(&path);
            found.push((
                *suite,
                text.with_context(|| format!("cannot read {}", path.display()))?,
            ));
        }
    }
    ensure!(
        !found.is_empty(),
        "there are no results in {}",
        folder.display()
    );
    Ok(found)
}

fn parse(text: &str, language: &'static str) -> Result<Results> {
    let mut lines = text.lines();
    let sdk = lines.next().context("it is empty")?.to_owned();
    let mut methods = Vec::new();
    for line in lines {
        let mut parts = line.split('\t');
        let (Some(name), Some(result), Some(rows)) = (parts.next(), parts.next(), parts.next())
        else {
            bail!("{line:?} is not a method, its result and its rows");
        };
        let all = [Outcome::Passes, Outcome::NotServed, Outcome::Broken];
        let Some(outcome) = all.into_iter().find(|it| it.name(false) == result) else {
            bail!("{name}: {result}");
        };
        let row = rows.split(' ').next().unwrap_or_default().to_owned();
        let name = name.to_owned();
        methods.push(Method { name, outcome, row });
    }
    Ok(Results {
        language,
        sdk,
        methods,
    })
}

fn page(results: &[Results], zh: bool) -> String {
    let mut text = if zh { HEAD_ZH } else { HEAD }.to_owned();
    text.push_str(if zh {
        "\n| SDK | 语言 | 方法 | 通过 | 未通过 |\n|---|---|---|---|---|\n"
    } else {
        "\n| SDK | Language | Methods | Pass | Others |\n|---|---|---|---|---|\n"
    });
    for it in results {
        let all = it.methods.len();
        let pass = it
            .methods
            .iter()
            .filter(|it| it.outcome == Outcome::Passes)
            .count();
        let (sdk, language) = (&it.sdk, it.language);
        let _ = writeln!(
            text,
            "| {sdk} | {language} | {all} | {pass} | {} |",
            all - pass
        );
    }
    let mut group = "";
    for row in coze_types::endpoints() {
        let call = format!("`{} {}`", row.method, row.path);
        if let Some(line) = line(&call, row.name, results, zh) {
            if row.group != group {
                group = row.group;
                head(&mut text, group, results, zh);
            }
            text.push_str(&line);
        }
    }
    // What has no row: calls over a WebSocket.
    if let Some(line) = line("WebSocket", "WebSocket", results, zh) {
        head(&mut text, "websockets", results, zh);
        text.push_str(&line);
    }
    text
}

fn head(text: &mut String, group: &str, results: &[Results], zh: bool) {
    let columns: String = results
        .iter()
        .map(|it| format!(" {} |", it.language))
        .collect();
    let call = if zh { "接口" } else { "Call" };
    let rule = "---|".repeat(results.len() + 1);
    let _ = write!(text, "\n## {group}\n\n| {call} |{columns}\n|{rule}\n");
}

/// The line of a row, if any SDK has a method for it.
fn line(call: &str, row: &str, results: &[Results], zh: bool) -> Option<String> {
    let cells: Vec<String> = results.iter().map(|it| cell(it, row, zh)).collect();
    let any = cells.iter().any(|it| it != "–");
    any.then(|| format!("| {call} | {} |\n", cells.join(" | ")))
}

fn cell(results: &Results, row: &str, zh: bool) -> String {
    let mut by_outcome = BTreeMap::<Outcome, Vec<String>>::new();
    for it in results.methods.iter().filter(|it| it.row == row) {
        by_outcome
            .entry(it.outcome)
            .or_default()
            .push(format!("`{}`", it.name));
    }
    let texts = by_outcome.iter();
    let texts = texts.map(|(outcome, names)| format!("{}: {}", outcome.name(zh), names.join(", ")));
    let texts: Vec<String> = texts.collect();
    if texts.is_empty() {
        "–".to_owned()
    } else {
        texts.join("; ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PYTHON: &str = "cozepy 1.0.0\n\
        bots.create\tpasses\tCreateBot RetrieveBot\n\
        chat.stream\tpasses\tStartChat\n\
        chat.create\tpasses\tStartChat\n\
        websockets.chat.create\tnot served\tWebSocket\n";

    #[test]
    fn each_row_has_a_line_with_the_methods_of_each_sdk() {
        let python = parse(PYTHON, "Python").unwrap();
        let node = parse(
            "@coze/api 2.0.0\nbots.create\tnot served\tCreateBot\n",
            "Node",
        )
        .unwrap();
        let text = page(&[python, node], false);
        for line in [
            "| cozepy 1.0.0 | Python | 4 | 3 | 1 |",
            "| `POST /v3/chat` | passes: `chat.stream`, `chat.create` | – |",
            "| `POST /v1/bot/create` | passes: `bots.create` | not served: `bots.create` |",
            "| WebSocket | not served: `websockets.chat.create` | – |",
        ] {
            assert!(text.lines().any(|it| it == line), "{line}\n{text}");
        }
        assert!(
            !text.contains("/v1/files/upload"),
            "nobody has a method for it"
        );
    }

    #[test]
    fn what_failed_is_never_kept() {
        assert!(parse("cozepy 1\nchat.create\tfails\tStartChat\n", "Python").is_err());
        assert!(parse("cozepy 1\nchat.create\n", "Python").is_err());
        assert!(parse("", "Python").is_err());
    }

    #[test]
    fn a_result_that_changed_is_named() {
        let root = std::env::temp_dir().join(format!("xtask-compatibility-{}", std::process::id()));
        let folder = root.join("given");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("python.txt"), PYTHON).unwrap();
        fs::create_dir_all(root.join("repository")).unwrap();
        let tree = || Tree::of(&root.join("repository")).unwrap();
        keep(&tree(), &folder).unwrap();
        assert!(differences(&tree(), &folder).unwrap().is_empty());
        let changed = PYTHON.replace("chat.create\tpasses", "chat.create\tnot served");
        fs::write(folder.join("python.txt"), changed).unwrap();
        let problems = differences(&tree(), &folder).unwrap();
        assert_eq!(
            problems,
            [
                "python: now chat.create not served StartChat",
                "python: no more chat.create passes StartChat"
            ]
        );
        fs::remove_dir_all(&root).unwrap();
    }
}
