//! A server in front of another one: what passes is recorded, or answered from what was recorded.
//!
//! Bytes and timing of an answer go through untouched. What is written down is without secrets
//! (`redact.rs`), in a form that people can read (`exchange.rs`).

mod exchange;
mod matching;
mod pass;
mod recorder;
mod redact;
mod replay;

use std::path::PathBuf;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::response::Response;

use crate::app::App;
use crate::call::{self, Outcome};
use crate::fail::Fail;
use crate::ids::log_id;

use exchange::Asked;
use pass::Upstream;
use replay::Recordings;

pub(crate) use recorder::Recorder;

/// How a server stands in front of another one.
#[derive(Debug, Clone, PartialEq)]
pub struct TrafficConfig {
    /// The other server, such as `https://api.coze.cn`.
    pub upstream: Option<String>,
    /// Where to write down what passes.
    pub record: Option<PathBuf>,
    /// Where what is to be answered was written down.
    pub replay: Option<PathBuf>,
    /// How fast recorded answers come: 1 as they came then, 2 twice as fast, 0 at once.
    pub speed: f64,
}

impl Default for TrafficConfig {
    fn default() -> Self {
        Self {
            upstream: None,
            record: None,
            replay: None,
            speed: 1.0,
        }
    }
}

/// What passes.
struct Traffic {
    app: App,
    recordings: Option<Recordings>,
    upstream: Option<Upstream>,
    recorder: Option<Arc<Recorder>>,
}

/// The routes of such a server: all calls take one way.
///
/// # Errors
/// What cannot be used, and why.
pub(crate) fn router(
    app: &App,
    config: &TrafficConfig,
) -> Result<(Router, Option<Arc<Recorder>>), String> {
    if config.replay.is_none() && config.upstream.is_none() {
        return Err("there is neither an upstream nor a folder to replay".to_owned());
    }
    if config.record.is_some() && config.upstream.is_none() {
        return Err("recording needs an upstream".to_owned());
    }
    let recordings = config.replay.as_deref();
    let recordings = recordings.map(|folder| Recordings::load(folder, config.speed));
    let upstream = config.upstream.as_deref().map(Upstream::new);
    let recorder = config.record.as_deref().map(Recorder::open);
    let recorder = recorder.transpose()?.map(Arc::new);
    let traffic = Traffic {
        app: app.clone(),
        recordings: recordings.transpose()?,
        upstream: upstream.transpose()?,
        recorder: recorder.clone(),
    };
    let router = Router::new().fallback(handle);
    Ok((router.with_state(Arc::new(traffic)), recorder))
}

async fn handle(State(traffic): State<Arc<Traffic>>, request: Request) -> Response {
    let app = &traffic.app;
    let info = crate::edge::row(request.method().as_str(), request.uri().path());
    let endpoint = info.map_or("unknown", |it| it.name);
    let (asked, body) = match Asked::read(request).await {
        Ok(read) => read,
        Err(fail) => return call::finish(app, &log_id(app.ids.next()), endpoint, Err(fail)),
    };
    let mut why = None;
    if let Some(recordings) = &traffic.recordings {
        match recordings.answer(&asked, info.is_some_and(coze_types::Info::is_read)) {
            Ok(response) => return counted(response, endpoint),
            Err(unknown) => why = Some(unknown),
        }
    }
    let answer = match &traffic.upstream {
        Some(upstream) => {
            let (recorder, stop) = (traffic.recorder.clone(), app.stop.clone());
            upstream.pass(asked, body, recorder, stop).await
        }
        // Strict: what was not recorded is not answered.
        None => Err(Fail::new(404, why.unwrap_or_default()).with_http(404)),
    };
    match answer {
        Ok(response) => counted(response, endpoint),
        Err(fail) => call::finish(app, &log_id(app.ids.next()), endpoint, Err(fail)),
    }
}

fn counted(mut response: Response, endpoint: &'static str) -> Response {
    let outcome = Outcome {
        endpoint,
        code: None,
    };
    response.extensions_mut().insert(outcome);
    response
}
