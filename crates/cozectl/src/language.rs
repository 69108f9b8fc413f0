//! The language of what is said to people: English or Chinese.
//!
//! Data, option names and the words `error:`, `hint:` and `logid:` are the same in both.

use std::env;
use std::sync::atomic::{AtomicBool, Ordering};

pub(crate) use coze_types::catalogue::Language;

static CHINESE: AtomicBool = AtomicBool::new(false);

/// The language in use.
pub(crate) fn current() -> Language {
    if CHINESE.load(Ordering::Relaxed) {
        Language::Zh
    } else {
        Language::En
    }
}

/// Chooses the language; done once, at the start.
pub(crate) fn set(language: Language) {
    CHINESE.store(language == Language::Zh, Ordering::Relaxed);
}

/// What the environment asks for: the first of `LC_ALL`, `LC_MESSAGES` and `LANG` that is set.
pub(crate) fn of_environment() -> Language {
    let names = ["LC_ALL", "LC_MESSAGES", "LANG"];
    let mut values = names.iter().filter_map(|name| env::var(name).ok());
    values
        .find(|value| !value.is_empty())
        .map_or(Language::En, |locale| of_locale(&locale))
}

fn of_locale(locale: &str) -> Language {
    let name = locale
        .split(['_', '-', '.', '@'])
        .next()
        .unwrap_or_default();
    if name.eq_ignore_ascii_case("zh") {
        Language::Zh
    } else {
        Language::En
    }
}

/// `say!("English {x}", "中文 {x}")`: the text in the language in use, formatted.
macro_rules! say {
    ($en:literal, $zh:literal $(,)?) => {
        match $crate::language::current() {
            $crate::language::Language::En => format!($en),
            $crate::language::Language::Zh => format!($zh),
        }
    };
}
pub(crate) use say;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locales() {
        for chinese in ["zh_CN.UTF-8", "zh", "zh-TW", "ZH_cn"] {
            assert_eq!(of_locale(chinese), Language::Zh, "{chinese}");
        }
        for english in ["C", "C.UTF-8", "en_US.UTF-8", "de_DE", "", "POSIX"] {
            assert_eq!(of_locale(english), Language::En, "{english}");
        }
    }
}
