//! Ending a server.

use std::time::{Duration, Instant};

use serde_json::json;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::harness::{Setup, frames, names, within};
use crate::space::{CHATFLOW, message, streamed};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn open_streams_are_told_and_the_next_start_agrees() {
    let api = Setup::new().start().await;
    let conversation = api.conversation().await;
    let path = format!("/v3/chat?conversation_id={conversation}");
    let mut chat = api.open(&path, streamed("hang")).await;
    let (_, id) = chat.ids().await;
    let body = json!({"workflow_id": CHATFLOW, "additional_messages": [message("hang")]});
    let mut flow = api.open("/v1/workflows/chat", body).await;
    flow.ids().await;

    let (server, folder) = api.server();
    let begun = Instant::now();
    let (told, flow_told, ()) = within(futures_util::future::join3(
        chat.rest(),
        flow.rest(),
        server.stop(),
    ))
    .await;
    assert!(
        begun.elapsed() < Duration::from_secs(3),
        "{:?}",
        begun.elapsed()
    );
    for told in [told, flow_told] {
        assert_eq!(
            names(&told),
            [
                "conversation.chat.created",
                "conversation.chat.in_progress",
                "conversation.chat.failed",
                "done"
            ]
        );
        let failed = frames(&told)
            .into_iter()
            .find(|it| it.0 == "conversation.chat.failed");
        let (_, failed) = failed.unwrap();
        assert_eq!(
            (&failed["status"], &failed["last_error"]["code"]),
            (&json!("failed"), &json!(5000))
        );
        let why = failed["last_error"]["msg"].as_str().unwrap();
        assert!(why.contains("stopped or restarted"), "{why}");
    }

    // The data is free at once, and the next server says the same.
    let again = Setup::new().data(&folder.path().join("data")).start().await;
    let chat = again.retrieve(&conversation, &id).await;
    assert_eq!(chat.data()["status"], "failed");
    assert_eq!(chat.data()["last_error"]["code"], 5000);
    assert_eq!(again.answer(&conversation, "hello").await, "Hi there");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn idle_and_unfinished_connections_do_not_hold_it_up() {
    let api = Setup::new().start().await;
    let host = api.host().to_owned();
    let _idle = TcpStream::connect(&host).await.unwrap();
    let mut half = TcpStream::connect(&host).await.unwrap();
    half.write_all(b"POST /v3/chat HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{")
        .await
        .unwrap();
    api.get("/v1/users/me").await.data();
    let (server, _folder) = api.server();
    let begun = Instant::now();
    within(server.stop()).await;
    assert!(
        begun.elapsed() < Duration::from_secs(3),
        "{:?}",
        begun.elapsed()
    );
    // Nobody listens any more.
    assert!(within(TcpStream::connect(&host)).await.is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_acknowledged_before_a_stop_is_kept() {
    let api = Setup::new().start().await;
    let conversation = api.conversation().await;
    assert_eq!(api.answer(&conversation, "hello").await, "Hi there");
    let folder = api.stop().await;
    let data = folder.path().join("data");
    let again = Setup::new().data(&data).start().await;
    assert_eq!(again.contents(&conversation).await, ["hello", "Hi there"]);
}
