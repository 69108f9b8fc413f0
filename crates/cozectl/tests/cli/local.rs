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
