//! The tables of workflow runs, their journals and what their output nodes said.

use coze_types::chat::Usage;
use coze_types::workflows::InterruptData;
use rusqlite::{OptionalExtension, Row, params};

use super::sqlite::Sqlite;
use super::{Result, json_opt, parse_opt};

/// A run as it is stored.
#[derive(Debug, Clone, Default)]
pub(crate) struct RunRecord {
    pub(crate) id: i64,
    pub(crate) workflow_id: String,
    /// The definition it runs.
    pub(crate) canvas: String,
    /// JSON object.
    pub(crate) input: String,
    pub(crate) bot_id: String,
    pub(crate) connector_id: String,
    pub(crate) connector_uid: String,
    /// 0 waited for, 1 streamed, 2 in the background.
    pub(crate) mode: i64,
    /// `Running`, `Success`, `Fail` or `Cancel`.
    pub(crate) status: String,
    /// What it waits for.
    pub(crate) interrupt: Option<InterruptData>,
    pub(crate) resumes: i64,
    pub(crate) output: String,
    pub(crate) error_code: String,
    pub(crate) error_message: String,
    pub(crate) usage: Usage,
    pub(crate) logid: String,
    pub(crate) conversation_id: Option<i64>,
    pub(crate) created_at: i64,
    pub(crate) updated_at: i64,
}

/// What an output node said.
#[derive(Debug, Clone, Default)]
pub(crate) struct NodeOutputRecord {
    pub(crate) uuid: String,
    pub(crate) run_id: i64,
    pub(crate) node_id: String,
    pub(crate) title: String,
    pub(crate) output: String,
    pub(crate) is_finish: bool,
    pub(crate) updated_at: i64,
}

const COLUMNS: &str = "id, workflow_id, canvas, input, bot_id, connector_id, connector_uid, mode, \
                       status, interrupt, resumes, output, error_code, error_message, input_count, \
                       output_count, logid, conversation_id, created_at, updated_at";

/// The tables of runs, journals and node outputs. What it looks up it answers with `None` when it is not there.
pub(crate) trait Runs {
    fn insert_run(&self, record: &RunRecord) -> Result<()>;
    fn run(&self, id: i64) -> Result<Option<RunRecord>>;
    fn update_run(&self, record: &RunRecord) -> Result<()>;
    /// The run of a chatflow that waits for the next message of a conversation.
    fn waiting_run(&self, conversation: i64, workflow: &str) -> Result<Option<i64>>;
    fn append_journal(&self, run: i64, seq: i64, event: &str) -> Result<()>;
    fn journal(&self, run: i64) -> Result<Vec<String>>;
    fn put_node_output(&self, output: &NodeOutputRecord) -> Result<()>;
    fn node_outputs(&self, run: i64) -> Result<Vec<NodeOutputRecord>>;
}

