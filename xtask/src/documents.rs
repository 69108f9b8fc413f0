//! Rules for documents: links lead somewhere, both READMEs show the same code.

use std::collections::BTreeSet;

use anyhow::Result;

use crate::tree::Tree;

/// A fenced block of code.
#[derive(Debug, PartialEq, Eq)]
struct Block {
    language: String,
    code: String,
}

/// A document, its code apart from its prose.
#[derive(Debug, Default)]
struct Document {
    blocks: Vec<Block>,
    /// Number and text of each line outside of blocks.
    prose: Vec<(usize, String)>,
}

/// README.md and README.zh-CN.md must show the same code, in the same order.
///
/// # Errors
/// When one of them cannot be read.
pub fn readme_code(tree: &Tree) -> Result<Vec<String>> {
    let (english, chinese) = (tree.read("README.md")?, tree.read("README.zh-CN.md")?);
    Ok(different_code(
        &parse(&english).blocks,
        &parse(&chinese).blocks,
    ))
}

fn different_code(english: &[Block], chinese: &[Block]) -> Vec<String> {
    if english.len() != chinese.len() {
        let (here, there) = (english.len(), chinese.len());
        return vec![format!(
            "README.md has {here} blocks of code, README.zh-CN.md has {there}"
        )];
    }
    let pairs = english.iter().zip(chinese).enumerate();
    let different = pairs.filter(|(_, (here, there))| here != there);
    let line = |block: &Block| block.code.lines().next().unwrap_or_default().to_owned();
    different
        .map(|(index, (here, there))| {
            let (here, there) = (line(here), line(there));
            format!("block {} differs: {here:?} and {there:?}", index + 1)
        })
        .collect()
}

/// Links between documents that lead nowhere.
///
/// # Errors
/// When a document cannot be read.
pub fn broken_links(tree: &Tree) -> Result<Vec<String>> {
    let mut problems = Vec::new();
    for path in tree.ending_in(".md") {
        let document = parse(&tree.read(path)?);
        for (line, text) in &document.prose {
            for link in links(text) {
                if let Some(why) = broken(tree, path, &document, &link)? {
                    problems.push(format!("{path}:{line}: {link}: {why}"));
                }
            }
        }
    }
    Ok(problems)
}

fn broken(tree: &Tree, from: &str, document: &Document, link: &str) -> Result<Option<String>> {
    if link.contains("://") || link.starts_with("mailto:") {
        return Ok(None);
    }
    let (target, anchor) = link.split_once('#').unwrap_or((link, ""));
    let (path, there);
    let target = if target.is_empty() {
        document
    } else {
        path = resolve(from, target);
        if !tree.exists(&path) {
            return Ok(Some("there is no such file".to_owned()));
        }
        if anchor.is_empty() || !path.ends_with(".md") {
            return Ok(None);
        }
        there = parse(&tree.read(&path)?);
        &there
    };
    let found = anchor.is_empty() || anchors(target).contains(anchor);
    Ok((!found).then(|| "there is no such heading".to_owned()))
}

/// A path as seen from the folder of a document.
fn resolve(from: &str, target: &str) -> String {
    let mut parts: Vec<&str> = from.split('/').collect();
    parts.pop();
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts.join("/")
}

fn parse(text: &str) -> Document {
    let mut document = Document::default();
    let mut open: Option<(&str, Block)> = None;
    for (index, line) in text.lines().enumerate() {
        let trimmed = line.trim_start();
        let ticks = trimmed.len() - trimmed.trim_start_matches('`').len();
        let (fence, rest) = trimmed.split_at(ticks);
        open = match open.take() {
            Some((end, block)) if fence == end && rest.trim().is_empty() => {
                document.blocks.push(block);
                None
            }
            Some((end, mut block)) => {
                block.code.push_str(line);
                block.code.push('\n');
                Some((end, block))
            }
            None if ticks >= 3 => {
                let language = rest.trim().to_owned();
                let code = String::new();
                Some((fence, Block { language, code }))
            }
            None => {
                document.prose.push((index + 1, line.to_owned()));
                None
            }
        };
    }
    document
}

/// The targets of `[text](target)`, outside of `code`.
fn links(line: &str) -> Vec<String> {
    // Every second piece stands between backticks.
    let pieces = line.split('`').enumerate();
    let prose: String = pieces
        .map(|(index, piece)| if index % 2 == 0 { piece } else { "code" })
        .collect();
    let behind = prose.split("](").skip(1);
    behind
        .filter_map(|text| text.split_once(')'))
        .map(|(target, _)| target.trim().to_owned())
        .collect()
}

/// The anchors that GitHub gives to headings.
fn anchors(document: &Document) -> BTreeSet<String> {
    let headings = document.prose.iter().filter_map(|(_, line)| {
        let text = line.trim_start_matches('#');
        (text.len() < line.len() && text.starts_with(' ')).then(|| slug(text.trim()))
    });
    headings.collect()
}

fn slug(heading: &str) -> String {
    let kept = heading.to_lowercase();
    let kept = kept.chars().filter_map(|it| match it {
        ' ' => Some('-'),
        '-' | '_' => Some(it),
        it if it.is_alphanumeric() => Some(it),
        _ => None,
    });
    kept.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str =
        "# A `b`: c_d\n\n```sh\nls [x](gone.md)\n```\n[one](a.md) and [two](#a-b-c_d)\n";

    #[test]
    fn code_and_prose_are_told_apart() {
        let document = parse(TEXT);
        let block = Block {
            language: "sh".to_owned(),
            code: "ls [x](gone.md)\n".to_owned(),
        };
        assert_eq!(document.blocks, [block]);
        assert_eq!(document.prose.last().unwrap().0, 6);
        assert!(anchors(&document).contains("a-b-c_d"));
        assert_eq!(slug("你好：世界 2"), "你好世界-2");
    }

    #[test]
    fn links_are_found_and_resolved() {
        assert_eq!(links("[a](b.md) `[c](d)` ![e](f.png)"), ["b.md", "f.png"]);
        assert_eq!(resolve("docs/API.md", "../README.md"), "README.md");
        assert_eq!(resolve("README.md", "./docs/API.md"), "docs/API.md");
    }

    #[test]
    fn code_that_differs_is_named() {
        let (one, other) = (parse(TEXT), parse(&TEXT.replace("ls", "dir")));
        assert!(different_code(&one.blocks, &one.blocks).is_empty());
        assert_eq!(different_code(&one.blocks, &other.blocks).len(), 1);
        assert_eq!(different_code(&one.blocks, &[]).len(), 1);
    }
}
