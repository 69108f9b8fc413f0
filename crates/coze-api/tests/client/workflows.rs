//! Workflows and chatflows.

use std::time::Duration;

use coze_api::types::messages::{FeedbackBody, FeedbackType};
use coze_api::types::workflows::{ListWorkflowVersionsQuery, ListWorkflowsQuery};
use coze_api::{Error, PollOptions, RunBy, StreamError, WorkflowEventData};
use serde_json::json as value;

use crate::server::{Request, Server, Step, json, stream, whole_chat};

pub(crate) const RUN: &str = "POST /v1/workflow/run";
pub(crate) const QUICK: PollOptions = PollOptions {
    first: Duration::from_millis(10),
    interval: Duration::from_millis(20),
    max_interval: Duration::from_millis(60),
    deadline: Duration::from_secs(10),
};

#[tokio::test]
async fn a_run_gives_its_result() {
    let body = r#"{"code":0,"msg":"","data":"{\"n\":3}","debug_url":"http://d","token":5,"usage":{"token_count":5}}"#;
    let server = Server::always(json(body)).await;
    let run = server
        .coze()
        .workflow("74")
        .parameter("city", "杭州")
        .parameter("list", vec![1, 2])
        .bot("333")
        .ext("user_id", "me")
        .version("v1")
        .run_by(RunBy::Plain)
        .run();
    let outcome = run.await.unwrap();
    let result = outcome.done().unwrap();
    assert_eq!(result.data, r#"{"n":3}"#);
    assert_eq!(result.debug_url.as_deref(), Some("http://d"));
    assert_eq!(outcome.json::<serde_json::Value>().unwrap()["n"], 3);
    assert_eq!(outcome.log_id(), Some("LOG1"));
    assert_eq!(
        server.requests()[0].json(),
        value!({"workflow_id": "74", "parameters": {"city": "杭州", "list": [1, 2]},
            "bot_id": "333", "ext": {"user_id": "me"}, "workflow_version": "v1"})
    );
}

#[tokio::test]
async fn a_refused_run_names_the_page_that_shows_it() {
    let body = r#"{"code":720702011,"msg":"node failed","debug_url":"http://d"}"#;
    let server = Server::always(json(body)).await;
    let error = server.coze().workflow("74").run().await.unwrap_err();
    let Error::Api(api) = &error else {
        panic!("{error:?}")
    };
    assert_eq!(api.debug_url.as_deref(), Some("http://d"));
}

pub(crate) fn event(id: u32, name: &str, data: &str) -> String {
    format!("id: {id}\nevent: {name}\ndata: {data}\n\n")
}

pub(crate) fn said(id: u32, title: &str, text: &str, last: bool) -> String {
    let data = format!(
        r#"{{"content":"{text}","node_is_finish":{last},"node_seq_id":"0","node_title":"{title}"}}"#
    );
    event(id, "Message", &data)
}

#[tokio::test]
async fn a_streamed_run_is_put_together() {
    let body = [
        said(0, "消息", "你", false),
        event(1, "PING", "{}"),
        said(2, "消息", "好", true),
        said(3, "", r#"{\"n\":3}"#, true),
        event(4, "Done", r#"{"debug_url":"http://d"}"#),
    ]
    .concat();
    let server = Server::always(stream(body.as_bytes())).await;
    let coze = server.coze();
    let mut stream = coze.workflow("74").stream().await.unwrap();
    let first = stream.next().await.unwrap().unwrap();
    assert!(matches!(first.data, WorkflowEventData::Message(_)));
    let outcome = stream.collect().await.unwrap();
    let result = outcome.done().unwrap();
    assert_eq!(result.data, r#"{"n":3}"#);
    assert_eq!(
        (
            result.messages[0].title.as_str(),
            result.messages[0].text.as_str()
        ),
        ("消息", "你好")
    );
    assert_eq!(result.debug_url.as_deref(), Some("http://d"));
    assert_eq!(server.requests()[0].line, "POST /v1/workflow/stream_run");
}

#[tokio::test]
async fn a_streamed_run_asks() {
    let asks = event(
        1,
        "Interrupt",
        r#"{"interrupt_data":{"event_id":"88/99","type":2,"data":""},"node_title":"问答"}"#,
    );
    let body = [said(0, "问答", "哪里？", true), asks].concat();
    let server = Server::start(move |request: &Request| {
        if request.line.ends_with("stream_run") {
            // No `Done` behind it: none is promised.
            return stream(body.as_bytes());
        }
        stream(
            [said(0, "", "ok", true), event(1, "Done", "{}")]
                .concat()
                .as_bytes(),
        )
    })
    .await;
    let coze = server.coze();
    let outcome = coze
        .workflow("74")
        .stream()
        .await
        .unwrap()
        .collect()
        .await
        .unwrap();
    let question = outcome.interrupt().unwrap();
    assert_eq!(
        (question.question().as_ref(), question.node_title.as_str()),
        ("哪里？", "问答")
    );
    let resumed = question.resume(&coze, "杭州").stream().await.unwrap();
    assert_eq!(resumed.collect().await.unwrap().text(), "ok");
    assert_eq!(server.requests()[1].line, "POST /v1/workflow/stream_resume");
}

#[tokio::test]
async fn a_streamed_run_that_fails_or_is_cut_is_an_error() {
    let error = event(
        1,
        "Error",
        r#"{"error_code":4000,"error_message":"bad","debug_url":"http://d"}"#,
    );
    let failed = [said(0, "消息", "你", true), error].concat();
    let server = Server::always(stream(failed.as_bytes())).await;
    let stream_of = |server: &Server| server.coze().workflow("74").stream();
    let error = stream_of(&server)
        .await
        .unwrap()
        .collect()
        .await
        .unwrap_err();
    assert_eq!(error.code(), Some(4000));
    let Error::Stream(failure) = error else {
        panic!("{error:?}")
    };
    assert!(
        matches!(&failure.kind, StreamError::Event { debug_url: Some(url), .. } if url == "http://d")
    );
    assert_eq!(failure.said[0].text, "你");

    let cut = said(0, "消息", "你", true);
    let server = Server::always(stream(cut.as_bytes())).await;
    let error = stream_of(&server)
        .await
        .unwrap()
        .collect()
        .await
        .unwrap_err();
    assert!(error.is_truncated(), "{error:?}");
    assert!(error.to_string().contains("StreamRunWorkflow"), "{error}");

    // Also for those who read event by event.
    let mut stream = stream_of(&server).await.unwrap();
    stream.next().await.unwrap().unwrap();
    let error = stream.next().await.unwrap().unwrap_err();
    let Error::Stream(failure) = &error else {
        panic!("{error:?}")
    };
    assert_eq!(failure.said[0].text, "你");
    assert!(failure.run.is_some());
    assert!(error.to_string().contains("its id was not told"), "{error}");
    assert!(stream.next().await.is_none());
}

pub(crate) fn history(status: &str, more: &str) -> Vec<Step> {
    json(&format!(
        r#"{{"code":0,"data":[{{"execute_id":"88","execute_status":"{status}","logid":"L","output":"{{\"Output\":\"{{\\\"n\\\":3}}\",\"消息\":\"你好\"}}"{more}}}]}}"#
    ))
}

#[tokio::test]
async fn a_run_in_the_background_is_waited_for() {
    let looks = std::sync::atomic::AtomicUsize::new(0);
    let server = Server::start(move |request: &Request| {
        if request.line == RUN {
            return json(r#"{"msg":"","execute_id":"88"}"#);
        }
        assert_eq!(request.line, "GET /v1/workflows/74/run_histories/88");
        match looks.fetch_add(1, std::sync::atomic::Ordering::SeqCst) {
            0 => history("Running", ""),
            _ => history("Success", ""),
        }
    })
    .await;
    let workflow = server.coze().workflow("74");
    let run = workflow.clone().start().await.unwrap();
    let outcome = workflow.wait(&run, QUICK).await.unwrap();
    assert_eq!(outcome.json::<serde_json::Value>().unwrap()["n"], 3);
    assert_eq!(outcome.done().unwrap().messages[0].text, "你好");
    assert_eq!(server.requests()[0].json()["is_async"], true);
}

#[tokio::test]
async fn a_background_run_ends_in_every_way() {
    for (status, more) in [
        ("Fail", r#","error_code":"4000","error_message":"bad""#),
        ("Cancel", ""),
    ] {
        let server = Server::always(history(status, more)).await;
        let error = server.coze().workflow("74").wait("88", QUICK).await;
        let error = error.unwrap_err();
        assert!(matches!(error, Error::Run(_)), "{error:?}");
        assert_eq!(error.log_id(), Some("L"));
        assert!(error.to_string().contains(status), "{error}");
    }
    let asks = r#","interrupt_data":{"event_id":"88/99","type":2}"#;
    let server = Server::always(history("Running", asks)).await;
    let outcome = server
        .coze()
        .workflow("74")
        .wait("88", QUICK)
        .await
        .unwrap();
    assert_eq!(outcome.interrupt().unwrap().interrupt.event_id, "88/99");

    let server = Server::always(history("Running", "")).await;
    let options = PollOptions {
        deadline: Duration::from_millis(80),
        ..QUICK
    };
    let error = server
        .coze()
        .workflow("74")
        .wait("88", options)
        .await
        .unwrap_err();
    let Error::Timeout(timeout) = error else {
        panic!("{error:?}")
    };
    let text = timeout.to_string();
    assert!(
        text.contains("run 88 of workflow 74 is still Running"),
        "{text}"
    );
    assert_eq!(timeout.run.unwrap().execute_id, "88");
}

#[tokio::test]
async fn answers_without_a_run_name_what_is_missing() {
    let server = Server::start(|request: &Request| match request.line.as_str() {
        RUN => json(r#"{"code":0,"msg":""}"#),
        _ => json(r#"{"code":0,"data":[]}"#),
    })
    .await;
    let coze = server.coze();
    let started = coze.workflow("74").start().await.unwrap_err();
    let run = coze.workflow("74").run_by(RunBy::Async).run().await;
    let history = coze.run_history("74", "88").await.unwrap_err();
    for (error, endpoint, at) in [
        (started, "RunWorkflow", "execute_id"),
        (run.unwrap_err(), "RunWorkflow", "execute_id"),
        (history, "RetrieveRunHistory", "data"),
    ] {
        let Error::Decode(error) = error else {
            panic!("{error:?}")
        };
        assert_eq!((error.endpoint.as_ref(), error.at.as_str()), (endpoint, at));
        assert_eq!(error.log_id.as_deref(), Some("LOG1"));
        assert!(!error.body.is_empty());
    }
}

#[tokio::test]
async fn short_methods_reach_their_endpoints() {
    let server = Server::start(|request: &Request| {
        json(match request.line.as_str() {
            "GET /v1/workflows?workspace_id=5&page_num=2" => {
                r#"{"code":0,"data":{"items":[{"workflow_id":"74","workflow_name":"n"}],"has_more":true}}"#
            }
            "GET /v1/workflows/74?include_input_output=true" => {
                r#"{"code":0,"data":{"workflow_detail":{"workflow_id":"74"},"input":{"parameters":{"city":{"type":"string"}}}}}"#
            }
            "GET /v1/workflows/74/versions?page_size=3" => {
                r#"{"code":0,"data":{"items":[{"version":"v1"}],"has_more":false}}"#
            }
            "GET /v1/workflows/74/run_histories/88/execute_nodes/9" => {
                r#"{"code":0,"data":{"is_finish":true,"node_output":"all"}}"#
            }
            "POST /v1/conversations/1/messages/2/feedback"
            | "DELETE /v1/conversations/1/messages/2/feedback" => r#"{"code":0,"msg":""}"#,
            _ => r#"{"code":4000,"msg":"no such call"}"#,
        })
    })
    .await;
    let coze = server.coze();
    let query = ListWorkflowsQuery {
        workspace_id: "5".into(),
        page_num: Some(2),
        ..Default::default()
    };
    let list = coze.list_workflows(query).await.unwrap();
    assert_eq!(
        (list.items[0].workflow_name.as_str(), list.has_more),
        ("n", true)
    );
    let info = coze.retrieve_workflow("74").await.unwrap();
    assert_eq!(info.input.unwrap().parameters["city"].kind, "string");
    let query = ListWorkflowVersionsQuery {
        page_size: Some(3),
        ..Default::default()
    };
    let versions = coze.list_workflow_versions("74", query).await.unwrap();
    assert_eq!(versions.items[0].version, "v1");
    let node = coze.node_history("74", "88", "9").await.unwrap();
    assert_eq!(node.node_output, "all");
    let rating = FeedbackBody {
        feedback_type: FeedbackType::Like,
        comment: Some("good".into()),
        ..Default::default()
    };
    coze.create_feedback("1", "2", rating).await.unwrap();
    coze.delete_feedback("1", "2").await.unwrap();
    let body = server.requests()[4].json();
    assert_eq!(body, value!({"feedback_type": "like", "comment": "good"}));
}

#[tokio::test]
async fn a_chatflow_talks_like_a_chat() {
    let spaced = whole_chat()
        .replace("event:", "event: ")
        .replace("\ndata:", "\ndata: ");
    let body = spaced.replace("\"[DONE]\"", r#"{"debug_url":"http://d"}"#);
    let server = Server::always(stream(body.as_bytes())).await;
    let coze = server.coze();
    let chatflow = coze.workflow("74").parameter("a", 1).bot("333").chat();
    let reply = chatflow.conversation("111").user("me").message("x").reply();
    let reply = reply.await.unwrap();
    assert_eq!(
        (reply.text().as_ref(), reply.debug_url()),
        ("你好！", Some("http://d"))
    );
    let request = &server.requests()[0];
    assert_eq!(request.line, "POST /v1/workflows/chat");
    assert_eq!(
        request.json(),
        value!({"workflow_id": "74", "parameters": {"a": 1}, "bot_id": "333",
            "conversation_id": "111", "ext": {"user_id": "me"},
            "additional_messages": [{"role": "user", "type": "question", "content": "x", "content_type": "text"}]})
    );
}
