//! The examples of the SDK, run as programs against this server with `coze.example.yaml`.
//!
//! They are built by whatever builds the SDK's examples, such as a test of the whole workspace.
#![expect(clippy::unwrap_used, reason = "a test may fail")]

#[path = "examples/login.rs"]
mod login;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use coze_server::{Server, ServerConfig, Space};

/// Its prompt has variables.
const PLAIN: &str = "7500000000000001001";
/// Its model follows a script, and it has a tool.
const SCRIPTED: &str = "7500000000000001002";
const GRADE: &str = "7500000000000002001";
const TRIP: &str = "7500000000000002002";
const CHATFLOW: &str = "7500000000000002003";

/// What is run: name, agent, workflow, and pieces of what it must print, in their order.
const RUN: &[(&str, &str, &str, &[&str])] = &[
    (
        "blocking_chat",
        SCRIPTED,
        GRADE,
        &["山水相依，慢慢走，处处是风景。\n", "file ", "cancelled"],
    ),
    (
        "cancel",
        SCRIPTED,
        GRADE,
        &["the first is canceled", "the second ", "the third goes on"],
    ),
    (
        "chat_poll",
        PLAIN,
        GRADE,
        &["polled: ", " is ", "fetched: ", "408"],
    ),
    (
        "chat_reply",
        SCRIPTED,
        GRADE,
        &["answer: 山水相依，慢慢走，处处是风景。", "conversation "],
    ),
    (
        "chat_stream",
        SCRIPTED,
        GRADE,
        &["山水相依，慢慢走，处处是风景。\n", "tokens"],
    ),
    (
        "chatflow",
        PLAIN,
        CHATFLOW,
        &["小明，你想去哪个城市？", "小明的行程：山水相依"],
    ),
    (
        "conversations",
        PLAIN,
        GRADE,
        &[
            "user: 记得带伞",
            "assistant: 好的",
            "called trip",
            "deleted",
        ],
    ),
    (
        "errors_and_explain",
        PLAIN,
        GRADE,
        &["error: StartChat: ", "the server said no: ", "cause: "],
    ),
    (
        "images_and_files",
        PLAIN,
        GRADE,
        &[" bytes", "Cargo.toml is file ", "answer: ", "answer: "],
    ),
    (
        "multi_turn",
        PLAIN,
        GRADE,
        &["1: ", "2: ", "408", "3: ", "12*34"],
    ),
    (
        "observer",
        SCRIPTED,
        GRADE,
        &["StartChat: ", "complete: true", "山水相依"],
    ),
    ("pages", PLAIN, GRADE, &["小助手", "旅行助手", " in all"]),
    (
        "raw_call",
        PLAIN,
        GRADE,
        &["endpoints are known", "user ", "HTTP 200"],
    ),
    (
        "recovery",
        SCRIPTED,
        GRADE,
        &["处处是风景。", "nothing had to be recovered"],
    ),
    (
        "retry_and_limits",
        PLAIN,
        GRADE,
        &["4 of 4 calls succeeded", "0 are waiting"],
    ),
    (
        "speech_download",
        PLAIN,
        GRADE,
        &["audio/mpeg", " bytes in speech.mp3"],
    ),
    (
        "tool_outputs",
        SCRIPTED,
        GRADE,
        &["get_weather", "杭州", "查到了：晴，18 °C"],
    ),
    (
        "variables",
        PLAIN,
        GRADE,
        &["你是小明的助手", "ticket 4711"],
    ),
    (
        "workflow_background",
        PLAIN,
        GRADE,
        &["has begun", "result: ", "小明", "history: Success"],
    ),
    (
        "workflow_interrupt",
        PLAIN,
        TRIP,
        &[
            "it asks: 小明，你想去哪个城市？",
            "result: ",
            "小明的行程：",
        ],
    ),
    (
        "workflow_run",
        PLAIN,
        GRADE,
        &["result: ", "小明", "shown at http://127.0.0.1:"],
    ),
    ("workflow_stream", PLAIN, GRADE, &["小明", "done", "run "]),
];

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

