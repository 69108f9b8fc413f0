//! Callers on several threads, and within runtimes.

use std::sync::{Arc, Mutex};
use std::thread;

use coze_api::Upload;
use coze_api::blocking::Coze;
use tokio::runtime::Builder;

use crate::server::{CREATED, DONE, STREAM, Step, chat, delta, json, stream, whole_chat};
use crate::setup::{CHAT, FILE, ME, Server, soon};

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
