//! Prints an answer while it arrives.
//!
//! Needs `COZE_API_TOKEN` and `COZE_BOT_ID`; `COZE_API_BASE` for another server than api.coze.cn.
//! `README.md` beside this file says how to run it without an account.

use std::io::Write;

use coze_api::Coze;

#[tokio::main]
async fn main() -> coze_api::Result<()> {
    let coze = Coze::from_env()?;
    let chat = coze
        .default_chat()?
        .user("example")
        .message("请介绍一下杭州");
    let mut answer = chat.stream().await?;
    while let Some(text) = answer.next_text().await {
        print!("{}", text?);
        std::io::stdout().flush().ok();
    }
    println!();
    if let Some(usage) = answer.usage() {
        println!("{} tokens", usage.token_count);
    }
    Ok(())
}
