//! The table of files; their bytes lie in the data folder.

use coze_types::Timestamp;
use coze_types::files::File;
use rusqlite::{OptionalExtension, params};

use super::sqlite::Sqlite;
use super::{Result, number};

/// The table of files. What it looks up it answers with `None` when it is not there.
pub(crate) trait Files {
    fn insert_file(&self, file: &File, owner: &str) -> Result<()>;
    fn file(&self, id: i64) -> Result<Option<File>>;
}

impl Files for Sqlite<'_> {
    fn insert_file(&self, it: &File, owner: &str) -> Result<()> {
        self.0.execute(
            "INSERT INTO file (id, owner_id, name, bytes, created_at) VALUES (?1, ?2, ?3, ?4, ?5)",
            params![
                number(&it.id),
                owner,
                it.file_name,
                it.bytes,
                it.created_at.0
            ],
        )?;
        Ok(())
    }

    fn file(&self, id: i64) -> Result<Option<File>> {
        let mut select = self
            .0
            .prepare_cached("SELECT id, name, bytes, created_at FROM file WHERE id = ?1")?;
        let found = select.query_row([id], |row| {
            Ok(File {
                id: row.get::<_, i64>(0)?.into(),
                file_name: row.get(1)?,
                bytes: row.get(2)?,
                created_at: Timestamp(row.get(3)?),
                ..File::default()
            })
        });
        Ok(found.optional()?)
    }
}
