//! A body that is read piece by piece, whatever it is.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;

use crate::error::Result;
use crate::exchange::{Opened, read};
use crate::response::RawResponse;
use crate::time::{Instant, timeout_at};
use crate::transport::{TransportError, Waited};

/// The answer of [`Coze::send_raw_stream`](crate::Coze::send_raw_stream).
pub struct RawStream {
    opened: Opened,
    idle: Duration,
}

impl fmt::Debug for RawStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The head alone: the answer below it would print the query.
        f.debug_tuple("RawStream").field(&self.opened.head).finish()
    }
}

impl RawStream {
    pub(crate) fn new(opened: Opened, idle: Duration) -> Self {
        Self { opened, idle }
    }

    /// The HTTP status.
    #[must_use]
    pub fn http_status(&self) -> u16 {
        self.opened.head.status
    }

    /// The log id, from the header.
    #[must_use]
    pub fn log_id(&self) -> Option<&str> {
        self.opened.head.log_id.as_deref()
    }

    /// `Content-Type`.
    #[must_use]
    pub fn content_type(&self) -> Option<&str> {
        self.opened.head.content_type.as_deref()
    }

    /// True when the body says by its type that it is a stream of events.
    #[must_use]
    pub fn is_event_stream(&self) -> bool {
        self.opened.head.is_event_stream()
    }

    /// The next bytes, as they arrive; `None` at the end.
    ///
    /// # Errors
    /// [`Error::Transport`](crate::Error::Transport) when the connection breaks or is silent for
    /// too long.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>> {
        let silence = Instant::now() + self.idle;
        let (until, waited) = match self.opened.deadline {
            Some(total) if total.at < silence => (total.at, Waited::Total(total.after)),
            _ => (silence, Waited::Silence(self.idle)),
        };
        let chunk = timeout_at(until, self.opened.response.chunk()).await;
        if !matches!(chunk, Ok(Ok(Some(_)))) {
            self.opened.permit = None;
        }
        let endpoint = || self.opened.head.endpoint.clone();
        match chunk {
            Ok(Ok(chunk)) => Ok(chunk),
            Ok(Err(error)) => Err(TransportError::new(endpoint(), &self.opened.url, error).into()),
            Err(_) => Err(TransportError::timeout(endpoint(), &self.opened.url, waited).into()),
        }
    }

    /// Reads the rest at once.
    ///
    /// # Errors
    /// As [`chunk`](Self::chunk).
    pub async fn into_response(mut self) -> Result<RawResponse> {
        let mut body = Vec::new();
        while let Some(chunk) = self.chunk().await? {
            body.extend_from_slice(&chunk);
        }
        let mut response = read(self.opened).await?;
        response.body = body.into();
        Ok(response)
    }
}
