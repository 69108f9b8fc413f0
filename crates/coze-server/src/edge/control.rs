//! `/_local/…`: faults, the clock and the store of a server that tests run against. They are off
//! unless the server was started with them: whoever may call could otherwise break it for others.

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::{any, delete, get, post};
use coze_types::Data;
use http::HeaderMap;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::app::App;
use crate::fail::Fail;
use crate::ids::log_id;
use crate::{auth, call};

use super::rules::FaultRule;

pub(super) fn router(app: App) -> Router {
    let routes = Router::new();
    let routes = if app.faults_allowed {
        routes
            .route("/_local", get(describe))
            .route("/_local/faults", get(faults).post(add_fault).delete(clear))
            .route("/_local/faults/{id}", delete(remove))
            .route("/_local/clock", get(clock).post(advance))
            .route("/_local/reset", post(reset))
            .route("/_local/{*rest}", any(unknown))
    } else {
        routes
            .route("/_local", any(off))
            .route("/_local/{*rest}", any(off))
    };
    routes.with_state(app)
}

/// Lets a call in as every other one, and answers in the envelope.
async fn answer<F>(app: &App, headers: &HeaderMap, work: impl FnOnce() -> F) -> Response
where
    F: Future<Output = Result<Value, Fail>>,
{
    let log_id = log_id(app.ids.next());
    let result = async {
        auth::admit_operator(app, headers).await?;
        let data = work().await?;
        call::encode(app, &log_id, &Data { data })
    };
    call::finish(app, &log_id, "control", result.await)
}

fn read<T: DeserializeOwned>(body: &Bytes) -> Result<T, Fail> {
    let mut reader = serde_json::Deserializer::from_slice(body);
    serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let path = error.path().to_string();
        let field = if path == "." { "body" } else { &path };
        Fail::invalid(field, error.inner()).with_http(400)
    })
}

async fn describe(State(app): State<App>, headers: HeaderMap) -> Response {
    answer(&app, &headers, || async {
        Ok(json!({
            "version": env!("CARGO_PKG_VERSION"),
            "uptime_seconds": app.up(),
            "working": app.working(),
            "now": app.now(),
            "ahead_seconds": app.clock.ahead(),
            "faults": app.faults.shown().len(),
        }))
    })
    .await
}

async fn faults(State(app): State<App>, headers: HeaderMap) -> Response {
    answer(&app, &headers, || async {
        Ok(json!({"faults": app.faults.shown()}))
    })
    .await
}

async fn add_fault(State(app): State<App>, headers: HeaderMap, body: Bytes) -> Response {
    answer(&app, &headers, || async {
        let rule: FaultRule = read(&body)?;
        if let Some((key, why)) = rule.problem() {
            return Err(Fail::invalid(key, why).with_http(400));
        }
        Ok(json!({"id": app.faults.add(rule)}))
    })
    .await
}

async fn clear(State(app): State<App>, headers: HeaderMap) -> Response {
    answer(&app, &headers, || async {
        Ok(json!({"removed": app.faults.remove(None)}))
    })
    .await
}

async fn remove(State(app): State<App>, headers: HeaderMap, Path(id): Path<String>) -> Response {
    answer(&app, &headers, || async {
        let number = id.parse().ok();
        let removed = number.map_or(0, |id| app.faults.remove(Some(id)));
        if removed == 0 {
            return Err(Fail::new(4200, format!("there is no fault {id:?}")).with_http(404));
        }
        Ok(json!({"removed": removed}))
    })
    .await
}

async fn clock(State(app): State<App>, headers: HeaderMap) -> Response {
    answer(&app, &headers, || async { Ok(time(&app)) }).await
}

async fn advance(State(app): State<App>, headers: HeaderMap, body: Bytes) -> Response {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Body {
        advance_seconds: u64,
    }
    answer(&app, &headers, || async {
        let body: Body = read(&body)?;
        app.clock.advance(body.advance_seconds);
        Ok(time(&app))
    })
    .await
}

fn time(app: &App) -> Value {
    json!({"now": app.now(), "ahead_seconds": app.clock.ahead()})
}

async fn reset(State(app): State<App>, headers: HeaderMap) -> Response {
    answer(&app, &headers, || async {
        app.reset().await?;
        Ok(time(&app))
    })
    .await
}

async fn unknown(State(app): State<App>, headers: HeaderMap, uri: http::Uri) -> Response {
    answer(&app, &headers, || async {
        let msg = format!(
            "there is nothing at {}; there are /_local, /_local/faults, /_local/clock and \
             /_local/reset",
            uri.path()
        );
        Err(Fail::new(404, msg).with_http(404))
    })
    .await
}

async fn off(State(app): State<App>) -> Response {
    let msg = "the control endpoints are off; start the server with --faults to have them";
    let fail = Fail::new(404, msg).with_http(404);
    call::finish(&app, &log_id(app.ids.next()), "control", Err(fail))
}
