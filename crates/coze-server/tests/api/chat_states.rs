//! The states of a chat, and who may have a conversation when.

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::harness::{Api, names, place, text, within};
use crate::space::{self, chat_with, streamed};

#[tokio::test]
async fn a_conversation_takes_one_chat_at_a_time() {
    let api = Api::start().await;
    let conversation = api.conversation().await;
    let first = text(&api.create(&conversation, "hang").await.data()["id"]);
    let second = api.create(&conversation, "hello").await;
    assert_eq!((second.http, second.code()), (200, 4016));
    assert!(second.msg().contains(&first), "{}", second.msg());
    // A refused chat leaves nothing behind.
    assert_eq!(api.contents(&conversation).await, ["hang"]);
    // Others are free.
    let other = api.conversation().await;
    assert_eq!(api.answer(&other, "hello").await, "Hi there");
    // The body names the conversation as well as the query does; the query wins.
    let mut body = space::chat("hello");
    body["conversation_id"] = conversation.as_str().into();
    assert_eq!(api.post("/v3/chat", body.clone()).await.code(), 4016);
    let reply = api
        .post(&format!("/v3/chat?conversation_id={other}"), body)
        .await;
    assert_eq!(reply.data()["conversation_id"], *other);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_twenty_chats_at_once_one_wins() {
    let api = Api::start().await;
    let conversation = api.conversation().await;
    let creates = (0..20).map(|_| api.create(&conversation, "hang"));
    let replies = join_all(creates).await;
    let mut codes: Vec<i64> = replies.iter().map(crate::harness::Reply::code).collect();
    codes.sort_unstable();
    assert_eq!(codes[0], 0);
    assert_eq!(codes[1..], [4016; 19]);
    assert_eq!(api.contents(&conversation).await, ["hang"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_conversations_at_once() {
    let api = Api::start().await;
    let asked = (0..20).map(|_| async {
        let conversation = api.conversation().await;
        api.answer(&conversation, "hello").await
    });
    assert_eq!(join_all(asked).await, ["Hi there"; 20]);
}

#[tokio::test]
async fn a_conversation_is_free_after_every_end() {
    let api = Api::start().await;
    let conversation = api.conversation().await;
    for (message, status) in [
        ("hello", "completed"),
        ("fail", "failed"),
        ("half then fail", "failed"),
        ("weather", "requires_action"),
        ("silent", "completed"),
        ("hello", "completed"),
    ] {
        assert_eq!(
            api.ask(&conversation, message).await["status"],
            status,
            "{message}"
        );
    }
    let path = format!("/v3/chat?conversation_id={conversation}");
    let stream = api.stream(&path, streamed("hello")).await;
    assert!(stream.contains("Hi there"));
}

#[tokio::test]
async fn what_was_said_before_a_failure_is_told_but_not_kept_as_an_answer() {
    let api = Api::start().await;
    let conversation = api.conversation().await;
    let chat = api.ask(&conversation, "half then fail").await;
    assert_eq!(
        chat["last_error"],
        json!({"code": 4013, "msg": "no more today"})
    );
    assert!(
        chat["failed_at"].is_i64() && chat.get("completed_at").is_none(),
        "{chat}"
    );
    assert_eq!(api.messages(&chat).await, json!([]));
}

#[tokio::test]
async fn a_chat_goes_on_when_its_reader_goes_away() {
    let api = Api::start().await;
    let conversation = api.conversation().await;
    let path = format!("/v3/chat?conversation_id={conversation}");
    let mut stream = api.open(&path, streamed("slow")).await;
    let (_, chat) = stream.ids().await;
    drop(stream);
    let chat = api.ended(&conversation, &chat).await;
    assert_eq!(chat["status"], "completed");
    assert_eq!(api.contents(&conversation).await, ["slow", "one two three"]);
}

#[tokio::test]
async fn an_empty_conversation_needs_a_message() {
    let api = Api::start().await;
    let body = json!({"bot_id": space::SCRIPTED_BOT, "user_id": "ada"});
    let reply = api.post("/v3/chat", body.clone()).await;
    assert_eq!(reply.code(), 4000);
    assert!(
        reply.msg().contains("additional_messages"),
        "{}",
        reply.msg()
    );
    // One that holds a question does not.
    let conversation = api.conversation().await;
    let path = format!("/v1/conversation/message/create?conversation_id={conversation}");
    let message = json!({"role": "user", "content": "hello", "content_type": "text"});
    api.post(&path, message).await.data();
    let reply = api
        .post(&format!("/v3/chat?conversation_id={conversation}"), body)
        .await;
    let chat = api.ended(&conversation, &text(&reply.data()["id"])).await;
    assert_eq!(chat["status"], "completed");
    assert_eq!(api.contents(&conversation).await, ["hello", "Hi there"]);
}

/// The ids of the calls that a chat waits for.
fn pending(chat: &Value) -> Vec<String> {
    let calls = &chat["required_action"]["submit_tool_outputs"]["tool_calls"];
    calls
        .as_array()
        .unwrap()
        .iter()
        .map(|it| text(&it["id"]))
        .collect()
}

#[tokio::test]
async fn tool_outputs_come_all_at_once_and_only_those_asked_for() {
    let api = Api::start().await;
    let conversation = api.conversation().await;
    let chat = api.ask(&conversation, "both tools").await;
    let id = text(&chat["id"]);
    let path = place("/v3/chat/submit_tool_outputs", &conversation, &id);
    let calls = pending(&chat);
    let output = |id: &str, output: &str| json!({"tool_call_id": id, "output": output});
    for (outputs, field) in [
        (
            json!([output(&calls[0], "sun")]),
            "tool_outputs: the output of call",
        ),
        (
            json!([output(&calls[0], "a"), output(&calls[0], "b")]),
            "tool_outputs[1].tool_call_id",
        ),
        (
            json!([output("nobody", "a"), output(&calls[1], "b")]),
            "tool_outputs[0].tool_call_id",
        ),
        (json!([]), "tool_outputs"),
        (json!([{"tool_call_id": calls[0]}]), "output"),
    ] {
        let reply = api.post(&path, json!({"tool_outputs": outputs})).await;
        assert_eq!(reply.code(), 4000, "{outputs}");
        assert!(reply.msg().contains(field), "{outputs}: {}", reply.msg());
        // Nothing of it is kept.
        assert_eq!(pending(&api.ended(&conversation, &id).await), calls);
    }
    let outputs = json!([output(&calls[1], "noon"), output(&calls[0], "sun")]);
    let reply = api.post(&path, json!({"tool_outputs": outputs})).await;
    assert_eq!(reply.data()["status"], "in_progress");
    assert_eq!(api.ended(&conversation, &id).await["status"], "completed");
    assert_eq!(
        api.contents(&conversation).await,
        ["both tools", "sun at noon"]
    );
    // And only once.
    let reply = api.post(&path, json!({"tool_outputs": outputs})).await;
    assert_eq!(reply.code(), 4000);
    assert!(reply.msg().contains("completed"), "{}", reply.msg());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_ten_submits_at_once_one_wins() {
    let api = Api::start().await;
    let conversation = api.conversation().await;
    let chat = api.ask(&conversation, "weather").await;
    let path = place(
        "/v3/chat/submit_tool_outputs",
        &conversation,
        &text(&chat["id"]),
    );
    let outputs = json!([{"tool_call_id": pending(&chat)[0], "output": "sun"}]);
    let submits = (0..10).map(|_| api.post(&path, json!({"tool_outputs": outputs})));
    let replies = join_all(submits).await;
    assert_eq!(replies.iter().filter(|it| it.code() == 0).count(), 1);
    assert_eq!(replies.iter().filter(|it| it.code() == 4000).count(), 9);
    api.ended(&conversation, &text(&chat["id"])).await;
    assert_eq!(api.contents(&conversation).await, ["weather", "It is sun"]);
}

#[tokio::test]
async fn a_paused_chat_may_not_go_on_in_an_occupied_conversation() {
    let api = Api::start().await;
    let conversation = api.conversation().await;
    let paused = api.ask(&conversation, "weather").await;
    api.create(&conversation, "hang").await.data();
    let path = place(
        "/v3/chat/submit_tool_outputs",
        &conversation,
        &text(&paused["id"]),
    );
    let outputs = json!([{"tool_call_id": pending(&paused)[0], "output": "sun"}]);
    let reply = api.post(&path, json!({"tool_outputs": outputs})).await;
    assert_eq!(
        reply.code(),
        4016,
        "two chats at work in one conversation: {}",
        reply.text
    );
}

#[tokio::test]
async fn a_chat_without_history_leaves_nothing_and_cannot_be_asked_for() {
    let api = Api::start().await;
    let conversation = api.conversation().await;
    let path = format!("/v3/chat?conversation_id={conversation}");
    let mut body = streamed("hello");
    body["auto_save_history"] = false.into();
    let mut stream = api.open(&path, body.clone()).await;
    let (_, chat) = stream.ids().await;
    let whole = stream.rest().await;
    assert!(
        whole.contains("Hi there") && whole.ends_with("\"[DONE]\"\n\n"),
        "{whole}"
    );
    assert!(api.contents(&conversation).await.is_empty());
    assert_eq!(api.retrieve(&conversation, &chat).await.code(), 4002);
    let list = place("/v3/chat/message/list", &conversation, &chat);
    assert_eq!(api.get(&list).await.code(), 4002);
    // Without a stream nobody could ever see the answer.
    body["stream"] = false.into();
    let reply = api.post(&path, body).await;
    assert_eq!(reply.code(), 4000);
    assert!(reply.msg().contains("auto_save_history"), "{}", reply.msg());

    // It pauses, but has no history from which it could go on.
    let mut body = streamed("weather");
    body["auto_save_history"] = false.into();
    let mut stream = api.open(&path, body).await;
    let (_, chat) = stream.ids().await;
    let call = stream.rest().await;
    assert_eq!(names(&call).last().unwrap(), "done");
    let id = call.split("\"tool_calls\":[{\"id\":\"").nth(1).unwrap();
    let outputs = json!([{"tool_call_id": id.split('"').next(), "output": "sun"}]);
    let submit = place("/v3/chat/submit_tool_outputs", &conversation, &chat);
    assert_eq!(
        api.post(&submit, json!({"tool_outputs": outputs}))
            .await
            .code(),
        5000
    );
}

#[tokio::test]
async fn deleting_a_conversation_ends_its_chat() {
    let api = Api::start().await;
    let conversation = api.conversation().await;
    let path = format!("/v3/chat?conversation_id={conversation}");
    let mut stream = api.open(&path, streamed("hang")).await;
    let (_, chat) = stream.ids().await;
    assert_eq!(
        api.delete(&format!("/v1/conversations/{conversation}"))
            .await
            .code(),
        0
    );
    let whole = within(stream.rest()).await;
    assert_eq!(names(&whole).last().unwrap(), "done");
    assert!(whole.contains("conversation.chat.canceled"), "{whole}");
    for reply in [
        api.retrieve(&conversation, &chat).await,
        api.create(&conversation, "hello").await,
        api.get(&format!(
            "/v1/conversation/retrieve?conversation_id={conversation}"
        ))
        .await,
        api.delete(&format!("/v1/conversations/{conversation}"))
            .await,
    ] {
        assert_eq!(reply.code(), 4001, "{}", reply.text);
    }
}

#[tokio::test]
async fn ids_of_another_conversation_do_not_fit() {
    let api = Api::start().await;
    let (mine, other) = (api.conversation().await, api.conversation().await);
    let chat = text(&api.ask(&mine, "hello").await["id"]);
    assert_eq!(api.retrieve(&other, &chat).await.code(), 4002);
    assert_eq!(api.cancel(&other, &chat).await.code(), 4002);
    for (conversation, chat, code) in [
        ("1", chat.as_str(), 4001),
        ("abc", &chat, 4001),
        ("", &chat, 4000),
        (&mine, "", 4000),
        (&mine, "99999999999999999999999", 4002),
        (&mine, "-1", 4002),
    ] {
        let reply = api.retrieve(conversation, chat).await;
        assert_eq!(reply.code(), code, "{conversation} {chat}");
    }
    let unknown = chat_with("7599999999999999999", "hello");
    assert_eq!(api.post("/v3/chat", unknown).await.code(), 4200);
}

#[tokio::test]
async fn what_is_said_before_a_tool_call_is_an_answer_of_its_own() {
    let api = Api::start().await;
    let conversation = api.conversation().await;
    let path = format!("/v3/chat?conversation_id={conversation}");
    let stream = api.stream(&path, streamed("look first")).await;
    let kinds: Vec<_> = crate::harness::frames(&stream)
        .into_iter()
        .filter(|(event, _)| event == "conversation.message.completed")
        .map(|(_, data)| (text(&data["type"]), text(&data["content"])))
        .collect();
    assert_eq!(kinds[0], ("answer".to_owned(), "Let me see.".to_owned()));
    assert_eq!(kinds[1].0, "function_call");
    assert_eq!(kinds.len(), 2);
    assert_eq!(
        api.contents(&conversation).await,
        ["look first", "Let me see."]
    );
}
