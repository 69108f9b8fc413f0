//! The table of chats.

use coze_types::chat::{Chat, ChatError, StartChatBody, Usage};
use coze_types::{Id, Timestamp};
use rusqlite::{OptionalExtension, Row, params};
use serde::{Deserialize, Serialize};

use super::sqlite::Sqlite;
use super::{Result, json, json_opt, number, parse, parse_opt};

/// A chat as it is stored: its wire form, and what the run needs to go on after a pause.
#[derive(Debug, Clone)]
pub(crate) struct ChatRecord {
    pub(crate) chat: Chat,
    pub(crate) user_id: String,
    pub(crate) save_history: bool,
    pub(crate) request: StartChatBody,
    pub(crate) turns: Vec<Turn>,
}

/// One round of tool calls.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Turn {
    /// What the model said before it called.
    pub(crate) text: String,
    pub(crate) calls: Vec<TurnCall>,
}

/// One call of a tool; without output while it waits for one.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct TurnCall {
    pub(crate) id: String,
    pub(crate) name: String,
    /// JSON text.
    pub(crate) arguments: String,
    pub(crate) output: Option<String>,
}

const COLUMNS: &str = "id, conversation_id, section_id, bot_id, user_id, status, save_history, \
                       meta_data, created_at, completed_at, failed_at, error_code, error_msg, \
                       input_count, output_count, required_action, inserted, request, turns";

/// The table of chats. What it looks up it answers with `None` when it is not there.
pub(crate) trait Chats {
    fn insert_chat(&self, record: &ChatRecord) -> Result<()>;
    fn chat(&self, conversation: i64, id: i64) -> Result<Option<ChatRecord>>;
    fn update_chat(&self, record: &ChatRecord) -> Result<()>;
    /// The same, if the chat is there and at work; says whether it was.
    fn update_chat_at_work(&self, record: &ChatRecord) -> Result<bool>;
    /// The chat that keeps a conversation occupied.
    fn running_chat(&self, conversation: i64) -> Result<Option<i64>>;
    /// Fails every chat and run that an earlier server left running; says how many.
    fn fail_interrupted(&self, now: i64, code: i64, why: &str) -> Result<usize>;
}

impl Chats for Sqlite<'_> {
    fn insert_chat(&self, it: &ChatRecord) -> Result<()> {
        let mut insert = self.0.prepare_cached(
            "INSERT INTO chat (id, conversation_id, section_id, bot_id, user_id, status, \
             save_history, meta_data, created_at, inserted, request, turns) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
        )?;
        insert.execute(params![
            it.id(),
            number(&it.chat.conversation_id),
            it.chat.section_id.as_deref().map(number),
            it.chat.bot_id.as_deref().unwrap_or_default(),
            it.user_id,
            it.chat.status.as_str(),
            it.save_history,
            json_opt(it.chat.meta_data.as_ref())?,
            it.chat.created_at.unwrap_or_default().0,
            json_opt(it.chat.inserted_additional_messages.as_ref())?,
            json(&it.request)?,
            json(&it.turns)?,
        ])?;
        Ok(())
    }

    fn chat(&self, conversation: i64, id: i64) -> Result<Option<ChatRecord>> {
        let sql = format!("SELECT {COLUMNS} FROM chat WHERE id = ?1 AND conversation_id = ?2");
        let mut select = self.0.prepare_cached(&sql)?;
        let found = select.query_row([id, conversation], read).optional()?;
        found.map(finish).transpose()
    }

    fn update_chat(&self, it: &ChatRecord) -> Result<()> {
        update(self, it, "").map(|_| ())
    }

    fn update_chat_at_work(&self, it: &ChatRecord) -> Result<bool> {
        Ok(update(self, it, " AND status = 'in_progress'")? > 0)
    }

    fn running_chat(&self, conversation: i64) -> Result<Option<i64>> {
        let mut select = self.0.prepare_cached(
            "SELECT id FROM chat WHERE conversation_id = ?1 \
             AND status IN ('created', 'in_progress') LIMIT 1",
        )?;
        Ok(select
            .query_row([conversation], |row| row.get(0))
            .optional()?)
    }

    fn fail_interrupted(&self, now: i64, code: i64, why: &str) -> Result<usize> {
        let chats = self.0.execute(
            "UPDATE chat SET status = 'failed', failed_at = ?1, error_code = ?2, error_msg = ?3 \
             WHERE status IN ('created', 'in_progress')",
            params![now, code, why],
        )?;
        let runs = self.0.execute(
            "UPDATE run SET status = 'Fail', updated_at = ?1, error_code = ?2, error_message = ?3 \
             WHERE status = 'Running' AND interrupt IS NULL",
            params![now, code.to_string(), why],
        )?;
        Ok(chats + runs)
    }
}

