//! `cozectl workflow`

use std::time::Duration;

use coze_api::types::StreamEvent;
use coze_api::types::sse::Framing;
use coze_api::types::workflow_event::WorkflowError;
use coze_api::types::workflows::InterruptData;
use coze_api::{
    Coze, Error, Id, PollOptions, RunBy, RunOutcome, StreamError, WorkflowEvent, WorkflowEventData,
    WorkflowRequest, WorkflowStream,
};
use futures_util::FutureExt;
use serde_json::{Map, Value, json};

use crate::cli::{
    ConnectArgs, InputArgs, LocalArgs, ResumeArgs, RunArgs, StreamArgs, WorkflowCommand,
};
use crate::cmd::block_on;
use crate::cmd::server::{Target, threads};
use crate::cmd::turn::unframe;
use crate::error::{Failure, Result};
use crate::exit::ExitStatus;
use crate::input;
use crate::language::say;
use crate::printer::Printer;
use crate::shell::quote;
use crate::signals::Signals;

pub(super) fn run(command: &WorkflowCommand, printer: &mut Printer) -> Result<ExitStatus> {
    match command {
        WorkflowCommand::Run(args) => start(args, printer),
        WorkflowCommand::Stream(args) => stream(args, printer),
        WorkflowCommand::Resume(args) => resume(args, printer),
    }
}

fn start(args: &RunArgs, printer: &mut Printer) -> Result<ExitStatus> {
    if args.local.local && args.background && !args.wait {
        return Err(Failure::usage(say!(
            "a run in the background would end with the local server of this command",
            "后台运行会随本命令内的本地服务一起结束"
        ))
        .with_hint(say!(
            "add --wait, or run `cozectl serve` and start it there",
            "请加 --wait，或先运行 `cozectl serve` 再在其上启动"
        )));
    }
    let parameters = parameters(&args.input)?;
    with_server(
        &args.connect,
        &args.local,
        printer,
        async |target, printer| {
            let request = request(target.coze(), &args.input, parameters);
            let outcome = if args.background {
                let id = request.clone().start().await?;
                if !args.wait {
                    return shown_id(&id, args.json, printer);
                }
                let deadline = PollOptions::deadline(Duration::from_secs(args.deadline));
                request.wait(&id, deadline).await?
            } else {
                request
                    .run()
                    .await
                    .inspect_err(|error| heard(error, printer))?
            };
            finished(target, &args.input.id, &outcome, args.json, printer)
        },
    )
}

/// What the nodes had said before their stream broke: no result, so it goes beside the output.
fn heard(error: &Error, printer: &mut Printer) {
    let said = match error {
        Error::Stream(failure) if !matches!(failure.kind, StreamError::Event { .. }) => {
            &failure.said
        }
        Error::Run(failed) => &failed.said,
        _ => return,
    };
    for said in said {
        printer.message(&said.text);
    }
}

fn shown_id(id: &Id, json: bool, printer: &mut Printer) -> Result<ExitStatus> {
    if json {
        printer.json(&json!({"execute_id": id}))?;
    } else {
        printer.line(id)?;
    }
    Ok(ExitStatus::Done)
}

fn stream(args: &StreamArgs, printer: &mut Printer) -> Result<ExitStatus> {
    let parameters = parameters(&args.input)?;
    with_server(
        &args.connect,
        &args.local,
        printer,
        async |target, printer| {
            let request = request(target.coze(), &args.input, parameters);
            let stream = request.stream().await?;
            read(target, &args.input.id, stream, args.json, printer).await
        },
    )
}

fn resume(args: &ResumeArgs, printer: &mut Printer) -> Result<ExitStatus> {
    let data = if args.data == "-" {
        input::stdin()?
    } else {
        args.data.clone()
    };
    with_server(
        &args.connect,
        &args.local,
        printer,
        async |target, printer| {
            let request = target
                .coze()
                .workflow(&args.id)
                .resume(&args.event_id, args.kind, data);
            if args.no_stream || args.background {
                let by = if args.background {
                    RunBy::Async
                } else {
                    RunBy::Stream
                };
                let resumed = request.run_by(by).run().await;
                let outcome = resumed.inspect_err(|error| heard(error, printer))?;
                return finished(target, &args.id, &outcome, args.json, printer);
            }
            let stream = request.stream().await?;
            read(target, &args.id, stream, args.json, printer).await
        },
    )
}

