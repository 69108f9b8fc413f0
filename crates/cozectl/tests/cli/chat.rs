//! `cozectl chat` against our own server and against captured streams.

use serde_json::{Value, json};

use crate::fake::{Answer, Fake};
use crate::support::{DEMO_BOT, Home, Ran, Server, fixture};

const SCRIPT: &str = r#"
bots:
  - id: "42"
    name: scripted
    model: scripted
    prompt: "Answer as {{ role }}."
    tools:
      - name: thermometer
models:
  scripted:
    provider: offline
    script:
      - match: think
        reasoning: ["hm, ", "so"]
        deltas: ["4", "2"]
        follow_ups: ["why?", "really?"]
      - match: tool
        tool_calls: [{ name: thermometer, arguments: { room: study } }]
        then: "it is {{ tool_outputs[0] }}"
      - match: fail
        deltas: ["half "]
        error: { code: 4013, msg: too fast }
"#;

#[test]
fn the_answer_goes_to_stdout_and_nothing_else() {
    let server = Server::start();
    let ran = server.run(&["chat", "hello"]);
    assert_eq!(ran.code, Some(0), "{ran}");
    assert!(
        ran.stdout.contains("hello") && ran.stdout.ends_with('\n'),
        "{ran}"
    );
    assert_eq!(ran.stderr, "", "{ran}");
    let polled = server.run(&["chat", "--no-stream", "hello"]);
    assert_eq!(polled, ran);
}

#[test]
fn the_message_can_come_from_stdin() {
    let server = Server::start();
    let expected = server.run(&["chat", "12*12"]);
    assert!(expected.stdout.contains("144"), "{expected}");
    for arguments in [&["chat"][..], &["chat", "-"]] {
        let ran = Ran::of(server.client(arguments).write_stdin("12*12\n"));
        assert_eq!(ran, expected, "{arguments:?}");
    }
}

#[test]
fn reasoning_and_follow_ups_go_to_stderr() {
    let server = Server::with_config(SCRIPT);
    let ran = server.run(&["chat", "--bot", "42", "think"]);
    ran.prints("42\n");
    assert_eq!(ran.stderr, "\nyou could ask:\n  - why?\n  - really?\n");
    for more in [&[][..], &["--no-stream"]] {
        let arguments = [&["chat", "--bot", "42", "--reasoning", "think"], more].concat();
        let ran = server.run(&arguments);
        ran.prints("42\n");
        assert!(ran.stderr.starts_with("hm, so\n"), "{ran}");
    }
    let ran = server.run(&["-q", "chat", "--bot", "42", "think"]);
    assert_eq!(ran.prints("42\n").stderr, "");
}

#[test]
fn json_is_one_object_without_streaming() {
    let server = Server::with_config(SCRIPT);
    let ran = server.run(&["chat", "--bot", "42", "--json", "--no-stream", "think"]);
    let object = ran.json();
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""), "{ran}");
    assert_eq!(object["status"], "completed");
    assert_eq!(object["text"], "42");
    assert_eq!(object["answers"], json!(["42"]));
    assert_eq!(object["reasoning"], "hm, so");
    assert_eq!(object["follow_ups"], json!(["why?", "really?"]));
    assert_eq!(object["tool_calls"], json!([]));
    for id in ["conversation_id", "chat_id"] {
        assert_eq!(object[id].as_str().unwrap().len(), 19, "{ran}");
    }
    assert!(
        object["usage"]["token_count"].as_i64().unwrap() > 0,
        "{ran}"
    );
}

#[test]
fn json_is_one_event_a_line_with_streaming() {
    let server = Server::with_config(SCRIPT);
    let ran = server.run(&["chat", "--bot", "42", "--json", "think"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""), "{ran}");
    let events = ran.lines();
    let names: Vec<_> = events
        .iter()
        .map(|it| it["event"].as_str().unwrap())
        .collect();
    assert_eq!(names.first(), Some(&"conversation.chat.created"));
    assert_eq!(names.last(), Some(&"done"));
    let deltas = events
        .iter()
        .filter(|it| it["event"] == "conversation.message.delta");
    let text: String = deltas
        .map(|it| it["data"]["content"].as_str().unwrap())
        .collect();
    assert_eq!(text, "42");
}

