//! Talks to a chatflow, and answers what it asks.
//!
//! Needs `COZE_API_TOKEN`, and in `COZE_WORKFLOW_ID` a chatflow with an input `name`;
//! `COZE_API_BASE` for another server than api.coze.cn.

use coze_api::{Coze, Error};

#[tokio::main]
async fn main() -> coze_api::Result<()> {
    let coze = Coze::from_env()?;
    let id = std::env::var("COZE_WORKFLOW_ID")
        .map_err(|_| Error::Invalid("set COZE_WORKFLOW_ID to the id of a chatflow".into()))?;
    let talk = |text: &str| {
        let flow = coze.workflow(&id).parameter("name", "小明");
        flow.chat().user("example").message(text)
    };
    // A question ends the stream, like an answer.
    let asked = talk("你好").reply().await?;
    println!("chatflow: {}", asked.text());
    // It is answered by going on in the same conversation.
    let mut answer = talk("杭州")
        .conversation(asked.conversation_id())
        .stream()
        .await?;
    print!("chatflow: ");
    while let Some(text) = answer.next_text().await {
        print!("{}", text?);
    }
    println!();
    Ok(())
}
