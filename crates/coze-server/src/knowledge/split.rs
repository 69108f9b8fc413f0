//! Cuts a text into chunks, as the dataset wants it.

use std::sync::LazyLock;

use coze_types::knowledge::{ChunkStrategy, ChunkType};
use regex_lite::Regex;

use crate::models::count_tokens;

/// The longest chunk when nobody says how long, in tokens.
const AUTOMATIC: i64 = 500;
/// A heading begins a new chunk unless the one before it is shorter than this.
const SHORT: i64 = 60;
/// Chunks of one document; a document that has more fails.
pub(crate) const MOST: usize = 20_000;

/// The chunks of a text.
pub(crate) fn split(text: &str, strategy: &ChunkStrategy) -> Vec<String> {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    match strategy.chunk_type {
        ChunkType::Custom => custom(&text, strategy),
        ChunkType::Level => levels(&text, strategy),
        _ => automatic(&text),
    }
}

/// Rows of a table are not cut; only those that are far too long.
pub(crate) fn rows(rows: Vec<String>) -> Vec<String> {
    let cut = rows.into_iter().flat_map(|row| pieces(&row, 2000, 0));
    cut.filter(|row| !row.is_empty()).collect()
}

/// Paragraphs, put together as long as they fit; headings stay with what they stand over.
fn automatic(text: &str) -> Vec<String> {
    let mut chunks: Vec<String> = Vec::new();
    let mut open = String::new();
    for paragraph in paragraphs(text) {
        let tokens = count_tokens(&open);
        let new_section = heading(paragraph).is_some() && tokens >= SHORT;
        if new_section || tokens + count_tokens(paragraph) > AUTOMATIC {
            close(&mut chunks, &mut open, AUTOMATIC, 0);
        }
        if !open.is_empty() {
            open.push('\n');
        }
        open.push_str(paragraph);
    }
    close(&mut chunks, &mut open, AUTOMATIC, 0);
    chunks
}

/// At the separator, and where that leaves more than the limit, at sentences.
fn custom(text: &str, strategy: &ChunkStrategy) -> Vec<String> {
    let separator = strategy.separator.as_deref().unwrap_or("\n");
    let limit = strategy.max_tokens.unwrap_or(AUTOMATIC);
    let parts: Vec<&str> = match separator {
        "" => vec![text],
        separator => text.split(separator).collect(),
    };
    let mut chunks = Vec::new();
    for part in parts {
        let mut part = clean(part, strategy);
        close(&mut chunks, &mut part, limit, overlap(strategy, limit));
    }
    chunks
}

/// At headings down to a level; each chunk knows the headings that it stands under, if wanted.
fn levels(text: &str, strategy: &ChunkStrategy) -> Vec<String> {
    let deepest = strategy.max_level.and_then(|it| usize::try_from(it).ok());
    let deepest = deepest.unwrap_or(3).max(1);
    let limit = strategy.max_tokens.unwrap_or(AUTOMATIC);
    let save_title = strategy.save_title.unwrap_or(false);
    let mut titles: Vec<String> = Vec::new();
    let mut chunks = Vec::new();
    let mut open = String::new();
    let mut end = |titles: &[String], open: &mut String| {
        let mut body = clean(open, strategy);
        open.clear();
        let mut parts = Vec::new();
        close(&mut parts, &mut body, limit, overlap(strategy, limit));
        let path = titles.iter().filter(|it| !it.is_empty()).cloned();
        let path = path.collect::<Vec<_>>().join(" > ");
        chunks.extend(parts.into_iter().map(|part| match save_title {
            true if !path.is_empty() => format!("{path}\n{part}"),
            _ => part,
        }));
    };
    for line in text.split('\n') {
        match heading(line) {
            Some((level, title)) if level <= deepest => {
                end(&titles, &mut open);
                titles.resize(level, String::new());
                titles[level - 1] = title.to_owned();
                if !save_title {
                    open.push_str(line);
                    open.push('\n');
                }
            }
            _ => {
                open.push_str(line);
                open.push('\n');
            }
        }
    }
    end(&titles, &mut open);
    chunks
}

