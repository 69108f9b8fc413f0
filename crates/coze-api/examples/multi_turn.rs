//! A conversation of several turns.
//!
//! Needs `COZE_API_TOKEN` and `COZE_BOT_ID`; `COZE_API_BASE` for another server than api.coze.cn.

use std::time::Duration;

use coze_api::types::messages::EnterMessage;
use coze_api::{Coze, Occupied};

#[tokio::main]
async fn main() -> coze_api::Result<()> {
    let coze = Coze::from_env()?;
    // What was said elsewhere can be handed over as the beginning.
    let earlier = [
        EnterMessage::user("我叫小明"),
        EnterMessage::assistant("你好，小明！"),
    ];
    let first = coze.default_chat()?.user("example").messages(earlier);
    let reply = first.message("我叫什么？").reply().await?;
    println!("1: {}", reply.text());

    let conversation = reply.conversation_id();
    for (turn, question) in [(2, "12*34 等于多少？"), (3, "我刚才说了什么？")] {
        let chat = coze.default_chat()?.user("example").message(question);
        // One chat at a time may run in a conversation: this one waits for its turn.
        let waits = Occupied::Wait(Duration::from_secs(60));
        let reply = chat
            .conversation(conversation)
            .if_occupied(waits)
            .reply()
            .await?;
        println!("{turn}: {}", reply.text());
    }
    Ok(())
}
