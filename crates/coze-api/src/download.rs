//! Answers that are bytes, such as speech.

use std::path::{Path, PathBuf};

use bytes::Bytes;
use coze_types::Downloads;
use tokio::io::AsyncWriteExt;

use crate::call::Call;
use crate::client::Coze;
use crate::error::{Error, Result};
use crate::exchange::{Answer, Opened, read};
use crate::raw_stream::RawStream;
use crate::response::Head;

/// Bytes as they arrive; the answer of [`Coze::download`].
#[derive(Debug)]
#[must_use = "dropping it ends the download"]
pub struct Download(RawStream);

impl Coze {
    /// Makes a call that answers with bytes, such as
    /// [`CreateSpeech`](crate::types::speech::CreateSpeech), and returns when they begin.
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
    /// [`Error::Transport`] when the connection breaks, also before all announced bytes have
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

    /// Writes the bytes to a file, and returns how many there were. The file gets its name only
    /// when it is whole: until then it lies beside it, with `.part` at its end, and is removed
    /// when the download fails or nobody waits for it any more.
    ///
    /// # Errors
    /// [`Error::Invalid`] when the file cannot be written, and those of [`chunk`](Self::chunk).
    pub async fn save(mut self, path: impl AsRef<Path>) -> Result<u64> {
        let path = path.as_ref();
        let mut part = path.as_os_str().to_owned();
        part.push(".part");
        let part = Part(PathBuf::from(part));
        let length = self.write(&part.0).await?;
        let renamed = tokio::fs::rename(&part.0, path).await;
        renamed.map_err(|error| unwritable(path, &error))?;
        part.keep();
        Ok(length)
    }

    async fn write(&mut self, path: &Path) -> Result<u64> {
        let failed = |error: std::io::Error| unwritable(path, &error);
        let mut file = tokio::fs::File::create(path).await.map_err(failed)?;
        let mut length = 0;
        while let Some(chunk) = self.chunk().await? {
            file.write_all(&chunk).await.map_err(failed)?;
            length += chunk.len() as u64;
        }
        file.flush().await.map_err(failed)?;
        Ok(length)
    }
}

/// A file that is not whole yet. What is half there would only be taken for the whole.
struct Part(PathBuf);

impl Part {
    /// It has its name now.
    fn keep(mut self) {
        self.0 = PathBuf::new();
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        if self.0 != PathBuf::new() {
            // Without it, or without the right to it, there is nothing to be done.
            let _ = std::fs::remove_file(&self.0);
        }
    }
}

fn unwritable(path: &Path, error: &std::io::Error) -> Error {
    Error::Invalid(format!("cannot write {}: {error}", path.display()))
}
