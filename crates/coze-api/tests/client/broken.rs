//! Streams that break, of chats that do not.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use coze_api::{
    ChatEvent, ChatRequest, ChatStream, Coze, Error, PollOptions, Recover, Unrecovered,
};

use crate::server::{CREATED, Request, Server, Step, answer, delta, json, message};

pub(crate) const RETRIEVE: &str = "GET /v3/chat/retrieve?conversation_id=111&chat_id=222";

pub(crate) const LIST: &str = "GET /v3/chat/message/list?conversation_id=111&chat_id=222";

pub(crate) const CANCEL: &str = "POST /v3/chat/cancel";

pub(crate) const QUICK: PollOptions = PollOptions {
    first: Duration::ZERO,
    interval: Duration::from_millis(10),
    max_interval: Duration::from_millis(20),
    deadline: Duration::from_secs(30),
};

/// The chat as it is retrieved.
pub(crate) fn state(status: &str) -> String {
    format!(
        r#"{{"code":0,"data":{{"id":"222","conversation_id":"111","bot_id":"333","status":"{status}","last_error":{{"code":0,"msg":""}},"usage":{{"token_count":3,"output_count":2,"input_count":1}}}}}}"#
    )
}

/// What a stream tells in events that are whole messages, as a list.
pub(crate) fn saved(body: &str) -> String {
    let messages: Vec<_> = body
        .split("\n\n")
        .filter_map(|frame| frame.strip_prefix("event:conversation.message.completed\ndata:"))
        .collect();
    format!(r#"{{"code":0,"data":[{}]}}"#, messages.join(","))
}

/// A server whose streams end like this, and whose chat then passes through these states and has
/// said what `list` tells.
pub(crate) async fn server(steps: Vec<Step>, states: &[&str], list: String) -> Server {
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

pub(crate) fn coze(server: &Server) -> Coze {
    let builder = Coze::builder().token("pat_secret").default_user("me");
    let builder = builder.base_url(server.url()).recover(Recover::Poll(QUICK));
    builder.build().unwrap()
}

pub(crate) fn ask(server: &Server) -> ChatRequest {
    coze(server).chat("333").message("x")
}

/// All events, and the error that they end with.
pub(crate) async fn read(mut stream: ChatStream) -> (Vec<ChatEvent>, Option<Error>) {
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

pub(crate) async fn events(server: &Server) -> (Vec<ChatEvent>, Option<Error>) {
    read(ask(server).stream().await.unwrap()).await
}

/// The error of a stream that was not recovered.
pub(crate) fn reason(error: &Error) -> &Unrecovered {
    match error {
        Error::Stream(failure) => failure.unrecovered.as_ref().unwrap(),
        other => panic!("{other:?}"),
    }
}

/// Events as text, pieces of one text joined. That the agent works is told by the way only.
pub(crate) fn story(events: &[ChatEvent]) -> Vec<String> {
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

/// A stream that breaks after the first answer has begun.
pub(crate) fn begun() -> String {
    [CREATED, &delta("你")].concat()
}

pub(crate) fn completed() -> String {
    saved(
        &[
            message("444", "answer", "你好！"),
            message("447", "follow_up", "谁？"),
        ]
        .concat(),
    )
}
