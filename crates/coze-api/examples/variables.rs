//! Fills the variables of an agent's prompt, and passes the rest that an agent can be told.
//!
//! Needs `COZE_API_TOKEN` and `COZE_BOT_ID`; `COZE_API_BASE` for another server than api.coze.cn.

use coze_api::Coze;

#[tokio::main]
async fn main() -> coze_api::Result<()> {
    let coze = Coze::from_env()?;
    let reply = coze
        .default_chat()?
        .user("example")
        .message("你的提示词是什么？")
        // `{{user_name}}` of the prompt.
        .variable("user_name", "小明")
        .variables([("city", "杭州"), ("season", "spring")])
        // Inputs of an agent in chatflow mode.
        .parameter("days", 3)
        // Comes back with the chat.
        .meta("ticket", "4711")
        // Where the user is.
        .extra_param("latitude", "30.25")
        .extra_param("longitude", "120.17")
        .reply()
        .await?;
    println!("{}", reply.text());
    let chat = coze
        .retrieve_chat(reply.conversation_id(), reply.chat_id())
        .await?;
    let ticket = chat.meta_data.and_then(|it| it.get("ticket").cloned());
    println!("ticket {}", ticket.unwrap_or_default());
    Ok(())
}
