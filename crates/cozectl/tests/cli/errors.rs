//! Bad input and hostile servers: a clear text, the right exit code, nothing hangs.

use std::net::TcpListener;

use crate::fake::{Answer, Fake};
use crate::support::{DEMO_BOT, Home, Ran, Server, fixture};

/// An address where nothing listens.
fn nowhere() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

#[test]
fn no_token() {
    let ran = Home::new().run(&["chat", "hello"]);
    ran.fails(
        2,
        &[
            "error: there is no access token",
            "COZE_API_TOKEN",
            "COZE_PAT_TOKEN",
            "--local",
        ],
    );
    assert_eq!(ran.stdout, "");
    let ran = Home::new().run(&["api", "GET", "/v1/users/me"]);
    ran.fails(2, &["there is no access token"]);
    let ran = Home::new().run(&["workflow", "run", "1"]);
    ran.fails(2, &["there is no access token"]);
}

#[test]
fn a_server_on_this_machine_needs_no_token() {
    let server = Server::start();
    let base = server.url.as_str();
    let ran = server
        .home
        .run(&["chat", "--base", base, "--bot", DEMO_BOT, "7*8"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""), "{ran}");
    let localhost = base.replace("127.0.0.1", "localhost");
    let ran = server
        .home
        .run(&["api", "--base", &localhost, "GET", "/v1/users/me"]);
    assert_eq!(ran.code, Some(0), "{ran}");
    let fake = Fake::start(|_| Answer::json("{\"code\":0}"));
    let home = Home::new();
    let mut command = home.command(&["api", "GET", "/x"]);
    Ran::of(command.env("COZE_API_BASE", &fake.url)).prints("{\"code\":0}");
    let request = fake.wait_for("GET /x");
    assert!(request.head.contains("Bearer local\r\n"), "{request:?}");
    // Others do.
    for base in ["http://192.0.2.1:1", "http://127.0.0.1.example.test"] {
        let mut command = home.command(&["api", "GET", "/x"]);
        Ran::of(command.env("COZE_API_BASE", base)).fails(2, &["there is no access token"]);
    }
    let ran = home.run(&["api", "GET", "/x", "--region", "com"]);
    ran.fails(2, &["there is no access token"]);
}

#[test]
fn a_server_on_this_machine_that_wants_a_token() {
    let server = Server::start_in(Home::new(), &["--token", "right-token"]);
    for arguments in [
        &["chat", "--bot", "1", "hi"][..],
        &["chat", "--bot", "1", "--no-stream", "hi"],
        &["chat", "--bot", "1", "--file", "coze.yaml", "hi"],
        &["workflow", "run", "1"],
        &["api", "GET", "/v1/users/me"],
    ] {
        server.home.write("coze.yaml", "");
        let arguments = [arguments, &["--base", server.url.as_str()]].concat();
        server.home.run(&arguments).fails(
            1,
            &["(code 4100, HTTP 401)", "\nhint: this server wants a token"],
        );
    }
    // A token that was given is wrong for another reason.
    let ran = server.run(&["api", "GET", "/v1/users/me"]);
    ran.fails(1, &["hint: the access token is missing, wrong or expired"]);
    // Also when the answer has no Coze code.
    let fake = Fake::always("401 Unauthorized", "text/plain", b"no".to_vec());
    let ran = Home::new().run(&["api", "GET", "/x", "--base", &fake.url]);
    ran.fails(3, &["hint: this server wants a token"]);
}

#[test]
fn an_unusable_token_is_not_repeated() {
    let home = Home::new();
    let mut command = home.command(&["chat", "--bot", "1", "hello"]);
    let ran = Ran::of(command.env("COZE_API_TOKEN", "pat secret"));
    ran.fails(2, &["access token has a space"]);
    assert!(!ran.stderr.contains("pat secret"), "{ran}");
}

#[test]
fn no_agent() {
    let home = Home::new();
    let mut command = home.command(&["chat", "hello"]);
    let ran = Ran::of(command.env("COZE_PAT_TOKEN", "pat_0123456789"));
    ran.fails(2, &["error: no agent is named", "COZE_BOT_ID", "--local"]);
}

#[test]
fn a_wrong_token() {
    let server = Server::start_in(Home::new(), &["--token", "right-token"]);
    let ran = server.run(&["chat", "hello"]);
    ran.fails(1, &["(code 4100, HTTP 401)", "\nhint: ", "\nlogid: "]);
    assert!(!ran.stderr.contains("pat_test_0123456789"), "{ran}");
    let ran = Ran::of(
        server
            .client(&["chat", "1+1"])
            .env("COZE_API_TOKEN", "right-token"),
    );
    assert_eq!(ran.code, Some(0), "{ran}");
}

