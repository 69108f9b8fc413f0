//! `cozectl serve`

use std::net::TcpListener;

use crate::support::{Home, Ran, Server};

#[test]
fn one_line_says_that_it_is_ready() {
    let server = Server::start();
    let port = server.url.strip_prefix("http://127.0.0.1:").unwrap();
    assert_ne!(port.parse::<u16>().unwrap(), 0);
}

#[cfg(unix)]
#[test]
fn signals_stop_it_in_order() {
    for signal in ["INT", "TERM"] {
        let mut server = Server::start();
        server.run(&["chat", "1+1"]);
        server.signal(signal);
        assert_eq!(server.wait(), Some(0), "{signal}");
    }
}

#[cfg(unix)]
#[test]
fn conversations_survive_a_restart() {
    let mut server = Server::start();
    server.run(&["chat", "--session", "s", "1+1"]);
    let object = server
        .run(&["chat", "--json", "--no-stream", "--session", "s", "2+2"])
        .json();
    let conversation = object["conversation_id"].as_str().unwrap().to_owned();
    server.signal("TERM");
    server.wait();
    let home = std::mem::replace(&mut server.home, Home::new());
    let server = Server::start_in(home, &[]);
    let ran = server.run(&[
        "api",
        "POST",
        "/v1/conversation/message/list",
        "--query",
        &format!("conversation_id={conversation}"),
    ]);
    assert_eq!(ran.code, Some(0), "{ran}");
    assert_eq!(ran.json()["data"].as_array().unwrap().len(), 4, "{ran}");
}

#[test]
fn a_port_in_use() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    let ran = Home::new().run(&["serve", "--port", &port]);
    ran.fails(
        3,
        &[
            "error: the server cannot start: cannot listen on 127.0.0.1:",
            "hint: ",
            &port,
        ],
    );
    assert_eq!(ran.stdout, "");
}

#[test]
fn others_are_let_in_with_a_token_only() {
    let ran = Home::new().run(&["serve", "--host", "0.0.0.0", "--port", "0"]);
    ran.fails(
        2,
        &[
            "error: 0.0.0.0 can be reached by others",
            "hint: give --token",
        ],
    );
    let ran = Home::new().run(&["serve", "--token", " ", "--port", "0"]);
    ran.fails(2, &["the token is empty"]);
    let ran = Home::new().run(&["serve", "--host", "here"]);
    ran.fails(2, &["expected an IP address"]);
    let server = Server::start_in(
        Home::new(),
        &["--host", "0.0.0.0", "--token", "t0k3n-of-mine"],
    );
    let url = server.url.replace("0.0.0.0", "127.0.0.1");
    let mut command = server.home.client(&url, &["chat", "1+1"]);
    let ran = Ran::of(command.env("COZE_API_TOKEN", "t0k3n-of-mine"));
    assert_eq!(ran.code, Some(0), "{ran}");
}

#[test]
fn a_typo_in_the_configuration_is_located() {
    let home = Home::new();
    home.write("coze.yaml", "bots:\n  - id: \"1\"\n    nmae: x\n");
    for arguments in [&["serve", "--port", "0"][..], &["chat", "--local", "hi"]] {
        let ran = home.run(arguments);
        ran.fails(
            2,
            &[
                "error: the configuration cannot be used: coze.yaml:3:5: ",
                "nmae",
                "\nhint: ",
            ],
        );
        assert_eq!(ran.stdout, "", "{ran}");
    }
    let ran = home.run(&["serve", "--port", "0", "--config", "no.yaml"]);
    ran.fails(
        2,
        &[
            "configuration cannot be used: no.yaml: ",
            "hint: check the name",
        ],
    );
    home.write("coze.yaml", "bots: [{ id: \"1\", name: x, model: y }]\n");
    home.run(&["serve", "--port", "0"]).fails(
        2,
        &["configuration cannot be used: coze.yaml:1:35: ", "\"y\""],
    );
}

#[test]
fn two_servers_cannot_share_their_data() {
    let server = Server::start();
    let ran = server
        .home
        .run(&["serve", "--port", "0", "--data", "server-data"]);
    ran.fails(
        3,
        &["server-data is in use by another server", "\nhint: stop it"],
    );
}

#[test]
fn what_keeps_it_from_starting_is_told_in_chinese_too() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    let home = Home::new();
    home.write("file", "");
    home.write("typo.yaml", "bots:\n  - id: \"1\"\n    nmae: x\n");
    home.write("model.yaml", "bots: [{ id: \"1\", name: x, model: y }]\n");
    for (arguments, code, texts) in [
        (
            &["--port", &port][..],
            3,
            ["无法监听 127.0.0.1:", "端口已被占用", "请用 --port 换一个"],
        ),
        (
            &["--data", "file"],
            3,
            ["无法使用数据目录：file", "路径中有一段不是目录", "另选目录"],
        ),
        (
            &["--config", "typo.yaml"],
            2,
            ["配置文件有误：typo.yaml:3:5：", "nmae", "请改正这一行"],
        ),
        (
            &["--config", "no.yaml"],
            2,
            [
                "配置文件有误：no.yaml：",
                "文件或目录不存在",
                "请检查文件名",
            ],
        ),
        (
            &["--config", "model.yaml"],
            2,
            ["配置文件有误：model.yaml:1:35：", "\"y\"", "请改正该文件"],
        ),
        (
            &["--host", "0.0.0.0"],
            2,
            ["0.0.0.0 可以被其他机器访问", "没有设置令牌", "请用 --token"],
        ),
        (
            &["--host", "192.0.2.1"],
            2,
            ["192.0.2.1 可以被", "没有设置令牌", "请用 --token"],
        ),
        (
            &["--host", "192.0.2.1", "--token", "t0k3n"],
            3,
            ["无法监听 192.0.2.1:", "本机没有这个地址", "请用 --host"],
        ),
    ] {
        let mut all = vec!["--lang", "zh", "serve"];
        if !arguments.contains(&"--port") {
            all.extend(["--port", "0"]);
        }
        all.extend(arguments);
        home.run(&all).fails(code, &texts);
    }
}

#[test]
fn a_data_folder_that_cannot_be_used() {
    let home = Home::new();
    home.write("file", "");
    let ran = home.run(&["serve", "--port", "0", "--data", "file"]);
    ran.fails(3, &["the server cannot start", "file"]);
}

#[cfg(target_os = "linux")]
#[test]
fn the_demo_prints_a_question_that_its_documents_answer() {
    let home = Home::new();
    let path = home.path().join("log");
    let log = std::fs::File::create(&path).unwrap();
    let server = Server::start_logged(home, &["--seed", "demo"], log);
    let said = std::fs::read_to_string(&path).unwrap();
    let at = said
        .find("cozectl chat ")
        .unwrap_or_else(|| panic!("{said}"));
    let command = said[at..].lines().next().unwrap();
    let begun = std::time::Instant::now();
    loop {
        // The documents are read in the background.
        let ran = server.home.paste(command);
        if ran.code == Some(0) && ran.stdout.contains("七天内，凭小票可以退货") {
            return;
        }
        assert!(
            begun.elapsed() < crate::support::PATIENCE,
            "{command}\n{ran}"
        );
    }
}
