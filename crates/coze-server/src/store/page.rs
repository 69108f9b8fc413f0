//! Pages of what a statement finds, and how many rows there are on all of them.

use rusqlite::{Connection, Row, ToSql};

use super::Result;

/// What is looked for. The values are the parameters of `from`, in their order.
pub(super) struct Listing<'a> {
    pub(super) columns: &'a str,
    /// The tables and the conditions.
    pub(super) from: &'a str,
    pub(super) order: &'a str,
    pub(super) values: &'a [&'a dyn ToSql],
}

impl Listing<'_> {
    /// A page, which is counted from 0, and how many rows there are in all.
    pub(super) fn page<T>(
        &self,
        connection: &Connection,
        page: usize,
        size: usize,
        read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<(Vec<T>, i64)> {
        let Self {
            columns,
            from,
            order,
            values,
        } = self;
        let mut count = connection.prepare_cached(&format!("SELECT count(*) FROM {from}"))?;
        let total = count.query_row(*values, |row| row.get(0))?;
        let (limit, offset) = (as_i64(size), as_i64(page.saturating_mul(size)));
        let (first, second) = (values.len() + 1, values.len() + 2);
        let mut select = connection.prepare_cached(&format!(
            "SELECT {columns} FROM {from} ORDER BY {order} LIMIT ?{first} OFFSET ?{second}"
        ))?;
        let mut all = values.to_vec();
        all.extend([&limit as &dyn ToSql, &offset]);
        let rows = select.query_map(all.as_slice(), read)?;
        Ok((rows.collect::<rusqlite::Result<_>>()?, total))
    }
}

/// A count as SQLite takes it.
pub(super) fn as_i64(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
