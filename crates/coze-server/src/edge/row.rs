//! Which row a call is for.

use std::sync::OnceLock;

use coze_types::Info;

struct Pattern {
    info: &'static Info,
    parts: Vec<&'static str>,
    /// Parts that are no parameters; the more, the better the row fits.
    fixed: usize,
}

/// The row of a method and a path. Where no row has both, the one that has the path: some rows are
/// served for another method too.
pub(crate) fn of(method: &str, path: &str) -> Option<&'static Info> {
    static PATTERNS: OnceLock<Vec<Pattern>> = OnceLock::new();
    let patterns = PATTERNS.get_or_init(|| {
        let pattern = |row: &'static Info| {
            let parts: Vec<_> = row.path.split('/').collect();
            Pattern {
                info: row,
                fixed: parts.iter().filter(|it| !it.starts_with('{')).count(),
                parts,
            }
        };
        coze_types::endpoints().map(pattern).collect()
    });
    let found = patterns.iter().filter(|it| it.fits(path));
    let best = found.max_by_key(|it| (it.info.method.as_str() == method, it.fixed))?;
    Some(best.info)
}

impl Pattern {
    fn fits(&self, path: &str) -> bool {
        let mut given = path.split('/');
        let fits = self.parts.iter().all(|part| match given.next() {
            Some(given) => part == &given || (part.starts_with('{') && !given.is_empty()),
            None => false,
        });
        fits && given.next().is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_have_their_row() {
        fn check(method: &str, path: &str, expected: Option<&str>) {
            assert_eq!(
                of(method, path).map(|it| it.name),
                expected,
                "{method} {path}"
            );
        }
        check("POST", "/v3/chat", Some("StartChat"));
        check("POST", "/v3/chat/retrieve", Some("RetrieveChat"));
        check("GET", "/v1/bots/75", Some("RetrieveBot"));
        check("GET", "/v1/users/me", Some("RetrieveMe"));
        check("GET", "/v1/bots/", None);
        check("GET", "/v9/nothing", None);
    }

    #[test]
    fn every_row_finds_itself() {
        for row in coze_types::endpoints() {
            let path = row.path.replace(['{', '}'], "");
            assert_eq!(
                of(row.method.as_str(), &path).map(|it| it.name),
                Some(row.name),
                "{path}"
            );
        }
    }
}
