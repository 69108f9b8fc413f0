//! `cozectl chat`

use std::fs::File;
use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};

use coze_api::{ChatRequest, Coze, Id};
use coze_server::DEMO_BOT_ID;

use crate::cli::ChatArgs;
use crate::cmd::server::{Target, threads};
use crate::cmd::turn::{self, View};
use crate::cmd::{block_on, repl};
use crate::error::{Failure, Result};
use crate::exit::ExitStatus;
use crate::language::{reason, say};
use crate::printer::Printer;
use crate::session::Session;
use crate::signals::Signals;
use crate::{input, profile};

pub(super) fn run(args: &ChatArgs, printer: &mut Printer) -> Result<ExitStatus> {
    // What can be wrong with the arguments alone is said before anything starts.
    let message = message(args)?;
    let attachments = args
        .files
        .iter()
        .map(|it| Attachment::of(it))
        .collect::<Result<Vec<_>>>()?;
    block_on(threads(&args.local), async {
        let mut signals = Signals::listen();
        let target = Target::open(&args.connect, &args.local, &mut signals).await?;
        // A server of our own always has an agent, so there is nothing to close here.
        let bot = bot(args)?;
        let result = talk(
            args,
            &target,
            &bot,
            message,
            &attachments,
            printer,
            &mut signals,
        )
        .await;
        target.close(&mut signals).await;
        result
    })
}

/// A conversation with an agent, turn by turn.
pub(super) struct Talk<'a> {
    args: &'a ChatArgs,
    target: &'a Target,
    bot: &'a str,
    pub(super) conversation: Option<Id>,
    session: Option<Session>,
}

async fn talk(
    args: &ChatArgs,
    target: &Target,
    bot: &str,
    message: Option<String>,
    attachments: &[Attachment],
    printer: &mut Printer,
    signals: &mut Signals,
) -> Result<ExitStatus> {
    let mut session = match &args.session {
        Some(name) => Some(Session::open(name, target.place(), bot)?),
        None => None,
    };
    if let Some(session) = &mut session {
        if args.new {
            session.begin_anew();
        }
        session.check()?;
    }
    let given = args.conversation.as_deref().map(Id::from);
    let mut talk = Talk {
        args,
        target,
        bot,
        conversation: given.or_else(|| session.as_ref()?.conversation().cloned()),
        session,
    };
    let mut items = Vec::new();
    for attachment in attachments {
        items.push(tokio::select! {
            item = attachment.upload(target.coze()) => {
                item.map_err(|failure| target.explain(failure))?
            }
            () = signals.next() => return Err(Failure::Interrupted),
        });
    }
    match message {
        Some(message) => talk.turn(message, &items, printer, signals).await,
        None => repl::run(&mut talk, &items, printer, signals).await,
    }
}

impl Talk<'_> {
    /// Says something, and prints the answer.
    pub(super) async fn turn(
        &mut self,
        message: String,
        items: &[Item],
        printer: &mut Printer,
        signals: &mut Signals,
    ) -> Result<ExitStatus> {
        let args = self.args;
        let view = View {
            json: args.json,
            reasoning: args.reasoning || (printer.err_is_terminal() && !printer.is_quiet()),
            options: self.target.options(),
        };
        let request = self.request(message, items);
        let (coze, session) = (self.target.coze(), &mut self.session);
        let conversation = &mut self.conversation;
        let mut lost = None;
        let mut learn = |id: &Id| {
            *conversation = Some(id.clone());
            // The answer is worth more than the session: it goes on.
            lost = session.as_mut().and_then(|it| it.remember(id).err());
        };
        let result = if args.no_stream {
            turn::poll(coze, request, view, printer, signals, &mut learn).await
        } else {
            turn::stream(request, view, printer, signals, &mut learn).await
        };
        if let Some(lost) = lost {
            lost.into_iter().for_each(|line| printer.message(&line));
        }
        result.map_err(|failure| self.explain(failure))
    }

    fn request(&self, message: String, items: &[Item]) -> ChatRequest {
        let args = self.args;
        let mut request = self
            .target
            .coze()
            .chat(self.bot)
            .user(&args.user)
            .message(message);
        for item in items {
            request = match item {
                Item::Image(id) => request.image(id),
                Item::File(id) => request.file(id),
                Item::ImageUrl(url) => request.image_url(url),
                Item::FileUrl(url) => request.file_url(url),
            };
        }
        if let Some(conversation) = &self.conversation {
            request = request.conversation(conversation);
        }
        for it in &args.variables {
            request = request.variable(&it.key, &it.value);
        }
        for it in &args.parameters {
            request = request.parameter(&it.key, it.typed());
        }
        for it in &args.meta {
            request = request.meta(&it.key, &it.value);
        }
        if args.no_save {
            request = request.save_history(false);
        }
        request
    }

    /// A session whose conversation is gone can only begin anew.
    fn explain(&self, failure: Failure) -> Failure {
        let gone = matches!(&failure, Failure::Sdk { error, .. } if error.code() == Some(4001));
        match &self.args.session {
            Some(name) if gone => failure.with_hint(say!(
                "the conversation of session {name} is gone; begin it anew with --new",
                "会话 {name} 已不存在；请加 --new 重新开始"
            )),
            _ => self.target.explain(failure),
        }
    }
}

