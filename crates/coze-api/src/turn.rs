//! Sending a turn with an agent (a question, or the outputs of its tools) without a stream.

use coze_types::chat::Chat;
use coze_types::{Data, Endpoint};

use crate::client::Coze;
use crate::error::Result;
use crate::poll::PollOptions;
use crate::reply::Reply;

/// Sends it; the chat that it began, and the log id.
pub(crate) async fn start<E: Endpoint<Reply = Data<Chat>>>(
    coze: &Coze,
    row: E,
) -> Result<(Chat, Option<String>)> {
    let response = coze.send(row).await?;
    let log_id = response.log_id().map(Into::into);
    Ok((response.into_inner().data, log_id))
}

/// Sends it, and polls until its chat is over.
pub(crate) async fn poll<E: Endpoint<Reply = Data<Chat>>>(
    coze: &Coze,
    row: E,
    options: PollOptions,
) -> Result<Reply> {
    let (chat, log_id) = start(coze, row).await?;
    coze.poll_own(chat, log_id, options).await
}
