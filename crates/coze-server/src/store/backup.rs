//! Copies of a data folder, made while a server uses it, and put back while none does.
//!
//! The database is copied in one step, as it is at one moment; the files beside it follow. A file
//! is written before the row that names it and never changed, so every file that the copy names is
//! there. A copy is complete or not there: it grows under another name and is renamed.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use rusqlite::{Connection, OpenFlags};
use serde::{Deserialize, Serialize};

use super::sqlite::{lock, schema};
use super::{Result, StoreError, copy};

const FORMAT: &str = "coze-rs backup 1";
const DATABASE: &str = "coze.db";
const MANIFEST: &str = "backup.json";

/// What a copy holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Backup {
    format: String,
    /// When it was made.
    pub made_at: String,
    /// The schema of its database.
    schema: i64,
    /// Files besides the database.
    pub files: u64,
    /// Bytes of those files.
    pub bytes: u64,
}

/// Copies a data folder, also one that a server uses, to a folder that is not there yet.
///
/// # Errors
/// [`StoreError`]; nothing is left then that looks like a copy.
pub fn backup(data: &Path, to: &Path) -> Result<Backup> {
    let database = data.join(DATABASE);
    // Otherwise a new database would be made and copied.
    fs::metadata(&database).map_err(|source| StoreError::io(&database, source))?;
    if !is_free(to)? {
        return Err(StoreError::NotEmpty {
            path: to.display().to_string(),
        });
    }
    let part = with_suffix(to, ".part");
    // An earlier attempt may have been killed.
    remove(&part)?;
    fs::create_dir_all(&part).map_err(|source| StoreError::io(&part, source))?;
    let made = fill(data, &part).and_then(|made| {
        // An empty folder may be there already.
        let _ = fs::remove_dir(to);
        fs::rename(&part, to).map_err(|source| StoreError::io(to, source))?;
        sync(to.parent().unwrap_or(to));
        Ok(made)
    });
    if made.is_err() {
        remove(&part)?;
    }
    made
}

fn fill(data: &Path, part: &Path) -> Result<Backup> {
    let schema = {
        let from = open(&data.join(DATABASE))?;
        let mut to = Connection::open(part.join(DATABASE))?;
        copy::all(&from, &mut to)?;
        // So that the one file is the whole database.
        to.pragma_update(None, "journal_mode", "delete")?;
        check(&to, part)?;
        schema(&to)?
    };
    sync(&part.join(DATABASE));
    let mut found = Found::default();
    found.copy(data, part)?;
    let made = Backup {
        format: FORMAT.to_owned(),
        made_at: httpdate::fmt_http_date(SystemTime::now()),
        schema,
        files: found.files,
        bytes: found.bytes,
    };
    let manifest = part.join(MANIFEST);
    fs::write(&manifest, serde_json::to_vec_pretty(&made)?)
        .map_err(|source| StoreError::io(&manifest, source))?;
    sync(&manifest);
    sync(part);
    Ok(made)
}

/// Puts a copy into a data folder that no server uses. What the folder has is replaced only if
/// that is wanted.
///
/// # Errors
/// [`StoreError`]; the folder is then what it was.
pub fn restore(from: &Path, data: &Path, replace: bool) -> Result<Backup> {
    let made = manifest(from)?;
    let database = from.join(DATABASE);
    let known = super::sqlite::known_schema();
    if made.schema > known {
        return Err(StoreError::TooNew {
            path: database.display().to_string(),
            found: made.schema,
            known,
        });
    }
    check(&open_only(&database)?, from)?;
    fs::create_dir_all(data).map_err(|source| StoreError::io(data, source))?;
    let target = data.join(DATABASE);
    let _lock = lock(&target)?;
    if target.exists() {
        if !replace {
            return Err(StoreError::NotEmpty {
                path: data.display().to_string(),
            });
        }
        // What its log holds must not be taken for the log of the new one.
        let old = open(&target)?;
        old.pragma_update(None, "journal_mode", "delete")?;
    }
    let mut found = Found::default();
    found.copy(from, data)?;
    if (found.files, found.bytes) != (made.files, made.bytes) {
        let why = format!(
            "it should hold {} files of {} bytes, and holds {} of {}",
            made.files, made.bytes, found.files, found.bytes
        );
        return Err(broken(from, why));
    }
    let part = with_suffix(&target, ".part");
    copy_file(&database, &part)?;
    fs::rename(&part, &target).map_err(|source| StoreError::io(&target, source))?;
    sync(data);
    clear(data, from)?;
    Ok(made)
}

