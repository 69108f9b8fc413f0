//! Streams: how they begin, and what is read from them.

use std::path::Path;

use coze_api::types::chat::StartChat;
use coze_api::types::workflows::{ChatWorkflow, StreamRunWorkflow};
use coze_api::types::{StreamEvent, Streams};
use coze_api::{ChatEvent, Error, WorkflowEventData};

use crate::server::{DONE, STREAM, Server, Step, answer, json, stream, whole_chat};

/// The error of the call itself.
async fn refusal(steps: Vec<Step>) -> Error {
    let server = Server::always(steps).await;
    match server.coze().stream(StartChat::default()).await {
        Err(error) => error,
        Ok(stream) => panic!("{stream:?}"),
    }
}

/// All events, and the error they end with.
async fn read<E: Streams + Default>(steps: Vec<Step>) -> (Vec<E::Event>, Option<Error>)
where
    E::Event: StreamEvent,
{
    let server = Server::always(steps).await;
    let mut stream = server.coze().stream(E::default()).await.unwrap();
    let (mut events, mut failure) = (Vec::new(), None);
    while let Some(event) = stream.next().await {
        assert!(failure.is_none(), "something follows {failure:?}");
        match event {
            Ok(event) => events.push(event),
            Err(error) => failure = Some(error),
        }
    }
    assert!(stream.next().await.is_none() && stream.is_over());
    (events, failure)
}

