//! The tables of messages and of feedback on them.

use coze_types::messages::{FeedbackBody, Message};
use coze_types::{Id, Timestamp};
use rusqlite::{OptionalExtension, Row, params, params_from_iter};

use super::sqlite::Sqlite;
use super::{Result, json, json_opt, number, parse_opt};

const COLUMNS: &str = "id, conversation_id, section_id, bot_id, chat_id, role, type, content, \
                       content_type, meta_data, reasoning_content, created_at, updated_at";

/// Which messages of a conversation are wanted.
#[derive(Debug, Clone, Default)]
pub(crate) struct MessageFilter {
    /// Oldest first.
    pub(crate) ascending: bool,
    /// Only those given to, or produced by, this chat.
    pub(crate) chat: Option<i64>,
    /// Only those that stand before this one in the order of the list.
    pub(crate) before: Option<i64>,
    /// Only those that stand behind this one in the order of the list.
    pub(crate) after: Option<i64>,
    /// At most so many.
    pub(crate) limit: i64,
    /// Also tool calls, tool responses and notes.
    pub(crate) middle: bool,
}

/// A page of messages.
#[derive(Debug, Default)]
pub(crate) struct Page {
    pub(crate) messages: Vec<Message>,
    pub(crate) more: bool,
}

/// The tables of messages and feedback. What it looks up it answers with `None` when it is not there.
pub(crate) trait Messages {
    fn insert_message(&self, message: &Message, produced: bool) -> Result<()>;
    fn message(&self, conversation: i64, id: i64) -> Result<Option<Message>>;
    fn update_message(&self, message: &Message) -> Result<()>;
    fn delete_message(&self, message: &Message) -> Result<()>;
    fn messages(&self, conversation: i64, filter: &MessageFilter) -> Result<Page>;
    /// What the model may remember: questions and answers of a section, oldest first, without
    /// those of cancelled chats and of the chat that asks.
    fn context(
        &self,
        conversation: i64,
        section: i64,
        chat: i64,
        limit: i64,
    ) -> Result<Vec<Message>>;
    /// What a chat produced, oldest first.
    fn produced(&self, chat: i64) -> Result<Vec<Message>>;
    fn set_feedback(&self, message: i64, feedback: &FeedbackBody, now: i64) -> Result<()>;
    fn delete_feedback(&self, message: i64) -> Result<bool>;
}

