//! Sending a turn with an agent: a question, or the outputs of its tools.

use coze_types::chat::Chat;
use coze_types::chat_event::ChatEvent;
use coze_types::{Data, Endpoint, Streams};

use crate::chat_stream::ChatStream;
use crate::client::Coze;
use crate::error::Result;
use crate::poll::PollOptions;
use crate::reply::Reply;

/// Sends it and returns when the stream begins.
pub(crate) async fn stream<E: Streams<Event = ChatEvent>>(
    coze: Coze,
    row: E,
) -> Result<ChatStream> {
    let events = coze.stream(row).await?;
    Ok(ChatStream::new(coze, events))
}

/// Sends it without a stream; the chat that it began, and the log id.
pub(crate) async fn start<E: Endpoint<Reply = Data<Chat>>>(
    coze: &Coze,
    row: E,
) -> Result<(Chat, Option<String>)> {
    let response = coze.send(row).await?;
    let log_id = response.log_id().map(Into::into);
    Ok((response.into_inner().data, log_id))
}

/// Sends it without a stream, and polls until its chat is over.
pub(crate) async fn poll<E: Endpoint<Reply = Data<Chat>>>(
    coze: &Coze,
    row: E,
    options: PollOptions,
) -> Result<Reply> {
    let (chat, log_id) = start(coze, row).await?;
    coze.poll_own(chat, log_id, options).await
}
