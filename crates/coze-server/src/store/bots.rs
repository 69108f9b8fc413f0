//! The tables of agents that are made through the API: drafts, versions, and channels.

use coze_types::Id;
use coze_types::workflows::PublishStatus;
use rusqlite::{OptionalExtension, Row, ToSql, params};

use super::page::as_i64;
use super::sqlite::Sqlite;
use super::{Result, json, parse};
use crate::caller::Owned;
use crate::definition::Definition;

/// An agent: its draft, and how far it is published.
#[derive(Debug, Clone, Default)]
pub(crate) struct BotRecord {
    pub(crate) id: i64,
    pub(crate) space: i64,
    pub(crate) owner: i64,
    pub(crate) folder: Option<i64>,
    pub(crate) draft: Definition,
    /// The draft is not what was last published.
    pub(crate) changed: bool,
    pub(crate) created_at: i64,
    pub(crate) updated_at: i64,
    /// The newest version, and when it was made.
    pub(crate) latest: Option<(i64, i64)>,
    /// It can be talked to in some channel.
    pub(crate) live: bool,
}

/// A state of an agent that was published.
#[derive(Debug, Clone, Default)]
pub(crate) struct BotVersionRecord {
    pub(crate) version: i64,
    pub(crate) definition: Definition,
    pub(crate) creator: i64,
    pub(crate) created_at: i64,
}

/// A channel that a version goes to.
#[derive(Debug, Clone, Default)]
pub(crate) struct Publication {
    pub(crate) connector: Id,
    /// JSON object: what the channel is told.
    pub(crate) settings: String,
    /// The channel looks at it first.
    pub(crate) review: bool,
}

/// What became of the newest version that went to a channel.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Channel {
    pub(crate) version: i64,
    pub(crate) live: bool,
    /// How far its review is; 0 when there was none.
    pub(crate) audit: i64,
    /// Why it was taken back or refused.
    pub(crate) reason: String,
}

impl Channel {
    /// It is there, or may come.
    pub(crate) fn stands(&self) -> bool {
        self.live || matches!(self.audit, 1 | 3)
    }
}

/// An agent in a list, as published to the channel that the list is about.
#[derive(Debug, Clone, Default)]
pub(crate) struct ListedBot {
    pub(crate) bot: BotRecord,
    pub(crate) published: Option<(Definition, i64)>,
}

/// Which agents of a space are wanted.
#[derive(Debug, Clone)]
pub(crate) struct BotFilter {
    pub(crate) space: i64,
    pub(crate) status: PublishStatus,
    pub(crate) connector: Id,
    /// Those published last first, instead of those made first.
    pub(crate) newest: bool,
    pub(crate) limit: usize,
    pub(crate) skip: usize,
}

/// The tables of agents. What they look up they answer with `None` when it is not there.
pub(crate) trait Bots {
    fn insert_bot(&self, bot: &BotRecord) -> Result<()>;
    fn bot(&self, id: i64) -> Result<Option<Owned<BotRecord>>>;
    /// Writes the draft.
    fn update_bot(&self, bot: &BotRecord) -> Result<()>;
    /// A page, and how many there are on all pages.
    fn bots(&self, filter: &BotFilter) -> Result<(Vec<ListedBot>, i64)>;
    /// Adds a version and makes it the one of these channels, or gives it to their review.
    fn publish_bot(
        &self,
        bot: i64,
        version: &BotVersionRecord,
        channels: &[Publication],
    ) -> Result<()>;
    /// What became of the newest version in a channel.
    fn bot_channel(&self, bot: i64, connector: &str) -> Result<Option<Channel>>;
    /// Writes down how far the review of a version is. One that is approved can be talked to from
    /// then on.
    fn review_bot(
        &self,
        bot: i64,
        connector: &str,
        version: i64,
        audit: i64,
        reason: &str,
    ) -> Result<()>;
    /// Takes an agent out of a channel; says whether it was there or under review.
    fn unpublish_bot(&self, bot: i64, connector: &str, reason: &str) -> Result<bool>;
    /// The version that can be talked to in a channel.
    fn live_version(&self, bot: i64, connector: &str) -> Result<Option<i64>>;
    fn bot_version(&self, bot: i64, version: i64) -> Result<Option<BotVersionRecord>>;
    /// A page of the versions, newest first, and how many there are on all pages.
    fn bot_versions(
        &self,
        bot: i64,
        connector: Option<&str>,
        limit: usize,
        skip: usize,
    ) -> Result<(Vec<BotVersionRecord>, i64)>;
}

const COLUMNS: &str = "bot.id, bot.space_id, bot.owner_id, bot.folder_id, bot.draft, bot.changed, \
     bot.created_at, bot.updated_at, \
     (SELECT max(version) FROM bot_version WHERE bot_id = bot.id), \
     (SELECT max(created_at) FROM bot_version WHERE bot_id = bot.id), \
     EXISTS (SELECT 1 FROM bot_channel WHERE bot_id = bot.id AND live)";