fn overlap(strategy: &ChunkStrategy, limit: i64) -> i64 {
    // Per cent of the longest chunk; more than half would hardly get on.
    limit * strategy.overlap.unwrap_or(0).clamp(0, 50) / 100
}

fn clean(text: &str, strategy: &ChunkStrategy) -> String {
    static ADDRESSES: LazyLock<Option<Regex>> = LazyLock::new(|| {
        Regex::new(r"(?i)\b(?:https?|ftp)://[^\s<>，。；）】]+|\bwww\.[^\s<>，。；）】]+|[a-z0-9._%+-]+@[a-z0-9-]+(?:\.[a-z0-9-]+)+").ok()
    });
    let mut text = text.to_owned();
    if strategy.remove_urls_emails == Some(true)
        && let Some(addresses) = &*ADDRESSES
    {
        text = addresses.replace_all(&text, "").into_owned();
    }
    if strategy.remove_extra_spaces == Some(true) {
        text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    }
    text
}

/// Ends the open chunk, in pieces when it is too long.
fn close(chunks: &mut Vec<String>, open: &mut String, limit: i64, overlap: i64) {
    chunks.extend(pieces(open, limit, overlap));
    open.clear();
}

/// A text in pieces of at most so many tokens, cut behind sentences where there are any.
fn pieces(text: &str, limit: i64, overlap: i64) -> Vec<String> {
    let text = text.trim();
    if text.is_empty() {
        return Vec::new();
    }
    if count_tokens(text) <= limit {
        return vec![text.to_owned()];
    }
    let mut pieces: Vec<String> = Vec::new();
    let mut open: Vec<&str> = Vec::new();
    let mut tokens = 0;
    let mut fresh = false;
    for part in sentences(text, limit) {
        let length = count_tokens(part);
        if tokens + length > limit && fresh {
            pieces.push(open.concat().trim().to_owned());
            // What the next piece begins with: the last sentences of this one.
            let mut kept = 0;
            let from = open.iter().rposition(|part| {
                kept += count_tokens(part);
                kept > overlap
            });
            open.drain(..from.map_or(0, |it| it + 1));
            tokens = open.iter().map(|part| count_tokens(part)).sum();
            if tokens + length > limit {
                open.clear();
                tokens = 0;
            }
        }
        open.push(part);
        tokens += length;
        fresh = true;
    }
    pieces.push(open.concat().trim().to_owned());
    pieces.retain(|piece| !piece.is_empty());
    pieces
}

/// The sentences of a text; those that are too long are cut anywhere.
fn sentences(text: &str, limit: i64) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut start = 0;
    let mut tokens = 0;
    let mut narrow = 0;
    let mut before = ' ';
    for (at, character) in text.char_indices() {
        let end_of_sentence = matches!(before, '\n' | '。' | '！' | '？' | '；')
            || (matches!(before, '.' | '!' | '?' | ';') && character.is_whitespace());
        if (end_of_sentence || tokens >= limit.max(2) - 1) && at > start {
            parts.push(&text[start..at]);
            (start, tokens, narrow) = (at, 0, 0);
        }
        if crate::models::is_cjk(character) {
            tokens += 1;
        } else {
            narrow += 1;
            if narrow % 4 == 0 {
                tokens += 1;
            }
        }
        before = character;
    }
    parts.push(&text[start..]);
    parts
}

fn paragraphs(text: &str) -> impl Iterator<Item = &str> {
    // A heading is a paragraph even when no empty line stands behind it.
    let lines = text.split('\n');
    let mut at = 0;
    let mut start = 0;
    let mut parts = Vec::new();
    for line in lines {
        let end = at + line.len();
        if line.trim().is_empty() || heading(line).is_some() {
            parts.push(&text[start..at]);
            start = at;
        }
        at = (end + 1).min(text.len());
    }
    parts.push(&text[start..]);
    parts.into_iter().map(str::trim).filter(|it| !it.is_empty())
}

