//! The tables of what was used, and of exports of that.

use rusqlite::{OptionalExtension, Row, params};

use super::page::{Listing, as_i64};
use super::sqlite::Sqlite;
use super::{Result, json};

/// Something that was used.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct BillRecord {
    pub(crate) id: i64,
    pub(crate) space: i64,
    /// That of the space; empty for none.
    pub(crate) enterprise: String,
    /// The owner of the space.
    pub(crate) account: i64,
    /// When, in Unix seconds.
    pub(crate) at: i64,
    /// The chat, the run or the call that it was used in.
    pub(crate) root: String,
    pub(crate) connector: String,
    pub(crate) connector_uid: String,
    /// 1 agent, 2 workflow, 6 voice.
    pub(crate) entity_kind: i64,
    pub(crate) entity: String,
    /// 1 model, 3 voice.
    pub(crate) resource_kind: i64,
    pub(crate) resource: String,
    pub(crate) input_tokens: i64,
    pub(crate) output_tokens: i64,
    pub(crate) tts_chars: i64,
    pub(crate) tts_count: i64,
    pub(crate) asr_milliseconds: i64,
}

/// An export.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct BillTaskRecord {
    pub(crate) id: i64,
    pub(crate) enterprise: String,
    /// As on the wire.
    pub(crate) status: String,
    pub(crate) started_at: i64,
    pub(crate) ended_at: i64,
    pub(crate) created_at: i64,
    pub(crate) expires_at: i64,
    /// What the addresses of its files carry.
    pub(crate) key: String,
    /// How many there are.
    pub(crate) files: i64,
}

/// Which exports of an enterprise are wanted.
#[derive(Debug, Clone)]
pub(crate) struct BillTaskFilter {
    pub(crate) enterprise: String,
    /// Only these.
    pub(crate) among: Option<Vec<i64>>,
    /// Asked for at this moment or later.
    pub(crate) since: i64,
    pub(crate) page: usize,
    pub(crate) size: usize,
}

/// The tables of what was used. What they look up they answer with `None` when it is not there.
pub(crate) trait Bills {
    fn insert_bill(&self, bill: &BillRecord) -> Result<()>;
    /// What the spaces of an enterprise used from one moment to another, both included; behind an
    /// id, oldest first.
    fn bills(
        &self,
        enterprise: &str,
        span: (i64, i64),
        after: i64,
        limit: usize,
    ) -> Result<Vec<BillRecord>>;
    /// Makes the export, or changes how far it is.
    fn put_bill_task(&self, task: &BillTaskRecord) -> Result<()>;
    fn bill_task_by_key(&self, key: &str) -> Result<Option<BillTaskRecord>>;
    /// A page, newest first, and how many there are in all.
    fn bill_tasks(&self, filter: &BillTaskFilter) -> Result<(Vec<BillTaskRecord>, i64)>;
    /// Those that are not at their end.
    fn open_bill_tasks(&self) -> Result<Vec<BillTaskRecord>>;
    /// Those whose files are kept no longer.
    fn expired_bill_tasks(&self, now: i64) -> Result<Vec<BillTaskRecord>>;
}

const BILL: &str = "id, space_id, enterprise_id, account_id, consume_time, record_root_id, \
                    connector_id, connector_uid, root_entity_type, root_entity_id, resource_type, \
                    resource_id, input_tokens, output_tokens, tts_chars, tts_count, \
                    asr_milliseconds";
const TASK: &str = "id, enterprise_id, status, started_at, ended_at, created_at, expires_at, key, \
                    files";