impl Runs for Sqlite<'_> {
    fn insert_run(&self, it: &RunRecord) -> Result<()> {
        let mut insert = self.0.prepare_cached(
            "INSERT INTO run (id, workflow_id, canvas, input, bot_id, connector_id, \
             connector_uid, mode, status, logid, conversation_id, created_at, updated_at) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?12)",
        )?;
        insert.execute(params![
            it.id,
            it.workflow_id,
            it.canvas,
            it.input,
            it.bot_id,
            it.connector_id,
            it.connector_uid,
            it.mode,
            it.status,
            it.logid,
            it.conversation_id,
            it.created_at,
        ])?;
        Ok(())
    }

    fn run(&self, id: i64) -> Result<Option<RunRecord>> {
        let sql = format!("SELECT {COLUMNS} FROM run WHERE id = ?1");
        let mut select = self.0.prepare_cached(&sql)?;
        let found = select.query_row([id], read).optional()?;
        found
            .map(|(mut run, interrupt)| {
                run.interrupt = parse_opt(interrupt)?;
                Ok(run)
            })
            .transpose()
    }

    fn update_run(&self, it: &RunRecord) -> Result<()> {
        let mut update = self.0.prepare_cached(
            "UPDATE run SET status = ?2, interrupt = ?3, resumes = ?4, output = ?5, \
             error_code = ?6, error_message = ?7, input_count = ?8, output_count = ?9, \
             updated_at = ?10 WHERE id = ?1",
        )?;
        update.execute(params![
            it.id,
            it.status,
            json_opt(it.interrupt.as_ref())?,
            it.resumes,
            it.output,
            it.error_code,
            it.error_message,
            it.usage.input_count,
            it.usage.output_count,
            it.updated_at,
        ])?;
        Ok(())
    }

    fn waiting_run(&self, conversation: i64, workflow: &str) -> Result<Option<i64>> {
        let mut select = self.0.prepare_cached(
            "SELECT id FROM run WHERE conversation_id = ?1 AND workflow_id = ?2 \
             AND interrupt IS NOT NULL ORDER BY id DESC LIMIT 1",
        )?;
        Ok(select
            .query_row(params![conversation, workflow], |row| row.get(0))
            .optional()?)
    }

    fn append_journal(&self, run: i64, seq: i64, event: &str) -> Result<()> {
        let mut insert = self
            .0
            .prepare_cached("INSERT INTO journal (run_id, seq, event) VALUES (?1, ?2, ?3)")?;
        insert.execute(params![run, seq, event])?;
        Ok(())
    }

    fn journal(&self, run: i64) -> Result<Vec<String>> {
        let mut select = self
            .0
            .prepare_cached("SELECT event FROM journal WHERE run_id = ?1 ORDER BY seq")?;
        let rows = select.query_map([run], |row| row.get(0))?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    fn put_node_output(&self, it: &NodeOutputRecord) -> Result<()> {
        self.0.execute(
            "INSERT INTO node_output (uuid, run_id, node_id, title, output, is_finish, updated_at) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (uuid) DO UPDATE SET \
             output = ?5, is_finish = ?6, updated_at = ?7",
            params![
                it.uuid,
                it.run_id,
                it.node_id,
                it.title,
                it.output,
                it.is_finish,
                it.updated_at
            ],
        )?;
        Ok(())
    }

    fn node_outputs(&self, run: i64) -> Result<Vec<NodeOutputRecord>> {
        let mut select = self.0.prepare_cached(
            "SELECT uuid, run_id, node_id, title, output, is_finish, updated_at \
             FROM node_output WHERE run_id = ?1 ORDER BY rowid",
        )?;
        let rows = select.query_map([run], |row| {
            Ok(NodeOutputRecord {
                uuid: row.get(0)?,
                run_id: row.get(1)?,
                node_id: row.get(2)?,
                title: row.get(3)?,
                output: row.get(4)?,
                is_finish: row.get(5)?,
                updated_at: row.get(6)?,
            })
        })?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }
}

fn read(row: &Row<'_>) -> rusqlite::Result<(RunRecord, Option<String>)> {
    let (input_count, output_count): (i64, i64) = (row.get(14)?, row.get(15)?);
    let record = RunRecord {
        id: row.get(0)?,
        workflow_id: row.get(1)?,
        canvas: row.get(2)?,
        input: row.get(3)?,
        bot_id: row.get(4)?,
        connector_id: row.get(5)?,
        connector_uid: row.get(6)?,
        mode: row.get(7)?,
        status: row.get(8)?,
        interrupt: None,
        resumes: row.get(10)?,
        output: row.get(11)?,
        error_code: row.get(12)?,
        error_message: row.get(13)?,
        usage: Usage {
            token_count: input_count + output_count,
            output_count,
            input_count,
        },
        logid: row.get(16)?,
        conversation_id: row.get(17)?,
        created_at: row.get(18)?,
        updated_at: row.get(19)?,
    };
    Ok((record, row.get(9)?))
}
