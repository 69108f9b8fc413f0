//! Runs that are long, broken, refused, or given up.

use std::time::{Duration, Instant};

use coze_api::{Coze, CozeBuilder, Error, RunBy, StreamError, Waited, WorkflowRequest};
use serde_json::json as value;

use crate::server::{Request, STREAM, Server, Step, answer, json, stream};
use crate::workflows::{QUICK, RUN, event, history, said};

const STREAM_RUN: &str = "POST /v1/workflow/stream_run";
const HISTORY: &str = "GET /v1/workflows/74/run_histories/88";
const SHORT: Duration = Duration::from_millis(200);
const PAGE: &str = "https://www.coze.cn/work_flow?execute_id=88&space_id=7&workflow_id=74";
/// A message without its content's end: it does not fit.
const MISFIT: &str = r#"{"content":7,"node_is_finish":true}"#;

fn done() -> String {
    event(9, "Done", &format!(r#"{{"debug_url":"{PAGE}"}}"#))
}

/// A test that hangs must fail too.
async fn soon<T>(future: impl Future<Output = T>) -> T {
    let limit = Duration::from_secs(20);
    tokio::time::timeout(limit, future).await.expect("it hangs")
}

fn workflow(server: &Server) -> WorkflowRequest {
    server.coze().workflow("74").poll_options(QUICK)
}

fn builder(server: &Server) -> CozeBuilder {
    Coze::builder().token("pat_test").base_url(server.url())
}

fn lines(server: &Server) -> Vec<String> {
    server.requests().into_iter().map(|it| it.line).collect()
}

/// A server whose stream is this; everything else it answers from the history of run 88.
async fn broken(body: String, history: Vec<Step>) -> Server {
    Server::start(move |request: &Request| match request.line.as_str() {
        STREAM_RUN => stream(body.as_bytes()),
        _ => history.clone(),
    })
    .await
}

#[tokio::test]
async fn a_run_streams_underneath() {
    let end = r#"{"content":"{\"n\":3}","node_is_finish":true,"node_seq_id":"0","node_title":"","node_type":"End","usage":{"token_count":5,"input_count":3,"output_count":2}}"#;
    let body = [
        event(0, "PING", "{}"),
        said(1, "消息", "你好", true),
        event(2, "Message", end),
        done(),
    ]
    .concat();
    let server = Server::always(stream(body.as_bytes())).await;
    let outcome = workflow(&server).parameter("city", "杭州").run().await;
    let outcome = outcome.unwrap();
    let result = outcome.done().unwrap();
    assert_eq!(result.data, r#"{"n":3}"#);
    assert_eq!(result.messages[0].text, "你好");
    assert_eq!(result.usage.unwrap().token_count, 5);
    assert_eq!(result.debug_url.as_deref(), Some(PAGE));
    assert_eq!(result.execute_id.as_deref(), Some("88"));
    assert_eq!(outcome.log_id(), Some("LOG1"));
    assert!(!result.is_recovered && !result.is_trimmed);
    let requests = server.requests();
    assert_eq!((requests.len(), requests[0].line.as_str()), (1, STREAM_RUN));
    let body = value!({"workflow_id": "74", "parameters": {"city": "杭州"}});
    assert_eq!(requests[0].json(), body);
}

#[tokio::test]
async fn an_end_that_says_nothing_gives_nothing() {
    let output =
        r#"{"content":"你好","node_is_finish":true,"node_title":"消息","node_type":"Message"}"#;
    let body = [event(0, "Message", output), done()].concat();
    let server = Server::always(stream(body.as_bytes())).await;
    let outcome = workflow(&server).run().await.unwrap();
    let result = outcome.done().unwrap();
    assert_eq!((result.data.as_str(), result.messages.len()), ("", 1));
}

#[tokio::test]
async fn a_long_run_lasts_as_long_as_it_gives_signs_of_life() {
    let mut steps = vec![Step::Send(STREAM.into())];
    for id in 0..12 {
        steps.push(Step::Pause(125));
        steps.push(Step::Send(event(id, "PING", "{}").into()));
    }
    let end = [said(12, "", "ok", true), done()].concat();
    steps.extend([Step::Send(end.into()), Step::Close]);
    let server = Server::always(steps).await;
    // It takes 1.5 s in all, and no silence is longer than an eighth of one.
    let coze = builder(&server)
        .idle_timeout(Duration::from_secs(1))
        .build()
        .unwrap();
    let outcome = soon(coze.workflow("74").run()).await.unwrap();
    assert_eq!(outcome.text(), "ok");
}

#[tokio::test]
async fn without_a_streaming_endpoint_it_runs_in_the_background() {
    for refusal in [
        answer("404 Not Found", "text/html", "<html>no</html>"),
        answer("405 Method Not Allowed", "text/plain", ""),
        answer("501 Not Implemented", "text/plain", "no"),
        json(r#"{"code":404,"msg":"no such route"}"#),
    ] {
        let server = Server::start(move |request: &Request| match request.line.as_str() {
            STREAM_RUN => refusal.clone(),
            RUN => json(r#"{"msg":"","execute_id":"88"}"#),
            _ => history("Success", ""),
        })
        .await;
        let outcome = soon(workflow(&server).parameter("a", 1).run())
            .await
            .unwrap();
        assert_eq!(outcome.text(), r#"{"n":3}"#);
        assert_eq!(outcome.done().unwrap().execute_id.as_deref(), Some("88"));
        assert_eq!(lines(&server), [STREAM_RUN, RUN, HISTORY]);
        let body = value!({"workflow_id": "74", "parameters": {"a": 1}, "is_async": true});
        assert_eq!(server.requests()[1].json(), body);
    }
}

#[tokio::test]
async fn where_the_background_is_not_allowed_either_it_is_waited_for() {
    let server = Server::start(|request: &Request| match request.line.as_str() {
        STREAM_RUN => answer("404 Not Found", "text/plain", "no"),
        _ if request.body.contains("is_async") => json(r#"{"code":6003,"msg":"paid plans"}"#),
        _ => json(r#"{"code":0,"msg":"","data":"ok","debug_url":""}"#),
    })
    .await;
    assert_eq!(workflow(&server).run().await.unwrap().text(), "ok");
    assert_eq!(lines(&server), [STREAM_RUN, RUN, RUN]);

    // Whoever asks for the background is told that it is not allowed.
    let error = workflow(&server).run_by(RunBy::Async).run().await;
    assert_eq!(error.unwrap_err().code(), Some(6003));
    assert_eq!(server.requests().len(), 4);
}

#[tokio::test]
async fn a_chosen_way_and_a_refused_workflow_have_no_other_way() {
    let no = || answer("404 Not Found", "text/plain", "no");
    let server = Server::always(no()).await;
    for by in [RunBy::Stream, RunBy::Plain, RunBy::Async] {
        let error = workflow(&server).run_by(by).run().await.unwrap_err();
        assert_eq!(error.http(), Some(404));
    }
    assert_eq!(lines(&server), [STREAM_RUN, RUN, RUN]);

    for refusal in [
        json(r#"{"code":4200,"msg":"not published"}"#),
        answer(
            "404 Not Found",
            "application/json",
            r#"{"code":4200,"msg":"not published"}"#,
        ),
        json(r#"{"code":4000,"msg":"bad"}"#),
        // It has run.
        json(r#"{"code":0,"msg":"","data":"ok"}"#),
        answer("500 Internal Server Error", "text/plain", "?"),
    ] {
        let server = Server::always(refusal).await;
        soon(workflow(&server).run()).await.unwrap_err();
        assert_eq!(lines(&server), [STREAM_RUN]);
    }
}

#[tokio::test]
async fn a_cut_stream_of_an_unknown_run_keeps_what_was_said() {
    let body = [said(0, "消息", "你", false), said(1, "消息", "好", false)].concat();
    for end in [Step::Close, Step::Reset] {
        let steps = vec![
            Step::Send([STREAM, &body].concat().into()),
            Step::Pause(50),
            end,
        ];
        let server = Server::always(steps).await;
        let error = soon(workflow(&server).run()).await.unwrap_err();
        let text = error.to_string();
        assert!(
            text.contains("the run of workflow 74 cannot be followed: its id was not told"),
            "{text}"
        );
        let Error::Stream(failure) = error else {
            panic!("{error:?}")
        };
        assert_eq!(failure.said[0].text, "你好");
        let run = failure.run.unwrap();
        assert_eq!((run.workflow_id.as_str(), run.execute_id), ("74", None));
        // Above all, it was not run again.
        assert_eq!(lines(&server), [STREAM_RUN]);
    }
}

#[tokio::test]
async fn a_broken_stream_that_told_its_run_is_made_good() {
    let body = [
        said(0, "消息", "你好", true),
        event(1, "Message", MISFIT),
        said(2, "", "3", true),
        done(),
    ]
    .concat();
    let server = broken(body, history("Success", r#","run_mode":1"#)).await;
    let outcome = soon(workflow(&server).run()).await.unwrap();
    let result = outcome.done().unwrap();
    assert_eq!(result.data, r#"{"n":3}"#);
    assert!(result.is_recovered);
    assert_eq!(lines(&server), [STREAM_RUN, HISTORY]);

    // Also for those who read the beginning themselves.
    let mut stream = workflow(&server).stream().await.unwrap();
    stream.next().await.unwrap().unwrap();
    assert_eq!(stream.execute_id(), None);
    let outcome = soon(stream.collect()).await.unwrap();
    assert_eq!(outcome.text(), r#"{"n":3}"#);
}

#[tokio::test]
async fn a_history_that_cannot_help_is_named_with_the_run() {
    let body = [
        said(0, "消息", "你好", true),
        event(1, "Message", MISFIT),
        done(),
    ]
    .concat();
    let no = json(r#"{"code":4200,"msg":"no such run"}"#);
    let server = broken(body.clone(), no).await;
    let error = soon(workflow(&server).run()).await.unwrap_err();
    let text = error.to_string();
    for part in [
        "event `Message` does not fit at `content`",
        "it was run 88 of workflow 74, whose history gave no result",
        "no such run",
    ] {
        assert!(text.contains(part), "{text}");
    }
    assert!(!text.contains('\n'), "{text}");
    let Error::Stream(failure) = error else {
        panic!("{error:?}")
    };
    assert_eq!(failure.said[0].text, "你好");
    let run = failure.run.unwrap();
    assert_eq!(run.execute_id.as_deref(), Some("88"));
    assert_eq!(run.debug_url.as_deref(), Some(PAGE));
    assert_eq!(run.history.unwrap().code(), Some(4200));

    // The run failed: that is what counts.
    let failed = history("Fail", r#","error_code":"6006","error_message":"too slow""#);
    let server = broken(body, failed).await;
    let error = soon(workflow(&server).run()).await.unwrap_err();
    assert_eq!(error.code(), Some(6006));
    let text = error.to_string();
    assert!(
        text.contains("run 88 of workflow 74 ended as Fail"),
        "{text}"
    );
    let Error::Run(failed) = error else {
        panic!("{error:?}")
    };
    assert_eq!(failed.said[0].text, "你好");
}

#[tokio::test]
async fn a_run_that_fails_is_not_looked_up() {
    let failure = format!(r#"{{"error_code":6006,"error_message":"slow","debug_url":"{PAGE}"}}"#);
    let body = [said(0, "消息", "你好", true), event(1, "Error", &failure)].concat();
    let server = Server::always(stream(body.as_bytes())).await;
    let error = workflow(&server).may_run_twice(true).run().await;
    let error = error.unwrap_err();
    assert_eq!(error.code(), Some(6006));
    let Error::Stream(failure) = error else {
        panic!("{error:?}")
    };
    assert!(matches!(failure.kind, StreamError::Event { .. }));
    assert_eq!(failure.said[0].text, "你好");
    let run = failure.run.unwrap();
    assert_eq!(run.execute_id.as_deref(), Some("88"));
    assert_eq!(lines(&server), [STREAM_RUN]);
}

#[tokio::test]
async fn a_workflow_that_may_run_twice_is_run_in_the_background_when_its_stream_is_lost() {
    let cut = said(0, "消息", "你", false);
    let server = Server::start(move |request: &Request| match request.line.as_str() {
        STREAM_RUN => stream(cut.as_bytes()),
        RUN => json(r#"{"msg":"","execute_id":"88"}"#),
        _ => history("Success", ""),
    })
    .await;
    let outcome = soon(workflow(&server).may_run_twice(true).run()).await;
    assert_eq!(outcome.unwrap().text(), r#"{"n":3}"#);
    assert_eq!(lines(&server), [STREAM_RUN, RUN, HISTORY]);
}

#[tokio::test]
async fn a_result_that_its_history_has_cut_says_so() {
    let server = Server::always(history("Success", r#","is_output_trimmed":true"#)).await;
    let outcome = workflow(&server).wait("88", QUICK).await.unwrap();
    assert!(outcome.done().unwrap().is_trimmed);
}

#[tokio::test]
async fn a_dropped_run_closes_its_connection() {
    let begin = [STREAM, &said(0, "消息", "你", false)].concat();
    let server = Server::always(vec![Step::Send(begin.into()), Step::Hold]).await;
    let run = tokio::spawn(workflow(&server).may_run_twice(true).run());
    server.wait_for(STREAM_RUN).await;
    run.abort();
    server.wait_for_hang_up().await;
    assert!(run.await.unwrap_err().is_cancelled());
    assert_eq!(lines(&server), [STREAM_RUN]);
}

#[tokio::test]
async fn a_deadline_ends_every_way_of_waiting() {
    let begin = [STREAM, &said(0, "消息", "你", false)].concat();
    let server = Server::start(move |request: &Request| match request.line.as_str() {
        STREAM_RUN => vec![Step::Send(begin.clone().into()), Step::Hold],
        _ => vec![Step::Hold],
    })
    .await;
    let begin = Instant::now();
    let streamed = workflow(&server).may_run_twice(true).deadline(SHORT).run();
    let Error::Stream(failure) = soon(streamed).await.unwrap_err() else {
        panic!("no stream failure")
    };
    assert!(
        failure.to_string().contains("not done within 200ms"),
        "{failure}"
    );
    assert_eq!(failure.said[0].text, "你");
    assert_eq!(failure.run.unwrap().workflow_id, "74");
    server.wait_for_hang_up().await;

    for by in [RunBy::Plain, RunBy::Async] {
        let run = workflow(&server).run_by(by).deadline(SHORT).run();
        let Error::Transport(error) = soon(run).await.unwrap_err() else {
            panic!("no transport error")
        };
        assert_eq!(error.waited, Some(Waited::Total(SHORT)));
    }
    assert_eq!(lines(&server), [STREAM_RUN, RUN, RUN]);
    assert!(begin.elapsed() < Duration::from_secs(10));
}

#[tokio::test]
async fn a_deadline_ends_the_wait_for_a_history() {
    // It goes on and on, or its history never comes.
    for look in [history("Running", ""), vec![Step::Hold]] {
        let server = Server::start(move |request: &Request| match request.line.as_str() {
            RUN => json(r#"{"msg":"","execute_id":"88"}"#),
            _ => look.clone(),
        })
        .await;
        let run = workflow(&server).run_by(RunBy::Async).deadline(SHORT).run();
        let error = soon(run).await.unwrap_err();
        let text = error.to_string();
        assert!(text.contains("run 88 of workflow 74"), "{text}");
        let Error::Timeout(timeout) = error else {
            panic!("{error:?}")
        };
        assert_eq!(timeout.deadline, SHORT);
        assert_eq!(timeout.execute_id.as_deref(), Some("88"));
    }
}

#[tokio::test]
async fn a_deadline_can_be_for_ever() {
    let server = Server::start(|request: &Request| match request.line.as_str() {
        RUN => json(r#"{"msg":"","execute_id":"88"}"#),
        _ => history("Success", ""),
    })
    .await;
    let run = workflow(&server)
        .run_by(RunBy::Async)
        .deadline(Duration::MAX);
    assert_eq!(soon(run.run()).await.unwrap().text(), r#"{"n":3}"#);
}
