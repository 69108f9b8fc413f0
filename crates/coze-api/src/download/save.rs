//! Bytes that are written to a file.

use std::path::{Path, PathBuf};

use tokio::io::AsyncWriteExt;

use super::Download;
use crate::error::{Error, Result};

impl Download {
    /// Writes the bytes to a file, and returns how many there were. The file gets its name only
    /// when it is whole: until then it lies beside it, with `.part` at its end, and is removed
    /// when the download fails or nobody waits for it any more. Needs the feature `files`.
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
