//! The files of the repository.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

/// Folders that hold no sources, for checkouts without git.
const NO_SOURCES: &[&str] = &[
    ".git",
    ".pytest_cache",
    ".venv",
    "__pycache__",
    "data",
    "node_modules",
    "target",
];

/// The files of the repository: those that git knows, and new ones that it does not ignore.
#[derive(Debug)]
pub struct Tree {
    root: PathBuf,
    /// From the root, with `/`, sorted.
    files: Vec<String>,
}

impl Tree {
    /// The repository that this crate is part of.
    ///
    /// # Errors
    /// When its folder cannot be read.
    pub fn of_workspace() -> Result<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"))
            .parent()
            .context("xtask has no parent folder")?;
        Self::of(root)
    }

    /// The repository in that folder.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn of(root: &Path) -> Result<Self> {
        let mut files = match from_git(root) {
            Some(files) => files,
            // An archive without git, or no git on this machine.
            None => walk(root, "")?,
        };
        files.sort();
        files.dedup();
        let root = root.to_owned();
        Ok(Self { root, files })
    }

    /// The folder itself.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// All files, as paths from the root.
    pub fn files(&self) -> impl Iterator<Item = &str> {
        self.files.iter().map(String::as_str)
    }

    /// The files whose name ends so.
    pub fn ending_in(&self, end: &str) -> impl Iterator<Item = &str> {
        self.files().filter(move |path| path.ends_with(end))
    }

    /// Whether there is such a file or folder.
    #[must_use]
    pub fn exists(&self, path: &str) -> bool {
        self.root.join(path).exists()
    }

    /// The text of a file.
    ///
    /// # Errors
    /// When it cannot be read or is no UTF-8.
    pub fn read(&self, path: &str) -> Result<String> {
        let text = fs::read_to_string(self.root.join(path));
        text.with_context(|| format!("cannot read {path}"))
    }
}

fn from_git(root: &Path) -> Option<Vec<String>> {
    let listed = Command::new("git")
        .args([
            "ls-files",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard",
        ])
        .current_dir(root)
        .output()
        .ok()
        .filter(|output| output.status.success())?;
    let listed = String::from_utf8(listed.stdout).ok()?;
    let files: Vec<String> = listed
        .split('\0')
        .filter(|path| !path.is_empty())
        // Removed, and not yet committed.
        .filter(|path| root.join(path).is_file())
        .map(str::to_owned)
        .collect();
    // In an archive unpacked inside another repository git knows nothing of it.
    (!files.is_empty()).then_some(files)
}

fn walk(root: &Path, folder: &str) -> Result<Vec<String>> {
    let mut files = Vec::new();
    let listed = fs::read_dir(root.join(folder));
    for entry in listed.with_context(|| format!("cannot read the folder {folder:?}"))? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = match folder {
            "" => name.clone(),
            folder => format!("{folder}/{name}"),
        };
        let kind = entry.file_type()?;
        if kind.is_dir() && !NO_SOURCES.contains(&name.as_str()) {
            files.extend(walk(root, &path)?);
        } else if kind.is_file() {
            files.push(path);
        }
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn with_and_without_git_the_sources_are_seen() {
        let tree = Tree::of_workspace().unwrap();
        let walked = walk(tree.root(), "").unwrap();
        for path in ["Cargo.toml", "xtask/src/tree.rs", ".ci/run"] {
            assert!(tree.files().any(|file| file == path), "{path}");
            assert!(walked.iter().any(|file| file == path), "{path}");
        }
        assert!(!walked.iter().any(|file| file.starts_with("target/")));
    }
}
