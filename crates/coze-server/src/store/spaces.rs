//! The tables of spaces and of their members.

use std::collections::BTreeSet;

use rusqlite::{OptionalExtension, Row, params};

use super::page::Listing;
use super::sqlite::Sqlite;
use super::{Result, UserRecord, json};

const COLUMNS: &str = "space.id, space.name, space.description, space.icon_url, space.kind, \
                       space.owner_id, space.enterprise_id, space.organization_id";

/// A space.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct SpaceRecord {
    pub(crate) id: i64,
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) icon_url: String,
    /// `personal` or `team`.
    pub(crate) kind: String,
    pub(crate) owner: i64,
    /// Empty for one that belongs to no enterprise.
    pub(crate) enterprise: String,
    /// 0 for one that belongs to no organization.
    pub(crate) organization: i64,
}

/// Which spaces of a user to list.
#[derive(Debug, Clone, Default)]
pub(crate) struct SpaceFilter {
    pub(crate) user: i64,
    /// Only those of this enterprise.
    pub(crate) enterprise: Option<String>,
    /// Only those of this organization.
    pub(crate) organization: Option<i64>,
    /// Only these.
    pub(crate) among: Option<BTreeSet<i64>>,
}

/// The tables of spaces and members. What they look up they answer with `None` when it is not
/// there.
pub(crate) trait Spaces {
    /// Makes the space, or changes everything about it but its members.
    fn put_space(&self, space: &SpaceRecord, now: i64) -> Result<()>;
    fn space(&self, id: i64) -> Result<Option<SpaceRecord>>;
    /// A page with the user's role in each, oldest first, and how many there are in all.
    fn spaces(
        &self,
        filter: &SpaceFilter,
        page: usize,
        size: usize,
    ) -> Result<(Vec<(SpaceRecord, String)>, i64)>;
    /// The users of that role, oldest member first.
    fn space_people(&self, space: i64, role: &str) -> Result<Vec<i64>>;
    fn space_role(&self, space: i64, user: i64) -> Result<Option<String>>;
    /// A page of members with their roles in the order of their joining, and how many there are.
    fn space_members(
        &self,
        space: i64,
        page: usize,
        size: usize,
    ) -> Result<(Vec<(UserRecord, String)>, i64)>;
    /// Makes the user a member, or gives them another role.
    fn put_space_member(&self, space: i64, user: i64, role: &str, now: i64) -> Result<()>;
    fn remove_space_member(&self, space: i64, user: i64) -> Result<bool>;
    /// The spaces of an enterprise, or of one of its organizations, that a user owns.
    fn owned_spaces(
        &self,
        enterprise: &str,
        organization: Option<i64>,
        owner: i64,
    ) -> Result<Vec<i64>>;
    /// The spaces of an organization.
    fn organization_spaces(&self, organization: i64) -> Result<BTreeSet<i64>>;
    /// Takes the user out of all spaces of an enterprise, or of one of its organizations.
    fn leave_spaces(&self, enterprise: &str, organization: Option<i64>, user: i64) -> Result<()>;
    /// What the configuration named before and does not name any more ends.
    fn forget_file_members(&self) -> Result<()>;
    /// Notes that the configuration names the member.
    fn mark_file_member(&self, space: i64, user: i64) -> Result<()>;
}

