//! Answers that are bytes, such as speech.

#[cfg(all(feature = "files", not(target_family = "wasm")))]
mod save;

use bytes::Bytes;
use coze_types::Downloads;

use crate::call::Call;
use crate::client::Coze;
use crate::error::Result;
use crate::exchange::{Answer, Opened, read};
use crate::raw_stream::RawStream;
use crate::response::Head;

/// Bytes as they arrive; the answer of [`Coze::download`].
#[derive(Debug)]
#[must_use = "dropping it ends the download"]
pub struct Download(RawStream);

impl Coze {
    /// Makes a call that answers with bytes, such as
    /// [`CreateSpeech`](crate::types::audio::CreateSpeech), and returns when they begin.
    ///
    /// ```no_run
    /// # async fn run(coze: coze_api::Coze) -> coze_api::Result<()> {
    /// use coze_api::types::audio::{CreateSpeech, CreateSpeechBody};
    ///
    /// let body = CreateSpeechBody {
    ///     input: "你好".into(),
    ///     voice_id: "74…".into(),
    ///     ..Default::default()
    /// };
    /// let mut speech = coze.download(CreateSpeech { body, ..Default::default() }).await?;
    /// while let Some(bytes) = speech.chunk().await? {
    ///     println!("{} bytes", bytes.len());
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`send`](Self::send): a refusal is an error here, never a piece of the bytes.
    pub async fn download<E: Downloads>(&self, row: E) -> Result<Download> {
        let mut call = Call::encode(&row)?;
        call.streams = true;
        drop(row);
        let Begun(opened) = self.call(&call).await?;
        Ok(Download(RawStream::new(opened, self.inner.timeouts.idle)))
    }
}

/// An answer that is no document, and so can be nothing but what was asked for.
struct Begun(Opened);

impl Answer for Begun {
    async fn take(_: &Coze, opened: Opened) -> Result<Self> {
        if opened.head.is_success() && !opened.head.is_document() {
            return Ok(Self(opened));
        }
        Err(read(opened).await?.not_bytes())
    }
    fn head(&self) -> &Head {
        &self.0.head
    }
}

impl Download {
    /// The log id, from the header.
    #[must_use]
    pub fn log_id(&self) -> Option<&str> {
        self.0.log_id()
    }

    /// What the bytes are, such as `audio/mpeg`.
    #[must_use]
    pub fn content_type(&self) -> Option<&str> {
        self.0.content_type()
    }

    /// The next bytes; `None` at the end.
    ///
    /// # Errors
    /// [`Error::Transport`](crate::Error::Transport) when the connection breaks, also before all announced bytes have
    /// come, or when it is silent for too long.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>> {
        self.0.chunk().await
    }

    /// All bytes at once.
    ///
    /// # Errors
    /// As [`chunk`](Self::chunk).
    pub async fn bytes(self) -> Result<Bytes> {
        Ok(self.0.into_response().await?.into_bytes())
    }
}