#[tokio::test]
async fn what_goes_wrong_before_the_first_event_is_an_error_of_the_call() {
    let error = refusal(json(r#"{"code":4000,"msg":"no bot"}"#)).await;
    assert_eq!((error.code(), error.log_id()), (Some(4000), Some("LOG1")));

    let error = refusal(answer(
        "401 Unauthorized",
        "application/json",
        r#"{"code":4100,"msg":"who"}"#,
    ))
    .await;
    assert_eq!((error.code(), error.http()), (Some(4100), Some(401)));

    let error = refusal(answer("502 Bad Gateway", "text/html", "<html>")).await;
    assert!(matches!(error, Error::Http(_)), "{error:?}");

    let error = refusal(answer("200 OK", "text/html", "<html>")).await;
    assert!(matches!(error, Error::Decode(_)), "{error:?}");

    let single =
        r#"{"code":0,"msg":"","data":{"id":"1","conversation_id":"2","status":"in_progress"}}"#;
    let error = refusal(json(single)).await;
    assert!(matches!(error, Error::Decode(_)), "{error:?}");
    assert!(
        error
            .to_string()
            .contains("a stream of events was asked for"),
        "{error}"
    );

    // The type of the body says nothing, the body does.
    let error = refusal(answer(
        "200 OK",
        "text/plain",
        r#" {"code":4000,"msg":"no"}"#,
    ))
    .await;
    assert_eq!(error.code(), Some(4000));
}

#[tokio::test]
async fn json_that_calls_itself_a_stream_is_still_judged() {
    let (events, error) = read::<StartChat>(stream(br#"{"code":4000,"msg":"no"}"#)).await;
    assert!(events.is_empty());
    assert_eq!(error.unwrap().code(), Some(4000));
}

#[tokio::test]
async fn a_stream_without_a_type_is_read() {
    let head = "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n";
    let bytes = format!("{head}{}", whole_chat()).into_bytes();
    let (events, error) = read::<StartChat>(vec![Step::Send(bytes), Step::Close]).await;
    assert_eq!((events.len(), error.is_none()), (9, true));
}

#[tokio::test]
async fn all_events_come_in_order() {
    let steps = vec![
        Step::Send(STREAM.into()),
        Step::Trickle(whole_chat().into()),
        Step::Close,
    ];
    let (events, error) = read::<StartChat>(steps).await;
    assert!(error.is_none(), "{error:?}");
    let names: Vec<_> = events.iter().map(ChatEvent::name).collect();
    assert_eq!(
        names,
        [
            "conversation.chat.created",
            "conversation.chat.in_progress",
            "conversation.message.delta",
            "conversation.message.delta",
            "conversation.message.completed",
            "conversation.message.completed",
            "conversation.message.completed",
            "conversation.chat.completed",
            "done",
        ]
    );
}

#[tokio::test]
async fn every_framing_is_read() {
    let compact = whole_chat();
    let spaced = compact
        .replace("event:", "event: ")
        .replace("\ndata:", "\ndata: ");
    let windows = format!("\u{feff}: hello\r\n\r\n{}", spaced.replace('\n', "\r\n"));
    let skill: String = compact
        .split("\n\n")
        .filter_map(|frame| frame.strip_prefix("event:")?.split_once("\ndata:"))
        .map(|(event, data)| format!("data:{{\"event\":\"{event}\",\"data\":{data}}}\n\n"))
        .collect();
    let (expected, _) = read::<StartChat>(stream(compact.as_bytes())).await;
    assert_eq!(expected.len(), 9);
    for body in [spaced, windows, skill] {
        let (events, error) = read::<StartChat>(stream(body.as_bytes())).await;
        assert!(error.is_none(), "{error:?}: {body}");
        assert_eq!(events, expected, "{body}");
    }
}

#[tokio::test]
async fn the_skill_document_streams_without_ids() {
    let body = concat!(
        "data:{\"event\":\"conversation.message.delta\",\"data\":{\"content\":\"你\"}}\n\n",
        "data:{\"event\":\"conversation.message.delta\",\"data\":{\"content\":\"好\"}}\n\n",
        "data:{\"event\":\"conversation.message.completed\",\"data\":{\"content\":\"你好\"}}\n\n",
        "data: [DONE]\n\n",
    );
    let server = Server::always(stream(body.as_bytes())).await;
    let reply = server.coze().chat("1").message("x").reply().await.unwrap();
    assert_eq!(reply.text(), "你好");
    assert_eq!(reply.messages().len(), 1);
    assert_eq!(reply.status().as_str(), "completed");
}

#[tokio::test]
async fn unknown_events_are_kept() {
    let body = format!("event:new.thing\ndata:{{\"a\":1}}\n\n{DONE}");
    let (events, error) = read::<StartChat>(stream(body.as_bytes())).await;
    assert!(error.is_none(), "{error:?}");
    let ChatEvent::Unknown { event, data } = &events[0] else {
        panic!("{events:?}")
    };
    assert_eq!((event.as_str(), data.as_str()), ("new.thing", r#"{"a":1}"#));
}

#[tokio::test]
async fn every_spelling_of_ids_numbers_and_lists_is_read() {
    // Ids as numbers, numbers as text, lists and maps that are null, values of the future.
    let body = concat!(
        "\u{feff}: hello\nretry: 3000\nid: 1\nevent: conversation.chat.created\n",
        r#"data: {"id":222,"conversation_id":111,"status":"dreaming","created_at":"1730713302","#,
        r#""meta_data":null,"inserted_additional_messages":null,"last_error":{"code":"0","msg":null},"#,
        r#""required_action":{"type":"","submit_tool_outputs":{"tool_calls":null}},"usage":null}"#,
        "\n\n: still here\n\nid: 2\nevent: conversation.message.delta\n",
        r#"data: {"id":444,"chat_id":222,"role":"oracle","type":"answer","content":"你","#,
        r#""content_type":"hologram","meta_data":null,"created_at":"1730713303"}"#,
        "\n\ndata: {\"priority\":1}\nevent: conversation.chat.queued\n\n",
        "event: conversation.message.completed\n",
        r#"data: {"id":445,"role":"assistant","type":"ack","content":null,"content_type":"text"}"#,
        "\n\nevent: conversation.chat.completed\n",
        r#"data: {"id":222,"conversation_id":111,"status":"completed","#,
        r#""usage":{"token_count":"3","output_count":2.0,"input_count":null}}"#,
        "\n\nevent: done\ndata: [DONE]\n\n",
    );
    for body in [
        body.to_owned(),
        body.replace('\n', "\r\n"),
        body.replace('\n', "\r"),
    ] {
        let (events, error) = read::<StartChat>(stream(body.as_bytes())).await;
        assert!(error.is_none(), "{error:?}");
        let [
            ChatEvent::Created(created),
            ChatEvent::Delta(delta),
            ChatEvent::Unknown { event, data },
            ChatEvent::MessageCompleted(message),
            ChatEvent::Completed(completed),
            ChatEvent::Done(_),
        ] = events.as_slice()
        else {
            panic!("{events:?}")
        };
        assert_eq!(
            (created.id.as_str(), created.status.as_str()),
            ("222", "dreaming")
        );
        assert_eq!(created.created_at.unwrap().known(), Some(1_730_713_302));
        assert!(created.pending().is_empty() && created.error().is_none());
        assert_eq!((delta.id.as_str(), delta.role.as_str()), ("444", "oracle"));
        assert_eq!(delta.content_type.as_str(), "hologram");
        assert_eq!(
            (event.as_str(), data.as_str()),
            ("conversation.chat.queued", r#"{"priority":1}"#)
        );
        assert_eq!(
            (message.kind.as_str(), message.content.as_str()),
            ("ack", "")
        );
        let usage = completed.usage.unwrap();
        assert_eq!(
            (usage.token_count, usage.output_count, usage.input_count),
            (3, 2, 0)
        );
    }
}

#[tokio::test]
async fn what_no_type_knows_is_there_as_it_came() {
    let data = r#"{ "id":"444","content":"你", "mood":[1.0, {"a":null}] }"#;
    let broken = r#"{"id":"1","content":{}}"#;
    let chat = format!(
        "event: conversation.message.delta\ndata: {data}\n\n\
         event: conversation.message.delta\ndata: {broken}\n\nevent: done\n\n"
    );
    let server = Server::always(stream(chat.as_bytes())).await;
    let coze = server.coze();
    let mut events = coze.stream(StartChat::default()).await.unwrap();
    assert_eq!(events.raw(), None);
    events.next().await.unwrap().unwrap();
    assert_eq!(events.raw(), Some(data.as_bytes()));
    events.next().await.unwrap().unwrap_err();
    assert_eq!(events.raw(), Some(broken.as_bytes()));
    events.next().await.unwrap().unwrap();
    assert_eq!(events.raw(), None);

    let mut chat = coze.chat("1").message("x").stream().await.unwrap();
    chat.next().await.unwrap().unwrap();
    assert_eq!(chat.raw(), Some(data.as_bytes()));

    let skill = r#"{"event":"Message","data":{"content":"a","mood":1}}"#;
    let steps = vec![
        Step::Send([STREAM, "data:", skill, "\n\nid: 1\neve"].concat().into()),
        Step::Hold,
    ];
    let server = Server::always(steps).await;
    let mut run = server.coze().workflow("74").stream().await.unwrap();
    run.next().await.unwrap().unwrap();
    assert_eq!(run.raw(), Some(skill.as_bytes()));
    // While the next one is waited for, there is none.
    let waiting = tokio::time::timeout(std::time::Duration::from_millis(50), run.next()).await;
    assert!(waiting.is_err() && run.raw().is_none());
}

#[tokio::test]
async fn a_frame_without_a_name_that_is_cut_is_no_event() {
    let whole = r#"data:{"event":"conversation.message.delta","data":{"content":"你"}}"#;
    for length in "data:".len()..whole.len() {
        let (events, error) = read::<StartChat>(stream(&whole.as_bytes()[..length])).await;
        assert!(events.is_empty(), "{events:?}");
        assert!(error.unwrap().is_truncated());
    }
}

#[tokio::test]
async fn an_event_that_does_not_fit_is_named_and_the_stream_goes_on() {
    let bodies: [&[u8]; 2] = [
        b"event:conversation.message.delta\ndata:{\"id\":\"1\",\"content\":{}}\n\nevent:done\ndata:\n\n",
        b"event:conversation.message.delta\ndata:{\"id\":\"1\",\"content\":\"\xff\"}\n\nevent:done\ndata:\n\n",
    ];
    for body in bodies {
        let server = Server::always(stream(body)).await;
        let mut stream = server.coze().stream(StartChat::default()).await.unwrap();
        let error = stream.next().await.unwrap().unwrap_err();
        let text = error.to_string();
        assert!(
            text.contains("StartChat")
                && text.contains("`conversation.message.delta`")
                && text.contains("`content`"),
            "{text}"
        );
        assert_eq!(error.log_id(), Some("LOG1"));
        assert!(matches!(stream.next().await, Some(Ok(ChatEvent::Done(_)))));
        assert!(stream.next().await.is_none());
    }
}

#[tokio::test]
async fn nothing_is_read_behind_the_last_event() {
    let body = format!("{DONE}{DONE}event:x\ndata:1\n\n");
    let (events, error) = read::<StartChat>(stream(body.as_bytes())).await;
    assert_eq!((events.len(), error.is_none()), (1, true));
}

/// The vendor's captures, byte by byte; each row says how many events, and how they end.
#[tokio::test]
async fn the_vendors_captures_are_read() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/coze-api/streams");
    let capture = |name: &str| {
        let bytes = std::fs::read(folder.join(name)).ok()?;
        Some(vec![
            Step::Send(STREAM.into()),
            Step::Trickle(bytes),
            Step::Close,
        ])
    };
    let count = |name: &str| {
        let text = std::fs::read_to_string(folder.join(name)).unwrap();
        text.lines()
            .filter(|line| line.starts_with("event:"))
            .count()
    };
    if capture("SOURCES.md").is_none() {
        eprintln!(
            "SKIPPED: the vendor's captures are absent ({})",
            folder.display()
        );
        return;
    }
    for (name, truncated) in [
        ("chat_text_stream_resp.txt", false),
        ("chat_audio_stream_resp.txt", false),
        ("chat_failed_resp.txt", false),
        ("chat_error_resp.txt", false),
        ("chat_invalid_resp.txt", true),
    ] {
        let (events, error) = read::<StartChat>(capture(name).unwrap()).await;
        assert_eq!(events.len(), count(name), "{name}");
        assert_eq!(
            error.is_some_and(|it| it.is_truncated()),
            truncated,
            "{name}"
        );
    }
    let name = "workflows_chat_stream_resp.txt";
    let (events, error) = read::<ChatWorkflow>(capture(name).unwrap()).await;
    assert_eq!(
        (events.len(), error.is_none()),
        (count(name), true),
        "{name}"
    );

    let name = "workflow_run_stream_resp.txt";
    let (events, error) = read::<StreamRunWorkflow>(capture(name).unwrap()).await;
    assert_eq!(
        (events.len(), error.is_none()),
        (count(name), true),
        "{name}"
    );
    assert!(matches!(
        events.last().unwrap().data,
        WorkflowEventData::Done(_)
    ));

    let name = "workflow_run_invalid_stream_resp.txt";
    let (events, error) = read::<StreamRunWorkflow>(capture(name).unwrap()).await;
    assert_eq!(
        (events.len(), error.unwrap().is_truncated()),
        (1, true),
        "{name}"
    );
}
