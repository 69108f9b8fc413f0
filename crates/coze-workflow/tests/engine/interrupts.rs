//! Questions: asked one at a time, answered, remembered.

use std::sync::Arc;

use coze_workflow::{Effect, Event, Rejected, Run, RunOptions};
use insta::{assert_json_snapshot, assert_snapshot};
use serde_json::json;

use crate::play::{answered, delta, map, plan, play, play_with, said, streaming};

#[test]
fn asked_one_at_a_time_when_all_work_has_ended() {
    let events = [
        answered("1", "too early"),
        said("130001", "hi"),
        answered("2", "not this one yet"),
        answered("1", "Ada"),
        answered("2", "no form"),
        answered("2", r#"{"drink":"tea","cups":"2","more":1}"#),
    ];
    assert_snapshot!(play("questions", json!({"greeting": "Hello"}), &events), @r#"
    start 130001@0 tea-house Text: Say Hello
    > rejected: no question with the id "1" is open
    > 130001@0 finished
    message 150001 #0 "{\"messages\":[{\"type\":\"question\",\"content_type\":\"text\",\"content\":\"Hello, your name?\",\"id\":\"150001_0\"}]}" finished interrupt
    interrupt 1 from 150001: "Hello, your name?" []
    > rejected: no question with the id "2" is open
    > answer 1: Ada
    message 150002 #0 "{\"content\":\"[{\\\"name\\\": \\\"drink\\\", \\\"type\\\": \\\"string\\\", \\\"required\\\": true}, {\\\"name\\\": \\\"cups\\\", \\\"type\\\": \\\"integer\\\", \\\"required\\\": false}, {\\\"name\\\": \\\"notes\\\", \\\"type\\\": \\\"list\\\", \\\"schema\\\": {\\\"type\\\": \\\"string\\\"}}]\",\"content_type\":\"form_schema\"}" finished interrupt
    interrupt 2 from 150002: form ["drink", "cups", "notes"]
    > rejected: the answer cannot be used: the answer must be a JSON object or name:value lines
    > answer 2: {"drink":"tea","cups":"2","more":1}
    message 900001 #0 "{\"name\":\"Ada\",\"drink\":\"tea\",\"cups\":2,\"said\":\"<hi>\"}" finished end 10+5 tokens
    success variables {"name":"Ada","drink":"tea","cups":2,"said":"<hi>"} 10+5 tokens
    "#);
}

#[test]
fn an_answer_in_lines() {
    let events = [
        said("130001", "hi"),
        answered("1", "Ada"),
        answered("2", "drink: tea\ncups: many"),
    ];
    let script = play("questions", json!({"greeting": "Hello"}), &events);
    let tail: Vec<_> = script.lines().rev().take(3).collect();
    assert_snapshot!(tail.join("\n"), @r#"
    success variables {"name":"Ada","drink":"tea","cups":0,"said":"<hi>"} 10+5 tokens
    message 900001 #0 "{\"name\":\"Ada\",\"drink\":\"tea\",\"cups\":0,\"said\":\"<hi>\"}" finished end 10+5 tokens
    warn 150002 720712023: `cups` must be an integer, not "many"
    "#);
}

#[test]
fn static_and_dynamic_options() {
    let kinds = json!({"kinds": ["green", "black"]});
    assert_snapshot!(play("options", kinds.clone(), &[answered("1", "large"), answered("2", "black")]), @r#"
    message 150001 #0 "{\"messages\":[{\"type\":\"question\",\"content_type\":\"option\",\"content\":{\"options\":[{\"name\":\"small\"},{\"name\":\"large\"}],\"question\":\"Which size?\"},\"id\":\"150001_0\"}]}" finished interrupt
    interrupt 1 from 150001: "Which size?" ["small", "large"]
    > answer 1: large
    message 150002 #0 "{\"messages\":[{\"type\":\"question\",\"content_type\":\"option\",\"content\":{\"options\":[{\"name\":\"green\"},{\"name\":\"black\"}],\"question\":\"Which kind?\"},\"id\":\"150002_0\"}]}" finished interrupt
    interrupt 2 from 150002: "Which kind?" ["green", "black"]
    > answer 2: black
    message 900001 #0 "a little black (B)" finished end 0+0 tokens
    success answer {"output":"a little black (B)"} 0+0 tokens
    "#);
    assert_snapshot!(play("options", kinds.clone(), &[answered("1", "small"), answered("2", "red")]), @r#"
    message 150001 #0 "{\"messages\":[{\"type\":\"question\",\"content_type\":\"option\",\"content\":{\"options\":[{\"name\":\"small\"},{\"name\":\"large\"}],\"question\":\"Which size?\"},\"id\":\"150001_0\"}]}" finished interrupt
    interrupt 1 from 150001: "Which size?" ["small", "large"]
    > answer 1: small
    message 150002 #0 "{\"messages\":[{\"type\":\"question\",\"content_type\":\"option\",\"content\":{\"options\":[{\"name\":\"green\"},{\"name\":\"black\"}],\"question\":\"Which kind?\"},\"id\":\"150002_0\"}]}" finished interrupt
    interrupt 2 from 150002: "Which kind?" ["green", "black"]
    > answer 2: red
    message 900001 #0 "no tea (A)" finished end 0+0 tokens
    success answer {"output":"no tea (A)"} 0+0 tokens
    "#);
    assert_snapshot!(play("options", kinds, &[answered("1", "huge")]), @r#"
    message 150001 #0 "{\"messages\":[{\"type\":\"question\",\"content_type\":\"option\",\"content\":{\"options\":[{\"name\":\"small\"},{\"name\":\"large\"}],\"question\":\"Which size?\"},\"id\":\"150001_0\"}]}" finished interrupt
    interrupt 1 from 150001: "Which size?" ["small", "large"]
    > answer 1: huge
    message 900001 #0 "no tea (other)" finished end 0+0 tokens
    success answer {"output":"no tea (other)"} 0+0 tokens
    "#);
    assert_snapshot!(play("options", json!({"kinds": []}), &[answered("1", "small")]), @r#"
    message 150001 #0 "{\"messages\":[{\"type\":\"question\",\"content_type\":\"option\",\"content\":{\"options\":[{\"name\":\"small\"},{\"name\":\"large\"}],\"question\":\"Which size?\"},\"id\":\"150001_0\"}]}" finished interrupt
    interrupt 1 from 150001: "Which size?" ["small", "large"]
    > answer 1: small
    failed 720712049: node "Kind" (id 150002): there are no options to offer
    "#);
}

#[test]
fn cancelled_while_asking() {
    let events = [said("130001", "hi"), Event::Cancelled, answered("1", "Ada")];
    let script = play("questions", json!({"greeting": "Hello"}), &events);
    let tail: Vec<_> = script
        .lines()
        .skip_while(|line| !line.contains("Cancelled"))
        .collect();
    assert_snapshot!(tail.join("\n"), @r#"
    > Cancelled
    cancelled
    > rejected: the run is over
    "#);
}

#[test]
fn the_payloads() {
    let parameters = map(json!({"greeting": "Hello"}));
    let journal = [said("130001", "hi"), answered("1", "Ada")];
    let form = Run::replay(
        plan("questions"),
        parameters,
        RunOptions::default(),
        &journal,
    )
    .expect("the journal fits")
    .0;
    let form = form.interrupt().expect("the form");
    assert_json_snapshot!(json!({
        "kind": form.kind(), "data": form.data(), "required_parameters": form.required_parameters(),
    }), @r#"
    {
      "kind": 5,
      "data": "{\"content\":\"[{\\\"name\\\": \\\"drink\\\", \\\"type\\\": \\\"string\\\", \\\"required\\\": true}, {\\\"name\\\": \\\"cups\\\", \\\"type\\\": \\\"integer\\\", \\\"required\\\": false}, {\\\"name\\\": \\\"notes\\\", \\\"type\\\": \\\"list\\\", \\\"schema\\\": {\\\"type\\\": \\\"string\\\"}}]\",\"content_type\":\"form_schema\"}",
      "required_parameters": {
        "drink": {
          "type": "string",
          "required": true
        },
        "cups": {
          "type": "integer",
          "required": false
        },
        "notes": {
          "type": "array",
          "items": {
            "type": "string"
          },
          "required": false
        }
      }
    }
    "#);
    let (run, effects) = Run::start(
        plan("options"),
        map(json!({"kinds": ["x"]})),
        RunOptions::default(),
    );
    let options = run.interrupt().expect("the options");
    assert_eq!(effects.last(), Some(&Effect::Interrupt(options.clone())));
    assert_json_snapshot!(json!({
        "kind": options.kind(), "data": options.data(), "required_parameters": options.required_parameters(),
    }), @r#"
    {
      "kind": 2,
      "data": "{\"messages\":[{\"type\":\"question\",\"content_type\":\"option\",\"content\":{\"options\":[{\"name\":\"small\"},{\"name\":\"large\"}],\"question\":\"Which size?\"},\"id\":\"150001_0\"}]}",
      "required_parameters": {}
    }
    "#);
}

#[test]
fn a_journal_of_another_workflow_is_refused() {
    let journal = [said("130001", "hi"), said("999", "who?")];
    let parameters = map(json!({"greeting": "Hello"}));
    let error = Run::replay(
        Arc::clone(&plan("questions")),
        parameters,
        RunOptions::default(),
        &journal,
    )
    .expect_err("a foreign event");
    assert_eq!(
        (error.index, &error.reason),
        (1, &Rejected::UnknownNode("999".into()))
    );
    assert_snapshot!(error, @"event 1 of the journal does not fit the workflow: the workflow has no node 999");
}

#[test]
fn while_a_question_is_open_nothing_new_begins() {
    let events = [
        delta("130001", "hm"),
        said("130001", "hmm"),
        answered("1", "yes"),
    ];
    let script = play_with(&plan("held"), json!({"q": "why"}), &streaming(), &events);
    assert_snapshot!(script, @r#"
    start 130001@0 tea-house Text streaming: why
    > 130001@0 says "hm"
    > 130001@0 finished
    message 150001 #0 "{\"messages\":[{\"type\":\"question\",\"content_type\":\"text\",\"content\":\"Sure?\",\"id\":\"150001_0\"}]}" finished interrupt
    interrupt 1 from 150001: "Sure?" []
    > answer 1: yes
    message 140001 #0 "thought: hmm" finished
    message 140002 #0 "heard: yes" finished
    message 900001 #0 "{}" finished end 10+5 tokens
    success variables {} 10+5 tokens
    "#);
}
