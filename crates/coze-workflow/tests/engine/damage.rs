//! Whatever is written in a canvas, and whatever happens to a run: no panic, and every run rests in a
//! state that can be named.

use std::sync::Arc;

use coze_workflow::{
    Effect, Event, ModelReply, NodePath, Run, RunOptions, TaskId, TaskResult, Usage, parse,
};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use crate::play::canvas;

const CANVASES: [&str; 15] = [
    "branches",
    "two_models",
    "questions",
    "options",
    "default_outputs",
    "error_branch",
    "unsupported",
    "parameters",
    "text",
    "json_model",
    "broken",
    "cycle",
    "answer",
    "held",
    "reasoning",
];

fn any_json() -> impl Strategy<Value = Value> {
    let word = prop::sample::select(vec![
        "",
        "1",
        "2",
        "3",
        "8",
        "13",
        "15",
        "18",
        "30",
        "100001",
        "130001",
        "ref",
        "literal",
        "object_ref",
        "block-output",
        "string",
        "list",
        "object",
        "integer",
        "{{a.b[0]}}",
        "[1]",
    ]);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        word.prop_map(Value::from),
        ".{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 64, 6, |inner| {
        let key = prop::sample::select(vec![
            "nodes",
            "edges",
            "id",
            "type",
            "data",
            "inputs",
            "outputs",
            "inputParameters",
            "name",
            "input",
            "value",
            "content",
            "schema",
            "sourceNodeID",
            "targetNodeID",
            "blocks",
            "blockID",
            "source",
            "branches",
            "json",
            "schema_json",
            "path",
        ]);
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::vec((key, inner), 0..6).prop_map(|entries| {
                let entries = entries
                    .into_iter()
                    .map(|(key, value)| (key.to_owned(), value));
                Value::Object(entries.collect())
            }),
        ]
    })
}

/// Paths to every value inside, as JSON pointers.
fn pointers(value: &Value, at: &str, found: &mut Vec<String>) {
    found.push(at.to_owned());
    match value {
        Value::Array(list) => {
            for (index, element) in list.iter().enumerate() {
                pointers(element, &format!("{at}/{index}"), found);
            }
        }
        Value::Object(map) => {
            for (key, element) in map {
                pointers(
                    element,
                    &format!("{at}/{}", key.replace('~', "~0").replace('/', "~1")),
                    found,
                );
            }
        }
        _ => {}
    }
}

/// Replaces or removes one value of a canvas.
fn damage(canvas: &mut Value, place: prop::sample::Index, with: Option<Value>) {
    let mut found = Vec::new();
    pointers(canvas, "", &mut found);
    let pointer = place.get(&found).clone();
    match with {
        Some(value) => {
            if let Some(slot) = canvas.pointer_mut(&pointer) {
                *slot = value;
            }
        }
        None => {
            let Some((parent, key)) = pointer.rsplit_once('/') else {
                return;
            };
            match canvas.pointer_mut(parent) {
                Some(Value::Object(map)) => {
                    map.shift_remove(key);
                }
                Some(Value::Array(list)) => {
                    if let Ok(index) = key.parse::<usize>() {
                        list.remove(index);
                    }
                }
                _ => {}
            }
        }
    }
}

fn any_event() -> impl Strategy<Value = Event> {
    let node = prop::sample::select(vec![
        "130001", "130002", "150001", "100001", "900001", "nobody",
    ]);
    let text = prop::sample::select(vec![
        "",
        "{}",
        "{\"name\":1}",
        "alpha",
        "a:b",
        "```json\n[1]```",
    ]);
    let task = (node, 0_u32..3).prop_map(|(node, attempt)| TaskId {
        path: NodePath::root(node),
        attempt,
    });
    prop_oneof![
        (task.clone(), text.clone(), any::<u64>()).prop_map(|(task, text, tokens)| {
            let usage = Usage {
                input: tokens,
                output: tokens,
            };
            let reply = ModelReply {
                text: text.into(),
                reasoning: None,
                usage,
            };
            Event::TaskFinished {
                task,
                result: TaskResult::Model(reply),
            }
        }),
        (task.clone(), any::<i64>(), any::<bool>()).prop_map(|(task, code, partial)| {
            Event::TaskFailed {
                task,
                code,
                message: "no".into(),
                partial,
            }
        }),
        (task, text.clone()).prop_map(|(task, text)| Event::TextDelta {
            task,
            text: text.into()
        }),
        (1_u8..4, text).prop_map(|(id, data)| {
            Event::Answered {
                event_id: id.to_string(),
                data: data.into(),
            }
        }),
        Just(Event::Cancelled),
    ]
}

