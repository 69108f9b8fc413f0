//! Logs a service in with its own key, for each of its users.
//!
//! Needs an OAuth app of type *JWT*: the file that its page offers, in `COZE_OAUTH_CONFIG`, which names
//! the server, too; `COZE_API_BASE` for another one, such as the local one with such an app in its
//! `coze.yaml`.

use std::time::Duration;

use coze_api::{Coze, CozeBuilder, Error, OAuthConfig};

fn ask(name: &str) -> coze_api::Result<String> {
    std::env::var(name).map_err(|_| Error::Invalid(format!("set {name}")))
}

#[tokio::main]
async fn main() -> coze_api::Result<()> {
    let config = OAuthConfig::from_file(ask("COZE_OAUTH_CONFIG")?)?;
    let app = CozeBuilder::from_env().jwt_app_from(&config)?;
    // Conversations and variables are kept apart for each session name. Tokens are minted again
    // ahead of their end, once for all callers.
    let session = app.session().name("alice").ttl(Duration::from_secs(3600));
    let coze = Coze::builder().auth(session).build()?;
    println!("hello, {}", coze.me().await?.nick_name);
    Ok(())
}
