//! The tables of enterprises, of their organizations, and of the members of both.

use rusqlite::{OptionalExtension, Row, params};

use super::page::Listing;
use super::sqlite::Sqlite;
use super::{Result, UserRecord};

/// An organization.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct OrganizationRecord {
    pub(crate) id: i64,
    pub(crate) enterprise: String,
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) icon_url: String,
    /// The one that every enterprise has.
    pub(crate) is_default: bool,
}

/// A member of an organization.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct OrganizationPerson {
    pub(crate) user: UserRecord,
    pub(crate) role: String,
    pub(crate) joined_at: i64,
    /// Belongs to the enterprise too.
    pub(crate) employee: bool,
}

/// The tables of enterprises and organizations. What they look up they answer with `None` when it
/// is not there.
pub(crate) trait Enterprises {
    /// Makes the enterprise, or gives it another name and another number of seats.
    fn put_enterprise(&self, id: &str, name: &str, seats: Option<u32>, now: i64) -> Result<()>;
    /// Whether it is there, and how many members it may have.
    fn enterprise(&self, id: &str) -> Result<Option<Option<u32>>>;
    fn enterprise_role(&self, enterprise: &str, user: i64) -> Result<Option<String>>;
    /// The enterprises that a user belongs to, and what they are there.
    fn enterprises_of(&self, user: i64) -> Result<Vec<(String, String)>>;
    /// How many members it has, of any role or of one.
    fn count_enterprise(&self, enterprise: &str, role: Option<&str>) -> Result<i64>;
    /// Makes the user a member, or gives them another role.
    fn put_enterprise_member(
        &self,
        enterprise: &str,
        user: i64,
        role: &str,
        now: i64,
    ) -> Result<()>;
    /// Notes that the configuration names the member.
    fn mark_enterprise_member(&self, enterprise: &str, user: i64) -> Result<()>;
    /// Takes the user out of the enterprise and of all its organizations.
    fn remove_enterprise_member(&self, enterprise: &str, user: i64) -> Result<()>;

    /// Makes the organization, or changes it.
    fn put_organization(&self, organization: &OrganizationRecord, now: i64) -> Result<()>;
    fn organization(&self, id: i64) -> Result<Option<OrganizationRecord>>;
    fn default_organization(&self, enterprise: &str) -> Result<Option<OrganizationRecord>>;
    /// A page, oldest first, and how many there are in all.
    fn organizations(
        &self,
        enterprise: &str,
        page: usize,
        size: usize,
    ) -> Result<(Vec<OrganizationRecord>, i64)>;
    fn organization_role(&self, organization: i64, user: i64) -> Result<Option<String>>;
    fn count_organization(&self, organization: i64, role: &str) -> Result<i64>;
    /// A page in the order of their joining, and how many there are in all.
    fn organization_members(
        &self,
        organization: &OrganizationRecord,
        page: usize,
        size: usize,
    ) -> Result<(Vec<OrganizationPerson>, i64)>;
    /// Makes the user a member, or gives them another role.
    fn put_organization_member(
        &self,
        organization: i64,
        user: i64,
        role: &str,
        now: i64,
    ) -> Result<()>;
    fn remove_organization_member(&self, organization: i64, user: i64) -> Result<()>;
}

