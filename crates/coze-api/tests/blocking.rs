//! The client for programs without tokio, against bytes on real sockets.

#![expect(clippy::unwrap_used, reason = "a test may fail")]

#[allow(dead_code, reason = "other tests use the rest of it")]
#[path = "client/server.rs"]
mod server;

use std::collections::BTreeSet;
use std::io::{self, Read};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::Duration;

use coze_api::blocking::{self, Coze};
use coze_api::types::audio::{CreateSpeech, CreateSpeechBody};
use coze_api::types::bots::{ListBots, ListBotsQuery};
use coze_api::types::chat::StartChat;
use coze_api::types::users::RetrieveMe;
use coze_api::{ChatEvent, Error, Method, OAuthApp, PollOptions, RunBy, StreamError, Upload};
use serde_json::json as value;
use tokio::runtime::{Builder, Runtime};

use server::{CREATED, DONE, Request, STREAM, Step, answer, chat, delta, json, stream, whole_chat};

const CHAT: &str = "POST /v3/chat";
const CANCEL: &str = "POST /v3/chat/cancel";
const ME: &str = r#"{"code":0,"data":{"user_id":"7","nick_name":"林"}}"#;
const FILE: &str = r#"{"code":0,"data":{"id":"9","bytes":5,"file_name":"x"}}"#;
const CANCELED: &str =
    r#"{"code":0,"data":{"id":"222","conversation_id":"111","status":"canceled"}}"#;
const QUICK: PollOptions = PollOptions {
    first: Duration::from_millis(10),
    interval: Duration::from_millis(20),
    max_interval: Duration::from_millis(60),
    deadline: Duration::from_secs(10),
};

/// The fake server, with the runtime that it needs and the client does not.
struct Server {
    runtime: Runtime,
    server: server::Server,
}

impl Server {
    fn start(answer: impl Fn(&Request) -> Vec<Step> + Send + Sync + 'static) -> Self {
        let mut builder = Builder::new_multi_thread();
        let runtime = builder.worker_threads(1).enable_all().build().unwrap();
        let server = runtime.block_on(server::Server::start(answer));
        Self { runtime, server }
    }

    fn always(steps: Vec<Step>) -> Self {
        Self::start(move |_| steps.clone())
    }

    /// Begins to talk and then is silent, until the client hangs up.
    fn silent() -> Self {
        Self::start(|request| match request.line.as_str() {
            CANCEL => json(CANCELED),
            _ => vec![
                Step::Send([STREAM, CREATED, &delta("你")].concat().into()),
                Step::Hold,
            ],
        })
    }

    fn coze(&self) -> Coze {
        self.server.builder().build_blocking().unwrap()
    }

    fn lines(&self) -> Vec<String> {
        let requests = self.server.requests().into_iter();
        requests.map(|it| it.line).collect()
    }
}

/// Runs what must not hang; its thread is left behind if it does.
fn soon<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    let (done, result) = mpsc::channel();
    let worker = thread::spawn(move || drop(done.send(work())));
    match result.recv_timeout(Duration::from_secs(30)) {
        Ok(value) => value,
        Err(mpsc::RecvTimeoutError::Timeout) => panic!("it hangs"),
        Err(_) => std::panic::resume_unwind(worker.join().unwrap_err()),
    }
}

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

#[test]
fn a_drop_returns_when_the_chat_is_cancelled() {
    let server = Server::silent();
    let coze = server.coze();
    let mut chat = coze.chat("333").message("x").stream().unwrap();
    assert_eq!(chat.next_text().unwrap().unwrap(), "你");
    // The client may go first: nobody else keeps anything running.
    drop(coze);
    drop(chat);
    let cancel = server.server.requests().pop().unwrap();
    assert_eq!(cancel.line, CANCEL);
    assert_eq!(
        cancel.json(),
        value!({"conversation_id": "111", "chat_id": "222"})
    );
    server.runtime.block_on(server.server.wait_for_hang_up());
}

#[test]
fn whoever_drops_the_stream_cancels_its_chat() {
    let server = Server::silent();
    let coze = server.coze();
    // The `async` stream, on a thread without any runtime.
    let mut chat = coze
        .wait(async |coze| coze.chat("333").message("x").stream().await)
        .unwrap();
    coze.wait(async |_| chat.next().await.transpose()).unwrap();
    drop(chat);
    assert_eq!(server.lines(), [CHAT, CANCEL]);

    // Left behind by a panic.
    let mut chat = coze.chat("333").message("x").stream().unwrap();
    let left = thread::spawn(move || {
        assert!(chat.next().unwrap().is_err(), "it panics");
    });
    left.join().unwrap_err();
    assert_eq!(server.lines(), [CHAT, CANCEL, CHAT, CANCEL]);
}

