//! Words, as full text looks for them.
//!
//! SQLite cuts texts at spaces, which Chinese, Japanese and Korean do not have (or not where words
//! end). So each pair of neighbouring characters of theirs is a word, and each single one, too; the
//! words of other languages are cut at what is no letter and no digit, and English ones lose their
//! endings.

use std::collections::HashSet;

/// Longer ones are no words.
const LONGEST: usize = 64;
/// Words of one question that are looked for.
const MOST: usize = 64;
/// What a word counts that many texts have and few are about.
const WEAK: f64 = 0.2;

/// A word of a question, and how much it says.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Word {
    pub(crate) text: String,
    pub(crate) weight: f64,
}

/// The words of a text with spaces between them, for the index.
pub(crate) fn index(text: &str) -> String {
    let mut words = String::with_capacity(text.len() * 2);
    let mut push = |word: &str| {
        if !words.is_empty() {
            words.push(' ');
        }
        words.push_str(word);
    };
    for run in runs(text) {
        match run {
            Run::Wide(characters) => {
                for (at, _) in characters.iter().enumerate() {
                    push(&characters[at..=at].iter().collect::<String>());
                    if let Some(pair) = characters.get(at..at + 2) {
                        push(&pair.iter().collect::<String>());
                    }
                }
            }
            Run::Narrow(word) => push(&word),
        }
    }
    words
}

/// The words of a question, each once.
pub(crate) fn question(text: &str) -> Vec<Word> {
    let mut seen = HashSet::new();
    let mut words = Vec::new();
    let mut push = |text: String, weak: bool| {
        if words.len() < MOST && seen.insert(text.clone()) {
            let weight = if weak { WEAK } else { 1.0 };
            words.push(Word { text, weight });
        }
    };
    for run in runs(text) {
        match run {
            Run::Wide(characters) => {
                let size = characters.len().min(2);
                for word in characters.windows(size) {
                    push(
                        word.iter().collect(),
                        word.iter().any(|it| is_weak_char(*it)),
                    );
                }
            }
            Run::Narrow(word) => {
                let weak = WEAK_WORDS.contains(&word.as_str());
                push(word, weak);
            }
        }
    }
    words
}

/// The words that are worth looking for: the weak ones only when there are no others.
pub(crate) fn wanted(words: &[Word]) -> Vec<String> {
    let strong = words.iter().any(|word| word.weight > WEAK);
    let wanted = words.iter().filter(|word| !strong || word.weight > WEAK);
    wanted.map(|word| word.text.clone()).collect()
}

/// How much of a question stands in a text, from 0 to 1.
pub(crate) fn coverage(question: &[Word], text: &str) -> f64 {
    let index = index(text);
    let there: HashSet<&str> = index.split(' ').collect();
    let (mut found, mut all) = (0.0, 0.0);
    for word in question {
        all += word.weight;
        if there.contains(word.text.as_str()) {
            found += word.weight;
        }
    }
    if all > 0.0 { found / all } else { 0.0 }
}

enum Run {
    /// Characters that have no spaces between words.
    Wide(Vec<char>),
    Narrow(String),
}

fn runs(text: &str) -> Vec<Run> {
    let mut runs = Vec::new();
    let mut wide = Vec::new();
    let mut narrow = String::new();
    let close = |runs: &mut Vec<Run>, narrow: &mut String| {
        if !narrow.is_empty() && narrow.chars().count() <= LONGEST {
            runs.push(Run::Narrow(stem(narrow)));
        }
        narrow.clear();
    };
    for character in text.chars() {
        let is_wide = crate::models::is_cjk(character);
        if !is_wide && !wide.is_empty() {
            runs.push(Run::Wide(std::mem::take(&mut wide)));
        }
        if is_wide || !character.is_alphanumeric() {
            close(&mut runs, &mut narrow);
        }
        if is_wide {
            wide.push(character);
        } else if character.is_alphanumeric() {
            narrow.extend(character.to_lowercase());
        }
    }
    close(&mut runs, &mut narrow);
    if !wide.is_empty() {
        runs.push(Run::Wide(wide));
    }
    runs
}

