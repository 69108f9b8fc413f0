//! Streams that break and are not recovered, or not from their beginning, or not to their end.

use std::time::Duration;

use coze_api::types::messages::{EnterMessage, ObjectStringItem};
use coze_api::{
    ChatEvent, ChatRequest, Coze, Error, PollOptions, Recover, Reply, StreamError, Unrecovered,
};
use futures_util::StreamExt;

use crate::broken::{
    CANCEL, LIST, QUICK, RETRIEVE, ask, begun, completed, coze, events, read, reason, saved,
    server, state,
};
use crate::server::{
    CREATED, DONE, Request, STREAM, Server, Step, chat, delta, json, message, stream,
};

/// The failure of a stream that broke after `你`; what had arrived comes with it.
async fn unrecovered(server: &Server, request: ChatRequest) -> Error {
    let (events, error) = read(request.clone().stream().await.unwrap()).await;
    let error = error.unwrap();
    assert!(error.is_truncated(), "{error:?}");
    assert_eq!(events.len(), 2);
    assert_eq!(error.partial().unwrap().text(), "你");
    let collected = request.reply().await.unwrap_err();
    assert_eq!(collected.partial().unwrap().text(), "你");
    let text = error.to_string();
    assert!(text.starts_with("StartChat: the stream was cut"), "{text}");
    assert!(text.contains("; not recovered: "), "{text}");
    // Its answer may still be fetched.
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(server.count(CANCEL), 0);
    error
}

#[tokio::test]
async fn where_nothing_is_saved_the_failure_says_so() {
    let server = server(stream(begun().as_bytes()), &["completed"], completed()).await;
    let error = unrecovered(&server, ask(&server).save_history(false)).await;
    assert!(matches!(reason(&error), Unrecovered::NotSaved), "{error}");
    let error = unrecovered(&server, ask(&server).recover(Recover::Off)).await;
    assert!(matches!(reason(&error), Unrecovered::Off), "{error}");
    assert_eq!(server.count(RETRIEVE), 0);

    let server = self::server(stream(begun().as_bytes()), &["completed"], saved("")).await;
    let error = unrecovered(&server, ask(&server)).await;
    assert!(matches!(reason(&error), Unrecovered::Empty), "{error}");

    let server = self::server(stream(begun().as_bytes()), &["gone"], completed()).await;
    let error = unrecovered(&server, ask(&server)).await;
    let Unrecovered::Fetch(source) = reason(&error) else {
        panic!("{error:?}")
    };
    assert_eq!(source.code(), Some(4001));
    assert!(
        error.to_string().contains("RetrieveChat: no such chat"),
        "{error}"
    );
}

#[tokio::test]
async fn another_text_is_not_put_behind_the_one_that_had_begun() {
    // Another text; another answer under another id; no answer at all.
    for list in [
        message("444", "answer", "我不能回答。"),
        message("449", "answer", "我不能回答。"),
        message("446", "verbose", "{}"),
    ] {
        let server = server(stream(begun().as_bytes()), &["completed"], saved(&list)).await;
        let error = unrecovered(&server, ask(&server)).await;
        let Unrecovered::Differs(saved) = reason(&error) else {
            panic!("{error:?}")
        };
        assert_eq!(
            (saved.messages().len(), saved.chat_id().as_str()),
            (1, "222")
        );
        // Both are there, and neither is in the other.
        assert_eq!(error.partial().unwrap().messages().len(), 1);
    }
}

#[tokio::test]
async fn waiting_for_the_chat_has_an_end() {
    let deadline = Duration::from_millis(120);
    let quick = PollOptions { deadline, ..QUICK };
    for states in [&["in_progress"], &["silent"]] {
        let server = server(stream(begun().as_bytes()), states, completed()).await;
        let error = unrecovered(&server, ask(&server).recover(Recover::Poll(quick))).await;
        assert!(
            matches!(reason(&error), Unrecovered::Late(time) if *time == deadline),
            "{error}"
        );
    }
    // The limit of the whole call counts, too.
    let server = server(stream(begun().as_bytes()), &["silent"], completed()).await;
    let builder = Coze::builder().token("pat_secret").default_user("me");
    let coze = builder
        .base_url(server.url())
        .total_timeout(deadline)
        .build()
        .unwrap();
    let error = coze.chat("333").message("x").reply().await.unwrap_err();
    assert!(
        matches!(reason(&error), Unrecovered::Late(time) if *time == deadline),
        "{error}"
    );
}

