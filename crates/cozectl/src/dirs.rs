//! Where this program keeps what lasts.

use std::env;
use std::path::PathBuf;

use crate::error::{Failure, Result};
use crate::language::say;

const NAME: &str = "coze-rs";

/// The user's data directory for this program. It need not exist yet.
pub(crate) fn data() -> Result<PathBuf> {
    base().map(|base| base.join(NAME)).ok_or_else(|| {
        Failure::usage(say!(
            "there is no place for data: neither XDG_DATA_HOME nor HOME is set",
            "没有存放数据的位置：XDG_DATA_HOME 和 HOME 都没有设置"
        ))
        .with_hint(say!(
            "set HOME, or name a folder with --data (serve) or --local-data",
            "请设置 HOME，或用 --data（serve）或 --local-data 指定目录"
        ))
    })
}

fn base() -> Option<PathBuf> {
    let path = |name: &str| {
        env::var_os(name)
            .map(PathBuf::from)
            .filter(|it| it.is_absolute())
    };
    path("XDG_DATA_HOME").or_else(|| {
        if cfg!(windows) {
            path("LOCALAPPDATA").or_else(|| path("APPDATA"))
        } else if cfg!(target_os = "macos") {
            path("HOME").map(|home| home.join("Library/Application Support"))
        } else {
            path("HOME").map(|home| home.join(".local/share"))
        }
    })
}
