//! The table of conversations.

use coze_types::Timestamp;
use coze_types::conversations::{Conversation, ListConversationsQuery, SortOrder};
use rusqlite::{OptionalExtension, Row, params};

use super::sqlite::Sqlite;
use super::{Result, json_opt, number, parse_opt};
use crate::caller::Owned;

const COLUMNS: &str = "id, name, bot_id, connector_id, user_id, creator_id, meta_data, section_id, \
                       created_at, updated_at";

/// The place of a conversation that an app keeps under a name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct NamedConversation {
    pub(crate) app: i64,
    /// That of the app's draft.
    pub(crate) draft: bool,
    pub(crate) connector: String,
    pub(crate) user: i64,
    pub(crate) session: String,
    pub(crate) name: String,
}

/// The table of conversations. What it looks up it answers with `None` when it is not there.
pub(crate) trait Conversations {
    fn insert_conversation(
        &self,
        conversation: &Conversation,
        bot: Option<&str>,
        space: i64,
        session: &str,
    ) -> Result<()>;
    /// One of another session is not there.
    fn conversation(&self, id: i64, session: &str) -> Result<Option<Owned<Conversation>>>;
    fn update_conversation(&self, conversation: &Conversation) -> Result<()>;
    fn delete_conversation(&self, id: i64) -> Result<bool>;
    fn named_conversation(&self, place: &NamedConversation) -> Result<Option<i64>>;
    /// Lets a name stand for a conversation, and no longer for the one before.
    fn name_conversation(&self, place: &NamedConversation, conversation: i64) -> Result<()>;
    /// A page, and whether another follows.
    fn conversations(
        &self,
        query: &ListConversationsQuery,
        session: &str,
    ) -> Result<(Vec<Conversation>, bool)>;
}

impl Conversations for Sqlite<'_> {
    fn insert_conversation(
        &self,
        it: &Conversation,
        bot: Option<&str>,
        space: i64,
        session: &str,
    ) -> Result<()> {
        let mut insert = self.0.prepare_cached(
            "INSERT INTO conversation (id, name, bot_id, connector_id, user_id, creator_id, \
             meta_data, section_id, created_at, updated_at, space_id, session) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?9, ?10, ?11)",
        )?;
        insert.execute(params![
            number(&it.id),
            it.name,
            bot,
            it.connector_id.as_deref().unwrap_or("1024"),
            it.user_id,
            it.creator_id.as_deref().unwrap_or_default(),
            json_opt(it.meta_data.as_ref())?,
            it.last_section_id.as_deref().map(number),
            it.created_at.0,
            space,
            session,
        ])?;
        Ok(())
    }

    fn conversation(&self, id: i64, session: &str) -> Result<Option<Owned<Conversation>>> {
        let sql =
            format!("SELECT {COLUMNS}, space_id FROM conversation WHERE id = ?1 AND session = ?2");
        let mut select = self.0.prepare_cached(&sql)?;
        let found = select
            .query_row(params![id, session], |row| Ok((read(row)?, row.get(10)?)))
            .optional()?;
        let Some((row, space)) = found else {
            return Ok(None);
        };
        let it = finish(row)?;
        Ok(Some(Owned { space, it }))
    }

    fn update_conversation(&self, it: &Conversation) -> Result<()> {
        let mut update = self.0.prepare_cached(
            "UPDATE conversation SET name = ?2, meta_data = ?3, section_id = ?4, updated_at = ?5 \
             WHERE id = ?1",
        )?;
        update.execute(params![
            number(&it.id),
            it.name,
            json_opt(it.meta_data.as_ref())?,
            it.last_section_id.as_deref().map(number),
            it.updated_at.unwrap_or_default().0,
        ])?;
        Ok(())
    }

    fn delete_conversation(&self, id: i64) -> Result<bool> {
        Ok(self
            .0
            .execute("DELETE FROM conversation WHERE id = ?1", [id])?
            > 0)
    }

    fn named_conversation(&self, it: &NamedConversation) -> Result<Option<i64>> {
        let found = self.0.query_row(
            "SELECT conversation_id FROM named_conversation WHERE app_id = ?1 AND draft = ?2 \
             AND connector_id = ?3 AND user_id = ?4 AND session = ?5 AND name = ?6",
            params![it.app, it.draft, it.connector, it.user, it.session, it.name],
            |row| row.get(0),
        );
        Ok(found.optional()?)
    }

    fn name_conversation(&self, it: &NamedConversation, conversation: i64) -> Result<()> {
        self.0.execute(
            "INSERT INTO named_conversation (app_id, draft, connector_id, user_id, session, name, \
             conversation_id) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) \
             ON CONFLICT DO UPDATE SET conversation_id = excluded.conversation_id",
            params![
                it.app,
                it.draft,
                it.connector,
                it.user,
                it.session,
                it.name,
                conversation,
            ],
        )?;
        Ok(())
    }

    fn conversations(
        &self,
        query: &ListConversationsQuery,
        session: &str,
    ) -> Result<(Vec<Conversation>, bool)> {
        let size = query.page_size.unwrap_or(50).clamp(1, 50);
        let page = query.page_num.unwrap_or(1).max(1);
        let order = match query.sort_order {
            Some(SortOrder::Asc) => "ASC",
            _ => "DESC",
        };
        let sql = format!(
            "SELECT {COLUMNS} FROM conversation WHERE bot_id = ?1 AND connector_id = ?2 \
             AND session = ?5 ORDER BY id {order} LIMIT ?3 OFFSET ?4"
        );
        let connector = query.connector_id.as_deref().filter(|id| !id.is_empty());
        let mut select = self.0.prepare_cached(&sql)?;
        let rows = select.query_map(
            params![
                query.bot_id.as_str(),
                connector.unwrap_or("1024"),
                size + 1,
                (page - 1).saturating_mul(size),
                session
            ],
            read,
        )?;
        let mut found = Vec::new();
        for row in rows {
            found.push(finish(row?)?);
        }
        let limit = usize::try_from(size).unwrap_or(0);
        let more = found.len() > limit;
        found.truncate(limit);
        Ok((found, more))
    }
}

/// A row, with its JSON column still text.
type Raw = (Conversation, Option<String>);

fn read(row: &Row<'_>) -> rusqlite::Result<Raw> {
    let conversation = Conversation {
        id: row.get::<_, i64>(0)?.into(),
        name: row.get(1)?,
        connector_id: Some(row.get::<_, String>(3)?.into()),
        user_id: row.get(4)?,
        creator_id: Some(row.get::<_, String>(5)?.into()),
        last_section_id: Some(row.get::<_, i64>(7)?.into()),
        created_at: Timestamp(row.get(8)?),
        updated_at: Some(Timestamp(row.get(9)?)),
        ..Conversation::default()
    };
    Ok((conversation, row.get(6)?))
}

fn finish((mut conversation, meta_data): Raw) -> Result<Conversation> {
    conversation.meta_data = Some(parse_opt(meta_data)?.unwrap_or_default());
    Ok(conversation)
}
