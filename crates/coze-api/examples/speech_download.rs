//! Turns text into speech, and saves it while it arrives.
//!
//! Needs `COZE_API_TOKEN`, and the id of a voice in `COZE_VOICE_ID`; on the local server
//! `7500000000000000301` is one.

use coze_api::types::audio::{CreateSpeech, CreateSpeechBody};
use coze_api::{Coze, Error};

#[tokio::main]
async fn main() -> coze_api::Result<()> {
    let coze = Coze::from_env()?;
    let voice = std::env::var("COZE_VOICE_ID")
        .map_err(|_| Error::Invalid("set COZE_VOICE_ID to the id of a voice".into()))?;
    let body = CreateSpeechBody {
        input: "你好，欢迎来到杭州。".to_owned(),
        voice_id: voice.into(),
        ..Default::default()
    };
    let speech = coze
        .download(CreateSpeech {
            body,
            ..Default::default()
        })
        .await?;
    println!("{}", speech.content_type().unwrap_or("bytes"));
    // The file has its name only when it is whole.
    let length = speech.save("speech.mp3").await?;
    println!("{length} bytes in speech.mp3");
    Ok(())
}
