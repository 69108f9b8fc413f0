//! What is sent again, when, and for how long.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

use coze_api::types::chat::StartChat;
use coze_api::types::conversations::CreateConversation;
use coze_api::types::workflows::{RunWorkflow, StreamRunWorkflow};
use coze_api::{Attempt, Coze, Error, Observer, Result, RetryPolicy, TransportKind};
use tokio::net::TcpSocket;

use crate::server::{Request, Server, Step, json, soon, stream, whole_chat};
use crate::shown::{failure, shown, watch};

type Done = Pin<Box<dyn Future<Output = Result<()>> + Send>>;

fn read(coze: Coze) -> Done {
    Box::pin(async move { coze.me().await.map(drop) })
}

fn write(coze: Coze) -> Done {
    Box::pin(async move { coze.send(CreateConversation::default()).await.map(drop) })
}

fn chat(coze: Coze) -> Done {
    Box::pin(async move { coze.stream(StartChat::default()).await.map(drop) })
}

fn run(coze: Coze) -> Done {
    Box::pin(async move { coze.send(RunWorkflow::default()).await.map(drop) })
}

fn streamed_run(coze: Coze) -> Done {
    Box::pin(async move { coze.stream(StreamRunWorkflow::default()).await.map(drop) })
}

/// Calls that change something; each must not happen twice.
const CHANGES: [fn(Coze) -> Done; 4] = [write, chat, run, streamed_run];

