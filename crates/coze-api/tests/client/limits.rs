//! A client that keeps to limits.

use std::time::{Duration, Instant};

use coze_api::{Coze, CozeBuilder, Error, Limit, Limiter, Limits, Method, TransportKind, Waited};

use crate::server::{CREATED, Request, STREAM, Server, Step, answer, delta, json, whole_chat};

const ME: &str = r#"{"code":0,"msg":"","data":{"user_id":"9"}}"#;

fn coze(server: &Server, set: impl Fn(CozeBuilder) -> CozeBuilder) -> Coze {
    let builder = Coze::builder().token("pat_secret").default_user("me");
    set(builder.base_url(server.url())).build().unwrap()
}

/// A test that hangs must fail too.
async fn soon<T>(future: impl Future<Output = T>) -> T {
    let limit = Duration::from_secs(20);
    tokio::time::timeout(limit, future).await.expect("it hangs")
}

/// Waits, for a bounded time, until so many callers are in the queue.
async fn queued(limiter: &Limiter, callers: usize) {
    soon(async {
        while limiter.waiting() != callers {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
}

#[tokio::test]
async fn calls_start_no_faster_than_they_may_and_in_order() {
    let server = Server::always(json(ME)).await;
    let coze = coze(&server, |it| it.limits(Limits::none().per_second(4)));
    let begin = Instant::now();
    let calls = (0..9).map(|call| {
        let coze = coze.clone();
        async move {
            coze.send_raw(Method::GET, &format!("/{call}"), &[], None)
                .await
        }
    });
    for reply in soon(futures_util::future::join_all(calls)).await {
        reply.unwrap();
    }
    // 4 at once, 4 after a second, 1 after two.
    assert!(
        begin.elapsed() >= Duration::from_secs(2),
        "{:?}",
        begin.elapsed()
    );
    let lines: Vec<_> = server.requests().into_iter().map(|it| it.line).collect();
    let round = |calls: std::ops::Range<usize>| {
        let mut round = lines[calls].to_vec();
        round.sort();
        round
    };
    // What starts at the same moment may arrive in any order.
    assert_eq!(round(0..4), ["GET /0", "GET /1", "GET /2", "GET /3"]);
    assert_eq!(round(4..8), ["GET /4", "GET /5", "GET /6", "GET /7"]);
    assert_eq!(lines[8], "GET /8");
}

#[tokio::test]
async fn a_thousand_callers_wait_in_one_queue() {
    let server = Server::always(json(ME)).await;
    let coze = coze(&server, |it| {
        it.limits(Limits::none().per_second(1000).concurrent(8))
            .first_byte_timeout(Duration::from_secs(30))
    });
    // Another client with the same limits, for the same server and token, is behind the same queue.
    let other = self::coze(&server, |it| {
        it.limits(Limits::none().per_second(1000).concurrent(8))
    });
    let calls = (0..1000).map(|call| {
        let coze = if call % 2 == 0 { &coze } else { &other };
        coze.me()
    });
    let limiter = coze.limiter().unwrap().clone();
    let most = async {
        tokio::task::yield_now().await;
        limiter.waiting()
    };
    let (replies, most) = soon(futures_util::future::join(
        futures_util::future::join_all(calls),
        most,
    ))
    .await;
    assert!(replies.into_iter().all(|it| it.is_ok()));
    assert!((900..1000).contains(&most), "{most}");
    assert_eq!(limiter.waiting(), 0);
    assert_eq!(server.requests().len(), 1000);
    let connections = server.requests().iter().map(|it| it.connection).max();
    assert!(connections.unwrap() < 20, "{connections:?}");
}

#[tokio::test]
async fn waiting_for_a_turn_is_not_waiting_for_the_server() {
    let server = Server::always(json(ME)).await;
    let patience = Duration::from_millis(400);
    let limits = Limits::none().per_second(1);
    let coze = coze(&server, |it| it.limits(limits).first_byte_timeout(patience));
    coze.me().await.unwrap();
    // The turn comes after a second.
    soon(coze.me()).await.unwrap();
    // The time for the whole call includes the wait. The tokens differ, so the queues do too.
    let coze = self::coze(&server, |it| {
        it.token("pat_other").limits(limits).total_timeout(patience)
    });
    coze.me().await.unwrap();
    let error = match soon(coze.me()).await {
        Err(Error::Transport(error)) => error,
        other => panic!("{other:?}"),
    };
    assert_eq!(error.kind, TransportKind::Timeout);
    assert_eq!(error.waited, Some(Waited::Turn(patience)));
    assert!(error.to_string().contains("not sent"), "{error}");
    assert_eq!(coze.limiter().unwrap().waiting(), 0);
    assert_eq!(server.requests().len(), 3);
}

#[tokio::test]
async fn a_used_up_day_is_told_with_the_endpoint() {
    let server = Server::always(json(ME)).await;
    let coze = coze(&server, |it| it.limits(Limits::none().per_day(2)));
    coze.me().await.unwrap();
    coze.me().await.unwrap();
    let error = soon(coze.me()).await.unwrap_err();
    let text = error.to_string();
    assert!(
        text.starts_with("RetrieveMe: not sent: the limit of 2 calls a day"),
        "{text}"
    );
    assert!(text.contains("24 h 0 min"), "{text}");
    assert!(!error.is_retryable());
    assert!(error.retry_after().unwrap() > Duration::from_secs(86_000));
    let Error::Limit(reached) = error else {
        panic!("{error:?}")
    };
    assert_eq!(reached.limit, Limit::Day(2));
    // Streams are no way around it.
    let stream = soon(coze.chat("333").message("x").stream()).await;
    assert!(matches!(stream, Err(Error::Limit(_))), "{stream:?}");
    assert_eq!(server.requests().len(), 2);
}

#[tokio::test]
async fn a_429_pauses_all_who_share_the_limiter() {
    let server = Server::start(|request: &Request| {
        if request.line == "GET /busy" {
            let bytes =
                "HTTP/1.1 429 Too Many Requests\r\nretry-after: 1\r\ncontent-length: 0\r\n\r\n";
            return vec![Step::Send(bytes.into())];
        }
        json(ME)
    })
    .await;
    let limiter = Limiter::new(Limits::none());
    let one = coze(&server, |it| it.limiter(limiter.clone()));
    let two = coze(&server, |it| it.token("pat_other").limiter(limiter.clone()));
    two.me().await.unwrap();
    let busy = one.send_raw(Method::GET, "/busy", &[], None).await.unwrap();
    assert_eq!(busy.http_status(), 429);
    let begin = Instant::now();
    soon(two.me()).await.unwrap();
    assert!(
        begin.elapsed() > Duration::from_millis(900),
        "{:?}",
        begin.elapsed()
    );
    // A 429 that does not say for how long pauses nobody.
    let server = Server::always(answer("429 Too Many Requests", "text/plain", "")).await;
    let coze = coze(&server, |it| it.limiter(limiter.clone()));
    coze.me().await.unwrap_err();
    drop(limiter.try_acquire().unwrap());
}

#[tokio::test]
async fn a_stream_is_under_way_until_it_ends_or_is_dropped() {
    let server = Server::start(|request: &Request| {
        if request.line.starts_with("GET") {
            return json(ME);
        }
        let whole = request.body.contains("whole");
        let body = if whole {
            whole_chat()
        } else {
            [CREATED, &delta("你")].concat()
        };
        vec![Step::Send([STREAM, &body].concat().into()), Step::Hold]
    })
    .await;
    let limiter = Limiter::new(Limits::none().concurrent(1));
    let coze = coze(&server, |it| it.limiter(limiter.clone()));
    let is_free = || limiter.try_acquire().is_ok();
    // An answer that is whole.
    soon(coze.me()).await.unwrap();
    assert!(is_free());
    // A stream that is dropped.
    let row = || {
        let chat = coze.chat("333").message("x");
        chat.request().unwrap()
    };
    let mut stream = coze.stream(row()).await.unwrap();
    stream.next().await.unwrap().unwrap();
    assert!(!is_free());
    let waiting = tokio::spawn({
        let coze = coze.clone();
        async move { coze.me().await }
    });
    queued(&limiter, 1).await;
    drop(stream);
    soon(waiting).await.unwrap().unwrap();
    assert!(is_free());
    // One that is closed, or read to its end, and then kept.
    let mut stream = coze.stream(row()).await.unwrap();
    stream.next().await.unwrap().unwrap();
    stream.close();
    assert!(is_free());
    let chat = coze.chat("333").message("whole");
    let mut stream = chat.stream().await.unwrap();
    assert!(!is_free());
    while let Some(event) = soon(stream.next()).await {
        event.unwrap();
    }
    assert!(is_free());
    // A raw one.
    let raw = || coze.send_raw_stream(Method::POST, "/v3/chat", &[], None);
    let mut stream = raw().await.unwrap();
    stream.chunk().await.unwrap().unwrap();
    assert!(!is_free());
    drop(stream);
    assert!(is_free());
    // A call that fails, and one that nobody waits for.
    drop(tokio::time::timeout(Duration::from_millis(1), raw()).await);
    assert!(is_free());
}

#[tokio::test]
async fn a_dropped_chat_gives_its_place_to_its_own_cancellation() {
    let server = Server::start(|request: &Request| {
        if request.line.starts_with("POST /v3/chat/cancel") {
            return json(r#"{"code":0,"msg":"","data":{"id":"222","conversation_id":"111","status":"canceled"}}"#);
        }
        vec![Step::Send([STREAM, CREATED].concat().into()), Step::Hold]
    })
    .await;
    let limiter = Limiter::new(Limits::none().concurrent(1));
    let coze = coze(&server, |it| it.limiter(limiter.clone()));
    let mut stream = coze.chat("333").message("x").stream().await.unwrap();
    stream.next().await.unwrap().unwrap();
    drop(stream);
    server.wait_for("POST /v3/chat/cancel").await;
    queued(&limiter, 0).await;
}

#[tokio::test]
async fn where_nothing_is_limited_there_is_no_limiter() {
    let server = Server::always(json(ME)).await;
    let plain = coze(&server, |it| it);
    assert!(plain.limiter().is_none());
    assert!(
        coze(&server, |it| it.limits(Limits::none()))
            .limiter()
            .is_none()
    );
    let limited = coze(&server, |it| it.limits(Limits::basic()));
    assert_eq!(limited.limiter().unwrap().limits(), &Limits::basic());
    // A limiter of one's own comes first.
    let own = Limiter::new(Limits::none().concurrent(1));
    let both = coze(&server, |it| {
        it.limits(Limits::basic()).limiter(own.clone())
    });
    assert_eq!(both.limiter().unwrap().limits(), own.limits());
}
