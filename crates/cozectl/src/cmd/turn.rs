//! One turn of a chat: what is said is printed as it arrives.

use std::future::Future;
use std::time::Duration;

use coze_api::types::StreamEvent;
use coze_api::types::chat::{ChatStatus, ToolCall};
use coze_api::types::chat_event::{ChatFailure, StreamError as ErrorData};
use coze_api::types::messages::{Message, MessageType, Role};
use coze_api::types::sse::Framing;
use coze_api::{
    ChatEvent, ChatRequest, ChatStream, Coze, Error, Id, PollOptions, Reply, StreamError,
};
use futures_util::FutureExt;
use serde_json::json;

use crate::error::{Failure, Result};
use crate::exit::ExitStatus;
use crate::language::say;
use crate::printer::Printer;
use crate::shell::quote;
use crate::signals::Signals;

/// How long an interrupted command may take to cancel its chat.
const CANCELLING: Duration = Duration::from_secs(3);

/// How a turn is shown.
#[derive(Debug, Clone, Copy)]
pub(super) struct View<'a> {
    /// As JSON.
    pub(super) json: bool,
    /// With its reasoning, when it is shown as text.
    pub(super) reasoning: bool,
    /// The options that lead another command to the same server.
    pub(super) options: &'a str,
}

/// What to do once the conversation is known.
pub(super) type Learn<'a> = dyn FnMut(&Id) + 'a;

/// Streams a turn.
pub(super) async fn stream(
    request: ChatRequest,
    view: View<'_>,
    printer: &mut Printer,
    signals: &mut Signals,
    learn: &mut Learn<'_>,
) -> Result<ExitStatus> {
    let mut stream = tokio::select! {
        stream = request.stream() => stream?,
        () = signals.next() => return Err(Failure::Interrupted),
    };
    match read(&mut stream, view, printer, signals, learn).await {
        Ok(()) => finish(stream.so_far(), view, printer),
        Err(failure) => {
            // What had arrived stands on lines of its own. That nobody reads it is no news.
            let _ = printer.end_line();
            // The server is done with what it told of itself; anything else ends it from here.
            if !matches!(failure, Failure::Sdk { .. }) {
                cancel(stream.cancel(), &failure, printer, signals).await;
            }
            Err(failure)
        }
    }
}

async fn read(
    stream: &mut ChatStream,
    view: View<'_>,
    printer: &mut Printer,
    signals: &mut Signals,
    learn: &mut Learn<'_>,
) -> Result<()> {
    let mut answers = Answers::default();
    let mut known = false;
    loop {
        // Whatever has arrived is printed before anything is waited for.
        let next = match stream.next().now_or_never() {
            Some(next) => next,
            None => {
                printer.flush()?;
                tokio::select! {
                    next = stream.next() => next,
                    () = signals.next() => return Err(Failure::Interrupted),
                }
            }
        };
        if !known && let Some(id) = stream.conversation_id() {
            known = true;
            learn(id);
        }
        let event = match next {
            None => break,
            Some(Ok(event)) => event,
            Some(Err(error)) => {
                if view.json
                    && let Some(event) = as_event(&error)
                {
                    printer.bytes(&event_line(&event)?)?;
                }
                return Err(error.into());
            }
        };
        if view.json {
            printer.bytes(&event_line(&event)?)?;
        } else {
            answers.show(&event, view, printer)?;
        }
    }
    printer.end_line()
}

