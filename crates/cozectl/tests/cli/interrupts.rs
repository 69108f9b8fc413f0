//! Ctrl-C, termination, and readers that go away.
#![cfg(unix)]

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Stdio};
use std::time::Instant;

use crate::fake::{Answer, Fake};
use crate::support::{Home, PATIENCE, send_signal};

const CHAT: &str = "event:conversation.chat.created\n\
     data:{\"id\":\"11\",\"conversation_id\":\"22\",\"status\":\"created\"}\n\n\
     event:conversation.message.delta\n\
     data:{\"id\":\"33\",\"role\":\"assistant\",\"type\":\"answer\",\"content\":\"half an answer\\n\",\
     \"content_type\":\"text\"}\n\n";

/// Begins an answer that never ends.
fn endless() -> Fake {
    Fake::start(|request| match request.line.as_str() {
        "POST /v3/chat" if request.body.contains("\"stream\":true") => {
            Answer::endless(CHAT.as_bytes())
        }
        "POST /v3/chat/cancel" => Answer::json(
            "{\"code\":0,\"data\":{\"id\":\"11\",\"conversation_id\":\"22\",\"status\":\"canceled\"}}",
        ),
        _ => Answer::json(
            "{\"code\":0,\"data\":{\"id\":\"11\",\"conversation_id\":\"22\",\"status\":\"in_progress\"}}",
        ),
    })
}

fn spawn(fake: &Fake, home: &Home, arguments: &[&str]) -> Child {
    home.raw_command(arguments)
        .env("COZE_API_BASE", &fake.url)
        .env("COZE_API_TOKEN", "pat_test_0123456789")
        .env("COZE_BOT_ID", "1")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

fn end(mut child: Child) -> (Option<i32>, String) {
    let mut said = String::new();
    child
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut said)
        .unwrap();
    (child.wait().unwrap().code(), said)
}

#[test]
fn an_interrupted_chat_is_cancelled() {
    for signal in ["INT", "TERM"] {
        let (fake, home, begin) = (endless(), Home::new(), Instant::now());
        let mut child = spawn(&fake, &home, &["chat", "hi"]);
        // What has arrived is there before the answer is whole.
        let mut line = String::new();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        stdout.read_line(&mut line).unwrap();
        assert_eq!(line, "half an answer\n");
        send_signal(child.id(), signal);
        let (code, said) = end(child);
        assert_eq!(
            (code, said.as_str()),
            (Some(130), "interrupted; the chat is cancelled\n")
        );
        let cancel = fake.wait_for("POST /v3/chat/cancel").json();
        assert_eq!(
            cancel,
            serde_json::json!({"conversation_id": "22", "chat_id": "11"})
        );
        assert!(begin.elapsed() < PATIENCE);
    }
}

#[test]
fn an_interrupted_poll_cancels_its_chat() {
    let (fake, home) = (endless(), Home::new());
    let child = spawn(&fake, &home, &["chat", "--no-stream", "hi"]);
    fake.wait_for("GET /v3/chat/retrieve");
    send_signal(child.id(), "INT");
    assert_eq!(end(child).0, Some(130));
    fake.wait_for("POST /v3/chat/cancel");
}

#[test]
fn an_interrupted_workflow() {
    let (fake, home) = (Fake::start(|_| Answer::Hold(Vec::new())), Home::new());
    let child = spawn(&fake, &home, &["workflow", "run", "1"]);
    fake.wait_for("POST /v1/workflow/stream_run");
    send_signal(child.id(), "INT");
    assert_eq!(end(child).0, Some(130));
}

#[test]
fn a_reader_that_goes_away_is_a_normal_end() {
    let fake = Fake::start(|request| match request.line.as_str() {
        "POST /v3/chat" => {
            let (created, delta) = CHAT.split_at(CHAT.find("event:conversation.message").unwrap());
            Answer::endless([created, &delta.repeat(20_000)].concat().as_bytes())
        }
        _ => Answer::json(
            "{\"code\":0,\"data\":{\"id\":\"11\",\"conversation_id\":\"22\",\"status\":\"canceled\"}}",
        ),
    });
    let home = Home::new();
    let mut child = spawn(&fake, &home, &["chat", "hi"]);
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    stdout.read_line(&mut String::new()).unwrap();
    drop(stdout);
    assert_eq!(end(child), (Some(0), String::new()));
    fake.wait_for("POST /v3/chat/cancel");
}
