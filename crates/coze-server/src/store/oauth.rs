//! The table of logins that are under way, and of JWTs that were used.

use rusqlite::{OptionalExtension, Row, params};
use serde::{Deserialize, Serialize};

use super::sqlite::Sqlite;
use super::{Result, json, parse};
use crate::crypt::Hash;

/// What a login waits for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum LoginStage {
    /// A user decides, in the browser.
    #[default]
    Asked,
    /// The app exchanges its code.
    Code,
    /// A user types the code of a device.
    Device,
    /// A user has allowed the device.
    Allowed,
    /// A user has not.
    Denied,
}

/// A login under way.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct LoginRecord {
    pub(crate) id: i64,
    /// Of the key, the code or the device code that it is known by.
    pub(crate) hash: Hash,
    /// Of what the user types.
    pub(crate) user_code: Option<Hash>,
    pub(crate) stage: LoginStage,
    pub(crate) client_id: String,
    /// Who decided; 0 for nobody yet.
    pub(crate) user: i64,
    pub(crate) asked: Asked,
    pub(crate) expires_at: i64,
    pub(crate) polled_at: i64,
}

/// What the app asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Asked {
    pub(crate) redirect_uri: String,
    pub(crate) state: String,
    /// PKCE: what the verifier is compared with, and whether as it is.
    pub(crate) challenge: Option<String>,
    pub(crate) plain: bool,
    /// The only workspace.
    pub(crate) space: Option<i64>,
}

/// The tables of logins. What it looks up it answers with `None` when it is not there.
pub(crate) trait Logins {
    fn insert_login(&self, login: &LoginRecord) -> Result<()>;
    fn login(&self, hash: &Hash) -> Result<Option<LoginRecord>>;
    fn login_by_user_code(&self, hash: &Hash) -> Result<Option<LoginRecord>>;
    fn decide_login(&self, id: i64, stage: LoginStage, user: i64) -> Result<()>;
    fn note_poll(&self, id: i64, now: i64) -> Result<()>;
    fn delete_login(&self, id: i64) -> Result<()>;
    /// Notes that a JWT was used. False when it was before.
    fn use_jwt(&self, client_id: &str, jti: &Hash, expires_at: i64) -> Result<bool>;
    /// Removes what ended before these moments: of logins, and of JWTs.
    fn drop_logins(&self, logins: i64, jwts: i64) -> Result<()>;
}

impl LoginStage {
    fn name(self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::Code => "code",
            Self::Device => "device",
            Self::Allowed => "allowed",
            Self::Denied => "denied",
        }
    }
}

const SELECT: &str = "SELECT id, hash, user_code, stage, client_id, user_id, asked, expires_at, \
                      polled_at FROM oauth_login";

impl Logins for Sqlite<'_> {
    fn insert_login(&self, it: &LoginRecord) -> Result<()> {
        self.0.execute(
            "INSERT INTO oauth_login (id, hash, user_code, stage, client_id, user_id, asked, \
             expires_at, polled_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
            params![
                it.id,
                it.hash,
                it.user_code,
                it.stage.name(),
                it.client_id,
                it.user,
                json(&it.asked)?,
                it.expires_at,
                it.polled_at,
            ],
        )?;
        Ok(())
    }

    fn login(&self, hash: &Hash) -> Result<Option<LoginRecord>> {
        let sql = format!("{SELECT} WHERE hash = ?1");
        let found = self.0.query_row(&sql, [hash], read).optional()?;
        found.map(finish).transpose()
    }

    fn login_by_user_code(&self, hash: &Hash) -> Result<Option<LoginRecord>> {
        let sql = format!("{SELECT} WHERE user_code = ?1");
        let found = self.0.query_row(&sql, [hash], read).optional()?;
        found.map(finish).transpose()
    }

    fn decide_login(&self, id: i64, stage: LoginStage, user: i64) -> Result<()> {
        let sql = "UPDATE oauth_login SET stage = ?2, user_id = ?3 WHERE id = ?1";
        self.0.execute(sql, params![id, stage.name(), user])?;
        Ok(())
    }

    fn note_poll(&self, id: i64, now: i64) -> Result<()> {
        let sql = "UPDATE oauth_login SET polled_at = ?2 WHERE id = ?1";
        self.0.execute(sql, params![id, now])?;
        Ok(())
    }

    fn delete_login(&self, id: i64) -> Result<()> {
        self.0
            .execute("DELETE FROM oauth_login WHERE id = ?1", [id])?;
        Ok(())
    }

    fn use_jwt(&self, client_id: &str, jti: &Hash, expires_at: i64) -> Result<bool> {
        let sql = "INSERT INTO oauth_jwt (client_id, jti, expires_at) VALUES (?1, ?2, ?3) \
                   ON CONFLICT DO NOTHING";
        Ok(self.0.execute(sql, params![client_id, jti, expires_at])? > 0)
    }

    fn drop_logins(&self, logins: i64, jwts: i64) -> Result<()> {
        self.0
            .execute("DELETE FROM oauth_login WHERE expires_at < ?1", [logins])?;
        self.0
            .execute("DELETE FROM oauth_jwt WHERE expires_at < ?1", [jwts])?;
        Ok(())
    }
}

/// A row, with its JSON column still text.
type Raw = (LoginRecord, String);

fn read(row: &Row<'_>) -> rusqlite::Result<Raw> {
    let stage: String = row.get(3)?;
    let login = LoginRecord {
        id: row.get(0)?,
        hash: row.get(1)?,
        user_code: row.get(2)?,
        stage: match stage.as_str() {
            "code" => LoginStage::Code,
            "device" => LoginStage::Device,
            "allowed" => LoginStage::Allowed,
            "denied" => LoginStage::Denied,
            _ => LoginStage::Asked,
        },
        client_id: row.get(4)?,
        user: row.get(5)?,
        asked: Asked::default(),
        expires_at: row.get(7)?,
        polled_at: row.get(8)?,
    };
    Ok((login, row.get(6)?))
}

fn finish((mut login, asked): Raw) -> Result<LoginRecord> {
    login.asked = parse(&asked)?;
    Ok(login)
}
