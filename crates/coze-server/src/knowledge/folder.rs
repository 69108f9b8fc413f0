//! Folders that `coze.yaml` names: their files are the documents of a dataset, and stay in step.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use coze_types::knowledge::{ChunkStrategy, ChunkType, DocumentStatus};

use super::{ChunkConfig, Kind, kind_of};
use crate::app::App;
use crate::config::{LOCAL_USER, Misfit, Space};
use crate::fail::Fail;
use crate::store::{DatasetRecord, DocumentFilter, DocumentRecord, Unit, number};

/// Files of one folder, and folders in folders.
const FILES: usize = 10_000;
const DEPTH: usize = 16;

/// A dataset of the configuration, made ready.
#[derive(Debug, Clone)]
pub(crate) struct Declared {
    pub(crate) id: i64,
    space: i64,
    name: String,
    description: String,
    strategy: ChunkStrategy,
    pub(crate) folder: PathBuf,
}

/// The datasets of a configuration.
///
/// # Errors
/// A folder that is not there.
pub(crate) fn declared(space: &Space) -> Result<Vec<Declared>, Misfit> {
    let mut datasets = Vec::new();
    for (index, config) in space.datasets.iter().enumerate() {
        let folder = space.folder.join(&config.folder);
        if !folder.is_dir() {
            let (name, folder) = (&config.name, folder.display());
            let why = format!("datasets: {name}: {folder} is no folder");
            return Err(Misfit::new(format!("datasets[{index}].folder"), why));
        }
        datasets.push(Declared {
            id: number(&config.id),
            space: space.space_or_local(config.space.as_deref())?,
            name: config.name.clone(),
            description: config.description.clone(),
            strategy: config.chunk.as_ref().map(strategy).unwrap_or_default(),
            folder,
        });
    }
    Ok(datasets)
}

fn strategy(config: &ChunkConfig) -> ChunkStrategy {
    ChunkStrategy {
        chunk_type: ChunkType::Custom,
        separator: Some(config.separator.clone()),
        max_tokens: Some(config.max_tokens),
        remove_extra_spaces: Some(config.remove_extra_spaces),
        remove_urls_emails: Some(config.remove_urls_emails),
        ..ChunkStrategy::default()
    }
}

/// Enters what is new in the folders, marks what has changed, and removes what is gone.
pub(super) async fn sync(app: &App) -> Result<(), Fail> {
    let declared = app.configured().datasets.clone();
    let wanted: Vec<i64> = declared.iter().map(|it| it.id).collect();
    app.db
        .write(move |unit| {
            for dataset in unit.declared_datasets()? {
                if !wanted.contains(&dataset.id) {
                    unit.delete_dataset(dataset.id)?;
                }
            }
            Ok::<_, Fail>(())
        })
        .await?;
    for dataset in declared {
        let folder = dataset.folder.clone();
        let files = tokio::task::spawn_blocking(move || files(&folder));
        let files = files.await.unwrap_or_default();
        let worker = app.clone();
        app.db
            .write(move |unit| enter(&worker, unit, &dataset, files))
            .await?;
    }
    Ok(())
}

/// Each file by its path in the folder, with what tells a change of it.
fn files(folder: &Path) -> BTreeMap<String, String> {
    let mut files = BTreeMap::new();
    let mut folders = vec![(folder.to_owned(), 0)];
    while let Some((current, depth)) = folders.pop() {
        let Ok(entries) = std::fs::read_dir(&current) else {
            continue;
        };
        for entry in entries.flatten() {
            let hidden = entry.file_name().to_string_lossy().starts_with('.');
            // Links are not followed: they may lead out of the folder, or round in circles.
            let (Ok(kind), false) = (entry.file_type(), hidden) else {
                continue;
            };
            let path = entry.path();
            if kind.is_dir() && depth < DEPTH {
                folders.push((path, depth + 1));
                continue;
            }
            let Ok(inside) = path.strip_prefix(folder) else {
                continue;
            };
            let readable = kind_of(&ending(inside)).is_some_and(|it| it != Kind::Picture);
            let Some(inside) = inside.to_str().filter(|_| kind.is_file() && readable) else {
                continue;
            };
            if files.len() >= FILES {
                let folder = folder.display();
                tracing::warn!(%folder, "a folder has more than {FILES} documents; the rest is left out");
                return files;
            }
            if let Ok(about) = entry.metadata() {
                let changed = about.modified().ok();
                let changed = changed.and_then(|it| it.duration_since(UNIX_EPOCH).ok());
                let nanoseconds = changed.unwrap_or_default().as_nanos();
                files.insert(inside.to_owned(), format!("{nanoseconds}-{}", about.len()));
            }
        }
    }
    files
}

fn ending(path: &Path) -> String {
    let ending = path.extension().unwrap_or_default();
    ending.to_string_lossy().to_ascii_lowercase()
}

fn enter(
    app: &App,
    unit: &dyn Unit,
    declared: &Declared,
    mut files: BTreeMap<String, String>,
) -> Result<(), Fail> {
    let (id, now) = (declared.id, app.now());
    let known = unit.dataset(id)?.map(|it| it.it);
    if known.as_ref().is_some_and(|it| !it.declared) {
        tracing::warn!(
            id,
            "a dataset made by a call has the id of one in coze.yaml, which is left out"
        );
        return Ok(());
    }
    let dataset = DatasetRecord {
        id,
        space: declared.space,
        creator: LOCAL_USER,
        declared: true,
        name: declared.name.clone(),
        description: declared.description.clone(),
        strategy: Some(declared.strategy.clone()),
        created_at: known.as_ref().map_or(now, |it| it.created_at),
        updated_at: known.as_ref().map_or(now, |it| it.updated_at),
        ..DatasetRecord::default()
    };
    if known.as_ref() != Some(&dataset) {
        unit.put_dataset(&dataset)?;
    }
    let all = DocumentFilter {
        dataset: id,
        limit: usize::MAX,
        ..DocumentFilter::default()
    };
    for mut document in unit.documents(&all)?.0 {
        let found = document.path.as_ref().and_then(|path| files.remove(path));
        let Some(fingerprint) = found else {
            unit.delete_document(document.id)?;
            continue;
        };
        if document.fingerprint == fingerprint && document.strategy == declared.strategy {
            continue;
        }
        document.fingerprint = fingerprint;
        document.strategy = declared.strategy.clone();
        document.status = DocumentStatus::Processing;
        document.progress = 0;
        document.updated_at = now;
        unit.update_document(&document)?;
    }
    for (path, fingerprint) in files {
        unit.insert_document(&DocumentRecord {
            id: app.ids.next(),
            dataset: id,
            creator: LOCAL_USER,
            kind: ending(Path::new(&path)),
            name: path.clone(),
            path: Some(path),
            fingerprint,
            strategy: declared.strategy.clone(),
            created_at: now,
            updated_at: now,
            ..DocumentRecord::default()
        })?;
    }
    Ok(())
}