#[test]
fn unknown_agent_and_workflow() {
    let server = Server::start();
    for arguments in [
        &["chat", "--bot", "123", "hi"][..],
        &["chat", "--bot", "123", "--no-stream", "hi"],
        &["workflow", "run", "123"],
        &["workflow", "stream", "123"],
    ] {
        let ran = server.run(arguments);
        ran.fails(
            1,
            &["123 does not exist", "(code 4200", "\nhint: ", "\nlogid: "],
        );
        assert_eq!(ran.stdout, "", "{ran}");
        assert_eq!(ran.stderr.lines().count(), 3, "{ran}");
    }
}

#[test]
fn messages_are_in_the_language_of_the_user() {
    let server = Server::start();
    let arguments = ["chat", "--bot", "123", "hi"];
    let chinese = ["服务器拒绝了请求：", "资源不存在"];
    Ran::of(server.client(&arguments).env("LANG", "zh_CN.UTF-8")).fails(1, &chinese);
    server
        .run(&["--lang", "zh", "chat", "--bot", "123", "hi"])
        .fails(1, &chinese);
    let ran = Ran::of(
        server
            .client(&["chat", "--lang", "en", "--bot", "123", "hi"])
            .env("LC_ALL", "zh_CN.UTF-8"),
    );
    ran.fails(1, &["hint: the resource does not exist"]);
    // What is wrong with the options themselves, too.
    let home = Home::new();
    for (arguments, texts) in [
        (&["chat", "hi"][..], ["没有访问令牌", "请设置环境变量"]),
        (
            &["chat", "--base", "http://127.0.0.1:1", "hi"],
            ["没有指定智能体", "请用 --bot ID"],
        ),
        (&["chat", ""], ["消息为空", "cozectl chat \"你好\""]),
        (
            &["chat", "--file", "no.pdf", "hi"],
            ["无法读取 no.pdf：", "文件或目录不存在"],
        ),
        (&["chat", "--var", "a", "hi"], ["--var", "应为 KEY=VALUE"]),
    ] {
        home.run(&[&["--lang", "zh"], arguments].concat())
            .fails(2, &texts);
    }
}

#[test]
fn malformed_json_is_located() {
    let home = Home::new();
    home.write("input.json", "{\n  \"a\": 1,\n  \"b\" 2\n}");
    for (arguments, place) in [
        (
            &["workflow", "run", "1", "--params", "{\"a\":}"][..],
            "--params:1:6: this is no JSON",
        ),
        (
            &["workflow", "stream", "1", "--params", "@input.json"],
            "input.json:3:7: this is no JSON",
        ),
        (
            &["api", "POST", "/v3/chat", "--body", "{'a': 1}"],
            "--body:1:2: this is no JSON",
        ),
        (
            &["api", "POST", "/v3/chat", "--body", "@input.json"],
            "input.json:3:7: this is no JSON",
        ),
    ] {
        home.run_client(&nowhere(), arguments)
            .fails(2, &[place, "\nhint: "]);
    }
    let ran = home.run_client(&nowhere(), &["workflow", "run", "1", "--params", "[1]"]);
    ran.fails(2, &["--params must be a JSON object"]);
    let mut command = home.client(&nowhere(), &["api", "POST", "/v3/chat", "--body", "-"]);
    Ran::of(command.write_stdin("{")).fails(2, &["stdin:1:1"]);
}

#[test]
fn files_that_cannot_be_read() {
    let home = Home::new();
    for (arguments, text) in [
        (
            &["chat", "--file", "no.pdf", "hi"][..],
            "cannot read no.pdf",
        ),
        (
            &["chat", "--file", ".", "hi"],
            "cannot read .: it is a folder",
        ),
        (
            &["workflow", "run", "1", "--params", "@no.json"],
            "--params: cannot read no.json",
        ),
        (
            &["api", "POST", "/x", "--body", "@no.json"],
            "--body: cannot read no.json",
        ),
    ] {
        home.run_client(&nowhere(), arguments).fails(2, &[text]);
    }
}

#[test]
fn empty_messages() {
    let home = Home::new();
    for arguments in [
        &["chat", ""][..],
        &["chat", "  \n"],
        &["chat"],
        &["chat", "-"],
    ] {
        home.run_client(&nowhere(), arguments)
            .fails(2, &["the message is empty", "\nhint: "]);
    }
}

