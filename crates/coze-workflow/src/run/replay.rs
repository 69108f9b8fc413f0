//! Which events fit a run, and how a run is made from its journal.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::effect::Effect;
use super::event::Event;
use super::state::Status;
use super::{Run, RunOptions};
use crate::path::TaskId;
use crate::plan::Plan;

/// Why an event changes nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Rejected {
    /// The run is over.
    #[error("the run is over")]
    Finished,
    /// The task has ended before, or another attempt has taken its place, or it never began.
    #[error("nobody waits for task {0}")]
    NotWaiting(TaskId),
    /// The plan has no such node.
    #[error("the workflow has no node {0}")]
    UnknownNode(String),
    /// The answer is not to the question that was asked.
    #[error("no question with the id {0:?} is open")]
    NotAsked(String),
    /// The answer cannot be used; the question stays open.
    #[error("the answer cannot be used: {0}")]
    BadAnswer(String),
}

/// A journal that cannot belong to this plan.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("event {index} of the journal does not fit the workflow: {reason}")]
pub struct ReplayError {
    /// Which event, from 0.
    pub index: usize,
    /// Why.
    pub reason: Rejected,
}

impl Run {
    /// Would this event change anything? Ask before an answer of a user goes into the journal.
    pub fn check(&self, event: &Event) -> Result<(), Rejected> {
        if self.outcome.is_some() {
            return Err(Rejected::Finished);
        }
        match event {
            Event::TaskFinished { task, .. }
            | Event::TaskFailed { task, .. }
            | Event::TextDelta { task, .. } => self.check_task(task),
            Event::Answered { event_id, data } => {
                let Some((at, interrupt)) = self.interrupts.front().filter(|_| self.presented)
                else {
                    return Err(Rejected::NotAsked(event_id.clone()));
                };
                if interrupt.event_id != *event_id {
                    return Err(Rejected::NotAsked(event_id.clone()));
                }
                self.plan.root.nodes[*at]
                    .spec
                    .check_answer(data)
                    .map_err(Rejected::BadAnswer)
            }
            Event::Cancelled | Event::TimedOut => Ok(()),
        }
    }

    fn check_task(&self, task: &TaskId) -> Result<(), Rejected> {
        let at = self.plan.root.index.get(task.path.node.as_str());
        let known = at.filter(|_| task.path.scope.is_empty());
        let Some(&at) = known else {
            return Err(Rejected::UnknownNode(task.path.to_string()));
        };
        match &self.root.nodes[at].status {
            Status::Running(running) if running.id.attempt == task.attempt => Ok(()),
            _ => Err(Rejected::NotWaiting(task.clone())),
        }
    }

    /// Makes a run from its journal: the run as it was after the last event, and what the host still
    /// owes it ([`Run::outstanding`]). Effects that were carried out before are not repeated.
    ///
    /// Events that changed nothing when they came change nothing now. A journal that names nodes the
    /// plan does not have belongs to another plan, and is an error.
    pub fn replay(
        plan: Arc<Plan>,
        parameters: Map<String, Value>,
        options: RunOptions,
        journal: &[Event],
    ) -> Result<(Self, Vec<Effect>), ReplayError> {
        let (mut run, _) = Self::start(plan, parameters, options);
        for (index, event) in journal.iter().enumerate() {
            if let Err(reason @ Rejected::UnknownNode(_)) = run.check(event) {
                return Err(ReplayError { index, reason });
            }
            run.apply(event.clone());
        }
        let outstanding = run.outstanding();
        Ok((run, outstanding))
    }
}
