//! Documents of datasets.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use coze_types::documents::{
    CreateDocuments, CreateDocumentsBody, CreatedDocuments, DeleteDocuments, Document,
    DocumentPage, ListDocuments, ListDocumentsByQuery, NewDocument, SourceInfo, UpdateDocument,
    UpdateRule, UpdatedDocument,
};
use coze_types::knowledge::{
    CaptionType, ChunkStrategy, ChunkType, DocumentSource, DocumentStatus, FormatType, UpdateType,
};
use coze_types::{Empty, Id, Timestamp};

use super::datasets::{find, not_declared, owned};
use crate::app::App;
use crate::blobs;
use crate::call::Call;
use crate::caller::Caller;
use crate::fail::Fail;
use crate::knowledge::{Kind, kind_of};
use crate::store::{DatasetRecord, DocumentFilter, DocumentRecord, Unit, number};
use crate::validate;

/// Documents of one call.
const AT_ONCE: usize = 10;
/// Documents that one call may remove.
const REMOVED: usize = 100;

/// Where a new document comes from, checked.
enum Source {
    Bytes(Vec<u8>),
    Web(String),
    /// An uploaded file.
    File(i64),
}

pub(crate) async fn create(
    app: App,
    call: Call<CreateDocuments>,
) -> Result<CreatedDocuments, Fail> {
    let (user, body) = (call.user, call.row.body);
    let (caller, id) = (user.clone(), body.dataset_id.clone());
    let (dataset, filled) = app
        .db
        .read(move |unit| {
            let dataset = find(unit, &caller, &id)?;
            let filled = unit.dataset_totals(dataset.id)?.documents > 0;
            Ok::<_, Fail>((dataset, filled))
        })
        .await?;
    not_declared(&dataset)?;
    check(&dataset, &body)?;
    let strategy = match &dataset.strategy {
        Some(strategy) if filled => strategy.clone(),
        _ => {
            check_strategy(&dataset, &body.chunk_strategy)?;
            body.chunk_strategy.clone()
        }
    };
    let mut records = Vec::new();
    let mut written = Vec::new();
    for (at, base) in body.document_bases.iter().enumerate() {
        let field = format!("document_bases[{at}]");
        let record = new(&app, &user, &dataset, &strategy, &field, base, &mut written).await;
        match record {
            Ok(record) => records.push(record),
            Err(fail) => {
                // Nobody will ask for what was refused; a leftover would only take room.
                blobs::forget(&app, written).await;
                return Err(fail);
            }
        }
    }
    let now = app.now();
    let entered = app.db.write(move |unit| {
        let mut dataset = find(unit, &user, &body.dataset_id)?;
        // Two first uploads may come at once; both keep what they asked for.
        if dataset.strategy.as_ref() != Some(&strategy) {
            dataset.strategy = Some(strategy);
        }
        dataset.updated_at = now;
        unit.put_dataset(&dataset)?;
        for record in &records {
            unit.insert_document(record)?;
        }
        let space = dataset.space;
        Ok::<_, Fail>(records.into_iter().map(|it| wire(it, space)).collect())
    });
    let document_infos = match entered.await {
        Ok(infos) => infos,
        Err(fail) => {
            blobs::forget(&app, written).await;
            return Err(fail);
        }
    };
    app.indexing.notify_one();
    Ok(CreatedDocuments { document_infos })
}

fn check(dataset: &DatasetRecord, body: &CreateDocumentsBody) -> Result<(), Fail> {
    // 0 is also what SDKs send for nothing.
    if body.format_type != FormatType::Text && body.format_type != dataset.format {
        let why = format!("the dataset has the type {}", dataset.format);
        return Err(Fail::invalid("format_type", why));
    }
    let count = body.document_bases.len();
    if !(1..=AT_ONCE).contains(&count) {
        let why = format!("there are {count}; 1 to {AT_ONCE} are allowed");
        return Err(Fail::invalid("document_bases", why));
    }
    if dataset.format == FormatType::Table && count > 1 {
        let why = "a dataset of tables takes one document at a time";
        return Err(Fail::invalid("document_bases", why));
    }
    let forms = body.document_bases.iter().map(|it| form(&it.source_info));
    let mut forms = forms.enumerate();
    let first = forms.next().map(|(_, form)| form);
    if let Some((at, _)) = forms.find(|(_, form)| Some(*form) != first) {
        let field = format!("document_bases[{at}].source_info");
        return Err(Fail::invalid(
            field,
            "all documents of a call come the same way",
        ));
    }
    Ok(())
}