/// Runs a canvas through these events and checks what holds for every run.
fn run(json: &str, parameters: &Value, options: &RunOptions, events: &[Event]) {
    let Ok((plan, diagnostics)) = parse(json) else {
        return;
    };
    assert_eq!(
        plan.errors().len(),
        diagnostics.iter().filter(|d| d.is_error()).count()
    );
    let parameters = parameters.as_object().cloned().unwrap_or_else(Map::new);
    let (mut run, effects) = Run::start(Arc::new(plan), parameters, options.clone());
    let mut finished = 0;
    let mut count = |effects: &[Effect]| {
        finished += effects
            .iter()
            .filter(|effect| matches!(effect, Effect::Finish(_)))
            .count();
    };
    count(&effects);
    for event in events {
        // Never asleep: it is over, or it waits for somebody who was told.
        assert!(!run.outstanding().is_empty(), "the run waits for nobody");
        let accepted = run.check(event).is_ok();
        let effects = run.apply(event.clone());
        assert!(accepted || effects.is_empty());
        count(&effects);
    }
    assert!(!run.outstanding().is_empty(), "the run waits for nobody");
    assert_eq!(
        finished,
        usize::from(run.outcome().is_some()),
        "a run finishes once"
    );
    assert_eq!(run.records().count(), run.plan().nodes().count());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_json_is_read_without_panic(value in any_json(), parameters in any_json()) {
        run(&value.to_string(), &parameters, &RunOptions::default(), &[]);
        let options = RunOptions { ignore_plan_errors: true, ..RunOptions::default() };
        let canvas = json!({"nodes": value, "edges": parameters});
        run(&canvas.to_string(), &Value::Null, &options, &[]);
    }

    #[test]
    fn any_text_is_read_without_panic(text in ".{0,60}") {
        run(&text, &Value::Null, &RunOptions::default(), &[]);
    }

    #[test]
    fn damaged_canvases_run_without_panic(
        name in prop::sample::select(CANVASES.to_vec()),
        damages in prop::collection::vec((any::<prop::sample::Index>(), prop::option::of(any_json())), 0..4),
        parameters in any_json(),
        events in prop::collection::vec(any_event(), 0..12),
        stream in any::<bool>(),
    ) {
        let mut value: Value = serde_json::from_str(&canvas(name)).expect("a canvas");
        for (place, with) in damages {
            damage(&mut value, place, with);
        }
        let fixed = json!({"word": "w", "score": 5, "topic": "t", "kinds": ["a"], "live": true});
        for ignore_plan_errors in [false, true] {
            let options = RunOptions { stream, ignore_plan_errors, ..RunOptions::default() };
            run(&value.to_string(), &parameters, &options, &events);
            run(&value.to_string(), &fixed, &options, &events);
        }
    }

    /// Without damage, any events in any order can be replayed to the same state.
    #[test]
    fn any_journal_replays(
        name in prop::sample::select(CANVASES.to_vec()),
        events in prop::collection::vec(any_event(), 0..16),
        stream in any::<bool>(),
    ) {
        let (plan, _) = parse(canvas(name)).expect("a canvas");
        let plan = Arc::new(plan);
        let parameters = json!({"word": "w", "score": 5, "topic": "t", "kinds": ["a"], "live": true});
        let parameters = parameters.as_object().cloned().unwrap_or_default();
        let options = RunOptions { stream, ..RunOptions::default() };
        let (mut live, _) = Run::start(Arc::clone(&plan), parameters.clone(), options.clone());
        let mut journal = Vec::new();
        for event in events {
            // A host journals what the run accepts.
            if event.is_durable() && live.check(&event).is_ok() {
                journal.push(event.clone());
            }
            live.apply(event);
        }
        let (again, outstanding) = Run::replay(plan, parameters, options, &journal).expect("it fits");
        prop_assert_eq!(outstanding, live.outstanding());
        prop_assert_eq!(again.usage(), live.usage());
    }
}