/// The message; `None` when there is a terminal to talk on.
fn message(args: &ChatArgs) -> Result<Option<String>> {
    let text = match args.message.as_deref() {
        Some("-") => input::stdin()?,
        Some(text) => text.to_owned(),
        None if io::stdin().is_terminal() => return Ok(None),
        None => input::stdin()?,
    };
    if text.trim().is_empty() {
        return Err(
            Failure::usage(say!("the message is empty", "消息为空")).with_hint(say!(
                "give it as an argument or on stdin: cozectl chat \"hello\"",
                "请作为参数或从标准输入给出：cozectl chat \"你好\""
            )),
        );
    }
    Ok(Some(text))
}

fn bot(args: &ChatArgs) -> Result<String> {
    if args.local.local {
        // An id of the hosted service says nothing here.
        return Ok(args.bot.clone().unwrap_or_else(|| DEMO_BOT_ID.to_owned()));
    }
    profile::bot(args.bot.as_deref()).ok_or_else(|| {
        Failure::usage(say!("no agent is named", "没有指定智能体")).with_hint(say!(
            "give --bot ID or set COZE_BOT_ID, or use --local, which has an agent of its own",
            "请用 --bot ID 或环境变量 COZE_BOT_ID 指定，或使用自带智能体的 --local"
        ))
    })
}

/// A file to send along.
#[derive(Debug, PartialEq, Eq)]
struct Attachment {
    source: Source,
    image: bool,
}

#[derive(Debug, PartialEq, Eq)]
enum Source {
    Path(PathBuf),
    Url(String),
}

/// A file that the server knows.
pub(super) enum Item {
    Image(Id),
    File(Id),
    ImageUrl(String),
    FileUrl(String),
}

impl Attachment {
    fn of(text: &str) -> Result<Self> {
        if text.starts_with("https://") || text.starts_with("http://") {
            let path = text.split(['?', '#']).next().unwrap_or(text);
            return Ok(Self {
                image: is_image(path),
                source: Source::Url(text.to_owned()),
            });
        }
        // Opened once now, so that a typo is found before anything is sent.
        let usable = File::open(text).and_then(|file| file.metadata());
        let why = match usable {
            Ok(metadata) if metadata.is_dir() => say!("it is a folder", "它是一个目录"),
            Ok(_) => {
                return Ok(Self {
                    image: is_image(text),
                    source: Source::Path(text.into()),
                });
            }
            Err(error) => reason(&error),
        };
        Err(Failure::usage(say!(
            "cannot read {text}: {why}",
            "无法读取 {text}：{why}"
        )))
    }

    async fn upload(&self, coze: &Coze) -> Result<Item> {
        Ok(match &self.source {
            Source::Url(url) if self.image => Item::ImageUrl(url.clone()),
            Source::Url(url) => Item::FileUrl(url.clone()),
            Source::Path(path) => {
                let id = coze.upload(path).await?.id;
                if self.image {
                    Item::Image(id)
                } else {
                    Item::File(id)
                }
            }
        })
    }
}

/// Whether the name is that of an image.
fn is_image(name: &str) -> bool {
    const IMAGES: &[&str] = &[
        "png", "jpg", "jpeg", "gif", "webp", "bmp", "heic", "heif", "tif", "tiff", "svg", "ico",
    ];
    let extension = Path::new(name).extension().and_then(|it| it.to_str());
    extension.is_some_and(|it| IMAGES.iter().any(|image| it.eq_ignore_ascii_case(image)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_are_told_by_their_names() {
        for (name, image) in [
            ("a.png", true),
            ("a.JPEG", true),
            ("a.b/c", false),
            ("png", false),
            ("a.pdf", false),
            ("https://x/y.webp", true),
        ] {
            assert_eq!(is_image(name), image, "{name}");
        }
        let url = Attachment::of("https://x/y.png?size=1.pdf").unwrap();
        assert!(url.image);
    }
}
