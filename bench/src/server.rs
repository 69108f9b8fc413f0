//! The in-memory server: it says at once what was asked for, from bytes rendered before.
//!
//! The address tells what is wanted, in front of the path of the API:
//! `/{pace}/{deltas}/v3/chat`. The pace is `burst` (as fast as the connection takes it, still one
//! event in each HTTP chunk), `varied` (the same, with deltas that are never alike), `single` (each
//! event written to the socket by itself) or `paced` (the same, 5 ms apart, and each delta says when
//! it was sent). `/connections` tells how many connections were made so far, `/v1/embeddings` makes
//! vectors of texts. A further pace or endpoint is a further arm in [`answer`].

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

use crate::events::{Deltas, Stream, create_reply, stamp};
use crate::{usage, vectors};

/// Between two events of a `paced` stream: a model that says 200 tokens a second.
const PACE: Duration = Duration::from_millis(5);

/// Serves until stdin ends. Prints the port.
pub(crate) fn main() -> Result<()> {
    // When the program that started this one goes, however it goes, its pipe closes.
    std::thread::spawn(|| {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        std::process::exit(0);
    });
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let socket = TcpSocket::new_v4()?;
        socket.bind(SocketAddr::from(([127, 0, 0, 1], 0)))?;
        // A thousand clients come at once; who finds the queue full comes again a second later.
        let listener = socket.listen(4096)?;
        println!("{}", listener.local_addr()?.port());
        std::io::stdout().flush()?;
        let shared = Arc::new(Shared::default());
        loop {
            let (socket, _) = listener.accept().await?;
            socket.set_nodelay(true)?;
            shared.connections.fetch_add(1, Ordering::Relaxed);
            let shared = Arc::clone(&shared);
            tokio::spawn(async move {
                if let Err(error) = connection(socket, &shared).await {
                    eprintln!("bench server: {error:#}");
                }
            });
        }
    })
}

/// What the connections have in common.
#[derive(Default)]
struct Shared {
    connections: AtomicUsize,
    /// The streams that were asked for so far, by their number of deltas and how they differ.
    streams: Mutex<HashMap<(usize, Deltas), Arc<Stream>>>,
}

impl Shared {
    fn stream(&self, deltas: usize, differ: Deltas) -> Arc<Stream> {
        let mut known = self.streams.lock().unwrap_or_else(PoisonError::into_inner);
        let stream = known.entry((deltas, differ));
        let render = || Arc::new(Stream::chat(deltas, differ));
        stream.or_insert_with(render).clone()
    }
}

async fn connection(mut socket: TcpStream, shared: &Shared) -> Result<()> {
    let mut buffer = Vec::new();
    loop {
        let Some(request) = request(&mut socket, &mut buffer).await? else {
            return Ok(());
        };
        match answer(&mut socket, shared, &request).await {
            Ok(()) => {}
            // A client that has seen enough closes; that is its right.
            Err(error) if error.downcast_ref::<std::io::Error>().is_some() => return Ok(()),
            Err(error) => return Err(error),
        }
    }
}

struct Request {
    path: String,
    stream: bool,
    /// Of requests for vectors, which the answer depends on.
    body: Vec<u8>,
}

/// The next request of the connection; `None` when it was closed.
async fn request(socket: &mut TcpStream, buffer: &mut Vec<u8>) -> Result<Option<Request>> {
    loop {
        if let Some((request, length)) = parse(buffer)? {
            buffer.drain(..length);
            return Ok(Some(request));
        }
        match socket.read_buf(buffer).await {
            Ok(0) | Err(_) => return Ok(None),
            Ok(_) => {}
        }
    }
}

/// The request at the beginning of the buffer and its length, once it is whole.
fn parse(buffer: &[u8]) -> Result<Option<(Request, usize)>> {
    let Some(end) = buffer.windows(4).position(|it| it == b"\r\n\r\n") else {
        return Ok(None);
    };
    let (head, rest) = buffer.split_at(end + 4);
    let head = std::str::from_utf8(head).context("a head that is no text")?;
    let mut lines = head.lines();
    let mut first = lines.next().unwrap_or_default().split(' ');
    let path = first.nth(1).context("no path")?.to_owned();
    let length = lines
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .map_or(Ok(0), |(_, length)| length.trim().parse::<usize>())?;
    let Some(body) = rest.get(..length) else {
        return Ok(None);
    };
    let wanted = br#""stream":true"#;
    let stream = body.windows(wanted.len()).any(|it| it == wanted);
    let body = match path == vectors::PATH {
        true => body.to_vec(),
        false => Vec::new(),
    };
    Ok(Some((Request { path, stream, body }, end + 4 + length)))
}

const STREAM_HEAD: &str = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\n\
    cache-control: no-cache\r\nx-tt-logid: 20240619181549A1B2C3D4E5F60718293A\r\n\
    transfer-encoding: chunked\r\n\r\n";

async fn answer(socket: &mut TcpStream, shared: &Shared, request: &Request) -> Result<()> {
    if request.path == "/connections" {
        let count = shared.connections.load(Ordering::Relaxed);
        return reply(socket, "200 OK", &count.to_string()).await;
    }
    if request.path == vectors::PATH {
        return reply(socket, "200 OK", &vectors::reply(&request.body)?).await;
    }
    let mut parts = request.path.trim_start_matches('/').splitn(3, '/');
    let pace = parts.next().unwrap_or_default();
    let deltas = parts.next().unwrap_or_default().parse();
    // The Python SDK puts a query behind every path.
    let path = parts.next().map(|path| path.split('?').next());
    match (path.flatten(), deltas) {
        (Some("v3/chat"), Ok(deltas)) if request.stream => {
            socket.write_all(STREAM_HEAD.as_bytes()).await?;
            let stream = |differ| shared.stream(deltas, differ);
            match pace {
                "burst" => socket.write_all(&stream(Deltas::Alike).bytes).await?,
                "varied" => socket.write_all(&stream(Deltas::Varied).bytes).await?,
                "single" => {
                    let stream = stream(Deltas::Alike);
                    for event in stream.chunks() {
                        socket.write_all(event).await?;
                    }
                }
                "paced" => paced(socket, &stream(Deltas::Stamped)).await?,
                other => bail!("no pace is called `{other}`"),
            }
        }
        (Some("v3/chat"), Ok(_)) => reply(socket, "200 OK", &create_reply()).await?,
        _ => {
            let body = r#"{"code":4000,"msg":"the bench server has no such call"}"#;
            reply(socket, "404 Not Found", body).await?;
        }
    }
    Ok(())
}

/// Event by event, on a timetable: one that is late does not make those behind it late.
async fn paced(socket: &mut TcpStream, stream: &Stream) -> Result<()> {
    let mut ticks = tokio::time::interval(PACE);
    let mut stamped = Vec::new();
    for event in stream.chunks() {
        ticks.tick().await;
        stamped.clear();
        stamped.extend_from_slice(event);
        stamp(&mut stamped, usage::now());
        socket.write_all(&stamped).await?;
    }
    Ok(())
}

async fn reply(socket: &mut TcpStream, status: &str, body: &str) -> Result<()> {
    let text = format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/json; charset=utf-8\r\n\
         x-tt-logid: 20240619181549A1B2C3D4E5F60718293A\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    socket.write_all(text.as_bytes()).await?;
    Ok(())
}