impl Bots for Sqlite<'_> {
    fn insert_bot(&self, it: &BotRecord) -> Result<()> {
        let mut insert = self.0.prepare_cached(
            "INSERT INTO bot (id, space_id, owner_id, folder_id, draft, changed, created_at, \
             updated_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )?;
        insert.execute(params![
            it.id,
            it.space,
            it.owner,
            it.folder,
            json(&it.draft)?,
            it.changed,
            it.created_at,
            it.updated_at,
        ])?;
        Ok(())
    }

    fn bot(&self, id: i64) -> Result<Option<Owned<BotRecord>>> {
        let sql = format!("SELECT {COLUMNS} FROM bot WHERE id = ?1");
        let mut select = self.0.prepare_cached(&sql)?;
        let found = select.query_row([id], read).optional()?;
        let Some(raw) = found else { return Ok(None) };
        let it = finish(raw)?;
        Ok(Some(Owned {
            space: it.space,
            it,
        }))
    }

    fn update_bot(&self, it: &BotRecord) -> Result<()> {
        let mut update = self.0.prepare_cached(
            "UPDATE bot SET draft = ?2, changed = ?3, folder_id = ?4, updated_at = ?5 WHERE id = ?1",
        )?;
        update.execute(params![
            it.id,
            json(&it.draft)?,
            it.changed,
            it.folder,
            it.updated_at,
        ])?;
        Ok(())
    }

    fn bots(&self, filter: &BotFilter) -> Result<(Vec<ListedBot>, i64)> {
        let wanted = match filter.status {
            PublishStatus::PublishedOnline => "here.live",
            PublishStatus::PublishedDraft => "here.live AND bot.changed",
            PublishStatus::UnpublishedDraft => {
                "NOT EXISTS (SELECT 1 FROM bot_version WHERE bot_id = bot.id)"
            }
            _ => "TRUE",
        };
        let from = format!(
            "FROM bot LEFT JOIN bot_channel here ON here.bot_id = bot.id \
             AND here.connector_id = ?2 AND here.live \
             LEFT JOIN bot_version shown ON shown.bot_id = bot.id \
             AND shown.version = here.version WHERE bot.space_id = ?1 AND {wanted}"
        );
        let order = match filter.newest {
            true => "here.published_at DESC, bot.id DESC",
            false => "bot.id",
        };
        let (space, connector) = (filter.space, filter.connector.as_str());
        let total = self.0.query_row(
            &format!("SELECT count(*) {from}"),
            params![space, connector],
            |row| row.get(0),
        )?;
        let mut select = self.0.prepare_cached(&format!(
            "SELECT {COLUMNS}, shown.definition, here.published_at {from} \
             ORDER BY {order} LIMIT ?3 OFFSET ?4"
        ))?;
        let page = params![space, connector, as_i64(filter.limit), as_i64(filter.skip)];
        let rows = select.query_map(page, |row| {
            let definition: Option<String> = row.get(11)?;
            Ok((read(row)?, definition, row.get::<_, Option<i64>>(12)?))
        })?;
        let mut found = Vec::new();
        for row in rows {
            let (bot, definition, at) = row?;
            let published = match definition.zip(at) {
                Some((definition, at)) => Some((parse(&definition)?, at)),
                None => None,
            };
            let bot = finish(bot)?;
            found.push(ListedBot { bot, published });
        }
        Ok((found, total))
    }

    fn publish_bot(&self, bot: i64, it: &BotVersionRecord, channels: &[Publication]) -> Result<()> {
        let mut insert = self.0.prepare_cached(
            "INSERT INTO bot_version (bot_id, version, definition, creator_id, created_at) \
             VALUES (?1, ?2, ?3, ?4, ?5)",
        )?;
        insert.execute(params![
            bot,
            it.version,
            json(&it.definition)?,
            it.creator,
            it.created_at,
        ])?;
        let mut retire = self.0.prepare_cached(
            "UPDATE bot_channel SET live = 0 WHERE bot_id = ?1 AND connector_id = ?2 AND live",
        )?;
        let mut insert = self.0.prepare_cached(
            "INSERT INTO bot_channel (bot_id, connector_id, version, live, settings, published_at, \
             audit) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?;
        for channel in channels {
            let connector = channel.connector.as_str();
            // What is there stays until the new one is approved.
            if !channel.review {
                retire.execute(params![bot, connector])?;
            }
            insert.execute(params![
                bot,
                connector,
                it.version,
                !channel.review,
                channel.settings,
                it.created_at,
                i64::from(channel.review),
            ])?;
        }
        self.0
            .execute("UPDATE bot SET changed = 0 WHERE id = ?1", [bot])?;
        Ok(())
    }

    fn bot_channel(&self, bot: i64, connector: &str) -> Result<Option<Channel>> {
        let mut select = self.0.prepare_cached(
            "SELECT version, live, audit, reason FROM bot_channel \
             WHERE bot_id = ?1 AND connector_id = ?2 ORDER BY version DESC LIMIT 1",
        )?;
        let found = select.query_row(params![bot, connector], |row| {
            Ok(Channel {
                version: row.get(0)?,
                live: row.get(1)?,
                audit: row.get(2)?,
                reason: row.get(3)?,
            })
        });
        Ok(found.optional()?)
    }

    fn review_bot(
        &self,
        bot: i64,
        connector: &str,
        version: i64,
        audit: i64,
        reason: &str,
    ) -> Result<()> {
        let approved = audit == 2;
        if approved {
            self.0.execute(
                "UPDATE bot_channel SET live = 0 \
                 WHERE bot_id = ?1 AND connector_id = ?2 AND live AND version <> ?3",
                params![bot, connector, version],
            )?;
        }
        self.0.execute(
            "UPDATE bot_channel SET live = ?4, audit = ?5, reason = ?6 \
             WHERE bot_id = ?1 AND connector_id = ?2 AND version = ?3",
            params![bot, connector, version, approved, audit, reason],
        )?;
        Ok(())
    }

    fn unpublish_bot(&self, bot: i64, connector: &str, reason: &str) -> Result<bool> {
        let changed = self.0.execute(
            "UPDATE bot_channel SET live = 0, audit = 0, reason = ?3 \
             WHERE bot_id = ?1 AND connector_id = ?2 AND (live OR audit = 1)",
            params![bot, connector, reason],
        )?;
        Ok(changed > 0)
    }

    fn live_version(&self, bot: i64, connector: &str) -> Result<Option<i64>> {
        let mut select = self.0.prepare_cached(
            "SELECT version FROM bot_channel WHERE bot_id = ?1 AND connector_id = ?2 AND live",
        )?;
        let found = select.query_row(params![bot, connector], |row| row.get(0));
        Ok(found.optional()?)
    }

    fn bot_version(&self, bot: i64, version: i64) -> Result<Option<BotVersionRecord>> {
        let mut select = self.0.prepare_cached(
            "SELECT version, definition, creator_id, created_at FROM bot_version \
             WHERE bot_id = ?1 AND version = ?2",
        )?;
        let found = select.query_row([bot, version], read_version).optional()?;
        found.map(finish_version).transpose()
    }

    fn bot_versions(
        &self,
        bot: i64,
        connector: Option<&str>,
        limit: usize,
        skip: usize,
    ) -> Result<(Vec<BotVersionRecord>, i64)> {
        let from = "FROM bot_version WHERE bot_id = ?1 AND (?2 IS NULL OR EXISTS (\
                    SELECT 1 FROM bot_channel WHERE bot_channel.bot_id = bot_version.bot_id \
                    AND bot_channel.version = bot_version.version AND connector_id = ?2 \
                    AND audit NOT IN (1, 3)))";
        let values: [&dyn ToSql; 2] = [&bot, &connector];
        let total = self.0.query_row(
            &format!("SELECT count(*) {from}"),
            values.as_slice(),
            |row| row.get(0),
        )?;
        let mut select = self.0.prepare_cached(&format!(
            "SELECT version, definition, creator_id, created_at {from} \
             ORDER BY version DESC LIMIT ?3 OFFSET ?4"
        ))?;
        let page = params![bot, connector, as_i64(limit), as_i64(skip)];
        let rows = select.query_map(page, read_version)?;
        let found: Result<_> = rows.map(|row| finish_version(row?)).collect();
        Ok((found?, total))
    }
}

/// A row, with its draft still text.
type Raw = (BotRecord, String);

fn read(row: &Row<'_>) -> rusqlite::Result<Raw> {
    let latest: Option<i64> = row.get(8)?;
    let bot = BotRecord {
        id: row.get(0)?,
        space: row.get(1)?,
        owner: row.get(2)?,
        folder: row.get(3)?,
        draft: Definition::default(),
        changed: row.get(5)?,
        created_at: row.get(6)?,
        updated_at: row.get(7)?,
        latest: latest.zip(row.get(9)?),
        live: row.get(10)?,
    };
    Ok((bot, row.get(4)?))
}

fn finish((mut bot, draft): Raw) -> Result<BotRecord> {
    bot.draft = parse(&draft)?;
    Ok(bot)
}

type RawVersion = (BotVersionRecord, String);

fn read_version(row: &Row<'_>) -> rusqlite::Result<RawVersion> {
    let version = BotVersionRecord {
        version: row.get(0)?,
        definition: Definition::default(),
        creator: row.get(2)?,
        created_at: row.get(3)?,
    };
    Ok((version, row.get(1)?))
}

fn finish_version((mut version, definition): RawVersion) -> Result<BotVersionRecord> {
    version.definition = parse(&definition)?;
    Ok(version)
}
