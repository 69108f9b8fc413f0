//! The error catalogue: what an error code means and what to do about it.
//!
//! Coze answers most failures with HTTP 200 and a number in `code`; the text in `msg` is often only a
//! repetition of the number. [`lookup`] turns the number into a cause and a fix, in English and in Chinese.
//! The texts are ours; the numbers come from the reference (`core.md` 1.6 and 1.7, `workflows.md` 2.2 and 3.8).
//!
//! The table holds four families of numbers, which do not overlap:
//!
//! | Numbers | Where they come from |
//! |---|---|
//! | 400–504 | HTTP statuses, which coze-studio and the skill dialect also send as `code` |
//! | 4000–6099 | the hosted API |
//! | 701231, 700012006, 702…, 720…, 777… | workflows and authentication, mostly coze-studio |
//! | 103…, 104…, 305… | coze-studio: conversations, agent runs, messages, uploads, code nodes |
//!
//! [`Entry::http`] is the status that our own server puts on the answer in the skill dialect, where a failure is
//! an HTTP failure too. It is the natural status of the class (parameter 400, auth 401, permission 403, not
//! found 404, occupied 409, rate 429, server 500) with these refinements:
//!
//! * quota is 402 when money or a plan is missing, 429 when the allowance comes back by itself;
//! * a body that is too large is 413, a client that was too slow is 408;
//! * a run that took too long is 504, although the hosted service answers it like any business error.
//!
//! In the default dialect the server answers 200 for business errors, as the hosted service does, and this
//! field is not used. Every value of `http` has an entry of its own in the table.

mod table;

pub use table::CATALOGUE;

/// What is known about one error code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// The number in `code` (also in `error_code` of workflow events and in `last_error.code`).
    pub code: i64,
    /// The kind of failure.
    pub class: Class,
    /// The HTTP status for this code in the skill dialect; see the module page for the rule.
    pub http: u16,
    /// Whether sending the request again can help.
    pub retry: Retry,
    /// What went wrong, in one sentence.
    pub cause: Text,
    /// What the user does about it, in one imperative sentence.
    pub fix: Text,
}

/// A text in both languages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Text {
    /// English; starts lower case and has no final period, so that it can follow a colon.
    pub en: &'static str,
    /// Simplified Chinese, without a final full stop.
    pub zh: &'static str,
}

impl Text {
    /// The text in `language`.
    #[must_use]
    pub const fn get(self, language: Language) -> &'static str {
        match language {
            Language::En => self.en,
            Language::Zh => self.zh,
        }
    }
}

/// A language of the catalogue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Language {
    /// English.
    #[default]
    En,
    /// Simplified Chinese.
    Zh,
}

/// The kind of failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Class {
    /// The request itself is wrong: a value, a combination, a content.
    Parameter,
    /// The caller is not known: the token is missing, wrong or expired.
    Auth,
    /// The caller is known and is not allowed.
    Permission,
    /// The thing does not exist, was deleted, or was never published.
    NotFound,
    /// The thing exists, but its present state rules the call out.
    Occupied,
    /// An allowance is used up: credits, a daily limit, a plan.
    Quota,
    /// Too many requests in a short time.
    Rate,
    /// The service, or something it depends on, failed or took too long.
    Server,
}

impl Class {
    /// The name of the class as it is printed and logged.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Parameter => "parameter",
            Self::Auth => "auth",
            Self::Permission => "permission",
            Self::NotFound => "not_found",
            Self::Occupied => "occupied",
            Self::Quota => "quota",
            Self::Rate => "rate",
            Self::Server => "server",
        }
    }
}

impl std::fmt::Display for Class {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Whether sending the same request again can help.
///
/// This is about the code alone. A request that may have started a chat or a run is a different question: the
/// caller must also know that nothing of it was carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Retry {
    /// The same request fails again.
    Never,
    /// The same request works once something outside it is put right: a token, a balance, a publication.
    AfterFix,
    /// The same request works on another day, not within a sensible wait.
    NextDay,
    /// It may work next time, but the run had started: its effects would happen twice. The caller decides.
    Maybe,
    /// The same request works when the running chat of the conversation has ended or was cancelled.
    AfterChat,
    /// The same request works later; wait longer each time.
    BackOff,
    /// Try again a few times, then give up.
    Limited,
}

impl Retry {
    /// Whether it is sensible to send the same request again, unchanged, after a wait.
    #[must_use]
    pub const fn is_retryable(self) -> bool {
        match self {
            Self::AfterChat | Self::BackOff | Self::Limited => true,
            Self::Never | Self::AfterFix | Self::NextDay | Self::Maybe => false,
        }
    }

    /// The name of the advice as it is printed and logged.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Never => "never",
            Self::AfterFix => "after_fix",
            Self::NextDay => "next_day",
            Self::Maybe => "maybe",
            Self::AfterChat => "after_chat",
            Self::BackOff => "back_off",
            Self::Limited => "limited",
        }
    }
}

