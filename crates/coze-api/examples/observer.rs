//! Counts calls and measures streams.
//!
//! Needs `COZE_API_TOKEN` and `COZE_BOT_ID`; `COZE_API_BASE` for another server than api.coze.cn.

use coze_api::{Attempt, CozeBuilder, Observer, StreamEnd};

/// Hears names, numbers and errors; never content, never a secret.
struct Print;

impl Observer for Print {
    fn attempt(&self, it: &Attempt<'_>) {
        let outcome = it.error.map_or("ok".to_owned(), ToString::to_string);
        eprintln!(
            "{} #{} in {:?}: {outcome}",
            it.endpoint, it.number, it.elapsed
        );
    }

    fn stream(&self, it: &StreamEnd<'_>) {
        println!(
            "{}: {} events, complete: {}",
            it.endpoint, it.events, it.complete
        );
    }
}

#[tokio::main]
async fn main() -> coze_api::Result<()> {
    // The same is told to `tracing`, with the names `gen_ai.*`.
    let coze = CozeBuilder::from_env().observer(Print).build()?;
    let chat = coze
        .default_chat()?
        .user("example")
        .message("请介绍一下杭州");
    println!("{}", chat.reply().await?.text());
    Ok(())
}
