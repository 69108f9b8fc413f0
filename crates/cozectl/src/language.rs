//! The language of what is said to people: English or Chinese.
//!
//! Data, option names and the words `error:`, `hint:` and `logid:` are the same in both.

use std::env;
use std::ffi::OsString;
use std::io;
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

/// What `--lang` asks for, as far as that can be told before the command line is understood.
pub(crate) fn of_arguments(arguments: impl Iterator<Item = OsString>) -> Option<Language> {
    let mut arguments = arguments.take_while(|it| it != "--");
    while let Some(argument) = arguments.next() {
        let language = match argument.to_str() {
            Some("--lang") => arguments.next()?,
            Some(text) => match text.strip_prefix("--lang=") {
                Some(language) => language.into(),
                None => continue,
            },
            None => continue,
        };
        return match language.to_str() {
            Some("en") => Some(Language::En),
            Some("zh") => Some(Language::Zh),
            _ => None,
        };
    }
    None
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

/// Why the system would not do something.
pub(crate) fn reason(error: &io::Error) -> String {
    if current() == Language::Zh {
        let known = match error.kind() {
            io::ErrorKind::NotFound => "文件或目录不存在",
            io::ErrorKind::PermissionDenied => "没有权限",
            io::ErrorKind::NotADirectory => "路径中有一段不是目录",
            io::ErrorKind::AlreadyExists => "同名文件已存在",
            io::ErrorKind::IsADirectory => "它是一个目录",
            io::ErrorKind::StorageFull => "磁盘已满",
            io::ErrorKind::ReadOnlyFilesystem => "文件系统是只读的",
            io::ErrorKind::AddrInUse => "端口已被占用",
            io::ErrorKind::AddrNotAvailable => "本机没有这个地址",
            _ => return error.to_string(),
        };
        return known.to_owned();
    }
    error.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_language_among_the_arguments() {
        let of = |line: &str| of_arguments(line.split(' ').map(Into::into));
        assert_eq!(of("--lang zh chat"), Some(Language::Zh));
        assert_eq!(of("chat --lang=en hi"), Some(Language::En));
        for none in ["chat", "--lang", "--lang fr chat", "chat -- --lang zh"] {
            assert_eq!(of(none), None, "{none}");
        }
    }

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
