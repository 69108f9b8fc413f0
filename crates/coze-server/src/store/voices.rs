//! The table of voices that were made from recordings.

use rusqlite::{OptionalExtension, Row, params};

use super::sqlite::Sqlite;
use super::{Result, json};
use crate::caller::Owned;

/// A voice.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct VoiceRecord {
    pub(crate) id: i64,
    pub(crate) owner_id: i64,
    pub(crate) name: String,
    /// The code of its language.
    pub(crate) language: String,
    pub(crate) preview_text: String,
    pub(crate) description: String,
    pub(crate) pitch: f64,
    pub(crate) bright: f64,
    /// How often it was trained.
    pub(crate) trainings: i64,
    /// In the address of its sample.
    pub(crate) key: String,
    pub(crate) created_at: i64,
    pub(crate) updated_at: i64,
}

/// The table of voices. What it looks up it answers with `None` when it is not there.
pub(crate) trait Voices {
    /// Makes a voice, or puts it in the place of the one with its id.
    fn put_voice(&self, voice: &VoiceRecord, space: i64) -> Result<()>;
    fn voice(&self, id: i64) -> Result<Option<Owned<VoiceRecord>>>;
    fn voice_by_key(&self, key: &str) -> Result<Option<VoiceRecord>>;
    /// Those of these spaces, oldest first: so many, behind the first `offset`; and how many there
    /// are.
    fn voices(
        &self,
        spaces: &[i64],
        offset: usize,
        limit: usize,
    ) -> Result<(Vec<VoiceRecord>, usize)>;
}

const COLUMNS: &str = "id, owner_id, name, language, preview_text, description, pitch, bright, \
                       trainings, key, created_at, updated_at, space_id";

fn read(row: &Row<'_>) -> rusqlite::Result<VoiceRecord> {
    Ok(VoiceRecord {
        id: row.get(0)?,
        owner_id: row.get(1)?,
        name: row.get(2)?,
        language: row.get(3)?,
        preview_text: row.get(4)?,
        description: row.get(5)?,
        pitch: row.get(6)?,
        bright: row.get(7)?,
        trainings: row.get(8)?,
        key: row.get(9)?,
        created_at: row.get(10)?,
        updated_at: row.get(11)?,
    })
}

impl Voices for Sqlite<'_> {
    fn put_voice(&self, it: &VoiceRecord, space: i64) -> Result<()> {
        let sql = format!(
            "INSERT OR REPLACE INTO voice ({COLUMNS}) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)"
        );
        self.0.execute(
            &sql,
            params![
                it.id,
                it.owner_id,
                it.name,
                it.language,
                it.preview_text,
                it.description,
                it.pitch,
                it.bright,
                it.trainings,
                it.key,
                it.created_at,
                it.updated_at,
                space,
            ],
        )?;
        Ok(())
    }

    fn voice(&self, id: i64) -> Result<Option<Owned<VoiceRecord>>> {
        let sql = format!("SELECT {COLUMNS} FROM voice WHERE id = ?1");
        let found = self.0.prepare_cached(&sql)?.query_row([id], |row| {
            Ok(Owned {
                space: row.get(12)?,
                it: read(row)?,
            })
        });
        Ok(found.optional()?)
    }

    fn voice_by_key(&self, key: &str) -> Result<Option<VoiceRecord>> {
        let sql = format!("SELECT {COLUMNS} FROM voice WHERE key = ?1");
        let found = self.0.prepare_cached(&sql)?.query_row([key], read);
        Ok(found.optional()?)
    }

    fn voices(
        &self,
        spaces: &[i64],
        offset: usize,
        limit: usize,
    ) -> Result<(Vec<VoiceRecord>, usize)> {
        let spaces = json(&spaces)?;
        let mine = "space_id IN (SELECT value FROM json_each(?1))";
        let count = format!("SELECT count(*) FROM voice WHERE {mine}");
        let count: i64 = self.0.query_row(&count, [&spaces], |row| row.get(0))?;
        let sql =
            format!("SELECT {COLUMNS} FROM voice WHERE {mine} ORDER BY id LIMIT ?2 OFFSET ?3");
        let mut select = self.0.prepare_cached(&sql)?;
        let at = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
        let rows = select.query_map(params![spaces, at(limit), at(offset)], read)?;
        let voices = rows.collect::<rusqlite::Result<_>>()?;
        Ok((voices, usize::try_from(count).unwrap_or(0)))
    }
}
