//! What went wrong: one line that says what, one `hint:` line that says what to do, the log id.

use std::io;

use coze_api::{BrokenRun, Error, Id, StreamError, TransportKind};

use crate::exit::ExitStatus;
use crate::language::{self, Language, reason, say};
use crate::shell::quote;

/// The result of a command or of a part of one.
pub(crate) type Result<T, E = Failure> = std::result::Result<T, E>;

/// Why a command ends early.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The SDK failed.
    Sdk {
        /// Its error.
        error: Error,
        /// A better hint than the error itself would give.
        hint: Option<String>,
    },
    /// Something that this program found out by itself.
    Said(Box<Said>),
    /// Ctrl-C, or a termination signal.
    Interrupted,
    /// Nobody reads the output any more: a normal end.
    Pipe,
}

/// See [`Failure::Said`].
#[derive(Debug)]
pub(crate) struct Said {
    /// How the program ends.
    pub(crate) exit: ExitStatus,
    /// What is wrong, in one line.
    pub(crate) what: String,
    /// What to do about it.
    pub(crate) hint: Option<String>,
}

impl Failure {
    /// Bad usage.
    pub(crate) fn usage(what: impl Into<String>) -> Self {
        Self::said(ExitStatus::Usage, what)
    }

    pub(crate) fn said(exit: ExitStatus, what: impl Into<String>) -> Self {
        Self::Said(Box::new(Said {
            exit,
            what: what.into(),
            hint: None,
        }))
    }

    /// Adds what to do about it, in place of any other hint.
    pub(crate) fn with_hint(mut self, text: impl Into<String>) -> Self {
        match &mut self {
            Self::Said(said) => said.hint = Some(text.into()),
            Self::Sdk { hint, .. } => *hint = Some(text.into()),
            Self::Interrupted | Self::Pipe => {}
        }
        self
    }

    /// Makes the commands in its hint lead to the server that these options name.
    pub(crate) fn at(mut self, options: &str) -> Self {
        if let Self::Sdk { error, hint } = &mut self
            && hint.is_none()
        {
            *hint = hint_for(error, options);
        }
        self
    }

    /// True when the server did not accept the token.
    pub(crate) fn is_bad_token(&self) -> bool {
        matches!(self, Self::Sdk { error, .. }
            if error.code() == Some(4100) || error.http() == Some(401))
    }

    /// The end of the program that it leads to.
    pub(crate) fn exit(&self) -> ExitStatus {
        match self {
            Self::Said(said) => said.exit,
            Self::Interrupted => ExitStatus::Interrupted,
            Self::Pipe => ExitStatus::Done,
            Self::Sdk { error, .. } => match error {
                Error::Api(_) | Error::Chat(_) | Error::Run(_) => ExitStatus::Refused,
                Error::Stream(failure) => match failure.kind {
                    StreamError::Event { .. } => ExitStatus::Refused,
                    _ => ExitStatus::Unreachable,
                },
                Error::Invalid(_) => ExitStatus::Usage,
                _ => ExitStatus::Unreachable,
            },
        }
    }

    /// The lines for stderr; none when there is nothing to say.
    pub(crate) fn lines(&self) -> Vec<String> {
        let (what, hint) = match self {
            Self::Interrupted | Self::Pipe => return Vec::new(),
            Self::Said(said) => (said.what.clone(), said.hint.clone()),
            Self::Sdk { error, hint } => {
                (what(error), hint.clone().or_else(|| hint_for(error, "")))
            }
        };
        let mut lines = vec![format!("error: {what}")];
        lines.extend(hint.map(|hint| format!("hint: {hint}")));
        if let Self::Sdk { error, .. } = self {
            lines.extend(debug_url(error).map(|url| format!("debug: {url}")));
            lines.extend(error.log_id().map(|id| format!("logid: {id}")));
        }
        lines
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Sdk { error, hint: None }
    }
}

