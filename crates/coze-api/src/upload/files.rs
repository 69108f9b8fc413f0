//! Where files come from: memory, the disk, or any reader.

use std::io;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};
use reqwest::multipart::Part;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio_util::io::ReaderStream;

use super::Upload;
use crate::error::{Error, OneLine, Result};

/// What is read, and held in memory, at a time.
const CHUNK: usize = 64 * 1024;
/// So many first bytes tell what a file is.
const BEGIN: usize = 8 * 1024;

/// Told how many bytes have gone out, and how many there are if that is known.
type Progress = Arc<dyn Fn(u64, Option<u64>) + Send + Sync>;
type Reader = Pin<Box<dyn AsyncRead + Send>>;

#[derive(Clone)]
pub(super) struct Source {
    place: Place,
    progress: Option<Progress>,
}

#[derive(Clone)]
enum Place {
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

impl Upload {
    /// A file on disk, under its own name. It is opened when it is sent.
    /// Needs the feature `files`.
    pub fn path(path: impl AsRef<Path>) -> Self {
        let path = path.as_ref();
        let name = path.file_name().unwrap_or(path.as_os_str());
        Self::of(
            name.to_string_lossy().into_owned(),
            Place::Disk(path.to_owned()).into(),
        )
    }

    /// Anything that can be read, of the length in bytes if that is known. It can be read only
    /// once, so the call is not repeated once something of it has gone out. Needs the
    /// feature `files`.
    pub fn reader(
        name: impl Into<String>,
        reader: impl AsyncRead + Send + 'static,
        length: Option<u64>,
    ) -> Self {
        let reader: Reader = Box::pin(reader);
        let once = Arc::new(Mutex::new(Some((Bytes::new(), reader))));
        Self::of(name.into(), Place::Reader(once, length).into())
    }

    /// Calls back with the bytes that have gone out so far and, if known, their whole number. It
    /// is called from the sending task and should return at once. A repeated call begins anew.
    /// Needs the feature `files`.
    pub fn progress(mut self, seen: impl Fn(u64, Option<u64>) + Send + Sync + 'static) -> Self {
        self.source.progress = Some(Arc::new(seen));
        self
    }
}

impl From<Place> for Source {
    fn from(place: Place) -> Self {
        Self {
            place,
            progress: None,
        }
    }
}

impl Source {
    pub(super) fn memory(content: Bytes) -> Self {
        Place::Memory(content).into()
    }

    pub(super) fn is_read_once(&self) -> bool {
        matches!(self.place, Place::Reader(..))
    }

    pub(super) fn is_whole(&self) -> bool {
        match &self.place {
            Place::Memory(_) | Place::Disk(_) => true,
            Place::Reader(once, _) => {
                let once = once.lock().unwrap_or_else(PoisonError::into_inner);
                once.is_some()
            }
        }
    }

    /// None: its progress is seen.
    pub(super) fn patience(&self) -> Duration {
        Duration::ZERO
    }

    /// Reads the beginning.
    pub(super) async fn open(&self, name: &str) -> Result<Open> {
        let unreadable = |error: io::Error| {
            let name = match &self.place {
                Place::Disk(path) => path.to_string_lossy(),
                Place::Memory(_) | Place::Reader(..) => name.into(),
            };
            Error::Invalid(format!("cannot read {}: {error}", OneLine(&name)))
        };
        let open = |begin, rest, length| Open {
            begin,
            rest,
            length,
            progress: self.progress.clone(),
        };
        match &self.place {
            Place::Memory(content) => {
                let length = content.len() as u64;
                Ok(open(content.clone(), Rest::None, Some(length)))
            }
            Place::Disk(path) => {
                let opening = async {
                    let file = tokio::fs::File::open(path).await?;
                    let meta = file.metadata().await?;
                    if meta.is_dir() {
                        return Err(io::Error::other("it is a folder"));
                    }
                    let mut reader: Reader = Box::pin(file);
                    let begin = first_bytes(&mut reader).await?;
                    Ok(open(begin, Rest::Open(reader), Some(meta.len())))
                };
                opening.await.map_err(unreadable)
            }
            Place::Reader(once, length) => {
                let (mut begin, mut reader) = take(once).ok_or_else(|| {
                    let name = OneLine(name);
                    Error::Invalid(format!("the reader of {name} was used up before"))
                })?;
                if begin.is_empty() {
                    begin = first_bytes(&mut reader).await.map_err(unreadable)?;
                }
                // It is taken for good when the first of it goes out. Until then the call can
                // still be repeated.
                put(once, begin.clone(), reader);
                Ok(open(begin, Rest::Unread(Arc::clone(once)), *length))
            }
        }
    }
}

/// A file that is about to be sent.
pub(super) struct Open {
    /// Its first bytes.
    begin: Bytes,
    rest: Rest,
    /// Of the whole, if it is known.
    length: Option<u64>,
    progress: Option<Progress>,
}

/// What is behind the first bytes.
enum Rest {
    None,
    Open(Reader),
    /// First bytes and all.
    Unread(Arc<Once>),
}

impl Open {
    pub(super) fn begin(&self) -> &Bytes {
        &self.begin
    }

    pub(super) fn part(self, name: &str, sent: &Arc<AtomicU64>) -> Part {
        let length = self.length;
        let body = self.body(name, Arc::clone(sent));
        match length {
            Some(length) => Part::stream_with_length(body, length),
            None => Part::stream(body),
        }
    }

    /// All of it, piece by piece, and an error where that is not what was announced: a server would
    /// wait for what is missing, and take what is cut for the whole.
    fn body(self, name: &str, sent: Arc<AtomicU64>) -> reqwest::Body {
        let Self {
            begin,
            rest,
            length,
            progress,
        } = self;
        sent.store(0, Ordering::Relaxed);
        let name = OneLine(name).to_string();
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
