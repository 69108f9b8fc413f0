//! The fake server for a client without a runtime.

use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use coze_api::PollOptions;
use coze_api::blocking::Coze;
use tokio::runtime::{Builder, Runtime};

use crate::server::{self, CREATED, Request, STREAM, Step, delta, json};

pub(crate) const CHAT: &str = "POST /v3/chat";
pub(crate) const CANCEL: &str = "POST /v3/chat/cancel";
pub(crate) const ME: &str = r#"{"code":0,"data":{"user_id":"7","nick_name":"林"}}"#;
pub(crate) const FILE: &str =
    r#"{"code":0,"data":{"id":"9","bytes":5,"created_at":1,"file_name":"x"}}"#;
pub(crate) const CANCELED: &str =
    r#"{"code":0,"data":{"id":"222","conversation_id":"111","status":"canceled"}}"#;
pub(crate) const QUICK: PollOptions = PollOptions {
    first: Duration::from_millis(10),
    interval: Duration::from_millis(20),
    max_interval: Duration::from_millis(60),
    deadline: Duration::from_secs(10),
};

/// The fake server, with the runtime that it needs and the client does not.
pub(crate) struct Server {
    pub(crate) runtime: Runtime,
    pub(crate) server: server::Server,
}

impl Server {
    pub(crate) fn start(answer: impl Fn(&Request) -> Vec<Step> + Send + Sync + 'static) -> Self {
        let mut builder = Builder::new_multi_thread();
        let runtime = builder.worker_threads(1).enable_all().build().unwrap();
        let server = runtime.block_on(server::Server::start(answer));
        Self { runtime, server }
    }

    pub(crate) fn always(steps: Vec<Step>) -> Self {
        Self::start(move |_| steps.clone())
    }

    /// Begins to talk and then is silent, until the client hangs up.
    pub(crate) fn silent() -> Self {
        Self::start(|request| match request.line.as_str() {
            CANCEL => json(CANCELED),
            _ => vec![
                Step::Send([STREAM, CREATED, &delta("你")].concat().into()),
                Step::Hold,
            ],
        })
    }

    pub(crate) fn coze(&self) -> Coze {
        self.server.builder().build_blocking().unwrap()
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        let requests = self.server.requests().into_iter();
        requests.map(|it| it.line).collect()
    }
}

/// Runs what must not hang; its thread is left behind if it does.
pub(crate) fn soon<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    let (done, result) = mpsc::channel();
    let worker = thread::spawn(move || drop(done.send(work())));
    match result.recv_timeout(Duration::from_secs(30)) {
        Ok(value) => value,
        Err(mpsc::RecvTimeoutError::Timeout) => panic!("it hangs"),
        Err(_) => std::panic::resume_unwind(worker.join().unwrap_err()),
    }
}
