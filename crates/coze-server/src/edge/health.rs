//! `/healthz` and `/metrics`, for whoever runs the server. Neither needs a token or tells content.

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::StatusCode;
use http::header::CONTENT_TYPE;

use crate::app::App;
use crate::fail::Fail;

pub(super) fn router(app: App) -> Router {
    Router::new()
        .route("/healthz", get(health))
        .route("/metrics", get(metrics))
        .with_state(app)
}

/// Well as long as the store can be read and written, and nobody has told the server to stop.
async fn health(State(app): State<App>) -> Response {
    let (status, text) = if app.stop.is_cancelled() {
        (StatusCode::SERVICE_UNAVAILABLE, "stopping")
    } else {
        let wrote = app.db.write(|unit| Ok::<_, Fail>(unit.largest_id()?)).await;
        match wrote {
            Ok(_) => (StatusCode::OK, "ok"),
            Err(_) => (StatusCode::SERVICE_UNAVAILABLE, "the store does not work"),
        }
    };
    let body = format!("{{\"status\":\"{text}\"}}");
    (status, [(CONTENT_TYPE, "application/json")], body).into_response()
}

async fn metrics(State(app): State<App>) -> Response {
    let kind = "text/plain; version=0.0.4; charset=utf-8";
    ([(CONTENT_TYPE, kind)], app.metrics.text(&app)).into_response()
}