#[test]
fn every_example_is_in_a_list() {
    let folder = workspace().join("crates/coze-api/examples");
    let files = fs::read_dir(folder).unwrap().map(|it| it.unwrap().path());
    let sources = files.filter(|path| path.extension().is_some_and(|it| it == "rs"));
    let there: BTreeSet<_> = sources
        .map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned())
        .collect();
    let run = RUN.iter().map(|it| it.0);
    let listed: Vec<_> = run.chain(login::RUN.iter().map(|it| it.0)).collect();
    assert_eq!(there, listed.iter().map(|it| (*it).to_owned()).collect());
    assert_eq!(there.len(), listed.len(), "one is listed twice");
}

#[test]
fn the_examples_do_what_they_say() {
    // Beside the folder of this program: `debug/deps/examples-…` and `debug/examples`.
    let own = std::env::current_exe().unwrap();
    let folder = own.parent().unwrap().parent().unwrap().join("examples");
    let built = |name: &str| folder.join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
    let all = RUN.iter().map(|it| it.0);
    let all = all.chain(login::RUN.iter().map(|it| it.0));
    let missing: Vec<_> = all.filter(|it| !built(it).exists()).collect();
    if !missing.is_empty() {
        let why = format!(
            "not built: {}; `cargo build -p coze-api --examples --features blocking` does it",
            missing.join(", ")
        );
        assert!(std::env::var_os("CI").is_none(), "{why}");
        println!("{why}");
    }
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let data = tempfile::tempdir().unwrap();
    let mut config = ServerConfig::new(data.path());
    let file = workspace().join("coze.example.yaml");
    let text = fs::read_to_string(&file).unwrap() + &login::apps(data.path());
    config.space = Space::parse(&text, &file).unwrap();
    let server = runtime.block_on(Server::start(config)).unwrap();
    let mut problems = Vec::new();
    for (name, bot, workflow, expected) in RUN {
        if missing.contains(name) {
            continue;
        }
        let mut command = Command::new(built(name));
        command
            .current_dir(data.path())
            .env("COZE_API_TOKEN", "local")
            .env("COZE_API_BASE", server.url())
            .env("COZE_BOT_ID", bot)
            .env("COZE_WORKFLOW_ID", workflow)
            .env("COZE_VOICE_ID", "7500000000000000301")
            .env("COZE_WORKSPACE_ID", "7500000000000000003");
        let output = run(&mut command);
        let (text, errors) = (
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr),
        );
        let all = format!("{name}: {}\n{text}{errors}", output.status);
        let problem = match missing_piece(&text, expected) {
            _ if !output.status.success() => "it failed".to_owned(),
            Some(piece) => format!("`{piece}` is missing"),
            None => {
                println!("{name}: ran");
                continue;
            }
        };
        problems.push(format!("{all}\n-> {problem}\n"));
    }
    for (name, app) in login::RUN {
        if missing.contains(name) {
            continue;
        }
        let mut command = Command::new(built(name));
        command
            .current_dir(data.path())
            .env_remove("COZE_API_TOKEN")
            .env("COZE_API_BASE", server.url())
            .env("COZE_CLIENT_ID", app)
            .env("COZE_CLIENT_SECRET", login::SECRET)
            .env("COZE_OAUTH_CONFIG", data.path().join("oauth.json"));
        let (text, succeeded) = login::run(&mut command, &runtime);
        match succeeded && text.contains(login::GREETING) {
            true => println!("{name}: ran"),
            false => problems.push(format!("{name}: {text}\n")),
        }
    }
    runtime.block_on(server.stop());
    assert!(problems.is_empty(), "\n{}", problems.join("\n"));
}

/// The first piece that does not follow those before it.
fn missing_piece<'a>(mut text: &str, expected: &[&'a str]) -> Option<&'a str> {
    for piece in expected {
        let Some(at) = text.find(piece) else {
            return Some(piece);
        };
        text = &text[at + piece.len()..];
    }
    None
}

/// Runs a program to its end, but not for ever. What it prints fits into a pipe.
fn run(command: &mut Command) -> Output {
    let piped = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = piped.spawn().unwrap();
    let end = Instant::now() + Duration::from_secs(60);
    while child.try_wait().unwrap().is_none() {
        if Instant::now() > end {
            child.kill().unwrap();
            panic!("it hangs: {:?}", child.wait_with_output().unwrap());
        }
        sleep(Duration::from_millis(10));
    }
    child.wait_with_output().unwrap()
}