/// Starts a turn, waits for it by polling, and prints it at once.
pub(super) async fn poll(
    coze: &Coze,
    request: ChatRequest,
    view: View<'_>,
    printer: &mut Printer,
    signals: &mut Signals,
    learn: &mut Learn<'_>,
) -> Result<ExitStatus> {
    let chat = tokio::select! {
        chat = request.start() => chat?,
        () = signals.next() => return Err(Failure::Interrupted),
    };
    learn(&chat.conversation_id);
    let polled = tokio::select! {
        reply = coze.poll_chat(&chat.conversation_id, &chat.id, PollOptions::default()) => reply,
        () = signals.next() => {
            let cancelling = coze.cancel_chat(&chat.conversation_id, &chat.id);
            cancel(cancelling, &Failure::Interrupted, printer, signals).await;
            return Err(Failure::Interrupted);
        }
    };
    match polled {
        Ok(reply) => {
            print(&reply, view, printer)?;
            finish(&reply, view, printer)
        }
        Err(error) => {
            // What it had said must not be lost with its failure.
            if let Some(reply) = error.partial() {
                print(reply, view, printer)?;
            }
            Err(error.into())
        }
    }
}

/// Prints a whole reply.
fn print(reply: &Reply, view: View<'_>, printer: &mut Printer) -> Result<()> {
    if view.json {
        return printer.json(&object(reply));
    }
    if view.reasoning {
        printer.dim(&reply.reasoning());
    }
    printer.data(&reply.text())?;
    printer.end_line()
}

/// What stands around the answer, for people; and how the command ends.
fn finish(reply: &Reply, view: View<'_>, printer: &mut Printer) -> Result<ExitStatus> {
    if view.json {
        return Ok(ExitStatus::Done);
    }
    if reply.requires_action() {
        return Err(waits(reply, view.options));
    }
    let follow_ups: Vec<_> = reply.follow_ups().collect();
    if !follow_ups.is_empty() && !printer.is_quiet() {
        printer.note(&say!("\nyou could ask:", "\n接下来可以问："));
        for it in follow_ups {
            printer.note(&format!("  - {it}"));
        }
    }
    Ok(ExitStatus::Done)
}

/// The agent waits for something that this command cannot give.
fn waits(reply: &Reply, options: &str) -> Failure {
    let calls: Vec<_> = reply.tool_calls().iter().map(call).collect();
    let calls = calls.join(", ");
    let (conversation, chat) = (quote(reply.conversation_id()), quote(reply.chat_id()));
    let outputs: Vec<_> = reply
        .tool_calls()
        .iter()
        .map(|call| json!({"tool_call_id": call.id, "output": "…"}))
        .collect();
    let body = json!({"tool_outputs": outputs, "stream": true}).to_string();
    let body = quote(&body);
    Failure::said(
        ExitStatus::Refused,
        say!(
            "the agent waits for the output of a tool: {calls}",
            "智能体在等待工具的输出：{calls}"
        ),
    )
    .with_hint(say!(
        "--json hands the calls to a program; by hand, put the outputs in place of … into: \
         cozectl api POST /v3/chat/submit_tool_outputs{options} --query \
         conversation_id={conversation} --query chat_id={chat} --body {body}",
        "用 --json 可把调用交给程序处理；手动提交时，请把以下命令中的 … 换成工具的输出：\
         cozectl api POST /v3/chat/submit_tool_outputs{options} --query \
         conversation_id={conversation} --query chat_id={chat} --body {body}"
    ))
}

fn call(call: &ToolCall) -> String {
    match &call.function {
        Some(function) => format!("{}({})", function.name, function.arguments),
        None => call.id.clone(),
    }
}

/// A reply as one object.
fn object(reply: &Reply) -> serde_json::Value {
    let mut object = json!({
        "conversation_id": reply.conversation_id(),
        "chat_id": reply.chat_id(),
        "status": reply.status(),
        "text": reply.text(),
        "answers": reply.answers().collect::<Vec<_>>(),
        "reasoning": reply.reasoning(),
        "follow_ups": reply.follow_ups().collect::<Vec<_>>(),
        "tool_calls": reply.tool_calls(),
        "usage": reply.usage(),
        "log_id": reply.log_id(),
    });
    if let Some(error) = reply.chat().error() {
        object["error"] = json!(error);
    }
    object
}

