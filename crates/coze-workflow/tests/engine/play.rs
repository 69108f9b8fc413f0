//! Plays a canvas: events in, a readable script of the effects out. Every play also checks what must
//! hold for all of them: the same events give the same effects, and a run that is made again from any
//! part of its journal stands where the first one stood.

use std::fmt::Write as _;
use std::sync::Arc;

use coze_workflow::{
    Effect, Event, ModelReply, NodePath, Outcome, Plan, Prompt, Run, RunOptions, TaskId, TaskKind,
    TaskResult, Usage, parse,
};
use serde_json::{Map, Value};

/// The text of one of our canvases.
pub(crate) fn canvas(name: &str) -> String {
    let path = format!(
        "{}/tests/engine/canvases/{name}.json",
        env!("CARGO_MANIFEST_DIR")
    );
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

pub(crate) fn plan(name: &str) -> Arc<Plan> {
    let (plan, _) = parse(canvas(name)).expect("a canvas");
    Arc::new(plan)
}

pub(crate) fn task(node: &str, attempt: u32) -> TaskId {
    TaskId {
        path: NodePath::root(node),
        attempt,
    }
}

/// A model has replied.
pub(crate) fn said(node: &str, text: &str) -> Event {
    said_at(node, 0, text)
}

pub(crate) fn said_at(node: &str, attempt: u32, text: &str) -> Event {
    let usage = Usage {
        input: 10,
        output: 5,
    };
    let reply = ModelReply {
        text: text.into(),
        reasoning: None,
        usage,
    };
    Event::TaskFinished {
        task: task(node, attempt),
        result: TaskResult::Model(reply),
    }
}

/// Work that ends in a value is done.
pub(crate) fn gave(node: &str, value: Value) -> Event {
    Event::TaskFinished {
        task: task(node, 0),
        result: TaskResult::Value { value },
    }
}

pub(crate) fn failed(node: &str, attempt: u32, code: i64) -> Event {
    Event::TaskFailed {
        task: task(node, attempt),
        code,
        message: "the model is away".into(),
        partial: false,
    }
}

/// A model has failed in the middle of its text.
pub(crate) fn broke_off(node: &str, code: i64) -> Event {
    let message = "the model broke off".into();
    Event::TaskFailed {
        task: task(node, 0),
        code,
        message,
        partial: true,
    }
}

pub(crate) fn delta(node: &str, text: &str) -> Event {
    Event::TextDelta {
        task: task(node, 0),
        text: text.into(),
    }
}

pub(crate) fn answered(event_id: &str, data: &str) -> Event {
    Event::Answered {
        event_id: event_id.into(),
        data: data.into(),
    }
}

pub(crate) fn map(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        other => panic!("not an object: {other}"),
    }
}

pub(crate) fn streaming() -> RunOptions {
    RunOptions {
        stream: true,
        ..RunOptions::default()
    }
}

/// Plays without streaming.
pub(crate) fn play(name: &str, parameters: Value, events: &[Event]) -> String {
    play_with(&plan(name), parameters, &RunOptions::default(), events)
}

pub(crate) fn play_with(
    plan: &Arc<Plan>,
    parameters: Value,
    options: &RunOptions,
    events: &[Event],
) -> String {
    let parameters = map(parameters);
    let script = once(plan, &parameters, options, events);
    assert_eq!(
        script,
        once(plan, &parameters, options, events),
        "a second play differs"
    );
    replays(plan, &parameters, options, events);
    script
}

fn once(
    plan: &Arc<Plan>,
    parameters: &Map<String, Value>,
    options: &RunOptions,
    events: &[Event],
) -> String {
    let (mut run, effects) = Run::start(Arc::clone(plan), parameters.clone(), options.clone());
    let mut script = String::new();
    write(&mut script, &effects);
    for event in events {
        let rejected = run.check(event).err();
        let effects = run.apply(event.clone());
        match rejected {
            Some(why) => {
                assert_eq!(effects, [], "a rejected event must do nothing");
                writeln!(script, "> rejected: {why}").expect("a string");
            }
            None => writeln!(script, "> {}", show_event(event)).expect("a string"),
        }
        write(&mut script, &effects);
    }
    script
}

