//! Model nodes: the request, the reply, retries, failures.

use coze_workflow::{Effect, Event, ModelReply, Run, RunOptions, TaskResult, Usage, code};
use insta::{assert_json_snapshot, assert_snapshot};
use serde_json::json;

use crate::play::{failed, map, plan, play, said, said_at, task};

#[test]
fn the_request() {
    let parameters = map(json!({"pic": "http://h/cat.png"}));
    let (_, effects) = Run::start(plan("json_model"), parameters, RunOptions::default());
    assert_json_snapshot!(effects, @r#"
    [
      {
        "effect": "start",
        "id": {
          "node": "130001",
          "attempt": 0
        },
        "node": {
          "id": "130001",
          "title": "See",
          "node_type": "LLM"
        },
        "kind": {
          "model": {
            "model_name": "tea-house",
            "model_type": 42,
            "system": "",
            "prompt": "What is http://h/cat.png?\n\nAnswer with one JSON object and nothing else. It must match this JSON Schema:\n{\"type\":\"object\",\"properties\":{\"name\":{\"type\":\"string\"},\"legs\":{\"type\":\"integer\"}}}",
            "history_rounds": 3,
            "temperature": 0.5,
            "top_p": null,
            "max_tokens": 100,
            "response_format": "json",
            "schema": {
              "type": "object",
              "properties": {
                "name": {
                  "type": "string"
                },
                "legs": {
                  "type": "integer"
                }
              }
            },
            "attachments": [
              {
                "input": "pic",
                "kind": "image",
                "url": "http://h/cat.png"
              }
            ],
            "stream": false
          }
        }
      }
    ]
    "#);
}

#[test]
fn a_json_reply() {
    let reply = ModelReply {
        text: "```json\n{\"name\": \"cat\", \"legs\": \"4\", \"tail\": true}\n```".into(),
        reasoning: Some("it has a tail".into()),
        usage: Usage {
            input: 3,
            output: 4,
        },
    };
    let event = Event::TaskFinished {
        task: task("130001", 0),
        result: TaskResult::Model(reply),
    };
    assert_snapshot!(tail("json_model", &[event]), @r#"
    > 130001@0 finished
    message 900001 #0 "{\"name\":\"cat\",\"legs\":4,\"why\":\"it has a tail\"}" finished end 3+4 tokens
    success variables {"name":"cat","legs":4,"why":"it has a tail"} 3+4 tokens
    "#);
}

#[test]
fn a_reply_that_is_not_json() {
    assert_snapshot!(tail("json_model", &[said("130001", "It is a cat.")]), @r#"
    > 130001@0 finished
    warn 130001 777777773: the model did not answer with a JSON object
    message 900001 #0 "{\"name\":\"\",\"legs\":0,\"why\":\"\"}" finished end 10+5 tokens
    success variables {"name":"","legs":0,"why":""} 10+5 tokens
    "#);
    assert_snapshot!(tail("json_model", &[said("130001", r#"{"name": "cat", "legs": "four"}"#)]), @r#"
    > 130001@0 finished
    warn 130001 720712023: `answer.legs` must be an integer, not "four"
    message 900001 #0 "{\"name\":\"cat\",\"legs\":0,\"why\":\"\"}" finished end 10+5 tokens
    success variables {"name":"cat","legs":0,"why":""} 10+5 tokens
    "#);
}

#[test]
fn a_retry_uses_the_backup_model() {
    let events = [
        failed("130001", 0, 500),
        said("130001", "late"),
        said_at("130001", 1, r#"{"name":"Ada","age":36}"#),
    ];
    assert_snapshot!(play("default_outputs", json!({"q": "Ada"}), &events), @r#"
    start 130001@0 tea-house Json within 500 ms: Who is Ada?

    Answer with one JSON object and nothing else. It must match this JSON Schema:
    {"type":"object","properties":{"name":{"type":"string"},"age":{"type":"integer","description":"in years"}}}
    > 130001@0 failed with 500
    start 130001@1 spare Json within 500 ms: Who is Ada?

    Answer with one JSON object and nothing else. It must match this JSON Schema:
    {"type":"object","properties":{"name":{"type":"string"},"age":{"type":"integer","description":"in years"}}}
    > rejected: nobody waits for task 130001@0
    > 130001@1 finished
    message 900001 #0 "{\"name\":\"Ada\",\"age\":36,\"ok\":true,\"code\":\"\"}" finished end 10+5 tokens
    success variables {"name":"Ada","age":36,"ok":true,"code":""} 10+5 tokens
    "#);
}

#[test]
fn default_outputs_after_the_last_retry() {
    let events = [failed("130001", 0, 500), failed("130001", 1, 501)];
    assert_snapshot!(tail("default_outputs", &events), @r#"
    > 130001@0 failed with 500
    start 130001@1 spare Json within 500 ms: Who is Ada?

    Answer with one JSON object and nothing else. It must match this JSON Schema:
    {"type":"object","properties":{"name":{"type":"string"},"age":{"type":"integer","description":"in years"}}}
    > 130001@1 failed with 501
    message 900001 #0 "{\"name\":\"nobody\",\"age\":7,\"ok\":false,\"code\":\"501\"}" finished end 0+0 tokens
    success variables {"name":"nobody","age":7,"ok":false,"code":"501"} 0+0 tokens
    "#);
    // The time is used up for all attempts.
    assert_snapshot!(tail("default_outputs", &[failed("130001", 0, code::NODE_TIMEOUT)]), @r#"
    > 130001@0 failed with 777777776
    message 900001 #0 "{\"name\":\"nobody\",\"age\":7,\"ok\":false,\"code\":\"777777776\"}" finished end 0+0 tokens
    success variables {"name":"nobody","age":7,"ok":false,"code":"777777776"} 0+0 tokens
    "#);
}

#[test]
fn the_error_branch() {
    assert_snapshot!(tail("error_branch", &[failed("130001", 0, 500)]), @r#"
    > 130001@0 failed with 500
    message 900001 #0 "sorry: the model is away" finished end 0+0 tokens
    success answer {"output":"sorry: the model is away"} 0+0 tokens
    "#);
    assert_snapshot!(tail("error_branch", &[said("130001", "yes")]), @r#"
    > 130001@0 finished
    message 900001 #0 "said yes" finished end 10+5 tokens
    success answer {"output":"said yes"} 10+5 tokens
    "#);
}

#[test]
fn a_failure_fails_the_run_and_gives_up_the_rest() {
    assert_snapshot!(tail("two_models", &[failed("130001", 0, 500)]), @r#"
    > 130001@0 failed with 500
    abort 130002@0
    failed 500: node "First" (id 130001): the model is away
    "#);
}

#[test]
fn a_result_of_the_wrong_kind() {
    let result = TaskResult::Value { value: json!(1) };
    let event = Event::TaskFinished {
        task: task("130001", 0),
        result,
    };
    assert_snapshot!(tail("two_models", &[event]), @r#"
    > 130001@0 finished
    abort 130002@0
    failed 720701013: node "First" (id 130001): a result of another kind of task arrived
    "#);
}

#[test]
fn effects_of_other_crates_can_be_matched() {
    let (_, effects) = Run::start(plan("two_models"), map(json!({})), RunOptions::default());
    assert!(matches!(
        effects.as_slice(),
        [Effect::Start(_), Effect::Start(_)]
    ));
}

/// What comes after the first event.
fn tail(name: &str, events: &[Event]) -> String {
    let script = play(
        name,
        json!({"q": "Ada", "pic": "http://h/p", "topic": "tea"}),
        events,
    );
    let lines: Vec<_> = script
        .lines()
        .skip_while(|line| !line.starts_with('>'))
        .collect();
    lines.join("\n")
}

#[test]
fn runs_and_plans_move_between_threads() {
    fn is_send_and_sync<T: Send + Sync>() {}
    is_send_and_sync::<coze_workflow::Plan>();
    is_send_and_sync::<Run>();
    is_send_and_sync::<Effect>();
}

/// What the author gave to the model is handed on; what is looked up is the prompt without the
/// instructions for the form of the answer.
#[test]
fn skills() {
    let mut canvas: serde_json::Value =
        serde_json::from_str(&crate::play::canvas("json_model")).expect("JSON");
    let nodes = canvas["nodes"].as_array_mut().expect("nodes");
    let model = nodes.iter_mut().find(|node| node["id"] == "130001");
    model.expect("the model")["data"]["inputs"]["fcParam"] = json!({
        "workflowFCParam": {"workflowList": [{"workflow_id": "11", "workflow_version": "", "is_draft": true}]},
        "pluginFCParam": {"pluginList": [{"plugin_id": "21", "api_id": "22", "api_name": "find"}]},
        "knowledgeFCParam": {
            "global_setting": {"search_mode": 20, "top_k": 4, "min_score": 0.25},
            "knowledgeList": [{"id": "31"}, {"id": "32"}],
        },
    });
    let (plan, diagnostics) = coze_workflow::parse(canvas.to_string()).expect("a canvas");
    assert!(diagnostics.is_empty(), "{diagnostics:?}");
    let parameters = map(json!({"pic": "http://h/cat.png"}));
    let (_, effects) = Run::start(std::sync::Arc::new(plan), parameters, RunOptions::default());
    let [Effect::Start(started)] = effects.as_slice() else {
        panic!("{effects:?}")
    };
    let coze_workflow::TaskKind::Model(request) = &started.kind else {
        panic!("{started:?}")
    };
    assert_json_snapshot!(request.skills, @r#"
    {
      "workflows": [
        "11"
      ],
      "plugins": [
        {
          "plugin": "21",
          "tool": "22",
          "name": "find"
        }
      ],
      "knowledge": {
        "query": "What is http://h/cat.png?",
        "datasets": [
          "31",
          "32"
        ],
        "top_k": 4,
        "min_score": 0.25,
        "strategy": 20
      }
    }
    "#);
}
