//! Who calls.

use http::HeaderMap;
use http::header::AUTHORIZATION;

use crate::app::App;
use crate::caller::Caller;
use crate::config::LOCAL_USER;
use crate::fail::Fail;

/// Lets a call in, or says why not. A server without tokens lets everybody in; every token belongs
/// to the one local user.
pub(crate) async fn admit(app: &App, headers: &HeaderMap) -> Result<Caller, Fail> {
    check(app, headers)?;
    app.directory.caller(&app.db, LOCAL_USER).await
}

fn check(app: &App, headers: &HeaderMap) -> Result<(), Fail> {
    if app.tokens.is_empty() {
        return Ok(());
    }
    let header = headers
        .get(AUTHORIZATION)
        .and_then(|value| value.to_str().ok());
    let Some(header) = header else {
        return Err(Fail::unauthenticated(
            "authentication is missing: send the header `Authorization: Bearer TOKEN`",
        ));
    };
    let token = header
        .strip_prefix("Bearer ")
        .or_else(|| header.strip_prefix("bearer "));
    match token {
        Some(token) if app.tokens.iter().any(|known| same(known, token.trim())) => Ok(()),
        Some(_) => Err(Fail::unauthenticated(
            "authentication is invalid: the token is not known",
        )),
        None => Err(Fail::unauthenticated(
            "authentication is invalid: the header must read `Authorization: Bearer TOKEN`",
        )),
    }
}

/// Compares without telling by its time where the difference is.
fn same(known: &str, given: &str) -> bool {
    let differences = known
        .bytes()
        .zip(given.bytes())
        .fold(0, |sum, (a, b)| sum | (a ^ b));
    known.len() == given.len() && differences == 0
}
