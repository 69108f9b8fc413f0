//! `cozectl api`

use coze_api::types::sse::Decoder;
use coze_api::{Coze, Method, RawStream};
use serde_json::{Map, Value};

use crate::cli::ApiArgs;
use crate::cmd::block_on;
use crate::cmd::server::{Target, threads};
use crate::error::{Failure, Result};
use crate::exit::ExitStatus;
use crate::input;
use crate::language::say;
use crate::printer::Printer;
use crate::signals::Signals;

pub(super) fn run(args: &ApiArgs, printer: &mut Printer) -> Result<ExitStatus> {
    if args.list {
        return list(printer);
    }
    let call = call(args)?;
    block_on(threads(&args.local), async {
        let mut signals = Signals::listen();
        let target = Target::open(&args.connect, &args.local, &mut signals).await?;
        let result = tokio::select! {
            status = send(target.coze(), call, printer) => status,
            () = signals.next() => Err(Failure::Interrupted),
        };
        let result = result.map_err(|failure| target.explain(failure));
        target.close(&mut signals).await;
        result
    })
}

fn list(printer: &mut Printer) -> Result<ExitStatus> {
    for row in coze_api::types::endpoints() {
        let (method, path, name, summary) = (row.method, row.path, row.name, row.summary());
        printer.data(&format!(
            "{method:<6} {path}  {name}: {summary}\n",
            method = method.as_str()
        ))?;
    }
    Ok(ExitStatus::Done)
}

struct Call {
    method: Method,
    path: String,
    query: Vec<(String, String)>,
    body: Option<Value>,
}

fn call(args: &ApiArgs) -> Result<Call> {
    let given = args.method.as_deref().unwrap_or_default();
    let method = match given.to_ascii_uppercase().as_str() {
        "GET" => Method::GET,
        "POST" => Method::POST,
        "PUT" => Method::PUT,
        "DELETE" => Method::DELETE,
        "PATCH" => Method::PATCH,
        _ => {
            return Err(Failure::usage(say!(
                "{given} is no method: GET, POST, PUT or DELETE",
                "{given} 不是请求方法：应为 GET、POST、PUT 或 DELETE"
            ))
            .with_hint("cozectl api GET /v1/users/me"));
        }
    };
    let path = args.path.as_deref().unwrap_or_default();
    if !path.starts_with('/') {
        return Err(Failure::usage(say!(
            "the path {path} does not begin with `/`",
            "路径 {path} 没有以 `/` 开头"
        ))
        .with_hint(say!(
            "the address of the server goes into --base; `cozectl api --list` shows the paths",
            "服务器地址请用 --base 指定；`cozectl api --list` 列出所有路径"
        )));
    }
    let in_query = matches!(method, Method::GET | Method::DELETE);
    let own = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    let mut query: Vec<_> = args
        .query
        .iter()
        .map(|it| own(&it.key, &it.value))
        .collect();
    let mut body = None;
    if let Some(text) = &args.body {
        body = Some(input::json("--body", text)?);
    } else if in_query {
        let pairs = args.fields.iter().chain(&args.typed);
        query.extend(pairs.map(|it| own(&it.key, &it.value)));
    } else {
        let mut fields = Map::new();
        for it in &args.fields {
            fields.insert(it.key.clone(), it.value.clone().into());
        }
        for it in &args.typed {
            fields.insert(it.key.clone(), it.typed());
        }
        // Servers expect an object, also where all fields are optional.
        body = Some(Value::Object(fields));
    }
    Ok(Call {
        method,
        path: path.to_owned(),
        query,
        body,
    })
}

async fn send(coze: &Coze, call: Call, printer: &mut Printer) -> Result<ExitStatus> {
    let query: Vec<_> = call
        .query
        .iter()
        .map(|(key, value)| (key.as_str(), value.as_str()))
        .collect();
    let answer = coze
        .send_raw_stream(call.method, &call.path, &query, call.body)
        .await?;
    let ok = (200..300).contains(&answer.http_status());
    if ok && answer.is_event_stream() {
        return events(answer, printer).await;
    }
    let json = answer
        .content_type()
        .is_none_or(|it| it.to_ascii_lowercase().contains("json"));
    let page = answer
        .content_type()
        .is_some_and(|it| it.to_ascii_lowercase().contains("html"));
    if ok && !json && !page {
        return bytes(answer, printer).await;
    }
    let response = answer.into_response().await?;
    printer.bytes(response.bytes())?;
    printer.flush()?;
    response.into_result()?;
    Ok(ExitStatus::Done)
}

/// Anything but JSON, such as audio.
async fn bytes(mut answer: RawStream, printer: &mut Printer) -> Result<ExitStatus> {
    while let Some(chunk) = answer.chunk().await? {
        printer.bytes(&chunk)?;
        printer.flush()?;
    }
    Ok(ExitStatus::Done)
}

/// A stream of events: printed as it is, and read on the side for a failure.
async fn events(mut answer: RawStream, printer: &mut Printer) -> Result<ExitStatus> {
    let mut decoder = Some(Decoder::new());
    let mut refused = None;
    while let Some(chunk) = answer.chunk().await? {
        printer.bytes(&chunk)?;
        printer.flush()?;
        // An event beyond all limits is printed too; only nobody looks into it any more.
        if let Some(events) = &mut decoder {
            events.push(&chunk);
            loop {
                match events.advance() {
                    Ok(true) => refused = refusal(events).or(refused),
                    Ok(false) => break,
                    Err(_) => {
                        decoder = None;
                        break;
                    }
                }
            }
        }
    }
    match refused {
        None => Ok(ExitStatus::Done),
        Some(event) => Err(Failure::said(
            ExitStatus::Refused,
            say!(
                "the stream ended with the event {event}",
                "数据流以 {event} 事件告终"
            ),
        )),
    }
}

/// The name of the event, if it says no.
fn refusal(events: &Decoder) -> Option<String> {
    const FAILURES: &[&str] = &["error", "Error", "conversation.chat.failed"];
    #[derive(serde::Deserialize)]
    struct Wrapped<'a> {
        event: std::borrow::Cow<'a, str>,
    }
    let frame = events.frame();
    let name = match &frame.event {
        Some(name) if !name.is_empty() => name.to_string(),
        // The dialect of the skill has the name inside.
        _ => {
            let inside: Wrapped<'_> = serde_json::from_slice(frame.data?).ok()?;
            inside.event.into_owned()
        }
    };
    FAILURES.contains(&name.as_str()).then_some(name)
}
