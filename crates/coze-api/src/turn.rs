//! Sending a turn with an agent (a question, or the outputs of its tools) without a stream.

use coze_types::chat::Chat;
use coze_types::{Data, Endpoint, Id};

use crate::client::Coze;
use crate::error::Result;
use crate::guard::{Occupied, Turn};
use crate::poll::PollOptions;
use crate::reply::Reply;
use crate::telemetry::TurnTrace;

/// A turn whose answer is fetched later.
pub(crate) struct Unstreamed<E> {
    pub(crate) coze: Coze,
    pub(crate) row: E,
    /// Where it takes place, if that is known before.
    pub(crate) conversation: Option<Id>,
    pub(crate) occupied: Option<Occupied>,
    pub(crate) trace: TurnTrace,
}

/// Sends it; its place in the conversation, the chat that it began, and the log id.
pub(crate) async fn start<E: Endpoint<Reply = Data<Chat>>>(
    turn: Unstreamed<E>,
) -> Result<(Turn, Chat, Option<String>)> {
    let Unstreamed {
        coze,
        row,
        conversation,
        occupied,
        trace,
    } = turn;
    let begun = coze.send_turn(row, conversation, occupied);
    let (turn, response) = trace.around(begun).await?;
    let log_id = response.log_id().map(Into::into);
    Ok((turn, response.into_inner().data, log_id))
}

/// Sends it, and polls until its chat is over.
pub(crate) async fn poll<E: Endpoint<Reply = Data<Chat>>>(
    turn: Unstreamed<E>,
    options: PollOptions,
) -> Result<Reply> {
    let (coze, trace) = (turn.coze.clone(), turn.trace.clone());
    let (turn, chat, log_id) = start(turn).await?;
    let result = trace
        .around(coze.poll_own(turn, chat, log_id, options))
        .await;
    trace.result(&result);
    result
}
