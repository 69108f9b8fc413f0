//! `cozectl backup` and `cozectl restore`

use std::fs;

use crate::support::{Home, Ran, Server};

/// The texts of the session's conversation.
fn history(server: &Server, conversation: &str) -> Vec<String> {
    let query = format!("conversation_id={conversation}");
    let path = "/v1/conversation/message/list";
    let ran = server.run(&["api", "POST", path, "--query", &query, "-f", "order=asc"]);
    let list = ran.json();
    let messages = list["data"].as_array().unwrap();
    let text = |it: &serde_json::Value| it["content"].as_str().unwrap().to_owned();
    messages.iter().map(text).collect()
}

fn talk(server: &Server, message: &str) -> String {
    let file = server.home.write("note.txt", "a note");
    let file = file.to_str().unwrap();
    let chat = [
        "chat",
        "--json",
        "--no-stream",
        "--session",
        "s",
        "--file",
        file,
        message,
    ];
    let object = server.run(&chat).json();
    object["conversation_id"].as_str().unwrap().to_owned()
}

fn run(home: &Home, arguments: &[&str]) -> Ran {
    home.run(arguments)
}

#[cfg(unix)]
#[test]
fn a_copy_of_a_server_that_runs_is_another_server() {
    let mut server = Server::start();
    let conversation = talk(&server, "1+1");
    let told = history(&server, &conversation);
    let backup = ["backup", "--data", "server-data", "copy"];
    let ran = run(&server.home, &backup);
    assert_eq!(ran.code, Some(0), "{ran}");
    assert!(
        ran.stderr
            .contains("copied to copy: the database and 1 files (6 bytes)"),
        "{ran}"
    );
    // What happens afterwards is no part of it.
    talk(&server, "2+2");
    assert_eq!(history(&server, &conversation).len(), 2 * told.len());
    run(&server.home, &backup).fails(3, &["error: copy is not empty", "hint: name a folder"]);
    let restore = ["restore", "--data", "server-data", "copy"];
    run(&server.home, &[&restore[..], &["--replace"]].concat()).fails(
        3,
        &[
            "server-data is in use by another server",
            "hint: stop the server first",
        ],
    );

    server.signal("TERM");
    server.wait();
    run(&server.home, &restore).fails(3, &["server-data is not empty", "hint: give --replace"]);
    let ran = run(&server.home, &[&restore[..], &["--replace"]].concat());
    assert_eq!(ran.code, Some(0), "{ran}");
    let files = fs::read_dir(server.home.path().join("server-data/files")).unwrap();
    assert_eq!(files.count(), 1, "the file of the second message is gone");
    let home = std::mem::replace(&mut server.home, Home::new());
    let server = Server::start_in(home, &[]);
    assert_eq!(history(&server, &conversation), told);
    talk(&server, "3+3");
}

#[test]
fn copies_that_cannot_be_used() {
    let server = Server::start();
    talk(&server, "1+1");
    let ran = run(&server.home, &["backup", "--data", "nothing", "copy"]);
    ran.fails(3, &["nothing/coze.db: ", "hint: check the folder"]);
    assert!(!server.home.path().join("copy").exists());
    run(&server.home, &["backup", "--data", "server-data", "copy"]);
    let copy = server.home.path().join("copy");
    let restore = |text: &str| {
        let ran = run(&server.home, &["restore", "--data", "new", "copy"]);
        ran.fails(3, &[text]);
        assert!(!server.home.path().join("new/coze.db").exists(), "{text}");
    };
    let file = fs::read_dir(copy.join("files"))
        .unwrap()
        .next()
        .unwrap()
        .unwrap();
    fs::write(file.path(), "longer than it was").unwrap();
    restore("it should hold 1 files of 6 bytes, and holds 1 of 18");
    fs::remove_file(file.path()).unwrap();
    restore("it should hold 1 files of 6 bytes, and holds 0 of 0");
    fs::write(copy.join("coze.db"), "no database").unwrap();
    restore("file is not a database");
    fs::write(copy.join("backup.json"), "{}").unwrap();
    restore("copy is no backup that can be used: backup.json: missing field");
    let ran = run(&server.home, &["restore", "--data", "new", "absent"]);
    ran.fails(3, &["absent/backup.json: ", "hint: name a folder that"]);
    let ran = run(
        &server.home,
        &["--lang", "zh", "restore", "--data", "new", "copy"],
    );
    ran.fails(
        3,
        &[
            "copy 不是可用的备份：",
            "请指定由 `cozectl backup` 生成的目录",
        ],
    );
}
