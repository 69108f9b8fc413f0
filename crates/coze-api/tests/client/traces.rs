//! What a call leaves in the traces.

use std::io::Write;
use std::sync::{Arc, Mutex};

use tracing_subscriber::fmt::format::FmtSpan;

use crate::server::{Server, stream, whole_chat};

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn a_call_is_a_span_without_content_or_secrets() {
    let lines = Lines::default();
    let writer = lines.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter("coze_api=trace")
        .with_span_events(FmtSpan::CLOSE)
        .with_ansi(false)
        // Its digits could be those of an id.
        .without_time()
        .with_writer(move || writer.clone())
        .finish();
    let guard = tracing::subscriber::set_default(subscriber);
    let server = Server::always(stream(whole_chat().as_bytes())).await;
    let chat = server.coze().chat("333").conversation("111");
    chat.message("a question").reply().await.unwrap();
    drop(guard);
    let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    for part in [
        "endpoint=StartChat",
        "attempt=1",
        "http=200",
        "log_id=\"LOG1\"",
        "gen_ai.operation.name=\"chat\"",
        "gen_ai.agent.id=\"333\"",
        "gen_ai.conversation.id=\"111\"",
        "gen_ai.response.id=\"222\"",
        "gen_ai.usage.output_tokens=",
        "status=\"completed\"",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    for secret in ["pat_secret", "question", "你好"] {
        assert!(!text.contains(secret), "{secret}: {text}");
    }
}

#[tokio::test]
async fn content_is_traced_when_asked_for() {
    let lines = Lines::default();
    let writer = lines.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter("coze_api=debug")
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    let guard = tracing::subscriber::set_default(subscriber);
    let server = Server::always(stream(whole_chat().as_bytes())).await;
    let coze = server.builder().trace_content(true).build().unwrap();
    let chat = coze.chat("333").conversation("111");
    chat.message("a question").reply().await.unwrap();
    drop(guard);
    let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    for part in [
        "gen_ai.input.messages=\"a question\"",
        "gen_ai.output.messages=",
        "你好",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(!text.contains("pat_secret"), "{text}");
}
