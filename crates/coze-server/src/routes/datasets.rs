//! Datasets, how far their documents are, and their pictures.

use coze_types::datasets::{
    CreateDataset, CreatedDataset, Dataset, DatasetImage, DatasetImageList, DatasetList,
    DatasetStatus, DeleteDataset, DocumentProgress, DocumentProgressList, ListDatasetImages,
    ListDatasets, RetrieveDocumentProgress, UpdateDataset, UpdateDatasetImage,
};
use coze_types::knowledge::{DocumentStatus, FormatType};
use coze_types::{Data, Empty, Id, Timestamp};

use crate::app::App;
use crate::blobs;
use crate::call::Call;
use crate::caller::Caller;
use crate::fail::Fail;
use crate::knowledge;
use crate::store::{
    DatasetFilter, DatasetRecord, DatasetTotals, DocumentFilter, DocumentRecord, Unit, number,
};
use crate::validate;

/// Documents that one question about progress may name.
const ASKED: usize = 100;

/// The dataset of that id, if the caller may see it.
pub(crate) fn find(unit: &dyn Unit, caller: &Caller, id: &str) -> Result<DatasetRecord, Fail> {
    validate::required("dataset_id", id)?;
    caller.open("dataset", id, unit.dataset(number(id))?)
}

/// What `coze.yaml` declares is changed there.
pub(super) fn not_declared(dataset: &DatasetRecord) -> Result<(), Fail> {
    match dataset.declared {
        true => Err(Fail::invalid(
            "dataset_id",
            "the dataset comes from a folder that coze.yaml names; change it there",
        )),
        false => Ok(()),
    }
}

/// Only its owner changes a dataset and takes documents out of it.
pub(super) fn owned(caller: &Caller, dataset: &DatasetRecord) -> Result<(), Fail> {
    if dataset.creator == caller.user() {
        return Ok(());
    }
    let msg = format!(
        "the dataset {} can be changed by its owner only",
        dataset.id
    );
    Err(Fail::new(4101, msg))
}

/// Its owner removes a dataset, and whoever administrates its workspace.
fn removable(caller: &Caller, dataset: &DatasetRecord) -> Result<(), Fail> {
    let role = caller.role(dataset.space);
    if dataset.creator == caller.user() || matches!(role, Some("owner" | "admin")) {
        return Ok(());
    }
    let msg = format!(
        "the dataset {} can be removed by its owner and by administrators of its workspace only",
        dataset.id
    );
    Err(Fail::new(4101, msg))
}

fn name(name: &str) -> Result<(), Fail> {
    validate::required("name", name.trim())?;
    validate::at_most("name", name, 100)
}

fn icon(unit: &dyn Unit, caller: &Caller, id: Option<Id>) -> Result<Option<i64>, Fail> {
    let Some(id) = id.filter(|id| !id.is_unset()) else {
        return Ok(None);
    };
    caller.open("file", &id, unit.file(number(&id))?)?;
    Ok(Some(number(&id)))
}

pub(crate) async fn create(
    app: App,
    call: Call<CreateDataset>,
) -> Result<Data<CreatedDataset>, Fail> {
    let (user, body) = (call.user, call.row.body);
    name(&body.name)?;
    let space = user.space("space_id", &body.space_id)?;
    let known = matches!(
        body.format_type,
        FormatType::Text | FormatType::Table | FormatType::Image
    );
    if !known {
        let why = format!("{} is none of 0, 1, 2", body.format_type);
        return Err(Fail::invalid("format_type", why));
    }
    let description = body.description.unwrap_or_default();
    validate::at_most("description", &description, 2000)?;
    let (id, now) = (app.ids.next(), app.now());
    app.db
        .write(move |unit| {
            unit.put_dataset(&DatasetRecord {
                id,
                space,
                creator: user.user(),
                declared: false,
                name: body.name,
                description,
                icon: icon(unit, &user, body.file_id)?,
                format: body.format_type,
                strategy: None,
                created_at: now,
                updated_at: now,
            })?;
            Ok(Data {
                data: CreatedDataset {
                    dataset_id: id.into(),
                },
            })
        })
        .await
}

