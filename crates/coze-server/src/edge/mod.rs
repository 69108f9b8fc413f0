//! What stands around the routes, which know nothing of it: each call is counted, timed and told to
//! the log here, and faults that were asked for happen here.

mod control;
mod damage;
mod fault;
mod frames;
mod health;
mod metrics;
mod row;
mod rules;
mod wire;

use std::time::Instant;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER};
use http::{HeaderMap, StatusCode};

use crate::app::App;
use crate::call::{Outcome, finish};
use crate::fail::Fail;
use crate::ids::log_id;

use fault::Refusal;

pub(crate) use damage::is_event_stream;
pub use fault::{Fault, FaultError};
pub(crate) use metrics::Metrics;
pub(crate) use row::of as row;
pub use rules::FaultRule;
pub(crate) use rules::Rules;
pub(crate) use wire::{Line, Wire};

/// A request names its fault in it; an answer with a fault names it too.
pub(crate) const X_COZE_FAULT: HeaderName = HeaderName::from_static("x-coze-fault");

/// The routes with all that stands around them.
pub(crate) fn around(app: &App, routes: Router) -> Router {
    routes
        .layer(from_fn_with_state(app.clone(), call))
        .merge(health::router(app.clone()))
        .merge(control::router(app.clone()))
}

/// The path of every call.
async fn call(State(app): State<App>, request: Request, next: Next) -> Response {
    let begun = Instant::now();
    let response = match asked(&app, &request) {
        Ok(None) => next.run(request).await,
        Ok(Some(fault)) => faulty(&app, &fault, request, next).await,
        Err(fail) => finish(&app, &log_id(app.ids.next()), "unknown", Err(fail)),
    };
    let elapsed = begun.elapsed();
    let outcome = response.extensions().get::<Outcome>();
    let endpoint = outcome.map_or("unknown", |it| it.endpoint);
    let code = outcome.and_then(|it| it.code);
    let http = response.status().as_u16();
    app.metrics.call(endpoint, code, http, elapsed);
    if tracing::enabled!(tracing::Level::INFO) {
        tell(&response, endpoint, code, elapsed.as_secs_f64() * 1000.0);
    }
    if damage::is_event_stream(&response) {
        return metrics::counted(&app, response);
    }
    response
}

/// One line for a call, without anything of its content.
fn tell(response: &Response, endpoint: &str, code: Option<i64>, ms: f64) {
    let log_id = response.headers().get(crate::call::X_TT_LOGID);
    let log_id = log_id.and_then(|it| it.to_str().ok()).unwrap_or_default();
    let http = response.status().as_u16();
    match code {
        Some(0) => tracing::debug!(endpoint, log_id, http, ms, "answered"),
        Some(code) => tracing::info!(endpoint, log_id, http, code, ms, "refused"),
        None => tracing::debug!(endpoint, log_id, http, ms, "passed on"),
    }
}

/// The fault that is to happen to a call: that of its header, or of a rule.
fn asked(app: &App, request: &Request) -> Result<Option<Fault>, Fail> {
    if app.faults_allowed
        && let Some(text) = request.headers().get(X_COZE_FAULT)
    {
        let text = String::from_utf8_lossy(text.as_bytes());
        let fault = text.parse::<Fault>();
        return fault
            .map(Some)
            .map_err(|why| Fail::invalid("the header X-Coze-Fault", why).with_http(400));
    }
    if app.faults.is_empty() {
        return Ok(None);
    }
    let (method, path) = (request.method().as_str(), request.uri().path());
    let row = row::of(method, path).map_or("", |it| it.name);
    Ok(app.faults.pick(row, method, path).map(|(id, fault)| {
        tracing::info!(row, rule = id, %fault, "a fault happens");
        fault
    }))
}

async fn faulty(app: &App, fault: &Fault, request: Request, next: Next) -> Response {
    app.metrics.fault();
    if let Some(delay) = fault.delay {
        tokio::select! {
            () = tokio::time::sleep(delay) => {}
            () = app.stop.cancelled() => {}
        }
    }
    let wire = request.extensions().get::<Wire>().cloned();
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let mut response = match (&fault.refusal, fault.lost) {
        (None, None) => next.run(request).await,
        (refusal, lost) => {
            if fault.done {
                drop(next.run(request).await);
            }
            if let (Some(lost), Some(wire)) = (lost, &wire) {
                wire.lose(lost);
                // Nobody will see it: the connection ends when it is to be written.
                return Response::new(Body::empty());
            }
            let row = row::of(method.as_str(), &path).map_or("unknown", |it| it.name);
            let refusal = refusal.clone().unwrap_or_default();
            refused(app, row, fault, &refusal)
        }
    };
    if !fault.damage.is_empty() {
        response = damage::apply(response, &fault.damage, wire, &app.stop);
    }
    if let Ok(name) = HeaderValue::from_bytes(fault.to_string().as_bytes()) {
        response.headers_mut().insert(X_COZE_FAULT, name);
    }
    response
}

fn refused(app: &App, row: &'static str, fault: &Fault, refusal: &Refusal) -> Response {
    let msg = refusal.msg.clone();
    let msg = msg.unwrap_or_else(|| format!("this failure was asked for: {fault}"));
    let code = refusal.code.unwrap_or(match refusal.http {
        Some(200..=299) => 0,
        Some(400 | 405 | 413 | 415 | 422) => 4000,
        Some(401) => 4100,
        Some(403) => 4101,
        Some(404) => 4200,
        Some(429) => 4013,
        _ => 5000,
    });
    let mut fail = Fail::new(code, msg);
    fail.http = refusal.http;
    let mut response = finish(app, &log_id(app.ids.next()), row, Err(fail));
    if refusal.page {
        let status = response.status();
        *response.body_mut() = Body::from(page(status));
        let html = HeaderValue::from_static("text/html; charset=utf-8");
        response.headers_mut().insert(CONTENT_TYPE, html);
    }
    retry_after(response.headers_mut(), refusal);
    response
}

fn retry_after(headers: &mut HeaderMap, refusal: &Refusal) {
    let text = refusal.retry_after.as_deref().unwrap_or_default();
    if let Ok(value) = HeaderValue::from_str(text)
        && !text.is_empty()
    {
        headers.insert(RETRY_AFTER, value);
    }
}

/// What a machine in between would answer.
fn page(status: StatusCode) -> String {
    format!(
        "<html>\r\n<head><title>{status}</title></head>\r\n<body>\r\n<center><h1>{status}</h1></center>\
         \r\n</body>\r\n</html>\r\n"
    )
}
