//! Waiting for a chat without a stream.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use coze_api::{Error, PollOptions, RetryPolicy};

use crate::server::{Request, Server, Step, answer, json};

const RETRIEVE: &str = "GET /v3/chat/retrieve?conversation_id=111&chat_id=222";
const LIST: &str = "GET /v3/chat/message/list?conversation_id=111&chat_id=222";

fn chat(status: &str) -> Vec<Step> {
    json(&format!(
        r#"{{"code":0,"msg":"","data":{{"id":"222","conversation_id":"111","status":"{status}","last_error":{{"code":5000,"msg":"oh"}},"usage":{{"token_count":3}}}}}}"#
    ))
}

fn messages() -> Vec<Step> {
    json(
        r#"{"code":0,"data":[{"id":"1","role":"assistant","type":"answer","content":"好","content_type":"text"}]}"#,
    )
}

/// A server whose chat is seen in these states, one look after the other.
async fn states(states: &'static [&'static str]) -> Server {
    let looks = AtomicUsize::new(0);
    Server::start(move |request: &Request| match request.line.as_str() {
        "POST /v3/chat" => chat("in_progress"),
        RETRIEVE => {
            let look = looks.fetch_add(1, Ordering::SeqCst);
            match *states.get(look).unwrap_or(states.last().unwrap()) {
                "busy" => answer("503 Service Unavailable", "text/plain", "later"),
                state => chat(state),
            }
        }
        LIST => messages(),
        other => panic!("{other}"),
    })
    .await
}

const QUICK: PollOptions = PollOptions {
    first: Duration::from_millis(10),
    interval: Duration::from_millis(20),
    max_interval: Duration::from_millis(60),
    deadline: Duration::from_secs(10),
};

#[tokio::test]
async fn every_terminal_state_ends_the_wait() {
    for (last, good) in [
        ("completed", true),
        ("requires_action", true),
        ("required_action", true),
        ("failed", false),
        ("canceled", false),
        ("cancelled", false),
        ("expired", false),
    ] {
        let seen: &'static [&'static str] = vec!["created", "in_progress", last].leak();
        let server = states(seen).await;
        let result = server
            .coze()
            .chat("333")
            .message("x")
            .poll_options(QUICK)
            .poll()
            .await;
        match (result, good) {
            (Ok(reply), true) => assert_eq!(reply.text(), "好", "{last}"),
            (Err(Error::Chat(failed)), false) => {
                assert_eq!(
                    (failed.code, failed.reply.text().as_ref()),
                    (5000, "好"),
                    "{last}"
                );
            }
            (other, _) => panic!("{last}: {other:?}"),
        }
        assert_eq!(server.count(RETRIEVE), 3, "{last}");
        assert_eq!(server.count(LIST), 1, "{last}");
        assert_eq!(server.count("POST /v3/chat/cancel"), 0, "{last}");
    }
}

#[tokio::test]
async fn a_polled_chat_is_told_not_to_stream() {
    let server = states(&["completed"]).await;
    let reply = server.coze().chat("333").message("x").poll().await.unwrap();
    assert_eq!(reply.usage().unwrap().token_count, 3);
    assert_eq!(reply.log_id(), Some("LOG1"));
    assert_eq!(server.requests()[0].json()["stream"], false);
    let request = server.coze().chat("333").message("x").save_history(false);
    assert!(matches!(
        request.poll().await.unwrap_err(),
        Error::Invalid(_)
    ));
}

#[tokio::test]
async fn the_first_look_is_early_and_the_next_is_not() {
    let server = states(&["in_progress", "completed"]).await;
    let begin = Instant::now();
    server
        .coze()
        .poll_chat("111", "222", PollOptions::default())
        .await
        .unwrap();
    let took = begin.elapsed();
    // 250 ms and a second; generous above, because machines stall.
    assert!(
        took >= Duration::from_millis(1250) && took < Duration::from_secs(6),
        "{took:?}"
    );
    assert_eq!(server.count(RETRIEVE), 2);
}

#[tokio::test]
async fn the_first_look_does_not_wait_for_the_interval() {
    let server = states(&["completed"]).await;
    let begin = Instant::now();
    let options = PollOptions {
        interval: Duration::from_secs(20),
        ..QUICK
    };
    let poll = server.coze().poll_chat("111", "222", options).await;
    assert_eq!(poll.unwrap().text(), "好");
    assert!(begin.elapsed() < Duration::from_secs(10));
}

#[tokio::test]
async fn the_looks_become_rarer() {
    let server = states(&["in_progress"]).await;
    let options = PollOptions {
        deadline: Duration::from_millis(300),
        ..QUICK
    };
    server
        .coze()
        .poll_chat("111", "222", options)
        .await
        .unwrap_err();
    // At 10, 30, 60, 105, 165, 225, 285 ms; without growth there would be 15.
    let looks = server.count(RETRIEVE);
    assert!((2..=7).contains(&looks), "{looks}");
}

#[tokio::test]
async fn the_deadline_is_an_error_that_knows_the_chat() {
    let server = states(&["in_progress"]).await;
    let options = PollOptions {
        deadline: Duration::from_millis(100),
        ..QUICK
    };
    let error = server
        .coze()
        .poll_chat("111", "222", options)
        .await
        .unwrap_err();
    let Error::Timeout(timeout) = &error else {
        panic!("{error:?}")
    };
    assert_eq!(timeout.chat.as_ref().unwrap().id, "222");
    assert_eq!(
        error.to_string(),
        "chat 222 is still in_progress after 100ms; it was left running"
    );
    assert_eq!(server.count(LIST), 0);
}

#[tokio::test]
async fn a_moment_of_trouble_does_not_end_the_wait() {
    let server = states(&["busy", "in_progress", "busy", "busy", "completed"]).await;
    let reply = server.coze().poll_chat("111", "222", QUICK).await.unwrap();
    assert_eq!(reply.text(), "好");
    let server = states(&["busy"]).await;
    let once = server.builder().retry(RetryPolicy::none());
    let error = once
        .build()
        .unwrap()
        .poll_chat("111", "222", QUICK)
        .await
        .unwrap_err();
    assert_eq!(error.http(), Some(503));
    assert_eq!(server.count(RETRIEVE), 3);
}
