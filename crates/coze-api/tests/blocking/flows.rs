//! Chats, conversations and workflows.

use coze_api::{ChatEvent, Error, RunBy};

use crate::server::{json, stream, whole_chat};
use crate::setup::{CHAT, QUICK, Server};

#[test]
fn a_chat_is_an_iterator() {
    let server = Server::always(stream(whole_chat().as_bytes()));
    let coze = server.coze();
    let mut chat = coze.chat("333").message("x").stream().unwrap();
    let first = chat.next().unwrap().unwrap();
    assert!(matches!(first, ChatEvent::Created(_)), "{first:?}");
    assert_eq!(chat.chat_id().unwrap(), &"222");
    let text: String = chat.texts().map(Result::unwrap).collect();
    assert_eq!(text, "你好！");
    assert!(chat.next().is_none());
    assert_eq!(chat.usage().unwrap().token_count, 3);

    let mut chat = coze.chat("333").message("x").stream().unwrap();
    assert_eq!(chat.next_text().unwrap().unwrap(), "你好");
    assert_eq!(chat.reply().unwrap().text(), "你好！");
    let events = coze.chat("333").message("x").stream().unwrap();
    assert_eq!(events.filter(Result::is_ok).count(), 9);
    assert_eq!(server.lines(), [CHAT; 3]);
}

#[test]
fn every_request_has_its_ends() {
    let saved = r#"{"code":0,"data":[{"id":"1","role":"assistant","type":"answer","content":"好","content_type":"text"}]}"#;
    let state = |status: &str| {
        let data = format!(
            r#"{{"id":"222","conversation_id":"111","status":"{status}","last_error":{{}}}}"#
        );
        json(&format!(r#"{{"code":0,"data":{data}}}"#))
    };
    let server = Server::start(move |request| {
        let streams = request.body.contains(r#""stream":true"#);
        match request.line.split(['?', ' ']).nth(1).unwrap() {
            "/v3/chat" | "/v3/chat/submit_tool_outputs" if streams => {
                stream(whole_chat().as_bytes())
            }
            "/v3/chat" | "/v3/chat/submit_tool_outputs" => state("in_progress"),
            "/v3/chat/retrieve" => state("completed"),
            "/v3/chat/message/list" => json(saved),
            "/v1/conversation/create" => json(r#"{"code":0,"data":{"id":"111"}}"#),
            "/v1/workflows/chat" => stream(whole_chat().as_bytes()),
            other => panic!("{other}"),
        }
    });
    let coze = server.coze();
    let ask = || coze.chat("333").message("x").poll_options(QUICK);
    assert_eq!(ask().reply().unwrap().text(), "你好！");
    assert_eq!(ask().poll().unwrap().text(), "好");
    let started = ask().start().unwrap();
    assert_eq!(
        (&started.id, started.status.as_str()),
        (&"222".into(), "in_progress")
    );
    let polled = coze.poll_chat("111", "222", QUICK).unwrap();
    assert_eq!(polled.text(), "好");
    assert!(matches!(coze.default_chat(), Err(Error::Invalid(_))));

    let outputs = || {
        coze.submit_tool_outputs(&polled)
            .output("1", "18")
            .poll_options(QUICK)
    };
    assert_eq!(outputs().reply().unwrap().text(), "你好！");
    assert_eq!(outputs().poll().unwrap().text(), "好");
    assert_eq!(outputs().start().unwrap().id, "222");
    assert_eq!(outputs().stream().unwrap().texts().count(), 2);

    assert_eq!(coze.conversation().bot("333").create().unwrap().id, "111");
    let flow = || coze.workflow("74").parameter("a", 1).chat().message("x");
    assert_eq!(flow().reply().unwrap().text(), "你好！");
    assert_eq!(flow().stream().unwrap().texts().count(), 2);
    assert_eq!(coze.open_turns(), 0);
}

#[test]
fn workflows_run_stream_ask_and_are_waited_for() {
    let event = |name: &str, data: &str| format!("id: 0\nevent: {name}\ndata: {data}\n\n");
    let said = event(
        "Message",
        r#"{"content":"哪里？","node_is_finish":true,"node_seq_id":"0","node_title":"问"}"#,
    );
    let asks = event(
        "Interrupt",
        r#"{"interrupt_data":{"event_id":"88/99","type":2,"data":""},"node_title":"问"}"#,
    );
    let asks = [said.as_str(), &asks].concat();
    let ends = [said.as_str(), &event("Done", "{}")].concat();
    let history = r#"{"code":0,"data":[{"execute_id":"88","execute_status":"Success","output":"{\"Output\":\"ok\"}"}]}"#;
    let server = Server::start(move |request| match request.line.as_str() {
        "POST /v1/workflow/stream_run" => stream(asks.as_bytes()),
        "POST /v1/workflow/stream_resume" => stream(ends.as_bytes()),
        "POST /v1/workflow/run" if request.body.contains("is_async") => {
            json(r#"{"code":0,"execute_id":"88"}"#)
        }
        "POST /v1/workflow/run" => json(r#"{"code":0,"data":"plain"}"#),
        "GET /v1/workflows/74/run_histories/88" => json(history),
        other => panic!("{other}"),
    });
    let coze = server.coze();
    let flow = || coze.workflow("74").poll_options(QUICK);
    let outcome = flow().run().unwrap();
    let question = outcome.interrupt().unwrap();
    assert_eq!(question.question(), "哪里？");
    assert_eq!(
        question.resume(&coze, "杭州").run().unwrap().text(),
        "哪里？"
    );
    let resumed = question.resume(&coze, "杭州").stream().unwrap();
    assert_eq!(resumed.execute_id().unwrap(), "88");
    assert_eq!(resumed.count(), 2);
    assert!(
        flow()
            .stream()
            .unwrap()
            .outcome()
            .unwrap()
            .interrupt()
            .is_some()
    );
    assert_eq!(flow().run_by(RunBy::Plain).run().unwrap().text(), "plain");
    let run = flow().start().unwrap();
    assert_eq!(flow().wait(run, QUICK).unwrap().text(), "ok");
    assert_eq!(coze.run_history("74", "88").unwrap().execute_id, "88");
}
