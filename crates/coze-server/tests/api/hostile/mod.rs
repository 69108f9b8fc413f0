//! What strangers send: too much, too slowly, malformed on purpose. Each is refused with the right
//! code, and the others are answered meanwhile.

mod bodies;
mod forms;
mod heads;
mod injection;
mod slow;

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::harness::{Api, within};

/// A connection whose bytes a test writes and reads as it likes.
struct Wire {
    stream: TcpStream,
    text: String,
}

impl Wire {
    async fn open(api: &Api) -> Self {
        let stream = within(TcpStream::connect(api.host())).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Self {
            stream,
            text: String::new(),
        }
    }

    async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        within(self.stream.write_all(bytes.as_ref())).await.unwrap();
    }

    /// Writes as much as the other side takes; it may hang up.
    async fn try_send(&mut self, bytes: &[u8]) -> bool {
        within(self.stream.write_all(bytes)).await.is_ok()
    }

    /// Reads until the text is there; gives everything that came so far.
    async fn until(&mut self, wanted: &str) -> &str {
        while !self.text.contains(wanted) {
            let some = self.some().await;
            assert!(some, "no {wanted:?} in {:?}", self.text);
        }
        &self.text
    }

    /// Reads until the other side closes.
    async fn rest(mut self) -> String {
        while self.some().await {}
        self.text
    }

    async fn some(&mut self) -> bool {
        let mut bytes = vec![0; 64 * 1024];
        match within(self.stream.read(&mut bytes)).await {
            Ok(0) | Err(_) => false,
            Ok(length) => {
                self.text
                    .push_str(&String::from_utf8_lossy(&bytes[..length]));
                true
            }
        }
    }
}

/// A request with this head and nothing else, and everything that comes back until the end.
async fn sent(api: &Api, request: impl AsRef<[u8]>) -> String {
    let mut wire = Wire::open(api).await;
    wire.send(request).await;
    wire.rest().await
}

/// The HTTP status and the code of the envelope of the first answer; 0 for what is missing.
fn refusal(answer: &str) -> (u16, i64) {
    let status = answer.get(9..12).and_then(|it| it.parse().ok());
    let body = answer.split("\r\n\r\n").nth(1).unwrap_or_default();
    let body: serde_json::Value = serde_json::from_str(body).unwrap_or_default();
    (status.unwrap_or(0), body["code"].as_i64().unwrap_or(0))
}

/// The server answers others.
async fn is_well(api: &Api) {
    api.get("/v1/users/me").await.data();
}

const SHORT: Duration = Duration::from_millis(250);
