//! Works off the documents that wait: reads, cuts and indexes them, one after the other.
//!
//! What there is to do stands in the store, so a stop in the middle costs nothing but the begun
//! document, which is begun again.

use std::time::Duration;

use bytes::Bytes;
use coze_types::knowledge::{CaptionType, DocumentStatus, FormatType};
use tokio::time::Instant;

use super::embed::BATCH;
use super::extract::{self, Content, Kind, LARGEST};
use super::{Embedder, folder, kind_of, split, words};
use crate::app::App;
use crate::fail::Fail;
use crate::outbound::Budget;
use crate::store::{DocumentRecord, NewChunk, Unit};

/// How often changed files and web pages that are to be read again are looked for.
const ROUND: Duration = Duration::from_secs(60);
/// How long a store that fails is left alone.
const PAUSE: Duration = Duration::from_secs(1);
/// Chunks that are written in one transaction.
const STEP: usize = BATCH * 4;
const WEB: Budget = Budget {
    bytes: 20 * 1024 * 1024,
    time: Duration::from_secs(60),
};

/// Why work on a document ended early.
enum End {
    /// It cannot be read; whoever added it is told.
    Failed(String),
    /// It is gone, or the server stops.
    Gone,
    Store(Fail),
}

impl From<Fail> for End {
    fn from(fail: Fail) -> Self {
        Self::Store(fail)
    }
}

/// Begins to work, beside the requests, until the server stops.
pub(crate) fn start(app: &App) {
    let app = app.clone();
    app.tasks.clone().spawn(async move {
        let mut looked = None;
        while !app.stop.is_cancelled() {
            // Between two documents, but not between all of them.
            let due = looked.is_none_or(|it: Instant| it.elapsed() >= ROUND);
            if due {
                looked = Some(Instant::now());
                if let Err(fail) = folder::sync(&app).await {
                    tracing::error!(msg = %fail.msg, "folders of documents could not be entered");
                }
            }
            let pause = match step(&app).await {
                Ok(true) => continue,
                Ok(false) => ROUND,
                Err(fail) => {
                    tracing::error!(msg = %fail.msg, "indexing waits for the store");
                    PAUSE
                }
            };
            tokio::select! {
                () = app.stop.cancelled() => {}
                () = app.indexing.notified() => looked = None,
                () = tokio::time::sleep(pause) => {}
            }
        }
    });
}

/// Works on what is most urgent; false when there is nothing.
async fn step(app: &App) -> Result<bool, Fail> {
    let now = app.now();
    let next = app.db.read(move |unit| {
        let refresh = |refresh: Option<DocumentRecord>| refresh.map(|it| (it, true));
        Ok::<_, Fail>(match unit.document_at_work()? {
            Some(document) => Some((document, false)),
            None => refresh(unit.document_to_refresh(now)?),
        })
    });
    if let Some((document, again)) = next.await? {
        tokio::select! {
            () = app.stop.cancelled() => {}
            done = finish(app, document, again) => done?,
        }
        return Ok(true);
    }
    match app.configured().embedder.clone() {
        Some(embedder) => vectors(app, &embedder).await,
        None => Ok(false),
    }
}

async fn finish(app: &App, document: DocumentRecord, again: bool) -> Result<(), Fail> {
    let id = document.id;
    let why = match work(app, document, again).await {
        Ok(()) | Err(End::Gone) => return Ok(()),
        Err(End::Store(fail)) => return Err(fail),
        Err(End::Failed(why)) => why,
    };
    // What it says may quote the document's address, so only debug logs show it.
    tracing::info!(document = id, again, "a document could not be indexed");
    tracing::debug!(document = id, why);
    let now = app.now();
    let changed = change(app, id, move |it| {
        it.descript = why;
        it.read_at = now;
        it.updated_at = now;
        // What was read before stays in use.
        if !again {
            it.status = DocumentStatus::Failed;
            it.begun_at = None;
        }
    });
    match changed.await {
        Ok(()) | Err(End::Gone | End::Failed(_)) => Ok(()),
        Err(End::Store(fail)) => Err(fail),
    }
}

