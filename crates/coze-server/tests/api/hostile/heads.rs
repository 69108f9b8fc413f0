//! Heads: too large, ambiguous, and two requests that pretend to be one.

use super::{Wire, is_well, refusal, sent};
use crate::harness::Api;

#[tokio::test]
async fn heads_that_are_too_large() {
    let api = Api::start().await;
    let many = "x: y\r\n".repeat(1000);
    let long = format!("x: {}\r\n", "y".repeat(1024 * 1024));
    let name = format!("{}: y\r\n", "x".repeat(100_000));
    for headers in [&many, &long, &name] {
        let mut wire = Wire::open(&api).await;
        let head = format!("GET /v1/users/me HTTP/1.1\r\nhost: x\r\n{headers}\r\n");
        // It need not take all of it.
        wire.try_send(head.as_bytes()).await;
        let answer = wire.rest().await;
        assert!(
            answer.is_empty()
                || answer.starts_with("HTTP/1.1 431")
                || answer.starts_with("HTTP/1.1 400"),
            "{answer}"
        );
    }
    let path = format!("GET /{} HTTP/1.1\r\nhost: x\r\n\r\n", "x".repeat(100_000));
    let mut wire = Wire::open(&api).await;
    wire.try_send(path.as_bytes()).await;
    let answer = wire.rest().await;
    assert!(
        answer.is_empty() || answer.starts_with("HTTP/1.1 4"),
        "{answer}"
    );
    is_well(&api).await;
}

/// Each holds a second request where a server that reads lengths otherwise would see it.
#[tokio::test]
async fn two_requests_that_pretend_to_be_one() {
    let api = Api::start().await;
    let inner = "GET /v1/users/me HTTP/1.1\r\nhost: smuggled\r\n\r\n";
    let post = "POST /v1/conversation/create HTTP/1.1\r\nhost: x\r\n";
    for head in [
        "content-length: 5\r\ncontent-length: 6\r\n",
        "content-length: +5\r\n",
        "content-length: 0x5\r\n",
        "content-length: 5, 5\r\n",
        "transfer-encoding: xchunked\r\n",
        "transfer-encoding: chunked, identity\r\n",
        "transfer-encoding:\x0bchunked\r\n",
        "transfer-encoding : chunked\r\n",
        "x: y\r\n content-length: 5\r\n",
        "content-length: 5\ntransfer-encoding\n: chunked\r\n",
    ] {
        let answer = sent(&api, format!("{post}{head}\r\n0\r\n\r\n{inner}")).await;
        assert!(answer.starts_with("HTTP/1.1 400"), "{head:?}: {answer}");
        // Whatever came behind it was not taken for a request.
        assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{head:?}: {answer}");
    }
    // With both, the chunks count, and nothing behind them is read (RFC 9112, 6.1).
    for head in [
        "content-length: 5\r\ntransfer-encoding: chunked\r\n",
        "transfer-encoding: chunked\r\ncontent-length: 70\r\n",
    ] {
        let answer = sent(
            &api,
            format!("{post}{head}\r\n2\r\n{{}}\r\n0\r\n\r\n{inner}"),
        )
        .await;
        assert_eq!(refusal(&answer), (200, 0), "{head:?}: {answer}");
        assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{head:?}: {answer}");
    }
    // HTTP/1.0 has no chunks.
    let old = post.replace("1.1", "1.0");
    let answer = sent(
        &api,
        format!("{old}transfer-encoding: chunked\r\n\r\n0\r\n\r\n{inner}"),
    )
    .await;
    assert_eq!(refusal(&answer), (400, 0), "{answer}");
    assert_eq!(answer.matches("HTTP/1.").count(), 1, "{answer}");
    is_well(&api).await;
}

#[tokio::test]
async fn a_refused_body_does_not_become_the_next_request() {
    let api = Api::start().await;
    let inner = "GET /v1/users/me HTTP/1.1\r\nhost: smuggled\r\n\r\n";
    // The endpoint does not read a body; what is in it is no request all the same.
    for path in ["/v1/users/me", "/nowhere"] {
        let mut wire = Wire::open(&api).await;
        let head = format!(
            "GET {path} HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n",
            inner.len()
        );
        wire.send(format!("{head}{inner}")).await;
        wire.send("GET /v1/users/me HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
            .await;
        let answers = wire.rest().await;
        assert!(answers.matches("HTTP/1.1 ").count() <= 2, "{answers}");
    }
}