#[test]
fn a_cancellation_that_is_never_answered_ends() {
    let server = Server::start(|request| match request.line.as_str() {
        CANCEL => vec![Step::Hold],
        _ => vec![Step::Send([STREAM, CREATED].concat().into()), Step::Hold],
    });
    let coze = server.coze();
    soon(move || {
        let mut chat = coze.chat("333").message("x").stream().unwrap();
        chat.next().unwrap().unwrap();
    });
    assert_eq!(server.server.count(CANCEL), 1);
}

#[test]
fn a_chat_is_left_alone_or_cancelled_as_the_caller_wants() {
    let server = Server::silent();
    let coze = server.coze();
    let begin = || {
        let mut chat = coze.chat("333").message("x").stream().unwrap();
        chat.next().unwrap().unwrap();
        chat
    };
    begin().detach();
    drop(begin().cancel_on_drop(false));
    // Not yet told which chat it is.
    drop(coze.chat("333").message("x").stream().unwrap());
    assert_eq!(server.lines(), [CHAT; 3]);
    let canceled = begin().cancel().unwrap().unwrap();
    assert_eq!(canceled.status.as_str(), "canceled");
    assert_eq!(server.server.count(CANCEL), 1);
}

#[test]
fn errors_are_those_of_the_flows() {
    let busy = r#"{"code":4016,"msg":"busy"}"#;
    let cut = [CREATED, &delta("你")].concat();
    let server = Server::start(move |request| match request.line.as_str() {
        "GET /v1/users/me" => answer("401 Unauthorized", "application/json", busy),
        _ => stream(cut.as_bytes()),
    });
    let coze = server.coze();
    let error = coze.me().unwrap_err();
    assert_eq!((error.code(), error.http()), (Some(4016), Some(401)));
    let error = coze.chat("333").message("x").save_history(false).reply();
    let error = error.unwrap_err();
    assert_eq!(error.partial().unwrap().text(), "你");
    let chat = coze.chat("333").message("x").save_history(false).stream();
    let last = chat.unwrap().last().unwrap();
    let Err(Error::Stream(failure)) = last else {
        panic!("{last:?}")
    };
    assert!(matches!(failure.kind, StreamError::Truncated), "{failure}");
    let nobody = Coze::builder()
        .token("pat_test")
        .base_url("http://127.0.0.1:1");
    let error = nobody.build_blocking().unwrap().me().unwrap_err();
    assert!(matches!(error, Error::Transport(_)), "{error:?}");
    let error = Coze::builder().build_blocking().unwrap_err();
    assert!(error.to_string().contains("token"), "{error}");
}

#[test]
fn threads_share_a_client() {
    fn shared<T: Send + Sync>(_: &T) {}
    fn moved<T: Send>(_: T) {}
    let server = Server::start(|request| match request.line.as_str() {
        CHAT => stream(whole_chat().as_bytes()),
        _ => json(ME),
    });
    let coze = server.coze();
    shared(&coze);
    moved(coze.chat("333").message("x").stream().unwrap());
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..5 {
                    let reply = coze.chat("333").message("x").reply().unwrap();
                    assert_eq!(reply.text(), "你好！");
                    assert_eq!(coze.me().unwrap().nick_name, "林");
                }
            });
        }
    });
    assert_eq!(server.server.requests().len(), 81);
}

#[test]
fn a_thread_that_waits_holds_up_no_other() {
    let server = Server::start(|request| match request.line.as_str() {
        CHAT => vec![Step::Send(STREAM.into()), Step::Hold],
        _ => json(ME),
    });
    let coze = server.coze();
    let mut chat = coze.chat("333").message("x").stream().unwrap();
    thread::spawn(move || chat.next());
    assert_eq!(soon(move || coze.me()).unwrap().user_id, "7");
}

#[test]
fn within_async_code_it_blocks_and_ends() {
    // More events than the budget of a task lets pass at once.
    let many = delta("好").repeat(2_000);
    let body = [CREATED, &many, &chat("completed"), DONE].concat();
    let server = Server::start(move |request| match request.line.as_str() {
        CHAT => stream(body.as_bytes()),
        _ => json(ME),
    });
    let work = |coze: &Coze| {
        assert_eq!(coze.me().unwrap().user_id, "7");
        let mut chat = coze.chat("333").message("x").stream().unwrap();
        assert_eq!(chat.texts().filter(Result::is_ok).count(), 2_000);
    };
    for mut builder in [Builder::new_current_thread(), Builder::new_multi_thread()] {
        let coze = server.coze();
        let runtime = builder.worker_threads(1).enable_all().build().unwrap();
        soon(move || {
            let task = runtime.spawn(async move {
                work(&coze);
                tokio::task::spawn_blocking(move || work(&coze)).await
            });
            runtime.block_on(task).unwrap().unwrap();
        });
    }
}

