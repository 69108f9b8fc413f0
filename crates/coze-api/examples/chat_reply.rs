//! Waits for a whole answer, with what belongs to it.
//!
//! Needs `COZE_API_TOKEN` and `COZE_BOT_ID`; `COZE_API_BASE` for another server than api.coze.cn.

use coze_api::Coze;

#[tokio::main]
async fn main() -> coze_api::Result<()> {
    let coze = Coze::from_env()?;
    let chat = coze
        .default_chat()?
        .user("example")
        .message("请介绍一下杭州");
    // It streams underneath: no long silence, and what breaks can be recovered.
    let reply = chat.reply().await?;
    println!("answer: {}", reply.text());
    for question in reply.follow_ups() {
        println!("you may go on with: {question}");
    }
    println!(
        "conversation {}, chat {}",
        reply.conversation_id(),
        reply.chat_id()
    );
    println!("logid {}", reply.log_id().unwrap_or("unknown"));
    Ok(())
}
