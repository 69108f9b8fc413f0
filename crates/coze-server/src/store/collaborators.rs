//! The tables of those who may edit what is not their own.

use rusqlite::params;

use super::Result;
use super::sqlite::Sqlite;

/// What several people may edit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EntityKind {
    Bot,
    Workflow,
    App,
}

impl EntityKind {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Bot => "bot",
            Self::Workflow => "workflow",
            Self::App => "app",
        }
    }
}

/// Who may edit something besides its owner.
pub(crate) trait Collaborators {
    fn is_collaborative(&self, kind: EntityKind, id: i64) -> Result<bool>;
    fn set_collaborative(&self, kind: EntityKind, id: i64, on: bool) -> Result<()>;
    /// The users, in the order of their ids.
    fn collaborators(&self, kind: EntityKind, id: i64) -> Result<Vec<i64>>;
    /// Says whether the user was none before.
    fn add_collaborator(&self, kind: EntityKind, id: i64, user: i64) -> Result<bool>;
    /// Says whether the user was one.
    fn remove_collaborator(&self, kind: EntityKind, id: i64, user: i64) -> Result<bool>;
}

impl Collaborators for Sqlite<'_> {
    fn is_collaborative(&self, kind: EntityKind, id: i64) -> Result<bool> {
        let sql = "SELECT EXISTS (SELECT 1 FROM collaboration WHERE kind = ?1 AND entity_id = ?2)";
        let mut select = self.0.prepare_cached(sql)?;
        Ok(select.query_row(params![kind.as_str(), id], |row| row.get(0))?)
    }

    fn set_collaborative(&self, kind: EntityKind, id: i64, on: bool) -> Result<()> {
        let sql = match on {
            true => {
                "INSERT INTO collaboration (kind, entity_id) VALUES (?1, ?2) ON CONFLICT DO NOTHING"
            }
            false => "DELETE FROM collaboration WHERE kind = ?1 AND entity_id = ?2",
        };
        self.0.execute(sql, params![kind.as_str(), id])?;
        Ok(())
    }

    fn collaborators(&self, kind: EntityKind, id: i64) -> Result<Vec<i64>> {
        let sql = "SELECT user_id FROM collaborator WHERE kind = ?1 AND entity_id = ?2 \
                   ORDER BY user_id";
        let mut select = self.0.prepare_cached(sql)?;
        let rows = select.query_map(params![kind.as_str(), id], |row| row.get(0))?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    fn add_collaborator(&self, kind: EntityKind, id: i64, user: i64) -> Result<bool> {
        let sql = "INSERT INTO collaborator (kind, entity_id, user_id) VALUES (?1, ?2, ?3) \
                   ON CONFLICT DO NOTHING";
        Ok(self.0.execute(sql, params![kind.as_str(), id, user])? > 0)
    }

    fn remove_collaborator(&self, kind: EntityKind, id: i64, user: i64) -> Result<bool> {
        let sql = "DELETE FROM collaborator WHERE kind = ?1 AND entity_id = ?2 AND user_id = ?3";
        Ok(self.0.execute(sql, params![kind.as_str(), id, user])? > 0)
    }
}
