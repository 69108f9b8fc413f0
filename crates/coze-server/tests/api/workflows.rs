//! Workflow runs: parameters, questions, histories, chatflows.

use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::{Api, Reply, frames, names, text, within};
use crate::space::{
    ASK_MODEL, BROKEN, CHATFLOW, CHATFLOW_TRIP, COUNT, DEMO_BOT, FOUR_QUESTIONS, GREET, TRIP,
    message, run,
};

async fn start(api: &Api, workflow: &str, parameters: &Value) -> Reply {
    api.post("/v1/workflow/run", run(workflow, parameters))
        .await
}

async fn resume(api: &Api, workflow: &str, event: &Value, data: &str) -> Reply {
    let body = json!({
        "workflow_id": workflow, "event_id": event["event_id"], "resume_data": data, "interrupt_type": 2,
    });
    api.post("/v1/workflows/resume", body).await
}

#[tokio::test]
async fn parameters_are_converted_or_named() {
    let api = Api::start().await;
    for (parameters, output) in [
        (json!({"number": 3, "flag": true}), "3 pieces"),
        (json!({"number": "3", "flag": "true"}), "3 pieces"),
        (json!({"number": 3, "flag": false, "more": {}}), "3 pieces"),
        // A null counts as given; in a text it is nothing of its type.
        (json!({"number": null, "flag": true}), "0 pieces"),
        (json!("{\"number\": 4, \"flag\": true}"), "4 pieces"),
    ] {
        let reply = start(&api, COUNT, &parameters).await;
        assert_eq!(reply.code(), 0, "{}", reply.text);
        assert_eq!(
            reply.json["data"],
            json!({"output": output}).to_string(),
            "{parameters}"
        );
    }
    for (parameters, name) in [
        (json!({}), "number"),
        (json!({"number": 3}), "flag"),
        (json!({"number": "three", "flag": true}), "number"),
        (json!({"number": {}, "flag": true}), "number"),
        (json!({"number": 3, "flag": "perhaps"}), "flag"),
        (Value::Null, "number"),
    ] {
        let reply = start(&api, COUNT, &parameters).await;
        assert_eq!(
            (reply.http, reply.code()),
            (200, 4000),
            "{parameters}: {}",
            reply.text
        );
        assert!(reply.msg().contains(name), "{parameters}: {}", reply.msg());
        let url = text(&reply.json["debug_url"]);
        let path = url.strip_prefix(api.url()).unwrap();
        assert_eq!(api.get(path).await.data()[0]["execute_status"], "Fail");
    }
}

#[tokio::test]
async fn a_node_that_cannot_be_run_is_named() {
    let api = Api::start().await;
    let reply = start(&api, BROKEN, &json!({})).await;
    assert_ne!(reply.code(), 0);
    for part in ["Mystery", "110001", "plugin"] {
        assert!(reply.msg().contains(part), "{part}: {}", reply.msg());
    }
    let path = text(&reply.json["debug_url"])
        .strip_prefix(api.url())
        .unwrap()
        .to_owned();
    let history = api.get(&path).await;
    assert_eq!(history.data()[0]["error_message"], *reply.msg());
    assert_eq!(history.data()[0]["error_code"], reply.code().to_string());
}

#[tokio::test]
async fn a_failing_model_fails_the_run() {
    let api = Api::start().await;
    let reply = start(&api, ASK_MODEL, &json!({"input": "half then fail"})).await;
    assert_eq!(reply.code(), 4013, "{}", reply.text);
    for part in ["Model", "no more today"] {
        assert!(reply.msg().contains(part), "{}", reply.msg());
    }
    let stream = api
        .stream(
            "/v1/workflow/stream_run",
            run(ASK_MODEL, &json!({"input": "fail"})),
        )
        .await;
    let last = frames(&stream).pop().unwrap();
    assert_eq!(
        (last.0.as_str(), &last.1["error_code"]),
        ("Error", &json!(5000))
    );
}