/// What a sound server answers to the calls of this file.
fn success(request: &Request) -> Vec<Step> {
    match request.line.as_str() {
        "GET /v1/users/me" => json(r#"{"code":0,"msg":"","data":{"user_id":"9"}}"#),
        "POST /v1/conversation/create" => {
            json(r#"{"code":0,"msg":"","data":{"id":"1","created_at":1}}"#)
        }
        "POST /v1/workflow/run" => json(r#"{"code":0,"msg":"","data":"{}","execute_id":"5"}"#),
        "POST /v1/workflow/stream_run" => stream(b"id:0\nevent:Done\ndata:{}\n\n"),
        line if line.starts_with("POST /v3/chat") => stream(whole_chat().as_bytes()),
        line => panic!("{line}"),
    }
}

/// A server that fails so often, and then succeeds.
async fn failing(times: usize, failure: impl Fn() -> Vec<Step> + Send + Sync + 'static) -> Server {
    watch();
    let failed = Mutex::new(0);
    Server::start(move |request| {
        let mut failed = failed.lock().unwrap();
        if *failed == times {
            return success(request);
        }
        *failed += 1;
        failure()
    })
    .await
}

/// A page, as gateways send it, with further header lines.
fn page(status: &str, headers: &str) -> Vec<Step> {
    let body = format!("<html>\n<h1>{status}</h1>\n</html>");
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-type: text/html\r\ncontent-length: {length}\r\n{headers}\r\n"
    );
    vec![Step::Send((head + &body).into())]
}

fn too_many(headers: &str) -> Vec<Step> {
    page("429 Too Many Requests", headers)
}

/// How often a call was sent to a server that fails once, and whether it succeeded.
async fn sent(
    fail: impl Fn() -> Vec<Step> + Send + Sync + 'static,
    call: fn(Coze) -> Done,
    resend: bool,
) -> (usize, bool) {
    let server = failing(1, fail).await;
    let coze = server.coze();
    let coze = if resend { coze.resending() } else { coze };
    let result = soon(call(coze)).await;
    if let Err(error) = &result {
        shown(error);
    }
    (server.requests().len(), result.is_ok())
}

#[tokio::test]
async fn what_may_have_begun_is_sent_again_only_for_reads_and_on_request() {
    const AGAIN: (usize, bool) = (2, true);
    const ONCE: (usize, bool) = (1, false);
    // For reads, for changes, and for changes that may happen twice.
    for (status, reads, changes, resent) in [
        ("429 Too Many Requests", AGAIN, AGAIN, AGAIN),
        ("503 Service Unavailable", AGAIN, AGAIN, AGAIN),
        ("502 Bad Gateway", AGAIN, ONCE, AGAIN),
        ("504 Gateway Timeout", AGAIN, ONCE, AGAIN),
        ("500 Internal Server Error", ONCE, ONCE, ONCE),
        ("404 Not Found", ONCE, ONCE, ONCE),
    ] {
        let fail = move || page(status, "");
        assert_eq!(sent(fail, read, false).await, reads, "{status}");
        for change in CHANGES {
            assert_eq!(sent(fail, change, false).await, changes, "{status}");
            assert_eq!(sent(fail, change, true).await, resent, "{status}");
        }
    }
}

#[tokio::test]
async fn a_connection_that_ends_without_an_answer_counts_as_begun() {
    for fail in [Step::Reset, Step::Close] {
        let steps = move || vec![fail.clone()];
        assert_eq!(sent(steps.clone(), read, false).await, (2, true));
        for change in CHANGES {
            assert_eq!(sent(steps.clone(), change, false).await, (1, false));
            assert_eq!(sent(steps.clone(), change, true).await, (2, true));
        }
    }
}

#[tokio::test]
async fn codes_are_repeated_as_the_catalogue_says() {
    // The model is busy; the service failed, perhaps half way; the conversation is occupied; no.
    for (code, reads, changes) in [
        (4013, (2, true), (2, true)),
        (5000, (2, true), (1, false)),
        (4016, (1, false), (1, false)),
        (4000, (1, false), (1, false)),
    ] {
        let fail = move || json(&format!(r#"{{"code":{code},"msg":"no"}}"#));
        assert_eq!(sent(fail, read, false).await, reads, "{code}");
        for change in CHANGES {
            assert_eq!(sent(fail, change, false).await, changes, "{code}");
        }
    }
}

#[tokio::test]
async fn a_refused_connection_is_tried_again_until_somebody_listens() {
    watch();
    for change in CHANGES {
        // Bound, so that nobody else gets the port, but deaf.
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let url = format!("http://{}", socket.local_addr().unwrap());
        let coze = Coze::builder().token("pat_secret").base_url(url);
        let coze = coze
            .retry(RetryPolicy {
                attempts: 100,
                first_delay: Duration::from_millis(20),
                max_delay: Duration::from_millis(20),
                ..RetryPolicy::default()
            })
            .build()
            .unwrap();
        let calling = tokio::spawn(change(coze));
        tokio::time::sleep(Duration::from_millis(100)).await;
        let server = Server::on(socket.listen(8).unwrap(), success);
        soon(calling).await.unwrap().unwrap();
        assert_eq!(server.requests().len(), 1);
    }
}

#[tokio::test]
async fn a_server_that_says_when_is_obeyed() {
    for date in [false, true] {
        let fail = move || {
            let when = if date {
                httpdate::fmt_http_date(SystemTime::now() + Duration::from_secs(2))
            } else {
                "1".to_owned()
            };
            too_many(&format!("retry-after: {when}\r\n"))
        };
        let server = failing(1, fail).await;
        let begin = Instant::now();
        soon(server.coze().me()).await.unwrap();
        // A date has whole seconds, so up to one of the two is lost.
        let waited = begin.elapsed();
        assert!(waited > Duration::from_millis(900), "{waited:?}");
        assert_eq!(server.requests().len(), 2);
    }
    // A date that has passed is no reason to wait.
    let server = failing(1, || {
        too_many("retry-after: Sun, 06 Nov 1994 08:49:37 GMT\r\n")
    })
    .await;
    soon(server.coze().me()).await.unwrap();
    assert_eq!(server.requests().len(), 2);
}

#[tokio::test]
async fn a_wait_beyond_the_budget_is_told_at_once() {
    let when = httpdate::fmt_http_date(SystemTime::now() + Duration::from_secs(3600));
    for when in ["3600", when.as_str()] {
        let headers = format!("retry-after: {when}\r\n");
        let server = failing(1, move || too_many(&headers)).await;
        let error = failure(soon(server.coze().me()).await);
        assert_eq!(server.requests().len(), 1);
        let asked = error.retry_after().unwrap().as_secs();
        assert!((3590..=3600).contains(&asked), "{asked}");
        let text = shown(&error);
        assert!(text.contains(&format!("try again in {asked} s")), "{text}");
    }
}

#[tokio::test]
async fn no_header_is_too_large_for_a_clock() {
    for when in [
        "18446744073709551615",
        "18446744073709551616",
        "Sun, 31 Dec 9999 18446744073709551615:99:99 GMT",
        "Sun, 31 Dec 9999 23:59:59 GMT",
    ] {
        let headers = format!("retry-after: {when}\r\n");
        let fail = move || {
            // What has passed is added to what is asked for.
            let mut steps = vec![Step::Pause(1100)];
            steps.extend(too_many(&headers));
            steps
        };
        let server = failing(1, fail).await;
        // What is no date is not obeyed.
        match soon(server.coze().me()).await {
            Ok(_) => assert_eq!(server.requests().len(), 2),
            Err(error) => assert!(error.retry_after().is_some(), "{}", shown(&error)),
        }
    }
    // Nor is one for the caller.
    let server = failing(0, Vec::new).await;
    let coze = server
        .builder()
        .first_byte_timeout(Duration::MAX)
        .idle_timeout(Duration::MAX)
        .connect_timeout(Duration::MAX)
        .total_timeout(Duration::MAX)
        .retry(RetryPolicy {
            budget: Duration::MAX,
            max_delay: Duration::MAX,
            first_delay: Duration::MAX,
            attempts: u32::MAX,
        });
    let coze = coze.build().unwrap();
    soon(coze.me()).await.unwrap();
    let mut stream = coze.stream(StartChat::default()).await.unwrap();
    while let Some(event) = soon(stream.next()).await {
        event.unwrap();
    }
    let raw = coze.send_raw_stream(coze_api::Method::GET, "/v1/users/me", &[], None);
    raw.await.unwrap().into_response().await.unwrap();
}

#[tokio::test]
async fn attempts_are_counted() {
    for (policy, attempts) in [
        (RetryPolicy::none(), 1),
        (
            RetryPolicy {
                attempts: 3,
                first_delay: Duration::from_millis(1),
                ..RetryPolicy::default()
            },
            3,
        ),
        (
            RetryPolicy {
                attempts: 0,
                ..RetryPolicy::default()
            },
            1,
        ),
    ] {
        let server = failing(usize::MAX, || too_many("")).await;
        let coze = server.builder().retry(policy).build().unwrap();
        let error = failure(soon(coze.me()).await);
        assert_eq!(error.http(), Some(429));
        assert_eq!(server.requests().len(), attempts);
    }
}

#[tokio::test]
async fn time_is_counted() {
    let server = failing(usize::MAX, || too_many("")).await;
    let policy = RetryPolicy {
        attempts: 1000,
        first_delay: Duration::from_millis(100),
        max_delay: Duration::from_millis(100),
        budget: Duration::from_millis(400),
    };
    let coze = server.builder().retry(policy).build().unwrap();
    let error = failure(soon(coze.me()).await);
    assert_eq!(error.http(), Some(429));
    // Each wait is 50 to 100 ms long.
    let attempts = server.requests().len();
    assert!((2..=9).contains(&attempts), "{attempts}");
}

#[tokio::test]
async fn no_wait_is_begun_that_the_whole_call_has_no_time_for() {
    for headers in ["", "retry-after: 5\r\n"] {
        let server = failing(usize::MAX, move || too_many(headers)).await;
        let coze = server
            .builder()
            .total_timeout(Duration::from_secs(4))
            .retry(RetryPolicy {
                first_delay: Duration::from_secs(10),
                ..RetryPolicy::default()
            })
            .build()
            .unwrap();
        let begin = Instant::now();
        // The server's word, and not that of the clock: it says more.
        let error = failure(soon(coze.me()).await);
        assert_eq!(error.http(), Some(429));
        assert!(begin.elapsed() < Duration::from_secs(4));
        assert_eq!(server.requests().len(), 1);
    }
}

#[tokio::test]
async fn an_attempt_gets_what_is_left_of_the_whole_time() {
    let total = Duration::from_millis(600);
    let server = Server::in_turn(vec![too_many(""), vec![Step::Hold]]).await;
    let coze = server.builder().total_timeout(total).build().unwrap();
    let error = failure(soon(coze.me()).await);
    let Error::Transport(late) = &error else {
        panic!("{error:?}")
    };
    assert_eq!(late.kind, TransportKind::Timeout);
    assert!(shown(&error).contains("not done within 600ms"), "{error}");
    assert_eq!(server.requests().len(), 2);
}

/// What an observer was told of an attempt.
#[derive(Debug, Clone, PartialEq)]
struct Seen {
    number: u32,
    http: Option<u16>,
    log_id: Option<String>,
    failed: bool,
    again_in: Option<Duration>,
}

#[derive(Clone, Default)]
struct Notes(Arc<Mutex<Vec<Seen>>>);

impl Observer for Notes {
    fn attempt(&self, attempt: &Attempt<'_>) {
        assert_eq!(attempt.endpoint, "RetrieveMe");
        self.0.lock().unwrap().push(Seen {
            number: attempt.number,
            http: attempt.http,
            log_id: attempt.log_id.map(Into::into),
            failed: attempt.error.is_some(),
            again_in: attempt.again_in,
        });
    }
}

#[tokio::test]
async fn every_attempt_is_observed() {
    let server = Server::in_turn(vec![
        vec![Step::Reset],
        page("503 Service Unavailable", "x-tt-logid: L503\r\n"),
        json(r#"{"code":4013,"msg":"busy"}"#),
        json(r#"{"code":0,"msg":"","data":{"user_id":"9"}}"#),
    ])
    .await;
    let notes = Notes::default();
    let coze = server.builder().observer(notes.clone()).build().unwrap();
    coze.me().await.unwrap();
    let seen = notes.0.lock().unwrap().clone();
    let told: Vec<_> = seen
        .iter()
        .map(|it| (it.number, it.http, it.log_id.as_deref(), it.failed))
        .collect();
    assert_eq!(
        told,
        [
            (1, None, None, true),
            (2, Some(503), Some("L503"), true),
            (3, Some(200), Some("LOG1"), true),
            (4, Some(200), Some("LOG1"), false),
        ]
    );
    let again: Vec<_> = seen.iter().map(|it| it.again_in.is_some()).collect();
    assert_eq!(again, [true, true, true, false]);
}

#[tokio::test]
async fn waits_grow_are_limited_and_differ() {
    let server = Server::always(too_many("")).await;
    let notes = Notes::default();
    let coze = server
        .builder()
        .observer(notes.clone())
        .retry(RetryPolicy {
            attempts: 5,
            first_delay: Duration::from_millis(4),
            max_delay: Duration::from_millis(10),
            ..RetryPolicy::default()
        })
        .build()
        .unwrap();
    for _ in 0..10 {
        failure(coze.me().await);
    }
    let seen = notes.0.lock().unwrap().clone();
    assert_eq!(seen.len(), 50);
    for it in &seen {
        let longest = match it.number {
            1 => 4,
            2 => 8,
            3 | 4 => 10,
            _ => {
                assert_eq!(it.again_in, None);
                continue;
            }
        };
        let longest = Duration::from_millis(longest);
        let wait = it.again_in.unwrap();
        assert!(wait >= longest / 2 && wait <= longest, "{it:?}");
    }
    let first = seen.iter().filter(|it| it.number == 1);
    let mut first: Vec<_> = first.map(|it| it.again_in).collect();
    first.sort();
    first.dedup();
    assert!(first.len() > 1, "no chance in it: {first:?}");
}
