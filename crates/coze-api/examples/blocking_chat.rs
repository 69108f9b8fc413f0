//! The same without tokio. Needs the feature `blocking`.
//!
//! Needs `COZE_API_TOKEN` and `COZE_BOT_ID`; `COZE_API_BASE` for another server than api.coze.cn.

use std::io::Write;

use coze_api::Upload;
use coze_api::blocking::Coze;

fn main() -> coze_api::Result<()> {
    let coze = Coze::from_env()?;
    let chat = coze
        .default_chat()?
        .user("example")
        .message("请介绍一下杭州");
    let mut answer = chat.stream()?;
    for text in answer.texts() {
        print!("{}", text?);
        std::io::stdout().flush().ok();
    }
    println!();

    // From anything that can be read.
    let notes = Upload::blocking_reader("notes.txt", "记得带伞".as_bytes(), None);
    println!("file {}", coze.upload_from(notes)?.id);

    // Dropping a stream waits until its chat is cancelled.
    let mut answer = coze
        .default_chat()?
        .user("example")
        .message("请介绍一下杭州")
        .stream()?;
    answer.next_text().transpose()?;
    drop(answer);
    println!("cancelled");
    Ok(())
}
