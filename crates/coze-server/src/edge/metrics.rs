//! What is counted, and how Prometheus reads it.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::pin::Pin;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::response::Response;
use http_body::{Frame, SizeHint};

use crate::app::App;

/// Upper bounds of the classes of latencies, in microseconds and as they are written.
const BOUNDS: [(u64, &str); 12] = [
    (1_000, "0.001"),
    (2_500, "0.0025"),
    (5_000, "0.005"),
    (10_000, "0.01"),
    (25_000, "0.025"),
    (50_000, "0.05"),
    (100_000, "0.1"),
    (250_000, "0.25"),
    (500_000, "0.5"),
    (1_000_000, "1"),
    (5_000_000, "5"),
    (30_000_000, "30"),
];

/// The numbers of one server. Counting takes a lock that nobody holds for long, and no memory once
/// a row has been called.
#[derive(Debug, Default)]
pub(crate) struct Metrics {
    calls: RwLock<BTreeMap<(&'static str, Code), Arc<AtomicU64>>>,
    latencies: RwLock<BTreeMap<&'static str, Arc<Latency>>>,
    streams: AtomicI64,
    tokens_in: AtomicU64,
    tokens_out: AtomicU64,
    faults: AtomicU64,
    reloads: AtomicU64,
    failed_reloads: AtomicU64,
}

/// How a call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Code {
    /// With this code in the envelope.
    Envelope(i64),
    /// With this status, and an answer that is not the server's own.
    Http(u16),
}

#[derive(Debug, Default)]
struct Latency {
    /// Calls of each class, those that took longer last.
    classes: [AtomicU64; BOUNDS.len() + 1],
    micros: AtomicU64,
}

impl Metrics {
    /// A call was answered, or its stream has begun.
    pub(crate) fn call(
        &self,
        endpoint: &'static str,
        code: Option<i64>,
        http: u16,
        elapsed: Duration,
    ) {
        let code = code.map_or(Code::Http(http), Code::Envelope);
        cell(&self.calls, (endpoint, code)).fetch_add(1, Ordering::Relaxed);
        let latency = cell(&self.latencies, endpoint);
        let micros = u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX);
        let class = BOUNDS.partition_point(|(bound, _)| *bound < micros);
        if let Some(class) = latency.classes.get(class) {
            class.fetch_add(1, Ordering::Relaxed);
        }
        latency.micros.fetch_add(micros, Ordering::Relaxed);
    }

    /// A model has told what it used.
    pub(crate) fn tokens(&self, input: i64, output: i64) {
        let count = |tokens: i64| u64::try_from(tokens).unwrap_or(0);
        self.tokens_in.fetch_add(count(input), Ordering::Relaxed);
        self.tokens_out.fetch_add(count(output), Ordering::Relaxed);
    }

    pub(crate) fn fault(&self) {
        self.faults.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn reload(&self, done: bool) {
        let counter = if done {
            &self.reloads
        } else {
            &self.failed_reloads
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    /// The text that Prometheus reads.
    pub(crate) fn text(&self, app: &App) -> String {
        let mut out = Text(String::with_capacity(4096));
        out.one(
            "coze_up_seconds",
            "gauge",
            "Seconds since the start.",
            app.up(),
        );
        out.head("coze_build_info", "gauge", "The version.");
        out.line(
            "coze_build_info",
            &format!("version=\"{}\"", env!("CARGO_PKG_VERSION")),
            1,
        );
        out.head("coze_requests_total", "counter", "Calls by row and code.");
        let calls = self.calls.read().unwrap_or_else(PoisonError::into_inner);
        for ((row, code), count) in calls.iter() {
            let code = match code {
                Code::Envelope(code) => code.to_string(),
                Code::Http(status) => format!("http {status}"),
            };
            let labels = format!("row=\"{row}\",code=\"{code}\"");
            out.line(
                "coze_requests_total",
                &labels,
                count.load(Ordering::Relaxed),
            );
        }
        out.head(
            "coze_request_seconds",
            "histogram",
            "Time to the answer, or to the beginning of its stream.",
        );
        let latencies = self
            .latencies
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        for (row, latency) in latencies.iter() {
            latency.write(row, &mut out);
        }
        let load = |it: &AtomicU64| it.load(Ordering::Relaxed);
        let open = self.streams.load(Ordering::Relaxed);
        out.one("coze_streams_open", "gauge", "Streams that are open.", open);
        out.one(
            "coze_work_running",
            "gauge",
            "Chats and runs at work.",
            app.working(),
        );
        out.head(
            "coze_tokens_total",
            "counter",
            "Tokens that models told of.",
        );
        out.line(
            "coze_tokens_total",
            "direction=\"input\"",
            load(&self.tokens_in),
        );
        out.line(
            "coze_tokens_total",
            "direction=\"output\"",
            load(&self.tokens_out),
        );
        out.one(
            "coze_faults_total",
            "counter",
            "Faults that were asked for.",
            load(&self.faults),
        );
        out.head(
            "coze_reloads_total",
            "counter",
            "Readings of coze.yaml after the first.",
        );
        out.line("coze_reloads_total", "result=\"done\"", load(&self.reloads));
        out.line(
            "coze_reloads_total",
            "result=\"failed\"",
            load(&self.failed_reloads),
        );
        out.0
    }
}

impl Latency {
    fn write(&self, row: &str, out: &mut Text) {
        let mut sum = 0;
        let bounds = BOUNDS.iter().map(|it| it.1).chain(["+Inf"]);
        for (class, bound) in self.classes.iter().zip(bounds) {
            sum += class.load(Ordering::Relaxed);
            let labels = format!("row=\"{row}\",le=\"{bound}\"");
            out.line("coze_request_seconds_bucket", &labels, sum);
        }
        let labels = format!("row=\"{row}\"");
        let micros = self.micros.load(Ordering::Relaxed);
        let seconds = format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000);
        out.line("coze_request_seconds_sum", &labels, seconds);
        out.line("coze_request_seconds_count", &labels, sum);
    }
}

struct Text(String);

impl Text {
    fn head(&mut self, name: &str, kind: &str, help: &str) {
        // Writing to a string cannot fail.
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    fn line(&mut self, name: &str, labels: &str, value: impl std::fmt::Display) {
        let _ = writeln!(self.0, "{name}{{{labels}}} {value}");
    }

    fn one(&mut self, name: &str, kind: &str, help: &str, value: impl std::fmt::Display) {
        self.head(name, kind, help);
        let _ = writeln!(self.0, "{name} {value}");
    }
}

/// The cell of a key; made when it is asked for the first time.
fn cell<K: Ord + Copy, V: Default>(map: &RwLock<BTreeMap<K, Arc<V>>>, key: K) -> Arc<V> {
    let read = map.read().unwrap_or_else(PoisonError::into_inner);
    if let Some(found) = read.get(&key) {
        return Arc::clone(found);
    }
    drop(read);
    let mut write = map.write().unwrap_or_else(PoisonError::into_inner);
    Arc::clone(write.entry(key).or_default())
}

/// A stream that counts as open until its body is gone.
pub(super) fn counted(app: &App, response: Response) -> Response {
    let open = Open::new(app);
    response.map(|body| Body::new(Counted { body, _open: open }))
}

struct Counted {
    body: Body,
    _open: Open,
}

impl http_body::Body for Counted {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

struct Open(App);

impl Open {
    fn new(app: &App) -> Self {
        app.metrics.streams.fetch_add(1, Ordering::Relaxed);
        Self(app.clone())
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.metrics.streams.fetch_sub(1, Ordering::Relaxed);
    }
}
