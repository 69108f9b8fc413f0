//! Calls that are one call: all that the client has beside its requests.

use std::path::Path;

use bytes::Bytes;
use coze_types::bots::{Bot, BotList, ListBotsQuery};
use coze_types::chat::Chat;
use coze_types::conversations::{Conversation, ConversationList, ListConversationsQuery, Section};
use coze_types::files::File;
use coze_types::messages::{
    CreateMessageBody, FeedbackBody, ListMessagesBody, Message, MessagePage, ModifyMessageBody,
};
use coze_types::runs::{NodeOutput, RunHistory};
use coze_types::users::User;
use coze_types::workflows::{
    ListWorkflowVersionsQuery, ListWorkflowsQuery, WorkflowInfo, WorkflowList, WorkflowVersionList,
};
use coze_types::{Downloads, Endpoint, Id, Paged, Streams};
use http::Method;
use serde_json::Value;

use super::Coze;
use super::streams::{Blocking, Download, EventStream, Pages, RawStream};
use crate::error::Result;
use crate::poll::PollOptions;
use crate::reply::Reply;
use crate::response::{RawResponse, Response};
use crate::upload::Upload;

/// Methods of the `async` client, waited for.
macro_rules! calls {
    ($($name:ident($($arg:ident: $type:ty),*) -> $reply:ty;)*) => {
        /// Calls. Each one does what the method of the same name of [`crate::Coze`] does, and has
        /// its errors.
        #[expect(
            clippy::missing_errors_doc,
            reason = "said once for all of them, above"
        )]
        impl Coze {$(
            #[doc = concat!(
                "[`", stringify!($name), "`](crate::Coze::", stringify!($name), "), blocking."
            )]
            pub fn $name(&self $(, $arg: $type)*) -> Result<$reply> {
                self.driver.wait(self.coze.$name($($arg),*))
            }
        )*}
    };
}

calls! {
    me() -> User;
    list_bots(query: ListBotsQuery) -> BotList;
    retrieve_bot(bot: impl Into<Id>) -> Bot;

    retrieve_chat(conversation: impl Into<Id>, chat: impl Into<Id>) -> Chat;
    list_chat_messages(conversation: impl Into<Id>, chat: impl Into<Id>) -> Vec<Message>;
    cancel_chat(conversation: impl Into<Id>, chat: impl Into<Id>) -> Chat;
    poll_chat(conversation: impl Into<Id>, chat: impl Into<Id>, options: PollOptions) -> Reply;

    retrieve_conversation(conversation: impl Into<Id>) -> Conversation;
    list_conversations(query: ListConversationsQuery) -> ConversationList;
    rename_conversation(conversation: impl Into<Id>, name: impl Into<String>) -> Conversation;
    delete_conversation(conversation: impl Into<Id>) -> ();
    clear_conversation(conversation: impl Into<Id>) -> Section;

    create_message(conversation: impl Into<Id>, body: CreateMessageBody) -> Message;
    list_messages(conversation: impl Into<Id>, body: ListMessagesBody) -> MessagePage;
    retrieve_message(conversation: impl Into<Id>, message: impl Into<Id>) -> Message;
    modify_message(
        conversation: impl Into<Id>, message: impl Into<Id>, body: ModifyMessageBody
    ) -> Message;
    delete_message(conversation: impl Into<Id>, message: impl Into<Id>) -> Message;
    create_feedback(
        conversation: impl Into<Id>, message: impl Into<Id>, body: FeedbackBody
    ) -> ();
    delete_feedback(conversation: impl Into<Id>, message: impl Into<Id>) -> ();

    upload(path: impl AsRef<Path>) -> File;
    upload_bytes(name: impl Into<String>, content: impl Into<Bytes>) -> File;
    upload_from(file: Upload) -> File;
    retrieve_file(file: impl Into<Id>) -> File;

    list_workflows(query: ListWorkflowsQuery) -> WorkflowList;
    retrieve_workflow(workflow: impl Into<Id>) -> WorkflowInfo;
    list_workflow_versions(
        workflow: impl Into<Id>, query: ListWorkflowVersionsQuery
    ) -> WorkflowVersionList;
    run_history(workflow: impl Into<Id>, execute_id: impl Into<Id>) -> RunHistory;
    node_history(
        workflow: impl Into<Id>, execute_id: impl Into<Id>, node_execute_uuid: impl Into<Id>
    ) -> NodeOutput;

    send_raw(
        method: Method, path: &str, query: &[(&str, &str)], body: Option<Value>
    ) -> RawResponse;
}

impl Coze {
    /// Makes any call that has a row, and waits for its reply.
    ///
    /// # Errors
    /// Those of [`crate::Coze::send`].
    pub fn send<E: Endpoint>(&self, row: E) -> Result<Response<E::Reply>> {
        self.driver.wait(self.coze.send(row))
    }

    /// Makes any call that takes a file, with a file that need not be in memory.
    ///
    /// # Errors
    /// Those of [`crate::Coze::send_file`].
    pub fn send_file<E: Endpoint>(&self, row: E, file: Upload) -> Result<Response<E::Reply>> {
        self.driver.wait(self.coze.send_file(row, file))
    }

    /// Makes any call that can stream, asking for the stream.
    ///
    /// # Errors
    /// Those of [`crate::Coze::stream`].
    pub fn stream<E: Streams>(&self, row: E) -> Result<EventStream<E::Event>> {
        let stream = self.driver.wait(self.coze.stream(row))?;
        Ok(Blocking::new(self, stream))
    }

    /// Like [`send_raw`](Self::send_raw), without waiting for the body: for streams of any kind.
    ///
    /// # Errors
    /// Those of [`crate::Coze::send_raw_stream`].
    pub fn send_raw_stream(
        &self,
        method: Method,
        path: &str,
        query: &[(&str, &str)],
        body: Option<Value>,
    ) -> Result<RawStream> {
        let call = self.coze.send_raw_stream(method, path, query, body);
        Ok(Blocking::new(self, self.driver.wait(call)?))
    }

    /// Makes a call that answers with bytes, such as speech, and returns when they begin.
    ///
    /// # Errors
    /// Those of [`crate::Coze::download`].
    pub fn download<E: Downloads>(&self, row: E) -> Result<Download> {
        let download = self.driver.wait(self.coze.download(row))?;
        Ok(Blocking::new(self, download))
    }

    /// Reads a list to its end, as an iterator; see [`crate::Coze::pages`].
    ///
    /// ```no_run
    /// # fn run(coze: coze_api::blocking::Coze) -> coze_api::Result<()> {
    /// use coze_api::types::bots::{ListBots, ListBotsQuery};
    ///
    /// let query = ListBotsQuery { workspace_id: "73…".into(), ..Default::default() };
    /// for bot in coze.pages(ListBots { query, ..Default::default() }) {
    ///     println!("{}", bot?.name);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn pages<R: Paged>(&self, row: R) -> Pages<R> {
        Blocking::new(self, self.coze.pages(row))
    }
}
