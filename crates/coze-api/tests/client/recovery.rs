//! What was missing of a stream that broke follows, once.

use std::time::Duration;

use coze_api::{ChatEvent, Coze, Error, Recover, Unrecovered};
use futures_util::StreamExt;

use crate::broken::{
    CANCEL, LIST, QUICK, RETRIEVE, ask, begun, completed, coze, events, read, reason, saved,
    server, state, story,
};
use crate::server::{
    CREATED, DONE, Request, STREAM, Server, Step, chat, delta, json, message, stream,
};

fn thought(text: &str) -> String {
    delta("").replace(
        r#""content":"","#,
        &format!(r#""content":"","reasoning_content":"{text}","#),
    )
}

/// An answer with everything: a tool, reasoning, two answers, a note and suggestions.
fn rich_chat() -> String {
    let thoughtful = message("444", "answer", "你好 ☔！").replace(
        r#""content_type""#,
        r#""reasoning_content":"嗯，好","content_type""#,
    );
    let second = |text: &str| delta(text).replace("444", "445");
    let whole = [
        CREATED,
        &chat("in_progress"),
        &message("440", "function_call", r#"{\"name\":\"w\"}"#),
        &message("441", "tool_response", "18 °C"),
        &thought("嗯，"),
        &thought("好"),
        &delta("你"),
        &delta("好 ☔"),
        &delta("！"),
        &thoughtful,
        &second("再"),
        &second("见🎈"),
        &message("445", "answer", "再见🎈"),
        &message(
            "446",
            "verbose",
            r#"{\"msg_type\":\"generate_answer_finish\"}"#,
        ),
        &message("447", "follow_up", "你是谁？"),
        &message("448", "follow_up", "再说一遍"),
        &chat("completed"),
        DONE,
    ];
    // Each byte less is a test less.
    let lean = whole.concat().replace(r#""bot_id":"333","#, "");
    lean.replace(r#""content_type":"text","#, "")
        .replace(r#""last_error":{"code":0,"msg":""},"#, "")
}

/// Cuts a stream at every byte, and compares each with the whole.
async fn cut_everywhere(body: String) {
    // From here on the chat is known: its first event needs no empty line.
    let close = body.find('}').unwrap() + 1;
    let first = close + usize::from(body[close..].starts_with('}'));
    let saved = saved(&rich_chat());
    let whole = body.clone();
    let server = Server::start(move |request: &Request| match request.line.as_str() {
        RETRIEVE => json(&state("completed")),
        LIST => json(&saved),
        "POST /v3/chat" => {
            let body = request.json();
            let asked = body["additional_messages"][0]["content"].as_str().unwrap();
            stream(&whole.as_bytes()[..asked.parse().unwrap()])
        }
        other => panic!("{other}"),
    })
    .await;
    let coze = coze(&server);
    let ask = |length: usize| coze.chat("333").message(length.to_string()).stream();
    let (events, error) = read(ask(body.len()).await.unwrap()).await;
    assert!(error.is_none(), "{error:?}");
    let expected = story(&events);
    let expected_reply = ask(body.len()).await.unwrap().collect().await.unwrap();
    assert!(expected_reply.recovery().is_none());
    let (expected, expected_reply) = (&expected, &expected_reply);

    let cuts = futures_util::stream::iter(0..body.len()).map(async |length| {
        let mut stream = ask(length).await.unwrap();
        let (mut events, mut failure) = (Vec::new(), None);
        while let Some(event) = stream.next().await {
            match event {
                Ok(event) => events.push(event),
                Err(error) => failure = Some(error),
            }
        }
        if length < first {
            let failure = failure.unwrap();
            assert!(failure.is_truncated(), "at {length}: {failure:?}");
            assert!(
                matches!(reason(&failure), Unrecovered::UnknownChat),
                "{failure}"
            );
            return 0;
        }
        assert!(failure.is_none(), "at {length}: {failure:?}");
        assert_eq!(story(&events), *expected, "at {length}");
        let reply = stream.so_far();
        assert_eq!(reply.messages(), expected_reply.messages(), "at {length}");
        assert_eq!(reply.status(), expected_reply.status());
        assert_eq!(reply.usage(), expected_reply.usage());
        usize::from(stream.recovery().is_some())
    });
    let recovered: Vec<_> = cuts.buffer_unordered(16).collect().await;
    let recovered: usize = recovered.into_iter().sum();
    // The last event needs neither its line ends nor its data.
    assert!(recovered > body.len() - first - 20, "{recovered}");
}

#[tokio::test]
async fn a_stream_cut_anywhere_is_recovered() {
    cut_everywhere(rich_chat()).await;
}

#[tokio::test]
async fn a_stream_with_other_line_ends_is_recovered() {
    let frame = |text: &str| {
        let spaced = text
            .replace("event:", "event: ")
            .replace("\ndata:", "\ndata: ");
        format!(
            "\u{feff}: hi\r\nretry: 1\r\n\r\n{}",
            spaced.replace('\n', "\r\n")
        )
    };
    cut_everywhere(frame(&rich_chat())).await;
}

#[tokio::test]
async fn a_stream_with_the_oldest_line_ends_is_recovered() {
    cut_everywhere(rich_chat().replace('\n', "\r")).await;
}

#[tokio::test]
async fn a_stream_of_the_skill_dialect_is_recovered() {
    let frame = |text: &str| -> String {
        text.split("\n\n")
            .filter_map(|frame| frame.strip_prefix("event:")?.split_once("\ndata:"))
            .map(|(event, data)| format!("data:{{\"event\":\"{event}\",\"data\":{data}}}\n\n"))
            .collect()
    };
    cut_everywhere(frame(&rich_chat())).await;
}

#[tokio::test]
async fn every_way_to_read_sees_what_was_recovered() {
    let server = server(stream(begun().as_bytes()), &["completed"], completed()).await;
    let reply = ask(&server).reply().await.unwrap();
    assert_eq!(
        (reply.text().as_ref(), reply.follow_ups().count()),
        ("你好！", 1)
    );
    assert_eq!(reply.status().as_str(), "completed");
    let recovery = reply.recovery().unwrap();
    // A delta, two messages, the chat, the end; `好！谁？`.
    assert_eq!(
        (recovery.events, recovery.characters, recovery.bytes),
        (5, 4, 12)
    );
    assert!(
        recovery.cause.contains("the stream was cut"),
        "{recovery:?}"
    );

    let mut stream = ask(&server).stream().await.unwrap();
    let mut text = Vec::new();
    while let Some(piece) = stream.next_text().await {
        text.push((piece.unwrap(), stream.recovery().is_some()));
    }
    assert_eq!(text, [("你".to_owned(), false), ("好！".to_owned(), true)]);

    let pieces = ask(&server).stream().await.unwrap().into_text_stream();
    let pieces: Vec<_> = pieces.map(Result::unwrap).collect().await;
    assert_eq!(pieces, ["你", "好！"]);
    assert_eq!(server.count(CANCEL), 0);
}

#[tokio::test]
async fn the_chat_is_waited_for() {
    let states = &[
        "created",
        "busy",
        "in_progress",
        "busy",
        "busy",
        "busy",
        "completed",
    ];
    let server = server(stream(begun().as_bytes()), states, completed()).await;
    let reply = ask(&server).reply().await.unwrap();
    assert_eq!(reply.text(), "你好！");
    assert_eq!((server.count(RETRIEVE), server.count(LIST)), (7, 1));
}

#[tokio::test]
async fn a_reset_and_a_silence_are_recovered() {
    let head = Step::Send([STREAM, &begun()].concat().into());
    let reset = vec![head.clone(), Step::Pause(50), Step::Reset];
    for (steps, cause) in [
        (reset, "broke"),
        (vec![head, Step::Hold], "nothing arrived"),
    ] {
        let server = server(steps, &["in_progress", "completed"], completed()).await;
        let builder = Coze::builder().token("pat_secret").base_url(server.url());
        let coze = builder
            .idle_timeout(Duration::from_millis(100))
            .build()
            .unwrap();
        let chat = coze.chat("333").user("me").message("x");
        let reply = chat.recover(Recover::Poll(QUICK)).reply().await.unwrap();
        assert_eq!(reply.text(), "你好！");
        let recovery = reply.recovery().unwrap();
        assert!(recovery.cause.contains(cause), "{recovery:?}");
    }
}

#[tokio::test]
async fn an_event_that_does_not_fit_is_recovered() {
    let broken = "event:conversation.message.delta\ndata:{\"id\":\"444\",\"content\":{}}\n\n";
    let body = [&begun(), broken, &delta("！"), &chat("completed"), DONE].concat();
    let server = server(stream(body.as_bytes()), &["completed"], completed()).await;
    let reply = ask(&server).reply().await.unwrap();
    assert_eq!(reply.text(), "你好！");
    assert!(reply.recovery().unwrap().cause.contains("does not fit"));
    // Without recovery it is told, and the stream goes on.
    let mut stream = ask(&server).recover(Recover::Off).stream().await.unwrap();
    let mut told = Vec::new();
    while let Some(event) = stream.next().await {
        told.push(event.is_ok());
    }
    assert_eq!(told, [true, true, false, true, true, true]);
}

#[tokio::test]
async fn answers_that_interleave_are_each_completed() {
    let other = |text: &str| delta(text).replace("444", "445");
    let body = [
        CREATED,
        &delta("一"),
        &other("A"),
        &delta("二"),
        &other("B"),
    ]
    .concat();
    let list = saved(
        &[
            message("444", "answer", "一二三"),
            message("445", "answer", "ABC"),
        ]
        .concat(),
    );
    let server = server(stream(body.as_bytes()), &["completed"], list).await;
    let reply = ask(&server).reply().await.unwrap();
    assert_eq!(reply.answers().collect::<Vec<_>>(), ["一二三", "ABC"]);
    let (events, error) = events(&server).await;
    assert!(error.is_none(), "{error:?}");
    let said = |id: &str| -> String {
        let deltas = events.iter().filter_map(|event| match event {
            ChatEvent::Delta(it) if it.id == *id => Some(it.content.as_str()),
            _ => None,
        });
        deltas.collect()
    };
    assert_eq!((said("444"), said("445")), ("一二三".into(), "ABC".into()));
}

#[tokio::test]
async fn a_chat_that_waits_for_tools_is_recovered() {
    let waits = r#"{"code":0,"data":{"id":"222","conversation_id":"111","status":"requires_action","required_action":{"type":"submit_tool_outputs","submit_tool_outputs":{"tool_calls":[{"id":"BUJ=","type":"function","function":{"name":"w","arguments":"{}"}}]}}}}"#;
    let list = saved(&message("440", "function_call", "{}"));
    let server = server(stream(CREATED.as_bytes()), &[waits], list).await;
    let (events, error) = events(&server).await;
    assert!(error.is_none(), "{error:?}");
    let names: Vec<_> = events.iter().map(ChatEvent::name).collect();
    assert_eq!(
        names,
        [
            "conversation.chat.created",
            "conversation.message.completed",
            "conversation.chat.requires_action",
            "done"
        ]
    );
    let reply = ask(&server).reply().await.unwrap();
    assert!(reply.requires_action());
    assert_eq!(reply.tool_calls()[0].id, "BUJ=");
}

#[tokio::test]
async fn a_chat_that_ends_badly_is_told_as_such() {
    let failed = r#"{"code":0,"data":{"id":"222","conversation_id":"111","status":"failed","last_error":{"code":4013,"msg":"slow down"}}}"#;
    let list = saved(&message("444", "answer", "你好"));
    for (state, name) in [
        (failed, "failed"),
        ("canceled", "canceled"),
        ("expired", "expired"),
    ] {
        let server = server(stream(begun().as_bytes()), &[state], list.clone()).await;
        let (events, error) = events(&server).await;
        // What it had said until then is not lost.
        let said: Vec<_> = events.iter().filter_map(ChatEvent::message).collect();
        assert_eq!(said.len(), 3, "{said:?}");
        let Some(Error::Chat(chat)) = error else {
            panic!("{name}: {error:?}")
        };
        assert_eq!(chat.chat().status.as_str(), name);
        assert_eq!(chat.reply.text(), "你好");
        assert_eq!(chat.code, if name == "failed" { 4013 } else { 0 });
        assert!(chat.reply.recovery().is_some());
    }
    // It failed; that another text is saved, or none, does not matter then.
    for list in [saved(&message("444", "answer", "对不起")), saved("")] {
        let server = server(stream(begun().as_bytes()), &[failed], list).await;
        let error = ask(&server).reply().await.unwrap_err();
        assert_eq!(
            (error.code(), error.partial().unwrap().text().as_ref()),
            (Some(4013), "你")
        );
    }
}

#[tokio::test]
async fn only_the_last_event_is_missing() {
    // Nothing is asked for: no more can follow, also where nothing is saved.
    let body = [
        CREATED,
        &message("444", "answer", "你好"),
        &chat("completed"),
    ]
    .concat();
    let server = Server::start(move |request: &Request| {
        assert_eq!(request.line, "POST /v3/chat");
        stream(body.as_bytes())
    })
    .await;
    let reply = ask(&server).save_history(false).reply().await.unwrap();
    assert_eq!(
        (reply.text().as_ref(), reply.recovery().unwrap().events),
        ("你好", 1)
    );
}

#[tokio::test]
async fn a_text_that_was_only_trimmed_is_the_same() {
    for (begun, saved_text, said) in [
        (r"\n\n你", "你好", ["\n\n你", "好"].as_slice()),
        (r"你好\n", "你好", &["你好\n"]),
    ] {
        let body = [CREATED, &delta(begun)].concat();
        let list = saved(&message("444", "answer", saved_text));
        let server = server(stream(body.as_bytes()), &["completed"], list).await;
        let stream = ask(&server).stream().await.unwrap();
        let pieces: Vec<_> = stream
            .into_text_stream()
            .map(Result::unwrap)
            .collect()
            .await;
        assert_eq!(pieces, said);
    }
}

#[tokio::test]
async fn lists_in_another_order_under_other_ids_are_understood() {
    let at = |message: String, time: u32| {
        message.replace("\"chat_id\"", &format!("\"created_at\":{time},\"chat_id\""))
    };
    // The user's question does not belong to the answer; a message that is listed twice is one.
    let question = message("439", "question", "x").replace("assistant", "user");
    let list = [
        at(message("917", "follow_up", "谁？"), 9),
        at(message("914", "answer", "你好！"), 5),
        at(message("910", "function_call", "{}"), 4),
        at(message("910", "function_call", "{}"), 4),
        at(question, 3),
    ];
    let body = [
        CREATED,
        &message("440", "function_call", "{}"),
        &delta("你"),
    ]
    .concat();
    let server = server(
        stream(body.as_bytes()),
        &["completed"],
        saved(&list.concat()),
    )
    .await;
    let (events, error) = events(&server).await;
    assert!(error.is_none(), "{error:?}");
    let story = story(&events);
    let expected = [
        "conversation.chat.created: ",
        "told 440 function_call None: {}",
        "says 444: 你好！",
        "told 444 answer None: 你好！",
        "told 917 follow_up None: 谁？",
        "completed 3: ",
        "done: ",
    ];
    assert_eq!(story, expected);
}

#[tokio::test]
async fn what_was_recovered_never_came_as_bytes() {
    let server = server(stream(begun().as_bytes()), &["completed"], completed()).await;
    let mut stream = ask(&server).stream().await.unwrap();
    let mut raw = Vec::new();
    while let Some(event) = stream.next().await {
        event.unwrap();
        raw.push(stream.raw().is_some());
    }
    assert_eq!(raw, [true, true, false, false, false, false, false]);
}

#[tokio::test]
async fn a_chatflow_is_recovered() {
    let spaced = begun()
        .replace("event:", "event: ")
        .replace("\ndata:", "\ndata: ");
    let server = server(stream(spaced.as_bytes()), &["completed"], completed()).await;
    let chatflow = coze(&server).workflow("74").bot("333").chat().message("x");
    let reply = chatflow.clone().reply().await.unwrap();
    assert_eq!(
        (reply.text().as_ref(), reply.recovery().is_some()),
        ("你好！", true)
    );
    let error = chatflow.recover(Recover::Off).reply().await.unwrap_err();
    assert!(matches!(reason(&error), Unrecovered::Off), "{error}");
}