#[test]
fn a_stream_that_is_dropped_within_async_code_is_cancelled() {
    let server = Server::silent();
    let coze = server.coze();
    let runtime = Builder::new_current_thread().build().unwrap();
    soon(move || {
        runtime.block_on(async move {
            let mut chat = coze.chat("333").message("x").stream().unwrap();
            chat.next().unwrap().unwrap();
        });
    });
    assert_eq!(server.lines(), [CHAT, CANCEL]);
}

#[test]
fn readers_are_uploaded() {
    /// Gives a byte at a time, and is interrupted in between.
    struct Slow(Vec<u8>, bool);
    impl Read for Slow {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            self.1 = !self.1;
            if self.1 {
                return Err(io::ErrorKind::Interrupted.into());
            }
            let byte = self.0.pop();
            buffer[..byte.iter().len()].copy_from_slice(byte.as_slice());
            Ok(byte.iter().len())
        }
    }
    let reader = Slow(b"olleh".to_vec(), false);
    let server = Server::always(json(FILE));
    let coze = server.coze();
    let upload = Upload::blocking_reader("a.txt", reader, Some(5));
    assert_eq!(coze.upload_from(upload).unwrap().id, "9");
    assert_eq!(coze.upload_bytes("b.txt", "hello").unwrap().id, "9");
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
    coze.upload(path).unwrap();
    let bodies: Vec<_> = server
        .server
        .requests()
        .into_iter()
        .map(|it| it.body)
        .collect();
    assert!(bodies[0].contains("\r\n\r\nhello\r\n"), "{}", bodies[0]);
    assert!(
        bodies[2].contains("filename=\"Cargo.toml\""),
        "{}",
        bodies[2]
    );

    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("the disk is gone"))
        }
    }
    let broken = Upload::blocking_reader("c.txt", Broken, None);
    let error = soon(move || coze.upload_from(broken)).unwrap_err();
    assert!(error.to_string().contains("the disk is gone"), "{error}");
}

#[test]
fn a_call_from_the_clients_own_thread_is_refused() {
    let server = Server::start(|request| match request.line.as_str() {
        "POST /v1/files/upload" => json(FILE),
        _ => json(ME),
    });
    let coze = server.coze();
    let refusals = Arc::new(Mutex::new(Vec::new()));
    let (own, seen) = (coze.clone(), Arc::clone(&refusals));
    let upload = Upload::bytes("a.txt", "hello").progress(move |_, _| {
        seen.lock().unwrap().push(own.me().unwrap_err().to_string());
    });
    soon(move || coze.upload_from(upload)).unwrap();
    let refusals = refusals.lock().unwrap();
    assert!(refusals[0].contains("own thread"), "{refusals:?}");
}

#[test]
fn bytes_are_downloaded() {
    let server = Server::always(answer("200 OK", "audio/mpeg", "ID3 speech"));
    let coze = server.coze();
    let speech = || {
        let body = CreateSpeechBody {
            input: "你好".into(),
            voice_id: "1".into(),
            ..Default::default()
        };
        let row = CreateSpeech {
            body,
            ..Default::default()
        };
        let download = coze.download(row).unwrap();
        assert_eq!(download.content_type(), Some("audio/mpeg"));
        download
    };
    assert_eq!(speech().bytes().unwrap(), "ID3 speech");
    let mut sink = Vec::new();
    assert_eq!(speech().write_to(&mut sink).unwrap(), 10);
    assert_eq!(sink, b"ID3 speech");
    let mut text = String::new();
    speech().into_reader().read_to_string(&mut text).unwrap();
    assert_eq!(text, "ID3 speech");
    let error = speech().write_to(&mut [0_u8; 3][..]).unwrap_err();
    assert!(matches!(error, Error::Invalid(_)), "{error:?}");
    let path = std::env::temp_dir().join(format!("coze-{}.mp3", std::process::id()));
    assert_eq!(speech().save(&path).unwrap(), 10);
    assert_eq!(std::fs::read(&path).unwrap(), b"ID3 speech");
    std::fs::remove_file(path).unwrap();
}

#[test]
fn lists_are_iterators() {
    let pages = AtomicUsize::new(0);
    let server = Server::start(move |_| {
        let page = pages.fetch_add(1, Ordering::SeqCst);
        let items = match page {
            0 => r#"{"id":"1","name":"a"},{"id":"2","name":"b"}"#,
            1 => r#"{"id":"3","name":"c"}"#,
            _ => {
                return answer(
                    "400 Bad Request",
                    "application/json",
                    r#"{"code":4000,"msg":"x"}"#,
                );
            }
        };
        json(&format!(
            r#"{{"code":0,"data":{{"items":[{items}],"total":3}}}}"#
        ))
    });
    let coze = server.coze();
    let bots = || {
        let query = ListBotsQuery {
            workspace_id: "73".into(),
            page_size: Some(2),
            ..Default::default()
        };
        coze.pages(ListBots {
            query,
            ..Default::default()
        })
    };
    let mut all = bots();
    let names: Result<Vec<_>, _> = all.by_ref().map(|it| it.map(|it| it.name)).collect();
    assert_eq!(names.unwrap(), ["a", "b", "c"]);
    assert_eq!(all.total(), Some(3));
    assert_eq!(bots().next().unwrap().unwrap_err().code(), Some(4000));
}

