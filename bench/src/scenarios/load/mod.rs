//! `cozectl serve` under load.

mod calls;
mod idle;
mod knowledge;
mod paced;
mod pages;
mod served;

pub(crate) use calls::run as calls;
pub(crate) use idle::run as idle;
pub(crate) use knowledge::run as knowledge;
pub(crate) use paced::run as paced;
pub(crate) use pages::run as pages;

use anyhow::Result;

/// Runs a load in this process: it is the server whose time and memory are measured.
fn block_on<T>(load: impl Future<Output = Result<T>>) -> Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(load)
}

/// The body of a chat.
fn chat(question: &str, stream: bool) -> String {
    format!(
        r#"{{"bot_id":"{}","user_id":"bench","additional_messages":[{{"role":"user","type":"question","content":"{question}","content_type":"text"}}],"stream":{stream}}}"#,
        served::BOT
    )
}
