//! Knowledge nodes: what they look up, add and remove, in the space of their workflow.

use coze_types::knowledge::{ChunkStrategy, ChunkType, DocumentSource, DocumentStatus, FormatType};
use coze_workflow::{KnowledgeSearch, KnowledgeWrite};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::app::App;
use crate::fail::Fail;
use crate::knowledge::{KnowledgeConfig, Passage, Strategy, count_hits, recall};
use crate::store::{DatasetRecord, DocumentRecord, RunRecord, Unit, number};

/// The longest file name.
const NAME: usize = 255;

/// The space of a run: that of its workflow.
pub(super) async fn space(app: &App, run: &RunRecord) -> Result<i64, Fail> {
    let (configured, workflow) = (app.configured(), run.workflow_id.clone());
    let found = app
        .db
        .read(move |unit| super::bill::space(unit, &configured, &workflow));
    let gone = || Fail::not_found("workflow", &run.workflow_id);
    found.await?.ok_or_else(gone)
}

/// What is found in that space; each document of it counts a hit.
pub(super) async fn passages(
    app: &App,
    space: i64,
    it: KnowledgeSearch,
) -> Result<Vec<Passage>, Fail> {
    let config = KnowledgeConfig {
        datasets: it.datasets,
        top_k: usize::try_from(it.top_k).unwrap_or(usize::MAX).min(20),
        min_score: it.min_score,
        strategy: Strategy::from_number(it.strategy).unwrap_or_default(),
        auto: true,
    };
    let passages = recall(app, space, &config, &it.query).await?;
    count_hits(app, &passages).await?;
    Ok(passages)
}

pub(super) async fn search(app: &App, run: &RunRecord, it: KnowledgeSearch) -> Result<Value, Fail> {
    let passages = passages(app, space(app, run).await?, it).await?;
    let list = passages
        .into_iter()
        .map(|it| json!({"documentId": it.document.to_string(), "output": it.text}));
    Ok(list.collect())
}

/// The dataset of that id, if the workflow may write to it.
fn writable(unit: &dyn Unit, space: i64, id: i64) -> Result<DatasetRecord, Fail> {
    let found = unit.dataset(id)?.filter(|it| it.space == space);
    let dataset = found.ok_or_else(|| Fail::not_found("dataset", id))?.it;
    if dataset.declared {
        let why = "it comes from a folder that coze.yaml names; put the document there";
        return Err(Fail::invalid(format!("dataset {id}"), why));
    }
    Ok(dataset)
}

/// A file as workflows are given one: its address, or the id of an upload.
#[derive(Deserialize)]
struct Upload {
    file_id: coze_types::Id,
}

pub(super) async fn write(app: &App, run: &RunRecord, it: KnowledgeWrite) -> Result<Value, Fail> {
    let (space, id, now) = (space(app, run).await?, app.ids.next(), app.now());
    let strategy = it.chunking.map(|it| ChunkStrategy {
        chunk_type: ChunkType::Custom,
        separator: Some(it.separator),
        max_tokens: Some(it.max_tokens.clamp(100, 2000)),
        overlap: Some(it.overlap_percent),
        ..ChunkStrategy::default()
    });
    let upload = serde_json::from_str::<Upload>(&it.file).ok();
    let url = match &upload {
        Some(_) => String::new(),
        None => {
            let checked = app.configured().outbound.check(&it.file);
            checked
                .map_err(|why| Fail::invalid("knowledge", why))?
                .into()
        }
    };
    let dataset = number(&it.dataset);
    let added = app.db.write(move |unit| {
        let mut dataset = writable(unit, space, dataset)?;
        if dataset.format != FormatType::Text {
            let why = "a workflow writes to datasets of texts only";
            return Err(Fail::invalid(format!("dataset {}", dataset.id), why));
        }
        let mut document = DocumentRecord {
            id,
            dataset: dataset.id,
            creator: dataset.creator,
            strategy: strategy.or(dataset.strategy.clone()).unwrap_or_default(),
            status: DocumentStatus::Processing,
            created_at: now,
            updated_at: now,
            ..DocumentRecord::default()
        };
        match upload {
            Some(upload) => {
                let file = unit.file(number(&upload.file_id))?;
                let file = file.filter(|it| it.space == space);
                let Some(file) = file else {
                    return Err(Fail::not_found("file", &upload.file_id));
                };
                document.source = DocumentSource::UploadedFile;
                document.file = Some(number(&file.it.id));
                document.name = file.it.file_name;
            }
            None => {
                document.source = DocumentSource::WebPage;
                document.name = name_of(&url);
                document.web_url = Some(url);
            }
        }
        let ending = document.name.rsplit_once('.').map(|(_, ending)| ending);
        document.kind = ending.unwrap_or("html").to_ascii_lowercase();
        if dataset.strategy.is_none() {
            dataset.strategy = Some(document.strategy.clone());
            unit.put_dataset(&dataset)?;
        }
        unit.insert_document(&document)?;
        Ok(document)
    });
    let document = added.await?;
    app.indexing.notify_one();
    Ok(json!({
        "documentId": document.id.to_string(),
        "fileName": document.name,
        "fileUrl": document.web_url.unwrap_or_default(),
    }))
}

/// The last part of the path of an address, or its host.
fn name_of(url: &str) -> String {
    let path = url.split(['?', '#']).next().unwrap_or_default();
    let mut parts = path.split('/').filter(|it| !it.is_empty());
    let name = parts.next_back().unwrap_or("page");
    name.chars().take(NAME).collect()
}

/// Whether the document was there.
pub(super) async fn delete(app: &App, run: &RunRecord, document: String) -> Result<Value, Fail> {
    let space = space(app, run).await?;
    let id = number(&document);
    let removed = app.db.write(move |unit| {
        let Some(document) = unit.document(id)? else {
            return Ok::<_, Fail>(false);
        };
        writable(unit, space, document.dataset)?;
        unit.delete_document(id)?;
        Ok(true)
    });
    let removed = removed.await?;
    if removed {
        crate::blobs::forget(app, [id]).await;
    }
    Ok(removed.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_is_named_by_its_address() {
        assert_eq!(name_of("https://example.com/a/b.pdf?x=1#y"), "b.pdf");
        assert_eq!(name_of("https://example.com/"), "example.com");
    }
}
