//! Answers from what was recorded.

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::response::Response;
use http::StatusCode;
use http::header::{HeaderName, HeaderValue};
use tokio::time::Instant;

use super::exchange::{Asked, End, Exchange, load};
use super::matching;

/// Names the file that an answer comes from.
const X_COZE_REPLAY: HeaderName = HeaderName::from_static("x-coze-replay");

/// See the module.
pub(super) struct Recordings {
    all: Vec<Recording>,
    /// The places of the exchanges with the same request, in the order of their files.
    same: HashMap<String, Vec<usize>>,
    /// How many of them were given already.
    given: Mutex<HashMap<String, usize>>,
    speed: f64,
}

struct Recording {
    name: String,
    exchange: Arc<Exchange>,
}

impl Recordings {
    pub(super) fn load(folder: &Path, speed: f64) -> Result<Self, String> {
        if !speed.is_finite() || speed < 0.0 {
            return Err(format!("the speed {speed} is not 0 or more"));
        }
        let fail = |error: std::io::Error| format!("{}: {error}", folder.display());
        let mut paths = Vec::new();
        for entry in fs::read_dir(folder).map_err(fail)? {
            let path = entry.map_err(fail)?.path();
            if path.extension().is_some_and(|it| it == "json") {
                paths.push(path);
            }
        }
        if paths.is_empty() {
            return Err(format!("{}: there are no recordings", folder.display()));
        }
        paths.sort();
        let (mut all, mut same) = (Vec::new(), HashMap::<String, Vec<usize>>::new());
        for path in paths {
            let exchange = load(&path)?;
            let key = matching::key(&exchange.request);
            same.entry(key).or_default().push(all.len());
            let name = path.file_name().unwrap_or_default();
            all.push(Recording {
                name: name.to_string_lossy().into_owned(),
                exchange: Arc::new(exchange),
            });
        }
        Ok(Self {
            all,
            same,
            given: Mutex::default(),
            speed,
        })
    }

    /// The answer to a call: the first time that of the first recording, and so on. Reads get the
    /// last one again and again.
    ///
    /// # Errors
    /// Why there is none, and which recording is nearest.
    pub(super) fn answer(&self, asked: &Asked, is_read: bool) -> Result<Response, String> {
        let part = asked.part();
        let key = matching::key(&part);
        let Some(same) = self.same.get(&key) else {
            let what = format!("{} {}", part.method, part.path);
            let distance = |it: &&Recording| matching::distance(&part, &it.exchange.request);
            return Err(match self.all.iter().min_by_key(distance) {
                None => format!("{what} was not recorded"),
                Some(nearest) => format!(
                    "{what} was not recorded so; the nearest is {}: {}",
                    nearest.name,
                    matching::difference(&part, &nearest.exchange.request)
                ),
            });
        };
        let number = {
            let mut given = self.given.lock().unwrap_or_else(PoisonError::into_inner);
            let number = given.entry(key).or_insert(0);
            *number += 1;
            *number - 1
        };
        let last = same.len() - 1;
        if number > last && !is_read {
            return Err(format!(
                "{} {} was recorded {} times, and this is call {}",
                part.method,
                part.path,
                same.len(),
                number + 1
            ));
        }
        let place = same.get(number.min(last)).copied().unwrap_or(0);
        match self.all.get(place) {
            Some(recording) => Ok(replay(recording, self.speed)),
            None => Err("the recording is gone".to_owned()),
        }
    }
}

fn replay(recording: &Recording, speed: f64) -> Response {
    let exchange = Arc::clone(&recording.exchange);
    let answer = &exchange.response;
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::BAD_GATEWAY);
    for (name, values) in &answer.headers {
        for value in values {
            let name = HeaderName::from_bytes(name.as_bytes());
            let value = HeaderValue::from_bytes(value.as_bytes());
            if let (Ok(name), Ok(value)) = (name, value) {
                response.headers_mut().append(name, value);
            }
        }
    }
    if let Ok(name) = HeaderValue::from_str(&recording.name) {
        response.headers_mut().insert(X_COZE_REPLAY, name);
    }
    let state = Replayed {
        exchange,
        next: 0,
        begun: Instant::now(),
        speed,
    };
    *response.body_mut() = Body::from_stream(futures_util::stream::unfold(
        state,
        |mut state| async move {
            let next = state.next().await?;
            Some((next, state))
        },
    ));
    response
}

struct Replayed {
    exchange: Arc<Exchange>,
    next: usize,
    begun: Instant,
    speed: f64,
}

impl Replayed {
    async fn next(&mut self) -> Option<std::io::Result<Bytes>> {
        let answer = &self.exchange.response;
        let Some(chunk) = answer.chunks.get(self.next) else {
            let complete = answer.end == End::Complete || self.next > answer.chunks.len();
            self.next += 1;
            if complete {
                return None;
            }
            // What came before has to be on its way.
            tokio::time::sleep(Duration::from_millis(25)).await;
            return Some(Err(std::io::ErrorKind::ConnectionAborted.into()));
        };
        self.next += 1;
        if self.speed > 0.0 {
            let at = (answer.after_ms + chunk.at_ms) / self.speed / 1000.0;
            let at = Duration::try_from_secs_f64(at).unwrap_or_default();
            tokio::time::sleep_until(self.begun + at).await;
        }
        // Checked when it was read.
        Some(Ok(chunk.bytes().unwrap_or_default()))
    }
}