fn manifest(from: &Path) -> Result<Backup> {
    let path = from.join(MANIFEST);
    let text = fs::read(&path).map_err(|source| StoreError::io(&path, source))?;
    let made: Backup = serde_json::from_slice(&text)
        .map_err(|error| broken(from, format!("{MANIFEST}: {error}")))?;
    if made.format != FORMAT {
        let why = format!("its format is {:?}, expected {FORMAT:?}", made.format);
        return Err(broken(from, why));
    }
    Ok(made)
}

fn broken(path: &Path, why: String) -> StoreError {
    StoreError::Backup {
        path: path.display().to_string(),
        why,
    }
}

/// What was copied.
#[derive(Debug, Default)]
struct Found {
    files: u64,
    bytes: u64,
}

impl Found {
    /// Copies all but the database and what only a running server needs.
    fn copy(&mut self, from: &Path, to: &Path) -> Result<()> {
        for path in others(from)? {
            let Some(name) = path.file_name() else {
                continue;
            };
            let target = to.join(name);
            self.copy_all(&path, &target)?;
        }
        Ok(())
    }

    fn copy_all(&mut self, from: &Path, to: &Path) -> Result<()> {
        if from.is_dir() {
            fs::create_dir_all(to).map_err(|source| StoreError::io(to, source))?;
            for path in entries(from)? {
                let Some(name) = path.file_name() else {
                    continue;
                };
                self.copy_all(&path, &to.join(name))?;
            }
            sync(to);
            return Ok(());
        }
        match copy_file(from, to) {
            Ok(bytes) => {
                self.files += 1;
                self.bytes += bytes;
                Ok(())
            }
            // It was deleted meanwhile, and the copy of the database may be older; nobody can be
            // given what is no longer there.
            Err(StoreError::Io { .. }) if !from.exists() => Ok(()),
            Err(error) => Err(error),
        }
    }
}

/// Removes the files of the old data, which the restored database does not name.
fn clear(data: &Path, from: &Path) -> Result<()> {
    for path in others(data)? {
        let Some(name) = path.file_name() else {
            continue;
        };
        let kept = from.join(name);
        if !kept.exists() {
            remove(&path)?;
        } else if path.is_dir() && kept.is_dir() {
            clear(&path, &kept)?;
        }
    }
    Ok(())
}

/// What is in a folder besides the database.
fn others(folder: &Path) -> Result<Vec<PathBuf>> {
    let is_own = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name == MANIFEST || name.starts_with("coze.")
    };
    let mut found = entries(folder)?;
    found.retain(|path| !is_own(path));
    Ok(found)
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>> {
    let io = |source| StoreError::io(folder, source);
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(io)? {
        found.push(entry.map_err(io)?.path());
    }
    Ok(found)
}

fn copy_file(from: &Path, to: &Path) -> Result<u64> {
    let bytes = fs::copy(from, to).map_err(|source| StoreError::io(from, source))?;
    sync(to);
    Ok(bytes)
}

/// A folder that is not there, or that has nothing in it.
fn is_free(folder: &Path) -> Result<bool> {
    match fs::read_dir(folder) {
        Ok(mut entries) => Ok(entries.next().is_none()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(true),
        Err(source) => Err(StoreError::io(folder, source)),
    }
}

fn remove(path: &Path) -> Result<()> {
    let removed = if path.is_dir() {
        fs::remove_dir_all(path)
    } else {
        fs::remove_file(path)
    };
    match removed {
        Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
            Err(StoreError::io(path, source))
        }
        _ => Ok(()),
    }
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(suffix);
    path.with_file_name(name)
}

/// Brings a file or folder to the disk; not every system lets a folder be synced.
fn sync(path: &Path) {
    if let Ok(file) = File::open(path)
        && let Err(error) = file.sync_all()
    {
        tracing::debug!(%error, path = %path.display(), "could not be synced");
    }
}

/// A database that a server may be using.
fn open(path: &Path) -> Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(Duration::from_secs(5))?;
    Ok(connection)
}

fn open_only(path: &Path) -> Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    Ok(Connection::open_with_flags(path, flags)?)
}

/// Whether the pages of a database fit together.
fn check(connection: &Connection, folder: &Path) -> Result<()> {
    let found: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    match found.as_str() {
        "ok" => Ok(()),
        why => Err(broken(folder, why.to_owned())),
    }
}
