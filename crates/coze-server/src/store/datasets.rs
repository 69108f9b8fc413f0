//! The table of datasets.

use coze_types::knowledge::{ChunkStrategy, FormatType};
use rusqlite::{OptionalExtension, Row, params};

use super::sqlite::Sqlite;
use super::{Result, json_opt, parse_opt};
use crate::caller::Owned;

/// A dataset, without what its documents add up to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct DatasetRecord {
    pub(crate) id: i64,
    pub(crate) space: i64,
    pub(crate) creator: i64,
    /// It comes from `coze.yaml`.
    pub(crate) declared: bool,
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) icon: Option<i64>,
    pub(crate) format: FormatType,
    /// Settled by the first upload.
    pub(crate) strategy: Option<ChunkStrategy>,
    pub(crate) created_at: i64,
    pub(crate) updated_at: i64,
}

/// Which datasets are wanted.
#[derive(Debug, Clone, Default)]
pub(crate) struct DatasetFilter {
    pub(crate) space: i64,
    /// A part of the name.
    pub(crate) name: String,
    pub(crate) format: Option<FormatType>,
    pub(crate) skip: usize,
    pub(crate) limit: usize,
}

/// The table of datasets. What it looks up it answers with `None` when it is not there.
pub(crate) trait Datasets {
    /// Enters a dataset, or puts it in the place of the one with its id.
    fn put_dataset(&self, it: &DatasetRecord) -> Result<()>;
    fn dataset(&self, id: i64) -> Result<Option<Owned<DatasetRecord>>>;
    /// A page, newest first, and how many there are on all pages.
    fn datasets(&self, filter: &DatasetFilter) -> Result<(Vec<DatasetRecord>, i64)>;
    /// Those that came from a configuration.
    fn declared_datasets(&self) -> Result<Vec<DatasetRecord>>;
    /// Removes it with all that is in it.
    fn delete_dataset(&self, id: i64) -> Result<()>;
}

const COLUMNS: &str = "id, space_id, creator_id, declared, name, description, icon_id, format, \
                       chunk_strategy, created_at, updated_at";

impl Datasets for Sqlite<'_> {
    fn put_dataset(&self, it: &DatasetRecord) -> Result<()> {
        let sql = format!(
            "INSERT INTO dataset ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11) \
             ON CONFLICT (id) DO UPDATE SET space_id = ?2, name = ?5, description = ?6, icon_id = ?7, format = ?8, \
             chunk_strategy = ?9, updated_at = ?11"
        );
        self.0.prepare_cached(&sql)?.execute(params![
            it.id,
            it.space,
            it.creator,
            it.declared,
            it.name,
            it.description,
            it.icon,
            it.format.value(),
            json_opt(it.strategy.as_ref())?,
            it.created_at,
            it.updated_at,
        ])?;
        Ok(())
    }

    fn dataset(&self, id: i64) -> Result<Option<Owned<DatasetRecord>>> {
        let sql = format!("SELECT {COLUMNS} FROM dataset WHERE id = ?1");
        let found = self.0.prepare_cached(&sql)?.query_row([id], columns);
        let found = found.optional()?.map(record).transpose()?;
        Ok(found.map(|it| Owned {
            space: it.space,
            it,
        }))
    }

    fn datasets(&self, filter: &DatasetFilter) -> Result<(Vec<DatasetRecord>, i64)> {
        let condition = "space_id = ?1 AND (?2 = '' OR instr(lower(name), lower(?2)) > 0) \
                         AND (?3 IS NULL OR format = ?3)";
        let format = filter.format.as_ref().map(|it| it.value());
        let count = format!("SELECT count(*) FROM dataset WHERE {condition}");
        let total = self
            .0
            .prepare_cached(&count)?
            .query_row(params![filter.space, filter.name, format], |row| row.get(0))?;
        let sql = format!(
            "SELECT {COLUMNS} FROM dataset WHERE {condition} ORDER BY id DESC LIMIT ?4 OFFSET ?5"
        );
        let mut select = self.0.prepare_cached(&sql)?;
        let (limit, skip) = (row_count(filter.limit), row_count(filter.skip));
        let rows = select.query_map(
            params![filter.space, filter.name, format, limit, skip],
            columns,
        )?;
        let page = rows.map(|row| record(row?)).collect::<Result<_>>()?;
        Ok((page, total))
    }

    fn declared_datasets(&self) -> Result<Vec<DatasetRecord>> {
        let sql = format!("SELECT {COLUMNS} FROM dataset WHERE declared = 1");
        let mut select = self.0.prepare_cached(&sql)?;
        let rows = select.query_map([], columns)?;
        rows.map(|row| record(row?)).collect()
    }

    fn delete_dataset(&self, id: i64) -> Result<()> {
        self.0.execute("DELETE FROM dataset WHERE id = ?1", [id])?;
        Ok(())
    }
}

/// A number of rows as SQLite counts them.
pub(super) fn row_count(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

type Columns = (DatasetRecord, Option<String>);

fn columns(row: &Row<'_>) -> rusqlite::Result<Columns> {
    let it = DatasetRecord {
        id: row.get(0)?,
        space: row.get(1)?,
        creator: row.get(2)?,
        declared: row.get(3)?,
        name: row.get(4)?,
        description: row.get(5)?,
        icon: row.get(6)?,
        format: row.get::<_, i64>(7)?.into(),
        strategy: None,
        created_at: row.get(9)?,
        updated_at: row.get(10)?,
    };
    Ok((it, row.get(8)?))
}

fn record((it, strategy): Columns) -> Result<DatasetRecord> {
    let strategy = parse_opt(strategy)?;
    Ok(DatasetRecord { strategy, ..it })
}
