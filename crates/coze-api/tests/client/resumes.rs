//! Runs that ask, and go on in the way they were begun.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use coze_api::{Error, RunBy, RunOutcome};

use crate::server::{Request, STREAM, Server, Step, json, stream};
use crate::workflows::{QUICK, RUN, event, history, said};

const STREAM_RUN: &str = "POST /v1/workflow/stream_run";
const STREAM_RESUME: &str = "POST /v1/workflow/stream_resume";
const RESUME: &str = "POST /v1/workflows/resume";
const HISTORY: &str = "GET /v1/workflows/74/run_histories/88";
const ANSWER: &str =
    r#"{"workflow_id":"74","event_id":"88/99","resume_data":"杭州","interrupt_type":2}"#;
const ASKED: &str = r#","interrupt_data":{"event_id":"88/99","type":2,"data":"哪里？"}"#;

fn lines(server: &Server) -> Vec<String> {
    server.requests().into_iter().map(|it| it.line).collect()
}

fn asks() -> String {
    let asked = r#"{"interrupt_data":{"event_id":"88/99","type":2,"data":""},"node_title":"问答"}"#;
    [
        said(0, "问答", "哪里？", true),
        event(1, "Interrupt", asked),
    ]
    .concat()
}

fn ends() -> Vec<Step> {
    let body = [said(0, "", "ok", true), event(1, "Done", "{}")].concat();
    stream(body.as_bytes())
}

async fn resume(server: &Server, outcome: &RunOutcome) -> RunOutcome {
    let question = outcome.interrupt().unwrap();
    let resumed = question.resume(&server.coze(), "杭州").poll_options(QUICK);
    let limit = Duration::from_secs(20);
    tokio::time::timeout(limit, resumed.run())
        .await
        .expect("it hangs")
        .unwrap()
}

#[tokio::test]
async fn a_streamed_run_goes_on_streaming() {
    let server = Server::start(|request: &Request| match request.line.as_str() {
        STREAM_RUN => stream(asks().as_bytes()),
        _ => ends(),
    })
    .await;
    let outcome = server.coze().workflow("74").run().await.unwrap();
    let question = outcome.interrupt().unwrap();
    assert_eq!(question.run_by, RunBy::Stream);
    assert_eq!(question.question(), "哪里？");
    assert_eq!(question.execute_id.as_deref(), Some("88"));
    assert!(matches!(outcome.json::<i32>(), Err(Error::Invalid(_))));
    assert_eq!(resume(&server, &outcome).await.text(), "ok");
    assert_eq!(lines(&server), [STREAM_RUN, STREAM_RESUME]);
    assert_eq!(server.requests()[1].body, ANSWER);
}