#[test]
fn stdin_that_is_no_text() {
    let home = Home::new();
    let mut command = home.client(&nowhere(), &["chat"]);
    Ran::of(command.write_stdin([0xff, 0xfe])).fails(2, &["cannot read stdin"]);
}

#[test]
fn bad_pairs_and_options() {
    let home = Home::new();
    for (arguments, text) in [
        (&["chat", "--var", "a", "hi"][..], "expected KEY=VALUE"),
        (
            &["chat", "--var", "=a", "hi"],
            "nothing stands before the `=`",
        ),
        (&["workflow", "run", "1", "-p", "a"], "expected KEY=VALUE"),
        (&["api", "GET", "/x", "-f", "a"], "expected KEY=VALUE"),
        (&["api", "FETCH", "/x"], "FETCH is no method"),
        (&["api", "GET", "v1/x"], "does not begin with `/`"),
        (&["api", "GET"], "<PATH>"),
        (
            &["chat", "--local", "--token", "x", "hi"],
            "cannot be used with",
        ),
        (
            &["chat", "--session", "a", "--conversation", "1", "hi"],
            "cannot be used with",
        ),
        (&["chat", "--session", " ", "hi"], "the session has no name"),
        (&["chat", "--config", "x.yaml", "hi"], "--local"),
        (
            &["workflow", "run", "1", "--local", "--async"],
            "would end with the local server",
        ),
        (&["chat", "--base", "no url", "hi"], "the base URL `no url`"),
    ] {
        home.run_client(&nowhere(), arguments).fails(2, &[text]);
    }
}

#[test]
fn a_server_that_cannot_be_reached() {
    for arguments in [
        &["chat", "hi"][..],
        &["workflow", "run", "1"],
        &["api", "GET", "/v1/users/me"],
    ] {
        let ran = Home::new().run_client(&nowhere(), arguments);
        ran.fails(
            3,
            &["cannot connect", "\nhint: is the server running there?"],
        );
        assert_eq!(ran.stderr.lines().count(), 2, "{ran}");
    }
    let ran = Ran::of(
        Home::new()
            .client("http://no-such-host.invalid", &["chat", "hi"])
            .env("NO_PROXY", "*"),
    );
    ran.fails(3, &["error: ", "hint: "]);
}

#[test]
fn a_page_instead_of_json() {
    let page = b"<html><body>Sign in to the network</body></html>".to_vec();
    for status in ["200 OK", "502 Bad Gateway"] {
        let fake = Fake::always(status, "text/html", page.clone());
        for arguments in [
            &["chat", "hi"][..],
            &["chat", "--no-stream", "hi"],
            &["workflow", "run", "1"],
        ] {
            let ran = Home::new().run_client(&fake.url, arguments);
            ran.fails(
                3,
                &[
                    "a page came instead of JSON",
                    "COZE_API_BASE",
                    "logid: fake-log-id",
                ],
            );
            assert_eq!(ran.stderr.lines().count(), 3, "{ran}");
        }
        let ran = Home::new().run_client(&fake.url, &["api", "GET", "/v1/bots"]);
        ran.fails(3, &["a page came instead of JSON"]);
        assert_eq!(ran.stdout.as_bytes(), page, "{ran}");
    }
}

#[test]
fn a_redirect_is_named() {
    let fake = Fake::start(|_| {
        Answer::Bytes(
            b"HTTP/1.1 308 Permanent Redirect\r\nLocation: https://api.example.test/\r\n\
              Content-Length: 0\r\n\r\n"
                .to_vec(),
        )
    });
    let ran = Home::new().run_client(&fake.url, &["chat", "hi"]);
    ran.fails(
        3,
        &[
            "hint: give the address it leads to",
            "https://api.example.test/",
        ],
    );
}

#[test]
fn a_stream_that_is_cut_loses_nothing_that_arrived() {
    let fake = Fake::always(
        "200 OK",
        "text/event-stream",
        fixture("chat/StartChat.truncated.sse"),
    );
    let ran = Home::new().run_client(&fake.url, &["chat", "hi"]);
    ran.fails(
        3,
        &[
            "the stream was cut before its last event",
            "hint: what had arrived was printed; read the whole answer with: cozectl api GET",
            "logid: fake-log-id",
        ],
    );
    assert_eq!(ran.stdout, "明天杭州有小雨，\n", "{ran}");
    let ran = Home::new().run_client(&fake.url, &["chat", "--json", "hi"]);
    ran.fails(3, &["the stream was cut"]);
    assert!(ran.lines().len() > 3, "{ran}");
}

