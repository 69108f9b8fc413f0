//! The server that a client command talks to: a remote one, or one inside this process.

use coze_api::Coze;

use crate::cli::{ConnectArgs, LocalArgs};
use crate::cmd::Threads;
use crate::error::{Failure, Result};
use crate::local::Local;
use crate::profile;
use crate::signals::Signals;

/// See the module.
pub(crate) enum Target {
    Remote(Coze),
    Local(Box<Local>),
}

impl Target {
    pub(crate) async fn open(
        connect: &ConnectArgs,
        local: &LocalArgs,
        signals: &mut Signals,
    ) -> Result<Self> {
        if local.local {
            return tokio::select! {
                local = Local::start(local) => Ok(Self::Local(Box::new(local?))),
                () = signals.next() => Err(Failure::Interrupted),
            };
        }
        Ok(Self::Remote(profile::connect(connect)?))
    }

    pub(crate) fn coze(&self) -> &Coze {
        match self {
            Self::Remote(coze) => coze,
            Self::Local(local) => &local.coze,
        }
    }

    /// Names the server in a session.
    pub(crate) fn place(&self) -> &str {
        match self {
            Self::Remote(coze) => coze.base_url(),
            Self::Local(local) => &local.place,
        }
    }

    /// Ends what runs inside this process; a signal ends it at once.
    pub(crate) async fn close(self, signals: &mut Signals) {
        if let Self::Local(local) = self {
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
