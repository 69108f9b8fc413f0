//! Files on their way to the server: from memory, from disk, or from any reader.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use coze_types::files::FilePart;
use futures_util::StreamExt;
use reqwest::multipart::Part;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio_util::io::ReaderStream;

use crate::error::{Error, Result};

/// What is read, and held in memory, at a time.
const CHUNK: usize = 64 * 1024;
/// So many first bytes tell what a file is.
const BEGIN: usize = 8 * 1024;

/// Told how many bytes have gone out, and how many there are if that is known.
type Progress = Arc<dyn Fn(u64, Option<u64>) + Send + Sync>;
type Reader = Pin<Box<dyn AsyncRead + Send>>;

/// A file to be uploaded. It is sent piece by piece, so its size does not matter for memory.
///
/// Its media type is found out from its first bytes, unless it is [told](Self::media_type); a name
/// without an ending gets the one that fits, because servers go by the ending.
#[derive(Clone)]
#[must_use = "nothing is sent until it is given to a call"]
pub struct Upload {
    name: String,
    media_type: Option<String>,
    source: Source,
    progress: Option<Progress>,
}

#[derive(Clone)]
enum Source {
    Memory(Bytes),
    Disk(PathBuf),
    /// Can be read once.
    Reader(Arc<Mutex<Option<Reader>>>, Option<u64>),
}

impl fmt::Debug for Upload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upload")
            .field("name", &self.name)
            .field("media_type", &self.media_type)
            .finish_non_exhaustive()
    }
}

impl Upload {
    /// Bytes in memory.
    pub fn bytes(name: impl Into<String>, content: impl Into<Bytes>) -> Self {
        Self::of(name.into(), Source::Memory(content.into()))
    }

    /// A file on disk, under its own name. It is opened when it is sent.
    pub fn path(path: impl AsRef<Path>) -> Self {
        let path = path.as_ref();
        let name = path.file_name().unwrap_or(path.as_os_str());
        Self::of(
            name.to_string_lossy().into_owned(),
            Source::Disk(path.to_owned()),
        )
    }

    /// Anything that can be read, of the length in bytes if that is known. It can be read only
    /// once, so the call is never repeated by itself.
    pub fn reader(
        name: impl Into<String>,
        reader: impl AsyncRead + Send + 'static,
        length: Option<u64>,
    ) -> Self {
        let reader: Reader = Box::pin(reader);
        let once = Arc::new(Mutex::new(Some(reader)));
        Self::of(name.into(), Source::Reader(once, length))
    }

    fn of(name: String, source: Source) -> Self {
        Self {
            name,
            media_type: None,
            source,
            progress: None,
        }
    }

    /// The name that the file gets at the server.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// The media type, such as `image/png`.
    pub fn media_type(mut self, kind: impl Into<String>) -> Self {
        self.media_type = Some(kind.into());
        self
    }

    /// Calls back with the bytes that have gone out so far and, if known, their whole number. It
    /// is called from the sending task and should return at once. A repeated call begins anew.
    pub fn progress(mut self, seen: impl Fn(u64, Option<u64>) + Send + Sync + 'static) -> Self {
        self.progress = Some(Arc::new(seen));
        self
    }

    /// The least time that it needs: none, because its progress is seen.
    pub(crate) fn patience(&self) -> Duration {
        Duration::ZERO
    }

    /// Whether it can be sent a second time.
    pub(crate) fn is_whole(&self) -> bool {
        !matches!(self.source, Source::Reader(..))
    }

    /// The part of a form. `sent` is kept at the number of bytes that have gone out.
    pub(crate) async fn part(&self, sent: &Arc<AtomicU64>) -> Result<Part> {
        let (begin, reader, length) = self.open().await?;
        let kind = infer::get(&begin);
        let media_type = self
            .media_type
            .as_deref()
            .or(kind.map(|kind| kind.mime_type()))
            .unwrap_or("application/octet-stream");
        // A line end in the name would end the header that it stands in.
        let mut name = self.name.replace(|char: char| char.is_control(), "_");
        if let Some(kind) = kind
            && Path::new(&name).extension().is_none()
        {
            name = format!("{name}.{}", kind.extension());
        }
        let body = self.body(begin, reader, length, Arc::clone(sent));
        let part = match length {
            Some(length) => Part::stream_with_length(body, length),
            None => Part::stream(body),
        };
        part.file_name(name).mime_str(media_type).map_err(|_| {
            Error::Invalid(format!("`{media_type}` is no media type for {}", self.name))
        })
    }

    /// The first bytes, what can be read behind them, and the whole length.
    async fn open(&self) -> Result<(Bytes, Option<Reader>, Option<u64>)> {
        match &self.source {
            Source::Memory(content) => Ok((content.clone(), None, Some(content.len() as u64))),
            Source::Disk(path) => {
                let open = async {
                    let file = tokio::fs::File::open(path).await?;
                    let meta = file.metadata().await?;
                    if meta.is_dir() {
                        return Err(io::Error::other("it is a folder"));
                    }
                    let mut reader: Reader = Box::pin(file.take(meta.len()));
                    let begin = first_bytes(&mut reader).await?;
                    Ok((begin, Some(reader), Some(meta.len())))
                };
                open.await.map_err(|error| {
                    Error::Invalid(format!("cannot read {}: {error}", path.display()))
                })
            }
            Source::Reader(once, length) => {
                let taken = once.lock().unwrap_or_else(PoisonError::into_inner).take();
                let mut reader = taken.ok_or_else(|| {
                    Error::Invalid(format!("the reader of {} was used up before", self.name))
                })?;
                let begin = first_bytes(&mut reader).await.map_err(|error| {
                    Error::Invalid(format!("cannot read {}: {error}", self.name))
                })?;
                Ok((begin, Some(reader), *length))
            }
        }
    }

    fn body(
        &self,
        begin: Bytes,
        reader: Option<Reader>,
        length: Option<u64>,
        sent: Arc<AtomicU64>,
    ) -> reqwest::Body {
        let begin = futures_util::stream::iter(pieces(begin).map(Ok::<_, io::Error>));
        let rest = reader.map(|reader| ReaderStream::with_capacity(reader, CHUNK));
        let rest = futures_util::stream::iter(rest).flatten();
        let progress = self.progress.clone();
        sent.store(0, Ordering::Relaxed);
        reqwest::Body::wrap_stream(begin.chain(rest).inspect(move |piece| {
            let Ok(piece) = piece else { return };
            let piece = piece.len() as u64;
            let now = sent.fetch_add(piece, Ordering::Relaxed) + piece;
            if let Some(progress) = &progress {
                progress(now, length);
            }
        }))
    }
}

/// Memory in pieces, so that its progress can be told as well.
fn pieces(mut bytes: Bytes) -> impl Iterator<Item = Bytes> {
    std::iter::from_fn(move || {
        let piece = bytes.split_to(CHUNK.min(bytes.len()));
        (!piece.is_empty()).then_some(piece)
    })
}

/// As many bytes as tell what a file is, or fewer at its end.
async fn first_bytes(reader: &mut Reader) -> io::Result<Bytes> {
    let mut begin = Vec::with_capacity(BEGIN);
    reader.take(BEGIN as u64).read_to_end(&mut begin).await?;
    Ok(begin.into())
}

impl From<FilePart> for Upload {
    fn from(file: FilePart) -> Self {
        Self {
            media_type: file.media_type,
            ..Self::bytes(file.file_name, file.content)
        }
    }
}