/// Runs the work against the server that the options name, until it ends or is interrupted. A run
/// that is interrupted goes on at the server: there is no call that would stop it.
fn with_server(
    connect: &ConnectArgs,
    local: &LocalArgs,
    printer: &mut Printer,
    work: impl AsyncFnOnce(&Target, &mut Printer) -> Result<ExitStatus>,
) -> Result<ExitStatus> {
    block_on(threads(local), async {
        let mut signals = Signals::listen();
        let target = Target::open(connect, local, &mut signals).await?;
        let result = tokio::select! {
            result = work(&target, printer) => result,
            () = signals.next() => Err(Failure::Interrupted),
        };
        if matches!(result, Err(Failure::Interrupted)) && !local.local {
            printer.note(&say!(
                "interrupted; the run may go on at the server",
                "已中断，服务端的运行可能仍在继续"
            ));
        }
        if result.is_err() {
            // What had arrived stands on lines of its own. That nobody reads it is no news.
            let _ = printer.end_line();
        }
        let result = result.map_err(|failure| target.explain(failure));
        target.close(&mut signals).await;
        result
    })
}

fn parameters(args: &InputArgs) -> Result<Map<String, Value>> {
    let Some(text) = &args.params else {
        let pairs = args.parameters.iter();
        return Ok(pairs.map(|it| (it.key.clone(), it.typed())).collect());
    };
    match input::json("--params", text)? {
        Value::Object(map) => Ok(map),
        _ => Err(Failure::usage(say!(
            "--params must be a JSON object, such as {{\"city\":\"杭州\"}}",
            "--params 应为 JSON 对象，如 {{\"city\":\"杭州\"}}"
        ))),
    }
}

fn request(coze: &Coze, args: &InputArgs, parameters: Map<String, Value>) -> WorkflowRequest {
    let mut request = coze.workflow(&args.id).parameters(parameters);
    if let Some(bot) = &args.bot {
        request = request.bot(bot);
    }
    if let Some(app) = &args.app {
        request = request.app(app);
    }
    if let Some(version) = &args.workflow_version {
        request = request.version(version);
    }
    for it in &args.ext {
        request = request.ext(&it.key, &it.value);
    }
    request
}

/// Prints how a run ended.
fn finished(
    target: &Target,
    workflow: &str,
    outcome: &RunOutcome,
    json: bool,
    printer: &mut Printer,
) -> Result<ExitStatus> {
    if json {
        printer.json(&object(outcome))?;
        return Ok(ExitStatus::Done);
    }
    match outcome {
        RunOutcome::Done(result) => {
            printer.data(&result.text())?;
            printer.end_line()?;
            Ok(ExitStatus::Done)
        }
        RunOutcome::Interrupted(asked) => Err(asks(
            target,
            workflow,
            &asked.interrupt,
            &question(&asked.question()),
            match asked.run_by {
                RunBy::Stream => " --no-stream",
                _ => " --async",
            },
        )),
    }
}

/// The open-source server wraps its question once more: `{"messages":[{"content":…}]}`.
fn question(said: &str) -> String {
    let wrapped: Option<Value> = serde_json::from_str(said).ok();
    let messages = wrapped.as_ref().and_then(|it| it["messages"].as_array());
    let contents = messages
        .into_iter()
        .flatten()
        .filter_map(|it| it["content"].as_str());
    let question = contents.collect::<Vec<_>>().join(" ");
    if question.is_empty() {
        said.to_owned()
    } else {
        question
    }
}

fn object(outcome: &RunOutcome) -> Value {
    match outcome {
        RunOutcome::Done(result) => json!({
            "data": result.data,
            "execute_id": result.execute_id,
            "usage": result.usage,
            "debug_url": result.debug_url,
            "log_id": result.log_id,
        }),
        RunOutcome::Interrupted(asked) => json!({
            "interrupt_data": asked.interrupt,
            "execute_id": asked.execute_id,
            "debug_url": asked.debug_url,
            "log_id": asked.log_id,
        }),
    }
}

