//! The tables of voiceprints and of their groups.

use rusqlite::{OptionalExtension, Row, params};

use super::sqlite::Sqlite;
use super::{Result, json, parse};
use crate::caller::Owned;

/// A group of voiceprints.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct GroupRecord {
    pub(crate) id: i64,
    pub(crate) owner_id: i64,
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) created_at: i64,
    pub(crate) updated_at: i64,
    /// How many voiceprints it has.
    pub(crate) count: i64,
}

/// A voiceprint.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct PrintRecord {
    pub(crate) id: i64,
    pub(crate) group_id: i64,
    pub(crate) owner_id: i64,
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) print: Vec<f64>,
    /// The recording, in the folder of files.
    pub(crate) file_id: i64,
    /// In the address of its recording.
    pub(crate) key: String,
    pub(crate) created_at: i64,
    pub(crate) updated_at: i64,
}

/// Which groups are wanted.
#[derive(Debug, Clone, Default)]
pub(crate) struct GroupFilter {
    pub(crate) spaces: Vec<i64>,
    /// How the name begins.
    pub(crate) prefix: Option<String>,
    pub(crate) id: Option<i64>,
    pub(crate) owner: Option<i64>,
}

/// The two tables. What they look up they answer with `None` when it is not there.
pub(crate) trait Voiceprints {
    /// Makes a group, or changes the one with its id.
    fn put_group(&self, group: &GroupRecord, space: i64) -> Result<()>;
    fn group(&self, id: i64) -> Result<Option<Owned<GroupRecord>>>;
    /// Removes a group with its voiceprints; gives the files of their recordings.
    fn delete_group(&self, id: i64) -> Result<Vec<i64>>;
    /// A page, oldest first, and how many there are.
    fn groups(
        &self,
        filter: &GroupFilter,
        offset: usize,
        limit: usize,
    ) -> Result<(Vec<GroupRecord>, i64)>;

    /// Makes a voiceprint, or changes the one with its id.
    fn put_print(&self, print: &PrintRecord) -> Result<()>;
    fn print(&self, group: i64, id: i64) -> Result<Option<PrintRecord>>;
    fn print_by_key(&self, key: &str) -> Result<Option<PrintRecord>>;
    fn delete_print(&self, id: i64) -> Result<()>;
    /// All of a group, oldest first; a group has few.
    fn prints(&self, group: i64) -> Result<Vec<PrintRecord>>;
}

const GROUP: &str = "id, owner_id, name, description, created_at, updated_at, \
                     (SELECT count(*) FROM voiceprint WHERE group_id = voiceprint_group.id), space_id";
const PRINT: &str = "id, group_id, owner_id, name, description, print, file_id, key, created_at, \
                     updated_at";

fn read_group(row: &Row<'_>) -> rusqlite::Result<GroupRecord> {
    Ok(GroupRecord {
        id: row.get(0)?,
        owner_id: row.get(1)?,
        name: row.get(2)?,
        description: row.get(3)?,
        created_at: row.get(4)?,
        updated_at: row.get(5)?,
        count: row.get(6)?,
    })
}

/// The voiceprint, with the text of its numbers.
fn read_print(row: &Row<'_>) -> rusqlite::Result<(PrintRecord, String)> {
    let record = PrintRecord {
        id: row.get(0)?,
        group_id: row.get(1)?,
        owner_id: row.get(2)?,
        name: row.get(3)?,
        description: row.get(4)?,
        print: Vec::new(),
        file_id: row.get(6)?,
        key: row.get(7)?,
        created_at: row.get(8)?,
        updated_at: row.get(9)?,
    };
    Ok((record, row.get(5)?))
}

fn with_numbers((mut record, numbers): (PrintRecord, String)) -> Result<PrintRecord> {
    record.print = parse(&numbers)?;
    Ok(record)
}

