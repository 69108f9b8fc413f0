//! Conversations and the messages in them, without a chat.
//!
//! Needs `COZE_API_TOKEN` and `COZE_BOT_ID`; `COZE_API_BASE` for another server than api.coze.cn.

use coze_api::Coze;
use coze_api::types::messages::{ConversationQuery, Role};
use coze_api::types::messages::{CreateMessageBody, EnterMessage, ListMessages, ListMessagesBody};

#[tokio::main]
async fn main() -> coze_api::Result<()> {
    let coze = Coze::from_env()?;
    let mut request = coze.conversation().name("holiday").meta("about", "杭州");
    if let Some(bot) = coze.default_bot() {
        request = request.bot(bot);
    }
    let first = [
        EnterMessage::user("我想去杭州"),
        EnterMessage::assistant("好的"),
    ];
    let conversation = request.messages(first).create().await?;
    println!("conversation {}", conversation.id);

    let note = CreateMessageBody {
        role: Role::User,
        content: "记得带伞".to_owned(),
        ..Default::default()
    };
    coze.create_message(&conversation.id, note).await?;
    // All of them, as many pages as it takes; newest first.
    let mut messages = coze.pages(ListMessages {
        query: ConversationQuery {
            conversation_id: conversation.id.clone(),
        },
        body: ListMessagesBody::default(),
    });
    while let Some(message) = messages.next().await {
        let message = message?;
        println!("{}: {}", message.role.as_str(), message.content);
    }

    let renamed = coze.rename_conversation(&conversation.id, "trip").await?;
    println!("now it is called {}", renamed.name.unwrap_or_default());
    // The agent forgets, the messages stay.
    coze.clear_conversation(&conversation.id).await?;
    coze.delete_conversation(&conversation.id).await?;
    println!("deleted");
    Ok(())
}