/// Which of the forms a source has; several or none are told apart later.
fn form(source: &SourceInfo) -> [bool; 4] {
    let set = |text: Option<&str>| text.is_some_and(|it| !it.is_empty());
    [
        set(source.file_base64.as_deref()),
        set(source.web_url.as_deref()),
        set(source.source_file_id.as_deref()),
        set(source.custom_content.as_deref()),
    ]
}

fn check_strategy(dataset: &DatasetRecord, strategy: &ChunkStrategy) -> Result<(), Fail> {
    if dataset.format == FormatType::Image {
        return match strategy.caption_type.map(CaptionType::value) {
            Some(0 | 1) => Ok(()),
            Some(other) => Err(Fail::invalid(
                "chunk_strategy.caption_type",
                format!("{other} is neither 0 nor 1"),
            )),
            None => Err(Fail::invalid(
                "chunk_strategy.caption_type",
                "it is required for the first pictures of a dataset",
            )),
        };
    }
    match strategy.chunk_type {
        ChunkType::Automatic | ChunkType::Level => {}
        ChunkType::Custom => {
            let separator = strategy.separator.as_deref().unwrap_or_default();
            validate::required("chunk_strategy.separator", separator)?;
            if strategy.max_tokens.is_none() {
                let why = "it is required when chunk_type is 1";
                return Err(Fail::invalid("chunk_strategy.max_tokens", why));
            }
        }
        ChunkType::Other(other) => {
            let why = format!("{other} is none of 0, 1, 2");
            return Err(Fail::invalid("chunk_strategy.chunk_type", why));
        }
    }
    match strategy.max_tokens {
        Some(tokens) if !(100..=2000).contains(&tokens) && tokens != 0 => Err(Fail::invalid(
            "chunk_strategy.max_tokens",
            format!("{tokens} is not 100 to 2000"),
        )),
        _ => Ok(()),
    }
}

async fn new(
    app: &App,
    user: &Caller,
    dataset: &DatasetRecord,
    strategy: &ChunkStrategy,
    field: &str,
    base: &NewDocument,
    written: &mut Vec<i64>,
) -> Result<DocumentRecord, Fail> {
    validate::required(&format!("{field}.name"), base.name.trim())?;
    validate::at_most(&format!("{field}.name"), &base.name, 255)?;
    let place = format!("{field}.source_info");
    let source = source(app, &place, &base.source_info)?;
    let (rule_type, interval) = rule(&format!("{field}.update_rule"), base.update_rule.as_ref())?;
    if rule_type == UpdateType::Auto && !matches!(source, Source::Web(_)) {
        let why = "only web pages are read again";
        return Err(Fail::invalid(format!("{field}.update_rule"), why));
    }
    let (id, now) = (app.ids.next(), app.now());
    let mut record = DocumentRecord {
        id,
        dataset: dataset.id,
        creator: user.user(),
        name: base.name.clone(),
        format: dataset.format,
        caption: base.caption.clone().filter(|it| !it.trim().is_empty()),
        strategy: strategy.clone(),
        status: DocumentStatus::Processing,
        update_type: rule_type,
        update_interval: interval,
        created_at: now,
        updated_at: now,
        ..DocumentRecord::default()
    };
    match source {
        Source::Web(url) => {
            record.source = DocumentSource::WebPage;
            record.kind = "html".to_owned();
            record.web_url = Some(url);
            if dataset.format == FormatType::Image {
                let why = "pictures come as uploaded files";
                return Err(Fail::invalid(format!("{place}.web_url"), why));
            }
        }
        Source::File(file) => {
            let caller = user.clone();
            let found = app.db.read(move |unit| {
                let found = unit.file(file)?;
                caller.open("file", file, found)
            });
            let file = found.await?;
            record.source = DocumentSource::UploadedFile;
            record.kind = ending(&file.file_name)
                .or_else(|| ending(&base.name))
                .unwrap_or_default();
            record.size = file.bytes;
            record.file = Some(number(&file.id));
            fits(dataset, &format!("{place}.source_file_id"), &record.kind)?;
        }
        Source::Bytes(bytes) => {
            let own = base.source_info.custom_content.is_some();
            record.source = match own {
                true => DocumentSource::Custom,
                false => DocumentSource::LocalFile,
            };
            record.kind = match (own, dataset.format) {
                (true, FormatType::Table) => "json".to_owned(),
                (true, _) => "txt".to_owned(),
                (false, _) => {
                    let kind = base.source_info.file_type.as_deref().unwrap_or_default();
                    let kind = kind.trim_start_matches('.').to_ascii_lowercase();
                    validate::required(&format!("{place}.file_type"), &kind)?;
                    kind
                }
            };
            fits(dataset, &format!("{place}.file_type"), &record.kind)?;
            record.size = i64::try_from(bytes.len()).unwrap_or(i64::MAX);
            record.file = Some(id);
            written.push(id);
            blobs::keep(app, id, &bytes).await?;
        }
    }
    Ok(record)
}

