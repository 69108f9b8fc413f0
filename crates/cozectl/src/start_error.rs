//! A server of our own that does not start: what is wrong, and what to do about it.

use std::io;
use std::path::Path;

use coze_server::{ConfigError, DataError, StartError};

use crate::error::Failure;
use crate::exit::ExitStatus;
use crate::language::{reason, say};

/// A configuration that cannot be used.
pub(crate) fn config(error: &ConfigError) -> Failure {
    let (place, why) = match error {
        ConfigError::Io { path, source } => (path.display().to_string(), reason(source)),
        ConfigError::Syntax {
            path,
            line,
            column,
            message,
        } => (
            format!("{}:{line}:{column}", path.display()),
            message.clone(),
        ),
        ConfigError::Conflict { path, at, message } => {
            let place = match at {
                Some((line, column)) => format!("{}:{line}:{column}", path.display()),
                None => path.display().to_string(),
            };
            (place, message.clone())
        }
    };
    let hint = match error {
        ConfigError::Io { .. } => say!(
            "check the name, or name another file with --config",
            "请检查文件名，或用 --config 指定其他文件"
        ),
        ConfigError::Syntax { .. } => say!(
            "correct this line, or name another file with --config",
            "请改正这一行，或用 --config 指定其他文件"
        ),
        ConfigError::Conflict { .. } => say!(
            "correct the file, or name another one with --config",
            "请改正该文件，或用 --config 指定其他文件"
        ),
    };
    Failure::usage(say!(
        "the configuration cannot be used: {place}: {why}",
        "配置文件有误：{place}：{why}"
    ))
    .with_hint(hint)
}

/// A server that did not start.
#[expect(
    clippy::needless_pass_by_value,
    reason = "it is the argument of `map_err`"
)]
pub(crate) fn start(error: StartError) -> Failure {
    let exit = if error.is_usage() {
        ExitStatus::Usage
    } else {
        ExitStatus::Unreachable
    };
    let (what, hint) = match &error {
        StartError::Open(address) => (
            say!(
                "{address} can be reached from other machines, and no token is set",
                "{address} 可以被其他机器访问，但没有设置令牌"
            ),
            Some(say!(
                "give --token TOKEN, or listen on 127.0.0.1 only",
                "请用 --token 设置令牌，或只监听 127.0.0.1"
            )),
        ),
        StartError::Bind { address, source } => {
            let why = reason(source);
            (
                say!(
                    "cannot listen on {address}: {why}",
                    "无法监听 {address}：{why}"
                ),
                for_bind(address.port(), source),
            )
        }
        StartError::Data(error) => data(error),
        StartError::Space(why) => (
            say!("{why}", "配置的内容有误：{why}"),
            Some(say!(
                "correct coze.yaml, or the file that it names",
                "请改正 coze.yaml，或它所引用的文件"
            )),
        ),
    };
    let failure = Failure::said(
        exit,
        say!("the server cannot start: {what}", "服务无法启动：{what}"),
    );
    match hint {
        Some(hint) => failure.with_hint(hint),
        None => failure,
    }
}

fn for_bind(port: u16, error: &io::Error) -> Option<String> {
    Some(match error.kind() {
        io::ErrorKind::AddrInUse => say!(
            "another program uses port {port}; choose another one with --port, or 0 for any free \
             one",
            "端口 {port} 已被其他程序占用；请用 --port 换一个，或用 0 自动选择空闲端口"
        ),
        io::ErrorKind::PermissionDenied => say!(
            "ports below 1024 need more rights; choose a higher one with --port",
            "1024 以下的端口需要更高权限；请用 --port 选择更大的端口"
        ),
        io::ErrorKind::AddrNotAvailable => say!(
            "this machine has no such address; give --host one that it has",
            "本机没有这个地址；请用 --host 指定本机的地址"
        ),
        _ => return None,
    })
}

pub(crate) fn data(error: &DataError) -> (String, Option<String>) {
    let elsewhere = || {
        Some(say!(
            "check the folder and its rights, or name another one with --data (serve) or \
             --local-data",
            "请检查该目录及其权限，或用 --data（serve）或 --local-data 另选目录"
        ))
    };
    match error {
        DataError::InUse { path } => {
            let folder = folder(path);
            (
                say!(
                    "{folder} is in use by another server",
                    "{folder} 正在被另一个服务使用"
                ),
                Some(say!(
                    "stop it, or name another folder with --data (serve) or --local-data",
                    "请先停止它，或用 --data（serve）或 --local-data 另选目录"
                )),
            )
        }
        DataError::TooNew { path, found, known } => (
            say!(
                "{path} was written by a newer version (schema {found}, this one knows {known})",
                "{path} 由更新的版本写入（数据版本 {found}，当前程序只支持到 {known}）"
            ),
            Some(say!(
                "use that version, or name another folder with --data (serve) or --local-data",
                "请使用那个版本，或用 --data（serve）或 --local-data 另选目录"
            )),
        ),
        DataError::Io { path, source } => {
            let why = reason(source);
            (
                say!(
                    "cannot use the data folder: {path}: {why}",
                    "无法使用数据目录：{path}：{why}"
                ),
                elsewhere(),
            )
        }
        DataError::NotEmpty { path } => (say!("{path} is not empty", "{path} 不是空目录"), None),
        DataError::Backup { path, why } => (
            say!(
                "{path} is no backup that can be used: {why}",
                "{path} 不是可用的备份：{why}"
            ),
            None,
        ),
        DataError::Sqlite(_) | DataError::Commit(_) | DataError::Corrupt(_) | DataError::Closed => {
            (
                say!(
                    "cannot use the data folder: {error}",
                    "无法使用数据目录：{error}"
                ),
                elsewhere(),
            )
        }
    }
}

/// The folder of a file in it.
fn folder(path: &str) -> String {
    let folder = Path::new(path).parent().unwrap_or(Path::new(path));
    folder.display().to_string()
}
