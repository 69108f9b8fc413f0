//! Files: uploaded once, then named by id.

use std::path::Path;

use bytes::Bytes;
use coze_types::files::{File, FilePart, FileQuery, RetrieveFile, UploadFile, UploadFileBody};
use coze_types::{Empty, Id};

use crate::client::Coze;
use crate::error::{Error, Result};

impl Coze {
    /// Uploads a file of at most 512 MB under its own name. It is read into memory.
    ///
    /// # Errors
    /// [`Error::Invalid`] when it cannot be read, and those of [`send`](Self::send).
    pub async fn upload(&self, path: impl AsRef<Path>) -> Result<File> {
        let path = path.as_ref();
        let shown = path.display();
        let content = tokio::fs::read(path).await;
        let content =
            content.map_err(|error| Error::Invalid(format!("cannot read {shown}: {error}")))?;
        let name = path.file_name().unwrap_or(path.as_os_str());
        self.upload_bytes(name.to_string_lossy(), content).await
    }

    /// Uploads bytes as a file of the given name; its ending tells the server what it is.
    ///
    /// # Errors
    /// Those of [`send`](Self::send).
    pub async fn upload_bytes(
        &self,
        name: impl Into<String>,
        content: impl Into<Bytes>,
    ) -> Result<File> {
        let row = UploadFile {
            query: Empty {},
            body: UploadFileBody {
                file: FilePart {
                    file_name: name.into(),
                    media_type: None,
                    content: content.into(),
                },
            },
        };
        Ok(self.send(row).await?.into_inner().data)
    }

    /// Reads what a file is; no call gives its content.
    ///
    /// # Errors
    /// Those of [`send`](Self::send).
    pub async fn retrieve_file(&self, file: impl Into<Id>) -> Result<File> {
        let row = RetrieveFile {
            query: FileQuery {
                file_id: file.into(),
            },
            body: Empty {},
        };
        Ok(self.send(row).await?.into_inner().data)
    }
}