/// Makes the run again from every beginning of its journal.
fn replays(
    plan: &Arc<Plan>,
    parameters: &Map<String, Value>,
    options: &RunOptions,
    events: &[Event],
) {
    let start = || Run::start(Arc::clone(plan), parameters.clone(), options.clone()).0;
    let mut whole = start();
    for event in events {
        whole.apply(event.clone());
    }
    let mut live = start();
    let mut journal: Vec<Event> = Vec::new();
    for at in 0..=events.len() {
        // The journal is written as text and read again, as a host would.
        let text = serde_json::to_string(&journal).expect("events are JSON");
        let read: Vec<Event> = serde_json::from_str(&text).expect("events come back");
        assert_eq!(read, journal);
        let again = Run::replay(Arc::clone(plan), parameters.clone(), options.clone(), &read);
        let (mut run, outstanding) = again.expect("the journal fits");
        assert_eq!(outstanding, live.outstanding(), "after {journal:?}");
        assert_eq!(state(&run), state(&live), "after {journal:?}");
        // A task that was open begins anew, so its deltas come from the beginning again.
        for event in &events[at..] {
            if event.is_durable() {
                run.apply(event.clone());
            }
        }
        assert_eq!(state(&run), state(&whole), "going on after {journal:?}");
        assert_eq!(run.outcome(), whole.outcome());
        if let Some(event) = events.get(at) {
            live.apply(event.clone());
            if event.is_durable() {
                journal.push(event.clone());
            }
        }
    }
}

fn state(run: &Run) -> Value {
    serde_json::to_value(run.records().collect::<Vec<_>>()).expect("records are JSON")
}

fn show_event(event: &Event) -> String {
    match event {
        Event::TaskFinished { task, .. } => format!("{task} finished"),
        Event::TaskFailed { task, code, .. } => format!("{task} failed with {code}"),
        Event::TextDelta { task, text } => format!("{task} says {text:?}"),
        Event::Answered { event_id, data } => format!("answer {event_id}: {data}"),
        other => format!("{other:?}"),
    }
}

fn write(script: &mut String, effects: &[Effect]) {
    for effect in effects {
        writeln!(script, "{}", show(effect)).expect("a string");
    }
}

pub(crate) fn show(effect: &Effect) -> String {
    match effect {
        Effect::Start(task) => {
            let request = match &task.kind {
                TaskKind::Model(request) => request,
                other => {
                    let kind = serde_json::to_value(other).expect("a task is JSON");
                    return format!("start {} {kind}", task.id);
                }
            };
            let name = request.model_name.as_deref().unwrap_or("-");
            let stream = if request.stream { " streaming" } else { "" };
            let timeout = task
                .timeout_ms
                .map_or(String::new(), |ms| format!(" within {ms} ms"));
            let format = request.response_format;
            format!(
                "start {} {name} {format:?}{stream}{timeout}: {}",
                task.id, request.prompt
            )
        }
        Effect::Abort { task } => format!("abort {task}"),
        Effect::EmitMessage(message) => {
            let mut line = format!(
                "message {} #{} {:?}",
                message.path, message.seq, message.content
            );
            for (flag, name) in [
                (message.finished, " finished"),
                (message.is_end, " end"),
                (message.is_interrupt, " interrupt"),
            ] {
                line.push_str(if flag { name } else { "" });
            }
            if let Some(usage) = message.usage {
                write!(line, " {}+{} tokens", usage.input, usage.output).expect("a string");
            }
            line
        }
        Effect::Interrupt(interrupt) => {
            let what = match &interrupt.prompt {
                Prompt::Question { text, options } => format!("{text:?} {options:?}"),
                Prompt::Form { fields, .. } => {
                    let names: Vec<_> = fields.iter().map(|field| field.name.as_str()).collect();
                    format!("form {names:?}")
                }
                other => format!("{other:?}"),
            };
            format!(
                "interrupt {} from {}: {what}",
                interrupt.event_id, interrupt.path
            )
        }
        Effect::Warn {
            path,
            code,
            message,
        } => format!("warn {path} {code}: {message}"),
        Effect::Finish(Outcome::Success {
            output,
            answer,
            usage,
        }) => {
            let output = Value::Object(output.clone());
            let kind = if answer.is_some() {
                "answer"
            } else {
                "variables"
            };
            format!(
                "success {kind} {output} {}+{} tokens",
                usage.input, usage.output
            )
        }
        Effect::Finish(Outcome::Failed(failure)) => {
            format!("failed {}: {}", failure.code, failure.message)
        }
        Effect::Finish(Outcome::Cancelled { .. }) => "cancelled".into(),
        other => format!("{other:?}"),
    }
}
