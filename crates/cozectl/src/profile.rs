//! Where token, address and agent come from: options first, then the environment.

use std::env;

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

/// The access token that options and environment name.
pub(crate) fn token(args: &ConnectArgs) -> Result<String> {
    let given = args.token.clone().filter(|token| !token.trim().is_empty());
    let token = given
        .or_else(|| variable("COZE_API_TOKEN"))
        .or_else(|| variable("COZE_PAT_TOKEN"));
    token.ok_or_else(|| {
        Failure::usage(say!("there is no access token", "没有访问令牌")).with_hint(say!(
            "set COZE_API_TOKEN (or COZE_PAT_TOKEN), or use --local, which needs none",
            "请设置环境变量 COZE_API_TOKEN（或 COZE_PAT_TOKEN），或使用无需令牌的 --local"
        ))
    })
}

/// A client of the server that options and environment name.
pub(crate) fn connect(args: &ConnectArgs) -> Result<Coze> {
    let builder = Coze::builder().token(token(args)?).user_agent(USER_AGENT);
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
    Ok(builder.build()?)
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