/// Writes down what changes in a chat, if `and` holds; says how many rows there were.
fn update(unit: &Sqlite<'_>, it: &ChatRecord, and: &str) -> Result<usize> {
    let usage = it.chat.usage.unwrap_or_default();
    let error = it.chat.last_error.clone().unwrap_or_default();
    let mut update = unit.0.prepare_cached(&format!(
        "UPDATE chat SET status = ?2, completed_at = ?3, failed_at = ?4, error_code = ?5, \
         error_msg = ?6, input_count = ?7, output_count = ?8, required_action = ?9, turns = ?10 \
         WHERE id = ?1 AND conversation_id = ?11{and}",
    ))?;
    Ok(update.execute(params![
        it.id(),
        it.chat.status.as_str(),
        it.chat.completed_at.map(|at| at.0),
        it.chat.failed_at.map(|at| at.0),
        error.code,
        error.msg,
        usage.input_count,
        usage.output_count,
        json_opt(it.chat.required_action.as_ref())?,
        json(&it.turns)?,
        number(&it.chat.conversation_id),
    ])?)
}

/// A row, with its JSON columns still text.
struct Raw {
    chat: Chat,
    user_id: String,
    save_history: bool,
    meta_data: Option<String>,
    required_action: Option<String>,
    inserted: Option<String>,
    request: String,
    turns: String,
}

fn read(row: &Row<'_>) -> rusqlite::Result<Raw> {
    let id = |index: usize| Ok::<Id, rusqlite::Error>(row.get::<_, i64>(index)?.into());
    let time =
        |index: usize| Ok::<_, rusqlite::Error>(row.get::<_, Option<i64>>(index)?.map(Timestamp));
    let (input_count, output_count): (i64, i64) = (row.get(13)?, row.get(14)?);
    let chat = Chat {
        id: id(0)?,
        conversation_id: id(1)?,
        section_id: Some(id(2)?),
        bot_id: Some(row.get::<_, String>(3)?.into()),
        status: row.get::<_, String>(5)?.as_str().into(),
        created_at: time(8)?,
        completed_at: time(9)?,
        failed_at: time(10)?,
        last_error: Some(ChatError {
            code: row.get(11)?,
            msg: row.get(12)?,
        }),
        usage: Some(Usage {
            token_count: input_count + output_count,
            output_count,
            input_count,
        }),
        ..Chat::default()
    };
    Ok(Raw {
        chat,
        user_id: row.get(4)?,
        save_history: row.get(6)?,
        meta_data: row.get(7)?,
        required_action: row.get(15)?,
        inserted: row.get(16)?,
        request: row.get(17)?,
        turns: row.get(18)?,
    })
}

fn finish(raw: Raw) -> Result<ChatRecord> {
    let mut chat = raw.chat;
    chat.meta_data = parse_opt(raw.meta_data)?;
    chat.required_action = parse_opt(raw.required_action)?;
    chat.inserted_additional_messages = parse_opt(raw.inserted)?;
    Ok(ChatRecord {
        chat,
        user_id: raw.user_id,
        save_history: raw.save_history,
        request: parse(&raw.request)?,
        turns: parse(&raw.turns)?,
    })
}
