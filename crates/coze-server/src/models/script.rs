//! The script of the built-in model: rules that say what to answer, for tests.

use std::time::Duration;

use futures_util::{Stream, StreamExt, stream};
use regex_lite::Regex;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;
use tokio::time::{Instant, sleep_until};

use crate::config::Misfit;

use super::offline::{usage_of, words};
use super::{ModelCall, ModelError, ModelEvent, ModelRequest, ModelStream, count_tokens};

/// A rule: when the last message of the user matches, this is what happens.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ScriptRule {
    /// A regular expression, searched for in the last message of the user.
    #[serde(rename = "match")]
    pub pattern: String,
    /// Pieces of reasoning, in front of everything else.
    #[serde(default)]
    pub reasoning: Vec<String>,
    /// Pieces of the answer, one delta each.
    #[serde(default)]
    pub deltas: Vec<String>,
    /// Tools to call instead of answering.
    #[serde(default)]
    pub tool_calls: Vec<ScriptCall>,
    /// The answer when the outputs are there: a Jinja template over `tool_outputs`.
    pub then: Option<String>,
    /// What to suggest when the answer is done.
    #[serde(default)]
    pub follow_ups: Vec<String>,
    /// The pause in front of each piece, in milliseconds.
    #[serde(default)]
    pub delay_ms: u64,
    /// Fails so, behind the pieces.
    pub error: Option<ScriptError>,
    /// Repeats the pieces of the answer so many times; 1 by default.
    pub repeat: Option<usize>,
}

/// A call of a tool.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ScriptCall {
    /// The tool.
    pub name: String,
    /// Its arguments.
    #[serde(default)]
    pub arguments: Value,
}

/// A failure.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ScriptError {
    /// The code.
    pub code: i64,
    /// The text.
    #[serde(default)]
    pub msg: String,
}

/// A script, its patterns compiled.
pub(super) struct Script {
    rules: Vec<(Regex, ScriptRule)>,
}

impl Script {
    pub(super) fn new(rules: &[ScriptRule]) -> Result<Self, Misfit> {
        let compile = |(index, rule): (usize, &ScriptRule)| match Regex::new(&rule.pattern) {
            Ok(pattern) => Ok((pattern, rule.clone())),
            Err(error) => {
                let why = format!("script: match {:?}: {error}", rule.pattern);
                Err(Misfit::new(format!("script[{index}].match"), why))
            }
        };
        let rules = rules.iter().enumerate().map(compile);
        Ok(Self {
            rules: rules.collect::<Result<_, _>>()?,
        })
    }

    /// The answer of the first rule that matches.
    pub(super) fn respond(&self, request: &ModelRequest) -> Option<ModelStream> {
        let question = request.question();
        let (_, rule) = self
            .rules
            .iter()
            .find(|(pattern, _)| pattern.is_match(&question))?;
        let outputs = request.tool_outputs();
        let mut events = Vec::new();
        let mut said = String::new();
        if outputs.is_empty() || rule.tool_calls.is_empty() {
            events.extend(rule.reasoning.iter().cloned().map(ModelEvent::Reasoning));
            for _ in 0..rule.repeat.unwrap_or(1) {
                for piece in &rule.deltas {
                    said.push_str(piece);
                    events.push(ModelEvent::Text(piece.clone()));
                }
            }
            events.extend(rule.tool_calls.iter().map(|call| {
                let arguments = match &call.arguments {
                    Value::Null => "{}".to_owned(),
                    arguments => arguments.to_string(),
                };
                ModelEvent::Call(ModelCall {
                    name: call.name.clone(),
                    arguments,
                    ..ModelCall::default()
                })
            }));
        } else {
            said = match &rule.then {
                Some(template) => match crate::prompt::render_outputs(template, &outputs) {
                    Ok(text) => text,
                    Err(why) => {
                        return Some(fail(4000, format!("script: then {template:?}: {why}")));
                    }
                },
                None => outputs.join("; "),
            };
            events.extend(words(&said).into_iter().map(ModelEvent::Text));
        }
        let finished = !events
            .iter()
            .any(|event| matches!(event, ModelEvent::Call(_)));
        if finished && !rule.follow_ups.is_empty() {
            events.push(ModelEvent::FollowUps(rule.follow_ups.clone()));
        }
        events.push(ModelEvent::Usage {
            input: usage_of(request),
            output: count_tokens(&said),
        });
        let error = rule.error.as_ref().map(|error| {
            Err(ModelError {
                code: error.code,
                msg: error.msg.clone(),
            })
        });
        let delay = Duration::from_millis(rule.delay_ms);
        let events = stream::iter(events.into_iter().map(Ok).chain(error));
        Some(match delay.is_zero() {
            true => events.boxed(),
            false => paced(events, delay).boxed(),
        })
    }
}

/// Each piece at its time: one that was late does not make those behind it late.
fn paced<S>(events: S, delay: Duration) -> impl Stream<Item = S::Item> + Send
where
    S: Stream<Item = Result<ModelEvent, ModelError>> + Send,
{
    let begun = Instant::now();
    // One timer for all of them.
    let paced = (Box::pin(events), Box::pin(sleep_until(begun)), 0_u32);
    stream::unfold(paced, move |(mut events, mut timer, before)| async move {
        let event = events.next().await?;
        let index = before.saturating_add(1);
        let at_once = matches!(
            event,
            Ok(ModelEvent::Usage { .. } | ModelEvent::FollowUps(_))
        );
        if !at_once {
            match begun.checked_add(delay.saturating_mul(index)) {
                Some(due) => {
                    timer.as_mut().reset(due);
                    timer.as_mut().await;
                }
                // Beyond the end of the clock.
                None => std::future::pending().await,
            }
        }
        Some((event, (events, timer, index)))
    })
}

fn fail(code: i64, msg: String) -> ModelStream {
    stream::iter([Err(ModelError { code, msg })]).boxed()
}
