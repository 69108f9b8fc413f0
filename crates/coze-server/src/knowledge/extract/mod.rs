//! From the bytes of a document to its text.
//!
//! Documents come from anywhere. Readers of formats may be slow or give up in ways of their own,
//! so they work on a thread that nobody has to wait for, with limits on what goes in and what
//! comes out, and what they break is told as the failure of the one document.

mod docx;
mod html;
mod pdf;
mod plain;
mod table;

use std::time::Duration;

use bytes::Bytes;

/// The largest document, in bytes.
pub(crate) const LARGEST: usize = 100 * 1024 * 1024;
/// The longest text of a document, in bytes; also what an archive may unpack to.
const LONGEST: usize = 64 * 1024 * 1024;
/// How long reading a document may take.
const TIME: Duration = Duration::from_secs(120);

/// What a document is, as far as reading it goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Text,
    Html,
    Pdf,
    Docx,
    Csv,
    Sheet,
    /// Rows as JSON: a list of objects.
    Rows,
    Picture,
}

impl Kind {
    pub(crate) fn is_table(self) -> bool {
        matches!(self, Self::Csv | Self::Sheet | Self::Rows)
    }
}

/// What the ending of a file name stands for.
pub(crate) fn kind_of(ending: &str) -> Option<Kind> {
    Some(match ending.to_ascii_lowercase().as_str() {
        "txt" | "text" | "md" | "markdown" | "log" => Kind::Text,
        "html" | "htm" | "xhtml" => Kind::Html,
        "pdf" => Kind::Pdf,
        "docx" => Kind::Docx,
        "csv" | "tsv" => Kind::Csv,
        "xlsx" | "xlsm" => Kind::Sheet,
        "json" => Kind::Rows,
        "png" | "jpg" | "jpeg" | "webp" | "gif" | "bmp" => Kind::Picture,
        _ => return None,
    })
}

/// What stands in a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Content {
    Text(String),
    /// Each row with the names of its columns.
    Rows(Vec<String>),
}

/// Reads a document, off the threads of the runtime.
///
/// # Errors
/// Why it cannot be read, in words for whoever added it.
pub(crate) async fn extract(kind: Kind, bytes: Bytes) -> Result<Content, String> {
    let (sender, told) = tokio::sync::oneshot::channel();
    let work = move || {
        // A reader that panics drops the sender, which is told below.
        let _ = sender.send(read(kind, &bytes));
    };
    std::thread::Builder::new()
        .name("document-reader".into())
        .stack_size(16 * 1024 * 1024)
        .spawn(work)
        .map_err(|error| format!("no thread to read it on: {error}"))?;
    match tokio::time::timeout(TIME, told).await {
        Ok(Ok(content)) => content,
        Ok(Err(_)) => Err("the file is damaged: its reader gave up".to_owned()),
        Err(_) => Err(format!("reading it took longer than {} s", TIME.as_secs())),
    }
}

fn read(kind: Kind, bytes: &[u8]) -> Result<Content, String> {
    let content = match kind {
        Kind::Text => Content::Text(plain::decode(bytes)?),
        Kind::Html => Content::Text(html::text(&plain::decode_html(bytes)?)),
        Kind::Pdf => Content::Text(pdf::text(bytes)?),
        Kind::Docx => Content::Text(docx::text(bytes)?),
        Kind::Csv => Content::Rows(table::csv(bytes)?),
        Kind::Sheet => Content::Rows(table::sheet(bytes)?),
        Kind::Rows => Content::Rows(table::json(bytes)?),
        Kind::Picture => return Err("a picture has no text".to_owned()),
    };
    let length = match &content {
        Content::Text(text) => text.len(),
        Content::Rows(rows) => rows.iter().map(String::len).sum(),
    };
    if length > LONGEST {
        return Err(too_long());
    }
    Ok(content)
}

fn too_long() -> String {
    format!("its text is longer than {} MB", LONGEST / 1024 / 1024)
}
