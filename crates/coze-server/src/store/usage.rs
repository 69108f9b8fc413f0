//! The table of what users have called.

use rusqlite::{OptionalExtension, params};

use super::Result;
use super::sqlite::Sqlite;
use crate::plan::{Counted, Window};

/// The table of calls.
pub(crate) trait UsageTable {
    fn usage(&self, user: i64) -> Result<Option<Counted>>;
    /// Writes may come in another order than the calls that they count: the larger numbers stay.
    fn put_usage(&self, user: i64, counted: &Counted) -> Result<()>;
}

impl UsageTable for Sqlite<'_> {
    fn usage(&self, user: i64) -> Result<Option<Counted>> {
        let sql = "SELECT total, day, day_calls FROM usage WHERE user_id = ?1";
        let found = self.0.query_row(sql, [user], |row| {
            Ok(Counted {
                total: row.get(0)?,
                day: Window {
                    number: row.get(1)?,
                    calls: row.get(2)?,
                },
                ..Counted::default()
            })
        });
        Ok(found.optional()?)
    }

    fn put_usage(&self, user: i64, counted: &Counted) -> Result<()> {
        let mut put = self.0.prepare_cached(
            "INSERT INTO usage (user_id, total, day, day_calls) VALUES (?1, ?2, ?3, ?4) \
             ON CONFLICT (user_id) DO UPDATE SET total = max(total, excluded.total), \
             day_calls = CASE WHEN excluded.day > day THEN excluded.day_calls \
             WHEN excluded.day = day THEN max(day_calls, excluded.day_calls) ELSE day_calls END, \
             day = max(day, excluded.day)",
        )?;
        put.execute(params![
            user,
            counted.total,
            counted.day.number,
            counted.day.calls
        ])?;
        Ok(())
    }
}
