//! A whole database, copied page by page.

use std::time::Duration;

use rusqlite::Connection;
use rusqlite::backup::Backup;

use super::Result;

/// Makes the second one what the first one is, in one step.
pub(super) fn all(from: &Connection, to: &mut Connection) -> Result<()> {
    let backup = Backup::new(from, to)?;
    // All pages at once; where somebody is in the way, again after the pause.
    backup.run_to_completion(i32::MAX, Duration::from_millis(20), None)?;
    Ok(())
}
