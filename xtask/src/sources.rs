//! Rules for sources: no file too long, no word that must not be committed.

use anyhow::Result;

use crate::tree::Tree;

/// The most lines that a source may have without a reason.
const LIMIT: usize = 600;

/// Sources that are longer, each with its reason.
const LONG: &[(&str, &str)] = &[];

/// Words that must not be committed. Written in two parts, or this file would hold them.
const FORBIDDEN: &[(&str, &str)] = &[
    (concat!("/wo", "rk/"), "a path of one machine"),
    (concat!("/ro", "ot/"), "a path of one machine"),
    (concat!("to", "do!"), "unfinished code"),
    (concat!("unimple", "mented!"), "unfinished code"),
    (concat!("FIX", "ME"), "unfinished code"),
];

/// What tokens begin with. A prefix alone may stand in a document; with a long tail it is a secret,
/// or looks like one.
const SECRETS: &[&str] = &[concat!("pat", "_"), concat!("s", "k-"), concat!("czs", "_")];
const SECRET_LENGTH: usize = 16;

/// Sources of more than 600 lines that give no reason, and reasons that nothing needs any more.
///
/// # Errors
/// When a source cannot be read.
pub fn long_files(tree: &Tree) -> Result<Vec<String>> {
    let mut sources = Vec::new();
    for path in tree.ending_in(".rs") {
        sources.push((path, tree.read(path)?.lines().count()));
    }
    Ok(too_long(&sources, LONG))
}

fn too_long(sources: &[(&str, usize)], reasons: &[(&str, &str)]) -> Vec<String> {
    let mut problems = Vec::new();
    for (path, lines) in sources {
        let reason = reasons.iter().any(|(with, _)| with == path);
        match (*lines > LIMIT, reason) {
            (true, false) => problems.push(format!(
                "{path} has {lines} lines; split it, or say in xtask/src/sources.rs why not"
            )),
            (false, true) => problems.push(format!(
                "{path} has {lines} lines and needs no exception any more"
            )),
            _ => {}
        }
    }
    for (path, _) in reasons {
        if !sources.iter().any(|(source, _)| source == path) {
            problems.push(format!("{path} has an exception and does not exist"));
        }
    }
    problems
}

/// Places that hold a forbidden word or what looks like a secret.
///
/// # Errors
/// Never now; files that are no text are passed over.
pub fn forbidden_words(tree: &Tree) -> Result<Vec<String>> {
    let mut problems = Vec::new();
    for path in tree.files() {
        // What is no text cannot hold words.
        let Ok(text) = tree.read(path) else { continue };
        for (index, line) in text.lines().enumerate() {
            problems.extend(in_line(line).map(|why| format!("{path}:{}: {why}", index + 1)));
        }
    }
    Ok(problems)
}

fn in_line(line: &str) -> Option<String> {
    let word = FORBIDDEN.iter().find(|(word, _)| line.contains(word));
    if let Some((word, why)) = word {
        return Some(format!("`{word}`: {why}"));
    }
    let secret = SECRETS.iter().find(|prefix| holds_secret(line, prefix))?;
    Some(format!("`{secret}…`: it looks like a secret"))
}

fn holds_secret(line: &str, prefix: &str) -> bool {
    let is_part = |it: char| it.is_ascii_alphanumeric();
    line.match_indices(prefix).any(|(at, _)| {
        let (before, behind) = line.split_at(at);
        let tail = behind.trim_start_matches(prefix);
        let length = tail.find(|it| !is_part(it)).unwrap_or(tail.len());
        !before.ends_with(is_part) && length >= SECRET_LENGTH
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_files_need_a_reason_and_reasons_a_long_file() {
        let sources = [("a.rs", 601), ("b.rs", 600), ("c.rs", 900)];
        let problems = too_long(
            &sources,
            &[("b.rs", "none"), ("c.rs", "data"), ("d.rs", "gone")],
        );
        assert_eq!(problems.len(), 3, "{problems:?}");
        assert!(
            problems[0].starts_with("a.rs has 601 lines"),
            "{problems:?}"
        );
        assert!(
            problems[1].starts_with("b.rs has 600 lines and needs"),
            "{problems:?}"
        );
        assert!(
            problems[2].starts_with("d.rs has an exception"),
            "{problems:?}"
        );
    }

    #[test]
    fn words_and_secrets_are_found() {
        let found = |line: &str| in_line(line).is_some();
        assert!(found(concat!("cd /ro", "ot/x")));
        assert!(found(concat!("    to", "do!()")));
        assert!(!found("todo = \"deny\""));
        assert!(!found("a framework/plugin"));
        let tail = "0123456789abcdef";
        assert!(found(&format!("token: pat_{tail}")));
        assert!(!found("token: pat_…"));
        assert!(!found(&format!("ta{}-{tail}", "sk")));
    }
}
