//! Writes exchanges down, each into a file of its own.
//!
//! A file is there whole or not at all: it is written under another name, brought to the disk and
//! renamed. One thread does it, so that no call waits for the disk.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError, mpsc};
use std::thread::JoinHandle;

use super::exchange::Exchange;

const PART: &str = "part";

/// See the module.
#[derive(Debug)]
pub(crate) struct Recorder {
    last: AtomicU64,
    files: Mutex<Option<mpsc::Sender<(String, Exchange)>>>,
    writer: Mutex<Option<JoinHandle<()>>>,
}

impl Recorder {
    /// Goes on behind what the folder has.
    pub(super) fn open(folder: &Path) -> Result<Self, String> {
        let fail = |error: std::io::Error| format!("{}: {error}", folder.display());
        fs::create_dir_all(folder).map_err(fail)?;
        let mut last = 0;
        for entry in fs::read_dir(folder).map_err(fail)? {
            let path = entry.map_err(fail)?.path();
            if path.extension().is_some_and(|it| it == PART) {
                // An earlier server was killed while it wrote.
                fs::remove_file(&path).map_err(fail)?;
                continue;
            }
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let number = name.split('-').next().and_then(|it| it.parse().ok());
            last = last.max(number.unwrap_or(0));
        }
        let (sender, receiver) = mpsc::channel();
        let folder = folder.to_owned();
        let writer = std::thread::Builder::new()
            .name("recorder".into())
            .spawn(move || write_loop(&folder, &receiver))
            .map_err(|error| format!("the recorder cannot start: {error}"))?;
        Ok(Self {
            last: AtomicU64::new(last),
            files: Mutex::new(Some(sender)),
            writer: Mutex::new(Some(writer)),
        })
    }

    /// The number of a call: files are in the order in which calls came.
    pub(super) fn number(&self) -> u64 {
        self.last.fetch_add(1, Ordering::Relaxed) + 1
    }

    pub(super) fn keep(&self, number: u64, exchange: Exchange) {
        let name = name(number, &exchange);
        let files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(files) = &*files {
            // The writer ends when this is closed, not before.
            let _ = files.send((name, exchange));
        }
    }
}

impl Recorder {
    /// Ends it when all that was given to it is written.
    pub(crate) fn close(&self) {
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        drop(files.take());
        drop(files);
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(writer) = writer.take() {
            // What it could not write, it has told.
            let _ = writer.join();
        }
    }
}

/// Such as `000007-POST-v3-chat.json`.
fn name(number: u64, exchange: &Exchange) -> String {
    let is_plain = |it: char| it.is_ascii_alphanumeric() || "_.".contains(it);
    let path: String = exchange
        .request
        .path
        .trim_matches('/')
        .chars()
        .take(80)
        .map(|it| if is_plain(it) { it } else { '-' })
        .collect();
    format!("{number:06}-{}-{path}.json", exchange.request.method)
}

fn write_loop(folder: &Path, files: &mpsc::Receiver<(String, Exchange)>) {
    while let Ok((name, exchange)) = files.recv() {
        if let Err(error) = write(folder, &name, &exchange) {
            tracing::error!(%error, name, "an exchange could not be written");
        }
    }
}

fn write(folder: &Path, name: &str, exchange: &Exchange) -> std::io::Result<()> {
    let path: PathBuf = folder.join(name);
    let part = folder.join(format!("{name}.{PART}"));
    let mut text = serde_json::to_vec_pretty(exchange)?;
    text.push(b'\n');
    let mut file = File::create(&part)?;
    file.write_all(&text)?;
    file.sync_all()?;
    drop(file);
    fs::rename(&part, &path)?;
    // The name has to reach the disk too; not every system lets a folder be synced.
    if let Ok(folder) = File::open(folder) {
        let _ = folder.sync_all();
    }
    Ok(())
}
