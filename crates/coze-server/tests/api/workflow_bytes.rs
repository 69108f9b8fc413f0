//! The exact bytes of workflows: runs, streams, interrupts, chatflows (reference, section 6).

use insta::assert_snapshot;
use serde_json::json;

use crate::harness::{Api, Setup, frames, normal, text};
use crate::space::{ASK_MODEL, BROKEN, CHATFLOW, CHATFLOW_TRIP, GREET, REPORT, TRIP, message, run};

#[tokio::test]
async fn runs_that_are_waited_for() {
    let api = Api::start().await;
    let steps = [
        api.post("/v1/workflow/run", run(GREET, &json!({"name": "Ada"})))
            .await,
        api.post(
            "/v1/workflow/run",
            run(ASK_MODEL, &json!({"input": "hello"})),
        )
        .await,
        api.post("/v1/workflow/run", run(TRIP, &json!({"name": "Ada"})))
            .await,
        api.post("/v1/workflow/run", run(BROKEN, &json!({}))).await,
        api.post(
            "/v1/workflow/run",
            json!({"workflow_id": GREET, "parameters": {"name": "Ada"}, "is_async": true}),
        )
        .await,
    ];
    let seen: Vec<_> = steps.into_iter().map(|it| normal(&it.text)).collect();
    assert_snapshot!(seen.join("\n"), @r#"
    {"code":0,"msg":"","data":"{\"output\":\"Hello Ada!\"}","execute_id":"<id:1>","debug_url":"<url>/v1/workflows/7500000000000000201/run_histories/<id:1>","usage":{"token_count":0,"output_count":0,"input_count":0},"token":0,"cost":"0.00000","detail":{"logid":"<logid>"}}
    {"code":0,"msg":"","data":"{\"content_type\":1,\"data\":\"Answer: Hi there\",\"type_for_model\":2}","execute_id":"<id:1>","debug_url":"<url>/v1/workflows/7500000000000000204/run_histories/<id:1>","usage":{"token_count":7,"output_count":2,"input_count":5},"token":7,"cost":"0.00000","detail":{"logid":"<logid>"}}
    {"code":0,"msg":"","execute_id":"<id:1>","debug_url":"<url>/v1/workflows/7500000000000000202/run_histories/<id:1>","interrupt_data":{"event_id":"<id:1>/1","type":2,"data":"{\"content_type\":\"text\",\"content\":\"Which city, Ada?\"}"},"detail":{"logid":"<logid>"}}
    {"code":720701013,"msg":"node \"Mystery\" (id 110001): has type 4 (plugin), which this engine does not run yet (code 720701013)","debug_url":"<url>/v1/workflows/7500000000000000203/run_histories/<id:1>","detail":{"logid":"<logid>"}}
    {"code":0,"msg":"","execute_id":"<id:1>","debug_url":"<url>/v1/workflows/7500000000000000201/run_histories/<id:1>","detail":{"logid":"<logid>"}}
    "#);
}

#[tokio::test]
async fn the_stream_of_a_run() {
    let api = Api::start().await;
    let body = run(REPORT, &json!({"topic": "rust"}));
    assert_snapshot!(normal(&api.stream("/v1/workflow/stream_run", body).await), @r#"
    id: 0
    event: Message
    data: {"content":"Working on rust","content_type":"text","node_is_finish":true,"node_seq_id":"0","node_title":"Progress note","node_id":"110001","node_type":"Message","node_execute_uuid":"<id:1>"}

    id: 1
    event: Message
    data: {"content":"{\"output\":\"Report about rust\"}","content_type":"text","node_is_finish":true,"node_seq_id":"0","node_title":"End","node_id":"900001","node_type":"End","node_execute_uuid":"<id:2>","usage":{"token_count":0,"output_count":0,"input_count":0},"token":0}

    id: 2
    event: Done
    data: {"debug_url":"<url>/v1/workflows/7500000000000000210/run_histories/<id:3>"}
    "#);
    let body = run(ASK_MODEL, &json!({"input": "hello"}));
    assert_snapshot!(normal(&api.stream("/v1/workflow/stream_run", body).await), @r#"
    id: 0
    event: Message
    data: {"content":"Answer: ","content_type":"text","node_is_finish":false,"node_seq_id":"0","node_title":"End","node_id":"900001","node_type":"End","node_execute_uuid":"<id:1>"}

    id: 1
    event: Message
    data: {"content":"Hi","content_type":"text","node_is_finish":false,"node_seq_id":"1","node_title":"End","node_id":"900001","node_type":"End","node_execute_uuid":"<id:1>"}

    id: 2
    event: Message
    data: {"content":" there","content_type":"text","node_is_finish":false,"node_seq_id":"2","node_title":"End","node_id":"900001","node_type":"End","node_execute_uuid":"<id:1>"}

    id: 3
    event: Message
    data: {"content":"","content_type":"text","node_is_finish":true,"node_seq_id":"3","node_title":"End","node_id":"900001","node_type":"End","node_execute_uuid":"<id:1>","usage":{"token_count":7,"output_count":2,"input_count":5},"token":7}

    id: 4
    event: Done
    data: {"debug_url":"<url>/v1/workflows/7500000000000000204/run_histories/<id:2>"}
    "#);
}

#[tokio::test]
async fn the_streams_of_a_question_and_of_its_answer() {
    let api = Api::start().await;
    let first = api
        .stream(
            "/v1/workflow/stream_run",
            run(TRIP, &json!({"name": "Ada"})),
        )
        .await;
    let interrupt = frames(&first)
        .into_iter()
        .find(|it| it.0 == "Interrupt")
        .unwrap()
        .1;
    let body = json!({
        "workflow_id": TRIP, "event_id": interrupt["interrupt_data"]["event_id"],
        "resume_data": "Oslo", "interrupt_type": 2,
    });
    let second = api.stream("/v1/workflow/stream_resume", body).await;
    assert_snapshot!(normal(&format!("{first}=====\n{second}")), @r#"
    id: 0
    event: Message
    data: {"content":"Which city, Ada?","content_type":"text","node_is_finish":true,"node_seq_id":"0","node_title":"Ask the city","node_id":"110001","node_type":"Question","node_execute_uuid":"<id:1>"}

    id: 1
    event: Interrupt
    data: {"interrupt_data":{"event_id":"<id:2>/1","type":2,"data":"{\"content_type\":\"text\",\"content\":\"Which city, Ada?\"}"},"node_title":"Ask the city"}

    =====
    id: 0
    event: Message
    data: {"content":"{\"output\":\"Ada goes to Oslo\"}","content_type":"text","node_is_finish":true,"node_seq_id":"0","node_title":"End","node_id":"900001","node_type":"End","node_execute_uuid":"<id:3>","usage":{"token_count":0,"output_count":0,"input_count":0},"token":0}

    id: 1
    event: Done
    data: {"debug_url":"<url>/v1/workflows/7500000000000000202/run_histories/<id:2>"}
    "#);
}

#[tokio::test]
async fn the_stream_of_a_failure() {
    let api = Api::start().await;
    let body = run(BROKEN, &json!({}));
    assert_snapshot!(normal(&api.stream("/v1/workflow/stream_run", body).await), @r#"
    id: 0
    event: Error
    data: {"error_code":720701013,"error_message":"node \"Mystery\" (id 110001): has type 4 (plugin), which this engine does not run yet (code 720701013)","debug_url":"<url>/v1/workflows/7500000000000000203/run_histories/<id:1>"}
    "#);
}

#[tokio::test]
async fn the_stream_of_a_chatflow() {
    let api = Api::start().await;
    let body = json!({"workflow_id": CHATFLOW, "additional_messages": [message("hello")]});
    assert_snapshot!(normal(&api.stream("/v1/workflows/chat", body).await), @r#"
    event: conversation.chat.created
    data: {"id":"<id:1>","conversation_id":"<id:2>","created_at":<time>,"last_error":{"code":0,"msg":""},"status":"created","usage":{"token_count":0,"output_count":0,"input_count":0},"section_id":"<id:3>"}

    event: conversation.chat.in_progress
    data: {"id":"<id:1>","conversation_id":"<id:2>","created_at":<time>,"last_error":{"code":0,"msg":""},"status":"in_progress","usage":{"token_count":0,"output_count":0,"input_count":0},"section_id":"<id:3>"}

    event: conversation.message.delta
    data: {"id":"<id:4>","conversation_id":"<id:2>","role":"assistant","type":"answer","content":"Hi","content_type":"text","chat_id":"<id:1>","section_id":"<id:3>","created_at":<time>,"updated_at":<time>}

    event: conversation.message.delta
    data: {"id":"<id:4>","conversation_id":"<id:2>","role":"assistant","type":"answer","content":" there","content_type":"text","chat_id":"<id:1>","section_id":"<id:3>","created_at":<time>,"updated_at":<time>}

    event: conversation.message.completed
    data: {"id":"<id:4>","conversation_id":"<id:2>","role":"assistant","type":"answer","content":"Hi there","content_type":"text","chat_id":"<id:1>","section_id":"<id:3>","created_at":<time>,"updated_at":<time>}

    event: conversation.message.completed
    data: {"id":"<id:5>","conversation_id":"<id:2>","role":"assistant","type":"verbose","content":"{\"msg_type\":\"generate_answer_finish\",\"data\":\"{\\\"finish_reason\\\":0,\\\"FinData\\\":\\\"\\\"}\",\"from_module\":null,\"from_unit\":null}","content_type":"text","chat_id":"<id:1>","section_id":"<id:3>","created_at":<time>,"updated_at":<time>}

    event: conversation.chat.completed
    data: {"id":"<id:1>","conversation_id":"<id:2>","created_at":<time>,"completed_at":<time>,"last_error":{"code":0,"msg":""},"status":"completed","usage":{"token_count":7,"output_count":2,"input_count":5},"section_id":"<id:3>"}

    event: done
    data: {"debug_url":"<url>/v1/workflows/7500000000000000205/run_histories/<id:6>"}
    "#);
}

#[tokio::test]
async fn the_stream_of_a_chatflow_that_asks() {
    let api = Api::start().await;
    let body = json!({"workflow_id": CHATFLOW_TRIP, "additional_messages": [message("lunch")]});
    assert_snapshot!(normal(&api.stream("/v1/workflows/chat", body).await), @r#"
    event: conversation.chat.created
    data: {"id":"<id:1>","conversation_id":"<id:2>","created_at":<time>,"last_error":{"code":0,"msg":""},"status":"created","usage":{"token_count":0,"output_count":0,"input_count":0},"section_id":"<id:3>"}

    event: conversation.chat.in_progress
    data: {"id":"<id:1>","conversation_id":"<id:2>","created_at":<time>,"last_error":{"code":0,"msg":""},"status":"in_progress","usage":{"token_count":0,"output_count":0,"input_count":0},"section_id":"<id:3>"}

    event: conversation.message.delta
    data: {"id":"<id:4>","conversation_id":"<id:2>","role":"assistant","type":"answer","content":"Which city after lunch?","content_type":"text","chat_id":"<id:1>","section_id":"<id:3>","created_at":<time>,"updated_at":<time>}

    event: conversation.message.completed
    data: {"id":"<id:4>","conversation_id":"<id:2>","role":"assistant","type":"answer","content":"Which city after lunch?","content_type":"text","chat_id":"<id:1>","section_id":"<id:3>","created_at":<time>,"updated_at":<time>}

    event: conversation.message.completed
    data: {"id":"<id:5>","conversation_id":"<id:2>","role":"assistant","type":"verbose","content":"{\"msg_type\":\"interrupt\",\"data\":\"{\\\"event_id\\\":\\\"<id:6>/1\\\",\\\"type\\\":2,\\\"data\\\":\\\"{\\\\\\\"content_type\\\\\\\":\\\\\\\"text\\\\\\\",\\\\\\\"content\\\\\\\":\\\\\\\"Which city after lunch?\\\\\\\"}\\\"}\",\"from_module\":null,\"from_unit\":null}","content_type":"text","chat_id":"<id:1>","section_id":"<id:3>","created_at":<time>,"updated_at":<time>}

    event: conversation.chat.requires_action
    data: {"id":"<id:1>","conversation_id":"<id:2>","created_at":<time>,"last_error":{"code":0,"msg":""},"status":"requires_action","required_action":{"type":"","submit_tool_outputs":{"tool_calls":[]}},"usage":{"token_count":0,"output_count":0,"input_count":0},"section_id":"<id:3>"}

    event: done
    data: {"debug_url":"<url>/v1/workflows/7500000000000000206/run_histories/<id:6>"}
    "#);
}

#[tokio::test]
async fn the_stream_of_a_chatflow_that_fails() {
    let api = Api::start().await;
    let body = json!({"workflow_id": CHATFLOW, "additional_messages": [message("fail")]});
    let stream = normal(&api.stream("/v1/workflows/chat", body).await);
    let frames: Vec<_> = stream.trim_end().split("\n\n").skip(2).collect();
    assert_snapshot!(frames.join("\n\n"), @r#"
    event: conversation.chat.failed
    data: {"id":"<id:1>","conversation_id":"<id:2>","created_at":<time>,"failed_at":<time>,"last_error":{"code":5000,"msg":"node \"Model\" (id 110001): scripted failure (code 5000)"},"status":"failed","usage":{"token_count":0,"output_count":0,"input_count":0},"section_id":"<id:3>"}

    event: done
    data: {"debug_url":"<url>/v1/workflows/7500000000000000205/run_histories/<id:4>"}
    "#);
}

#[tokio::test]
async fn the_dialect_of_the_skill() {
    let api = Setup::new().skill().start().await;
    let run_once = api
        .post("/v3/workflows/run", run(GREET, &json!({"name": "Ada"})))
        .await;
    let stream = api
        .stream(
            "/v1/workflow/stream_run",
            run(GREET, &json!({"name": "Ada"})),
        )
        .await;
    assert_snapshot!(normal(&format!("{}\n{stream}", run_once.text)), @r#"
    {"code":0,"msg":"success","data":{"execute_id":"<id:1>","workflow_id":"7500000000000000201","data":{"output":"Hello Ada!"}},"detail":{"logid":"<logid>"}}
    data:{"event":"Message","data":{"content":"{\"output\":\"Hello Ada!\"}","content_type":"text","node_is_finish":true,"node_seq_id":"0","node_title":"End","node_id":"900001","node_type":"End","node_execute_uuid":"<id:2>","usage":{"token_count":0,"output_count":0,"input_count":0},"token":0}}

    data:{"event":"Done","data":{"debug_url":"<url>/v1/workflows/7500000000000000201/run_histories/<id:3>"}}
    "#);
}

#[tokio::test]
async fn the_histories_of_runs() {
    let api = Api::start().await;
    let reply = api
        .post("/v1/workflow/run", run(REPORT, &json!({"topic": "rust"})))
        .await;
    let path = format!(
        "/v1/workflows/{REPORT}/run_histories/{}",
        text(&reply.json["execute_id"])
    );
    let history = api.get(&path).await;
    let status = &history.data()[0]["node_execute_status"]["Progress note"];
    let node = format!(
        "{path}/execute_nodes/{}",
        text(&status["node_execute_uuid"])
    );
    let waiting = api
        .post("/v1/workflow/run", run(TRIP, &json!({"name": "Ada"})))
        .await;
    let waiting = format!(
        "/v1/workflows/{TRIP}/run_histories/{}",
        text(&waiting.json["execute_id"])
    );
    let failed = api
        .stream("/v1/workflow/stream_run", run(BROKEN, &json!({})))
        .await;
    let failed = text(&frames(&failed).last().unwrap().1["debug_url"]);
    let failed = failed.strip_prefix(api.url()).unwrap();
    let seen = [
        history.text.clone(),
        api.get(&node).await.text,
        api.get(&waiting).await.text,
        api.get(failed).await.text,
    ];
    // Each call has a log id of its own; that of the run stands in its history.
    let seen: Vec<_> = seen.iter().map(|it| normal(it)).collect();
    assert_snapshot!(seen.join("\n"), @r#"
    {"code":0,"msg":"","data":[{"execute_id":"<id:1>","execute_status":"Success","bot_id":"0","connector_id":"1024","connector_uid":"7500000000000000002","run_mode":0,"logid":"<logid>","create_time":<time>,"update_time":<time>,"output":"{\"Output\":\"{\\\"output\\\":\\\"Report about rust\\\"}\",\"Progress note\":\"Working on rust\"}","error_code":"","error_message":"","debug_url":"<url>/v1/workflows/7500000000000000210/run_histories/<id:1>","node_execute_status":{"Progress note":{"node_id":"110001","is_finish":true,"update_time":<time>,"node_execute_uuid":"<id:2>"}},"usage":{"token_count":0,"output_count":0,"input_count":0},"token":"0","cost":"0.00000","is_output_trimmed":false}],"detail":{"logid":"<logid>"}}
    {"code":0,"msg":"","data":{"is_finish":true,"node_output":"Working on rust"},"detail":{"logid":"<logid>"}}
    {"code":0,"msg":"","data":[{"execute_id":"<id:1>","execute_status":"Running","bot_id":"0","connector_id":"1024","connector_uid":"7500000000000000002","run_mode":0,"logid":"<logid>","create_time":<time>,"update_time":<time>,"output":"","error_code":"","error_message":"","debug_url":"<url>/v1/workflows/7500000000000000202/run_histories/<id:1>","node_execute_status":{},"usage":{"token_count":0,"output_count":0,"input_count":0},"token":"0","cost":"0.00000","is_output_trimmed":false,"interrupt_data":{"event_id":"<id:1>/1","type":2,"data":"{\"content_type\":\"text\",\"content\":\"Which city, Ada?\"}"}}],"detail":{"logid":"<logid>"}}
    {"code":0,"msg":"","data":[{"execute_id":"<id:1>","execute_status":"Fail","bot_id":"0","connector_id":"1024","connector_uid":"7500000000000000002","run_mode":1,"logid":"<logid>","create_time":<time>,"update_time":<time>,"output":"","error_code":"720701013","error_message":"node \"Mystery\" (id 110001): has type 4 (plugin), which this engine does not run yet (code 720701013)","debug_url":"<url>/v1/workflows/7500000000000000203/run_histories/<id:1>","node_execute_status":{},"usage":{"token_count":0,"output_count":0,"input_count":0},"token":"0","cost":"0.00000","is_output_trimmed":false}],"detail":{"logid":"<logid>"}}
    "#);
}
