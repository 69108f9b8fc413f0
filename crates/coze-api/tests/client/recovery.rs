//! Streams that break, of chats that do not: what was missing follows.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use coze_api::types::messages::{EnterMessage, ObjectStringItem};
use coze_api::{
    ChatEvent, ChatRequest, ChatStream, Coze, Error, PollOptions, Recover, Reply, StreamError,
    Unrecovered,
};
use futures_util::StreamExt;

use crate::server::{
    CREATED, DONE, Request, STREAM, Server, Step, answer, chat, delta, json, message, stream,
};

const RETRIEVE: &str = "GET /v3/chat/retrieve?conversation_id=111&chat_id=222";
const LIST: &str = "GET /v3/chat/message/list?conversation_id=111&chat_id=222";
const CANCEL: &str = "POST /v3/chat/cancel";

const QUICK: PollOptions = PollOptions {
    first: Duration::ZERO,
    interval: Duration::from_millis(10),
    max_interval: Duration::from_millis(20),
    deadline: Duration::from_secs(30),
};

/// The chat as it is retrieved.
fn state(status: &str) -> String {
    format!(
        r#"{{"code":0,"data":{{"id":"222","conversation_id":"111","bot_id":"333","status":"{status}","last_error":{{"code":0,"msg":""}},"usage":{{"token_count":3,"output_count":2,"input_count":1}}}}}}"#
    )
}

/// What a stream tells in events that are whole messages, as a list.
fn saved(body: &str) -> String {
    let messages: Vec<_> = body
        .split("\n\n")
        .filter_map(|frame| frame.strip_prefix("event:conversation.message.completed\ndata:"))
        .collect();
    format!(r#"{{"code":0,"data":[{}]}}"#, messages.join(","))
}

/// A server whose streams end like this, and whose chat then passes through these states and has
/// said what `list` tells.
async fn server(steps: Vec<Step>, states: &[&str], list: String) -> Server {
    let states: Vec<_> = states.iter().map(|it| (*it).to_owned()).collect();
    let looks = AtomicUsize::new(0);
    Server::start(move |request: &Request| match request.line.as_str() {
        RETRIEVE => {
            let look = looks.fetch_add(1, Ordering::SeqCst);
            match states.get(look).or(states.last()).unwrap().as_str() {
                "busy" => answer("503 Service Unavailable", "text/plain", "later"),
                "gone" => json(r#"{"code":4001,"msg":"no such chat"}"#),
                "silent" => vec![Step::Hold],
                body if body.starts_with('{') => json(body),
                status => json(&state(status)),
            }
        }
        LIST => json(&list),
        CANCEL => json(&state("canceled")),
        _ => steps.clone(),
    })
    .await
}

fn coze(server: &Server) -> Coze {
    let builder = Coze::builder().token("pat_secret").default_user("me");
    let builder = builder.base_url(server.url()).recover(Recover::Poll(QUICK));
    builder.build().unwrap()
}

fn ask(server: &Server) -> ChatRequest {
    coze(server).chat("333").message("x")
}

/// All events, and the error that they end with.
async fn read(mut stream: ChatStream) -> (Vec<ChatEvent>, Option<Error>) {
    let (mut events, mut failure) = (Vec::new(), None);
    while let Some(event) = stream.next().await {
        assert!(failure.is_none(), "something follows {failure:?}");
        match event {
            Ok(event) => events.push(event),
            Err(error) => failure = Some(error),
        }
    }
    assert!(stream.next().await.is_none());
    (events, failure)
}

async fn events(server: &Server) -> (Vec<ChatEvent>, Option<Error>) {
    read(ask(server).stream().await.unwrap()).await
}

/// The error of a stream that was not recovered.
fn reason(error: &Error) -> &Unrecovered {
    match error {
        Error::Stream(failure) => failure.unrecovered.as_ref().unwrap(),
        other => panic!("{other:?}"),
    }
}

/// Events as text, pieces of one text joined. That the agent works is told by the way only.
fn story(events: &[ChatEvent]) -> Vec<String> {
    let mut story: Vec<(String, String)> = Vec::new();
    for event in events {
        let (what, text) = match event {
            ChatEvent::InProgress(_) => continue,
            ChatEvent::Delta(it) => match &it.reasoning_content {
                Some(thought) => (format!("thinks {}", it.id), thought.clone()),
                None => (format!("says {}", it.id), it.content.clone()),
            },
            ChatEvent::MessageCompleted(it) => (
                format!("told {} {} {:?}", it.id, it.kind, it.reasoning_content),
                it.content.clone(),
            ),
            ChatEvent::Completed(chat) => {
                let usage = chat.usage.unwrap().token_count;
                (format!("completed {usage}"), String::new())
            }
            other => (other.name().to_owned(), String::new()),
        };
        match story.last_mut() {
            Some((last, said)) if *last == what && matches!(event, ChatEvent::Delta(_)) => {
                said.push_str(&text);
            }
            _ => story.push((what, text)),
        }
    }
    let joined = story
        .into_iter()
        .map(|(what, text)| format!("{what}: {text}"));
    joined.collect()
}

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
    [
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
    ]
    .concat()
}

/// Cuts a stream at every byte from its first event on, and compares each with the whole.
async fn cut_everywhere(body: String, first: usize) {
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
    // The first event is whole without its empty line.
    cut_everywhere(rich_chat(), CREATED.len() - 2).await;
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
    let first = frame(CREATED).len() - "\r\n\r\n".len();
    cut_everywhere(frame(&rich_chat()), first).await;
    let frame = |text: &str| text.replace('\n', "\r");
    cut_everywhere(frame(&rich_chat()), CREATED.len() - 2).await;
}

#[tokio::test]
async fn a_stream_of_the_skill_dialect_is_recovered() {
    let frame = |text: &str| -> String {
        text.split("\n\n")
            .filter_map(|frame| frame.strip_prefix("event:")?.split_once("\ndata:"))
            .map(|(event, data)| format!("data:{{\"event\":\"{event}\",\"data\":{data}}}\n\n"))
            .collect()
    };
    cut_everywhere(frame(&rich_chat()), frame(CREATED).len() - 2).await;
}

/// A stream that breaks after the first answer has begun.
fn begun() -> String {
    [CREATED, &delta("你")].concat()
}

fn completed() -> String {
    saved(
        &[
            message("444", "answer", "你好！"),
            message("447", "follow_up", "谁？"),
        ]
        .concat(),
    )
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
async fn a_stream_dropped_while_it_recovers_cancels_its_chat() {
    let server = server(stream(begun().as_bytes()), &["in_progress"], completed()).await;
    let mut stream = ask(&server).stream().await.unwrap();
    stream.next().await.unwrap().unwrap();
    stream.next().await.unwrap().unwrap();
    let waiting = tokio::time::timeout(Duration::from_millis(200), stream.next()).await;
    assert!(waiting.is_err());
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
