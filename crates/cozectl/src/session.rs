//! Named sessions: `--session NAME` goes on where the last command left.
//!
//! One small file per server, agent and name holds the id of the conversation.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use coze_api::Id;
use serde::{Deserialize, Serialize};

use crate::dirs;
use crate::error::{Failure, Result};
use crate::language::{reason, say};
use crate::shell::quote;

/// A named session.
pub(crate) struct Session {
    path: PathBuf,
    record: Record,
}

/// What the file holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Record {
    name: String,
    server: String,
    bot: String,
    conversation_id: Option<Id>,
}

impl Session {
    /// Opens a session of the user; it begins empty.
    pub(crate) fn open(name: &str, server: &str, bot: &str) -> Result<Self> {
        Self::open_in(&dirs::data()?.join("sessions"), name, server, bot)
    }

    fn open_in(folder: &Path, name: &str, server: &str, bot: &str) -> Result<Self> {
        if name.trim().is_empty() || name.chars().any(char::is_control) {
            return Err(Failure::usage(say!(
                "the session has no name",
                "会话名为空"
            )));
        }
        let mut record = Record {
            name: name.to_owned(),
            server: server.to_owned(),
            bot: bot.to_owned(),
            conversation_id: None,
        };
        let key = fingerprint(&[server, bot, name]);
        let path = folder.join(format!("{key:016x}.json"));
        match fs::read(&path) {
            Ok(bytes) => {
                let known: Record = serde_json::from_slice(&bytes)
                    .map_err(|error| unusable(&path, &io::Error::from(error)))?;
                // Two keys can have the same fingerprint.
                let same = (&known.name, &known.server, &known.bot)
                    == (&record.name, &record.server, &record.bot);
                if same {
                    record.conversation_id = known.conversation_id;
                }
            }
            // A file where a folder should be is the business of `check`.
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
                ) => {}
            Err(error) => return Err(unusable(&path, &error)),
        }
        Ok(Self { path, record })
    }

    /// The conversation to go on with.
    pub(crate) fn conversation(&self) -> Option<&Id> {
        self.record.conversation_id.as_ref()
    }

    /// Forgets the conversation; the next one takes its place.
    pub(crate) fn begin_anew(&mut self) {
        self.record.conversation_id = None;
    }

    /// Finds out, before anything is sent, whether a new conversation could be remembered.
    pub(crate) fn check(&self) -> Result<()> {
        if self.record.conversation_id.is_some() {
            return Ok(());
        }
        let temporary = self.temporary();
        self.folder()
            .and_then(|()| private_file(&temporary))
            .and_then(|_| fs::remove_file(&temporary))
            .map_err(|error| {
                let (path, why) = (self.path.display(), reason(&error));
                Failure::usage(say!(
                    "the session cannot be kept: {path}: {why}",
                    "无法保存会话：{path}：{why}"
                ))
                .with_hint(say!(
                    "make the folder writable, name another one with XDG_DATA_HOME, or leave \
                     --session out",
                    "请让该目录可写，或用环境变量 XDG_DATA_HOME 另选目录，或不使用 --session"
                ))
            })
    }

    /// Remembers the conversation. If that fails, it comes with a warning: one line that says
    /// what, one that says how to go on.
    pub(crate) fn remember(&mut self, conversation: &Id) -> Result<(), [String; 2]> {
        if self.record.conversation_id.as_ref() == Some(conversation) {
            return Ok(());
        }
        self.record.conversation_id = Some(conversation.clone());
        self.save().map_err(|error| {
            let (path, why) = (self.path.display(), reason(&error));
            let conversation = quote(conversation);
            [
                say!(
                    "warning: the session could not be kept: {path}: {why}",
                    "warning: 会话没有保存下来：{path}：{why}"
                ),
                say!(
                    "hint: go on with --conversation {conversation} instead of --session",
                    "hint: 请改用 --conversation {conversation} 代替 --session 继续对话"
                ),
            ]
        })
    }

    fn folder(&self) -> io::Result<()> {
        self.path.parent().map_or(Ok(()), private_folder)
    }

    /// The file beside it that becomes the file, once it is whole.
    fn temporary(&self) -> PathBuf {
        let name = format!("{}.tmp", std::process::id());
        self.path.with_extension(name)
    }

    /// Writes the file whole or not at all, readable for its owner only.
    fn save(&self) -> io::Result<()> {
        self.folder()?;
        let temporary = self.temporary();
        let written = private_file(&temporary)
            .and_then(|mut file| {
                serde_json::to_writer(&mut file, &self.record)?;
                file.write_all(b"\n")?;
                file.sync_all()
            })
            .and_then(|()| fs::rename(&temporary, &self.path));
        if written.is_err() {
            let _ = fs::remove_file(&temporary);
        }
        written
    }
}

fn unusable(path: &Path, error: &io::Error) -> Failure {
    let (path, why) = (path.display(), reason(error));
    Failure::usage(say!(
        "the session file {path} cannot be used: {why}",
        "会话文件 {path} 无法使用：{why}"
    ))
    .with_hint(say!(
        "remove it to begin anew, or use --conversation",
        "可删除该文件以重新开始，或改用 --conversation"
    ))
}

fn private_folder(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

fn private_file(path: &Path) -> io::Result<fs::File> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// FNV-1a; the same in every version, because files are named by it.
fn fingerprint(parts: &[&str]) -> u64 {
    let bytes = parts.iter().flat_map(|part| part.bytes().chain([0]));
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_is_kept_per_server_agent_and_name() {
        let folder = tempfile::tempdir().unwrap();
        let open = |name, server, bot| {
            Session::open_in(&folder.path().join("s"), name, server, bot).unwrap()
        };
        open("a", "s1", "b1").remember(&"1".into()).unwrap();
        open("你好/../x", "s1", "b1").remember(&"2".into()).unwrap();
        let read = |name, server, bot| {
            open(name, server, bot)
                .conversation()
                .map(ToString::to_string)
        };
        assert_eq!(read("a", "s1", "b1").as_deref(), Some("1"));
        assert_eq!(read("你好/../x", "s1", "b1").as_deref(), Some("2"));
        for other in [("a", "s2", "b1"), ("a", "s1", "b2"), ("A", "s1", "b1")] {
            assert_eq!(read(other.0, other.1, other.2), None, "{other:?}");
        }
        let files: Vec<_> = fs::read_dir(folder.path().join("s")).unwrap().collect();
        assert_eq!(files.len(), 2, "no temporary file is left");
    }

    #[cfg(unix)]
    #[test]
    fn the_file_is_private() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("s");
        let mut session = Session::open_in(&place, "a", "s", "b").unwrap();
        session.remember(&"1".into()).unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&place), mode(&session.path)), (0o700, 0o600));
    }

    #[test]
    fn a_broken_file_is_no_empty_session() {
        let folder = tempfile::tempdir().unwrap();
        let mut session = Session::open_in(folder.path(), "a", "s", "b").unwrap();
        session.remember(&"1".into()).unwrap();
        fs::write(&session.path, "{").unwrap();
        let failure = Session::open_in(folder.path(), "a", "s", "b")
            .err()
            .unwrap();
        assert_eq!(failure.exit().code(), 2);
        assert!(Session::open_in(folder.path(), " ", "s", "b").is_err());
    }
}
