//! The table of tokens, which are known by their hash.

use rusqlite::{OptionalExtension, Row, params};

use super::sqlite::Sqlite;
use super::{Result, json, parse};
use crate::auth::Grant;
use crate::crypt::Hash;

const COLUMNS: &str = "id, hash, kind, name, user_id, client_id, limits, created_at, updated_at, \
                       expires_at, last_used_at, revoked";

/// What a token is for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum TokenKind {
    #[default]
    Personal,
    /// Of an app, for calls.
    Access,
    /// Of an app, for more tokens.
    Refresh,
}

/// A token, without its text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct TokenRecord {
    pub(crate) id: i64,
    pub(crate) hash: Hash,
    pub(crate) kind: TokenKind,
    pub(crate) name: String,
    /// The app that has it; empty for personal ones.
    pub(crate) client_id: String,
    pub(crate) grant: Grant,
    pub(crate) created_at: i64,
    pub(crate) updated_at: i64,
    pub(crate) last_used_at: Option<i64>,
    pub(crate) revoked: bool,
}

/// The table of tokens. What it looks up it answers with `None` when it is not there.
pub(crate) trait Tokens {
    fn insert_token(&self, token: &TokenRecord) -> Result<()>;
    fn token(&self, hash: &Hash) -> Result<Option<TokenRecord>>;
    fn token_by_id(&self, id: i64) -> Result<Option<TokenRecord>>;
    /// The personal tokens of a user that were not withdrawn, newest first: a page, and whether
    /// another one follows.
    fn personal_tokens(
        &self,
        user: i64,
        page: usize,
        size: usize,
    ) -> Result<(Vec<TokenRecord>, bool)>;
    fn rename_token(&self, id: i64, name: &str, now: i64) -> Result<()>;
    /// From now on it is refused. It stays, so that it is not taken for an unknown one.
    fn revoke_token(&self, id: i64, now: i64) -> Result<()>;
    fn note_use(&self, id: i64, now: i64) -> Result<()>;
    /// Removes those of apps that ended before that moment.
    fn drop_tokens(&self, ended_before: i64) -> Result<()>;
}

impl TokenKind {
    fn name(self) -> &'static str {
        match self {
            Self::Personal => "personal",
            Self::Access => "access",
            Self::Refresh => "refresh",
        }
    }
}

impl Tokens for Sqlite<'_> {
    fn insert_token(&self, it: &TokenRecord) -> Result<()> {
        let mut insert = self.0.prepare_cached(
            "INSERT INTO token (id, hash, kind, name, user_id, client_id, limits, created_at, \
             updated_at, expires_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?8, ?9)",
        )?;
        insert.execute(params![
            it.id,
            it.hash,
            it.kind.name(),
            it.name,
            it.grant.user,
            it.client_id,
            json(&it.grant.limits)?,
            it.created_at,
            it.grant.expires,
        ])?;
        Ok(())
    }

    fn token(&self, hash: &Hash) -> Result<Option<TokenRecord>> {
        let sql = format!("SELECT {COLUMNS} FROM token WHERE hash = ?1");
        let mut select = self.0.prepare_cached(&sql)?;
        let found = select.query_row([hash], read).optional()?;
        found.map(finish).transpose()
    }

    fn token_by_id(&self, id: i64) -> Result<Option<TokenRecord>> {
        let sql = format!("SELECT {COLUMNS} FROM token WHERE id = ?1");
        let mut select = self.0.prepare_cached(&sql)?;
        let found = select.query_row([id], read).optional()?;
        found.map(finish).transpose()
    }

    fn personal_tokens(
        &self,
        user: i64,
        page: usize,
        size: usize,
    ) -> Result<(Vec<TokenRecord>, bool)> {
        let sql = format!(
            "SELECT {COLUMNS} FROM token WHERE user_id = ?1 AND kind = 'personal' AND revoked = 0 \
             ORDER BY id DESC LIMIT ?2 OFFSET ?3"
        );
        let mut select = self.0.prepare_cached(&sql)?;
        let limit = i64::try_from(size + 1).unwrap_or(i64::MAX);
        let offset = i64::try_from(page.saturating_mul(size)).unwrap_or(i64::MAX);
        let rows = select.query_map(params![user, limit, offset], read)?;
        let mut found = Vec::new();
        for row in rows {
            found.push(finish(row?)?);
        }
        let more = found.len() > size;
        found.truncate(size);
        Ok((found, more))
    }

    fn rename_token(&self, id: i64, name: &str, now: i64) -> Result<()> {
        let sql = "UPDATE token SET name = ?2, updated_at = ?3 WHERE id = ?1";
        self.0.execute(sql, params![id, name, now])?;
        Ok(())
    }

    fn revoke_token(&self, id: i64, now: i64) -> Result<()> {
        let sql = "UPDATE token SET revoked = 1, updated_at = ?2 WHERE id = ?1";
        self.0.execute(sql, params![id, now])?;
        Ok(())
    }

    fn note_use(&self, id: i64, now: i64) -> Result<()> {
        let sql = "UPDATE token SET last_used_at = ?2 WHERE id = ?1";
        self.0.execute(sql, params![id, now])?;
        Ok(())
    }

    fn drop_tokens(&self, ended_before: i64) -> Result<()> {
        let sql = "DELETE FROM token WHERE expires_at < ?1 AND kind <> 'personal'";
        self.0.execute(sql, [ended_before])?;
        Ok(())
    }
}

/// A row, with its JSON column still text.
type Raw = (TokenRecord, String);

fn read(row: &Row<'_>) -> rusqlite::Result<Raw> {
    let kind: String = row.get(2)?;
    let kind = match kind.as_str() {
        "access" => TokenKind::Access,
        "refresh" => TokenKind::Refresh,
        _ => TokenKind::Personal,
    };
    let record = TokenRecord {
        id: row.get(0)?,
        hash: row.get(1)?,
        kind,
        name: row.get(3)?,
        client_id: row.get(5)?,
        grant: Grant {
            user: row.get(4)?,
            expires: row.get(9)?,
            delegated: kind != TokenKind::Personal,
            ..Grant::default()
        },
        created_at: row.get(7)?,
        updated_at: row.get(8)?,
        last_used_at: row.get(10)?,
        revoked: row.get(11)?,
    };
    Ok((record, row.get(6)?))
}

fn finish((mut record, limits): Raw) -> Result<TokenRecord> {
    record.grant.limits = parse(&limits)?;
    Ok(record)
}
