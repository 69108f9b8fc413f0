//! What is shown of a failure. The token, and a proxy's password, are in none of it: not in the
//! error, and not in the traces and logs of this crate and of those below it.

use std::error::Error as _;
use std::io::Write;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, Once};

use coze_api::Error;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::fmt::format::FmtSpan;

/// What must not be shown: the tests' token, and the password of their proxies.
const SECRETS: [&str; 2] = ["pat_secret", "hunter2"];

/// Lines that showed one.
static LEAKS: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// How many lines were looked at.
static LINES: AtomicUsize = AtomicUsize::new(0);

/// From now on, every line that is traced or logged by any test is looked at.
pub(crate) fn watch() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(LevelFilter::TRACE)
            .with_span_events(FmtSpan::CLOSE)
            .with_ansi(false)
            .with_writer(|| Lines)
            .finish();
        tracing::subscriber::set_global_default(subscriber).unwrap();
        log::set_logger(&Lines).unwrap();
        log::set_max_level(log::LevelFilter::Trace);
    });
}

struct Lines;

impl Lines {
    fn look_at(line: &str) {
        LINES.fetch_add(1, Ordering::Relaxed);
        if SECRETS.iter().any(|secret| line.contains(secret)) {
            LEAKS.lock().unwrap().push(line.to_owned());
        }
    }
}

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        Self::look_at(&String::from_utf8_lossy(bytes));
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl log::Log for Lines {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }
    fn log(&self, record: &log::Record<'_>) {
        Self::look_at(&format!("{}: {}", record.target(), record.args()));
    }
    fn flush(&self) {}
}

/// The text of an error, after a look at all that was shown.
pub(crate) fn shown(error: &Error) -> String {
    let text = error.to_string();
    let mut all = format!("{text}\n{error:?}\n{error:#?}");
    let mut source = error.source();
    while let Some(error) = source {
        all += &format!("\n{error}\n{error:?}");
        source = error.source();
    }
    for secret in SECRETS {
        assert!(!all.contains(secret), "{all}");
    }
    assert!(!text.contains('\n'), "{text}");
    assert_eq!(*LEAKS.lock().unwrap(), [""; 0]);
    text
}

/// The error of a call that cannot succeed.
pub(crate) fn failure<T: std::fmt::Debug>(result: Result<T, Error>) -> Error {
    let error = result.unwrap_err();
    shown(&error);
    error
}

#[tokio::test]
async fn what_is_traced_and_logged_is_looked_at() {
    watch();
    let before = LINES.load(Ordering::Relaxed);
    let coze = coze_api::Coze::builder().token("pat_secret");
    let coze = coze.base_url("http://127.0.0.1:1").build().unwrap();
    failure(coze.me().await);
    assert!(LINES.load(Ordering::Relaxed) > before);
}