impl Enterprises for Sqlite<'_> {
    fn put_enterprise(&self, id: &str, name: &str, seats: Option<u32>, now: i64) -> Result<()> {
        self.0.execute(
            "INSERT INTO enterprise (id, name, seats, created_at) VALUES (?1, ?2, ?3, ?4) \
             ON CONFLICT (id) DO UPDATE SET name = excluded.name, seats = excluded.seats",
            params![id, name, seats, now],
        )?;
        Ok(())
    }

    fn enterprise(&self, id: &str) -> Result<Option<Option<u32>>> {
        let sql = "SELECT seats FROM enterprise WHERE id = ?1";
        let found = self.0.query_row(sql, [id], |row| row.get(0));
        Ok(found.optional()?)
    }

    fn enterprise_role(&self, enterprise: &str, user: i64) -> Result<Option<String>> {
        let sql = "SELECT role FROM enterprise_member WHERE enterprise_id = ?1 AND user_id = ?2";
        let found = self
            .0
            .query_row(sql, params![enterprise, user], |row| row.get(0));
        Ok(found.optional()?)
    }

    fn enterprises_of(&self, user: i64) -> Result<Vec<(String, String)>> {
        let mut select = self.0.prepare_cached(
            "SELECT enterprise_id, role FROM enterprise_member WHERE user_id = ?1 \
             ORDER BY enterprise_id",
        )?;
        let rows = select.query_map([user], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    fn count_enterprise(&self, enterprise: &str, role: Option<&str>) -> Result<i64> {
        let sql = "SELECT count(*) FROM enterprise_member WHERE enterprise_id = ?1 \
                   AND (?2 IS NULL OR role = ?2)";
        Ok(self
            .0
            .query_row(sql, params![enterprise, role], |row| row.get(0))?)
    }

    fn put_enterprise_member(
        &self,
        enterprise: &str,
        user: i64,
        role: &str,
        now: i64,
    ) -> Result<()> {
        self.0.execute(
            "INSERT INTO enterprise_member (enterprise_id, user_id, role, joined_at) \
             VALUES (?1, ?2, ?3, ?4) ON CONFLICT (enterprise_id, user_id) DO UPDATE SET \
             role = excluded.role",
            params![enterprise, user, role, now],
        )?;
        Ok(())
    }

    fn mark_enterprise_member(&self, enterprise: &str, user: i64) -> Result<()> {
        self.0.execute(
            "UPDATE enterprise_member SET from_file = 1 WHERE enterprise_id = ?1 AND user_id = ?2",
            params![enterprise, user],
        )?;
        Ok(())
    }

    fn remove_enterprise_member(&self, enterprise: &str, user: i64) -> Result<()> {
        self.0.execute(
            "DELETE FROM organization_member WHERE user_id = ?2 AND organization_id IN \
             (SELECT id FROM organization WHERE enterprise_id = ?1)",
            params![enterprise, user],
        )?;
        self.0.execute(
            "DELETE FROM enterprise_member WHERE enterprise_id = ?1 AND user_id = ?2",
            params![enterprise, user],
        )?;
        Ok(())
    }

    fn put_organization(&self, it: &OrganizationRecord, now: i64) -> Result<()> {
        self.0.execute(
            "INSERT INTO organization (id, enterprise_id, name, description, icon_url, is_default, \
             created_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (id) DO UPDATE SET \
             name = excluded.name, description = excluded.description",
            params![
                it.id,
                it.enterprise,
                it.name,
                it.description,
                it.icon_url,
                it.is_default,
                now
            ],
        )?;
        Ok(())
    }

    fn organization(&self, id: i64) -> Result<Option<OrganizationRecord>> {
        let sql = format!("SELECT {COLUMNS} FROM organization WHERE id = ?1");
        Ok(self.0.query_row(&sql, [id], read).optional()?)
    }

    fn default_organization(&self, enterprise: &str) -> Result<Option<OrganizationRecord>> {
        let sql = format!(
            "SELECT {COLUMNS} FROM organization WHERE enterprise_id = ?1 AND is_default = 1"
        );
        Ok(self.0.query_row(&sql, [enterprise], read).optional()?)
    }

    fn organizations(
        &self,
        enterprise: &str,
        page: usize,
        size: usize,
    ) -> Result<(Vec<OrganizationRecord>, i64)> {
        let listing = Listing {
            columns: COLUMNS,
            from: "organization WHERE enterprise_id = ?1",
            order: "id",
            values: &[&enterprise],
        };
        listing.page(self.0, page, size, read)
    }

    fn organization_role(&self, organization: i64, user: i64) -> Result<Option<String>> {
        let sql =
            "SELECT role FROM organization_member WHERE organization_id = ?1 AND user_id = ?2";
        let found = self
            .0
            .query_row(sql, [organization, user], |row| row.get(0));
        Ok(found.optional()?)
    }

    fn count_organization(&self, organization: i64, role: &str) -> Result<i64> {
        let sql =
            "SELECT count(*) FROM organization_member WHERE organization_id = ?1 AND role = ?2";
        Ok(self
            .0
            .query_row(sql, params![organization, role], |row| row.get(0))?)
    }

    fn organization_members(
        &self,
        organization: &OrganizationRecord,
        page: usize,
        size: usize,
    ) -> Result<(Vec<OrganizationPerson>, i64)> {
        let listing = Listing {
            columns: "id, user_name, nick_name, avatar_url, person.role, person.joined_at, \
                      employee.user_id IS NOT NULL",
            from: "organization_member AS person JOIN user ON user.id = person.user_id \
                   LEFT JOIN enterprise_member AS employee \
                   ON employee.enterprise_id = ?2 AND employee.user_id = person.user_id \
                   WHERE organization_id = ?1",
            order: "person.joined_at, id",
            values: &[&organization.id, &organization.enterprise],
        };
        listing.page(self.0, page, size, |row| {
            Ok(OrganizationPerson {
                user: super::users::read(row)?,
                role: row.get(4)?,
                joined_at: row.get(5)?,
                employee: row.get(6)?,
            })
        })
    }

    fn put_organization_member(
        &self,
        organization: i64,
        user: i64,
        role: &str,
        now: i64,
    ) -> Result<()> {
        self.0.execute(
            "INSERT INTO organization_member (organization_id, user_id, role, joined_at) \
             VALUES (?1, ?2, ?3, ?4) ON CONFLICT (organization_id, user_id) DO UPDATE SET \
             role = excluded.role",
            params![organization, user, role, now],
        )?;
        Ok(())
    }

    fn remove_organization_member(&self, organization: i64, user: i64) -> Result<()> {
        self.0.execute(
            "DELETE FROM organization_member WHERE organization_id = ?1 AND user_id = ?2",
            [organization, user],
        )?;
        Ok(())
    }
}

const COLUMNS: &str = "id, enterprise_id, name, description, icon_url, is_default";

fn read(row: &Row<'_>) -> rusqlite::Result<OrganizationRecord> {
    Ok(OrganizationRecord {
        id: row.get(0)?,
        enterprise: row.get(1)?,
        name: row.get(2)?,
        description: row.get(3)?,
        icon_url: row.get(4)?,
        is_default: row.get(5)?,
    })
}
