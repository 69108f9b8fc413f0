//! `cozectl backup` and `cozectl restore`

use std::path::PathBuf;

use coze_server::{Backup, DataError};

use crate::cli::{BackupArgs, RestoreArgs};
use crate::error::{Failure, Result};
use crate::exit::ExitStatus;
use crate::language::say;
use crate::printer::Printer;
use crate::{dirs, start_error};

pub(super) fn backup(args: &BackupArgs, printer: &mut Printer) -> Result<ExitStatus> {
    let data = folder(args.data.as_ref())?;
    let made = coze_server::backup(&data, &args.to).map_err(|error| match &error {
        DataError::NotEmpty { .. } => failure(
            &error,
            &say!(
                "name a folder that is not there yet",
                "请指定一个尚不存在的目录"
            ),
        ),
        _ => failure(
            &error,
            &say!(
                "check the folder and its rights, or name the server's folder with --data",
                "请检查该目录及其权限，或用 --data 指定服务的数据目录"
            ),
        ),
    })?;
    let (size, to) = (size(&made), args.to.display());
    printer.note(&say!(
        "copied to {to}: the database and {size}",
        "已备份到 {to}：数据库和{size}"
    ));
    Ok(ExitStatus::Done)
}

pub(super) fn restore(args: &RestoreArgs, printer: &mut Printer) -> Result<ExitStatus> {
    let data = folder(args.data.as_ref())?;
    let restored = coze_server::restore(&args.from, &data, args.replace);
    let made = restored.map_err(|error| match &error {
        DataError::NotEmpty { .. } => failure(
            &error,
            &say!(
                "give --replace to lose what it has, or name another folder with --data",
                "加 --replace 覆盖其中的数据，或用 --data 另选目录"
            ),
        ),
        DataError::InUse { .. } => failure(
            &error,
            &say!(
                "stop the server first, or name another folder with --data",
                "请先停止服务，或用 --data 另选目录"
            ),
        ),
        _ => failure(
            &error,
            &say!(
                "name a folder that `cozectl backup` made",
                "请指定由 `cozectl backup` 生成的目录"
            ),
        ),
    })?;
    let (size, data, when) = (size(&made), data.display(), &made.made_at);
    printer.note(&say!(
        "{data} is what it was at {when}: the database and {size}",
        "{data} 已恢复到 {when} 的状态：数据库和{size}"
    ));
    Ok(ExitStatus::Done)
}

fn folder(data: Option<&PathBuf>) -> Result<PathBuf> {
    match data {
        Some(data) => Ok(data.clone()),
        None => Ok(dirs::data()?.join("server")),
    }
}

fn size(made: &Backup) -> String {
    let (files, bytes) = (made.files, made.bytes);
    say!(
        "{files} files ({bytes} bytes)",
        " {files} 个文件（{bytes} 字节）"
    )
}

fn failure(error: &DataError, hint: &str) -> Failure {
    let (what, _) = start_error::data(error);
    Failure::said(ExitStatus::Unreachable, what).with_hint(hint)
}
