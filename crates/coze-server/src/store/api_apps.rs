//! The tables of callback apps, of their subscriptions, and of what is still to be sent.

use coze_types::Secret;
use coze_types::api_apps::{ApiAppEventType, ApiAppType};
use rusqlite::{OptionalExtension, Row, params};

use super::Result;
use super::page::as_i64;
use super::sqlite::Sqlite;

/// A callback app.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ApiAppRecord {
    pub(crate) id: i64,
    pub(crate) owner: i64,
    pub(crate) kind: ApiAppType,
    pub(crate) name: String,
    pub(crate) connector: Option<String>,
    pub(crate) token: Secret,
    pub(crate) url: Option<String>,
}

/// Something that is to be sent to a callback app.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct CallbackRecord {
    pub(crate) id: i64,
    pub(crate) app: i64,
    pub(crate) event: ApiAppEventType,
    pub(crate) body: String,
    /// The agent and its version, when the answer is a review of them.
    pub(crate) reviewed: Option<(i64, i64)>,
}

/// Whose callback apps an event is for.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Audience<'a> {
    /// Those of a user, which hear of their account.
    Account(i64),
    /// That of a channel.
    Connector(&'a str),
}

/// The tables of callback apps. What they look up they answer with `None` when it is not there.
pub(crate) trait ApiApps {
    fn insert_api_app(&self, app: &ApiAppRecord) -> Result<()>;
    fn api_app(&self, id: i64) -> Result<Option<ApiAppRecord>>;
    /// The app of a channel; it has one at most.
    fn api_app_of(&self, connector: &str) -> Result<Option<ApiAppRecord>>;
    /// Those of a user behind an id, oldest first.
    fn api_apps(
        &self,
        owner: i64,
        kind: Option<&ApiAppType>,
        after: i64,
        limit: usize,
    ) -> Result<Vec<ApiAppRecord>>;
    /// Writes the name and the address.
    fn update_api_app(&self, app: &ApiAppRecord) -> Result<()>;
    fn delete_api_app(&self, id: i64) -> Result<()>;
    fn subscribe(&self, app: i64, event: &ApiAppEventType) -> Result<()>;
    fn unsubscribe(&self, app: i64, event: &ApiAppEventType) -> Result<()>;
    /// What an app is subscribed to behind an event, by name.
    fn subscriptions(&self, app: i64, after: &str, limit: usize) -> Result<Vec<ApiAppEventType>>;
    /// The apps that hear of an event and have an address.
    fn subscribers(
        &self,
        event: &ApiAppEventType,
        audience: Audience<'_>,
    ) -> Result<Vec<ApiAppRecord>>;
    fn insert_callback(&self, callback: &CallbackRecord) -> Result<()>;
    /// What is to be sent, behind an id, oldest first.
    fn callbacks(&self, after: i64, limit: usize) -> Result<Vec<CallbackRecord>>;
    fn delete_callback(&self, id: i64) -> Result<()>;
}

const COLUMNS: &str = "api_app.id, owner_id, app_type, name, connector_id, verify_token, \
                       callback_url";

