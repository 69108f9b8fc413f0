//! The table of files; their bytes lie in the data folder.

use coze_types::Timestamp;
use coze_types::files::File;
use rusqlite::{OptionalExtension, params};

use super::sqlite::Sqlite;
use super::{Result, number};
use crate::caller::{Caller, Owned};

/// The table of files. What it looks up it answers with `None` when it is not there.
pub(crate) trait Files {
    fn insert_file(&self, file: &File, owner: &Caller) -> Result<()>;
    fn file(&self, id: i64) -> Result<Option<Owned<File>>>;
    /// Those of the numbers under which bytes lie that nothing names.
    fn unnamed_files(&self, ids: Vec<i64>) -> Result<Vec<i64>>;
}

impl Files for Sqlite<'_> {
    fn insert_file(&self, it: &File, owner: &Caller) -> Result<()> {
        self.0.execute(
            "INSERT INTO file (id, owner_id, name, bytes, created_at, space_id) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            params![
                number(&it.id),
                owner.user_id(),
                it.file_name,
                it.bytes,
                it.created_at.0,
                owner.home(),
            ],
        )?;
        Ok(())
    }

    fn file(&self, id: i64) -> Result<Option<Owned<File>>> {
        let mut select = self.0.prepare_cached(
            "SELECT id, name, bytes, created_at, space_id FROM file WHERE id = ?1",
        )?;
        let found = select.query_row([id], |row| {
            let it = File {
                id: row.get::<_, i64>(0)?.into(),
                file_name: row.get(1)?,
                bytes: row.get(2)?,
                created_at: Timestamp(row.get(3)?),
                ..File::default()
            };
            let space = row.get(4)?;
            Ok(Owned { space, it })
        });
        Ok(found.optional()?)
    }

    fn unnamed_files(&self, mut ids: Vec<i64>) -> Result<Vec<i64>> {
        // A document that was made of an uploaded file has the number of that file.
        let mut select = self.0.prepare_cached(
            "SELECT EXISTS (SELECT 1 FROM file WHERE id = ?1) \
             OR EXISTS (SELECT 1 FROM document WHERE id = ?1) \
             OR EXISTS (SELECT 1 FROM voiceprint WHERE file_id = ?1)",
        )?;
        let mut problem = None;
        ids.retain(|id| {
            let named = select.query_row([id], |row| row.get::<_, bool>(0));
            !named.unwrap_or_else(|error| {
                problem = Some(error);
                true
            })
        });
        problem.map_or(Ok(ids), |error| Err(error.into()))
    }
}