/// Everything, for one document. `again` is the case of a web page whose chunks are in use.
async fn work(app: &App, document: DocumentRecord, again: bool) -> Result<(), End> {
    let (id, dataset) = (document.id, document.dataset);
    let begun = app.now();
    if !again {
        app.db
            .write(move |unit| Ok::<_, Fail>(unit.delete_chunks(id)?))
            .await?;
        change(app, id, move |it| {
            it.begun_at = Some(begun);
            it.progress = 5;
            it.slice_count = 0;
        })
        .await?;
    }
    let source = read(app, &document).await?;
    let size = source.size;
    let fingerprint = match document.path {
        // What the folder was seen with; if it has changed since, it is read again.
        Some(_) => document.fingerprint.clone(),
        None => source.fingerprint,
    };
    if again && fingerprint == document.fingerprint {
        return change(app, id, move |it| {
            it.read_at = begun;
            it.descript.clear();
        })
        .await;
    }
    if !again {
        change(app, id, move |it| {
            it.size = size;
            it.progress = 30;
        })
        .await?;
    }
    let texts = match source.content {
        Content::Text(text) => split::split(&text, &document.strategy),
        Content::Rows(rows) => split::rows(rows),
    };
    if texts.len() > split::MOST {
        let why = format!(
            "it falls into {} chunks, more than {}",
            texts.len(),
            split::MOST
        );
        return Err(End::Failed(why));
    }
    if texts.is_empty() && document.format != FormatType::Image {
        return Err(End::Failed("there is no text in it".to_owned()));
    }
    let characters = texts.iter().map(|it| it.chars().count()).sum::<usize>();
    let counts = (integer(characters), integer(texts.len()));
    let embedder = app.configured().embedder.clone();
    let model = embedder.as_ref().map_or("", |it| it.name()).to_owned();
    let mut chunks = Vec::new();
    let mut done = 0;
    for texts in texts.chunks(STEP) {
        chunks.extend(ready(texts, embedder.as_deref()).await?);
        done += texts.len();
        if again {
            continue;
        }
        let (step, model) = (std::mem::take(&mut chunks), model.clone());
        let progress = 30 + 65 * integer(done) / counts.1.max(1);
        let written = app.db.write(move |unit| {
            let Some(mut it) = unit.document(id)? else {
                return Ok::<_, Fail>(false);
            };
            unit.add_chunks(dataset, id, &model, &step)?;
            it.progress = progress;
            it.slice_count += integer(step.len());
            unit.update_document(&it)?;
            Ok(true)
        });
        if !written.await? {
            return Err(End::Gone);
        }
    }
    let now = app.now();
    let written = app.db.write(move |unit| {
        let Some(mut it) = unit.document(id)? else {
            return Ok::<_, Fail>(false);
        };
        if again {
            unit.delete_chunks(id)?;
            unit.add_chunks(dataset, id, &model, &chunks)?;
        }
        it.status = DocumentStatus::Completed;
        it.descript.clear();
        it.progress = 100;
        it.begun_at = None;
        it.size = size;
        (it.char_count, it.slice_count) = counts;
        if it.format == FormatType::Image {
            it.caption = Some(caption_of(&it)).filter(|it| !it.is_empty());
            retell(unit, &mut it)?;
        }
        it.fingerprint = fingerprint;
        it.read_at = now;
        it.updated_at = now;
        unit.update_document(&it)?;
        Ok(true)
    });
    match written.await? {
        true => Ok(()),
        false => Err(End::Gone),
    }
}

/// Chunks with their words and vectors.
async fn ready(texts: &[String], embedder: Option<&Embedder>) -> Result<Vec<NewChunk>, End> {
    let mut vectors = Vec::new();
    if let Some(embedder) = embedder {
        for batch in texts.chunks(BATCH) {
            vectors.extend(embedder.embed(batch).await.map_err(End::Failed)?);
        }
    }
    let mut vectors = vectors.into_iter();
    let chunks = texts.iter().map(|text| NewChunk {
        text: text.clone(),
        words: words::index(text),
        vector: vectors.next(),
    });
    Ok(chunks.collect())
}

