//! A server that sends exactly the bytes it is given.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use coze_api::{Coze, CozeBuilder, RetryPolicy};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

/// A test that hangs must fail too.
pub(crate) async fn soon<T>(future: impl Future<Output = T>) -> T {
    let limit = Duration::from_secs(30);
    tokio::time::timeout(limit, future).await.expect("it hangs")
}

/// What a server does for one request.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    /// Sends bytes.
    Send(Vec<u8>),
    /// Sends bytes one by one.
    Trickle(Vec<u8>),
    /// Does nothing for so many milliseconds.
    Pause(u64),
    /// Ends the connection in order.
    Close,
    /// Ends the connection with a reset.
    Reset,
    /// Does nothing until the client ends the connection.
    Hold,
}

/// A request as it came.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    /// `POST /v3/chat?x=y`.
    pub(crate) line: String,
    /// All header lines.
    pub(crate) head: String,
    pub(crate) body: String,
    /// Which connection it came on, from 0.
    pub(crate) connection: usize,
}

impl Request {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

#[derive(Default)]
struct Seen {
    requests: Mutex<Vec<Request>>,
    /// Connections that the client ended while the server held them.
    hung_up: Mutex<usize>,
    news: Notify,
}

pub(crate) struct Server {
    port: u16,
    seen: Arc<Seen>,
}

impl Server {
    /// Answers each request with what `answer` says.
    pub(crate) async fn start(
        answer: impl Fn(&Request) -> Vec<Step> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Self::on(listener, answer)
    }

    /// Takes connections from `listener`.
    pub(crate) fn on(
        listener: TcpListener,
        answer: impl Fn(&Request) -> Vec<Step> + Send + Sync + 'static,
    ) -> Self {
        let port = listener.local_addr().unwrap().port();
        let seen = Arc::new(Seen::default());
        let server = Self {
            port,
            seen: Arc::clone(&seen),
        };
        let answer = Arc::new(answer);
        tokio::spawn(async move {
            for connection in 0.. {
                let Ok((socket, _)) = listener.accept().await else {
                    return;
                };
                let (seen, answer) = (Arc::clone(&seen), Arc::clone(&answer));
                tokio::spawn(async move {
                    serve(socket, connection, &seen, answer.as_ref()).await;
                });
            }
        });
        server
    }

    /// Answers every request alike.
    pub(crate) async fn always(steps: Vec<Step>) -> Self {
        Self::start(move |_| steps.clone()).await
    }

