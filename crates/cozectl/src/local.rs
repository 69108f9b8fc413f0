//! The server inside this process: `--local`, and what it shares with `serve`.

use std::hash::{BuildHasher, RandomState};
use std::path::Path;
use std::time::{Duration, Instant};

use coze_api::Coze;
use coze_server::{DataError, Server, ServerConfig, Space, StartError};

use crate::cli::LocalArgs;
use crate::error::{Failure, Result};
use crate::exit::ExitStatus;
use crate::language::say;
use crate::{dirs, profile, start_error};

/// Another process that uses the same data is waited for, and this long after the beginning once
/// more: each try waits a few seconds by itself.
const PATIENCE: Duration = Duration::from_secs(8);

/// A server inside this process, with a client of it.
pub(crate) struct Local {
    pub(crate) coze: Coze,
    /// Names this server's data, whatever port it has today.
    pub(crate) place: String,
    server: Server,
}

impl Local {
    /// Starts it on a free loopback port, with a token that only this process knows.
    pub(crate) async fn start(args: &LocalArgs) -> Result<Self> {
        let data = match &args.local_data {
            Some(data) => data.clone(),
            None => dirs::data()?.join("local"),
        };
        let space = space(args.config.as_deref())?;
        let token = random_token();
        let mut config = ServerConfig::new(&data);
        config.tokens = vec![token.clone()];
        config.space = space;
        let server = start(config).await?;
        Ok(Self {
            coze: profile::connect_to(server.url(), token)?,
            place: format!("local {}", data.display()),
            server,
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
    Space::load(path).map_err(|error| start_error::config(&error))
}

/// Two commands with `--local` at the same time take turns: each has the data for itself.
async fn start(config: ServerConfig) -> Result<Server> {
    let begin = Instant::now();
    loop {
        match Server::start(config.clone()).await {
            Err(StartError::Data(DataError::InUse { .. })) if begin.elapsed() < PATIENCE => {}
            Err(StartError::Data(DataError::InUse { .. })) => return Err(in_use(&config.data)),
            started => return started.map_err(start_error::start),
        }
    }
}

fn in_use(data: &Path) -> Failure {
    let data = data.display();
    Failure::said(
        ExitStatus::Unreachable,
        say!(
            "another `cozectl --local` or `cozectl serve` uses {data}",
            "另一个 `cozectl --local` 或 `cozectl serve` 正在使用 {data}"
        ),
    )
    .with_hint(say!(
        "wait for it to end, give this one another --local-data, or run `cozectl serve` once for \
         both",
        "请等它结束，或用 --local-data 另选目录，或运行 `cozectl serve` 供两者共用"
    ))
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