impl Messages for Sqlite<'_> {
    fn insert_message(&self, it: &Message, produced: bool) -> Result<()> {
        let mut insert = self.0.prepare_cached(
            "INSERT INTO message (id, conversation_id, section_id, bot_id, chat_id, \
             produced, role, type, content, content_type, meta_data, reasoning_content, \
             created_at, updated_at) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)",
        )?;
        insert.execute(params![
            number(&it.id),
            it.conversation_id.as_deref().map(number),
            it.section_id.as_deref().map(number),
            it.bot_id.as_deref(),
            it.chat_id.as_deref().map(number),
            produced,
            it.role.as_str(),
            it.kind.as_str(),
            it.content,
            it.content_type.as_str(),
            json_opt(it.meta_data.as_ref())?,
            it.reasoning_content,
            it.created_at.unwrap_or_default().0,
            it.updated_at.unwrap_or_default().0,
        ])?;
        Ok(())
    }

    fn message(&self, conversation: i64, id: i64) -> Result<Option<Message>> {
        let sql = format!("SELECT {COLUMNS} FROM message WHERE id = ?1 AND conversation_id = ?2");
        let mut select = self.0.prepare_cached(&sql)?;
        let found = select.query_row([id, conversation], read).optional()?;
        found.map(finish).transpose()
    }

    fn update_message(&self, it: &Message) -> Result<()> {
        let mut update = self.0.prepare_cached(
            "UPDATE message SET content = ?2, content_type = ?3, meta_data = ?4, updated_at = ?5 \
             WHERE id = ?1",
        )?;
        update.execute(params![
            number(&it.id),
            it.content,
            it.content_type.as_str(),
            json_opt(it.meta_data.as_ref())?,
            it.updated_at.unwrap_or_default().0,
        ])?;
        Ok(())
    }

    /// An answer takes the intermediate messages of its chat with it.
    fn delete_message(&self, it: &Message) -> Result<()> {
        self.0
            .execute("DELETE FROM message WHERE id = ?1", [number(&it.id)])?;
        if let (Some(chat), "answer") = (it.chat_id.as_deref(), it.kind.as_str()) {
            self.0.execute(
                "DELETE FROM message WHERE chat_id = ?1 AND type NOT IN ('question', 'answer', '')",
                [number(chat)],
            )?;
        }
        Ok(())
    }

    fn messages(&self, conversation: i64, filter: &MessageFilter) -> Result<Page> {
        let mut wanted = String::from("conversation_id = ?");
        let mut values = vec![conversation];
        if !filter.middle {
            wanted.push_str(" AND type IN ('question', 'answer', '')");
        }
        if let Some(chat) = filter.chat {
            wanted.push_str(" AND chat_id = ?");
            values.push(chat);
        }
        if let Some(after) = filter.after {
            wanted.push_str(if filter.ascending {
                " AND id > ?"
            } else {
                " AND id < ?"
            });
            values.push(after);
        }
        if let Some(before) = filter.before {
            wanted.push_str(if filter.ascending {
                " AND id < ?"
            } else {
                " AND id > ?"
            });
            values.push(before);
        }
        // Going back, the page is the one right before the cursor: read it from the cursor
        // outwards, then turn it round.
        let back = filter.before.is_some() && filter.after.is_none();
        let order = if filter.ascending == back {
            "DESC"
        } else {
            "ASC"
        };
        values.push(filter.limit + 1);
        let sql =
            format!("SELECT {COLUMNS} FROM message WHERE {wanted} ORDER BY id {order} LIMIT ?");
        let mut select = self.0.prepare_cached(&sql)?;
        let rows = select.query_map(params_from_iter(values), read)?;
        let mut messages = Vec::new();
        for row in rows {
            messages.push(finish(row?)?);
        }
        let limit = usize::try_from(filter.limit).unwrap_or(0);
        let more = messages.len() > limit;
        messages.truncate(limit);
        if back {
            messages.reverse();
        }
        Ok(Page { messages, more })
    }

    fn context(
        &self,
        conversation: i64,
        section: i64,
        chat: i64,
        limit: i64,
    ) -> Result<Vec<Message>> {
        let columns = COLUMNS
            .split(", ")
            .map(|it| format!("m.{it}"))
            .collect::<Vec<_>>()
            .join(", ");
        let sql = format!(
            "SELECT {columns} FROM message m LEFT JOIN chat c ON c.id = m.chat_id \
             WHERE m.conversation_id = ?1 AND m.section_id = ?2 \
             AND m.type IN ('question', 'answer', '') \
             AND (m.chat_id IS NULL OR (m.chat_id <> ?3 AND c.status <> 'canceled')) \
             ORDER BY m.id DESC LIMIT ?4"
        );
        let mut select = self.0.prepare_cached(&sql)?;
        let rows = select.query_map([conversation, section, chat, limit], read)?;
        let mut messages = Vec::new();
        for row in rows {
            messages.push(finish(row?)?);
        }
        messages.reverse();
        Ok(messages)
    }

    fn produced(&self, chat: i64) -> Result<Vec<Message>> {
        let sql =
            format!("SELECT {COLUMNS} FROM message WHERE chat_id = ?1 AND produced ORDER BY id");
        let mut select = self.0.prepare_cached(&sql)?;
        let rows = select.query_map([chat], read)?;
        rows.map(|row| finish(row?)).collect()
    }

    fn set_feedback(&self, message: i64, it: &FeedbackBody, now: i64) -> Result<()> {
        self.0.execute(
            "INSERT INTO feedback (message_id, feedback_type, reason_types, comment, created_at) \
             VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (message_id) DO UPDATE SET \
             feedback_type = ?2, reason_types = ?3, comment = ?4, created_at = ?5",
            params![
                message,
                it.feedback_type.as_str(),
                json(&it.reason_types.as_deref().unwrap_or_default())?,
                it.comment.as_deref().unwrap_or_default(),
                now,
            ],
        )?;
        Ok(())
    }

    fn delete_feedback(&self, message: i64) -> Result<bool> {
        Ok(self
            .0
            .execute("DELETE FROM feedback WHERE message_id = ?1", [message])?
            > 0)
    }
}

/// A row, with its JSON column still text.
type Raw = (Message, Option<String>);

fn read(row: &Row<'_>) -> rusqlite::Result<Raw> {
    let id = |index: usize| Ok::<Id, rusqlite::Error>(row.get::<_, i64>(index)?.into());
    let message = Message {
        id: id(0)?,
        conversation_id: Some(id(1)?),
        section_id: Some(id(2)?),
        bot_id: row.get::<_, Option<String>>(3)?.map(Into::into),
        chat_id: row.get::<_, Option<i64>>(4)?.map(Into::into),
        role: row.get::<_, String>(5)?.as_str().into(),
        kind: row.get::<_, String>(6)?.as_str().into(),
        content: row.get(7)?,
        content_type: row.get::<_, String>(8)?.as_str().into(),
        meta_data: None,
        reasoning_content: row.get(10)?,
        created_at: Some(Timestamp(row.get(11)?)),
        updated_at: Some(Timestamp(row.get(12)?)),
    };
    Ok((message, row.get(9)?))
}

fn finish((mut message, meta_data): Raw) -> Result<Message> {
    message.meta_data = parse_opt(meta_data)?;
    Ok(message)
}
