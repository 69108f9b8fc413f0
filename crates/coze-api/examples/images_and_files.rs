//! Uploads files, also large ones with their progress, and asks about them.
//!
//! Needs `COZE_API_TOKEN` and `COZE_BOT_ID`; `COZE_API_BASE` for another server than api.coze.cn.

use coze_api::types::messages::ObjectStringItem;
use coze_api::{Coze, Upload};

/// A picture of one pixel.
const DOT: &[u8] =
    b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x06\0\0\0\x1f\x15\xc4\x89\
    \0\0\0\rIDATx\xdac\xfc\xcf\xc0\xf0\x1f\0\x05\x05\x02\0_\xc8\xf1\xd2\0\0\0\0IEND\xaeB`\x82";

#[tokio::main]
async fn main() -> coze_api::Result<()> {
    let coze = Coze::from_env()?;
    let picture = coze.upload_bytes("dot.png", DOT).await?;
    // From disk, 64 KiB at a time, whatever its size.
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
    let upload = Upload::path(path).progress(|sent, all| {
        println!("{sent} of {} bytes", all.unwrap_or(sent));
    });
    let file = coze.upload_from(upload).await?;
    println!("{} is file {}", file.file_name, file.id);

    // Text, images and files become one question.
    let chat = coze
        .default_chat()?
        .user("example")
        .message("这里面有什么？");
    let reply = chat.image(&picture.id).file(&file.id).reply().await?;
    println!("answer: {}", reply.text());

    // The same, put together by hand.
    let items = [
        ObjectStringItem::text("这张图呢？"),
        ObjectStringItem::image(picture.id),
    ];
    let chat = coze.default_chat()?.user("example").objects(items);
    println!("answer: {}", chat.reply().await?.text());
    Ok(())
}
