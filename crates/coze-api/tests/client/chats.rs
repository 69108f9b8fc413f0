//! Chats: what is sent, and how the answer is put together.

use coze_api::types::messages::{EnterMessage, ObjectStringItem};
use coze_api::{ChatEvent, Error, StreamError};
use serde_json::json as value;

use crate::server::{
    CREATED, DONE, Request, Server, chat, delta, json, message, stream, whole_chat,
};

#[tokio::test]
async fn everything_that_can_be_asked_is_sent() {
    let server = Server::always(stream(whole_chat().as_bytes())).await;
    let coze = server.coze();
    let mut request = coze
        .chat("333")
        .user("u1")
        .conversation("111")
        .messages([EnterMessage::assistant("hello")])
        .message("what is it?")
        .image("901")
        .objects([
            ObjectStringItem::text("b"),
            ObjectStringItem::file_url("http://f"),
        ])
        .variable("name", "Li")
        .variables([("city", "杭州")])
        .parameter("n", 3)
        .meta("k", "v")
        .extra_param("latitude", "30.2")
        .save_history(true)
        .publish_status("unpublished_draft")
        .bot_version("7")
        .connector("1024")
        .enable_card(true);
    request.body_mut().custom_config = Some(value!({"x": 1}));
    let reply = request.reply().await.unwrap();
    assert_eq!(reply.text(), "你好！");
    let request = &server.requests()[0];
    assert_eq!(request.line, "POST /v3/chat?conversation_id=111");
    assert_eq!(
        request.json(),
        value!({
            "bot_id": "333",
            "user_id": "u1",
            "additional_messages": [
                {"role": "assistant", "type": "answer", "content": "hello", "content_type": "text"},
                {"role": "user", "type": "question", "content_type": "object_string",
                 "content": r#"[{"type":"text","text":"what is it?"},{"type":"image","file_id":"901"}]"#},
                {"role": "user", "type": "question", "content_type": "object_string",
                 "content": r#"[{"type":"text","text":"b"},{"type":"file","file_url":"http://f"}]"#},
            ],
            "stream": true,
            "custom_variables": {"name": "Li", "city": "杭州"},
            "auto_save_history": true,
            "meta_data": {"k": "v"},
            "extra_params": {"latitude": "30.2"},
            "parameters": {"n": 3},
            "enable_card": true,
            "publish_status": "unpublished_draft",
            "bot_version": "7",
            "connector_id": "1024",
            "custom_config": {"x": 1},
        })
    );
}

#[tokio::test]
async fn a_short_request_is_short() {
    let server = Server::always(stream(whole_chat().as_bytes())).await;
    server
        .coze()
        .chat("333")
        .message("你好")
        .reply()
        .await
        .unwrap();
    let request = &server.requests()[0];
    assert_eq!(request.line, "POST /v3/chat");
    assert_eq!(
        request.body,
        r#"{"bot_id":"333","user_id":"me","additional_messages":[{"role":"user","type":"question","content":"你好","content_type":"text"}],"stream":true}"#
    );
}

#[tokio::test]
async fn a_reply_is_put_together() {
    let server = Server::always(stream(whole_chat().as_bytes())).await;
    let reply = server
        .coze()
        .chat("333")
        .message("x")
        .reply()
        .await
        .unwrap();
    assert_eq!(reply.text(), "你好！");
    assert_eq!(reply.answers().collect::<Vec<_>>(), ["你好！"]);
    assert_eq!(reply.follow_ups().collect::<Vec<_>>(), ["你是谁？"]);
    assert_eq!(reply.messages().len(), 3);
    assert_eq!(reply.usage().unwrap().token_count, 3);
    assert_eq!(reply.conversation_id(), &"111");
    assert_eq!(reply.chat_id(), &"222");
    assert_eq!(reply.status().as_str(), "completed");
    assert_eq!(reply.log_id(), Some("LOG1"));
    assert!(!reply.requires_action() && reply.tool_calls().is_empty());
}

#[tokio::test]
async fn what_was_read_before_is_part_of_what_is_collected() {
    let server = Server::always(stream(whole_chat().as_bytes())).await;
    let coze = server.coze();
    let mut stream = coze.chat("333").message("x").stream().await.unwrap();
    assert_eq!(stream.next_text().await.unwrap().unwrap(), "你好");
    assert_eq!(stream.so_far().text(), "你好");
    assert_eq!(stream.status().as_str(), "in_progress");
    assert_eq!(stream.collect().await.unwrap().text(), "你好！");
}

#[tokio::test]
async fn reasoning_is_kept_apart() {
    let thought = delta("").replace(
        r#""content":"""#,
        r#""content":"","reasoning_content":"hm""#,
    );
    let body = [
        CREATED,
        &thought,
        &thought,
        &delta("42"),
        &chat("completed"),
        DONE,
    ]
    .concat();
    let server = Server::always(stream(body.as_bytes())).await;
    let coze = server.coze();
    let reply = coze.chat("333").message("x").reply().await.unwrap();
    assert_eq!(
        (reply.text().as_ref(), reply.reasoning().as_str()),
        ("42", "hmhm")
    );
    let mut stream = coze.chat("333").message("x").stream().await.unwrap();
    assert_eq!(stream.next_text().await.unwrap().unwrap(), "42");
    assert!(stream.next_text().await.is_none());
}

#[tokio::test]
async fn a_failure_cannot_be_overlooked() {
    let failed = chat("failed").replace(r#""code":0,"msg":"""#, r#""code":4013,"msg":"slow down""#);
    let bare = "event:conversation.chat.failed\ndata:{\"code\":\"4013\",\"msg\":\"slow down\"}\n\n";
    for failed in [failed.as_str(), bare] {
        let body = [CREATED, &delta("你"), failed, DONE].concat();
        let server = Server::always(stream(body.as_bytes())).await;
        let error = server.coze().chat("333").message("x").reply().await;
        let error = error.unwrap_err();
        let Error::Chat(chat) = &error else {
            panic!("{error:?}")
        };
        assert_eq!((chat.code, chat.msg.as_str()), (4013, "slow down"));
        assert_eq!(chat.chat().status.as_str(), "failed");
        assert_eq!(
            (chat.chat().id.as_str(), chat.reply.text().as_ref()),
            ("222", "你")
        );
        assert_eq!((error.code(), error.log_id()), (Some(4013), Some("LOG1")));
        assert_eq!(
            error.to_string(),
            "chat 222 is failed: slow down (code 4013, logid LOG1)"
        );
        assert!(error.is_retryable());
    }
}

#[tokio::test]
async fn a_cancelled_chat_is_not_a_whole_answer() {
    for name in ["canceled", "cancelled"] {
        let body = [CREATED, &delta("你"), &chat(name), DONE].concat();
        let server = Server::always(stream(body.as_bytes())).await;
        let error = server.coze().chat("333").message("x").reply().await;
        let error = error.unwrap_err();
        assert!(matches!(error, Error::Chat(_)), "{error:?}");
        assert_eq!(error.partial().unwrap().text(), "你");
        assert_eq!(error.to_string(), "chat 222 is canceled (logid LOG1)");
    }
}

#[tokio::test]
async fn an_error_event_is_an_error() {
    let body = [
        CREATED,
        &delta("你"),
        "event:error\ndata:{\"code\":5000,\"msg\":\"oh\"}\n\n",
    ]
    .concat();
    let server = Server::always(stream(body.as_bytes())).await;
    let coze = server.coze();
    let mut stream = coze.chat("333").message("x").stream().await.unwrap();
    let mut last = None;
    while let Some(event) = stream.next().await {
        last = Some(event);
    }
    let error = last.unwrap().unwrap_err();
    let Error::Stream(failure) = &error else {
        panic!("{error:?}")
    };
    assert!(matches!(&failure.kind, StreamError::Event { code: 5000, msg, .. } if msg == "oh"));
    assert_eq!(failure.chat_id.as_deref(), Some("222"));
    assert_eq!(error.code(), Some(5000));
    let collected = coze.chat("333").message("x").reply().await.unwrap_err();
    assert_eq!(collected.partial().unwrap().text(), "你");
}

#[tokio::test]
async fn tools_are_answered() {
    let asks = chat("requires_action").replace(
        r#""status":"requires_action","#,
        r#""status":"requires_action","required_action":{"type":"submit_tool_outputs","submit_tool_outputs":{"tool_calls":[{"id":"BUJ=","type":"function","function":{"name":"weather","arguments":"{}"}}]}},"#,
    );
    let begin = [CREATED, &message("446", "function_call", "{}"), &asks, DONE].concat();
    let server = Server::start(move |request: &Request| {
        if request
            .line
            .starts_with("POST /v3/chat/submit_tool_outputs")
        {
            return stream(whole_chat().as_bytes());
        }
        stream(begin.as_bytes())
    })
    .await;
    let coze = server.coze();
    let reply = coze.chat("333").message("x").reply().await.unwrap();
    assert!(reply.requires_action());
    let call = &reply.tool_calls()[0];
    assert_eq!(call.function.as_ref().unwrap().name, "weather");
    let answer = coze.submit_tool_outputs(&reply).output(&call.id, "18");
    assert_eq!(answer.reply().await.unwrap().text(), "你好！");
    let request = &server.requests()[1];
    let line = "POST /v3/chat/submit_tool_outputs?conversation_id=111&chat_id=222";
    assert_eq!(request.line, line);
    let body = r#"{"tool_outputs":[{"tool_call_id":"BUJ=","output":"18"}],"stream":true}"#;
    assert_eq!(request.body, body);
    let nothing = coze.submit_tool_outputs(("1", "2")).reply().await;
    assert!(matches!(nothing.unwrap_err(), Error::Invalid(_)));
}

#[tokio::test]
async fn text_streams_are_streams() {
    use futures_util::StreamExt;
    let server = Server::always(stream(whole_chat().as_bytes())).await;
    let coze = server.coze();
    let stream = coze.chat("333").message("x").stream().await.unwrap();
    let text: Vec<_> = stream
        .into_text_stream()
        .map(Result::unwrap)
        .collect()
        .await;
    assert_eq!(text, ["你好", "！"]);
    let stream = coze.chat("333").message("x").stream().await.unwrap();
    let speech = stream.filter(|event| {
        let audio = matches!(event, Ok(ChatEvent::AudioDelta(_)));
        async move { audio }
    });
    assert_eq!(speech.count().await, 0);
}

#[tokio::test]
async fn conversations_are_made_and_used() {
    let server = Server::start(|request: &Request| {
        json(match request.line.as_str() {
            "POST /v1/conversation/create" => r#"{"code":0,"data":{"id":"111","created_at":1}}"#,
            "POST /v1/conversations/111/clear" => {
                r#"{"code":0,"data":{"id":"7","conversation_id":"111"}}"#
            }
            "POST /v1/conversation/message/list?conversation_id=111" => {
                r#"{"code":0,"data":[{"id":"1","role":"user","content":"hi"}],"first_id":"1","last_id":"1","has_more":false}"#
            }
            "PUT /v1/conversations/111" => r#"{"code":0,"data":{"id":"111","name":"n"}}"#,
            _ => r#"{"code":4000,"msg":"unexpected"}"#,
        })
    })
    .await;
    let coze = server.coze();
    let made = coze
        .conversation()
        .bot("333")
        .name("n")
        .meta("k", "v")
        .create();
    let conversation = made.await.unwrap().id;
    assert_eq!(
        coze.clear_conversation(&conversation).await.unwrap().id,
        "7"
    );
    let page = coze
        .list_messages(&conversation, Default::default())
        .await
        .unwrap();
    assert_eq!(
        (page.data[0].content.as_str(), page.has_more),
        ("hi", false)
    );
    let renamed = coze.rename_conversation(&conversation, "n").await.unwrap();
    assert_eq!(renamed.name.as_deref(), Some("n"));
    let body = r#"{"bot_id":"333","name":"n","meta_data":{"k":"v"}}"#;
    assert_eq!(server.requests()[0].body, body);
}