#[test]
fn any_row_and_any_json_is_sent() {
    let server = Server::start(|request| match request.line.as_str() {
        CHAT => stream(whole_chat().as_bytes()),
        _ => json(ME),
    });
    let coze = server.coze();
    assert_eq!(coze.send(RetrieveMe::default()).unwrap().data.user_id, "7");
    let raw = coze
        .send_raw(Method::GET, "/v1/users/me", &[], None)
        .unwrap();
    assert_eq!(raw.http_status(), 200);
    let mut events = coze.stream(StartChat::default()).unwrap();
    assert!(matches!(events.next(), Some(Ok(ChatEvent::Created(_)))));
    assert_eq!(events.events(), 1);
    events.close();
    assert!(events.next().is_none());
    let body = Some(value!({"stream": true}));
    let raw = |body| {
        coze.send_raw_stream(Method::POST, "/v3/chat", &[], body)
            .unwrap()
    };
    assert!(raw(body.clone()).is_event_stream());
    let mut text = String::new();
    raw(body.clone())
        .into_reader()
        .read_to_string(&mut text)
        .unwrap();
    assert_eq!(text, whole_chat());
    assert_eq!(raw(body).into_response().unwrap().http_status(), 200);
}

#[test]
fn what_is_async_can_be_waited_for() {
    let tokens = r#"{"access_token":"a","refresh_token":"r","expires_in":900}"#;
    let server = Server::start(move |request| match request.line.as_str() {
        "POST /api/permission/oauth2/token" => json(tokens),
        CHAT => stream(whole_chat().as_bytes()),
        _ => json(ME),
    });
    let coze = server.coze();
    let both = coze.wait(async |coze| {
        let ask = || coze.chat("333").message("x").reply();
        let (first, second) = tokio::join!(ask(), ask());
        Ok((first?, second?))
    });
    let (first, second) = both.unwrap();
    assert_eq!(
        (first.text(), second.text()),
        ("你好！".into(), "你好！".into())
    );

    // What comes before a client: the app outlives the thread of each wait.
    let app: OAuthApp = Coze::builder()
        .base_url(server.server.url())
        .oauth_app("7")
        .unwrap();
    let url = "http://127.0.0.1/callback";
    let login = || blocking::wait(app.exchange("code", url, None)).unwrap();
    login();
    let session = app.session(login());
    let coze = Coze::builder().auth(session).build_blocking().unwrap();
    assert_eq!(coze.me().unwrap().nick_name, "林");
    let me = server.server.requests().pop().unwrap();
    assert_eq!(me.header("authorization"), Some("Bearer a"));
}

/// What the `async` client can wait for, the blocking one can.
#[test]
fn no_call_is_left_out() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src");
    let (mut all, mut blocking) = (BTreeSet::new(), BTreeSet::new());
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        if path.extension().is_some_and(|it| it == "rs") {
            all.append(&mut methods(
                &std::fs::read_to_string(path).unwrap(),
                "pub async fn ",
            ));
        }
    }
    for file in ["mod.rs", "calls.rs"] {
        let source = std::fs::read_to_string(format!("{folder}/blocking/{file}")).unwrap();
        blocking.append(&mut methods(&source, "pub fn "));
        // The lines of the table: `name(…) -> …;`.
        for line in source.lines().filter(|it| it.starts_with("    ")) {
            let name = line.trim().split(['(', '<']).next().unwrap_or_default();
            blocking.insert(name.to_owned());
        }
    }
    assert!(all.contains("me") && all.len() > 30, "{all:?}");
    let missing: Vec<_> = all.difference(&blocking).collect();
    assert!(missing.is_empty(), "without a blocking twin: {missing:?}");
}

/// The methods of `impl Coze` in a source.
fn methods(source: &str, begin: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let mut inside = false;
    for line in source.lines() {
        if !line.starts_with([' ', '}', '/', '#']) {
            inside = line.starts_with("impl Coze {");
        }
        if let Some(rest) = line.trim_start().strip_prefix(begin).filter(|_| inside) {
            let name = rest.split(['(', '<']).next().unwrap_or_default();
            names.insert(name.to_owned());
        }
    }
    names
}
