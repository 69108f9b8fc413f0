//! A connection that a fault can reset.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use super::fault::Lost;

/// A connection.
pub(crate) struct Line {
    stream: TcpStream,
    wire: Wire,
}

/// What a request can do to the connection it came on.
#[derive(Debug, Clone, Default)]
pub(crate) struct Wire {
    lost: Arc<AtomicU8>,
}

const CUT: u8 = 1;
const RESET: u8 = 2;

impl Wire {
    /// From now on the connection counts as broken: it ends as soon as the server touches it.
    pub(crate) fn lose(&self, how: Lost) {
        let how = match how {
            Lost::Cut => CUT,
            Lost::Reset => RESET,
        };
        self.lost.store(how, Ordering::Relaxed);
    }
}

impl Line {
    pub(crate) fn new(stream: TcpStream) -> Self {
        let wire = Wire::default();
        Self { stream, wire }
    }

    /// For the requests that come on it.
    pub(crate) fn wire(&self) -> Wire {
        self.wire.clone()
    }

    /// Fails when the connection is to end.
    fn check(&self) -> io::Result<()> {
        match self.wire.lost.load(Ordering::Relaxed) {
            CUT => Err(io::ErrorKind::ConnectionAborted.into()),
            RESET => Err(io::ErrorKind::ConnectionReset.into()),
            _ => Ok(()),
        }
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        if self.wire.lost.load(Ordering::Relaxed) == RESET
            // Without lingering, what is closed is reset.
            && let Err(error) = self.stream.set_zero_linger()
        {
            tracing::debug!(%error, "a connection could not be reset");
        }
    }
}

impl AsyncRead for Line {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.check()?;
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Line {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.check()?;
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.check()?;
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.check()?;
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.check()?;
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
