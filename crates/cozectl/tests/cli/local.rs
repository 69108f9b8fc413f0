//! `--local`: the server inside the process, and sessions that go on tomorrow.

use std::fs;

use crate::support::{Home, Ran, Server};

#[test]
fn the_first_command_of_the_readme() {
    let ran = Home::new().run(&["chat", "--local", "你好，请介绍一下自己"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""), "{ran}");
    assert!(
        ran.stdout.contains("coze-rs") && ran.stdout.contains("你好"),
        "{ran}"
    );
}

fn conversation(home: &Home, arguments: &[&str]) -> String {
    let ran = home.run(&[&["chat", "--local", "--json", "--no-stream"], arguments].concat());
    assert_eq!(ran.code, Some(0), "{ran}");
    ran.json()["conversation_id"].as_str().unwrap().to_owned()
}

#[test]
fn a_session_goes_on_in_another_process() {
    let home = Home::new();
    let first = conversation(&home, &["--session", "a", "My name is Ann."]);
    assert_eq!(conversation(&home, &["--session", "a", "1+1"]), first);
    assert_ne!(conversation(&home, &["--session", "b", "1+1"]), first);
    assert_ne!(conversation(&home, &["1+1"]), first);
    // Named by hand it is the same conversation, and the server still has all of it.
    assert_eq!(
        conversation(&home, &["--conversation", &first, "2+2"]),
        first
    );
    assert!(home.path().join("data/coze-rs/local").is_dir());
    assert_eq!(
        fs::read_dir(home.path().join("data/coze-rs/sessions"))
            .unwrap()
            .count(),
        2
    );
    let anew = conversation(&home, &["--session", "a", "--new", "1+1"]);
    assert_ne!(anew, first);
    assert_eq!(conversation(&home, &["--session", "a", "1+1"]), anew);
}

#[test]
fn a_session_remembers_what_was_said() {
    let home = Home::new();
    home.write("coze.yaml", "bots: [{ id: \"5\", name: echo }]\n");
    home.run(&[
        "chat",
        "--local",
        "--bot",
        "5",
        "--session",
        "s",
        "the word is teapot",
    ]);
    let ran = home.run(&[
        "chat",
        "--local",
        "--bot",
        "5",
        "--session",
        "s",
        "What did I just say?",
    ]);
    assert_eq!(ran.code, Some(0), "{ran}");
    assert!(ran.stdout.contains("teapot"), "{ran}");
}

#[test]
fn a_session_whose_conversation_is_gone() {
    let home = Home::new();
    conversation(&home, &["--session", "a", "1+1"]);
    fs::remove_dir_all(home.path().join("data/coze-rs/local")).unwrap();
    let ran = home.run(&["chat", "--local", "--session", "a", "1+1"]);
    ran.fails(
        1,
        &[
            "(code 4001",
            "hint: the conversation of session a is gone",
            "--new",
        ],
    );
    conversation(&home, &["--session", "a", "--new", "1+1"]);
}

#[test]
fn commands_at_the_same_time_take_turns() {
    let home = Home::new();
    std::thread::scope(|scope| {
        let runs: Vec<_> = (0..4)
            .map(|_| scope.spawn(|| home.run(&["chat", "--local", "7*8"])))
            .collect();
        for run in runs {
            let ran = run.join().unwrap();
            assert_eq!(ran.code, Some(0), "{ran}");
            assert!(ran.stdout.contains("56"), "{ran}");
        }
    });
}

#[test]
fn the_environment_for_the_hosted_service_is_left_alone() {
    let home = Home::new();
    let mut command = home.client("http://127.0.0.1:1", &["chat", "--local", "7*8"]);
    let ran = Ran::of(command.env("COZE_BOT_ID", "123"));
    assert_eq!(ran.code, Some(0), "{ran}");
}

#[test]
fn data_can_be_kept_elsewhere() {
    let home = Home::new();
    let ran = home.run(&["chat", "--local", "--local-data", "here", "7*8"]);
    assert_eq!(ran.code, Some(0), "{ran}");
    assert!(home.path().join("here/coze.db").exists());
    assert!(!home.path().join("data").exists());
}

