//! Text that is shown while it is produced.

use coze_workflow::{Event, ModelReply, TaskResult, Usage};
use insta::assert_snapshot;
use serde_json::json;

use crate::play::{broke_off, delta, failed, plan, play, play_with, said, streaming, task};

fn stream(events: &[Event]) -> String {
    play_with(
        &plan("two_models"),
        json!({"topic": "tea"}),
        &streaming(),
        events,
    )
}

#[test]
fn in_the_order_of_the_template() {
    let events = [
        delta("130002", "be"),
        delta("130001", "al"),
        delta("130001", "pha"),
        delta("130002", "ta"),
        said("130001", "alpha"),
        delta("130002", "!"),
        said("130002", "beta!"),
    ];
    assert_snapshot!(stream(&events), @r#"
    start 130001@0 tea-house Text streaming: First about tea
    start 130002@0 tea-house Text streaming: Second about tea
    message 140001 #0 "A: "
    > 130002@0 says "be"
    > 130001@0 says "al"
    message 140001 #1 "al"
    > 130001@0 says "pha"
    message 140001 #2 "pha"
    > 130002@0 says "ta"
    > 130001@0 finished
    message 140001 #3 " | B: beta"
    > 130002@0 says "!"
    message 140001 #4 "!"
    > 130002@0 finished
    message 140001 #5 "." finished
    message 900001 #0 "beta!{{gone}}" finished end 20+10 tokens
    success answer {"output":"beta!{{gone}}"} 20+10 tokens
    "#);
}

#[test]
fn the_second_placeholder_may_be_complete_first() {
    let events = [
        delta("130001", "al"),
        said("130002", "beta"),
        delta("130001", "pha"),
        said("130001", "alpha"),
    ];
    assert_snapshot!(stream(&events), @r#"
    start 130001@0 tea-house Text streaming: First about tea
    start 130002@0 tea-house Text streaming: Second about tea
    message 140001 #0 "A: "
    > 130001@0 says "al"
    message 140001 #1 "al"
    > 130002@0 finished
    > 130001@0 says "pha"
    message 140001 #2 "pha"
    > 130001@0 finished
    message 140001 #3 " | B: beta." finished
    message 900001 #0 "beta{{gone}}" finished end 20+10 tokens
    success answer {"output":"beta{{gone}}"} 20+10 tokens
    "#);
}

#[test]
fn a_model_that_does_not_stream_loses_nothing() {
    assert_snapshot!(stream(&[said("130001", "alpha"), said("130002", "beta")]), @r#"
    start 130001@0 tea-house Text streaming: First about tea
    start 130002@0 tea-house Text streaming: Second about tea
    message 140001 #0 "A: "
    > 130001@0 finished
    message 140001 #1 "alpha | B: "
    > 130002@0 finished
    message 140001 #2 "beta." finished
    message 900001 #0 "beta{{gone}}" finished end 20+10 tokens
    success answer {"output":"beta{{gone}}"} 20+10 tokens
    "#);
}

#[test]
fn the_rest_of_a_text_comes_with_its_end() {
    let events = [
        delta("130001", "al"),
        said("130001", "alpha"),
        delta("130002", "b"),
        said("130002", "beta"),
    ];
    assert_snapshot!(stream(&events), @r#"
    start 130001@0 tea-house Text streaming: First about tea
    start 130002@0 tea-house Text streaming: Second about tea
    message 140001 #0 "A: "
    > 130001@0 says "al"
    message 140001 #1 "al"
    > 130001@0 finished
    message 140001 #2 "pha | B: "
    > 130002@0 says "b"
    message 140001 #3 "b"
    > 130002@0 finished
    message 140001 #4 "eta." finished
    message 900001 #0 "beta{{gone}}" finished end 20+10 tokens
    success answer {"output":"beta{{gone}}"} 20+10 tokens
    "#);
}

#[test]
fn what_was_shown_stays() {
    let events = [
        delta("130001", "alx"),
        said("130001", "alpha"),
        said("130002", "beta"),
    ];
    assert_snapshot!(stream(&events), @r#"
    start 130001@0 tea-house Text streaming: First about tea
    start 130002@0 tea-house Text streaming: Second about tea
    message 140001 #0 "A: "
    > 130001@0 says "alx"
    message 140001 #1 "alx"
    > 130001@0 finished
    warn 140001 720712023: the streamed text is not how the whole text begins; what was shown stays
    message 140001 #2 " | B: "
    > 130002@0 finished
    message 140001 #3 "beta." finished
    message 900001 #0 "beta{{gone}}" finished end 20+10 tokens
    success answer {"output":"beta{{gone}}"} 20+10 tokens
    "#);
}

#[test]
fn one_message_without_streaming() {
    let events = [
        delta("130001", "al"),
        said("130001", "alpha"),
        said("130002", "beta"),
    ];
    assert_snapshot!(play("two_models", json!({"topic": "tea"}), &events), @r#"
    start 130001@0 tea-house Text: First about tea
    start 130002@0 tea-house Text: Second about tea
    > 130001@0 says "al"
    > 130001@0 finished
    > 130002@0 finished
    message 140001 #0 "A: alpha | B: beta." finished
    message 900001 #0 "beta{{gone}}" finished end 20+10 tokens
    success answer {"output":"beta{{gone}}"} 20+10 tokens
    "#);
}

#[test]
fn a_failure_ends_the_stream() {
    assert_snapshot!(stream(&[delta("130001", "al"), failed("130001", 0, 500)]), @r#"
    start 130001@0 tea-house Text streaming: First about tea
    start 130002@0 tea-house Text streaming: Second about tea
    message 140001 #0 "A: "
    > 130001@0 says "al"
    message 140001 #1 "al"
    > 130001@0 failed with 500
    abort 130002@0
    failed 500: node "First" (id 130001): the model is away
    "#);
}

#[test]
fn nothing_streams_from_a_node_that_may_take_another_way() {
    let options = streaming();
    let script = play_with(&plan("error_branch"), json!({"q": "why"}), &options, &[]);
    assert!(!script.contains("streaming"), "{script}");
}

#[test]
fn an_answer_that_streams_ends_with_an_empty_piece() {
    let play =
        |events: &[Event]| play_with(&plan("answer"), json!({"q": "why"}), &streaming(), events);
    let events = [
        delta("130001", "be"),
        delta("130001", "cause"),
        said("130001", "because"),
    ];
    assert_snapshot!(play(&events), @r#"
    start 130001@0 tea-house Text streaming: why
    > 130001@0 says "be"
    message 900001 #0 "be" end
    > 130001@0 says "cause"
    message 900001 #1 "cause" end
    > 130001@0 finished
    message 900001 #2 "" finished end 10+5 tokens
    success answer {"output":"because"} 10+5 tokens
    "#);
    // Nothing said is no message at all.
    assert_snapshot!(play(&[said("130001", "")]), @r#"
    start 130001@0 tea-house Text streaming: why
    > 130001@0 finished
    success answer {"output":""} 10+5 tokens
    "#);
    // What nobody has seen may be tried again; what somebody has seen may not.
    assert_snapshot!(play(&[failed("130001", 0, 500)]), @r#"
    start 130001@0 tea-house Text streaming: why
    > 130001@0 failed with 500
    start 130001@1 tea-house Text streaming: why
    "#);
    assert_snapshot!(play(&[delta("130001", "be"), broke_off("130001", 500)]), @r#"
    start 130001@0 tea-house Text streaming: why
    > 130001@0 says "be"
    message 900001 #0 "be" end
    > 130001@0 failed with 500
    failed 500: node "Say" (id 130001): the model broke off
    "#);
}

#[test]
fn only_the_text_itself_streams() {
    let reply = ModelReply {
        text: "rain".into(),
        reasoning: Some("clouds".into()),
        usage: Usage::default(),
    };
    let result = TaskResult::Model(reply);
    let events = [
        delta("130001", "ra"),
        Event::TaskFinished {
            task: task("130001", 0),
            result,
        },
    ];
    assert_snapshot!(play_with(&plan("reasoning"), json!({"q": "why"}), &streaming(), &events), @r#"
    start 130001@0 tea-house Text streaming: why
    > 130001@0 says "ra"
    > 130001@0 finished
    message 900001 #0 "clouds, so rain" finished end 0+0 tokens
    success answer {"output":"clouds, so rain"} 0+0 tokens
    "#);
}
