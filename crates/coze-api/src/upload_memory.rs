//! Files on their way to the server, where they can come from memory only: without the feature
//! `files`, and in a browser.
//!
//! The names are those of the `upload` that also reads from disk.

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use bytes::Bytes;
use coze_types::files::FilePart;
use reqwest::multipart::Part;

use crate::error::{Error, Result};

/// A file to be uploaded, from memory.
///
/// Its media type is found out from its first bytes, unless it is [told](Self::media_type); a name
/// without an ending gets the one that fits, because servers go by the ending.
#[derive(Clone)]
#[must_use = "nothing is sent until it is given to a call"]
pub struct Upload {
    name: String,
    media_type: Option<String>,
    content: Bytes,
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
        Self {
            name: name.into(),
            media_type: None,
            content: content.into(),
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

    /// It can always be sent a second time.
    pub(crate) fn is_whole(&self) -> bool {
        true
    }

    /// The least time that it needs: a second for each 64 KiB. Nobody tells how far it has come.
    pub(crate) fn patience(&self) -> Duration {
        Duration::from_secs(self.content.len() as u64 / (64 * 1024))
    }

    /// The part of a form.
    pub(crate) async fn part(&self, _: &Arc<AtomicU64>) -> Result<Part> {
        let kind = infer::get(&self.content);
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
        let part = Part::stream(self.content.clone());
        part.file_name(name).mime_str(media_type).map_err(|_| {
            Error::Invalid(format!("`{media_type}` is no media type for {}", self.name))
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
