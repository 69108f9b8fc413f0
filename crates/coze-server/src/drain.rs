//! Reads what a request still has after it was answered.
//!
//! A call can be refused before its body has been read. If the connection ended there, a client that
//! is still sending would learn of a broken connection and not of the refusal: the system throws away
//! an answer that is followed by unread bytes. So a small rest is read and forgotten; who has more to
//! send than that has to stop.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::body::{Body, HttpBody};
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use futures_util::{Stream, StreamExt, stream};
use http::header::EXPECT;

/// The most that is read.
const LIMIT: usize = 1024 * 1024;
/// How long the whole of it may take.
const PATIENCE: Duration = Duration::from_secs(2);

/// Answers, and then reads the rest of the request.
pub(crate) async fn after_answer(request: Request, next: Next) -> Response {
    // Who waits to be told to go on has sent nothing yet.
    if request.body().is_end_stream() || request.headers().contains_key(EXPECT) {
        return next.run(request).await;
    }
    let (parts, body) = request.into_parts();
    let data = Arc::new(Mutex::new(body.into_data_stream()));
    let lent = stream::poll_fn({
        let data = Arc::clone(&data);
        move |context| {
            let mut data = data.lock().unwrap_or_else(PoisonError::into_inner);
            data.poll_next_unpin(context)
        }
    });
    let request = Request::from_parts(parts, Body::from_stream(lent));
    let response = next.run(request).await;
    // Whoever still holds the body, as a task of the handler may, reads it.
    if let Some(data) = Arc::into_inner(data) {
        let data = data.into_inner().unwrap_or_else(PoisonError::into_inner);
        if !data.is_end_stream() {
            let _ = tokio::time::timeout(PATIENCE, forget(data)).await;
        }
    }
    response
}

async fn forget<E>(mut data: impl Stream<Item = Result<axum::body::Bytes, E>> + Unpin) {
    let mut left = LIMIT;
    while let Some(Ok(bytes)) = data.next().await {
        match left.checked_sub(bytes.len()) {
            Some(less) => left = less,
            None => return,
        }
    }
}
