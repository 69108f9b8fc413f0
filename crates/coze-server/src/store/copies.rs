//! The tables of copied workflows and of the tasks that copy.

use coze_types::entities::CopyFailure;
use rusqlite::{OptionalExtension, Row, params};

use super::sqlite::Sqlite;
use super::{Result, json, parse};
use crate::caller::Owned;

/// A workflow that was made through the API.
#[derive(Debug, Clone, Default)]
pub(crate) struct WorkflowRecord {
    pub(crate) id: i64,
    pub(crate) space: i64,
    pub(crate) owner: i64,
    pub(crate) app: Option<i64>,
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) canvas: String,
    pub(crate) created_at: i64,
}

/// A copy that was asked for, and what came of it.
#[derive(Debug, Clone, Default)]
pub(crate) struct CopyRecord {
    pub(crate) id: i64,
    /// The space that gets the copy.
    pub(crate) space: i64,
    pub(crate) entity_type: String,
    pub(crate) source: String,
    /// Missing when it failed.
    pub(crate) target: Option<i64>,
    pub(crate) failures: Vec<CopyFailure>,
    pub(crate) created_at: i64,
}

/// The tables of copies. What they look up they answer with `None` when it is not there.
pub(crate) trait Copies {
    fn insert_workflow(&self, workflow: &WorkflowRecord) -> Result<()>;
    fn workflow(&self, id: i64) -> Result<Option<Owned<WorkflowRecord>>>;
    /// Those of a space, oldest first.
    fn workflows(&self, space: i64) -> Result<Vec<WorkflowRecord>>;
    fn insert_copy(&self, copy: &CopyRecord) -> Result<()>;
    fn copy(&self, id: i64) -> Result<Option<Owned<CopyRecord>>>;
}

const COLUMNS: &str = "id, space_id, owner_id, app_id, name, description, canvas, created_at";

impl Copies for Sqlite<'_> {
    fn insert_workflow(&self, it: &WorkflowRecord) -> Result<()> {
        let sql =
            format!("INSERT INTO workflow ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)");
        self.0.execute(
            &sql,
            params![
                it.id,
                it.space,
                it.owner,
                it.app,
                it.name,
                it.description,
                it.canvas,
                it.created_at,
            ],
        )?;
        Ok(())
    }

    fn workflow(&self, id: i64) -> Result<Option<Owned<WorkflowRecord>>> {
        let sql = format!("SELECT {COLUMNS} FROM workflow WHERE id = ?1");
        let mut select = self.0.prepare_cached(&sql)?;
        let found = select.query_row([id], read).optional()?;
        Ok(found.map(|it| Owned {
            space: it.space,
            it,
        }))
    }

    fn workflows(&self, space: i64) -> Result<Vec<WorkflowRecord>> {
        let sql = format!("SELECT {COLUMNS} FROM workflow WHERE space_id = ?1 ORDER BY id");
        let mut select = self.0.prepare_cached(&sql)?;
        let rows = select.query_map([space], read)?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    fn insert_copy(&self, it: &CopyRecord) -> Result<()> {
        self.0.execute(
            "INSERT INTO copy_task (id, space_id, entity_type, source_id, target_id, failures, \
             created_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            params![
                it.id,
                it.space,
                it.entity_type,
                it.source,
                it.target,
                json(&it.failures)?,
                it.created_at,
            ],
        )?;
        Ok(())
    }

    fn copy(&self, id: i64) -> Result<Option<Owned<CopyRecord>>> {
        let mut select = self.0.prepare_cached(
            "SELECT id, space_id, entity_type, source_id, target_id, created_at, failures \
             FROM copy_task WHERE id = ?1",
        )?;
        let found = select.query_row([id], |row| {
            let copy = CopyRecord {
                id: row.get(0)?,
                space: row.get(1)?,
                entity_type: row.get(2)?,
                source: row.get(3)?,
                target: row.get(4)?,
                failures: Vec::new(),
                created_at: row.get(5)?,
            };
            Ok((copy, row.get::<_, String>(6)?))
        });
        let Some((mut it, failures)) = found.optional()? else {
            return Ok(None);
        };
        it.failures = parse(&failures)?;
        Ok(Some(Owned {
            space: it.space,
            it,
        }))
    }
}

fn read(row: &Row<'_>) -> rusqlite::Result<WorkflowRecord> {
    Ok(WorkflowRecord {
        id: row.get(0)?,
        space: row.get(1)?,
        owner: row.get(2)?,
        app: row.get(3)?,
        name: row.get(4)?,
        description: row.get(5)?,
        canvas: row.get(6)?,
        created_at: row.get(7)?,
    })
}