fn source(app: &App, place: &str, info: &SourceInfo) -> Result<Source, Fail> {
    let given = form(info);
    if given.iter().filter(|it| **it).count() != 1 {
        let why = "it needs exactly one of file_base64, web_url and source_file_id";
        return Err(Fail::invalid(place, why));
    }
    let [base64, web, uploaded, _] = given;
    let kind = info.document_source.map_or(-1, DocumentSource::value);
    let fits = match kind {
        // SDKs leave it out for local files; 0 says nothing.
        -1 | 0 => true,
        1 => web,
        2 => info.custom_content.is_some(),
        5 => uploaded,
        _ => false,
    };
    if !fits {
        let field = format!("{place}.document_source");
        return Err(Fail::invalid(
            field,
            format!("{kind} does not fit what is given"),
        ));
    }
    if base64 {
        let text = info.file_base64.as_deref().unwrap_or_default();
        let bytes = STANDARD.decode(text.trim_ascii());
        let field = format!("{place}.file_base64");
        let bytes = bytes
            .map_err(|error| Fail::invalid(&field, format!("it is no standard base64: {error}")))?;
        if bytes.is_empty() {
            return Err(Fail::invalid(field, "the file is empty"));
        }
        return Ok(Source::Bytes(bytes));
    }
    if web {
        let url = info.web_url.as_deref().unwrap_or_default();
        let checked = app.configured().outbound.check(url);
        let checked = checked.map_err(|why| Fail::invalid(format!("{place}.web_url"), why))?;
        return Ok(Source::Web(checked.into()));
    }
    if uploaded {
        let id = info.source_file_id.as_deref().unwrap_or_default();
        return Ok(Source::File(number(id)));
    }
    let text = info.custom_content.clone().unwrap_or_default();
    Ok(Source::Bytes(text.into_bytes()))
}

/// The ending of a file name, in small letters.
fn ending(name: &str) -> Option<String> {
    let (_, ending) = name.rsplit_once('.')?;
    (!ending.is_empty()).then(|| ending.to_ascii_lowercase())
}

/// A dataset takes files of its own type.
fn fits(dataset: &DatasetRecord, field: &str, kind: &str) -> Result<(), Fail> {
    let (right, takes) = match dataset.format {
        FormatType::Image => (
            kind_of(kind) == Some(Kind::Picture),
            "png, jpg, jpeg, webp, gif, bmp",
        ),
        FormatType::Table => (
            kind_of(kind).is_some_and(Kind::is_table),
            "csv, tsv, xlsx, xlsm, json",
        ),
        // `doc` is documented; that it cannot be read is told as the failure of the document.
        _ => (
            kind == "doc" || kind_of(kind).is_some_and(|kind| kind != Kind::Picture),
            "txt, md, html, pdf, doc, docx, csv, xlsx",
        ),
    };
    match right {
        true => Ok(()),
        false => {
            let why = format!("the dataset takes {takes}, and not {kind:?}");
            Err(Fail::invalid(field, why))
        }
    }
}

fn rule(field: &str, rule: Option<&UpdateRule>) -> Result<(UpdateType, i64), Fail> {
    let Some(rule) = rule else {
        return Ok((UpdateType::Never, 0));
    };
    match rule.update_type {
        UpdateType::Never => Ok((UpdateType::Never, rule.update_interval.max(0))),
        UpdateType::Auto if rule.update_interval >= 24 => {
            // Ten years, so that sums with it stay numbers.
            Ok((UpdateType::Auto, rule.update_interval.min(87_600)))
        }
        UpdateType::Auto => {
            let why = format!("{} is less than 24 hours", rule.update_interval);
            Err(Fail::invalid(format!("{field}.update_interval"), why))
        }
        UpdateType::Other(other) => {
            let why = format!("{other} is neither 0 nor 1");
            Err(Fail::invalid(format!("{field}.update_type"), why))
        }
    }
}

fn wire(it: DocumentRecord, space: i64) -> Document {
    Document {
        document_id: it.id.into(),
        name: it.name,
        char_count: it.char_count,
        size: it.size,
        slice_count: it.slice_count,
        hit_count: it.hit_count,
        kind: it.kind,
        format_type: it.format,
        source_type: it.source,
        status: it.status,
        create_time: Timestamp(it.created_at),
        update_time: Timestamp(it.updated_at),
        update_type: it.update_type,
        update_interval: it.update_interval,
        chunk_strategy: Some(it.strategy),
        creator_id: Some(it.creator.into()),
        space_id: Some(space.into()),
        web_url: it.web_url,
        status_descript: Some(it.descript).filter(|it| !it.is_empty()),
        ..Document::default()
    }
}

