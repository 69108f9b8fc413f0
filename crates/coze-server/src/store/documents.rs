//! The table of documents.

use coze_types::knowledge::{
    ChunkStrategy, DocumentSource, DocumentStatus, FormatType, UpdateType,
};
use rusqlite::{OptionalExtension, Row, params};

use super::datasets::row_count;
use super::sqlite::Sqlite;
use super::{Result, json, parse};

/// A document, without its chunks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct DocumentRecord {
    pub(crate) id: i64,
    pub(crate) dataset: i64,
    pub(crate) creator: i64,
    pub(crate) name: String,
    /// The ending of its name, in small letters.
    pub(crate) kind: String,
    pub(crate) format: FormatType,
    pub(crate) source: DocumentSource,
    /// The number that its bytes lie under in the folder of files.
    pub(crate) file: Option<i64>,
    pub(crate) web_url: Option<String>,
    /// A file beside the configuration.
    pub(crate) path: Option<String>,
    /// Of what was indexed, so that a change shows.
    pub(crate) fingerprint: String,
    pub(crate) caption: Option<String>,
    pub(crate) strategy: ChunkStrategy,
    pub(crate) status: DocumentStatus,
    /// Why it failed.
    pub(crate) descript: String,
    pub(crate) progress: i64,
    pub(crate) begun_at: Option<i64>,
    pub(crate) size: i64,
    pub(crate) char_count: i64,
    pub(crate) slice_count: i64,
    pub(crate) hit_count: i64,
    pub(crate) update_type: UpdateType,
    /// Hours.
    pub(crate) update_interval: i64,
    /// When its web page was read last.
    pub(crate) read_at: i64,
    pub(crate) created_at: i64,
    pub(crate) updated_at: i64,
}

/// Which documents of a dataset are wanted.
#[derive(Debug, Clone, Default)]
pub(crate) struct DocumentFilter {
    pub(crate) dataset: i64,
    /// A part of the caption.
    pub(crate) caption: String,
    pub(crate) has_caption: Option<bool>,
    pub(crate) skip: usize,
    pub(crate) limit: usize,
}

/// What the documents of a dataset add up to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct DatasetTotals {
    pub(crate) documents: i64,
    pub(crate) slices: i64,
    pub(crate) hits: i64,
    pub(crate) size: i64,
    /// Names and states, oldest first.
    pub(crate) files: Vec<(i64, String, DocumentStatus)>,
}

/// The table of documents. What it looks up it answers with `None` when it is not there.
pub(crate) trait Documents {
    fn insert_document(&self, it: &DocumentRecord) -> Result<()>;
    /// Writes all but what it was made with.
    fn update_document(&self, it: &DocumentRecord) -> Result<()>;
    fn document(&self, id: i64) -> Result<Option<DocumentRecord>>;
    /// A page, newest first, and how many there are on all pages.
    fn documents(&self, filter: &DocumentFilter) -> Result<(Vec<DocumentRecord>, i64)>;
    fn dataset_totals(&self, dataset: i64) -> Result<DatasetTotals>;
    /// Removes it with its chunks.
    fn delete_document(&self, id: i64) -> Result<()>;
    /// The oldest one that waits to be worked on.
    fn document_at_work(&self) -> Result<Option<DocumentRecord>>;
    /// A web page that is to be read again.
    fn document_to_refresh(&self, now: i64) -> Result<Option<DocumentRecord>>;
    /// Counts a hit for each.
    fn count_hits(&self, documents: &[i64]) -> Result<()>;
}

const COLUMNS: &str = "id, dataset_id, creator_id, name, kind, format, source, file_id, web_url, \
                       path, fingerprint, caption, chunk_strategy, status, descript, progress, \
                       begun_at, size, char_count, slice_count, hit_count, update_type, \
                       update_interval, read_at, created_at, updated_at";

