//! Connections: taking them in, serving HTTP on them, ending those on which nothing moves.
//!
//! A stranger can hold a connection, a head, a body or an answer up. Each of these has a limit
//! ([`Limits`]), and none holds more than a small buffer while it waits.

mod incoming;
mod patience;

use std::convert::Infallible;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use http::Request;
use http::header::EXPECT;
use hyper::body::Body as _;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower_service::Service;

use crate::edge::Line;
use crate::limits::Limits;

use incoming::Incoming;
use patience::Patient;

pub(crate) use incoming::TooSlow;

/// The largest head of a request, and the most that a connection buffers.
const BUFFER: usize = 32 * 1024;
/// Connections that wait to be taken: a thousand clients may come at once.
const BACKLOG: u32 = 4096;
/// The pause after a connection could not be taken, for want of file handles for one.
const PAUSE: Duration = Duration::from_millis(100);

/// Takes the address.
pub(crate) fn bind(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4(),
        SocketAddr::V6(_) => TcpSocket::new_v6(),
    }?;
    // A server that was just stopped must not keep the next one from its port. On Windows the
    // same option would let two servers have one port.
    #[cfg(not(windows))]
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Serves until `closing`, then waits until every connection has ended.
pub(crate) async fn serve(
    listener: TcpListener,
    router: Router,
    limits: Limits,
    closing: CancellationToken,
) {
    let limits = Arc::new(limits);
    let room = Arc::new(Semaphore::new(
        limits.connections.min(Semaphore::MAX_PERMITS),
    ));
    let connections = TaskTracker::new();
    loop {
        let next = async {
            let permit = Arc::clone(&room).acquire_owned().await.ok()?;
            Some((accept(&listener).await, permit))
        };
        let next = tokio::select! {
            () = closing.cancelled() => break,
            next = next => next,
        };
        let Some((stream, permit)) = next else { break };
        let connection = Connection {
            router: router.clone(),
            limits: Arc::clone(&limits),
            closing: closing.clone(),
            _permit: permit,
        };
        connections.spawn(connection.serve(stream));
    }
    drop(listener);
    connections.close();
    connections.wait().await;
}

/// The next connection, however long it takes.
async fn accept(listener: &TcpListener) -> TcpStream {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => return stream,
            // The one that came has gone again; the next one need not.
            Err(error)
                if matches!(
                    error.kind(),
                    ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset
                ) => {}
            Err(error) => {
                tracing::error!(%error, "a connection could not be taken");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

struct Connection {
    router: Router,
    limits: Arc<Limits>,
    closing: CancellationToken,
    /// Its place among the connections.
    _permit: OwnedSemaphorePermit,
}

impl Connection {
    async fn serve(self, stream: TcpStream) {
        // Deltas are small and each one matters at once.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "TCP_NODELAY could not be set");
        }
        let mut builder = Builder::new(TokioExecutor::new());
        builder
            .http1()
            .timer(TokioTimer::new())
            .header_read_timeout(self.limits.head)
            .max_buf_size(BUFFER);
        builder
            .http2()
            .timer(TokioTimer::new())
            // Who does not answer this has gone.
            .keep_alive_interval(self.limits.head)
            .keep_alive_timeout(self.limits.head)
            .max_header_list_size(u32::try_from(BUFFER).unwrap_or(u32::MAX));
        let line = Line::new(stream);
        let wire = line.wire();
        let service = service_fn(|mut request: Request<_>| {
            request.extensions_mut().insert(wire.clone());
            answer(&self.router, &self.limits, request)
        });
        let line = TokioIo::new(Patient::new(line, &self.limits));
        let served = builder.serve_connection(line, service);
        let mut served = std::pin::pin!(served);
        let result = tokio::select! {
            result = served.as_mut() => result,
            () = self.closing.cancelled() => {
                served.as_mut().graceful_shutdown();
                served.await
            }
        };
        if let Err(error) = result {
            tracing::debug!(%error, "a connection ended");
        }
    }
}

/// The router's answer to a request whose body has to keep moving.
fn answer(
    router: &Router,
    limits: &Limits,
    request: Request<hyper::body::Incoming>,
) -> impl Future<Output = Result<Response, Infallible>> + use<> {
    let asks_first = request.headers().contains_key(EXPECT);
    let request = request.map(|body| match body.is_end_stream() {
        true => Body::empty(),
        false => Body::new(Incoming::new(body, limits, asks_first)),
    });
    // A router is ready at all times.
    router.clone().call(request)
}
