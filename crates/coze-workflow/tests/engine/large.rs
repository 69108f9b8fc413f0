//! Large canvases and long texts: no deep recursion, no work that grows with the square of the size.

use std::sync::Arc;

use coze_workflow::{Effect, MAX_NODES, Outcome, Run, RunOptions, parse};
use serde_json::{Map, Value, json};

use crate::play::{map, plan, said, streaming, task};

fn text(id: usize, before: usize) -> Value {
    let source = json!({"source": "block-output", "blockID": before.to_string(), "name": "output"});
    let input = json!({"type": "string", "value": {"type": "ref", "content": source}});
    json!({"id": id.to_string(), "type": "15", "data": {
        "inputs": {"method": "concat",
            "inputParameters": [{"name": "x", "input": input}],
            "concatParams": [{"name": "concatResult", "input":
                {"type": "string", "value": {"type": "literal", "content": "{{x}}."}}}]},
        "outputs": [{"name": "output", "type": "string"}],
    }})
}

fn edge(from: usize, to: usize) -> Value {
    json!({"sourceNodeID": from.to_string(), "targetNodeID": to.to_string()})
}

/// As long a chain as is accepted, its nodes in the worst order.
#[test]
fn a_long_chain() {
    let count = MAX_NODES - 2;
    let mut nodes: Vec<Value> = (0..count)
        .map(|at| text(200_000 + at, 199_999 + at))
        .collect();
    nodes[0] = text(200_000, 100_001);
    nodes.push(json!({"id": "100001", "type": "1"}));
    nodes.push(json!({"id": "900001", "type": "2"}));
    nodes.reverse();
    let mut edges: Vec<Value> = (1..count)
        .map(|at| edge(199_999 + at, 200_000 + at))
        .collect();
    edges.push(edge(100_001, 200_000));
    edges.push(edge(199_999 + count, 900_001));
    let canvas = json!({"nodes": nodes, "edges": edges});
    let (plan, diagnostics) = parse(canvas.to_string()).expect("a canvas");
    assert_eq!(diagnostics, []);
    let plan = Arc::new(plan);
    let options = RunOptions {
        max_node_executions: 10_000,
        ..RunOptions::default()
    };
    let (run, _) = Run::start(Arc::clone(&plan), Map::new(), options);
    assert!(
        matches!(run.outcome(), Some(Outcome::Success { .. })),
        "{:?}",
        run.outcome()
    );
    let (run, _) = Run::start(plan, Map::new(), RunOptions::default());
    assert!(
        matches!(run.outcome(), Some(Outcome::Failed(_))),
        "the limit holds"
    );
}

/// Every node doubles the text: 2 to the power of 60 bytes, were there no limit.
#[test]
fn a_text_that_explodes() {
    let mut nodes = vec![
        json!({"id": "100001", "type": "1"}),
        json!({"id": "900001", "type": "2"}),
    ];
    let mut edges = vec![edge(100_001, 200_000)];
    for at in 0..60 {
        let mut node = text(200_000 + at, if at == 0 { 100_001 } else { 199_999 + at });
        let content = json!("{{x}}{{x}}abc");
        node["data"]["inputs"]["concatParams"][0]["input"]["value"]["content"] = content;
        nodes.push(node);
        edges.push(edge(
            200_000 + at,
            if at == 59 { 900_001 } else { 200_001 + at },
        ));
    }
    let canvas = json!({"nodes": nodes, "edges": edges});
    let (plan, _) = parse(canvas.to_string()).expect("a canvas");
    let (run, _) = Run::start(Arc::new(plan), Map::new(), RunOptions::default());
    let Some(Outcome::Failed(failure)) = run.outcome() else {
        panic!("{:?}", run.outcome())
    };
    assert!(failure.message.contains("longer than"), "{failure}");
}

#[test]
fn a_long_stream() {
    let (mut run, _) = Run::start(plan("answer"), map(json!({"q": "why"})), streaming());
    let id = task("130001", 0);
    let mut shown = String::new();
    for at in 0..50_000 {
        let piece = format!("{at} é ");
        for effect in run.text_delta(&id, &piece) {
            let Effect::EmitMessage(message) = effect else {
                panic!("{effect:?}")
            };
            shown.push_str(&message.content);
        }
    }
    let effects = run.apply(said("130001", &shown));
    assert!(
        matches!(effects.as_slice(), [Effect::EmitMessage(end), Effect::Finish(_)] if end.content.is_empty())
    );
    assert!(
        matches!(run.outcome(), Some(Outcome::Success { answer: Some(text), .. }) if *text == shown)
    );
}
