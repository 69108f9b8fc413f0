//! Logs a user in with their browser, for an app that can keep no secret: a desktop program.
//!
//! Needs an OAuth app of type *PKCE*: its id in `COZE_CLIENT_ID`, and
//! `http://127.0.0.1:7000/callback` among its redirect addresses. `COZE_API_BASE` for
//! another server than api.coze.cn, such as the local one with such an app in its `coze.yaml`.

use coze_api::{Coze, CozeBuilder, Error};

fn ask(name: &str) -> coze_api::Result<String> {
    std::env::var(name).map_err(|_| Error::Invalid(format!("set {name}")))
}

/// The address that the browser came back to, as the user pastes it.
fn pasted() -> coze_api::Result<String> {
    println!("paste the address that it came back to:");
    let mut line = String::new();
    let read = std::io::stdin().read_line(&mut line);
    read.map_err(|error| Error::Invalid(format!("nothing was pasted: {error}")))?;
    Ok(line.trim().to_owned())
}

#[tokio::main]
async fn main() -> coze_api::Result<()> {
    // Without a secret the login is protected by PKCE (S256).
    let app = CozeBuilder::from_env().oauth_app(ask("COZE_CLIENT_ID")?)?;
    let login = app
        .authorization("http://127.0.0.1:7000/callback")
        .build()?;
    println!("open {}", login.url());
    let tokens = login.complete(&pasted()?).await?;
    let coze = Coze::builder().auth(app.session(tokens)).build()?;
    println!("hello, {}", coze.me().await?.nick_name);
    Ok(())
}
