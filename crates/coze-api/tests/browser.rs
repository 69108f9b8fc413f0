//! The SDK where a browser's clock, tasks and network take the place of tokio's: in Node.
//!
//! It needs `wasm-bindgen-test-runner`, of the version that stands in `Cargo.lock`, and a server:
//!
//! ```sh
//! cozectl serve --port 8787 --config coze.example.yaml
//! CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUNNER=wasm-bindgen-test-runner \
//! COZE_TEST_SERVER=http://127.0.0.1:8787 \
//! cargo test -p coze-api --test browser --target wasm32-unknown-unknown --no-default-features
//! ```
#![cfg(target_family = "wasm")]
#![expect(clippy::unwrap_used, reason = "a test that fails may panic")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use coze_api::types::chat::ChatStatus;
use coze_api::{
    AccessToken, Attempt, Coze, CozeBuilder, Error, Observer, Recover, RetryPolicy, TransportKind,
};
use wasm_bindgen_test::wasm_bindgen_test;
use wasmtimer::{std::Instant, tokio::sleep};

const SERVER: &str = match option_env!("COZE_TEST_SERVER") {
    Some(server) => server,
    None => "http://127.0.0.1:8787",
};
/// Answers 介绍 in three pieces, 50 ms apart.
const BOT: &str = "7500000000000001002";
const ANSWER: &str = "山水相依，慢慢走，处处是风景。";

fn builder() -> CozeBuilder {
    Coze::builder()
        .token("pat_test")
        .base_url(SERVER)
        .default_user("browser")
}

#[wasm_bindgen_test]
async fn a_call_is_answered() {
    let coze = builder().build().unwrap();
    let conversation = coze.conversation().create().await.unwrap();
    assert!(!conversation.id.is_unset());
    let file = coze.upload_bytes("notes.txt", "山水".as_bytes()).await;
    assert_eq!(file.unwrap().bytes, "山水".len() as i64);
}

#[wasm_bindgen_test]
async fn a_stream_comes_piece_by_piece() {
    let coze = builder().build().unwrap();
    let mut stream = coze.chat(BOT).message("介绍").stream().await.unwrap();
    let (mut pieces, mut first) = (Vec::new(), None);
    while let Some(piece) = stream.next_text().await {
        first.get_or_insert_with(Instant::now);
        pieces.push(piece.unwrap().to_string());
    }
    assert_eq!(pieces.concat(), ANSWER);
    assert!(pieces.len() >= 3, "{pieces:?}");
    let spread = first.unwrap().elapsed();
    assert!(
        spread >= Duration::from_millis(50),
        "all at once: {spread:?}"
    );
}

#[wasm_bindgen_test]
async fn a_silent_stream_is_given_up_and_recovered() {
    let impatient = || builder().idle_timeout(Duration::from_millis(20));
    let coze = impatient().recover(Recover::Off).build().unwrap();
    let mut stream = coze.chat(BOT).message("介绍").stream().await.unwrap();
    let error = loop {
        match stream.next_text().await.unwrap() {
            Ok(_) => {}
            Err(error) => break error.to_string(),
        }
    };
    assert!(error.contains("nothing arrived for 20ms"), "{error}");

    let coze = impatient().build().unwrap();
    let mut stream = coze.chat(BOT).message("介绍").stream().await.unwrap();
    let mut text = String::new();
    while let Some(piece) = stream.next_text().await {
        text += &piece.unwrap();
    }
    assert_eq!(text, ANSWER);
    assert!(stream.recovery().is_some());
}

#[wasm_bindgen_test]
async fn a_dropped_stream_cancels_its_chat() {
    let coze = builder().build().unwrap();
    let mut stream = coze.chat(BOT).message("介绍").stream().await.unwrap();
    assert!(stream.next_text().await.unwrap().is_ok());
    let conversation = stream.conversation_id().unwrap().clone();
    let chat = stream.chat_id().unwrap().clone();
    drop(stream);
    sleep(Duration::from_millis(100)).await;
    let chat = coze.retrieve_chat(conversation, chat).await.unwrap();
    assert_eq!(chat.status, ChatStatus::Canceled);
}

#[derive(Clone, Default)]
struct Count(Arc<AtomicU32>);

impl Observer for Count {
    fn attempt(&self, _: &Attempt<'_>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

#[wasm_bindgen_test]
async fn without_a_server_reads_are_repeated_and_writes_are_not() {
    let attempts = Count::default();
    let coze = builder()
        .base_url("http://127.0.0.1:59999")
        .observer(attempts.clone())
        .retry(RetryPolicy {
            attempts: 3,
            first_delay: Duration::from_millis(100),
            ..RetryPolicy::default()
        });
    let coze = coze.build().unwrap();
    let begin = Instant::now();
    let error = coze.retrieve_chat("1", "2").await.unwrap_err();
    let Error::Transport(error) = error else {
        panic!("{error}");
    };
    assert_eq!(error.kind, TransportKind::Connect);
    assert_eq!(attempts.0.load(Ordering::Relaxed), 3);
    // Two waits, cut by at most a half.
    assert!(begin.elapsed() >= Duration::from_millis(149));

    // It may have been sent, for all that a browser says.
    assert!(coze.conversation().create().await.is_err());
    assert_eq!(attempts.0.load(Ordering::Relaxed), 4);
}

#[wasm_bindgen_test]
async fn nothing_waits_longer_than_it_may() {
    let coze = builder()
        .first_byte_timeout(Duration::ZERO)
        .retry(RetryPolicy::none())
        .build()
        .unwrap();
    let error = coze.chat(BOT).message("介绍").reply().await.unwrap_err();
    assert!(
        error.to_string().contains("no answer within 0ns"),
        "{error}"
    );
}

#[wasm_bindgen_test]
async fn a_source_that_belongs_to_the_page_gives_the_token() {
    // `Rc` is what the objects of a page are like: not for other threads.
    let token = std::rc::Rc::new("pat_test".to_owned());
    let coze = Coze::builder()
        .auth(move || {
            let token = std::rc::Rc::clone(&token);
            async move {
                sleep(Duration::from_millis(1)).await;
                Ok(AccessToken::new(token.as_str()).valid_for(Duration::from_secs(900)))
            }
        })
        .base_url(SERVER)
        .build()
        .unwrap();
    coze.conversation().create().await.unwrap();
}

#[wasm_bindgen_test]
fn logins_are_random() {
    let app = builder().oauth_app("1").unwrap();
    let url = || {
        let login = app.authorization("https://example.com/callback").build();
        login.unwrap().url().to_owned()
    };
    let (one, other) = (url(), url());
    assert!(one.contains("code_challenge_method=S256"), "{one}");
    assert_ne!(one, other);
}