impl Bills for Sqlite<'_> {
    fn insert_bill(&self, it: &BillRecord) -> Result<()> {
        let sql = format!(
            "INSERT INTO bill ({BILL}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, \
             ?13, ?14, ?15, ?16, ?17)"
        );
        let mut insert = self.0.prepare_cached(&sql)?;
        insert.execute(params![
            it.id,
            it.space,
            it.enterprise,
            it.account,
            it.at,
            it.root,
            it.connector,
            it.connector_uid,
            it.entity_kind,
            it.entity,
            it.resource_kind,
            it.resource,
            it.input_tokens,
            it.output_tokens,
            it.tts_chars,
            it.tts_count,
            it.asr_milliseconds,
        ])?;
        Ok(())
    }

    fn bills(
        &self,
        enterprise: &str,
        (from, to): (i64, i64),
        after: i64,
        limit: usize,
    ) -> Result<Vec<BillRecord>> {
        let sql = format!(
            "SELECT {BILL} FROM bill WHERE enterprise_id = ?1 AND id > ?2 \
             AND consume_time BETWEEN ?3 AND ?4 ORDER BY id LIMIT ?5"
        );
        let mut select = self.0.prepare_cached(&sql)?;
        let rows = select.query_map(params![enterprise, after, from, to, as_i64(limit)], read)?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    fn put_bill_task(&self, it: &BillTaskRecord) -> Result<()> {
        let sql = format!(
            "INSERT INTO bill_task ({TASK}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) \
             ON CONFLICT (id) DO UPDATE SET status = excluded.status, files = excluded.files"
        );
        self.0.execute(
            &sql,
            params![
                it.id,
                it.enterprise,
                it.status,
                it.started_at,
                it.ended_at,
                it.created_at,
                it.expires_at,
                it.key,
                it.files,
            ],
        )?;
        Ok(())
    }

    fn bill_task_by_key(&self, key: &str) -> Result<Option<BillTaskRecord>> {
        let sql = format!("SELECT {TASK} FROM bill_task WHERE key = ?1");
        Ok(self.0.query_row(&sql, [key], read_task).optional()?)
    }

    fn bill_tasks(&self, it: &BillTaskFilter) -> Result<(Vec<BillTaskRecord>, i64)> {
        let among = it.among.as_ref().map(json).transpose()?;
        let listing = Listing {
            columns: TASK,
            from: "bill_task WHERE enterprise_id = ?1 AND created_at >= ?2 \
                   AND (?3 IS NULL OR id IN (SELECT value FROM json_each(?3)))",
            order: "id DESC",
            values: &[&it.enterprise, &it.since, &among],
        };
        listing.page(self.0, it.page, it.size, read_task)
    }

    fn open_bill_tasks(&self) -> Result<Vec<BillTaskRecord>> {
        let sql = format!("SELECT {TASK} FROM bill_task WHERE status IN ('init', 'running')");
        let mut select = self.0.prepare_cached(&sql)?;
        let rows = select.query_map([], read_task)?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    fn expired_bill_tasks(&self, now: i64) -> Result<Vec<BillTaskRecord>> {
        let sql = format!("SELECT {TASK} FROM bill_task WHERE files > 0 AND expires_at <= ?1");
        let mut select = self.0.prepare_cached(&sql)?;
        let rows = select.query_map([now], read_task)?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }
}

fn read(row: &Row<'_>) -> rusqlite::Result<BillRecord> {
    Ok(BillRecord {
        id: row.get(0)?,
        space: row.get(1)?,
        enterprise: row.get(2)?,
        account: row.get(3)?,
        at: row.get(4)?,
        root: row.get(5)?,
        connector: row.get(6)?,
        connector_uid: row.get(7)?,
        entity_kind: row.get(8)?,
        entity: row.get(9)?,
        resource_kind: row.get(10)?,
        resource: row.get(11)?,
        input_tokens: row.get(12)?,
        output_tokens: row.get(13)?,
        tts_chars: row.get(14)?,
        tts_count: row.get(15)?,
        asr_milliseconds: row.get(16)?,
    })
}

fn read_task(row: &Row<'_>) -> rusqlite::Result<BillTaskRecord> {
    Ok(BillTaskRecord {
        id: row.get(0)?,
        enterprise: row.get(1)?,
        status: row.get(2)?,
        started_at: row.get(3)?,
        ended_at: row.get(4)?,
        created_at: row.get(5)?,
        expires_at: row.get(6)?,
        key: row.get(7)?,
        files: row.get(8)?,
    })
}
