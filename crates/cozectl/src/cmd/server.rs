//! The server that a client command talks to: a remote one, or one inside this process.

use coze_api::Coze;

use clap::ValueEnum;

use crate::cli::{ConnectArgs, LocalArgs};
use crate::cmd::Threads;
use crate::error::{Failure, Result};
use crate::language::say;
use crate::local::Local;
use crate::profile::{self, Connection};
use crate::shell::quote;
use crate::signals::Signals;

/// See the module.
pub(crate) struct Target {
    server: Server,
    options: String,
}

enum Server {
    Remote(Connection),
    Local(Box<Local>),
}

impl Target {
    pub(crate) async fn open(
        connect: &ConnectArgs,
        local: &LocalArgs,
        signals: &mut Signals,
    ) -> Result<Self> {
        let server = if local.local {
            tokio::select! {
                local = Local::start(local) => Server::Local(Box::new(local?)),
                () = signals.next() => return Err(Failure::Interrupted),
            }
        } else {
            Server::Remote(profile::connect(connect)?)
        };
        Ok(Self {
            server,
            options: options(connect, local),
        })
    }

    pub(crate) fn coze(&self) -> &Coze {
        match &self.server {
            Server::Remote(connection) => &connection.coze,
            Server::Local(local) => &local.coze,
        }
    }

    /// Names the server in a session.
    pub(crate) fn place(&self) -> &str {
        match &self.server {
            Server::Remote(connection) => connection.coze.base_url(),
            Server::Local(local) => &local.place,
        }
    }

    /// The options that lead another command to the same server, each with a space before it.
    pub(crate) fn options(&self) -> &str {
        &self.options
    }

    /// Adds what only the choice of the server can explain.
    pub(crate) fn explain(&self, failure: Failure) -> Failure {
        let tokenless = matches!(&self.server, Server::Remote(it) if it.tokenless);
        if tokenless && failure.is_bad_token() {
            return failure.with_hint(say!(
                "this server wants a token: give its own with --token or COZE_API_TOKEN",
                "该服务需要令牌：请用 --token 或环境变量 COZE_API_TOKEN 提供它的令牌"
            ));
        }
        failure.at(&self.options)
    }

    /// Ends what runs inside this process; a signal ends it at once.
    pub(crate) async fn close(self, signals: &mut Signals) {
        if let Server::Local(local) = self.server {
            tokio::select! {
                () = local.stop() => {}
                () = signals.next() => {}
            }
        }
    }
}

/// The threads that a command needs with these options.
pub(super) fn threads(local: &LocalArgs) -> Threads {
    if local.local {
        Threads::Many
    } else {
        Threads::One
    }
}

/// See [`Target::options`]. A token is no part of it: it would stay in the shell's history.
fn options(connect: &ConnectArgs, local: &LocalArgs) -> String {
    let mut options = String::new();
    let mut add = |name: &str, value: &str| {
        options.push_str(name);
        options.push_str(&quote(value));
    };
    if local.local {
        add(" ", "--local");
    }
    if let Some(config) = &local.config {
        add(" --config ", &config.to_string_lossy());
    }
    if let Some(data) = &local.local_data {
        add(" --local-data ", &data.to_string_lossy());
    }
    if let Some(base) = &connect.base {
        add(" --base ", base);
    }
    if let Some(region) = connect.region.and_then(|it| it.to_possible_value()) {
        add(" --region ", region.get_name());
    }
    options
}
