//! The work that nodes leave to the driver: calling models, looking knowledge up.

use coze_workflow::{Event, Task, TaskId, TaskKind, TaskResult, code};
use futures_util::future::{AbortHandle, Abortable};
use futures_util::stream::BoxStream;
use futures_util::{StreamExt, stream};
use serde_json::Value;
use tokio::time::Instant;

use super::{knowledge, model};
use crate::app::App;
use crate::fail::Fail;
use crate::models::ModelMessage;
use crate::store::RunRecord;

pub(super) type TaskStream = BoxStream<'static, Event>;

/// Whose task it is.
pub(super) struct Host<'a> {
    pub(super) app: &'a App,
    pub(super) run: &'a RunRecord,
    /// Said before the run, for model nodes that want history.
    pub(super) history: &'a [ModelMessage],
    /// Runs of workflows that called each other as tools to get here.
    pub(super) depth: u8,
}

/// Begins a task: its events, and the handle that ends it.
pub(super) fn start(
    host: &Host<'_>,
    task: Task,
    deadline: Option<Instant>,
) -> (TaskStream, AbortHandle) {
    let (handle, registration) = AbortHandle::new_pair();
    let id = task.id.clone();
    let (app, run) = (host.app.clone(), host.run.clone());
    let events = match task.kind {
        TaskKind::Model(request) => model::call(host, *request, task.id, deadline),
        TaskKind::SearchKnowledge(it) => {
            let work = async move { knowledge::search(&app, &run, it).await };
            value(id, deadline, work)
        }
        TaskKind::WriteKnowledge(it) => {
            let work = async move { knowledge::write(&app, &run, it).await };
            value(id, deadline, work)
        }
        TaskKind::DeleteKnowledge { document } => {
            let work = async move { knowledge::delete(&app, &run, document).await };
            value(id, deadline, work)
        }
        other => {
            let message = format!("this server cannot carry out {other:?}");
            let code = code::EXECUTION_FAILED;
            stream::iter([Event::TaskFailed {
                task: id,
                code,
                message,
                partial: false,
            }])
            .boxed()
        }
    };
    (Abortable::new(events, registration).boxed(), handle)
}

/// Work that ends in a value.
fn value(
    task: TaskId,
    deadline: Option<Instant>,
    work: impl Future<Output = Result<Value, Fail>> + Send + 'static,
) -> TaskStream {
    let event = async move {
        let done = match deadline {
            None => Ok(work.await),
            Some(deadline) => tokio::time::timeout_at(deadline, work).await,
        };
        let (code, message) = match done {
            Ok(Ok(value)) => {
                let result = TaskResult::Value { value };
                return Event::TaskFinished { task, result };
            }
            Ok(Err(fail)) => (code::EXECUTION_FAILED, fail.msg.into_owned()),
            Err(_) => (code::NODE_TIMEOUT, "the node's time is over".to_owned()),
        };
        Event::TaskFailed {
            task,
            code,
            message,
            partial: false,
        }
    };
    stream::once(event).boxed()
}