pub(crate) async fn list(app: App, call: Call<ListDatasets>) -> Result<Data<DatasetList>, Fail> {
    let (user, query) = (call.user, call.row.query);
    let space = user.space("space_id", &query.space_id)?;
    let (page, size) = validate::page(query.page_num, query.page_size, 10, 300)?;
    let filter = DatasetFilter {
        space,
        name: query.name.unwrap_or_default(),
        format: query.format_type,
        skip: page.saturating_mul(size),
        limit: size,
    };
    let configured = app.configured();
    app.db
        .read(move |unit| {
            let (page, total_count) = unit.datasets(&filter)?;
            let mut dataset_list = Vec::new();
            for dataset in page {
                let creator = unit.user(dataset.creator)?;
                let totals = unit.dataset_totals(dataset.id)?;
                let id = dataset.id.to_string();
                let uses = configured.bots.values();
                let uses = uses.filter(|it| it.config.knowledge.datasets.contains(&id));
                let mut wire = wire(&user, dataset, &totals);
                wire.bot_used_count = i64::try_from(uses.count()).unwrap_or(i64::MAX);
                if let Some(creator) = creator {
                    wire.creator_name = Some(creator.nick_name);
                    wire.avatar_url = Some(creator.avatar_url);
                }
                dataset_list.push(wire);
            }
            Ok::<_, Fail>(Data {
                data: DatasetList {
                    dataset_list,
                    total_count,
                },
            })
        })
        .await
}

fn wire(caller: &Caller, it: DatasetRecord, totals: &DatasetTotals) -> Dataset {
    let names = |status: Option<DocumentStatus>| {
        let files = totals.files.iter();
        let files = files.filter(move |file| status.is_none_or(|status| file.2 == status));
        files.map(|file| file.1.clone()).collect()
    };
    let at_work = totals.files.iter();
    let at_work = at_work.filter(|file| file.2 == DocumentStatus::Processing);
    Dataset {
        dataset_id: it.id.into(),
        name: it.name,
        description: it.description,
        space_id: it.space.into(),
        status: DatasetStatus::Enabled,
        format_type: it.format,
        can_edit: it.creator == caller.user() && !it.declared,
        icon_uri: Some(it.icon.map_or_else(String::new, |id| id.to_string())),
        icon_url: Some(String::new()),
        doc_count: totals.documents,
        hit_count: totals.hits,
        slice_count: totals.slices,
        all_file_size: Some(totals.size),
        file_list: names(None),
        failed_file_list: names(Some(DocumentStatus::Failed)),
        processing_file_list: names(Some(DocumentStatus::Processing)),
        processing_file_id_list: at_work.map(|file| file.0.into()).collect(),
        chunk_strategy: it.strategy,
        creator_id: Some(it.creator.into()),
        create_time: Timestamp(it.created_at),
        update_time: Timestamp(it.updated_at),
        ..Dataset::default()
    }
}

pub(crate) async fn update(app: App, call: Call<UpdateDataset>) -> Result<Empty, Fail> {
    let (user, id, body) = (call.user, call.row.dataset_id, call.row.body);
    name(&body.name)?;
    let description = body.description.unwrap_or_default();
    validate::at_most("description", &description, 2000)?;
    let now = app.now();
    app.db
        .write(move |unit| {
            let mut dataset = find(unit, &user, &id)?;
            owned(&user, &dataset)?;
            not_declared(&dataset)?;
            dataset.name = body.name;
            dataset.description = description;
            dataset.icon = icon(unit, &user, body.file_id)?;
            dataset.updated_at = now;
            unit.put_dataset(&dataset)?;
            Ok(Empty {})
        })
        .await
}

pub(crate) async fn delete(app: App, call: Call<DeleteDataset>) -> Result<Empty, Fail> {
    let (user, id) = (call.user, call.row.dataset_id);
    let files = app
        .db
        .write(move |unit| {
            let dataset = find(unit, &user, &id)?;
            removable(&user, &dataset)?;
            not_declared(&dataset)?;
            let totals = unit.dataset_totals(dataset.id)?;
            unit.delete_dataset(dataset.id)?;
            Ok::<_, Fail>(totals.files)
        })
        .await?;
    blobs::forget(&app, files.into_iter().map(|file| file.0)).await;
    Ok(Empty {})
}

