//! What `coze.yaml` has besides agents, models and workflows, made ready: apps, folders, templates.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::config::{AppConfig, FolderConfig, LOCAL_SPACE, LOCAL_USER, Space, TemplateConfig};
use crate::store::{AppRecord, number};

/// Apps, folders and templates of one reading of the file.
#[derive(Debug, Default)]
pub(crate) struct Library {
    pub(crate) apps: BTreeMap<String, Arc<AppEntry>>,
    pub(crate) folders: Vec<FolderConfig>,
    pub(crate) templates: Vec<TemplateConfig>,
}

/// An app, of the file or of the store.
#[derive(Debug, Clone, Default)]
pub(crate) struct AppEntry {
    pub(crate) id: i64,
    pub(crate) space: i64,
    pub(crate) owner: i64,
    pub(crate) config: AppConfig,
    pub(crate) created_at: i64,
    pub(crate) folder: Option<i64>,
}

impl Library {
    pub(crate) fn new(space: &Space, read_at: i64) -> Self {
        let apps = space.apps.iter().map(|config| {
            let folder = |it: &&FolderConfig| it.apps.contains(&config.id);
            let entry = AppEntry {
                id: number(&config.id),
                space: LOCAL_SPACE,
                owner: LOCAL_USER,
                config: config.clone(),
                created_at: read_at,
                folder: space.folders.iter().find(folder).map(|it| number(&it.id)),
            };
            (config.id.clone(), Arc::new(entry))
        });
        Self {
            apps: apps.collect(),
            folders: space.folders.clone(),
            templates: space.templates.clone(),
        }
    }
}

impl From<AppRecord> for AppEntry {
    fn from(it: AppRecord) -> Self {
        Self {
            id: it.id,
            space: it.space,
            owner: it.owner,
            config: it.definition,
            created_at: it.created_at,
            folder: None,
        }
    }
}