#[test]
fn a_tool_that_is_required_ends_with_its_call() {
    let server = Server::with_config(SCRIPT);
    let ran = server.run(&["chat", "--bot", "42", "tool"]);
    ran.fails(
        1,
        &[
            "error: the agent waits for the output of a tool: thermometer({\"room\":\"study\"})",
            "hint: --json hands the calls to a program; by hand, put the outputs in place of …",
            "cozectl api POST /v3/chat/submit_tool_outputs --query",
        ],
    );
    let ran = server.run(&["chat", "--bot", "42", "--json", "--no-stream", "tool"]);
    let object = ran.json();
    assert_eq!(ran.code, Some(0), "{ran}");
    assert_eq!(object["status"], "requires_action");
    assert_eq!(object["tool_calls"][0]["function"]["name"], "thermometer");
    // The way that the hint shows.
    let text = |name: &str| object[name].as_str().unwrap();
    let body = json!({
        "tool_outputs": [{"tool_call_id": object["tool_calls"][0]["id"], "output": "18"}],
        "stream": true,
    });
    let ran = server.run(&[
        "api",
        "POST",
        "/v3/chat/submit_tool_outputs",
        "--query",
        &format!("conversation_id={}", text("conversation_id")),
        "--query",
        &format!("chat_id={}", text("chat_id")),
        "--body",
        &body.to_string(),
    ]);
    assert_eq!(ran.code, Some(0), "{ran}");
    assert!(
        ran.stdout.ends_with("event:done\ndata:\"[DONE]\"\n\n"),
        "{ran}"
    );
    assert!(ran.stdout.contains("it is 18"), "{ran}");
}

#[test]
fn a_chat_that_fails_keeps_what_it_said() {
    let server = Server::with_config(SCRIPT);
    for more in [&[][..], &["--no-stream"]] {
        let ran = server.run(&[&["chat", "--bot", "42", "fail"], more].concat());
        ran.fails(
            1,
            &["error: chat ", "too fast (code 4013)", "hint: ", "logid: "],
        );
        if more.is_empty() {
            assert_eq!(ran.stdout, "half \n", "{ran}");
        }
    }
    let ran = server.run(&["chat", "--bot", "42", "--json", "fail"]);
    ran.fails(1, &["too fast"]);
    let events = ran.lines();
    let last = events.last().unwrap();
    assert_eq!(last["event"], "conversation.chat.failed");
    assert_eq!(last["data"]["last_error"]["code"], 4013);
}

#[test]
fn everything_reaches_the_server() {
    let fake = Fake::start(|request| match request.line.as_str() {
        "POST /v1/files/upload" => Answer::json(
            r#"{"code":0,"msg":"","data":{"id":"77","bytes":1,"created_at":1,"file_name":"x"}}"#,
        ),
        _ => Answer::events(&fixture("chat/StartChat.text.sse")),
    });
    let home = Home::new();
    home.write("plan.pdf", "x");
    home.write("map.PNG", "x");
    let ran = home.run_client(
        &fake.url,
        &[
            "chat",
            "--bot",
            "1",
            "--user",
            "ann",
            "--conversation",
            "9",
            "--var",
            "a=b=c",
            "--param",
            "n=3",
            "--param",
            "id=7500000000000000001",
            "--meta",
            "k=v",
            "--file",
            "plan.pdf",
            "--file",
            "map.PNG",
            "--file",
            "https://x.test/y.jpg?z",
            "--no-save",
            "look",
        ],
    );
    assert_eq!(ran.code, Some(0), "{ran}");
    let request = fake.wait_for("POST /v3/chat?conversation_id=9");
    assert!(
        request.head.contains("Bearer pat_test_0123456789"),
        "{request:?}"
    );
    assert!(request.head.contains("cozectl/"), "{request:?}");
    let body = request.json();
    assert_eq!(body["bot_id"], "1");
    assert_eq!(body["user_id"], "ann");
    assert_eq!(body["stream"], true);
    assert_eq!(body["auto_save_history"], false);
    assert_eq!(body["custom_variables"], json!({"a": "b=c"}));
    assert_eq!(
        body["parameters"],
        json!({"n": 3, "id": "7500000000000000001"})
    );
    assert_eq!(body["meta_data"], json!({"k": "v"}));
    let content = body["additional_messages"][0]["content"].as_str().unwrap();
    let items: Value = serde_json::from_str(content).unwrap();
    assert_eq!(
        items,
        json!([
            {"type": "text", "text": "look"},
            {"type": "file", "file_id": "77"},
            {"type": "image", "file_id": "77"},
            {"type": "image", "file_url": "https://x.test/y.jpg?z"},
        ])
    );
    let uploads = fake
        .requests()
        .into_iter()
        .filter(|it| it.line == "POST /v1/files/upload");
    assert_eq!(uploads.count(), 2);
}

