//! Second turns in a conversation where one is under way.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use coze_api::{ChatRequest, Coze, Error, Occupied};
use futures_util::future::join_all;

use crate::server::{
    CREATED, DONE, Request, STREAM, Server, Step, chat, delta, json, stream, whole_chat,
};

const CHAT: &str = "POST /v3/chat?conversation_id=111";
const CANCEL: &str = "POST /v3/chat/cancel";
const CHATFLOW: &str = "POST /v1/workflows/chat";
const OUTPUTS: &str = "POST /v3/chat/submit_tool_outputs";
const BUSY: &str = r#"{"code":4016,"msg":"someone talks","detail":{"logid":"LOG2"}}"#;
const LONG: Occupied = Occupied::Wait(Duration::from_secs(15));

/// The reply that carries a chat.
fn chat_reply(id: &str, status: &str) -> Vec<Step> {
    json(&format!(
        r#"{{"code":0,"msg":"","data":{{"id":"{id}","conversation_id":"111","status":"{status}"}}}}"#
    ))
}

/// Begins to talk and does not end.
fn endless() -> Vec<Step> {
    let bytes = [STREAM, CREATED, &delta("你")].concat();
    vec![Step::Send(bytes.into()), Step::Hold]
}

/// A conversation where one chat at a time may run, as the service has it. `POST`s of chats get
/// what `answer` says for their number.
async fn room(answer: impl Fn(usize) -> Vec<Step> + Send + Sync + 'static) -> Server {
    let chats = AtomicUsize::new(0);
    Server::start(move |request: &Request| match request.line.as_str() {
        CANCEL => chat_reply("222", "canceled"),
        line if line.starts_with("GET /v3/chat/retrieve") => chat_reply("222", "completed"),
        line if line.starts_with("GET /v3/chat/message/list") => json(r#"{"code":0,"data":[]}"#),
        line if [CHAT, CHATFLOW, OUTPUTS, "POST /v3/chat"]
            .iter()
            .any(|it| line.starts_with(it)) =>
        {
            answer(chats.fetch_add(1, Ordering::SeqCst))
        }
        other => panic!("{other}"),
    })
    .await
}

fn turn(coze: &Coze, occupied: Occupied) -> ChatRequest {
    let chat = coze.chat("333").message("x").conversation("111");
    chat.if_occupied(occupied)
}

/// A test that hangs must fail too.
async fn soon<T>(future: impl Future<Output = T>) -> T {
    let limit = Duration::from_secs(20);
    tokio::time::timeout(limit, future).await.expect("it hangs")
}

/// Waits, for a bounded time, until so many turns are open.
async fn open(coze: &Coze, turns: usize) {
    soon(async {
        while coze.open_turns() != turns {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
}

async fn begun(request: ChatRequest) -> coze_api::ChatStream {
    let mut stream = request.stream().await.unwrap();
    stream.next().await.unwrap().unwrap();
    stream
}

fn occupied(error: Error) -> coze_api::ConversationOccupied {
    assert_eq!(error.code(), Some(4016));
    assert!(error.is_retryable());
    match error {
        Error::Occupied(occupied) => *occupied,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn turns_of_one_client_wait_in_order_and_trouble_no_server() {
    let free = Arc::new(Mutex::new(Instant::now()));
    let refused = Arc::new(AtomicUsize::new(0));
    let server = Server::start({
        let refused = Arc::clone(&refused);
        move |_| {
            let mut free = free.lock().unwrap();
            if Instant::now() < *free {
                refused.fetch_add(1, Ordering::SeqCst);
                return json(BUSY);
            }
            let time = Duration::from_millis(60);
            *free = Instant::now() + time;
            vec![
                Step::Send([STREAM, CREATED].concat().into()),
                Step::Pause(80),
                Step::Send([&chat("completed"), DONE].concat().into()),
                Step::Close,
            ]
        }
    })
    .await;
    let coze = Coze::builder()
        .token("pat_secret")
        .default_user("me")
        .base_url(server.url())
        .if_occupied(LONG)
        .build()
        .unwrap();
    let turns = (0..6).map(|turn| {
        let chat = coze.chat("333").conversation("111");
        chat.message(turn.to_string()).reply()
    });
    for reply in soon(join_all(turns)).await {
        reply.unwrap();
    }
    assert_eq!(refused.load(Ordering::SeqCst), 0);
    let asked = server.requests().into_iter().map(|it| {
        it.json()["additional_messages"][0]["content"]
            .as_str()
            .unwrap()
            .to_owned()
    });
    assert_eq!(asked.collect::<Vec<_>>(), ["0", "1", "2", "3", "4", "5"]);
    assert_eq!(coze.open_turns(), 0);
}

#[tokio::test]
async fn a_turn_of_another_program_is_waited_out_in_every_way() {
    // Each way has a server of its own, which refuses once.
    let server = || {
        room(|chat| match chat {
            0 => json(BUSY),
            _ => stream(whole_chat().as_bytes()),
        })
    };
    let plain = || {
        room(|chat| match chat {
            0 => json(BUSY),
            _ => chat_reply("222", "in_progress"),
        })
    };
    let streamed = async {
        let server = server().await;
        let coze = server.coze();
        let reply = turn(&coze, LONG).reply().await.unwrap();
        assert_eq!(reply.text(), "你好！");
        assert_eq!(server.count(CHAT), 2);
        assert_eq!(coze.open_turns(), 0);
    };
    let polled = async {
        let server = plain().await;
        let coze = server.coze();
        turn(&coze, LONG).poll().await.unwrap();
        assert_eq!(server.count(CHAT), 2);
        assert_eq!(coze.open_turns(), 0);
    };
    let started = async {
        let server = plain().await;
        let coze = server.coze();
        turn(&coze, LONG).start().await.unwrap();
        assert_eq!(server.count(CHAT), 2);
        assert_eq!(coze.open_turns(), 0);
    };
    let chatflow = async {
        let server = server().await;
        let coze = server.coze();
        let chatflow = coze.workflow("74").chat().message("x").conversation("111");
        let reply = chatflow.if_occupied(LONG).reply().await.unwrap();
        assert_eq!(reply.text(), "你好！");
        assert_eq!(server.count(CHATFLOW), 2);
        assert_eq!(coze.open_turns(), 0);
    };
    let outputs = async {
        let server = server().await;
        let coze = server.coze();
        let outputs = coze.submit_tool_outputs(("111", "222")).output("1", "sun");
        let reply = outputs.if_occupied(LONG).reply().await.unwrap();
        assert_eq!(reply.text(), "你好！");
        assert_eq!(server.count(OUTPUTS), 2);
        assert_eq!(coze.open_turns(), 0);
    };
    soon(async { tokio::join!(streamed, polled, started, chatflow, outputs) }).await;
}

#[tokio::test]
async fn failing_is_what_happens_unless_told_otherwise() {
    let server = room(|_| json(BUSY)).await;
    let coze = server.coze();
    let chat = || coze.chat("333").message("x").conversation("111");
    for chat in [chat(), chat().if_occupied(Occupied::Fail)] {
        let error = soon(chat.reply()).await.unwrap_err();
        assert!(matches!(&error, Error::Api(_)), "{error:?}");
        assert_eq!(error.code(), Some(4016));
    }
    assert_eq!(server.requests().len(), 2);
    // Other refusals are nothing to wait for.
    let server = room(|_| json(r#"{"code":4015,"msg":"not published"}"#)).await;
    for occupied in [LONG, Occupied::CancelFirst] {
        let error = soon(turn(&server.coze(), occupied).reply())
            .await
            .unwrap_err();
        assert_eq!(error.code(), Some(4015));
    }
    assert_eq!(server.requests().len(), 2);
}

#[tokio::test]
async fn a_wait_ends_and_says_what_the_server_said() {
    let server = room(|_| json(BUSY)).await;
    let coze = server.coze();
    let wait = Occupied::Wait(Duration::from_millis(700));
    let begin = Instant::now();
    let error = soon(turn(&coze, wait).stream()).await.unwrap_err();
    assert!(begin.elapsed() >= Duration::from_millis(700));
    // At once, once or twice in between, and when the time was up; on a slow machine fewer.
    assert!(
        (1..=4).contains(&server.count(CHAT)),
        "{}",
        server.count(CHAT)
    );
    assert_eq!((error.http(), error.log_id()), (Some(200), Some("LOG1")));
    let text = error.to_string();
    assert!(
        text.starts_with("conversation 111 is still occupied after "),
        "{text}"
    );
    assert!(text.contains("someone talks"), "{text}");
    assert!(occupied(error).chat_id.is_none());
    // No time at all: one try.
    let before = server.count(CHAT);
    let error = soon(turn(&coze, Occupied::Wait(Duration::ZERO)).start()).await;
    occupied(error.unwrap_err());
    assert_eq!(server.count(CHAT), before + 1);
    assert_eq!(coze.open_turns(), 0);
}

#[tokio::test]
async fn a_wait_for_a_turn_of_this_client_names_its_chat() {
    let server = room(|_| endless()).await;
    let coze = server.coze();
    // It names no conversation; the first event tells it.
    let first = begun(coze.chat("333").message("x")).await;
    assert_eq!(coze.open_turns(), 1);
    let wait = Occupied::Wait(Duration::from_millis(200));
    let error = soon(turn(&coze, wait).reply()).await.unwrap_err();
    let text = error.to_string();
    assert!(text.contains("occupied by chat 222 after"), "{text}");
    let error = occupied(error);
    assert!(error.refusal.is_none());
    assert_eq!(error.chat_id.unwrap(), "222");
    assert_eq!(server.requests().len(), 1, "the server was asked");
    // Another conversation is free.
    let other = coze.chat("333").message("x").conversation("112");
    drop(soon(begun(other.if_occupied(wait))).await);
    drop(first);
    open(&coze, 0).await;
}

#[tokio::test]
async fn waiting_turns_can_be_dropped() {
    let server = room(|chat| match chat {
        0 => endless(),
        _ => stream(whole_chat().as_bytes()),
    })
    .await;
    let coze = server.coze();
    let first = begun(turn(&coze, LONG)).await;
    let mut second = Box::pin(turn(&coze, LONG).reply());
    let mut third = Box::pin(turn(&coze, LONG).reply());
    assert!(futures_util::poll!(second.as_mut()).is_pending());
    assert!(futures_util::poll!(third.as_mut()).is_pending());
    assert_eq!(coze.open_turns(), 3);
    drop(second);
    assert_eq!(coze.open_turns(), 2);
    drop(first);
    assert_eq!(soon(third).await.unwrap().text(), "你好！");
    // The next one comes when the first is really over.
    let lines: Vec<_> = server.requests().into_iter().map(|it| it.line).collect();
    assert_eq!(lines, [CHAT, CANCEL, CHAT]);
    assert_eq!(coze.open_turns(), 0);
}

#[tokio::test]
async fn a_turn_that_waits_for_the_server_can_be_dropped() {
    let server = room(|_| json(BUSY)).await;
    let coze = server.coze();
    let reply = turn(&coze, LONG).reply();
    assert!(
        tokio::time::timeout(Duration::from_millis(200), reply)
            .await
            .is_err()
    );
    assert_eq!(coze.open_turns(), 0);
    tokio::time::sleep(Duration::from_millis(600)).await;
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn every_end_of_a_turn_lets_the_next_one_in() {
    let paused = [CREATED, &chat("requires_action"), DONE].concat();
    let failed = [CREATED, &chat("failed"), DONE].concat();
    for body in [whole_chat(), paused, failed, CREATED.to_owned()] {
        let server = room(move |chat| match chat {
            0 => stream(body.as_bytes()),
            _ => stream(whole_chat().as_bytes()),
        })
        .await;
        let coze = server.coze();
        let mut first = turn(&coze, LONG).stream().await.unwrap();
        while let Some(Ok(_)) = soon(first.next()).await {}
        // It is kept, and is in nobody's way.
        assert_eq!(coze.open_turns(), 0);
        soon(turn(&coze, LONG).reply()).await.unwrap();
        assert_eq!(server.count(CHAT), 2);
        drop(first);
    }
    // Whoever lets the chat go on no longer holds the conversation.
    let server = room(|_| endless()).await;
    let coze = server.coze();
    begun(turn(&coze, LONG)).await.detach();
    drop(begun(turn(&coze, LONG)).await.cancel_on_drop(false));
    assert_eq!(coze.open_turns(), 0);
    // One who cancels does so until the cancellation is through.
    begun(turn(&coze, LONG)).await.cancel().await.unwrap();
    assert_eq!(coze.open_turns(), 0);
}

#[tokio::test]
async fn a_turn_of_this_client_is_cancelled_first() {
    let server = room(|chat| match chat {
        0 => endless(),
        _ => stream(whole_chat().as_bytes()),
    })
    .await;
    let coze = server.coze();
    // Nobody reads it, so it never learns that it was cancelled.
    let first = begun(turn(&coze, Occupied::Fail)).await;
    let reply = soon(turn(&coze, Occupied::CancelFirst).reply()).await;
    assert_eq!(reply.unwrap().text(), "你好！");
    let requests = server.requests();
    let lines: Vec<_> = requests.iter().map(|it| it.line.as_str()).collect();
    assert_eq!(lines, [CHAT, CANCEL, CHAT]);
    let cancelled = serde_json::json!({"conversation_id": "111", "chat_id": "222"});
    assert_eq!(requests[1].json(), cancelled);
    assert_eq!(coze.open_turns(), 0);
    drop(first);
}

const LIST: &str = "POST /v1/conversation/message/list?conversation_id=111";

/// A server where another program's chat 901 runs until it is cancelled; 900 has paused.
async fn foreign(messages: &'static str) -> Server {
    let looks_after = AtomicUsize::new(0);
    let cancelled = AtomicUsize::new(0);
    Server::start(move |request: &Request| match request.line.as_str() {
        CHAT if looks_after.load(Ordering::SeqCst) < 2 => json(BUSY),
        CHAT => stream(whole_chat().as_bytes()),
        LIST => json(messages),
        CANCEL => {
            assert_eq!(request.json()["chat_id"], "901");
            cancelled.fetch_add(1, Ordering::SeqCst);
            // Accepted, and not over yet.
            chat_reply("901", "in_progress")
        }
        "GET /v3/chat/retrieve?conversation_id=111&chat_id=899" => {
            json(r#"{"code":4000,"msg":"its history is not saved"}"#)
        }
        "GET /v3/chat/retrieve?conversation_id=111&chat_id=900" => {
            chat_reply("900", "requires_action")
        }
        "GET /v3/chat/retrieve?conversation_id=111&chat_id=901" => {
            let over = cancelled.load(Ordering::SeqCst) > 0
                && looks_after.fetch_add(1, Ordering::SeqCst) > 0;
            chat_reply("901", if over { "canceled" } else { "in_progress" })
        }
        other => panic!("{other}"),
    })
    .await
}

#[tokio::test]
async fn a_turn_of_another_program_is_found_and_cancelled() {
    let server = foreign(
        r#"{"code":0,"data":[
            {"id":"5","role":"user","type":"question","content":"?","content_type":"text","chat_id":"899"},
            {"id":"4","role":"user","type":"question","content":"?","content_type":"text","chat_id":"900"},
            {"id":"3","role":"user","type":"question","content":"?","content_type":"text"},
            {"id":"2","role":"user","type":"question","content":"?","content_type":"text","chat_id":"901"}
        ],"has_more":false}"#,
    )
    .await;
    let coze = server.coze();
    let reply = soon(turn(&coze, Occupied::CancelFirst).reply()).await;
    assert_eq!(reply.unwrap().text(), "你好！");
    assert_eq!((server.count(CHAT), server.count(CANCEL)), (2, 1));
    assert_eq!(coze.open_turns(), 0);
}

#[tokio::test]
async fn a_turn_that_cannot_be_found_is_told() {
    let server = foreign(r#"{"code":0,"data":[],"has_more":false}"#).await;
    let coze = server.coze();
    let error = soon(turn(&coze, Occupied::CancelFirst).start()).await;
    let error = error.unwrap_err();
    let text = error.to_string();
    assert!(text.contains("not named by the newest messages"), "{text}");
    assert!(text.contains("someone talks"), "{text}");
    assert!(occupied(error).chat_id.is_none());
    // It may have ended in between, so this is tried again.
    assert_eq!((server.count(CHAT), server.count(CANCEL)), (3, 0));
    assert_eq!(coze.open_turns(), 0);
}

#[tokio::test]
async fn each_newer_turn_cancels_the_one_before_it() {
    let server = room(|chat| match chat {
        0..3 => endless(),
        _ => stream(whole_chat().as_bytes()),
    })
    .await;
    let coze = server.coze();
    let turns = (0..4).map(|_| {
        let coze = coze.clone();
        tokio::spawn(async move {
            // A cancelled chat would end the stream of its reader.
            let reply = turn(&coze, Occupied::CancelFirst).reply();
            tokio::time::timeout(Duration::from_secs(4), reply).await
        })
    });
    let ends = soon(join_all(turns)).await;
    let whole = ends.into_iter().filter(|it| matches!(it, Ok(Ok(Ok(_)))));
    assert_eq!(whole.count(), 1);
    assert_eq!(server.count(CHAT), 4);
    open(&coze, 0).await;
}
