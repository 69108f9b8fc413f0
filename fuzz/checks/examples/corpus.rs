//! Writes the first corpus of each fuzz target from the fixtures: `corpus FOLDER`.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

fn main() -> io::Result<()> {
    let to = std::env::args_os().nth(1).map(PathBuf::from);
    let to = to.ok_or_else(|| io::Error::other("usage: corpus FOLDER"))?;
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../crates/coze-types/fixtures");
    let rows: Vec<_> = coze_types::endpoints().map(|row| row.name).collect();
    for group in fs::read_dir(fixtures)? {
        let group = group?.path();
        if !group.is_dir() {
            continue;
        }
        for file in fs::read_dir(group)? {
            let file = file?.path();
            let name = file
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            let body = fs::read(&file)?;
            if file.extension().is_some_and(|it| it == "sse") {
                // Four lengths of chunks stand before a stream.
                let bytes = [&[7, 1, 64, 0], body.as_slice()].concat();
                write(&to.join("sse"), &name, &bytes)?;
                write(&to.join("events"), &name, &bytes)?;
            } else {
                // The number of the row stands before a reply.
                let row = name.split('.').next().unwrap_or_default();
                let number = rows.iter().position(|it| *it == row).unwrap_or_default() as u16;
                let bytes = [&number.to_le_bytes(), body.as_slice()].concat();
                write(&to.join("envelope"), &name, &bytes)?;
            }
        }
    }
    Ok(())
}

fn write(folder: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    fs::write(folder.join(name), bytes)
}
