//! Rounds in which raw, the SDK and the vendor's SDKs do the same thing in turn.

use anyhow::{Result, ensure};

use super::Plan;
use crate::clients::Sample;
use crate::figures::{Figure, Target};
use crate::peers::Peer;
use crate::process::{Task, client};

/// Rounds of a [`Race`] in which the vendor's SDKs take part: they are slow, and far behind.
const PEER_ROUNDS: usize = 3;

/// Who does what, and how often.
#[derive(Debug)]
pub(super) struct Race {
    pub(super) rounds: u32,
    /// What raw and the SDK do.
    pub(super) task: Task,
    /// What the vendor's SDKs do; `None` when they are not asked.
    pub(super) peer_task: Option<Task>,
}

/// A value of a sample; `None` where the system does not tell it.
pub(super) type Value<'a> = &'a dyn Fn(&Sample) -> Option<f64>;

/// What came of a [`Race`].
#[derive(Debug)]
pub(super) struct Rounds {
    pub(super) raw: Vec<Sample>,
    pub(super) sdk: Vec<Sample>,
    /// The samples of the first rounds, or why there are none.
    peers: Vec<(Peer, Result<Vec<Sample>, String>)>,
}

impl Rounds {
    pub(super) fn take(plan: &Plan, race: &Race) -> Result<Self> {
        let mut rounds = Self {
            raw: Vec::new(),
            sdk: Vec::new(),
            peers: Vec::new(),
        };
        if race.peer_task.is_some() {
            let ready = |(peer, missing): &(Peer, Option<String>)| match missing {
                None => (*peer, Ok(Vec::new())),
                Some(why) => (*peer, Err(why.clone())),
            };
            rounds.peers = plan.peers().iter().map(ready).collect();
        }
        for round in 0..race.rounds {
            // Who goes first changes, so that neither always finds the machine as the other left it.
            if round % 2 == 0 {
                rounds.raw.push(client("raw", &race.task)?);
                rounds.sdk.push(client("sdk", &race.task)?);
            } else {
                rounds.sdk.push(client("sdk", &race.task)?);
                rounds.raw.push(client("raw", &race.task)?);
            }
            if let Some(task) = &race.peer_task {
                rounds.run_peers(task);
            }
        }
        Ok(rounds)
    }

    fn run_peers(&mut self, task: &Task) {
        for (peer, samples) in &mut self.peers {
            let Ok(known) = samples else {
                continue;
            };
            if known.len() < PEER_ROUNDS {
                match peer.run(task) {
                    Ok(sample) => known.push(sample),
                    // That the vendor's SDK fails is a result, too.
                    Err(error) => {
                        eprintln!("{error:#}");
                        *samples = Err("failed, see above".to_owned());
                    }
                }
            }
        }
    }

    /// Makes sure that nothing was lost: events and bytes of the SDK, bytes of raw.
    pub(super) fn check(&self, events: usize, text: usize, body: usize) -> Result<()> {
        for sample in &self.sdk {
            ensure!(sample.events == Some(events), "the SDK lost an event");
            ensure!(sample.bytes == text, "the SDK lost text");
        }
        for sample in &self.raw {
            ensure!(sample.bytes == body, "raw lost bytes");
        }
        Ok(())
    }

    /// The same of the vendor's SDKs, one of which keeps the last event for itself. One that lost
    /// text has no figures.
    pub(super) fn check_peers(&mut self, text: usize) {
        for (_, samples) in &mut self.peers {
            let whole = |it: &Sample| it.bytes == text;
            if samples.as_ref().is_ok_and(|all| !all.iter().all(whole)) {
                *samples = Err("it lost text".to_owned());
            }
        }
    }

    /// A figure of the SDK beside raw's; none where the system does not tell it.
    pub(super) fn beside_raw(
        &self,
        name: &str,
        unit: &'static str,
        value: Value<'_>,
        target: Option<Target>,
    ) -> Option<Figure> {
        let (sdk, raw) = (all(&self.sdk, value)?, all(&self.raw, value)?);
        Some(Figure::beside(name, unit, sdk, raw, target))
    }

    /// A figure of the SDK beside that of each of the vendor's.
    pub(super) fn beside_peers(
        &self,
        name: &str,
        unit: &'static str,
        value: Value<'_>,
        target: impl Fn(Peer) -> Option<Target>,
    ) -> Vec<Figure> {
        let figure = |(peer, samples): &(Peer, Result<Vec<Sample>, String>)| {
            let (name, target) = (format!("{name}, beside {}", peer.name()), target(*peer));
            match samples {
                Err(why) => Some(Figure::missing(name, unit, target, why.clone())),
                Ok(samples) => {
                    let peer = all(samples, value)?;
                    let sdk = all(self.sdk.get(..peer.len())?, value)?;
                    Some(Figure::beside(name, unit, sdk, peer, target))
                }
            }
        };
        self.peers.iter().filter_map(figure).collect()
    }
}

fn all(samples: &[Sample], value: Value<'_>) -> Option<Vec<f64>> {
    samples.iter().map(value).collect()
}
