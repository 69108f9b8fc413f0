//! Forms: `multipart/form-data` of text fields and one small file, read into memory.

use axum::body::HttpBody;
use axum::extract::Request;
use bytes::{Bytes, BytesMut};
use coze_types::files::FilePart;
use serde_json::{Map, Value};

use crate::fail::Fail;
use crate::parts::Parts;

/// The largest text field, in bytes.
const TEXT_LIMIT: usize = 64 * 1024;

/// What a form holds.
#[derive(Debug, Default)]
pub(crate) struct Form {
    /// The text fields by name; empty ones, which SDKs send for none, are left out.
    pub(crate) texts: Map<String, Value>,
    /// The file.
    pub(crate) file: Option<FilePart>,
}

impl Form {
    /// Reads a form whose file has at most `limit` bytes.
    pub(crate) async fn read(request: Request, limit: usize) -> Result<Self, Fail> {
        // A form without parts; some clients send nothing at all for it.
        if request.body().is_end_stream() {
            return Ok(Self::default());
        }
        let mut parts = Parts::read(request).await?;
        let mut form = Self::default();
        while let Some(mut part) = parts.next().await? {
            let name = part.name().unwrap_or_default().to_owned();
            let file_name = part.file_name().map(base_name);
            let media_type = part.media_type().map(str::to_owned);
            // The Go SDK gives the file no name at times; the part's name tells then.
            let is_file = name == "file" || file_name.is_some();
            let most = if is_file { limit } else { TEXT_LIMIT };
            let mut content = BytesMut::new();
            while let Some(chunk) = part.chunk().await? {
                if content.len() + chunk.len() > most {
                    return Err(too_large(&name, is_file, most));
                }
                content.extend_from_slice(&chunk);
            }
            if is_file {
                form.set_file(content.freeze(), file_name, media_type)?;
            } else {
                let text = std::str::from_utf8(&content)
                    .map_err(|_| Fail::invalid(&name, "it is not UTF-8"))?;
                if !text.is_empty() {
                    form.texts.insert(name, text.into());
                }
            }
        }
        Ok(form)
    }

    fn set_file(
        &mut self,
        content: Bytes,
        file_name: Option<String>,
        media_type: Option<String>,
    ) -> Result<(), Fail> {
        if self.file.is_some() {
            return Err(Fail::new(4301, "more than one file; send one"));
        }
        if content.is_empty() {
            return Err(Fail::new(4300, "the file is empty"));
        }
        self.file = Some(FilePart {
            file_name: file_name.unwrap_or_default(),
            media_type,
            content,
        });
        Ok(())
    }
}

fn too_large(name: &str, is_file: bool, limit: usize) -> Fail {
    if is_file {
        let msg = format!("the file is larger than {} MB", limit / (1024 * 1024));
        return Fail::new(4302, msg).with_http(413);
    }
    Fail::invalid(name, format!("it is larger than {} KB", limit / 1024))
}

/// The last part of a path; the name is never used as a path here, but callers may do so.
pub(crate) fn base_name(name: &str) -> String {
    // Forms spell these three characters so (HTML standard, multipart form data).
    let name = name
        .replace("%22", "\"")
        .replace("%0D", "\r")
        .replace("%0A", "\n");
    let name = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let name: String = name
        .chars()
        .filter(|it| !it.is_control())
        .take(255)
        .collect();
    if matches!(name.as_str(), "" | "." | "..") {
        "file".to_owned()
    } else {
        name
    }
}
