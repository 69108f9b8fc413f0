//! Files on their way to the server: from memory, from disk, or from any reader.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use coze_types::files::FilePart;
use futures_util::{StreamExt, TryStreamExt, stream};
use reqwest::multipart::Part;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio_util::io::ReaderStream;

use crate::error::{Error, OneLine, Result};

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
    /// Can be read once; of the length that the caller knows.
    Reader(Arc<Once>, Option<u64>),
}

/// A reader that has not been sent; its first bytes may have been read already.
type Once = Mutex<Option<(Bytes, Reader)>>;

fn take(once: &Once) -> Option<(Bytes, Reader)> {
    once.lock().unwrap_or_else(PoisonError::into_inner).take()
}

fn put(once: &Once, begin: Bytes, reader: Reader) {
    *once.lock().unwrap_or_else(PoisonError::into_inner) = Some((begin, reader));
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
    /// once, so the call is not repeated once something of it has gone out.
    pub fn reader(
        name: impl Into<String>,
        reader: impl AsyncRead + Send + 'static,
        length: Option<u64>,
    ) -> Self {
        let reader: Reader = Box::pin(reader);
        let once = Arc::new(Mutex::new(Some((Bytes::new(), reader))));
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

    /// Whether nothing of it can go out twice.
    pub(crate) fn is_read_once(&self) -> bool {
        matches!(self.source, Source::Reader(..))
    }

    /// Whether all of it is still there to be sent.
    pub(crate) fn is_whole(&self) -> bool {
        match &self.source {
            Source::Memory(_) | Source::Disk(_) => true,
            Source::Reader(once, _) => {
                let once = once.lock().unwrap_or_else(PoisonError::into_inner);
                once.is_some()
            }
        }
    }

    /// The part of a form. `sent` is kept at the number of bytes that have gone out.
    pub(crate) async fn part(&self, sent: &Arc<AtomicU64>) -> Result<Part> {
        let Open {
            begin,
            rest,
            length,
        } = self.open().await?;
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
        let body = self.body(begin, rest, length, Arc::clone(sent));
        let part = match length {
            Some(length) => Part::stream_with_length(body, length),
            None => Part::stream(body),
        };
        part.file_name(name).mime_str(media_type).map_err(|_| {
            let (kind, name) = (OneLine(media_type), OneLine(&self.name));
            Error::Invalid(format!("`{kind}` is no media type for {name}"))
        })
    }

    async fn open(&self) -> Result<Open> {
        let unreadable = |error: io::Error| {
            let name = match &self.source {
                Source::Disk(path) => path.to_string_lossy(),
                Source::Memory(_) | Source::Reader(..) => self.name.as_str().into(),
            };
            Error::Invalid(format!("cannot read {}: {error}", OneLine(&name)))
        };
        match &self.source {
            Source::Memory(content) => Ok(Open {
                begin: content.clone(),
                rest: Rest::None,
                length: Some(content.len() as u64),
            }),
            Source::Disk(path) => {
                let open = async {
                    let file = tokio::fs::File::open(path).await?;
                    let meta = file.metadata().await?;
                    if meta.is_dir() {
                        return Err(io::Error::other("it is a folder"));
                    }
                    let mut reader: Reader = Box::pin(file);
                    let begin = first_bytes(&mut reader).await?;
                    Ok(Open {
                        begin,
                        rest: Rest::Open(reader),
                        length: Some(meta.len()),
                    })
                };
                open.await.map_err(unreadable)
            }
            Source::Reader(once, length) => {
                let (mut begin, mut reader) = take(once).ok_or_else(|| {
                    let name = OneLine(&self.name);
                    Error::Invalid(format!("the reader of {name} was used up before"))
                })?;
                if begin.is_empty() {
                    begin = first_bytes(&mut reader).await.map_err(unreadable)?;
                }
                // It is taken for good when the first of it goes out. Until then the call can
                // still be repeated.
                put(once, begin.clone(), reader);
                Ok(Open {
                    begin,
                    rest: Rest::Unread(Arc::clone(once)),
                    length: *length,
                })
            }
        }
    }

    /// All of it, piece by piece, and an error where that is not what was announced: a server would
    /// wait for what is missing, and take what is cut for the whole.
    fn body(
        &self,
        begin: Bytes,
        rest: Rest,
        length: Option<u64>,
        sent: Arc<AtomicU64>,
    ) -> reqwest::Body {
        sent.store(0, Ordering::Relaxed);
        let name = OneLine(&self.name).to_string();
        let begun = stream::once(async move {
            match rest {
                Rest::None => Ok((begin, None)),
                Rest::Open(reader) => Ok((begin, Some(reader))),
                Rest::Unread(once) => match take(&once) {
                    Some((begin, reader)) => Ok((begin, Some(reader))),
                    None => Err(io::Error::other("it was used up before")),
                },
            }
        });
        let content = begun.map_ok(|(begin, reader)| {
            let rest = reader.map(|reader| ReaderStream::with_capacity(reader, CHUNK));
            let rest = stream::iter(rest).flatten();
            stream::iter(pieces(begin).map(Ok)).chain(rest)
        });
        let progress = self.progress.clone();
        let content = content.try_flatten().map(Some);
        let content = content.chain(stream::iter([None])).map(move |piece| {
            let wrong = |what: &str| Err(io::Error::other(format!("cannot read {name}: {what}")));
            let Some(piece) = piece else {
                return match length {
                    Some(length) if sent.load(Ordering::Relaxed) < length => {
                        wrong(&format!("it is shorter than {length} bytes"))
                    }
                    _ => Ok(Bytes::new()),
                };
            };
            let piece: Bytes = match piece {
                Ok(piece) => piece,
                Err(error) => return wrong(&error.to_string()),
            };
            let new = piece.len() as u64;
            let now = sent.fetch_add(new, Ordering::Relaxed) + new;
            if let Some(length) = length.filter(|length| now > *length) {
                return wrong(&format!("it is longer than {length} bytes"));
            }
            if let Some(progress) = &progress {
                progress(now, length);
            }
            Ok(piece)
        });
        // An empty piece would end a body that goes out in chunks.
        let content = content.try_filter(|piece| std::future::ready(!piece.is_empty()));
        reqwest::Body::wrap_stream(content)
    }
}

/// A file that is about to be sent.
struct Open {
    /// Its first bytes.
    begin: Bytes,
    rest: Rest,
    /// Of the whole, if it is known.
    length: Option<u64>,
}

/// What is behind the first bytes.
enum Rest {
    None,
    Open(Reader),
    /// First bytes and all.
    Unread(Arc<Once>),
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
