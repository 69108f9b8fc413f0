//! Ends a chat before it is done, in the three ways there are.
//!
//! Needs `COZE_API_TOKEN` and `COZE_BOT_ID`; `COZE_API_BASE` for another server than api.coze.cn.

use coze_api::Coze;

#[tokio::main]
async fn main() -> coze_api::Result<()> {
    let coze = Coze::from_env()?;
    let ask = || {
        Ok::<_, coze_api::Error>(
            coze.default_chat()?
                .user("example")
                .message("请介绍一下杭州"),
        )
    };

    // By the stream: it says what became of the chat.
    let mut answer = ask()?.stream().await?;
    answer.next_text().await.transpose()?;
    match answer.cancel().await? {
        Some(chat) => println!("the first is {}", chat.status.as_str()),
        None => println!("the first was faster"),
    }

    // By its ids, from anywhere.
    let chat = ask()?.start().await?;
    match coze.cancel_chat(&chat.conversation_id, &chat.id).await {
        Ok(chat) => println!("the second is {}", chat.status.as_str()),
        // Code 4104: it is over already.
        Err(error) if error.code() == Some(4104) => println!("the second was faster"),
        Err(error) => return Err(error),
    }

    // By dropping it: whatever waits for an answer cancels it when it is dropped. `detach` lets a
    // chat go on instead.
    let mut answer = ask()?.stream().await?;
    answer.next_text().await.transpose()?;
    answer.detach();
    println!("the third goes on");
    Ok(())
}
