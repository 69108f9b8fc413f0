//! How a workflow is run: by which call, and for how long.

use std::time::Duration;

use coze_types::{Endpoint, Id};

use crate::client::Coze;
use crate::deadline::Deadline;
use crate::error::Result;
use crate::poll::{Beat, PollOptions};
use crate::time::timeout_at;
use crate::transport::{TransportError, Waited};

/// By which call a workflow is run, or was run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum RunBy {
    /// A stream, read to its end (`/v1/workflow/stream_run`): a run may take 10 minutes, and the
    /// nodes' texts come with the result.
    #[default]
    Stream,
    /// One call that waits for the result (`/v1/workflow/run`). The service cuts it after 90
    /// seconds without an answer; the run may go on then, unseen.
    Plain,
    /// In the background (`/v1/workflow/run` with `is_async`), for up to 24 hours, while the
    /// history of the run is asked for. Needs a paid plan at the hosted service.
    Async,
}

/// What the setters of a run put together.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct RunOptions {
    pub(crate) by: Option<RunBy>,
    pub(crate) may_run_twice: bool,
    pub(crate) deadline: Option<Duration>,
    pub(crate) poll: PollOptions,
}

impl RunOptions {
    /// The wait begins now.
    pub(crate) fn begin(self) -> Patience {
        Patience {
            poll: self.poll,
            deadline: self.deadline.map(Deadline::after),
        }
    }
}

/// Which run it is, as far as that is known before the server answers.
#[derive(Debug, Clone, Default)]
pub(crate) struct Origin {
    pub(crate) workflow: Id,
    pub(crate) run: Option<Id>,
    /// The event whose question is answered.
    pub(crate) answered: Option<String>,
}

/// For how long one result is waited for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patience {
    /// How a history is asked for; its own deadline counts where there is no other.
    pub(crate) poll: PollOptions,
    /// For everything.
    pub(crate) deadline: Option<Deadline>,
}

impl Patience {
    /// The beat at which a history is asked for.
    pub(crate) fn beat(&self) -> Beat {
        let own = || Deadline::after(self.poll.deadline);
        Beat::until(self.poll, self.deadline.unwrap_or_else(own))
    }

    pub(crate) fn is_over(&self) -> bool {
        self.deadline.is_some_and(Deadline::is_over)
    }

    /// One call of the row `E` within the deadline.
    pub(crate) async fn within<E: Endpoint, T>(
        &self,
        coze: &Coze,
        call: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        let Some(deadline) = self.deadline else {
            return call.await;
        };
        match timeout_at(deadline.at, call).await {
            Ok(result) => result,
            Err(_) => {
                let url = format!("{}{}", coze.inner.base, E::INFO.path);
                let waited = Waited::Total(deadline.after);
                Err(TransportError::timeout(E::INFO.name.into(), &url, waited).into())
            }
        }
    }
}