/// The workflow waits for an answer.
fn asks(
    target: &Target,
    workflow: &str,
    interrupt: &InterruptData,
    question: &str,
    more: &str,
) -> Failure {
    let (workflow, event) = (quote(workflow), quote(&interrupt.event_id));
    let (kind, options) = (interrupt.kind, target.options());
    let question = question.trim().replace('\n', " ");
    let colon = if question.is_empty() {
        String::new()
    } else {
        say!(": ", "：")
    };
    Failure::said(
        ExitStatus::Refused,
        say!(
            "the workflow waits for an answer{colon}{question}",
            "工作流在等待回答{colon}{question}"
        ),
    )
    .with_hint(say!(
        "answer with: cozectl workflow resume {workflow} {event} --type {kind}{more}{options} \
         --data ANSWER",
        "请用以下命令回答：cozectl workflow resume {workflow} {event} --type {kind}{more}{options} \
         --data 回答"
    ))
}

/// Prints a stream as it arrives.
async fn read(
    target: &Target,
    workflow: &str,
    mut stream: WorkflowStream,
    json: bool,
    printer: &mut Printer,
) -> Result<ExitStatus> {
    let mut interrupt = None;
    // The node that speaks; another one begins on a line of its own.
    let mut speaker = None;
    loop {
        let next = match stream.next().now_or_never() {
            Some(next) => next,
            None => {
                printer.flush()?;
                stream.next().await
            }
        };
        let event = match next {
            None => break,
            Some(Ok(event)) => event,
            Some(Err(error)) => {
                if json && let Some(event) = as_event(&error) {
                    printer.bytes(&event_line(&event)?)?;
                }
                return Err(error.into());
            }
        };
        if json {
            printer.bytes(&event_line(&event)?)?;
            continue;
        }
        match event.data {
            WorkflowEventData::Message(message) => {
                let node = (message.node_title, message.node_id);
                if speaker.as_ref().is_some_and(|before| *before != node) {
                    printer.end_line()?;
                }
                printer.data(&message.content)?;
                if message.node_is_finish {
                    printer.end_line()?;
                }
                speaker = Some(node);
            }
            WorkflowEventData::Interrupt(asked) => interrupt = Some(asked.interrupt_data),
            _ => {}
        }
    }
    printer.end_line()?;
    match interrupt {
        None => Ok(ExitStatus::Done),
        Some(interrupt) => {
            // The asking node has said the question, and it is printed above.
            let said = stream.so_far().last().map(|said| said.text.as_str());
            Err(asks(
                target,
                workflow,
                &interrupt,
                said.unwrap_or_default(),
                "",
            ))
        }
    }
}

/// An event as a line of NDJSON: `{"id":N,"event":NAME,"data":…}`.
fn event_line(event: &WorkflowEvent) -> Result<Vec<u8>> {
    let mut frame = Vec::with_capacity(512);
    event
        .write(Framing::Wrapped, &mut frame)
        .map_err(std::io::Error::from)?;
    let frame = unframe(frame);
    let mut line = format!("{{\"id\":{},", event.id).into_bytes();
    line.extend_from_slice(frame.get(1..).unwrap_or_default());
    Ok(line)
}

/// The event behind an error of the stream; none when the stream itself broke.
fn as_event(error: &Error) -> Option<WorkflowEvent> {
    let Error::Stream(failure) = error else {
        return None;
    };
    let StreamError::Event {
        code,
        msg,
        debug_url,
    } = &failure.kind
    else {
        return None;
    };
    Some(WorkflowEvent {
        id: failure.events.saturating_sub(1),
        data: WorkflowEventData::Error(WorkflowError {
            error_code: *code,
            error_message: msg.clone(),
            debug_url: debug_url.clone(),
        }),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions_are_unwrapped() {
        let wrapped = r#"{"messages":[{"type":"question","content":"where to?"}]}"#;
        assert_eq!(question(wrapped), "where to?");
        for plain in ["where to?", "{\"a\":1}", "", "[1]", "3"] {
            assert_eq!(question(plain), plain);
        }
    }
}
