//! Bytes by [`Read`] and [`Write`].

use std::io::{self, Read, Write};
use std::path::Path;

use bytes::{Buf, Bytes};
use futures_util::stream;
use tokio::task::spawn_blocking;
use tokio_util::io::StreamReader;

use super::streams::Blocking;
use crate::error::{Error, Result};
use crate::response::RawResponse;
use crate::upload::Upload;

/// What is read from a reader at a time.
const PIECE: usize = 64 * 1024;

impl Upload {
    /// Like [`reader`](Self::reader), for a reader that blocks. It is read on a thread of its own,
    /// so one that is slow holds nobody up.
    ///
    /// ```no_run
    /// # fn run(coze: coze_api::blocking::Coze) -> coze_api::Result<()> {
    /// use coze_api::Upload;
    ///
    /// let file = coze.upload_from(Upload::blocking_reader("log.txt", std::io::stdin(), None))?;
    /// println!("{}", file.id);
    /// # Ok(())
    /// # }
    /// ```
    pub fn blocking_reader(
        name: impl Into<String>,
        reader: impl Read + Send + 'static,
        length: Option<u64>,
    ) -> Self {
        let pieces = stream::try_unfold(reader, |reader| async move {
            spawn_blocking(move || piece(reader))
                .await
                .map_err(io::Error::other)?
        });
        Self::reader(name, StreamReader::new(pieces), length)
    }
}

/// The next piece, if there is one.
fn piece<R: Read>(mut reader: R) -> io::Result<Option<(Bytes, R)>> {
    let mut piece = vec![0; PIECE];
    let read = loop {
        match reader.read(&mut piece) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            read => break read?,
        }
    };
    piece.truncate(read);
    Ok((read > 0).then(|| (piece.into(), reader)))
}

impl Blocking<crate::Download> {
    /// The next bytes; `None` at the end.
    ///
    /// # Errors
    /// Those of [`chunk`](crate::Download::chunk) of the `async` download.
    pub fn chunk(&mut self) -> Result<Option<Bytes>> {
        self.with(async |download| download.chunk().await)
    }

    /// All bytes at once.
    ///
    /// # Errors
    /// As [`chunk`](Self::chunk).
    pub fn bytes(self) -> Result<Bytes> {
        self.end(async |download| download.bytes().await)
    }

    /// Writes the bytes to a file, and returns how many there were; see
    /// [`save`](crate::Download::save) of the `async` download.
    ///
    /// # Errors
    /// [`Error::Invalid`] when the file cannot be written, and those of [`chunk`](Self::chunk).
    pub fn save(self, path: impl AsRef<Path>) -> Result<u64> {
        self.end(async |download| download.save(path).await)
    }

    /// Writes the bytes to anything, and returns how many there were.
    ///
    /// # Errors
    /// [`Error::Invalid`] when it cannot be written, and those of [`chunk`](Self::chunk).
    pub fn write_to(mut self, mut sink: impl Write) -> Result<u64> {
        let failed = |error| Error::Invalid(format!("the bytes cannot be written: {error}"));
        let mut length = 0;
        while let Some(chunk) = self.chunk()? {
            sink.write_all(&chunk).map_err(failed)?;
            length += chunk.len() as u64;
        }
        sink.flush().map_err(failed)?;
        Ok(length)
    }

    /// The bytes as a reader. Its errors hold those of [`chunk`](Self::chunk).
    pub fn into_reader(mut self) -> impl Read {
        Reader {
            chunk: move || self.chunk(),
            rest: Bytes::new(),
        }
    }
}

impl Blocking<crate::RawStream> {
    /// The next bytes, as they arrive; `None` at the end.
    ///
    /// # Errors
    /// Those of [`chunk`](crate::RawStream::chunk) of the `async` stream.
    pub fn chunk(&mut self) -> Result<Option<Bytes>> {
        self.with(async |stream| stream.chunk().await)
    }

    /// Reads the rest at once.
    ///
    /// # Errors
    /// As [`chunk`](Self::chunk).
    pub fn into_response(self) -> Result<RawResponse> {
        self.end(async |stream| stream.into_response().await)
    }

    /// The bytes as a reader. Its errors hold those of [`chunk`](Self::chunk).
    pub fn into_reader(mut self) -> impl Read {
        Reader {
            chunk: move || self.chunk(),
            rest: Bytes::new(),
        }
    }
}

/// Chunks as a reader.
struct Reader<F> {
    chunk: F,
    rest: Bytes,
}

impl<F: FnMut() -> Result<Option<Bytes>>> Read for Reader<F> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.rest.is_empty() && !buffer.is_empty() {
            match (self.chunk)().map_err(io::Error::other)? {
                Some(chunk) => self.rest = chunk,
                None => return Ok(0),
            }
        }
        let length = buffer.len().min(self.rest.len());
        self.rest.copy_to_slice(&mut buffer[..length]);
        Ok(length)
    }
}