pub(crate) async fn list(app: App, call: Call<ListDocuments>) -> Result<DocumentPage, Fail> {
    let body = call.row.body;
    page(app, call.user, body.dataset_id, body.page, body.size).await
}

pub(crate) async fn list_by_query(
    app: App,
    call: Call<ListDocumentsByQuery>,
) -> Result<DocumentPage, Fail> {
    let query = call.row.query;
    page(app, call.user, query.dataset_id, query.page, query.size).await
}

async fn page(
    app: App,
    user: Caller,
    dataset: Id,
    page: Option<i64>,
    size: Option<i64>,
) -> Result<DocumentPage, Fail> {
    // One page of the reference counts from 0.
    let page = page.map(|page| if page == 0 { 1 } else { page });
    let (page, size) = validate::page_named(("page", page), ("size", size), 10, 300)?;
    app.db
        .read(move |unit| {
            let dataset = find(unit, &user, &dataset)?;
            let (documents, total) = unit.documents(&DocumentFilter {
                dataset: dataset.id,
                skip: page.saturating_mul(size),
                limit: size,
                ..DocumentFilter::default()
            })?;
            let documents = documents.into_iter();
            Ok(DocumentPage {
                document_infos: documents.map(|it| wire(it, dataset.space)).collect(),
                total,
            })
        })
        .await
}

/// The document of that id and its dataset, if the caller may see it.
fn find_document(
    unit: &dyn Unit,
    caller: &Caller,
    field: &str,
    id: &str,
) -> Result<(DocumentRecord, DatasetRecord), Fail> {
    validate::required(field, id)?;
    let Some(document) = unit.document(number(id))? else {
        return Err(Fail::not_found("document", id));
    };
    let dataset = unit.dataset(document.dataset)?;
    let dataset = caller.open("document", id, dataset)?;
    not_declared(&dataset)?;
    Ok((document, dataset))
}

pub(crate) async fn update(app: App, call: Call<UpdateDocument>) -> Result<UpdatedDocument, Fail> {
    let (user, body) = (call.user, call.row.body);
    if let Some(name) = &body.document_name {
        validate::required("document_name", name.trim())?;
        validate::at_most("document_name", name, 255)?;
    }
    let given = rule("update_rule", body.update_rule.as_ref())?;
    let now = app.now();
    let updated = app.db.write(move |unit| {
        let found = find_document(unit, &user, "document_id", &body.document_id)?;
        let (mut document, dataset) = found;
        if let Some(name) = body.document_name {
            document.name = name;
        }
        if body.update_rule.is_some() {
            if given.0 == UpdateType::Auto && document.web_url.is_none() {
                return Err(Fail::invalid(
                    "update_rule",
                    "only web pages are read again",
                ));
            }
            (document.update_type, document.update_interval) = given;
        }
        document.updated_at = now;
        unit.update_document(&document)?;
        Ok(UpdatedDocument {
            document_info: Some(wire(document, dataset.space)),
        })
    });
    updated.await
}

pub(crate) async fn delete(app: App, call: Call<DeleteDocuments>) -> Result<Empty, Fail> {
    let (user, ids) = (call.user, call.row.body.document_ids);
    if !(1..=REMOVED).contains(&ids.len()) {
        let why = format!("there are {}; 1 to {REMOVED} are allowed", ids.len());
        return Err(Fail::invalid("document_ids", why));
    }
    let removed = app.db.write(move |unit| {
        let mut documents = Vec::new();
        for (at, id) in ids.iter().enumerate() {
            let field = format!("document_ids[{at}]");
            let (document, dataset) = find_document(unit, &user, &field, id)?;
            owned(&user, &dataset)?;
            documents.push(document);
        }
        if let Some(at) = documents
            .iter()
            .position(|it| it.dataset != documents[0].dataset)
        {
            let why = "the documents are of more than one dataset";
            return Err(Fail::invalid(format!("document_ids[{at}]"), why));
        }
        for document in &documents {
            unit.delete_document(document.id)?;
        }
        Ok::<_, Fail>(documents.into_iter().map(|it| it.id).collect::<Vec<_>>())
    });
    let removed = removed.await?;
    blobs::forget(&app, removed).await;
    Ok(Empty {})
}
