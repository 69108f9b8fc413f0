//! A client that does as little as it can, so that what is measured is the server: HTTP/1.1 on one
//! connection, bodies read by their length, streams looked through for deltas.

use std::sync::LazyLock;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use memchr::memmem;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// What each delta has, once.
const DELTA: &[u8] = b"conversation.message.delta";
/// Made once: a client that makes it for each piece spends more on that than on looking.
static DELTAS: LazyLock<memmem::Finder<'_>> = LazyLock::new(|| memmem::Finder::new(DELTA));

/// A connection.
#[derive(Debug)]
pub(crate) struct Wire {
    stream: TcpStream,
    host: String,
    buffer: Vec<u8>,
}

impl Wire {
    /// Connects to `http://HOST:PORT`.
    pub(crate) async fn connect(base: &str) -> Result<Self> {
        let host = base.trim_start_matches("http://").to_owned();
        let stream = TcpStream::connect(&host).await?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            host,
            buffer: Vec::new(),
        })
    }

    async fn send(&mut self, method: &str, path: &str, body: &str) -> Result<()> {
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer pat_bench\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            self.host,
            body.len()
        );
        Ok(self.stream.write_all(request.as_bytes()).await?)
    }

    /// A call: the body of its answer, which must be a success.
    pub(crate) async fn call(&mut self, method: &str, path: &str, body: &str) -> Result<Vec<u8>> {
        self.send(method, path, body).await?;
        self.buffer.clear();
        let (start, length) = loop {
            self.read().await?;
            if let Some(found) = head(&self.buffer)? {
                break found;
            }
        };
        while self.buffer.len() < start + length {
            self.read().await?;
        }
        let body = self.buffer.split_off(start);
        let ok = memmem::find(&body, br#""code":0,"#).is_some();
        ensure!(ok, "{method} {path}: {}", String::from_utf8_lossy(&body));
        Ok(body)
    }

    /// Asks for a stream and reads until something of it has come.
    pub(crate) async fn open(&mut self, path: &str, body: &str) -> Result<()> {
        self.send("POST", path, body).await?;
        self.buffer.clear();
        while memmem::find(&self.buffer, b"in_progress").is_none() {
            self.read().await?;
        }
        Ok(())
    }

    /// Asks for a stream and reads it to its end: when each of its deltas came.
    pub(crate) async fn deltas(&mut self, path: &str, body: &str) -> Result<Vec<Instant>> {
        self.send("POST", path, body).await?;
        self.buffer.clear();
        let mut times = Vec::new();
        loop {
            self.read().await?;
            let now = Instant::now();
            let mut seen = 0;
            for at in DELTAS.find_iter(&self.buffer) {
                times.push(now);
                seen = at + DELTA.len();
            }
            if self.buffer.ends_with(b"0\r\n\r\n") {
                return Ok(times);
            }
            // The beginning of one that is not whole yet stays.
            let keep = self.buffer.len().saturating_sub(DELTA.len() - 1).max(seen);
            self.buffer.drain(..keep);
        }
    }

    async fn read(&mut self) -> Result<()> {
        let count = self.stream.read_buf(&mut self.buffer).await?;
        ensure!(count > 0, "the server has closed");
        Ok(())
    }
}

/// Where the body begins and how long it is, once the head is there.
fn head(bytes: &[u8]) -> Result<Option<(usize, usize)>> {
    let Some(end) = memmem::find(bytes, b"\r\n\r\n") else {
        return Ok(None);
    };
    let head = std::str::from_utf8(bytes.get(..end).unwrap_or_default())?;
    let length = head
        .lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .context("an answer without a length")?;
    Ok(Some((end + 4, length.1.trim().parse()?)))
}
