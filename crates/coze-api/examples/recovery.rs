//! What happens when a stream breaks: the chat goes on at the server, and what was missing follows.
//!
//! Needs `COZE_API_TOKEN` and `COZE_BOT_ID`; `COZE_API_BASE` for another server than api.coze.cn.

use std::time::Duration;

use coze_api::{CozeBuilder, Error, Recover};

#[tokio::main]
async fn main() -> coze_api::Result<()> {
    // By default a broken stream waits for its chat for 10 minutes; `Recover::Off` for no time.
    let coze = CozeBuilder::from_env()
        .recover(Recover::within(Duration::from_secs(60)))
        .idle_timeout(Duration::from_secs(30))
        .build()?;
    let chat = coze
        .default_chat()?
        .user("example")
        .message("请介绍一下杭州");
    let mut answer = chat.stream().await?;
    while let Some(text) = answer.next_text().await {
        match text {
            // Nothing comes twice and nothing is left out, broken or not.
            Ok(text) => print!("{text}"),
            Err(Error::Stream(broken)) => {
                let so_far = broken.partial.as_ref().map(|it| it.text().into_owned());
                println!("\nbroken after: {}", so_far.unwrap_or_default());
                return Err(Error::Stream(broken));
            }
            Err(error) => return Err(error),
        }
    }
    println!();
    match answer.recovery() {
        Some(it) => println!("{} characters were fetched: {}", it.characters, it.cause),
        None => println!("nothing had to be recovered"),
    }
    Ok(())
}
