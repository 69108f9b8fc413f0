//! The tables of channels: where they were added, and the devices that are bound to them.

use rusqlite::{OptionalExtension, params};

use super::Result;
use super::sqlite::Sqlite;

/// A device of a channel.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct DeviceRecord {
    pub(crate) key: String,
    pub(crate) value: String,
    pub(crate) label: String,
}

/// The tables of channels.
pub(crate) trait Connectors {
    /// Adds a channel to a space, which may have it already.
    fn install_connector(&self, space: i64, connector: &str, user: i64, now: i64) -> Result<()>;
    fn is_installed(&self, space: i64, connector: &str) -> Result<bool>;
    /// Binds a device for the agents of a user, or gives it another label.
    fn bind_device(&self, connector: &str, user: i64, device: &DeviceRecord) -> Result<()>;
    /// The ids of the devices that are bound for a user under a key.
    fn devices(&self, connector: &str, user: i64, key: &str) -> Result<Vec<String>>;
}

impl Connectors for Sqlite<'_> {
    fn install_connector(&self, space: i64, connector: &str, user: i64, now: i64) -> Result<()> {
        self.0.execute(
            "INSERT INTO connector_install (space_id, connector_id, user_id, created_at) \
             VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING",
            params![space, connector, user, now],
        )?;
        Ok(())
    }

    fn is_installed(&self, space: i64, connector: &str) -> Result<bool> {
        let sql = "SELECT 1 FROM connector_install WHERE space_id = ?1 AND connector_id = ?2";
        let found = self.0.query_row(sql, params![space, connector], |_| Ok(()));
        Ok(found.optional()?.is_some())
    }

    fn bind_device(&self, connector: &str, user: i64, it: &DeviceRecord) -> Result<()> {
        self.0.execute(
            "INSERT INTO connector_device (connector_id, user_id, key, value, label) \
             VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO UPDATE SET label = excluded.label",
            params![connector, user, it.key, it.value, it.label],
        )?;
        Ok(())
    }

    fn devices(&self, connector: &str, user: i64, key: &str) -> Result<Vec<String>> {
        let mut select = self.0.prepare_cached(
            "SELECT value FROM connector_device \
             WHERE connector_id = ?1 AND user_id = ?2 AND key = ?3 ORDER BY value",
        )?;
        let rows = select.query_map(params![connector, user, key], |row| row.get(0))?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }
}
