//! The table of apps that were made through the API.

use rusqlite::{OptionalExtension, Row, params};

use super::page::as_i64;
use super::sqlite::Sqlite;
use super::{Result, json, parse};
use crate::caller::Owned;
use crate::config::AppConfig;

/// An app that was made through the API.
#[derive(Debug, Clone, Default)]
pub(crate) struct AppRecord {
    pub(crate) id: i64,
    pub(crate) space: i64,
    pub(crate) owner: i64,
    pub(crate) definition: AppConfig,
    pub(crate) created_at: i64,
}

/// The table of apps. What it looks up it answers with `None` when it is not there.
pub(crate) trait Apps {
    fn insert_app(&self, app: &AppRecord) -> Result<()>;
    fn app(&self, id: i64) -> Result<Option<Owned<AppRecord>>>;
    /// A page of the apps of a space, oldest first, and how many there are on all pages.
    fn apps(&self, space: i64, limit: usize, skip: usize) -> Result<(Vec<AppRecord>, i64)>;
}

impl Apps for Sqlite<'_> {
    fn insert_app(&self, it: &AppRecord) -> Result<()> {
        self.0.execute(
            "INSERT INTO app (id, space_id, owner_id, definition, created_at) \
             VALUES (?1, ?2, ?3, ?4, ?5)",
            params![
                it.id,
                it.space,
                it.owner,
                json(&it.definition)?,
                it.created_at
            ],
        )?;
        Ok(())
    }

    fn app(&self, id: i64) -> Result<Option<Owned<AppRecord>>> {
        let mut select = self.0.prepare_cached(
            "SELECT id, space_id, owner_id, definition, created_at FROM app WHERE id = ?1",
        )?;
        let Some(found) = select.query_row([id], read).optional()? else {
            return Ok(None);
        };
        let it = finish(found)?;
        Ok(Some(Owned {
            space: it.space,
            it,
        }))
    }

    fn apps(&self, space: i64, limit: usize, skip: usize) -> Result<(Vec<AppRecord>, i64)> {
        let count = "SELECT count(*) FROM app WHERE space_id = ?1";
        let total = self.0.query_row(count, [space], |row| row.get(0))?;
        let mut select = self.0.prepare_cached(
            "SELECT id, space_id, owner_id, definition, created_at FROM app \
             WHERE space_id = ?1 ORDER BY id LIMIT ?2 OFFSET ?3",
        )?;
        let rows = select.query_map(params![space, as_i64(limit), as_i64(skip)], read)?;
        let found: Result<_> = rows.map(|row| finish(row?)).collect();
        Ok((found?, total))
    }
}

fn read(row: &Row<'_>) -> rusqlite::Result<(AppRecord, String)> {
    let app = AppRecord {
        id: row.get(0)?,
        space: row.get(1)?,
        owner: row.get(2)?,
        definition: AppConfig::default(),
        created_at: row.get(4)?,
    };
    Ok((app, row.get(3)?))
}

fn finish((mut app, definition): (AppRecord, String)) -> Result<AppRecord> {
    app.definition = parse(&definition)?;
    Ok(app)
}
