//! How failed calls are repeated, and how many may start.
//!
//! Needs `COZE_API_TOKEN` and `COZE_BOT_ID`; `COZE_API_BASE` for another server than api.coze.cn.

use std::time::Duration;

use coze_api::{CozeBuilder, Limits, RetryPolicy};
use futures_util::future::join_all;

#[tokio::main]
async fn main() -> coze_api::Result<()> {
    let coze = CozeBuilder::from_env()
        .retry(RetryPolicy {
            attempts: 6,
            budget: Duration::from_secs(120),
            ..RetryPolicy::default()
        })
        // All clients of this process with this token wait in one queue.
        .limits(Limits::basic().per_second(8).concurrent(2))
        .build()?;

    // All at once; the limits see to it that the server is not.
    let calls = join_all((0..4).map(|_| coze.me())).await;
    println!(
        "{} of 4 calls succeeded",
        calls.iter().filter(|it| it.is_ok()).count()
    );
    if let Some(limiter) = coze.limiter() {
        println!("{} are waiting", limiter.waiting());
    }

    // A chat that may have begun is not sent twice, unless that is better than an error.
    let chat = coze
        .resending()
        .default_chat()?
        .user("example")
        .message("你好");
    println!("{}", chat.reply().await?.text());
    Ok(())
}