#[test]
fn two_answers_stand_on_two_lines() {
    let fake = Fake::always(
        "200 OK",
        "text/event-stream",
        fixture("chat/StartChat.two-answers.sse"),
    );
    let ran = Home::new().run_client(&fake.url, &["chat", "hi"]);
    ran.prints("First answer.\n第二个回答。\n");
}

#[test]
fn both_dialects_are_read() {
    let plain = Fake::always(
        "200 OK",
        "text/event-stream",
        fixture("chat/StartChat.text.sse"),
    );
    let skill = Fake::always(
        "200 OK",
        "text/event-stream",
        fixture("chat/StartChat.text.skill.sse"),
    );
    let [plain, skill] =
        [plain, skill].map(|fake| Home::new().run_client(&fake.url, &["chat", "hi"]));
    assert_eq!(plain.code, Some(0), "{plain}");
    assert_eq!(plain.stdout, skill.stdout);
}

#[test]
fn the_skill_dialect_of_our_own_server_works_too() {
    let server = Server::start_in(Home::new(), &["--dialect", "skill"]);
    let ran = server.run(&["chat", "--no-save", "6*7"]);
    assert_eq!(ran.code, Some(0), "{ran}");
    assert!(ran.stdout.contains("42"), "{ran}");
}

#[test]
fn the_agent_can_be_named_by_option_and_by_environment() {
    let server = Server::with_config(SCRIPT);
    let ran = Ran::of(
        server
            .client(&["chat", "-q", "think"])
            .env("COZE_BOT_ID", "42"),
    );
    ran.prints("42\n");
    // The option wins.
    let ran = Ran::of(
        server
            .client(&["chat", "--bot", "42", "-q", "think"])
            .env("COZE_BOT_ID", DEMO_BOT),
    );
    ran.prints("42\n");
}

#[test]
fn a_session_that_cannot_be_kept_is_told_before_anything_is_sent() {
    let fake = Fake::start(|_| Answer::events(&fixture("chat/StartChat.text.sse")));
    let home = Home::new();
    home.write("data", "a file where the folder should be");
    let arguments = ["chat", "--session", "s", "hi"];
    let ran = home.run_client(&fake.url, &arguments);
    ran.fails(
        2,
        &[
            "error: the session cannot be kept: ",
            "/sessions/",
            "\nhint: ",
        ],
    );
    let chinese = [&["--lang", "zh"], &arguments[..]].concat();
    home.run_client(&fake.url, &chinese)
        .fails(2, &["error: 无法保存会话：", "路径中有一段不是目录"]);
    assert_eq!(fake.requests().len(), 0);
    // Without a session nothing is kept, and nothing is looked for.
    let ran = home.run_client(&fake.url, &["chat", "hi"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""), "{ran}");
}

#[test]
fn an_answer_is_not_lost_with_its_session() {
    let home = Home::new();
    let sessions = home.path().join("data/coze-rs/sessions");
    let folder = sessions.clone();
    let fake = Fake::start(move |request| {
        // Between the question and the answer the folder becomes unusable.
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::write(&folder, "").unwrap();
        if request.body.contains("\"stream\":true") {
            return Answer::events(&fixture("chat/StartChat.text.sse"));
        }
        let name = match request.line.split([' ', '?']).nth(1).unwrap() {
            "/v3/chat" => "chat/StartChat.created.res.json",
            "/v3/chat/retrieve" => "chat/RetrieveChat.completed.res.json",
            _ => "chat/ListChatMessages.full.res.json",
        };
        Answer::json(&String::from_utf8(fixture(name)).unwrap())
    });
    for more in [&[][..], &["--no-stream"]] {
        let _ = std::fs::remove_file(&sessions);
        let arguments = [&["chat", "--session", "s", "hi"], more].concat();
        let ran = home.run_client(&fake.url, &arguments);
        assert_eq!(ran.code, Some(0), "{ran}");
        assert!(!ran.stdout.is_empty(), "{ran}");
        let place = format!(
            "warning: the session could not be kept: {}",
            sessions.display()
        );
        ran.fails(0, &[&place, "\nhint: go on with --conversation 7"]);
    }
    let _ = std::fs::remove_file(&sessions);
    let arguments = ["chat", "--lang", "zh", "-q", "--session", "s", "hi"];
    home.run_client(&fake.url, &arguments)
        .fails(0, &["warning: 会话没有保存下来："]);
}
