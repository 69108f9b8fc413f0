//! Files: uploaded once, then named by id.

use bytes::Bytes;
use coze_types::endpoint::BodyKind;
use coze_types::files::{File, FileQuery, RetrieveFile, UploadFile};
use coze_types::{Empty, Endpoint, Id};

use crate::call::Call;
use crate::client::Coze;
use crate::error::{Error, Result};
use crate::exchange::Judged;
use crate::response::Response;
use crate::upload::Upload;

impl Coze {
    /// Uploads a file of at most 512 MB under its own name. It is read while it is sent. Needs the
    /// feature `files`.
    ///
    /// # Errors
    /// [`Error::Invalid`] when it cannot be read, and those of [`send`](Self::send).
    #[cfg(all(feature = "files", not(target_family = "wasm")))]
    pub async fn upload(&self, path: impl AsRef<std::path::Path>) -> Result<File> {
        self.upload_from(Upload::path(path)).await
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
        self.upload_from(Upload::bytes(name, content)).await
    }

    /// Uploads from wherever the file is, and tells how far it has come.
    ///
    /// ```no_run
    /// # async fn run(coze: coze_api::Coze) -> coze_api::Result<()> {
    /// use coze_api::Upload;
    ///
    /// let upload = Upload::bytes("note.txt", "记得带伞").progress(|sent, all| {
    ///     println!("{sent} of {all:?} bytes");
    /// });
    /// let file = coze.upload_from(upload).await?;
    /// println!("{}", file.id);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Invalid`] when it cannot be read, and those of [`send`](Self::send).
    pub async fn upload_from(&self, file: Upload) -> Result<File> {
        let row = UploadFile::default();
        Ok(self.send_file(row, file).await?.into_inner().data)
    }

    /// Makes any call that takes a file, with a file that need not be in memory. It takes the
    /// place of the file in the row.
    ///
    /// # Errors
    /// [`Error::Invalid`] when the row takes no file, or when the file cannot be
    /// read, and those of [`send`](Self::send).
    pub async fn send_file<E: Endpoint>(&self, row: E, file: Upload) -> Result<Response<E::Reply>> {
        if E::INFO.body != BodyKind::Multipart {
            let name = E::INFO.name;
            return Err(Error::Invalid(format!("{name} takes no file")));
        }
        let mut call = Call::encode(&row)?;
        drop(row);
        call.put_file(file);
        self.call::<Judged>(&call).await?.reply()
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
