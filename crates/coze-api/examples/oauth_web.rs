//! Logs a user in with their browser, for an app with a secret: a web server.
//!
//! Needs an OAuth app of type *web*: its id in `COZE_CLIENT_ID`, its secret in `COZE_CLIENT_SECRET`,
//! and `http://127.0.0.1:7000/callback` among its redirect addresses. `COZE_API_BASE` for
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
    let app = CozeBuilder::from_env()
        .oauth_app(ask("COZE_CLIENT_ID")?)?
        .client_secret(ask("COZE_CLIENT_SECRET")?);
    let login = app
        .authorization("http://127.0.0.1:7000/callback")
        .build()?;
    println!("open {}", login.url());
    // A web server takes the address from the request instead. The state in it is checked.
    let tokens = login.complete(&pasted()?).await?;
    // The session renews its token ahead of its end. Keep the tokens in a `TokenStore` of your own
    // to have them after a restart: `app.session_in(store)`.
    let coze = Coze::builder().auth(app.session(tokens)).build()?;
    println!("hello, {}", coze.me().await?.nick_name);
    Ok(())
}