/// An event as a line of NDJSON: `{"event":NAME,"data":…}`.
fn event_line(event: &ChatEvent) -> Result<Vec<u8>> {
    let mut line = Vec::with_capacity(512);
    event
        .write(Framing::Wrapped, &mut line)
        .map_err(std::io::Error::from)?;
    Ok(unframe(line))
}

/// The frame of the skill dialect is `data:`, the object, and two line ends.
pub(super) fn unframe(mut frame: Vec<u8>) -> Vec<u8> {
    frame.drain(.."data:".len());
    frame.pop();
    frame
}

/// The event behind an error of the stream; none when the stream itself broke.
fn as_event(error: &Error) -> Option<ChatEvent> {
    match error {
        Error::Chat(failed) => {
            let chat = Box::new(failed.chat().clone());
            Some(if chat.status == ChatStatus::Canceled {
                ChatEvent::Canceled(chat)
            } else {
                ChatEvent::Failed(Box::new(ChatFailure::Chat(*chat)))
            })
        }
        Error::Stream(failure) => match &failure.kind {
            StreamError::Event {
                code,
                msg,
                debug_url,
            } => Some(ChatEvent::Error(ErrorData {
                code: *code,
                msg: msg.clone(),
                debug_url: debug_url.clone(),
            })),
            _ => None,
        },
        _ => None,
    }
}

/// Cancels, but not for long, and not when the user asks a second time.
async fn cancel<T>(
    cancelling: impl Future<Output = Result<T, Error>>,
    why: &Failure,
    printer: &mut Printer,
    signals: &mut Signals,
) {
    let cancelled = tokio::select! {
        cancelled = tokio::time::timeout(CANCELLING, cancelling) => matches!(cancelled, Ok(Ok(_))),
        () = signals.next() => false,
    };
    if !matches!(why, Failure::Interrupted) {
        return;
    }
    printer.note(&if cancelled {
        say!("interrupted; the chat is cancelled", "已中断，对话已取消")
    } else {
        say!(
            "interrupted; the chat may go on at the server",
            "已中断，服务端的对话可能仍在继续"
        )
    });
}

/// True for what the agent says to the user; servers of the skill dialect leave the type out.
fn is_answer(message: &Message) -> bool {
    match message.kind {
        MessageType::Answer => true,
        MessageType::Unset => message.role == Role::Assistant,
        _ => false,
    }
}

/// The answers that are under way: a completed message may hold more than its pieces brought.
#[derive(Default)]
struct Answers {
    open: Vec<(Id, String)>,
    /// The answer that was printed last.
    last: Option<Id>,
}

impl Answers {
    fn show(&mut self, event: &ChatEvent, view: View<'_>, printer: &mut Printer) -> Result<()> {
        match event {
            ChatEvent::Delta(message) => {
                if view.reasoning
                    && let Some(thought) = &message.reasoning_content
                {
                    printer.dim(thought);
                }
                if is_answer(message) && !message.content.is_empty() {
                    self.begin(&message.id, printer)?;
                    printer.data(&message.content)?;
                    match self.open.iter_mut().find(|(id, _)| *id == message.id) {
                        Some((_, said)) => said.push_str(&message.content),
                        None => self
                            .open
                            .push((message.id.clone(), message.content.clone())),
                    }
                }
            }
            ChatEvent::MessageCompleted(message) if is_answer(message) => {
                let at = self.open.iter().position(|(id, _)| *id == message.id);
                let said = at.map(|at| self.open.swap_remove(at).1).unwrap_or_default();
                let rest = message
                    .content
                    .strip_prefix(said.as_str())
                    .unwrap_or_default();
                if !rest.is_empty() {
                    self.begin(&message.id, printer)?;
                    printer.data(rest)?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Each answer begins on a line of its own.
    fn begin(&mut self, id: &Id, printer: &mut Printer) -> Result<()> {
        if self.last.as_ref() != Some(id) {
            if self.last.is_some() {
                printer.end_line()?;
            }
            self.last = Some(id.clone());
        }
        Ok(())
    }
}