/// What a document holds.
struct Source {
    content: Content,
    size: i64,
    fingerprint: String,
}

async fn read(app: &App, document: &DocumentRecord) -> Result<Source, End> {
    let (bytes, kind) = match &document.web_url {
        Some(url) => fetch(app, url).await?,
        None => {
            let kind = kind_of(&document.kind).ok_or_else(|| unknown(&document.kind))?;
            (file(app, document).await?, kind)
        }
    };
    let (size, fingerprint) = (integer(bytes.len()), fingerprint(&bytes));
    let content = match kind {
        // What it shows is taken at the end: it may be told meanwhile.
        Kind::Picture => Content::Text(String::new()),
        _ => extract::extract(kind, bytes).await.map_err(End::Failed)?,
    };
    Ok(Source {
        content,
        size,
        fingerprint,
    })
}

fn unknown(kind: &str) -> End {
    End::Failed(match kind {
        "doc" => "old Word files are not read; save it as docx".to_owned(),
        kind => format!("files of the type {kind:?} are not read"),
    })
}

async fn fetch(app: &App, url: &str) -> Result<(Bytes, Kind), End> {
    let outbound = app.configured().outbound.clone();
    let page = outbound.get(url, WEB).await;
    let page = page.map_err(|error| End::Failed(error.to_string()))?;
    let media = page
        .content_type
        .split(';')
        .next()
        .unwrap_or_default()
        .trim();
    let ending = page.url.path().rsplit_once('.').map(|(_, ending)| ending);
    let kind = match media.to_ascii_lowercase().as_str() {
        "text/html" | "application/xhtml+xml" => Some(Kind::Html),
        "text/csv" => Some(Kind::Csv),
        "application/pdf" => Some(Kind::Pdf),
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document" => {
            Some(Kind::Docx)
        }
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet" => Some(Kind::Sheet),
        "text/plain" | "text/markdown" => Some(Kind::Text),
        _ => ending
            .and_then(kind_of)
            .filter(|kind| *kind != Kind::Picture),
    };
    match kind {
        Some(kind) => Ok((page.bytes, kind)),
        None if media.is_empty() => Ok((page.bytes, Kind::Html)),
        None => Err(End::Failed(format!(
            "the address holds {media}, which is no text"
        ))),
    }
}

async fn file(app: &App, document: &DocumentRecord) -> Result<Bytes, End> {
    let path = match (&document.path, document.file) {
        (Some(path), _) => {
            let configured = app.configured();
            let mut declared = configured.datasets.iter();
            let declared = declared.find(|it| it.id == document.dataset);
            let gone = || End::Failed("coze.yaml names its folder no longer".to_owned());
            declared.ok_or_else(gone)?.folder.join(path)
        }
        (None, Some(file)) => app.files.join(file.to_string()),
        (None, None) => return Err(End::Failed("its file is gone".to_owned())),
    };
    let gone = |error: std::io::Error| End::Failed(format!("its file cannot be read: {error}"));
    let length = tokio::fs::metadata(&path).await.map_err(gone)?.len();
    if length > LARGEST as u64 {
        let megabytes = LARGEST / 1024 / 1024;
        return Err(End::Failed(format!("it is larger than {megabytes} MB")));
    }
    Ok(tokio::fs::read(&path).await.map_err(gone)?.into())
}

