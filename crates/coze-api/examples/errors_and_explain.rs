//! Tells failures apart, and says what to do about them.
//!
//! Needs `COZE_API_TOKEN`; `COZE_API_BASE` for another server than api.coze.cn.

use coze_api::{Coze, Error};

#[tokio::main]
async fn main() -> coze_api::Result<()> {
    let coze = Coze::from_env()?;
    // No such agent.
    let asked = coze.chat("1").user("example").message("你好").reply().await;
    let Err(error) = asked else {
        println!("there is an agent 1");
        return Ok(());
    };
    // One line, with code, HTTP status and log id.
    println!("error: {error}");
    match &error {
        Error::Api(said) => println!("the server said no: {}", said.code),
        Error::Chat(failed) => println!("the chat failed after: {}", failed.reply.text()),
        Error::Stream(broken) => println!("the stream broke after {} events", broken.events),
        Error::Transport(_) => println!("there was no answer"),
        other => println!("something else: {other:?}"),
    }
    // Cause and fix of every documented code, in English and Chinese.
    if let Some(known) = error.explain() {
        println!("cause: {}", known.cause.en);
        println!("fix: {}", known.fix.en);
        println!("解决办法：{}", known.fix.zh);
    }
    println!("worth another try: {}", error.is_retryable());
    if let Some(reply) = error.partial() {
        println!("what had arrived: {}", reply.text());
    }
    Ok(())
}
