//! Starts a chat, does something else, and fetches the answer later: for places where streams do
//! not pass, and for programs that end in between.
//!
//! Needs `COZE_API_TOKEN` and `COZE_BOT_ID`; `COZE_API_BASE` for another server than api.coze.cn.

use std::time::Duration;

use coze_api::{Coze, PollOptions};

#[tokio::main]
async fn main() -> coze_api::Result<()> {
    let coze = Coze::from_env()?;
    let ask = || Ok::<_, coze_api::Error>(coze.default_chat()?.user("example"));

    // In one go: started, looked at about once a second, read when it is over.
    let options = PollOptions::deadline(Duration::from_secs(120));
    let reply = ask()?.message("你好").poll_options(options).poll().await?;
    println!("polled: {}", reply.text());

    // In two steps. The two ids are all that has to be kept.
    let chat = ask()?.message("12*34 等于多少？").start().await?;
    println!("chat {} is {}", chat.id, chat.status.as_str());
    let reply = coze
        .poll_chat(chat.conversation_id, chat.id, options)
        .await?;
    println!("fetched: {}", reply.text());
    Ok(())
}