impl ApiApps for Sqlite<'_> {
    fn insert_api_app(&self, it: &ApiAppRecord) -> Result<()> {
        self.0.execute(
            "INSERT INTO api_app (id, owner_id, app_type, name, connector_id, verify_token, \
             callback_url) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            params![
                it.id,
                it.owner,
                it.kind.as_str(),
                it.name,
                it.connector,
                it.token.expose(),
                it.url,
            ],
        )?;
        Ok(())
    }

    fn api_app(&self, id: i64) -> Result<Option<ApiAppRecord>> {
        let sql = format!("SELECT {COLUMNS} FROM api_app WHERE id = ?1");
        Ok(self.0.query_row(&sql, [id], read).optional()?)
    }

    fn api_app_of(&self, connector: &str) -> Result<Option<ApiAppRecord>> {
        let sql = format!("SELECT {COLUMNS} FROM api_app WHERE connector_id = ?1");
        Ok(self.0.query_row(&sql, [connector], read).optional()?)
    }

    fn api_apps(
        &self,
        owner: i64,
        kind: Option<&ApiAppType>,
        after: i64,
        limit: usize,
    ) -> Result<Vec<ApiAppRecord>> {
        let sql = format!(
            "SELECT {COLUMNS} FROM api_app WHERE owner_id = ?1 AND id > ?2 \
             AND (?3 IS NULL OR app_type = ?3) ORDER BY id LIMIT ?4"
        );
        let mut select = self.0.prepare_cached(&sql)?;
        let kind = kind.map(ApiAppType::as_str);
        let rows = select.query_map(params![owner, after, kind, as_i64(limit)], read)?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    fn update_api_app(&self, it: &ApiAppRecord) -> Result<()> {
        let sql = "UPDATE api_app SET name = ?2, callback_url = ?3 WHERE id = ?1";
        self.0.execute(sql, params![it.id, it.name, it.url])?;
        Ok(())
    }

    fn delete_api_app(&self, id: i64) -> Result<()> {
        self.0.execute("DELETE FROM api_app WHERE id = ?1", [id])?;
        Ok(())
    }

    fn subscribe(&self, app: i64, event: &ApiAppEventType) -> Result<()> {
        self.0.execute(
            "INSERT INTO api_app_event (api_app_id, event_type) VALUES (?1, ?2) \
             ON CONFLICT DO NOTHING",
            params![app, event.as_str()],
        )?;
        Ok(())
    }

    fn unsubscribe(&self, app: i64, event: &ApiAppEventType) -> Result<()> {
        let sql = "DELETE FROM api_app_event WHERE api_app_id = ?1 AND event_type = ?2";
        self.0.execute(sql, params![app, event.as_str()])?;
        Ok(())
    }

    fn subscriptions(&self, app: i64, after: &str, limit: usize) -> Result<Vec<ApiAppEventType>> {
        let mut select = self.0.prepare_cached(
            "SELECT event_type FROM api_app_event WHERE api_app_id = ?1 AND event_type > ?2 \
             ORDER BY event_type LIMIT ?3",
        )?;
        let rows = select.query_map(params![app, after, as_i64(limit)], |row| {
            Ok(ApiAppEventType::from(row.get::<_, String>(0)?.as_str()))
        })?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    fn subscribers(
        &self,
        event: &ApiAppEventType,
        audience: Audience<'_>,
    ) -> Result<Vec<ApiAppRecord>> {
        let (owner, connector) = match audience {
            Audience::Account(user) => (Some(user), None),
            Audience::Connector(id) => (None, Some(id)),
        };
        let sql = format!(
            "SELECT {COLUMNS} FROM api_app JOIN api_app_event ON api_app_id = api_app.id \
             WHERE event_type = ?1 AND callback_url IS NOT NULL \
             AND ((connector_id IS NULL AND owner_id = ?2) OR connector_id = ?3) ORDER BY api_app.id"
        );
        let mut select = self.0.prepare_cached(&sql)?;
        let rows = select.query_map(params![event.as_str(), owner, connector], read)?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    fn insert_callback(&self, it: &CallbackRecord) -> Result<()> {
        let (bot, version) = it.reviewed.unzip();
        self.0.execute(
            "INSERT INTO callback (id, api_app_id, event_type, body, bot_id, version) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            params![it.id, it.app, it.event.as_str(), it.body, bot, version],
        )?;
        Ok(())
    }

    fn callbacks(&self, after: i64, limit: usize) -> Result<Vec<CallbackRecord>> {
        let mut select = self.0.prepare_cached(
            "SELECT id, api_app_id, event_type, body, bot_id, version FROM callback \
             WHERE id > ?1 ORDER BY id LIMIT ?2",
        )?;
        let rows = select.query_map(params![after, as_i64(limit)], |row| {
            let bot: Option<i64> = row.get(4)?;
            Ok(CallbackRecord {
                id: row.get(0)?,
                app: row.get(1)?,
                event: row.get::<_, String>(2)?.as_str().into(),
                body: row.get(3)?,
                reviewed: bot.zip(row.get(5)?),
            })
        })?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    fn delete_callback(&self, id: i64) -> Result<()> {
        self.0.execute("DELETE FROM callback WHERE id = ?1", [id])?;
        Ok(())
    }
}

fn read(row: &Row<'_>) -> rusqlite::Result<ApiAppRecord> {
    Ok(ApiAppRecord {
        id: row.get(0)?,
        owner: row.get(1)?,
        kind: row.get::<_, String>(2)?.as_str().into(),
        name: row.get(3)?,
        connector: row.get(4)?,
        token: row.get::<_, String>(5)?.into(),
        url: row.get(6)?,
    })
}
