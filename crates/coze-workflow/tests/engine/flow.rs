//! Branches, joins, parameters, text, limits.

use coze_workflow::{Event, RunOptions, code};
use insta::assert_snapshot;
use serde_json::json;

use crate::play::{map, plan, play, play_with, said};

#[test]
fn first_branch() {
    assert_snapshot!(play("branches", json!({"score": 75, "name": "Ada"}), &[]), @r#"
    message 900001 #0 "Ada passed[Ada passed|]" finished end 0+0 tokens
    success answer {"output":"Ada passed[Ada passed|]"} 0+0 tokens
    "#);
}

#[test]
fn or_branch_and_a_join_behind_two_branches() {
    assert_snapshot!(play("branches", json!({"score": 0, "name": "Ada"}), &[]), @r#"
    message 900001 #0 "Ada was absent[|Ada was absent]" finished end 0+0 tokens
    success answer {"output":"Ada was absent[|Ada was absent]"} 0+0 tokens
    "#);
}

#[test]
fn else_branch_skips_the_join_of_the_others() {
    let script = play("branches", json!({"score": 12, "name": "Ada"}), &[]);
    assert_snapshot!(script, @r#"
    message 900001 #0 "Ada failed with 12" finished end 0+0 tokens
    success answer {"output":"Ada failed with 12"} 0+0 tokens
    "#);
}

#[test]
fn records_tell_what_became_of_each_node() {
    let (run, _) = coze_workflow::Run::start(
        plan("branches"),
        map(json!({"score": 12, "name": "Ada"})),
        RunOptions::default(),
    );
    let lines: Vec<_> = run
        .records()
        .map(|record| {
            let note = record.note.unwrap_or("");
            format!("{} {:?} {note}", record.node.title, record.status)
                .trim()
                .to_owned()
        })
        .collect();
    assert_snapshot!(lines.join("\n"), @r#"
    Start Success
    Grade Success passed to the else branch
    Passed Skipped
    Absent Skipped
    Failed Success
    Remark Skipped
    End Success
    "#);
}

#[test]
fn parameters_and_defaults() {
    let given = json!({"word": "w", "ratio": "1.50", "box": {"n": "7"}, "extra": 1,
        "image": "http://h/a.png?x-wf-file_name=b.png"});
    assert_snapshot!(play("parameters", given, &[]), @r#"
    message 900001 #0 "{\"word\":\"w\",\"count\":100,\"ratio\":1.5,\"flag\":false,\"image\":\"http://h/a.png\",\"tags\":[\"a\",\"b\"],\"n\":7,\"app\":0}" finished end 0+0 tokens
    success variables {"word":"w","count":100,"ratio":1.5,"flag":false,"image":"http://h/a.png","tags":["a","b"],"n":7,"app":0} 0+0 tokens
    "#);
    // A default steps in for the empty list, but not for the number zero.
    let given = json!({"word": null, "count": 0, "tags": [], "flag": "true", "ratio": 2.0});
    assert_snapshot!(play("parameters", given, &[]), @r#"
    message 900001 #0 "{\"word\":\"\",\"count\":0,\"ratio\":2,\"flag\":true,\"image\":\"\",\"tags\":[\"a\",\"b\"],\"n\":0,\"app\":0}" finished end 0+0 tokens
    success variables {"word":"","count":0,"ratio":2,"flag":true,"image":"","tags":["a","b"],"n":0,"app":0} 0+0 tokens
    "#);
}

#[test]
fn bad_parameters() {
    assert_snapshot!(play("parameters", json!({}), &[]), @r#"failed 720702002: node "Start" (id 100001): missing required parameter `word`"#);
    assert_snapshot!(play("parameters", json!({"word": "w", "count": "many"}), &[]), @r#"failed 720702001: node "Start" (id 100001): bad parameter: `count` must be an integer, not "many""#);
    assert_snapshot!(play("parameters", json!({"word": "w", "tags": {"a": 1}}), &[]), @r#"failed 720702001: node "Start" (id 100001): bad parameter: `tags` must be a list, not {"a":1}"#);
    assert_snapshot!(play("parameters", json!({"word": "w", "box": {}}), &[]), @r#"failed 720702001: node "Start" (id 100001): bad parameter: `box.n` is required"#);
}

#[test]
fn globals_come_with_the_options() {
    let mut options = RunOptions::default();
    options.globals.app.insert("seen".into(), json!(41));
    let script = play_with(&plan("parameters"), json!({"word": "w"}), &options, &[]);
    assert!(script.contains("\\\"app\\\":41"), "{script}");
}

#[test]
fn text_is_joined_and_cut() {
    let given = json!({"items": ["x", "y"], "box": {"k": "v", "a": 1.0}});
    assert_snapshot!(play("text", given, &[]), @r#"
    message 900001 #0 "{\"joined\":\"x-y / y / {\\\"a\\\":1,\\\"k\\\":\\\"v\\\"} / v / {{none}} / {{ items }}\",\"pieces\":[\"x\",\"y\",\"y\",\"{\\\"a\\\":1,\\\"k\\\":\\\"v\\\"}\",\"v\",\"{{none}}\",\"{{ items }}\"]}" finished end 0+0 tokens
    success variables {"joined":"x-y / y / {\"a\":1,\"k\":\"v\"} / v / {{none}} / {{ items }}","pieces":["x","y","y","{\"a\":1,\"k\":\"v\"}","v","{{none}}","{{ items }}"]} 0+0 tokens
    "#);
    assert_snapshot!(play("text", json!({"items": ["x"]}), &[]), @r#"failed 720712014: node "Join" (id 130001): {{items[1]}} is out of range: the list has 1"#);
}

#[test]
fn the_end_waits_for_what_is_ready_and_gives_up_what_is_not() {
    assert_snapshot!(play("beside", json!({"t": "tea"}), &[said("130001", "too late")]), @r#"
    message 140001 #0 "beside tea" finished
    message 140002 #0 "tea" finished
    start 130001@0 tea-house Text: tea
    message 900001 #0 "{}" finished end 0+0 tokens
    abort 130001@0
    success variables {} 0+0 tokens
    > rejected: the run is over
    "#);
    // An empty text is no message.
    assert_snapshot!(play("beside", json!({"t": ""}), &[]), @r#"
    message 140001 #0 "beside " finished
    start 130001@0 tea-house Text: 
    message 900001 #0 "{}" finished end 0+0 tokens
    abort 130001@0
    success variables {} 0+0 tokens
    "#);
}

#[test]
fn a_run_that_cannot_reach_its_end_fails() {
    assert_snapshot!(play("stalled", json!({"go": true}), &[]), @r#"
    message 900001 #0 "{}" finished end 0+0 tokens
    success variables {} 0+0 tokens
    "#);
    assert_snapshot!(play("stalled", json!({"go": false}), &[]), @"failed 720701013: the run stopped before the end node: no branch that was taken leads there; connect every branch to it");
}

#[test]
fn unsupported_nodes_fail_only_when_they_are_reached() {
    assert_snapshot!(play("unsupported", json!({"live": false}), &[]), @r#"
    message 900001 #0 "from the shelf" finished end 0+0 tokens
    success answer {"output":"from the shelf"} 0+0 tokens
    "#);
    assert_snapshot!(play("unsupported", json!({"live": true}), &[]), @r#"failed 720701013: node "查询" (id 130001): has type 45 (http), which this engine does not run yet"#);
}

#[test]
fn executions_are_limited() {
    let options = RunOptions {
        max_node_executions: 3,
        ..RunOptions::default()
    };
    let script = play_with(
        &plan("text"),
        json!({"items": ["x", "y"], "box": {}}),
        &options,
        &[],
    );
    assert_snapshot!(script, @r#"failed 720701013: node "End" (id 900001): more than 3 node executions: the limit of one run"#);
}

#[test]
fn cancelled_and_timed_out() {
    let given = json!({"topic": "tea"});
    let events = [
        said("130001", "one"),
        Event::Cancelled,
        said("130002", "two"),
    ];
    assert_snapshot!(play("two_models", given.clone(), &events), @r#"
    start 130001@0 tea-house Text: First about tea
    start 130002@0 tea-house Text: Second about tea
    > 130001@0 finished
    > Cancelled
    abort 130002@0
    cancelled
    > rejected: the run is over
    "#);
    assert_snapshot!(play("two_models", given, &[Event::TimedOut]), @r#"
    start 130001@0 tea-house Text: First about tea
    start 130002@0 tea-house Text: Second about tea
    > TimedOut
    abort 130001@0
    abort 130002@0
    failed 720702085: the run took too long
    "#);
    assert_eq!(code::RUN_TIMEOUT, 720_702_085);
}
