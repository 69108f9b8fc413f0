//! Cancelling chats.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use serde_json::json;

use crate::harness::{Api, Setup, names, text};
use crate::space::{self, streamed};

#[tokio::test]
async fn only_a_chat_at_work_can_be_cancelled() {
    let api = Api::start().await;
    let conversation = api.conversation().await;
    for (message, state) in [
        ("hello", "completed"),
        ("fail", "failed"),
        ("weather", "requires_action"),
    ] {
        let chat = api.ask(&conversation, message).await;
        let reply = api.cancel(&conversation, &text(&chat["id"])).await;
        assert_eq!((reply.http, reply.code()), (200, 4104), "{message}");
        assert!(reply.msg().contains(state), "{}", reply.msg());
        assert_eq!(api.ended(&conversation, &text(&chat["id"])).await, chat);
    }
    let chat = text(&api.create(&conversation, "hang").await.data()["id"]);
    assert_eq!(
        api.cancel(&conversation, &chat).await.data()["status"],
        "canceled"
    );
    let again = api.cancel(&conversation, &chat).await;
    assert_eq!(again.code(), 4104);
    assert!(again.msg().contains("canceled"), "{}", again.msg());
}

#[tokio::test]
async fn a_cancelled_chat_frees_its_conversation_and_is_no_memory() {
    let api = Api::start().await;
    let conversation = api.conversation().await;
    api.answer(&conversation, "my name is Ada").await;
    let chat = text(
        &api.create(&conversation, "hang, my name is Bob")
            .await
            .data()["id"],
    );
    api.cancel(&conversation, &chat).await.data();
    let answer = api.answer(&conversation, "What did I say?").await;
    assert_eq!(answer, "You said before: \"my name is Ada\".");
}

#[tokio::test]
async fn cancelling_is_quick_and_keeps_what_was_there() {
    let api = Api::start().await;
    let conversation = api.conversation().await;
    let path = format!("/v3/chat?conversation_id={conversation}");
    let mut stream = api.open(&path, streamed("half then hang")).await;
    let (_, chat) = stream.ids().await;
    stream.until("half ").await;
    let begun = Instant::now();
    api.cancel(&conversation, &chat).await.data();
    let whole = stream.rest().await;
    assert!(
        begun.elapsed() < Duration::from_secs(1),
        "{:?}",
        begun.elapsed()
    );
    assert_eq!(
        names(&whole),
        [
            "conversation.chat.created",
            "conversation.chat.in_progress",
            "conversation.message.delta",
            "conversation.chat.canceled",
            "done"
        ]
    );
    assert_eq!(api.contents(&conversation).await, ["half then hang"]);
    let state = api.ended(&conversation, &chat).await;
    assert_eq!(
        (&state["status"], &state["last_error"]["code"]),
        (&json!("canceled"), &json!(0))
    );
}

/// Whoever comes first, the two must tell the same story.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cancel_that_races_with_the_end_is_either_way_consistent() {
    let api = Api::start().await;
    let race = (0..16).map(|_| async {
        let conversation = api.conversation().await;
        let path = format!("/v3/chat?conversation_id={conversation}");
        let mut stream = api.open(&path, streamed("hello")).await;
        let (_, chat) = stream.ids().await;
        let canceled = api.cancel(&conversation, &chat).await;
        let whole = stream.rest().await;
        let state = api.retrieve(&conversation, &chat).await.data()["status"].clone();
        let contents = api.contents(&conversation).await;
        match canceled.code() {
            0 => {
                assert_eq!(state, "canceled");
                assert_eq!(contents, ["hello"]);
                assert!(whole.contains("conversation.chat.canceled"), "{whole}");
                assert!(!whole.contains("conversation.chat.completed"), "{whole}");
            }
            4104 => {
                assert_eq!(state, "completed");
                assert_eq!(contents, ["hello", "Hi there"]);
                assert!(whole.contains("conversation.chat.completed"), "{whole}");
            }
            other => panic!("{other}"),
        }
    });
    join_all(race).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_ten_cancels_at_once_one_wins() {
    let api = Api::start().await;
    let conversation = api.conversation().await;
    let chat = text(&api.create(&conversation, "hang").await.data()["id"]);
    let codes = join_all((0..10).map(|_| api.cancel(&conversation, &chat))).await;
    assert_eq!(codes.iter().filter(|it| it.code() == 0).count(), 1);
    assert_eq!(codes.iter().filter(|it| it.code() == 4104).count(), 9);
}

#[tokio::test]
async fn a_chat_cancelled_while_a_tool_works_stays_cancelled() {
    let agent = "    model: scripted\n    tools:";
    let script = "    script:\n";
    let yaml = space::yaml()
        .replacen(
            agent,
            "    model: scripted\n    workflows: [\"7500000000000000204\"]\n    tools:",
            1,
        )
        .replacen(
            script,
            "    script:\n      - match: \"use model\"\n        tool_calls: [ { name: ask_model, \
             arguments: { input: \"slow\" } } ]\n",
            1,
        );
    let api = Setup::with(&yaml).start().await;
    let conversation = api.conversation().await;
    let mut stream = api
        .open(
            &format!("/v3/chat?conversation_id={conversation}"),
            streamed("use model"),
        )
        .await;
    let begin = stream.until("conversation.chat.in_progress").await;
    let id = begin.split("\"id\":\"").nth(1).unwrap()[..19].to_owned();
    assert_eq!(api.cancel(&conversation, &id).await.code(), 0);
    // The tool takes 300 ms; what comes of it must not bring the chat back to work.
    tokio::time::sleep(Duration::from_millis(600)).await;
    let chat = api.retrieve(&conversation, &id).await;
    assert_eq!(chat.data()["status"], "canceled");
    assert_eq!(api.answer(&conversation, "hello").await, "Hi there");
}
