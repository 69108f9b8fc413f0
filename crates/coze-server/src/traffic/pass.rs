//! Sends calls on to another server and gives its answers back as they come.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant, SystemTime};

use axum::BoxError;
use axum::body::{Body, Bytes};
use axum::response::Response;
use futures_util::Stream;
use futures_util::stream::BoxStream;
use http::HeaderMap;
use http::header::{ACCEPT_ENCODING, CONTENT_LENGTH, HOST, HeaderValue};
use reqwest::{Client, Url};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

use crate::edge::X_COZE_FAULT;
use crate::fail::Fail;

use super::exchange::{
    Asked, Chunk, End, Exchange, FORMAT, Headers, RequestPart, ResponsePart, is_of_connection,
};
use super::recorder::Recorder;
use super::redact::Secrets;

const CONNECT: Duration = Duration::from_secs(10);

/// The other server.
#[derive(Debug)]
pub(super) struct Upstream {
    base: String,
    client: Client,
}

impl Upstream {
    pub(super) fn new(base: &str) -> Result<Self, String> {
        let fail = |why: &dyn std::fmt::Display| format!("the upstream {base:?}: {why}");
        let url = Url::parse(base).map_err(|error| fail(&error))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(fail(&"it must begin with http:// or https://"));
        }
        let client = Client::builder()
            .connect_timeout(CONNECT)
            // What the other server says is for the caller to follow.
            .redirect(reqwest::redirect::Policy::none())
            .no_gzip()
            .no_brotli()
            .build()
            .map_err(|error| fail(&error))?;
        Ok(Self {
            base: base.trim_end_matches('/').to_owned(),
            client,
        })
    }

    /// Sends a call on. The answer is given as it comes, and written down when it has ended.
    pub(super) async fn pass(
        &self,
        asked: Asked,
        body: Body,
        recorder: Option<Arc<Recorder>>,
        stop: CancellationToken,
    ) -> Result<Response, Fail> {
        let begun = Instant::now();
        let number = recorder.as_ref().map(|it| it.number());
        let path = asked.uri.path_and_query().map_or("/", |it| it.as_str());
        let url = format!("{}{path}", self.base);
        let request = self
            .client
            .request(asked.method.clone(), url)
            .headers(sent(&asked.headers))
            .body(reqwest::Body::wrap_stream(body.into_data_stream()));
        let answer = request.send().await.map_err(|error| {
            tracing::warn!(%error, "the upstream does not answer");
            let why = format!("the upstream {} does not answer", self.base);
            Fail::new(5000, why).with_http(502)
        })?;
        let mut response = Response::new(Body::empty());
        *response.status_mut() = answer.status();
        for (name, value) in answer.headers() {
            if !is_of_connection(answer.headers(), name.as_str()) {
                response.headers_mut().append(name, value.clone());
            }
        }
        let written = recorder.zip(number).map(|(recorder, number)| Written {
            recorder,
            number,
            request: asked.part(),
            secrets: asked.secrets,
            status: answer.status().as_u16(),
            streamed: crate::edge::is_event_stream(&response),
            headers: answer.headers().clone(),
            after: begun.elapsed(),
            begun: Instant::now(),
            chunks: Vec::new(),
            end: End::Left,
        });
        *response.body_mut() = Body::from_stream(Passing {
            bytes: Box::pin(answer.bytes_stream()),
            stopped: Box::pin(stop.cancelled_owned()),
            written,
        });
        Ok(response)
    }
}

/// What the other server is sent. Recordings are to be read, so nothing comes compressed.
fn sent(headers: &HeaderMap) -> HeaderMap {
    let mut sent = HeaderMap::new();
    for (name, value) in headers {
        let own = [HOST, ACCEPT_ENCODING, X_COZE_FAULT].contains(name);
        if !own && !is_of_connection(headers, name.as_str()) {
            sent.append(name, value.clone());
        }
    }
    if sent.get(CONTENT_LENGTH).is_some_and(|it| it == "0") {
        sent.remove(CONTENT_LENGTH);
    }
    sent.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    sent
}

/// An answer on its way to the caller.
struct Passing {
    bytes: BoxStream<'static, reqwest::Result<Bytes>>,
    /// This server ends.
    stopped: Pin<Box<WaitForCancellationFutureOwned>>,
    written: Option<Written>,
}

impl Stream for Passing {
    type Item = Result<Bytes, BoxError>;

    fn poll_next(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, BoxError>>> {
        if self.stopped.as_mut().poll(context).is_ready() {
            // What came so far is written down while there is somebody to do it.
            self.written = None;
            let stopped: std::io::Error = std::io::ErrorKind::ConnectionAborted.into();
            return Poll::Ready(Some(Err(stopped.into())));
        }
        let next = self.bytes.as_mut().poll_next(context);
        if let (Poll::Ready(next), Some(written)) = (&next, &mut self.written) {
            match next {
                Some(Ok(bytes)) => written.chunk(bytes),
                Some(Err(_)) => written.end = End::Cut,
                None => written.end = End::Complete,
            }
            if !matches!(next, Some(Ok(_))) {
                // Dropping it writes it.
                self.written = None;
            }
        }
        next.map(|next| next.map(|bytes| bytes.map_err(Into::into)))
    }
}

/// What is being written down; it is given to the recorder when nothing more can come.
struct Written {
    recorder: Arc<Recorder>,
    number: u64,
    request: RequestPart,
    secrets: Secrets,
    status: u16,
    streamed: bool,
    headers: HeaderMap,
    after: Duration,
    begun: Instant,
    chunks: Vec<(f64, Bytes)>,
    end: End,
}

impl Written {
    fn chunk(&mut self, bytes: &Bytes) {
        self.chunks
            .push((millis(self.begun.elapsed()), bytes.clone()));
    }
}

impl Drop for Written {
    fn drop(&mut self) {
        let mut chunks = std::mem::take(&mut self.chunks);
        // Nobody asks for more when all that was announced has come.
        let length: usize = chunks.iter().map(|it| it.1.len()).sum();
        let announced = self.headers.get(CONTENT_LENGTH);
        if announced.is_some_and(|it| it.as_bytes() == length.to_string().as_bytes()) {
            self.end = End::Complete;
        }
        if !self.streamed && chunks.len() > 1 {
            let at = chunks.last().map_or(0.0, |it| it.0);
            let whole: Vec<&[u8]> = chunks.iter().map(|it| it.1.as_ref()).collect();
            chunks = vec![(at, whole.concat().into())];
        }
        if let ([(_, body)], false) = (chunks.as_slice(), self.streamed) {
            self.secrets.learn(body);
        }
        let pieces: Vec<&[u8]> = chunks.iter().map(|it| it.1.as_ref()).collect();
        let pieces = self.secrets.pieces(&pieces);
        let times = chunks.iter().map(|it| it.0);
        let headers: Headers = self.secrets.headers(&self.headers);
        let exchange = Exchange {
            format: FORMAT.to_owned(),
            recorded_at: httpdate::fmt_http_date(SystemTime::now()),
            request: self.request.clone(),
            response: ResponsePart {
                status: self.status,
                headers,
                after_ms: millis(self.after),
                chunks: times
                    .zip(pieces)
                    .map(|(at, bytes)| Chunk::new(at, &bytes))
                    .collect(),
                end: self.end,
            },
        };
        self.recorder.keep(self.number, exchange);
    }
}

/// With three digits, which is as exact as a network is.
fn millis(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e6).round() / 1e3
}
