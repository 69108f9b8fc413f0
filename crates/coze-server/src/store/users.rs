//! The tables of users and of the spaces they are members of.

use rusqlite::{OptionalExtension, Row, params};

use super::Result;
use super::sqlite::Sqlite;

/// A user.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct UserRecord {
    pub(crate) id: i64,
    pub(crate) user_name: String,
    pub(crate) nick_name: String,
    pub(crate) avatar_url: String,
}

/// What a user is in a space.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Membership {
    pub(crate) space: i64,
    /// `owner`, `admin` or `member`.
    pub(crate) role: String,
    /// `personal` or `team`.
    pub(crate) kind: String,
}

/// The tables of users and members. What they look up they answer with `None` when it is not there.
pub(crate) trait Users {
    /// Makes the user, or gives them other names. No two have the same unique name.
    fn put_user(&self, user: &UserRecord, now: i64) -> Result<()>;
    fn user(&self, id: i64) -> Result<Option<UserRecord>>;
    /// All users, oldest first.
    fn users(&self) -> Result<Vec<UserRecord>>;
    /// Another user of that unique name.
    fn other_user_named(&self, id: i64, name: &str) -> Result<Option<i64>>;
    /// The spaces that a user is a member of, oldest first.
    fn memberships(&self, user: i64) -> Result<Vec<Membership>>;
}

impl Users for Sqlite<'_> {
    fn put_user(&self, it: &UserRecord, now: i64) -> Result<()> {
        self.0.execute(
            "INSERT INTO user (id, user_name, nick_name, avatar_url, created_at) \
             VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (id) DO UPDATE SET \
             user_name = excluded.user_name, nick_name = excluded.nick_name, \
             avatar_url = excluded.avatar_url",
            params![it.id, it.user_name, it.nick_name, it.avatar_url, now],
        )?;
        Ok(())
    }

    fn user(&self, id: i64) -> Result<Option<UserRecord>> {
        let mut select = self.0.prepare_cached(
            "SELECT id, user_name, nick_name, avatar_url FROM user WHERE id = ?1",
        )?;
        Ok(select.query_row([id], read).optional()?)
    }

    fn users(&self) -> Result<Vec<UserRecord>> {
        let mut select = self
            .0
            .prepare_cached("SELECT id, user_name, nick_name, avatar_url FROM user ORDER BY id")?;
        let rows = select.query_map([], read)?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    fn other_user_named(&self, id: i64, name: &str) -> Result<Option<i64>> {
        let sql = "SELECT id FROM user WHERE user_name = ?2 AND id <> ?1";
        let found = self.0.query_row(sql, params![id, name], |row| row.get(0));
        Ok(found.optional()?)
    }

    fn memberships(&self, user: i64) -> Result<Vec<Membership>> {
        let mut select = self.0.prepare_cached(
            "SELECT space_id, role, kind FROM space_member JOIN space ON space.id = space_id \
             WHERE user_id = ?1 ORDER BY space_id",
        )?;
        let rows = select.query_map([user], |row| {
            Ok(Membership {
                space: row.get(0)?,
                role: row.get(1)?,
                kind: row.get(2)?,
            })
        })?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }
}

pub(super) fn read(row: &Row<'_>) -> rusqlite::Result<UserRecord> {
    Ok(UserRecord {
        id: row.get(0)?,
        user_name: row.get(1)?,
        nick_name: row.get(2)?,
        avatar_url: row.get(3)?,
    })
}