/// An English word without its ending, so that `refunded` finds `refunds`. Rough on purpose: text
/// and question go through the same.
fn stem(word: &str) -> String {
    if word.len() < 4 || !word.bytes().all(|it| it.is_ascii_lowercase()) {
        return word.to_owned();
    }
    let mut stem = match word {
        _ if word.ends_with("ies") => format!("{}y", &word[..word.len() - 3]),
        _ if word.ends_with('s') && !word.ends_with("ss") && !word.ends_with("us") => {
            word[..word.len() - 1].to_owned()
        }
        _ => word.to_owned(),
    };
    for ending in ["ing", "ed"] {
        if let Some(rest) = stem.strip_suffix(ending)
            && rest.len() >= 3
        {
            let twice = rest
                .as_bytes()
                .windows(2)
                .last()
                .filter(|it| it[0] == it[1]);
            let cut = twice.is_some_and(|it| !matches!(it[0], b'l' | b's' | b'e' | b'o'));
            stem = rest[..rest.len() - usize::from(cut)].to_owned();
            break;
        }
    }
    if stem.len() >= 4 && stem.ends_with('e') {
        stem.pop();
    }
    stem
}

fn is_weak_char(character: char) -> bool {
    "的了是吗呢么什怎请问你我他她它们哪谁吧啊这那就和与在有也都要会能可以个为".contains(character)
        || "のはがをにでとかもすまた".contains(character)
}

/// After their endings are gone.
const WEAK_WORDS: &[&str] = &[
    "a", "about", "an", "and", "any", "are", "at", "be", "can", "do", "doe", "for", "from", "get",
    "ha", "hav", "how", "i", "if", "in", "is", "it", "me", "my", "of", "on", "or", "our", "pleas",
    "shall", "tell", "that", "the", "ther", "they", "this", "to", "was", "we", "wer", "what",
    "when", "wher", "which", "who", "why", "will", "with", "would", "you", "your",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chinese_is_cut_into_pairs_and_other_languages_into_words() {
        fn check(text: &str, expected: &str) {
            assert_eq!(index(text), expected, "{text}");
        }
        check("退货政策", "退 退货 货 货政 政 政策 策");
        check("The Shipped GOODS, 3kg!", "the ship good 3kg");
        check("用Rust写API。", "用 rust 写 api");
        check("Kündigung über 100 €", "kündigung über 100");
        check("café、東京", "café 東 東京 京");
        check(" \t\n…", "");
        check(&"x".repeat(65), "");
    }

    #[test]
    fn endings_do_not_keep_words_apart() {
        for (one, other) in [
            ("refunded", "refunds"),
            ("policies", "policy"),
            ("shipping", "shipped"),
            ("changes", "changing"),
            ("prices", "pricing"),
        ] {
            assert_eq!(index(one), index(other), "{one} {other}");
        }
        for (one, other) in [("is", "i"), ("bus", "bu"), ("class", "clas"), ("red", "r")] {
            assert_ne!(index(one), index(other), "{one} {other}");
        }
    }

    #[test]
    fn a_question_looks_for_what_says_something() {
        let words = question("请问退货政策是什么？");
        assert_eq!(wanted(&words), ["退货", "货政", "政策"]);
        assert_eq!(
            wanted(&question("What is the refund policy?")),
            ["refund", "policy"]
        );
        assert_eq!(wanted(&question("什么")), ["什么"]);
        assert_eq!(wanted(&question("茶")), ["茶"]);
        let long: String = (0..500).map(|it| format!("w{it} ")).collect();
        assert_eq!(question(&long).len(), MOST);
    }

    #[test]
    fn coverage_tells_how_much_of_the_question_is_there() {
        let words = question("退货政策是什么？");
        assert!(coverage(&words, "退货政策：七天内可以退货。") > 0.7);
        assert!(coverage(&words, "你想知道什么？") < 0.1);
        assert!(coverage(&words, "") < f64::EPSILON);
        assert!(coverage(&[], "退货") < f64::EPSILON);
    }
}