/// The entry of an error code, if the catalogue has it.
///
/// ```
/// # use coze_types::catalogue::{Class, Language, lookup};
/// let entry = lookup(4013).expect("documented");
/// assert_eq!(entry.class, Class::Rate);
/// assert!(entry.retry.is_retryable());
/// assert!(entry.fix.get(Language::En).starts_with("wait"));
/// assert!(lookup(0).is_none());
/// ```
#[must_use]
pub fn lookup(code: i64) -> Option<&'static Entry> {
    let at = CATALOGUE
        .binary_search_by_key(&code, |entry| entry.code)
        .ok()?;
    CATALOGUE.get(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every code that the reference names, written by hand from its pages.
    const NAMED: &[i64] = &[
        // core.md 1.7, hosted
        4000, 4001, 4002, 4003, 4004, 4005, 4006, 4008, 4009, 4010, 4011, 4012, 4013, 4014, 4015,
        4016, 4019, 4020, 4027, 4028, 4033, 4100, 4101, 4104, 4200, 4300, 4301, 4302, 4303, 4304,
        5000, 6003, 6006, 6023, 6031, 6039, 701231, // core.md 1.7, coze-studio
        720702204, 720702001, 720702002, 720712014, 720702004, 720701013, 720702085, 720702011,
        777777777, 700012006, 103000000, 103000001, 103000002, 103100001, 103100002, 103200001,
        103200003, 103200004, 103200005, 104000003, 104000004, 104000006, 104000007,
        // core.md 1.6 and 1.7, HTTP statuses
        400, 401, 403, 404, 408, 429, 500, 502, 503, 504,
        // workflows.md 2.2 and 2.3
        720712049, 720712033, 777777774, 777777773, 305000002, 702093204,
        // workflows.md 3.8
        720702078, 720701011, 720702089, 720701003, 720701004, 720712023, 777777782, 777777781,
        777777779, 777777778, 777777776, 777777775, 777777772, 777777769, 777777765, 777777764,
        777777763, 777777762,
    ];

    fn texts(entry: &Entry) -> [(&'static str, &'static str); 2] {
        [
            (entry.cause.en, entry.cause.zh),
            (entry.fix.en, entry.fix.zh),
        ]
    }

    #[test]
    fn is_sorted_and_has_no_code_twice() {
        for pair in CATALOGUE.windows(2) {
            assert!(
                pair[0].code < pair[1].code,
                "{} before {}",
                pair[0].code,
                pair[1].code
            );
        }
    }

    #[test]
    fn has_every_code_of_the_reference() {
        let missing: Vec<_> = NAMED
            .iter()
            .filter(|code| lookup(**code).is_none())
            .collect();
        assert!(missing.is_empty(), "not in the catalogue: {missing:?}");
    }

    #[test]
    fn has_no_code_that_nothing_names() {
        // 402, 409 and 413 are not in the reference; our own server sends them.
        let extra: Vec<_> = CATALOGUE.iter().map(|entry| entry.code).collect();
        let extra: Vec<_> = extra
            .into_iter()
            .filter(|c| !NAMED.contains(c) && ![402, 409, 413].contains(c))
            .collect();
        assert!(extra.is_empty(), "named nowhere: {extra:?}");
    }

    #[test]
    fn finds_each_entry_by_its_code_and_nothing_else() {
        for entry in CATALOGUE {
            assert_eq!(lookup(entry.code), Some(entry));
        }
        for code in [0, -1, 1, 399, 4007, 5001, i64::MIN, i64::MAX] {
            assert_eq!(lookup(code), None, "{code}");
        }
    }

    #[test]
    fn texts_keep_the_house_style() {
        for entry in CATALOGUE {
            for (en, zh) in texts(entry) {
                let code = entry.code;
                assert!(
                    en.starts_with(|c: char| c.is_ascii_lowercase()),
                    "{code}: {en}"
                );
                assert!(en.is_ascii(), "{code}: {en}");
                assert!(
                    zh.chars().any(|c| ('\u{4e00}'..='\u{9fff}').contains(&c)),
                    "{code}: {zh}"
                );
                for text in [en, zh] {
                    assert!(
                        !text.trim().is_empty() && text.trim() == text,
                        "{code}: {text:?}"
                    );
                    assert!(!text.ends_with(['.', '。', '!', '！']), "{code}: {text}");
                    assert!(text.chars().count() <= 200, "{code}: {text}");
                }
            }
        }
    }

    #[test]
    fn status_fits_the_class() {
        for entry in CATALOGUE {
            let fits = match entry.class {
                Class::Parameter => matches!(entry.http, 400 | 413),
                Class::Auth => entry.http == 401,
                Class::Permission => entry.http == 403,
                Class::NotFound => entry.http == 404,
                Class::Occupied => entry.http == 409,
                Class::Quota => matches!(entry.http, 402 | 429),
                Class::Rate => entry.http == 429,
                Class::Server => matches!(entry.http, 408 | 500 | 502 | 503 | 504),
            };
            assert!(
                fits,
                "{}: {} with HTTP {}",
                entry.code, entry.class, entry.http
            );
            assert!(
                lookup(entry.http.into()).is_some(),
                "{}: HTTP {}",
                entry.code,
                entry.http
            );
            if entry.code < 600 {
                assert_eq!(entry.code, i64::from(entry.http));
            }
        }
    }

    #[test]
    fn only_what_can_be_sent_again_unchanged_is_retryable() {
        let retryable: Vec<_> = CATALOGUE
            .iter()
            .filter(|e| e.retry.is_retryable())
            .map(|e| e.code)
            .collect();
        assert_eq!(
            retryable,
            [408, 429, 500, 502, 503, 504, 4009, 4013, 4016, 4020, 5000]
        );
    }
}