#[test]
fn no_home_at_all() {
    let home = Home::new();
    let mut command = home.command(&["chat", "--local", "hi"]);
    command.env_remove("HOME").env_remove("XDG_DATA_HOME");
    Ran::of(&mut command).fails(2, &["there is no place for data", "hint: "]);
}

#[test]
fn sessions_of_servers_are_kept_apart() {
    let (one, two) = (Server::start(), Server::start());
    let conversation = |server: &Server| {
        let arguments = ["chat", "--json", "--no-stream", "--session", "s", "1+1"];
        let ran = one.home.run_client(&server.url, &arguments);
        ran.json()["conversation_id"].as_str().unwrap().to_owned()
    };
    let first = conversation(&one);
    assert_ne!(conversation(&two), first);
    assert_eq!(conversation(&one), first);
}

#[cfg(unix)]
const TOOLS: &str = r#"
bots: [{ id: "42", name: scripted, model: scripted, tools: [{ name: look }, { name: listen }] }]
models:
  scripted:
    provider: offline
    script:
      - match: both
        tool_calls: [{ name: look, arguments: { at: "it's" } }, { name: listen, arguments: {} }]
        then: "seen: {{ tool_outputs[0] }}, heard: {{ tool_outputs[1] }}"
"#;

#[cfg(unix)]
#[test]
fn the_command_that_a_hint_shows_finishes_the_chat() {
    let home = Home::new();
    fs::create_dir(home.path().join("my files")).unwrap();
    home.write("my files/a b.yaml", TOOLS);
    let ran = home.run(&[
        "chat",
        "--local",
        "--config",
        "my files/a b.yaml",
        "--local-data",
        "it's data",
        "--bot",
        "42",
        "both",
    ]);
    let ran = ran.fails(1, &["tool: look({\"at\":\"it's\"}), listen({})"]);
    let command = ran.shown_command();
    assert!(
        command.contains(r" --local --config 'my files/a b.yaml' --local-data 'it'\''s data'"),
        "{ran}"
    );
    let command = command.replacen('…', "a cat", 1).replacen('…', "a purr", 1);
    let ran = home.paste(&command);
    assert_eq!(ran.code, Some(0), "{command}\n{ran}");
    assert!(
        ran.stdout.contains("seen: a cat, heard: a purr")
            && ran.stdout.contains("event:conversation.chat.completed"),
        "{ran}"
    );
}

#[test]
fn any_call_can_be_made_locally() {
    let home = Home::new();
    let conversation = conversation(&home, &["1+1"]);
    let query = format!("conversation_id={conversation}");
    let path = "/v1/conversation/message/list";
    let ran = home.run(&["api", "--local", "POST", path, "--query", &query]);
    assert_eq!(ran.code, Some(0), "{ran}");
    assert_eq!(ran.json()["data"].as_array().unwrap().len(), 2, "{ran}");
    let ran = home.run(&["api", "--local", "GET", "/v1/bots/9"]);
    ran.fails(1, &["(code 4200", "\nhint: ", "\nlogid: "]);
}

#[test]
fn data_that_a_server_holds_is_waited_for_and_then_given_up() {
    let server = Server::start();
    let run = |language: &str| {
        let arguments = ["chat", "--local", "--local-data", "server-data", "1+1"];
        let begin = std::time::Instant::now();
        let ran = server
            .home
            .run(&[&["--lang", language], &arguments[..]].concat());
        assert!(begin.elapsed().as_secs() >= 6, "{ran}");
        ran
    };
    std::thread::scope(|scope| {
        let english = scope.spawn(|| {
            run("en").fails(
                3,
                &[
                    "error: another `cozectl --local` or `cozectl serve` uses server-data",
                    "\nhint: wait for it to end, ",
                ],
            );
        });
        run("zh").fails(3, &["正在使用 server-data", "\nhint: 请等它结束"]);
        english.join().unwrap();
    });
}
