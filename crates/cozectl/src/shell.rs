//! Words of commands that hints show: pasted into a shell, they must mean what they say.

use std::borrow::Cow;

/// Quotes a word where a shell would take it apart. Ids come from servers, so nothing is trusted.
pub(crate) fn quote(word: &str) -> Cow<'_, str> {
    let plain = |it: char| it.is_alphanumeric() || "-_./:=@%+,".contains(it);
    if !word.is_empty() && word.chars().all(plain) {
        return word.into();
    }
    // A line end or an escape sequence has no business in a line for people.
    let visible: String = word.chars().filter(|it| !it.is_control()).collect();
    format!("'{}'", visible.replace('\'', r"'\''")).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_quoted_where_needed() {
        for plain in [
            "--local",
            "a/b.yaml",
            "740/276",
            "k=v",
            "数据",
            "http://127.0.0.1:1/x",
        ] {
            assert_eq!(quote(plain), plain);
        }
        assert_eq!(quote(""), "''");
        assert_eq!(quote("my data"), "'my data'");
        assert_eq!(quote("~/x"), "'~/x'");
        assert_eq!(quote("$(rm)\n;"), "'$(rm);'");
        assert_eq!(quote("it's"), r"'it'\''s'");
    }
}
