//! A server in operation: logs, configuration that changes, other servers behind it.

use std::fs::{self, File};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::{DEMO_BOT, Home, PATIENCE, Server};

/// A server whose stderr goes to a file.
struct Logged {
    child: Child,
    url: String,
    home: Home,
}

impl Logged {
    fn start(home: Home, more: &[&str], environment: &[(&str, &str)]) -> Self {
        let mut arguments = vec!["serve", "--port", "0", "--data", "server-data"];
        arguments.extend(more);
        let (out, err) = (home.path().join("out"), home.path().join("err"));
        let child = home
            .raw_command(&arguments)
            .envs(environment.iter().copied())
            .stdout(Stdio::from(File::create(&out).unwrap()))
            .stderr(Stdio::from(File::create(&err).unwrap()))
            .spawn()
            .unwrap();
        let mut server = Self {
            child,
            url: String::new(),
            home,
        };
        server.until("it listens", |server| {
            let line = fs::read_to_string(&out).unwrap();
            match line.strip_prefix("listening on ").map(str::trim) {
                Some(url) if line.ends_with('\n') => url.clone_into(&mut server.url),
                _ => return false,
            }
            true
        });
        server
    }

    fn until(&mut self, what: &str, mut done: impl FnMut(&mut Self) -> bool) {
        let begun = Instant::now();
        while !done(self) {
            assert!(begun.elapsed() < PATIENCE, "not {what}: {}", self.log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn log(&self) -> String {
        fs::read_to_string(self.home.path().join("err")).unwrap()
    }

    fn name_of(&self, bot: &str) -> String {
        let path = format!("/v1/bots/{bot}");
        let ran = self.home.run_client(&self.url, &["api", "GET", &path]);
        ran.json()["data"]["name"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    }

    #[cfg(unix)]
    fn stop(mut self) -> Home {
        crate::support::send_signal(self.child.id(), "TERM");
        assert_eq!(self.child.wait().unwrap().code(), Some(0), "{}", self.log());
        std::mem::replace(&mut self.home, Home::new())
    }
}

impl Drop for Logged {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[cfg(unix)]
#[test]
fn logs_are_objects_with_a_logid_and_without_content() {
    let environment = [
        ("COZE_LOG", "debug,hyper=info"),
        ("COZE_LOG_FORMAT", "json"),
    ];
    let server = Logged::start(Home::new(), &["--token", "t0ken-of-mine"], &environment);
    let file = server.home.write("my-diary.txt", "dear diary 7781");
    let file = file.to_str().unwrap();
    for arguments in [
        &[
            "chat",
            "--var",
            "mood=gloomy7781",
            "--file",
            file,
            "my secret is 7781",
        ][..],
        &["chat", "--bot", "1", "another secret 7781"],
        &["api", "GET", "/v1/nothing?name=secret7781"],
    ] {
        let mut client = server.home.client(&server.url, arguments);
        client
            .env("COZE_API_TOKEN", "t0ken-of-mine")
            .output()
            .unwrap();
    }
    let log = server.stop();
    let log = fs::read_to_string(log.path().join("err")).unwrap();
    let mut rows = Vec::new();
    for line in log.lines().filter(|line| line.starts_with('{')) {
        let line: Value = serde_json::from_str(line).unwrap();
        assert!(
            line["timestamp"].is_string() && line["level"].is_string(),
            "{line}"
        );
        if line["log_id"].as_str().is_some_and(|it| it.len() == 26) {
            let answered = line["message"] == "answered";
            assert_eq!(answered, line["code"].is_null(), "{line}");
            rows.push(format!("{} {}", line["endpoint"], line["http"]));
        }
    }
    for row in ["\"StartChat\" 200", "\"UploadFile\" 200", "\"unknown\" 404"] {
        assert!(rows.iter().any(|it| it == row), "{row} in {rows:?}");
    }
    for secret in ["7781", "diary", "t0ken-of-mine"] {
        assert!(!log.contains(secret), "{secret} in {log}");
    }
}

const NAMED: &str = "bots: [{ id: \"7500000000000000001\", name: NAME }]\n";

#[test]
fn a_file_that_changes_is_read_again_and_a_broken_one_changes_nothing() {
    let home = Home::new();
    home.write("my.yaml", &NAMED.replace("NAME", "First"));
    let mut server = Logged::start(home, &["--config", "my.yaml"], &[]);
    assert_eq!(server.name_of(DEMO_BOT), "First");
    server
        .home
        .write("my.yaml", &NAMED.replace("NAME", "The second"));
    server.until("renamed", |it| it.name_of(DEMO_BOT) == "The second");
    server
        .home
        .write("my.yaml", "bots: [{ id: \"1\", name: x, model: gtp }]\n");
    server.until("refused", |it| {
        it.log().contains("my.yaml:1:35: bots: x: the model")
    });
    assert!(
        server
            .log()
            .contains("coze.yaml cannot be used; the server goes on")
    );
    assert_eq!(server.name_of(DEMO_BOT), "The second");
    server
        .home
        .write("my.yaml", &NAMED.replace("NAME", "Third"));
    server.until("renamed", |it| it.name_of(DEMO_BOT) == "Third");
    assert_eq!(server.log().matches("WARN").count(), 1, "{}", server.log());
}

#[cfg(unix)]
#[test]
fn a_hangup_reads_the_file_again() {
    let home = Home::new();
    home.write("coze.yaml", &NAMED.replace("NAME", "First"));
    let mut server = Logged::start(home, &[], &[]);
    crate::support::send_signal(server.child.id(), "HUP");
    server.until("told", |it| {
        it.log().contains("the configuration was read again")
    });
    server.home.write("coze.yaml", "bots: 1\n");
    crate::support::send_signal(server.child.id(), "HUP");
    server.until("told", |it| {
        it.log()
            .contains("error: the configuration cannot be used: coze.yaml:1:7: ")
    });
    assert_eq!(server.name_of(DEMO_BOT), "First");
}

#[cfg(unix)]
#[test]
fn what_was_recorded_is_answered_without_the_other_server() {
    let other = Server::start();
    let upstream = other.url.clone();
    let record = ["--record", "calls", "--upstream", &upstream];
    let front = Logged::start(Home::new(), &record, &[]);
    let chat = ["chat", "--no-stream", "--json", "12*34"];
    let said = front.home.run_client(&front.url, &chat);
    assert_eq!(said.code, Some(0), "{said}");
    let streamed = front.home.run_client(&front.url, &["chat", "5+6"]);
    let home = front.stop();
    drop(other);
    let replay = ["--replay", "calls", "--replay-speed", "0"];
    let replay = Logged::start(home, &replay, &[]);
    assert_eq!(
        replay.home.run_client(&replay.url, &chat).stdout,
        said.stdout
    );
    let again = replay.home.run_client(&replay.url, &["chat", "5+6"]);
    assert_eq!(again.stdout, streamed.stdout);
    let unknown = replay.home.run_client(&replay.url, &["chat", "5+7"]);
    unknown.fails(1, &["was not recorded so; the nearest is 0000", "\"5+6\""]);
}

#[test]
fn options_that_do_not_go_together() {
    let home = Home::new();
    let ran = home.run(&["serve", "--record", "calls"]);
    ran.fails(2, &["--upstream <URL>"]);
    let ran = home.run(&["serve", "--port", "0", "--upstream", "coze"]);
    ran.fails(2, &["the upstream \"coze\": "]);
    let ran = home.run(&["serve", "--port", "0", "--replay", "absent"]);
    ran.fails(2, &["absent: No such file"]);
    let arguments = [
        "--upstream",
        "http://127.0.0.1:1",
        "--token",
        "t",
        "--host",
        "0.0.0.0",
    ];
    let ran = home.run(&[&["serve", "--port", "0"], &arguments[..]].concat());
    ran.fails(2, &["listens on loopback addresses only"]);
}

#[test]
fn the_schema_in_the_documents_is_current() {
    let ran = Home::new().run(&["serve", "--print-schema"]);
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/coze.schema.json");
    let kept = fs::read_to_string(path).unwrap_or_default();
    assert!(
        ran.stdout == kept,
        "run: cargo run -p cozectl -- serve --print-schema > docs/coze.schema.json"
    );
}
