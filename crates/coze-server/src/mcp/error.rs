//! What goes wrong with an MCP server, in words for the model and for the caller.

use std::error::Error;
use std::time::Duration;

use rmcp::service::{ClientInitializeError, ServiceError};
use rmcp::transport::streamable_http_client::StreamableHttpError;

use super::McpServer;
use crate::outbound::told;

/// Why an MCP server, or a tool of it, cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the MCP server {server}: {kind}")]
pub(crate) struct McpError {
    server: String,
    kind: Kind,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Kind {
    #[error("it cannot be started: {0}")]
    Start(String),
    #[error("it was not ready within {0:?}")]
    Slow(Duration),
    #[error("it took longer than {0:?} for this call")]
    SlowCall(Duration),
    #[error("it ended; it is started again with the next call")]
    Ended,
    #[error("it cannot be reached: {0}")]
    Unreachable(String),
    #[error("it has more than {0} tools")]
    TooMany(usize),
    /// Its own words.
    #[error("{0}")]
    Tool(String),
}

impl McpServer {
    pub(super) fn error(&self, kind: Kind) -> McpError {
        let server = self.name.clone();
        McpError { server, kind }
    }

    pub(super) fn start_error(&self, error: &ClientInitializeError) -> McpError {
        let why = match error {
            ClientInitializeError::ConnectionClosed(_) => {
                "it ended before it said what it is".to_owned()
            }
            ClientInitializeError::TransportError { error, .. } => self.cause(error),
            ClientInitializeError::JsonRpcError(error) => error.message.to_string(),
            other => short(&other.to_string()),
        };
        self.error(Kind::Start(why))
    }

    pub(super) fn service_error(&self, error: &ServiceError) -> McpError {
        self.error(match error {
            ServiceError::McpError(error) => Kind::Tool(short(&error.message)),
            ServiceError::TransportClosed => Kind::Ended,
            ServiceError::TransportSend(error) if self.config.url.is_some() => {
                Kind::Unreachable(self.cause(error))
            }
            ServiceError::TransportSend(_) => Kind::Ended,
            other => Kind::Tool(short(&other.to_string())),
        })
    }

    /// What is behind a failure of the connection. Never the address as it was called: its query
    /// may hold a key.
    fn cause(&self, error: &(dyn Error + 'static)) -> String {
        let url = self.config.url.as_deref().unwrap_or_default();
        let mut cause = Some(error);
        while let Some(error) = cause {
            if let Some(error) = error.downcast_ref::<StreamableHttpError<reqwest::Error>>() {
                return match (error, reqwest::Url::parse(url)) {
                    (StreamableHttpError::Client(error), Ok(url)) => match error.status() {
                        Some(status) => format!("HTTP status {}", status.as_u16()),
                        None => told(&url, error).to_string(),
                    },
                    (StreamableHttpError::AuthRequired(_), _) => {
                        "HTTP status 401; give its key by `auth`".to_owned()
                    }
                    (other, _) => short(&other.to_string()),
                };
            }
            cause = error.source();
        }
        short(&error.to_string()).replace(url, "the address")
    }
}

/// As much of a text as a message should have.
fn short(text: &str) -> String {
    text.chars().take(500).collect()
}
