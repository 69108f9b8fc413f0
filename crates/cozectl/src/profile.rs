//! Where token, address and agent come from: options first, then the environment.

use std::env;
use std::net::IpAddr;

use coze_api::{Coze, Region};

use crate::cli::{ConnectArgs, RegionArg};
use crate::error::{Failure, Result};
use crate::language::say;

const USER_AGENT: &str = concat!("cozectl/", env!("CARGO_PKG_VERSION"));

/// An environment variable; empty counts as missing.
pub(crate) fn variable(name: &str) -> Option<String> {
    let value = env::var(name).ok()?;
    let value = value.trim();
    (!value.is_empty()).then(|| value.to_owned())
}

/// Sent to a server on this machine when no token is given: such a server seldom wants one.
const PLACEHOLDER: &str = "local";

/// A client, and what is known about it.
pub(crate) struct Connection {
    pub(crate) coze: Coze,
    /// No token was given.
    pub(crate) tokenless: bool,
}

/// The access token that options and environment name.
fn token(args: &ConnectArgs) -> Option<String> {
    let given = args.token.clone().filter(|token| !token.trim().is_empty());
    given
        .or_else(|| variable("COZE_API_TOKEN"))
        .or_else(|| variable("COZE_PAT_TOKEN"))
}

/// A client of the server that options and environment name.
pub(crate) fn connect(args: &ConnectArgs) -> Result<Connection> {
    let token = token(args);
    let tokenless = token.is_none();
    let token = token.unwrap_or_else(|| PLACEHOLDER.to_owned());
    let builder = Coze::builder().token(token).user_agent(USER_AGENT);
    let builder = match (&args.base, args.region) {
        (Some(base), _) => builder.base_url(base),
        (None, Some(region)) => builder.region(match region {
            RegionArg::Cn => Region::Cn,
            RegionArg::Com => Region::Com,
        }),
        (None, None) => match variable("COZE_API_BASE") {
            Some(base) => builder.base_url(base),
            None => builder,
        },
    };
    let coze = builder.build()?;
    if tokenless && !is_loopback(coze.base_url()) {
        return Err(
            Failure::usage(say!("there is no access token", "没有访问令牌")).with_hint(say!(
                "set COZE_API_TOKEN (or COZE_PAT_TOKEN), or use --local, which needs none",
                "请设置环境变量 COZE_API_TOKEN（或 COZE_PAT_TOKEN），或使用无需令牌的 --local"
            )),
        );
    }
    Ok(Connection { coze, tokenless })
}

/// Whether a base URL, as a client writes it, leads to this machine.
fn is_loopback(url: &str) -> bool {
    let host = url.split_once("://").map_or(url, |(_, rest)| rest);
    let host = host.split('/').next().unwrap_or_default();
    let host = match host.strip_prefix('[') {
        Some(address) => address.split(']').next(),
        None => host.split(':').next(),
    };
    let host = host.unwrap_or_default();
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// A client of a server of our own.
pub(crate) fn connect_to(url: String, token: String) -> Result<Coze> {
    let builder = Coze::builder().token(token).user_agent(USER_AGENT);
    Ok(builder.base_url(url).build()?)
}

/// The agent to talk to, if options and environment name one.
pub(crate) fn bot(given: Option<&str>) -> Option<String> {
    let given = given.map(str::trim).filter(|bot| !bot.is_empty());
    given.map(Into::into).or_else(|| variable("COZE_BOT_ID"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_needs_no_token() {
        let connects = |base: &str| {
            let builder = Coze::builder().token(PLACEHOLDER).base_url(base);
            is_loopback(builder.build().unwrap().base_url())
        };
        for here in [
            "http://127.0.0.1:8787",
            "http://127.8.9.10/prefix/",
            "http://127.1",
            "https://localhost:1/",
            "http://LocalHost",
            "http://[::1]:8787/x",
        ] {
            assert!(connects(here), "{here}");
        }
        for elsewhere in [
            "https://api.coze.cn",
            "http://0.0.0.0:1",
            "http://[::2]",
            "http://10.0.0.1",
            "http://localhost.example.test",
            "http://127.0.0.1.example.test/127.0.0.1",
        ] {
            assert!(!connects(elsewhere), "{elsewhere}");
        }
    }
}
