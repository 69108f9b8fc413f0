//! The table of quotas of end users.

use coze_types::commerce::{BenefitType, Limitation, LimitationStatus, LimitedEntity};
use coze_types::{Id, Timestamp};
use rusqlite::{OptionalExtension, Row, params};

use super::page::as_i64;
use super::sqlite::Sqlite;
use super::{Result, number};

/// Which quotas of an enterprise are wanted.
#[derive(Debug, Clone)]
pub(crate) struct LimitationFilter {
    pub(crate) enterprise: String,
    pub(crate) entity: LimitedEntity,
    /// The device or the consumer; empty for all of them together.
    pub(crate) entity_id: String,
    pub(crate) benefit: BenefitType,
    /// Any by default.
    pub(crate) status: Option<LimitationStatus>,
    /// Those behind this id.
    pub(crate) after: i64,
    pub(crate) limit: usize,
}

/// The table of quotas. What it looks up it answers with `None` when it is not there.
pub(crate) trait Limitations {
    /// Writes a quota, which has everything that the wire has.
    fn put_limitation(&self, enterprise: &str, limitation: &Limitation) -> Result<()>;
    /// A quota, and the enterprise that it is of.
    fn limitation(&self, id: i64) -> Result<Option<(String, Limitation)>>;
    /// Oldest first.
    fn limitations(&self, filter: &LimitationFilter) -> Result<Vec<Limitation>>;
}

const COLUMNS: &str = "id, entity_type, entity_id, benefit_type, active_mode, started_at, ended_at, \
                       quota, status, trigger_unit, trigger_time, enterprise_id";

impl Limitations for Sqlite<'_> {
    fn put_limitation(&self, enterprise: &str, it: &Limitation) -> Result<()> {
        let sql = format!(
            "INSERT INTO limitation ({COLUMNS}) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12) \
             ON CONFLICT (id) DO UPDATE SET active_mode = excluded.active_mode, \
             started_at = excluded.started_at, ended_at = excluded.ended_at, \
             quota = excluded.quota, status = excluded.status, \
             trigger_unit = excluded.trigger_unit, trigger_time = excluded.trigger_time"
        );
        self.0.execute(
            &sql,
            params![
                it.benefit_id.as_deref().map_or(-1, number),
                it.entity_type.clone().unwrap_or_default().as_str(),
                it.entity_id.as_deref().unwrap_or_default(),
                it.benefit_type.as_str(),
                it.active_mode.as_str(),
                it.started_at.0,
                it.ended_at.0,
                it.limit,
                it.status.clone().unwrap_or_default().as_str(),
                it.trigger_unit.clone().unwrap_or_default().as_str(),
                it.trigger_time.unwrap_or(1),
                enterprise,
            ],
        )?;
        Ok(())
    }

    fn limitation(&self, id: i64) -> Result<Option<(String, Limitation)>> {
        let sql = format!("SELECT {COLUMNS} FROM limitation WHERE id = ?1");
        let found = self.0.query_row(&sql, [id], |row| {
            let enterprise = row.get(11)?;
            Ok((enterprise, read(row)?))
        });
        Ok(found.optional()?)
    }

    fn limitations(&self, it: &LimitationFilter) -> Result<Vec<Limitation>> {
        let sql = format!(
            "SELECT {COLUMNS} FROM limitation WHERE enterprise_id = ?1 AND entity_type = ?2 \
             AND entity_id = ?3 AND benefit_type = ?4 AND (?5 IS NULL OR status = ?5) \
             AND id > ?6 ORDER BY id LIMIT ?7"
        );
        let mut select = self.0.prepare_cached(&sql)?;
        let rows = select.query_map(
            params![
                it.enterprise,
                it.entity.as_str(),
                it.entity_id,
                it.benefit.as_str(),
                it.status.as_ref().map(LimitationStatus::as_str),
                it.after,
                as_i64(it.limit),
            ],
            read,
        )?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }
}

fn read(row: &Row<'_>) -> rusqlite::Result<Limitation> {
    let text = |index| row.get::<_, String>(index);
    let entity_id = text(2)?;
    Ok(Limitation {
        benefit_id: Some(row.get::<_, i64>(0)?.into()),
        entity_type: Some(text(1)?.as_str().into()),
        entity_id: (!entity_id.is_empty()).then(|| Id::from(entity_id)),
        benefit_type: text(3)?.as_str().into(),
        active_mode: text(4)?.as_str().into(),
        started_at: Timestamp(row.get(5)?),
        ended_at: Timestamp(row.get(6)?),
        limit: row.get(7)?,
        status: Some(text(8)?.as_str().into()),
        trigger_unit: Some(text(9)?.as_str().into()),
        trigger_time: Some(row.get(10)?),
    })
}