/// Writing to stdout failed.
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Self::Pipe;
        }
        let why = reason(&error);
        Self::said(
            ExitStatus::Unreachable,
            say!("cannot write the output: {why}", "无法写出结果：{why}"),
        )
    }
}

fn what(error: &Error) -> String {
    let text = without_log_id(error.to_string(), error.log_id());
    if language::current() == Language::En {
        return text;
    }
    let kind = match error {
        Error::Transport(error) => match error.kind {
            TransportKind::Connect => "连不上服务器",
            TransportKind::Dns => "无法解析服务器的主机名",
            TransportKind::Tls => "无法与服务器建立加密连接",
            TransportKind::Timeout => "服务器迟迟没有应答",
            _ => "与服务器的连接中断",
        },
        Error::Api(_) => "服务器拒绝了请求",
        Error::Http(_) => "回答的不像是 Coze 服务",
        Error::Decode(_) => "看不懂服务器的回答",
        Error::Stream(failure) => match failure.kind {
            StreamError::Event { .. } => "服务器中途报错",
            _ => "数据流中断",
        },
        Error::Chat(_) => "对话没有完成",
        Error::Run(_) => "工作流没有完成",
        Error::Timeout(_) => "等待超时",
        Error::Invalid(text) => return format!("参数有误：{text}"),
        _ => "出错了",
    };
    format!("{kind}：{text}")
}

/// The log id has a line of its own.
fn without_log_id(text: String, log_id: Option<&str>) -> String {
    match log_id {
        Some(id) => text
            .replace(&format!(", logid {id}"), "")
            .replace(&format!(" (logid {id})"), ""),
        None => text,
    }
}

fn debug_url(error: &Error) -> Option<&str> {
    match error {
        Error::Api(error) => error.debug_url.as_deref(),
        Error::Stream(failure) => match &failure.kind {
            StreamError::Event { debug_url, .. } => debug_url.as_deref(),
            _ => failure.run.as_ref()?.debug_url.as_deref(),
        },
        Error::Run(error) => Some(error.history.debug_url.as_str()),
        _ => None,
    }
    .filter(|url| !url.is_empty())
}

fn hint_for(error: &Error, options: &str) -> Option<String> {
    match error {
        Error::Transport(error) => Some(for_transport(error.kind)),
        Error::Http(http) => match &http.location {
            Some(location) => Some(say!(
                "give the address it leads to with --base or COZE_API_BASE: {location}",
                "用 --base 或 COZE_API_BASE 指定它跳转到的地址：{location}"
            )),
            None if is_page(http.content_type.as_deref(), http.body.bytes()) => Some(for_page()),
            None => from_catalogue(error),
        },
        Error::Decode(decode) if is_page(decode.content_type.as_deref(), decode.body.bytes()) => {
            Some(for_page())
        }
        Error::Decode(_) => Some(say!(
            "check that --base or COZE_API_BASE is the address of a Coze API",
            "请确认 --base 或 COZE_API_BASE 是 Coze API 的地址"
        )),
        Error::Stream(failure) if !matches!(failure.kind, StreamError::Event { .. }) => {
            Some(match (&failure.conversation_id, &failure.chat_id) {
                (Some(conversation), Some(chat)) => {
                    let (conversation, chat) = (quote(conversation), quote(chat));
                    say!(
                        "what had arrived was printed; read the whole answer with: cozectl api \
                         GET /v3/chat/message/list{options} -f conversation_id={conversation} -f \
                         chat_id={chat}",
                        "已收到的内容都已输出；可用以下命令取回完整回答：cozectl api GET \
                         /v3/chat/message/list{options} -f conversation_id={conversation} -f \
                         chat_id={chat}"
                    )
                }
                _ => match &failure.run {
                    Some(run) => for_run(run, options),
                    None => say!(
                        "what had arrived was printed; the rest is lost, so ask again",
                        "已收到的内容都已输出；其余内容已丢失，请重试"
                    ),
                },
            })
        }
        Error::Timeout(timeout) => {
            let run = (timeout.workflow_id.as_ref()?, timeout.execute_id.as_ref()?);
            Some(look_later(run, options))
        }
        _ => from_catalogue(error),
    }
}