    /// Answers the requests in turn; the last answer is given for ever.
    pub(crate) async fn in_turn(answers: Vec<Vec<Step>>) -> Self {
        let count = AtomicUsize::new(0);
        Self::start(move |_| {
            let next = count.fetch_add(1, Ordering::SeqCst);
            answers[next.min(answers.len() - 1)].clone()
        })
        .await
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub(crate) fn coze(&self) -> Coze {
        self.builder().build().unwrap()
    }

    /// A client that repeats as usual, but waits less.
    pub(crate) fn builder(&self) -> CozeBuilder {
        Coze::builder()
            .token("pat_secret")
            .default_user("me")
            .base_url(self.url())
            .retry(RetryPolicy {
                first_delay: Duration::from_millis(4),
                ..RetryPolicy::default()
            })
    }

    pub(crate) fn requests(&self) -> Vec<Request> {
        self.seen.requests.lock().unwrap().clone()
    }

    pub(crate) fn count(&self, line: &str) -> usize {
        let requests = self.requests();
        requests
            .iter()
            .filter(|it| it.line.starts_with(line))
            .count()
    }

    /// Waits, for a bounded time, until a request with this line has come.
    pub(crate) async fn wait_for(&self, line: &str) -> Request {
        self.wait(|seen| {
            let requests = seen.requests.lock().unwrap();
            requests
                .iter()
                .find(|it| it.line.starts_with(line))
                .cloned()
        })
        .await
    }

    /// Waits, for a bounded time, until the client has ended a connection that was held.
    pub(crate) async fn wait_for_hang_up(&self) {
        self.wait(|seen| (*seen.hung_up.lock().unwrap() > 0).then_some(()))
            .await;
    }

    async fn wait<T>(&self, look: impl Fn(&Seen) -> Option<T>) -> T {
        let looking = async {
            loop {
                let news = self.seen.news.notified();
                if let Some(found) = look(&self.seen) {
                    return found;
                }
                news.await;
            }
        };
        let limit = Duration::from_secs(10);
        tokio::time::timeout(limit, looking)
            .await
            .expect("it never happened")
    }
}

async fn serve(
    mut socket: TcpStream,
    connection: usize,
    seen: &Seen,
    answer: &(impl Fn(&Request) -> Vec<Step> + ?Sized),
) {
    socket.set_nodelay(true).unwrap();
    let mut rest = Vec::new();
    while let Some(request) = read_request(&mut socket, &mut rest, connection).await {
        seen.requests.lock().unwrap().push(request.clone());
        seen.news.notify_waiters();
        for step in answer(&request) {
            let sent = match step {
                Step::Send(bytes) => socket.write_all(&bytes).await,
                Step::Trickle(bytes) => trickle(&mut socket, &bytes).await,
                Step::Pause(time) => {
                    tokio::time::sleep(Duration::from_millis(time)).await;
                    Ok(())
                }
                Step::Close => {
                    socket.shutdown().await.ok();
                    return;
                }
                Step::Reset => {
                    // With a linger of 0 the system sends RST instead of FIN.
                    socket.set_zero_linger().unwrap();
                    return;
                }
                Step::Hold => {
                    // Ends with 0 bytes or with an error; both mean that the client is gone.
                    while socket.read(&mut [0; 64]).await.is_ok_and(|read| read > 0) {}
                    *seen.hung_up.lock().unwrap() += 1;
                    seen.news.notify_waiters();
                    return;
                }
            };
            if sent.is_err() {
                return;
            }
        }
    }
}

async fn trickle(socket: &mut TcpStream, bytes: &[u8]) -> std::io::Result<()> {
    for byte in bytes {
        socket.write_all(&[*byte]).await?;
    }
    Ok(())
}

async fn read_request(
    socket: &mut TcpStream,
    rest: &mut Vec<u8>,
    connection: usize,
) -> Option<Request> {
    loop {
        let end = rest.windows(4).position(|window| window == b"\r\n\r\n");
        if let Some(end) = end {
            let head = String::from_utf8(rest[..end].to_vec()).unwrap();
            let (line, head) = head.split_once("\r\n").unwrap();
            let mut request = Request {
                line: line.trim_end_matches(" HTTP/1.1").to_owned(),
                head: head.to_owned(),
                body: String::new(),
                connection,
            };
            if let Some((body, length)) = body(&request, &rest[end + 4..]) {
                request.body = String::from_utf8_lossy(&body).into_owned();
                rest.drain(..end + 4 + length);
                return Some(request);
            }
        }
        let mut buffer = [0; 16 * 1024];
        match socket.read(&mut buffer).await {
            Ok(read) if read > 0 => rest.extend_from_slice(&buffer[..read]),
            _ => return None,
        }
    }
}

/// The body of a request and its length on the wire; `None` until it is whole.
fn body(request: &Request, bytes: &[u8]) -> Option<(Vec<u8>, usize)> {
    if request.header("transfer-encoding").is_none() {
        let length = request.header("content-length").unwrap_or("0");
        let length: usize = length.parse().unwrap();
        return Some((bytes.get(..length)?.to_vec(), length));
    }
    let (mut body, mut at) = (Vec::new(), 0);
    loop {
        let line = bytes[at..].windows(2).position(|it| it == b"\r\n")?;
        let length = std::str::from_utf8(&bytes[at..at + line]).unwrap();
        let length = usize::from_str_radix(length, 16).unwrap();
        let begin = at + line + 2;
        body.extend_from_slice(bytes.get(begin..begin + length)?);
        at = begin + length + 2;
        if length == 0 {
            return (bytes.len() >= at).then_some((body, at));
        }
    }
}

/// A whole answer with a body of known length; the connection stays open.
pub(crate) fn answer(status: &str, kind: &str, body: &str) -> Vec<Step> {
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-type: {kind}\r\nx-tt-logid: LOG1\r\ncontent-length: {length}\r\n\r\n"
    );
    vec![Step::Send([head.as_bytes(), body.as_bytes()].concat())]
}

pub(crate) fn json(body: &str) -> Vec<Step> {
    answer("200 OK", "application/json", body)
}

/// The head of a stream that ends with its connection.
pub(crate) const STREAM: &str = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nx-tt-logid: LOG1\r\nconnection: close\r\n\r\n";

/// A stream that sends these bytes and ends.
pub(crate) fn stream(body: &[u8]) -> Vec<Step> {
    let bytes = [STREAM.as_bytes(), body].concat();
    vec![Step::Send(bytes), Step::Close]
}

pub(crate) const CREATED: &str = concat!(
    "event:conversation.chat.created\n",
    r#"data:{"id":"222","conversation_id":"111","bot_id":"333","status":"created"}"#,
    "\n\n"
);

pub(crate) fn delta(text: &str) -> String {
    format!(
        "event:conversation.message.delta\ndata:{{\"id\":\"444\",\"conversation_id\":\"111\",\
         \"bot_id\":\"333\",\"role\":\"assistant\",\"type\":\"answer\",\"content\":\"{text}\",\
         \"content_type\":\"text\",\"chat_id\":\"222\"}}\n\n"
    )
}

pub(crate) fn message(id: &str, kind: &str, text: &str) -> String {
    format!(
        "event:conversation.message.completed\ndata:{{\"id\":\"{id}\",\"conversation_id\":\"111\",\
         \"bot_id\":\"333\",\"role\":\"assistant\",\"type\":\"{kind}\",\"content\":\"{text}\",\
         \"content_type\":\"text\",\"chat_id\":\"222\"}}\n\n"
    )
}

/// An event that carries the chat in the state that its name says.
pub(crate) fn chat(state: &str) -> String {
    format!(
        "event:conversation.chat.{state}\ndata:{{\"id\":\"222\",\"conversation_id\":\"111\",\
         \"bot_id\":\"333\",\"status\":\"{state}\",\"last_error\":{{\"code\":0,\"msg\":\"\"}},\
         \"usage\":{{\"token_count\":3,\"output_count\":2,\"input_count\":1}}}}\n\n"
    )
}

pub(crate) const DONE: &str = "event:done\ndata:\"[DONE]\"\n\n";

/// A whole chat that answers `你好！`.
pub(crate) fn whole_chat() -> String {
    [
        CREATED,
        &chat("in_progress"),
        &delta("你好"),
        &delta("！"),
        &message("444", "answer", "你好！"),
        &message("555", "verbose", "{}"),
        &message("556", "follow_up", "你是谁？"),
        &chat("completed"),
        DONE,
    ]
    .concat()
}