#[test]
fn a_stream_that_is_cut_is_recovered_where_its_chat_is_saved() {
    let fake = Fake::start(|request| {
        let line = request.line.as_str();
        if line.starts_with("POST /v3/chat") {
            let cut = fixture("chat/StartChat.truncated.sse");
            return Answer::of("200 OK", "text/event-stream", &cut);
        }
        let saved = if line.starts_with("GET /v3/chat/retrieve?") {
            "chat/RetrieveChat.completed.res.json"
        } else {
            assert!(line.starts_with("GET /v3/chat/message/list?"), "{line}");
            "chat/ListChatMessages.full.res.json"
        };
        Answer::of("200 OK", "application/json", &fixture(saved))
    });
    let ran = Home::new().run_client(&fake.url, &["chat", "--quiet", "hi"]);
    ran.prints("明天杭州有小雨，最高 13 度，建议带伞。\n");
    let ran = Home::new().run_client(&fake.url, &["chat", "--json", "hi"]);
    assert_eq!(ran.code, Some(0), "{ran}");
    assert_eq!(ran.lines().pop().unwrap()["event"], "done", "{ran}");
}

#[test]
fn a_stream_that_is_cut_in_a_character() {
    let whole = fixture("chat/StartChat.text.sse");
    // The last piece of the answer, cut in the middle of a character.
    let delta = whole.windows(6).rposition(|it| it == b"delta\n").unwrap();
    let at = delta
        + whole[delta..]
            .iter()
            .position(|byte| *byte >= 0x80)
            .unwrap()
        + 1;
    let fake = Fake::always("200 OK", "text/event-stream", whole[..at].to_vec());
    let ran = Home::new().run_client(&fake.url, &["chat", "hi"]);
    ran.fails(3, &["the stream was cut"]);
    assert!(
        !ran.stdout.is_empty() && !ran.stdout.contains('\u{fffd}'),
        "{ran}"
    );
}

#[test]
fn a_server_that_fails_in_the_middle() {
    let fake = Fake::always(
        "200 OK",
        "text/event-stream",
        fixture("chat/StartChat.error-midway.sse"),
    );
    let ran = Home::new().run_client(&fake.url, &["chat", "hi"]);
    ran.fails(
        1,
        &["error: StartChat: the stream failed", "logid: fake-log-id"],
    );
    assert!(!ran.stdout.is_empty(), "{ran}");
}

#[test]
fn an_answer_that_is_no_stream() {
    let fake = Fake::start(|_| Answer::json("{\"code\":4016,\"msg\":\"occupied\"}"));
    let ran = Home::new().run_client(&fake.url, &["chat", "hi"]);
    ran.fails(
        1,
        &[
            "error: StartChat: occupied (code 4016, HTTP 200)",
            "\nhint: ",
        ],
    );
    let fake = Fake::start(|_| Answer::json("{\"code\":0,\"data\":{}}"));
    Home::new()
        .run_client(&fake.url, &["chat", "hi"])
        .fails(3, &["a single reply came"]);
}

#[test]
fn an_over_long_message_is_refused_by_the_server() {
    let server = Server::start();
    let message = "长".repeat(3_000_000);
    let ran = Ran::of(server.client(&["chat"]).write_stdin(message));
    ran.fails(
        1,
        &[
            "additional_messages[0].content",
            "(code 4000",
            "\nhint: ",
            "\nlogid: ",
        ],
    );
}

#[cfg(target_os = "linux")]
#[test]
fn an_output_that_cannot_be_written() {
    let fake = Fake::always(
        "200 OK",
        "text/event-stream",
        fixture("chat/StartChat.text.sse"),
    );
    let home = Home::new();
    let status = home
        .raw_command(&["chat", "hi"])
        .env("COZE_API_BASE", &fake.url)
        .env("COZE_API_TOKEN", "pat_test_0123456789")
        .env("COZE_BOT_ID", "1")
        .stdout(std::fs::File::create("/dev/full").unwrap())
        .status();
    assert_eq!(status.unwrap().code(), Some(3));
}

#[test]
fn logs_go_to_stderr_and_hold_no_secret() {
    let server = Server::start();
    let quiet = server.run(&["chat", "1+1"]);
    let ran = Ran::of(server.client(&["chat", "1+1"]).env("COZE_LOG", "trace"));
    ran.prints(&quiet.stdout);
    assert!(ran.stderr.contains("coze"), "{ran}");
    assert!(!ran.stderr.contains("pat_test_0123456789"), "{ran}");
}
