//! The tables of users and of the spaces they are members of.

use rusqlite::OptionalExtension;

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
    fn user(&self, id: i64) -> Result<Option<UserRecord>>;
    /// The spaces that a user is a member of, oldest first.
    fn memberships(&self, user: i64) -> Result<Vec<Membership>>;
}

impl Users for Sqlite<'_> {
    fn user(&self, id: i64) -> Result<Option<UserRecord>> {
        let mut select = self.0.prepare_cached(
            "SELECT id, user_name, nick_name, avatar_url FROM user WHERE id = ?1",
        )?;
        let found = select.query_row([id], |row| {
            Ok(UserRecord {
                id: row.get(0)?,
                user_name: row.get(1)?,
                nick_name: row.get(2)?,
                avatar_url: row.get(3)?,
            })
        });
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