/// What a picture shows: what its owner says, or else what its file name says.
pub(crate) fn caption_of(document: &DocumentRecord) -> String {
    if let Some(caption) = &document.caption {
        return caption.clone();
    }
    if document.strategy.caption_type == Some(CaptionType::Manual) {
        return String::new();
    }
    let name = match document.name.rsplit_once('.') {
        Some((name, _)) if !name.is_empty() => name,
        _ => &document.name,
    };
    let spaced = name.replace(['_', '-', '.', '+'], " ");
    spaced.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Puts what a picture shows now in the place of what it showed before.
pub(crate) fn retell(unit: &dyn Unit, document: &mut DocumentRecord) -> Result<(), Fail> {
    let text = caption_of(document);
    let chunks: Vec<NewChunk> = Some(text)
        .filter(|text| !text.is_empty())
        .map(|text| NewChunk {
            words: words::index(&text),
            text,
            vector: None,
        })
        .into_iter()
        .collect();
    unit.delete_chunks(document.id)?;
    unit.add_chunks(document.dataset, document.id, "", &chunks)?;
    document.slice_count = integer(chunks.len());
    document.char_count = integer(chunks.iter().map(|it| it.text.chars().count()).sum());
    document.status = DocumentStatus::Completed;
    document.descript.clear();
    document.progress = 100;
    Ok(())
}

/// Vectors for chunks that another model, or none, has made them for.
async fn vectors(app: &App, embedder: &Embedder) -> Result<bool, Fail> {
    let model = embedder.name().to_owned();
    let next = app.db.read(move |unit| {
        let Some(document) = unit.document_without_vectors(&model)? else {
            return Ok::<_, Fail>(None);
        };
        Ok(Some(unit.chunk_texts(document)?))
    });
    let Some(chunks) = next.await? else {
        return Ok(false);
    };
    for batch in chunks.chunks(BATCH) {
        let texts: Vec<String> = batch.iter().map(|(_, text)| text.clone()).collect();
        let made = tokio::select! {
            () = app.stop.cancelled() => return Ok(false),
            made = embedder.embed(&texts) => made,
        };
        let made = match made {
            Ok(made) => made,
            Err(why) => {
                tracing::warn!(why, "documents are found by their words until it answers");
                return Ok(false);
            }
        };
        let pairs: Vec<_> = batch.iter().map(|(id, _)| *id).zip(made).collect();
        let model = embedder.name().to_owned();
        app.db
            .write(move |unit| Ok::<_, Fail>(unit.put_vectors(&model, &pairs)?))
            .await?;
    }
    Ok(true)
}

/// Changes a document as it stands now; somebody may have changed something else meanwhile.
async fn change(
    app: &App,
    id: i64,
    change: impl FnOnce(&mut DocumentRecord) + Send + 'static,
) -> Result<(), End> {
    let changed = app.db.write(move |unit| {
        let Some(mut document) = unit.document(id)? else {
            return Ok::<_, Fail>(false);
        };
        change(&mut document);
        unit.update_document(&document)?;
        Ok(true)
    });
    match changed.await? {
        true => Ok(()),
        false => Err(End::Gone),
    }
}

/// Tells whether bytes are the same as before; not for secrets (FNV-1a, with the length).
pub(super) fn fingerprint(bytes: &[u8]) -> String {
    let hash = bytes.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    });
    format!("{hash:016x}-{}", bytes.len())
}

fn integer(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_shows_what_its_owner_says_or_its_name() {
        fn check(name: &str, caption: Option<&str>, manual: bool, expected: &str) {
            let mut document = DocumentRecord {
                name: name.to_owned(),
                caption: caption.map(str::to_owned),
                ..DocumentRecord::default()
            };
            if manual {
                document.strategy.caption_type = Some(CaptionType::Manual);
            }
            assert_eq!(caption_of(&document), expected, "{name}");
        }
        check("cat_on-the.sofa.png", None, false, "cat on the sofa");
        check("一只猫.jpg", None, false, "一只猫");
        check(".png", None, false, "png");
        check("cat.png", Some("a grey cat"), false, "a grey cat");
        check("cat.png", None, true, "");
        check("cat.png", Some("a grey cat"), true, "a grey cat");
    }

    #[test]
    fn fingerprints_tell_changes() {
        assert_ne!(fingerprint(b"a"), fingerprint(b"b"));
        assert_ne!(fingerprint(b""), fingerprint(b"\0"));
        assert_eq!(fingerprint(b"same"), fingerprint(b"same"));
    }
}
