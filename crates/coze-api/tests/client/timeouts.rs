//! Nothing waits for ever.

use std::time::{Duration, Instant};

use coze_api::{
    Coze, CozeBuilder, Error, Recover, StreamError, TransportError, TransportKind, Waited,
};

use crate::server::{CREATED, DONE, STREAM, Server, Step, chat, delta};

const SHORT: Duration = Duration::from_millis(150);

fn coze(server: &Server, set: impl Fn(CozeBuilder) -> CozeBuilder) -> Coze {
    let builder = Coze::builder().token("pat_secret").default_user("me");
    set(builder.base_url(server.url())).build().unwrap()
}

/// A test that hangs must fail too.
async fn soon<T>(future: impl Future<Output = T>) -> T {
    let limit = Duration::from_secs(10);
    tokio::time::timeout(limit, future).await.expect("it hangs")
}

fn timed_out(error: Error) -> TransportError {
    let transport = match error {
        Error::Transport(transport) => *transport,
        Error::Stream(failure) => match failure.kind {
            StreamError::Transport(transport) => transport,
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    };
    assert_eq!(transport.kind, TransportKind::Timeout);
    transport
}

#[tokio::test]
async fn an_answer_that_never_begins() {
    let server = Server::always(vec![Step::Hold]).await;
    let coze = coze(&server, |it| it.first_byte_timeout(SHORT));
    let begin = Instant::now();
    let send = timed_out(soon(coze.me()).await.unwrap_err());
    assert_eq!(send.waited, Some(Waited::Answer(SHORT)));
    let text = send.to_string();
    assert!(text.contains("no answer within 150ms"), "{text}");
    let stream = soon(coze.chat("1").message("x").stream()).await;
    assert_eq!(
        timed_out(stream.unwrap_err()).waited,
        Some(Waited::Answer(SHORT))
    );
    assert!(begin.elapsed() < Duration::from_secs(5));
    server.wait_for_hang_up().await;
}

#[tokio::test]
async fn a_reply_that_never_ends() {
    let half = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 99\r\n\r\n{";
    let server = Server::always(vec![Step::Send(half.into()), Step::Hold]).await;
    let coze = coze(&server, |it| it.first_byte_timeout(SHORT));
    timed_out(soon(coze.me()).await.unwrap_err());
    // Also where a stream was asked for, and a document comes.
    let stream = soon(coze.chat("1").message("x").stream()).await;
    timed_out(stream.unwrap_err());
}

#[tokio::test]
async fn a_stream_that_falls_silent() {
    let bytes = [STREAM, CREATED].concat();
    let server = Server::always(vec![Step::Send(bytes.into()), Step::Hold]).await;
    let coze = coze(&server, |it| it.idle_timeout(SHORT).recover(Recover::Off));
    let mut stream = coze.chat("1").message("x").stream().await.unwrap();
    stream.next().await.unwrap().unwrap();
    let begin = Instant::now();
    let error = timed_out(soon(stream.next()).await.unwrap().unwrap_err());
    assert_eq!(error.waited, Some(Waited::Silence(SHORT)));
    assert!(begin.elapsed() < Duration::from_secs(5));
    assert!(stream.next().await.is_none());
    server.wait_for_hang_up().await;
}

#[tokio::test]
async fn silence_is_noticed_by_whoever_reads_now() {
    let bytes = [STREAM, CREATED].concat();
    let server = Server::always(vec![Step::Send(bytes.into()), Step::Hold]).await;
    let coze = coze(&server, |it| it.idle_timeout(SHORT).recover(Recover::Off));
    let mut stream = coze.chat("1").message("x").stream().await.unwrap();
    stream.next().await.unwrap().unwrap();
    // It has waited in this task, and goes on waiting in another.
    let here = tokio::time::timeout(SHORT / 10, stream.next()).await;
    assert!(here.is_err());
    let there = tokio::spawn(async move { stream.next().await });
    let error = soon(there).await.unwrap().unwrap().unwrap_err();
    assert_eq!(timed_out(error).waited, Some(Waited::Silence(SHORT)));
}

#[tokio::test]
async fn a_slow_stream_is_not_a_silent_one() {
    // Longer than the timeout in all, never between two pieces.
    let mut steps = vec![Step::Send([STREAM, CREATED].concat().into())];
    for _ in 0..6 {
        steps.extend([Step::Pause(100), Step::Send(delta("a").into())]);
    }
    let end = [chat("completed").as_str(), DONE].concat();
    steps.extend([Step::Send(end.into()), Step::Close]);
    let server = Server::always(steps).await;
    let coze = coze(&server, |it| it.idle_timeout(Duration::from_millis(400)));
    let reply = coze.chat("1").message("x").reply().await.unwrap();
    assert_eq!(reply.text(), "aaaaaa");
}

#[tokio::test]
async fn a_whole_stream_can_be_limited() {
    let mut steps = vec![Step::Send([STREAM, CREATED].concat().into())];
    for _ in 0..200 {
        steps.extend([Step::Pause(50), Step::Send(delta("a").into())]);
    }
    let server = Server::always(steps).await;
    let coze = coze(&server, |it| it.total_timeout(2 * SHORT));
    let begin = Instant::now();
    let error = soon(coze.chat("1").message("x").reply()).await.unwrap_err();
    assert!(error.partial().unwrap().text().starts_with('a'));
    assert_eq!(timed_out(error).waited, Some(Waited::Total(2 * SHORT)));
    assert!(begin.elapsed() < Duration::from_secs(5));
}
