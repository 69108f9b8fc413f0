//! Cancelling chats: on request, and when nobody waits for them any more.

use std::time::Duration;

use coze_types::Id;
use coze_types::chat::{CancelChat, CancelChatBody, Chat};

use crate::client::Coze;
use crate::error::Result;
use crate::guard::Turn;
use crate::task::{MaybeSend, in_background};
use crate::time::timeout;

/// How long a cancellation in the background may take.
const LIMIT: Duration = Duration::from_secs(5);

impl Coze {
    /// Cancels a chat that is created or in progress.
    ///
    /// ```no_run
    /// # async fn run(coze: coze_api::Coze) -> coze_api::Result<()> {
    /// let chat = coze.chat("75…").user("me").message("你好").start().await?;
    /// let chat = coze.cancel_chat(chat.conversation_id, chat.id).await?;
    /// println!("{}", chat.status.as_str());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Api`](crate::Error::Api) with code 4104 when the chat is in any other state.
    pub async fn cancel_chat(
        &self,
        conversation: impl Into<Id>,
        chat: impl Into<Id>,
    ) -> Result<Chat> {
        let row = CancelChat {
            body: CancelChatBody {
                conversation_id: conversation.into(),
                chat_id: chat.into(),
            },
            ..Default::default()
        };
        Ok(self.send(row).await?.into_inner().data)
    }
}

/// Cancels its chat when it is dropped armed.
#[derive(Debug)]
pub(crate) struct CancelOnDrop {
    /// The chat's hold on its conversation.
    turn: Turn,
    chat: Option<(Id, Id)>,
    /// The caller wants it.
    pub(crate) wanted: bool,
}

impl CancelOnDrop {
    pub(crate) fn new(turn: Turn) -> Self {
        Self {
            turn,
            chat: None,
            wanted: true,
        }
    }

    pub(crate) fn is_armed(&self) -> bool {
        self.chat.is_some()
    }

    pub(crate) fn arm(&mut self, conversation: &Id, chat: &Id) {
        if !conversation.is_unset() && !chat.is_unset() {
            self.chat = Some((conversation.clone(), chat.clone()));
            self.turn.talks(conversation, chat);
        }
    }

    /// The chat is over, or someone may still want its answer.
    pub(crate) fn disarm(&mut self) {
        self.chat = None;
        self.turn.leave();
    }

    /// Cancels now. `None` when nothing runs: the chat is over, or the server never told its id.
    pub(crate) async fn cancel(mut self) -> Result<Option<Chat>> {
        let Some((conversation, chat)) = self.chat.take() else {
            return Ok(None);
        };
        match self.turn.coze().cancel_chat(&conversation, &chat).await {
            Ok(chat) => Ok(Some(chat)),
            // It was over before the call arrived.
            Err(error) if error.code() == Some(4104) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        let Some((conversation, chat)) = self.chat.take().filter(|_| self.wanted) else {
            return;
        };
        // The conversation is free when the chat is over.
        let turn = self.turn.take();
        let coze = turn.coze().clone();
        let cancelling = async move {
            let cancelling = turn.coze().cancel_chat(conversation, chat);
            match timeout(LIMIT, cancelling).await {
                Ok(Ok(_)) => {}
                Ok(Err(error)) => tracing::debug!(%error, "a dropped chat was not cancelled"),
                Err(_) => tracing::debug!("a dropped chat was not cancelled in time"),
            }
        };
        send_off(&coze, cancelling);
    }
}

/// Sees to it that a cancellation is sent, if there is anything that can do so.
fn send_off(coze: &Coze, cancelling: impl Future<Output = ()> + MaybeSend + 'static) {
    // The program may end right after this, so it waits.
    #[cfg(all(feature = "blocking", not(target_family = "wasm")))]
    if let Some(driver) = coze.inner.driver.get() {
        return driver.finish(cancelling);
    }
    let _ = coze;
    in_background(cancelling);
}