#[tokio::test]
async fn speech_is_lost_and_that_is_said() {
    let speech = delta("UklG").replace("message.delta", "audio.delta");
    let spoken = [EnterMessage::user_objects(&[ObjectStringItem::audio("7")])];
    let body = [begun(), speech].concat();
    let heard = server(stream(body.as_bytes()), &["completed"], completed()).await;
    let asked = server(stream(begun().as_bytes()), &["completed"], completed()).await;
    for request in [ask(&heard), ask(&asked).messages(spoken)] {
        let (events, error) = read(request.clone().stream().await.unwrap()).await;
        let error = error.unwrap();
        assert!(matches!(reason(&error), Unrecovered::Speech), "{error}");
        assert!(
            events
                .iter()
                .any(|it| matches!(it, ChatEvent::Completed(_)))
        );
        assert_eq!(error.partial().unwrap().text(), "你好！");
        // Whoever reads text misses nothing.
        let reply: Reply = request.clone().reply().await.unwrap();
        assert_eq!(
            (reply.text().as_ref(), reply.recovery().is_some()),
            ("你好！", true)
        );
        let pieces = request.stream().await.unwrap().into_text_stream();
        assert_eq!(pieces.map(Result::unwrap).count().await, 2);
    }
}

#[tokio::test]
async fn what_the_server_tells_is_not_recovered() {
    let body = [
        &begun(),
        "event:error\ndata:{\"code\":5000,\"msg\":\"oh\"}\n\n",
    ]
    .concat();
    let server = server(stream(body.as_bytes()), &["completed"], completed()).await;
    let (_, error) = events(&server).await;
    let Some(Error::Stream(failure)) = error else {
        panic!("{error:?}")
    };
    assert!(matches!(
        failure.kind,
        StreamError::Event { code: 5000, .. }
    ));
    assert!(failure.unrecovered.is_none());
    assert_eq!(failure.partial.unwrap().text(), "你");
    assert_eq!(server.count(RETRIEVE), 0);
}

#[tokio::test]
async fn a_stream_dropped_while_it_recovers_cancels_its_chat() {
    let server = server(stream(begun().as_bytes()), &["in_progress"], completed()).await;
    let mut stream = ask(&server).stream().await.unwrap();
    stream.next().await.unwrap().unwrap();
    stream.next().await.unwrap().unwrap();
    let waiting = tokio::time::timeout(Duration::from_millis(200), stream.next()).await;
    assert!(waiting.is_err());
    assert!(stream.is_recovering() && stream.recovery().is_none());
    assert!(server.count(RETRIEVE) > 1);
    assert_eq!(
        server.count(CANCEL),
        0,
        "a chat that is recovered was cancelled"
    );
    drop(stream);
    server.wait_for(CANCEL).await;
    let looks = server.count(RETRIEVE);
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(server.count(RETRIEVE) <= looks + 1, "it goes on looking");
    assert_eq!(server.count(CANCEL), 1);
}