pub(crate) async fn progress(
    app: App,
    call: Call<RetrieveDocumentProgress>,
) -> Result<Data<DocumentProgressList>, Fail> {
    let (user, id, body) = (call.user, call.row.dataset_id, call.row.body);
    let count = body.document_ids.len();
    if !(1..=ASKED).contains(&count) {
        let why = format!("there are {count}; 1 to {ASKED} are allowed");
        return Err(Fail::invalid("document_ids", why));
    }
    let now = app.now();
    app.db
        .read(move |unit| {
            let dataset = find(unit, &user, &id)?;
            let mut data = Vec::new();
            for (at, id) in body.document_ids.iter().enumerate() {
                let found = unit.document(number(id))?;
                let Some(document) = found.filter(|it| it.dataset == dataset.id) else {
                    let why = format!("the dataset {} has no document {id}", dataset.id);
                    return Err(Fail::invalid(format!("document_ids[{at}]"), why));
                };
                data.push(progress_of(document, now));
            }
            Ok(Data {
                data: DocumentProgressList { data },
            })
        })
        .await
}

fn progress_of(it: DocumentRecord, now: i64) -> DocumentProgress {
    let remaining_time = match it.status {
        // As fast as so far; nothing is known before it began.
        DocumentStatus::Processing => it.begun_at.map_or(1, |begun| {
            let spent = (now - begun).max(1);
            let left = spent * (100 - it.progress) / it.progress.max(1);
            left.max(1)
        }),
        _ => 0,
    };
    DocumentProgress {
        document_id: it.id.into(),
        document_name: it.name,
        status: it.status,
        progress: it.progress,
        update_type: it.update_type,
        update_interval: it.update_interval,
        remaining_time,
        size: it.size,
        kind: it.kind,
        url: Some(it.web_url.unwrap_or_default()),
        status_descript: Some(it.descript).filter(|it| !it.is_empty()),
    }
}

pub(crate) async fn images(
    app: App,
    call: Call<ListDatasetImages>,
) -> Result<Data<DatasetImageList>, Fail> {
    let (user, id, query) = (call.user, call.row.dataset_id, call.row.query);
    let (page, size) = validate::page(query.page_num, query.page_size, 10, 299)?;
    app.db
        .read(move |unit| {
            let dataset = find(unit, &user, &id)?;
            only_images(&dataset)?;
            let (page, total_count) = unit.documents(&DocumentFilter {
                dataset: dataset.id,
                caption: query.keyword.unwrap_or_default(),
                has_caption: query.has_caption,
                skip: page.saturating_mul(size),
                limit: size,
            })?;
            Ok(Data {
                data: DatasetImageList {
                    photo_infos: page.into_iter().map(image).collect(),
                    total_count,
                },
            })
        })
        .await
}

fn only_images(dataset: &DatasetRecord) -> Result<(), Fail> {
    if dataset.format == FormatType::Image {
        return Ok(());
    }
    let why = format!("the dataset {} holds no pictures", dataset.id);
    Err(Fail::invalid("dataset_id", why))
}

fn image(it: DocumentRecord) -> DatasetImage {
    DatasetImage {
        document_id: it.id.into(),
        status: it.status,
        source_type: it.source,
        url: Some(it.web_url.unwrap_or_default()),
        name: Some(it.name),
        kind: Some(it.kind),
        caption: Some(it.caption.unwrap_or_default()),
        creator_id: Some(it.creator.into()),
        size: Some(it.size),
        create_time: Some(Timestamp(it.created_at)),
        update_time: Some(Timestamp(it.updated_at)),
        ..DatasetImage::default()
    }
}

pub(crate) async fn update_image(app: App, call: Call<UpdateDatasetImage>) -> Result<Empty, Fail> {
    let (user, row) = (call.user, call.row);
    let caption = row.body.caption.trim().to_owned();
    validate::required("caption", &caption)?;
    validate::at_most("caption", &caption, 10_000)?;
    let now = app.now();
    app.db
        .write(move |unit| {
            let dataset = find(unit, &user, &row.dataset_id)?;
            only_images(&dataset)?;
            not_declared(&dataset)?;
            let id = number(&row.document_id);
            let found = unit.document(id)?.filter(|it| it.dataset == dataset.id);
            let Some(mut document) = found else {
                return Err(Fail::not_found("document", &row.document_id));
            };
            document.caption = Some(caption);
            document.updated_at = now;
            // A picture at work takes the new caption when its turn comes.
            if document.status != DocumentStatus::Processing {
                knowledge::retell(unit, &mut document)?;
            }
            unit.update_document(&document)?;
            Ok(())
        })
        .await?;
    // Its vector, if there is a model for it, is made beside.
    app.indexing.notify_one();
    Ok(Empty {})
}