/// The level and the title of a heading, as Markdown writes it.
fn heading(line: &str) -> Option<(usize, &str)> {
    let line = line.lines().next().unwrap_or_default();
    let title = line.trim_start_matches('#');
    let level = line.len() - title.len();
    let title = title.strip_prefix(' ')?.trim();
    ((1..=6).contains(&level) && !title.is_empty()).then_some((level, title))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn custom_strategy(separator: &str, max_tokens: i64) -> ChunkStrategy {
        ChunkStrategy {
            chunk_type: ChunkType::Custom,
            separator: Some(separator.to_owned()),
            max_tokens: Some(max_tokens),
            ..ChunkStrategy::default()
        }
    }

    #[test]
    fn automatic_chunks_hold_whole_paragraphs() {
        let automatic = ChunkStrategy::default();
        assert_eq!(
            split("one\r\n\r\ntwo\n\n\n three ", &automatic),
            ["one\ntwo\nthree"]
        );
        assert_eq!(split(" \n \n", &automatic), Vec::<String>::new());
        let long = "词".repeat(300);
        let text = format!("# A\n{long}\n\n# B\n{long}\n\n{long}");
        let chunks = split(&text, &automatic);
        let expected = [format!("# A\n{long}"), format!("# B\n{long}"), long.clone()];
        assert_eq!(chunks, expected);
        let chunks = split(&"word ".repeat(3000), &automatic);
        assert!(chunks.len() > 5 && chunks.iter().all(|it| count_tokens(it) <= AUTOMATIC));
    }

    #[test]
    fn custom_chunks_end_at_the_separator_and_at_the_limit() {
        let strategy = custom_strategy("###", 100);
        assert_eq!(split("a###b\n\nc######d", &strategy), ["a", "b\n\nc", "d"]);
        let sentence = format!("{}。", "字".repeat(39));
        let text = sentence.repeat(5);
        let chunks = split(&text, &strategy);
        assert_eq!(
            chunks,
            [sentence.repeat(2), sentence.repeat(2), sentence.clone()]
        );
        let overlapping = ChunkStrategy {
            overlap: Some(40),
            ..strategy
        };
        let chunks = split(&text, &overlapping);
        assert_eq!(chunks.len(), 4, "{chunks:?}");
        assert!(chunks.iter().all(|it| *it == sentence.repeat(2)));
    }

    #[test]
    fn custom_chunks_are_cleaned_as_wanted() {
        let text = "see  https://example.com/a?b=c ,\n\tor write to ada@example.com 。 也可访问www.example.cn，谢谢";
        let mut strategy = custom_strategy("\n\n", 500);
        assert_eq!(split(text, &strategy), [text]);
        strategy.remove_extra_spaces = Some(true);
        strategy.remove_urls_emails = Some(true);
        assert_eq!(
            split(text, &strategy),
            ["see , or write to 。 也可访问，谢谢"]
        );
    }

    #[test]
    fn levels_are_cut_at_headings() {
        let text = "intro\n# A\none\n## B\ntwo\n### C\nthree\n# D\nfour";
        let mut strategy = ChunkStrategy {
            chunk_type: ChunkType::Level,
            max_level: Some(2),
            save_title: Some(true),
            ..ChunkStrategy::default()
        };
        let expected = ["intro", "A\none", "A > B\ntwo\n### C\nthree", "D\nfour"];
        assert_eq!(split(text, &strategy), expected);
        strategy.save_title = None;
        let expected = ["intro", "# A\none", "## B\ntwo\n### C\nthree", "# D\nfour"];
        assert_eq!(split(text, &strategy), expected);
    }

    #[test]
    fn nothing_is_lost_and_no_piece_is_too_long() {
        for text in [
            "字".repeat(1000),
            "x".repeat(5000),
            "a. b! ".repeat(700),
            "é".repeat(999),
        ] {
            let chunks = split(&text, &custom_strategy("\n", 100));
            let without_spaces = |text: &str| text.replace(' ', "");
            assert_eq!(without_spaces(&chunks.concat()), without_spaces(&text));
            assert!(
                chunks.iter().all(|it| count_tokens(it) <= 100),
                "{chunks:?}"
            );
        }
    }
}