/// The stream of a workflow broke.
fn for_run(run: &BrokenRun, options: &str) -> String {
    match &run.execute_id {
        Some(id) => look_later((&run.workflow_id, id), options),
        None => say!(
            "what had arrived was printed; the run may go on at the server, so make sure before \
             you start it again",
            "已收到的内容都已输出；运行可能仍在服务端继续，重新运行前请先确认"
        ),
    }
}

fn look_later((workflow, run): (&Id, &Id), options: &str) -> String {
    let (workflow, run) = (quote(workflow), quote(run));
    say!(
        "it may go on; look later at: cozectl api{options} GET \
         /v1/workflows/{workflow}/run_histories/{run}",
        "运行可能仍在继续；稍后可查看：cozectl api{options} GET \
         /v1/workflows/{workflow}/run_histories/{run}"
    )
}

fn from_catalogue(error: &Error) -> Option<String> {
    let entry = error.explain()?;
    let language = language::current();
    let (cause, fix) = (entry.cause.get(language), entry.fix.get(language));
    Some(say!("{cause}; {fix}", "{cause}；{fix}"))
}

fn for_transport(kind: TransportKind) -> String {
    match kind {
        TransportKind::Connect => say!(
            "is the server running there? check --base or COZE_API_BASE; `cozectl chat --local` \
             needs no server",
            "那里有服务在运行吗？请检查 --base 或 COZE_API_BASE；`cozectl chat --local` 不需要服务器"
        ),
        TransportKind::Dns => say!(
            "check the host name in --base or COZE_API_BASE, and the network",
            "请检查 --base 或 COZE_API_BASE 里的主机名，以及网络"
        ),
        TransportKind::Tls => say!(
            "check the certificate of the server, and whether a proxy stands in between",
            "请检查服务器的证书，以及中间是否有代理"
        ),
        TransportKind::Timeout => say!(
            "the server is slow or unreachable; check the network and try again",
            "服务器响应过慢或不可达；请检查网络后重试"
        ),
        _ => say!(
            "the connection was lost; before sending it again, look whether it was carried out",
            "连接中断；重发之前请先确认请求是否已经执行"
        ),
    }
}

fn for_page() -> String {
    say!(
        "a page came instead of JSON: something else answers there; check --base or \
         COZE_API_BASE, and the proxy (HTTPS_PROXY, NO_PROXY)",
        "收到的是网页而不是 JSON：应答的是别的程序；请检查 --base 或 COZE_API_BASE，\
         以及代理设置（HTTPS_PROXY、NO_PROXY）"
    )
}

fn is_page(content_type: Option<&str>, body: &[u8]) -> bool {
    content_type.is_some_and(|it| it.to_ascii_lowercase().contains("html"))
        || body.trim_ascii_start().starts_with(b"<")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_id_is_taken_out_of_the_line() {
        let text = "StartChat: no (code 4000, HTTP 200, logid 2024)".to_owned();
        assert_eq!(
            without_log_id(text, Some("2024")),
            "StartChat: no (code 4000, HTTP 200)"
        );
        let text = "GET /x: HTTP 502 (logid 7)".to_owned();
        assert_eq!(without_log_id(text, Some("7")), "GET /x: HTTP 502");
    }

    #[test]
    fn a_broken_pipe_is_a_normal_end() {
        let failure = Failure::from(io::Error::from(io::ErrorKind::BrokenPipe));
        assert_eq!(failure.exit(), ExitStatus::Done);
        assert!(failure.lines().is_empty());
    }

    #[test]
    fn bad_usage_has_what_and_hint() {
        let failure = Failure::usage("no token").with_hint("set one");
        assert_eq!(failure.exit(), ExitStatus::Usage);
        assert_eq!(failure.lines(), ["error: no token", "hint: set one"]);
    }
}