impl Voiceprints for Sqlite<'_> {
    fn put_group(&self, it: &GroupRecord, space: i64) -> Result<()> {
        self.0.execute(
            "INSERT INTO voiceprint_group \
             (id, owner_id, name, description, created_at, updated_at, space_id) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (id) DO UPDATE SET \
             name = excluded.name, description = excluded.description, \
             updated_at = excluded.updated_at",
            params![
                it.id,
                it.owner_id,
                it.name,
                it.description,
                it.created_at,
                it.updated_at,
                space
            ],
        )?;
        Ok(())
    }

    fn group(&self, id: i64) -> Result<Option<Owned<GroupRecord>>> {
        let sql = format!("SELECT {GROUP} FROM voiceprint_group WHERE id = ?1");
        let found = self.0.prepare_cached(&sql)?.query_row([id], |row| {
            Ok(Owned {
                space: row.get(7)?,
                it: read_group(row)?,
            })
        });
        Ok(found.optional()?)
    }

    fn delete_group(&self, id: i64) -> Result<Vec<i64>> {
        let files = self.prints(id)?.into_iter().map(|it| it.file_id).collect();
        let sql = "DELETE FROM voiceprint_group WHERE id = ?1";
        self.0.execute(sql, [id])?;
        Ok(files)
    }

    fn groups(
        &self,
        filter: &GroupFilter,
        offset: usize,
        limit: usize,
    ) -> Result<(Vec<GroupRecord>, i64)> {
        let wanted = "space_id IN (SELECT value FROM json_each(?1)) \
                      AND (?2 IS NULL OR substr(name, 1, length(?2)) = ?2) \
                      AND (?3 IS NULL OR id = ?3) AND (?4 IS NULL OR owner_id = ?4)";
        let (spaces, prefix) = (json(&filter.spaces)?, &filter.prefix);
        let count = format!("SELECT count(*) FROM voiceprint_group WHERE {wanted}");
        let total = self.0.query_row(
            &count,
            params![spaces, prefix, filter.id, filter.owner],
            |row| row.get(0),
        )?;
        let sql = format!(
            "SELECT {GROUP} FROM voiceprint_group WHERE {wanted} ORDER BY id LIMIT ?5 OFFSET ?6"
        );
        let mut select = self.0.prepare_cached(&sql)?;
        let at = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
        let rows = select.query_map(
            params![
                spaces,
                prefix,
                filter.id,
                filter.owner,
                at(limit),
                at(offset)
            ],
            read_group,
        )?;
        Ok((rows.collect::<rusqlite::Result<_>>()?, total))
    }

    fn put_print(&self, it: &PrintRecord) -> Result<()> {
        let sql = format!(
            "INSERT OR REPLACE INTO voiceprint ({PRINT}) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)"
        );
        self.0.execute(
            &sql,
            params![
                it.id,
                it.group_id,
                it.owner_id,
                it.name,
                it.description,
                json(&it.print)?,
                it.file_id,
                it.key,
                it.created_at,
                it.updated_at,
            ],
        )?;
        Ok(())
    }

    fn print(&self, group: i64, id: i64) -> Result<Option<PrintRecord>> {
        let sql = format!("SELECT {PRINT} FROM voiceprint WHERE id = ?1 AND group_id = ?2");
        let mut select = self.0.prepare_cached(&sql)?;
        let found = select.query_row([id, group], read_print).optional()?;
        found.map(with_numbers).transpose()
    }

    fn print_by_key(&self, key: &str) -> Result<Option<PrintRecord>> {
        let sql = format!("SELECT {PRINT} FROM voiceprint WHERE key = ?1");
        let mut select = self.0.prepare_cached(&sql)?;
        let found = select.query_row([key], read_print).optional()?;
        found.map(with_numbers).transpose()
    }

    fn delete_print(&self, id: i64) -> Result<()> {
        self.0
            .execute("DELETE FROM voiceprint WHERE id = ?1", [id])?;
        Ok(())
    }

    fn prints(&self, group: i64) -> Result<Vec<PrintRecord>> {
        let sql = format!("SELECT {PRINT} FROM voiceprint WHERE group_id = ?1 ORDER BY id");
        let mut select = self.0.prepare_cached(&sql)?;
        let rows = select.query_map([group], read_print)?;
        let rows: Vec<_> = rows.collect::<rusqlite::Result<_>>()?;
        rows.into_iter().map(with_numbers).collect()
    }
}