impl Spaces for Sqlite<'_> {
    fn put_space(&self, it: &SpaceRecord, now: i64) -> Result<()> {
        self.0.execute(
            "INSERT INTO space (id, name, description, icon_url, kind, owner_id, enterprise_id, \
             organization_id, created_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) \
             ON CONFLICT (id) DO UPDATE SET name = excluded.name, \
             description = excluded.description, icon_url = excluded.icon_url, \
             kind = excluded.kind, owner_id = excluded.owner_id, \
             enterprise_id = excluded.enterprise_id, organization_id = excluded.organization_id",
            params![
                it.id,
                it.name,
                it.description,
                it.icon_url,
                it.kind,
                it.owner,
                it.enterprise,
                it.organization,
                now,
            ],
        )?;
        Ok(())
    }

    fn space(&self, id: i64) -> Result<Option<SpaceRecord>> {
        let sql = format!("SELECT {COLUMNS} FROM space WHERE id = ?1");
        let mut select = self.0.prepare_cached(&sql)?;
        Ok(select.query_row([id], read).optional()?)
    }

    fn spaces(
        &self,
        filter: &SpaceFilter,
        page: usize,
        size: usize,
    ) -> Result<(Vec<(SpaceRecord, String)>, i64)> {
        let among = filter.among.as_ref().map(json).transpose()?;
        let listing = Listing {
            columns: &format!("{COLUMNS}, role"),
            from: "space_member JOIN space ON space.id = space_id WHERE user_id = ?1 \
                   AND (?2 IS NULL OR enterprise_id = ?2) AND (?3 IS NULL OR organization_id = ?3) \
                   AND (?4 IS NULL OR space.id IN (SELECT value FROM json_each(?4)))",
            order: "space.id",
            values: &[
                &filter.user,
                &filter.enterprise,
                &filter.organization,
                &among,
            ],
        };
        listing.page(self.0, page, size, |row| Ok((read(row)?, row.get(8)?)))
    }

    fn space_people(&self, space: i64, role: &str) -> Result<Vec<i64>> {
        let mut select = self.0.prepare_cached(
            "SELECT user_id FROM space_member WHERE space_id = ?1 AND role = ?2 \
             ORDER BY joined_at, user_id",
        )?;
        let rows = select.query_map(params![space, role], |row| row.get(0))?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    fn space_role(&self, space: i64, user: i64) -> Result<Option<String>> {
        let sql = "SELECT role FROM space_member WHERE space_id = ?1 AND user_id = ?2";
        let mut select = self.0.prepare_cached(sql)?;
        let found = select.query_row([space, user], |row| row.get(0));
        Ok(found.optional()?)
    }

    fn space_members(
        &self,
        space: i64,
        page: usize,
        size: usize,
    ) -> Result<(Vec<(UserRecord, String)>, i64)> {
        let listing = Listing {
            columns: "id, user_name, nick_name, avatar_url, role",
            from: "space_member JOIN user ON user.id = user_id WHERE space_id = ?1",
            order: "joined_at, id",
            values: &[&space],
        };
        listing.page(self.0, page, size, |row| {
            Ok((super::users::read(row)?, row.get(4)?))
        })
    }

    fn put_space_member(&self, space: i64, user: i64, role: &str, now: i64) -> Result<()> {
        self.0.execute(
            "INSERT INTO space_member (space_id, user_id, role, joined_at) \
             VALUES (?1, ?2, ?3, ?4) ON CONFLICT (space_id, user_id) DO UPDATE SET \
             role = excluded.role",
            params![space, user, role, now],
        )?;
        Ok(())
    }

    fn remove_space_member(&self, space: i64, user: i64) -> Result<bool> {
        let sql = "DELETE FROM space_member WHERE space_id = ?1 AND user_id = ?2";
        Ok(self.0.execute(sql, [space, user])? > 0)
    }

    fn owned_spaces(
        &self,
        enterprise: &str,
        organization: Option<i64>,
        owner: i64,
    ) -> Result<Vec<i64>> {
        let mut select = self.0.prepare_cached(
            "SELECT id FROM space WHERE enterprise_id = ?1 \
             AND (?2 IS NULL OR organization_id = ?2) AND owner_id = ?3 ORDER BY id",
        )?;
        let rows = select.query_map(params![enterprise, organization, owner], |row| row.get(0))?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    fn organization_spaces(&self, organization: i64) -> Result<BTreeSet<i64>> {
        let sql = "SELECT id FROM space WHERE organization_id = ?1";
        let mut select = self.0.prepare_cached(sql)?;
        let rows = select.query_map([organization], |row| row.get(0))?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    fn leave_spaces(&self, enterprise: &str, organization: Option<i64>, user: i64) -> Result<()> {
        self.0.execute(
            "DELETE FROM space_member WHERE user_id = ?3 AND space_id IN (SELECT id FROM space \
             WHERE enterprise_id = ?1 AND (?2 IS NULL OR organization_id = ?2))",
            params![enterprise, organization, user],
        )?;
        Ok(())
    }

    fn forget_file_members(&self) -> Result<()> {
        self.0
            .execute("DELETE FROM space_member WHERE from_file = 1", [])?;
        self.0
            .execute("DELETE FROM enterprise_member WHERE from_file = 1", [])?;
        Ok(())
    }

    fn mark_file_member(&self, space: i64, user: i64) -> Result<()> {
        let sql = "UPDATE space_member SET from_file = 1 WHERE space_id = ?1 AND user_id = ?2";
        self.0.execute(sql, [space, user])?;
        Ok(())
    }
}

fn read(row: &Row<'_>) -> rusqlite::Result<SpaceRecord> {
    Ok(SpaceRecord {
        id: row.get(0)?,
        name: row.get(1)?,
        description: row.get(2)?,
        icon_url: row.get(3)?,
        kind: row.get(4)?,
        owner: row.get(5)?,
        enterprise: row.get(6)?,
        organization: row.get(7)?,
    })
}
