//! The server inside this process: `--local`, and what it shares with `serve`.

use std::fs::{self, File, TryLockError};
use std::hash::{BuildHasher, RandomState};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use coze_api::Coze;
use coze_server::{Server, ServerConfig, Space, StartError};

use crate::cli::LocalArgs;
use crate::error::{Failure, Result};
use crate::exit::ExitStatus;
use crate::language::say;
use crate::{dirs, profile};

/// How long to wait for another process that uses the same data.
const PATIENCE: Duration = Duration::from_secs(10);

/// A server inside this process, with a client of it.
pub(crate) struct Local {
    pub(crate) coze: Coze,
    /// Names this server's data, whatever port it has today.
    pub(crate) place: String,
    server: Server,
    /// Held until the server has stopped.
    _lock: File,
}

impl Local {
    /// Starts it on a free loopback port, with a token that only this process knows.
    pub(crate) async fn start(args: &LocalArgs) -> Result<Self> {
        let data = match &args.local_data {
            Some(data) => data.clone(),
            None => dirs::data()?.join("local"),
        };
        let space = space(args.config.as_deref())?;
        let lock = lock(&data).await?;
        let token = random_token();
        let mut config = ServerConfig::new(&data);
        config.tokens = vec![token.clone()];
        config.space = space;
        let server = Server::start(config).await.map_err(start_failed)?;
        Ok(Self {
            coze: profile::connect_to(server.url(), token)?,
            place: format!("local {}", data.display()),
            server,
            _lock: lock,
        })
    }

    /// Stops it in order.
    pub(crate) async fn stop(self) {
        self.server.stop().await;
    }
}

/// Reads the named configuration, or else `./coze.yaml` if it is there.
pub(crate) fn space(config: Option<&Path>) -> Result<Space> {
    let default = Path::new("coze.yaml");
    let path = match config {
        Some(path) => path,
        None if default.exists() => default,
        None => return Ok(Space::default()),
    };
    Space::load(path).map_err(|error| {
        Failure::usage(say!(
            "the configuration cannot be used: {error}",
            "配置文件有误：{error}"
        ))
        .with_hint(say!(
            "correct the file, or name another one with --config",
            "请改正该文件，或用 --config 指定其他文件"
        ))
    })
}

/// A server that did not start.
#[expect(
    clippy::needless_pass_by_value,
    reason = "it is the argument of `map_err`"
)]
pub(crate) fn start_failed(error: StartError) -> Failure {
    let exit = if error.is_usage() {
        ExitStatus::Usage
    } else {
        ExitStatus::Unreachable
    };
    let failure = Failure::said(
        exit,
        say!("the server cannot start: {error}", "服务无法启动：{error}"),
    );
    match error.hint() {
        Some(hint) => failure.with_hint(hint),
        None => failure,
    }
}

/// Two commands with `--local` at the same time take turns: each has the data for itself.
async fn lock(data: &Path) -> Result<File> {
    let path = data.join("cozectl.lock");
    let unusable = |path: &PathBuf, error: std::io::Error| {
        let path = path.display();
        Failure::usage(say!(
            "cannot use {path}: {error}",
            "无法使用 {path}：{error}"
        ))
    };
    fs::create_dir_all(data).map_err(|error| unusable(&data.to_owned(), error))?;
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .map_err(|error| unusable(&path, error))?;
    let begin = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) if begin.elapsed() < PATIENCE => {
                tokio::time::sleep(Duration::from_millis(25)).await;
            }
            Err(TryLockError::WouldBlock) => {
                let data = data.display();
                return Err(Failure::said(
                    ExitStatus::Unreachable,
                    say!(
                        "another `cozectl --local` uses {data}",
                        "另一个 `cozectl --local` 正在使用 {data}"
                    ),
                )
                .with_hint(say!(
                    "wait for it to end, give this one another --local-data, or run `cozectl \
                     serve` once for both",
                    "请等它结束，或用 --local-data 另选目录，或运行 `cozectl serve` 供两者共用"
                )));
            }
            Err(TryLockError::Error(error)) => return Err(unusable(&path, error)),
        }
    }
}

/// 128 bits that nobody can guess: the keys behind `RandomState` come from the system.
fn random_token() -> String {
    let part = || RandomState::new().hash_one("cozectl");
    format!("local_{:016x}{:016x}", part(), part())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_differ() {
        assert_ne!(random_token(), random_token());
        assert_eq!(random_token().len(), 38);
    }
}