impl Documents for Sqlite<'_> {
    fn insert_document(&self, it: &DocumentRecord) -> Result<()> {
        let sql = format!(
            "INSERT INTO document ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, \
             ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23, ?24, ?25, ?26)"
        );
        self.0.prepare_cached(&sql)?.execute(params![
            it.id,
            it.dataset,
            it.creator,
            it.name,
            it.kind,
            it.format.value(),
            it.source.value(),
            it.file,
            it.web_url,
            it.path,
            it.fingerprint,
            it.caption,
            json(&it.strategy)?,
            it.status.value(),
            it.descript,
            it.progress,
            it.begun_at,
            it.size,
            it.char_count,
            it.slice_count,
            it.hit_count,
            it.update_type.value(),
            it.update_interval,
            it.read_at,
            it.created_at,
            it.updated_at,
        ])?;
        Ok(())
    }

    fn update_document(&self, it: &DocumentRecord) -> Result<()> {
        // Hits are counted beside, so they are not written here.
        let mut update = self.0.prepare_cached(
            "UPDATE document SET name = ?2, kind = ?3, fingerprint = ?4, caption = ?5, status = ?6, \
             descript = ?7, progress = ?8, begun_at = ?9, size = ?10, char_count = ?11, \
             slice_count = ?12, update_type = ?13, update_interval = ?14, read_at = ?15, \
             updated_at = ?16, chunk_strategy = ?17 WHERE id = ?1",
        )?;
        update.execute(params![
            it.id,
            it.name,
            it.kind,
            it.fingerprint,
            it.caption,
            it.status.value(),
            it.descript,
            it.progress,
            it.begun_at,
            it.size,
            it.char_count,
            it.slice_count,
            it.update_type.value(),
            it.update_interval,
            it.read_at,
            it.updated_at,
            json(&it.strategy)?,
        ])?;
        Ok(())
    }

    fn document(&self, id: i64) -> Result<Option<DocumentRecord>> {
        self.one("WHERE id = ?1", id)
    }

    fn documents(&self, filter: &DocumentFilter) -> Result<(Vec<DocumentRecord>, i64)> {
        let condition = "dataset_id = ?1 \
                         AND (?2 = '' OR instr(lower(caption), lower(?2)) > 0) \
                         AND (?3 IS NULL OR (coalesce(caption, '') <> '') = ?3)";
        let count = format!("SELECT count(*) FROM document WHERE {condition}");
        let total = self.0.prepare_cached(&count)?.query_row(
            params![filter.dataset, filter.caption, filter.has_caption],
            |row| row.get(0),
        )?;
        let sql = format!(
            "SELECT {COLUMNS} FROM document WHERE {condition} ORDER BY id DESC LIMIT ?4 OFFSET ?5"
        );
        let mut select = self.0.prepare_cached(&sql)?;
        let (limit, skip) = (row_count(filter.limit), row_count(filter.skip));
        let rows = select.query_map(
            params![
                filter.dataset,
                filter.caption,
                filter.has_caption,
                limit,
                skip
            ],
            columns,
        )?;
        let page = rows.map(|row| record(row?)).collect::<Result<_>>()?;
        Ok((page, total))
    }

    fn dataset_totals(&self, dataset: i64) -> Result<DatasetTotals> {
        let mut select = self.0.prepare_cached(
            "SELECT id, name, status, slice_count, hit_count, size FROM document \
             WHERE dataset_id = ?1 ORDER BY id",
        )?;
        let mut totals = DatasetTotals::default();
        let mut rows = select.query([dataset])?;
        while let Some(row) = rows.next()? {
            totals.documents += 1;
            totals.slices += row.get::<_, i64>(3)?;
            totals.hits += row.get::<_, i64>(4)?;
            totals.size += row.get::<_, i64>(5)?;
            let status = row.get::<_, i64>(2)?.into();
            totals.files.push((row.get(0)?, row.get(1)?, status));
        }
        Ok(totals)
    }

    fn delete_document(&self, id: i64) -> Result<()> {
        self.0.execute("DELETE FROM document WHERE id = ?1", [id])?;
        Ok(())
    }

    fn document_at_work(&self) -> Result<Option<DocumentRecord>> {
        self.one("WHERE status = 0 AND id > ?1 ORDER BY id LIMIT 1", 0)
    }

    fn document_to_refresh(&self, now: i64) -> Result<Option<DocumentRecord>> {
        let condition = "WHERE update_type = 1 AND status <> 0 \
                         AND read_at + update_interval * 3600 <= ?1 ORDER BY read_at LIMIT 1";
        self.one(condition, now)
    }

    fn count_hits(&self, documents: &[i64]) -> Result<()> {
        let mut update = self
            .0
            .prepare_cached("UPDATE document SET hit_count = hit_count + 1 WHERE id = ?1")?;
        for id in documents {
            update.execute([id])?;
        }
        Ok(())
    }
}

impl Sqlite<'_> {
    fn one(&self, condition: &str, value: i64) -> Result<Option<DocumentRecord>> {
        let sql = format!("SELECT {COLUMNS} FROM document {condition}");
        let found = self.0.prepare_cached(&sql)?.query_row([value], columns);
        found.optional()?.map(record).transpose()
    }
}

type Columns = (DocumentRecord, String);

fn columns(row: &Row<'_>) -> rusqlite::Result<Columns> {
    let it = DocumentRecord {
        id: row.get(0)?,
        dataset: row.get(1)?,
        creator: row.get(2)?,
        name: row.get(3)?,
        kind: row.get(4)?,
        format: row.get::<_, i64>(5)?.into(),
        source: row.get::<_, i64>(6)?.into(),
        file: row.get(7)?,
        web_url: row.get(8)?,
        path: row.get(9)?,
        fingerprint: row.get(10)?,
        caption: row.get(11)?,
        strategy: ChunkStrategy::default(),
        status: row.get::<_, i64>(13)?.into(),
        descript: row.get(14)?,
        progress: row.get(15)?,
        begun_at: row.get(16)?,
        size: row.get(17)?,
        char_count: row.get(18)?,
        slice_count: row.get(19)?,
        hit_count: row.get(20)?,
        update_type: row.get::<_, i64>(21)?.into(),
        update_interval: row.get(22)?,
        read_at: row.get(23)?,
        created_at: row.get(24)?,
        updated_at: row.get(25)?,
    };
    Ok((it, row.get(12)?))
}

fn record((it, strategy): Columns) -> Result<DocumentRecord> {
    let strategy = parse(&strategy)?;
    Ok(DocumentRecord { strategy, ..it })
}
