//! What strangers may cost a server: how many may come, and how long each may take.

use std::time::Duration;

/// Limits of connections and requests. The defaults suit a server that anybody can reach.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Connections at the same time; further ones wait until one of these ends.
    pub connections: usize,
    /// How long the head of a request may take, and how long a connection may be idle before it.
    pub head: Duration,
    /// How long a body may take before it has to keep up with [`body_rate`](Self::body_rate).
    pub body: Duration,
    /// Bytes of a body that have to come in a second, on average.
    pub body_rate: u64,
    /// How long a reader may take nothing of its answer.
    pub reader: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 16_384,
            head: Duration::from_secs(60),
            body: Duration::from_secs(30),
            body_rate: 1024,
            reader: Duration::from_secs(120),
        }
    }
}
