//! What the requests end in.

use coze_types::Id;
use coze_types::chat::Chat;
use coze_types::conversations::Conversation;

use super::Coze;
use super::streams::{Blocking, ChatStream, WorkflowStream};
use crate::chat::ChatRequest;
use crate::chatflow::ChatflowRequest;
use crate::conversations::ConversationRequest;
use crate::error::Result;
use crate::poll::PollOptions;
use crate::reply::Reply;
use crate::resume::ResumeRequest;
use crate::run::RunOutcome;
use crate::tool_outputs::ToolOutputsRequest;
use crate::workflow::WorkflowRequest;

/// The `async` methods that send a request, waited for.
macro_rules! requests {
    ($($request:ident { $($name:ident -> $reply:ty),* $(; stream -> $stream:ty)? })*) => {$(
        /// Sending it with the client of [`blocking`](crate::blocking). Each method does what the
        /// `async` one of the same name does, and has its errors.
        #[expect(
            clippy::missing_errors_doc,
            reason = "said once for all of them, above"
        )]
        impl $request<Coze> {
            $(
                /// Blocks; otherwise the same as the `async` method of this name.
                pub fn $name(self) -> Result<$reply> {
                    let (coze, request) = self.over(|coze| coze.coze.clone());
                    coze.driver.wait(request.$name())
                }
            )*
            $(
                /// Blocks until the stream begins; it is an iterator over the events.
                pub fn stream(self) -> Result<$stream> {
                    let (coze, request) = self.over(|coze| coze.coze.clone());
                    let stream = coze.driver.wait(request.stream())?;
                    Ok(Blocking::new(&coze, stream))
                }
            )?
        }
    )*};
}

requests! {
    ChatRequest { reply -> Reply, poll -> Reply, start -> Chat; stream -> ChatStream }
    ToolOutputsRequest { reply -> Reply, poll -> Reply, start -> Chat; stream -> ChatStream }
    ChatflowRequest { reply -> Reply; stream -> ChatStream }
    ConversationRequest { create -> Conversation }
    WorkflowRequest { run -> RunOutcome, start -> Id; stream -> WorkflowStream }
    ResumeRequest { run -> RunOutcome; stream -> WorkflowStream }
}

impl WorkflowRequest<Coze> {
    /// Blocks; otherwise the same as the `async` method of this name.
    ///
    /// # Errors
    /// Those of the `async` method.
    pub fn wait(&self, execute_id: impl Into<Id>, options: PollOptions) -> Result<RunOutcome> {
        let (coze, request) = self.clone().over(|coze| coze.coze.clone());
        coze.driver.wait(request.wait(execute_id, options))
    }
}