#[tokio::test]
async fn a_stream_that_recovers_can_be_detached_or_cancelled() {
    let server = server(stream(begun().as_bytes()), &["in_progress"], completed()).await;
    for cancel in [false, true] {
        let mut stream = ask(&server).stream().await.unwrap();
        while tokio::time::timeout(Duration::from_millis(100), stream.next())
            .await
            .is_ok()
        {}
        if cancel {
            let chat = stream.cancel().await.unwrap();
            assert_eq!(chat.unwrap().status.as_str(), "canceled");
        } else {
            stream.detach();
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert_eq!(server.count(CANCEL), usize::from(cancel));
    }
}

#[tokio::test]
async fn a_recovered_stream_cancels_nothing() {
    let server = server(stream(begun().as_bytes()), &["completed"], completed()).await;
    let mut stream = ask(&server).stream().await.unwrap();
    while stream.recovery().is_none() {
        stream.next().await.unwrap().unwrap();
    }
    // The chat is over, though the stream is not.
    drop(stream);
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(server.count(CANCEL), 0);
}

/// What a chat is saved as that has been given the output `18` for the second time.
fn resumed_list() -> String {
    saved(
        &[
            message("440", "function_call", "{}"),
            message("441", "tool_response", "18"),
            message("442", "function_call", "{}"),
            message(
                "443",
                "tool_response",
                r#"{\"content_type\":1,\"response_for_model\":\"18\"}"#,
            ),
            message("444", "answer", "你好！"),
        ]
        .concat(),
    )
}

#[tokio::test]
async fn a_chat_that_went_on_with_tool_outputs_is_recovered_from_there() {
    let answer_to = |coze: &Coze| {
        coze.submit_tool_outputs(("111", "222"))
            .output("BUJ=", "18")
    };
    // The chat still waits at the first look: the outputs have not been looked at yet.
    let waits = r#"{"code":0,"data":{"id":"222","conversation_id":"111","status":"requires_action","required_action":{"type":"submit_tool_outputs","submit_tool_outputs":{"tool_calls":[{"id":"BUJ=","type":"function"}]}}}}"#;
    for begun in [String::new(), chat("in_progress"), delta("你")] {
        let told = begun.contains("delta");
        let states = [waits, "completed"];
        let server = server(stream(begun.as_bytes()), &states, resumed_list()).await;
        let reply = answer_to(&coze(&server)).reply().await.unwrap();
        assert_eq!(reply.text(), "你好！");
        let ids: Vec<_> = reply.messages().iter().map(|it| it.id.as_str()).collect();
        assert_eq!(ids, if told { &["444"][..] } else { &["443", "444"] });
        assert_eq!(server.count(RETRIEVE), 2);
    }
}

#[tokio::test]
async fn what_a_chat_said_before_its_tools_were_answered_is_not_told_again() {
    // Nothing in the list tells the output; the reply that asked for it does.
    let list = saved(
        &[
            message("440", "function_call", "{}"),
            message("444", "answer", "你好！"),
        ]
        .concat(),
    );
    let asks = chat("requires_action");
    let begin = [CREATED, &message("440", "function_call", "{}"), &asks, DONE].concat();
    let server = Server::start(move |request: &Request| match request.line.as_str() {
        RETRIEVE => json(&state("completed")),
        LIST => json(&list),
        "POST /v3/chat" => stream(begin.as_bytes()),
        _ => stream(chat("in_progress").as_bytes()),
    })
    .await;
    let coze = coze(&server);
    let asked = coze.chat("333").message("x").reply().await.unwrap();
    assert!(asked.requires_action());
    let answered = coze.submit_tool_outputs(&asked).output("BUJ=", "18");
    let reply = answered.clone().reply().await.unwrap();
    let ids: Vec<_> = reply.messages().iter().map(|it| it.id.as_str()).collect();
    assert_eq!(ids, ["444"]);
    // Without the reply it cannot be told, and nothing is guessed.
    let answered = coze
        .submit_tool_outputs(("111", "222"))
        .output("BUJ=", "18");
    let error = answered.reply().await.unwrap_err();
    let Unrecovered::Mixed(saved) = reason(&error) else {
        panic!("{error:?}")
    };
    assert_eq!(saved.text(), "你好！");
}

#[tokio::test]
async fn a_dropped_stream_of_tool_outputs_cancels_before_its_first_event() {
    let steps = vec![Step::Send(STREAM.into()), Step::Hold];
    let server = server(steps, &["in_progress"], completed()).await;
    let answered = coze(&server)
        .submit_tool_outputs(("111", "222"))
        .output("BUJ=", "18");
    drop(answered.stream().await.unwrap());
    server.wait_for(CANCEL).await;
}
