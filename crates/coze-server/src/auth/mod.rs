//! Who calls, and whether they may.
//!
//! Tokens are known by their hash alone: those of `coze.yaml` and of the command line are kept in
//! memory, those that were made through the API or by a login in the store. What was looked up once
//! is kept, so that a call costs no query.

mod grant;
mod keeper;

use coze_types::Info;
use http::HeaderMap;
use http::header::AUTHORIZATION;

use crate::app::App;
use crate::caller::Caller;
use crate::config::LOCAL_USER;
use crate::fail::Fail;

pub(crate) use grant::{Grant, Limits, carries, of_config, permissions};
pub(crate) use keeper::{ACCESS, APP_ACCESS, Keeper, PERSONAL, from_environment};

/// Lets a call in, or says why not.
pub(crate) async fn admit(
    app: &App,
    headers: &HeaderMap,
    row: &'static Info,
) -> Result<Caller, Fail> {
    let grant = app.keeper.grant(app, bearer(headers)).await?;
    grant.check(row)?;
    let caller = app.directory.caller(app, grant).await?;
    app.usage.count(app, caller.user()).await?;
    Ok(caller)
}

/// Lets in who operates the server: the local user, with a token that is not limited.
pub(crate) async fn admit_operator(app: &App, headers: &HeaderMap) -> Result<(), Fail> {
    let grant = app.keeper.grant(app, bearer(headers)).await?;
    if grant.is_whole() && grant.user == LOCAL_USER {
        return Ok(());
    }
    let why = "only a token of the local user that is not limited may operate the server";
    Err(Fail::new(4101, why))
}

/// The header that names who calls.
enum Bearer<'a> {
    Missing,
    /// It does not read `Bearer TOKEN`.
    Malformed,
    Token(&'a str),
}

fn bearer(headers: &HeaderMap) -> Bearer<'_> {
    let Some(header) = headers.get(AUTHORIZATION) else {
        return Bearer::Missing;
    };
    let token = header.to_str().ok().and_then(|text| {
        text.strip_prefix("Bearer ")
            .or_else(|| text.strip_prefix("bearer "))
    });
    token.map_or(Bearer::Malformed, |token| Bearer::Token(token.trim()))
}

/// The token of the header, if it has one.
pub(crate) fn token_of(headers: &HeaderMap) -> Option<&str> {
    match bearer(headers) {
        Bearer::Token(token) if !token.is_empty() => Some(token),
        _ => None,
    }
}
