//! `cozectl backup` and `cozectl restore`

use std::path::PathBuf;

use clap::Args;

const BACKUP: &str = "\
Examples:
  cozectl backup /backups/monday
  cozectl backup --data ./data /backups/monday";

const RESTORE: &str = "\
Examples:
  cozectl restore --data ./new-data /backups/monday
  cozectl restore --replace /backups/monday";

/// Copy the data of the local server, also while it runs
///
/// The copy has the database as it is at one moment, and the uploaded files; it is complete or not
/// there at all. Whatever keeps it from being made ends the command with exit code 3.
#[derive(Debug, Args)]
#[command(after_help = BACKUP)]
pub(crate) struct BackupArgs {
    /// Where to put the copy; a folder that is not there yet, or empty
    #[arg(value_name = "DIR")]
    pub(crate) to: PathBuf,
    /// The data folder of the server; the user's data directory by default
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
}

/// Put a copy of the data back, while no server uses the folder
#[derive(Debug, Args)]
#[command(after_help = RESTORE)]
pub(crate) struct RestoreArgs {
    /// The copy, as `cozectl backup` made it
    #[arg(value_name = "DIR")]
    pub(crate) from: PathBuf,
    /// The data folder of the server; the user's data directory by default
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// Replace what the folder has; it is gone then
    #[arg(long)]
    pub(crate) replace: bool,
}
