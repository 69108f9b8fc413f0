//! A connection that gives up on a peer which sends not even the beginning of a request, or takes
//! nothing of its answer.
//!
//! HTTP's own timers begin once it is known which version of HTTP is spoken, and none of them
//! looks at the reader.

use std::io::{Error, ErrorKind, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf, Result};
use tokio::time::{Sleep, sleep};

use crate::edge::Line;
use crate::limits::Limits;

/// The bytes that tell which version of HTTP is spoken.
const PREFACE: usize = 24;

pub(super) struct Patient {
    line: Line,
    /// Of the preface.
    read: usize,
    head: Duration,
    reader: Duration,
    /// Set until the preface is there, and while a write waits for the reader.
    first: Option<Pin<Box<Sleep>>>,
    stalled: Option<Pin<Box<Sleep>>>,
}

impl Patient {
    pub(super) fn new(line: Line, limits: &Limits) -> Self {
        Self {
            line,
            read: 0,
            head: limits.head,
            reader: limits.reader,
            first: None,
            stalled: None,
        }
    }

    /// The result of a write; an error when nothing could be written for too long.
    fn written<T>(
        &mut self,
        context: &mut Context<'_>,
        result: Poll<Result<T>>,
    ) -> Poll<Result<T>> {
        if result.is_ready() {
            self.stalled = None;
            return result;
        }
        expired(&mut self.stalled, self.reader, context)
    }
}

/// An error when the time is over, which begins when this is first asked.
fn expired<T>(
    timer: &mut Option<Pin<Box<Sleep>>>,
    time: Duration,
    context: &mut Context<'_>,
) -> Poll<Result<T>> {
    let timer = timer.get_or_insert_with(|| Box::pin(sleep(time)));
    let over = timer.as_mut().poll(context);
    over.map(|()| Err(Error::new(ErrorKind::TimedOut, "the peer does nothing")))
}

impl AsyncRead for Patient {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<Result<()>> {
        let before = buffer.filled().len();
        let this = &mut *self;
        let result = Pin::new(&mut this.line).poll_read(context, buffer);
        if this.read >= PREFACE {
            return result;
        }
        match result {
            Poll::Pending => expired(&mut this.first, this.head, context),
            Poll::Ready(result) => {
                this.read += buffer.filled().len() - before;
                if this.read >= PREFACE {
                    this.first = None;
                }
                Poll::Ready(result)
            }
        }
    }
}

impl AsyncWrite for Patient {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<Result<usize>> {
        let result = Pin::new(&mut self.line).poll_write(context, bytes);
        self.written(context, result)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[IoSlice<'_>],
    ) -> Poll<Result<usize>> {
        let result = Pin::new(&mut self.line).poll_write_vectored(context, bytes);
        self.written(context, result)
    }

    fn is_write_vectored(&self) -> bool {
        self.line.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.line).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.line).poll_shutdown(context)
    }
}
