//! The table of what agents and apps remember of their users.

use rusqlite::params;

use super::collaborators::EntityKind;
use super::sqlite::Sqlite;
use super::{Result, number};

/// Whose variables, of which user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct VariableOwner {
    pub(crate) kind: EntityKind,
    pub(crate) id: String,
    pub(crate) connector: String,
    pub(crate) user: String,
}

/// A value that was set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct VariableRecord {
    pub(crate) keyword: String,
    pub(crate) value: String,
    pub(crate) created_at: i64,
    pub(crate) updated_at: i64,
}

/// The table of variables.
pub(crate) trait Variables {
    /// Those that were set, in the order of their names.
    fn variables(&self, owner: &VariableOwner) -> Result<Vec<VariableRecord>>;
    fn set_variable(
        &self,
        owner: &VariableOwner,
        keyword: &str,
        value: &str,
        now: i64,
    ) -> Result<()>;
}

impl Variables for Sqlite<'_> {
    fn variables(&self, owner: &VariableOwner) -> Result<Vec<VariableRecord>> {
        let mut select = self.0.prepare_cached(
            "SELECT keyword, value, created_at, updated_at FROM variable WHERE kind = ?1 \
             AND entity_id = ?2 AND connector_id = ?3 AND user_id = ?4 ORDER BY keyword",
        )?;
        let id = number(&owner.id);
        let of = params![owner.kind.as_str(), id, owner.connector, owner.user];
        let rows = select.query_map(of, |row| {
            Ok(VariableRecord {
                keyword: row.get(0)?,
                value: row.get(1)?,
                created_at: row.get(2)?,
                updated_at: row.get(3)?,
            })
        })?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    fn set_variable(
        &self,
        owner: &VariableOwner,
        keyword: &str,
        value: &str,
        now: i64,
    ) -> Result<()> {
        let mut insert = self.0.prepare_cached(
            "INSERT INTO variable (kind, entity_id, connector_id, user_id, keyword, value, \
             created_at, updated_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7) \
             ON CONFLICT DO UPDATE SET value = ?6, updated_at = ?7",
        )?;
        insert.execute(params![
            owner.kind.as_str(),
            number(&owner.id),
            owner.connector,
            owner.user,
            keyword,
            value,
            now,
        ])?;
        Ok(())
    }
}
