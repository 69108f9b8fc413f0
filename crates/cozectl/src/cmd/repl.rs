//! A conversation on a terminal: a line is a message.

use std::io;

use crate::cmd::chat::{Item, Talk};
use crate::error::{Failure, Result};
use crate::exit::ExitStatus;
use crate::language::say;
use crate::printer::Printer;
use crate::signals::Signals;

/// Talks until Ctrl-D. Ctrl-C cancels an answer; at the prompt it ends the program.
pub(super) async fn run(
    talk: &mut Talk<'_>,
    items: &[Item],
    printer: &mut Printer,
    signals: &mut Signals,
) -> Result<ExitStatus> {
    printer.note(&say!(
        "Ctrl-D ends the conversation, Ctrl-C cancels an answer",
        "Ctrl-D 结束对话，Ctrl-C 取消当前回答"
    ));
    // Files belong to the first message.
    let mut items = items;
    loop {
        printer.prompt("> ");
        let line = tokio::select! {
            line = tokio::task::spawn_blocking(read_line) => line,
            () = signals.next() => return Err(Failure::Interrupted),
        };
        let line = match line {
            Ok(Ok(Some(line))) => line,
            Ok(Ok(None)) => {
                printer.message("");
                return Ok(ExitStatus::Done);
            }
            Ok(Err(error)) => {
                return Err(Failure::usage(say!(
                    "cannot read stdin: {error}",
                    "无法读取标准输入：{error}"
                )));
            }
            Err(_) => return Err(Failure::Interrupted),
        };
        if line.trim().is_empty() {
            continue;
        }
        match talk.turn(line, items, printer, signals).await {
            Ok(_) => items = &[],
            Err(Failure::Interrupted) => {}
            Err(Failure::Pipe) => return Err(Failure::Pipe),
            // The next question may fare better.
            Err(failure) => printer.failure(&failure),
        }
    }
}

/// The next line; `None` at the end.
fn read_line() -> io::Result<Option<String>> {
    let mut line = String::new();
    if io::stdin().read_line(&mut line)? == 0 {
        return Ok(None);
    }
    let length = line.trim_end_matches(['\r', '\n']).len();
    line.truncate(length);
    Ok(Some(line))
}
