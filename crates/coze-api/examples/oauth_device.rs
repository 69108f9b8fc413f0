//! Logs a user in who types a code into a page on another device.
//!
//! Needs an OAuth app of type *device*: its id in `COZE_CLIENT_ID`. `COZE_API_BASE` for
//! another server than api.coze.cn, such as the local one with such an app in its `coze.yaml`.

use coze_api::{Coze, CozeBuilder, Error};

fn ask(name: &str) -> coze_api::Result<String> {
    std::env::var(name).map_err(|_| Error::Invalid(format!("set {name}")))
}

#[tokio::main]
async fn main() -> coze_api::Result<()> {
    let app = CozeBuilder::from_env().oauth_app(ask("COZE_CLIENT_ID")?)?;
    let login = app.device_login().await?;
    println!(
        "open {} and type {}",
        login.verification_uri(),
        login.user_code()
    );
    // Asks as often as the server allows, until the user has decided or the code expires.
    let tokens = login.wait().await?;
    let coze = Coze::builder().auth(app.session(tokens)).build()?;
    println!("hello, {}", coze.me().await?.nick_name);
    Ok(())
}
