//! Files on their way to the server.

#[cfg_attr(
    all(feature = "files", not(target_family = "wasm")),
    path = "upload/files.rs"
)]
#[cfg_attr(
    not(all(feature = "files", not(target_family = "wasm"))),
    path = "upload/memory.rs"
)]
mod source;

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use bytes::Bytes;
use coze_types::files::FilePart;
use reqwest::multipart::Part;

use self::source::Source;
use crate::error::{Error, OneLine, Result};

/// A file to be uploaded. It is sent piece by piece, so its size does not matter for memory;
/// only without the feature `files`, and in a browser, it is in memory as a whole.
///
/// Its media type is found out from its first bytes, unless it is [told](Self::media_type); a name
/// without an ending gets the one that fits, because servers go by the ending.
#[derive(Clone)]
#[must_use = "nothing is sent until it is given to a call"]
pub struct Upload {
    name: String,
    media_type: Option<String>,
    source: Source,
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
        Self::of(name.into(), Source::memory(content.into()))
    }

    fn of(name: String, source: Source) -> Self {
        Self {
            name,
            media_type: None,
            source,
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

    /// Whether nothing of it can go out twice.
    pub(crate) fn is_read_once(&self) -> bool {
        self.source.is_read_once()
    }

    /// Whether all of it is still there to be sent.
    pub(crate) fn is_whole(&self) -> bool {
        self.source.is_whole()
    }

    /// The least time that it needs on its way.
    pub(crate) fn patience(&self) -> Duration {
        self.source.patience()
    }

    /// The part of a form. `sent` is kept at the number of bytes that have gone out.
    pub(crate) async fn part(&self, sent: &Arc<AtomicU64>) -> Result<Part> {
        let open = self.source.open(&self.name).await?;
        let kind = infer::get(open.begin());
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
        let part = open.part(&self.name, sent);
        part.file_name(name).mime_str(media_type).map_err(|_| {
            let (kind, name) = (OneLine(media_type), OneLine(&self.name));
            Error::Invalid(format!("`{kind}` is no media type for {name}"))
        })
    }
}

impl From<FilePart> for Upload {
    fn from(file: FilePart) -> Self {
        Self {
            media_type: file.media_type,
            ..Self::bytes(file.file_name, file.content)
        }
    }
}