#[tokio::test]
async fn a_plain_run_goes_on_plainly() {
    let asks = r#"{"code":0,"msg":"","execute_id":"88","debug_url":"","interrupt_data":{"event_id":"88/99","type":2,"data":"{\"content_type\":\"text\",\"content\":\"哪里？\"}"}}"#;
    let server = Server::start(move |request: &Request| match request.line.as_str() {
        RUN => json(asks),
        _ => json(r#"{"code":0,"msg":"","data":"ok","debug_url":""}"#),
    })
    .await;
    let workflow = server.coze().workflow("74");
    let outcome = workflow.clone().run_by(RunBy::Plain).run().await.unwrap();
    assert_eq!(outcome.text(), "哪里？");
    assert_eq!(resume(&server, &outcome).await.text(), "ok");
    assert_eq!(lines(&server), [RUN, RESUME]);
    assert_eq!(server.requests()[1].body, ANSWER);

    // From stored ids, saying how it was begun.
    let stored = workflow.resume("88/99", 2, "杭州").run_by(RunBy::Plain);
    assert_eq!(stored.run().await.unwrap().text(), "ok");
    assert_eq!(server.requests()[2].line, RESUME);
}

#[tokio::test]
async fn a_run_in_the_background_goes_on_there() {
    // The service gives the id once more; another server need not.
    for reply in [r#"{"msg":"","execute_id":"88"}"#, r#"{"code":0,"msg":""}"#] {
        let looks = AtomicUsize::new(0);
        let server = Server::start(move |request: &Request| match request.line.as_str() {
            RUN => json(r#"{"msg":"","execute_id":"88"}"#),
            RESUME => json(reply),
            // It asks; after the answer the question still stands there for a moment.
            _ => match looks.fetch_add(1, Ordering::SeqCst) {
                0 => history("Running", &format!(r#","run_mode":2{ASKED}"#)),
                1 => history("Running", ASKED),
                _ => history("Success", ASKED),
            },
        })
        .await;
        let workflow = server.coze().workflow("74").poll_options(QUICK);
        let outcome = workflow.run_by(RunBy::Async).run().await.unwrap();
        assert_eq!(outcome.interrupt().unwrap().run_by, RunBy::Async);
        assert_eq!(resume(&server, &outcome).await.text(), r#"{"n":3}"#);
        assert_eq!(lines(&server), [RUN, HISTORY, RESUME, HISTORY, HISTORY]);
    }
}

#[tokio::test]
async fn a_resumed_stream_that_breaks_is_made_good() {
    let looks = AtomicUsize::new(0);
    let server = Server::start(move |request: &Request| match request.line.as_str() {
        STREAM_RUN => stream(asks().as_bytes()),
        // The id of the run stands in the question.
        STREAM_RESUME => {
            let begin = [STREAM, &said(0, "消息", "你", false)].concat();
            vec![Step::Send(begin.into()), Step::Pause(50), Step::Reset]
        }
        _ => match looks.fetch_add(1, Ordering::SeqCst) {
            0 => history("Running", ASKED),
            _ => history("Success", ""),
        },
    })
    .await;
    let outcome = server.coze().workflow("74").run().await.unwrap();
    let outcome = resume(&server, &outcome).await;
    let result = outcome.done().unwrap();
    assert_eq!(result.data, r#"{"n":3}"#);
    assert!(result.is_recovered);
    assert_eq!(
        lines(&server),
        [STREAM_RUN, STREAM_RESUME, HISTORY, HISTORY]
    );
}

#[tokio::test]
async fn a_broken_stream_may_have_come_to_another_question() {
    let again = r#","run_mode":1,"output":"","interrupt_data":{"event_id":"88/100","type":2,"data":"wann?"}"#;
    let again = format!(
        r#"{{"code":0,"data":[{{"execute_id":"88","execute_status":"Running","logid":"L"{again}}}]}}"#
    );
    let server = Server::start(move |request: &Request| match request.line.as_str() {
        STREAM_RESUME => stream(said(0, "消息", "你", false).as_bytes()),
        _ => json(&again),
    })
    .await;
    let workflow = server.coze().workflow("74").poll_options(QUICK);
    let outcome = workflow.resume("88/99", 2, "杭州").run().await.unwrap();
    let question = outcome.interrupt().unwrap();
    assert_eq!(question.interrupt.event_id, "88/100");
    assert_eq!(question.run_by, RunBy::Stream);
    assert_eq!(question.messages[0].text, "你");
    assert_eq!(lines(&server), [STREAM_RESUME, HISTORY]);
}

#[tokio::test]
async fn what_breaks_the_stream_may_also_keep_the_history_away_for_a_while() {
    let looks = AtomicUsize::new(0);
    let server = Server::start(move |request: &Request| match request.line.as_str() {
        STREAM_RESUME => stream(said(0, "消息", "你", false).as_bytes()),
        _ => match looks.fetch_add(1, Ordering::SeqCst) {
            0..5 => vec![Step::Reset],
            _ => history("Success", ""),
        },
    })
    .await;
    let workflow = server.coze().workflow("74").poll_options(QUICK);
    let outcome = workflow.resume("88/99", 2, "杭州").run().await.unwrap();
    assert!(outcome.done().unwrap().is_recovered);
    assert_eq!(server.count(STREAM_RESUME), 1);
}
