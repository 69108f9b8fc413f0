//! Canvases with mistakes in them.

use coze_workflow::{Plan, RunOptions, TerminatePlan, parse};
use insta::{assert_json_snapshot, assert_snapshot};
use serde_json::json;

use crate::play::{canvas, plan, play, play_with};

fn diagnostics(name: &str) -> String {
    let (_, diagnostics) = parse(canvas(name)).expect("a canvas");
    diagnostics
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn good_canvases_have_no_findings() {
    for name in [
        "branches",
        "two_models",
        "questions",
        "options",
        "default_outputs",
        "error_branch",
        "parameters",
        "text",
        "json_model",
        "beside",
        "answer",
        "held",
        "reasoning",
    ] {
        assert_eq!(diagnostics(name), "", "{name}");
    }
}

#[test]
fn cycle() {
    assert_snapshot!(diagnostics("cycle"), @r#"error: node "One" (id 130001): these nodes form a cycle: node "One" (id 130001) -> node "Two" (id 130002) -> node "Three" (id 130003): delete one of its edges"#);
    assert_snapshot!(play("cycle", json!({}), &[]), @r#"failed 720701003: the workflow cannot run: error: node "One" (id 130001): these nodes form a cycle: node "One" (id 130001) -> node "Two" (id 130002) -> node "Three" (id 130003): delete one of its edges"#);
}

#[test]
fn everything_at_once() {
    assert_snapshot!(diagnostics("broken"), @r#"
    error: node "Twin" (id 130001): another node has the same id: give one of them a new id
    error: node "Mangled" (id 130007): it cannot be read: invalid type: string "none", expected a sequence
    error: node "Odd" (id 130006): an edge from 130006 to 555555 ends nowhere: there is no node 555555: delete the edge
    warning: node "Island" (id 130005): no path leads here, so it never runs: connect it or delete it
    error: node "Start" (id 100001): two of its outputs are named `a`: rename one
    warning: node "Start" (id 100001): `2b` is not a good name for an output: use letters, digits and _, begin with a letter, and avoid words like true or if
    error: node "Odd" (id 130006): branch 1: operator 99 is unknown: use 1 to 16
    warning: node "Loop" (id 130008): it has type 21 (loop), which this engine does not run yet: a run that reaches it fails
    error: node "Empty" (id 130001): `x` refers to nothing: choose the node it comes from
    error: node "Empty" (id 130001): `y` has no value: set one
    error: node "Far" (id 130002): `x` refers to node 404404, which does not exist: choose another source
    error: node "Far" (id 130002): `y` refers to node 130003, which does not come before it: connect the two or choose another source
    error: node "Far" (id 130002): `z` refers to node 130005, which never runs: connect that node
    error: node "Inside" (id 131001): `n` refers to nothing: choose the node it comes from
    error: node "End" (id 900001): `x` refers to nothing: choose the node it comes from
    warning: node "Fork" (id 130004): an edge leaves at the unknown port "what": connect it anew
    warning: node "Fork" (id 130004): branch 1, the default branch leads nowhere: connect it
    "#);
}

#[test]
fn nothing_at_all() {
    assert_snapshot!(diagnostics("empty"), @r#"
    error: the workflow has no start node (type 1): add one
    error: the workflow has no end node (type 2): add one
    "#);
}

#[test]
fn warnings() {
    assert_snapshot!(diagnostics("unsupported"), @r#"
    warning: node "查询" (id 130001): it has type 45 (http), which this engine does not run yet: a run that reaches it fails
    warning: node "Odd" (id 130002): it has type "77777" (unknown), which this engine does not run yet: a run that reaches it fails
    "#);
    assert_snapshot!(diagnostics("stalled"), @r#"warning: node "Go?" (id 120001): the default branch leads nowhere: connect it"#);
}

#[test]
fn a_broken_canvas_runs_as_far_as_it_goes_if_it_is_told_to() {
    let options = RunOptions {
        ignore_plan_errors: true,
        ..RunOptions::default()
    };
    let script = play_with(&plan("broken"), json!({"a": "x"}), &options, &[]);
    assert_snapshot!(script, @r#"failed 720701013: node "Empty" (id 130001): `x` refers to nothing: choose the node it comes from"#);
    let script = play_with(&plan("cycle"), json!({}), &options, &[]);
    assert_snapshot!(script, @"failed 720701013: the run stopped before the end node: no branch that was taken leads there; connect every branch to it");
    let script = play_with(&plan("empty"), json!({}), &options, &[]);
    assert_snapshot!(script, @"failed 720701013: the run stopped before the end node: no branch that was taken leads there; connect every branch to it");
}

#[test]
fn the_definition() {
    let plan = plan("parameters");
    assert_json_snapshot!(plan.start_inputs(), @r#"
    [
      {
        "name": "word",
        "type": "string",
        "required": true
      },
      {
        "name": "count",
        "type": "integer",
        "required": false,
        "defaultValue": "100"
      },
      {
        "name": "ratio",
        "type": "float",
        "required": false
      },
      {
        "name": "flag",
        "type": "boolean",
        "required": false,
        "defaultValue": false
      },
      {
        "name": "image",
        "type": "string",
        "assistType": 2,
        "required": false
      },
      {
        "name": "tags",
        "type": "list",
        "schema": {
          "type": "string"
        },
        "required": false,
        "defaultValue": "[\"a\",\"b\"]"
      },
      {
        "name": "box",
        "type": "object",
        "schema": [
          {
            "name": "n",
            "type": "integer",
            "required": true
          }
        ],
        "required": false
      }
    ]
    "#);
    let names = |plan: &Plan| -> Vec<String> {
        plan.end_outputs()
            .into_iter()
            .map(|output| format!("{}: {}", output.name, output.ty.name()))
            .collect()
    };
    assert_snapshot!(names(&plan).join(", "), @"word: string, count: integer, ratio: float, flag: boolean, image: image, tags: list, n: integer, app: integer");
    assert_eq!(plan.terminate_plan(), TerminatePlan::ReturnVariables);
    assert!(!plan.is_chatflow());
    let answer = crate::play::plan("branches");
    assert_eq!(answer.terminate_plan(), TerminatePlan::UseAnswerContent);
    assert_eq!(names(&answer), ["output: string"]);
    let nodes: Vec<_> = answer
        .nodes()
        .map(|node| node.node_type.display_key())
        .collect();
    assert_eq!(
        nodes,
        ["Start", "If", "Text", "Text", "Text", "Text", "End"]
    );
    let broken = crate::play::plan("broken");
    let inner: Vec<_> = broken
        .inner_nodes("130008")
        .map(coze_workflow::NodeInfo::name)
        .collect();
    assert_eq!(inner, [r#"node "Inside" (id 131001)"#]);
}

#[test]
fn a_chatflow_is_known_by_its_start_node() {
    let canvas = json!({"nodes": [
        {"id": "100001", "type": "1", "data": {"outputs": [
            {"name": "USER_INPUT", "type": "string"}, {"name": "CONVERSATION_NAME", "type": "string"},
        ]}},
        {"id": "900001", "type": "2"},
    ], "edges": [{"sourceNodeID": "100001", "targetNodeID": "900001"}]});
    let (plan, _) = parse(canvas.to_string()).expect("a canvas");
    assert!(plan.is_chatflow());
}
