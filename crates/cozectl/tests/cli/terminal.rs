//! What is different on a terminal, which `script` makes for the test.
#![cfg(target_os = "linux")]

use std::io::Write;
use std::process::{Child, Command, Stdio};

use crate::fake::{Answer, Fake};
use crate::support::{Home, fixture};

/// The binary on a terminal; `None` where there is no `script`.
fn on_a_terminal(home: &Home, base: &str, arguments: &str, more: &[(&str, &str)]) -> Option<Child> {
    let binary = env!("CARGO_BIN_EXE_cozectl");
    // `exec`: a shell that stays would get the signals of the terminal too, and some then end with
    // the signal's code instead of the program's.
    let child = Command::new("script")
        .args(["-qec", &format!("exec {binary} {arguments}"), "/dev/null"])
        .env_remove("NO_COLOR")
        .env("HOME", home.path())
        .env("XDG_DATA_HOME", home.path().join("data"))
        .env("COZE_API_BASE", base)
        .env("COZE_API_TOKEN", "pat_test_0123456789")
        .env("COZE_BOT_ID", "1")
        .env("LC_ALL", "C.UTF-8")
        .env("TERM", "xterm")
        .envs(more.iter().copied())
        .current_dir(home.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn();
    if child.is_err() {
        eprintln!("skipped: there is no `script` to make a terminal with");
    }
    child.ok()
}

fn end(child: Child) -> String {
    let output = child.wait_with_output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{}: {text}", output.status);
    text
}

#[test]
fn a_conversation_line_by_line() {
    let home = Home::new();
    let Some(mut child) = on_a_terminal(&home, "", "chat --local", &[]) else {
        return;
    };
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(b"7*8\n\n9*9\n\x04").unwrap();
    drop(stdin);
    let text = end(child);
    for part in ["Ctrl-D ends", "> ", "56", "81"] {
        assert!(text.contains(part), "no {part:?} in {text}");
    }
}

#[test]
fn ctrl_c_cancels_an_answer_and_the_conversation_goes_on() {
    const BEGUN: &str = "event:conversation.chat.created\n\
         data:{\"id\":\"11\",\"conversation_id\":\"22\",\"status\":\"created\"}\n\n";
    let fake = Fake::start(|request| match request.line.as_str() {
        "POST /v3/chat" => Answer::endless(BEGUN.as_bytes()),
        "POST /v3/chat?conversation_id=22" => {
            Answer::events(&fixture("chat/StartChat.two-answers.sse"))
        }
        _ => Answer::json(
            "{\"code\":0,\"data\":{\"id\":\"11\",\"conversation_id\":\"22\",\"status\":\"canceled\"}}",
        ),
    });
    let home = Home::new();
    let Some(mut child) = on_a_terminal(&home, &fake.url, "chat", &[]) else {
        return;
    };
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(b"first\n").unwrap();
    fake.wait_for("POST /v3/chat");
    // The first event, which tells the chat's id, follows within this time.
    std::thread::sleep(std::time::Duration::from_millis(300));
    stdin.write_all(b"\x03").unwrap();
    fake.wait_for("POST /v3/chat/cancel");
    stdin.write_all(b"second\n").unwrap();
    fake.wait_for("POST /v3/chat?conversation_id=22");
    stdin.write_all(b"\x04").unwrap();
    let text = end(child);
    for part in ["interrupted; the chat is cancelled", "First answer."] {
        assert!(text.contains(part), "no {part:?} in {text}");
    }
    drop(stdin);
}

#[test]
fn reasoning_is_dimmed_unless_colours_are_off() {
    let fake = Fake::always(
        "200 OK",
        "text/event-stream",
        fixture("chat/StartChat.reasoning.sse"),
    );
    let home = Home::new();
    for (more, dimmed) in [(&[][..], true), (&[("NO_COLOR", "1")][..], false)] {
        let Some(child) = on_a_terminal(&home, &fake.url, "chat hi", more) else {
            return;
        };
        let text = end(child);
        assert!(text.contains("用户想知道"), "{text}");
        assert_eq!(text.contains("\x1b[2m"), dimmed, "{text}");
    }
    let child = on_a_terminal(&home, &fake.url, "-q chat hi", &[]).unwrap();
    assert!(!end(child).contains("用户想知道"));
}
