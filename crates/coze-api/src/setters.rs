//! What several requests have in common, written once.
//!
//! Macros, because the bodies are types of their own whose fields merely have the same names, and
//! because a caller must not need a trait in scope to call a setter.

/// What the body of a workflow run and that of a turn with a chatflow have in common.
macro_rules! workflow_setters {
    ($($body:ident).+) => {
        /// An input. A file is a URL, or JSON text `{"file_id":"…"}`.
        pub fn parameter(
            mut self,
            key: impl Into<String>,
            value: impl Into<serde_json::Value>,
        ) -> Self {
            let parameters = self.$($body).+.parameters.get_or_insert_default();
            parameters.0.insert(key.into(), value.into());
            self
        }

        /// Several inputs.
        pub fn parameters(
            mut self,
            parameters: serde_json::Map<String, serde_json::Value>,
        ) -> Self {
            let all = self.$($body).+.parameters.get_or_insert_default();
            all.0.extend(parameters);
            self
        }

        /// The agent whose data it may use; not together with [`app`](Self::app).
        pub fn bot(mut self, bot: impl Into<coze_types::Id>) -> Self {
            self.$($body).+.bot_id = Some(bot.into());
            self
        }

        /// The app it belongs to; not together with [`bot`](Self::bot).
        pub fn app(mut self, app: impl Into<coze_types::Id>) -> Self {
            self.$($body).+.app_id = Some(app.into());
            self
        }

        /// `latitude`, `longitude` or `user_id`.
        pub fn ext(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
            crate::chat::extend(&mut self.$($body).+.ext, [(key, value)]);
            self
        }

        /// A version of it; the latest by default. Workflows of the library only.
        pub fn version(mut self, version: impl Into<String>) -> Self {
            self.$($body).+.workflow_version = Some(version.into());
            self
        }

        /// The channel; `1024`, the API, by default.
        pub fn connector(mut self, connector: impl Into<coze_types::Id>) -> Self {
            self.$($body).+.connector_id = Some(connector.into());
            self
        }
    };
}
pub(crate) use workflow_setters;

/// The request of one kind of client as that of another: setters belong to both, what sends it to
/// one.
macro_rules! over_client {
    ($request:ident { $($field:ident),* $(,)? }) => {
        #[cfg(all(feature = "blocking", not(target_family = "wasm")))]
        impl<C> $request<C> {
            /// The client that it had, and the same request for another one.
            pub(crate) fn over<D>(self, coze: impl FnOnce(&C) -> D) -> (C, $request<D>) {
                let request = $request {
                    coze: coze(&self.coze),
                    $($field: self.$field),*
                };
                (self.coze, request)
            }
        }
    };
}
pub(crate) use over_client;

/// How a run and the answer to a run are waited for.
macro_rules! run_setters {
    () => {
        /// By which call it is run; see [`RunBy`](crate::RunBy).
        pub fn run_by(mut self, by: crate::run_options::RunBy) -> Self {
            self.options.by = Some(by);
            self
        }

        /// For how long [`run`](Self::run) waits in all. Without it a stream may last as long as
        /// something arrives within [`Timeouts::idle`](crate::Timeouts::idle), and a run in the
        /// background may last for 10 minutes: the
        /// [`deadline`](crate::PollOptions::deadline) of
        /// [`poll_options`](Self::poll_options). A run that is given up goes on at the server.
        pub fn deadline(mut self, deadline: std::time::Duration) -> Self {
            self.options.deadline = Some(deadline);
            self
        }

        /// How the history of the run is asked for, where it is.
        pub fn poll_options(mut self, options: crate::PollOptions) -> Self {
            self.options.poll = options;
            self
        }
    };
}
pub(crate) use run_setters;