#[tokio::test]
async fn runs_in_the_background_are_found_in_the_history() {
    let api = Api::start().await;
    let body = json!({"workflow_id": ASK_MODEL, "parameters": {"input": "slow"}, "is_async": true,
                      "bot_id": DEMO_BOT, "ext": {"user_id": "ada"}});
    let reply = api.post("/v1/workflow/run", body).await;
    assert_eq!(reply.code(), 0);
    assert!(reply.json.get("data").is_none(), "{}", reply.text);
    let id = text(&reply.json["execute_id"]);
    let path = format!("/v1/workflows/{ASK_MODEL}/run_histories/{id}");
    assert_eq!(api.get(&path).await.data()[0]["execute_status"], "Running");
    let history = within(async {
        loop {
            let history = api.get(&path).await.data()[0].clone();
            if history["execute_status"] != "Running" {
                return history;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
    for (field, expected) in [
        ("execute_status", json!("Success")),
        ("run_mode", json!(2)),
        ("bot_id", json!(DEMO_BOT)),
        ("connector_id", json!("1024")),
        ("connector_uid", json!("ada")),
        ("logid", json!(reply.log_id)),
        ("error_code", json!("")),
    ] {
        assert_eq!(history[field], expected, "{field}");
    }
    let output: Value = serde_json::from_str(history["output"].as_str().unwrap()).unwrap();
    assert!(
        output["Output"]
            .as_str()
            .unwrap()
            .contains("Answer: one two three"),
        "{output}"
    );
    for path in [
        format!("/v1/workflows/{GREET}/run_histories/{id}"),
        format!("/v1/workflows/{ASK_MODEL}/run_histories/1"),
        format!("/v1/workflows/{ASK_MODEL}/run_histories/{id}/execute_nodes/1"),
        format!("/v1/workflows/{GREET}/run_histories/{id}/execute_nodes/1"),
        "/v1/workflows/1".to_owned(),
    ] {
        assert_eq!(api.get(&path).await.code(), 4200, "{path}");
    }
}

#[tokio::test]
async fn an_answer_counts_once() {
    let api = Api::start().await;
    let waiting = start(&api, TRIP, &json!({"name": "Ada"})).await;
    assert!(waiting.json.get("data").is_none(), "{}", waiting.text);
    let event = &waiting.json["interrupt_data"];
    assert_eq!(event["type"], 2);
    // Wrong ones change nothing.
    for (workflow, event_id, kind, field) in [
        (GREET, event["event_id"].clone(), json!(2), "workflow_id"),
        (TRIP, json!("1/2"), json!(2), "event_id"),
        (TRIP, json!("nonsense"), json!(2), "event_id"),
        (TRIP, json!(""), json!(2), "event_id"),
        (
            TRIP,
            json!(format!("{}9", text(&event["event_id"]))),
            json!(2),
            "event_id",
        ),
        (TRIP, event["event_id"].clone(), json!(5), "interrupt_type"),
        (
            TRIP,
            event["event_id"].clone(),
            json!("x"),
            "interrupt_type",
        ),
    ] {
        let body = json!({"workflow_id": workflow, "event_id": event_id, "resume_data": "Oslo", "interrupt_type": kind});
        let reply = api.post("/v1/workflows/resume", body.clone()).await;
        assert_eq!(reply.code(), 4000, "{body}: {}", reply.text);
        assert!(reply.msg().contains(field), "{body}: {}", reply.msg());
        assert_eq!(
            api.post("/v1/workflow/stream_resume", body).await.code(),
            4000
        );
    }
    let done = resume(&api, TRIP, event, "Oslo").await;
    assert_eq!(
        done.json["data"],
        json!({"output": "Ada goes to Oslo"}).to_string()
    );
    assert_eq!(done.json["execute_id"], waiting.json["execute_id"]);
    let again = resume(&api, TRIP, event, "Rome").await;
    assert_eq!(again.code(), 4000);
    assert!(again.msg().contains("event_id"), "{}", again.msg());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_ten_answers_at_once_one_counts() {
    let api = Api::start().await;
    let waiting = start(&api, TRIP, &json!({"name": "Ada"})).await;
    let event = &waiting.json["interrupt_data"];
    let cities: Vec<_> = (0..10).map(|it| format!("city {it}")).collect();
    let answers = cities.iter().map(|city| resume(&api, TRIP, event, city));
    let replies = futures_util::future::join_all(answers).await;
    let won: Vec<_> = replies
        .iter()
        .zip(&cities)
        .filter(|(it, _)| it.code() == 0)
        .collect();
    assert_eq!(won.len(), 1);
    let expected = json!({"output": format!("Ada goes to {}", won[0].1)}).to_string();
    assert_eq!(won[0].0.json["data"], expected);
    assert!(replies.iter().all(|it| [0, 4000].contains(&it.code())));
}

#[tokio::test]
async fn a_run_is_resumed_three_times_at_most() {
    let api = Api::start().await;
    let mut reply = start(&api, FOUR_QUESTIONS, &json!({})).await;
    for _ in 0..3 {
        let event = reply.json["interrupt_data"].clone();
        assert!(event.is_object(), "{}", reply.text);
        reply = resume(&api, FOUR_QUESTIONS, &event, "x").await;
        assert_eq!(reply.code(), 0, "{}", reply.text);
    }
    let event = reply.json["interrupt_data"].clone();
    let refused = resume(&api, FOUR_QUESTIONS, &event, "x").await;
    assert_eq!(refused.code(), 4000, "{}", refused.text);
    assert!(refused.msg().contains("3 times"), "{}", refused.msg());
}

/// The answers of a chatflow's stream.
fn answers(stream: &str) -> Vec<String> {
    let completed = frames(stream)
        .into_iter()
        .filter(|it| it.0 == "conversation.message.completed");
    completed
        .filter(|it| it.1["type"] == "answer")
        .map(|it| text(&it.1["content"]))
        .collect()
}

#[tokio::test]
async fn the_next_message_answers_a_chatflow() {
    let api = Api::start().await;
    let conversation = api.conversation().await;
    let say = |text: &str| {
        let body = json!({"workflow_id": CHATFLOW_TRIP, "conversation_id": conversation,
                          "additional_messages": [message(text)]});
        api.stream("/v1/workflows/chat", body)
    };
    let first = say("lunch").await;
    assert_eq!(answers(&first), ["Which city after lunch?"]);
    assert!(
        names(&first).contains(&"conversation.chat.requires_action".to_owned()),
        "{first}"
    );
    assert_eq!(answers(&say("Oslo").await), ["Going to Oslo"]);
    // Then it begins anew.
    assert_eq!(answers(&say("dinner").await), ["Which city after dinner?"]);
    assert_eq!(answers(&say("Rome").await), ["Going to Rome"]);
    assert_eq!(
        api.contents(&conversation).await,
        [
            "lunch",
            "Which city after lunch?",
            "Oslo",
            "Going to Oslo",
            "dinner",
            "Which city after dinner?",
            "Rome",
            "Going to Rome"
        ]
    );
}

#[tokio::test]
async fn a_chatflow_occupies_its_conversation_and_can_be_cancelled() {
    let api = Api::start().await;
    let conversation = api.conversation().await;
    let body = json!({"workflow_id": CHATFLOW, "conversation_id": conversation,
                      "additional_messages": [message("hang")]});
    let mut stream = api.open("/v1/workflows/chat", body.clone()).await;
    let (_, chat) = stream.ids().await;
    assert_eq!(api.create(&conversation, "hello").await.code(), 4016);
    assert_eq!(
        api.post("/v1/workflows/chat", body.clone()).await.code(),
        4016
    );
    assert_eq!(
        api.cancel(&conversation, &chat).await.data()["status"],
        "canceled"
    );
    let whole = stream.rest().await;
    assert!(whole.contains("conversation.chat.canceled"), "{whole}");
    assert_eq!(
        api.retrieve(&conversation, &chat).await.data()["status"],
        "canceled"
    );
    assert_eq!(api.answer(&conversation, "hello").await, "Hi there");
}

#[tokio::test]
async fn a_chatflow_goes_on_when_its_reader_goes_away() {
    let api = Api::start().await;
    let conversation = api.conversation().await;
    let body = json!({"workflow_id": CHATFLOW, "conversation_id": conversation,
                      "additional_messages": [message("slow")]});
    let mut stream = api.open("/v1/workflows/chat", body).await;
    let (_, chat) = stream.ids().await;
    drop(stream);
    assert_eq!(api.ended(&conversation, &chat).await["status"], "completed");
    assert_eq!(api.contents(&conversation).await, ["slow", "one two three"]);
}

#[tokio::test]
async fn the_history_of_a_resumed_run_has_what_was_said_before_the_pause() {
    let yaml = format!(
        "{}  - {{ id: \"7500000000000000209\", name: noted_trip, file: noted_trip.json }}\n",
        crate::space::yaml()
    );
    let api = crate::harness::Setup::with(&yaml).start().await;
    let id = "7500000000000000209";
    let waiting = start(&api, id, &json!({})).await;
    let event = &waiting.json["interrupt_data"];
    let body = json!({"workflow_id": id, "event_id": event["event_id"],
                      "interrupt_type": event["type"], "resume_data": "Oslo"});
    assert_eq!(api.post("/v1/workflows/resume", body).await.code(), 0);
    let run = text(&waiting.json["execute_id"]);
    let path = format!("/v1/workflows/{id}/run_histories/{run}");
    let history = api.get(&path).await.data()[0].clone();
    let output: Value = serde_json::from_str(history["output"].as_str().unwrap()).unwrap();
    assert_eq!(output["Note"], "Looking around", "{output}");
    assert!(
        output["Output"].as_str().unwrap().contains("Oslo"),
        "{output}"
    );
}
